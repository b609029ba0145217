"""orders: POST /orders, GET /orders, GET and DELETE /orders/{id}, GET /orders/{id}/events (SSE).

For the pay service: POST /orders/{id}/paid {payment}. An order is written before its stock is taken, and the
catalog is told of its end until it has heard it (`settled`), so that a crash anywhere loses no stock.
An unpaid order expires and gives its stock back.
"""

import asyncio
import json
import os
import uuid

import asyncpg
from aiohttp import web

from shopkit import Refusal, Service, json_object

ORDER_TTL_S = float(os.environ.get("SHOP_ORDER_TTL_S", "60"))
RESERVE_TTL_S = 10.0
KEEP_S = 3600.0
SWEEP_EVERY_S = 1.0
HEARTBEAT_S = 10.0
FINAL = ("paid", "expired", "cancelled", "rejected")
FIELDS = "id, user_id, sku, quantity, amount_cents, state, created_at, expires_at"

service = Service("orders")
watchers = {}  # order id -> set of queues of states


def shown(row):
    return {"id": str(row["id"]), "sku": row["sku"], "quantity": row["quantity"],
            "amount": row["amount_cents"] / 100, "state": row["state"],
            "created_at": row["created_at"].isoformat(timespec="milliseconds"),
            "expires_at": row["expires_at"].isoformat(timespec="milliseconds")}


def announce(order, state):
    for queue in watchers.get(order, ()):
        queue.put_nowait(state)


async def settle(order, state):
    """Tells the catalog how the order ended; False when it could not be told now."""
    method, path = ("POST", f"/reservations/{order}/sold") if state == "paid" else (
        "DELETE", f"/reservations/{order}")
    try:
        status, _ = await service.call(method, "catalog", path)
    except Refusal:
        return False
    if status not in (200, 204):
        return False
    await service.pg.execute("UPDATE orders.orders SET settled = true WHERE id = $1", order)
    return True


def order_id(request):
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError:
        raise Refusal(404, "no-order", "there is no such order") from None


async def owned(request):
    """The order in the path, if it is the caller's; another's looks like none."""
    user = await service.user(request)
    row = await service.pg.fetchrow(f"SELECT {FIELDS} FROM orders.orders WHERE id = $1",
                                    order_id(request))
    if not row or row["user_id"] != user["id"]:
        raise Refusal(404, "no-order", "there is no such order")
    return row


async def create(request):
    user = await service.user(request)
    body = await json_object(request)
    sku, quantity = body.get("sku"), body.get("quantity", 1)
    if not isinstance(sku, str) or not sku or len(sku) > 40:
        raise Refusal(400, "bad-request", "sku is needed, a string")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 1 <= quantity <= 10:
        raise Refusal(400, "bad-request", "quantity is 1..10")
    order = uuid.uuid4()
    await service.pg.execute(
        "INSERT INTO orders.orders (id, user_id, sku, quantity, state, expires_at) "
        "VALUES ($1, $2, $3, $4, 'reserving', now() + make_interval(secs => $5))",
        order, user["id"], sku, quantity, RESERVE_TTL_S)
    status, stock = await service.call("PUT", "catalog", f"/reservations/{order}",
                                       params={"sku": sku, "quantity": str(quantity)})
    if status in (404, 409):
        await service.pg.execute("UPDATE orders.orders SET state = 'rejected' WHERE id = $1", order)
        raise Refusal(status, stock["error"], stock["message"])
    if status != 200:
        raise Refusal(503, "unavailable", f"catalog answered {status}", {"Retry-After": "1"})
    row = await service.pg.fetchrow(
        "UPDATE orders.orders SET state = 'new', amount_cents = $2, "
        "expires_at = now() + make_interval(secs => $3) "
        f"WHERE id = $1 AND state = 'reserving' RETURNING {FIELDS}",
        order, stock["price_cents"] * quantity, ORDER_TTL_S)
    if not row:
        raise Refusal(503, "too-slow", "the order expired while its stock was taken")
    return web.json_response(shown(row), status=201, headers={"Location": f"/orders/{order}"})


async def listing(request):
    user = await service.user(request)
    rows = await service.pg.fetch(
        f"SELECT {FIELDS} FROM orders.orders WHERE user_id = $1 AND state <> 'rejected' "
        "ORDER BY created_at DESC LIMIT 20", user["id"])
    return web.json_response({"orders": [shown(row) for row in rows]})


