"""The engine's figures: what each is, its bar, and how it is measured."""
import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from statistics import median

from . import clients, machine
from .clients import HERE, ClientFailed
from .machine import tell
from .pairs import LIMIT_SHARE_OF_WRK, Family, run_pairs
from .servers import Blackbox, Lean, Nginx, RecordServer
from .statistics import bootstrap_ci95, slope


@dataclass(frozen=True)
class Bar:
    unit: str
    bound: float
    sense: str  # ">=" or "<="

    def text(self):
        return f"{self.sense} {self.bound:g}"

    def reached(self, value):
        return value >= self.bound if self.sense == ">=" else value <= self.bound


SOAK_REQUESTS = 50_000_000
RATIO = "ratio (peer's CPU us/request over ours)"
BARS = {
    "engine.get_vs_limit": Bar(RATIO, 0.80, ">="),
    "engine.get_vs_wrk": Bar(RATIO, 1.1, ">="),
    "engine.scenario_vs_limit": Bar(RATIO, 0.60, ">="),
    "engine.scenario_vs_wrk_lua": Bar(RATIO, 1.2, ">="),
    "engine.scenario_vs_k6": Bar(RATIO, 10, ">="),
    "engine.tls_vs_wrk": Bar(RATIO, 0.97, ">="),
    "engine.h2_m1_vs_h2load": Bar(RATIO, 0.97, ">="),
    "engine.h2_m10_vs_h2load": Bar(RATIO, 0.97, ">="),
    "engine.rate_error_pct": Bar("%", 0.05, "<="),
    "engine.rate_deviation_ms": Bar("ms", 0.1, "<="),
    "engine.co_p99_error_pct_1500": Bar("%", 10, "<="),
    "engine.co_p99_error_pct_10": Bar("%", 10, "<="),
    "engine.bytes_per_idle_user": Bar("bytes", 8192, "<="),
    "engine.rss_slope_pct_per_min": Bar("%/min", 1, "<="),
    "engine.checks_per_core": Bar("checks/s of CPU", 5000, ">="),
    "engine.checks_vs_blackbox": Bar("ratio (checks a CPU second, ours over peer's)", 5, ">="),
    "engine.two_process_cpu_ratio": Bar("ratio (CPU us/request, two over one)", 1.05, "<="),
    "engine.merge_exact": Bar("1 = equal bucket for bucket", 1, ">="),
}


