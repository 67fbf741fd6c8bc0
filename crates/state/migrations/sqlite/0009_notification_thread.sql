-- The first unfinished notification of a thread is looked for in the transaction that writes its successor: without an
-- index a receiver that is down for hours would make each new alert read its whole backlog.
CREATE INDEX notification_thread ON notification (thread, receiver, integration, created_at, id)
  WHERE state IN ('pending', 'sending');
