-- The two tables of NAV's that smsd works with, as NAV's schema `profiles` has them: columns, types, defaults, constraints.
-- account holds what smsq's foreign key and the user's name need. smsq has no index but its primary key: nor has NAV's.
CREATE SCHEMA profiles;

CREATE TABLE profiles.account (
  id serial PRIMARY KEY,
  login varchar NOT NULL UNIQUE,
  name varchar DEFAULT 'Noname',
  password varchar,
  ext_sync varchar
);

CREATE TABLE profiles.smsq (
  id serial PRIMARY KEY,
  accountid integer REFERENCES profiles.account (id) ON UPDATE CASCADE ON DELETE CASCADE,
  time timestamp NOT NULL,
  phone varchar(15) NOT NULL,
  msg varchar(145) NOT NULL,
  sent char(1) NOT NULL DEFAULT 'N' CHECK (sent IN ('Y', 'N', 'I')),
  smsid integer,
  timesent timestamp,
  severity integer
);

INSERT INTO profiles.account (login, name) VALUES ('one', 'Noname'), ('kari', 'Kari');

-- NAV finds its tables by the database's search_path.
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = profiles, public', current_database()); END $$;
