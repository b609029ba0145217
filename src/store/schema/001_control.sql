-- Numbers that only grow.
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);

-- Definitions: what people wrote. A version never changes. `rev` is drawn from one counter by each
-- change of any of them: it is the ETag, and tells a reader what is new since the last look.
CREATE TABLE definitions (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version BIGINT NOT NULL,          -- the newest published one; 0: none yet
  draft_text TEXT,                  -- NULL: no draft
  draft_digest TEXT,
  managed_by TEXT NOT NULL,         -- '' or 'git'
  rev BIGINT NOT NULL,
  deleted BIGINT NOT NULL,          -- 1: kept for its history only
  updated_ns BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  PRIMARY KEY (kind, name)
);
CREATE INDEX definitions_rev ON definitions (rev);
CREATE TABLE definition_versions (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  digest TEXT NOT NULL,
  text TEXT NOT NULL,               -- one YAML document, as it was written
  source TEXT NOT NULL,             -- the file that it came from
  note TEXT NOT NULL,
  author TEXT NOT NULL,
  created_ns BIGINT NOT NULL,
  PRIMARY KEY (kind, name, version)
);
CREATE INDEX definition_versions_digest ON definition_versions (kind, name, digest);

-- What the newest version, or the draft, names; version 0: the newest of that.
CREATE TABLE definition_refs (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  ref_kind TEXT NOT NULL,
  ref_name TEXT NOT NULL,
  ref_version BIGINT NOT NULL,
  PRIMARY KEY (kind, name, ref_kind, ref_name, ref_version)
);
CREATE INDEX definition_refs_to ON definition_refs (ref_kind, ref_name);

-- Everything that a run was made from, as one text; many runs share one.
CREATE TABLE snapshots (
  digest TEXT PRIMARY KEY,
  content TEXT NOT NULL,
  created_ns BIGINT NOT NULL
);

CREATE TABLE runs (
  id TEXT PRIMARY KEY,              -- 32 hex digits
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  digest TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  scenario TEXT NOT NULL,           -- what is executed, where a patrol has several
  environment TEXT NOT NULL,        -- '' : none
  overlay TEXT NOT NULL,            -- JSON
  cause_kind TEXT NOT NULL,
  cause TEXT NOT NULL,              -- JSON
  mode TEXT NOT NULL,
  state TEXT NOT NULL,
  active BIGINT NOT NULL,           -- 1 until the state is final
  verdict TEXT NOT NULL,            -- '', 'passed', 'failed', 'unknown'
  reason TEXT NOT NULL,
  parent TEXT NOT NULL,
  epoch BIGINT NOT NULL,            -- fences the owner's writes
  created_ns BIGINT NOT NULL,
  started_ns BIGINT,
  ended_ns BIGINT
);
CREATE INDEX runs_active ON runs (active, created_ns);
CREATE INDEX runs_by_name ON runs (kind, name, environment, created_ns);
CREATE INDEX runs_created ON runs (created_ns);

-- Exactly one for each step of the snapshot.
CREATE TABLE nodes (
  run_id TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  path TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  started_ns BIGINT,
  ended_ns BIGINT,
  error TEXT NOT NULL,
  PRIMARY KEY (run_id, ordinal)
);

-- The part of a run that one worker executes; each attempt is a row of its own.
CREATE TABLE assignments (
  run_id TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  worker TEXT NOT NULL,
  zone TEXT NOT NULL,
  state TEXT NOT NULL,              -- sent, running, done, lost, refused
  outcome TEXT NOT NULL,            -- '', passed, failed, stopped, interrupted, error, lease-lost
  reason TEXT NOT NULL,
  created_ns BIGINT NOT NULL,
  started_ns BIGINT,
  ended_ns BIGINT,
  PRIMARY KEY (run_id, ordinal, attempt)
);

-- What a step of an assignment saw: JSON with request, response, timings.
CREATE TABLE evidence (
  run_id TEXT NOT NULL,
  ordinal BIGINT NOT NULL,          -- of the assignment
  attempt BIGINT NOT NULL,
  path TEXT NOT NULL,
  at_ns BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run_id, ordinal, attempt, path)
);
CREATE INDEX evidence_at ON evidence (at_ns);

CREATE TABLE gates (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  ordinal BIGINT,                   -- of the node; NULL: of the whole run
  type TEXT NOT NULL,               -- confirm, params, approval
  ask TEXT NOT NULL,                -- JSON: what is asked
  answerers TEXT NOT NULL,          -- JSON list: "role:operator", "user:ann"
  min_answers BIGINT NOT NULL,
  state TEXT NOT NULL,              -- open, answered, rejected, expired
  created_ns BIGINT NOT NULL,
  expires_ns BIGINT,
  on_expire TEXT NOT NULL,          -- reject, continue
  closed_ns BIGINT
);
CREATE INDEX gates_open ON gates (state, created_ns);
CREATE INDEX gates_run ON gates (run_id);
CREATE TABLE gate_answers (
  gate_id TEXT NOT NULL,
  who TEXT NOT NULL,
  verdict TEXT NOT NULL,            -- accept, reject
  answer TEXT NOT NULL,             -- JSON
  reason TEXT NOT NULL,
  at_ns BIGINT NOT NULL,
  PRIMARY KEY (gate_id, who)
);

