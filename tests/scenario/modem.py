# SPDX-License-Identifier: GPL-3.0-or-later
"""A real modem path: rows in PostgreSQL, the supervisor, the Gammu worker locked in, and a modem that can be made to fail."""

import json
import os
import signal
import time

from harness import Modem, Postgres, Scenario, Smsd, programs_for, sms_in, wait_for

EXTENSION = "A {b} [c] ~ \\ ^ | € åäöÆØ@£$"
EMOJI = "Router Oslo-1 \U0001F525\U0001F469\u200D\U0001F692 død"
LONG = [f"core-gw{n}: interface xe-0/0/{n} is down [critical] {{since 03:0{n}}}, " + "no carrier, " * 6 for n in range(3)]
PART = 0.70  # seconds that libgammu itself spends on a part: 0.1 + 0.5 + 0.1


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


class Outages(Path):
    """The modem is first, a debug dispatcher that takes everything second."""

    def start(self, **modem):
        self.second = self.folder / "second.jsonl"
        self.supervisor = self.smsd({"modem": ("gammu", {"device": str(self.modem.link)}), "second": ("debug", {"file": str(self.second)})},
                                    entries={"modem": dict({"timeout": "6s"}, **modem)}).start()
        wait_for("the modem is ready", lambda: self.supervisor.dispatcher("modem")["state"] == "ready")

    def queue_many(self, first, count):
        for n in range(first, first + count):
            self.queue(f"+4790000{n:03}", f"alert {n}")

    def through_modem(self):
        return {m["number"] for m in self.modem.sms()}

    def through_second(self):
        return {m["recipient"] for m in sms_in(self.second)}

    def back_in_use(self, number):
        """Queues an SMS each second until one goes through the modem; how long that took."""
        begin = time.monotonic()

        def through():
            nonlocal number
            if time.monotonic() > begin + (number - first):
                self.queue(f"+4790000{number:03}", f"alert {number}")
                number += 1
            return {m for m in self.through_modem() if int(m[-3:]) >= first}

        first = number
        wait_for("the modem is in use again", through, deadline=150)
        return time.monotonic() - begin, number

    def test_mute_in_mid_stream(self):
        self.start()
        self.modem.tell("reset-does-not-heal")
        self.modem.tell("mute-after 4")
        self.queue_many(0, 12)
        wait_for("the modem went mute", lambda: self.modem.status()["sms"] >= 4)
        begin = time.monotonic()
        self.all_sent(12)
        took = time.monotonic() - begin
        # Three were answered; the fourth the network has, and nobody knows: sent again by policy. The rest went the other way.
        self.assertEqual(len(self.through_modem()), 4)
        self.assertEqual(len(self.through_modem() & self.through_second()), 1)
        self.assertEqual(len(self.through_modem() | self.through_second()), 12)
        self.assertLess(took, 6 + 4)
        wait_for("it was told to start itself anew", lambda: self.modem.status()["resets"] >= 1)
        self.modem.tell("speak")
        back, number = self.back_in_use(100)
        self.all_sent(12 + number - 100)
        self.say(failed_over_in=f"{took:.1f} s", back_after=f"{back:.1f} s", resets=self.modem.status()["resets"])

    def test_unplugged_for_30_seconds_and_back_as_another_device(self):
        self.start()
        device = self.modem.status()["device"]
        self.queue_many(0, 6)
        wait_for("two are sent", lambda: self.modem.status()["sms"] >= 2)
        self.modem.tell("hang-up")
        begin = time.monotonic()
        self.all_sent(6)
        wait_for("it is said", lambda: "no modem" in self.supervisor.dispatcher("modem")["reason"])
        wait_for("no SIM is ready", lambda: set(self.supervisor.dispatcher("modem")["details"]) == {"device", "seen"}, deadline=90)
        wait_for("30 s are over", lambda: time.monotonic() > begin + 30)
        self.modem.tell("plug")
        self.assertNotEqual(self.modem.status()["device"], device)
        back, number = self.back_in_use(100)
        self.all_sent(6 + number - 100)
        everyone = self.through_modem() | self.through_second()
        self.assertEqual(len(everyone), 6 + number - 100)
        self.assertLessEqual(len(self.through_modem() & self.through_second()), 1)  # what was on its way
        self.say(back_after=f"{back:.1f} s", twice=len(self.through_modem() & self.through_second()))


class Proof(Scenario):
    """A modem that answers in its own words is first; nothing of what it did not send counts as sent."""

    def test_an_answer_without_a_reference_is_not_an_sms_that_was_sent(self):
        modem = self.open(Modem(self.folder, "echo off", "storm 0.5 OVER-VOLTAGE WARNNING", "answer 1 +CMS ERROR: Unknown error",
                                "answer 1 +CME ERROR: Operation not allowed", "answer 1 +CMS ERROR: 0", "answer 1 OK|+CMS ERROR: -1"))
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": "queue.db"}}, {"modem": ("gammu", {"device": str(modem.link)})},
                              settings={"retry": {"unknown": "hold", "limit": 5, "delay": "100ms"}}, entries={"modem": {"timeout": "20s"}}))
        smsd.start()
        wait_for("it is ready", lambda: smsd.dispatcher("modem")["state"] == "ready")
        for n in range(4):
            smsd.ctl("send", f"+479000000{n}", f"alert {n}")

        def counts():
            one = smsd.dispatcher("modem")
            return {name: one[name] for name in ("accepted", "unknown")}

        # Two ended in errors that say that nothing was sent, and are sent again; two nobody knows, and they are held.
        wait_for("two are sent and two are held", lambda: counts() == {"accepted": 2, "unknown": 2})
        self.assertEqual(len(modem.sms()), 2)
        held = [n for n in range(1, 5) if "held" in smsd.ctl("explain", str(n))]
        self.assertEqual(len(held), 2)


