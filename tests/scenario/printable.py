# SPDX-License-Identifier: GPL-3.0-or-later
"""No byte of a stranger acts on a terminal, a log, a mail or a file: rows, numbers, reasons, names and configuration."""

import json
import random
import sqlite3

from harness import BIN, Scenario, Smsd, sms_in, wait_for

import subprocess

# Ends and begins a line, clears a screen, sets a window's title (C0 and C1 forms), turns the direction, is no UTF-8.
STRANGE = ["\n", "\r", "\x1b[2J", "\x1b]0;owned\x07", "\x07", "\x08", "\t", "\x7f", "\u0085", "\u009b31m", "\u009d0;owned\u009c",
           "\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2028", "\u2029", "\u2066", "\u2069", "\x0b", "\x0c"]
HARMLESS = ["a", "Z", "7", "+47", " ", "'", '"', "\\", "{", "å", "€", "\U0001f525"]


def strange(seed, pieces=8):
    """A text with one of each at least, in an order that the seed decides."""
    chosen = random.Random(seed)
    return "".join(chosen.choice(STRANGE if i % 2 else HARMLESS) for i in range(pieces))


def acting(text):
    """The characters in it that a terminal would act on."""
    return sorted({hex(ord(c)) for c in text if (c < " " and c != "\n") or "\x7f" <= c < "\xa0"
                   or c in "\u061c\u200e\u200f\u2028\u2029" or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"})


class WaysOut(Scenario):
    def check(self, what, text):
        self.assertEqual(acting(text), [], f"{what}: {text!r}")

    def tool(self, smsd, *arguments, stdin=b""):
        """smsctl's two streams, which have to be harmless in both forms."""
        both = []
        for form in ((), ("--json",)):
            done = subprocess.run([BIN / "smsctl", "--config", smsd.config, *arguments, *form], capture_output=True, check=False, input=stdin)
            out, err = done.stdout.decode(), done.stderr.decode()
            self.check(f"smsctl {' '.join(arguments)} {form}", out)
            self.check(f"smsctl {' '.join(arguments)} {form}: errors", err)
            both.append(out)
        return both

    def rows(self, database, count):
        rows = []
        for i in range(count):
            rows.append((strange(i)[:15], f"{i} {strange(1000 + i, 20)}", f"2026-01-0{1 + i % 9} {strange(2000 + i)}", 1 + i % 5))
        with sqlite3.connect(database) as queue:
            queue.execute("INSERT INTO account (id, login, name) VALUES (7, ?, ?)", (strange(1), strange(2)))
            queue.executemany("INSERT INTO smsq (accountid, phone, msg, time, severity) VALUES (7, ?, ?, ?, ?)", rows)
        return rows

    def test_rows_reach_the_terminal_the_log_and_the_mail_as_text(self):
        database, sent = self.folder / "queue.db", self.folder / "mail.jsonl"
        smsd = self.open(Smsd(
            self.folder, {"backend": "sqlite", "sqlite": {"path": str(database)}},
            {"debug": ("debug", {"when": [{"text": "3 ", "result": "refuse"}, {"text": "4 ", "result": "unknown"}]})},
            settings={"log": {"recipient": "plain", "sent": "each"}, "retry": {"unknown": "hold", "delay": "300ms"},
                      "admin_mail": {"to": "noc@example.org", "level": "notice", "delay": "1s", "interval": "1s", "dispatcher": "post", "kind": "debug"}}))
        post = smsd.folder / "dispatchers" / "post.yaml"
        post.write_text(json.dumps({"file": str(sent)}))
        post.chmod(0o640)
        smsd.ctl("db", "install")
        rows = self.rows(database, 40)
        for status in "N":
            text, as_json = self.tool(smsd, "queue", "list", "--status", status, "--limit", "100")
            self.assertEqual(len(text.splitlines()), len(rows) + 1, "a row is a line")
            # JSON loses nothing: it escapes.
            self.assertEqual(sorted(m["recipient"] for m in json.loads(as_json)), sorted(row[0] for row in rows))
            self.assertEqual({m["user"] for m in json.loads(as_json)}, {strange(2)})
        smsd.start()
        wait_for("all are decided", lambda: smsd.status()["queue"]["unsent"] == len(json.loads(self.tool(smsd, "queue", "held")[1])) or None)
        wait_for("a mail with the refusals", lambda: any("will not be sent" in sms["text"] for sms in sms_in(sent)))
        self.tool(smsd, "status")
        for i in range(1, len(rows) + 1):
            self.tool(smsd, "explain", str(i))
        self.check("smsd -c", subprocess.run([BIN / "smsd", "--config", smsd.config, "-c"], capture_output=True, check=False).stdout.decode())
        smsd.stop()
        log = smsd.text()
        self.check("the log", log)
        for line in log.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} smsd", "no number makes a line of its own")
        for sms in sms_in(sent):
            self.check("admin mail", sms["text"])
        self.check("debug's file", sent.read_text())

    def flag(self, smsd, *flags):
        """The two streams of smsd -t, which have to be harmless. Returns what it printed."""
        done = subprocess.run([BIN / "smsd", "--config", smsd.config, *flags], capture_output=True, check=False)
        said = (done.stdout + done.stderr).decode()
        self.check(f"smsd {flags}", said)
        return said

    def test_a_test_sms_and_a_preview_reach_the_terminal_as_text(self):
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"first": ("debug", {"result": "refuse"}), "second": ("debug", {})}, settings={"log": {"recipient": "plain"}}))
        asked = [(strange(seed).replace("\0", "")[:15], strange(100 + seed, 20)) for seed in range(12)]
        for phone, text in asked[:3]:  # with no daemon
            self.assertTrue(self.flag(smsd, f"-t{phone}", f"--message={text}"))
            self.tool(smsd, "test", "--message=" + text, "--", phone)
        smsd.start()
        wait_for("ready", lambda: smsd.dispatcher("second")["state"] == "ready")
        accepted = 0
        for phone, text in asked:
            accepted += "second accepted the test SMS" in self.flag(smsd, f"-t{phone}", f"--message={text}")
            self.tool(smsd, "test", "--message=" + text, "--", phone)
            self.tool(smsd, "test", "--via=" + text, "--", "+471")
            shown, as_json = self.tool(smsd, "preview", "--max-parts", "8", stdin=text.encode())
            self.assertIn("messages in it", shown)
            self.assertEqual(json.loads(as_json)["ignored"], 0)
            for option in ("--max-parts", "--overflow", "--" + text):
                self.tool(smsd, "preview", f"{option}={text}")
        self.assertIn("second accepted the test SMS", self.flag(smsd, "-t", "+471", "--message", asked[0][1]), f"{accepted} of the strange numbers were")
        smsd.stop()
        self.check("the log", smsd.text())
        for line in smsd.text().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} smsd", "no number makes a line of its own")

    def test_a_configuration_reaches_the_terminal_as_text(self):
        for seed in range(60):
            folder = self.folder / str(seed)
            folder.mkdir()
            file = folder / "smsd.yaml"
            key, value = strange(seed), strange(100 + seed)
            # YAML's own escapes bring in any character.
            file.write_text(f"queue: {{backend: {json.dumps(value)}, {json.dumps(key)}: 1}}\n{json.dumps(key)}: {json.dumps(value)}\n"
                            f"dispatchers: [{{name: {json.dumps(value)}, kind: {json.dumps(key)}, {json.dumps(value)}: x}}]\n")
            file.chmod(0o640)
            for command in ([BIN / "smsd", "--check"], [BIN / "smsctl", "config", "check"], [BIN / "smsd", "--" + strange(seed).replace("\0", "")]):
                done = subprocess.run([command[0], "--config", file, *command[1:]], capture_output=True, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.check(f"{command}", (done.stdout + done.stderr).decode())

    def test_an_import_writes_and_prints_text(self):
        for seed in range(60):
            nav, ours = self.folder / f"nav{seed}", self.folder / f"ours{seed}"
            nav.mkdir()
            # Everything but what ends a line: NAV's files have one entry a line.
            name, value = (strange(s).replace("\n", "").replace("\r", "") for s in (seed, 100 + seed))
            (nav / "smsd.conf").write_text(
                f"[main]\n{name} = {value}\nmailaddr = {value}\n[dispatcher]\ndispatcher1: HttpGetDispatcher\ndispatcher2: {name}\n"
                f"dispatcher3: UninettMailDispatcher\n[HttpGetDispatcher]\nurl = http://gw/{value}?to=%(phone)s&t=%(message)s&p={name}\n"
                f"[UninettMailDispatcher]\nmailaddr = {value}\n[{name}]\n{value} = 1\n", encoding="utf-8")
            (nav / "db.conf").write_text(f"dbhost={value}\ndb_nav={name}\n", encoding="utf-8")
            done = subprocess.run([BIN / "smsctl", "config", "import-nav", nav, "--output", ours], capture_output=True, check=False)
            self.check("import-nav", (done.stdout + done.stderr).decode())
            for file in ours.rglob("*.yaml"):
                self.check(str(file.name), file.read_text())
