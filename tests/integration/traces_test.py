#!/usr/bin/python3
"""`ronda traces` as a process: what it takes, what it refuses, and what survives its end."""
import gzip
import http.client
import json
import os
import random
import ssl
import subprocess
import threading
import unittest

import grpc

from ronda import HANG, instrumented, request, run, scenario
from traces_support import (WITH_GRPC, Traces, TracesCase, field, json_request_of, request_of,
                            span)

KILL_ROUNDS = int(os.environ.get("TRACES_KILL_ROUNDS", "10"))
SEED = int(os.environ.get("TRACES_KILL_SEED", "20261125"))
GOOD = {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "name": "a"}


class ReceiverTest(TracesCase):
    """OTLP/HTTP: bytes in, statuses out."""

    def setUp(self):
        super().setUp()
        self.traces = Traces(self.data)
        self.addCleanup(self.traces.__exit__)

    def test_protobuf_and_json_are_taken_plain_or_gzipped_and_answered_alike(self):
        two = request_of("shop", [span(1, 1), span(1, 2)])
        for number, (body, kind) in enumerate([
                (two, "application/x-protobuf"),
                (json_request_of("shop", GOOD), "application/json; charset=utf-8")]):
            answer = self.traces.post(body, kind)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.headers["Content-Type"], kind.split(";", maxsplit=1)[0])
            self.assertEqual(answer.body, b"{}" if number else b"")
            other = body.replace(b"shop", b"mall")
            answer = self.traces.post(gzip.compress(other), kind, {"Content-Encoding": "gzip"})
            self.assertEqual(answer.status, 200, answer)
        ledger = self.traces.ledger()
        self.assert_balanced(ledger)
        self.assertEqual(ledger["stored"], 6)
        found = self.traces.get("/api/traces/" + GOOD["traceId"].lower())["data"][0]
        self.assertEqual([one["operationName"] for one in found["spans"]], ["a", "a"])
        self.assertEqual({(one["receiver"], one["service"]): one["accepted"]
                          for one in ledger["by"]},
                         {("otlp-http", "shop"): 3, ("otlp-http", "mall"): 3})

    def test_what_is_refused_of_a_request_is_said_and_the_rest_kept(self):
        answer = self.traces.post(json_request_of("shop", GOOD, {"traceId": "00", "spanId": "x"}),
                                  "application/json")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json, {"partialSuccess": {
            "rejectedSpans": "1", "errorMessage": "1 of 2 refused: bad trace id 1"}})
        answer = self.traces.post(request_of("shop", [span(0, 1), span(7, 7)]))
        self.assertEqual(answer.status, 200, answer)
        self.assertIn(b"bad trace id", answer.body)
        ledger = self.traces.ledger()
        self.assert_balanced(ledger)
        self.assertEqual(ledger["rejected"], {"bad-trace-id": 2})
        self.assertEqual(ledger["stored"], 2)

    def test_what_cannot_be_a_request_is_refused_with_its_status(self):
        good = request_of("shop", [span(1, 1)])
        for status, body, kind, headers, path, method in [
                (400, b"no protobuf", "application/x-protobuf", {}, "/v1/traces", "POST"),
                (400, b"{", "application/json", {}, "/v1/traces", "POST"),
                (400, good, "application/x-protobuf", {"Content-Encoding": "gzip"}, "/v1/traces",
                 "POST"),
                (415, good, "text/plain", {}, "/v1/traces", "POST"),
                (415, good, "application/x-protobuf", {"Content-Encoding": "br"}, "/v1/traces",
                 "POST"),
                (404, good, "application/x-protobuf", {}, "/v2/traces", "POST"),
                (405, None, "application/json", {}, "/v1/traces", "GET")]:
            answer = self.traces.post(body, kind, headers, path, method=method)
            self.assertEqual(answer.status, status, answer)
            if status == 400:
                self.assertEqual(answer.headers["Content-Type"], kind)
            if kind == "application/json":
                self.assertEqual(answer.json["code"], 3)
                self.assertTrue(answer.json["message"])
        ledger = self.traces.ledger()
        self.assertEqual(ledger["refused_requests"], 7)
        self.assertEqual(ledger["received"], 0)

    def test_too_large_is_413_and_a_bomb_takes_no_more_memory_than_the_limit(self):
        link = self.traces.connect()
        link.putrequest("POST", "/v1/traces")
        link.putheader("Content-Type", "application/x-protobuf")
        link.putheader("Content-Length", str(70 << 20))
        link.endheaders()
        self.assertEqual(link.getresponse().status, 413)  # before the body came
        link.close()
        bomb = gzip.compress(bytes(200 << 20), 9)
        answer = self.traces.post(bomb, headers={"Content-Encoding": "gzip"})
        self.assertEqual(answer.status, 413, answer)
        self.assertIn(b"send smaller batches", answer.body)
        if not instrumented():
            self.assertLess(self.traces.memory_peak(), 300 << 20)

    def test_a_body_that_came_before_is_acknowledged_and_stored_once_also_after_a_kill(self):
        body = request_of("shop", [span(1, 1), span(1, 2)])
        for _ in range(3):
            self.assertEqual(self.traces.post(body).status, 200)
        # The same spans in another coding are the same body.
        answer = self.traces.post(gzip.compress(body), headers={"Content-Encoding": "gzip"})
        self.assertEqual(answer.status, 200)
        self.traces.kill()
        with Traces(self.data) as again:
            ledger = again.ledger()
            self.assert_balanced(ledger)
            self.assertEqual((ledger["stored"], ledger["deduplicated"]), (2, 6))
            self.assertEqual(again.post(body).status, 200)
            ledger = again.ledger()
            self.assertEqual((ledger["stored"], ledger["deduplicated"]), (2, 8))

    def test_log_records_are_kept_and_found_by_trace(self):
        record = {"timeUnixNano": "1787000000000000000", "severityNumber": 9,
                  "body": {"stringValue": "paid"}, "traceId": GOOD["traceId"].lower(),
                  "spanId": GOOD["spanId"]}
        body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [
            record, {"traceId": "00"}, {**record, "traceId": "f" * 32}, {"severityText": "x"}]}]}]})
        answer = self.traces.post(body, "application/json", path="/v1/logs")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["partialSuccess"]["rejectedLogRecords"], "1")
        self.traces.kill()
        with Traces(self.data) as again:
            found = again.get(f"/api/v1/traces/{GOOD['traceId'].lower()}/logs")
            self.assertEqual(found["resourceLogs"][0]["scopeLogs"][0]["logRecords"], [record])
            ledger = again.ledger()
            self.assert_balanced(ledger["logs"])
            self.assertEqual(ledger["logs"]["stored"], 3)
            self.assertEqual(ledger["received"], 0)

    def test_a_connection_carries_many_requests(self):
        link = self.traces.connect()
        for number in range(50):
            answer = self.traces.post(request_of(f"s{number}", [span(1, 1)]), connection=link)
            self.assertEqual(answer.status, 200)
        link.close()
        self.assertEqual(self.traces.ledger()["stored"], 50)

    def test_the_engines_own_spans_arrive(self):
        done = run(scenario(request(self.traces.api + "/api/v1/ledger")), "--once", "--out",
                   "otlp=http://127.0.0.1:" + str(self.traces.port))
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.report["warnings"], [])
        ledger = self.traces.ledger()
        self.assert_balanced(ledger)
        self.assertEqual(ledger["stored"], 2)  # the iteration and its request


