#!/usr/bin/python3
"""The sample shop from its start to its end, in a data folder of its own: the walk, its business rules
in time, trace context, faults, and what kill -9 of each process and of the supervisor does."""

import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import shop_walk
from shop_walk import Client, equal, expect

SHOP = pathlib.Path(__file__).resolve().parents[2] / "examples" / "shop" / "shop"
BUYERS = shop_walk.buyers()
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def until(holds, what, deadline_s=30):
    """Waits for a condition and returns what it gave; fails after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what}")
        time.sleep(0.05)


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Folder:
    """A data folder and the shop in it."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="shop-test-")
        os.chmod(self.temporary.name, 0o711)  # the user postgres gets in, so that all goes with it
        self.path = pathlib.Path(self.temporary.name) / "state"
        self.env = {**os.environ, "SHOP_HOME": str(self.path), "SHOP_ORDER_TTL_S": "2",
                    "SHOP_ACCESS_LOG": "1"}

    def shop(self, *words, code=0):
        done = subprocess.run([SHOP, *words], env=self.env, capture_output=True, text=True, timeout=90,
                              check=False)
        if done.returncode != code:
            raise AssertionError(f"shop {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done

    def state(self):
        return json.loads((self.path / "state.json").read_text())

    def pids(self):
        return {name: child["pid"] for name, child in self.state()["children"].items()}

    def close(self):
        subprocess.run([SHOP, "down"], env=self.env, check=False, capture_output=True, timeout=90)
        self.temporary.cleanup()


def healthy(url):
    try:
        return Client(url, timeout=5).ask("GET", "/health").status == 200
    except OSError:
        return False


class OpenShop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.folder.shop("up")
        cls.urls = cls.folder.state()["urls"]
        cls.url = cls.urls["front"]

    def buyer(self, number):
        client = Client(self.url)
        client.login(*BUYERS[number])
        return client

    def test_the_walk_is_green(self):
        shop_walk.walk(self.url)

    def test_the_committed_feed_is_what_the_seed_makes(self):
        with tempfile.NamedTemporaryFile() as file:
            subprocess.run([SHOP.parent / "db" / "seed.py", "--buyers", file.name], check=True)
            self.assertEqual(pathlib.Path(file.name).read_bytes(), shop_walk.FEED.read_bytes())

    def test_a_second_up_says_that_it_runs_and_changes_nothing(self):
        before = self.folder.pids()
        self.assertIn(f"already running at {self.url}", self.folder.shop("up").stderr)
        self.assertEqual(self.folder.pids(), before)

    def test_an_unpaid_order_expires_and_gives_its_stock_back(self):
        client = self.buyer(1)
        sku = "LTD-0999"
        order = expect(client.ask("POST", "/orders", {"sku": sku, "quantity": 5}), 201).json["id"]
        expect(self.buyer(2).ask("POST", "/orders", {"sku": sku}), 409, "sold-out")
        states = [data["state"] for _, data in client.events(f"/orders/{order}/events")]
        self.assertEqual(states, ["new", "expired"])
        expect(client.ask("POST", f"/pay/{order}"), 409, "not-open")
        until(lambda: client.ask("GET", f"/products/{sku}").json["stock"] == 5, "the stock is back")

    def test_no_more_is_sold_than_there_is_to_however_many_ask_at_once(self):
        sku = "LTD-0998"
        clients = [self.buyer(10 + number) for number in range(16)]

        def order_and_pay(client):
            made = client.ask("POST", "/orders", {"sku": sku})
            if made.status == 201:
                expect(client.ask("POST", f"/pay/{made.json['id']}"), 200)
            return made.status

        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            found = sorted(pool.map(order_and_pay, clients))
        self.assertEqual(found, [201] * 5 + [409] * 11)

    def test_a_burst_of_callers_waits_and_is_served(self):
        token = self.buyer(50).token

        def many(_):
            client = Client(self.urls["accounts"])
            client.token = token
            client.connection.connect()
            ready.wait()
            return client.ask("GET", "/token").status

        count = 200
        ready = threading.Barrier(count, timeout=30)
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            self.assertEqual(set(pool.map(many, range(count))), {200})

    def test_one_key_pays_once_however_many_send_it_at_once(self):
        clients = [self.buyer(40) for _ in range(8)]
        order = expect(clients[0].ask("POST", "/orders", {"sku": "SKU-0003"}), 201).json["id"]
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            answers = list(pool.map(lambda client: client.ask("POST", f"/pay/{order}"), clients))
        self.assertLessEqual({answer.status for answer in answers}, {200, 409})
        payments = {answer.json["payment"] for answer in answers if answer.status == 200}
        self.assertEqual(len(payments), 1)
        again = expect(clients[0].ask("POST", f"/pay/{order}"), 200)
        self.assertEqual((again.json["payment"], again.headers["Idempotency-Replayed"]),
                         (payments.pop(), "true"))

    def test_trace_context_reaches_every_service(self):
        client = self.buyer(3)
        sent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "baggage": "mark=x"}
        order = expect(client.ask("POST", "/orders", {"sku": "SKU-0001"}, sent), 201).json["id"]
        answer = expect(client.ask("POST", f"/pay/{order}", headers=sent), 200)
        self.assertEqual(answer.headers["X-Trace-Id"], TRACE)

        def whole():
            """Every service wrote spans down, and each span's parent is one of them, or ours."""
            lines = [line for log in (self.folder.path / "log").glob("*.log")
                     for line in log.read_text().splitlines() if TRACE in line]
            found = [json.loads(line) for line in lines if line.endswith("}")]
            known = {span["span"] for span in found} | {"00f067aa0ba902b7"}
            return {span["service"] for span in found} == set(self.urls) and \
                all(span["parent"] in known for span in found)

        until(whole, "the trace is whole", deadline_s=10)

    def test_the_fault_switch_breaks_one_service_and_mends_it(self):
        for name, path in (("catalog", "/products"), ("accounts", "/me"), ("pay", "/pay/x"),
                           ("orders", "/orders"), ("front", "/")):
            with self.subTest(name):
                direct = Client(self.urls[name])
                equal(expect(direct.ask("POST", "/_fault", {"error_rate": 1}), 200).json["error_rate"], 1)
                method = "POST" if name == "pay" else "GET"
                expect(direct.ask(method, path), 500, "fault")
                expect(direct.ask("POST", "/_fault", {"error_rate": 2}), 400, "bad-fault")
                expect(direct.ask("POST", "/_fault", {"rate": 1}), 400, "bad-fault")
                expect(direct.ask("GET", "/_fault", headers={"X-Forwarded-For": "10.0.0.1"}), 403)
                expect(direct.ask("DELETE", "/_fault"), 200)
                self.assertNotEqual(direct.ask(method, path).status, 500)

    def test_added_latency_is_waited_for(self):
        direct = Client(self.urls["catalog"])
        expect(direct.ask("POST", "/_fault", {"latency_ms": 300}), 200)
        self.addCleanup(lambda: direct.ask("DELETE", "/_fault"))
        begin = time.monotonic()
        expect(direct.ask("GET", "/products"), 200)
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)


