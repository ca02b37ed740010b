-- SPDX-License-Identifier: GPL-3.0-or-later
-- Two partial indexes on NAV's smsq. They contain only unsent messages, so they stay small for any length of the history: a claim
-- costs the same with a million rows as with none. Without them, smsd works, but reads the whole table for each claim. Do not run
-- this inside a transaction: it creates the indexes concurrently, so that NAV is not locked out.
CREATE INDEX CONCURRENTLY IF NOT EXISTS smsq_unsent_order ON smsq (severity, time, id) WHERE sent = 'N';
CREATE INDEX CONCURRENTLY IF NOT EXISTS smsq_unsent_phone ON smsq (phone, severity, time, id) WHERE sent = 'N';
