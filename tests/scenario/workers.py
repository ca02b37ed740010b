# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that misbehave: what the supervisor makes of each, and that nobody else has to wait for it."""

import collections
import contextlib
import signal
import sqlite3

from harness import Scenario, Smsd, sms_in, wait_for


class Liar(Scenario):
    """The first dispatcher does as told, the second is good; three recipients."""

    def smsd(self, first, entry=None, settings=None):
        self.first, self.second = self.folder / "first.jsonl", self.folder / "second.jsonl"
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"first": ("debug", dict({"file": str(self.first)}, **first)), "second": ("debug", {"file": str(self.second)})},
                              entries={"first": dict({"timeout": "500ms"}, **(entry or {}))}, settings=settings))
        smsd.start()
        # An SMS goes to the first again while the second still starts: what is tested here needs both.
        wait_for("the second is ready", lambda: smsd.dispatcher("second")["state"] == "ready")
        with contextlib.closing(sqlite3.connect(self.folder / "queue.db")) as queue, queue:
            queue.executemany("INSERT INTO smsq (phone, msg) VALUES (?, 'alert')", [(number,) for number in sorted(self.everyone())])
        return smsd

    def all_sent(self, smsd):
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0)
        return {m["recipient"] for m in sms_in(self.first)}, {m["recipient"] for m in sms_in(self.second)}

    def everyone(self):
        return {f"+470000000{n}" for n in range(3)}


class Misbehaviour(Liar):
    def test_refused_is_tried_elsewhere(self):
        smsd = self.smsd({"result": "refuse"})
        self.assertEqual(self.all_sent(smsd), (set(), self.everyone()))
        self.assertEqual(smsd.dispatcher("first")["state"], "ready")  # a refusal is an answer

    def test_broken_is_left_alone_after_one_answer(self):
        smsd = self.smsd({"result": "break", "window": 1, "backlog": 0})
        self.assertEqual(self.all_sent(smsd), (set(), self.everyone()))
        self.assertEqual((smsd.dispatcher("first")["state"], smsd.dispatcher("first")["broken"]), ("broken", 1))

    def test_unknown_is_resent_with_the_same_key(self):
        smsd = self.smsd({"when": [{"recipient": "+4700000001", "result": "unknown"}]})
        first, second = self.all_sent(smsd)
        self.assertEqual(second, {"+4700000001"})
        self.assertEqual(first, self.everyone())  # it wrote that one down, too: it may have been sent
        key = [m["key"] for m in sms_in(self.first) if m["recipient"] == "+4700000001"]
        self.assertEqual([m["key"] for m in sms_in(self.second)], key)

    def test_a_crash_is_unknown_for_what_was_begun_and_nobody_is_lost(self):
        smsd = self.smsd({"when": [{"recipient": "+4700000001", "result": "crash", "times": 1}], "window": 1, "backlog": 2})
        first, second = self.all_sent(smsd)
        self.assertEqual(first | second, self.everyone())
        # The two that were not begun lost nothing but time; each arrived once.
        self.assertEqual(len(sms_in(self.first)) + len(sms_in(self.second)), 3)
        self.assertIn("signal 9", smsd.text())

    def test_a_worker_that_never_answers_is_replaced_at_its_deadline(self):
        smsd = self.smsd({"when": [{"recipient": "+4700000000", "result": "hang"}]})
        first, second = self.all_sent(smsd)
        self.assertIn("+4700000000", second)
        self.assertEqual(first | second, self.everyone())
        wait_for("its end is in the log", lambda: "exit status 75 (gave up)" in smsd.text())

    def test_a_worker_that_is_frozen_is_killed(self):
        smsd = self.smsd({"when": [{"recipient": "+4700000000", "result": "freeze"}]})
        first, second = self.all_sent(smsd)
        self.assertEqual(first | second, self.everyone())
        self.assertIn("the worker hangs", smsd.text())

    def test_late_answers_within_the_deadline_are_answers(self):
        smsd = self.smsd({"result": "slow", "delay": "300ms"})
        self.assertEqual(self.all_sent(smsd), (self.everyone(), set()))

    def test_a_worker_that_dies_before_it_served_is_started_again_with_growing_delay(self):
        smsd = self.smsd({"file": "/nonexistent/folder/file"})
        self.assertEqual(self.all_sent(smsd)[1], self.everyone())
        first = smsd.dispatcher("first")
        self.assertEqual(first["state"], "resting")
        self.assertLessEqual(first["starts"], 3)
        self.assertIn("cannot open `file`", smsd.text())

    def test_workers_do_not_outlive_their_supervisor(self):
        smsd = self.smsd({})
        workers = wait_for("both run", lambda: smsd.children().get("smsd-worker-debug", []) if len(smsd.children().get("smsd-worker-debug", [])) == 2 else None)
        smsd.process.send_signal(signal.SIGKILL)
        smsd.process.wait()
        wait_for("they are gone", lambda: not any(self.runs(pid) for pid in workers), deadline=5)

    @staticmethod
    def runs(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
        except FileNotFoundError:
            return False

    def test_a_worker_cannot_do_what_its_lock_forbids(self):
        smsd = self.smsd({})
        self.all_sent(smsd)
        for pid in smsd.children()["smsd-worker-debug"]:
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
            self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
        self.assertIn("locked in by no_new_privs, landlock", smsd.text())

    def alone(self, settings, retry):
        """One dispatcher only: who is not taken by it waits."""
        self.sent = self.folder / "alone.jsonl"
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "alone.db")}},
                              {"only": ("debug", dict({"file": str(self.sent)}, **settings))}, name="one", settings={"retry": retry}))
        for n in range(3):
            smsd.ctl("send", f"+470000000{n}", "alert")
        return smsd.start()

    def test_when_nobody_takes_it_the_recipient_waits_and_others_do_not(self):  # C18, C20
        smsd = self.alone({"when": [{"recipient": "+4700000000", "result": "defer", "times": 1}]}, {"delay": "500ms", "max_delay": "1s"})
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0)
        # The first in the queue is the last to be sent, in its second round; the others went meanwhile, everybody once.
        self.assertEqual([m["recipient"] for m in sms_in(self.sent)], ["+4700000001", "+4700000002", "+4700000000"])
        self.assertEqual(smsd.text().count("waits 500ms after round 1"), 1)

    def test_after_the_last_round_its_messages_are_ignored_for_a_reason_and_nobody_elses(self):  # C19
        smsd = self.alone({"when": [{"recipient": "+4700000001", "result": "defer"}]},
                          {"delay": "100ms", "factor": 1, "max_delay": "100ms", "limit": 2, "give_up_after": "0s"})
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual({m["recipient"] for m in sms_in(self.sent)}, self.everyone() - {"+4700000001"})
        self.assertEqual(smsd.status()["queue"]["ignored"], 1)
        self.assertIn("will not be sent: no dispatcher accepted it in 2 rounds; last answer: told to defer", smsd.text())


