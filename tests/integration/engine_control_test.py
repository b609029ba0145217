#!/usr/bin/env python3
"""A load that is controlled, interrupted, throttled or ended while it runs."""

import asyncio
import json
import os
import time
import unittest

import engine_support
from engine_support import Control, interrupt


async def ok(_request, _):
    return 200, {}, "{}"


async def endless(request, _):
    """A body that never ends."""
    request.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        request.writer.write(b"5\r\nhello\r\n")
        await request.writer.drain()
        await asyncio.sleep(0.01)


async def never(_request, _):
    await asyncio.sleep(3600)


class Controlled(engine_support.Case):
    def controlled(self, load, server, more="", path="/"):
        file = self.write("s.yaml", f'''kind: Scenario
name: s
load: {load}
{more}
finally: [{{id: clean, action: http.request, with: {{url: "{server.url}/clean"}}}}]
steps: [{{id: a, action: http.request, with: {{url: "{server.url}{path}"}}, timeout: none}}]
''')
        socket_path = os.path.join(self.folder, "control")
        process = self.start("run", file, "--quiet", "--json", "--control", socket_path)
        control = Control(socket_path, process)
        self.addCleanup(control.close)
        control.until(lambda s: s["state"] == "running")
        return process, control

    def ended(self, process):
        code, out, err = self.finish(process)
        try:
            return code, json.loads(out), err
        except ValueError:
            self.fail(f"no report: {code} {out} {err}")

    def test_rate_pause_resume_and_stop_while_it_runs(self):
        server = self.serve({"/": ok, "/clean": ok})
        process, control = self.controlled(
            "{executor: externally-controlled, rate: 0/s, maxVUs: 50, gracefulStop: 5s}", server)
        self.assertEqual(control("status")["requests"], 0)
        self.assertTrue(control("rate 200")["ok"])
        self.assertTrue(server.wait_for("/", 50))
        self.assertEqual(control("pause")["state"], "paused")
        # In flight requests end; from then on none comes.
        control.until(lambda s: s["users"] == 0 and s["requests"] == server.requests["/"])
        before = server.requests["/"]
        asked = time.monotonic()
        while time.monotonic() - asked < 0.3:  # sixty would be due
            control("status")
        self.assertEqual(server.requests["/"], before)
        self.assertEqual(control("resume")["state"], "running")
        self.assertTrue(server.wait_for("/", before + 50))
        self.assertTrue(control("rate 0")["ok"])
        control.until(lambda s: s["users"] == 0)
        self.assertIsNone(process.poll(), "a rate of 0 is no end")
        self.assertTrue(control("stop")["ok"])
        code, report, err = self.ended(process)
        self.assertEqual(code, 0, err)
        self.assertEqual(report["run"]["end"], "stopped")
        self.assertEqual(report["totals"]["requests"], server.requests["/"])
        self.assertEqual(report["totals"]["iterations"], server.requests["/"])
        self.assertEqual(server.requests["/clean"], 1)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "control")))

    def test_users_while_it_runs(self):
        server = self.serve({"/": ok, "/clean": ok})
        process, control = self.controlled(
            "{executor: externally-controlled, vus: 1, maxVUs: 8, threads: 2}", server)
        for users in [8, 3, 0, 5]:
            self.assertTrue(control(f"users {users}")["ok"])
            control.until(lambda s, n=users: s["users"] == n)
        answer = control("users 9")
        self.assertFalse(answer["ok"])
        self.assertIn("at most 8", answer["error"])
        self.assertIn("no arrival rate", control("rate 5")["error"])
        control("abort")
        code, report, _ = self.ended(process)
        self.assertEqual(code, 105)
        self.assertEqual(report["run"]["end"], "aborted")
        self.assertEqual(server.requests["/clean"], 1, "finally runs after an abort")

    def test_garbage_is_answered_and_does_no_harm(self):
        server = self.serve({"/": ok, "/clean": ok})
        process, control = self.controlled(
            "{executor: externally-controlled, rate: 10/s, maxVUs: 5}", server)
        for garbage in ["", " ", "rate", "rate ", "rate -1", "rate nan", "rate inf", "rate 1e400", "rate 5x",
                        "rate 99999999999", "users 5", "RATE 5", "status x y", "\x00\x01\x1b[2J", b"\xff\xfe\xc0",
                        "{\"rate\": 5}", "x" * 4000, "stop;"]:
            answer = control(garbage)
            self.assertIn("ok", answer)
            if answer["ok"]:
                self.assertTrue(str(garbage).startswith("status"), garbage)
            else:
                self.assertTrue(answer["error"])
        self.assertTrue(control("rate 20\r")["ok"], "CRLF is fine")
        # A line without an end is cut off, and others are served on.
        flood = Control(os.path.join(self.folder, "control"), process)
        try:
            flood.socket.sendall(b"y" * 100_000)
            self.assertEqual(flood.file.read(1), b"")
        except ConnectionError:
            pass
        flood.close()
        self.assertTrue(control("status")["ok"])
        control("stop")
        self.assertEqual(self.ended(process)[0], 0)

    def test_the_command_line_client_asks_too(self):
        server = self.serve({"/": ok, "/clean": ok})
        process, _ = self.controlled("{executor: externally-controlled, vus: 1}", server)
        path = os.path.join(self.folder, "control")
        code, out, err = self.run_ronda("control", path, "status")
        self.assertEqual(code, 0, err)
        self.assertTrue(json.loads(out)["ok"])
        code, out, err = self.run_ronda("control", path, "jump")
        self.assertNotEqual(code, 0)
        self.assertIn("unknown command", out + err)
        self.run_ronda("control", path, "stop")
        self.assertEqual(self.ended(process)[0], 0)

    def test_ctrl_c_drains_and_finally_runs(self):
        server = self.serve({"/": ok, "/clean": ok})
        process, _ = self.controlled("{executor: constant-vus, vus: 3, duration: 1h}", server)
        server.wait_for("/", 20)
        interrupt(process)
        code, report, err = self.ended(process)
        self.assertEqual(code, 130, err)
        self.assertEqual(server.requests["/clean"], 1)
        self.assertEqual(report["totals"]["requests"], server.requests["/"])
        self.assertEqual(report["totals"]["iterations_interrupted"], 0)

    def test_ctrl_c_twice_ends_requests_that_never_end(self):
        server = self.serve({"/never": never, "/clean": ok})
        process, control = self.controlled("{executor: constant-vus, vus: 3, duration: 1h}", server,
                                           path="/never")
        server.wait_for("/never", 3)
        interrupt(process)
        control.until(lambda s: s["state"] == "draining")
        interrupt(process)
        code, report, err = self.ended(process)
        self.assertEqual(code, 105, err)
        self.assertEqual(server.requests["/clean"], 1)
        self.assertEqual(report["totals"]["iterations_interrupted"], 3)

    def test_graceful_stop_ends_a_response_that_never_ends(self):
        server = self.serve({"/endless": endless, "/clean": ok})
        process, _ = self.controlled(
            "{executor: constant-vus, vus: 2, duration: 300ms, gracefulStop: 200ms}", server,
            path="/endless")
        code, report, err = self.ended(process)
        self.assertEqual(report["run"]["end"], "done", err)
        self.assertEqual(report["totals"]["iterations_interrupted"], 2)
        self.assertEqual(server.requests["/clean"], 1)
        self.assertEqual(code, 99, "no iteration came to its end")


