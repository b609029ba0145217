#!/usr/bin/python3
"""Walks every path of the sample shop, refusals included: shop_walk.py URL [--feed buyers.csv].

Python's own HTTP client, so that what Ronda says about the shop can be held against it.
"""

import argparse
import csv
import gzip
import html.parser
import http.client
import json
import pathlib
import random
import sys
import time
import urllib.parse

FEED = pathlib.Path(__file__).resolve().parents[2] / "examples" / "shop" / "buyers.csv"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        raw = response.read()
        self.packed = response.headers.get("Content-Encoding") == "gzip"
        self.text = (gzip.decompress(raw) if self.packed else raw).decode()

    @property
    def json(self):
        return json.loads(self.text)


class Client:
    """One keep-alive connection with a cookie jar and, after login, a token."""

    def __init__(self, url, timeout=15):
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        self.cookies = {}
        self.token = None

    def send(self, method, path, body=None, headers=None, bearer=True):
        """Sends a request and returns http.client's response, unread."""
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        if bearer and self.token:
            sent["Authorization"] = "Bearer " + self.token
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body)
        self.connection.request(method, path, body=body, headers=sent)
        response = self.connection.getresponse()
        for line in response.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";", 1)[0].partition("=")
            self.cookies[name] = value
        return response

    def ask(self, method, path, body=None, headers=None, bearer=True):
        return Answer(self.send(method, path, body, headers, bearer))

    def login(self, user, password):
        answer = self.ask("POST", "/login", {"user": user, "pass": password})
        expect(answer, 200)
        self.token = answer.json["token"]
        return answer

    def events(self, path, deadline_s=20):
        """Yields (event, data) of a server-sent stream until it ends."""
        end = time.monotonic() + deadline_s
        response = self.send("GET", path)
        if response.status != 200 or response.headers["Content-Type"] != "text/event-stream":
            raise AssertionError(f"{path}: {response.status} {response.headers['Content-Type']}")
        event, data = None, None
        for raw in response:
            line = raw.decode().rstrip("\n")
            if time.monotonic() > end:
                raise AssertionError(f"{path} did not end within {deadline_s} s")
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and event:
                yield event, data
                event = None


class Storefront(html.parser.HTMLParser):
    """The SKUs of the rows, and the hidden field of the login form."""

    def __init__(self, text):
        super().__init__()
        self.skus, self.form = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "tr" and "data-sku" in found:
            self.skus.append(found["data-sku"])
        elif tag == "input" and found.get("name") == "form":
            self.form = found["value"]


def expect(answer, status, error=None):
    if answer.status != status or (error and answer.json["error"] != error):
        raise AssertionError(f"expected {status} {error or ''}, got {answer.status}: {answer.text[:300]}")
    return answer


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f"expected {wanted!r}, got {found!r}")


def buyers(path=FEED):
    with open(path, newline="", encoding="utf-8") as file:
        return [(row["user"], row["pass"]) for row in csv.DictReader(file)]


def walk_strangers(client):
    expect(client.ask("POST", "/login", {"user": "buyer00001", "pass": "wrong"}), 401, "bad-login")
    expect(client.ask("POST", "/login", {"user": "nobody", "pass": "wrong"}), 401, "bad-login")
    expect(client.ask("POST", "/login", ["no object"]), 400, "bad-json")
    expect(client.ask("GET", "/me"), 401, "bad-token")
    expect(client.ask("GET", "/orders", headers={"Authorization": "Bearer x"}), 401, "bad-token")
    expect(client.ask("POST", "/orders", {"sku": "SKU-0001"}), 401, "no-token")
    expect(client.ask("GET", "/nowhere"), 404, "not-found")
    expect(client.ask("PUT", "/login"), 405, "method-not-allowed")
    expect(client.ask("GET", "/token"), 404)          # between services only
    expect(client.ask("GET", "/reservations/x"), 404)


