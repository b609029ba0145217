"""How runs end: Ctrl-C once and twice, a feed that ends, guards and thresholds on a sick target."""
import json
import os
import threading
import unittest

from ronda import (ABORTED, INTERRUPTED, OK, Running, UNAVAILABLE, VERDICT, bench, request, run,
                   scenario)
from client import HostileServer


class EndingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = HostileServer()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def setUp(self):
        self.server.clear()

    def await_requests(self, path, count=1):
        turn = threading.Event()
        for _ in range(6000):
            if self.server.requests(path) >= count:
                return
            turn.wait(0.01)
        self.fail(f"{count} requests of {path} did not come")


class Interrupt(EndingsTest):
    def test_once_drains_and_reports(self):
        text = scenario(request(self.server.url("/delay?ms=300")),
                        load={"executor": "constant-vus", "vus": 3, "duration": "1h"})
        with Running(text, "-t", "2") as running:
            self.await_requests("/delay", 4)
            running.interrupt()
            done = running.wait()
        self.assertEqual(done.code, INTERRUPTED, done)
        self.assertEqual(done.report["run"]["end"], "interrupted")
        # What was under way was let come to its end.
        self.assertEqual(done.totals["iterations_interrupted"], 0, done)
        self.assertEqual(done.requests, self.server.requests("/delay"))
        self.assertEqual(done.statuses, {"200": done.requests})

    def test_once_writes_the_reports_asked_for(self):
        text = scenario(request(self.server.url("/delay?ms=20")),
                        load={"executor": "constant-vus", "vus": 2, "duration": "1h"})
        with Running(text, "--out", "html=r.html", "--out", "json=r.json", "--out", "junit=r.xml",
                     "--out", "csv=r.csv") as running:
            self.await_requests("/delay", 3)
            running.interrupt()
            done = running.wait()
            folder = running.folder.name
            with open(os.path.join(folder, "r.json"), encoding="utf-8") as file:
                self.assertEqual(json.load(file)["totals"]["requests"], done.requests)
            for name in ("r.html", "r.xml", "r.csv"):
                self.assertGreater(os.path.getsize(os.path.join(folder, name)), 100)
        self.assertEqual(done.code, INTERRUPTED, done)

    def test_twice_ends_what_hangs(self):
        text = scenario(request(self.server.url("/half-open"), timeout="none"),
                        load={"executor": "constant-vus", "vus": 3, "duration": "1h",
                              "gracefulStop": "1h"})
        with Running(text, "-t", "2") as running:
            self.await_requests("/half-open", 3)
            running.interrupt()
            running.interrupt_again()
            done = running.wait()
        self.assertEqual(done.code, ABORTED, done)
        self.assertEqual(done.totals["iterations_interrupted"], 3)
        self.assertEqual(done.requests, 0)
        self.assertIn("interrupted twice", done.report["run"]["reason"])

    def test_once_waits_no_longer_than_the_graceful_stop(self):
        text = scenario(request(self.server.url("/half-open"), timeout="none"),
                        load={"executor": "constant-vus", "vus": 3, "duration": "1h",
                              "gracefulStop": "200ms"})
        with Running(text, "-t", "2") as running:
            self.await_requests("/half-open", 3)
            running.interrupt()
            done = running.wait()
        self.assertEqual(done.code, INTERRUPTED, done)
        self.assertEqual(done.totals["iterations_interrupted"], 3)

    def test_finally_runs_after_the_first(self):
        text = scenario(request(self.server.url("/delay?ms=20")),
                        load={"executor": "constant-vus", "vus": 2, "duration": "1h"},
                        **{"finally": [request(self.server.url("/ok/clean"), step="clean")]})
        with Running(text, "-t", "2") as running:
            self.await_requests("/delay", 3)
            running.interrupt()
            done = running.wait()
        self.assertEqual(done.code, INTERRUPTED, done)
        self.assertEqual(self.server.requests("/ok/clean"), 1)

    def test_setup_may_hang_too(self):
        for signals, code in ((1, INTERRUPTED), (2, ABORTED)):
            self.server.clear()
            text = scenario(request(self.server.url("/ok")),
                            load={"executor": "constant-vus", "vus": 2, "duration": "1h"},
                            setup=[request(self.server.url("/half-open"), step="prepare",
                                           timeout="none")],
                            **{"finally": [request(self.server.url("/half-open/body"),
                                                   step="clean", timeout="300ms")]})
            with self.subTest(signals=signals), Running(text, "-t", "2") as running:
                self.await_requests("/half-open")
                running.interrupt()
                if signals == 2:
                    running.interrupt_again()
                done = running.wait()
                self.assertEqual(done.code, code, done)
                self.assertEqual(self.server.requests("/ok"), 0)

    def test_a_bench_reports_what_ran(self):
        with Running(None, "-c", "3", "-d", "1h", bench=self.server.url("/delay?ms=20")) as running:
            self.await_requests("/delay", 9)
            running.interrupt()
            done = running.wait()
        self.assertEqual(done.code, INTERRUPTED, done)
        self.assertEqual(done.report["requests"], self.server.requests("/delay"))
        with Running(None, "-c", "3", "-d", "1h", bench=self.server.url("/half-open")) as running:
            self.await_requests("/half-open", 3)
            running.interrupt()
            running.interrupt_again()
            done = running.wait()
        self.assertEqual(done.code, ABORTED, done)


