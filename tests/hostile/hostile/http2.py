"""HTTP/2 by raw frames (RFC 9113): each port is one behaviour.

Requests are not decoded (that would need HPACK's tables): a behaviour knows streams only. Every one is
offered as h2c by prior knowledge on the port `h2:<name>` and over TLS with ALPN on `h2s:<name>`.
"""
import asyncio
import struct

from .wire import close, hang, reset, send

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL = 0, 1, 2, 7, 8
ENHANCE_YOUR_CALM = 11
STATUS_200 = b"\x88"  # HPACK: static table, index 8

BEHAVIOURS = {}  # name -> function(Connection, stream); docstring is the documentation
AT_START = {}    # name -> function(Connection), before any request is read


def on_request(name):
    def register(function):
        BEHAVIOURS[name] = function
        return function
    return register


def on_start(name):
    def register(function):
        AT_START[name] = function
        return function
    return register


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value):
    """A header as an HPACK literal that is not indexed, without Huffman."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


class Connection:
    """One HTTP/2 connection of the server's side."""

    def __init__(self, server, port, reader, writer):
        self.server, self.port, self.reader, self.writer = server, port, reader, writer
        self.requests = 0
        self.bodies = {}

    async def send(self, *frames):
        await send(self.writer, b"".join(frames))

    async def answer(self, stream, body=b"ok"):
        """A correct response."""
        await self.send(
            frame(HEADERS, END_HEADERS, stream,
                  STATUS_200 + literal(b"content-length", str(len(body)).encode())),
            frame(DATA, END_STREAM, stream, body))

    def reset(self):
        reset(self.writer)

    async def read_frame(self):
        head = await self.reader.readexactly(9)
        size = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream & 0x7FFFFFFF, await self.reader.readexactly(size)

    async def serve(self, name):
        if await self.reader.readexactly(len(PREFACE)) != PREFACE:
            await close(self.writer)
            return
        if name in AT_START:
            await AT_START[name](self)
        else:
            await self.send(frame(SETTINGS, 0, 0))
        behave = BEHAVIOURS.get(name, ok)
        while not self.writer.is_closing():
            kind, flags, stream, payload = await self.read_frame()
            if kind == SETTINGS and not flags & ACK:
                await self.send(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                await self.send(frame(PING, ACK, 0, payload))
            elif kind == DATA and payload:
                self.bodies[stream] = self.bodies.get(stream, 0) + len(payload)
                grow = struct.pack(">I", len(payload))
                if name != "zero-window":
                    await self.send(frame(WINDOW, 0, 0, grow), frame(WINDOW, 0, stream, grow))
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                self.requests += 1
                self.server.counts.request(self.port)
                await behave(self, stream)


@on_request("ok")
async def ok(connection, stream):
    """A correct response, "ok", to everything."""
    await connection.answer(stream)


@on_request("goaway-now")
async def _(connection, stream):
    """GOAWAY that refuses every request (last stream 0), then FIN."""
    await connection.send(frame(GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR)))
    await close(connection.writer)


@on_request("goaway-third")
async def _(connection, stream):
    """Graceful: every third request of a connection is answered, announced as the last, then FIN."""
    await connection.answer(stream)
    if connection.requests == 3:
        await connection.send(frame(GOAWAY, 0, 0, struct.pack(">II", stream, NO_ERROR)))
        await close(connection.writer)


@on_request("goaway-error")
async def _(connection, stream):
    """GOAWAY with ENHANCE_YOUR_CALM in the middle of the response, then RST."""
    await connection.send(
        frame(HEADERS, END_HEADERS, stream, STATUS_200),
        frame(GOAWAY, 0, 0, struct.pack(">II", stream, ENHANCE_YOUR_CALM) + b"too_many"))
    await asyncio.sleep(0.02)
    connection.reset()


@on_request("goaway-storm")
async def _(connection, stream):
    """1,000 GOAWAY frames, then a correct response and FIN."""
    await connection.send(frame(GOAWAY, 0, 0, struct.pack(">II", stream, NO_ERROR)) * 1000)
    await connection.answer(stream)
    await close(connection.writer)


async def refuse(connection, stream, code):
    await connection.send(frame(RST_STREAM, 0, stream, struct.pack(">I", code)))


@on_request("rst-refused")
async def _(connection, stream):
    """RST_STREAM REFUSED_STREAM for every request."""
    await refuse(connection, stream, REFUSED_STREAM)


@on_request("rst-internal")
async def _(connection, stream):
    """RST_STREAM INTERNAL_ERROR for every request."""
    await refuse(connection, stream, INTERNAL_ERROR)


@on_request("rst-body")
async def _(connection, stream):
    """Head and half of the body, then RST_STREAM CANCEL."""
    await connection.send(
        frame(HEADERS, END_HEADERS, stream, STATUS_200 + literal(b"content-length", b"1000")),
        frame(DATA, 0, stream, b"x" * 500))
    await refuse(connection, stream, CANCEL)


