-- Watching the watchman: which receivers work, and fire drills.

-- respond: one row per integration that is configured or was. Apart from the attempts, because it must be known for
-- longer than those are looked through.
CREATE TABLE receiver_standing (
  receiver          TEXT NOT NULL,
  integration       TEXT NOT NULL,
  known_since       INTEGER NOT NULL,             -- when it was first seen: until then nobody could have tried it
  last_delivered_at INTEGER,
  last_failed_at    INTEGER,
  failing_since     INTEGER,                      -- the first failure after the last success
  failures          INTEGER NOT NULL DEFAULT 0,   -- attempts that failed since the last success
  given_up          INTEGER NOT NULL DEFAULT 0,   -- messages that were given up since the last success
  last_error        TEXT,
  PRIMARY KEY (receiver, integration)
);
INSERT INTO receiver_standing (receiver, integration, known_since, last_delivered_at, last_failed_at)
  SELECT n.receiver, n.integration, min(n.created_at),
    max(CASE WHEN a.outcome = 'delivered' THEN a.finished_at END),
    max(CASE WHEN a.outcome IN ('retry', 'failed', 'unknown') THEN a.finished_at END)
  FROM notification n JOIN notification_attempt a ON a.notification_id = n.id GROUP BY n.receiver, n.integration;
UPDATE receiver_standing SET failing_since = last_failed_at, failures = 1, given_up = 1,
  last_error = (SELECT last_error FROM notification n WHERE n.receiver = receiver_standing.receiver
    AND n.integration = receiver_standing.integration AND n.last_error IS NOT NULL ORDER BY created_at DESC LIMIT 1)
  WHERE last_failed_at IS NOT NULL AND (last_delivered_at IS NULL OR last_failed_at > last_delivered_at);

-- incident: fire drills. The alert that went out tells the rest.
CREATE TABLE drill (
  id           TEXT PRIMARY KEY,
  due_at       INTEGER,                 -- by the schedule; null: somebody started it
  started_at   INTEGER NOT NULL,
  started_by   TEXT NOT NULL,
  confirm_by   INTEGER NOT NULL,
  alert_id     TEXT,
  state        TEXT NOT NULL,           -- waiting | confirmed | missed
  ended_at     INTEGER,
  confirmed_by TEXT
);
CREATE UNIQUE INDEX drill_due ON drill (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX drill_started ON drill (started_at);
CREATE INDEX drill_waiting ON drill (confirm_by) WHERE state = 'waiting';

-- server: what the watchman writes to see whether it can, and when a schedule of drills was first seen.
CREATE TABLE self_watch (
  key TEXT PRIMARY KEY,
  at  INTEGER NOT NULL
);
