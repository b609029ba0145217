"""The five services of the shop: how each is built and started."""

import hashlib
import os
import shutil

from ops.children import Child, run
from ops.layout import JDBC_JAR, SHOP, say
from ops.stores import pg_url

PYTHON = "/usr/bin/python3"  # Debian's: it has the packages
NAMES = ("accounts", "catalog", "orders", "pay", "front")
JAVA_OPTIONS = [
    "-Xms48m", "-Xmx160m", "-XX:+UseSerialGC", "-Xshare:auto", "-XX:-UsePerfData",
    # Its defaults delay small answers and close all but 200 idle connections.
    "-Dsun.net.httpserver.nodelay=true", "-Dsun.net.httpserver.maxIdleConnections=4096",
    "-Dsun.net.httpserver.idleInterval=60",
]


async def compile_catalog(layout):
    """Compiles the JVM service into the data folder, if its sources changed since."""
    sources = sorted((SHOP / "catalog" / "src").rglob("*.java"))
    mark = hashlib.sha256()
    for source in sources:
        mark.update(source.name.encode() + b"\0" + source.read_bytes())
    classes = layout.build / "catalog"
    stamp = classes / "stamp"
    if stamp.exists() and stamp.read_text() == mark.hexdigest():
        return
    say("compiling the catalog service")
    shutil.rmtree(classes, ignore_errors=True)
    classes.mkdir(parents=True)
    await run(["javac", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "--release", "17",
               "-Xlint:all", "-Werror", "-d", str(classes), *map(str, sources)])
    stamp.write_text(mark.hexdigest())


def commands(layout):
    python = [PYTHON, "-u"]
    return {
        "accounts": [*python, str(SHOP / "services" / "accounts.py")],
        "orders": [*python, str(SHOP / "services" / "orders.py")],
        "pay": [*python, str(SHOP / "services" / "pay.py")],
        "catalog": ["java", *JAVA_OPTIONS, "-cp", f"{layout.build / 'catalog'}:{JDBC_JAR}",
                    "shop.catalog.Main"],
        "front": ["node", str(SHOP / "front" / "front.js")],
    }


def children(layout, ports, passwords, changed):
    """The services, not started yet. `ports`: of them, of postgres and of redis."""
    env = {
        **os.environ,
        "PYTHONPYCACHEPREFIX": str(layout.build / "pycache"),
        "SHOP_PG_URL": pg_url(ports["postgres"], passwords["postgres"]),
        "SHOP_JDBC_URL": f"jdbc:postgresql://127.0.0.1:{ports['postgres']}/shop?user=shop"
                         f"&password={passwords['postgres']}&connectTimeout=3&socketTimeout=10"
                         "&tcpKeepAlive=true&ApplicationName=catalog",
        "SHOP_REDIS_URL": f"redis://:{passwords['redis']}@127.0.0.1:{ports['redis']}/0",
        "SHOP_REDIS_PORT": str(ports["redis"]),
        "SHOP_REDIS_PASSWORD": passwords["redis"],
        **{f"SHOP_URL_{name.upper()}": f"http://127.0.0.1:{ports[name]}" for name in NAMES},
    }
    env.pop("PYTHONPATH", None)
    return [Child(name, argv, ports[name], layout, env=env, changed=changed)
            for name, argv in commands(layout).items()]