-- Where a trigger of a definition stands.
CREATE TABLE triggers (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  spec_digest TEXT NOT NULL,        -- of the trigger as written: another one starts anew
  next_ns BIGINT,                   -- when it is due; NULL: not by time
  last_due_ns BIGINT,
  last_run TEXT NOT NULL,
  cool_until_ns BIGINT NOT NULL,
  enabled BIGINT NOT NULL,
  suppressed BIGINT NOT NULL,       -- how often
  suppressed_why TEXT NOT NULL,     -- of the last time
  PRIMARY KEY (kind, name, ordinal)
);

-- Events that came in, each once.
CREATE TABLE events (
  dedup TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  payload TEXT NOT NULL,            -- JSON
  source TEXT NOT NULL,
  received_ns BIGINT NOT NULL,
  handled BIGINT NOT NULL
);
CREATE INDEX events_open ON events (handled, received_ns);

CREATE TABLE workers (
  id TEXT PRIMARY KEY,
  zone TEXT NOT NULL,
  labels TEXT NOT NULL,             -- JSON
  version TEXT NOT NULL,
  capacity TEXT NOT NULL,           -- JSON
  state TEXT NOT NULL,              -- attached, away, left
  first_seen_ns BIGINT NOT NULL,
  last_seen_ns BIGINT NOT NULL,
  clock_offset_ns BIGINT NOT NULL
);

-- How a path stands: a scenario that a patrol walks in an environment.
CREATE TABLE patrol_states (
  name TEXT NOT NULL,
  scenario TEXT NOT NULL,
  environment TEXT NOT NULL,
  state TEXT NOT NULL,              -- passing, failing, flapping, unknown
  since_ns BIGINT NOT NULL,
  last_run TEXT NOT NULL,
  last_ns BIGINT NOT NULL,
  last_verdict TEXT NOT NULL,
  last_passed_ns BIGINT,
  streak BIGINT NOT NULL,           -- of equal verdicts
  recent BIGINT NOT NULL,           -- the last 32 verdicts, a bit each, 1: failed
  recent_count BIGINT NOT NULL,
  PRIMARY KEY (name, scenario, environment)
);
-- Counts by minute, hour and day.
CREATE TABLE patrol_rollups (
  name TEXT NOT NULL,
  scenario TEXT NOT NULL,
  environment TEXT NOT NULL,
  width_s BIGINT NOT NULL,          -- 60, 3600, 86400
  start_s BIGINT NOT NULL,
  passed BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  unknown BIGINT NOT NULL,
  duration_ns BIGINT NOT NULL,      -- sum
  duration_max_ns BIGINT NOT NULL,
  PRIMARY KEY (width_s, name, scenario, environment, start_s)
);
CREATE INDEX patrol_rollups_start ON patrol_rollups (width_s, start_s);

-- What a run's load did, as `ronda run -o json` writes it.
CREATE TABLE reports (
  run_id TEXT PRIMARY KEY,
  report {bytes} NOT NULL,
  created_ns BIGINT NOT NULL
);

-- No runs are started, or alerts raised, meanwhile.
CREATE TABLE quiet_times (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,               -- maintenance, freeze
  environment TEXT NOT NULL,        -- '' : all
  from_ns BIGINT NOT NULL,
  to_ns BIGINT NOT NULL,
  reason TEXT NOT NULL,
  author TEXT NOT NULL
);

-- Values of an environment's secrets, encrypted.
CREATE TABLE secrets (
  environment TEXT NOT NULL,
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  sealed {bytes} NOT NULL,
  rev BIGINT NOT NULL,
  updated_ns BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  PRIMARY KEY (environment, name)
);

-- Who acts: the one server that plans and dispatches. `epoch` grows with each change of hands.
CREATE TABLE leaders (
  role TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  address TEXT NOT NULL,            -- where the owner's API is
  epoch BIGINT NOT NULL,
  until_ns BIGINT NOT NULL
);

-- Initialisation: what was done once ever, once a deploy, or on every instance.
CREATE TABLE init_tasks (
  name TEXT NOT NULL,
  scope TEXT NOT NULL,              -- '', the deploy, or deploy/instance
  state TEXT NOT NULL,              -- running, done, failed
  owner TEXT NOT NULL,
  until_ns BIGINT NOT NULL,         -- a running one may be taken over after this
  detail TEXT NOT NULL,
  PRIMARY KEY (name, scope)
);

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,              -- JSON
  rev BIGINT NOT NULL,
  updated_ns BIGINT NOT NULL,
  updated_by TEXT NOT NULL
);

-- Actions as the code declares them, synced at start.
CREATE TABLE actions (
  code TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  schema_json TEXT NOT NULL,
  synced_ns BIGINT NOT NULL
);
