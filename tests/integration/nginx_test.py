"""Ronda against nginx: what it counts is what nginx logged, also while nginx reloads and restarts."""
import collections
import os
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
import urllib.request

from ronda import OK, Running, bench, request, run, scenario

NGINX = next((p for p in ("/usr/sbin/nginx", "/usr/local/sbin/nginx") if os.path.exists(p)), None)
BIG = 5_000_000

CONFIGURATION = """
daemon off; worker_processes 2; error_log {folder}/error.log notice; pid {folder}/pid;
worker_rlimit_nofile 4096; worker_shutdown_timeout {shutdown};
events {{ worker_connections 2048; }}
http {{
  log_format each escape=json '$connection $request_method $uri $status $server_protocol $http_n';
  access_log {folder}/access.log each;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests {keepalive_requests}; keepalive_timeout {keepalive_timeout};
  types {{ text/plain txt; }} default_type text/plain;
  server {{
    listen 127.0.0.1:{http};
    listen 127.0.0.1:{h2c} http2;
    listen 127.0.0.1:{https} ssl http2;
    listen 127.0.0.1:{client} ssl http2;
    ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key;
    ssl_verify_client optional_no_ca;
    root {folder}/files;
    location / {{ }}
    location = /small {{ return 200 "generation {generation}"; }}
    location = /packed.txt {{ gzip on; gzip_min_length 1; gzip_types text/plain; }}
    location = /slow {{ limit_rate 20k; try_files /medium.txt =404; }}
    location = /wants-certificate {{
      if ($ssl_client_verify = NONE) {{ return 403; }}
      return 200 certified;
    }}
    location = /post {{ client_max_body_size 10m; proxy_pass http://127.0.0.1:{http}/small; }}
  }}
}}
"""


