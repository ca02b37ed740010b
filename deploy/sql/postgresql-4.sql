-- SPDX-License-Identifier: GPL-3.0-or-later
-- Upgrades the schema smsd from version 3 to version 4: adds giving up by time as well as by rounds, waits that survive a stepped
-- clock, and stamps that distinguish a row from a later row with the same id. `smsctl db install` runs it if it finds version 3.
-- Stop every smsd first; the database refuses the calls of an smsd that still runs, which loses nothing.
ALTER TABLE smsd.submission ADD COLUMN since timestamptz, ADD COLUMN stamps bigint[];
ALTER TABLE smsd.wait ADD COLUMN since timestamptz, ADD COLUMN noted timestamptz NOT NULL DEFAULT now();
ALTER TABLE smsd.held ADD COLUMN stamp bigint;
ALTER TABLE smsd.ignored ADD COLUMN stamp bigint;
-- Stamps the held messages from the present rows of smsq. Live submissions get no stamps, so their messages are identified by the
-- id alone.
UPDATE smsd.held h SET stamp = hashtextextended(coalesce(q.msg::text, ''), hashtextextended(q.phone::text,
    coalesce(timestamp_hash_extended(q.time::timestamp, 0), 0)))
  FROM smsq q WHERE q.id = h.message;
-- Roles that may hold messages may also replace a held message.
DO $$
DECLARE one name;
BEGIN
  FOR one IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
    WHERE table_schema = 'smsd' AND table_name = 'held' AND privilege_type = 'INSERT' AND grantee NOT IN (current_user, 'PUBLIC')
  LOOP
    EXECUTE format('GRANT UPDATE ON smsd.held TO %I', one);
  END LOOP;
END $$;
UPDATE smsd.installation SET version = 4;