class Guards(engine_support.Case):
    def guarded(self, guards, server, load="{executor: constant-vus, vus: 2, duration: 1h}"):
        file = self.write("s.yaml", f'''kind: Scenario
name: s
load: {load}
guards: {guards}
finally: [{{id: clean, action: http.request, with: {{url: "{server.url}/clean"}}}}]
steps:
- {{id: a, action: http.request, with: {{url: "{server.url}/"}}, timeout: 30s, think: 10ms}}
''')
        return self.start("run", file, "--quiet", "--json", "--control", self.folder + "/control")

    def ended(self, process):
        code, out, err = self.finish(process)
        return code, json.loads(out), err

    def test_errors_abort(self):
        async def bad(_request, _):
            return 500, {}, ""
        server = self.serve({"/": bad, "/clean": ok})
        code, report, err = self.ended(self.guarded(
            '[{when: "drill.errors > 50%", for: 1s, window: 1s, do: abort}]', server))
        self.assertEqual(code, 110, err)
        self.assertEqual(report["run"]["end"], "breaker", err)
        self.assertIn("drill.errors", report["run"]["reason"])
        self.assertEqual(server.requests["/clean"], 1)
        self.assertEqual(report["guards"][0]["event"], "fired")

    def test_silence_is_a_failure(self):
        server = self.serve({"/": never, "/clean": ok})
        code, report, err = self.ended(self.guarded(
            '[{when: "absent(drill)", window: 1s, do: abort}]', server))
        self.assertEqual(report["run"]["end"], "breaker", err)
        self.assertNotEqual(code, 0)

    def test_what_nobody_measures_is_silence_too(self):
        server = self.serve({"/": ok, "/clean": ok})
        code, report, err = self.ended(self.guarded(
            '[{when: "real.p95 > 400ms", window: 1s, do: abort}]', server))
        self.assertEqual(report["run"]["end"], "breaker", err)
        self.assertTrue(any("real.p95" in warning for warning in report["warnings"]))
        self.assertNotEqual(code, 0)

    def test_stop_drains_and_the_thresholds_decide(self):
        server = self.serve({"/": ok, "/clean": ok})
        code, report, err = self.ended(self.guarded(
            '[{when: "drill.requests > 10", window: 1s, do: stop}]', server))
        self.assertEqual(code, 0, err)
        self.assertEqual(report["run"]["end"], "stopped")
        self.assertEqual(report["totals"]["requests"], server.requests["/"])

    def test_a_throttle_holds_and_lets_go(self):
        bad = {"now": True}

        async def moody(_request, _):
            return (500 if bad["now"] else 200), {}, ""
        server = self.serve({"/": moody, "/clean": ok})
        process = self.guarded(
            '[{when: "drill.errors > 50%", for: 1s, window: 1s, do: throttle, to: 25%}]', server,
            "{executor: constant-vus, vus: 8, duration: 1h, threads: 2}")
        control = Control(self.folder + "/control", process)
        control.until(lambda s: s["users"] == 2)
        bad["now"] = False
        control.until(lambda s: s["users"] == 8)
        control("stop")
        control.close()
        _, report, err = self.ended(process)
        self.assertEqual([g["event"] for g in report["guards"]], ["fired", "released"], err)

    def test_a_throttle_to_a_rate_lets_go_to_the_planned_rate(self):
        bad = {"now": True}

        async def moody(_request, _):
            return (500 if bad["now"] else 200), {}, ""
        server = self.serve({"/": moody, "/clean": ok})
        process = self.guarded(
            '[{when: "drill.errors > 50%", for: 1s, window: 1s, do: throttle, to: 20/s}]', server,
            "{executor: constant-arrival-rate, rate: 200/s, duration: 1h, maxVUs: 50}")
        control = Control(self.folder + "/control", process)
        control.until(lambda s: s["elapsed_s"] > 1.5 and 15 <= s["rate"] <= 25)
        bad["now"] = False
        control.until(lambda s: 190 <= s["rate"] <= 210)
        control("stop")
        control.close()
        self.ended(process)

    def test_a_pause_waits_for_somebody(self):
        server = self.serve({"/": ok, "/clean": ok})
        process = self.guarded(
            '[{when: "drill.requests > 10", window: 1s, do: pause}]', server)
        control = Control(self.folder + "/control", process)
        control.until(lambda s: s["state"] == "paused" and s["users"] == 0)
        before = server.requests["/"]
        control("resume")
        self.assertTrue(server.wait_for("/", before + 5))
        control("stop")
        control.close()
        self.assertEqual(self.ended(process)[0], 0)


