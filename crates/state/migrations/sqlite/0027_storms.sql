-- What a storm of alerts needs, and the order of the outbox.

-- Messages of one thread leave in the order in which they were written, which is that of the rows and not of their times:
-- two may have the same time, and a clock may be set back.
DROP INDEX notification_thread;
CREATE INDEX notification_thread ON notification (thread, receiver, integration) WHERE state IN ('pending', 'sending');

-- alert: what was posted, many at a time, and is not worked through yet. In the order in which it came: a place is never
-- given twice.
CREATE TABLE posted_alert (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  at              INTEGER NOT NULL,
  resolve_timeout INTEGER NOT NULL,     -- microseconds
  alerts          TEXT NOT NULL         -- JSON
);

-- alert: members of a group that fire, are told and are held back by nothing: of no interest until something happens.
ALTER TABLE alert_group_member ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
CREATE INDEX alert_group_member_open ON alert_group_member (group_id) WHERE settled = 0;
