"""What is wrong is said before anything is started: one clear message, a telling exit status, nothing half started."""

import shutil
import subprocess

from harness import BIN, DEADLINE, Postgres, Scenario, Smsd, wait_for

CONFIGURATION, NOT_ALLOWED, TRY_LATER = 78, 77, 75


class StartUp(Scenario):
    def refused(self, smsd, status, *words):
        """smsd ends by itself with `status` and says `words`; no worker ran, no socket is left."""
        code, text = smsd.run()
        self.assertEqual(code, status, text)
        for word in words:
            self.assertIn(word, text)
        self.assertNotIn("started", text)
        self.assertNotIn("what():", text)
        self.assertFalse((smsd.folder / "control.sock").exists())
        self.assertFalse((smsd.folder / "sent.jsonl").exists())
        return text

    def smsd(self, queue, dispatchers=None, **more):
        dispatchers = dispatchers or {"debug": ("debug", {"file": str(self.folder / "smsd" / "sent.jsonl")})}
        return self.open(Smsd(self.folder, queue, dispatchers, **more))

    def sqlite(self):
        return {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}

    def test_an_unreachable_database(self):
        smsd = self.smsd({"backend": "postgresql", "postgresql": {"connection": f"host={self.folder} dbname=nav user=smsd"}})
        text = self.refused(smsd, TRY_LATER, "Is the server running")
        self.assertEqual(len(text.strip().splitlines()), 1, text)

    def test_a_missing_schema_and_a_missing_table(self):
        postgres = self.open(Postgres(self.folder))
        smsd = self.smsd({"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}})
        text = self.refused(smsd, CONFIGURATION, "smsctl db install")
        self.assertEqual(len(text.strip().splitlines()), 1, text)
        smsd.ctl("db", "install")
        postgres.sql("DROP TABLE profiles.smsq")
        text = self.refused(smsd, CONFIGURATION, "smsq", "search_path")
        self.assertEqual(len(text.strip().splitlines()), 1, text)

    def test_a_wrong_password_and_a_missing_privilege(self):
        postgres = self.open(Postgres(self.folder, auth="scram-sha-256"))
        postgres.sql("CREATE ROLE smsd LOGIN PASSWORD 'right'")
        passfile = self.folder / "pgpass"
        passfile.write_text("*:*:*:*:canary-wrong\n")
        passfile.chmod(0o600)
        smsd = self.smsd({"backend": "postgresql", "postgresql": {"connection": postgres.dsn(user="smsd") + f" passfile={passfile}"}})
        text = self.refused(smsd, NOT_ALLOWED, "smsd", "password")
        self.assertNotIn("canary", text)
        passfile.write_text("*:*:*:*:right\n")
        admin = Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}},
                     {"debug": ("debug", {})}, name="admin")
        admin.ctl("db", "install")
        text = self.refused(smsd, NOT_ALLOWED, "GRANT")
        self.assertEqual(len(text.strip().splitlines()), 1, text)

    def test_the_printed_grants_are_enough_for_a_role_of_its_own(self):
        postgres = self.open(Postgres(self.folder))
        postgres.sql("CREATE ROLE smsd LOGIN")
        admin = Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}},
                     {"debug": ("debug", {})}, name="admin")
        advice = admin.ctl("db", "install", "--indexes", "--notify", "--role", "smsd")
        postgres.sql("\n".join(line for line in advice.splitlines() if line.startswith("GRANT ")))
        smsd = self.smsd({"backend": "postgresql", "postgresql": {"connection": postgres.dsn(user="smsd")}}).start()
        postgres.sql("INSERT INTO smsq (time, phone, msg) VALUES (now(), '+47', 'hello')")
        wait_for("it is sent", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'Y'") == 1)
        self.assertEqual(smsd.stop(), 0)
        # and not more than enough: NAV's accounts stay NAV's
        self.assertEqual(postgres.sql("SELECT has_table_privilege('smsd', 'account', 'UPDATE'), has_column_privilege('smsd', 'account', 'password', 'SELECT')"),
                         [["f", "f"]])

    def test_unknown_keys_and_bad_values_in_both_kinds_of_file_with_their_places(self):
        smsd = self.smsd(self.sqlite(), {"debug": ("debug", {"reslut": "accept"}), "gateway": ("http", {"url": "ftp://x/{text}"})})
        self.refused(smsd, CONFIGURATION, "debug.yaml:2:2", "reslut", "result", "gateway.yaml:2:2")
        smsd.config.write_text("queue: {backnd: sqlite}\nretry: {delay: soon}\ndispatchers: [{name: debug, kind: debug}]\n")
        text = self.refused(smsd, CONFIGURATION, "smsd.yaml:1:9", "backnd", "backend", "smsd.yaml:2:16", "soon")
        self.assertEqual(len(text.strip().splitlines()), 2, text)

    def test_a_missing_worker_program(self):
        smsd = self.smsd(self.sqlite(), {"modem": ("gammu", {}), "debug": ("debug", {})})
        (self.folder / "bin").mkdir()
        shutil.copy(BIN / "smsd", self.folder / "bin")  # no worker is beside this one
        shutil.copy(BIN / "smsd-worker-debug", self.folder / "bin")
        done = subprocess.run([self.folder / "bin" / "smsd", "--config", smsd.config], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, CONFIGURATION, done.stderr)
        for word in ("dispatcher modem", "smsd-worker-gammu", "worker:"):
            self.assertIn(word, done.stderr)
        self.assertNotIn("dispatcher debug", done.stderr)

    def test_a_missing_configuration(self):
        done = subprocess.run([BIN / "smsd", "--config", self.folder / "none.yaml"], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, CONFIGURATION)
        self.assertIn("none.yaml: not found", done.stderr)

    def test_check_says_that_all_is_good_and_starts_nothing(self):
        smsd = self.smsd(self.sqlite())
        done = subprocess.run([BIN / "smsd", "--check", "--config", smsd.config], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("good, 1 dispatcher", done.stdout)
        self.assertFalse((smsd.folder / "state").exists())
        self.assertFalse((self.folder / "queue.db").exists())

    def test_a_second_smsd_on_the_same_state_or_the_same_file_is_refused(self):
        first = self.smsd(self.sqlite()).start()
        code, text = first.run()
        self.assertEqual(code, TRY_LATER)
        self.assertIn("state_directory", text)
        other = self.smsd(self.sqlite(), name="other")
        code, text = other.run()
        self.assertEqual(code, TRY_LATER, text)
        self.assertIn(str(first.process.pid), text)
        self.assertEqual(first.stop(), 0)

    def test_a_complaint_about_a_dispatchers_file_names_no_secret(self):
        smsd = self.smsd(self.sqlite(), {"gateway": ("http", {"url": "http://user:canary-secret@gw/{nothing}?pw=canary-secret"})})
        self.assertNotIn("canary-secret", self.refused(smsd, CONFIGURATION, "gateway.yaml:2:2"))