@unittest.skipUnless(WITH_GRPC, "ThreadSanitizer does not see the locks of Debian's gRPC")
class GrpcTest(TracesCase):
    """OTLP/gRPC, called by gRPC's own library."""

    EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

    def export(self, traces, body, method=EXPORT, **more):
        """The response's bytes, or grpc.RpcError."""
        with grpc.insecure_channel(traces.grpc, options=[
                ("grpc.max_send_message_length", -1)]) as channel:
            return channel.unary_unary(method)(body, timeout=HANG, **more)

    def refused(self, code, *arguments, **more):
        with self.assertRaises(grpc.RpcError) as caught:
            self.export(*arguments, **more)
        self.assertEqual(caught.exception.code(), code, caught.exception)
        return caught.exception

    def test_calls_are_stored_and_answered_plain_or_gzipped(self):
        with Traces(self.data) as traces:
            self.assertEqual(self.export(traces, request_of("shop", [span(1, 1)])), b"")
            logs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
            record = field(1, field(2, field(2, field(9, (7).to_bytes(16, "big")))))
            self.assertEqual(self.export(traces, record, logs), b"")
            self.assertEqual(self.export(traces, request_of("mall", [span(1, 1)]),
                                         compression=grpc.Compression.Gzip), b"")
            partial = self.export(traces, request_of("shop", [span(0, 1), span(7, 7)]))
            self.assertIn(b"1 of 2 refused: bad trace id 1", partial)
            traces.kill()
        with Traces(self.data) as traces:
            ledger = traces.ledger()
            self.assert_balanced(ledger)
            self.assertEqual(ledger["stored"], 3)
            self.assertEqual({one["receiver"] for one in ledger["by"]}, {"otlp-grpc"})
            self.assertEqual(ledger["logs"]["stored"], 1)

    def test_what_cannot_be_taken_has_its_code(self):
        code = grpc.StatusCode
        with Traces(self.data, "--memory", "1MiB") as traces:
            self.refused(code.INVALID_ARGUMENT, traces, b"no protobuf")
            self.refused(code.UNIMPLEMENTED, traces, b"", "/other.Service/Export")
            self.refused(code.RESOURCE_EXHAUSTED, traces, bytes(65 << 20))
            large = request_of("shop", [span(1, 1, "x" * (2 << 20))])
            error = self.refused(code.UNAVAILABLE, traces, large)
            details = dict(error.trailing_metadata())["grpc-status-details-bin"]
            self.assertIn(b"type.googleapis.com/google.rpc.RetryInfo", details)
            self.assertEqual(self.export(traces, request_of("shop", [span(1, 1)])), b"")
            self.assert_balanced(traces.ledger())

    def test_a_token_is_asked_for(self):
        with Traces(self.data, "--token", "secret") as traces:
            body = request_of("shop", [span(1, 1)])
            self.refused(grpc.StatusCode.UNAUTHENTICATED, traces, body)
            metadata = (("authorization", "Bearer secret"),)
            self.assertEqual(self.export(traces, body, metadata=metadata), b"")


