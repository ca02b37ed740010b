-- SPDX-License-Identifier: GPL-3.0-or-later
-- The queue for an installation without NAV: the parts of NAV's two tables that smsd needs, in the first schema of the
-- search_path. With NAV, these tables exist already.
CREATE TABLE IF NOT EXISTS account (
  id serial PRIMARY KEY,
  login varchar NOT NULL UNIQUE,
  name varchar DEFAULT 'Noname'
);

CREATE TABLE IF NOT EXISTS smsq (
  id serial PRIMARY KEY,
  accountid integer REFERENCES account (id) ON UPDATE CASCADE ON DELETE CASCADE,
  time timestamp NOT NULL DEFAULT localtimestamp,
  phone varchar(15) NOT NULL,
  msg varchar(145) NOT NULL,
  sent char(1) NOT NULL DEFAULT 'N' CHECK (sent IN ('Y', 'N', 'I')),
  smsid integer,
  timesent timestamp,
  severity integer
);
