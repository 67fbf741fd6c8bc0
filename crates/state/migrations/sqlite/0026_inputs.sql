-- Heartbeats of jobs, changes that somebody made, and log files.

-- detect: how the heartbeat of a job stands.
CREATE TABLE heartbeat (
  name       TEXT PRIMARY KEY,
  record     TEXT NOT NULL,             -- what is known of it, JSON: `heartbeat::record`
  alert      TEXT,                      -- what fires about it, JSON; null: nothing
  updated_at INTEGER NOT NULL
);
-- detect: the newest signs of life of each job.
CREATE TABLE heartbeat_beat (
  id        INTEGER PRIMARY KEY,
  heartbeat TEXT NOT NULL,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL,              -- success | start | fail | log
  exit_code INTEGER,
  run       TEXT,                       -- the sender's own name for the run
  took      INTEGER,                    -- microseconds from its start, when that was told
  body      TEXT NOT NULL
);
CREATE INDEX heartbeat_beat_of ON heartbeat_beat (heartbeat, id);
-- detect: when this server last watched, so that the time in which it did not is known.
CREATE TABLE heartbeat_watch (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  alive_at INTEGER NOT NULL
);

-- incident: deploys and other changes, as their makers report them.
CREATE TABLE change (
  id          TEXT PRIMARY KEY,         -- chg_…
  at          INTEGER NOT NULL,         -- when it was made
  ended_at    INTEGER,
  received_at INTEGER NOT NULL,
  source      TEXT NOT NULL,            -- api, or an integration's name
  key         TEXT,                     -- the source's own name for it; the same again is the same change
  kind        TEXT NOT NULL,            -- deploy | config | other
  status      TEXT NOT NULL,            -- started | succeeded | failed
  service     TEXT NOT NULL,            -- empty: nobody said
  environment TEXT NOT NULL,
  version     TEXT NOT NULL,
  summary     TEXT NOT NULL,
  author      TEXT NOT NULL,
  url         TEXT NOT NULL,
  details     TEXT NOT NULL             -- JSON
);
CREATE UNIQUE INDEX change_key ON change (source, key) WHERE key IS NOT NULL;
CREATE INDEX change_at ON change (at);
CREATE INDEX change_service ON change (service, at);

-- logs: how far each log file was read and kept.
CREATE TABLE tailed_file (
  device     INTEGER NOT NULL,
  inode      INTEGER NOT NULL,
  path       TEXT NOT NULL,             -- where it was last seen
  position   INTEGER NOT NULL,          -- bytes whose records are kept
  head       INTEGER NOT NULL,          -- so many bytes at its beginning …
  digest     TEXT NOT NULL,             -- … have this digest: an inode is used again, and a file is cut
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (device, inode)
);
