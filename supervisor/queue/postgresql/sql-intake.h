// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of submitted alerts in PostgreSQL. Called by intake.cpp. The rules in sql-parts.h hold for each
// statement.
//
// Identities (intake.h) are passed sorted byte by byte, so that two transactions take them in one order.
#pragma once

#include "supervisor/queue/postgresql/sql-parts.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

enum class MayTake { yes, width };
/// $1: the first version of the schema that has alerts. `width`: the characters that smsq.msg holds; NULL:
/// any number. Begins with smsd.installation, as every transaction that uses it and smsd.supervisor.
inline constexpr Statement<MayTake> mayTakeAlerts =
    "SELECT i.schema_version >= $1::integer AND (SELECT s.id FROM smsd.supervisor s WHERE s.state = 'alive' "
    "AND "
    "s.lease_until > now() AND s.knows < $1::integer LIMIT 1) IS NULL AS yes, "
    "(SELECT nullif(a.atttypmod, -1) - 4 FROM pg_attribute a WHERE a.attrelid = 'smsq'::regclass AND "
    "a.attname = "
    "'msg' AND a.atttypid = 'varchar'::regtype) AS width FROM smsd.installation i";

enum class OwnKeys { identity };
/// $1: sorted identities, each once. $2: the time in ms for which a key counts. Returns those that are ours
/// now; the others are those of an earlier alert. Waits for a transaction that takes the same. A key from the
/// future counts as over, because the clock was stepped.
inline constexpr Statement<OwnKeys> ownKeys =
    "INSERT INTO smsd.alert_key AS k (identity) SELECT u.identity FROM unnest($1::text[]) WITH ORDINALITY "
    "u(identity, n) ORDER BY u.n "
    "ON CONFLICT (identity) DO UPDATE SET at = now(), message = NULL, stamp = NULL "
    "WHERE (k.at < now() - $2::bigint * interval '1 ms' OR k.at > now() + interval '1 min') "
    "AND (SELECT q.id FROM smsq q WHERE q.id = k.message AND q.sent = 'N' AND " SMSD_IS("k.stamp") ") IS NULL "
    "RETURNING identity";

enum class KeptKeys { identity, message, stamp };
inline constexpr Statement<KeptKeys> keptKeys =
    "SELECT identity, message, stamp FROM smsd.alert_key WHERE identity = ANY($1::text[]) AND message IS NOT "
    "NULL";

enum class Unsent { id, phone };
/// $1: sorted ids. $2: their stamps.
inline constexpr Statement<Unsent> unsentOf =
    "SELECT q.id, q.phone FROM smsq q WHERE q.id = ANY($1::bigint[]) AND q.sent::text = 'N' AND " SMSD_IS_IN(
        "$2");

enum class LockedRecipients { recipient };
/// Takes each recipient that no supervisor works on, so that none claims it until this transaction ends.
inline constexpr Statement<LockedRecipients> lockRecipients =
    "INSERT INTO smsd.live (recipient, supervisor) SELECT r.recipient, 0 FROM unnest($1::text[]) WITH "
    "ORDINALITY r(recipient, n) ORDER BY r.n ON CONFLICT (recipient) DO NOTHING RETURNING recipient";
inline constexpr const char* unlockRecipients = "DELETE FROM smsd.live WHERE recipient = ANY($1::text[])";

enum class Resolved { id };
/// $1: sorted ids. $2: their stamps. The caller has locked their recipients.
inline constexpr Statement<Resolved> resolve =
    "WITH resolved AS (UPDATE smsq q SET sent = 'I', timesent = now() WHERE q.id = ANY($1::bigint[]) AND "
    "q.sent::text = 'N' AND " SMSD_IS_IN("$2") " AND NOT " SMSD_HELD "RETURNING q.id, " SMSD_STAMP
                                               " AS stamp), "
                                               "noted AS (INSERT INTO smsd.ignored (message, reason, stamp) "
                                               "SELECT id, 'resolved', stamp FROM resolved) "
                                               "SELECT id FROM resolved";
/// $1: ids. $2: for each, in the order of the ids, who resolved it.
inline constexpr const char* noteResolver =
    "UPDATE smsd.alert a SET resolved_by = ($2::text[])[width_bucket(a.message, $1::bigint[])] "
    "WHERE a.message = ANY($1::bigint[]) AND a.stamp = ($3::bigint[])[width_bucket(a.message, $1::bigint[])]";
