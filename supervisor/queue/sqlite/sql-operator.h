// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of the operator commands on a queue in a file, and of the deletion of old history. Called by
// operator.cpp.
#pragma once

#include "supervisor/queue/sqlite/sql-parts.h"

namespace smsd::queue::sqlite::sql {

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
constexpr auto purgeAttempts = "DELETE FROM smsd_attempt WHERE submission = ?";
constexpr auto purgeSubmission = "DELETE FROM smsd_submission WHERE id = ?";
// Rows are in the order in which they were written, which is the order of time.
constexpr auto purgeIgnored =
    "DELETE FROM smsd_ignored WHERE rowid IN (SELECT rowid FROM (SELECT rowid, at FROM smsd_ignored ORDER BY "
    "rowid LIMIT ?2) WHERE at < ?1)";

}  // namespace smsd::queue::sqlite::sql
