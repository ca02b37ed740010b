# SPDX-License-Identifier: GPL-3.0-or-later
"""The tabulator key in a real bash and a real zsh, on a terminal, while smsd runs."""

import contextlib
import json
import os
import pty
import select
import shutil
import subprocess
import unittest

from harness import BIN, DEADLINE, SOURCE, Scenario, Smsd, wait_for

SCRIPTS = SOURCE / "deploy" / "completion"
RECORD = "record() { printf '%s\\n' \"$1\" >line; }"


class Terminal:
    """A shell on a terminal of its own, in which `record` is a function that writes its argument to the file `line`."""

    def __init__(self, folder, words, environment):
        self.line = folder / "line"
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execvpe(words[0], words, {"TERM": "dumb", "HOME": str(folder), "LC_ALL": "C.UTF-8", "PATH": f"{BIN}:/usr/bin:/bin", **environment})
        self.pid, self.shown = pid, b""
        os.set_blocking(self.terminal, False)

    def drained(self):
        with contextlib.suppress(BlockingIOError):
            self.shown += os.read(self.terminal, 65536)
        return True

    def completed(self, typed):
        """Returns the line after the tabulator key."""
        # To the start of the line, to its end: the shell gets the line as one word and interprets nothing in it.
        os.write(self.terminal, f"{typed}\t\x01record '\x05'\n".encode())
        wait_for(f"the shell has read: {typed}", lambda: self.drained() and self.line.exists() and self.line.read_text().endswith("\n"))
        line = self.line.read_text().strip()
        self.line.unlink()
        return line

    def close(self):
        os.write(self.terminal, b"exit\n")
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            select.select([self.terminal], [], [], 0.1)
            with contextlib.suppress(OSError):
                self.drained()
        os.close(self.terminal)


class Shells(Scenario):
    def setUp(self):
        super().setUp()
        self.smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                                   {"gateway": ("debug", {"result": "unknown"}), "modem": ("debug", {})}, settings={"retry": {"unknown": "hold"}}))
        self.smsd.start()
        self.smsd.ctl("send", "+4799887766", "held")
        self.held = wait_for("it is held", lambda: json.loads(self.smsd.ctl("queue", "held", "--json")))[0]["id"]
        # The daemon knows `modem`, the file no longer does.
        config = json.loads(self.smsd.config.read_text())
        config["dispatchers"].pop()
        self.smsd.config.write_text(json.dumps(config))
        (self.folder / "a-file.yaml").write_text("")

    def check(self, shell):
        config = f"smsctl --config {self.smsd.config} "
        for typed, expected in (("smsctl queue rele", "smsctl queue release"),
                                ("smsctl status --wa", "smsctl status --watch"),
                                ("smsctl config explain --kind debug start", "smsctl config explain --kind debug start_delay"),
                                ("smsctl config schema gam", "smsctl config schema gammu"),
                                (config + "dispatcher pause mod", config + "dispatcher pause modem"),
                                (config + "queue release ", config + f"queue release {self.held}"),
                                ("smsctl preview --overflow=sum", "smsctl preview --overflow=summarize"),
                                ("smsctl config install a-f", "smsctl config install a-file.yaml")):
            self.assertEqual(shell.completed(typed), expected, shell.shown)

    def test_bash(self):
        rc = self.folder / "bashrc"
        rc.write_text(f"{RECORD}\nbind 'set bell-style none' 2>/dev/null\n. {SCRIPTS / 'smsctl.bash'}\n")
        self.check(self.open(Terminal(self.folder, ["bash", "--noprofile", "--rcfile", str(rc), "-i"], {})))

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        (self.folder / ".zshrc").write_text(f"{RECORD}\nfpath=({SCRIPTS} $fpath)\nautoload -Uz compinit && compinit -u -d {self.folder}/dump\n"
                                            "bindkey -e\n")
        self.check(self.open(Terminal(self.folder, ["zsh", "-d", "-i"], {"ZDOTDIR": str(self.folder)})))

    def test_it_prints_no_error_and_does_not_need_the_daemon(self):
        self.smsd.stop()
        def complete(*words):
            return subprocess.run([BIN / "smsctl", "complete", *words], capture_output=True, text=True, timeout=DEADLINE, check=False)
        done = complete("--config", self.smsd.config, "dispatcher", "pause", "")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "gateway\n", ""))
        done = complete("--config", self.folder / "none.yaml", "queue", "release", "")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        done = complete("no", "such", "command", "--x=")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
