// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of attempts and settlements in PostgreSQL. Called by settle.cpp, and by claim.cpp for a wait that ends.
// The rules in sql-parts.h hold for each statement.
#pragma once

#include "supervisor/queue/postgresql/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

enum class NextAttempts { id, attempt };
/// $1: supervisor. $2: sorted submission ids. For each of them: $3 outcome, $4 reason, $5 next dispatcher, $6
/// rounds, $7 ms since the first counted failure.
inline constexpr Statement<NextAttempts> nextAttempts =
    R"(
  WITH old AS (
    SELECT s.id, s.attempt, s.dispatcher, width_bucket(s.id, $2::bigint[]) AS n FROM smsd.submission s
    WHERE s.id = ANY($2::bigint[]) AND s.supervisor = $1 AND s.ended IS NULL FOR UPDATE
  ), history AS (
    INSERT INTO smsd.attempt (id, submission, dispatcher, outcome, reason)
    SELECT attempt, id, dispatcher, ($3::text[])[n], nullif(($4::text[])[n], '') FROM old
  )
  UPDATE smsd.submission s
  SET attempt = nextval('smsd.attempt_id'), attempts = attempts + 1, dispatcher = ($5::text[])[width_bucket(s.id, $2::bigint[])],
    rounds = ($6::integer[])[width_bucket(s.id, $2::bigint[])],
    since = now() - ($7::bigint[])[width_bucket(s.id, $2::bigint[])] * interval '1 ms'
  WHERE s.id = ANY(ARRAY(SELECT id FROM old)) -- which is read first: it has to show the attempt that was
  RETURNING s.id, s.attempt)";

enum class Ended { id };
/// Ends those submissions that are live and belong to supervisor $1, and returns their ids: only they are
/// settled. $2: sorted ids. For each of them: $3 the index of its fate, outcome and reason in $4 to $6, $7
/// its reference, $8 its recipient.
inline constexpr Statement<Ended> end =
    R"(
  WITH free AS (
    DELETE FROM smsd.live WHERE recipient = ANY($8::text[]) AND supervisor = $1
      AND submission = ($2::bigint[])[width_bucket(submission, $2::bigint[])]
  ), ended AS (
    UPDATE smsd.submission s SET ended = now(),
      fate = ($4::text[])[($3::integer[])[width_bucket(s.id, $2::bigint[])]],
      outcome = ($5::text[])[($3::integer[])[width_bucket(s.id, $2::bigint[])]],
      reason = nullif(($6::text[])[($3::integer[])[width_bucket(s.id, $2::bigint[])]], ''),
      reference = nullif(($7::text[])[width_bucket(s.id, $2::bigint[])], '')
    WHERE s.id = ANY($2::bigint[]) AND s.supervisor = $1 AND s.ended IS NULL
    RETURNING s.id, s.attempt, s.dispatcher, s.outcome, s.reason
  ), history AS (
    INSERT INTO smsd.attempt (id, submission, dispatcher, outcome, reason)
    SELECT attempt, id, dispatcher, outcome, reason FROM ended WHERE outcome <> 'accepted')
  SELECT id FROM ended)";
/// $1: sorted ids. For each of them: $2 smsid, $3 stamp.
inline constexpr const char* markSent = R"(
  UPDATE smsq q SET sent = 'Y', smsid = ($2::integer[])[width_bucket(id::bigint, $1::bigint[])], timesent = now()
  WHERE id = ANY($1::bigint[]) AND sent::text <> 'Y' AND )" SMSD_IS_IN("$3");
/// As in NAV, messages that did not fit into an SMS get its smsid, too.
inline constexpr const char* markIgnored = R"(
  UPDATE smsq q SET sent = 'I', smsid = ($2::integer[])[width_bucket(id::bigint, $1::bigint[])], timesent = now()
  WHERE id = ANY($1::bigint[]) AND sent::text = 'N' AND )" SMSD_IS_IN("$3");
/// Counts the rows that have one of the ids but are other rows. A row that was marked, cancelled or released
/// meanwhile still has its stamp. $1: sorted ids. $2: for each of them its stamp.
inline constexpr const char* others = R"(
  SELECT count(*) FROM smsq q WHERE id = ANY($1::bigint[]) AND NOT )" SMSD_IS_IN("$2");
/// Holds those messages that are still unsent. $1: sorted ids. For each of them: $2 submission, $3 stamp. An
/// existing entry with the same id and another stamp belongs to a former row, so it is overwritten.
inline constexpr const char* hold = R"(
  INSERT INTO smsd.held AS h (message, submission, stamp)
  SELECT id, ($2::bigint[])[width_bucket(id::bigint, $1::bigint[])], )" SMSD_STAMP R"( FROM smsq q
  WHERE id = ANY($1::bigint[]) AND sent::text = 'N' AND )" SMSD_IS_IN("$3") R"(
  ON CONFLICT (message) DO UPDATE SET submission = excluded.submission, stamp = excluded.stamp
  WHERE h.stamp IS DISTINCT FROM excluded.stamp)";
inline constexpr const char* wait = R"(
  INSERT INTO smsd.wait (recipient, rounds, due, reason, severity, since)
  SELECT recipient, rounds, now() + ms * interval '1 ms', nullif(reason, ''), severity, now() - failing * interval '1 ms'
  FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::integer[], $6::bigint[])
    u(recipient, rounds, ms, reason, severity, failing)
  ON CONFLICT (recipient) DO UPDATE SET rounds = excluded.rounds, due = excluded.due, reason = excluded.reason,
    severity = excluded.severity, since = excluded.since, noted = excluded.noted)";
inline constexpr const char* forgetWaits = "DELETE FROM smsd.wait WHERE recipient = ANY($1::text[])";

}  // namespace smsd::queue::postgresql::sql