@on_request("rst-half")
async def _(connection, stream):
    """A storm: every second request is reset, the others are answered."""
    if connection.requests % 2 == 0:
        await refuse(connection, stream, REFUSED_STREAM)
    else:
        await connection.answer(stream)


@on_request("rst-unknown")
async def _(connection, stream):
    """RST_STREAM for 1,000 streams that were never opened, then FIN."""
    storm = b"".join(frame(RST_STREAM, 0, stream + 2 * i, struct.pack(">I", CANCEL))
                     for i in range(1, 1001))
    await connection.send(storm)
    await close(connection.writer)


@on_request("settings-flood")
async def _(connection, stream):
    """SETTINGS without an end; no answer."""
    while True:
        await connection.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100)) * 256)


@on_request("ping-flood")
async def _(connection, stream):
    """PING without an end; no answer."""
    while True:
        await connection.send(frame(PING, 0, 0, b"12345678") * 256)


@on_request("empty-data-flood")
async def _(connection, stream):
    """DATA frames of no bytes without an end."""
    await connection.send(frame(HEADERS, END_HEADERS, stream, STATUS_200))
    while True:
        await connection.send(frame(DATA, 0, stream) * 256)


@on_request("endless-body")
async def _(connection, stream):
    """A body that never ends, sent without regard for the flow-control window."""
    await connection.send(frame(HEADERS, END_HEADERS, stream, STATUS_200))
    while True:
        await connection.send(frame(DATA, 0, stream, b"x" * 16384))


@on_request("oversized-frame")
async def _(connection, stream):
    """A DATA frame longer than SETTINGS_MAX_FRAME_SIZE."""
    await connection.send(frame(HEADERS, END_HEADERS, stream, STATUS_200),
                          frame(DATA, END_STREAM, stream, b"x" * 1_000_000))


@on_request("continuation-flood")
async def _(connection, stream):
    """HEADERS without END_HEADERS, then CONTINUATION without an end."""
    await connection.send(frame(HEADERS, 0, stream, STATUS_200))
    piece = literal(b"x-flood", b"y" * 100) * 100
    while True:
        await connection.send(frame(CONTINUATION, 0, stream, piece))


@on_request("bad-hpack")
async def _(connection, stream):
    """A header block that refers to an entry which does not exist."""
    await connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\xff\xff\xff\x7f"))


@on_request("no-status")
async def _(connection, stream):
    """A response head without :status."""
    await connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, literal(b"a", b"b")))


@on_request("short-body")
async def _(connection, stream):
    """Content-Length 100, ten bytes, END_STREAM."""
    await connection.send(
        frame(HEADERS, END_HEADERS, stream, STATUS_200 + literal(b"content-length", b"100")),
        frame(DATA, END_STREAM, stream, b"x" * 10))


@on_request("window-overflow")
async def _(connection, stream):
    """WINDOW_UPDATE twice by 2^31-1: beyond the largest window."""
    await connection.send(frame(WINDOW, 0, 0, struct.pack(">I", 2**31 - 1)) * 2)


@on_request("wrong-stream")
async def _(connection, stream):
    """HEADERS on stream 0."""
    await connection.send(frame(HEADERS, END_HEADERS, 0, STATUS_200))


@on_request("push")
async def _(connection, stream):
    """PUSH_PROMISE although the client is not asked whether it wants any."""
    await connection.send(frame(PUSH, END_HEADERS, stream, struct.pack(">I", 2) + STATUS_200))


@on_request("silent")
async def _(connection, stream):
    """No frame after the request, for ever."""
    await hang()


@on_request("reset")
async def _(connection, stream):
    """TCP RST in the middle of the response."""
    await connection.send(frame(HEADERS, END_HEADERS, stream, STATUS_200),
                          frame(DATA, 0, stream, b"half"))
    await asyncio.sleep(0.02)
    connection.reset()


@on_request("cut")
async def _(connection, stream):
    """FIN in the middle of a frame."""
    await connection.send(frame(HEADERS, END_HEADERS, stream, STATUS_200),
                          frame(DATA, END_STREAM, stream, b"x" * 100)[:50])
    await close(connection.writer)


@on_request("hints")
async def _(connection, stream):
    """103 Early Hints, then a correct response."""
    await connection.send(frame(HEADERS, END_HEADERS, stream, literal(b":status", b"103")))
    await connection.answer(stream)


@on_start("http1")
async def _(connection):
    """An HTTP/1.1 error instead of HTTP/2."""
    await connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await close(connection.writer)


@on_start("no-settings")
async def _(connection):
    """No SETTINGS, and nothing else either."""
    await hang()


@on_start("zero-window")
async def _(connection):
    """A flow-control window of 0 for request bodies that never grows."""
    await connection.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)))


@on_start("one-stream")
async def _(connection):
    """SETTINGS_MAX_CONCURRENT_STREAMS 1; correct responses."""
    await connection.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 1)))


@on_start("no-streams")
async def _(connection):
    """SETTINGS_MAX_CONCURRENT_STREAMS 0, for ever."""
    await connection.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 0)))


def names():
    return sorted(BEHAVIOURS.keys() | AT_START.keys())
