"""Runs the ronda of $RONDA against the hostile server, for the tests of http.request."""
import json
import os
import subprocess
import tempfile
import textwrap
import unittest

from ronda import BINARY as RONDA
from ronda import HANG as DEADLINE
from client import HostileServer  # its folder is in the path by then


class Done:
    """What a call of ronda left behind."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    @property
    def report(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit code {self.code}\n{self.err}"


class RondaCase(unittest.TestCase):
    """One hostile server for the class, one folder a test; no variable of the outside is read."""

    @classmethod
    def setUpClass(cls):
        cls.server = HostileServer().__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ronda-http-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.server.clear()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(path, mode, **({} if mode == "wb" else {"encoding": "utf-8"})) as out:
            out.write(text)
        return path

    def ronda(self, *arguments, env=None, stdin=None):
        variables = {"PATH": os.environ.get("PATH", ""), "HOME": self.folder, **(env or {})}
        return Done(subprocess.run([RONDA, *arguments], env=variables, cwd=self.folder,
                                   capture_output=True, text=True, errors="replace",
                                   timeout=DEADLINE, input=stdin))

    def scenario(self, steps, top=""):
        """Writes a scenario; $X of the text is the server's: $http is its http address."""
        text = "kind: Scenario\nname: test\n" + textwrap.dedent(top).strip() + "\nsteps:\n" + \
            textwrap.dedent(steps).strip() + "\n"
        for name, port in sorted(self.server.ports.items(), key=lambda p: -len(p[0])):
            scheme = "https" if name.startswith(("https", "h2s")) else "http"
            host = "[::1]" if name == "http6" else "127.0.0.1"
            text = text.replace(f"${name}/", f"{scheme}://{host}:{port}/")
            text = text.replace(f"$port({name})", str(port))
        for name in ("ca", "client_cert", "client_key"):
            text = text.replace(f"${name}", getattr(self.server, name))
        return self.write("scenario.yaml", text)

    def once(self, steps, *options, top="", env=None):
        return self.ronda("run", self.scenario(steps, top), "--once", "-v", "--json", *options,
                          env=env)

    def passes(self, steps, *options, top="", env=None):
        """Every check of one iteration holds."""
        done = self.once(steps, *options, top=top, env=env)
        self.assertEqual(done.code, 0, str(done))
        return done

    def step_fails(self, steps, *says, top="", env=None, code=99):
        done = self.once(steps, top=top, env=env)
        self.assertEqual(done.code, code, str(done))
        for text in says:
            self.assertIn(text, done.err, str(done))
        return done
