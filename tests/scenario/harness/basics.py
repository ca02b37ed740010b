# SPDX-License-Identifier: GPL-3.0-or-later
"""The basis of the other parts: the places of the tree and the programs, waiting with a deadline, ports and records."""

import ctypes
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("SMSD_BIN", SOURCE / "build" / "bin")).absolute()  # programs run in other folders
DEADLINE = 60.0


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_for(what, condition, deadline=DEADLINE):
    """Calls condition() until it gives something true, and returns that. Most conditions start smsctl, and tests that wait should leave the
    processors to the others: a pause is twice as long as the call before it, within bounds."""
    end = time.monotonic() + deadline
    while True:
        begin = time.monotonic()
        result = condition()
        if result:
            return result
        now = time.monotonic()
        if now > end:
            raise AssertionError(f"not within {deadline:g} s: {what}")
        time.sleep(min(max(0.01, 2 * (now - begin)), 0.15))


def free_port():
    """A port that nobody listens on now. For peers that cannot choose one themselves, and for connections to be refused."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def programs_for(user, folder):
    """The folder with the programs, for a user by name. A copy in `folder` where that user cannot enter ours: a clone may lie in a home folder."""
    if user is None or os.getuid() != 0:
        return BIN
    entry = pwd.getpwnam(user)
    reaches = subprocess.run(["test", "-x", BIN / "smsd"], user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], cwd="/", check=False)
    if reaches.returncode == 0:
        return BIN
    copy = pathlib.Path(folder) / "programs"
    if not copy.exists():
        copy.mkdir()
        for program in (*BIN.glob("smsd*"), *BIN.glob("sendsms"), BIN / "smsctl", BIN / "gammu-probe"):
            shutil.copy(program, copy)
    return copy


def records(path):
    """The JSON lines that a program has written to `path` so far, without the one that it is writing."""
    return [json.loads(line) for line in path.read_text().rpartition("\n")[0].splitlines()] if path.exists() else []


def sms_in(path):
    """The SMS that a debug dispatcher has written to its file."""
    return records(path)


class Scenario(unittest.TestCase):
    """A temporary folder that workers and PostgreSQL's user can enter, and the clean-up of whatever was opened."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="smsd-scenario-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def open(self, thing):
        self.addCleanup(thing.close)
        return thing

    def say(self, **figures):
        print(self.id().split(".")[-1] + ": " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in figures.items()), flush=True)
