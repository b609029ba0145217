"""HTTP/1.1 responses that are cut, slow, endless or wrong."""
import asyncio

from .http1 import at
from .wire import hang

OK = b"HTTP/1.1 200 OK\r\n"


@at("/reset/now")
async def _(exchange):
    """RST instead of a response."""
    exchange.reset()


@at("/reset/head")
async def _(exchange):
    """RST in the middle of the response head."""
    await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Le")
    exchange.reset()


@at("/reset/body")
async def _(exchange):
    """RST in the middle of the body."""
    await exchange.raw(OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 500)
    await asyncio.sleep(0.02)  # let the bytes leave before the RST discards them
    exchange.reset()


@at("/close/now")
async def _(exchange):
    """FIN instead of a response."""
    await exchange.close()


@at("/close/head")
async def _(exchange):
    """FIN in the middle of the response head."""
    await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Le")
    await exchange.close()


@at("/close/body")
async def _(exchange):
    """FIN half way through a body of 1,000 bytes: truncated."""
    await exchange.raw(OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 500)
    await exchange.close()


@at("/close/after")
async def _(exchange):
    """A correct response, then FIN without having said `Connection: close`."""
    await exchange.answer(body="bye")
    await exchange.close()


@at("/half-open")
async def _(exchange):
    """No byte, for ever; the connection stays open."""
    await hang()


@at("/half-open/body")
async def _(exchange):
    """Head and half of the body, then nothing, for ever."""
    await exchange.raw(OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 500)
    await hang()


async def drip(exchange, data):
    pause = exchange.number("ms", 20) / 1000
    for byte in data:
        await exchange.raw(bytes([byte]))
        await asyncio.sleep(pause)


@at("/slow/head")
async def _(exchange):
    """A correct response, byte by byte (?ms=20 between two)."""
    await drip(exchange, OK + b"Content-Length: 2\r\n\r\nok")


@at("/slow/body")
async def _(exchange):
    """The head at once, the body of ?bytes=50 byte by byte (?ms=20)."""
    size = exchange.number("bytes", 50)
    await exchange.raw(OK + b"Content-Length: %d\r\n\r\n" % size)
    await drip(exchange, b"x" * size)


@at("/slow/forever")
async def _(exchange):
    """Slow-loris: a header line more every ?ms=20, without an end to the head."""
    await exchange.raw(OK)
    while True:
        await exchange.raw(b"X-More: 1\r\n")
        await asyncio.sleep(exchange.number("ms", 20) / 1000)


@at("/delay")
async def _(exchange):
    """A correct response after ?ms=100."""
    await asyncio.sleep(exchange.number("ms", 100) / 1000)
    await exchange.answer(body="late")


@at("/oversized")
async def _(exchange):
    """A correct response with a body of ?bytes=100000000."""
    left = exchange.number("bytes", 100_000_000)
    await exchange.raw(OK + b"Content-Length: %d\r\n\r\n" % left)
    piece = b"x" * 65536
    while left > 0:
        await exchange.raw(piece[:left])
        left -= len(piece)


