# SPDX-License-Identifier: GPL-3.0-or-later
"""Dead, hung, broken or just slow: what the keeper makes of each, how soon, and how traffic comes back."""

import collections
import contextlib
import datetime
import http.server
import os
import pathlib
import pwd
import signal
import socket
import threading
import time
import unittest

from harness import Gateway, Postgres, Scenario, Smsd, die_with_parent, sms_in, wait_for
from main_path import INSERT, install, postgres_queue, url

CLOCK = os.sysconf("SC_CLK_TCK")


def sqlite(folder):
    return {"backend": "sqlite", "sqlite": {"path": str(folder / "queue.db")}}


def seconds(stamp):
    """2026-11-23T06:01:51.490Z or 2026-11-23 06:01:51.490, as seconds of the system's clock."""
    stamp = stamp.rstrip("Z").replace("T", " ")
    return datetime.datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=datetime.timezone.utc).timestamp()


def said_at(smsd, words):
    """When smsd said what contains these words: [seconds, ...]."""
    return [seconds(line[:23]) for line in smsd.text().splitlines() if " smsd " in line and words in line]


def cpu(pid):
    """Seconds of a process and of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / CLOCK


class MuteGateway:
    """Accepts connections and requests, and never answers; or does, as soon as it is told to."""

    def __init__(self):
        gateway = self
        self.asked, self.answered = [], []
        self.works = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                gateway.asked.append((time.time(), self.path))
                if not gateway.works.is_set():
                    with contextlib.suppress(OSError):
                        self.rfile.read(1)  # until the client has gone
                    self.close_connection = True
                    return
                gateway.answered.append((time.time(), self.path))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, block_on_close, request_queue_size = True, False, 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Death(Scenario):
    def test_a_worker_killed_while_idle_is_replaced_at_once(self):
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {"only": ("debug", {"file": str(self.folder / "sent")})})).start()
        took = []
        for served in (False, True, True, True):
            ready = wait_for("it is ready", lambda: (d := smsd.dispatcher("only"))["state"] == "ready" and d)
            if served:
                sent = ready["accepted"]
                smsd.ctl("send", "+471", "alert")
                wait_for("it has served", lambda: smsd.dispatcher("only")["accepted"] > sent)
            pid = ready["worker_pid"]
            killed = time.time()
            os.kill(pid, signal.SIGKILL)
            wait_for("another is ready", lambda: (d := smsd.dispatcher("only"))["state"] == "ready" and d["worker_pid"] not in (0, pid))
            took.append(said_at(smsd, "is ready, locked in by")[-1] - killed)
        # Without a throttle, whose first wait is a second.
        self.assertNotIn("resting", smsd.text())
        self.assertEqual(smsd.text().count("is gone: signal 9"), 4)
        self.say(killed=len(took), replaced_within_ms=[round(t * 1000) for t in took])

    def test_what_a_worker_had_when_it_was_killed_is_sent_once_by_the_next_dispatcher(self):  # C12
        mute, second = self.open(MuteGateway()), self.folder / "second"
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {
            "first": ("http", {"url": url(mute.port), "window": 2, "backlog": 2}), "second": ("debug", {"file": str(second)})},
            entries={"first": {"timeout": "120s"}}))
        for n in range(4):
            smsd.ctl("send", f"+47{n}", "alert")
        smsd.start()
        wait_for("two are begun", lambda: len(mute.asked) == 2)
        killed = time.time()
        os.kill(smsd.dispatcher("first")["worker_pid"], signal.SIGKILL)
        wait_for("what was begun is sent", lambda: len(sms_in(second)) >= 2)
        took = max(seconds(m["at"]) for m in sms_in(second)[:2]) - killed
        # What was not begun goes where there is room first: to the new worker, which begins it, or to the next dispatcher.
        wait_for("so is the rest, or begun", lambda: len(sms_in(second)) + len(mute.asked) - 2 >= 4)
        if len(mute.asked) > 2:
            os.kill(smsd.dispatcher("first")["worker_pid"], signal.SIGKILL)
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual(collections.Counter(m["recipient"] for m in sms_in(second)), {f"+47{n}": 1 for n in range(4)})
        self.assertLessEqual(len(mute.asked), 4)
        self.say(resolved_within_ms=round(took * 1000))


class Early(Scenario):
    def test_a_worker_that_dies_at_start_is_throttled_takes_no_cpu_and_is_told_once(self):
        folder = self.folder / "later"
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {"first": ("debug", {"file": str(folder / "sent")}), "second": ("debug", {})})).start()
        wait_for("it has died twice", lambda: smsd.dispatcher("first")["starts"] >= 3)
        before, began, starts = cpu(smsd.process.pid), time.monotonic(), smsd.dispatcher("first")["starts"]
        # The throttle's waits are 1, 2, 4, 8, 16 s: after three starts two more fit into this while, and no third.
        wait_for("a while is over", lambda: time.monotonic() - began > 10)
        share = (cpu(smsd.process.pid) - before) / (time.monotonic() - began)
        later = smsd.dispatcher("first")
        self.assertLessEqual(later["starts"] - starts, 2)
        mine = [line for line in smsd.text().splitlines() if " smsd " in line and "first: " in line]
        self.assertEqual(len(mine), 1, mine)
        why = f"cannot open `file` {folder / 'sent'}: No such file or directory (exit status 70)"
        self.assertTrue(mine[0].endswith(f"first: resting, tried again in 1s: {why}"), mine[0])
        self.assertEqual(later["reason"], why)
        folder.mkdir(mode=0o777)
        wait_for("it is tried again", lambda: smsd.dispatcher("first")["state"] == "ready")
        smsd.ctl("send", "+471", "alert")
        wait_for("it serves", lambda: len(sms_in(folder / "sent")) == 1)
        wait_for("it is told", lambda: "first: ready" in smsd.text())
        mine = [line for line in smsd.text().splitlines() if " smsd " in line and "first: " in line and "sent message" not in line]
        self.assertEqual(len(mine), 3, mine)  # the trouble; then that a worker and the dispatcher are ready
        self.say(starts=later["starts"], entries_while_it_lasted=1, cpu_percent=f"{share * 100:.2f}")

    def test_a_worker_that_smsd_starts_and_that_cannot_serve_reports_why(self):
        token, precious, fifo = self.folder / "token", self.folder / "precious", self.folder / "fifo"
        token.write_text("secret")
        token.chmod(0o600)
        precious.write_text("of somebody else\n")
        os.mkfifo(fifo)
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {
            "gateway": ("http", {"url": url(9), "auth": {"type": "bearer", "token_file": str(token)}}),
            "others": ("debug", {"file": str(precious)}),
            "fifo": ("debug", {"condition": str(fifo)}),
            "last": ("debug", {})})).start()
        token.unlink()
        smsd.ctl("dispatcher", "restart", "gateway")
        for name, why, status in (("gateway", "auth.token_file: found no such file", 78), ("others", f"`file` {precious}", 70), ("fifo", f"`condition` {fifo}", 70)):
            reason = lambda: smsd.dispatcher(name)["reason"]
            wait_for(f"the reason of {name} is known", lambda: f"exit status {status}" in reason())
            self.assertIn(why, reason())
            line = next(line for line in smsd.text().splitlines() if " smsd " in line and f"{name}: resting" in line)
            self.assertIn(why, line)


class Silence(Scenario):
    TIMEOUT, PEOPLE = 4, 200

    def test_a_gateway_that_never_answers_costs_its_timeout_once_and_is_used_again_when_it_works(self):  # C14
        postgres, mute, good = self.open(Postgres(self.folder)), self.open(MuteGateway()), self.open(Gateway(self.folder))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {
            "mute": ("http", {"url": url(mute.port)}), "good": ("http", {"url": url(good.port)})},
            entries={"mute": {"timeout": f"{self.TIMEOUT}s"}})))
        postgres.sql(INSERT.format(people=self.PEOPLE, messages=1))
        smsd.start()
        wait_for("all are sent", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        first = min(at for at, _ in mute.asked)
        requests = good.requests()
        took = max(r["time"] for r in requests) - first
        self.assertEqual(len({r["query"] for r in requests}), self.PEOPLE)
        self.assertEqual(len(requests), self.PEOPLE)
        # One window was begun there, and nothing else waited a second round behind it.
        at_first = [at for at, _ in mute.asked if at < first + self.TIMEOUT]
        self.assertLessEqual(len(at_first), smsd.dispatcher("mute")["window"])
        self.assertLess(took, 2 * self.TIMEOUT)

        # One alert after the other: only a probe waits for it.
        began, alerts = time.monotonic(), 0
        while time.monotonic() - began < 2 * self.TIMEOUT:
            smsd.ctl("send", f"+47{alerts}", "alert")
            wait_for("it is sent", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
            alerts += 1
        self.assertGreater(alerts, 2 * self.TIMEOUT)

        mute.works.set()
        probe, works = smsd.dispatcher("mute")["next_try_seconds"], time.time()
        while not mute.answered:
            smsd.ctl("send", f"+48{alerts}", "alert")
            alerts += 1
            self.assertLess(time.time() - works, probe + 2 * self.TIMEOUT + 30)
        back = mute.answered[0][0] - works
        wait_for("it is ready", lambda: smsd.dispatcher("mute")["state"] == "ready")
        before = len(good.requests())
        for n in range(10):
            smsd.ctl("send", f"+49{n}", "alert")
        wait_for("all are sent", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        self.assertEqual(len(good.requests()), before)
        self.say(recipients=self.PEOPLE, timeout=f"{self.TIMEOUT} s", begun_at_the_mute_one=len(at_first), all_sent_within=f"{took:.2f} s",
                 then_one_by_one=alerts, next_probe_was_in=f"{probe} s", back_after=f"{back:.2f} s")


class Order(Scenario):
    def test_the_second_is_used_when_the_first_is_broken_for_good_and_not_the_third(self):  # C9, C10
        files = [self.folder / n for n in ("first", "second", "third")]
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {
            "first": ("debug", {"file": str(files[0]), "result": "permanent", "window": 1, "backlog": 0}),
            "second": ("debug", {"file": str(files[1])}), "third": ("debug", {"file": str(files[2])})}))
        smsd.start()
        # A second one that still starts would be passed by.
        wait_for("all are ready", lambda: all(one["state"] == "ready" for one in smsd.status()["dispatchers"]))
        for n in range(10):
            smsd.ctl("send", f"+47{n}", "alert")
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual([len(sms_in(f)) for f in files], [0, 10, 0])
        first = smsd.dispatcher("first")
        self.assertEqual((first["state"], first["broken"]), ("broken", 1))
        self.assertLessEqual(first["next_try_seconds"], 60)  # not culled: it has a time
        self.say(first=first["state"], second=10, third=0, asked_of_the_first=first["broken"])

    def test_a_worker_that_says_it_is_broken_gets_no_sms_and_comes_back_by_itself(self):  # C10
        condition, first, second = self.folder / "condition", self.folder / "first", self.folder / "second"
        condition.write_text("no SIM\n")
        condition.chmod(0o666)
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {
            "first": ("debug", {"file": str(first), "condition": str(condition)}), "second": ("debug", {"file": str(second)})}))
        for n in range(5):
            smsd.ctl("send", f"+47{n}", "alert")
        smsd.start()
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual((len(sms_in(first)), len(sms_in(second))), (0, 5))
        state = smsd.dispatcher("first")
        self.assertEqual((state["state"], state["reason"], state["broken"], state["under_way"]), ("broken", "no SIM", 0, 0))
        condition.write_text("")
        mended = time.monotonic()
        wait_for("it is used again", lambda: smsd.dispatcher("first")["state"] == "ready")
        took = time.monotonic() - mended
        smsd.ctl("send", "+479", "alert")
        wait_for("it is sent by the first", lambda: len(sms_in(first)) == 1)
        self.assertEqual(smsd.text().count("first: broken"), 1)
        self.say(spent_on_the_broken_one=0, back_after=f"{took:.1f} s, asked each 15 s")


def all_busy(dispatchers):
    return dispatchers if all(d["under_way"] > 0 for d in dispatchers) else []


class Hung(Scenario):
    def test_workers_that_are_stopped_are_seen_killed_and_replaced_and_their_sms_resolved(self):
        names, own = ("first", "second"), {"delay": "5s", "window": 2, "backlog": 0}
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {
            "first": ("debug", dict(own, file=str(self.folder / "first"), when=[{"text": "other", "result": "refuse"}])),
            "second": ("debug", dict(own, file=str(self.folder / "second")))}, entries={n: {"timeout": "120s"} for n in names}))
        for n in range(4):
            smsd.ctl("send", f"+47{n}", "other" if n < 2 else "alert")  # what the first refuses comes to the second
        smsd.start()
        pids = wait_for("both are busy", lambda: [d["worker_pid"] for d in all_busy(smsd.status()["dispatchers"])])
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        stopped = time.time()
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0, deadline=110)  # before any timeout of an SMS
        resolved = time.time() - stopped
        seen = [at - stopped for at in said_at(smsd, "is gone: it did not answer")]
        self.assertEqual(len(seen), 2, smsd.text())
        for pid in pids:
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())
        sent = collections.Counter(m["recipient"] for n in names for m in sms_in(self.folder / n))
        self.assertEqual(sent, {f"+47{n}": 1 for n in range(4)})
        wait_for("both are ready", lambda: [d["state"] for d in smsd.status()["dispatchers"]] == ["ready", "ready"])
        self.say(stopped=2, seen_after_s=[f"{s:.1f}" for s in seen], all_sent_after=f"{resolved:.1f} s")

    def test_one_that_hangs_only_when_it_is_asked_how_it_is_is_replaced(self):
        condition = self.folder / "condition"
        condition.write_text("")
        condition.chmod(0o666)
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {
            "first": ("debug", {"condition": str(condition), "when": [{"text": "slow", "result": "hang"}]}), "second": ("debug", {"file": str(self.folder / "second")})},
            entries={"first": {"timeout": "120s"}})).start()
        wait_for("it is ready", lambda: smsd.dispatcher("first")["state"] == "ready")
        condition.write_text("hang")
        smsd.ctl("send", "+471", "slow")
        wait_for("the other one sent it", lambda: len(sms_in(self.folder / "second")) == 1, deadline=110)
        self.assertIn("did not answer a health query", smsd.text())
        # It does not become ready while it does not say how it is; and does when it does.
        self.assertNotEqual(smsd.dispatcher("first")["state"], "ready")
        condition.write_text("")


class Stranger(Scenario):
    @unittest.skipUnless(os.getuid() == 0, "needs root to be somebody else")
    def test_a_socket_at_which_a_stranger_listens_is_given_nothing(self):
        nobody = pwd.getpwnam("nobody").pw_uid
        place = self.folder / "place"
        place.mkdir()
        os.chown(place, nobody, -1)
        heard, reader = self.listen(place / "first.sock", nobody)
        smsd = self.open(Smsd(self.folder, sqlite(self.folder), {"first": ("debug", {}), "second": ("debug", {"file": str(self.folder / "second")})},
                              entries={"first": {"activation": "socket", "socket": str(place / "first.sock")}}))
        smsd.ctl("send", "+471", "alert")
        smsd.start()
        wait_for("the other one sent it", lambda: len(sms_in(self.folder / "second")) == 1)
        first = smsd.dispatcher("first")
        self.assertEqual(first["state"], "resting")
        self.assertIn(f"has uid {nobody}", first["reason"])
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(heard, 0)[1]), 0)
        self.assertEqual(os.read(reader, 100), b"0")
        os.close(reader)
        self.say(bytes_given_to_the_stranger=0)

    def listen(self, path, uid):
        """A child with that uid, which listens there, lets one in, and says how many bytes came: (its pid, where it says so)."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                die_with_parent()
                os.setgroups([])
                os.setuid(uid)
                server = socket.socket(socket.AF_UNIX)
                server.bind(str(path))
                server.listen(8)
                server.settimeout(60)
                visitor, _ = server.accept()
                os.write(writer, str(len(visitor.recv(1000))).encode())
                os._exit(0)
            os._exit(1)
        os.close(writer)
        path.parent.chmod(0o755)
        wait_for("it listens", lambda: f" {path}\n" in pathlib.Path("/proc/net/unix").read_text())
        return child, reader
