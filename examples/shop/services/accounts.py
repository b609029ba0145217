"""accounts: who is who. POST /login, POST /logout, GET /me, GET /token (for the other services).

Users lie in PostgreSQL, tokens in Redis, where they expire.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import secrets

import redis.asyncio as aioredis
import redis.exceptions
from aiohttp import web

from shopkit import Refusal, Service, credential, json_object

TOKEN_TTL_S = int(os.environ.get("SHOP_TOKEN_TTL_S", "600"))
# Verified when the user is unknown, so that the answer takes as long.
NOBODY = "pbkdf2_sha256$64$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

service = Service("accounts")


def matches(password, stored):
    try:
        _, rounds, salt, digest = stored.split("$")
        found = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
        return hmac.compare_digest(found, base64.b64decode(digest))
    except (ValueError, binascii.Error):
        return False


async def store(coroutine):
    """A Redis command; its failures are a 503."""
    try:
        return await coroutine
    except (redis.exceptions.RedisError, OSError, asyncio.TimeoutError) as error:
        service.say(f"redis: {type(error).__name__}: {error}")
        raise Refusal(503, "unavailable", "the session store is away", {"Retry-After": "1"}) from error


async def session(request):
    """(token, id, name) of the caller, or 401."""
    token = credential(request)
    held = await store(service.redis.get("session:" + token)) if token else None
    if held is None:
        raise Refusal(401, "bad-token", "the token is unknown or has expired",
                      {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    number, _, name = held.partition(":")
    return token, int(number), name


async def login(request):
    body = await json_object(request)
    name, password = body.get("user"), body.get("pass")
    if not isinstance(name, str) or not isinstance(password, str):
        raise Refusal(400, "bad-request", "user and pass are needed, both strings")
    row = await service.pg.fetchrow("SELECT id, pass_hash FROM accounts.users WHERE name = $1", name)
    if not matches(password, row["pass_hash"] if row else NOBODY) or not row:
        raise Refusal(401, "bad-login", "wrong user name or password")
    token = secrets.token_urlsafe(24)
    await store(service.redis.set("session:" + token, f"{row['id']}:{name}", ex=TOKEN_TTL_S))
    response = web.json_response({"token": token, "user": name, "expires_in": TOKEN_TTL_S})
    response.set_cookie("session", token, max_age=TOKEN_TTL_S, httponly=True, samesite="Lax", path="/")
    response.set_cookie("user", name, max_age=TOKEN_TTL_S, samesite="Lax", path="/")
    response.headers["Cache-Control"] = "no-store"
    return response


async def logout(request):
    token, _, _ = await session(request)
    await store(service.redis.delete("session:" + token))
    response = web.Response(status=204)
    response.del_cookie("session", path="/")
    response.del_cookie("user", path="/")
    return response


async def token(request):
    _, number, name = await session(request)
    return web.json_response({"id": number, "user": name})


async def me(request):
    _, number, name = await session(request)
    row = await service.pg.fetchrow("SELECT display_name, email FROM accounts.users WHERE id = $1", number)
    if not row:
        raise Refusal(404, "no-user", "the account is gone")
    return web.json_response({"id": number, "user": name, "name": row["display_name"],
                              "email": row["email"]})


async def session_store(app):
    # Blocking: in a burst callers wait for a connection.
    service.redis = aioredis.Redis(connection_pool=aioredis.BlockingConnectionPool.from_url(
        os.environ["SHOP_REDIS_URL"], decode_responses=True, socket_timeout=2,
        socket_connect_timeout=2, max_connections=16, timeout=2))
    service.probes["redis"] = service.redis.ping
    yield
    await service.redis.close()


service.app.cleanup_ctx.append(session_store)
service.app.router.add_post("/login", login)
service.app.router.add_post("/logout", logout)
service.app.router.add_get("/token", token)
service.app.router.add_get("/me", me)

if __name__ == "__main__":
    service.run()
