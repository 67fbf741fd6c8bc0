-- What Alertmanager's API needs: alerts that other tools post end by a time of their own, and silences that are edited,
-- carry notes and recur.

-- alert: null while a rule decides when it ends.
ALTER TABLE alert ADD COLUMN ends_at INTEGER;
-- Whether that end was made of the resolve timeout, because the sender named none.
ALTER TABLE alert ADD COLUMN ends_by_timeout INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN generator_url TEXT;
CREATE INDEX alert_ends ON alert (ends_at) WHERE state = 'firing' AND ends_at IS NOT NULL;
CREATE INDEX alert_fingerprint ON alert (fingerprint);

-- silence: null until somebody changes it.
ALTER TABLE silence ADD COLUMN updated_at INTEGER;
ALTER TABLE silence ADD COLUMN annotations TEXT NOT NULL DEFAULT '{}';  -- JSON: owner, ticket, …
ALTER TABLE silence ADD COLUMN recurrence TEXT;                         -- JSON: the time interval that it holds in
