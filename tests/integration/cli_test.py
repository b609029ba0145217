#!/usr/bin/env python3
"""The command line of the real binary: exit codes, streams, bad files, sources of values, completion."""
import http.server
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import threading
import time
import unittest

from ronda_case import DEADLINE, RONDA, RondaCase


class Recorder:
    """A server that keeps the last request it got; no port of it is left open."""

    def __enter__(self):
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                recorder.method, recorder.headers = self.command, self.headers
                recorder.peer = self.client_address[0]
                recorder.body = self.rfile.read(int(self.headers.get("content-length", 0)))
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class ExitCodeTest(RondaCase):
    def code(self, *arguments, **more):
        return self.ronda(*arguments, **more).code

    def test_a_verdict_is_the_exit_code(self):
        ok = self.scenario('- {id: a, action: http.request, with: {url: $http/ok}, checks: ["status == 200"]}')
        self.assertEqual(self.code("run", ok), 0)
        red = self.scenario('- {id: a, action: http.request, with: {url: $http/ok}, checks: ["status == 201"]}')
        self.assertEqual(self.code("run", red), 99)
        self.assertEqual(self.code("run", red, "-n", "5"), 99)  # nothing worked
        allowed = self.scenario('- {id: a, action: http.request, with: {url: $http/ok}, checks: ["status == 201"]}',
                                top='thresholds: ["drill.iterations == 5"]')
        self.assertEqual(self.code("run", allowed, "-n", "5"), 0)  # under load the thresholds decide
        slow = self.scenario("- {id: a, action: http.request, with: {url: $http/ok}}",
                             top='thresholds: ["drill.p95 < 1us"]')
        self.assertEqual(self.code("run", slow, "-n", "5"), 99)
        guarded = self.scenario("- {id: a, action: http.request, with: {url: $http/status/500}, checks: [{expr: 'status == 200', fatal: true}]}",
                                top='guards: [{when: "drill.errors > 1%", do: abort}]')
        self.assertEqual(self.code("run", guarded, "-u", "2", "-d", "30s"), 110)

    def test_what_cannot_run_is_told_with_its_place(self):
        text = self.scenario("- {id: a, action: http.reqest, with: {url: $http/ok}}")
        done = self.ronda("run", text)
        self.assertEqual(done.code, 104)
        self.assertIn("scenario.yaml:5:19", done.err)
        self.assertIn('did you mean "http.request"?', done.err)
        self.assertEqual(done.out, "")

    def test_usage(self):
        for arguments, says in ((["rum"], 'did you mean "run"?'),
                                (["run", "--thread", "2", "x"], "did you mean --threads?"),
                                (["run"], "FILE"),
                                (["run", "x.yaml", "--threads", "many"], "--threads"),
                                (["run", "x.yaml", "--duration"], "--duration"),
                                (["bench", "a", "b"], '"b"'),
                                (["help", "exit-code"], 'did you mean "exit-codes"?'),
                                (["--color", "never", "run"], "a command comes before")):
            done = self.ronda(*arguments)
            self.assertEqual(done.code, 2, f"{arguments}: {done}")
            self.assertIn(says, done.err)

    def test_bench_that_reaches_nobody(self):
        refused = self.server.url("/", "refused")
        for url, code, says in ((refused, 5, "refused"), ("http://shop.invalid/", 5, "shop.invalid"),
                                ("ftp://shop.test/", 2, "ftp"), ("shop.test", 2, "http://"),
                                ("http://[::1/", 2, "::1")):
            done = self.ronda("bench", url, "-d", "100ms", "-c", "1")
            self.assertEqual(done.code, code, f"{url}: {done}")
            self.assertIn(says, done.err)
            self.assertNotIn("action: http.request", done.err)

    def test_files_that_are_no_scenario(self):
        os.mkdir(os.path.join(self.folder, "folder"))
        files = {"empty.yaml": "", "comment.yaml": "# nothing\n", "binary.yaml": os.urandom(5000),
                 "zeros.yaml": bytes(5000), "words.yaml": "hello", "list.yaml": "- 1\n",
                 "escape.yaml": "kind: \x1b[31mScenario\n", "open.yaml": "kind: [",
                 "huge.yaml": b"#" * 100_000_000}
        for name, text in files.items():
            self.write(name, text)
        for name in [*files, "nowhere.yaml", "folder"]:
            done = self.ronda("run", name)
            self.assertEqual(done.code, 104, f"{name}: {done}")
            self.assertIn(name, done.err)
            control = [c for c in done.err if ord(c) < 32 and c not in "\n\t"]
            self.assertEqual(control, [], name)
            self.assertLess(len(done.err), 4000)
        done = self.ronda("run", "nowhere.yaml")
        self.assertIn("No such file", done.err)

    def test_the_first_interrupt_drains_and_the_second_ends(self):
        path = self.scenario("- {id: a, action: http.request, with: {url: $http/half-open}}",
                             top="http: {timeout: none}")
        with self.start("run", path, "-u", "1", "-d", "60s") as run:
            self.server_has("/half-open")
            run.send_signal(signal.SIGINT)
            self.until(run, "again stops at once")
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.wait(DEADLINE), 105)
        path = self.scenario("- {id: a, action: http.request, with: {url: $http/ok}, think: 10ms}")
        self.server.clear()
        with self.start("run", path, "-u", "1", "-d", "60s", "--json") as run:
            self.server_has("/ok")
            run.send_signal(signal.SIGINT)
            out, _ = run.communicate(timeout=DEADLINE)
            self.assertEqual(run.returncode, 130)
            self.assertEqual(json.loads(out)["run"]["end"], "interrupted")

    def start(self, *arguments):
        return subprocess.Popen([RONDA, *arguments], cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def server_has(self, path):
        end = time.monotonic() + DEADLINE
        while self.server.requests(path) == 0:
            self.assertLess(time.monotonic(), end, f"no request for {path}")

    def until(self, run, text):
        for line in run.stderr:
            if text in line:
                return
        self.fail(f"never said {text}")


class StreamsTest(RondaCase):
    def test_data_goes_out_and_progress_beside_it(self):
        path = self.scenario("- {id: a, action: http.request, with: {url: $http/ok}}")
        done = self.ronda("run", path, "-n", "3", "--json")
        self.assertEqual(json.loads(done.out)["totals"]["requests"], 3)
        done = self.ronda("bench", self.server.url("/ok"), "-n", "3", "--json")
        self.assertEqual(json.loads(done.out)["requests"], 3)
        self.assertEqual(done.err, "")

    def test_a_closed_output_is_a_failure_and_no_crash(self):
        path = self.scenario("- {id: a, action: http.request, with: {url: $http/ok}}")
        with open("/dev/full", "w") as full:
            run = subprocess.run([RONDA, "run", path, "--json"], stdout=full, stderr=subprocess.PIPE,
                                 text=True, timeout=DEADLINE)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("standard output", run.stderr)

    def test_colour_on_a_terminal_alone_and_not_with_no_color(self):
        path = self.scenario("- {id: a, action: http.request, with: {url: $http/ok}}")
        self.assertNotIn("\x1b", self.ronda("run", path).out)
        self.assertIn("\x1b[", self.on_terminal(["run", path], {"TERM": "xterm"}))
        plain = self.on_terminal(["run", path, "--once", "-v"], {"TERM": "xterm", "NO_COLOR": "1"})
        self.assertEqual(re.findall(r"\x1b\[[0-9;]*m", plain), [])

    def test_a_live_run_on_a_terminal_is_one_block_drawn_again(self):
        path = self.scenario("- {id: a, action: http.request, with: {url: $http/ok}, think: 50ms}")
        seen = self.on_terminal(["run", path, "-u", "2", "-d", "2500ms"], {"TERM": "xterm"})
        self.assertRegex(seen, r"\x1b\[\d+F")

    def on_terminal(self, arguments, env):
        leader, follower = pty.openpty()
        run = subprocess.Popen([RONDA, *arguments], stdout=follower, stderr=follower, stdin=follower,
                               env={"HOME": self.folder, **env})
        os.close(follower)
        seen = b""
        while True:
            ready, _, _ = select.select([leader], [], [], DEADLINE)
            self.assertTrue(ready, "nothing more came")
            try:
                piece = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            seen += piece
        run.wait(DEADLINE)
        os.close(leader)
        return seen.decode(errors="replace")


class ValuesTest(RondaCase):
    def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(self):
        config = self.write("config.yaml", "log-level: warning\nrun: {threads: 3}\n")

        def threads(*arguments, env=None):
            done = self.ronda("config", "explain", "--config", config, "run", "--", *arguments, env=env)
            self.assertEqual(done.code, 0, str(done))
            lines = done.out.splitlines()
            return next(i.split()[1:3] for i in lines if i.split()[:1] == ["threads"])
        self.assertEqual(threads(), ["3", "file"])
        self.assertEqual(threads(env={"RONDA_THREADS": "5"}), ["5", "environment"])
        self.assertEqual(threads("--threads", "7", env={"RONDA_THREADS": "5"}), ["7", "flag"])
        home = os.path.join(self.folder, ".config", "ronda")
        os.makedirs(home)
        shutil.copy(config, home)
        done = self.ronda("config", "explain", "run")
        self.assertRegex(done.out, r"threads +3 +file .*config.yaml:2:")

    def test_a_wrong_configuration_is_told_with_its_place(self):
        config = self.write("config.yaml", "log-level: warning\nthrads: 3\n")
        done = self.ronda("config", "explain", "--config", config)
        self.assertEqual(done.code, 104)
        self.assertIn("config.yaml:2:1", done.err)
        self.assertIn('did you mean "threads"?', done.err)
        done = self.ronda("config", "explain", "--config", self.folder)
        self.assertEqual(done.code, 104)
        self.assertIn("directory", done.err)
        done = self.ronda("config", "explain", env={"RONDA_THREADS": "many"})
        self.assertEqual(done.code, 104)
        self.assertIn("RONDA_THREADS", done.err)
        done = self.ronda("config", "explain", "bensh")
        self.assertEqual(done.code, 2)
        self.assertIn('did you mean "bench"?', done.err)

    def test_environments_and_settings_choose_values(self):
        path = self.scenario("""
        - id: a
          action: http.request
          with: {url: "${env.shop}/echo", headers: {X-P: "${params.p}"}}
          checks: ["['x-p', 'given'] in json.headers", "env.stage == 'two'"]
        """, top="params: {p: {type: string, default: none}}")
        self.write("env.yaml", "\n---\n".join(
            f"kind: Environment\nname: {name}\nvariables: {{shop: '{url}', stage: {name}}}"
            for name, url in (("one", "http://127.0.0.1:1"), ("two", self.server.url("")))))
        done = self.ronda("run", path, "--env-file", "env.yaml", "--env", "two", "--set", "p=given")
        self.assertEqual(done.code, 0, str(done))
        done = self.ronda("run", path, "--env-file", "env.yaml", "--env", "twoo")
        self.assertIn('did you mean "two"?', done.err)
        done = self.ronda("run", path, "--env-file", "env.yaml", "--env", "one", "--set",
                          "env.shop=" + self.server.url(""), "--set", "env.stage=two", "--set", "p=given")
        self.assertEqual(done.code, 0, str(done))
        done = self.ronda("run", path, "--env-file", "env.yaml", "--env", "two", "--set", "q=given")
        self.assertEqual(done.code, 104)
        self.assertIn('--set q: test has no such param', done.err)

    def test_a_verbose_pass_shows_exchanges_with_secrets_masked(self):
        path = self.scenario("""
        - id: login
          action: http.request
          with: {method: POST, url: $http/echo, json: {user: ann, password: "${secrets.pass}"}, bearer: "${secrets.pass}"}
          checks: ["status == 200"]
        """)
        self.write("env.yaml", "kind: Environment\nname: one\nsecrets: {pass: {env: SHOP_PASS}}\n")
        done = self.ronda("run", path, "--once", "-v", "--env-file", "env.yaml",
                          env={"SHOP_PASS": "hunter22"})
        self.assertEqual(done.code, 0, str(done))
        for text in ("> POST http://", "> Host: ", "< HTTP/1.1 200", '"user":"ann"', "***",
                     "ok   status == 200"):
            self.assertIn(text, done.err)
        self.assertNotIn("hunter22", done.err + done.out)
        done = self.ronda("run", path, "--once", "--env-file", "env.yaml")
        self.assertEqual(done.code, 104)
        self.assertIn("SHOP_PASS", done.err)


class HelpTest(RondaCase):
    def test_every_topic_is_there(self):
        for topic in ("exit-codes", "config", "expressions", "executors", "metrics", "scenario",
                      "definitions", "actions", "report-json", "control-socket", "run", "bench",
                      "http.request", "wait"):
            done = self.ronda("help", topic)
            self.assertEqual(done.code, 0, f"{topic}: {done}")
            self.assertGreater(len(done.out), 200, topic)

    def test_bash_completes_commands_options_values_and_files(self):
        self.write("buy.yaml", "")
        script = self.ronda("completion", "bash").out

        def complete(line):
            words = line.split(" ")
            done = subprocess.run(
                ["bash", "--norc", "-c", script + '\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
                 '_ronda; printf "%s\\n" "${COMPREPLY[@]}"', "bash", RONDA, *words[1:]],
                cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual(done.stderr, "")
            return done.stdout.split()
        self.assertEqual(complete("ronda be"), ["bench"])
        self.assertIn("--connections", complete("ronda bench --"))
        self.assertEqual(complete("ronda bench --conne"), ["--connections", "--connect-timeout"])
        self.assertEqual(complete("ronda run --color a"), ["auto", "always"])
        self.assertEqual(complete("ronda config ex"), ["explain"])
        self.assertEqual(complete("ronda completion "), ["bash", "zsh", "fish"])
        self.assertIn("exit-codes", complete("ronda help ex"))
        self.assertEqual(complete("ronda run "), [])  # bash falls back to files

    @unittest.skipUnless(shutil.which("zsh"), "no zsh on this machine")
    def test_zsh_accepts_its_script(self):
        script = self.write("_ronda", self.ronda("completion", "zsh").out)
        done = subprocess.run(["zsh", "-f", "-c", "autoload -U compinit; compinit -u -D; "
                               f". {script}; print $_comps[ronda]"],
                              capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual((done.stdout.strip(), done.stderr), ("_ronda", ""))

    @unittest.skipUnless(shutil.which("fish"), "no fish on this machine")
    def test_fish_completes(self):
        os.symlink(RONDA, os.path.join(self.folder, "ronda"))
        script = self.write("ronda.fish", self.ronda("completion", "fish").out)
        done = subprocess.run(["fish", "--no-config", "-c",
                               f"source {script}; complete -C 'ronda be'"],
                              capture_output=True, text=True, timeout=DEADLINE,
                              env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})
        self.assertEqual(done.stdout.split()[:1], ["bench"], done.stderr)


class BenchTest(RondaCase):
    def test_json_has_its_keys(self):
        done = self.ronda("bench", self.server.url("/ok"), "-n", "20", "-c", "2", "--json")
        figures = json.loads(done.out)
        self.assertEqual(figures["requests"], 20)
        self.assertEqual(figures["errors"], 0)
        self.assertGreater(figures["requests_per_second"], 0)
        self.assertGreater(figures["cpu_us_per_request"], 0)
        self.assertEqual(figures["dropped"], 0)
        self.assertEqual(set(figures["latency_ms"]), {"p50", "p90", "p95", "p99", "p999", "max"})
        self.assertIn("lateness_ms", figures)
        self.assertEqual(self.server.requests("/ok"), 20)

    def test_what_goes_out_is_what_the_options_say(self):
        body = self.write("body.bin", bytes(range(256)))
        for options, method, headers, sent in (
                ([], "GET", {}, b""),
                (["--body", "x ${y}"], "POST", {"content-length": "6"}, b"x ${y}"),
                (["--body", ""], "POST", {"content-length": "0"}, b""),
                (["--body-file", body, "-X", "PUT"], "PUT", {}, bytes(range(256))),
                (["-H", "X-A: ${b}", "-H", "X-B:"], "GET", {"x-a": "${b}", "x-b": ""}, b""),
                (["-H", "Host: shop.test"], "GET", {"host": "shop.test"}, b""),
                (["-u", "user:secret"], "GET", {"authorization": "Basic dXNlcjpzZWNyZXQ="}, b"")):
            with Recorder() as server:
                done = self.ronda("bench", server.url, "-n", "1", "-c", "1", *options)
            self.assertEqual(done.code, 0, str(done))
            self.assertEqual(server.method, method, options)
            self.assertEqual(server.body, sent, options)
            for name, value in headers.items():
                self.assertEqual(server.headers[name], value, options)

    def test_names_and_addresses(self):
        with Recorder() as server:
            url = server.url.replace("127.0.0.1", "shop.test")
            done = self.ronda("bench", url, "-n", "1", "-c", "1", "--resolve",
                              f"shop.test:{server.port}:127.0.0.1", "--source-address", "127.0.0.2")
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(server.headers["host"], f"shop.test:{server.port}")
        self.assertEqual(server.peer, "127.0.0.2")
        done = self.ronda("bench", self.server.url("/ok"), "-n", "3", "-x",
                          self.server.url("", "proxy", scheme="http"))
        self.assertEqual(done.code, 0, str(done))
        self.assertIn(3, [n for what, n in self.server.ask("/_count")["requests"].items()
                          if what.startswith("proxy GET")])

    def test_certificates(self):
        url = self.server.url("/ok", "https:good")
        self.assertEqual(self.ronda("bench", url, "-n", "2").code, 5)
        self.assertEqual(self.ronda("bench", url, "-n", "2", "--ca", self.server.ca).code, 0)
        self.assertEqual(self.ronda("bench", url, "-n", "2", "-k").code, 0)
        url = self.server.url("/ok", "https:client")
        self.assertEqual(self.ronda("bench", url, "-n", "2", "--ca", self.server.ca, "--cert",
                                    self.server.client_cert, "--key", self.server.client_key).code, 0)
        done = self.ronda("bench", url, "-n", "2", "--ca", "nowhere.pem")
        self.assertEqual(done.code, 104)
        self.assertIn("nowhere.pem", done.err)


if __name__ == "__main__":
    unittest.main()