class Lies(Liar):
    """Each way to break the contract, over the real wire: the worker is ended and replaced, nothing is settled that was not so."""

    def caught(self, lie, *words):
        smsd = self.smsd({"result": "lie", "lie": lie, "window": 1, "backlog": 2})
        wait_for("the queue is empty", lambda: smsd.status()["queue"]["unsent"] == 0)
        # Everybody was served by the honest one, and exactly as often as the log says.
        self.assertEqual(collections.Counter(m["recipient"] for m in sms_in(self.second)), {r: 1 for r in self.everyone()})
        self.assertEqual(sms_in(self.first), [])
        for word in words:
            self.assertIn(word, smsd.text())
        with open(f"/proc/{smsd.process.pid}/status", encoding="ascii") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        self.assertLess(peak, 40 * 1024)
        self.say(lie=lie, strikes=smsd.dispatcher("first")["strikes"], peak_memory=f"{peak} kB")
        return smsd

    def test_an_outcome_for_an_attempt_that_was_never_handed_over(self):
        smsd = self.caught("stranger", "violated the protocol", "not under way")
        self.assertGreaterEqual(smsd.dispatcher("first")["strikes"], 1)

    def test_an_outcome_for_an_attempt_of_another_generation(self):
        self.caught("former", "violated the protocol", "not under way")

    def test_two_outcomes_for_one_attempt(self):
        # The first one counts: it was asked for, begun, and in order. So that SMS is sent as far as anybody can know.
        smsd = self.smsd({"result": "lie", "lie": "twice", "window": 1, "backlog": 2})
        wait_for("the queue is empty", lambda: smsd.status()["queue"]["unsent"] == 0)
        first = smsd.dispatcher("first")
        self.assertGreaterEqual(first["strikes"], 1)
        self.assertEqual(first["accepted"] + len(sms_in(self.second)), 3)
        self.assertIn("violated the protocol", smsd.text())

    def test_begun_over_and_over(self):
        self.caught("again", "violated the protocol", "begun twice")

    def test_outcomes_without_end(self):
        self.caught("flood", "violated the protocol", "not under way")

    def test_a_reason_of_a_megabyte(self):
        smsd = self.smsd({"result": "lie", "lie": "verbose", "window": 1, "backlog": 2})
        wait_for("the queue is empty", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual({m["recipient"] for m in sms_in(self.second)}, self.everyone())
        self.assertLess(max(map(len, smsd.text().splitlines())), 1000)

    def test_bytes_that_are_no_message(self):
        self.caught("garbage", "violated the protocol", "no message")

    def test_a_report_of_nothing(self):
        self.caught("nothing", "violated the protocol", "an empty report")

    def test_every_sms_given_back_untouched_is_no_breach_and_no_loop(self):
        smsd = self.caught("untouched")
        self.assertEqual(smsd.dispatcher("first")["strikes"], 0)
        # Three times back is enough: it counts as tried then, and the next dispatcher has it.
        self.assertLessEqual(smsd.dispatcher("first")["deferred"], 3 * 4)

    def test_half_a_message_and_silence(self):
        self.caught("half", "the worker hangs")
