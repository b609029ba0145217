"""A PostgreSQL server of a test's own, on a free port of the loopback, gone with the test."""
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time


def _programs():
    base = "/usr/lib/postgresql"
    for version in sorted(os.listdir(base), key=float, reverse=True):
        folder = os.path.join(base, version, "bin")
        if os.path.exists(os.path.join(folder, "initdb")):
            return folder
    raise RuntimeError("no PostgreSQL: see packages.txt")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """Use as a context manager. `url` names its database."""

    def __enter__(self):
        self.bin = _programs()
        self.folder = tempfile.mkdtemp(prefix="ronda-pg-")
        self.data = os.path.join(self.folder, "data")
        # The server refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self.port = _free_port()
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "ronda", "-N")
        self.process = None
        self.start()
        self.sql("CREATE DATABASE ronda")
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return f"postgresql://ronda@127.0.0.1:{self.port}/ronda"

    def _command(self, *arguments):
        program = [os.path.join(self.bin, arguments[0]), *arguments[1:]]
        if not self.user:
            return program
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *program]

    def _run(self, *arguments):
        done = subprocess.run(self._command(*arguments), capture_output=True, text=True, timeout=120,
                              cwd=self.folder)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        """Starts the server and returns once it answers."""
        self.process = subprocess.Popen(
            self._command("postgres", "-D", self.data, "-p", str(self.port), "-k", self.folder,
                          "-c", "listen_addresses=127.0.0.1"),
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while subprocess.run(
                self._command("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)),
                check=False).returncode != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the database server did not start")
            time.sleep(0.05)

    def kill(self):
        """Ends it at once, as a crash would: all its processes notice that the first is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def sql(self, text, database="postgres"):
        """Runs statements; the rows as psql prints them, unaligned."""
        return self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "ronda", "-d",
                         database, "-v", "ON_ERROR_STOP=1", "-Atc", text)
