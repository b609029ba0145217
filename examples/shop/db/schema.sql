-- The shop's tables: one schema a service; no service reads another's.

CREATE SCHEMA accounts;
CREATE TABLE accounts.users (
  id           integer PRIMARY KEY,
  name         text NOT NULL UNIQUE,
  pass_hash    text NOT NULL,  -- pbkdf2_sha256$iterations$salt$hash
  display_name text NOT NULL,
  email        text NOT NULL
);

CREATE SCHEMA catalog;
CREATE TABLE catalog.products (
  sku         text PRIMARY KEY,
  name        text NOT NULL,
  category    text NOT NULL,
  price_cents integer NOT NULL CHECK (price_cents > 0),
  stock       integer NOT NULL CHECK (stock >= 0),
  full_stock  integer NOT NULL,
  restocked   boolean NOT NULL  -- false: sold out is sold out
) WITH (fillfactor = 50);       -- stock changes with every order: room for HOT updates
CREATE INDEX ON catalog.products (category, sku);
-- Stock that is taken for an order and neither paid nor given back yet.
CREATE TABLE catalog.reservations (
  order_id uuid PRIMARY KEY,
  sku      text NOT NULL REFERENCES catalog.products,
  quantity integer NOT NULL CHECK (quantity > 0)
);

CREATE SCHEMA orders;
CREATE TABLE orders.orders (
  id           uuid PRIMARY KEY,
  user_id      integer NOT NULL,
  sku          text NOT NULL,
  quantity     integer NOT NULL CHECK (quantity BETWEEN 1 AND 10),
  amount_cents integer NOT NULL DEFAULT 0,
  -- reserving -> new -> paid | expired | cancelled; reserving -> rejected | expired
  state        text NOT NULL,
  payment_id   uuid,
  settled      boolean NOT NULL DEFAULT false,  -- the catalog knows the final state
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL
);
CREATE INDEX ON orders.orders (user_id, created_at DESC);
CREATE INDEX orders_open ON orders.orders (expires_at) WHERE state IN ('reserving', 'new');
CREATE INDEX orders_unsettled ON orders.orders (id)
  WHERE NOT settled AND state IN ('paid', 'expired', 'cancelled');
CREATE INDEX ON orders.orders (created_at);

CREATE SCHEMA pay;
CREATE TABLE pay.payments (
  id           uuid PRIMARY KEY,
  user_id      integer NOT NULL,
  idem_key     text NOT NULL,
  order_id     uuid NOT NULL,
  amount_cents integer NOT NULL,
  state        text NOT NULL,  -- pending -> paid | refunded
  created_at   timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, idem_key)
);
CREATE INDEX ON pay.payments (created_at);
