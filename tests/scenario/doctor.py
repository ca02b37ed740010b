# SPDX-License-Identifier: GPL-3.0-or-later
"""smsctl doctor beside an smsd that a test starts: nothing on a healthy one, and each planted fault by its name."""

import contextlib
import json
import os
import subprocess
import sys
import time

from harness import BIN, Gateway, Postgres, Scenario, Smsd, wait_for
from planted import Doctor


EXPIRED = """-----BEGIN CERTIFICATE-----
MIHDMHegAwIBAgIBATAFBgMrZXAwDDEKMAgGA1UEAwwBdDAeFw0yMDAxMDEwMDAw
MDBaFw0yMTAxMDEwMDAwMDBaMAwxCjAIBgNVBAMMAXQwKjAFBgMrZXADIQCiAj1A
w8X33ZgBnuaSdd+Q/YRIxfJ1YBhoYIAwB/y2ZjAFBgMrZXADQQCR94F5JfaBBzdP
ON8jMzr5/J9a3/gm8W2IKdPaMB5gvQfzR3Aftr1mLBNlsPjzjGrtwgj3IsA/mIRu
SRMCysEI
-----END CERTIFICATE-----
"""  # on 2021-01-01


class ByHand(Doctor, Scenario):
    """smsd as a test starts it: no systemd, as this user."""

    def examine(self, *arguments):
        return self.smsd.ctl("doctor", "--nav", str(self.nav), *arguments, check=False)

    def type(self, command):
        """As root would, with the programs of this build."""
        words = command.replace("sudo ", "").replace("smsctl ", f"{self.smsd.bin}/smsctl ")
        done = subprocess.run(["sh", "-e", "-c", words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")

    def begin(self, queue, settings=None):
        self.nav = self.folder / "nav"
        self.gateway = self.open(Gateway(self.folder))
        url = f"http://127.0.0.1:{self.gateway.port}/?to={{recipient}}&m={{text}}"
        self.smsd = self.open(Smsd(self.folder, queue, {"file": ("debug", {"file": "sent.jsonl"}),
                                                        "gateway": ("http", {"url": url, "auth": {"type": "bearer", "token_file": "token"}})},
                                   settings=settings))
        self.smsd.folder.chmod(0o750)  # an SQLite queue holds the texts of messages
        token = self.smsd.folder / "dispatchers" / "token"
        token.write_text("hunter2-canary\n")
        token.chmod(0o600)
        self.smsd.start()
        self.wait_until_ready()

    def wait_until_ready(self):
        wait_for("all are ready", lambda: {d["state"] for d in (self.smsd.status() or {"dispatchers": [{"state": ""}]})["dispatchers"]} == {"ready"})

    def pid(self, dispatcher):
        return self.smsd.dispatcher(dispatcher)["worker_pid"]

    @contextlib.contextmanager
    def changed(self, path, text=None, mode=None):
        """A file with another text or mode, and as it was afterwards."""
        before, status = path.read_text(), path.stat()
        try:
            if text is not None:
                path.write_text(text)
            if mode is not None:
                path.chmod(mode)
            yield
        finally:
            path.write_text(before)
            path.chmod(status.st_mode & 0o7777)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def configured(self, change):
        config = json.loads(self.smsd.config.read_text())
        change(config)
        return self.changed(self.smsd.config, json.dumps(config))

    @contextlib.contextmanager
    def reloaded(self, change, until):
        """The same, and the running smsd knows it."""
        with self.configured(change):
            self.smsd.ctl("reload")
            wait_for("the reload is seen", until)
            yield
        self.smsd.ctl("reload")
        self.wait_until_ready()


class OnSqlite(ByHand):
    def setUp(self):
        super().setUp()
        self.begin({"backend": "sqlite", "sqlite": {"path": "queue.db"}})

    def test_it_finds_nothing_and_then_each_planted_fault(self):
        report = self.assert_healthy()
        self.assertEqual({one["group"] for one in report["fine"]} >= {"installation", "files", "daemon", "queue", "sockets", "disk", "locks", "core"}, True)
        self.assertIn("doctor found nothing wrong", self.examine().stdout)
        self.assert_fast()
        self.assert_no_secret_in("hunter2")
        self.assert_each_planted_fault_is_found_by_its_name()
        self.assert_no_secret_in("hunter2")

    def plant_config_wrong(self):
        return self.changed(self.smsd.folder / "dispatchers/file.yaml", '{"fil": "sent.jsonl"}')

    def plant_program_missing(self):
        return self.configured(lambda config: config["dispatchers"][0].update(worker="/nonexistent/worker"))

    def plant_file_open(self):
        return self.changed(self.smsd.folder / "dispatchers/token", mode=0o644)

    def plant_file_changeable(self):
        return self.changed(self.smsd.config, mode=0o664)

    @contextlib.contextmanager
    def plant_folder_not_writable(self):
        state = self.smsd.folder / "state"
        state.rename(self.smsd.folder / "gone")
        yield
        (self.smsd.folder / "gone").rename(state)

    @contextlib.contextmanager
    def plant_socket_open(self):
        socket = self.smsd.folder / "control.sock"
        mode = socket.stat().st_mode & 0o7777
        socket.chmod(0o666)
        yield
        socket.chmod(mode)

    @contextlib.contextmanager
    def modem(self, device):
        own = self.smsd.folder / "dispatchers/modem.yaml"
        own.write_text(json.dumps({"device": device}))
        own.chmod(0o640)
        # The running smsd does not know it: only its file is looked at.
        with self.configured(lambda config: config["dispatchers"].append({"name": "modem", "kind": "gammu"})):
            yield
        own.unlink()

    def plant_device_missing(self):
        return self.modem("/dev/no-such-modem")

    @contextlib.contextmanager
    def plant_device_held(self):
        ours, device = os.openpty()  # this process has opened it
        with self.modem(os.ttyname(device)):
            (finding,) = self.doctor()[1]["findings"]
            self.assertIn(f"pid {os.getpid()}", finding["problem"])
            yield
        os.close(ours)
        os.close(device)

    @contextlib.contextmanager
    def certificate(self, pem):
        (self.smsd.folder / "dispatchers/ca.pem").write_text(pem)
        own = json.loads((self.smsd.folder / "dispatchers/gateway.yaml").read_text())
        own["url"] = own["url"].replace("http:", "https:")
        with self.changed(self.smsd.folder / "dispatchers/gateway.yaml", json.dumps({**own, "ca_file": "ca.pem"})):
            yield

    def plant_certificate_expired(self):
        return self.certificate(EXPIRED)

    def plant_certificate_expires(self):
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=ca",
                               "-keyout", "/dev/null", "-days", "10"], check=True, capture_output=True, text=True)
        return self.certificate(made.stdout)

    @contextlib.contextmanager
    def plant_clock_wrong(self):
        with self.changed(self.smsd.config):
            os.utime(self.smsd.config, (time.time() + 86400,) * 2)
            yield

    @contextlib.contextmanager
    def plant_lock_not_in_force(self):
        """The process that smsd knows is a shell, and the worker its child: what the worker reports is not true of it."""
        wrapper = self.smsd.folder / "wrapper"
        wrapper.write_text(f'#!/bin/sh\n{BIN}/smsd-worker-debug "$@"\nexit $?\n')
        wrapper.chmod(0o755)
        own = self.pid("file")
        with self.reloaded(lambda config: config["dispatchers"][0].update(worker=str(wrapper)),
                           lambda: self.smsd.dispatcher("file")["state"] == "ready" and self.pid("file") != own):
            yield

    @contextlib.contextmanager
    def plant_lock_below_required(self):
        with self.reloaded(lambda config: config["dispatchers"][0].update(require_lock=["landlock:999", "seccomp"]),
                           lambda: self.smsd.dispatcher("file")["state"] == "broken"):
            reason = self.smsd.dispatcher("file")["reason"]
            self.assertIn("lacks landlock:999, which require_lock demands", reason)
            tried = json.loads(self.smsd.ctl("test", "+4799887766", "--via", "file", "--json", check=False).stdout)["tries"][0]
            self.assertEqual(tried["result"], "not tried")
            self.assertIn("file: broken, tried again in 15s: the lock of its worker lacks landlock:999", self.smsd.text())
            yield

    @contextlib.contextmanager
    def plant_dispatcher_broken(self):
        with self.changed(self.smsd.folder / "dispatchers/file.yaml", '{"file": "sent.jsonl", "result": "break"}'):
            self.smsd.ctl("reload")
            wait_for("it is ready", lambda: self.smsd.dispatcher("file")["state"] == "ready")
            self.smsd.ctl("test", "+4799887766", "--via", "file", check=False)
            wait_for("it is broken", lambda: self.smsd.dispatcher("file")["state"] == "broken")
            yield
        self.smsd.ctl("reload")
        self.wait_until_ready()

    @contextlib.contextmanager
    def plant_smsd_not_running(self):
        self.smsd.stop()
        yield
        self.smsd.start()
        self.wait_until_ready()


