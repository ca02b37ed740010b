-- The SQLite queue's file as version 4 of its schema makes it. Frozen: never changed, only read by tests of the migration.
PRAGMA application_id = 1936552804;
PRAGMA user_version = 4;
CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT DEFAULT 'Noname',
  password TEXT,
  ext_sync TEXT
) STRICT;
CREATE TABLE smsq (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  accountid INTEGER REFERENCES account (id) ON UPDATE CASCADE ON DELETE CASCADE,
  time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
  phone TEXT NOT NULL CONSTRAINT phone_length CHECK (length(phone) <= 15),
  msg TEXT NOT NULL,
  sent TEXT NOT NULL DEFAULT 'N' CHECK (sent IN ('Y', 'N') OR sent = 'I'),
  smsid INTEGER,
  timesent TEXT,
  severity INTEGER
) STRICT;
CREATE INDEX smsq_accountid ON smsq (accountid);
CREATE TABLE smsd_installation (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  uuid TEXT NOT NULL,
  last_attempt INTEGER NOT NULL
) STRICT;
INSERT INTO smsd_installation VALUES (1, lower(hex(randomblob(16))), 0);
CREATE TABLE smsd_supervisor (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  started TEXT NOT NULL,
  lease INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  alive INTEGER NOT NULL CHECK (alive IN (0, 1))
) STRICT;
CREATE TABLE smsd_submission (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient TEXT NOT NULL,
  supervisor INTEGER REFERENCES smsd_supervisor (id),
  attempt INTEGER NOT NULL,
  dispatcher TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  text TEXT NOT NULL,
  encoding TEXT NOT NULL CHECK (encoding IN ('gsm7', 'ucs2')),
  units INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  sent_ids TEXT NOT NULL,
  ignored_ids TEXT NOT NULL,
  severity INTEGER,
  first_message INTEGER NOT NULL,
  rounds INTEGER NOT NULL,
  created TEXT NOT NULL,
  ended TEXT,
  fate TEXT,
  decided TEXT,
  outcome TEXT,
  reason TEXT,
  reference TEXT,
  since INTEGER,
  stamps TEXT
) STRICT;
CREATE TABLE smsd_attempt (
  id INTEGER PRIMARY KEY,
  submission INTEGER NOT NULL REFERENCES smsd_submission (id),
  dispatcher TEXT NOT NULL,
  ended TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX smsd_attempt_of ON smsd_attempt (submission);
CREATE TABLE smsd_held (
  message INTEGER PRIMARY KEY,
  submission INTEGER NOT NULL REFERENCES smsd_submission (id),
  stamp INTEGER
) STRICT;
CREATE INDEX smsd_held_of ON smsd_held (submission);
CREATE TABLE smsd_ignored (
  message INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('expired', 'cancelled')),
  at TEXT NOT NULL,
  stamp INTEGER
) STRICT;
CREATE INDEX smsd_ignored_message ON smsd_ignored (message);
CREATE TABLE smsd_wait (
  recipient TEXT PRIMARY KEY,
  rounds INTEGER NOT NULL,
  due INTEGER NOT NULL,
  reason TEXT NOT NULL,
  severity INTEGER,
  since INTEGER,
  noted INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX smsd_wait_due ON smsd_wait (due);
CREATE TABLE smsd_heartbeat (
  name TEXT PRIMARY KEY,
  beats INTEGER NOT NULL DEFAULT 0,
  judged INTEGER NOT NULL DEFAULT 0,
  last INTEGER,
  waited INTEGER NOT NULL DEFAULT 0,
  looked INTEGER NOT NULL,
  looks INTEGER NOT NULL DEFAULT 0,
  missing INTEGER
) STRICT, WITHOUT ROWID;
