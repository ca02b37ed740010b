# SPDX-License-Identifier: GPL-3.0-or-later
"""What smsd advises works when it is typed: each repair, in the situation that status, catalog and manual name it for."""

import http.server
import re
import subprocess
import threading
import time

from activator import Unit, fresh
from harness import BIN, SOURCE, Scenario, Smsd, wait_for

# Far below any wait of its own: a broken dispatcher's probe comes after a minute, a worker that cannot start is tried again after up to one.
AT_ONCE = 15


class Refusing:
    """A gateway that rejects the credentials until it is mended, or the SMS has the right ones."""

    def __init__(self, status=401):
        gateway = self
        self.status, self.taken, self.asked = status, [], 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                gateway.asked += 1
                good = gateway.status == 200 or "key=right" in self.path
                if good:
                    gateway.taken.append(self.path)
                self.send_response(200 if good else gateway.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/?to={{recipient}}&m={{text}}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def keys(self, key=None):
        return {"url": self.url + (f"&key={key}" if key else "")}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Repairs(Scenario):
    def setUp(self):
        super().setUp()
        self.gateway = self.open(Refusing())
        self.number = 0

    def queue(self):
        return {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}

    def spawned(self):
        return self.open(Smsd(self.folder, self.queue(), {"gateway": ("http", self.gateway.keys())}))

    def behind_socket(self, keys=None, **more):
        unit = self.open(Unit(self.folder, "gateway", "http", keys or self.gateway.keys(), **more))
        return unit, self.open(Smsd(self.folder, self.queue(), {"gateway": ("http", {})}, entries={"gateway": unit.entry()}))

    def send(self, smsd):
        self.number += 1
        smsd.ctl("send", f"+47{self.number}", "alert")

    def broken(self, smsd):
        """It refused an SMS, and its next probe is far away."""
        self.send(smsd)
        found = wait_for("it is broken", lambda: (d := smsd.dispatcher("gateway"))["state"] == "broken" and d)
        self.assertGreater(found["next_try_seconds"], AT_ONCE)
        self.assertIn("401", found["reason"])
        self.assertFalse(smsd.status()["healthy"])

    def works_at_once(self, smsd):
        mended = time.monotonic()
        self.send(smsd)
        wait_for("all are sent", lambda: (s := smsd.status()) and s["queue"]["unsent"] == 0, deadline=AT_ONCE)
        wait_for("it is healthy", lambda: smsd.status()["healthy"])
        return f"{time.monotonic() - mended:.1f} s"

    def test_a_spawned_one_that_was_mended_is_tried_at_once_after_each_repair(self):
        smsd = self.spawned().start()
        took = {}

        def restart_smsd():
            smsd.stop()
            smsd.start()

        for name, repair in {"resume": lambda: smsd.ctl("dispatcher", "resume", "gateway"),
                             "restart": lambda: smsd.ctl("dispatcher", "restart", "gateway"), "restart of smsd": restart_smsd}.items():
            self.gateway.status = 401
            self.broken(smsd)
            self.gateway.status = 200
            repair()
            took[name] = self.works_at_once(smsd)
        self.say(**{name.replace(" ", "_"): t for name, t in took.items()})

    def test_one_of_systemds_that_was_mended_is_tried_at_once_after_each_repair(self):
        unit, smsd = self.behind_socket()
        smsd.start()
        took = {}

        def restart_smsd():
            smsd.stop()
            smsd.start()

        for name, repair in {"resume": lambda: smsd.ctl("dispatcher", "resume", "gateway"),
                             "restart": lambda: smsd.ctl("dispatcher", "restart", "gateway"), "restart of smsd": restart_smsd,
                             "restart of its unit": unit.restart}.items():
            self.gateway.status = 401
            self.broken(smsd)
            self.gateway.status = 200
            repair()
            took[name] = self.works_at_once(smsd)
        self.say(**{name.replace(" ", "_"): t for name, t in took.items()})

    def test_a_wrong_key_in_the_file_of_one_of_systemds_is_mended_by_each_restart(self):
        """Only a fresh process reads the file again."""
        unit, smsd = self.behind_socket(self.gateway.keys("wrong"))
        smsd.start()
        pids = []

        def restart_smsd():
            smsd.stop()
            smsd.start()

        for repair in (lambda: smsd.ctl("dispatcher", "restart", "gateway"), restart_smsd, unit.restart):
            unit.write(self.gateway.keys("wrong"))
            unit.restart()
            self.broken(smsd)
            before = unit.pid()
            unit.write(self.gateway.keys("right"))
            repair()
            self.works_at_once(smsd)
            pids.append((before, fresh(unit, before)))
        self.assertNotIn("contract", smsd.text())
        self.say(processes=len({pid for pair in pids for pid in pair}))

    def test_a_file_that_a_worker_of_systemds_cannot_start_with_is_named_and_mended(self):
        unit, smsd = self.behind_socket({"ulr": "http://127.0.0.1/"})
        smsd.start()
        wait_for("the reason is in status", lambda: "unknown key 'ulr'" in smsd.dispatcher("gateway")["reason"])
        reason = smsd.dispatcher("gateway")["reason"]
        self.assertIn("/etc/smsd/dispatchers/gateway.yaml:1:", reason)
        self.assertNotIn(str(unit.credentials), reason)
        self.assertIn("unknown key 'ulr'", smsd.text())  # in smsd's own journal too
        wait_for("its throttle waits long", lambda: smsd.dispatcher("gateway")["next_try_seconds"] > 5)
        unit.write(self.gateway.keys("right"))
        unit.restart()
        took = self.works_at_once(smsd)
        self.assertEqual(smsd.text().count("no dispatcher can be used"), 1, smsd.text())
        self.say(sent_after=took)

    def test_a_secret_that_is_missing_is_named(self):
        unit, smsd = self.behind_socket({"url": self.gateway.url + "&key={key_of_mine}", "secrets": [{"name": "key_of_mine", "file": "mine"}]})
        smsd.start()
        reason = wait_for("the reason is in status", lambda: (r := smsd.dispatcher("gateway")["reason"]) and "LoadCredential=" in r and r)
        self.assertIn("secrets[0].file", reason)
        (unit.credentials / "mine").write_text("right\n")
        (unit.credentials / "mine").chmod(0o600)
        smsd.ctl("dispatcher", "resume", "gateway")
        self.works_at_once(smsd)
        self.assertIn("key=right", self.gateway.taken[-1])
        self.say(reason=reason)

    def test_where_the_worker_says_nothing_its_unit_is_named(self):
        unit, smsd = self.behind_socket(program="/bin/false")
        smsd.start()
        reason = wait_for("the reason is in status", lambda: (r := smsd.dispatcher("gateway")["reason"]) and "journalctl" in r and r)
        self.assertIn("see `journalctl -u smsd-http@gateway`", reason)
        unit.close()
        unit.socket.unlink()
        reason = wait_for("nobody listens", lambda: (r := smsd.dispatcher("gateway")["reason"]) and "no program listens" in r and r, deadline=30)
        self.assertIn("`systemctl status smsd-http@gateway.socket`", reason)


class Typed(Scenario):
    def test_each_smsctl_command_that_status_catalog_and_manual_advise_is_one(self):
        """With its options; what stands for a name is a name."""
        advised = set()
        status = [SOURCE / "supervisor/control/findings.cpp", *(SOURCE / "supervisor/smsctl").glob("status/*.cpp"), SOURCE / "supervisor/smsctl/status.cpp"]
        for file in [*status, SOURCE / "deploy/smsd.catalog", SOURCE / "README.md", *(SOURCE / "man").glob("*.[1-8]")]:
            text = file.read_text().replace("\\e\n", " ")
            advised.update(" ".join(found.split()) for found in re.findall(r"(?:`|\.Ql |\"|^\$ )(smsctl [^`\"\n|]*)", text, flags=re.MULTILINE))
        self.assertGreater(len(advised), 20)
        for line in sorted(advised):
            words = [word for word in line.rstrip(" .;,:").split() if word not in (";", ",", ".")][1:]
            command = [word for word in words if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
            options = [word for word in words if word.startswith("--")]
            done = None
            for length in range(len(command), -1, -1):
                done = subprocess.run([BIN / "smsctl", *command[:length], "--help"], capture_output=True, text=True, check=False)
                if done.returncode == 0:
                    break
            said = done.stdout
            self.assertTrue(length > 0 or not command or command == ["help"], line)
            for option in options:
                self.assertIn(option, said + "--config --json --version --help", line)
        self.say(commands=len(advised))
