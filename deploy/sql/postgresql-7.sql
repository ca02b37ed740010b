-- SPDX-License-Identifier: GPL-3.0-or-later
-- Upgrades the schema smsd from version 6 to version 7: alerts that programs submit, and storm control. `smsctl db install` runs it
-- if it finds version 6. Supervisors that know version 4, 5 or 6 continue to run meanwhile and afterwards; alerts are taken, and
-- recipients paced, when all know version 7.
ALTER TABLE smsd.ignored DROP CONSTRAINT ignored_reason_check;
ALTER TABLE smsd.ignored ADD CONSTRAINT ignored_reason_check CHECK (reason IN ('expired', 'cancelled', 'resolved'));
CREATE TABLE smsd.alert (
  message bigint NOT NULL,
  stamp bigint NOT NULL,
  caller text NOT NULL,
  label text,
  group_name text,
  key text,
  text text,
  expires timestamptz,
  submitted timestamptz NOT NULL DEFAULT now(),
  repeats bigint NOT NULL DEFAULT 0,
  repeated timestamptz,
  resolved_by text
) WITH (fillfactor = 80);
CREATE INDEX alert_message ON smsd.alert (message);
CREATE INDEX alert_submitted ON smsd.alert (submitted);
CREATE TABLE smsd.alert_key (
  identity text COLLATE "C" PRIMARY KEY,
  message bigint,
  stamp bigint,
  at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 60);
CREATE INDEX alert_key_at ON smsd.alert_key (at);
CREATE TABLE smsd.pace (
  recipient text PRIMARY KEY,
  due timestamptz NOT NULL,
  exempt integer,
  hour timestamptz NOT NULL,
  sent integer NOT NULL,
  noted timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 60);
-- Roles that may update waits get the same rights on alerts and paces.
DO $$
DECLARE one name;
BEGIN
  FOR one IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
    WHERE table_schema = 'smsd' AND table_name = 'wait' AND privilege_type = 'UPDATE' AND grantee NOT IN (current_user, 'PUBLIC')
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON smsd.alert, smsd.alert_key, smsd.pace TO %I', one);
  END LOOP;
END $$;
UPDATE smsd.installation SET schema_version = 7;
