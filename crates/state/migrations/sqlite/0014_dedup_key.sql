-- The name that another tool gives its alert: with it the end finds the beginning.
ALTER TABLE alert ADD COLUMN dedup_key TEXT;
CREATE INDEX alert_by_dedup_key ON alert (dedup_key) WHERE dedup_key IS NOT NULL AND state = 'firing';
