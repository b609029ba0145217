"""Runs the real binary for integration tests and reads what it reports.

The binary is $RONDA, as CMake sets it. Limits of time here only guard against a hang: no test is
about how long something takes.
"""
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "hostile"))

BINARY = os.environ.get("RONDA") or os.path.join(ROOT, "build", "release", "bin", "ronda")
HANG = 240  # seconds after which a run is said to hang, under any sanitizer

# Exit codes, as `ronda help exit-codes` has them.
OK, FAILED, USAGE, UNAVAILABLE, VERDICT, BAD_DEFINITION, ABORTED, INTERRUPTED = (
    0, 1, 2, 5, 99, 104, 105, 130)


def built_with(*sanitizers):
    """Whether the binary is built with one of them: "asan", "tsan"."""
    with open(BINARY, "rb") as file:
        text = file.read()
    return any(f"__{name}_init".encode() in text for name in sanitizers)


def instrumented():
    """Whether the binary is built with a sanitizer, which multiplies its memory."""
    return built_with("asan", "tsan")


def request(url, step="ask", **parameters):
    """A step that requests `url`."""
    step_parts = {name: parameters.pop(name) for name in ("checks", "extract", "timeout_step",
                                                          "retry") if name in parameters}
    return {"id": step, "action": "http.request", "with": {"url": url, **parameters}, **step_parts}


def scenario(*steps, **more):
    """A Scenario of these steps, as text (JSON is YAML)."""
    return json.dumps({"kind": "Scenario", "name": "tested", **more, "steps": list(steps)})


class Done:
    """A run that ended."""

    def __init__(self, code, out, err, max_rss):
        self.code = code
        self.out = out
        self.err = err
        self.max_rss = max_rss  # bytes
        try:
            self.report = json.loads(out)
        except ValueError:
            self.report = None

    @property
    def totals(self):
        if self.report is None:
            raise AssertionError(f"no report; exit {self.code}\n{self.out}\n{self.err}")
        return self.report["totals"]

    @property
    def requests(self):
        return self.totals["requests"]

    @property
    def failed(self):
        return self.totals["failed"]

    @property
    def errors(self):
        """How often each kind of error came."""
        return self.totals["errors"]

    @property
    def statuses(self):
        return self.totals["statuses"]

    @property
    def messages(self):
        """The messages of all failures, one a line."""
        return "\n".join(f["message"] for f in self.report["failures"])

    def step(self, name):
        return next(s for s in self.report["steps"] if s["id"] == name)

    def __str__(self):
        return f"exit {self.code}\n{self.out[:4000]}\n{self.err[-4000:]}"


class Running:
    """A run under way; `text` is its definition. Ends with the `with` block."""

    def __init__(self, text, *options, files=None, environment=None, bench=None, control=False):
        self.folder = tempfile.TemporaryDirectory(prefix="ronda-it-")
        if bench is not None:
            command = [BINARY, "bench", bench, "--json", *options]
        else:
            path = os.path.join(self.folder.name, "test.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            command = [BINARY, "run", path, "--json", "--quiet", *options]
        if control:
            command += ["--control", os.path.join(self.folder.name, "control")]
        surroundings = {name: value for name, value in os.environ.items()
                        if "proxy" not in name.lower() and not name.startswith("RONDA_")}
        surroundings.update(environment or {})

        def limit():
            if files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        # pylint: disable=subprocess-popen-preexec-fn
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, env=surroundings,
                                        cwd=self.folder.name, preexec_fn=limit)
        self.command = command
        self._texts = {"stdout": "", "stderr": ""}
        self._grown = threading.Condition()
        self._readers = [threading.Thread(target=self._drain, args=(name,), daemon=True)
                         for name in ("stdout", "stderr")]
        for reader in self._readers:
            reader.start()
        self._hang = threading.Timer(HANG, self.process.kill)
        self._hang.daemon = True
        self._hang.start()
        self.done = None

    def _drain(self, name):
        with getattr(self.process, name) as stream:
            for line in stream:
                with self._grown:
                    self._texts[name] += line.decode("utf-8", "replace")
                    self._grown.notify_all()

    def await_said(self, text):
        """Until standard error has this text."""
        with self._grown:
            while text not in self._texts["stderr"]:
                self._grown.wait(1)
                if not self._readers[1].is_alive() and text not in self._texts["stderr"]:
                    raise AssertionError(f"never said {text!r}: {self._texts['stderr']}")

    def interrupt(self):
        """Ctrl-C, and the run has taken notice: two signals at once would be one."""
        self.process.send_signal(signal.SIGINT)
        self.await_said("stopping: ")

    def interrupt_again(self):
        self.process.send_signal(signal.SIGINT)

    def status(self):
        """What the control socket says of it; None while it does not listen."""
        if not self._readers[1].is_alive():
            raise AssertionError(f"ended early: {self._texts['stderr']}")
        with socket.socket(socket.AF_UNIX) as link:
            try:
                link.connect(os.path.join(self.folder.name, "control"))
            except OSError:
                return None
            link.sendall(b"status\n")
            return json.loads(link.makefile().readline())

    def files(self):
        """How many descriptors it has open now."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def wait(self):
        """Until it ends by itself."""
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = code = os.waitstatus_to_exitcode(status)
        self._hang.cancel()
        for reader in self._readers:
            reader.join()
        self.done = Done(code, self._texts["stdout"], self._texts["stderr"],
                         usage.ru_maxrss * 1024)
        if code == -signal.SIGKILL:
            raise AssertionError(f"hangs: {' '.join(self.command)}\n{self.done}")
        return self.done

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.done is None:
            self.process.kill()
            try:
                self.wait()
            except AssertionError:
                pass
        self.folder.cleanup()


def run(text, *options, **more):
    """Runs a definition to its end."""
    with Running(text, *options, **more) as running:
        return running.wait()


def bench(url, *options, **more):
    """`ronda bench URL --json` to its end."""
    with Running(None, *options, bench=url, **more) as running:
        return running.wait()
