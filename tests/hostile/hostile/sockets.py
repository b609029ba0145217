"""Ports whose bad behaviour is below HTTP: each name is one port."""
import asyncio
import base64
import socket
import ssl

from .wire import close, hang, reset, send

HANDLERS = {}  # name -> function(server, reader, writer); docstring is the documentation


def port(name):
    def register(function):
        HANDLERS[name] = function
        return function
    return register


@port("accept-close")
async def _(server, reader, writer):
    """Accepts, then FIN at once."""
    await close(writer)


@port("accept-reset")
async def _(server, reader, writer):
    """Accepts, then RST at once."""
    reset(writer)


@port("silent")
async def _(server, reader, writer):
    """Accepts and never sends; does not notice that the client goes."""
    await hang()


@port("garbage")
async def _(server, reader, writer):
    """Sends bytes that are no protocol, then FIN."""
    await send(writer, bytes(range(256)) * 4)
    await close(writer)


@port("proxy")
async def _(server, reader, writer):
    """An HTTP proxy: absolute targets and CONNECT; counts each as `proxy <method> <target>`."""
    await proxy(server, reader, writer, None)


@port("proxy-auth")
async def _(server, reader, writer):
    """The same, for user:secret only; else 407."""
    await proxy(server, reader, writer, base64.b64encode(b"user:secret").decode())


async def proxy(server, reader, writer, credentials):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, OSError):
        return await close(writer)
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    allowed = credentials is None or any(
        line.lower().startswith("proxy-authorization:") and line.endswith(" " + credentials)
        for line in lines)
    server.counts.request(f"proxy {method} {target}")
    if not allowed:
        await send(writer, b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: "
                           b"Basic realm=\"p\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return await close(writer)
    authority = target if method == "CONNECT" else target.split("/")[2]
    host, _, number = authority.rpartition(":") if ":" in authority else (authority, "", "80")
    try:
        there_reader, there_writer = await asyncio.open_connection(host.strip("[]"), int(number))
    except OSError:
        await send(writer, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"
                           b"Connection: close\r\n\r\n")
        return await close(writer)
    if method == "CONNECT":
        await send(writer, b"HTTP/1.1 200 Connection established\r\n\r\n")
    else:
        # One exchange a connection keeps the proxy simple: the target closes, and so does it.
        path = "/" + "/".join(target.split("/")[3:])
        kept = [line for line in lines[1:-2]
                if not line.lower().startswith(("proxy-", "connection:"))]
        await send(there_writer, "\r\n".join(
            [f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]).encode("latin-1"))
    await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            await send(writer, data)
    except OSError:
        pass
    await close(writer)


def refused_socket():
    """A port that is taken but does not listen: connecting is refused."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


def full_listener():
    """A listener that never accepts and whose queue is full: connecting takes for ever."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return listener, fillers


def tls_context(folder, kind, alpn, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/{kind}.pem", f"{folder}/{kind}.key")
    context.set_alpn_protocols(alpn)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context
