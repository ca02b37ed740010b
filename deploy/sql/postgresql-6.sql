-- SPDX-License-Identifier: GPL-3.0-or-later
-- Upgrades the schema smsd from version 5 to version 6: heartbeats of other programs. `smsctl db install` runs it if it finds version
-- 5. Supervisors that know version 4 or 5 continue to run meanwhile and afterwards.
CREATE TABLE smsd.heartbeat (
  name text PRIMARY KEY,
  beats bigint NOT NULL DEFAULT 0,
  judged bigint NOT NULL DEFAULT 0,
  last timestamptz,
  waited bigint NOT NULL DEFAULT 0,
  looked timestamptz NOT NULL DEFAULT now(),
  looks bigint NOT NULL DEFAULT 0,
  looker bigint,
  missing timestamptz
) WITH (fillfactor = 50);
-- Roles that may update waits get the same rights on heartbeats.
DO $$
DECLARE one name;
BEGIN
  FOR one IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
    WHERE table_schema = 'smsd' AND table_name = 'wait' AND privilege_type = 'UPDATE' AND grantee NOT IN (current_user, 'PUBLIC')
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON smsd.heartbeat TO %I', one);
  END LOOP;
END $$;
UPDATE smsd.installation SET schema_version = 6;