class Feeds(EndingsTest):
    ROWS = [{"id": n} for n in range(10)]

    def drive(self, on_end, *options):
        url = self.server.url("/echo") + "?id=${row.id}"
        return run(scenario(request(url, checks=["status == 200"]),
                            feeds={"row": {"inline": self.ROWS, "pick": "unique",
                                           "onEnd": on_end}}), *options)

    def served(self):
        return sorted(int(target.rsplit("=", 1)[1]) for _, target in self.server.ask("/_log"))

    def test_stop_ends_the_run_when_every_row_was_used_once(self):
        done = self.drive("stop", "-u", "3", "-d", "1h", "-t", "2")
        self.assertEqual(done.code, OK, done)
        self.assertEqual(done.report["run"]["end"], "stopped")
        self.assertIn("feed row came to its end", done.report["run"]["reason"])
        self.assertEqual(self.served(), list(range(10)))
        self.assertEqual((done.totals["iterations"], done.failed), (10, 0), done)
        # Those that found no row never began.
        self.assertEqual(done.totals["iterations_interrupted"], 0, done)

    def test_fail_ends_the_run_in_red(self):
        done = self.drive("fail", "-u", "3", "-n", "14")
        self.assertEqual(done.code, ABORTED, done)
        self.assertEqual(done.report["run"]["end"], "aborted")
        self.assertIn("feed row came to its end", done.report["run"]["reason"])
        self.assertEqual(self.served(), list(range(10)))
        self.assertEqual((done.totals["iterations"], done.totals["iterations_interrupted"]),
                         (10, 0), done)
        self.assertIn("feed row came to its end", done.messages)
        self.assertFalse(done.report["passed"])

    def test_recycle_begins_again(self):
        done = self.drive("recycle", "-u", "3", "-n", "25")
        self.assertEqual((done.totals["iterations"], done.failed), (25, 0), done)
        self.assertEqual(self.served(), sorted((list(range(10)) * 3)[:25]))


class Verdicts(EndingsTest):
    def test_thresholds_judge_a_target_that_only_fails(self):
        done = run(scenario(request(self.server.url("/", "refused")),
                            load={"executor": "shared-iterations", "vus": 4, "iterations": 40},
                            thresholds=["drill.errors < 1%"]))
        self.assertEqual(done.code, VERDICT, done)
        self.assertIn("drill.errors < 1%", done.report["thresholds"][0]["text"])
        self.assertFalse(done.report["passed"])

    def test_one_iteration_that_fails_is_red(self):
        done = run(scenario(request(self.server.url("/reset/now"))))
        self.assertEqual(done.code, VERDICT, done)

    def test_no_completion_is_no_success(self):
        done = bench(self.server.url("/half-open"), "-c", "2", "-d", "300ms", "--timeout", "200ms")
        self.assertEqual(done.code, UNAVAILABLE, done)


if __name__ == "__main__":
    unittest.main()
