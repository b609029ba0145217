#!/usr/bin/python3
"""What was sent to `ronda traces` is found, paged, drawn and answered to Jaeger's clients."""
import json
import os
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from ronda import BAD_DEFINITION, BINARY, HANG, OK, UNAVAILABLE
from traces_support import Traces, json_request_of

EPOCH_MS = 1_767_225_600_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def span(number, parent, from_ms, to_ms, name, trace=TRACE, **more):
    return {"traceId": trace, "spanId": f"{number:016x}",
            "parentSpanId": f"{parent:016x}" if parent else "", "name": name,
            "startTimeUnixNano": str((EPOCH_MS + from_ms) * 1_000_000),
            "endTimeUnixNano": str((EPOCH_MS + to_ms) * 1_000_000), **more}


class TraceQueryTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ronda-query-")
        self.addCleanup(folder.cleanup)
        self.traces = Traces(os.path.join(folder.name, "data"))
        self.addCleanup(self.traces.__exit__)
        self.send("shop", span(1, 0, 0, 100, "GET /cart", kind=2),
                  span(2, 1, 10, 70, "POST /take", kind=3))
        # Its clock is half a second ahead.
        self.send("stock", span(3, 2, 520, 560, "POST /take", kind=2,
                                status={"code": 2, "message": "out of stock"}))

    def send(self, service, *spans):
        answer = self.traces.post(json_request_of(service, *spans), "application/json")
        self.assertEqual(answer.status, 200, answer)

    def get(self, path, status=200, **parameters):
        url = f"{self.traces.api}{path}?{urllib.parse.urlencode(parameters)}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=HANG) as answer:
                code, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                code, body = error.code, error.read()
        self.assertEqual(code, status, body)
        return json.loads(body)

    def ronda(self, *words, api=None):
        return subprocess.run([BINARY, "trace", *words, "--api", api or self.traces.api],
                              capture_output=True, text=True, timeout=HANG, check=False)

    def test_red_and_the_map_say_what_was_sent(self):
        now = time.time_ns() // 1_000_000 - EPOCH_MS - 5_000
        address = {"key": "server.address", "value": {"stringValue": "10.0.0.7"}}
        for number in range(1, 4):
            trace = f"{number:032x}"
            self.send("front", span(1, 0, now, now + 90, "GET /", trace=trace, kind=2),
                      span(2, 1, now + 10, now + 80, "POST", trace=trace, kind=3,
                           attributes=[address]))
            self.send("back", span(3, 2, now + 20, now + 70, "POST /take", trace=trace, kind=2,
                                   status={"code": 2 if number == 1 else 0}))
        end = str(time.time_ns() + 10_000_000_000)
        red = self.get("/api/v1/red", kind="entry", end=end)
        figures = {group["service"]: (group["spans"], group["errors"]) for group in red["groups"]}
        self.assertEqual(figures, {"front": (3, 0), "back": (3, 1), "shop": (1, 0), "stock": (1, 1)})
        edges = {(edge["from"], edge["to"]): edge["spans"]
                 for edge in self.get("/api/v1/map", end=end)["edges"]}
        self.assertEqual(edges, {("front", "back"): 3, ("shop", "(unknown)"): 1})
        calls = {(one["parent"], one["child"]): one["callCount"] for one in self.get(
            "/api/dependencies", endTs=end[:-6], lookback="3600000")["data"]}
        self.assertEqual(calls, edges)
        self.assertRegex(self.ronda("red", "back").stdout, r"POST /take +\S+ +3 +33\.3% +50ms")
        self.assertRegex(self.ronda("map").stdout, r"front > back +\S+ +3 +0\.0% +70ms")
        slow = self.get("/api/v1/slow", threshold="60ms", service="front", end=end)["spans"]
        self.assertEqual([one["operation"] for one in slow], ["POST"] * 3)

    def test_pages_hold_every_trace_once_while_more_arrive(self):
        for i in range(1, 8):
            self.send("page", span(1, 0, 1000 * i, 1000 * i + 5, "op", trace=f"{i:032x}"))
        seen, more = [], {}
        while True:
            page = self.get("/api/v1/traces", q="service = page", limit=3, **more)
            seen += [int(trace["trace_id"], 16) for trace in page["traces"]]
            if "next" not in page:
                break
            more = {"cursor": page["next"]}
            late = 100 + len(seen)
            self.send("page", span(1, 0, 1000 * late, 1000 * late + 5, "op", trace=f"{late:032x}"))
        self.assertEqual(seen, [7, 6, 5, 4, 3, 2, 1])

    def test_show_draws_halves_gap_skew_and_errors(self):
        shown = self.ronda("show", TRACE)
        self.assertEqual(shown.returncode, OK, shown)
        self.assertIn("1.1 shop POST /take", shown.stdout)
        self.assertIn("network: 10ms there, 10ms back", shown.stdout)
        self.assertIn("out of stock", shown.stdout)
        self.assertIn("the clock of stock is 500ms ahead", shown.stdout)
        self.assertNotIn("\x1b", shown.stdout)

    def test_link_shows_every_branch_with_its_share(self):
        for i in range(1, 5):
            spans = [span(1, 0, 1000 * i, 1000 * i + 50, "POST /orders", trace=f"{i:032x}")]
            if i > 1:
                spans.append(span(2, 1, 1000 * i + 10, 1000 * i + 10 + i, "pack",
                                  trace=f"{i:032x}"))
            self.send("orders", *spans)
        shown = self.ronda("link", "orders", "POST /orders")
        self.assertEqual(shown.returncode, OK, shown)
        self.assertIn("4 requests in 4 traces", shown.stdout)
        self.assertRegex(shown.stdout, r"100% +1 .* orders POST /orders")
        self.assertRegex(shown.stdout, r"75% +0.75 +3ms .* {4}orders pack")
        missing = self.ronda("link", "orders", "GET /x")
        self.assertNotEqual(missing.returncode, OK)
        self.assertIn('no span "GET /x"', missing.stderr)

    def test_tail_prints_each_trace_once_as_it_comes(self):
        def send(trace, name):
            now = time.time_ns()
            one = {"traceId": trace, "spanId": "00000000000000a1", "name": name,
                   "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000)}
            self.send("tailed", one)

        send("0" * 31 + "1", "first")
        with subprocess.Popen([BINARY, "trace", "tail", "service = tailed", "--api",
                               self.traces.api], stdout=subprocess.PIPE, text=True) as process:
            try:
                self.assertIn("tailed first", process.stdout.readline())
                send("0" * 31 + "2", "second")  # no other line comes before it
                self.assertIn("tailed second", process.stdout.readline())
            finally:
                process.kill()
        wrong = self.ronda("tail", "status = eror")
        self.assertEqual(wrong.returncode, BAD_DEFINITION, wrong)

    def test_search_says_where_a_query_is_wrong_and_who_does_not_answer(self):
        found = self.ronda("search", "service = stock and status = error")
        self.assertEqual(found.returncode, OK, found)
        self.assertIn(TRACE, found.stdout)
        wrong = self.ronda("search", "status = eror")
        self.assertEqual(wrong.returncode, BAD_DEFINITION, wrong)
        self.assertIn("column 10", wrong.stderr)
        self.assertIn('did you mean "error"?', wrong.stderr)
        nobody = self.ronda("services", api="http://127.0.0.1:1")
        self.assertEqual(nobody.returncode, UNAVAILABLE, nobody)
        self.assertIn("start `ronda traces`", nobody.stderr)

    def test_jaeger_clients_find_services_operations_traces_and_404(self):
        self.assertEqual(self.get("/api/services")["data"], ["shop", "stock"])
        self.assertEqual(self.get("/api/services/shop/operations")["data"],
                         ["GET /cart", "POST /take"])
        found = self.get("/api/traces", service="shop", tags='{"error":"true"}')
        self.assertEqual(found["data"], [])  # of one span: shop's have no error
        found = self.get("/api/traces", service="stock", tags='{"error":"true"}')
        self.assertEqual(found["data"][0]["traceID"], TRACE)
        trace = self.get(f"/api/traces/{TRACE}")["data"][0]
        self.assertEqual(len(trace["spans"]), 3)
        self.assertEqual({p["serviceName"] for p in trace["processes"].values()},
                         {"shop", "stock"})
        missing = self.get(f"/api/traces/{'9' * 32}", status=404)
        self.assertEqual(missing["errors"][0]["msg"], "trace not found")


if __name__ == "__main__":
    unittest.main()
