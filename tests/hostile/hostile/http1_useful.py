"""HTTP/1.1 responses that are right: what scenarios need to be tested against."""
import asyncio
import base64
import gzip
import hashlib
import re
import zlib
from email.parser import BytesParser
from email.policy import HTTP

from .http1 import at

USER, PASSWORD, TOKEN = "user", "secret", "token-of-the-user"


@at("/ok")
async def _(exchange):
    """200 with "ok"."""
    await exchange.answer(body="ok")


@at("/ok/*")
async def _(exchange):
    """The same under any name, for counting by path."""
    await exchange.answer(body="ok")


@at("/echo")
async def _(exchange):
    """What came, as JSON: method, target, headers (list of pairs), body (latin-1)."""
    await exchange.answer(body={
        "method": exchange.method, "target": exchange.target, "headers": exchange.headers,
        "body": exchange.body.decode("latin-1"), "port": exchange.port,
        "peer": exchange.writer.get_extra_info("peername")[0],
        "client": subject_of(exchange.writer)})


def subject_of(writer):
    """The common name of the client's certificate, or None."""
    tls = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert() if tls else None
    if not certificate:
        return None
    return next(value for part in certificate["subject"] for key, value in part
                if key == "commonName")


@at("/status/*")
async def _(exchange):
    """A correct response with that status: /status/503."""
    code = exchange.path.rsplit("/", 1)[1]
    status = int(code) if re.fullmatch(r"[2-5]\d\d", code) else 400
    await exchange.answer(status, f"status {status}", reason="Answer")


@at("/json")
async def _(exchange):
    """A JSON document with a token, a list of items and a number."""
    await exchange.answer(body={
        "token": "t-4711", "count": 3, "price": 19.5, "none": None,
        "items": [{"id": i, "name": f"item {i}", "stock": i * 10} for i in range(3)]})


@at("/html")
async def _(exchange):
    """A page with a form, a list and a hidden field, for XPath and CSS."""
    await exchange.answer(headers=[("Content-Type", "text/html; charset=utf-8")], body=(
        b"<!doctype html><html><head><title>A page</title></head><body><h1 id=top>Hello</h1>"
        b"<form action='/echo' method=post><input type=hidden name=csrf value='c-99'></form>"
        b"<ul class=list><li class=item>one</li><li class='item last'>two</li></ul></body></html>"))


@at("/bytes")
async def _(exchange):
    """A body of ?n=1000 bytes."""
    await exchange.answer(body=b"x" * exchange.number("n", 1000))


@at("/fail-first")
async def _(exchange):
    """503 to the first ?n=2 requests of ?key=, then 200."""
    key = "fail-first " + exchange.query.get("key", "")
    exchange.server.seen[key] += 1
    if exchange.server.seen[key] <= exchange.number("n", 2):
        await exchange.answer(503, "not yet", reason="Unavailable")
    else:
        await exchange.answer(body={"attempt": exchange.server.seen[key]})


@at("/fail-some")
async def _(exchange):
    """503 to every ?every=2-nd request of ?key=, else 200."""
    key = "fail-some " + exchange.query.get("key", "")
    exchange.server.seen[key] += 1
    if exchange.server.seen[key] % exchange.number("every", 2) == 0:
        await exchange.answer(503, "unlucky", reason="Unavailable")
    else:
        await exchange.answer(body="lucky")


@at("/gate")
async def _(exchange):
    """Waits until ?n=2 requests wait here at once, then answers all: for rendezvous and overlap."""
    gate = exchange.server.gates.setdefault(exchange.query.get("key", ""), [0, asyncio.Event()])
    gate[0] += 1
    if gate[0] >= exchange.number("n", 2):
        gate[1].set()
    await gate[1].wait()
    await exchange.answer(body={"together": gate[0]})


# -- redirects -------------------------------------------------------------------------------------


async def redirect(exchange, to, status=302):
    await exchange.answer(status, "moved", headers=[("Location", to)], reason="Found")


