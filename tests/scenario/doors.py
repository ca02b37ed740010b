# SPDX-License-Identifier: GPL-3.0-or-later
"""A crowd at control.sock: an operator's command is as quick as without it."""

import json
import os
import pwd
import select
import socket
import subprocess
import time
import unittest

from harness import Scenario, Smsd, die_with_parent, wait_for
from harness.basics import programs_for
from hostile import bootstrap, finish, status_call

CONNECTIONS, SILENT = 1000, 500


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
