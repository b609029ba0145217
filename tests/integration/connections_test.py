"""Connections that cannot be made, are not trusted, go stale or come back."""
import os
import re
import subprocess
import threading
import unittest

from ronda import BINARY, OK, Running, UNAVAILABLE, bench, instrumented, request, run, scenario
from client import HostileServer

USERS, ITERATIONS = 4, 24


class HostileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = HostileServer()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def drive(self, url, *options, iterations=ITERATIONS, users=USERS, **parameters):
        parameters.setdefault("timeout", "60s")
        return run(scenario(request(url, **parameters)), "-u", str(users), "-n", str(iterations),
                   *options)

    def fails(self, url, kind, *pieces, **parameters):
        with self.subTest(url=url, parameters=parameters):
            done = self.drive(url, **parameters)
            self.assertEqual(done.errors, {kind: ITERATIONS}, done)
            for piece in pieces:
                self.assertIn(piece, done.messages)


class Certificates(HostileTest):
    def refused(self, port, *pieces, kind="certificate", **tls):
        tls.setdefault("ca", self.server.ca)
        self.fails(self.server.url("/ok", port), kind, f"127.0.0.1:{self.server.ports[port]}",
                   *pieces, tls=tls)

    def test_what_is_wrong_with_it_is_said(self):
        self.refused("https:expired", "certificate has expired", "valid 20")
        self.refused("https:not-yet", "not yet valid")
        self.refused("https:wrong-host", "mismatch", "other.test")
        self.refused("https:self-signed", "self-signed", "CA file")
        self.refused("https:unknown-ca", "unable to get local issuer", "CA file")
        self.refused("https:good", "CA file", ca="")

    def test_the_name_that_is_checked_may_be_another(self):
        url = self.server.url("/ok", "https:wrong-host")
        done = self.drive(url, tls={"ca": self.server.ca, "serverName": "other.test"})
        self.assertEqual((done.failed, done.requests), (0, ITERATIONS), done)

    def test_nothing_is_verified_on_demand_only(self):
        for port in ("expired", "not-yet", "wrong-host", "self-signed", "unknown-ca"):
            done = self.drive(self.server.url("/ok", f"https:{port}"), tls={"verify": False})
            self.assertEqual(done.failed, 0, done)

    def test_a_client_certificate(self):
        # This server closes without the alert that TLS has for it; see Alerts.
        done = self.drive(self.server.url("/ok", "https:client"), tls={"ca": self.server.ca})
        self.assertEqual(done.failed, ITERATIONS, done)
        self.assertLessEqual(set(done.errors), {"closed-early", "reset"}, done)
        for failure in done.report["failures"]:
            self.assertIn("may want a client certificate", failure["message"])
        done = self.drive(self.server.url("/ok", "https:client"),
                          tls={"ca": self.server.ca, "cert": self.server.client_cert,
                               "key": self.server.client_key})
        self.assertEqual(done.failed, 0, done)

    def test_versions(self):
        self.refused("https:1.2", "version of it in common", kind="tls", minVersion="1.3")
        done = self.drive(self.server.url("/ok", "https:1.2"), tls={"ca": self.server.ca},
                          checks=["tlsVersion == 'TLSv1.2'"])
        self.assertEqual((done.failed, done.totals["checks_failed"]), (0, 0), done)

    def test_servers_that_speak_no_tls(self):
        self.fails(self.server.url("/", "garbage", scheme="https"), "tls", "does not speak TLS",
                   f"127.0.0.1:{self.server.ports['garbage']}")
        for port in ("http", "silent"):  # the first waits for the end of a line
            self.fails(self.server.url("/ok", port, scheme="https"), "connect-timeout",
                       "in the TLS handshake with", connectTimeout="200ms")

    def test_files_that_are_missing_are_told_before_the_first_request(self):
        done = self.drive(self.server.url("/ok", "https:good"), tls={"ca": "/nowhere/ca.pem"})
        text = done.err + (done.messages if done.report else "")
        self.assertIn("/nowhere/ca.pem", text)

    def test_sessions_are_resumed(self):
        done = self.drive(self.server.url("/ok", "https:good"), tls={"ca": self.server.ca},
                          freshConnection=True)
        self.assertEqual(done.totals["tls_handshakes"], ITERATIONS, done)
        self.assertGreaterEqual(done.totals["tls_resumed"], ITERATIONS // 2)


class Alerts(HostileTest):
    """What OpenSSL's own server says when it refuses."""

    def refused_by(self, *options, kind, piece, **tls):
        certificate = os.path.join(self.server.folder, "good")
        command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-naccept", "4",
                   "-cert", certificate + ".pem", "-key", certificate + ".key", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True) as server:
            try:
                port = next(line.rsplit(":", 1)[1].strip() for line in server.stdout
                            if line.startswith("ACCEPT "))
                drain = threading.Thread(target=server.stdout.read, daemon=True)
                drain.start()
                done = self.drive(f"https://127.0.0.1:{port}/", users=1, iterations=4,
                                  tls={"ca": self.server.ca, **tls})
                self.assertEqual(done.errors, {kind: 4}, done)
                self.assertIn(piece, done.messages)
                self.assertIn(f"127.0.0.1:{port}", done.messages)
            finally:
                server.terminate()
                drain.join()

    def test_no_client_certificate(self):
        self.refused_by("-Verify", "1", "-verify_return_error", "-CAfile", self.server.ca,
                        "-tls1_3", kind="tls", piece="it wants a client certificate")
        self.refused_by("-Verify", "1", "-verify_return_error", "-CAfile", self.server.ca,
                        "-tls1_2", kind="tls", piece="it wants a client certificate")

    def test_no_version_or_cipher_in_common(self):
        self.refused_by("-tls1_2", kind="tls", piece="no version of TLS", minVersion="1.3")
        self.refused_by("-tls1_2", "-cipher", "AES256-GCM-SHA384", kind="tls",
                        piece="handshake failure",
                        ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")


class Names(HostileTest):
    def test_a_name_that_does_not_resolve(self):
        self.fails("http://no-such-name.invalid/", "dns", 'cannot resolve "no-such-name.invalid"')
        done = bench("http://no-such-name.invalid/", "-n", "4")
        self.assertEqual(done.code, UNAVAILABLE)

    def test_many_users_wait_for_one_lookup(self):
        done = self.drive(f"http://localhost:{self.server.ports['http']}/ok", users=300,
                          iterations=300)
        self.assertEqual(done.failed, 0, done)

    def test_a_name_may_be_given_its_address(self):
        port = self.server.ports["http"]
        done = self.drive(f"http://shop.invalid:{port}/echo",
                          resolve=[f"shop.invalid:{port}:127.0.0.1"],
                          checks=["status == 200"])
        self.assertEqual(done.failed, 0, done)

    def test_both_families(self):
        done = self.drive(f"http://[::1]:{self.server.ports['http6']}/ok")
        self.assertEqual(done.failed, 0, done)


class Proxies(HostileTest):
    def test_one_that_is_not_there_is_named(self):
        proxy = f"http://127.0.0.1:{self.server.ports['refused']}"
        for port in ("http", "https:good"):
            self.fails(self.server.url("/ok", port), "proxy", "Connection refused",
                       f"proxy 127.0.0.1:{self.server.ports['refused']}", proxy=proxy)

    def test_one_that_refuses(self):
        proxy = f"http://127.0.0.1:{self.server.ports['proxy-auth']}"
        self.fails(self.server.url("/ok", "https:good"), "proxy", "407", proxy=proxy)

    def test_one_that_breaks_off(self):
        for port in ("accept-close", "accept-reset", "garbage"):
            self.fails(self.server.url("/ok", "https:good"), "proxy",
                       proxy=f"http://127.0.0.1:{self.server.ports[port]}")


class Keepalive(HostileTest):
    def setUp(self):
        self.server.clear()

    def both(self, second, method, **parameters):
        """Each user asks for something and then, on the same connection, for `second`."""
        self.server.clear()
        body = {} if method == "GET" else {"body": "order"}
        return run(scenario(request(self.server.url("/ok/first"), step="first"),
                            request(self.server.url(second), step="second", method=method,
                                    **body, **parameters)),
                   "-u", str(USERS), "-n", str(ITERATIONS))

    def test_a_server_that_closes_after_each_response(self):
        """The race of its FIN and our next request is settled without a failure or a double."""
        done = self.drive(self.server.url("/close/after"), iterations=400)
        self.assertEqual((done.failed, done.requests), (0, 400), done)
        self.assertEqual(self.server.requests("/close/after"), 400)

    def test_a_post_in_that_race_is_never_sent_twice(self):
        done = self.drive(self.server.url("/close/after"), iterations=400, method="POST",
                          body="order")
        self.assertLessEqual(set(done.errors), {"reset", "closed-early"}, done)
        self.assertEqual(done.statuses["200"] + done.failed, 400, done)
        self.assertIn(self.server.requests("/close/after"),
                      range(done.statuses["200"], 400 + 1))
        for failure in done.report["failures"]:
            self.assertIn("may have been acted on", failure["message"])

    def test_an_unanswered_get_on_a_kept_connection_is_sent_once_more(self):
        for path in ("/close/now", "/reset/now"):
            done = self.both(path, "GET")
            self.assertEqual(done.failed, ITERATIONS, done)
            self.assertEqual(self.server.requests(path), 2 * ITERATIONS)

    def test_a_post_that_may_have_been_acted_on_is_not(self):
        for path, kind in (("/close/now", "closed-early"), ("/reset/now", "reset")):
            done = self.both(path, "POST")
            self.assertEqual(done.errors, {kind: ITERATIONS}, done)
            self.assertEqual(self.server.requests(path), ITERATIONS)

    def test_nothing_is_sent_twice_once_an_answer_began(self):
        for path in ("/reset/head", "/close/head", "/close/body"):
            done = self.both(path, "GET")
            self.assertEqual(done.failed, ITERATIONS, done)
            self.assertEqual(self.server.requests(path), ITERATIONS)


class Flaky(HostileTest):
    def test_a_target_that_dies_and_returns(self):
        """Errors while it is away, answers before and after, and every one is counted."""
        self.server.clear()
        url = self.server.url("/ok/alive", "flaky")
        text = scenario(request(url, timeout="60s"), pacing="5ms",
                        load={"executor": "constant-vus", "vus": 3, "duration": "200s"})
        with Running(text, "-t", "2", control=True) as running:
            def wait_for_more(than):
                self.await_(lambda: self.server.requests("/ok/alive") > than)
            wait_for_more(20)
            self.server.ask("/_down")
            down = self.server.requests("/ok/alive")
            self.await_(lambda: running.status()["failed"] > 20)
            self.server.ask("/_up")
            wait_for_more(down + 20)
            running.interrupt()
            done = running.wait()
        self.assertGreater(done.errors.get("connect-refused", 0), 0, done)
        self.assertLessEqual(set(done.errors), {"connect-refused", "reset", "closed-early"})
        self.assertEqual(done.statuses["200"] + done.failed, done.requests)
        # A response may have been lost with the connection that carried it.
        lost = self.server.requests("/ok/alive") - done.statuses["200"]
        self.assertIn(lost, range(0, 2 * 3 + 1))

    def await_(self, condition):
        turn = threading.Event()
        for _ in range(6000):
            if condition():
                return
            turn.wait(0.02)
        self.fail("did not come")


class Files(HostileTest):
    def test_too_few_are_told_before_the_first_request(self):
        self.server.clear()
        done = run(scenario(request(self.server.url("/ok"))), "-u", "500", "-d", "1s", files=256)
        self.assertNotEqual(done.code, OK)
        self.assertIsNone(done.report)
        needed = int(re.search(r"needs (\d+) open files", done.err).group(1))
        self.assertGreaterEqual(needed, 500)
        self.assertIn("256", done.err)
        self.assertIn("ulimit -n", done.err)
        self.assertEqual(self.server.requests("/ok"), 0)
        done = bench(self.server.url("/ok"), "-c", "500", "-d", "1s", files=256)
        self.assertIn(f"ulimit -n {needed}", done.err)

    def test_as_many_as_were_asked_for_are_enough(self):
        needed = int(re.search(r"ulimit -n (\d+)", bench(
            self.server.url("/ok"), "-c", "200", "-n", "2000", files=100).err).group(1))
        done = bench(self.server.url("/ok"), "-c", "200", "-n", "2000", files=needed)
        self.assertEqual((done.code, done.report["errors"]), (OK, 0), done)

    def test_the_soft_limit_is_raised_to_the_hard_one(self):
        shell = f"ulimit -S -n 64; exec {BINARY} bench {self.server.url('/ok')} -c 100 -n 500"
        done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, OK, done.stderr)

    @unittest.skipIf(instrumented(), "UBSan itself needs descriptors to look at an object's type")
    def test_running_out_all_the_same_is_an_error_like_others(self):
        """Connections within an iteration are not known before: two a user here."""
        steps = [request(self.server.url("/ok"), step="one"),
                 request(self.server.url("/ok", "http6", host="[::1]"), step="two")]
        done = run(scenario(*steps), "-u", "100", "-n", "400", files=100 + 64 + 4 + 10)
        self.assertEqual(set(done.errors), {"too-many-files"}, done)
        self.assertIn("ulimit -n", done.messages)
        self.assertEqual(done.totals["iterations"], 400)


if __name__ == "__main__":
    unittest.main()