@at("/endless/chunked")
async def _(exchange):
    """Chunks without an end."""
    await exchange.raw(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        await exchange.raw(chunk)


@at("/endless/close")
async def _(exchange):
    """A body without length that never ends."""
    await exchange.raw(OK + b"Connection: close\r\n\r\n")
    while True:
        await exchange.raw(b"x" * 65536)


@at("/endless/length")
async def _(exchange):
    """A Content-Length of 2^62, and as much of it as is read."""
    await exchange.raw(OK + b"Content-Length: %d\r\n\r\n" % 2**62)
    while True:
        await exchange.raw(b"x" * 65536)


async def chunked(exchange, data):
    await exchange.raw(OK + b"Transfer-Encoding: chunked\r\n\r\n" + data)


CHUNKS = {
    "bad-size": (b"zz\r\nhello\r\n0\r\n\r\n", "a chunk size that is no number"),
    "negative": (b"-5\r\nhello\r\n0\r\n\r\n", "a negative chunk size"),
    "overflow": (b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "a chunk size beyond 64 bits"),
    "no-crlf": (b"5\r\nhelloXX0\r\n\r\n", "no line end after the chunk's data"),
    "empty-size": (b"\r\nhello\r\n0\r\n\r\n", "an empty chunk size"),
}


def _register_chunks():
    for name, (data, wrong) in CHUNKS.items():
        async def behave(exchange, data=data):
            await chunked(exchange, data)
            await exchange.close()
        behave.__doc__ = f"Chunked with {wrong}; then FIN."
        at(f"/chunks/{name}")(behave)


_register_chunks()


@at("/chunks/truncated")
async def _(exchange):
    """A chunked body that ends inside a chunk."""
    await chunked(exchange, b"a\r\nhello")
    await exchange.close()


@at("/chunks/no-end")
async def _(exchange):
    """A chunked body whose last chunk never comes: FIN after whole chunks."""
    await chunked(exchange, b"5\r\nhello\r\n")
    await exchange.close()


@at("/chunks/long-extension")
async def _(exchange):
    """A chunk extension without an end."""
    await chunked(exchange, b"5;")
    while True:
        await exchange.raw(b"x" * 65536)


@at("/chunks/good")
async def _(exchange):
    """A correct chunked body with an extension and a trailer: "hello world"."""
    await chunked(exchange, b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n")


@at("/headers/flood")
async def _(exchange):
    """Header lines without an end, as fast as they are read."""
    await exchange.raw(OK)
    line = b"X-Flood: " + b"y" * 1000 + b"\r\n"
    while True:
        await exchange.raw(line * 64)


@at("/headers/huge")
async def _(exchange):
    """One header of 1 MiB."""
    await exchange.raw(OK + b"X-Huge: " + b"y" * 2**20 + b"\r\nContent-Length: 0\r\n\r\n")


@at("/headers/many")
async def _(exchange):
    """A correct response with 200 headers."""
    await exchange.answer(body="many", headers=[(f"X-{i}", i) for i in range(200)])


RAW = {
    "/headers/no-colon": (OK + b"Content-Length 2\r\n\r\nok", "A header line without a colon."),
    "/headers/nul": (OK + b"X-Nul: a\0b\r\nContent-Length: 2\r\n\r\nok", "A NUL in a header."),
    "/headers/space-name": (OK + b"Content-Length : 2\r\n\r\nok",
                            "A space between a header's name and its colon."),
    "/headers/two-lengths": (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
                             "Two Content-Length headers that differ."),
    "/headers/bad-length": (OK + b"Content-Length: two\r\n\r\nok",
                            "A Content-Length that is no number."),
    "/headers/negative-length": (OK + b"Content-Length: -1\r\n\r\nok",
                                 "A negative Content-Length."),
    "/headers/length-and-chunked": (
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "Content-Length and Transfer-Encoding together."),
    "/headers/fold": (OK + b"X-Fold: one\r\n two\r\nContent-Length: 2\r\n\r\nok",
                      "An obsolete folded header."),
    "/status/no-reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
                          "A status line without reason phrase; allowed."),
    "/status/lf-only": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
                        "Lines that end in LF only."),
    "/status/garbage": (b"\x00\xff\xfe nonsense \r\n\r\n", "Bytes that are no HTTP."),
    "/status/short": (b"HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n", "A status of two digits."),
    "/status/version": (b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/9.9."),
    "/status/http09": (b"<html>hello</html>", "A body without any head, as HTTP/0.9."),
}


def _register_raw():
    for path, (data, wrong) in RAW.items():
        async def behave(exchange, data=data):
            await exchange.raw(data)
            await exchange.close()
        behave.__doc__ = wrong + " Then FIN."
        at(path)(behave)


_register_raw()


@at("/status/http10")
async def _(exchange):
    """A correct HTTP/1.0 response whose body ends with the connection."""
    await exchange.raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end")
    await exchange.close()


@at("/1xx/storm")
async def _(exchange):
    """10,000 times 100 Continue, then a correct response."""
    await exchange.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000)
    await exchange.answer(body="after the storm")


@at("/1xx/endless")
async def _(exchange):
    """102 Processing without an end."""
    while True:
        await exchange.raw(b"HTTP/1.1 102 Processing\r\n\r\n" * 512)


@at("/1xx/hints")
async def _(exchange):
    """103 Early Hints, then a correct response."""
    await exchange.raw(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    await exchange.answer(body="hinted")


@at("/1xx/upgrade")
async def _(exchange):
    """101 Switching Protocols that nobody asked for, then bytes."""
    await exchange.raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: odd\r\n"
                       b"Connection: Upgrade\r\n\r\n\x01\x02\x03")
    await exchange.close()


@at("/unsolicited")
async def _(exchange):
    """A correct response, and a second one that nobody asked for."""
    extra = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra"
    await exchange.raw(OK + b"Content-Length: 5\r\n\r\nfirst" + extra)
