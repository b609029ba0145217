"""Ronda against HTTP/1.1 servers that break off, hang, lie and flood."""
import unittest

from ronda import Running, UNAVAILABLE, VERDICT, bench, instrumented, request, run, scenario
from client import HostileServer

USERS, ITERATIONS = 4, 24
# Enough descriptors for the users and what `ronda run` itself keeps open (it asks for 64 + 4 a
# thread): a connection that leaks with every failure runs into it.
FEW_FILES = 64 + 4 + USERS + 8
TIMEOUT = "300ms"  # of requests that are never answered
PATIENT = "60s"    # of requests that are


class Http1Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = HostileServer()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def drive(self, path, port="http", iterations=ITERATIONS, **parameters):
        """Many requests by a few users, with few descriptors."""
        parameters.setdefault("timeout", PATIENT)
        done = run(scenario(request(self.server.url(path, port), **parameters)),
                   "-u", str(USERS), "-n", str(iterations), files=FEW_FILES)
        self.assertEqual(done.requests, iterations, done)
        self.assertEqual(done.totals["iterations"], iterations, done)
        return done

    def fails(self, path, kind, *pieces, iterations=ITERATIONS, **more):
        """All requests fail with this kind (or one of a set); every piece is in each message."""
        with self.subTest(path=path, port=more.get("port", "http")):
            done = self.drive(path, iterations=iterations, **more)
            kinds = {kind} if isinstance(kind, str) else kind
            self.assertLessEqual(set(done.errors), kinds, done)
            self.assertEqual(sum(done.errors.values()), iterations, done)
            self.assertEqual(done.failed, iterations)
            self.assertEqual(done.totals["iterations_failed"], iterations)
            # Messages that are alike are one group, with a full example.
            self.assertEqual(sum(f["count"] for f in done.report["failures"]), iterations, done)
            for failure in done.report["failures"]:
                self.assertIn("GET http://", failure["example"]["request"])
                for piece in pieces:
                    self.assertIn(piece, failure["message"])
            return done
        return None

    def answers(self, path, status="200", iterations=ITERATIONS, **more):
        with self.subTest(path=path):
            done = self.drive(path, iterations=iterations, **more)
            self.assertEqual((done.errors, done.failed), ({}, 0), done)
            self.assertEqual(done.statuses, {status: iterations}, done)
            return done
        return None


class BrokenOff(Http1Test):
    def test_resets(self):
        for path in ("/reset/now", "/reset/head", "/reset/body"):
            self.fails(path, "reset", "Connection reset by peer")
        self.fails("/", "reset", "Connection reset by peer", port="accept-reset")

    def test_closed_before_the_end(self):
        self.fails("/close/now", "closed-early", "without an answer")
        # A request that arrives behind the server's FIN is answered with RST.
        self.fails("/", {"closed-early", "reset"}, port="accept-close")
        self.fails("/close/head", "closed-early", "in the middle of the head")
        self.fails("/close/body", "closed-early", "in the middle of the body")

    def test_bytes_that_are_no_protocol(self):
        self.fails("/", "bad-response", "does not begin with HTTP/1", port="garbage")


class Timeouts(Http1Test):
    def fails_in_time(self, path, piece, **more):
        done = self.fails(path, "timeout", "within 300 ms", piece, iterations=8, timeout=TIMEOUT,
                          **more)
        # Not before its time either.
        if done:
            self.assertGreaterEqual(done.totals["service_ms"]["min"], 299)

    def test_half_open_connections(self):
        self.fails_in_time("/half-open", "waiting for the first byte")
        self.fails_in_time("/half-open/body", "receiving the response")
        self.fails_in_time("/", "waiting for the first byte", port="silent")

    def test_bytes_that_trickle_do_not_stretch_the_timeout(self):
        self.fails_in_time("/slow/forever?ms=5", "receiving the response")
        self.fails_in_time("/slow/body?ms=5&bytes=100000", "receiving the response")

    def test_a_slow_response_within_its_time_is_one(self):
        self.answers("/slow/head?ms=1", iterations=4)
        self.answers("/slow/body?ms=1&bytes=20", iterations=4)
        self.answers("/delay?ms=50", iterations=4)

    def test_connecting_has_its_own(self):
        self.fails("/", "connect-timeout", "no connection within 300 ms", "connecting to 127.0.0.1",
                   port="full", iterations=8, connectTimeout="300ms")
        self.fails("/", "timeout", "within 300 ms", "connecting to 127.0.0.1",
                   port="full", iterations=8, timeout="300ms")


class Bodies(Http1Test):
    MEMORY = 1_500_000_000 if instrumented() else 200_000_000

    def test_a_body_over_the_limit_fails(self):
        for path in ("/oversized?bytes=3000000", "/endless/chunked", "/endless/close",
                     "/endless/length"):
            self.fails(path, "body-too-large", "1000000", maxBody="1000000")

    def test_memory_is_bounded_by_what_is_kept(self):
        done = self.answers("/oversized?bytes=100000000", iterations=8)
        self.assertGreaterEqual(done.totals["bytes_in"], 800_000_000)
        self.assertLess(done.max_rss, self.MEMORY)
        done = self.fails("/endless/chunked", "body-too-large", iterations=4, maxBody="300000000",
                          keepBody="1000000")
        self.assertLess(done.max_rss, self.MEMORY)

    def test_bombs(self):
        # 4 GiB of zeros in 4 MiB.
        done = self.fails("/gzip/bomb?mib=64", "body-too-large", iterations=4, maxBody="10000000")
        self.assertLess(done.max_rss, self.MEMORY)

    def test_codings(self):
        for coding in ("gzip", "deflate", "br", "zstd"):
            done = run(scenario(request(self.server.url(f"/{coding}"),
                                        checks=["body == 'hello compressed world'"])),
                       "-u", "2", "-n", "6")
            self.assertEqual((done.failed, done.totals["checks_passed"]), (0, 6), done)
        self.fails("/gzip/truncated", "decode", "stops in the middle")
        self.fails("/gzip/garbage", "decode", "gzip")
        self.fails("/encoding/unknown", "decode")

    def test_chunks(self):
        self.answers("/chunks/good", checks=["body == 'hello world'"])
        for name, piece in (("bad-size", "chunk size"), ("negative", "chunk size"),
                            ("overflow", "chunk size"), ("empty-size", "chunk size"),
                            ("no-crlf", "not followed by a line end"),
                            ("long-extension", "chunk extension")):
            self.fails(f"/chunks/{name}", "bad-response", piece)
        for name in ("truncated", "no-end"):
            self.fails(f"/chunks/{name}", "closed-early", "in the middle of the body")


