# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation of NAV's smsd becomes one of smsd: smsctl config import-nav, and the daemon that runs with its files."""

import json
import re
import subprocess

from harness import BIN, Postgres, Scenario, Smsd, wait_for

BAD_DATA, EXISTS = 65, 73


class ImportNav(Scenario):
    def nav(self, smsd_conf, **more):
        folder = self.folder / "nav"
        folder.mkdir()
        (folder / "smsd.conf").write_text(smsd_conf)
        for name, text in more.items():
            (folder / f"{name}.conf").write_text(text)
        return folder

    def import_nav(self, folder, output, *more):
        return subprocess.run([BIN / "smsctl", "config", "import-nav", folder, "--output", output, *more], capture_output=True, text=True, check=False)

    def test_an_installation_of_navs_goes_on_with_smsd(self):  # C11, C15, C16, C17, C35, C64, C70
        postgres = self.open(Postgres(self.folder))
        nav = self.nav(AS_NAV_SHIPS_IT.format(main="delay: 5\nexit_on_permanent_error: on\nautocancel: 12 hours\nretrylimitaction: Ignore",
                                              dispatchers="dispatcher1: HttpGetDispatcher\ndispatcher3: DebugDispatcher"),
                       nav="NAV_USER=navcron\nADMIN_MAIL=noc@example.org # us\n",
                       db=f"dbhost={postgres.folder}\ndbport=5432\ndb_nav=nav\nscript_default = postgres\nuserpw_postgres=canary-db\n")
        output = self.folder / "etc"
        done = self.import_nav(nav, output)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)  # the gateway's words are a person's to write
        self.assertEqual(done.stdout.count("to do: "), 1, done.stdout)
        self.assertIn("to do: gateway: NAV counted every 2xx as sent", done.stdout)
        self.assertNotIn("canary", done.stdout)
        secret = output / "dispatchers" / "gateway.pass"
        self.assertEqual((secret.read_text(), secret.stat().st_mode & 0o777), ("canary-http\n", 0o600))
        self.assertEqual((output / "nav.pgpass").stat().st_mode & 0o777, 0o600)
        for file in output.rglob("*.yaml"):
            self.assertNotIn("canary", file.read_text(), file)
        again = self.import_nav(nav, output)
        self.assertEqual(again.returncode, EXISTS)
        self.assertIn("exists already; nothing was written", again.stderr)

        queue = {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}
        smsd = self.open(Smsd(self.folder, queue, {"unused": ("debug", {})}, name="smsd"))
        smsd.config = output / "smsd.yaml"
        smsd.folder = output
        with open(smsd.config, "a") as file:
            file.write(f"\ncontrol: {{socket: {output}/control.sock}}\nstate_directory: {output}/state\n")
        self.assertIn("good, 2 dispatchers", smsd.ctl("config", "check"))
        gateway = output / "dispatchers" / "gateway.yaml"
        gateway.write_text(re.sub("(?m)^#(answers:|  - )", r"\1", gateway.read_text()))
        self.assertEqual(gateway.read_text().count("\n  - {status: 2xx"), 4)
        self.assertIn("good, 2 dispatchers", smsd.ctl("config", "check"))
        smsd.ctl("db", "install")
        smsd.start()
        for name in ("gateway", "debug"):
            wait_for(f"{name} is ready", lambda: smsd.dispatcher(name)["state"] == "ready", deadline=30)
        # Nobody is at the gateway: NAV's second choice takes it.
        postgres.sql("INSERT INTO smsq (accountid, time, phone, msg, severity) VALUES (1, now(), '+4799887766', 'core is down', 1)")
        wait_for("it is sent", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'Y'") == 1, deadline=60)
        self.assertEqual(smsd.dispatcher("debug")["accepted"], 1)
        self.assertNotIn("canary", smsd.text())
        self.say(files_written=len(list(output.rglob("*.yaml"))) + 2, notes=done.stdout.count("note: "))

    def test_what_cannot_be_imported_is_said_and_nothing_is_written(self):  # C16, C35
        nav = self.nav("[main]\ndelay: soon\nautocancel: tomorrow\n[dispatcher]\ndispatcher1: HttpGetDispatcher\n")
        done = self.import_nav(nav, self.folder / "etc")
        self.assertEqual(done.returncode, BAD_DATA)
        self.assertEqual(done.stderr.replace("smsctl: ", ""), "smsd.conf:2: delay: expected a whole number of seconds\n"
                                      "smsd.conf:3: autocancel: expected an interval like '1 day 12 hours', or 0\n"
                                      "smsd.conf:5: HttpGetDispatcher has no section [HttpGetDispatcher], expected one\n")
        self.assertFalse((self.folder / "etc").exists())
        done = self.import_nav(self.folder / "none", self.folder / "etc")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (66, 1))
        (nav / "smsd.conf").write_text(AS_NAV_SHIPS_IT.format(main="delaay: 3", dispatchers="dispatcher1: DebugDispatcher\ndispatcher2: OurOwn"))
        done = self.import_nav(nav, self.folder / "etc", "--json")
        self.assertEqual(done.returncode, 1)  # written, and something needs a person
        self.assertEqual(len(json.loads(done.stdout)["to_do"]), 3)  # the slip, the plugin, and no db.conf


# What stands in NAV's own, less its comments.
AS_NAV_SHIPS_IT = """# Default values are commented out

[main]
#delay: 30
{main}

[dispatcher]
{dispatchers}

[GammuDispatcher]

[UninettMailDispatcher]
mailaddr: sms@uninett.no

[BoostDispatcher]
url: https://secure.boostcom.net/axis/services/ExternalSender
username: None
password: None
sender: None

[HttpGetDispatcher]
url: http://127.0.0.1:9/sms/send?user=me&pass=canary-http&recv=%(phone)s&msg=%(sms)s

[DebugDispatcher]
result=success
"""
