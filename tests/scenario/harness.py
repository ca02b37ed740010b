# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios share: real peers and real programs under control, in a folder of their own that goes away.

No scenario sleeps to let something happen: it waits for a condition with a deadline (wait_for). Every process is ended by its
pid when its owner is closed. Needs only Python's standard library and Debian's postgresql, nginx and openssl.
"""

import contextlib
import ctypes
import glob
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SMSD_BIN", SOURCE / "build" / "bin"))
DEADLINE = 60.0


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_for(what, condition, deadline=DEADLINE):
    """Calls condition() until it gives something true, and returns that."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s: {what}")
        time.sleep(0.01)


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
        for program in (*BIN.glob("smsd*"), BIN / "smsctl", BIN / "gammu-probe"):
            shutil.copy(program, copy)
    return copy


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


class Postgres:
    """A throw-away cluster on a Unix socket, with NAV's tables in the database nav."""

    SCHEMA = SOURCE / "tests" / "data" / "nav-schema.sql"

    def __init__(self, folder, auth="trust"):
        self.folder = pathlib.Path(folder) / "pg"
        self.folder.mkdir()
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))[-1])
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._run("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with open(self.folder / "data" / "postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses=''\nunix_socket_directories='{self.folder}'\nfsync=on\nautovacuum=on\n")
        if auth != "trust":
            hba = self.folder / "data" / "pg_hba.conf"
            hba.write_text(f"local all postgres trust\nlocal all all {auth}\n")
        self.process = None
        self.start()
        self.sql("CREATE DATABASE nav", database="postgres")
        self.sql(self.SCHEMA.read_text())
        self.sql("INSERT INTO account (login, name) SELECT 'user' || g, 'User ' || g FROM generate_series(1, 1000) g")

    def _drop(self):
        die_with_parent()
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def _run(self, program, *arguments):
        subprocess.run([self.bin / program, *map(str, arguments)], check=True, cwd="/", stdout=subprocess.DEVNULL, preexec_fn=self._drop)

    def start(self, *options):
        log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder, *options], cwd="/", stdout=log, stderr=log,
            preexec_fn=self._drop)
        log.close()
        wait_for("PostgreSQL answers", lambda: subprocess.run(
            [self.bin / "pg_isready", "-q", "-h", self.folder], check=False).returncode == 0)

    def standby(self, folder):
        """A streaming replica of this cluster, running."""
        copy = object.__new__(Postgres)
        copy.folder, copy.bin, copy.user = pathlib.Path(folder), self.bin, self.user
        copy.folder.mkdir()
        if copy.user:
            os.chown(copy.folder, copy.user.pw_uid, copy.user.pw_gid)
        copy._run("pg_basebackup", "-h", self.folder, "-U", "postgres", "-D", copy.folder / "data", "-R", "-X", "stream", "-c", "fast")
        copy.start()
        return copy

    def promote(self):
        self._run("pg_ctl", "promote", "-w", "-D", self.folder / "data")

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast, SIGQUIT: immediate."""
        self.process.send_signal(how)
        self.process.wait(DEADLINE)

    def close(self):
        if self.process.poll() is None:
            self.stop(signal.SIGQUIT)

    def dsn(self, user="postgres", database="nav"):
        return f"host={self.folder} dbname={database} user={user}"

    def sql(self, text, database="nav"):
        """Runs SQL; the rows as lists of strings."""
        done = subprocess.run(
            [self.bin / "psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", "-d", database],
            input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def number(self, text):
        return int(self.sql(text)[0][0])


class Nginx:
    """A real HTTP server that answers 200 to everything and, unless told not to, logs each request."""

    def __init__(self, folder, record=True):
        self.folder = pathlib.Path(folder) / "nginx"
        self.folder.mkdir()
        self.port = free_port()
        self.log = self.folder / "access.log"
        conf = self.folder / "nginx.conf"
        user = "user nobody nogroup;" if os.getuid() == 0 else ""
        line = f"{self.log} line" if record else "off"
        conf.write_text(f"""
            {user} daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 512; }}
            http {{
              access_log {"off" if not record else self.log};
              keepalive_requests 1000000;
              client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
              uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
              log_format line '$request_uri $connection';
              server {{ listen 127.0.0.1:{self.port}; access_log {line}; location / {{ return 200 "OK\\n"; }}
                        location = /logged {{ access_log off; return 200 "OK\\n"; }} }}
            }}""")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", self.folder / "error.log", "-p", self.folder, "-c", conf],
                                        preexec_fn=die_with_parent)
        wait_for("nginx listens", self._listens)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def requests(self):
        """[(request uri, connection number)] of all requests that were answered so far.

        nginx logs a request after it has answered it. It has one process, so when it answers another, the log is complete; it also is
        when nobody listens any more.
        """
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/logged", timeout=DEADLINE).close()
        return [line.split(" ") for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)


class Gateway:
    """tests/peers/http-gateway.py: an HTTP gateway that can be told how to behave, and records every request."""

    def __init__(self, folder, *arguments, under=()):
        self.record = pathlib.Path(folder) / f"gateway-{time.monotonic_ns()}.jsonl"
        self.process = subprocess.Popen(
            [*under, "/usr/bin/python3", SOURCE / "tests" / "peers" / "http-gateway.py", "--record", self.record, *arguments],
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.port = int(self.process.stdout.readline())

    def requests(self):
        return records(self.record)

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


class Systemd:
    """systemd's end of NOTIFY_SOCKET: what one program says to it, with the moment of each message."""

    def __init__(self, folder, watchdog=None):
        self.path = pathlib.Path(folder) / f"notify-{time.monotonic_ns()}"
        self.watchdog = watchdog  # seconds, as WatchdogSec=
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o777)
        self.messages = []  # (time.monotonic(), {field: value})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            said = self.socket.recv(4096).decode()
            if said == "END":
                return
            self.messages.append((time.monotonic(), dict(line.split("=", 1) for line in said.splitlines())))

    def environment(self):
        found = {"NOTIFY_SOCKET": str(self.path)}
        if self.watchdog:
            found["WATCHDOG_USEC"] = str(int(self.watchdog * 1e6))
        return found

    def all(self, field):
        """[(moment, value)] of each time the field was said."""
        return [(at, fields[field]) for at, fields in list(self.messages) if field in fields]

    def status(self):
        """The last STATUS=."""
        return (self.all("STATUS") or [(0, None)])[-1][1]

    def now(self):
        """A moment after all that was said before it."""
        before = len(self.messages)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mark:
            mark.sendto(b"MARK=1", str(self.path))
        return wait_for("the mark is read", lambda: [at for at, fields in self.messages[before:] if "MARK" in fields])[-1]

    def signs_of_life(self, since=0.0):
        return [at for at, _ in self.all("WATCHDOG") if at > since]

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"END", str(self.path))
        self.reader.join(DEADLINE)
        self.socket.close()


