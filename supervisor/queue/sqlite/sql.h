// SPDX-License-Identifier: GPL-3.0-or-later
// All SQL of the SQLite backend. Called by sqlite*.cpp, which decides when a statement runs.
//
// The times in smsq are text as in NAV's columns: UTC in a form that sorts (2026-01-31 23:59:59.123, the
// fraction may be missing). Times for calculation are milliseconds since 1970. Unsent rows are read by two
// partial indexes, which each statement names (INDEXED BY), so that a claim costs the same whatever ANALYZE
// found, and however many rows were sent before.
#pragma once

namespace smsd::queue::sqlite::sql {

constexpr int schemaVersion = 3;
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
  sent TEXT NOT NULL DEFAULT 'N' CHECK (sent IN ('Y', 'N', 'I')),
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
  reason TEXT NOT NULL CHECK (reason IN ('expired', 'cancelled')),
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
// Waits of version 1 have no severity, so any message with a severity ends them, once.
constexpr auto from1To2 = "ALTER TABLE smsd_wait ADD COLUMN severity INTEGER";
// Removes the CHECK from smsq, because a text may be as long as an SMS of several parts. Editing the table's
// SQL text is the way that sqlite.org recommends: rows, indexes and triggers stay unchanged. Held entries get
// the stamps of the rows that are in smsq now.
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
constexpr auto copyTo = "VACUUM INTO ?";

// Created whenever they are missing, because every statement of the road names them.
constexpr auto indexes = R"(
CREATE INDEX IF NOT EXISTS smsq_unsent_order ON smsq (severity, time, id, phone) WHERE sent = 'N';
CREATE INDEX IF NOT EXISTS smsq_unsent_phone ON smsq (phone, severity, time, id) WHERE sent = 'N';
CREATE UNIQUE INDEX IF NOT EXISTS smsd_submission_live ON smsd_submission (recipient) WHERE ended IS NULL;
)";

// --- the connection
constexpr auto countTables = "SELECT count(*) FROM sqlite_schema";
constexpr auto userVersion = "PRAGMA user_version";
constexpr auto applicationIdOfFile = "PRAGMA application_id";
constexpr auto setUserVersion = "PRAGMA user_version = {}";
constexpr auto setApplicationId = "PRAGMA application_id = {}";
constexpr auto journalMode = "PRAGMA journal_mode = WAL";
constexpr auto settings =
    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA "
    "cell_size_check = ON; "
    "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16000";
// Sizes of the log: when it is written into the file, and to how many bytes it is cut afterwards.
constexpr auto boundLog = "PRAGMA wal_autocheckpoint = {}; PRAGMA journal_size_limit = {}";
constexpr auto pageSize = "PRAGMA page_size";
constexpr auto dataVersion = "PRAGMA data_version";
constexpr auto uuid = "SELECT uuid FROM smsd_installation";
constexpr auto lastAttempt = "SELECT last_attempt FROM smsd_installation";
// For a file that may be an older copy. Otherwise its new submissions and attempts would reuse keys and
// numbers.
constexpr auto beginNewKeys =
    "UPDATE smsd_installation SET uuid = lower(hex(randomblob(16))), last_attempt = max(last_attempt, ?)";
constexpr auto isSound = "PRAGMA quick_check(1)";
// The only clock: ms since 1970, and the same moment as text for smsq.
constexpr auto clock =
    "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), strftime('%Y-%m-%d %H:%M:%f', "
    "'now')";

// True if the row still has this stamp, because ids are reused. smsd_stamp is a function of ours
// (stamp.h). A NULL stamp was never recorded: then the id alone decides.
#define SMSD_IS(row, stamp) "coalesce(" stamp " = smsd_stamp(" row ".time, " row ".phone, " row ".msg), 1)"
#define SMSD_HELD(row) \
  "EXISTS (SELECT 1 FROM smsd_held h WHERE h.message = " row ".id AND " SMSD_IS(row, "h.stamp") ")"

// --- life cycle of a supervisor
constexpr auto endAllRuns = "UPDATE smsd_supervisor SET alive = 0 WHERE alive = 1";
constexpr auto enlist =
    "INSERT INTO smsd_supervisor (name, host, pid, started, lease, lease_until, alive) VALUES (?, ?, ?, ?, "
    "?, ?, 1) "
    "RETURNING id";
