# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients of control.sock and status.sock can take from one another: places, turns, memory, and words of messages."""

import json
import os
import pwd
import select
import signal
import socket
import sqlite3
import subprocess
import time
import unittest

from harness import Scenario, Smsd, die_with_parent, sms_in, wait_for
from harness.basics import programs_for
from hostile import bootstrap, explain_call, finish, list_call, resident, status_call

CONNECTIONS, SILENT = 1000, 500
MANY = 12_000  # messages: several steps of a cancel

# Quotes its input, as a program with a careless error message does.
QUOTES = """#!/usr/bin/python3 -IS
import json, sys
print(json.dumps({"smsd": 1, "window": 1}), flush=True)
last = "nothing"
for line in sys.stdin:
    sms = json.loads(line)
    if sms["type"] == "health":
        answer = {"health": "broken", "reason": "the last input was " + last[:300]} if "break" in last else {"health": "ready"}
    else:
        last = line.strip()
        number = "00" + sms["recipient"].lstrip("+")
        answer = {"id": sms["id"], "outcome": "refused", "reason": f"{number} did not take {sms['text']!r}: {last}"}
    print(json.dumps(answer), flush=True)
"""


class Busy:
    """A client that asks for the state once a second, and comes back when it was turned away."""

    def __init__(self, path):
        self.path, self.socket, self.number, self.next = path, None, 0, 0

    def act(self):
        try:
            if self.socket is None:
                self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                self.socket.connect(self.path)
                self.socket.send(bootstrap(0))
            elif self.socket.recv(1 << 16) == b"":
                raise ConnectionError
            self.number += 1
            self.socket.send(status_call(self.number) + (finish(self.number - 1) if self.number > 1 else b""))
        except BlockingIOError:
            pass
        except OSError:
            self.socket.close()
            self.socket = None


@unittest.skipUnless(os.getuid() == 0, "needs another user")
class Crowd(Scenario):
    def setUp(self):
        super().setUp()
        self.smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}, {"modem": ("debug", {})}))
        self.smsd.start()
        self.path = str(self.smsd.folder / "control.sock")
        os.chmod(self.path, 0o666)  # as its group would see it
        self.nobody = pwd.getpwnam("nobody")
        self.programs = programs_for("nobody", self.folder)

    def crowd(self):
        """A process of nobody's with all the connections, half of which say nothing."""
        ready = os.pipe()
        child = os.fork()
        if child == 0:
            die_with_parent()
            os.nice(19)
            os.setgid(self.nobody.pw_gid)
            os.setuid(self.nobody.pw_uid)
            held = [socket.socket(socket.AF_UNIX) for _ in range(SILENT)]
            for one in held:
                one.connect(self.path)
            busy = [Busy(self.path) for _ in range(CONNECTIONS - SILENT)]
            while True:
                for one in busy:
                    one.act()
                os.write(ready[1], b"x")
                time.sleep(1)  # the pace of the crowd
        self.addCleanup(lambda: os.kill(child, 9) or os.waitpid(child, 0))
        os.close(ready[1])
        self.assertEqual(os.read(ready[0], 1), b"x")
        self.addCleanup(os.close, ready[0])

    def seconds(self, *words, user=None):
        begun = time.monotonic()
        done = subprocess.run([self.programs / "smsctl", "--config", self.smsd.config, *words], capture_output=True, text=True, check=False,
                              **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}))
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return time.monotonic() - begun

    def takes_its_share(self, user):
        """A process of this user's that uses as many connections as it gets, none of them silent."""
        ready = os.pipe()
        child = os.fork()
        if child == 0:
            die_with_parent()
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            busy = [Busy(self.path) for _ in range(14)]
            while True:
                for one in busy:
                    one.act()
                os.write(ready[1], b"x")
                time.sleep(0.05)  # the pace of the crowd
        self.addCleanup(lambda: os.kill(child, 9) or os.waitpid(child, 0))
        os.close(ready[1])
        self.addCleanup(os.close, ready[0])
        for _ in range(10):
            self.assertEqual(os.read(ready[0], 1), b"x")

    def test_two_users_who_use_all_places_leave_one_to_a_third(self):
        for name in ("nobody", "games"):
            self.takes_its_share(pwd.getpwnam(name))
        took = [self.seconds("status", user=pwd.getpwnam("daemon")) for _ in range(5)]
        self.say(third=f"{max(took):.2f} s at most")
        self.assertLess(max(took), 5)

    def test_a_thousand_connections_leave_room_for_a_command(self):
        self.smsd.ctl("send", "+471", "alert")
        self.crowd()
        took = {}
        for who, user in (("root", None), ("one_of_them", self.nobody)):
            took[who] = sorted(self.seconds(*words, user=user) for words in (("status",), ("queue", "list"), ("explain", "1"), ("send", "+472", "x"),
                                                                            ("queue", "held"), ("queue", "retry", "--all"), ("dispatcher", "list")))
        self.say(**{who: f"{each[-1]:.2f} s at most" for who, each in took.items()})
        for who, each in took.items():
            self.assertLess(each[len(each) // 2], 1, who)
            self.assertLess(each[-1], 5, who)


class Discretion(Scenario):
    def test_a_program_that_quotes_its_input_shows_it_to_no_client_of_status_sock(self):
        program = self.folder / "quotes.py"
        program.write_text(QUOTES)
        program.chmod(0o755)
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"own": ("command", {"program": str(program), "mode": "serve", "runtime": "python"})}))
        smsd.start()
        wait_for("it is ready", lambda: smsd.dispatcher("own")["state"] == "ready", deadline=60)
        for text in ("the duty phone lies under the third stone, blåbær \"quoted\"", "short one", "break it"):
            smsd.ctl("send", "+4799887766", text)
        wait_for("all were refused", lambda: smsd.status()["queue"]["ignored"] == 3, deadline=60)
        wait_for("its health quotes, too", lambda: smsd.dispatcher("own")["state"] == "broken", deadline=90)
        status = json.dumps(smsd.status(), ensure_ascii=False)
        self.assertIn("(recipient)", status)
        self.assertIn("(text)", status)
        log = smsd.text()
        for word in ("99887766", "third stone", "duty phone", "short one", "break it"):
            self.assertNotIn(word, status)
            self.assertNotIn(word, log)
        story = smsd.ctl("explain", "1")
        self.assertIn("third stone", story)  # the operator reads the text itself


