"""Cores, pinning, and measured child processes."""
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cores:
    """Which core the client has to itself, and which the servers and everything else share."""
    client: int
    others: tuple[int, ...]

    @staticmethod
    def of_this_machine(client=None):
        available = sorted(os.sched_getaffinity(0))
        client = available[-1] if client is None else client
        others = tuple(core for core in available if core != client)
        return Cores(client, others)


@dataclass
class Measured:
    """What one run of a child cost."""
    argv: list[str]
    status: int
    stdout: str
    stderr: str
    cpu_seconds: float
    wall_seconds: float
    idle_share: float  # of the core it was pinned to
    max_rss_bytes: int
    files: dict = field(default_factory=dict)


def core_times(core):
    """(idle, all) ticks of one core since boot."""
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            name, *ticks = line.split()
            if name == f"cpu{core}":
                ticks = [int(tick) for tick in ticks[:8]]
                return ticks[3] + ticks[4], sum(ticks)
    raise OSError(f"no cpu{core} in /proc/stat")


def spawn(argv, cores, env=None, **popen):
    """Starts a child that may run on `cores` only."""
    full_env = dict(os.environ, **(env or {}))
    return subprocess.Popen(argv, env=full_env,
                            preexec_fn=lambda: os.sched_setaffinity(0, set(cores)), **popen)


def run_measured(argv, core, env=None, deadline=120.0, cwd=None):
    """Runs a child to its end on one core. CPU time is the kernel's account of the child."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        idle_before, all_before = core_times(core)
        started = time.monotonic()
        child = spawn(argv, [core], env, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=cwd)
        killer = threading.Timer(deadline, child.kill)
        killer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        finally:
            killer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - started
        idle_after, all_after = core_times(core)
        out.seek(0)
        err.seek(0)
        return Measured(
            argv=list(argv), status=child.returncode, stdout=out.read(), stderr=err.read(),
            cpu_seconds=usage.ru_utime + usage.ru_stime, wall_seconds=wall,
            idle_share=(idle_after - idle_before) / max(1, all_after - all_before),
            max_rss_bytes=usage.ru_maxrss * 1024)


def process_cpu_seconds(pid):
    """User and system time of a live process, all its threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def process_memory(pid, key):
    """A line of /proc/PID/status such as VmRSS or RssAnon, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    raise OSError(f"{key} is not in /proc/{pid}/status")


def tell(text):
    """Progress goes to stderr: stdout carries the figures only."""
    import sys
    print(text, file=sys.stderr, flush=True)
