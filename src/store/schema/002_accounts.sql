-- People. A password is kept as argon2id's own text; '' : no login by password.
CREATE TABLE users (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,               -- viewer, operator, admin
  password TEXT NOT NULL,
  disabled BIGINT NOT NULL,
  rev BIGINT NOT NULL,              -- the ETag
  created_ns BIGINT NOT NULL,
  updated_ns BIGINT NOT NULL
);

-- Logins of browsers; the cookie's digest.
CREATE TABLE sessions (
  digest TEXT PRIMARY KEY,
  id TEXT NOT NULL,                 -- may be shown
  user_name TEXT NOT NULL,
  created_ns BIGINT NOT NULL,
  expires_ns BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_name);
CREATE INDEX sessions_expires ON sessions (expires_ns);

-- Tokens of programs; the secret's digest.
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  name TEXT NOT NULL,
  user_name TEXT NOT NULL,          -- whose; it may never do more
  role TEXT NOT NULL,
  scopes TEXT NOT NULL,             -- with spaces between: "runs:write traces:read"
  created_ns BIGINT NOT NULL,
  expires_ns BIGINT NOT NULL,       -- 0: never
  last_used_ns BIGINT NOT NULL,     -- 0: never; to the minute
  revoked_ns BIGINT NOT NULL        -- 0: it is good
);
CREATE UNIQUE INDEX tokens_digest ON tokens (digest);
CREATE INDEX tokens_user ON tokens (user_name, id);

-- Who changed what. Rows are only ever added.
CREATE TABLE audit (
  id BIGINT PRIMARY KEY,            -- grows
  at_ns BIGINT NOT NULL,
  who TEXT NOT NULL,
  credential TEXT NOT NULL,         -- id of the session or token
  peer TEXT NOT NULL,               -- address
  action TEXT NOT NULL,             -- "user.create"
  object TEXT NOT NULL,             -- "user/ann"
  before_digest TEXT NOT NULL,      -- '' : there was nothing
  after_digest TEXT NOT NULL,       -- '' : nothing is left
  detail TEXT NOT NULL,             -- for people; no secrets
  reason TEXT NOT NULL,             -- as the one who did it gave it
  request_id TEXT NOT NULL
);
CREATE INDEX audit_object ON audit (object, id);
CREATE INDEX audit_who ON audit (who, id);

-- Answers to writes, by Idempotency-Key.
CREATE TABLE idempotency (
  user_name TEXT NOT NULL,
  idem_key TEXT NOT NULL,
  request TEXT NOT NULL,            -- its digest
  status BIGINT NOT NULL,           -- 0: not over, or its end is not known
  headers TEXT NOT NULL,            -- "Name: value" lines
  body TEXT NOT NULL,
  created_ns BIGINT NOT NULL,
  PRIMARY KEY (user_name, idem_key)
);
CREATE INDEX idempotency_created ON idempotency (created_ns);
