"""What the shop's Python services share: start-up, health, faults, trace context, calls, errors.

Every service answers GET /health, and from loopback GET/POST/DELETE /_fault. Errors are JSON:
{"error": "<code>", "message": "<for people>"}.
"""

import asyncio
import contextvars
import errno
import ipaddress
import json
import os
import random
import re
import sys
import time

import aiohttp
import asyncpg
from aiohttp import web

TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
EXIT_ADDRESS_IN_USE = 98
CALL_TIMEOUT_S = 3

_trace = contextvars.ContextVar("trace")


class Trace:
    """The W3C trace context of one request: what came in, and the id of our own span."""

    def __init__(self, headers):
        found = TRACEPARENT.match(headers.get("traceparent", ""))
        if found and found[1] != "0" * 32 and found[2] != "0" * 16:
            self.trace_id, self.parent, self.flags = found.groups()
        else:
            self.trace_id, self.parent, self.flags = os.urandom(16).hex(), "", "00"
        self.span = os.urandom(8).hex()
        self.carried = {name: headers[name] for name in ("tracestate", "baggage") if name in headers}

    def outgoing(self):
        return {"traceparent": f"00-{self.trace_id}-{self.span}-{self.flags}", **self.carried}


class Refusal(Exception):
    """An answer that is not the wanted one: status, code, and words for people."""

    def __init__(self, status, code, message, headers=None):
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers

    def response(self):
        return web.json_response({"error": self.code, "message": self.message}, status=self.status,
                                 headers=self.headers)


class Faults:
    """The fault switch: extra latency and a share of 500s, for tests that break a service."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.latency_ms, self.error_rate = 0.0, 0.0

    def set(self, wanted):
        unknown = set(wanted) - {"latency_ms", "error_rate"}
        if unknown:
            raise Refusal(400, "bad-fault", f"unknown key {sorted(unknown)[0]!r}")
        latency, rate = wanted.get("latency_ms", 0), wanted.get("error_rate", 0)
        if not (is_number(latency) and 0 <= latency <= 60_000 and is_number(rate) and 0 <= rate <= 1):
            raise Refusal(400, "bad-fault", "latency_ms is 0..60000, error_rate is 0..1")
        self.latency_ms, self.error_rate = float(latency), float(rate)

    def shown(self):
        return {"latency_ms": self.latency_ms, "error_rate": self.error_rate}

    async def strike(self):
        if self.latency_ms:
            await asyncio.sleep(self.latency_ms / 1000)
        if self.error_rate and random.random() < self.error_rate:
            raise Refusal(500, "fault", "a fault that was switched on")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def from_loopback(request):
    """True for a direct caller on this machine; what a proxy passed on is not one."""
    try:
        address = ipaddress.ip_address(request.remote or "")
    except ValueError:
        return False
    return address.is_loopback and "X-Forwarded-For" not in request.headers


async def json_object(request):
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "bad-json", "the body has to be a JSON object")
    return body


def credential(request):
    """The token of a request: bearer first, then the session cookie; "" when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.cookies.get("session", "")


