"""Questions to `ronda traces` over its API, and what it takes to keep a rate."""
import http.client
import json
import os
import subprocess
import time
from urllib.parse import quote, urlsplit

from .machine import process_memory, spawn, tell

SETTLED_SECONDS = 12  # without a merge: upkeep looks around every 5 s


class Receiver:
    """One process over a folder; a `with` block ends it."""

    def __init__(self, ronda, folder, cores):
        self.process = spawn([ronda, "traces", "--data", folder, "--http", "0", "--otlp-http", "0",
                              "--no-otlp-grpc"], cores, stdout=subprocess.PIPE, text=True)
        addresses = {}
        for line in self.process.stdout:
            addresses[line.split()[0]] = line.split()[-1]
            if line.startswith("kept"):
                break
        else:
            raise OSError("ronda traces did not start")
        self.otlp_port = urlsplit(addresses["OTLP/HTTP"]).port
        self.api = http.client.HTTPConnection("127.0.0.1", urlsplit(addresses["API"]).port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, path):
        """(ms, the answer); anything but 200 is a failure."""
        start = time.monotonic()
        self.api.request("GET", path)
        response = self.api.getresponse()
        body = response.read()
        took = (time.monotonic() - start) * 1e3
        if response.status != 200:
            raise OSError(f"GET {path}: {response.status} {body[:200]!r}")
        return took, json.loads(body)

    def search(self, query):
        return self.ask("/api/v1/traces?limit=20&q=" + quote(query))

    def settle(self, deadline=900):
        """Waits until nothing is left to merge."""
        end = time.monotonic() + deadline
        last, since = None, time.monotonic()
        while time.monotonic() < end:
            segments = self.ask("/api/v1/ledger")[1]["segments"]
            if segments != last:
                last, since = segments, time.monotonic()
            if time.monotonic() - since > SETTLED_SECONDS:
                return segments
            time.sleep(1)
        raise OSError("merges do not come to an end")


def send(program, cores, receiver, spans, *more, watch=None):
    """What trace_client says of it; `watch` is called about every second."""
    child = spawn([program, "--port", str(receiver.otlp_port), "--spans", str(spans), *more], cores,
                  stdout=subprocess.PIPE, text=True)
    while watch is not None and child.poll() is None:
        watch()
        time.sleep(1)
    out = child.communicate()[0]
    if child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, program, out)
    return json.loads(out)


def questions(receiver, sent):
    """ms by figure, each question asked once before to warm up. Answers are looked at."""
    def twice(paths, right):
        for path in paths:
            receiver.ask(path)
        times = []
        for path in paths:
            took, answer = receiver.ask(path)
            if not right(path, answer):
                raise OSError(f"GET {path}: a wrong answer")
            times.append(took)
        return times

    def search(query):
        return "/api/v1/traces?limit=20&q=" + quote(query)

    services = receiver.ask("/api/v1/services")[1]["services"]
    hour = ["/api/v1/red?by=service"] + [
        f"/api/v1/red?by=operation&step=1m&limit=1000&service={quote(name)}" for name in services]
    by_service = {search(f'service = "{name}" and duration > 20ms'): name for name in services}
    return {
        "by_id": twice(["/api/v1/traces/" + one for one in sent["ids"]],
                       lambda path, trace: trace["trace_id"] == path[-32:] and trace["spans"]),
        "service_duration": twice(
            list(by_service), lambda path, found: all(
                trace["duration_ns"] > 20e6 and
                any(share["service"] == by_service[path] for share in trace["services"])
                for trace in found["traces"])),
        # RED of the last hour: all of it, and each service's operations minute by minute.
        "red_hour": twice(hour, lambda path, red: red["groups"] and (
            "step" in path or sum(group["spans"] for group in red["groups"]) == sent["spans"])),
        "attribute": twice([search(f'order.id = "{one}"') for one in sent["orders"][:100]],
                           lambda _, found: found["traces"])}


def freshness(receiver, times=30):
    """ms from an acknowledgement until a search finds the span."""
    sender = http.client.HTTPConnection("127.0.0.1", receiver.otlp_port)
    took = []
    for i in range(times):
        mark = f"fresh-{time.time_ns()}-{i}"
        span = {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "fresh",
                "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns()),
                "attributes": [{"key": "mark", "value": {"stringValue": mark}}]}
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
        sender.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
        if sender.getresponse().read() is None or sender.sock is None:
            raise OSError("the receiver ended the connection")
        start = time.monotonic()
        while not receiver.search(f'mark = "{mark}"')[1]["traces"]:
            if time.monotonic() - start > 10:
                raise OSError("a span that was acknowledged is not found")
        took.append((time.monotonic() - start) * 1e3)
    return took


def memory_at_a_rate(program, cores, receiver, rate, seconds):
    """(MiB each second, spans a second that were acknowledged)."""
    mib = []
    sent = send(program, cores, receiver, rate * seconds, "--rate", str(rate),
                watch=lambda: mib.append(process_memory(receiver.process.pid, "VmRSS") / 2**20))
    tell(f"  acknowledged {sent['spans'] / sent['seconds']:,.0f} spans/s; answers p50 "
         f"{sent['ack_p50_ms']} ms, p99 {sent['ack_p99_ms']} ms, longest {sent['ack_max_ms']} ms, "
         f"sent away {sent['sent_away']}")
    return mib, sent["spans"] / sent["seconds"]


def slope_percent_per_minute(mib):
    """Least squares over the second half."""
    ys = mib[len(mib) // 2:]
    mean_x, mean_y = (len(ys) - 1) / 2, sum(ys) / len(ys)
    per_second = (sum((x - mean_x) * (y - mean_y) for x, y in enumerate(ys)) /
                  sum((x - mean_x)**2 for x in range(len(ys))))
    return per_second * 60 / mean_y * 100
