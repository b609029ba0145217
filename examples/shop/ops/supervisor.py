"""The process that starts the shop, keeps it running and stops it. One a data folder."""

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import time

from ops import services, stores
from ops.children import PortTaken
from ops.layout import (DEFAULT_PORT, JDBC_JAR, PG_BIN, Lock, ShopError, clear_leftovers, free_port,
                        identity, say, write_private)

# What has to be there, and the Debian package that brings it.
NEEDED = {
    "java": "default-jdk-headless", "javac": "default-jdk-headless", "node": "nodejs",
    "redis-server": "redis-server", "psql": "postgresql-15", "setpriv": "util-linux",
    str(PG_BIN / "postgres"): "postgresql-15", str(JDBC_JAR): "libpostgresql-jdbc-java",
}
MODULES = {"aiohttp": "python3-aiohttp", "asyncpg": "python3-asyncpg", "redis": "python3-redis"}


def check_needed():
    missing = {package for need, package in NEEDED.items()
               if not (os.path.exists(need) if need.startswith("/") else shutil.which(need))}
    missing |= {package for module, package in MODULES.items() if not importlib.util.find_spec(module)}
    if missing:
        raise ShopError("these packages are missing; run scripts/setup, or:\n  apt-get install -y "
                        "--no-install-recommends " + " ".join(sorted(missing)))


def environment_yaml(urls):
    lines = ["kind: Environment", "name: local", "endpoints:", f"  shop: {urls['front']}"]
    lines += [f"  {name}: {url}" for name, url in urls.items() if name != "front"]
    return "\n".join(lines) + "\n"


class Shop:
    def __init__(self, layout, port=None):
        self.layout = layout
        self.passwords = layout.secrets()
        self.wanted_port = port
        self.ports = {}
        self.taken = set()
        self.children = []
        self.is_ready = False

    async def start(self):
        await asyncio.gather(self._stores(), services.compile_catalog(self.layout))
        await self._retried(self._services)
        self.is_ready = True
        write_private(self.layout.environment, environment_yaml(self.urls()))
        self._changed()

    async def stop(self):
        """Services first, then the stores; nothing that is not ours."""
        of_stores = [child for child in self.children if child.name in ("postgres", "redis")]
        of_services = [child for child in self.children if child not in of_stores]
        await asyncio.gather(*(child.stop() for child in of_services))
        await asyncio.gather(*(child.stop() for child in of_stores))
        self.layout.environment.unlink(missing_ok=True)
        self.layout.state.unlink(missing_ok=True)

    def urls(self):
        return {name: f"http://127.0.0.1:{self.ports[name]}" for name in services.NAMES}

    async def _stores(self):
        await asyncio.gather(self._retried(self._postgres), self._retried(self._redis))

    async def _retried(self, stage):
        """A stage again with other ports when somebody took one of ours; three times at most."""
        for _ in range(3):
            try:
                return await stage()
            except PortTaken as taken:
                say(f"the port of {taken} was taken; trying another")
        raise ShopError("ports are taken faster than they are found")

    async def _postgres(self):
        self.ports["postgres"] = free_port(self.taken)
        store = stores.Postgres(self.layout, self.ports["postgres"], self.passwords["postgres"],
                                self._changed)
        await self._add([store.child], store.start)

    async def _redis(self):
        self.ports["redis"] = free_port(self.taken)
        child = stores.redis_child(self.layout, self.ports["redis"], self.passwords["redis"],
                                   self._changed)
        await self._add([child], child.start)

    async def _services(self):
        for name in services.NAMES:
            preferred = (self.wanted_port or DEFAULT_PORT) if name == "front" else None
            self.ports[name] = free_port(self.taken, preferred)
        if self.wanted_port and self.ports["front"] != self.wanted_port:
            raise ShopError(f"port {self.wanted_port} is taken")
        added = services.children(self.layout, self.ports, self.passwords, self._changed)

        async def start_all():
            tasks = [asyncio.create_task(child.start()) for child in added]
            try:
                await asyncio.gather(*tasks)
            except BaseException:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                raise
        await self._add(added, start_all)

    async def _add(self, added, start):
        """Starts children; those of a stage that failed are stopped and forgotten."""
        self.children += added
        try:
            await start()
        except PortTaken:
            await asyncio.gather(*(child.stop() for child in added))
            self.children = [child for child in self.children if child not in added]
            raise

    def _changed(self):
        """Writes down who runs: `status`, `down` and the next `up` read it."""
        write_private(self.layout.state, json.dumps({
            "supervisor": identity(os.getpid()), "ready": self.is_ready,
            "urls": self.urls() if self.is_ready else {},
            "logs": str(self.layout.logs),
            "children": {child.name: {**child.identity, "port": child.port, "restarts": child.restarts}
                         for child in self.children if child.identity}}, indent=1))


async def supervise(layout, port, on_ready):
    """Runs the shop until SIGINT, SIGTERM or SIGHUP. Returns whether it was ready once."""
    begin = time.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    shop = Shop(layout, port)
    stopping = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(shop.start())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            say(f"the shop is open at {shop.urls()['front']} ({time.monotonic() - begin:.1f} s); "
                f"logs in {layout.logs}")
            on_ready()
            await stopping
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await shop.stop()
    say("the shop is closed")
    return shop.is_ready


def main(layout, port=None, on_ready=lambda: None):
    """Exit code of a whole life of the shop. The caller has made sure that nobody else runs it."""
    check_needed()
    layout.make()
    lock = Lock(layout)
    if not lock.take():
        raise ShopError("another one is starting or running")
    clear_leftovers(layout, layout.pg_folder() / "data")
    return 0 if asyncio.run(supervise(layout, port, on_ready)) else 1
