// SPDX-License-Identifier: GPL-3.0-or-later
// The tables and indexes of a queue in a file, its version, and the steps from older versions.
//
// The times in smsq are text as in NAV's columns: UTC in a form that sorts (2026-01-31 23:59:59.123, the
// fraction may be missing). Times for calculation are milliseconds since 1970. Called by install.cpp.
//
// The CHECK of smsq.sent is no IN of three constants, because SQLite makes and fills a table for such an IN
// each time it checks a row, which takes longer than the update itself.
#pragma once

namespace smsd::queue::sqlite::sql {

constexpr int schemaVersion = 5;
constexpr int applicationId = 0x736d7364;  // "smsd"

constexpr auto schema = R"(
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
  lease INTEGER NOT NULL,        -- ms
  lease_until INTEGER NOT NULL,  -- ms since 1970
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
  sent_ids TEXT NOT NULL,        -- JSON lists
  ignored_ids TEXT NOT NULL,
  severity INTEGER,
  first_message INTEGER NOT NULL,
  rounds INTEGER NOT NULL,
  created TEXT NOT NULL,
  ended TEXT,
  fate TEXT,
  decided TEXT,                  -- a held one's: when it was released or discarded
  outcome TEXT,
  reason TEXT,
  reference TEXT,
  since INTEGER,                 -- ms since 1970: the first failure that counted against the recipient
  stamps TEXT                    -- JSON list: what each message was when it was claimed, of sent_ids, then of ignored_ids
) STRICT;
CREATE TABLE smsd_attempt (
  id INTEGER PRIMARY KEY,        -- the attempt's
  submission INTEGER NOT NULL REFERENCES smsd_submission (id),
  dispatcher TEXT NOT NULL,
  ended TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX smsd_attempt_of ON smsd_attempt (submission);
CREATE TABLE smsd_held (         -- messages of SMS that may have been sent: in no claim until an operator decides
  message INTEGER PRIMARY KEY,
  submission INTEGER NOT NULL REFERENCES smsd_submission (id),
  stamp INTEGER                  -- of the row that is held; NULL: not known, its id alone counts
) STRICT;
CREATE INDEX smsd_held_of ON smsd_held (submission);
CREATE TABLE smsd_ignored (      -- why a message is I that no submission speaks for
  message INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('expired', 'cancelled', 'resolved')),
  at TEXT NOT NULL,
  stamp INTEGER
) STRICT;
CREATE INDEX smsd_ignored_message ON smsd_ignored (message);
CREATE TABLE smsd_wait (
  recipient TEXT PRIMARY KEY,
  rounds INTEGER NOT NULL,
  due INTEGER NOT NULL,          -- ms since 1970
  reason TEXT NOT NULL,
  severity INTEGER,              -- of the most severe message that waits; NULL is the least
  since INTEGER,                 -- ms since 1970: the first failure that counted; NULL: none yet
  noted INTEGER NOT NULL DEFAULT 0  -- ms since 1970
) STRICT, WITHOUT ROWID;
CREATE INDEX smsd_wait_due ON smsd_wait (due);
)";
// Part of the schema, and the step from version 3 to 4.
constexpr auto heartbeatTable = R"(
CREATE TABLE smsd_heartbeat (    -- signs of life of other programs, which smsd expects
  name TEXT PRIMARY KEY,
  beats INTEGER NOT NULL DEFAULT 0,   -- how many came
  judged INTEGER NOT NULL DEFAULT 0,  -- how many of them had come at the last look
  last INTEGER,                       -- ms since 1970: of the last one; NULL: none ever came
  waited INTEGER NOT NULL DEFAULT 0,  -- ms in which a supervisor watched since then
  looked INTEGER NOT NULL,            -- ms since 1970: the last look
  looks INTEGER NOT NULL DEFAULT 0,   -- how many looks there were
  missing INTEGER                     -- ms since 1970: when the alert was written; NULL: it is not missing
) STRICT, WITHOUT ROWID;
)";
// Part of the schema, and the step from version 4 to 5.
constexpr auto alertTables = R"(
CREATE TABLE smsd_alert (        -- messages that programs submitted: what smsq has no column for
  message INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  caller TEXT NOT NULL,          -- the user
  label TEXT,                    -- on whose behalf; NULL: not said
  group_name TEXT,               -- by which the alert goes to this number; NULL: none
  key TEXT,                      -- of the deduplication; NULL: none
  expires INTEGER,               -- ms since 1970; NULL: never
  due INTEGER,                   -- as expires, until that has come; then NULL
  submitted INTEGER NOT NULL,    -- ms since 1970
  repeats INTEGER NOT NULL DEFAULT 0,  -- alerts that were duplicates of this one
  repeated INTEGER,              -- ms since 1970: the last of them
  resolved_by TEXT               -- whose alert resolved it; NULL: none
) STRICT;
CREATE INDEX smsd_alert_message ON smsd_alert (message);
CREATE INDEX smsd_alert_submitted ON smsd_alert (submitted);
CREATE INDEX smsd_alert_due ON smsd_alert (due) WHERE due IS NOT NULL;
CREATE TABLE smsd_alert_key (    -- the message for each deduplication key
  identity TEXT PRIMARY KEY,     -- caller, number and key, one a line
  message INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  at INTEGER NOT NULL            -- ms since 1970
) STRICT, WITHOUT ROWID;
CREATE INDEX smsd_alert_key_at ON smsd_alert_key (at);
)";
// Likewise.
constexpr auto paceTable = R"(
CREATE TABLE smsd_pace (         -- recipients to which an SMS left, for storm control
  recipient TEXT PRIMARY KEY,
  due INTEGER NOT NULL,          -- ms since 1970: the next SMS does not leave before
  exempt INTEGER,                -- unless it has a message of this severity or a more severe one; NULL: all wait
  hour INTEGER NOT NULL,         -- ms since 1970: the first SMS of the hour whose SMS are counted
  sent INTEGER NOT NULL,         -- how many there were in it
  noted INTEGER NOT NULL         -- ms since 1970
) STRICT, WITHOUT ROWID;
)";
// Waits of version 1 have no severity, so any message with a severity ends them, once.
constexpr auto from1To2 = "ALTER TABLE smsd_wait ADD COLUMN severity INTEGER";
// Removes the CHECK of the text's length from smsq, because a text may be as long as an SMS of several parts.
// Editing the table's SQL text is the way that sqlite.org recommends: rows, indexes and triggers stay
// unchanged. Held entries get the stamps of the rows that are in smsq now.
constexpr auto from2To3 = R"(
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' CONSTRAINT msg_length CHECK (length(msg) <= 145)', '')
  WHERE type = 'table' AND name = 'smsq';
