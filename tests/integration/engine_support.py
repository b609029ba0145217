"""What the engine's integration tests share: a small HTTP server, and ronda as a process."""

import asyncio
import collections
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

RONDA = os.environ.get("RONDA") or str(
    pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/ronda")
DEADLINE_S = 60


class Request:
    def __init__(self, method, target, headers, body):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def cookie(self, name):
        for part in self.headers.get("cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return None


class Server:
    """HTTP/1.1 with keep-alive, on a thread of its own. `routes` maps a path, or the beginning of one
    that ends in "/", to a coroutine function(request, connection number) that returns
    (status, headers, body), or None when it wrote to `request.writer` by itself."""

    def __init__(self, routes):
        self.routes = routes
        self.requests = collections.Counter()  # by path
        self.log = []                          # (path, connection)
        self._seen = threading.Condition()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(DEADLINE_S)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, path, count, timeout=DEADLINE_S):
        with self._seen:
            return self._seen.wait_for(lambda: self.requests[path] >= count, timeout)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)

    def _run(self, ready):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000))
        self.port = server.sockets[0].getsockname()[1]
        self._connections = 0
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))  # they hear of it
        self._loop.close()

    async def _serve(self, reader, writer):
        self._connections += 1
        number = self._connections
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *rest = head.decode("latin-1").split("\r\n")
                method, target, _ = line.split(" ")
                headers = {}
                for header in rest:
                    name, colon, value = header.partition(":")
                    if colon:
                        headers[name.strip().lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = Request(method, target, headers, body)
                request.writer = writer
                handler = self.routes.get(request.path)
                for path, candidate in self.routes.items():
                    if handler is None and path.endswith("/") and request.path.startswith(path):
                        handler = candidate
                with self._seen:
                    self.requests[request.path] += 1
                    self.log.append((request.path, number))
                    self._seen.notify_all()
                answer = (404, {}, "nothing here") if handler is None else \
                    await handler(request, number)
                if answer is None:
                    return
                status, more, body = answer
                if not isinstance(body, (str, bytes)):
                    body = json.dumps(body)
                if isinstance(body, str):
                    body = body.encode()
                out = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n"
                out += "".join(f"{name}: {value}\r\n" for name, value in more.items()) + "\r\n"
                writer.write(out.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class Case(unittest.TestCase):
    """A folder for files, and processes that are gone when the test is over."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ronda-engine-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def serve(self, routes):
        server = Server(routes)
        self.addCleanup(server.close)
        return server

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def start(self, *arguments, **more):
        process = subprocess.Popen(
            [RONDA, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=self.folder, **more)

        def end():
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def finish(self, process, timeout=DEADLINE_S):
        """(exit code, standard output, standard error)"""
        out, err = process.communicate(timeout=timeout)
        return process.returncode, out, err

    def run_ronda(self, *arguments, **more):
        return self.finish(self.start(*arguments, **more))

    def run_json(self, file, *arguments):
        """(exit code, the report, standard error)"""
        code, out, err = self.run_ronda("run", file, "--quiet", "--json", *arguments)
        try:
            return code, json.loads(out), err
        except ValueError:
            self.fail(f"no report: exit code {code}\n{out}\n{err}")


class Control:
    """A client of a run's control socket that keeps its connection."""

    def __init__(self, path, process):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        while True:  # until the run listens, or is over
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if process.poll() is not None:
                    raise AssertionError("the run ended: " + process.communicate()[1]) from None
        self.file = self.socket.makefile("rb")

    def __call__(self, command):
        data = command if isinstance(command, bytes) else command.encode()
        self.socket.sendall(data + b"\n")
        return json.loads(self.file.readline())

    def until(self, condition):
        """Asks for the status until it is as wanted."""
        while True:
            status = self("status")
            if condition(status):
                return status

    def close(self):
        self.file.close()
        self.socket.close()


def interrupt(process):
    process.send_signal(signal.SIGINT)