constexpr auto renew = "UPDATE smsd_supervisor SET lease_until = ? + lease WHERE id = ? AND alive = 1";
constexpr auto isAlive = "SELECT 1 FROM smsd_supervisor WHERE id = ? AND alive = 1";
constexpr auto retire = "UPDATE smsd_supervisor SET alive = 0 WHERE id = ?";
constexpr auto orphans =
    "SELECT id, attempt, dispatcher, recipient, text, encoding, units, parts, sent_ids, ignored_ids, "
    "severity, "
    "first_message, rounds, since, stamps, (SELECT count(*) FROM smsd_attempt a WHERE a.submission = s.id "
    "AND "
    "a.outcome = 'not-understood') FROM smsd_submission s INDEXED BY smsd_submission_live WHERE ended IS "
    "NULL AND "
    "supervisor <> ? ORDER BY "
    "severity NULLS LAST, first_message, id";
constexpr auto adopt = "UPDATE smsd_submission SET supervisor = ? WHERE id = ?";
constexpr auto listOfIds = "SELECT value FROM json_each(?)";

// --- claim
// Continue from a position, in three steps. A single (severity, time, id) > (?, ?, ?) would seek by the first
// two columns only, and read the rows of one INSERT, which have the same time, again and again.
constexpr auto onwardInTime =
    "SELECT severity, time, id, phone FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' AND severity "
    "IS ? AND time = ? "
    "AND id > ? ORDER BY id LIMIT ?";
constexpr auto onwardInSeverity =
    "SELECT severity, time, id, phone FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' AND severity "
    "IS ? AND time > ? "
    "ORDER BY time, id LIMIT ?";
constexpr auto onward =
    "SELECT severity, time, id, phone FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' AND severity > "
    "? ORDER BY "
    "severity, time, id LIMIT ?";
constexpr auto isLive =
    "SELECT id, severity FROM smsd_submission INDEXED BY smsd_submission_live WHERE recipient = ? AND ended "
    "IS "
    "NULL";
constexpr auto isHeld =
    "SELECT 1 FROM smsd_held h JOIN smsq q ON q.id = h.message WHERE h.message = ? AND " SMSD_IS("q",
                                                                                                 "h.stamp");
constexpr auto waitOf = "SELECT rounds, due, severity, since, noted FROM smsd_wait WHERE recipient = ?";
constexpr auto lastMessage = "SELECT coalesce(max(id), 0) FROM smsq";
// ?3: age in ms. A row whose time is invalid never expires.
constexpr auto expire =
    "UPDATE smsq INDEXED BY smsq_unsent_phone SET sent = 'I', timesent = ?1 WHERE sent = 'N' AND phone = ?2 "
    "AND julianday(time) < julianday(?1) - ?3 / 86400000.0 "
    "AND NOT " SMSD_HELD("smsq") " RETURNING id";
constexpr auto recordIgnored =
    "INSERT INTO smsd_ignored (message, reason, at, stamp) SELECT q.id, ?, ?, smsd_stamp(q.time, q.phone, "
    "q.msg) "
    "FROM json_each(?) j JOIN smsq q ON q.id = j.value";
constexpr auto messagesToSend =
    "SELECT id, msg, severity, time FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = ? "
    "AND NOT " SMSD_HELD("smsq") " ORDER BY severity NULLS LAST, time, id LIMIT ?";
constexpr auto takeAttemptIds =
    "UPDATE smsd_installation SET last_attempt = last_attempt + ? RETURNING last_attempt";
constexpr auto submit =
    "INSERT INTO smsd_submission (recipient, supervisor, attempt, dispatcher, attempts, text, encoding, "
    "units, parts, "
    "sent_ids, ignored_ids, severity, first_message, rounds, created, since, stamps) VALUES (?, ?, ?, ?, 1, "
    "?, ?, ?, "
    "?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "RETURNING id";
constexpr auto forgetWaits =
    "DELETE FROM smsd_wait WHERE due <= ? AND NOT EXISTS (SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone "
    "WHERE sent = 'N' AND phone = recipient AND NOT " SMSD_HELD("smsq") ")";
constexpr auto nextDue =
    "SELECT min(due) FROM smsd_wait w WHERE due >= ? AND NOT EXISTS (SELECT 1 FROM smsd_submission s INDEXED "
    "BY "
    "smsd_submission_live WHERE s.recipient = w.recipient AND s.ended IS NULL)";

// --- attempts and settlement
constexpr auto standing =
    "SELECT supervisor, ended IS NOT NULL, attempt, dispatcher, recipient FROM smsd_submission WHERE "
    "id = ?";
