-- SPDX-License-Identifier: GPL-3.0-or-later
-- Upgrades the schema smsd from version 1 to version 2. `smsctl db install` runs it if it finds version 1.
-- A wait of version 1 has no severity, so any message with a severity ends it, once.
ALTER TABLE smsd.wait ADD COLUMN severity integer;
CREATE INDEX ignored_at ON smsd.ignored (at);
UPDATE smsd.installation SET version = 2;
