"""Load clients behind one face: run against a server for some seconds on one core, say what it cost.

A client is the only place that knows its tool's command line and output. To follow a change of
Ronda's command line, change RondaBench and RondaRun here and nothing else.
"""
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass

from . import machine

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass
class Outcome:
    """One run of one client."""
    client: str
    requests: int
    cpu_us: float        # user + system CPU of the client a request
    per_second: float
    idle_share: float    # of the client's core
    report: dict         # what the tool itself said


class ClientFailed(Exception):
    """The tool ended with an error or printed something else than expected."""


class Client:
    """A tool that closes the loop over `connections` x `streams`."""
    name = "client"
    program = ""
    install = "scripts/peers"
    connections = 64
    streams = 1

    def absent(self):
        """Why it cannot run here, or None."""
        if shutil.which(self.program) is None:
            return f"{self.program} is not installed: {self.install}"
        return None

    def argv(self, server, seconds, scratch):
        raise NotImplementedError

    def parse(self, measured, scratch):
        """(requests, seconds of load, report)"""
        raise NotImplementedError

    env: dict = {}
    good_exits = (0,)

    def run(self, server, seconds, core):
        with tempfile.TemporaryDirectory(prefix="ronda-bench-run-") as scratch:
            measured = machine.run_measured(self.argv(server, seconds, scratch), core,
                                            env=self.environment(server, seconds),
                                            deadline=seconds * 4 + 60)
            if measured.status not in self.good_exits:
                raise ClientFailed(f"{' '.join(measured.argv)} ended with {measured.status}: "
                                   f"{(measured.stderr or measured.stdout)[-600:]}")
            requests, took, report = self.parse(measured, scratch)
        if requests <= 0:
            raise ClientFailed(f"{self.name} made no requests: {measured.stdout[-400:]}")
        return Outcome(self.name, requests, measured.cpu_seconds * 1e6 / requests,
                       requests / took, measured.idle_share, report)

    def environment(self, server, seconds):
        return self.env


class Limit(Client):
    """bench/clients/limit_client.cc."""

    def __init__(self, programs, mode):
        self.program = os.path.join(programs, "limit_client")
        self.mode = mode
        self.name = f"limit ({mode})"
        self.install = "make build"

    def argv(self, server, seconds, scratch):
        path = "/api/order/" if self.mode == "scenario" else "/"
        return [self.program, "--port", str(server.http), "--mode", self.mode, "--path", path,
                "--connections", str(self.connections), "--seconds", str(seconds)]

    def parse(self, measured, scratch):
        report = json.loads(measured.stdout)
        if report["failed_checks"] > 0:
            raise ClientFailed(f"limit client: {report['failed_checks']} checks failed")
        return report["requests"], report["seconds"], report


class Wrk(Client):
    program = "wrk"
    install = "apt-get install wrk (scripts/peers)"

    def __init__(self, script=None, scheme="http"):
        self.script = script
        self.scheme = scheme
        self.name = "wrk" + (" + Lua" if script else "") + (" TLS" if scheme == "https" else "")

    def argv(self, server, seconds, scratch):
        port = server.https if self.scheme == "https" else server.http
        argv = ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--latency"]
        if self.script:
            argv += ["-s", os.path.join(HERE, "peers", self.script)]
        return argv + [f"{self.scheme}://127.0.0.1:{port}/"]

    def parse(self, measured, scratch):
        found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", measured.stdout)
        if not found:
            raise ClientFailed(f"wrk printed {measured.stdout[-300:]}")
        if "Non-2xx" in measured.stdout:
            raise ClientFailed(f"wrk saw errors: {measured.stdout[-300:]}")
        seconds = float(found[2]) * {"ms": 1e-3, "s": 1.0, "m": 60.0}[found[3]]
        return int(found[1]), seconds, {"text": measured.stdout}


class H2load(Client):
    program = "h2load"
    install = "apt-get install nghttp2-client (scripts/peers)"

    def __init__(self, streams):
        self.streams = streams
        self.name = f"h2load h2c m{streams}"

    def argv(self, server, seconds, scratch):
        return ["h2load", "-t1", f"-c{self.connections}", f"-m{self.streams}", f"-D{seconds}",
                f"http://127.0.0.1:{server.h2c}/"]

    def parse(self, measured, scratch):
        done = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded",
                         measured.stdout)
        took = re.search(r"finished in ([\d.]+)(ms|s)", measured.stdout)
        if not done or not took:
            raise ClientFailed(f"h2load printed {measured.stdout[-300:]}")
        if int(done[2]) < int(done[1]):
            raise ClientFailed(f"h2load: {int(done[1]) - int(done[2])} requests failed")
        seconds = float(took[1]) * {"ms": 1e-3, "s": 1.0}[took[2]]
        return int(done[1]), seconds, {"text": measured.stdout}


