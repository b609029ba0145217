"""All ports of the hostile server in one event loop."""
import asyncio
import datetime
import json
import os
import shutil
import signal
import ssl
import tempfile
from collections import Counter

from . import certs, http1, http1_broken, http1_useful, http2, sockets  # noqa: F401 (registers)
from .wire import Counts, close, reset


class Hostile:
    """Owns the listeners; `ports` maps names to numbers."""

    def __init__(self):
        self.counts = Counts()
        self.seen = Counter()
        self.gates = {}
        self.ports = {}
        self.kept = []            # sockets and servers that must not be collected
        self.flaky = None
        self.flaky_writers = set()
        self.folder = tempfile.mkdtemp(prefix="ronda-hostile-")

    async def start(self):
        certs.make_all(self.folder, datetime.datetime.now(datetime.timezone.utc))
        await self.listen_http1()
        await self.listen_tls()
        await self.listen_http2()
        for name, handler in sockets.HANDLERS.items():
            await self.listen(name, lambda r, w, h=handler: h(self, r, w))
        self.listen_odd()

    async def listen(self, name, serve, host="127.0.0.1", number=0, **options):
        """A port by that name; each connection is counted and `serve`d."""
        async def connected(reader, writer):
            self.counts.opened(name)
            try:
                await serve(reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError,
                    ssl.SSLError):
                reset(writer)
            finally:
                self.counts.closed(name)
        server = await asyncio.start_server(connected, host, number, backlog=4096, **options)
        self.ports[name] = server.sockets[0].getsockname()[1]
        self.kept.append(server)
        return server

    async def listen_http1(self):
        for name, host in (("http", "127.0.0.1"), ("http6", "::1")):
            try:
                await self.listen(name, lambda r, w, n=name: http1.serve(self, n, r, w), host)
            except OSError:
                if name == "http":
                    raise  # a machine without IPv6 has no http6
        await self.flaky_up()

    async def listen_tls(self):
        for kind in certs.KINDS:
            context = sockets.tls_context(self.folder, kind, ["http/1.1"])
            name = f"https:{kind}"
            await self.listen(name, lambda r, w, n=name: http1.serve(self, n, r, w), ssl=context)
        context = sockets.tls_context(self.folder, "good", ["http/1.1"], f"{self.folder}/ca.pem")
        await self.listen("https:client", lambda r, w: http1.serve(self, "https:client", r, w),
                          ssl=context)
        context = sockets.tls_context(self.folder, "good", ["http/1.1"])
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        await self.listen("https:1.2", lambda r, w: http1.serve(self, "https:1.2", r, w),
                          ssl=context)

    async def listen_http2(self):
        context = sockets.tls_context(self.folder, "good", ["h2"])
        for name in http2.names():
            for prefix, options in (("h2", {}), ("h2s", {"ssl": context})):
                port = f"{prefix}:{name}"

                async def serve(reader, writer, name=name, port=port):
                    await http2.Connection(self, port, reader, writer).serve(name)
                await self.listen(port, serve, **options)

    def listen_odd(self):
        refused = sockets.refused_socket()
        full, fillers = sockets.full_listener()
        self.kept += [refused, full, *fillers]
        self.ports["refused"] = refused.getsockname()[1]
        self.ports["full"] = full.getsockname()[1]

    # -- a target that dies and returns --------------------------------------------------------

    async def flaky_up(self):
        if self.flaky is not None:
            return

        async def serve(reader, writer):
            self.flaky_writers.add(writer)
            try:
                await http1.serve(self, "flaky", reader, writer)
            finally:
                self.flaky_writers.discard(writer)
        self.flaky = await self.listen("flaky", serve, number=self.ports.get("flaky", 0),
                                       reuse_address=True)

    async def flaky_down(self):
        if self.flaky is None:
            return
        self.flaky.close()
        self.kept.remove(self.flaky)
        self.flaky = None
        for writer in list(self.flaky_writers):
            reset(writer)

    def announce(self):
        folder = self.folder
        print(json.dumps({"pid": os.getpid(), "ports": self.ports, "folder": folder,
                          "ca": f"{folder}/ca.pem", "client_cert": f"{folder}/client.pem",
                          "client_key": f"{folder}/client.key"}), flush=True)


def behaviours():
    """(where, what) of everything the server can do, for the README and its test."""
    found = [(path, function) for path, function in http1.BEHAVIOURS.items()]
    found += [(f"h2:{name}", http2.BEHAVIOURS.get(name) or http2.AT_START[name])
              for name in http2.names()]
    found += [(f"port {name}", handler) for name, handler in sockets.HANDLERS.items()]
    rows = [(where, " ".join(function.__doc__.split())) for where, function in found]
    rows += [(f"port https:{kind}", f"TLS with a certificate {what}.")
             for kind, what in certs.KINDS.items()]
    rows += [("port https:client", "TLS that wants a client certificate of the test authority."),
             ("port https:1.2", "TLS 1.2 at most."),
             ("port refused", "Connecting is refused."),
             ("port full", "Never accepts and its queue is full: connecting takes for ever."),
             ("port flaky", "HTTP/1.1 that dies and returns: see /_down and /_up."),
             ("port http6", "HTTP/1.1 on ::1.")]
    return rows


def follow_stdin(loop, stop):
    """Sets `stop` when stdin ends. A stdin that cannot be waited for (/dev/null) says nothing."""
    def readable():
        if not os.read(0, 4096):
            stop.set()
    try:
        loop.add_reader(0, readable)
    except OSError:
        pass


async def run():
    """Serves until SIGTERM, SIGINT, or the end of stdin: it never outlives its parent."""
    server = Hostile()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.set_exception_handler(lambda *_: None)  # clients vanish; that is the point
    try:
        await server.start()
        server.announce()
        follow_stdin(loop, stop)
        await stop.wait()
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)