def walk_catalog(client):
    """Returns an item that can be bought."""
    page = expect(client.ask("GET", "/", headers={"Accept-Encoding": "gzip"}), 200)
    equal(page.packed, True)
    front = Storefront(page.text)
    equal((len(front.skus), len(front.form)), (20, 16))
    categories = expect(client.ask("GET", "/categories"), 200).json["categories"]
    equal(len(categories), 10)
    listing = expect(client.ask("GET", f"/products?category={categories[0]}&size=50&page=2",
                                headers={"Accept-Encoding": "gzip"}), 200)
    equal((listing.packed, listing.json["total"], len(listing.json["items"])), (True, 100, 50))
    expect(client.ask("GET", "/products?size=0"), 400, "bad-query")
    expect(client.ask("GET", "/products/SKU-9999"), 404, "no-product")
    wanted = [item for item in listing.json["items"] if item["stock"] > 10]
    item = random.choice(wanted)
    equal(expect(client.ask("GET", f"/products/{item['sku']}"), 200).json["name"], item["name"])
    return item


def walk_login(client, user, password):
    answer = client.login(user, password)
    equal(client.cookies["session"], client.token)
    equal(answer.headers.get_all("Set-Cookie")[0].count("HttpOnly"), 1)
    equal(expect(client.ask("GET", "/me", bearer=False), 200).json["user"], user)  # by the cookie


def walk_order(client, url, item, other):
    before = expect(client.ask("GET", f"/products/{item['sku']}"), 200).json["stock"]
    made = expect(client.ask("POST", "/orders", {"sku": item["sku"], "quantity": 2}), 201)
    order = made.json["id"]
    equal(made.headers["Location"], f"/orders/{order}")
    equal((made.json["state"], made.json["amount"]), ("new", round(2 * item["price"], 2)))
    now = expect(client.ask("GET", f"/products/{item['sku']}"), 200).json["stock"]
    if not now < before:  # others may buy or give back at the same time
        print(f"note: the stock of {item['sku']} went from {before} to {now}", file=sys.stderr)

    stranger = Client(url)
    stranger.login(*other)
    expect(stranger.ask("GET", f"/orders/{order}"), 404, "no-order")
    expect(stranger.ask("POST", f"/pay/{order}"), 404, "no-order")

    watcher = Client(url)
    watcher.token = client.token
    events = watcher.events(f"/orders/{order}/events")
    equal(next(events)[1]["state"], "new")
    key = {"Idempotency-Key": f"walk-{order}"}
    paid = expect(client.ask("POST", f"/pay/{order}", headers=key), 200)
    equal(paid.json["state"], "paid")
    equal([data["state"] for _, data in events], ["paid"])
    again = expect(client.ask("POST", f"/pay/{order}", headers=key), 200)
    equal((again.json["payment"], again.headers["Idempotency-Replayed"]), (paid.json["payment"], "true"))
    expect(client.ask("POST", f"/pay/{order}", headers={"Idempotency-Key": f"x{order}"}), 409, "not-open")
    expect(client.ask("DELETE", f"/orders/{order}"), 409, "not-open")
    expect(client.ask("POST", f"/orders/{order}/paid"), 404)  # between services only
    equal(order in [row["id"] for row in client.ask("GET", "/orders").json["orders"]], True)


def walk_refused_orders(client, item):
    expect(client.ask("POST", "/orders", {"sku": "SKU-9999"}), 404, "no-product")
    expect(client.ask("POST", "/orders", {"sku": item["sku"], "quantity": 11}), 400, "bad-request")
    expect(client.ask("POST", "/orders", {"quantity": 1}), 400, "bad-request")
    expect(client.ask("GET", "/orders/not-an-id"), 404, "no-order")
    expect(client.ask("POST", "/orders", {"sku": "LTD-1000", "quantity": 10}), 409, "sold-out")
    cancelled = expect(client.ask("POST", "/orders", {"sku": item["sku"]}), 201).json["id"]
    equal(expect(client.ask("DELETE", f"/orders/{cancelled}"), 200).json["state"], "cancelled")
    expect(client.ask("POST", f"/pay/{cancelled}"), 409, "not-open")


def walk(url, feed=FEED):
    """The whole walk; raises AssertionError where the shop is not as it should be."""
    client = Client(url)
    equal(expect(client.ask("GET", "/health"), 200).json["status"], "ok")
    walk_strangers(client)
    item = walk_catalog(client)
    buyer, other = random.sample(buyers(feed), 2)
    walk_login(client, *buyer)
    walk_order(client, url, item, other)
    walk_refused_orders(client, item)
    expect(client.ask("POST", "/logout"), 204)
    expect(client.ask("GET", "/orders"), 401, "bad-token")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--feed", default=FEED, type=pathlib.Path)
    arguments = parser.parse_args()
    walk(arguments.url, arguments.feed)
    print("the walk is green")


if __name__ == "__main__":
    main()