class Modem:
    """tests/peers/modem.py: a GSM modem on a pseudo terminal behind a link of its own, told while it runs how to misbehave."""

    def __init__(self, folder, *commands, name="modem", under=()):
        self.link, self.record = pathlib.Path(folder) / f"usb-{name}-if00", pathlib.Path(folder) / f"{name}.jsonl"
        self.socket = pathlib.Path(folder) / f"{name}.control"
        self.process = subprocess.Popen(
            [*under, "/usr/bin/python3", "-B", SOURCE / "tests" / "peers" / "modem.py", "--link", self.link, "--record", self.record, "--mode", "666",
             "--control", self.socket, *commands], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        if not self.process.stdout.readline():
            raise AssertionError("the modem did not start")

    def tell(self, text):
        """One command, its answer; see modem.py --help."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.socket))
            control.sendall(text.encode() + b"\n")
            answer = control.makefile().readline().strip()
        if answer.startswith("error"):
            raise AssertionError(f"{text}: {answer}")
        return answer

    def status(self):
        return json.loads(self.tell("status"))

    def sms(self):
        """What a telephone would show, in the order it arrived."""
        return records(self.record)

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


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
        if ready:
            wait_for("smsd has started", lambda: self.status() or self.process.poll() is not None)
            if self.process.poll() is not None:
                raise AssertionError(f"smsd ended with {self.process.returncode}:\n{self.text()}")
        return self

    def run(self, *flags, deadline=DEADLINE):
        """Runs it until it ends by itself: (exit status, what it printed)."""
        done = subprocess.run([BIN / "smsd", "--config", self.config, *flags], capture_output=True, text=True, timeout=deadline, check=False)
        return done.returncode, done.stdout + done.stderr

    def ctl(self, *arguments, check=True, stdin=None):
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


def records(path):
    """The JSON lines that a program has written to `path` so far, without the one that it is writing."""
    return [json.loads(line) for line in path.read_text().rpartition("\n")[0].splitlines()] if path.exists() else []


def sms_in(path):
    """The SMS that a debug dispatcher has written to its file."""
    return records(path)


class MailServer:
    """tests/peers/smtp-server.py (a real one) or smtp-faults.py (one that fails where it is told to), and what it recorded."""

    def __init__(self, folder, *arguments, program="smtp-server.py", under=()):
        self.record = pathlib.Path(folder) / f"mail-{time.monotonic_ns()}.jsonl"
        self.process = subprocess.Popen([*under, "/usr/bin/python3", SOURCE / "tests" / "peers" / program, "--record", self.record,
                                         *arguments], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.port = int(self.process.stdout.readline())
        self.url = f"smtp://127.0.0.1:{self.port}"

    def entries(self):
        return records(self.record)

    def mails(self):
        return [entry for entry in self.entries() if "raw" in entry]

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()
