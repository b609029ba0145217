"""Where the shop keeps its things, who it runs as, and how it finds its own processes again."""

import fcntl
import hashlib
import json
import os
import pwd
import random
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SHOP = Path(__file__).resolve().parent.parent
CHECKOUT = SHOP.parent.parent
PG_BIN = Path("/usr/lib/postgresql/15/bin")
JDBC_JAR = Path("/usr/share/java/postgresql.jar")
DEFAULT_PORT = 7480
# Below the ephemeral ports: a port here is not taken by somebody's outgoing connection while its
# service restarts.
PORTS = range(20_000, 32_000)


class ShopError(Exception):
    """Something the user is told; the text is the whole message."""


def say(text):
    try:
        print(f"shop: {text}", file=sys.stderr, flush=True)
    except OSError:  # nobody listens any more; the shop goes on
        pass


def home():
    """The private data folder: SHOP_HOME, else $XDG_STATE_HOME/ronda/shop, else .local/shop here."""
    if os.environ.get("SHOP_HOME"):
        return Path(os.environ["SHOP_HOME"]).resolve()
    if os.environ.get("XDG_STATE_HOME"):
        return Path(os.environ["XDG_STATE_HOME"]).resolve() / "ronda" / "shop"
    return CHECKOUT / ".local" / "shop"


class Layout:
    """The paths below the data folder, made where they are missing."""

    def __init__(self):
        self.home = home()
        self.logs = self.home / "log"
        self.build = self.home / "build"
        self.state = self.home / "state.json"
        self.environment = self.home / "environment.yaml"
        self.seeded = self.home / "seeded"
        self.lock = self.home / "lock"

    def make(self):
        for folder in (self.home, self.logs, self.build):
            folder.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)  # the user postgres walks through, and sees nothing
        self.logs.chmod(0o700)

    def secrets(self):
        """The passwords of PostgreSQL and Redis: made once, readable by the owner only."""
        path = self.home / "secrets.json"
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            made = {"postgres": secrets.token_hex(16), "redis": secrets.token_hex(16)}
            write_private(path, json.dumps(made))
            return made

    def pg_folder(self):
        """Where PostgreSQL's files lie: below the data folder, if its user can get there."""
        inside = self.home / "postgres"
        user = pg_user()
        if user is None:
            inside.mkdir(mode=0o700, exist_ok=True)
            return inside
        reachable = subprocess.run([*as_user(user), "test", "-x", str(self.home)], check=False)
        folder = inside
        if reachable.returncode != 0:
            key = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
            folder = Path(user.pw_dir) / f"ronda-shop-{key}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
        return folder


def write_private(path, text):
    """Replaces a file whole, so that no reader sees half of it."""
    new = path.with_name(path.name + ".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def pg_user():
    """The user that runs PostgreSQL: None is ourselves; root has to be somebody else."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise ShopError("there is no user 'postgres'; install postgresql-15") from None


def as_user(user):
    if user is None:
        return []
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]


def free_port(taken, preferred=None):
    """A port on 127.0.0.1 that nobody listens on and that is not in `taken`; it joins `taken`."""
    candidates = ([preferred] if preferred else []) + random.sample(PORTS, 200)
    for port in candidates:
        if port in taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken.add(port)
        return port
    raise ShopError(f"no free port in {PORTS.start}..{PORTS.stop - 1}")


# Processes ---------------------------------------------------------------------------------------


def started_at(pid):
    """When a process began, in ticks since boot: with its pid it is its identity. None: no process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def identity(pid):
    return {"pid": pid, "start": started_at(pid)}


def is_alive(process):
    return bool(process) and process["start"] is not None and \
        started_at(process["pid"]) == process["start"]


def end(process, signals, wait_s=5.0):
    """Ends one of our processes: each signal in turn, until it is gone."""
    for number in signals:
        try:
            handle = os.pidfd_open(process["pid"])
        except OSError:
            return
        try:
            if not is_alive(process):
                return
            signal.pidfd_send_signal(handle, number)
            if select.select([handle], [], [], wait_s)[0]:
                return
        except ProcessLookupError:
            return
        finally:
            os.close(handle)


def processes_in(folder):
    """Processes whose working folder this is: PostgreSQL's, also those that lost their parent."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd") == str(folder):
                    found.append(identity(int(entry.name)))
            except OSError:
                continue
    return found


# State -------------------------------------------------------------------------------------------


def read_state(layout):
    try:
        return json.loads(layout.state.read_text())
    except (OSError, ValueError):
        return {}


class Lock:
    """Held by the one supervisor of a data folder, as long as it lives."""

    def __init__(self, layout):
        self._file = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self):
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    def release(self):
        os.close(self._file)


def is_running(layout):
    """True while a supervisor holds the lock."""
    if not layout.lock.exists():
        return False
    lock = Lock(layout)
    free = lock.take()
    lock.release()
    return not free


def clear_leftovers(layout, pg_data):
    """Ends what a supervisor that was killed left behind. The caller holds the lock."""
    children = read_state(layout).get("children", {})
    for name, child in children.items():
        if is_alive(child):
            say(f"ending {name} (pid {child['pid']}), left over from a shop that was killed")
            first = signal.SIGINT if name == "postgres" else signal.SIGTERM
            end(child, (first, signal.SIGKILL))
    clear_postgres(pg_data)
    layout.state.unlink(missing_ok=True)


def clear_postgres(pg_data):
    """Waits for orphaned backends to notice, then ends them; removes a stale postmaster.pid."""
    deadline = time.monotonic() + 5
    while processes_in(pg_data) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in processes_in(pg_data):
        end(process, (signal.SIGQUIT, signal.SIGKILL))
    (pg_data / "postmaster.pid").unlink(missing_ok=True)
