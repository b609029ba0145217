"""A `ronda traces` of its own, and requests of OTLP/HTTP for it."""
import http.client
import json
import os
import resource
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.request

from ronda import BINARY, HANG, built_with

# Debian's gRPC is built without ThreadSanitizer, which then takes its locks for none.
WITH_GRPC = not built_with("tsan")


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """A length-delimited field of protobuf; a text is UTF-8."""
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(key, value):
    return field(1, key) + field(2, field(1, value))


def span(trace, number, name="GET /", *attributes):
    """A Span; `trace` and `number` are integers."""
    return (field(1, trace.to_bytes(16, "big")) + field(2, number.to_bytes(8, "big")) +
            field(5, name) + b"\x30\x02" +
            b"\x39" + (1_787_000_000_000_000_000).to_bytes(8, "little") +
            b"\x41" + (1_787_000_000_005_000_000).to_bytes(8, "little") +
            b"".join(field(9, attribute(key, value)) for key, value in attributes))


def request_of(service, spans):
    """An ExportTraceServiceRequest of encoded spans."""
    resource = field(1, attribute("service.name", service))
    return field(1, field(1, resource) + field(2, b"".join(field(2, one) for one in spans)))


def json_request_of(service, *spans):
    """The same as JSON; spans are objects."""
    return json.dumps({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": list(spans)}]}]}).encode()


class Answer:
    """What a server said."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:300]}"


class Traces:
    """One process over a folder; a `with` block kills it at its end."""

    def __init__(self, data, *options, largest_file=None):
        """`largest_file`: bytes that a file may have, as if the disk were full; see `more_disk`."""
        surroundings = {name: value for name, value in os.environ.items()
                        if "proxy" not in name.lower() and not name.startswith("RONDA_")}
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [BINARY, "traces", "--data", data, "--http", "0", "--otlp-http", "0",
             *(("--otlp-grpc", "0") if WITH_GRPC else ("--no-otlp-grpc",)), *options],
            stdout=subprocess.PIPE, stderr=self.errors, stdin=subprocess.DEVNULL, env=surroundings,
            preexec_fn=lambda: self._limit(largest_file))  # pylint: disable=subprocess-popen-preexec-fn
        self._hang = threading.Timer(HANG, self.process.kill)
        self._hang.daemon = True
        self._hang.start()
        self.addresses = {}
        for line in self.process.stdout:
            words = line.decode().split()
            self.addresses[words[0]] = words[-1]
            if words[0] == "kept":
                break
        if "kept" not in self.addresses:
            self.process.wait()
            said = self.said()
            self._ended()
            raise AssertionError(f"did not start: {said}")
        self.api = self.addresses["API"]
        self.otlp = self.addresses["OTLP/HTTP"]
        self.grpc = self.addresses.get("OTLP/gRPC")
        self.port = int(self.otlp.split(":")[2].split("/")[0])

    @staticmethod
    def _limit(largest_file):
        if largest_file is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write past it fails
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))

    def more_disk(self):
        """There is room again."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace")

    def post(self, body, content_type="application/x-protobuf", headers=None, path="/v1/traces",
             connection=None, method="POST"):
        """One request; over a new connection unless one is given."""
        link = connection or self.connect()
        link.request(method, path, body, {"Content-Type": content_type, **(headers or {})})
        answer = link.getresponse()
        done = Answer(answer.status, answer.headers, answer.read())
        if connection is None:
            link.close()
        return done

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG)

    def get(self, path):
        """The JSON that the API has there."""
        with urllib.request.urlopen(self.api + path, timeout=HANG) as answer:
            return json.load(answer)

    def ledger(self):
        return self.get("/api/v1/ledger")

    def memory_peak(self):
        """Bytes, resident."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) << 10

    def kill(self):
        self.process.kill()
        self._ended()

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        return self._ended()

    def _ended(self):
        code = self.process.wait(HANG)
        self._hang.cancel()
        self.process.stdout.close()
        self.errors.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.kill()


class TracesCase(unittest.TestCase):
    """Every test has a folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ronda-traces-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = os.path.join(folder.name, "data")

    def assert_balanced(self, ledger):
        self.assertEqual(ledger["received"], ledger["accepted"] + sum(ledger["rejected"].values()))
        for one in [ledger, *ledger["by"]]:
            self.assertEqual(one["accepted"], sum(
                one[place] for place in ("stored", "deduplicated", "expired", "lost",
                                         "sampled_out", "deleted")), one)
        for name in ("received", "accepted", "deduplicated", "stored", "expired", "lost",
                     "sampled_out", "deleted"):
            self.assertEqual(ledger[name], sum(one[name] for one in ledger["by"]), name)
        self.assertEqual(ledger["lost_requests"], 0)
