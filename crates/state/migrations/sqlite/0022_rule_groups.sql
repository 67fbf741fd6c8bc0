
-- Rule groups that people write in the console or over the API: a row per version; the newest is in force. What was deleted
-- keeps its versions.
CREATE TABLE rule_group_version (
  name    TEXT NOT NULL,
  version INTEGER NOT NULL,             -- 1, 2, … without gaps
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  reason  TEXT NOT NULL,
  change  TEXT NOT NULL,                -- created | edited | enabled | disabled | rolled_back | deleted
  enabled INTEGER NOT NULL,
  source  TEXT NOT NULL,                -- a rule file with this group in it
  PRIMARY KEY (name, version)
);