/// Those that were resolved before: a repeated resolution is the same one. $1: sorted ids. $2: their stamps.
inline constexpr Statement<Resolved> resolvedBefore =
    "SELECT DISTINCT i.message AS id FROM smsd.ignored i WHERE i.message = ANY($1::bigint[]) AND i.reason = "
    "'resolved' "
    "AND i.stamp = ($2::bigint[])[width_bucket(i.message, $1::bigint[])]";

enum class Put { id, stamp };
/// In the order of the arrays.
inline constexpr Statement<Put> putMessages = R"(
  INSERT INTO smsq AS q (accountid, time, phone, msg, severity)
  SELECT NULL, localtimestamp, phone, msg, severity
  FROM unnest($1::text[], $2::text[], $3::integer[]) WITH ORDINALITY u(phone, msg, severity, n)
  ORDER BY n RETURNING q.id, )" SMSD_STAMP " AS stamp";
inline constexpr const char* putAlerts = R"(
  INSERT INTO smsd.alert (message, stamp, caller, label, group_name, key, text, expires)
  SELECT message, stamp, caller, nullif(label, ''), nullif(group_name, ''), nullif(key, ''), nullif(text, ''),
    now() + expires * interval '1 ms'
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
    u(message, stamp, caller, label, group_name, key, text, expires))";
/// $1: sorted identities. $2, $3: message and stamp of each.
inline constexpr const char* bindKeys =
    "UPDATE smsd.alert_key k SET message = ($2::bigint[])[width_bucket(k.identity, $1::text[])], stamp = "
    "($3::bigint[])[width_bucket(k.identity, $1::text[])] WHERE k.identity = ANY($1::text[])";
/// $1: identities.
inline constexpr const char* forgetKeys = "DELETE FROM smsd.alert_key WHERE identity = ANY($1::text[])";
/// $1: sorted ids. $2: their stamps. $3: how many duplicates of each came.
inline constexpr const char* countRepeats =
    "UPDATE smsd.alert a SET repeats = repeats + ($3::bigint[])[width_bucket(a.message, $1::bigint[])], "
    "repeated = "
    "now() WHERE a.message = ANY($1::bigint[]) AND a.stamp = ($2::bigint[])[width_bucket(a.message, "
    "$1::bigint[])]";

enum class AlertOf { caller, label, groupName, key, text, expires, repeats, repeated, resolvedBy };
inline constexpr Statement<AlertOf> alertOf =
    "SELECT a.caller, a.label, a.group_name, a.key, a.text, " SMSD_TO_THE_SECOND("a.expires")
    " AS expires, a.repeats, " SMSD_TO_THE_SECOND("a.repeated") " AS repeated, a.resolved_by "
    "FROM smsd.alert a JOIN smsq q ON q.id = a.message AND a.stamp = " SMSD_STAMP
    " WHERE a.message = $1::bigint LIMIT 1";
/// A restored message is to be sent, so it does not expire any more.
inline constexpr const char* forgetExpiry =
    "UPDATE smsd.alert SET expires = NULL WHERE message = $1::bigint AND expires IS NOT NULL";

/// $1: the age in ms. $2: how many at most. Those of unsent messages stay.
inline constexpr const char* purgeAlerts =
    "DELETE FROM smsd.alert d WHERE d.ctid = ANY(ARRAY(SELECT a.ctid FROM smsd.alert a WHERE a.submitted < "
    "now() - "
    "$1::bigint * interval '1 ms' AND (SELECT q.id FROM smsq q WHERE q.id = a.message AND q.sent = 'N') IS "
    "NULL "
    "ORDER BY a.submitted LIMIT $2))";
inline constexpr const char* purgeKeys =
    "DELETE FROM smsd.alert_key d WHERE d.ctid = ANY(ARRAY(SELECT k.ctid FROM smsd.alert_key k WHERE k.at < "
    "now() - "
    "$1::bigint * interval '1 ms' AND (SELECT q.id FROM smsq q WHERE q.id = k.message AND q.sent = 'N') IS "
    "NULL "
    "ORDER BY k.at LIMIT $2))";

}  // namespace smsd::queue::postgresql::sql
