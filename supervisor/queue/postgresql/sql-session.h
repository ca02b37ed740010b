// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of each connection to PostgreSQL: its settings, the bell, and the look for the partial indexes. Called
// by connection.cpp, and by others for `planThisFreely`.
#pragma once

#include <array>
#include <utility>

#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

/// Defaults for settings that are missing in the connection string. A silent network is noticed in about 20 s
/// instead of two hours.
inline constexpr std::array<std::pair<const char*, const char*>, 6> connectionDefaults{{
    {"application_name", "smsd"},
    {"connect_timeout", "5"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "3"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "20000"},
}};

enum class ServerEncoding { serverEncoding };
inline constexpr Statement<ServerEncoding> serverEncoding = "SHOW server_encoding";

/// Settings that the defaults of the role or the database must not change.
/// A supervisor that is stopped in the middle of a transaction (SIGSTOP, a suspended host) must not hold its
/// locks against a take-over. The timeout of 5 s is enough because our transactions pause only to format a
/// batch.
inline constexpr const char* sessionSettings = R"(
  SET DateStyle TO 'ISO, YMD';
  SET standard_conforming_strings TO on;
  SET jit TO off;
  SET lock_timeout TO '10s';
  SET idle_in_transaction_session_timeout TO '5s';
  SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off')";

/// With the indexes, a plan is the same whatever the statistics and the values are, so it may be kept.
/// Without them, a plan is made for each execution, because a plan kept from an empty table is quadratic on a
/// full one.
inline constexpr const char* planByIndex =
    "SET enable_seqscan TO off; SET enable_bitmapscan TO off; SET enable_sort TO off; "
    "SET plan_cache_mode TO force_generic_plan";
inline constexpr const char* planFreely =
    "SET enable_seqscan TO on; SET enable_bitmapscan TO on; SET enable_sort TO on; "
    "SET plan_cache_mode TO force_custom_plan";
/// For lists for an operator, which may read the whole table.
inline constexpr const char* planThisFreely =
    "SET LOCAL enable_seqscan TO on; SET LOCAL enable_bitmapscan TO on; SET LOCAL enable_sort TO on; "
    "SET LOCAL plan_cache_mode TO force_custom_plan";

inline constexpr const char* listen = "LISTEN smsd_queue";
inline constexpr const char* ring = "SELECT pg_notify('smsd_queue', '')";
/// Looks for the trigger of `smsctl db install --notify`, or a similar one.
inline constexpr const char* announcesInserts = R"(
  SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                 WHERE t.tgrelid = to_regclass('smsq') AND t.tgenabled IN ('O', 'A')
                   AND p.prosrc LIKE '%smsd_queue%'))";

/// Counts the two indexes by their columns and predicate, not by name: 2 if both can be used.
inline constexpr const char* usableIndexes = R"(
  SELECT count(DISTINCT columns) FROM (
    SELECT (SELECT string_agg(a.attname, ',' ORDER BY k.n)
            FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) AS columns
    FROM pg_index i
    WHERE i.indrelid = to_regclass('smsq') AND i.indisvalid
      AND pg_get_expr(i.indpred, i.indrelid) LIKE '(sent = ''N''::%)') found
  WHERE columns IN ('severity,time,id', 'phone,severity,time,id'))";

}  // namespace smsd::queue::postgresql::sql