PRAGMA writable_schema = RESET;
ALTER TABLE smsd_submission ADD COLUMN since INTEGER;
ALTER TABLE smsd_submission ADD COLUMN stamps TEXT;
ALTER TABLE smsd_wait ADD COLUMN since INTEGER;
ALTER TABLE smsd_wait ADD COLUMN noted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE smsd_held ADD COLUMN stamp INTEGER;
ALTER TABLE smsd_ignored ADD COLUMN stamp INTEGER;
UPDATE smsd_held SET stamp = (SELECT smsd_stamp(time, phone, msg) FROM smsq WHERE id = message);
)";
// Writes the CHECK of smsq.sent as above.
constexpr auto from3To4 = R"(
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (sent IN (''Y'', ''N'', ''I''))', 'CHECK (sent IN (''Y'', ''N'') OR sent = ''I'')')
  WHERE type = 'table' AND name = 'smsq';
PRAGMA writable_schema = RESET;
)";
// Allows a further reason for an ignored message.
constexpr auto from4To5 = R"(
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (reason IN (''expired'', ''cancelled''))', 'CHECK (reason IN (''expired'', ''cancelled'', ''resolved''))')
  WHERE type = 'table' AND name = 'smsd_ignored';
PRAGMA writable_schema = RESET;
)";
constexpr auto copyTo = "VACUUM INTO ?";

// Created whenever they are missing, because every statement of the road names them.
constexpr auto indexes = R"(
CREATE INDEX IF NOT EXISTS smsq_unsent_order ON smsq (severity, time, id, phone) WHERE sent = 'N';
CREATE INDEX IF NOT EXISTS smsq_unsent_phone ON smsq (phone, severity, time, id) WHERE sent = 'N';
CREATE UNIQUE INDEX IF NOT EXISTS smsd_submission_live ON smsd_submission (recipient) WHERE ended IS NULL;
)";

}  // namespace smsd::queue::sqlite::sql
