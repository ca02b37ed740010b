// SPDX-License-Identifier: GPL-3.0-or-later
// SQL that looks at the condition of an installation, for `smsctl doctor`. Called by condition.cpp. Reads
// catalogs only.
#pragma once

#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql::sql {

enum class Conditions { privileges, zone, nav, now };
/// The privileges on smsd's own tables and on account that the role lacks, in words. They are those of the
/// GRANTs in install.cpp; the columns of smsq are in `missingPrivileges`. Also the zone of this session, the
/// sessions of NAV's smsd, and the time in milliseconds.
inline constexpr Statement<Conditions> condition = R"(
  WITH needed (object, privilege) AS (
    SELECT 'smsd.' || t, p FROM unnest(ARRAY['submission', 'live', 'wait', 'held', 'heartbeat']) t,
                                unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
    UNION ALL SELECT 'smsd.' || t, p FROM unnest(ARRAY['attempt', 'ignored']) t, unnest(ARRAY['SELECT', 'INSERT', 'DELETE']) p
    UNION ALL SELECT 'smsd.supervisor', p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p
    UNION ALL SELECT 'smsd.installation', 'SELECT')
  SELECT concat_ws(', ',
           (SELECT string_agg(privilege || ' on ' || object, ', ' ORDER BY object, privilege) FROM needed
            WHERE to_regclass(object) IS NOT NULL AND NOT has_table_privilege(to_regclass(object)::oid, privilege)),
           (SELECT 'USAGE on smsd.attempt_id' WHERE to_regclass('smsd.attempt_id') IS NOT NULL
              AND NOT has_sequence_privilege(to_regclass('smsd.attempt_id')::oid, 'USAGE')),
           (SELECT string_agg('SELECT of account.' || attname, ', ' ORDER BY attnum) FROM pg_attribute
            WHERE attrelid = to_regclass('account') AND attname IN ('id', 'name')
              AND NOT has_column_privilege(attrelid, attnum, 'SELECT'))) AS privileges,
         current_setting('TimeZone') AS zone,
         (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND application_name IN ('smsd (NAV legacy)', 'smsd.py (NAV legacy)')) AS nav,
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now)";

}  // namespace smsd::queue::postgresql::sql
