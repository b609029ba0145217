"""HTTP/1.1 by hand: each path is one behaviour."""
import asyncio
import json
import urllib.parse
from dataclasses import dataclass, field

from .wire import close, reset, send

BEHAVIOURS = {}  # path -> function(Exchange); its docstring is the path's documentation


def at(path):
    """Registers a behaviour. A path ending in /* takes all below it."""
    def register(function):
        BEHAVIOURS[path] = function
        return function
    return register


@dataclass
class Exchange:
    """One request and the way to answer it."""
    server: object
    port: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    method: str
    target: str
    headers: list          # (lower-case name, value) in order
    body: bytes
    path: str = ""
    query: dict = field(default_factory=dict)
    keep: bool = True      # another request may follow on the connection

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)

    def number(self, name, default):
        return int(self.query.get(name, default))

    async def raw(self, data):
        await send(self.writer, data)

    async def answer(self, status=200, body=b"", headers=(), reason="OK"):
        """A correct response."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers = [("Content-Type", "application/json"), *headers]
        elif isinstance(body, str):
            body = body.encode()
            headers = [("Content-Type", "text/plain"), *headers]
        lines = [f"HTTP/1.1 {status} {reason}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if status != 204 and status != 304:
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        await self.raw(head if self.method == "HEAD" or status in (204, 304) else head + body)

    def reset(self):
        self.keep = False
        reset(self.writer)

    async def close(self):
        self.keep = False
        await close(self.writer)


async def read_request(server, port, reader, writer):
    """The next request, or None when the client has gone or speaks no HTTP/1."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        return None
    lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, _ = lines[0].split(" ", 2)
    except ValueError:
        return None
    headers = []
    for line in lines[1:]:
        if ":" in line:
            name, value = line.split(":", 1)
            headers.append((name.strip().lower(), value.strip()))
    exchange = Exchange(server, port, reader, writer, method, target, headers, b"")
    if exchange.header("expect") == "100-continue":
        await exchange.raw(b"HTTP/1.1 100 Continue\r\n\r\n")
    exchange.body = await read_body(exchange)
    url = urllib.parse.urlsplit(target)
    exchange.path = url.path
    exchange.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
    exchange.keep = (exchange.header("connection") or "").lower() != "close"
    return exchange


async def read_body(exchange):
    if (exchange.header("transfer-encoding") or "").lower() == "chunked":
        body = b""
        while True:
            size = int((await exchange.reader.readline()).split(b";")[0], 16)
            if size == 0:
                while (await exchange.reader.readline()).strip():
                    pass
                return body
            body += (await exchange.reader.readexactly(size + 2))[:-2]
    return await exchange.reader.readexactly(int(exchange.header("content-length") or 0))


def behaviour_of(path):
    """The most specific behaviour of a path, or None."""
    if path in BEHAVIOURS:
        return BEHAVIOURS[path]
    while "/" in path:
        path = path.rsplit("/", 1)[0]
        if path + "/*" in BEHAVIOURS:
            return BEHAVIOURS[path + "/*"]
    return None


async def serve(server, port, reader, writer):
    """All requests of one connection."""
    while True:
        exchange = await read_request(server, port, reader, writer)
        if exchange is None:
            break
        if not exchange.path.startswith("/_"):
            server.counts.request(exchange.path, exchange.method, exchange.target)
        behaviour = behaviour_of(exchange.path)
        if behaviour is None:
            await exchange.answer(404, f"no behaviour at {exchange.path}", reason="Not Found")
        else:
            await behaviour(exchange)
        if not exchange.keep:
            break
    await close(writer)


# -- control ---------------------------------------------------------------------------------------


@at("/_count")
async def _(exchange):
    """What arrived so far, as JSON (requests by path, connections by port); never counted itself."""
    await exchange.answer(body=exchange.server.counts.as_json())


@at("/_log")
async def _(exchange):
    """[method, target] of the requests so far, in order (at most 10,000)."""
    await exchange.answer(body=exchange.server.counts.log)


@at("/_clear")
async def _(exchange):
    """Forgets all counts."""
    exchange.server.counts.clear()
    await exchange.answer(204, reason="No Content")


@at("/_down")
async def _(exchange):
    """The port `flaky` dies: its listener closes, its connections are reset."""
    await exchange.server.flaky_down()
    await exchange.answer(204, reason="No Content")


@at("/_up")
async def _(exchange):
    """The port `flaky` returns, under the same number."""
    await exchange.server.flaky_up()
    await exchange.answer(204, reason="No Content")
