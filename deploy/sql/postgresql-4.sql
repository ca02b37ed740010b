-- The schema smsd from version 3 to version 4: giving up by time as well as by rounds, waits that survive a stepped clock,
-- and rows that are told apart from later ones of the same id. `smsctl db install` runs it where it finds version 3, with
-- every smsd stopped; one that runs on is refused by the database, and loses nothing.
ALTER TABLE smsd.submission ADD COLUMN since timestamptz, ADD COLUMN stamps bigint[];
ALTER TABLE smsd.wait ADD COLUMN since timestamptz, ADD COLUMN noted timestamptz NOT NULL DEFAULT now();
ALTER TABLE smsd.held ADD COLUMN stamp bigint;
ALTER TABLE smsd.ignored ADD COLUMN stamp bigint;
-- What is held now is what stands in smsq now. Live submissions stay without stamps: their messages go by the id alone.
UPDATE smsd.held h SET stamp = hashtextextended(coalesce(q.msg::text, ''), hashtextextended(q.phone::text,
    coalesce(timestamp_hash_extended(q.time::timestamp, 0), 0)))
  FROM smsq q WHERE q.id = h.message;
-- Whoever may hold messages may hold one in the place of another.
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
