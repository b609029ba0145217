#!/usr/bin/env python3
"""The documented example scenario and drill, and what steps do with a real server."""

import collections
import unittest

import engine_support

# As the design documents have it, unchanged.
BUY_ONE = '''kind: Scenario
name: buy-one
feeds: {buyer: {file: buyers.csv, pick: unique, shard: true, onEnd: recycle}}
steps:
- id: login
  action: http.request
  with: {method: POST, url: "${env.shop}/login", json: {user: "${buyer.user}", pass: "${buyer.pass}"}}
  extract: {token: {json: $.token, secret: true}}
  checks: ["status == 200"]
- {id: browse, use: browse-item, with: {token: "${login.token}"}, think: {p50: 2s, p95: 6s}}
- id: order
  when: "browse.stock > 0"
  action: http.request
  with: {method: POST, url: "${env.shop}/orders", bearer: "${login.token}", json: {sku: "${browse.sku}"}}
  extract: {orderId: {json: $.id}}
  checks: [{expr: "status == 201", fatal: true}]
- id: pay
  meet: pay-spike              # no-op outside a drill
  action: http.request
  with: {method: POST, url: "${env.shop}/pay/${order.orderId}", bearer: "${login.token}"}
  checks: ["latency < 800ms"]
'''
PEAK = '''---
kind: Drill
name: peak-618
mix: [{scenario: buy-one@3, weight: 8}, {scenario: browse-only@2, weight: 92}]
load:
  executor: ramping-arrival-rate
  preAllocatedVUs: 4000
  stages: [{target: 5000, duration: 10m}, {target: 5000, duration: 20m}]
meets: {pay-spike: {users: 3000, at: 15m, timeout: 20s, onTimeout: release}}
isolation: {profile: trade-shadow@4, unproven: refuse}
thresholds: ["drill.p95 < 300ms", "drill.errors < 1%"]   # decide the verdict
guards:                                                  # act while it runs
- {when: "drill.errors > 2%", for: 5s, do: throttle, to: 50%}
- {when: "real.p95 > 400ms or real.errors > 0.5%", for: 3s, do: abort}
- {when: "absent(drill) or isolation.leaks > 0", do: abort}
gates: [{approval: "role:sre", min: 1}]
window: {allow: "01:00-05:00", respectFreeze: true}
lease: 15s
finally: [{action: shadow.clean, with: {mark: "${run.mark}"}}]
'''
SHOP = '''kind: Component
name: browse-item
params: {token: {type: string, secret: true, required: true}}
steps:
- id: list
  action: http.request
  with: {url: "${env.shop}/items", bearer: "${params.token}"}
  extract: {sku: {json: "$.items[0].sku"}, stock: {json: "$.items[0].stock"}}
  checks: ["status == 200"]
outputs: {sku: "${list.sku}", stock: "${list.stock}"}
---
kind: Scenario
name: browse-only
steps: [{id: home, action: http.request, with: {url: "${env.shop}/home"}, checks: ["status == 200"]}]
---
kind: Environment
name: test
variables: {shop: "SHOP"}
'''
BUYERS = "user,pass\n" + "".join(f"user{i},s3cret-{i}\n" for i in range(20))


class Shop:
    def __init__(self, stock=3):
        self.stock = stock
        self.logins = collections.Counter()
        self.orders = {}
        self.paid = collections.Counter()
        self.wrong = []

    def routes(self):
        return {"/login": self.login, "/items": self.items, "/orders": self.order,
                "/pay/": self.pay, "/home": self.home}

    async def login(self, request, _):
        buyer = request.json()
        number = buyer["user"].removeprefix("user")
        if buyer["pass"] != "s3cret-" + number:
            self.wrong.append(buyer)
            return 403, {}, {"error": "wrong password"}
        self.logins[buyer["user"]] += 1
        return 200, {}, {"token": "tok-" + number}

    def user(self, request):
        token = request.headers.get("authorization", "")
        if not token.startswith("Bearer tok-"):
            self.wrong.append(token)
            return None
        return token.removeprefix("Bearer tok-")

    async def items(self, request, _):
        if self.user(request) is None:
            return 401, {}, ""
        return 200, {}, {"items": [{"sku": "lamp", "stock": self.stock}]}

    async def order(self, request, _):
        user = self.user(request)
        if user is None or request.json() != {"sku": "lamp"}:
            return 400, {}, ""
        number = str(len(self.orders) + 1)
        self.orders[number] = user
        return 201, {}, {"id": int(number)}

    async def pay(self, request, _):
        number = request.path.removeprefix("/pay/")
        if self.orders.get(number) != self.user(request):
            self.wrong.append(number)
            return 404, {}, ""
        self.paid[number] += 1
        return 200, {}, {"ok": True}

    async def home(self, _request, _):
        return 200, {}, "welcome"


