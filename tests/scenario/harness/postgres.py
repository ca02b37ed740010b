# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL that a test may stop, start and throw away."""

import fcntl
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess

from .basics import BIN, DEADLINE, SOURCE, die_with_parent, wait_for


class Postgres:
    """A throw-away cluster on a Unix socket, with NAV's tables in the database nav. The first one is kept, stopped, in the build folder, and
    every other one is a copy of it, which takes a fifth of the processor time."""

    SCHEMA = SOURCE / "tests" / "data" / "nav-schema.sql"

    def __init__(self, folder, auth="trust"):
        self.folder = pathlib.Path(folder) / "pg"
        self.folder.mkdir()
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))[-1])
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.process = None
        self._fill()
        with open(self.folder / "data" / "postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses=''\nunix_socket_directories='{self.folder}'\nfsync=on\nautovacuum=on\n")
        if auth != "trust":
            hba = self.folder / "data" / "pg_hba.conf"
            hba.write_text(f"local all postgres trust\nlocal all all {auth}\n")
        self.start()

    def _fill(self):
        """Copies the kept cluster, which is made first if there is none of this release and these tables."""
        kept, made_of = BIN.parent / "postgresql", f"{self.bin}\n{os.getuid()}\n{self.SCHEMA.read_text()}{pathlib.Path(__file__).read_text()}"
        if not os.access(kept.parent, os.W_OK):  # programs of somebody else
            self._make()
            return
        with open(kept.with_suffix(".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stamp = kept / "made-of"
            if not stamp.exists() or stamp.read_text() != made_of:
                self._make()
                shutil.rmtree(kept, ignore_errors=True)
                kept.mkdir()
                subprocess.run(["cp", "-a", self.folder / "data", kept], check=True)
                stamp.write_text(made_of)  # last: without it the copy is made again
                return
            subprocess.run(["cp", "-a", kept / "data", self.folder], check=True)

    def _make(self):
        self._run("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start("-c", "listen_addresses=", "-c", "fsync=off")
        self.sql("CREATE DATABASE nav", database="postgres")
        self.sql(self.SCHEMA.read_text())
        self.sql("INSERT INTO account (login, name) SELECT 'user' || g, 'User ' || g FROM generate_series(1, 1000) g")
        self.stop()

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
            input=text, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def number(self, text):
        return int(self.sql(text)[0][0])
