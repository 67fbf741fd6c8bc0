-- Messages of one thread leave in the order in which they were written, which is that of the rows and not of their times:
-- two may have the same time, and a clock may be set back.
DROP INDEX notification_thread;
CREATE INDEX notification_thread ON notification (thread, receiver, integration) WHERE state IN ('pending', 'sending');