@at("/redirect/loop")
async def _(exchange):
    """302 to itself."""
    await redirect(exchange, "/redirect/loop")


@at("/redirect/endless")
async def _(exchange):
    """302 to ever new targets (?n= counts on)."""
    await redirect(exchange, f"/redirect/endless?n={exchange.number('n', 0) + 1}")


@at("/redirect/chain")
async def _(exchange):
    """302 in ?n=3 steps to /ok."""
    left = exchange.number("n", 3)
    await redirect(exchange, f"/redirect/chain?n={left - 1}" if left > 1 else "/ok")


@at("/redirect/status")
async def _(exchange):
    """?code=302 to /echo: what becomes of method and body."""
    await redirect(exchange, "/echo", exchange.number("code", 302))


@at("/redirect/relative")
async def _(exchange):
    """302 to `../echo`."""
    await redirect(exchange, "../echo")


@at("/redirect/away")
async def _(exchange):
    """302 to /echo on another host (localhost): credentials must not follow."""
    await redirect(exchange, f"http://localhost:{exchange.server.ports['http']}/echo")


@at("/redirect/nowhere")
async def _(exchange):
    """302 without Location."""
    await exchange.answer(302, "lost", reason="Found")


@at("/redirect/odd")
async def _(exchange):
    """302 to a scheme that is not HTTP."""
    await redirect(exchange, "gopher://127.0.0.1/")


# -- content codings -------------------------------------------------------------------------------