class Service:
    """One aiohttp application with what every service of the shop has.

    `probes` maps a dependency's name to a coroutine function that raises when it is down.
    """

    def __init__(self, name):
        self.name = name
        self.app = web.Application(middlewares=[self._frame], client_max_size=64 * 1024)
        self.faults = Faults()
        self.probes = {}
        self.started = time.monotonic()
        self.access_log = os.environ.get("SHOP_ACCESS_LOG") == "1"
        self.http = None
        self.pg = None
        self.app.cleanup_ctx.append(self._clients)
        self.app.router.add_get("/health", self._health)
        self.app.router.add_get("/_fault", self._fault)
        self.app.router.add_post("/_fault", self._fault)
        self.app.router.add_delete("/_fault", self._fault)

    # Calls to other services -------------------------------------------------------------------

    async def call(self, method, service, path, token=None, **arguments):
        """(status, parsed JSON or None) of a call to a neighbour; 503 by Refusal when it is away."""
        headers = _trace.get().outgoing() if _trace.get(None) else {}
        if token:
            headers["Authorization"] = "Bearer " + token
        url = os.environ[f"SHOP_URL_{service.upper()}"] + path
        try:
            async with self.http.request(method, url, headers=headers, **arguments) as response:
                body = await response.read()
                parsed = json.loads(body) if response.content_type == "application/json" else None
                return response.status, parsed
        except (aiohttp.ClientError, asyncio.TimeoutError, json.JSONDecodeError) as error:
            raise Refusal(503, "unavailable", f"{service}: {type(error).__name__}",
                          {"Retry-After": "1"}) from error

    async def user(self, request):
        """The user that the request's token belongs to, as the accounts service says; else 401."""
        token = credential(request)
        if not token:
            raise Refusal(401, "no-token", "log in first", {"WWW-Authenticate": "Bearer"})
        status, body = await self.call("GET", "accounts", "/token", token=token)
        if status == 401:
            raise Refusal(401, "bad-token", "the token is unknown or has expired",
                          {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if status != 200:
            raise Refusal(503, "unavailable", f"accounts answered {status}", {"Retry-After": "1"})
        return body

    # Frame -------------------------------------------------------------------------------------

    async def _clients(self, app):
        self.http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=15),
            timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S))
        self.pg = await asyncpg.create_pool(os.environ["SHOP_PG_URL"], min_size=2, max_size=10,
                                            command_timeout=5, timeout=5)
        self.probes["postgres"] = lambda: self.pg.fetchval("SELECT 1")
        yield
        await self.http.close()
        try:
            await asyncio.wait_for(self.pg.close(), 2)
        except asyncio.TimeoutError:
            self.pg.terminate()

    @web.middleware
    async def _frame(self, request, handler):
        trace = Trace(request.headers)
        _trace.set(trace)
        begin = time.perf_counter()
        try:
            if request.path not in ("/health", "/_fault"):
                await self.faults.strike()
            response = await handler(request)
        except Refusal as refusal:
            response = refusal.response()
        except web.HTTPException as error:
            code = (error.reason or "error").lower().replace(" ", "-")
            response = Refusal(error.status, code, error.reason,
                               {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
                               ).response()
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError,
                asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, OSError,
                asyncio.TimeoutError) as error:
            self.say(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            response = Refusal(503, "unavailable", "a store is away", {"Retry-After": "1"}).response()
        if not response.prepared:
            response.headers["X-Trace-Id"] = trace.trace_id
        if self.access_log:
            self._log(request, response, trace, begin)
        return response

    def _log(self, request, response, trace, begin):
        print(json.dumps({
            "t": round(time.time(), 3), "service": self.name, "method": request.method,
            "path": request.path, "status": response.status,
            "ms": round((time.perf_counter() - begin) * 1000, 2), "trace": trace.trace_id,
            "span": trace.span, "parent": trace.parent}), flush=True)

    async def _health(self, request):
        found = {}
        for name, probe in self.probes.items():
            try:
                await asyncio.wait_for(probe(), 1)
                found[name] = "ok"
            except Exception as error:  # whatever it is, the answer is "down"
                found[name] = f"down: {type(error).__name__}"
        healthy = all(state == "ok" for state in found.values())
        return web.json_response(
            {"service": self.name, "status": "ok" if healthy else "down", "checks": found,
             "uptime_s": round(time.monotonic() - self.started, 1)}, status=200 if healthy else 503)

    async def _fault(self, request):
        if not from_loopback(request):
            raise Refusal(403, "not-local", "the fault switch answers to loopback only")
        if request.method == "POST":
            self.faults.set(await json_object(request))
        elif request.method == "DELETE":
            self.faults.clear()
        return web.json_response(self.faults.shown())

    def say(self, text):
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    # Start-up ----------------------------------------------------------------------------------

    def run(self):
        """Serves on 127.0.0.1:SHOP_PORT until SIGTERM; writes a line to SHOP_READY_FD when ready."""
        asyncio.run(self._serve())

    async def _serve(self):
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (15, 2):
            loop.add_signal_handler(number, stop.set)
        runner = web.AppRunner(self.app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", int(os.environ["SHOP_PORT"]), backlog=1024,
                           shutdown_timeout=1, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            await runner.cleanup()
            sys.exit(EXIT_ADDRESS_IN_USE)
        ready = int(os.environ["SHOP_READY_FD"])
        os.write(ready, b"ready\n")
        os.close(ready)
        await stop.wait()
        await runner.cleanup()
