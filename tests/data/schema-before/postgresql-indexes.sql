-- Two partial indexes on NAV's smsq. They hold unsent messages only, so they stay small whatever the history; with them a
-- claim costs the same at a million rows as at none. smsd works without them, and reads the whole table instead.
-- Made without locking out NAV: not inside a transaction.
CREATE INDEX CONCURRENTLY IF NOT EXISTS smsq_unsent_order ON smsq (severity, time, id) WHERE sent = 'N';
CREATE INDEX CONCURRENTLY IF NOT EXISTS smsq_unsent_phone ON smsq (phone, severity, time, id) WHERE sent = 'N';