class OptionsTest(TracesCase):
    """What the command line decides."""

    def test_without_memory_senders_are_asked_to_come_again(self):
        with Traces(self.data, "--memory", "1MiB") as traces:
            answer = traces.post(request_of("shop", [span(1, 1, "x" * (2 << 20))]))
            self.assertEqual(answer.status, 429, answer)
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
            # Small as it came, large as it is.
            body = gzip.compress(request_of("shop", [span(1, 1, "x" * (2 << 20))]))
            answer = traces.post(body, headers={"Content-Encoding": "gzip"})
            self.assertEqual(answer.status, 429, answer)
            self.assertEqual(traces.post(request_of("shop", [span(1, 1)])).status, 200)
            self.assert_balanced(traces.ledger())

    def test_what_is_begun_is_served_and_what_is_too_much_comes_again(self):
        with Traces(self.data, "--memory", "4MiB") as traces:
            bodies = [request_of(f"s{n}", [span(1, 1, "x" * (1 << 20))]) for n in range(4)]
            links = []
            for body in bodies[:3]:  # begun: their memory is taken
                link = http.client.HTTPConnection("127.0.0.1", traces.port, timeout=HANG)
                link.putrequest("POST", "/v1/traces")
                link.putheader("Content-Type", "application/x-protobuf")
                link.putheader("Content-Length", str(len(body)))
                link.putheader("Expect", "100-continue")
                link.endheaders()
                self.assertIn(b"100 Continue", link.sock.recv(100))
                links.append(link)
            self.assertEqual(traces.post(bodies[3]).status, 429)
            for link, body in zip(links, bodies):
                link.send(body)
                self.assertEqual(link.getresponse().status, 200)
                link.close()
            self.assertEqual(traces.post(bodies[3]).status, 200)
            ledger = traces.ledger()
            self.assert_balanced(ledger)
            self.assertEqual(ledger["stored"], 4)

    def test_spans_of_a_megabyte_from_many_senders_take_bounded_memory(self):
        with Traces(self.data, "--memory", "64MiB") as traces:
            statuses = []

            def send(sender):
                for number in range(8):
                    texts = [(f"text.{n}", os.urandom(50_000).hex()) for n in range(10)]
                    spans = [span(9, n + 1, "large", *texts) for n in range(8)]
                    body = request_of(f"m{sender}-{number}", spans)
                    statuses.append(traces.post(body).status)
            senders = [threading.Thread(target=send, args=(n,)) for n in range(6)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join(HANG)
            self.assertEqual(len(statuses), 48)
            self.assertTrue(set(statuses) <= {200, 429}, statuses)
            self.assertIn(200, statuses)
            ledger = traces.ledger()
            self.assert_balanced(ledger)
            self.assertEqual(ledger["stored"], 8 * statuses.count(200))
            if not instrumented():
                self.assertLess(traces.memory_peak(), 1 << 30)

    def test_a_token_is_asked_for(self):
        with Traces(self.data, "--token", "secret") as traces:
            body = request_of("shop", [span(1, 1)])
            answer = traces.post(body)
            self.assertEqual(answer.status, 401, answer)
            self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
            answer = traces.post(body, headers={"Authorization": "Bearer secret"})
            self.assertEqual(answer.status, 200, answer)

    def test_tls_is_spoken_with_a_certificate(self):
        key, cert = (os.path.join(self.folder, name) for name in ("key.pem", "cert.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        with Traces(self.data, "--tls-cert", cert, "--tls-key", key) as traces:
            self.assertTrue(traces.api.startswith("https://127.0.0.1:"))
            link = http.client.HTTPSConnection(
                "127.0.0.1", traces.port, timeout=HANG,
                context=ssl.create_default_context(cafile=cert))
            answer = traces.post(request_of("shop", [span(1, 1)]), connection=link)
            self.assertEqual(answer.status, 200, answer)
            link.close()

    def test_what_is_wrong_at_the_start_is_said(self):
        with Traces(self.data) as traces:
            with self.assertRaisesRegex(AssertionError, "in use by another process"):
                Traces(self.data)
            with self.assertRaisesRegex(AssertionError, "cannot listen.*--otlp-http PORT takes"):
                Traces(self.data + "2", "--otlp-http", str(traces.port))
        with self.assertRaisesRegex(AssertionError, "belong together"):
            Traces(self.data, "--tls-cert", "x")


class Load:
    """Senders that go on until the server is gone; each request is of a service of its own."""

    SPANS = 500
    SENDERS = 4

    def __init__(self, traces, prefix):
        self.traces = traces
        self.prefix = prefix
        self.spans = [span(2**90 + n, n + 1, "GET /cart", ("http.route", "/cart"),
                           ("enduser.id", str(n))) for n in range(self.SPANS)]
        self.changed = threading.Condition()
        self.acked = []
        self.cut = 0  # requests that had no answer
        self.threads = [threading.Thread(target=self._send, args=(n,)) for n in range(self.SENDERS)]
        for thread in self.threads:
            thread.start()

    def _send(self, sender):
        link = self.traces.connect()
        number = 0
        while True:
            service = f"{self.prefix}-{sender}-{number}"
            number += 1
            body = gzip.compress(request_of(service, self.spans), 1)
            try:
                answer = self.traces.post(body, headers={"Content-Encoding": "gzip"},
                                          connection=link)
            except (OSError, http.client.HTTPException):
                link.close()
                with self.changed:
                    self.cut += 1
                    self.changed.notify_all()
                return
            with self.changed:
                if answer.status == 200:
                    self.acked.append(service)
                self.changed.notify_all()

    def await_acked(self, count):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.acked) >= count or self.cut, HANG):
                raise AssertionError(f"only {len(self.acked)} of {count} were acknowledged")

    def join(self):
        for thread in self.threads:
            thread.join(HANG)


class EndTest(TracesCase):
    """No end of the process loses what was acknowledged."""

    def assert_kept(self, ledger, acked):
        self.assert_balanced(ledger)
        kept = {one["service"]: one["accepted"] - one["deduplicated"] for one in ledger["by"]}
        for service in acked:
            self.assertEqual(kept.get(service), Load.SPANS, service)
        self.assertTrue(set(kept.values()) <= {Load.SPANS, 0})

    def assert_found(self, traces, acked):
        """Every request has one span of trace 2**90: all are found, each once."""
        trace = traces.get(f"/api/traces/{2**90:032x}")["data"][0]
        services = [trace["processes"][one["processID"]]["serviceName"] for one in trace["spans"]]
        self.assertEqual(len(services), len(set(services)))
        self.assertEqual(set(acked) - set(services), set())

    def assert_measured(self, traces, ledger):
        """RED has every stored span once."""
        red = traces.get("/api/v1/red?by=kind")
        self.assertEqual([group["spans"] for group in red["groups"]], [ledger["stored"]])

    def test_killed_under_load_again_and_again_no_acknowledged_span_is_lost(self):
        chance = random.Random(SEED)
        acked, segments = [], 0
        for number in range(KILL_ROUNDS):
            with self.subTest(seed=SEED, round=number), Traces(self.data) as traces:
                self.assert_kept(traces.ledger(), acked)
                load = Load(traces, f"r{number}")
                load.await_acked(chance.randrange(5, 120))
                traces.kill()
                load.join()
                self.assertGreater(load.cut, 0, "nothing was in flight")
                acked += load.acked
        with Traces(self.data) as traces:
            ledger = traces.ledger()
            self.assert_kept(ledger, acked)
            self.assert_found(traces, acked)
            self.assert_measured(traces, ledger)
            segments = ledger["segments"]
            self.assertEqual(traces.stop(), 0)
        self.assertGreater(segments, 0, "no block was sealed meanwhile")
        with Traces(self.data) as traces:
            ledger = traces.ledger()
            self.assert_kept(ledger, acked)
            self.assert_found(traces, acked)
            self.assert_measured(traces, ledger)

    def test_a_full_disk_refuses_loses_nothing_and_goes_on_when_there_is_room(self):
        spans = [span(3, n + 1, os.urandom(40).hex()) for n in range(100)]
        acked, refused = [], 0
        with Traces(self.data, largest_file=100_000) as traces:
            while refused < 5:
                service = f"s{len(acked)}-{refused}"
                answer = traces.post(request_of(service, spans))
                if answer.status == 200:
                    acked.append(service)
                else:
                    self.assertEqual(answer.status, 503, answer)
                    self.assertTrue(answer.headers["Retry-After"])
                    refused += 1
                self.assertLess(len(acked), 1000)
            self.assert_balanced(traces.ledger())
            self.assertGreater(len(acked), 0)
            self.assertEqual(traces.ledger()["rejected"], {"storage": 500})
            traces.more_disk()
            while traces.post(request_of("after", spans)).status != 200:
                pass
            acked.append("after")
            traces.kill()
        with Traces(self.data) as traces:
            ledger = traces.ledger()
            self.assert_balanced(ledger)
            kept = {one["service"]: one["stored"] for one in ledger["by"]}
            for service in acked:
                self.assertEqual(kept.get(service), 100, service)
            self.assertEqual(ledger["stored"], 100 * len(acked))

    def test_asked_to_end_it_answers_what_it_has_begun(self):
        with Traces(self.data) as traces:
            load = Load(traces, "end")
            load.await_acked(20)
            self.assertEqual(traces.stop(), 0)
            load.join()
        with Traces(self.data) as traces:
            ledger = traces.ledger()
            self.assert_kept(ledger, load.acked)
            self.assertEqual(ledger["stored"], len(load.acked) * Load.SPANS)


if __name__ == "__main__":
    unittest.main(verbosity=1)