class OnPostgresql(ByHand):
    def setUp(self):
        super().setUp()
        self.postgres = self.open(Postgres(self.folder))
        self.postgres.sql("CREATE ROLE smsd LOGIN; ALTER ROLE smsd SET TimeZone = 'Europe/Oslo'")
        # The running smsd looks at nothing by itself meanwhile.
        queue = {"backend": "postgresql", "postgresql": {"connection": self.postgres.dsn("smsd")}, "poll_interval": "1h", "lease": "10m",
                 "expire_after": "1d"}
        installer = Smsd(self.folder, {**queue, "postgresql": {"connection": self.postgres.dsn()}}, {"file": ("debug", {})}, name="installer")
        installer.ctl("db", "install", "--indexes", "--notify", "--role", "smsd", "--grant")
        self.installer = installer
        self.begin(queue)
        self.nav.mkdir()
        (self.nav / "nav.conf").write_text("TIME_ZONE = Europe/Oslo\n")
        (self.nav / "daemons.yml").write_text("daemons:\n  pping: {command: pping}\n")

    def test_it_finds_nothing_and_then_each_planted_fault(self):
        report = self.assert_healthy()
        self.assertIn("schema version 7, grants, indexes, trigger, time zone Europe/Oslo", str(report["fine"]))
        self.assert_fast()
        self.assert_each_planted_fault_is_found_by_its_name()

    def doctor(self, *arguments):
        """Without a NAV's smsd of another test on this host."""
        status, report = super().doctor(*arguments)
        ours = [one for one in report["findings"] if one["fault"] != "nav-smsd-runs" or str(getattr(self, "stand_in", "")) in one["about"]]
        return (status if ours or status != 1 else 0), {**report, "findings": ours}

    @contextlib.contextmanager
    def sql(self, plant, heal):
        self.postgres.sql(plant)
        try:
            yield
        finally:
            self.postgres.sql(heal)

    def plant_grants_missing(self):
        return self.sql("REVOKE DELETE ON smsd.wait FROM smsd; REVOKE UPDATE (sent) ON smsq FROM smsd",
                        "GRANT DELETE ON smsd.wait TO smsd; GRANT UPDATE (sent) ON smsq TO smsd")

    @contextlib.contextmanager
    def plant_indexes_missing(self):
        self.postgres.sql("DROP INDEX smsq_unsent_phone")
        yield
        self.installer.ctl("db", "install", "--indexes")

    @contextlib.contextmanager
    def plant_trigger_missing(self):
        self.postgres.sql("DROP TRIGGER smsd_notify ON smsq")
        yield
        self.installer.ctl("db", "install", "--notify")

    def plant_queue_denied(self):
        return self.sql("ALTER ROLE smsd NOLOGIN", "ALTER ROLE smsd LOGIN")

    @contextlib.contextmanager
    def plant_queue_not_installed(self):
        with self.sql("ALTER SCHEMA smsd RENAME TO gone", "ALTER SCHEMA gone RENAME TO smsd"):
            wait_for("smsd has looked at it", lambda: not self.smsd.status()["healthy"])
            yield {"smsd-unhealthy"}  # it has no more of a queue
        wait_for("smsd has its queue again", lambda: self.smsd.status()["healthy"])

    @contextlib.contextmanager
    def plant_queue_unreachable(self):
        def elsewhere(config):
            config["queue"]["postgresql"]["connection"] = self.postgres.dsn("smsd").replace("/pg", "/nowhere")
        with self.configured(elsewhere):
            yield

    def plant_time_zone_differs(self):
        return self.changed(self.nav / "nav.conf", "TIME_ZONE = America/New_York\n")

    @contextlib.contextmanager
    def plant_other_program(self):
        session = subprocess.Popen([self.postgres.bin / "psql", "-Xq", f"host={self.postgres.folder} dbname=nav user=postgres application_name='smsd (NAV legacy)'"],
                                   stdin=subprocess.PIPE)
        seen = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'smsd (NAV legacy)'"
        wait_for("it is connected", lambda: self.postgres.number(seen) == 1)
        yield
        session.communicate()
        wait_for("it is gone", lambda: self.postgres.number(seen) == 0)

    def plant_nav_lists_smsd(self):
        return self.changed(self.nav / "daemons.yml", "daemons:\n  smsd: {command: smsd.py}\n")

    @contextlib.contextmanager
    def plant_nav_smsd_runs(self):
        script = self.folder / "smsd.py"
        script.write_text("import sys\nprint(flush=True)\nsys.stdin.read()\n")
        with subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            self.stand_in = process.pid
            yield
            process.stdin.close()
        self.stand_in = ""

    @contextlib.contextmanager
    def plant_password_file_ignored(self):
        file = self.smsd.folder / "smsd.pgpass"
        file.write_text("*:*:*:smsd:hunter2-canary\n")
        file.chmod(0o640)
        self.assert_no_secret_in("hunter2")
        yield
        file.unlink()