constexpr auto nextAttempt =
    "UPDATE smsd_submission SET attempt = ?, dispatcher = ?, attempts = attempts + 1, rounds = ?, since = ? "
    "WHERE id = ?";
constexpr auto recordAttempt = "INSERT INTO smsd_attempt VALUES (?, ?, ?, ?, ?, ?)";
constexpr auto markSent =
    "UPDATE smsq SET sent = 'Y', smsid = ?, timesent = ? WHERE id = ? AND sent <> 'Y' AND " SMSD_IS("smsq",
                                                                                                    "?");
constexpr auto markIgnored =
    "UPDATE smsq SET sent = 'I', smsid = ?, timesent = ? WHERE id = ? AND sent = 'N' AND " SMSD_IS("smsq",
                                                                                                   "?");
// Rows that were marked meanwhile are not held. An existing entry with the same id belongs to a former row,
// so it is replaced.
constexpr auto hold =
    "INSERT OR REPLACE INTO smsd_held (message, submission, stamp) SELECT id, ?, smsd_stamp(time, phone, "
    "msg) FROM smsq "
    "WHERE id = ? AND sent = 'N' AND " SMSD_IS("smsq", "?");
constexpr auto end =
    "UPDATE smsd_submission SET ended = ?, fate = ?, outcome = ?, reason = ?, reference = ? WHERE id = ?";
constexpr auto wait =
    "INSERT INTO smsd_wait (recipient, rounds, due, reason, severity, since, noted) VALUES (?1, ?2, ?3, ?4, "
    "?5, ?6, ?7) "
    "ON CONFLICT (recipient) DO UPDATE SET rounds = ?2, due = ?3, reason = ?4, severity = ?5, since = ?6, "
    "noted = ?7";
constexpr auto noWait = "DELETE FROM smsd_wait WHERE recipient = ?";
constexpr auto hasUnsent =
    "SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = ? "
    "AND NOT " SMSD_HELD("smsq") " LIMIT 1";
constexpr auto hasMoreSevere =
    "SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = 'N' AND phone = ?1 AND severity IS NOT "
    "NULL "
    "AND (?2 IS NULL OR severity < ?2) AND NOT " SMSD_HELD("smsq") " LIMIT 1";

// --- operations of NAV's queue class; {} is a letter of smsq.sent, as a literal so that the partial indexes
// are used
#define SMSD_CANCEL                                                                                        \
  "UPDATE smsq INDEXED BY smsq_unsent_order SET sent = 'I', timesent = ?1 WHERE sent = 'N' AND phone NOT " \
  "IN (SELECT recipient FROM smsd_submission INDEXED BY smsd_submission_live WHERE ended IS NULL) "        \
  "AND NOT " SMSD_HELD("smsq") " "
constexpr auto cancelAll = SMSD_CANCEL "RETURNING id";
constexpr auto cancelOld = SMSD_CANCEL "AND julianday(time) <= julianday(?1) - ?2 / 86400000.0 RETURNING id";
#undef SMSD_CANCEL
// Recipients without claimable messages have nothing to wait for.
constexpr auto forgetEmptyWaits =
    "DELETE FROM smsd_wait WHERE NOT EXISTS (SELECT 1 FROM smsq INDEXED BY smsq_unsent_phone WHERE sent = "
    "'N' "
    "AND phone = recipient AND NOT " SMSD_HELD("smsq") ")";
#define SMSD_STORED                                                                                    \
  "SELECT q.id, q.phone, a.name, q.msg, q.severity, substr(q.time, 1, 16), q.sent, EXISTS (SELECT 1 "  \
  "FROM smsd_submission s INDEXED BY smsd_submission_live WHERE s.recipient = q.phone AND s.ended IS " \
  "NULL) AND NOT " SMSD_HELD("q") ", q.sent = 'N' AND " SMSD_HELD("q")
constexpr auto messages = SMSD_STORED
    " FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.sent = '{}' ORDER BY q.time, q.id LIMIT "
    "?";
constexpr auto messagesOf = SMSD_STORED
    " FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.sent = '{}' AND q.phone = ? ORDER BY "
    "q.severity NULLS LAST, q.time, q.id";
constexpr auto oneMessage =
    SMSD_STORED " FROM smsq q LEFT JOIN account a ON a.id = q.accountid WHERE q.id = ?";
constexpr auto recipients = "SELECT DISTINCT phone FROM smsq WHERE sent = '{}' ORDER BY phone";
constexpr auto insert =
    "INSERT INTO smsq (accountid, time, phone, msg, severity) VALUES (?, ?, ?, ?, ?) RETURNING id";