class Meetings(engine_support.Case):
    def test_users_of_all_threads_go_together_and_the_report_tells_the_skew(self):
        server = self.serve({"/": ok, "/spike": ok})
        file = self.write("s.yaml", f'''kind: Scenario
name: s
load: {{executor: per-vu-iterations, vus: 40, iterations: 2, threads: 2}}
meets: {{pay-spike: {{users: 40, timeout: 30s}}}}
steps:
- {{id: a, action: http.request, with: {{url: "{server.url}/"}}}}
- {{id: pay, meet: pay-spike, action: http.request, with: {{url: "{server.url}/spike"}}}}
''')
        code, report, err = self.run_json(file, "--out", "html=r.html", "--out", "text=r.txt")
        self.assertEqual(code, 0, err)
        paths = [path for path, _ in server.log]
        self.assertEqual(paths[:40].count("/"), 40, "nobody goes before all are there")
        meet = report["meets"][0]
        self.assertEqual((meet["name"], meet["rounds"], meet["users"], meet["timeouts"]),
                         ("pay-spike", 2, 80, 0))
        self.assertGreater(meet["max_skew_ms"], 0)
        self.assertGreaterEqual(meet["max_skew_ms"], meet["last_skew_ms"])
        for name in ["r.html", "r.txt"]:
            text = self.read(name)
            self.assertIn("skew", text)
            self.assertIn("pay-spike", text)


class Arrivals(engine_support.Case):
    def test_lateness_and_drops_are_in_every_report(self):
        async def slow(_request, _):
            await asyncio.sleep(0.2)
            return 200, {}, ""
        server = self.serve({"/": slow})
        file = self.write("s.yaml", f'''kind: Scenario
name: s
load: {{executor: constant-arrival-rate, rate: 100/s, duration: 1s, maxVUs: 2, maxBacklog: 5}}
steps: [{{id: a, action: http.request, with: {{url: "{server.url}/"}}}}]
''')
        _, report, err = self.run_json(file, "--out", "html=r.html", "--out", "text=r.txt",
                                       "--out", "csv=r.csv")
        totals = report["totals"]
        self.assertEqual(totals["iterations"] + totals["dropped"], 100, err)
        self.assertEqual(totals["iterations"], server.requests["/"])
        self.assertGreater(totals["dropped"], 50)
        self.assertGreater(totals["lateness_ms"]["max"], 100, "those that waited began late")
        # Latency counts from when the arrival was due, service from when the request went.
        self.assertGreater(totals["latency_ms"]["max"], totals["service_ms"]["max"])
        self.assertEqual(sum(report["series"]["dropped"]), totals["dropped"])
        for name in ["r.html", "r.txt", "r.csv"]:
            text = self.read(name)
            self.assertIn("lateness", text)
            self.assertIn("dropped", text)


if __name__ == "__main__":
    unittest.main()
