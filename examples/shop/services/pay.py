"""pay: POST /pay/{order}, with an Idempotency-Key (without one the order is the key).

The same key gives the same payment, once, however often it is sent. A bank that takes a while is
simulated; an order that ended meanwhile is a 409, and the money goes back.
"""

import asyncio
import random
import re
import uuid

from aiohttp import web

from shopkit import Refusal, Service, credential

# (share, milliseconds): how long the bank takes.
BANK_MS = ((0.70, 5), (0.20, 10), (0.09, 25), (0.01, 60))
# A pending payment this old belongs to a process that died: the next try takes it over.
STALE_S = 10.0
KEEP_S = 3600.0
KEY = re.compile(r"^[!-~]{1,64}$")

service = Service("pay")
chance = random.Random()


async def bank():
    waits = chance.choices([ms for _, ms in BANK_MS], [share for share, _ in BANK_MS])[0]
    await asyncio.sleep(waits / 1000)


def shown(payment, order, amount_cents):
    return {"payment": str(payment), "order": str(order), "amount": amount_cents / 100, "state": "paid"}


async def claim(user, key, order, amount):
    """(payment id, None) to go on with, or (None, the row of the payment that was made before)."""
    payment = uuid.uuid4()
    made = await service.pg.fetchval(
        "INSERT INTO pay.payments (id, user_id, idem_key, order_id, amount_cents, state) "
        "VALUES ($1, $2, $3, $4, $5, 'pending') ON CONFLICT (user_id, idem_key) DO UPDATE "
        "SET created_at = now(), state = 'pending' WHERE payments.order_id = excluded.order_id AND "
        "(payments.state = 'refunded' OR (payments.state = 'pending' AND "
        "payments.created_at < now() - make_interval(secs => $6))) RETURNING id",
        payment, user, key, order, amount, STALE_S)
    if made:
        return made, None
    row = await service.pg.fetchrow(
        "SELECT id, order_id, amount_cents, state FROM pay.payments WHERE user_id = $1 AND idem_key = $2",
        user, key)
    if not row:
        raise Refusal(503, "unavailable", "the payment is being cleaned up", {"Retry-After": "1"})
    return None, row


def replay(row, order):
    if row["order_id"] != order:
        raise Refusal(422, "key-reused", "this Idempotency-Key was used for another order")
    if row["state"] != "paid":
        raise Refusal(409, "in-progress", "this payment is being made", {"Retry-After": "1"})
    return web.json_response(shown(row["id"], order, row["amount_cents"]),
                             headers={"Idempotency-Replayed": "true"})


async def pay(request):
    user = await service.user(request)
    token = credential(request)
    try:
        order = uuid.UUID(request.match_info["order"])
    except ValueError:
        raise Refusal(404, "no-order", "there is no such order") from None
    key = request.headers.get("Idempotency-Key", str(order))
    if not KEY.match(key):
        raise Refusal(400, "bad-key", "Idempotency-Key is 1..64 printable ASCII characters")
    status, body = await service.call("GET", "orders", f"/orders/{order}", token=token)
    if status != 200:
        raise relayed(status, body)
    amount = round(body["amount"] * 100)
    payment, before = await claim(user["id"], key, order, amount)
    if before:
        return replay(before, order)
    await bank()
    return await complete(payment, order, amount, token)


async def complete(payment, order, amount, token):
    status, body = await service.call("POST", "orders", f"/orders/{order}/paid", token=token,
                                      json={"payment": str(payment)})
    if status == 200:
        await service.pg.execute("UPDATE pay.payments SET state = 'paid' WHERE id = $1", payment)
        return web.json_response(shown(payment, order, amount))
    if status < 500:
        await service.pg.execute("UPDATE pay.payments SET state = 'refunded' WHERE id = $1", payment)
    raise relayed(status, body)


def relayed(status, body):
    """What orders answered, as our answer: its refusals as they are, its failures as 503."""
    if status in (401, 404, 409) and body:
        return Refusal(status, body["error"], body["message"])
    return Refusal(503, "unavailable", f"orders answered {status}", {"Retry-After": "1"})


async def cleaner(app):
    async def rounds():
        while True:
            try:
                await service.pg.execute("DELETE FROM pay.payments WHERE id IN (SELECT id FROM pay.payments "
                                         "WHERE created_at < now() - make_interval(secs => $1) LIMIT 5000)",
                                         KEEP_S)
            except Exception as error:  # the next round tries again
                service.say(f"clean: {type(error).__name__}: {error}")
            await asyncio.sleep(5)
    task = asyncio.create_task(rounds())
    yield
    task.cancel()


service.app.cleanup_ctx.append(cleaner)
service.app.router.add_post("/pay/{order}", pay)

if __name__ == "__main__":
    service.run()
