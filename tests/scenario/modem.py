"""A real modem path: rows in PostgreSQL, the supervisor, the Gammu worker locked in, and a modem that can be made to fail."""

import json

from harness import Modem, Postgres, Scenario, Smsd, wait_for

EXTENSION = "A {b} [c] ~ \\ ^ | € åäöÆØ@£$"
EMOJI = "Router Oslo-1 \U0001F525\U0001F469\u200D\U0001F692 død"
LONG = [f"core-gw{n}: interface xe-0/0/{n} is down [critical] {{since 03:0{n}}}, " + "no carrier, " * 6 for n in range(3)]


class Path(Scenario):
    def setUp(self):
        super().setUp()
        self.db = self.open(Postgres(self.folder))
        self.modem = self.open(Modem(self.folder))

    def smsd(self, dispatchers, **more):
        smsd = self.open(Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": self.db.dsn()}}, dispatchers, **more))
        smsd.ctl("db", "install", "--notify")
        return smsd

    def queue(self, phone, *texts, severity=1):
        self.db.sql("".join("INSERT INTO smsq (accountid, time, phone, msg, severity) VALUES (1, now(), '{}', '{}', {});".format(
            phone, text.replace("'", "''"), severity) for text in texts))

    def all_sent(self, count):
        wait_for(f"{count} are Y", lambda: self.db.number("SELECT count(*) FROM smsq WHERE sent='Y'") == count)


class EndToEnd(Path):
    def test_what_the_network_reads_is_what_was_formatted(self):
        smsd = self.smsd({"modem": ("gammu", {"device": str(self.modem.link)})}, settings={"formatting": {"max_parts": 3}},
                         entries={"modem": {"timeout": "20s"}})
        wanted = {"+4790000001": [EXTENSION], "+4790000002": [EMOJI], "+4790000003": LONG}
        for phone, texts in wanted.items():
            self.queue(phone, *texts)
        formatted = {phone: json.loads(smsd.ctl("preview", "--max-parts", "3", "--json", stdin="\n".join(texts) + "\n"))
                     for phone, texts in wanted.items()}
        smsd.start()
        self.all_sent(5)
        got = {m["number"]: m for m in self.modem.sms()}
        self.assertEqual({n: (m["text"], m["alphabet"], len(m["parts"])) for n, m in got.items()},
                         {n: (f["sms"], f["encoding"], f["parts"]) for n, f in formatted.items()})
        self.assertEqual({n: len(m["parts"]) for n, m in got.items()}, {"+4790000001": 1, "+4790000002": 1, "+4790000003": 3})
        # the modem's reference; of three parts there are three, and smsid holds none
        references = {n: ",".join(map(str, m["references"])) for n, m in got.items()}
        rows = dict(self.db.sql("SELECT DISTINCT phone, smsid FROM smsq"))
        self.assertEqual(rows, {n: r if r.isdigit() else "0" for n, r in references.items()})
        self.assertIn(references["+4790000003"], smsd.ctl("explain", self.db.sql("SELECT id FROM smsq WHERE phone='+4790000003'")[0][0]))
