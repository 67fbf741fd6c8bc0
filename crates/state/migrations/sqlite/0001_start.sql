-- The state database. Portable types only: ids TEXT, times INTEGER (microseconds, UTC), JSON as TEXT, truth as 0/1.
-- Forward only: never edit a released migration, add one.

-- What happened, append-only and hash-chained. Everything below is a projection kept in the same transaction.
CREATE TABLE ledger (
  seq             INTEGER PRIMARY KEY,
  at              INTEGER NOT NULL,
  kind            TEXT NOT NULL,
  actor           TEXT NOT NULL,
  subject         TEXT NOT NULL,
  alert_id        TEXT,
  incident_id     TEXT,
  run_id          TEXT,
  notification_id TEXT,
  data            TEXT NOT NULL,
  prev_hash       TEXT NOT NULL,
  hash            TEXT NOT NULL
);
CREATE INDEX ledger_alert ON ledger (alert_id, seq);
CREATE INDEX ledger_incident ON ledger (incident_id, seq);
CREATE INDEX ledger_subject ON ledger (subject, seq);

-- detect: one row per rule and label set that is not inactive.
CREATE TABLE rule_state (
  rule_id      TEXT NOT NULL,
  fingerprint  TEXT NOT NULL,
  labels       TEXT NOT NULL,
  state        TEXT NOT NULL,           -- pending | firing
  value        REAL,
  active_at    INTEGER NOT NULL,        -- the condition became true
  fired_at     INTEGER,
  last_true_at INTEGER NOT NULL,        -- for keep_firing_for
  alert_id     TEXT,
  updated_at   INTEGER NOT NULL,
  PRIMARY KEY (rule_id, fingerprint)
);

-- detect: the health of each rule, also of those without instances.
CREATE TABLE rule_health (
  rule_id       TEXT PRIMARY KEY,
  state         TEXT NOT NULL,          -- ok | pending | firing | unknown
  reason        TEXT NOT NULL DEFAULT '',
  since         INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
);

-- alert: one row per firing of one label set, until it resolves.
CREATE TABLE alert (
  id              TEXT PRIMARY KEY,
  fingerprint     TEXT NOT NULL,
  source          TEXT NOT NULL,        -- rule | the tool it came from
  rule_id         TEXT,
  name            TEXT NOT NULL,
  labels          TEXT NOT NULL,
  annotations     TEXT NOT NULL,
  category        TEXT NOT NULL,
  priority        TEXT NOT NULL,
  state           TEXT NOT NULL,        -- firing | resolved
  unknown_reason  TEXT,                 -- set while the rule cannot tell; the alert stays firing
  value           REAL,
  expr            TEXT,
  threshold       REAL,
  comparison      TEXT,
  started_at      INTEGER NOT NULL,     -- the condition became true
  fired_at        INTEGER NOT NULL,
  resolved_at     INTEGER,
  acknowledged_at INTEGER,
  acknowledged_by TEXT,
  incident_id     TEXT,
  evidence        TEXT NOT NULL DEFAULT '{}',
  updated_at      INTEGER NOT NULL
);
-- The labels decide: a fingerprint of 64 bits can be made to collide.
CREATE UNIQUE INDEX alert_open ON alert (fingerprint, labels) WHERE state = 'firing';
CREATE INDEX alert_fired ON alert (fired_at DESC);
CREATE INDEX alert_incident ON alert (incident_id);