def deflated_zeros(mebibytes, wbits):
    """A compressed run of zeros, made piece by piece."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    zeros = bytes(2**20)
    for _ in range(mebibytes):
        yield packer.compress(zeros)
    yield packer.flush()


async def encoded(exchange, coding, body):
    await exchange.answer(body=body, headers=[("Content-Type", "text/plain"),
                                              ("Content-Encoding", coding)])


HELLO = b"hello compressed world"


@at("/gzip")
async def _(exchange):
    """"hello compressed world" as gzip."""
    await encoded(exchange, "gzip", gzip.compress(HELLO))


@at("/deflate")
async def _(exchange):
    """The same as deflate (zlib)."""
    await encoded(exchange, "deflate", zlib.compress(HELLO))


@at("/br")
async def _(exchange):
    """The same as brotli: one uncompressed metablock (RFC 7932)."""
    size = len(HELLO) - 1
    # WBITS 16 (1 bit), ISLAST 0, MNIBBLES 4 (2 bits 0), MLEN-1 (16 bits), ISUNCOMPRESSED 1.
    bits = (size << 4) | (1 << 20)
    await encoded(exchange, "br", bits.to_bytes(3, "little") + HELLO + b"\x03")


@at("/zstd")
async def _(exchange):
    """The same as zstd: one raw block in a single-segment frame (RFC 8878)."""
    block = (1 | len(HELLO) << 3).to_bytes(3, "little")
    await encoded(exchange, "zstd",
                  b"\x28\xb5\x2f\xfd\x20" + bytes([len(HELLO)]) + block + HELLO)


@at("/gzip/bomb")
async def _(exchange):
    """?mib=4096 of zeros as gzip, a thousandth of that on the wire."""
    await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")
    for piece in deflated_zeros(exchange.number("mib", 4096), 31):
        if piece:
            await exchange.raw(piece)
        await asyncio.sleep(0)
    await exchange.close()


@at("/gzip/truncated")
async def _(exchange):
    """Half of a gzip stream in a complete response."""
    packed = gzip.compress(b"hello" * 1000)
    await encoded(exchange, "gzip", packed[:len(packed) // 2])


@at("/gzip/garbage")
async def _(exchange):
    """Bytes that are no gzip, said to be."""
    await encoded(exchange, "gzip", b"this is no gzip stream at all")


@at("/encoding/unknown")
async def _(exchange):
    """A Content-Encoding nobody knows."""
    await encoded(exchange, "rot13", b"uryyb")


# -- streams ---------------------------------------------------------------------------------------


@at("/sse")
async def _(exchange):
    """?n=3 server-sent events, ?ms=5 between two; n=0 never ends."""
    await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                       b"Cache-Control: no-cache\r\nConnection: close\r\n\r\n")
    count, sent = exchange.number("n", 3), 0
    while count == 0 or sent < count:
        sent += 1
        await exchange.raw(b": comment\r\nid: %d\nevent: tick\ndata: {\"n\": %d}\ndata: more\n\n"
                           % (sent, sent))
        await asyncio.sleep(exchange.number("ms", 5) / 1000)
    await exchange.close()


# -- authentication --------------------------------------------------------------------------------


async def challenge(exchange, value):
    await exchange.answer(401, "who are you?", headers=[("WWW-Authenticate", value)],
                          reason="Unauthorized")


@at("/auth/basic")
async def _(exchange):
    """200 for user:secret by Basic, else 401."""
    expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if exchange.header("authorization") == expected:
        await exchange.answer(body="welcome")
    else:
        await challenge(exchange, 'Basic realm="hostile"')


@at("/auth/bearer")
async def _(exchange):
    """200 for `Bearer token-of-the-user`, else 401."""
    if exchange.header("authorization") == "Bearer " + TOKEN:
        await exchange.answer(body="welcome")
    else:
        await challenge(exchange, "Bearer")


@at("/auth/digest")
async def _(exchange):
    """Digest (RFC 7616, qop auth) for user and secret; ?algorithm=MD5 or SHA-256."""
    algorithm = exchange.query.get("algorithm", "MD5")
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', exchange.header("authorization") or ""))
    if digest_is_right(fields, exchange.method, algorithm):
        await exchange.answer(body="welcome")
    else:
        await challenge(exchange, f'Digest realm="hostile", qop="auth", algorithm={algorithm}, '
                                  'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c"')


def digest_is_right(fields, method, algorithm):
    def hashed(text):
        return hashlib.new(algorithm.replace("-", "").lower(), text.encode()).hexdigest()
    try:
        ha1 = hashed(f"{USER}:hostile:{PASSWORD}")
        ha2 = hashed(f"{method}:{fields['uri']}")
        expected = hashed(f"{ha1}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:"
                          f"{fields['qop']}:{ha2}")
        return fields["username"] == USER and fields["response"] == expected
    except (KeyError, ValueError):
        return False


# -- cookies and forms -----------------------------------------------------------------------------


@at("/cookies/set")
async def _(exchange):
    """Set-Cookie for each ?name=value, and one for /cookies/show only."""
    await exchange.answer(body="set", headers=[
        *(("Set-Cookie", f"{name}={value}; Path=/") for name, value in exchange.query.items()),
        ("Set-Cookie", "deep=1; Path=/cookies/show; HttpOnly"),
        ("Set-Cookie", "secure=1; Path=/; Secure"),
        ("Set-Cookie", "foreign=1; Domain=example.com; Path=/")])


@at("/cookies/show")
async def _(exchange):
    """The cookies that came, as JSON."""
    pairs = [part.strip().partition("=") for part in (exchange.header("cookie") or "").split(";")]
    await exchange.answer(body={name: value for name, _, value in pairs if name})


@at("/cookies/drop")
async def _(exchange):
    """Expires each cookie named in the query."""
    await exchange.answer(body="dropped", headers=[
        ("Set-Cookie", f"{name}=; Path=/; Max-Age=0") for name in exchange.query])


@at("/multipart")
async def _(exchange):
    """The parts of a multipart/form-data body as JSON: name -> {filename, type, size, text}."""
    head = f"Content-Type: {exchange.header('content-type')}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + exchange.body)
    parts = {}
    for part in message.iter_parts():
        payload = part.get_payload(decode=True) or b""
        parts[part.get_param("name", header="content-disposition")] = {
            "filename": part.get_filename(), "type": part.get_content_type(),
            "size": len(payload), "text": payload[:200].decode("latin-1")}
    await exchange.answer(body=parts)
