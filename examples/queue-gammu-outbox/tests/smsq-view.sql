-- SPDX-License-Identifier: GPL-3.0-or-later
-- The suite's view of the messages, smsq, in the databases of its tests (tests/queue/suite/store.h): an insert becomes a row of outbox,
-- as of a program that injects there, with the severity, the account and the moment that the case wants.
CREATE VIEW smsq AS SELECT id, accountid, time, phone, msg, sent, smsid, timesent, severity FROM smsd_outbox.message;

CREATE FUNCTION smsq_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM outbox WHERE "ID" = OLD.id;
    DELETE FROM sentitems WHERE "ID" = OLD.id;
    RETURN OLD;
  END IF;
  IF TG_OP = 'INSERT' THEN
    NEW.id := coalesce(NEW.id, nextval('"outbox_ID_seq"'));
    INSERT INTO outbox ("ID", "InsertIntoDB", "DestinationNumber", "TextDecoded", "CreatorID")
      VALUES (NEW.id, NEW.time, NEW.phone, NEW.msg, '');
  END IF;
  UPDATE smsd_outbox.message SET accountid = NEW.accountid, time = NEW.time, phone = NEW.phone, msg = NEW.msg,
    sent = coalesce(NEW.sent, 'N'), smsid = NEW.smsid, timesent = NEW.timesent, severity = NEW.severity WHERE id = NEW.id;
  RETURN NEW;
END $$;
CREATE TRIGGER smsq_changed INSTEAD OF INSERT OR UPDATE OR DELETE ON smsq FOR EACH ROW EXECUTE FUNCTION smsq_changed();

INSERT INTO smsd_outbox.account (id, creator, name) VALUES (1, 'one', 'Noname'), (2, 'kari', 'Kari');