async def detail(request):
    return web.json_response(shown(await owned(request)))


async def finish(order, state, payment=None):
    """Moves an open order to its end; None when it was not open any more."""
    row = await service.pg.fetchrow(
        "UPDATE orders.orders SET state = $2, payment_id = $3 "
        f"WHERE id = $1 AND state = 'new' AND expires_at > now() RETURNING {FIELDS}",
        order, state, payment)
    if row:
        announce(order, state)
        await settle(order, state)
    return row


async def cancel(request):
    row = await owned(request)
    ended = await finish(row["id"], "cancelled")
    if not ended:
        raise Refusal(409, "not-open", f"the order is {row['state']}")
    return web.json_response(shown(ended))


async def paid(request):
    row = await owned(request)
    try:
        payment = uuid.UUID((await json_object(request)).get("payment"))
    except (ValueError, TypeError, AttributeError):
        raise Refusal(400, "bad-request", "payment is needed, an id") from None
    ended = await finish(row["id"], "paid", payment)
    if not ended:
        # The same payment again is no mistake: its first answer was lost.
        ended = await service.pg.fetchrow(
            f"SELECT {FIELDS} FROM orders.orders WHERE id = $1 AND payment_id = $2", row["id"], payment)
    if not ended:
        state = "expired" if row["state"] == "new" else row["state"]
        raise Refusal(409, "not-open", f"the order is {state}")
    return web.json_response(shown(ended))


async def events(request):
    """Server-sent events `status`: the state now, then each change; ends with a final state."""
    row = await owned(request)
    order = row["id"]
    queue = asyncio.Queue()
    response = web.StreamResponse(headers={
        "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    watchers.setdefault(order, set()).add(queue)
    try:
        # Read again: what changed before we listened would be lost else.
        state = await service.pg.fetchval("SELECT state FROM orders.orders WHERE id = $1", order)
        await response.prepare(request)
        number = 0
        while True:
            number += 1
            data = json.dumps({"id": str(order), "state": state})
            await response.write(f"id: {number}\nevent: status\ndata: {data}\n\n".encode())
            if state in FINAL:
                break
            state = await next_state(queue, response)
        await response.write_eof()
        return response
    except ConnectionResetError:  # the reader has left
        return response
    finally:
        watchers[order].discard(queue)
        if not watchers[order]:
            del watchers[order]


async def next_state(queue, response):
    while True:
        try:
            return await asyncio.wait_for(queue.get(), HEARTBEAT_S)
        except asyncio.TimeoutError:
            await response.write(b": still here\n\n")


async def sweep():
    """One round: orders that were not paid in time end; ends the catalog missed are told again."""
    rows = await service.pg.fetch(
        "UPDATE orders.orders SET state = 'expired' WHERE id IN ("
        "  SELECT id FROM orders.orders WHERE state IN ('reserving', 'new') AND expires_at <= now() "
        "  LIMIT 500 FOR UPDATE SKIP LOCKED) RETURNING id")
    for row in rows:
        announce(row["id"], "expired")
    rows = await service.pg.fetch(
        "SELECT id, state FROM orders.orders WHERE NOT settled "
        "AND state IN ('paid', 'expired', 'cancelled') LIMIT 500")
    for row in rows:
        if not await settle(row["id"], row["state"]):
            break
    await service.pg.execute(
        "DELETE FROM orders.orders WHERE id IN (SELECT id FROM orders.orders "
        "WHERE created_at < now() - make_interval(secs => $1) "
        "AND (settled OR state = 'rejected') LIMIT 1000)", KEEP_S)


async def sweeper(app):
    async def rounds():
        while True:
            try:
                await sweep()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError) as error:
                service.say(f"sweep: {type(error).__name__}: {error}")
            await asyncio.sleep(SWEEP_EVERY_S)
    task = asyncio.create_task(rounds())
    yield
    task.cancel()


service.app.cleanup_ctx.append(sweeper)
service.app.router.add_post("/orders", create)
service.app.router.add_get("/orders", listing)
service.app.router.add_get("/orders/{id}", detail)
service.app.router.add_delete("/orders/{id}", cancel)
service.app.router.add_get("/orders/{id}/events", events)
service.app.router.add_post("/orders/{id}/paid", paid)

if __name__ == "__main__":
    service.run()
