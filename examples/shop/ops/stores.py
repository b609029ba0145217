"""PostgreSQL and Redis of the shop: a cluster and an instance of its own, never the system's."""

import asyncio
import hashlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from ops.children import Child, run
from ops.layout import PG_BIN, SHOP, as_user, clear_postgres, pg_user, say

PG_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",     # loopback with a password; the folder's path may be too long
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "synchronous_commit": "off",       # sample data: a lost last moment costs nothing
    "jit": "off",
    "autovacuum_naptime": "10s",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "logging_collector": "off",
}


def seed_mark(password):
    """Changes whenever the cluster has to be made anew."""
    parts = [(SHOP / "db" / "schema.sql").read_bytes(), (SHOP / "db" / "seed.py").read_bytes(),
             password.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def pg_url(port, password):
    return f"postgresql://shop:{password}@127.0.0.1:{port}/shop"


class Postgres:
    def __init__(self, layout, port, password, changed):
        self.layout, self.port, self.password = layout, port, password
        self.user = pg_user()
        self.folder = layout.pg_folder()
        self.data = self.folder / "data"
        arguments = [word for name, value in PG_SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self.child = Child(
            "postgres", [*as_user(self.user), str(PG_BIN / "postgres"), "-D", str(self.data),
                         "-p", str(port), *arguments],
            port, layout, env=dict(os.environ), cwd=self.folder, probe=self._accepts,
            before=lambda: clear_postgres(self.data),
            stop_signals=(signal.SIGINT, signal.SIGQUIT), changed=changed)

    def is_seeded(self):
        try:
            return self.layout.seeded.read_text() == seed_mark(self.password)
        except OSError:
            return False

    async def start(self):
        """Starts it; the cluster is made and filled first when it is missing or out of date."""
        if self.is_seeded() and (self.data / "PG_VERSION").exists():
            await self.child.start()
            return
        self.layout.seeded.unlink(missing_ok=True)
        await self._make()
        await self.child.start()
        await self._fill()
        self.layout.seeded.write_text(seed_mark(self.password))

    async def _make(self):
        say("making a PostgreSQL cluster (first start)")
        clear_postgres(self.data)
        shutil.rmtree(self.data, ignore_errors=True)
        word = self.folder / "password"
        word.write_text(self.password + "\n")
        word.chmod(0o600)
        if self.user:
            os.chown(word, self.user.pw_uid, self.user.pw_gid)
        try:
            await run([*as_user(self.user), str(PG_BIN / "initdb"), "-D", str(self.data), "-U", "shop",
                       "-A", "scram-sha-256", f"--pwfile={word}", "-E", "UTF8", "--locale=C.UTF-8",
                       "--no-sync", "--no-instructions"], cwd=self.folder)
        finally:
            word.unlink()

    async def _fill(self):
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="seed-", dir=self.layout.home) as folder:
            await run([str(SHOP / "db" / "seed.py"), folder])
            await self._psql("CREATE DATABASE shop", "postgres")
            copies = [f"\\copy {table} ({columns(folder, name)}) FROM '{folder}/{name}' CSV HEADER"
                      for table, name in (("accounts.users", "users.csv"),
                                          ("catalog.products", "products.csv"))]
            schema = (SHOP / "db" / "schema.sql").read_text()
            await self._psql("\n".join([schema, *copies, "ANALYZE;", "CHECKPOINT;"]), "shop")
        say(f"10,000 users and 1,000 products are in ({time.monotonic() - begin:.1f} s)")

    async def _psql(self, script, database):
        env = {**os.environ, "PGPASSWORD": self.password}
        await run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
                   "-U", "shop", "-d", database, "-f", "-"], env=env, feed=script.encode())

    async def _accepts(self):
        """Returns True once it takes connections; runs beside a watch on the process."""
        while True:
            process = await asyncio.create_subprocess_exec(
                str(PG_BIN / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-d", "postgres",
                "-U", "shop")
            if await process.wait() == 0:
                return True
            await asyncio.sleep(0.05)


def columns(folder, name):
    with open(Path(folder) / name, encoding="utf-8") as file:
        return file.readline().strip()


def redis_child(layout, port, password, changed):
    """Redis without persistence: sessions and the catalog's cache, both of which may be lost."""
    settings = layout.home / "redis.conf"
    settings.unlink(missing_ok=True)
    settings.touch(mode=0o600)
    settings.write_text(f'''bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
maxmemory 64mb
maxmemory-policy volatile-ttl
daemonize no
dir {quoted(layout.home)}
''')

    async def answers():
        while True:
            if await ping(port, password):
                return True
            await asyncio.sleep(0.02)

    return Child("redis", ["redis-server", str(settings)], port, layout, env=dict(os.environ),
                 probe=answers, changed=changed)


def quoted(path):
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


async def ping(port, password):
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"
    except OSError:
        return False
    finally:
        writer.close()
