# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that systemd starts, and what they and the supervisor tell it: sockets, names, readiness, status, watchdog."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import unittest

from harness import BIN, DEADLINE, Scenario, Smsd, SocketWorker, Systemd, sms_in, wait_for

CONFIGURATION, USAGE = 78, 64


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


class SocketMode(Scenario):
    def setUp(self):
        super().setUp()
        self.systemd = self.open(Systemd(self.folder, watchdog=0.4))
        self.own = self.open(Systemd(self.folder, watchdog=0.4))  # what smsd itself says

    def worker(self, settings=None, name="debug", **more):
        more.setdefault("systemd", self.systemd)
        return self.open(SocketWorker(self.folder, name, "debug", settings or {"file": str(self.folder / "sent.jsonl")}, **more))

    def smsd(self, worker, **more):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"debug": ("debug", {})}, entries={"debug": dict(worker.entry(), **more)}))

    def refused(self, worker, status, *words):
        """It ends by itself at the first connection, with `status` and `words`."""
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(worker.socket))
            self.assertEqual(worker.process.wait(DEADLINE), status, worker.text())
        for word in words:
            self.assertIn(word, worker.text())
        return worker.text()

    def test_from_the_first_connection_to_the_stop_both_say_what_they_do(self):
        worker = self.worker(options=["--supervisor", str(os.getuid())])
        smsd = self.smsd(worker)
        for n in range(3):
            smsd.ctl("send", f"+47{n}", "alert")
        self.assertEqual(self.systemd.messages, [])  # nobody has connected: nothing runs
        smsd.start(systemd=self.own)
        wait_for("all are sent", lambda: len(sms_in(self.folder / "sent.jsonl")) == 3)
        wait_for("the worker says so", lambda: self.systemd.status() == "ready, 0 under way, 3 accepted")
        wait_for("smsd says so", lambda: self.own.status() == "healthy: 1 of 1 dispatcher ready, 0 under way, 3 sent")
        self.assertEqual([len(s.all("READY")) for s in (self.systemd, self.own)], [1, 1])
        self.assertEqual(smsd.stop(), 0)
        worker.process.terminate()
        self.assertEqual(worker.process.wait(DEADLINE), 0)
        for said in (self.systemd, self.own):
            said.now()  # all that they said is read
            self.assertEqual(len(said.all("STOPPING")), 1)
            # Longer than any SMS may take, so that systemd does not cut the end short.
            self.assertGreaterEqual(int(said.all("EXTEND_TIMEOUT_USEC")[0][1]), 20_000_000)
        self.say(lines_of_the_worker=len(self.systemd.all("STATUS")), lines_of_smsd=len(self.own.all("STATUS")))

    def test_a_broken_dispatcher_is_what_its_status_says_first(self):
        smsd = self.smsd(self.worker({"result": "break"}))
        smsd.ctl("send", "+471", "alert")
        smsd.start(systemd=self.own)
        wait_for("smsd says so", lambda: (self.own.status() or "").startswith("NOT HEALTHY: 0 of 1 dispatcher ready"))

    def test_the_status_line_is_said_at_most_once_a_second_however_much_happens(self):
        smsd = self.smsd(self.worker())
        smsd.start(systemd=self.own)
        for n in range(40):
            smsd.ctl("send", f"+47{n:08}", "alert")
            wait_for("it is sent", lambda sent=n + 1: len(sms_in(self.folder / "sent.jsonl")) == sent)
        wait_for("the last count", lambda: self.systemd.status() == "ready, 0 under way, 40 accepted")
        wait_for("the last count", lambda: self.own.status() == "healthy: 1 of 1 dispatcher ready, 0 under way, 40 sent")
        for said in (self.systemd, self.own):
            moments = [at for at, _ in said.all("STATUS")]
            # A second between two of them as the sender's loop counts it; what is read may bunch up.
            self.assertLessEqual(len(moments), moments[-1] - moments[0] + 3)
        self.say(sms=40, lines=len(self.systemd.all("STATUS")))

    def test_signs_of_life_go_out_at_half_the_interval_and_stop_when_the_worker_hangs_or_smsd_is_stopped(self):
        worker = self.worker({"result": "freeze", "after": 1, "file": str(self.folder / "sent.jsonl")})
        smsd = self.smsd(worker, timeout="60s").start(systemd=self.own)
        wait_for("both are well", lambda: min(len(self.systemd.signs_of_life()), len(self.own.signs_of_life())) >= 10)
        signs = self.systemd.signs_of_life()
        gaps = sorted(b - a for a, b in zip(signs, signs[1:]))
        smsd.ctl("send", "+471", "alert")
        wait_for("it is sent", lambda: len(sms_in(self.folder / "sent.jsonl")) == 1)
        smsd.ctl("send", "+472", "the one that freezes it")
        wait_for("the worker is frozen", lambda: state_of(worker.process.pid) == "T")
        frozen = self.systemd.now()
        # smsd's own signs are the clock: in the time of ten of them the worker gave none.
        wait_for("ten of the other's", lambda: len(self.own.signs_of_life(frozen)) >= 10)
        self.assertEqual(self.systemd.signs_of_life(frozen), [])
        other = self.open(Systemd(self.folder, watchdog=0.4))
        second = self.open(SocketWorker(self.folder, "second", "debug", {}, systemd=other))
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(second.socket))
            wait_for("another worker is well", lambda: other.signs_of_life())
        smsd.process.send_signal(signal.SIGSTOP)
        wait_for("smsd is stopped", lambda: state_of(smsd.process.pid) == "T")
        stopped = self.own.now()
        wait_for("ten of the other's", lambda: len(other.signs_of_life(stopped)) >= 10)
        self.assertEqual(self.own.signs_of_life(stopped), [])
        self.say(allowed_s=0.4, median_between_signs_s=f"{gaps[len(gaps) // 2]:.3f}")

    def test_a_worker_past_its_deadline_that_cannot_report_it_gives_no_more_signs_of_life(self):
        """Its loop runs, but it is of no use any more, and cannot end by itself: systemd's watchdog may."""
        worker = self.worker({"result": "hang"})
        smsd = self.smsd(worker, timeout="1s")
        smsd.ctl("send", "+471", "alert")
        smsd.start(systemd=self.own)
        wait_for("it is under way", lambda: (self.systemd.status() or "").startswith("ready, 1 under way"))
        smsd.process.send_signal(signal.SIGSTOP)  # nobody takes the report
        other = self.open(Systemd(self.folder, watchdog=0.4))
        second = self.open(SocketWorker(self.folder, "second", "debug", {}, systemd=other))
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(second.socket))
            wait_for("the other worker is well", lambda: other.signs_of_life())

        def silent():
            last = self.systemd.signs_of_life()[-1]
            return len(other.signs_of_life(last)) >= 10
        wait_for("ten of the other's and none of its own", silent)
        self.assertIn(state_of(worker.process.pid), "SR")
        self.assertIn("makes no progress", worker.text())
        smsd.process.send_signal(signal.SIGCONT)
        self.assertEqual(worker.process.wait(DEADLINE), 75)

    def test_a_worker_that_gives_up_ends_and_a_fresh_one_serves(self):
        worker = self.worker({"result": "hang"})
        smsd = self.smsd(worker, timeout="500ms").start(systemd=self.own)
        smsd.ctl("send", "+471", "alert")
        self.assertEqual(worker.process.wait(DEADLINE), 75)
        worker.config.write_text(f"file: {self.folder}/sent.jsonl\n")
        worker.socket.unlink()
        worker.start()
        # What became of the first is not known: it is sent once more.
        wait_for("it is sent by the fresh one", lambda: len(sms_in(self.folder / "sent.jsonl")) == 1)

    def test_a_descriptor_with_a_wrong_name_is_a_clear_error(self):
        self.refused(self.worker(fdname="modem2"), CONFIGURATION, "modem2", "FileDescriptorName=debug")
        self.assertEqual(self.systemd.all("READY"), [])

    def test_the_name_that_systemd_gives_by_itself_is_good(self):
        smsd = self.smsd(self.worker(fdname="smsd-debug@debug.socket")).start()
        wait_for("it is ready", lambda: smsd.dispatcher("debug")["state"] == "ready")

    def test_two_sockets_or_none_are_clear_errors(self):
        self.refused(self.worker(fdname="debug:debug", listen=[self.folder / "debug.sock", self.folder / "more.sock"]),
                     CONFIGURATION, "2 descriptors", "expected one")
        done = subprocess.run([BIN / "smsd-worker-debug", "--name", "debug", "--config", self.folder / "debug.yaml"],
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("LISTEN_FDS", done.stderr)

    def test_the_configuration_comes_from_the_credential_called_config(self):
        credentials = self.folder / "credentials"
        credentials.mkdir()
        (credentials / "config").write_text(f"file: {self.folder}/sent.jsonl\n")
        worker = self.worker(config=False, environment={"CREDENTIALS_DIRECTORY": credentials})
        smsd = self.smsd(worker)
        smsd.ctl("send", "+471", "alert")
        smsd.start()
        wait_for("it is sent", lambda: len(sms_in(self.folder / "sent.jsonl")) == 1)
        (credentials / "config").write_text("reslut: accept\n")
        bad = self.worker(name="bad", config=False, environment={"CREDENTIALS_DIRECTORY": credentials})
        self.refused(bad, CONFIGURATION, "credentials/config:1:1", "reslut")

    @unittest.skipUnless(os.getuid() == 0, "a /run of its own is needed")
    def test_behind_its_lock_a_worker_still_writes_to_the_journal(self):
        """It can make no Unix socket then: it has libsystemd's open from its first entry."""
        journal = self.folder / "journal"
        journal.mkdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
            journald.bind(str(journal / "socket"))
            journald.settimeout(DEADLINE)
            log = self.folder / "debug.log"
            log.touch()
            stream = log.stat()
            run = 'mount -t tmpfs run /run && mkdir -p /run/systemd/journal && mount --bind "$0" /run/systemd/journal && exec "$@"'
            worker = self.worker({"result": "accept"}, environment={"JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"},
                                 within=["/usr/bin/unshare", "--mount", "/bin/sh", "-c", run, journal])
            smsd = self.smsd(worker).start(systemd=self.own)
            smsd.ctl("send", "+471", "alert")
            entries = [journald.recv(65536).decode()]
            while "would send an SMS" not in entries[-1]:
                entries.append(journald.recv(65536).decode())
        self.assertIn("MESSAGE=starts\nPRIORITY=7\nSYSLOG_IDENTIFIER=smsd-worker-debug\n", entries[0])
        self.assertIn("\nSYSLOG_IDENTIFIER=smsd-worker-debug\n", entries[-1])
        self.assertNotIn("would send", worker.text())
        self.assertIn("locked in by no_new_privs, landlock", smsd.text())

    @unittest.skipUnless(os.getuid() == 0, "another user is needed")
    def test_a_stranger_is_turned_away_although_the_socket_lets_it_in(self):
        worker = self.worker()
        worker.socket.chmod(0o666)
        visit = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(worker.socket)!r}); print(len(s.recv(1)))"
        stranger = subprocess.run(["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", "/usr/bin/python3",
                                   "-c", visit], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual((stranger.returncode, stranger.stdout), (0, "0\n"), stranger.stderr)  # the end of the connection
        wait_for("it is said", lambda: "refused a connection" in worker.text())
        self.assertIn("uid 65534", worker.text())
        # The door is open for its own supervisor.
        smsd = self.smsd(worker)
        smsd.ctl("send", "+471", "alert")
        smsd.start()
        wait_for("it is sent", lambda: len(sms_in(self.folder / "sent.jsonl")) == 1)

    @unittest.skipUnless(os.getuid() == 0, "another user is needed")
    def test_the_supervisors_user_is_let_in_by_its_name(self):
        worker = self.worker(options=["--supervisor", "nobody"])
        worker.socket.chmod(0o666)
        # The first bytes of any Cap'n Proto call: who is let in is not hung up on before it says something.
        visit = (f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(worker.socket)!r}); s.settimeout(0.5)\n"
                 "try: print('closed', len(s.recv(1)))\nexcept TimeoutError: print('open')")
        nobody = subprocess.run(["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", "/usr/bin/python3",
                                 "-c", visit], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(nobody.stdout, "open\n", nobody.stderr)
        self.assertNotIn("refused a connection", worker.text())
        unknown = self.worker(name="unknown", options=["--supervisor", "no-such-user"])
        self.refused(unknown, 67, "no-such-user")