class K6(Client):
    """k6 with the scenario's shape, one Go processor."""
    name = "k6"
    install = "scripts/peers k6 (needs Go)"
    good_exits = (0, 99)

    def __init__(self):
        local = os.path.join(os.path.dirname(HERE), ".local", "peers", "bin", "k6")
        self.program = os.environ.get("K6_BIN") or (local if os.path.exists(local) else "k6")

    def argv(self, server, seconds, scratch):
        return [self.program, "run", "--quiet", "--no-usage-report", "--no-color",
                "--summary-export", f"{scratch}/summary.json",
                os.path.join(HERE, "peers", "order.js")]

    def environment(self, server, seconds):
        return {"GOMAXPROCS": "1", "URL": f"http://127.0.0.1:{server.http}",
                "DURATION": f"{seconds}s", "NO_PROXY": "*"}

    def parse(self, measured, scratch):
        with open(f"{scratch}/summary.json", encoding="utf-8") as summary:
            metrics = json.load(summary)["metrics"]
        if metrics["checks"].get("fails", 0) > 0:
            raise ClientFailed(f"k6: {metrics['checks']['fails']} checks failed")
        count = int(metrics["http_reqs"]["count"])
        return count, count / metrics["http_reqs"]["rate"], metrics


class RondaBench(Client):
    """`ronda bench URL`."""

    def __init__(self, ronda, scheme="http", streams=1, options=(), connections=64,
                 fixed_port=None):
        self.program = ronda
        self.scheme = scheme
        self.streams = streams
        self.options = list(options)
        self.connections = connections
        self.fixed_port = fixed_port
        self.name = "ronda bench"
        self.install = "make build"

    def argv(self, server, seconds, scratch):
        argv = [self.program, "bench", "-t", "1", "-d", f"{seconds}s", "--json"]
        port = self.fixed_port
        if self.scheme == "h2c":
            argv += ["--http2", "-c", str(self.connections), "--streams", str(self.streams)]
            url = f"http://127.0.0.1:{port or server.h2c}/"
        elif self.scheme == "https":
            argv += ["-c", str(self.connections), "--ca", server.certificate]
            url = f"https://127.0.0.1:{port or server.https}/"
        else:
            argv += ["-c", str(self.connections)]
            url = f"http://127.0.0.1:{port or server.http}/"
        return argv + self.options + [url]

    def parse(self, measured, scratch):
        report = json.loads(measured.stdout)
        if report["errors"] > 0:
            raise ClientFailed(f"ronda bench: {report['errors']} errors: {measured.stderr[-300:]}")
        return report["requests"], report["requests"] / report["requests_per_second"], report


class RondaRun(Client):
    """`ronda run FILE` under load; the report is its JSON output."""
    good_exits = (0,)

    def __init__(self, ronda, scenario, options=(), users=64, path_prefix=""):
        self.program = ronda
        self.scenario = os.path.join(HERE, "scenarios", scenario)
        self.options = list(options)
        self.connections = users
        self.name = f"ronda run {scenario}"
        self.install = "make build"

    def argv(self, server, seconds, scratch):
        return [self.program, "run", self.scenario, "--users", str(self.connections),
                "--duration", f"{seconds}s", "-t", "1", "--set",
                f"base=http://127.0.0.1:{server.http}",
                "--out", f"json={scratch}/report.json"] + self.options

    def parse(self, measured, scratch):
        with open(f"{scratch}/report.json", encoding="utf-8") as text:
            report = json.load(text)
        return requests_of(report), seconds_of(report), report


def requests_of(report):
    """Requests in all, from a run's JSON report."""
    return int(report["totals"]["requests"])


def seconds_of(report):
    return float(report["run"]["seconds"])


class StandIn(Client):
    """Another client under Ronda's name: proves that the harness gives a ratio near one."""

    def __init__(self, client, requests_factor=1.0):
        self.client = client
        self.connections, self.streams = client.connections, client.streams
        self.name = f"stand-in {client.name}"
        self.requests_factor = requests_factor

    def absent(self):
        return self.client.absent()

    def run(self, server, seconds, core):
        outcome = self.client.run(server, seconds, core)
        outcome.client = self.name
        outcome.requests = int(outcome.requests * self.requests_factor)
        return outcome