class TwoModems(Path):
    KILLS, LEAST = 20, 100

    def test_one_is_killed_20_times_and_the_other_never_notices(self):
        other = self.open(Modem(self.folder, name="other"))
        supervisor = self.smsd({"one": ("gammu", {"device": str(self.modem.link)}), "two": ("gammu", {"device": str(other.link)})},
                               entries={"one": {"timeout": "20s"}, "two": {"timeout": "20s"}}).start()
        wait_for("both are ready", lambda: all(supervisor.dispatcher(d)["state"] == "ready" for d in ("one", "two")))
        before = supervisor.dispatcher("two")
        killed, queued, accepted = [], 0, 0

        def kill():
            """By turns one that has sent something, and the one after it before it has. Both modems always have something to send."""
            nonlocal queued, accepted
            while queued - self.db.number("SELECT count(*) FROM smsq WHERE sent='Y'") < 8 and (len(killed) < self.KILLS or queued < self.LEAST):
                self.queue(f"+4790000{queued:03}", f"alert {queued}")
                queued += 1
            one = supervisor.dispatcher("one")
            if len(killed) < self.KILLS and one["worker_pid"] not in (0, *killed[-1:]) and (len(killed) % 2 == 1 or one["accepted"] > accepted):
                os.kill(one["worker_pid"], signal.SIGKILL)
                killed.append(one["worker_pid"])
                accepted = one["accepted"]
            return len(killed) == self.KILLS and queued >= self.LEAST

        wait_for("it was killed 20 times", kill, deadline=300)
        self.all_sent(queued)
        after = supervisor.dispatcher("two")
        self.assertEqual((after["worker_pid"], after["starts"]), (before["worker_pid"], 1))
        self.assertEqual((after["deferred"], after["broken"], after["unknown"], other.status()["starts"]), (0, 0, 0, 1))
        self.assertEqual({m["text"] for m in self.modem.sms() + other.sms()}, {f"alert {n}" for n in range(queued)})
        # How fast the other one was while it had something to do; a gap of two parts is one in which it had not.
        times = [m["at"] for m in other.sms()]
        gaps = [b - a for a, b in zip(times, times[1:]) if b - a < 2 * PART]
        share = PART / (sum(gaps) / len(gaps))
        self.say(kills=len(killed), through_one=len(self.modem.sms()), through_two=len(times), rate=f"{share:.1%} of libgammu's",
                 per_part=f"{sum(gaps) / len(gaps):.3f} s", initialisations_of_two=other.status()["starts"])
        self.assertGreater(share, 0.75)


class Lock(Scenario):
    """As root and as an unprivileged user: what the worker cannot do, and that it sends all the same."""

    def worker(self, user, device):
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": "queue.db"}}, {"modem": ("gammu", {"device": str(device)})},
                              name=user, user=user, entries={"modem": {"timeout": "20s", "worker": str(programs_for(user, self.folder) / "gammu-probe")}}))
        return smsd.start()

    def probe(self, user):
        modem, stranger = self.open(Modem(self.folder)), self.open(Modem(self.folder, name="stranger"))
        smsd = self.worker(user, modem.link)
        wait_for("it is ready", lambda: smsd.dispatcher("modem")["state"] == "ready")
        self.assertIn("locked in by no_new_privs, landlock:", smsd.text())
        smsd.ctl("send", "+4790000001", "sent from within the lock")
        wait_for("it is sent", lambda: [m["text"] for m in modem.sms()] == ["sent from within the lock"])
        smsd.ctl("send", "+4790000002", f"probe {stranger.status()['device']}")
        told = wait_for("the probe answered", lambda: (life := smsd.ctl("explain", "2")) and "passwd" in life and life)
        self.assertIn("passwd EACCES; tty EACCES; ptmx EACCES; memory EACCES; new file EACCES; inet EPERM; netlink EPERM; fork EAGAIN; signal EPERM; "
                      "thread EAGAIN",
                      told)
        smsd.ctl("send", "+4790000003", "probe exec")
        wait_for("the lock ended it", lambda: "signal 31" in smsd.text())

    def test_as_root(self):
        if os.getuid() != 0:
            self.skipTest("not root")
        self.probe("root")

    def test_as_nobody(self):
        self.probe("nobody" if os.getuid() == 0 else None)

    def test_without_its_lock_it_does_not_serve(self):
        smsd = self.worker("root" if os.getuid() == 0 else None, self.folder)  # a folder is no device: there is no rule for it
        wait_for("it says why", lambda: "will not serve unlocked" in smsd.text())
        self.assertNotEqual(smsd.dispatcher("modem")["state"], "ready")