class Documented(engine_support.Case):
    def files(self, shop):
        server = self.serve(shop.routes())
        self.write("buyers.csv", BUYERS)
        self.write("shop.yaml", SHOP.replace("SHOP", server.url))
        return server, self.write("buy-one.yaml", BUY_ONE)

    def test_one_iteration_shows_every_exchange_and_no_secret(self):
        shop = Shop()
        _, file = self.files(shop)
        # The think time after browsing is seconds; a seed makes it the same, not shorter.
        code, out, err = self.run_ronda("run", file, "shop.yaml", "--once", "-v", "--seed", "3")
        self.assertEqual(code, 0, out + err)
        self.assertEqual(shop.wrong, [])
        self.assertEqual(sum(shop.paid.values()), 1)
        for step in ["login", "browse.list", "order", "pay"]:
            self.assertIn(step, out + err)
        for secret in ["s3cret-0", "tok-0"]:
            self.assertNotIn(secret, out + err)

    def test_under_load_every_buyer_and_every_step_is_counted(self):
        shop = Shop()
        server, file = self.files(shop)
        code, report, err = self.run_json(
            file, "shop.yaml", "--users", "20", "--iterations", "40", "--threads", "2",
            "--out", "html=r.html", "--out", "junit=r.xml", "--out", "json=r.json")
        self.assertEqual(code, 0, err)
        self.assertEqual(shop.wrong, [])
        self.assertEqual(sum(shop.logins.values()), 40)
        self.assertEqual(len(shop.logins), 20, "every row is taken before any comes again")
        self.assertEqual(len(shop.orders), 40)
        self.assertEqual(sum(shop.paid.values()), 40)
        self.assertEqual(max(shop.paid.values()), 1)
        self.assertEqual(report["totals"]["iterations"], 40)
        self.assertEqual(report["totals"]["requests"], sum(server.requests.values()))
        texts = [self.read(name)
                 for name in ["r.html", "r.xml", "r.json"]]
        for text in texts + [err]:
            self.assertNotIn("s3cret-", text)
            self.assertNotIn("tok-", text)

    def test_what_is_not_in_stock_is_not_ordered(self):
        shop = Shop(stock=0)
        _, file = self.files(shop)
        code, report, _ = self.run_json(file, "shop.yaml", "--once")
        self.assertEqual(shop.orders, {})
        # Paying for no order cannot be asked for: the step fails and says what was null.
        self.assertEqual(code, 99)
        self.assertIn("order.orderId", report["failures"][0]["message"])

    def test_a_wrong_password_is_evidence_without_the_password(self):
        shop = Shop()
        _, file = self.files(shop)
        self.write("buyers.csv", "user,pass\nuser1,not-the-one\n")
        code, out, err = self.run_ronda("run", file, "shop.yaml", "--once")
        self.assertEqual(code, 99)
        self.assertIn("status == 200", out)
        self.assertIn("status = 403", out)
        self.assertNotIn("not-the-one", out + err)

    def test_the_drill_is_refused_for_its_isolation(self):
        server, file = self.files(Shop())
        self.write("buy-one.yaml", BUY_ONE + PEAK)
        code, out, err = self.run_ronda("run", file, "shop.yaml")
        self.assertEqual(code, 104, out + err)
        self.assertIn("trade-shadow", err)
        self.assertIn("buy-one.yaml:", err)
        self.assertEqual(sum(server.requests.values()), 0)

    def test_what_a_drill_by_hand_does_not_do_is_told(self):
        server, file = self.files(Shop())
        self.write("drill.yaml", '''kind: Drill
name: small
scenario: browse-only
load: {executor: per-vu-iterations, vus: 2, iterations: 5}
gates: [{approval: "role:sre", min: 1}]
window: {allow: "01:00-05:00", respectFreeze: true}
lease: 15s
''')
        code, _, err = self.run_ronda("run", "drill.yaml", "shop.yaml", "--quiet")
        self.assertEqual(code, 0, err)
        self.assertEqual(server.requests["/home"], 10)
        for word in ["gates", "window", "lease"]:
            self.assertIn(word, err, "it is told that " + word + " is not enforced")