@unittest.skipUnless(os.getuid() == 0, "needs another user")
class Bounds(Scenario):
    def setUp(self):
        super().setUp()
        self.smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                                   {"modem": ("debug", {"file": str(self.folder / "sent.jsonl")})}))
        self.smsd.start()
        wait_for("it is ready", lambda: self.smsd.dispatcher("modem")["state"] == "ready", deadline=60)
        self.smsd.ctl("dispatcher", "pause", "modem")
        self.path = str(self.smsd.folder / "control.sock")
        os.chmod(self.path, 0o666)  # as its group would see it
        self.nobody = pwd.getpwnam("nobody")

    def fill(self, count, text="alert"):
        with sqlite3.connect(self.folder / "queue.db", timeout=30) as queue:
            queue.executemany("INSERT INTO smsq (phone, msg, time) VALUES (?, ?, datetime('now'))", ((f"+47{i}", text) for i in range(count)))

    def as_nobody(self, act):
        """A process of nobody's that does this and then waits."""
        ready = os.pipe()
        child = os.fork()
        if child == 0:
            die_with_parent()
            os.setgid(self.nobody.pw_gid)
            os.setuid(self.nobody.pw_uid)
            held = act()
            os.write(ready[1], b"x")
            while held:
                signal.pause()
        self.addCleanup(lambda: os.kill(child, 9) or os.waitpid(child, 0))
        os.close(ready[1])
        self.addCleanup(os.close, ready[0])
        self.assertEqual(os.read(ready[0], 1), b"x")

    def connections(self, calls):
        """Twelve connections that make these calls and read nothing."""
        held = []
        for _ in range(12):
            one = socket.socket(socket.AF_UNIX)
            one.connect(self.path)
            one.sendall(bootstrap(0) + b"".join(calls(number) for number in range(1, 63)))
            held.append(one)
        return held

    def test_answers_that_nobody_reads_take_little_memory(self):
        self.fill(1000, "x" * 900)
        self.smsd.ctl("queue", "list")
        before = resident(self.smsd.process.pid)
        self.as_nobody(lambda: self.connections(list_call))
        wait_for("the queue has answered what there is room for", lambda: resident(self.smsd.process.pid) - before > 2 * 1024, deadline=30)
        most = 0
        end = time.monotonic() + 3
        while time.monotonic() < end:
            most = max(most, resident(self.smsd.process.pid) - before)
        self.say(grown=f"{most / 1024:.0f} MiB")
        self.assertLess(most, 32 * 1024)
        begun = time.monotonic()
        self.assertIn("+47", self.smsd.ctl("queue", "list"))
        self.assertLess(time.monotonic() - begun, 5)

    def test_an_operator_with_many_explanations_delays_no_other_one_by_them(self):
        self.fill(10)
        self.as_nobody(lambda: self.connections(lambda number: explain_call(number, 1)))
        begun = time.monotonic()
        self.smsd.ctl("queue", "held")
        self.assertLess(time.monotonic() - begun, 5)

    def test_a_cancel_of_many_messages_leaves_the_queue_to_others_between_its_steps(self):
        self.fill(MANY)
        self.assertEqual(self.smsd.ctl("queue", "cancel", "--recipient", "+4712", "--yes"), "1 message will not be sent\n")
        self.assertEqual(self.smsd.ctl("queue", "cancel", "--yes"), f"{MANY - 1} messages will not be sent\n")
        acts = [line for line in self.smsd.text().splitlines() if "of a cancel" in line or "cancel of" in line]
        self.assertEqual(len(acts), 3, acts)
        self.assertRegex(acts[0], r"cancel of 1 messages \(chosen: to \*\*\*\*\*\): 13 by uid 0")
        self.assertIn(f"begin of a cancel of {MANY - 1} messages (chosen: all) by uid 0", acts[1])
        self.assertRegex(acts[2], rf"cancel of {MANY - 1} messages \(chosen: all\): 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and {MANY - 11} more by uid 0")
        self.smsd.ctl("dispatcher", "resume", "modem")
        self.smsd.ctl("send", "+4799", "after it")
        wait_for("it is sent", lambda: len(sms_in(self.folder / "sent.jsonl")) == 1, deadline=30)
