"""`ronda server` and `ronda worker` as processes: definitions, patrols, what dies in between."""
import http.server
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from ronda import BINARY, built_with, HANG

PATROL = """
kind: Environment
name: local
variables: {{shop: "http://127.0.0.1:{port}"}}
---
kind: Scenario
name: health
steps:
- id: get
  action: http.request
  with: {{url: "${{env.shop}}/health"}}
  checks: ["status == 200"]
---
kind: Patrol
name: health
scenario: health
environment: local
triggers: [{{every: 1s}}]
"""


class Shop:
    """Answers 200 or 500, as it is told, and counts."""

    def __enter__(self):
        shop = self
        self.status, self.requests = 200, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                shop.requests += 1
                body = b'{"state": "here"}'
                self.send_response(shop.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@unittest.skipIf(built_with("tsan"), "gRPC is not instrumented")
class ControlPlane(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ronda-control-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.processes = []
        self.addCleanup(self.end_all)
        self.env = {"PATH": os.environ.get("PATH", ""), "HOME": self.folder,
                    "XDG_RUNTIME_DIR": self.folder}
        self.workers_port = "0"

    def end_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()

    def start(self, *arguments, env=None):
        process = subprocess.Popen([BINARY, *arguments], env={**self.env, **(env or {})},
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.processes.append(process)
        return process

    def start_server(self):
        self.server = self.start("server", "--data", self.folder + "/server", "--http", "0",
                                 "--workers", self.workers_port)
        lines = ""
        while "kept in" not in lines:
            line = self.server.stdout.readline()
            self.assertTrue(line, "the server ended: " + lines)
            lines += line
        self.env["RONDA_SERVER"] = re.search(r"API +(\S+)", lines).group(1)
        self.workers_port = re.search(r"workers +\S+:(\d+)", lines).group(1)
        if "RONDA_TOKEN" not in self.env:
            self.env["RONDA_TOKEN"] = re.search(r"token +(\S+)", self.server.stdout.readline()).group(1)

    def start_worker(self, name="w"):
        return self.start("worker", "--server", "http://127.0.0.1:" + self.workers_port, "--zone", "z",
                          "--data", f"{self.folder}/{name}")

    def ronda(self, *arguments, code=0):
        done = subprocess.run([BINARY, *arguments], env=self.env, capture_output=True, text=True,
                              timeout=HANG, check=False)
        if code is not None:
            self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def apply(self, text):
        path = self.folder + "/apply.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return self.ronda("apply", "-f", path)

    def until(self, what, holds):
        deadline = time.monotonic() + HANG
        while True:
            found = holds()
            if found:
                return found
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.1)

    def path(self):
        answer = json.loads(self.ronda("patrols", "--json", code=None))
        return next(iter(answer["paths"]), {})

    def runs(self, *filters):
        return json.loads(self.ronda("runs", "--json", "--limit", "1000", *filters))["runs"]

    def test_a_patrol_sees_a_service_fail_and_come_back(self):
        with Shop() as shop:
            self.start_server()
            self.start_worker()
            self.assertIn("Patrol/health created", self.apply(PATROL.format(port=shop.port)))
            self.until("it passes", lambda: self.path().get("state") == "passing")
            self.ronda("patrols")
            shop.status = 500
            self.until("it fails", lambda: self.path().get("state") == "failing")
            self.ronda("patrols", code=99)
            failed = self.runs("--verdict", "failed")[0]
            shown = self.ronda("runs", "show", failed["id"], "--evidence")
            self.assertIn("/health", shown)
            self.assertIn("500", shown)
            self.assertIn('{"state": "here"}', shown)
            shop.status = 200
            self.until("it passes again", lambda: self.path().get("state") == "passing")

    def test_what_was_applied_and_decided_survives_the_servers_death(self):
        with Shop() as shop:
            self.start_server()
            self.start_worker()
            self.apply(PATROL.format(port=shop.port))
            self.until("it runs", lambda: len(self.runs("--verdict", "passed")) >= 2)
            before = {run["id"]: run["verdict"] for run in self.runs() if not run["active"]}
            for _ in range(3):
                self.server.kill()
                self.server.wait()
                self.start_server()
                count = len(self.runs("--verdict", "passed"))
                self.until("it goes on", lambda: len(self.runs("--verdict", "passed")) > count)
            after = {run["id"]: run["verdict"] for run in self.runs()}
            for run, verdict in before.items():
                self.assertEqual(after.get(run), verdict)
            self.until("none is stuck", lambda: all(
                run["state"] in ("running", "queued") for run in self.runs() if run["active"]))

    def test_a_killed_workers_walk_is_told_and_done_by_another(self):
        with Shop() as shop:
            self.start_server()
            worker = self.start_worker()
            self.apply(PATROL.format(port=shop.port))
            self.until("it runs", lambda: len(self.runs("--verdict", "passed")) >= 1)
            worker.kill()
            worker.wait()
            self.start_worker("other")
            count = len(self.runs("--verdict", "passed"))
            self.until("another goes on", lambda: len(self.runs("--verdict", "passed")) > count)

    def test_a_scenario_is_started_by_hand_and_its_verdict_is_the_exit_code(self):
        with Shop() as shop:
            self.start_server()
            self.start_worker()
            self.apply(PATROL.format(port=shop.port))
            self.assertIn("passed", self.ronda("start", "scenario/health", "--env", "local", "--wait"))
            shop.status = 404
            self.assertIn("failed",
                          self.ronda("start", "scenario/health", "--env", "local", "--wait", code=99))

    def test_wrong_definitions_change_nothing_and_show_the_place(self):
        self.start_server()
        path = self.folder + "/wrong.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write("kind: Patrol\nname: p\nscenaro: x\n")
        said = self.ronda("apply", "-f", path, code=None)
        self.assertIn("wrong.yaml:3:1", said)
        self.assertIn("scenario", said)
        self.assertNotIn("Patrol", self.ronda("get"))

    def test_who_has_no_token_gets_nothing(self):
        self.start_server()
        self.env["RONDA_TOKEN"] = "ronda_wrong"
        self.ronda("get", code=4)

    def test_sigterm_ends_both_in_order(self):
        self.start_server()
        worker = self.start_worker()
        self.until("it is attached", lambda: "attached" in self.ronda("workers"))
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(HANG), 0)
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(HANG), 0)


if __name__ == "__main__":
    unittest.main()
