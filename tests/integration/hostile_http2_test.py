"""Ronda against HTTP/2 servers that refuse, reset, flood and break the protocol."""
import unittest

from ronda import bench, instrumented, request, run, scenario
from client import HostileServer

USERS, ITERATIONS = 4, 12
FEW_FILES = 64 + 4 + USERS + 8  # see hostile_http1_test.py
MEMORY = 1_500_000_000 if instrumented() else 200_000_000


class Http2Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = HostileServer()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def drive(self, name, iterations=ITERATIONS, tls=False, **parameters):
        parameters.setdefault("timeout", "30s")
        if tls:
            parameters.setdefault("tls", {"ca": self.server.ca})
        url = self.server.url("/", f"h2s:{name}" if tls else f"h2:{name}")
        done = run(scenario(request(url, version="h2" if tls else "h2c", **parameters)),
                   "-u", str(USERS), "-n", str(iterations), files=FEW_FILES)
        self.assertEqual(done.requests, iterations, done)
        self.assertLess(done.max_rss, MEMORY)
        return done

    def fails(self, name, kind, *pieces, iterations=ITERATIONS, **more):
        """In the clear and over TLS, all requests fail with this kind."""
        for tls in (False, True):
            with self.subTest(name=name, tls=tls, **more):
                done = self.drive(name, iterations=iterations, tls=tls, **more)
                self.assertLessEqual(set(done.errors), {kind} if isinstance(kind, str) else kind,
                                     done)
                self.assertEqual(sum(done.errors.values()), iterations, done)
                for failure in done.report["failures"]:
                    for piece in pieces:
                        self.assertIn(piece, failure["message"])

    def answers(self, name, iterations=ITERATIONS, **more):
        for tls in (False, True):
            with self.subTest(name=name, tls=tls, **more):
                done = self.drive(name, iterations=iterations, tls=tls, **more)
                self.assertEqual((done.errors, done.failed), ({}, 0), done)
                self.assertEqual(done.statuses, {"200": iterations})


class Correct(Http2Test):
    def test_odd_and_allowed(self):
        for name in ("ok", "hints", "goaway-third", "goaway-storm", "one-stream"):
            self.answers(name)

    def test_one_stream_at_a_time_is_waited_for(self):
        """Many users on one connection, of which the server serves one."""
        self.server.clear()
        done = bench(self.server.url("/", "h2:one-stream"), "--http2", "-c", "1", "-m", "10",
                     "-n", "200")
        self.assertEqual((done.code, done.report["requests"], done.report["errors"]), (0, 200, 0))
        self.assertEqual(self.server.requests("h2:one-stream"), 200)
        self.assertEqual(done.report["connections_opened"], 1)

    def test_a_graceful_goaway_loses_nothing_of_what_is_under_way(self):
        self.server.clear()
        done = bench(self.server.url("/", "h2:goaway-third"), "--http2", "-c", "4", "-n", "90")
        self.assertEqual((done.code, done.report["requests"], done.report["errors"]), (0, 90, 0))
        self.assertEqual(self.server.requests("h2:goaway-third"), 90)
        # Three requests a connection; the last one of each user may have carried fewer.
        self.assertLessEqual(done.report["connections_opened"], 30 + USERS)


class Refused(Http2Test):
    def test_goaway(self):
        self.fails("goaway-now", "go-away", "GOAWAY")
        self.fails("goaway-error", "go-away", "ENHANCE_YOUR_CALM")

    def test_resets_of_streams(self):
        self.fails("rst-refused", "stream-reset", "REFUSED_STREAM")
        # Each attempt on a connection of its own, which has to be closed.
        self.fails("rst-refused", "stream-reset", "REFUSED_STREAM", freshConnection=True,
                   iterations=48)
        self.fails("rst-internal", "stream-reset", "INTERNAL_ERROR")
        self.fails("rst-body", "stream-reset", "CANCEL")

    def test_a_refused_stream_is_sent_once_more(self):
        self.answers("rst-half")

    def test_the_end_of_the_connection(self):
        self.fails("reset", "reset", "Connection reset by peer")
        self.fails("cut", {"closed-early", "reset"})  # RST when our last frame was not read
        self.fails("rst-unknown", {"closed-early", "protocol", "reset"})  # likewise
        self.fails("http1", {"protocol", "reset", "closed-early"})


class BreaksTheProtocol(Http2Test):
    def test_frames(self):
        for name in ("oversized-frame", "bad-hpack", "window-overflow", "wrong-stream", "push"):
            self.fails(name, "protocol")

    def test_messages(self):
        for name in ("no-status", "short-body"):
            self.fails(name, {"protocol", "stream-reset"}, "breaks the protocol")


class Floods(Http2Test):
    def test_of_frames(self):
        for name in ("settings-flood", "ping-flood", "empty-data-flood"):
            self.fails(name, "protocol", iterations=4)

    def test_of_headers(self):
        self.fails("continuation-flood", {"protocol", "head-too-large"}, iterations=4)

    def test_of_data(self):
        self.fails("endless-body", {"protocol", "body-too-large"}, iterations=4,
                   maxBody="100000000")


class Silence(Http2Test):
    def test_a_timeout_ends_it(self):
        for name in ("silent", "no-settings"):
            self.fails(name, "timeout", "within 200 ms", "first byte", iterations=8,
                       timeout="200ms")

    def test_what_the_server_never_allows_is_named(self):
        """The first request of a user leaves before the server's SETTINGS are known."""
        for tls in (False, True):
            done = self.drive("zero-window", iterations=12, tls=tls, timeout="200ms",
                              method="POST", body="x" * 1000)
            self.assertEqual(set(done.errors), {"timeout"})
            self.assertIn("sending the request", done.messages)
            self.assertGreaterEqual(done.failed, 12 // 2 - USERS // 2, done)
            done = self.drive("no-streams", iterations=12, tls=tls, timeout="200ms")
            self.assertEqual(set(done.errors), {"timeout"})
            self.assertIn("the server allows no more", done.messages)

    def test_a_connection_that_says_nothing_is_not_used_again(self):
        """Else every later request of the user would wait for the dead connection too."""
        done = run(scenario(request(self.server.url("/", "h2:silent"), version="h2c",
                                    timeout="200ms")), "-u", "1", "-n", "6")
        self.assertEqual(done.errors, {"timeout": 6})
        # On each the first hears the server's SETTINGS, the second nothing at all.
        self.assertEqual(done.totals["connections_opened"], 3)


if __name__ == "__main__":
    unittest.main()