-- alert: each change of state; `routed` and `triaged` say which reconciler has seen it.
CREATE TABLE alert_transition (
  seq        INTEGER PRIMARY KEY,
  alert_id   TEXT NOT NULL REFERENCES alert (id),
  at         INTEGER NOT NULL,
  from_state TEXT NOT NULL,
  to_state   TEXT NOT NULL,
  value      REAL,
  reason     TEXT NOT NULL,
  routed     INTEGER NOT NULL DEFAULT 0,
  triaged    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX alert_transition_alert ON alert_transition (alert_id, seq);
CREATE INDEX alert_transition_unrouted ON alert_transition (seq) WHERE routed = 0;
CREATE INDEX alert_transition_untriaged ON alert_transition (seq) WHERE triaged = 0;

-- alert: alerts that share a route and the labels of its group_by.
CREATE TABLE alert_group (
  id              TEXT PRIMARY KEY,
  key             TEXT NOT NULL UNIQUE, -- route path and group labels
  route           TEXT NOT NULL,
  receiver        TEXT NOT NULL,
  labels          TEXT NOT NULL,
  created_at      INTEGER NOT NULL,
  next_flush_at   INTEGER,              -- null: nothing to say
  last_flush_at   INTEGER
);
CREATE INDEX alert_group_due ON alert_group (next_flush_at) WHERE next_flush_at IS NOT NULL;
CREATE TABLE alert_group_member (
  group_id   TEXT NOT NULL REFERENCES alert_group (id),
  alert_id   TEXT NOT NULL REFERENCES alert (id),
  joined_at  INTEGER NOT NULL,
  sent_state TEXT,                      -- firing: people were told so; null: never told. Told resolved: the row goes
  muted      TEXT NOT NULL DEFAULT '',  -- what held it back when last looked at: silence:sil_…, inhibit:alr_…
  PRIMARY KEY (group_id, alert_id)
);
CREATE INDEX alert_group_member_alert ON alert_group_member (alert_id);
CREATE INDEX alert_group_member_muted ON alert_group_member (muted) WHERE muted <> '';

CREATE TABLE silence (
  id         TEXT PRIMARY KEY,
  matchers   TEXT NOT NULL,             -- JSON array of matchers as text
  starts_at  INTEGER NOT NULL,
  ends_at    INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  comment    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expired_at INTEGER
);
CREATE INDEX silence_ends ON silence (ends_at);

-- respond: the outbox. One row is one thing to say through one integration of one receiver.
CREATE TABLE notification (
  id              TEXT PRIMARY KEY,
  kind            TEXT NOT NULL,        -- alert | handover | incident | approval | test
  status          TEXT NOT NULL,        -- firing | resolved | info
  receiver        TEXT NOT NULL,
  integration     TEXT NOT NULL,        -- slack | email | webhook, with an index when there are several
  thread          TEXT NOT NULL,        -- deliveries of one thread and integration leave in order
  group_id        TEXT,
  incident_id     TEXT,
  alert_ids       TEXT NOT NULL DEFAULT '[]',
  content         TEXT NOT NULL,        -- JSON, what is to be said; rendered when sent
  reason          TEXT NOT NULL,        -- why it is said now: new alerts, resolved, repeat, hand-over
  created_at      INTEGER NOT NULL,
  state           TEXT NOT NULL,        -- pending | sending | delivered | failed | superseded
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL,
  deadline_at     INTEGER NOT NULL,
  lease_owner     TEXT,
  lease_until     INTEGER,
  last_error      TEXT,
  receipt         TEXT,
  finished_at     INTEGER
);
CREATE INDEX notification_due ON notification (next_attempt_at) WHERE state IN ('pending', 'sending');
CREATE INDEX notification_incident ON notification (incident_id);
CREATE INDEX notification_group ON notification (group_id, created_at);
CREATE TABLE notification_attempt (
  notification_id TEXT NOT NULL REFERENCES notification (id),
  n               INTEGER NOT NULL,
  started_at      INTEGER NOT NULL,
  finished_at     INTEGER,
  outcome         TEXT NOT NULL,        -- started | delivered | retry | failed | unknown
  status          INTEGER,              -- HTTP or SMTP status
  detail          TEXT NOT NULL DEFAULT '',
  receipt         TEXT,
  PRIMARY KEY (notification_id, n)
);

-- incident
CREATE TABLE incident (
  id              TEXT PRIMARY KEY,
  number          INTEGER NOT NULL UNIQUE,
  key             TEXT NOT NULL,        -- what alerts join by while it is open
  title           TEXT NOT NULL,
  kind            TEXT NOT NULL,        -- operational | security
  restricted      INTEGER NOT NULL DEFAULT 0,
  state           TEXT NOT NULL,        -- triggered | acknowledged | mitigated | resolved | closed
  priority        TEXT NOT NULL,
  category        TEXT NOT NULL,
  component       TEXT,                 -- component of the status page
  summary         TEXT NOT NULL DEFAULT '',
  roles           TEXT NOT NULL DEFAULT '{}',
  started_at      INTEGER NOT NULL,     -- the first sample that crossed
  opened_at       INTEGER NOT NULL,     -- detected
  acknowledged_at INTEGER,
  acknowledged_by TEXT,
  mitigated_at    INTEGER,
  resolved_at     INTEGER,
  resolved_by     TEXT,
  closed_at       INTEGER,
  handed_over_at  INTEGER,              -- self-healing gave up, or none exists
  updated_at      INTEGER NOT NULL
);
CREATE UNIQUE INDEX incident_open ON incident (key) WHERE state IN ('triggered', 'acknowledged', 'mitigated');
CREATE INDEX incident_opened ON incident (opened_at DESC);
CREATE TABLE incident_alert (
  incident_id TEXT NOT NULL REFERENCES incident (id),
  alert_id    TEXT NOT NULL REFERENCES alert (id),
  joined_at   INTEGER NOT NULL,
  PRIMARY KEY (incident_id, alert_id)
);
CREATE TABLE timeline_entry (
  id          TEXT PRIMARY KEY,
  incident_id TEXT NOT NULL REFERENCES incident (id),
  at          INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  actor       TEXT NOT NULL,
  text        TEXT NOT NULL,
  data        TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX timeline_incident ON timeline_entry (incident_id, at);
CREATE TABLE post_mortem (
  incident_id  TEXT PRIMARY KEY REFERENCES incident (id),
  generated_at INTEGER NOT NULL,
  facts        TEXT NOT NULL,           -- JSON: durations, impact, what was tried
  summary      TEXT NOT NULL,
  root_cause   TEXT NOT NULL DEFAULT '',
  lessons      TEXT NOT NULL DEFAULT '',
  updated_at   INTEGER NOT NULL,
  updated_by   TEXT NOT NULL,           -- system until somebody edits it; then the draft stays as it is
  impact_due_at INTEGER                 -- when what it cost is asked for (again); null: settled
);
CREATE INDEX post_mortem_impact ON post_mortem (impact_due_at) WHERE impact_due_at IS NOT NULL;
CREATE TABLE action_item (
  id          TEXT PRIMARY KEY,
  incident_id TEXT NOT NULL REFERENCES incident (id),
  text        TEXT NOT NULL,
  owner       TEXT NOT NULL,
  due         TEXT NOT NULL,            -- a civil date, YYYY-MM-DD
  done_at     INTEGER,
  created_at  INTEGER NOT NULL
);

-- respond: workflow runs. A step with a recorded result never runs again.
CREATE TABLE run (
  id          TEXT PRIMARY KEY,
  workflow    TEXT NOT NULL,
  definition  TEXT NOT NULL,            -- the workflow as it was when the run began
  target      TEXT NOT NULL,            -- what the lock is on
  incident_id TEXT,
  alert_id    TEXT,
  trigger     TEXT NOT NULL,            -- JSON: labels, annotations, inputs
  state       TEXT NOT NULL,            -- queued | running | waiting | succeeded | failed | handed_over | refused | cancelled
  outcome     TEXT NOT NULL DEFAULT '', -- in words
  started_by  TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  started_at  INTEGER,
  finished_at INTEGER,
  due_at      INTEGER,                  -- when the engine must look at it again
  lease_owner TEXT,
  lease_until INTEGER
);
CREATE INDEX run_due ON run (due_at) WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX run_incident ON run (incident_id);
CREATE INDEX run_target ON run (workflow, target, created_at);
CREATE TABLE run_step (
  run_id      TEXT NOT NULL REFERENCES run (id),
  step        TEXT NOT NULL,
  attempt     INTEGER NOT NULL,
  state       TEXT NOT NULL,            -- started | succeeded | failed | unknown | skipped
  input       TEXT NOT NULL DEFAULT '{}',
  result      TEXT NOT NULL DEFAULT '{}',
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  PRIMARY KEY (run_id, step, attempt)
);

-- publish
CREATE TABLE status_update (
  id          TEXT PRIMARY KEY,
  incident_id TEXT NOT NULL REFERENCES incident (id),
  at          INTEGER NOT NULL,
  state       TEXT NOT NULL,            -- investigating | identified | monitoring | resolved
  component   TEXT NOT NULL,
  impact      TEXT NOT NULL,            -- operational | degraded_performance | partial_outage | major_outage
  text        TEXT NOT NULL,
  author      TEXT NOT NULL
);
CREATE INDEX status_update_at ON status_update (at DESC);