class Bench:
    """One call of run_engine: settings, and the figures it printed."""

    def __init__(self, ronda, programs, cores, pairs, seconds, quick, stand_in, soak_requests,
                 wanted):
        self.ronda, self.programs, self.cores = ronda, programs, cores
        self.pairs, self.seconds, self.quick = pairs, seconds, quick
        self.stand_in, self.soak_requests, self.wanted = stand_in, soak_requests, wanted
        self.printed = []

    # -- output ------------------------------------------------------------------------------

    def emit(self, figure, values, peer=None, reason=None):
        """Prints the JSON line of one figure; `reason` says why there is no verdict."""
        if figure not in self.wanted:
            return
        bar = BARS[figure]
        value = median(values) if values else None
        verdict = None if reason or value is None else bar.reached(value)
        line = {"figure": figure, "value": _rounded(value), "unit": bar.unit, "bar": bar.text(),
                "pass": verdict, "peer": peer, "runs": len(values),
                "ci95": _rounded(bootstrap_ci95(values)) if values else None}
        if verdict is None:
            line["reason"] = reason or "nothing was measured"
        self.printed.append(line)
        print(json.dumps(line), flush=True)

    def wants(self, *figures):
        return any(figure in self.wanted for figure in figures)

    def quick_reason(self):
        return "a quick run: too short for a verdict" if self.quick else None

    # -- shared measuring --------------------------------------------------------------------

    def server_cores(self):
        return self.cores.others or (self.cores.client,)

    def lean(self, scheme="http"):
        return Lean(self.programs, self.server_cores(), scheme)

    def nginx(self):
        return Nginx(self.server_cores())

    def record_server(self, **stall):
        return RecordServer(self.programs, self.server_cores()[:1], **stall)

    def family(self, ours, peers_of_figures, server):
        """Runs pairs of `ours` with the peers wanted and emits one ratio for each."""
        wanted = {f: p for f, p in peers_of_figures.items() if f in self.wanted}
        if not wanted:
            return None
        absent = {f: p.absent() for f, p in wanted.items()}
        reason = ours.absent() or server.absent() or self.too_few_cores()
        peers = {f: p for f, p in wanted.items() if not absent[f]}
        family = Family(ours, list(peers.values()))
        if not reason and peers:
            tell(f"{', '.join(peers)}:")
            with server:
                run_pairs(family, server, self.cores.client, self.pairs, self.seconds)
            self.tell_speeds(family)
        for figure, peer in wanted.items():
            ratios = family.ratios.get(peer.name, [])
            why = reason or absent[figure] or self.quick_reason()
            if not why and len(ratios) < self.pairs:
                why = (f"only {len(ratios)} of {self.pairs} pairs are valid: "
                       f"{family.voids[-1] if family.voids else ''}")
            if isinstance(peer, clients.Limit) and not why:
                why = self.limit_is_void(family)
            self.emit(figure, ratios, peer.name, why)
        return family

    def too_few_cores(self):
        return None if self.cores.others else "one core only: client and server need a core each"

    def limit_is_void(self, family):
        """A limit client that costs more than 0.80x wrk in this run is no limit."""
        wrk = next((p.name for p in family.peers if isinstance(p, clients.Wrk)), None)
        limit = next(p.name for p in family.peers if isinstance(p, clients.Limit))
        if wrk is None or wrk not in family.costs:
            return "wrk was not measured in the same run, so the limit client is unproven"
        share = median(family.costs[limit]) / median(family.costs[wrk])
        tell(f"  limit client: {share:.2f} of {wrk}'s CPU")
        if share > LIMIT_SHARE_OF_WRK:
            return (f"the limit client costs {share:.2f} of {wrk}, more than "
                    f"{LIMIT_SHARE_OF_WRK}: void")
        return None

    @staticmethod
    def tell_speeds(family):
        for name, costs in family.costs.items():
            tell(f"  {name:28} {median(costs):9.2f} us/request "
                 f"{median(family.speeds[name]):12,.0f} requests/s")

    def bench_client(self, **options):
        if self.stand_in:
            scheme = options.get("scheme", "http")
            return clients.StandIn(clients.H2load(options["streams"]) if scheme == "h2c"
                                   else clients.Wrk(scheme=scheme))
        return clients.RondaBench(self.ronda, **options)

    # -- figures -----------------------------------------------------------------------------

    def get(self):
        limit, wrk = clients.Limit(self.programs, "get"), clients.Wrk()
        wanted = {"engine.get_vs_limit": limit, "engine.get_vs_wrk": wrk}
        if "engine.get_vs_limit" in self.wanted:  # the limit needs wrk beside it
            self._with_wrk(self.bench_client(), wanted, "engine.get_vs_wrk")
        else:
            self.family(self.bench_client(), wanted, self.lean())

    def _with_wrk(self, ours, peers_of_figures, wrk_figure):
        """Measures wrk too where it was not asked for, without printing its figure."""
        asked = wrk_figure in self.wanted
        self.wanted = self.wanted | {wrk_figure}
        emit = self.emit
        if not asked:
            self.emit = lambda figure, *rest: None if figure == wrk_figure else emit(figure, *rest)
        try:
            return self.family(ours, peers_of_figures, self.lean())
        finally:
            if not asked:
                self.emit = emit
                self.wanted = self.wanted - {wrk_figure}

    def scenario(self):
        ours = (clients.StandIn(clients.Wrk("order.lua")) if self.stand_in
                else clients.RondaRun(self.ronda, "order.yaml"))
        peers = {"engine.scenario_vs_limit": clients.Limit(self.programs, "scenario"),
                 "engine.scenario_vs_wrk_lua": clients.Wrk("order.lua"),
                 "engine.scenario_vs_k6": clients.K6()}
        if "engine.scenario_vs_limit" in self.wanted:
            self._with_wrk(ours, peers, "engine.scenario_vs_wrk_lua")
        else:
            self.family(ours, peers, self.lean())

    def tls(self):
        self.family(self.bench_client(scheme="https"),
                    {"engine.tls_vs_wrk": clients.Wrk(scheme="https")}, self.lean("https"))

    def h2(self):
        for streams in (1, 10):
            self.family(self.bench_client(scheme="h2c", streams=streams),
                        {f"engine.h2_m{streams}_vs_h2load": clients.H2load(streams)},
                        self.nginx())

    def constant_rate(self):
        figures = ("engine.rate_error_pct", "engine.rate_deviation_ms")
        if not self.wants(*figures):
            return
        why = self.cannot_run(self.record_server())
        errors, deviations = [], []
        if not why:
            tell("engine.rate_*:")
            for _ in range(self.pairs):
                error, deviation = self.one_constant_rate(10_000, 3 if self.quick else 10)
                errors.append(error)
                deviations.append(deviation)
        why = why or self.quick_reason()
        self.emit(figures[0], errors, "the server's clock", why)
        self.emit(figures[1], deviations, "the server's clock", why)

    def one_constant_rate(self, rate, seconds):
        """(error of the mean rate in %, median deviation from the best-fit schedule in ms)"""
        with self.record_server() as server:
            measured = self.run_rate(server.port, rate, 64, seconds)
            times, _ = server.finish()
        if len(times) < rate:
            raise ClientFailed(f"the server saw {len(times)} requests: {measured.stderr[-300:]}")
        return self.judge_schedule(sorted(times), rate)

    @staticmethod
    def judge_schedule(times, rate):
        """Looks at the steady part: without the first second and the last fifth of one."""
        window = [t for t in times if times[0] + 1e9 <= t <= times[-1] - 0.2e9]
        mean = (len(window) - 1) / ((window[-1] - window[0]) / 1e9)
        offsets = [(t - window[0]) / 1e6 - 1000 * i / rate for i, t in enumerate(window)]
        middle = median(offsets)
        deviation = median(abs(offset - middle) for offset in offsets)
        error = 100 * abs(mean / rate - 1)
        tell(f"  {mean:,.1f}/s, error {error:.4f} %, median deviation {deviation:.4f} ms")
        return error, deviation

    def run_rate(self, port, rate, connections, seconds):
        return machine.run_measured(
            [self.ronda, "bench", "-t", "1", "-c", str(connections), "-d", f"{seconds}s",
             "--rate", str(rate), "--json", f"http://127.0.0.1:{port}/"],
            self.cores.client, deadline=seconds * 3 + 30)

    def coordinated_omission(self):
        for connections in (1500, 10):
            figure = f"engine.co_p99_error_pct_{connections}"
            if not self.wants(figure):
                continue
            why = self.cannot_run(self.record_server())
            errors = []
            if not why:
                tell(f"{figure}:")
                errors = [self.one_stall(connections) for _ in range(1 if self.quick else
                                                                     min(self.pairs, 5))]
            self.emit(figure, errors, "theory", why or self.quick_reason())

    def one_stall(self, connections, rate=1000, seconds=10):
        """|p99 / theory - 1| in %: a stall of 1 s in the middle of 10 s."""
        with self.record_server(stall_at=5, stall_for=1) as server:
            measured = self.run_rate(server.port, rate, connections, seconds)
            times, summary = server.finish()
        report = json.loads(measured.stdout)
        theory = self.theoretical_p99(times[0], summary, rate, seconds)
        error = 100 * abs(report["latency_ms"]["p99"] / theory - 1)
        tell(f"  p99 {report['latency_ms']['p99']:.1f} ms, theory {theory:.1f} ms, dropped "
             f"{report['dropped']}, the server saw {len(times)}")
        return error

    @staticmethod
    def theoretical_p99(first_ns, summary, rate, seconds):
        """Arrivals due during the stall wait until its end; all others take no time (ms)."""
        waits = []
        for i in range(rate * seconds):
            due = first_ns + i * 1_000_000_000 // rate
            stalled = summary["stall_start_ns"] <= due < summary["stall_end_ns"]
            waits.append((summary["stall_end_ns"] - due) / 1e6 if stalled else 0.0)
        waits.sort()
        return waits[int(0.99 * len(waits))]

    def idle_users(self):
        figure = "engine.bytes_per_idle_user"
        if not self.wants(figure):
            return
        why = self.cannot_run()
        values = []
        if not why:
            tell(f"{figure}:")
            few, many = (1000, 10_000) if self.quick else (10_000, 100_000)
            for _ in range(1 if self.quick else 3):
                low, high = self.resident_with(few), self.resident_with(many)
                values.append((high - low) / (many - few))
                tell(f"  {few} users {low / 2**20:.1f} MiB, {many} users {high / 2**20:.1f} MiB: "
                     f"{values[-1]:.0f} bytes a user")
        self.emit(figure, values, None, why or self.quick_reason())

    def resident_with(self, users):
        """RSS once it no longer grows, with that many users thinking and no connection."""
        child = machine.spawn(
            [self.ronda, "run", os.path.join(HERE, "scenarios", "idle.yaml"), "--users",
             str(users), "--duration", "5m", "-t", "1"], [self.cores.client],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            return self._settled_rss(child)
        finally:
            child.kill()
            child.wait()

    @staticmethod
    def _settled_rss(child, deadline=60.0):
        last, steady, end = 0, 0, time.monotonic() + deadline
        while time.monotonic() < end:
            if child.poll() is not None:
                raise ClientFailed(f"ronda run idle.yaml ended with {child.returncode}")
            time.sleep(0.5)
            try:
                rss = machine.process_memory(child.pid, "VmRSS")
            except OSError:  # it has just ended
                continue
            steady = steady + 1 if abs(rss - last) < 256 * 1024 else 0
            last = rss
            if steady >= 4:
                return rss
        raise ClientFailed("the resident set kept growing for a minute")

    def memory_slope(self):
        figure = "engine.rss_slope_pct_per_min"
        if not self.wants(figure):
            return
        why = self.cannot_run(self.lean())
        values = []
        if not why:
            tell(f"{figure}: {self.soak_requests:,} requests")
            value, requests = self.one_memory_slope()
            values.append(value)
            tell(f"  {value:.3f} %/min over {requests:,} requests")
        if not why and self.soak_requests < SOAK_REQUESTS:
            why = (f"{self.soak_requests:,} requests, the bar's are {SOAK_REQUESTS:,}: "
                   "make soak-engine")
        self.emit(figure, values, f"{self.soak_requests} requests", why)

    def one_memory_slope(self):
        with self.lean() as server, tempfile.TemporaryFile("w+") as out:
            child = machine.spawn(
                [self.ronda, "bench", "-t", "1", "-c", "64", "-d", "24h", "--json",
                 f"http://127.0.0.1:{server.http}/"], [self.cores.client], stdout=out,
                stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            xs, ys = [], []
            try:
                while server.requests() < self.soak_requests:
                    if child.poll() is not None:
                        raise ClientFailed(f"ronda bench ended with {child.returncode}")
                    time.sleep(0.5)
                    xs.append(time.monotonic() / 60)
                    ys.append(machine.process_memory(child.pid, "RssAnon"))
                requests = server.requests()
                child.send_signal(signal.SIGINT)
                child.wait(60)
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
        warm = len(xs) // 4
        xs, ys = xs[warm:], ys[warm:]
        return 100 * slope(xs, ys) / (sum(ys) / len(ys)), requests

    def checks(self):
        figures = ("engine.checks_per_core", "engine.checks_vs_blackbox")
        if not self.wants(*figures):
            return
        why = self.cannot_run(self.nginx()) or self.too_few_cores()
        rates, ratios, peer_why = [], [], None
        if not why:
            tell("engine.checks_*:")
            rates, ratios, peer_why = self.measure_checks()
        self.emit(figures[0], rates, None, why or self.quick_reason())
        self.emit(figures[1], ratios, "blackbox_exporter", why or peer_why or self.quick_reason())

    def measure_checks(self):
        """Three YAML steps, each on a new connection, are three checks."""
        ours = clients.RondaRun(self.ronda, "checks.yaml", users=16)
        box = Blackbox(self.cores.client)
        peer_why = None if box.program else (
            "blackbox_exporter is not installed: apt-get install prometheus-blackbox-exporter")
        if clients.Wrk().absent():
            peer_why = "wrk, which drives blackbox_exporter, is not installed"
        rates, ratios = [], []
        for _ in range(self.pairs):
            with self.nginx() as server:
                mine = ours.run(server, self.seconds, self.cores.client)
                rates.append(1e6 / mine.cpu_us)
                tell(f"  ronda {mine.cpu_us:.1f} us a check, {mine.per_second:,.0f}/s")
                if not peer_why:
                    ratios.append(self.blackbox_cost(server) / mine.cpu_us)
        return rates, ratios, peer_why

    def blackbox_cost(self, server):
        """CPU us a probe of blackbox_exporter, driven by wrk from another core."""
        with Blackbox(self.cores.client) as box:
            before = box.cpu_seconds()
            driver = machine.run_measured(
                ["wrk", "-t1", "-c8", f"-d{self.seconds}s",
                 f"http://127.0.0.1:{box.port}/probe?module=http_2xx&target="
                 f"http%3A%2F%2F127.0.0.1%3A{server.http}%2Fcheck%2Fone"], self.cores.others[0])
            requests, took, _ = clients.Wrk().parse(driver, None)
            cost = (box.cpu_seconds() - before) * 1e6 / requests
            tell(f"  blackbox_exporter {cost:.1f} us a check, {requests / took:,.0f}/s")
            return cost

    def two_processes(self):
        figure = "engine.two_process_cpu_ratio"
        if not self.wants(figure):
            return
        why = self.cannot_run(self.lean()) or self.too_few_cores()
        ratios = []
        if not why:
            tell(f"{figure}:")
            with self.lean() as server:
                for _ in range(self.pairs):
                    ratios.append(self.one_two_process_pair(server))
        self.emit(figure, ratios, "one process", why or self.quick_reason())

    def one_two_process_pair(self, server):
        """One process with 128 connections, then two with 64 each on the same core, then one."""
        whole = clients.RondaBench(self.ronda, connections=128)
        before = whole.run(server, self.seconds, self.cores.client).cpu_us
        both = self.two_at_once(server)
        after = whole.run(server, self.seconds, self.cores.client).cpu_us
        ratio = both / ((before + after) / 2)
        tell(f"  one {before:.2f} us, two {both:.2f} us, one {after:.2f} us: {ratio:.3f}")
        return ratio

    def two_at_once(self, server):
        from concurrent.futures import ThreadPoolExecutor
        half = [clients.RondaBench(self.ronda) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(
                lambda client: client.run(server, self.seconds, self.cores.client), half))
        requests = sum(outcome.requests for outcome in outcomes)
        return sum(outcome.cpu_us * outcome.requests for outcome in outcomes) / requests

    def merge(self):
        figure = "engine.merge_exact"
        if not self.wants(figure):
            return
        program = os.path.join(self.programs, "merge_exact")
        if not os.path.exists(program):
            self.emit(figure, [], None, f"{program} is not built: make build")
            return
        answer = json.loads(subprocess.run([program], check=True, capture_output=True,
                                           text=True).stdout)
        tell(f"{figure}: {answer['values']:,} values")
        self.emit(figure, [answer["exact"]], None)

    def cannot_run(self, server=None):
        """Why Ronda cannot run, or `server` cannot, or None."""
        if self.stand_in:
            return "a stand-in has no such figure"
        if not os.path.exists(self.ronda):
            return f"{self.ronda} is not built: make build"
        return server.absent() if server else None

    def run_all(self):
        """Every group by itself: one that breaks says so and the rest goes on."""
        groups = [(self.merge, ["engine.merge_exact"]),
                  (self.get, ["engine.get_vs_limit", "engine.get_vs_wrk"]),
                  (self.scenario, ["engine.scenario_vs_limit", "engine.scenario_vs_wrk_lua",
                                   "engine.scenario_vs_k6"]),
                  (self.tls, ["engine.tls_vs_wrk"]),
                  (self.h2, ["engine.h2_m1_vs_h2load", "engine.h2_m10_vs_h2load"]),
                  (self.constant_rate, ["engine.rate_error_pct", "engine.rate_deviation_ms"]),
                  (self.coordinated_omission, ["engine.co_p99_error_pct_1500",
                                               "engine.co_p99_error_pct_10"]),
                  (self.checks, ["engine.checks_per_core", "engine.checks_vs_blackbox"]),
                  (self.two_processes, ["engine.two_process_cpu_ratio"]),
                  (self.idle_users, ["engine.bytes_per_idle_user"]),
                  (self.memory_slope, ["engine.rss_slope_pct_per_min"])]
        for group, figures in groups:
            try:
                group()
            except (ClientFailed, OSError, ValueError, KeyError,
                    subprocess.SubprocessError) as failure:
                tell(f"  failed: {failure!r}")
                done = {line["figure"] for line in self.printed}
                for figure in figures:
                    if figure not in done:
                        self.emit(figure, [], None, f"could not be measured: {failure}")


def _rounded(value):
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value
