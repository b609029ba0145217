#!/usr/bin/env python3
"""What a run leaves behind, seen from outside: files of samples, reports on a full disk, remote write,
spans and the metrics page against receivers of our own. The binary is $RONDA."""
import csv
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree

RONDA = os.environ.get("RONDA", "build/release/bin/ronda")
DEADLINE = 60  # seconds; a test that waits longer has failed


class Receiver(http.server.ThreadingHTTPServer):
    """An HTTP server that keeps what it was sent. `answer(path, count)` gives the status."""
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer=lambda path, count: 200):
        self.requests = []  # (method, path, headers, body)
        self.answer = answer
        self.changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, request):
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
            return self.answer(request[1], len(self.requests))

    def wait_for(self, count):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.requests) >= count, DEADLINE):
                raise AssertionError(f"{len(self.requests)} of {count} requests came")

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = DEADLINE

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = self.server.take((self.command, self.path, dict(self.headers), body))
        answer = b'{"token": "hush-hush-token"}'
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.path)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_HEAD = serve

    def log_message(self, *_):
        pass


def uvarint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """The fields of a protobuf message: number -> list of values (bytes, or int)."""
    out, at = {}, 0
    while at < len(data):
        key, at = uvarint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = uvarint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 2:
            size, at = uvarint(data, at)
            value, at = data[at:at + size], at + size
        elif kind == 5:
            value, at = data[at:at + 4], at + 4
        else:
            raise AssertionError(f"wire type {kind}")
        out.setdefault(number, []).append(value)
    return out


def unsnappy(data):
    """Snappy's block format, straight from its description."""
    size, at = uvarint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(data[at:at + extra], "little")
                at += extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little")
            at += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def attributes(span):
    out = {}
    for raw in span.get(9, []):
        pair = fields(raw)
        value = fields(pair[2][0])
        out[pair[1][0].decode()] = value[1][0].decode() if 1 in value else value[3][0]
    return out


SCENARIO = """
kind: Scenario
name: reported
steps:
- id: login
  action: http.request
  with: {method: POST, url: "%(url)s/login"}
  extract: {token: {json: $.token, secret: true}}
  checks: ["status == 200"]
- id: read
  action: http.request
  with: {url: "%(url)s/read?key=${login.token}", bearer: "${login.token}"}
  checks: ["status == 200"]
%(more)s
"""


class ReportsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ronda-reports-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.target = self.receiver()

    def receiver(self, *args, **kwargs):
        receiver = Receiver(*args, **kwargs)
        self.addCleanup(receiver.stop)
        return receiver

    def path(self, name):
        return os.path.join(self.folder, name)

    def scenario(self, more=""):
        path = self.path("scenario.yaml")
        with open(path, "w") as file:
            file.write(SCENARIO % {"url": self.target.url, "more": more})
        return path

    def ronda(self, *args, code=0):
        done = subprocess.run([RONDA, *args], capture_output=True, text=True, timeout=DEADLINE,
                              cwd=self.folder)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def run_load(self, *args, code=0, iterations=20, more=""):
        """A load of so many iterations; its JSON report."""
        done = self.ronda("run", self.scenario(more), "--users", "4", "--iterations",
                          str(iterations), "--quiet", "--json", *args, code=code)
        return json.loads(done.stdout), done

    # ---- samples

    def test_every_request_is_a_line_of_ndjson(self):
        report, _ = self.run_load("--out", "ndjson=" + self.path("s.ndjson"))
        with open(self.path("s.ndjson")) as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual(lines.pop(), {"end": True, "written": 40, "lost": 0})
        self.assertEqual(len(lines), report["totals"]["requests"])
        self.assertEqual(len(lines), len(self.target.requests))
        self.assertEqual({(line["step"], line["status"], line["ok"]) for line in lines},
                         {("login", 200, True), ("read", 200, True)})
        mean = sum(line["service_ms"] for line in lines) / len(lines)
        self.assertAlmostEqual(mean, report["totals"]["service_ms"]["mean"], places=3)

    def test_every_request_is_a_line_of_csv(self):
        report, _ = self.run_load("--out", "csv-samples=" + self.path("s.csv"))
        with open(self.path("s.csv"), newline="") as file:
            text = file.read()
        body, _, end = text.rpartition("# end: ")
        self.assertEqual(end, "40 samples written, 0 lost\r\n")
        rows = list(csv.DictReader(body.splitlines()))
        self.assertEqual(len(rows), report["totals"]["requests"])
        self.assertEqual({row["ok"] for row in rows}, {"1"})

    def test_setup_and_finally_have_no_samples(self):
        more = ('setup: [{id: before, action: http.request, with: {url: "%s/a"}}]\n'
                'finally: [{id: after, action: http.request, with: {url: "%s/b"}}]\n'
                % (self.target.url, self.target.url))
        self.run_load("--out", "ndjson=" + self.path("s.ndjson"), more=more)
        with open(self.path("s.ndjson")) as file:
            steps = [json.loads(line).get("step") for line in file]
        self.assertEqual(len(steps), 41)
        self.assertNotIn("before", steps)
        self.assertNotIn("after", steps)

    def test_two_files_of_samples_are_refused_before_the_run(self):
        done = self.ronda("run", self.scenario(), "--once", "--out", "ndjson=a", "--out",
                          "csv-samples=b", code=104)
        self.assertIn("a run has one of them", done.stderr)
        self.assertEqual(self.target.requests, [])

    # ---- a disk that is full, a place that is not there

    def test_a_report_that_cannot_be_written_fails_the_run_and_says_so(self):
        for kind in ("html", "json", "junit", "csv", "text"):
            done = self.ronda("run", self.scenario(), "--once", "--out", kind + "=/dev/full",
                              code=1)
            self.assertIn("cannot write /dev/full", done.stderr)
            self.assertIn("No space left", done.stderr)

    def test_a_failed_verdict_stays_the_exit_code_when_a_report_is_lost_too(self):
        self.target.answer = lambda path, count: 500
        self.ronda("run", self.scenario(), "--once", "--out", "html=/dev/full", code=99)

    def test_a_folder_that_is_missing_is_said_before_the_load(self):
        done = self.ronda("run", self.scenario(), "--once", "--out", "html=nowhere/r.html", code=1)
        self.assertIn("there is no folder nowhere", done.stderr)
        self.assertEqual(self.target.requests, [])

    def test_samples_on_a_full_disk_do_not_stop_the_run(self):
        report, _ = self.run_load("--out", "ndjson=/dev/full", code=1)
        self.assertEqual(report["totals"]["requests"], 40)
        self.assertTrue(report["passed"])
        self.assertIn("40 samples are missing", " ".join(report["warnings"]))

    @unittest.skipUnless(os.geteuid() == 0, "mounts a file system")
    def test_on_a_full_disk_nothing_half_written_stays(self):
        disk = self.path("disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk],
                          capture_output=True).returncode != 0:
            self.skipTest("this machine mounts nothing")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        old = os.path.join(disk, "report.json")
        with open(old, "w") as file:
            file.write("from before")
        with open(os.path.join(disk, "ballast"), "wb") as file:
            file.write(b"x" * 52 * 1024)
        done = self.ronda("run", self.scenario(), "--once", "--out", "html=" + disk + "/new.html",
                          "--out", "json=" + old, code=1)
        self.assertIn("new.html", done.stderr)
        with open(old) as file:
            text = file.read()
        # Either whole or untouched.
        self.assertTrue(text == "from before" or json.loads(text)["format"] == "ronda-report")
        self.assertEqual(sorted(os.listdir(disk)), ["ballast", "report.json"])

    @unittest.skipUnless(os.geteuid() == 0, "mounts a file system")
    def test_samples_keep_whole_lines_when_the_disk_fills_up(self):
        disk = self.path("disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", disk],
                          capture_output=True).returncode != 0:
            self.skipTest("this machine mounts nothing")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        report, _ = self.run_load("--out", "ndjson=" + disk + "/s.ndjson", code=1, iterations=600)
        with open(disk + "/s.ndjson") as file:
            lines = [json.loads(line) for line in file]
        end = lines.pop()
        self.assertEqual(end["written"], len(lines))
        self.assertEqual(end["written"] + end["lost"], report["totals"]["requests"])
        self.assertGreater(end["lost"], 0)

    # ---- Prometheus

    def series(self, request):
        """name{labels without run} -> value, of a remote write request."""
        method, _, headers, body = request
        self.assertEqual(method, "POST")
        self.assertEqual(headers["Content-Encoding"], "snappy")
        self.assertEqual(headers["X-Prometheus-Remote-Write-Version"], "0.1.0")
        out = {}
        for raw in fields(unsnappy(body))[1]:
            one = fields(raw)
            labels = {}
            for pair in one[1]:
                parts = fields(pair)
                labels[parts[1][0].decode()] = parts[2][0].decode()
            self.assertEqual(list(labels), sorted(labels), "labels in order")
            name = labels.pop("__name__")
            self.assertEqual(labels.pop("run_name"), "reported")
            self.assertTrue(labels.pop("run"))
            import struct
            value, = struct.unpack("<d", fields(one[2][0])[1][0])
            out[name + json.dumps(labels, sort_keys=True)] = value
        return out

    def test_remote_write_ends_with_the_totals_of_the_report(self):
        prometheus = self.receiver()
        report, _ = self.run_load("--out", "prometheus=" + prometheus.url)
        self.assertEqual({request[1] for request in prometheus.requests}, {"/api/v1/write"})
        series = self.series(prometheus.requests[-1])
        for step in ("login", "read"):
            labels = json.dumps({"scenario": "reported", "step": step}, sort_keys=True)
            self.assertEqual(series["ronda_steps_total" + labels], 20)
            self.assertEqual(series["ronda_latency_seconds_count" + labels], 20)
        self.assertEqual(report["warnings"], [])

    def test_what_could_not_be_pushed_is_told_and_does_not_fail_the_run(self):
        refused = self.receiver(lambda path, count: 400)
        report, done = self.run_load("--out", "prometheus=http://u:pass-word@"
                                     + refused.url.removeprefix("http://"))
        told = " ".join(report["warnings"])
        self.assertIn("did not reach " + refused.url + "/api/v1/write: HTTP status 400", told)
        self.assertNotIn("pass-word", done.stdout + done.stderr)
        self.assertEqual(refused.requests[0][2]["Authorization"], "Basic dTpwYXNzLXdvcmQ=")

    def test_a_receiver_that_is_away_at_first_gets_it_later(self):
        shaky = self.receiver(lambda path, count: 503 if count < 3 else 200)
        report, _ = self.run_load("--out", "prometheus=" + shaky.url)
        self.assertEqual(report["warnings"], [])
        self.assertEqual(shaky.requests[0][3], shaky.requests[2][3])

    def test_the_page_can_be_scraped_while_the_run_goes_on(self):
        run = subprocess.Popen([RONDA, "run", self.scenario(), "--users", "2", "--duration", "60s",
                                "--quiet", "--out", "metrics=0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               cwd=self.folder)
        self.addCleanup(run.kill)
        url = None
        for line in run.stderr:
            found = re.search(r"metrics at (http://127\.0\.0\.1:\d+/metrics)", line)
            if found:
                url = found.group(1)
                break
        self.assertIsNotNone(url)
        self.target.wait_for(10)

        def scrape():
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                self.assertEqual(answer.headers["Content-Type"],
                                 "text/plain; version=0.0.4; charset=utf-8")
                return answer.read().decode()

        def counter(text):
            found = re.search(r'^ronda_steps_total\{[^}]*step="login"[^}]*\} (\d+)$', text, re.M)
            return int(found.group(1)) if found else 0

        first = second = 0
        while first == 0:
            first = counter(scrape())
        while second <= first:
            second = counter(scrape())
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url.removesuffix("/metrics"), timeout=DEADLINE)
        self.assertEqual(caught.exception.code, 404)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=DEADLINE)
        self.assertEqual(run.returncode, 130, out + err)

    def test_an_address_that_is_taken_is_said_before_the_load(self):
        address = self.target.url.removeprefix("http://")
        done = self.ronda("run", self.scenario(), "--once", "--out", "metrics=" + address, code=1)
        self.assertIn("cannot serve metrics at " + address, done.stderr)
        self.assertEqual(self.target.requests, [])

    # ---- spans

    def spans(self, collector):
        out = []
        for _, path, headers, body in collector.requests:
            self.assertEqual(path, "/v1/traces")
            self.assertEqual(headers["Content-Type"], "application/x-protobuf")
            for resource_spans in fields(body)[1]:
                for scope_spans in fields(resource_spans)[2]:
                    out += [fields(raw) for raw in fields(scope_spans)[2]]
        return out

    def test_every_request_has_a_span_with_the_ids_that_it_carried(self):
        collector = self.receiver()
        report, _ = self.run_load("--out", "otlp=" + collector.url)
        self.assertEqual(report["warnings"], [])
        carried = {}
        for _, path, headers, _ in self.target.requests:
            version, trace, span, flags = headers["traceparent"].split("-")
            self.assertEqual((version, flags), ("00", "01"))
            carried[trace, span] = path.split("?")[0]
        self.assertEqual(len(carried), 40)
        spans = self.spans(collector)
        clients = {(span[1][0].hex(), span[2][0].hex()): span for span in spans
                   if span[6] == [3]}
        roots = {span[1][0].hex(): span for span in spans if span[6] == [1]}
        self.assertEqual(set(clients), set(carried))
        self.assertEqual(len(roots), 20)
        for (trace, _), span in clients.items():
            self.assertEqual(span[4], roots[trace][2], "the iteration is the parent")
            self.assertLessEqual(span[7][0][::-1], span[8][0][::-1], "it ends after it began")
            self.assertEqual(attributes(span)["http.response.status_code"], 200)

    def test_no_secret_is_in_a_span(self):
        collector = self.receiver()
        self.run_load("--out", "otlp=" + collector.url)
        self.assertTrue(any(b"/read?key=***" in body for _, _, _, body in collector.requests))
        self.assertFalse(any(b"hush-hush" in body for _, _, _, body in collector.requests))

    def test_a_collector_that_is_not_there_is_told(self):
        gone = Receiver()
        gone.stop()
        report, _ = self.run_load("--out", "otlp=" + gone.url)
        self.assertTrue(report["passed"])
        self.assertIn("60 of 60 spans did not reach " + gone.url + "/v1/traces",
                      " ".join(report["warnings"]))

    # ---- outputs of the definition, and no secret in any report

    def test_the_definition_names_outputs_too(self):
        collector = self.receiver()
        more = ("outputs: {ndjson: s.ndjson, html: r.html, junit: j.xml, csv: c.csv, text: t.txt, "
                "json: r.json, otlp: '%s'}\n" % collector.url)
        self.run_load(more=more)
        for name in ("s.ndjson", "r.html", "j.xml", "c.csv", "t.txt", "r.json"):
            self.assertGreater(os.path.getsize(self.path(name)), 100, name)
        self.assertEqual(len(self.spans(collector)), 60)

    def test_no_secret_is_in_any_report(self):
        for status in (500, 302):  # the second is a loop whose error cites the address
            with self.subTest(status=status):
                self.check_no_secret(status)

    def check_no_secret(self, status):
        self.target.answer = lambda path, count: status if path.startswith("/read") else 200
        kinds = {"html": "r.html", "json": "r.json", "junit": "r.xml", "csv": "r.csv",
                 "text": "r.txt", "ndjson": "s.ndjson"}
        outs = [arg for kind, name in kinds.items() for arg in ("--out", f"{kind}={name}")]
        done = self.ronda("run", self.scenario(), "--once", "-v", *outs, code=99)
        self.assertNotIn("hush-hush", done.stdout + done.stderr)
        self.assertIn("***", done.stderr)
        for name in kinds.values():
            with open(self.path(name)) as file:
                self.assertNotIn("hush-hush", file.read(), name)

    # ---- the other forms

    def test_junit_has_every_check_and_threshold(self):
        more = 'thresholds: ["drill.p95 < 1ns", "drill.errors < 1%"]\n'
        self.run_load("--out", "junit=j.xml", more=more, code=99)
        suite = xml.etree.ElementTree.parse(self.path("j.xml")).getroot()
        cases = {(case.get("classname"), case.get("name")): case.find("failure")
                 for case in suite.iter("testcase")}
        self.assertIsNone(cases["reported.login", "status == 200"])
        self.assertIsNone(cases["reported.read", "status == 200"])
        self.assertIsNone(cases["reported.thresholds", "drill.errors < 1%"])
        self.assertIsNotNone(cases["reported.thresholds", "drill.p95 < 1ns"])

    def test_a_bench_writes_the_same_reports(self):
        self.ronda("bench", self.target.url, "-n", "50", "-c", "2", "--out", "json=r.json", "--out",
                   "ndjson=s.ndjson")
        with open(self.path("r.json")) as file:
            self.assertEqual(json.load(file)["totals"]["requests"], 50)
        with open(self.path("s.ndjson")) as file:
            self.assertEqual(sum(1 for _ in file), 51)

    # ---- comparing

    def test_two_reports_are_compared_and_what_is_none_is_refused(self):
        for name in ("a.json", "b.json"):
            self.run_load("--out", "json=" + self.path(name), iterations=100)
        same = self.ronda("report", "compare", "a.json", "a.json")
        self.assertIn("login", same.stdout)
        both = subprocess.run([RONDA, "report", "compare", "a.json", "b.json"],
                              capture_output=True, text=True, timeout=DEADLINE, cwd=self.folder)
        self.assertIn(both.returncode, (0, 99), both.stderr)
        with open(self.path("none.json"), "w") as file:
            file.write('{"format": "something else"}')
        for bad in ("none.json", "scenario.yaml", "absent.json"):
            done = subprocess.run([RONDA, "report", "compare", "a.json", bad],
                                  capture_output=True, text=True, timeout=DEADLINE,
                                  cwd=self.folder)
            self.assertNotIn(done.returncode, (0, 99), done.stdout)
            self.assertIn(bad, done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
