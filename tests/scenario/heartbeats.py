# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead man: monitoring that dies is an alert as well, one for one silence, and nothing but a silence is one."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time

from clock import LIBRARY, FakeClock, SteppedPostgres
from harness import BIN, DEADLINE, Postgres, Scenario, Smsd, die_with_parent, sms_in, wait_for
from main_path import install, postgres_queue

EVERY, GRACE, SPARE = 3, 1, 2  # seconds; the SMS leaves within their sum
NOBODY, ON_DUTY = "+4700000001", "+4799887766"


def passed(seconds):
    """Waits for a time in which something must not happen."""
    end = time.monotonic() + seconds
    wait_for(f"{seconds} s are over", lambda: time.monotonic() > end, deadline=seconds + 5)


class Monitoring:
    """A program that calls smsctl all the time, and can be killed."""

    def __init__(self, smsd, every=0.5, environment=None):
        call = f'while :; do "{smsd.bin}/smsctl" --config "{smsd.config}" heartbeat nav; sleep {every}; done'
        self.process = subprocess.Popen(["/bin/sh", "-c", call], preexec_fn=die_with_parent, start_new_session=True, env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        return time.monotonic()

    def close(self):
        if self.process.returncode is None:
            self.kill()
        self.process.stdout.close()


class Heartbeats(Scenario):
    def settings(self, **keys):
        return {"heartbeats": [dict({"name": "nav", "every": f"{EVERY}s", "grace": f"{GRACE}s", "recipient": NOBODY, "alert_to": ON_DUTY}, **keys)]}

    def supervisor(self, queue, name="smsd", **keys):
        return self.open(Smsd(self.folder, queue, {"only": ("debug", {"file": "sent.jsonl"})}, name=name, settings=self.settings(**keys)))

    def sent(self, *supervisors):
        return [sms for one in supervisors for sms in sms_in(one.folder / "state" / "sent.jsonl")]

    def state(self, smsd):
        status = smsd.status()
        return status["heartbeats"][0] if status else None

    def comes(self, smsd):
        wait_for("it comes", lambda: (self.state(smsd) or {}).get("state") == "comes")

    def dies(self, monitoring, *supervisors):
        """Kills it, and waits for the SMS. There is one, in its time."""
        before = len(self.sent(*supervisors))
        killed = monitoring.kill()
        wait_for("the alert has left", lambda: len(self.sent(*supervisors)) > before, deadline=EVERY + GRACE + SPARE + 5)
        took = time.monotonic() - killed
        self.say(silence=f"{took:.2f} s", bound=f"{EVERY + GRACE + SPARE} s")
        self.assertLess(took, EVERY + GRACE + SPARE)
        self.assertGreater(took, EVERY + GRACE - 1.5)
        return killed

    def one_alert(self, count=1):
        """No further one follows."""
        passed(EVERY + GRACE + SPARE)
        alerts = self.sent(*self.all)
        self.assertEqual([(sms["recipient"], "no heartbeat nav since" in sms["text"]) for sms in alerts], [(ON_DUTY, True)] * count,
                         [one.text() for one in self.all])
        self.assertEqual(sum(one.text().count("the heartbeat nav is missing since") for one in self.all), count)

    def no_alert(self):
        self.assertEqual(self.sent(*self.all), [], [one.text() for one in self.all])


class OnSqlite(Heartbeats):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "queue.db"
        self.queue = {"backend": "sqlite", "sqlite": {"path": str(self.path)}, "poll_interval": "1s"}
        self.all = []

    def started(self, environment=None, **keys):
        smsd = self.supervisor(self.queue, **keys).start(environment=environment)
        self.all.append(smsd)
        return smsd

    def sql(self, statement, *values):
        with contextlib.closing(sqlite3.connect(self.path, timeout=10)) as db, db:
            return db.execute(statement, values).fetchall()

    def test_monitoring_that_dies_is_an_alert_and_its_return_is_noted(self):
        smsd = self.started(all_clear=True)
        monitoring = self.open(Monitoring(smsd))
        self.comes(smsd)
        passed(EVERY + GRACE)
        self.no_alert()
        self.dies(monitoring, smsd)
        state = self.state(smsd)
        self.assertEqual((state["name"], state["state"], state["due_in_seconds"], state["alerts"]), ("nav", "missing", None, 1))
        self.assertLess(state["missing_seconds"], 5)
        screen = smsd.ctl("status")
        self.assertIn("the heartbeat nav is missing", screen)
        self.assertRegex(screen, r"\$ smsctl .*heartbeat\b")
        self.assertIn("healthy", screen)
        self.assertRegex(smsd.ctl("heartbeat"), r"(?m)^nav +missing ")
        self.one_alert()
        self.assertEqual(smsd.ctl("heartbeat", "nav"), "")
        wait_for("the all-clear has left", lambda: len(self.sent(smsd)) == 2)
        self.assertEqual(self.sent(smsd)[1]["text"], "smsd: heartbeat nav is back")
        self.assertRegex(smsd.text(), "the heartbeat nav is back after")
        self.assertEqual(self.state(smsd)["state"], "comes")
        self.assertEqual(smsd.stop(), 0)

    def test_messages_to_its_number_are_heartbeats_whatever_waits_and_no_sms(self):
        smsd = self.started()
        smsd.ctl("dispatcher", "pause", "only")
        for n in range(30):
            smsd.ctl("send", f"+479000{n:04}", "an alert", "--severity", "1")
        for _ in range(EVERY + GRACE + SPARE):
            self.sql("INSERT INTO smsq (phone, msg) VALUES (?, 'alive')", NOBODY)
            passed(1)
        wait_for("all are taken", lambda: self.sql("SELECT count(*) FROM smsq WHERE phone = ? AND sent = 'N'", NOBODY) == [(0,)])
        self.assertEqual(self.state(smsd)["state"], "comes")
        self.assertEqual(smsd.text().count("missing"), 0)
        smsd.ctl("dispatcher", "resume", "only")
        wait_for("the others are sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.sql("INSERT INTO smsq (phone, msg) VALUES ('0047 0000 0001', 'alive')")
        wait_for("it is taken", lambda: self.sql("SELECT sent, smsid FROM smsq WHERE phone LIKE '0047%'") == [("Y", None)])
        message = self.sql("SELECT id FROM smsq WHERE phone LIKE '0047%'")[0][0]
        self.assertIn("without an SMS: it was a heartbeat", smsd.ctl("explain", str(message)))
        self.assertEqual({sms["recipient"] for sms in self.sent(smsd)} - {ON_DUTY}, {f"+479000{n:04}" for n in range(30)})

    def test_a_time_without_smsd_does_not_count(self):
        smsd = self.started()
        for _ in range(2):
            self.assertEqual(smsd.ctl("heartbeat", "nav"), "")
            passed(EVERY - 0.5)
            self.assertEqual(smsd.stop(), 0)
            passed(EVERY + GRACE + SPARE)
            smsd.start()
            passed(EVERY - 0.5)
        smsd.ctl("heartbeat", "nav")
        passed(SPARE)
        self.no_alert()
        smsd.process.kill()
        smsd.process.wait(DEADLINE)
        passed(EVERY + GRACE + SPARE)
        smsd.start()
        began = time.monotonic()
        wait_for("the alert has left", lambda: self.sent(smsd), deadline=EVERY + GRACE + SPARE)
        self.say(silence_after_a_kill=f"{time.monotonic() - began:.2f} s")
        self.one_alert()

    def test_without_smsd_it_is_recorded_in_the_queue(self):
        smsd = self.started()
        smsd.ctl("heartbeat", "nav")
        smsd.stop()
        smsd.ctl("heartbeat", "nav")
        self.assertEqual(self.sql("SELECT name, beats FROM smsd_heartbeat"), [("nav", 2)])
        self.assertEqual(json.loads(smsd.ctl("heartbeat", "nav", "--json")), {"heartbeat": "nav", "recorded": True})

    def test_a_name_that_is_not_expected_is_an_error_both_ways(self):
        smsd = self.started()
        for _ in range(2):
            done = smsd.ctl("heartbeat", "nva", check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertIn("no heartbeat nva is expected", done.stderr)
            smsd.stop()

    def test_a_reload_changes_what_is_expected(self):
        smsd = self.started()
        smsd.ctl("heartbeat", "nav")
        config = json.loads(smsd.config.read_text())
        config["heartbeats"][0].update(every="1h")
        config["heartbeats"].append({"name": "backup", "every": "1s", "grace": "1s", "alert_to": ON_DUTY})
        smsd.config.write_text(json.dumps(config))
        self.assertIn("heartbeats", smsd.ctl("reload"))
        wait_for("an alert has left", lambda: self.sent(smsd), deadline=EVERY + GRACE + SPARE)
        self.assertIn("smsd: no heartbeat backup yet (expected every 1s, waited 2s): check the program that sends it", self.sent(smsd)[0]["text"])
        passed(EVERY + GRACE)
        self.assertEqual(len(self.sent(smsd)), 1)

    def test_a_number_of_somebody_is_refused(self):
        for recipient, word in (("0047 99 88 77 66", "that gets the alerts about nav"), ("noc", "expected a phone number")):
            smsd = self.supervisor(self.queue, name=f"wrong-{len(recipient)}", recipient=recipient)
            done = smsd.ctl("config", "check", check=False)
            self.assertEqual(done.returncode, 78, done.stdout)
            self.assertIn(word, done.stdout + done.stderr)

    def test_steps_of_this_hosts_clock_raise_no_alert_and_hide_none(self):
        if not LIBRARY:
            self.skipTest("libfaketime is not installed")
        clock = FakeClock(self.folder)
        smsd = self.started(environment=clock.environment())
        monitoring = self.open(Monitoring(smsd))
        self.comes(smsd)
        for hours in (2, 0, -2, 0):
            clock.step(hours)
            passed(EVERY + GRACE)
            self.no_alert()
        monitoring.kill()
        clock.step(2)
        began = time.monotonic()
        wait_for("the alert has left", lambda: self.sent(smsd), deadline=EVERY + GRACE + SPARE)
        self.say(silence_with_a_step=f"{time.monotonic() - began:.2f} s")
        self.assertGreater(time.monotonic() - began, EVERY + GRACE - 1.5)
        self.one_alert()


class OnPostgresql(Heartbeats):
    def cluster(self, postgres):
        self.postgres = self.open(postgres(self.folder))
        queue = {**postgres_queue(self.postgres), "lease": "2s"}
        self.all = []
        for name in ("one", "two"):
            own = {**queue, "postgresql": {"connection": f"{self.postgres.dsn()} application_name={name}"}}
            self.all.append(self.supervisor(own, name=name))
        install(self.all[0])
        for one in self.all:
            one.start()
        for one in self.all:
            wait_for("it watches", lambda: self.state(one)["state"] == "awaited")  # pylint: disable=cell-var-from-loop

    def test_two_supervisors_send_one_alert(self):
        self.cluster(Postgres)
        monitoring = self.open(Monitoring(self.all[1]))
        for one in self.all:
            self.comes(one)
        passed(EVERY + GRACE)
        self.no_alert()
        self.dies(monitoring, *self.all)
        self.one_alert()
        self.postgres.sql(f"INSERT INTO smsq (time, phone, msg) VALUES (now(), '{NOBODY}', 'alive')")
        for one in self.all:
            self.comes(one)
        self.assertEqual(sum(one.text().count("the heartbeat nav is back") for one in self.all), 1)
        wait_for("the second silence is an alert of its own", lambda: len(self.sent(*self.all)) == 2, deadline=EVERY + GRACE + SPARE)
        self.one_alert(2)

    def test_a_supervisor_that_is_killed_while_it_writes_the_alert_leaves_it_to_the_other(self):
        self.cluster(Postgres)
        self.postgres.sql(f"""
            CREATE SEQUENCE tries;
            CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF NEW.phone = '{ON_DUTY}' AND nextval('tries') = 1 THEN PERFORM pg_sleep(1); END IF;
              RETURN NEW;
            END $$;
            CREATE TRIGGER slow BEFORE INSERT ON smsq FOR EACH ROW EXECUTE FUNCTION slow();""")
        monitoring = self.open(Monitoring(self.all[0]))
        for one in self.all:
            self.comes(one)
        killed = monitoring.kill()
        writes = wait_for("one writes the alert", lambda: self.postgres.sql(
            "SELECT application_name FROM pg_stat_activity WHERE wait_event = 'PgSleep'"), deadline=EVERY + GRACE + SPARE)[0][0]
        victim, other = sorted(self.all, key=lambda one: one.folder.name != writes)
        victim.process.kill()
        victim.process.wait(DEADLINE)
        wait_for("the other sends it", lambda: self.sent(other), deadline=EVERY + GRACE + SPARE)
        self.say(silence=f"{time.monotonic() - killed:.2f} s", of_which_asleep="1 s")
        self.assertLess(time.monotonic() - killed, EVERY + GRACE + SPARE)
        self.assertEqual(self.sent(victim), [])
        self.all = [other]
        self.one_alert()
        self.assertEqual(self.postgres.number(f"SELECT count(*) FROM smsq WHERE phone = '{ON_DUTY}'"), 1)

    def test_a_supervisor_that_is_killed_a_moment_before_leaves_it_to_the_other(self):
        self.cluster(Postgres)
        for number, before in enumerate((0.0, 0.1, 0.3)):
            monitoring = self.open(Monitoring(self.all[0]))
            for one in self.all:
                self.comes(one)
            killed = monitoring.kill()
            victim, other = self.all[number % 2], self.all[1 - number % 2]
            passed(EVERY + GRACE - 0.5 - before)
            victim.process.kill()
            victim.process.wait(DEADLINE)
            wait_for("the other sends it", lambda: self.postgres.number(
                f"SELECT count(*) FROM smsq WHERE phone = '{ON_DUTY}'") == number + 1, deadline=EVERY + GRACE + SPARE)  # pylint: disable=cell-var-from-loop
            self.say(silence=f"{time.monotonic() - killed:.2f} s")
            self.assertLess(time.monotonic() - killed, EVERY + GRACE + SPARE)
            victim.start()
            passed(EVERY + GRACE)
            self.assertEqual(self.postgres.number(f"SELECT count(*) FROM smsq WHERE phone = '{ON_DUTY}'"), number + 1)

    def test_a_time_without_the_queue_does_not_count(self):
        self.cluster(Postgres)
        self.all[0].ctl("heartbeat", "nav")
        for one in self.all:
            self.comes(one)
        passed(EVERY - 0.5)
        self.postgres.stop()
        for one in self.all:
            wait_for("it is away", lambda: "the queue is away" in one.text())  # pylint: disable=cell-var-from-loop
        passed(EVERY + GRACE + SPARE)
        self.postgres.start()
        for one in self.all:
            wait_for("it is back", lambda: "the queue is back" in one.text())  # pylint: disable=cell-var-from-loop
        passed(EVERY - 0.5)
        self.no_alert()
        began = time.monotonic()
        wait_for("the alert has left", lambda: self.sent(*self.all), deadline=EVERY + GRACE + SPARE)
        self.say(silence_after_the_queue_was_back=f"{time.monotonic() - began + EVERY - 0.5:.2f} s")
        self.one_alert()

    def locks(self, what, first=""):
        """A session that locks rows and forgets that. Returns how to end it."""
        session = subprocess.Popen([self.postgres.bin / "psql", "-Xq", f"host={self.postgres.folder} dbname=nav user=postgres"], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        stack = self.open(contextlib.ExitStack())
        stack.callback(session.wait, DEADLINE)
        stack.callback(session.stdout.close)
        stack.callback(session.stdin.close)
        session.stdin.write(f"BEGIN; {first} SELECT 'locked' FROM {what} FOR UPDATE;\n")
        session.stdin.flush()
        while "locked" not in session.stdout.readline():
            self.assertIsNone(session.poll())
        return stack.close

    def unwatched(self, smsd):
        return [finding["what"] for finding in smsd.status()["findings"] if "no heartbeat is watched" in finding["what"]]

    def test_a_lock_on_its_message_hides_no_silence_and_no_other_sms_waits(self):
        self.cluster(Postgres)
        self.all[0].ctl("heartbeat", "nav")
        self.postgres.sql(f"INSERT INTO smsq (time, phone, msg, severity, sent) VALUES (now(), '{NOBODY}', 'alive', 1, 'I')")
        self.locks(f"smsq WHERE phone = '{NOBODY}'", first=f"UPDATE smsq SET sent = 'N' WHERE phone = '{NOBODY}'; COMMIT; BEGIN;")
        began = time.monotonic()
        wait_for("the alert has left", lambda: self.sent(*self.all), deadline=EVERY + GRACE + SPARE + 5)
        self.say(silence=f"{time.monotonic() - began:.2f} s")
        self.assertLess(time.monotonic() - began, EVERY + GRACE + SPARE)
        for one in self.all:
            self.assertEqual(self.unwatched(one), [])

    def test_a_lock_on_its_state_is_reported(self):
        self.cluster(Postgres)
        release = self.locks("smsd.heartbeat")
        for one in self.all:
            wait_for("it is unwatched", lambda: self.unwatched(one), deadline=EVERY + GRACE + 10)  # pylint: disable=cell-var-from-loop
            self.assertIn("another session holds a lock", self.unwatched(one)[0])
        release()
        for one in self.all:
            wait_for("it is watched", lambda: not self.unwatched(one))  # pylint: disable=cell-var-from-loop

    def test_steps_of_the_servers_clock_raise_no_alert_and_hide_none(self):
        if not LIBRARY:
            self.skipTest("libfaketime is not installed")
        self.cluster(SteppedPostgres)
        monitoring = self.open(Monitoring(self.all[0]))
        for one in self.all:
            self.comes(one)
        for hours in (2, 0, -2, 0):
            self.postgres.clock.step(hours)
            passed(EVERY + GRACE)
            self.no_alert()
        killed = monitoring.kill()
        self.postgres.clock.step(2)
        wait_for("the alert has left", lambda: self.sent(*self.all), deadline=EVERY + GRACE + SPARE + 5)
        self.say(silence_with_a_step=f"{time.monotonic() - killed:.2f} s")
        self.assertLess(time.monotonic() - killed, EVERY + GRACE + SPARE)
        self.one_alert()