class Deaths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.close)

    def test_1_each_process_that_is_killed_comes_back_and_the_walk_is_green(self):
        self.folder.shop("up")
        url = self.folder.state()["urls"]["front"]
        for name in ("accounts", "orders", "pay", "catalog", "front", "redis", "postgres"):
            with self.subTest(name):
                before = self.folder.pids()[name]
                os.kill(before, signal.SIGKILL)
                until(lambda: self.folder.pids()[name] != before, f"{name} is another process")
                until(lambda: healthy(url), f"the shop is healthy without the old {name}")
                shop_walk.walk(url)
        self.assertTrue(all(child["restarts"] == 1 for child in self.folder.state()["children"].values()))

    def test_2_nothing_outlives_a_supervisor_that_is_killed_and_up_works_again(self):
        self.folder.shop("up")
        state = self.folder.state()
        os.kill(state["supervisor"]["pid"], signal.SIGKILL)
        for name, child in state["children"].items():
            until(lambda: not alive(child["pid"]), f"{name} ended")
        self.folder.shop("status", code=3)
        self.folder.shop("up")
        shop_walk.walk(self.folder.state()["urls"]["front"])

    def test_3_everything_killed_at_once_starts_again(self):
        self.folder.shop("up")
        state = self.folder.state()
        os.kill(state["supervisor"]["pid"], signal.SIGSTOP)  # so that it restarts nothing meanwhile
        for pid in [*self.folder.pids().values(), state["supervisor"]["pid"]]:
            os.kill(pid, signal.SIGKILL)
        self.folder.shop("up")
        shop_walk.walk(self.folder.state()["urls"]["front"])

    def test_4_down_from_another_shell_ends_all_and_only_that(self):
        self.folder.shop("up")
        with subprocess.Popen(["sleep", "600"]) as bystander:
            state = self.folder.state()
            self.folder.shop("down")
            self.assertEqual([name for name, child in state["children"].items() if alive(child["pid"])], [])
            self.assertFalse(alive(state["supervisor"]["pid"]))
            self.assertTrue(alive(bystander.pid))
            bystander.kill()
        self.folder.shop("status", code=3)
        self.assertIn("not running", self.folder.shop("down").stderr)

    def test_5_ctrl_c_ends_a_foreground_shop(self):
        process = subprocess.Popen([SHOP, "up", "--foreground"], env=self.folder.env,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        with process:
            for line in process.stderr:
                if "the shop is open" in line:
                    break
            pids = self.folder.pids()
            os.killpg(process.pid, signal.SIGINT)
            rest = process.stderr.read()
        self.assertEqual((process.returncode, [n for n, pid in pids.items() if alive(pid)]), (0, []))
        self.assertIn("the shop is closed", rest)

    def test_6_ctrl_c_while_it_starts_leaves_nothing(self):
        process = subprocess.Popen([SHOP, "up"], env=self.folder.env, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
        with process:
            process.stderr.readline()
            pids = [child["pid"] for child in self.folder.state()["children"].values()]
            os.killpg(process.pid, signal.SIGINT)
            process.stderr.read()
        self.assertEqual(process.returncode, 130)
        self.assertTrue(pids)
        self.assertEqual([pid for pid in pids if alive(pid)], [])
        self.folder.shop("status", code=3)

    def test_7_run_starts_runs_and_stops(self):
        done = self.folder.shop("run", "--", "sh", "-c", "echo $SHOP_URL; exit 7", code=7)
        self.assertRegex(done.stdout, r"^http://127\.0\.0\.1:\d+\n$")
        self.folder.shop("status", code=3)

    def test_8_a_service_that_cannot_start_is_told_with_its_log(self):
        self.folder.env["NODE_OPTIONS"] = "--no-such-option"
        self.addCleanup(self.folder.env.pop, "NODE_OPTIONS")
        done = self.folder.shop("up", code=1)
        self.assertIn("front ended while starting", done.stderr)
        self.assertIn("--no-such-option", done.stderr)
        self.folder.shop("status", code=3)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # cleans up on its way
    sys.exit(unittest.main(verbosity=2, warnings="ignore"))
