# SPDX-License-Identifier: GPL-3.0-or-later
"""smsctl config install in a booted system: files get their places, owners and modes by one command, or are refused as a whole."""

from booted import Booted
from harness import wait_for

SMSD = "queue: {backend: sqlite}\ndispatchers:\n  - {name: gateway, kind: http, activation: socket}\n"
GATEWAY = 'url: "http://127.0.0.1:9/?key={token}&to={recipient}&m={text}"\nsecrets:\n  - {name: token, file: gateway.key}\n'
PLACES = ["/etc/smsd/smsd.yaml", "/etc/smsd/dispatchers/gateway.yaml", "/etc/smsd/dispatchers/gateway.key"]
WRONG, USAGE, NO_INPUT, EXISTS, NOT_ALLOWED = 78, 64, 66, 73, 77


# A program that smsd.yaml names as a worker.
PROGRAM = """#!/bin/sh
id -un >/tmp/checked-by
[ ! -e /tmp/long ] || exec sleep 1000
"""


class ConfigInstall(Booted):
    def setUp(self):
        super().setUp()
        for name, text in (("smsd.yaml", SMSD), ("gateway.yaml", GATEWAY), ("gateway.key", "hunter2\n")):
            self.machine.write(f"/root/new/{name}", text, mode=0o600, group="root")

    def install(self, *arguments):
        return self.machine.shell(f"cd /root/new; umask 077; smsctl config install {' '.join(arguments)}", check=False)

    def stat(self):
        return self.machine.run("stat", "--format=%U:%G %a %i", *PLACES, check=False).stdout.splitlines()

    def test_files_get_their_places_owners_and_modes(self):
        dry = self.install("--dry-run", "smsd.yaml", "gateway.yaml", "gateway.key")
        self.assertEqual(dry.stdout.count("would install"), 3, dry.stdout + dry.stderr)
        self.assertEqual(self.stat(), [])
        done = self.install("smsd.yaml", "gateway.yaml", "gateway.key")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "".join(f"installed {place} (root:smsd, mode 0640)\n" for place in PLACES[1:] + PLACES[:1]))
        before = self.stat()
        self.assertEqual([line.rsplit(" ", 1)[0] for line in before], ["root:smsd 640"] * 3)
        self.assertIn("good, 1 dispatcher", self.machine.ctl("config", "check").stdout)
        again = self.install("smsd.yaml", "gateway.yaml", "gateway.key")
        self.assertEqual(again.stdout.count("unchanged: "), 3)
        self.assertEqual(self.stat(), before)
        self.machine.run("chmod", "644", PLACES[2])
        self.assertIn(f"changed the owner and mode of {PLACES[2]}", self.install("gateway.key").stdout)
        self.assertEqual([line.rsplit(" ", 1)[0] for line in self.stat()], ["root:smsd 640"] * 3)

    def test_a_mistake_is_refused_with_its_place_and_nothing_is_installed(self):
        self.machine.write("/root/new/gateway.yaml", GATEWAY + "tmieout: 3s\n", group="root")
        done = self.install("smsd.yaml", "gateway.yaml", "gateway.key")
        self.assertEqual(done.returncode, WRONG, done.stdout + done.stderr)
        self.assertIn("smsctl: gateway.yaml:4:1: ", done.stderr)
        self.assertIn("nothing was installed", done.stderr)
        by_path = SMSD.replace("name: gateway", f"name: gateway, config: {PLACES[1]}")
        for smsd in (by_path, by_path.replace(", activation: socket", "")):
            self.machine.write("/root/new/smsd.yaml", smsd, group="root")
            done = self.install("smsd.yaml", "gateway.yaml", "gateway.key")
            self.assertEqual(done.returncode, WRONG, done.stdout + done.stderr)
            self.assertIn("smsctl: gateway.yaml:4:1: ", done.stderr)
        self.machine.write("/root/new/smsd.yaml", SMSD + "quue: {}\n", group="root")
        done = self.install("smsd.yaml")
        self.assertEqual(done.returncode, WRONG)
        self.assertIn("smsctl: smsd.yaml:4:1: ", done.stderr)
        self.assertEqual(self.stat(), [])
        self.assertNotIn("hunter2", done.stdout + done.stderr)

    def test_a_name_that_smsd_does_not_read_is_refused_or_remarked(self):
        self.machine.write("/root/new/smsd.yml", SMSD, group="root")
        done = self.install("smsd.yml")
        self.assertEqual((done.returncode, "smsd reads smsd.yaml, not smsd.yml" in done.stderr), (USAGE, True), done.stderr)
        self.assertEqual(self.stat(), [])
        self.machine.run("cp", "/root/new/gateway.yaml", "/root/new/other.yml")
        done = self.install("--dry-run", "smsd.yaml", "gateway.yaml", "gateway.key", "other.yml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("other.yml: was not checked, because smsd.yaml names no such file of a dispatcher\n", done.stdout)

    def test_nothing_is_installed_if_the_last_file_cannot_be_written(self):
        self.machine.shell("mount -t tmpfs -o size=8k,mode=755 tmpfs /etc/smsd/dispatchers")
        self.machine.write("/root/new/more.yaml", GATEWAY + "# " + 9000 * "x" + "\n", mode=0o600, group="root")
        done = self.install("gateway.key", "more.yaml")
        self.assertEqual(done.returncode, EXISTS, done.stdout + done.stderr)
        self.assertIn("more.yaml: No space left on device; it is as it was", done.stderr)
        self.assertIn("nothing was installed", done.stderr)
        self.assertEqual(self.machine.run("ls", "-A", "/etc/smsd/dispatchers").stdout, "")
        self.machine.run("umount", "/etc/smsd/dispatchers")

    def test_links_and_other_users_are_refused(self):
        self.machine.run("ln", "-s", "/root/new/gateway.key", "/root/new/other.key")
        done = self.install("other.key")
        self.assertEqual((done.returncode, "it is a link" in done.stderr), (NO_INPUT, True), done.stderr)
        self.machine.run("ln", "-s", "/root/new/elsewhere", PLACES[2])
        for options in ((), ("--dry-run",)):
            done = self.install(*options, "gateway.key")
            self.assertEqual((done.returncode, "follows no link" in done.stderr), (EXISTS, True), done.stderr)
        done = self.install("smsd.yaml", "gateway.yaml", "gateway.key")
        self.assertEqual((done.returncode, "nothing was installed" in done.stderr), (EXISTS, True), done.stderr)
        self.assertEqual(self.machine.run("find", "/etc/smsd", "!", "-type", "d").stdout, PLACES[2] + "\n")
        self.machine.shell("chmod 755 /root /root/new; chmod 644 /root/new/smsd.yaml")
        done = self.machine.ctl("config", "install", "/root/new/smsd.yaml", check=False)
        self.assertEqual((done.returncode, "only root" in done.stderr), (NOT_ALLOWED, True), done.stderr)

    def with_a_program(self):
        self.machine.write("/usr/local/bin/my-worker", PROGRAM, mode=0o755, group="root")
        self.machine.write("/root/new/smsd.yaml", SMSD.replace("activation: socket", "worker: /usr/local/bin/my-worker"), group="root")

    def staged(self):
        return self.machine.shell("ls -d /run/smsctl-* 2>/dev/null || true").stdout.split()

    def test_a_program_that_smsd_yaml_names_is_run_by_smsd_and_not_by_root(self):
        self.with_a_program()
        for options in (("--dry-run",), ()):
            done = self.install(*options, "smsd.yaml", "gateway.yaml", "gateway.key")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.machine.run("cat", "/tmp/checked-by").stdout, "smsd\n")
            self.machine.run("rm", "/tmp/checked-by")
        self.assertEqual(self.staged(), [])

    def test_the_copies_are_removed_at_a_signal(self):
        self.with_a_program()
        self.machine.run("touch", "/tmp/long")
        for signal in ("TERM", "INT", "HUP"):
            self.machine.run("systemd-run", f"--unit=install-{signal}", "--working-directory=/root/new", "smsctl", "config", "install", "smsd.yaml",
                             "gateway.yaml", "gateway.key")
            wait_for("the check runs", lambda: self.machine.run("test", "-s", "/tmp/checked-by", check=False).returncode == 0)
            (folder,) = self.staged()
            self.assertEqual(self.machine.run("stat", "--format=%U:%G %a", folder, f"{folder}/dispatchers/gateway.key").stdout,
                             "root:smsd 750\nroot:smsd 640\n")
            (pid,) = self.machine.unit(f"install-{signal}", "MainPID")
            self.machine.run("kill", f"-{signal}", pid)
            wait_for("it has ended", lambda: self.machine.run("test", "-d", f"/proc/{pid}", check=False).returncode != 0)
            self.assertEqual(self.staged(), [])
            self.assertEqual(self.machine.run("pgrep", "-x", "sleep", check=False).stdout, "")
            self.machine.run("rm", "/tmp/checked-by")
        self.assertEqual(self.stat(), [])
