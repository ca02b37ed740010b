# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs under test: smsd with its tools, and a worker as systemd runs it."""

import contextlib
import json
import os
import pathlib
import pwd
import subprocess

from .basics import BIN, DEADLINE, die_with_parent, programs_for, wait_for


class Smsd:
    """A supervisor with a configuration of its own. `dispatchers` maps a name to (kind, settings), in order of preference."""

    def __init__(self, folder, queue, dispatchers, name="smsd", settings=None, entries=None, user=None):
        self.folder = pathlib.Path(folder) / name
        (self.folder / "dispatchers").mkdir(parents=True)
        self.config = self.folder / "smsd.yaml"
        self.log = self.folder / "log"
        self.process = None
        config = {
            "queue": queue,
            "control": {"socket": str(self.folder / "control.sock")},
            "state_directory": str(self.folder / "state"),
            "dispatchers": [dict({"name": n, "kind": kind, "activation": "spawn"}, **(entries or {}).get(n, {}))
                            for n, (kind, _) in dispatchers.items()],
        }
        config.update(settings or {})
        self.config.write_text(json.dumps(config, indent=1))  # JSON is YAML
        for n, (_, own) in dispatchers.items():
            own_file = self.folder / "dispatchers" / f"{n}.yaml"
            own_file.write_text(json.dumps(own, indent=1))
            own_file.chmod(0o640)
        self.user = pwd.getpwnam(user) if user else None
        self.bin = programs_for(user, folder)
        for path in (self.folder, *self.folder.rglob("*")) if user else ():
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _become_user(self):
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        die_with_parent()

    def start(self, ready=True, systemd=None, flags=(), under=(), environment=None):
        """`under`: the command of a program to run it under."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*under, self.bin / "smsd", "--config", self.config, *flags], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=self._become_user,
                                            env={**(environment or os.environ), **(systemd.environment() if systemd else {})})
        self.answered = ready
        if ready:
            self.wait_for_an_answer()
            if self.process.poll() is not None:
                raise AssertionError(f"smsd ended with {self.process.returncode}:\n{self.text()}")
        return self

    def wait_for_an_answer(self):
        wait_for("smsd has started", lambda: self.status() or self.process.poll() is not None)

    def run(self, *flags, deadline=DEADLINE):
        """Runs it until it ends by itself: (exit status, what it printed)."""
        done = subprocess.run([BIN / "smsd", "--config", self.config, *flags], capture_output=True, text=True, timeout=deadline, check=False)
        return done.returncode, done.stdout + done.stderr

    def make_queue(self):
        """As the first start would. smsctl makes none, except by `db install`."""
        queue = json.loads(self.config.read_text())["queue"]
        if queue["backend"] == "sqlite" and not (self.folder / queue["sqlite"]["path"]).exists():
            subprocess.run([BIN / "smsctl", "--config", self.config, "db", "install"], capture_output=True, check=False)

    def ctl(self, *arguments, check=True, stdin=None, make_queue=True):
        if make_queue and set(arguments[:1]) <= {"send", "queue", "explain"} and self.process is None:
            with contextlib.suppress(ValueError, KeyError):  # the test has spoilt the configuration
                self.make_queue()
        done = subprocess.run([BIN / "smsctl", "--config", self.config, *arguments], capture_output=True, text=True, check=False,
                              input=stdin)
        if check and done.returncode != 0:
            raise AssertionError(f"smsctl {' '.join(arguments)}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout if check else done

    def status(self):
        """smsctl status --json; None when nobody answers."""
        done = self.ctl("status", "--json", check=False)
        return json.loads(done.stdout) if done.returncode in (0, 1) and done.stdout else None

    def dispatcher(self, name):
        status = self.status()
        return next(d for d in status["dispatchers"] if d["name"] == name) if status else None

    def children(self):
        """{command name: [pid, ...]} of its processes, from /proc."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == self.process.pid:
                    name = (entry / "cmdline").read_bytes().split(b"\0")[0].decode().rsplit("/", 1)[-1]
                    found.setdefault(name, []).append(int(entry.name))
        return found

    def text(self):
        return self.log.read_text() if self.log.exists() else ""

    def stop(self):
        if not self.answered:  # before smsd waits for signals, SIGTERM ends it as it ends any program
            self.wait_for_an_answer()
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)


def listens(path):
    """Not only bound: a connection between the two would be refused. 00010000 is __SO_ACCEPTCON."""
    sockets = [line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines()]
    return any(fields[-1] == str(path) and fields[3] == "00010000" for fields in sockets)


class SocketWorker:
    """A worker as systemd runs it: started at the first connection to its socket, its file read by itself, no child of smsd's.

    `systemd` hears what it says, `environment` is added to what systemd gives it, `options` to its command line; `fdname` and
    `listen` are for what a wrong .socket unit would hand over, `within` is a command that all of it is started by.
    """

    def __init__(self, folder, name, kind, settings, systemd=None, environment=None, options=(), fdname=None, listen=None,
                 config=True, within=()):
        self.socket = pathlib.Path(folder) / f"{name}.sock"
        self.config = pathlib.Path(folder) / f"{name}.yaml"
        self.config.write_text(json.dumps(settings))
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self.log = open(self.log_path, "ab")
        given = {**(systemd.environment() if systemd else {}), **(environment or {})}
        self.command = [*within, "/usr/bin/systemd-socket-activate", f"--fdname={name if fdname is None else fdname}",
                        *(word for path in (listen or [self.socket]) for word in ("-l", path)),
                        *(f"--setenv={key}={value}" for key, value in given.items()),
                        BIN / f"smsd-worker-{kind}", "--name", name, *(["--config", self.config] if config else []), *options]
        self.process = None
        self.start()

    def text(self):
        return self.log_path.read_text()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=self.socket.parent,
                                        preexec_fn=die_with_parent)
        wait_for("the socket is listened at", lambda: listens(self.socket))

    def entry(self):
        return {"activation": "socket", "socket": str(self.socket)}

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        self.log.close()