class Steps(engine_support.Case):
    def scenario(self, text, server):
        return self.write("s.yaml", text.replace("SHOP", server.url))

    def test_cookies_belong_to_the_user_or_to_the_iteration(self):
        async def visit(request, _):
            number = request.cookie("visit")
            return 200, {"Set-Cookie": f"visit={int(number or 0) + 1}"}, {"visits": int(number or 0)}

        for policy, most in [("per-user", 5), ("per-iteration", 1)]:
            server = self.serve({"/visit": visit})
            file = self.scenario('''kind: Scenario
name: s
http: {cookies: %s}
load: {executor: per-vu-iterations, vus: 2, iterations: 3}
steps:
- {id: a, action: http.request, with: {url: "SHOP/visit"}, extract: {n: {json: $.visits}}}
- {id: b, action: http.request, with: {url: "SHOP/visit"}, extract: {n: {json: $.visits}}}
- {id: l, action: log, with: {message: "u${vu.id} ${a.n} ${b.n}"}}
''' % policy, server)
            code, _, err = self.run_ronda("run", file)
            self.assertEqual(code, 0, err)
            lines = [line.split("u", 1)[1].split() for line in err.splitlines() if " u" in line]
            self.assertEqual(max(int(second) for _, _, second in lines), most, err)

    def test_retry_is_for_the_statuses_that_it_names(self):
        tries = []

        async def flaky(_request, _):
            tries.append(1)
            return (503, {}, "") if len(tries) < 3 else (200, {}, "{}")

        server = self.serve({"/flaky": flaky})
        file = self.scenario('''kind: Scenario
name: s
steps:
- {id: a, retry: {times: 5, every: 1ms, on: [5xx]}, action: http.request, with: {url: "SHOP/flaky"}, checks: ["status == 200"]}
''', server)
        code, report, err = self.run_json(file)
        self.assertEqual(code, 0, err)
        self.assertEqual(len(tries), 3)
        self.assertEqual(report["failures"], [])

    def test_polling_asks_until_it_is_done(self):
        asked = []

        async def job(_request, _):
            asked.append(1)
            return 200, {}, {"state": "done" if len(asked) == 4 else "busy"}

        server = self.serve({"/job": job})
        file = self.scenario('''kind: Scenario
name: s
steps:
- id: wait
  poll: {until: "json.state == 'done'", every: 1ms, deadline: 30s}
  action: http.request
  with: {url: "SHOP/job"}
  extract: {state: {json: $.state}}
- {id: l, action: assert, with: {that: "wait.state == 'done'"}}
''', server)
        code, _, err = self.run_json(file)
        self.assertEqual(code, 0, err)
        self.assertEqual(len(asked), 4)

    def test_a_secret_that_is_extracted_after_a_missing_value_is_masked(self):
        async def login(_request, _):
            return 200, {}, {"token": "very-secret-token"}

        server = self.serve({"/login": login})
        file = self.scenario('''kind: Scenario
name: s
steps:
- id: a
  action: http.request
  with: {url: "SHOP/login"}
  extract: {id: {json: $.id, required: true}, token: {json: $.token, secret: true}}
''', server)
        code, out, err = self.run_ronda("run", file, "--once", "-v", "--out", "json=r.json")
        self.assertEqual(code, 99)
        self.assertNotIn("very-secret", out + err + self.read("r.json"))

    def test_setup_logs_in_for_all_and_finally_logs_out(self):
        async def login(_request, _):
            return 200, {}, {"token": "abc-123"}

        async def use(request, _):
            good = request.headers.get("authorization") == "Bearer abc-123"
            return (200 if good else 401), {}, "{}"

        server = self.serve({"/login": login, "/use": use, "/logout": use})
        file = self.scenario('''kind: Scenario
name: s
setup: [{id: login, action: http.request, with: {url: "SHOP/login"}, extract: {token: {json: $.token, secret: true}}}]
finally: [{id: logout, action: http.request, with: {url: "SHOP/logout", bearer: "${login.token}"}}]
load: {executor: per-vu-iterations, vus: 3, iterations: 4, threads: 2}
thresholds: ["drill.errors == 0%"]
steps: [{id: a, action: http.request, with: {url: "SHOP/use", bearer: "${login.token}"}}]
''', server)
        code, report, err = self.run_json(file)
        self.assertEqual(code, 0, err)
        self.assertEqual(dict(server.requests), {"/login": 1, "/use": 12, "/logout": 1})
        self.assertEqual(report["totals"]["requests"], 12, "setup and finally are told apart")


if __name__ == "__main__":
    unittest.main()