def free_ports(count):
    """Ports that nobody has now; nginx cannot listen on port 0."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Nginx:
    """nginx in the foreground with a folder of its own."""

    def __init__(self, **options):
        self.place = tempfile.TemporaryDirectory(prefix="ronda-nginx-")
        self.folder = self.place.name
        self.process = None
        self.options = {"keepalive_requests": 1000000, "keepalive_timeout": "600s",
                        "generation": 1, "shutdown": "600s", **options}
        os.mkdir(f"{self.folder}/files")
        for name, text in (("medium.txt", b"m" * 100_000), ("big.bin", os.urandom(BIG)),
                           ("packed.txt", b"again and again " * 5000)):
            with open(f"{self.folder}/files/{name}", "wb") as file:
                file.write(text)
        os.chmod(self.folder, 0o755)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=site", "-days", "2",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                        "-keyout", f"{self.folder}/site.key", "-out", f"{self.folder}/site.pem"],
                       check=True, capture_output=True)
        self.ca = f"{self.folder}/site.pem"

    def __enter__(self):
        for _ in range(10):
            self.ports = dict(zip(("http", "h2c", "https", "client"), free_ports(4)))
            self.configure()
            if self.start():
                return self
        raise OSError(f"nginx does not start: {self.errors()}")

    def configure(self, **changed):
        self.options.update(changed)
        with open(f"{self.folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(folder=self.folder, **self.ports, **self.options))

    def start(self):
        """False when it did not come up, as when somebody took a port meanwhile."""
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [NGINX, "-p", self.folder, "-e", f"{self.folder}/error.log",
             "-c", f"{self.folder}/nginx.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        turn = threading.Event()
        for _ in range(3000):
            if self.process.poll() is not None:
                return False
            try:
                with socket.create_connection(("127.0.0.1", self.ports["http"]), 1):
                    return True
            except OSError:
                turn.wait(0.01)
        return False

    def stop(self, how=signal.SIGQUIT):
        self.process.send_signal(how)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)
        self.place.cleanup()

    def errors(self):
        with open(f"{self.folder}/error.log", encoding="utf-8") as file:
            return file.read()

    def url(self, path, port="http", host="127.0.0.1"):
        return f"{'https' if port in ('https', 'client') else 'http'}://{host}:{self.ports[port]}{path}"

    def log(self):
        """[(connection, method, path, status, protocol, n)]; lines are complete once nginx stopped."""
        with open(f"{self.folder}/access.log", encoding="utf-8") as file:
            return [line.rstrip("\n").split(" ") for line in file]

    def logged(self, path):
        return [entry for entry in self.log() if entry[2] == path]


def await_(condition, what):
    turn = threading.Event()
    for _ in range(12000):
        if condition():
            return
        turn.wait(0.01)
    raise AssertionError(f"did not come: {what}")


@unittest.skipUnless(NGINX, "nginx is not installed")
class NginxTest(unittest.TestCase):
    OPTIONS = {}

    def setUp(self):
        self.nginx = Nginx(**self.OPTIONS)
        self.nginx.__enter__()
        self.addCleanup(self.nginx.__exit__)

    def agrees(self, done, path, count=None):
        """nginx logged every request that was answered, and no other."""
        answered = sum(done.statuses.values())
        await_(lambda: len(self.nginx.logged(path)) >= answered, "the log")
        self.nginx.stop()
        self.assertEqual(len(self.nginx.logged(path)), answered if count is None else count)


class Protocols(NginxTest):
    def drive(self, path, port="http", iterations=200, **parameters):
        parameters.setdefault("timeout", "60s")
        if port in ("https", "client"):
            parameters.setdefault("tls", {"ca": self.nginx.ca})
        return run(scenario(request(self.nginx.url(path, port), **parameters)), "-u", "5", "-n",
                   str(iterations))

    def test_keepalive(self):
        done = self.drive("/small", checks=["body == 'generation 1'", "version == '1.1'"])
        self.assertEqual((done.failed, done.totals["checks_failed"]), (0, 0), done)
        self.assertEqual(done.totals["connections_opened"], 5)
        self.agrees(done, "/small")
        self.assertEqual(len({entry[0] for entry in self.nginx.logged("/small")}), 5)

    def test_a_fresh_connection_each(self):
        done = self.drive("/small", freshConnection=True)
        self.assertEqual((done.failed, done.totals["connections_opened"]), (0, 200), done)
        self.agrees(done, "/small")

    def test_the_protocol_that_was_asked_for(self):
        for port, version, spoken in (("https", "auto", "2"), ("https", "h2", "2"),
                                      ("https", "1.1", "1.1"), ("h2c", "h2c", "2")):
            with self.subTest(port=port, version=version):
                done = self.drive("/small", port, version=version,
                                  checks=[f"version == '{spoken}'", "body == 'generation 1'"])
                self.assertEqual((done.failed, done.totals["checks_failed"]), (0, 0), done)
        await_(lambda: len(self.nginx.logged("/small")) >= 800, "the log")
        self.nginx.stop()
        spoken = collections.Counter(entry[4] for entry in self.nginx.logged("/small"))
        self.assertEqual(spoken, {"HTTP/2.0": 600, "HTTP/1.1": 200})

    def test_bodies_arrive_whole(self):
        for port, version in (("http", "1.1"), ("https", "1.1"), ("https", "h2"), ("h2c", "h2c")):
            with self.subTest(port=port, version=version):
                done = self.drive("/big.bin", port, iterations=40, version=version,
                                  keepBody="10MB", checks=[f"size == {BIG}"])
                self.assertEqual((done.failed, done.totals["checks_failed"]), (0, 0), done)
                self.assertGreaterEqual(done.totals["bytes_in"], 40 * BIG)

    def test_gzip_which_nginx_sends_in_chunks(self):
        for port, version in (("http", "1.1"), ("https", "h2")):
            done = self.drive("/packed.txt", port, version=version, iterations=50,
                              checks=["size == 80000", "headers['content-encoding'] == 'gzip'"])
            self.assertEqual((done.failed, done.totals["checks_failed"]), (0, 0), done)
            self.assertLess(done.totals["bytes_in"], 50 * 8000)

    def test_posts(self):
        for port, version in (("http", "1.1"), ("https", "h2"), ("h2c", "h2c")):
            done = self.drive("/post", port, version=version, iterations=50, method="POST",
                              body="x" * 300_000)
            self.assertEqual(done.failed, 0, done)
            self.assertGreater(done.totals["bytes_out"], 50 * 300_000)

    def test_a_client_certificate_is_presented(self):
        done = self.drive("/wants-certificate", "client", iterations=10)
        self.assertEqual(done.statuses, {"403": 10})
        done = self.drive("/wants-certificate", "client", iterations=10,
                          tls={"ca": self.nginx.ca, "cert": f"{self.nginx.folder}/site.pem",
                               "key": f"{self.nginx.folder}/site.key"})
        self.assertEqual(done.statuses, {"200": 10}, done)


class KeepaliveLimits(NginxTest):
    OPTIONS = {"keepalive_requests": 7}

    def test_connections_that_nginx_ends_cost_nothing(self):
        """nginx says so by `Connection: close` and GOAWAY."""
        for port, options in (("http", ()), ("https", ("-k",)), ("https", ("-k", "--http2")),
                              ("h2c", ("--http2",))):
            with self.subTest(port=port, options=options):
                done = bench(self.nginx.url("/small", port), "-c", "4", "-n", "700", *options)
                self.assertEqual((done.code, done.report["errors"]), (OK, 0), done)
                self.assertGreaterEqual(done.report["connections_opened"], 100)
        await_(lambda: len(self.nginx.logged("/small")) >= 2800, "the log")
        self.nginx.stop()
        self.assertEqual(len(self.nginx.logged("/small")), 2800)


class IdleTimeouts(NginxTest):
    OPTIONS = {"keepalive_timeout": "1s"}

    def test_connections_that_nginx_closed_while_the_user_thought(self):
        done = run(scenario(request(self.nginx.url("/small"), method="POST", body="x",
                                    step="order"), think_pause()),
                   "-u", "3", "-n", "6")
        self.assertEqual((done.statuses, done.errors), ({"200": 6}, {}), done)


def think_pause():
    return {"id": "think", "action": "wait", "with": {"for": "1500ms"}}


class UnderLoad(NginxTest):
    """The load goes on until nginx has done what it was asked for; then Ctrl-C drains it."""

    def load(self, port, version, method="GET"):
        body = {} if method == "GET" else {"body": "x" * 1000}
        url = self.nginx.url("/post" if method == "POST" else "/small", port)
        return scenario(
            request(url, version=version, timeout="60s", method=method,
                    tls={"ca": self.nginx.ca}, headers={"N": "${vu.id}-${vu.iteration}"}, **body),
            pacing="2ms", load={"executor": "constant-vus", "vus": 8, "duration": "1h"})

    def during(self, act, port="http", version="1.1", method="GET"):
        """The run during which `act` was done three times, each time under load."""
        with Running(self.load(port, version, method), "-t", "2",
                     control=True) as running:
            def more(count):
                status = running.status()
                goal = (status["requests"] if status else 0) + count
                await_(lambda: (running.status() or {"requests": 0})["requests"] >= goal,
                       "requests")
            more(100)
            for _ in range(3):
                act()
                more(200)
            running.interrupt()
            return running.wait()


class Reloads(UnderLoad):
    def test_a_reload_loses_no_request(self):
        for port, version in (("http", "1.1"), ("https", "1.1"), ("https", "h2"), ("h2c", "h2c")):
            with self.subTest(port=port, version=version):
                before = len(self.nginx.logged("/small"))
                generation = [self.nginx.options["generation"]]

                def act():
                    generation[0] += 1
                    self.nginx.configure(generation=generation[0])
                    self.nginx.reload()
                    await_(lambda: self.answer() == f"generation {generation[0]}", "the reload")
                done = self.during(act, port, version)
                self.assertEqual((done.failed, done.errors), (0, {}), done)
                asked = self.asked
                await_(lambda: len(self.nginx.logged("/small")) - before - asked >= done.requests,
                       "the log")
                counts = collections.Counter(entry[5] for entry in
                                             self.nginx.logged("/small")[before:])
                del counts[""]
                self.assertEqual(sum(counts.values()), done.requests)
                self.assertEqual(max(counts.values()), 1)  # none was sent twice
                self.asked = 0

    asked = 0

    def answer(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.nginx.url("/small"), timeout=20) as answer:
            self.asked += 1
            return answer.read().decode()


class Restarts(UnderLoad):
    # nginx 1.22 lets an HTTP/2 connection that is busy when it is asked to quit go on for ever.
    OPTIONS = {"shutdown": "1s"}

    def restart(self, how):
        self.nginx.stop(how)
        self.assertTrue(self.nginx.start(), self.nginx.errors())

    def test_a_restart_fails_what_came_meanwhile_and_nothing_is_miscounted(self):
        for how in (signal.SIGQUIT, signal.SIGTERM):
            for port, version, method in (("http", "1.1", "GET"), ("http", "1.1", "POST"),
                                          ("https", "h2", "GET")):
                with self.subTest(how=how, port=port, version=version, method=method):
                    path = "/post" if method == "POST" else "/small"
                    before = len(self.nginx.logged(path))
                    done = self.during(lambda h=how: self.restart(h), port, version, method)
                    self.assertLessEqual(set(done.errors),
                                         {"connect-refused", "reset", "closed-early", "go-away",
                                          "tls"}, done)
                    answered = sum(done.statuses.values())
                    self.assertEqual(answered + sum(done.errors.values()), done.requests, done)
                    self.assertEqual(sum(done.errors.values()), done.failed -
                                     sum(n for s, n in done.statuses.items() if s >= "400"), done)
                    entries = [e for e in self.nginx.logged(path)[before:] if e[5]]
                    # nginx may have answered what then got lost, at most once a user and restart;
                    # a fast shutdown also comes between an answer and its line in the log.
                    least = 0 if how == signal.SIGQUIT else -3 * 8
                    self.assertIn(len(entries) - answered, range(least, 3 * 8 + 1))


if __name__ == "__main__":
    unittest.main()
