-- Wakes smsd when a message is inserted, instead of at its next poll. Fires once a statement; costs NAV about 40 microseconds.
CREATE TRIGGER smsd_notify AFTER INSERT ON smsq FOR EACH STATEMENT EXECUTE FUNCTION smsd.notify_queue();
