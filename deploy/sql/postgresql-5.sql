-- SPDX-License-Identifier: GPL-3.0-or-later
-- Upgrades the schema smsd from version 4 to version 5: programs of different versions may work on one database at the same time.
-- `smsctl db install` runs it if it finds version 4. Supervisors that know version 4 continue to run meanwhile and afterwards.
ALTER TABLE smsd.installation ADD COLUMN schema_version integer NOT NULL DEFAULT 5, ADD COLUMN oldest_version integer NOT NULL DEFAULT 4;
ALTER TABLE smsd.installation ALTER COLUMN schema_version DROP DEFAULT, ALTER COLUMN oldest_version DROP DEFAULT;
ALTER TABLE smsd.supervisor ADD COLUMN knows integer NOT NULL DEFAULT 4, ADD COLUMN program text;