// As in NAV, a mark as unsent keeps the time of the former mark.
constexpr auto setStatus =
    "UPDATE smsq SET sent = ?1, smsid = ?2, timesent = iif(?1 = 'N', timesent, ?3) WHERE id = ?4";
constexpr auto countUnsent =
    "SELECT count(*) FROM (SELECT 1 FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N' LIMIT ?)";
constexpr auto countHeldUnsent =
    "SELECT count(*) FROM (SELECT 1 FROM smsd_held h JOIN smsq q ON q.id = h.message AND " SMSD_IS(
        "q", "h.stamp") " WHERE q.sent = 'N' LIMIT ?)";
constexpr auto anyBlamedWait = "SELECT EXISTS (SELECT 1 FROM smsd_wait WHERE rounds > 0)";
// The index has all columns of the inner query, and gives the order, so that nothing is sorted. Only the rows
// of held messages are read from the table, for their stamps.
constexpr auto oldestNotWaiting = R"(
  SELECT CAST(round((julianday(min(q.time)) - 2440587.5) * 86400000) AS INTEGER)
  FROM (SELECT id, time, phone FROM smsq INDEXED BY smsq_unsent_order WHERE sent = 'N'
        ORDER BY severity NULLS LAST, time, id LIMIT 10000) q
  WHERE julianday(q.time) IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM smsd_held h CROSS JOIN smsq r ON r.id = h.message
                    WHERE h.message = q.id AND )" SMSD_IS("r", "h.stamp") R"()
    AND NOT EXISTS (SELECT 1 FROM smsd_wait w WHERE w.recipient = q.phone AND w.rounds > 0 AND w.due > ?))";
// The first index entry of a severity is its oldest message, and the next severity is one seek away.
constexpr auto oldestAbove =
    "SELECT severity, CAST(round((julianday(time) - 2440587.5) * 86400000) AS INTEGER) FROM smsq INDEXED BY "
    "smsq_unsent_order "
    "WHERE sent = 'N' AND severity > ? ORDER BY severity, time LIMIT 1";
constexpr auto oldestOfOthers =
    "SELECT CAST(round((julianday(time) - 2440587.5) * 86400000) AS INTEGER) FROM smsq INDEXED BY "
    "smsq_unsent_order WHERE sent = "
    "'N' AND severity IS NULL ORDER BY time LIMIT 1";

// --- operator commands
// Messages that were marked or deleted by hand are no longer held. Dispatcher and reason are those of the
// last attempt with an unknown outcome.
constexpr auto held = R"(
  SELECT s.id, s.recipient, s.text, s.severity, coalesce(a.dispatcher, s.dispatcher), coalesce(a.reason, s.reason),
    substr(s.ended, 1, 19)
  FROM smsd_submission s LEFT JOIN smsd_attempt a ON a.id =
    (SELECT max(id) FROM smsd_attempt WHERE submission = s.id AND outcome IN ('unknown', 'not-understood'))
  WHERE s.id IN (SELECT h.submission FROM smsd_held h JOIN smsq q ON q.id = h.message AND )" SMSD_IS(
    "q", "h.stamp")
    R"( WHERE q.sent = 'N')
  ORDER BY s.ended, s.id LIMIT ?)";
constexpr auto heldOf = R"(
  SELECT h.message FROM smsd_held h JOIN smsq q ON q.id = h.message AND )" SMSD_IS("q", "h.stamp") R"(
  WHERE h.submission = ? AND q.sent = 'N' ORDER BY h.message)";
constexpr auto idsInText = R"(
  SELECT value FROM smsd_submission s, json_each(iif(json_valid(s.sent_ids), s.sent_ids, '[]'))
  WHERE s.id = ? ORDER BY key)";
constexpr auto idsCounted = R"(
  SELECT value FROM smsd_submission s, json_each(iif(json_valid(s.ignored_ids), s.ignored_ids, '[]'))
  WHERE s.id = ? ORDER BY key)";
constexpr auto decide = "UPDATE smsd_submission SET fate = ?, decided = ? WHERE id = ? AND fate = 'held'";
constexpr auto countHeld = "SELECT count(*) FROM smsd_held h JOIN smsq q ON q.id = h.message AND " SMSD_IS(
    "q", "h.stamp") " WHERE h.submission = ? AND q.sent = 'N'";
