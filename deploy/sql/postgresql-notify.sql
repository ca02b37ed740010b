-- SPDX-License-Identifier: GPL-3.0-or-later
-- Wakes smsd when a message is inserted; without it, smsd finds the message at its next poll. The trigger fires once for each
-- statement and costs NAV about 40 microseconds.
CREATE TRIGGER smsd_notify AFTER INSERT ON smsq FOR EACH STATEMENT EXECUTE FUNCTION smsd.notify_queue();
