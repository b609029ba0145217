#!/usr/bin/python3
"""Metrics sent to `ronda traces` are kept through any end of the process, and asked for."""
import gzip
import http.client
import json
import os
import random
import threading
import time
import unittest
import urllib.parse

from ronda import HANG
from traces_support import WITH_GRPC, Traces, TracesCase

SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))


def point(value=None, ago_s=0, **more):
    made = {"timeUnixNano": str(time.time_ns() - ago_s * 1_000_000_000), **more}
    if value is not None:
        made["asInt"] = str(value)
    return made


def attributes(**values):
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def request(*metrics, service="shop"):
    return json.dumps({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeMetrics": [{"metrics": list(metrics)}]}]}).encode()


def delta(name, *points):
    return {"name": name, "sum": {"aggregationTemporality": 1, "isMonotonic": True,
                                  "dataPoints": list(points)}}


class MetricsTest(TracesCase):
    def send(self, traces, *metrics, service="shop", status=200, **more):
        answer = traces.post(request(*metrics, service=service), "application/json",
                             path="/v1/metrics", **more)
        self.assertEqual(answer.status, status, answer)
        return answer

    @staticmethod
    def figures(traces, name, **parameters):
        name = urllib.parse.quote(name, safe="")
        return traces.get(f"/api/v1/metrics/{name}?{urllib.parse.urlencode(parameters)}")

    def test_every_type_is_kept_and_answered_also_after_a_kill(self):
        with Traces(self.data) as traces:
            start = str(time.time_ns() - 60_000_000_000)
            self.send(
                traces,
                {"name": "queue", "unit": "{job}", "gauge": {"dataPoints": [
                    point(4, attributes=attributes(host="a")),
                    point(6, attributes=attributes(host="b"))]}},
                {"name": "requests", "sum": {
                    "aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [
                        point(100, 20, startTimeUnixNano=start),
                        point(130, startTimeUnixNano=start)]}},
                {"name": "took", "unit": "s", "histogram": {
                    "aggregationTemporality": 1, "dataPoints": [point(
                        count="4", sum=6, bucketCounts=["0", "4", "0"], explicitBounds=[1, 2])]}},
                {"name": "size", "exponentialHistogram": {
                    "aggregationTemporality": 2, "dataPoints": [point(
                        startTimeUnixNano=start, count="3", sum=30, scale=0, zeroCount="1",
                        positive={"offset": 3, "bucketCounts": ["2"]})]}},
                {"name": "old", "summary": {"dataPoints": [point(
                    startTimeUnixNano=start, count="5", sum=10,
                    quantileValues=[{"quantile": 0.5, "value": 2}])]}})
            traces.kill()
        with Traces(self.data) as traces:
            for _ in range(2):  # from the log, then from files
                queue = self.figures(traces, "queue")["groups"][0]
                self.assertEqual((queue["mean"], queue["sum"], queue["series"]), (5, 10, 2))
                hosts = self.figures(traces, "queue", by="host", where="host=b")["groups"]
                self.assertEqual([(one["by"]["host"], one["max"]) for one in hosts], [("b", 6)])
                self.assertEqual(self.figures(traces, "requests")["groups"][0]["increase"], 130)
                took = self.figures(traces, "took")["groups"][0]
                self.assertEqual((took["count"], took["p50"], took["mean"]), (4, 1.5, 1.5))
                size = self.figures(traces, "size")["groups"][0]
                self.assertEqual((size["count"], size["sum"], size["p99"] > 8), (3, 30, True))
                self.assertEqual(self.figures(traces, "old.count")["groups"][0]["increase"], 5)
                ledger = traces.ledger()["metrics"]
                self.assert_balanced(ledger)
                self.assertEqual(ledger["stored"], 7)
                self.assertEqual(traces.stop(), 0)
                traces = Traces(self.data)
                self.addCleanup(traces.__exit__)

    def test_what_is_refused_of_a_request_is_said_and_the_rest_kept(self):
        with Traces(self.data) as traces:
            answer = self.send(traces, delta("sold", point(1), {"asInt": "2"}, point()))
            self.assertEqual(answer.json["partialSuccess"]["rejectedDataPoints"], "2")
            self.assertIn("bad data point 2", answer.json["partialSuccess"]["errorMessage"])
            self.assertEqual(traces.ledger()["metrics"]["rejected"], {"bad-data-point": 2})
            self.assertEqual(traces.post(b"{", "application/json", path="/v1/metrics").status, 400)
            body = gzip.compress(request(delta("sold", point(1))))
            answer = traces.post(body, "application/json", {"Content-Encoding": "gzip"},
                                 "/v1/metrics")
            self.assertEqual(answer.status, 200)
            self.assertEqual(self.figures(traces, "sold")["groups"][0]["increase"], 2)

    def test_a_body_that_came_before_is_counted_once(self):
        with Traces(self.data) as traces:
            body = request(delta("sold", point(7)))
            for _ in range(3):
                answer = traces.post(body, "application/json", path="/v1/metrics")
                self.assertEqual(answer.status, 200)
            traces.kill()
        with Traces(self.data) as traces:
            traces.post(body, "application/json", path="/v1/metrics")
            self.assertEqual(self.figures(traces, "sold")["groups"][0]["increase"], 7)
            self.assertEqual(traces.ledger()["metrics"]["deduplicated"], 3)

    def test_killed_under_load_every_acknowledged_point_is_counted_once(self):
        chance = random.Random(SEED)
        acked = [0]
        for number in range(4):
            with self.subTest(seed=SEED, round=number), Traces(self.data) as traces:
                enough = threading.Event()
                wanted = acked[0] + chance.randrange(5, 60)

                def load(traces=traces, enough=enough, wanted=wanted):
                    link = traces.connect()
                    try:
                        while True:
                            self.send(traces, delta("sold", point(1)), connection=link)
                            acked[0] += 1
                            if acked[0] >= wanted:
                                enough.set()
                    except (OSError, http.client.HTTPException):
                        enough.set()
                        link.close()

                sender = threading.Thread(target=load)
                sender.start()
                self.assertTrue(enough.wait(HANG))
                traces.kill()
                sender.join(HANG)
        with Traces(self.data) as traces:
            ledger = traces.ledger()["metrics"]
            self.assert_balanced(ledger)
            self.assertGreaterEqual(ledger["stored"], acked[0])
            self.assertLessEqual(ledger["stored"], acked[0] + 4)
            sold = self.figures(traces, "sold")["groups"][0]
            self.assertEqual((sold["samples"], sold["increase"]),
                             (ledger["stored"], ledger["stored"]))

    @unittest.skipUnless(WITH_GRPC, "no gRPC in this build")
    def test_calls_of_the_metrics_service_are_taken(self):
        import grpc  # pylint: disable=import-outside-toplevel

        from traces_support import attribute, field  # pylint: disable=import-outside-toplevel
        number = (b"\x19" + time.time_ns().to_bytes(8, "little") +
                  b"\x31" + (5).to_bytes(8, "little"))
        metric = field(1, "sold") + field(7, field(1, number) + b"\x10\x01\x18\x01")
        body = field(1, field(1, field(1, attribute("service.name", "mall"))) +
                     field(2, field(2, metric)))
        with Traces(self.data) as traces, grpc.insecure_channel(traces.grpc) as channel:
            export = channel.unary_unary(
                "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
            self.assertEqual(export(body, timeout=HANG), b"")
            self.assertEqual(self.figures(traces, "sold", service="mall")["groups"][0]["increase"],
                             5)


if __name__ == "__main__":
    unittest.main()