constexpr auto discard = R"(
  UPDATE smsq SET sent = 'I', timesent = ?
  WHERE sent = 'N' AND id IN (SELECT message FROM smsd_held WHERE submission = ?) AND )" SMSD_HELD("smsq");
// Two statements, because no value of a recipient may mean all.
constexpr auto endWaitOf = "DELETE FROM smsd_wait WHERE recipient = ?";
constexpr auto endAllWaits = "DELETE FROM smsd_wait";
constexpr auto recipientOf = "SELECT phone FROM smsq WHERE id = ?";
constexpr auto letGo = "DELETE FROM smsd_held WHERE submission = ?";
// The wait is shown only for a message that could be claimed without it. ?1: now in ms; ?3: the longest wait
// in ms.
constexpr auto life = SMSD_STORED R"(, substr(q.timesent, 1, 19), q.smsid, coalesce(w.rounds, 0),
    CASE WHEN w.due > ?1 AND w.due <= ?1 + ?3 AND w.noted <= ?1
      THEN strftime('%Y-%m-%d %H:%M:%S', w.due / 1000, 'unixepoch') END,
    strftime('%Y-%m-%d %H:%M:%S', w.since / 1000, 'unixepoch'), max(0, ?1 - w.since)
  FROM smsq q LEFT JOIN account a ON a.id = q.accountid
  LEFT JOIN smsd_wait w ON w.recipient = q.phone AND q.sent = 'N' AND NOT )" SMSD_HELD("q") R"(
  WHERE q.id = ?2)";
// Reads the whole history: an index from messages to their SMS would slow down every SMS.
constexpr auto submissionsWith = R"(
  SELECT s.id, s.text, v.host || '[' || v.pid || ']', substr(s.created, 1, 19), substr(s.ended, 1, 19), s.fate,
    substr(s.decided, 1, 19), s.attempt, s.dispatcher, s.outcome, s.reason, s.reference
  FROM smsd_submission s LEFT JOIN smsd_supervisor v ON v.id = s.supervisor
  WHERE EXISTS (SELECT 1 FROM json_each(iif(json_valid(s.sent_ids), s.sent_ids, '[]')) WHERE value = ?1)
    OR EXISTS (SELECT 1 FROM json_each(iif(json_valid(s.ignored_ids), s.ignored_ids, '[]')) WHERE value = ?1)
  ORDER BY s.id)";
constexpr auto stampsOf = "SELECT iif(json_valid(stamps), stamps, '[]') FROM smsd_submission WHERE id = ?";
constexpr auto stampOf = "SELECT smsd_stamp(time, phone, msg) FROM smsq WHERE id = ?";
constexpr auto attemptsOf = R"(
  SELECT id, dispatcher, outcome, reason, substr(ended, 1, 19) FROM smsd_attempt WHERE submission = ? ORDER BY id)";
constexpr auto whyIgnored =
    "SELECT reason, substr(at, 1, 19) FROM smsd_ignored i JOIN smsq q ON q.id = i.message WHERE message = ? "
    "AND " SMSD_IS("q", "i.stamp") " ORDER BY i.rowid DESC LIMIT 1";
#undef SMSD_STORED
#undef SMSD_HELD

// --- the history
// The current time as the text of `clock`, moved by the parameter, for example '-5.000 seconds'.
constexpr auto ago = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now', ?)";
// A held submission stays as long as one of its messages is held: those that were marked or deleted by hand
// are not.
constexpr auto lookAtHistory = R"(
  SELECT s.id, s.ended < ?2 AND (s.fate <> 'held' OR NOT EXISTS (
      SELECT 1 FROM smsd_held h CROSS JOIN smsq q ON q.id = h.message
      WHERE h.submission = s.id AND q.sent = 'N' AND )" SMSD_IS("q", "h.stamp") R"()), s.created >= ?2
  FROM smsd_submission s WHERE s.id > ?1 ORDER BY s.id LIMIT ?3)";
#undef SMSD_IS
constexpr auto purgeAttempts = "DELETE FROM smsd_attempt WHERE submission = ?";
constexpr auto purgeSubmission = "DELETE FROM smsd_submission WHERE id = ?";
// Rows are in the order in which they were written, which is the order of time.
constexpr auto purgeIgnored =
    "DELETE FROM smsd_ignored WHERE rowid IN (SELECT rowid FROM (SELECT rowid, at FROM smsd_ignored ORDER BY "
    "rowid LIMIT ?2) WHERE at < ?1)";

}  // namespace smsd::queue::sqlite::sql