class Heads(Http1Test):
    def test_floods(self):
        self.fails("/headers/flood", "head-too-large", "larger than the limit")
        self.fails("/headers/huge", "head-too-large", "larger than the limit")
        self.answers("/headers/many")

    def test_headers_that_are_wrong(self):
        for name, piece in (("no-colon", "name and a colon"), ("nul", "control character"),
                            ("space-name", "name and a colon"), ("two-lengths", "differently"),
                            ("bad-length", "not a number"), ("negative-length", "not a number"),
                            ("length-and-chunked", "length twice"), ("fold", "folding")):
            self.fails(f"/headers/{name}", "bad-response", piece)

    def test_status_lines(self):
        for name, piece in (("garbage", "does not begin with HTTP/1"),
                            ("http09", "does not begin with HTTP/1"),
                            ("version", "does not begin with HTTP/1"),
                            ("short", "status line")):
            self.fails(f"/status/{name}", "bad-response", piece)
        for name in ("no-reason", "lf-only", "http10"):
            self.answers(f"/status/{name}")

    def test_interim_responses(self):
        self.answers("/1xx/storm", iterations=8)
        self.answers("/1xx/hints", checks=["body == 'hinted'"])
        self.fails("/1xx/endless", "bad-response", "interim", iterations=8)

    def test_a_switch_of_protocol_that_nobody_asked_for_ends_the_connection(self):
        self.server.clear()
        self.answers("/1xx/upgrade", status="101")
        self.assertEqual(self.server.requests("/1xx/upgrade"), ITERATIONS)

    def test_a_second_response_is_not_taken_for_the_next_one(self):
        self.server.clear()
        done = run(scenario(request(self.server.url("/unsolicited"), step="first"),
                            request(self.server.url("/ok/second"), step="second",
                                    checks=["status == 200", "body == 'ok'"])),
                   "-u", str(USERS), "-n", str(ITERATIONS))
        self.assertEqual((done.failed, done.totals["checks_failed"]), (0, 0), done)
        self.assertEqual(self.server.requests("/ok/second"), ITERATIONS)
        self.assertEqual(self.server.requests("/unsolicited"), ITERATIONS)


class Redirects(Http1Test):
    def test_loops_end(self):
        for path in ("/redirect/loop", "/redirect/endless"):
            self.server.clear()
            done = self.drive(path, redirects=5)
            self.assertEqual(done.failed, ITERATIONS)
            self.assertIn("more than 5 redirects", done.messages)
            self.assertEqual(self.server.requests(path), 6 * ITERATIONS)

    def test_ways_that_lead_nowhere(self):
        self.answers("/redirect/nowhere", status="302")
        done = self.drive("/redirect/odd")
        self.assertEqual(done.failed, ITERATIONS, done)
        self.assertIn("redirect to gopher:", done.messages)

    def test_chains_arrive(self):
        self.answers("/redirect/chain?n=3", checks=["redirects == 3"])


class ManyFailures(Http1Test):
    def test_nothing_but_errors_is_a_complete_report(self):
        done = self.fails("/", "connect-refused", "connect to 127.0.0.1:", "Connection refused",
                          port="refused", iterations=2000)
        self.assertEqual(done.code, VERDICT)
        self.assertEqual(done.report["verdict"], "every iteration failed")
        self.assertEqual(done.totals["error_ratio"], 1)
        done = bench(self.server.url("/", "refused"), "-c", "2", "-n", "50")
        self.assertEqual(done.code, UNAVAILABLE)
        self.assertIn("not one request succeeded", done.err)

    def test_neither_memory_nor_descriptors_grow_with_the_failures(self):
        for path in ("/reset/head", "/close/body", "/chunks/bad-size"):
            few = self.fails(path, self.kind(path), iterations=200)
            many = self.fails(path, self.kind(path), iterations=3000)
            # The samples of 2,800 failures more, were they kept, would be more than this.
            self.assertLess(many.max_rss - few.max_rss, 40_000_000 if instrumented() else 4_000_000)

    @staticmethod
    def kind(path):
        return {"/reset/head": "reset", "/close/body": "closed-early"}.get(path, "bad-response")

    def test_no_completion_at_all(self):
        """The run ends while every request is still under way: they are interrupted, not lost."""
        with Running(scenario(request(self.server.url("/half-open"), timeout="none"),
                              load={"executor": "constant-vus", "vus": 3, "duration": "300ms",
                                    "gracefulStop": "100ms"})) as running:
            done = running.wait()
        self.assertEqual(done.requests, 0, done)
        self.assertEqual(done.totals["iterations_interrupted"], 3, done)
        self.assertFalse(done.report["passed"])
        self.assertIn("no iteration came to its end", done.report["verdict"])


if __name__ == "__main__":
    unittest.main()
