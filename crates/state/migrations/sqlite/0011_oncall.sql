-- On-call: what people change while the server runs, and escalations under way.

-- incident: somebody takes a time of a schedule over. Cut short or taken back, it keeps its row.
CREATE TABLE oncall_override (
  id          TEXT PRIMARY KEY,
  schedule    TEXT NOT NULL,
  person      TEXT NOT NULL,
  instead_of  TEXT,                     -- only where this person would be on call; null: whoever
  starts_at   INTEGER NOT NULL,
  ends_at     INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  created_by  TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  removed_at  INTEGER                   -- taken back before it began
);
CREATE INDEX oncall_override_ends ON oncall_override (ends_at);

-- incident: what the one who goes leaves for the one who comes.
CREATE TABLE oncall_note (
  id       TEXT PRIMARY KEY,
  schedule TEXT NOT NULL,
  at       INTEGER NOT NULL,
  author   TEXT NOT NULL,
  text     TEXT NOT NULL
);
CREATE INDEX oncall_note_schedule ON oncall_note (schedule, at);

-- incident: who was on call when somebody last looked, so that a hand-off is noticed also over a restart.
CREATE TABLE oncall_turn (
  schedule TEXT PRIMARY KEY,
  person   TEXT,                        -- null: nobody
  since    INTEGER NOT NULL
);

-- incident: people being called until somebody answers.
CREATE TABLE escalation (
  id              TEXT PRIMARY KEY,
  policy          TEXT NOT NULL,
  definition      TEXT NOT NULL,        -- the policy as it was when the escalation began
  about           TEXT NOT NULL,        -- alert | incident: whose state ends it
  thread          TEXT NOT NULL,        -- of the message that began it
  incident_id     TEXT,
  priority        TEXT NOT NULL,
  title           TEXT NOT NULL,
  phase           TEXT NOT NULL,        -- paging | held | acknowledged | exhausted | resolved
  step            INTEGER NOT NULL,     -- the next one
  round           INTEGER NOT NULL,
  due_at          INTEGER,              -- when the next step is taken
  remind_at       INTEGER,
  message_kind    TEXT NOT NULL,        -- of the newest message
  content         TEXT NOT NULL,        -- what people are told
  started_at      INTEGER NOT NULL,
  acknowledged_at INTEGER,
  acknowledged_by TEXT,
  ended_at        INTEGER,
  updated_at      INTEGER NOT NULL
);
CREATE INDEX escalation_open ON escalation (phase) WHERE phase <> 'resolved';
CREATE INDEX escalation_thread ON escalation (thread, started_at);
CREATE INDEX escalation_incident ON escalation (incident_id);
CREATE TABLE escalation_alert (
  escalation_id TEXT NOT NULL REFERENCES escalation (id),
  alert_id      TEXT NOT NULL REFERENCES alert (id),
  PRIMARY KEY (escalation_id, alert_id)
);
CREATE INDEX escalation_alert_alert ON escalation_alert (alert_id);

-- incident: one way of calling one person, or one receiver, in one step.
CREATE TABLE page (
  id              INTEGER PRIMARY KEY,
  escalation_id   TEXT NOT NULL REFERENCES escalation (id),
  round           INTEGER NOT NULL,
  step            INTEGER NOT NULL,
  receiver        TEXT NOT NULL,        -- person:ana, or a receiver
  via             TEXT NOT NULL,        -- email, slack, …; empty: all of a receiver's integrations
  why             TEXT NOT NULL,        -- the target that led here: on call in payments
  due_at          INTEGER NOT NULL,
  state           TEXT NOT NULL,        -- waiting | sent | cancelled
  detail          TEXT NOT NULL DEFAULT '',
  finished_at     INTEGER
);
CREATE INDEX page_due ON page (due_at) WHERE state = 'waiting';
-- What calls people and was not taken yet: looked for in the transaction that wrote it.
CREATE INDEX notification_escalating ON notification (created_at) WHERE state = 'escalating';
CREATE INDEX page_escalation ON page (escalation_id, id);
