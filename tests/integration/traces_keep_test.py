"""What is kept of traces, and for how long: sampling, deletion, backups, export; real processes."""
import json
import os
import subprocess
import time
import unittest

from ronda import BINARY, HANG
from traces_support import Traces, TracesCase, json_request_of, request_of, span


def error_span(trace, number):
    """A span whose status is an error."""
    return span(trace, number, "POST /pay") + b"\x7a\x02\x18\x02"


def ronda(*arguments):
    """A command that succeeds; its standard output."""
    surroundings = {name: value for name, value in os.environ.items()
                    if "proxy" not in name.lower() and not name.startswith("RONDA_")}
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=HANG,
                          env=surroundings, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.returncode} {done.stderr}")
    return done.stdout


def spans_of(lines):
    """Every span of an export with its resource and scope, comparable."""
    found = []
    for line in lines.splitlines():
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for one in scope["spans"]:
                    found.append(json.dumps([resource["resource"], scope.get("scope"), one],
                                            sort_keys=True))
    return sorted(found)


class KeepTest(TracesCase):
    """A folder that several processes have, one after the other."""

    def export(self, traces, *options):
        return ronda("trace", "export", "--api", traces.api, *options)

    def until(self, traces, holds):
        """The ledger, once it is as it shall be."""
        deadline = time.monotonic() + HANG
        while True:
            ledger = traces.ledger()
            self.assert_balanced(ledger)
            if holds(ledger):
                return ledger
            self.assertLess(time.monotonic(), deadline, ledger)
            time.sleep(0.1)

    def test_sampling_keeps_traces_with_an_error_and_counts_the_rest(self):
        rules = os.path.join(self.folder, "sampling.yaml")
        with open(rules, "w", encoding="utf-8") as file:
            file.write("after: 0s\nkeep: {slow: 1, rare: 0, oneIn: 0}\n"
                       "services: {vip: {oneIn: 1}}\n")
        with Traces(self.data) as traces:
            for trace in range(1, 41):
                self.assertEqual(traces.post(request_of("front", [span(trace, 1)])).status, 200)
                later = error_span(trace, 2) if trace % 4 == 0 else span(trace, 2)
                self.assertEqual(traces.post(request_of("pay", [later])).status, 200)
            self.assertEqual(traces.post(request_of("vip", [span(41, 1)])).status, 200)
            self.assertEqual(traces.stop(), 0)  # seals
        with Traces(self.data, "--sampling", rules, "--lanes", "2") as traces:
            ledger = self.until(traces, lambda ledger: ledger["sampled_out"] == 60)
            by = {one["service"]: (one["stored"], one["sampled_out"]) for one in ledger["by"]}
            self.assertEqual(by, {"front": (10, 30), "pay": (10, 30), "vip": (1, 0)})
            for trace in (4, 40, 41):
                self.assertEqual(traces.get(f"/api/v1/traces/{trace:032x}")["spans"][0]["path"], "1")
            # Late spans: of a trace that was dropped, though they are errors, and of one that was kept.
            self.assertEqual(traces.post(request_of("pay", [error_span(1, 3), span(4, 3)])).status,
                             200)
            traces.kill()
        for _ in range(2):  # what was open is sealed, and then sampled
            with Traces(self.data, "--sampling", rules) as traces:
                self.assertEqual(traces.stop(), 0)
        with Traces(self.data, "--sampling", rules) as traces:
            ledger = self.until(traces, lambda ledger: ledger["sampled_out"] == 61)
            self.assertEqual(ledger["stored"], 22)

    def test_a_sampling_file_that_is_wrong_is_refused_with_its_place(self):
        rules = os.path.join(self.folder, "sampling.yaml")
        with open(rules, "w", encoding="utf-8") as file:
            file.write("keep:\n  oneIn: many\n")
        done = subprocess.run([BINARY, "traces", "--data", self.data, "--sampling", rules],
                              capture_output=True, text=True, timeout=HANG, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("sampling.yaml:2:10: error:", done.stderr)
        self.assertFalse(os.path.exists(self.data))

    def test_a_deleted_service_is_gone_and_counted_also_after_a_restart(self):
        with Traces(self.data) as traces:
            for trace in range(1, 11):
                traces.post(request_of("front", [span(trace, 1)]))
                traces.post(request_of("a b/c", [span(trace, 2)]))
            self.assertEqual(
                ronda("trace", "delete", "--api", traces.api, "--service", "a b/c"),
                "10 spans and log records deleted\n")
            traces.post(request_of("a b/c", [span(99, 2)]))  # what comes later stays
            traces.kill()
        with Traces(self.data) as traces:
            ledger = traces.ledger()
            self.assert_balanced(ledger)
            by = {one["service"]: (one["stored"], one["deleted"]) for one in ledger["by"]}
            self.assertEqual(by, {"front": (10, 0), "a b/c": (1, 10)})
            self.assertEqual(len(traces.get(f"/api/v1/traces/{1:032x}")["spans"]), 1)

    def test_an_export_is_what_a_receiver_takes_and_exports_the_same(self):
        other = os.path.join(self.folder, "other")
        with Traces(self.data) as traces, Traces(other) as second:
            sent = [{"traceId": f"{trace:032x}", "spanId": f"{number:016x}", "name": "buy",
                     "startTimeUnixNano": str(1_787_000_000_000_000_000 + trace * 1_000_000_000),
                     "endTimeUnixNano": str(1_787_000_000_500_000_000 + trace * 1_000_000_000),
                     "attributes": [{"key": "n", "value": {"doubleValue": trace / 3}}]}
                    for trace in range(1, 101) for number in (1, 2)]
            for first in range(0, len(sent), 20):
                self.assertEqual(traces.post(json_request_of("shop", *sent[first:first + 20]),
                                             "application/json").status, 200)
            exported = self.export(traces)
            self.assertEqual(len(spans_of(exported)), 200)
            for line in exported.splitlines():
                self.assertEqual(second.post(line.encode(), "application/json").status, 200)
            self.assertEqual(spans_of(self.export(second)), spans_of(exported))
            # From 1787000011 s, up to 1787000021 s.
            ten = self.export(traces, "--from", "1787000011000000000", "--to", "2026-08-17T20:53:41Z")
            self.assertEqual(len(spans_of(ten)), 20)

    def test_a_backup_taken_under_load_restores_to_what_was_acknowledged(self):
        with Traces(self.data, "--lanes", "2") as traces:
            for trace in range(1, 51):
                self.assertEqual(traces.post(request_of("shop", [span(trace, 1), span(trace, 2)]))
                                 .status, 200)
            before = spans_of(self.export(traces))
            folder = ronda("trace", "backup", "--api", traces.api, "monday").strip()
            self.assertEqual(folder, os.path.join(self.data, "backups", "monday"))
            traces.post(request_of("shop", [span(99, 1)]))
            ronda("trace", "delete", "--api", traces.api, "--service", "shop")
            self.assertEqual(spans_of(self.export(traces)), [])
            traces.kill()
        restored = os.path.join(self.folder, "restored")
        self.assertIn("100 spans", ronda("traces", "restore", folder, restored))
        with Traces(restored) as traces:
            self.assertEqual(spans_of(self.export(traces)), before)
            self.assert_balanced(traces.ledger())
            self.assertEqual(traces.ledger()["stored"], 100)


if __name__ == "__main__":
    unittest.main()
