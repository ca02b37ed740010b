# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages under a real systemd: installed, configured by the README, upgraded, removed and purged.

Needs packages that deploy/build-packages has built, which takes minutes: tests/proof/packages builds them and runs this. SMSD_PACKAGES is
their folder, SMSD_NEWER a folder with the same packages in a later version, SMSD_TREE the system to install them in (default: a copy of
this system, where the packages' dependencies have to be installed, and nothing else may be installed or removed meanwhile), SMSD_PEER_TREE
the same with Python and PostgreSQL, for peers that run in there, and SMSD_DEVELOPER_TREE with a compiler (default: SMSD_TREE), SMSD_UPGRADES
how many times to upgrade and downgrade (default: 1).
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest
from collections import Counter

from booted import readme
from harness import SOURCE, Gateway, Modem, Scenario, wait_for
from machine import Machine, Unbootable

KINDS = ("command", "debug", "gammu", "http", "mail", "soap")
NAMES = ("smsd", "smsd-exporter", "smsd-intake", "smsd-mail-intake", "smsd-sendsms", *(f"smsd-{kind}" for kind in KINDS))
# No policy keeps services from starting, and no program of smsd's or file of a former smsd is left in the copy.
PREPARE = "rm -f $root/usr/sbin/policy-rc.d; rm -rf $root/etc/smsd $root/var/lib/smsd*"
# Whatever other programs write down about an installation: dpkg, apt, the user database, logs and caches.
CHATTER = re.compile(
    r"/(etc/((passwd|group|shadow|gshadow|subuid|subgid)-?|\.pwd\.lock|ld\.so\.cache|\.updated)"
    r"|var/(log|cache|backups|tmp|lib/(dpkg|apt|systemd|private|man-db|dbus|PackageKit)|\.updated)(/.*)?|run(/.*)?)")


def folder_of(variable):
    path = os.environ.get(variable)
    if not path:
        raise unittest.SkipTest(f"{variable} names no packages: run tests/proof/packages, which builds them")
    return pathlib.Path(path)


def boot(folder, *trees):
    """A machine without smsd, from the first of these variables that names a tree."""
    tree = next((os.environ[name] for name in trees if name in os.environ), "/")
    return Machine(folder, lower=tree, prepare=PREPARE)


def bring(machine, folder, name):
    """Copies packages into a machine, and returns the folder in there."""
    there = machine.share / name
    there.mkdir()
    for package in folder.glob("*.deb"):
        shutil.copy(package, there)
    return there


def install(machine, folder, check=True):
    return machine.shell(f"cd {folder} && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --allow-downgrades ./smsd*.deb",
                         check=check, deadline=300)


class Package(Scenario):
    """A booted system, with the packages at hand in there."""

    maxDiff = None
    trees = ("SMSD_TREE",)

    def setUp(self):
        super().setUp()
        older, newer = folder_of("SMSD_PACKAGES"), folder_of("SMSD_NEWER")
        try:
            self.machine = self.open(boot(self.folder, *self.trees))
        except Unbootable as reason:
            raise unittest.SkipTest(str(reason)) from None
        self.older, self.newer = (bring(self.machine, folder, name) for folder, name in ((older, "older"), (newer, "newer")))

    def install(self, folder, check=True):
        return install(self.machine, folder, check)

    def apt(self, *words):
        return self.machine.shell(f"DEBIAN_FRONTEND=noninteractive apt-get -q -y {' '.join(words)}", deadline=300).stdout

    def follow_the_readme(self, gateway):
        """The README's commands after the installation, for a gateway. Returns how many they are."""
        return self.follow("apt install ./", "https://gateway.example.org", f"http://127.0.0.1:{gateway.port}")

    def follow(self, word, example, real):
        """The commands in the README's block with that word, except the installation, with a peer that exists instead of the example."""
        (script,) = readme("sh", word)
        self.assertIn(example, script)
        commands = [line for line in script.splitlines() if line and not line.startswith(("#", "deploy/", "apt "))]
        self.machine.shell("\n".join(['cd "$(mktemp -d)"', *commands]).replace(example, real))
        return len(commands)

    def gateway(self):
        return self.open(Gateway(self.folder, under=self.machine.network()))

    def running(self):
        return self.machine.shell("ps -e -o pid=,args= | grep -E '/smsd( |$)|/smsd-worker-' | grep -v grep || true").stdout

    def pid(self, unit):
        return self.machine.unit(unit, "MainPID")[0]

    def send(self, texts):
        self.machine.shell("".join(f"runuser -u smsd -- smsctl send +4799887766 '{text}'\n" for text in texts), deadline=300)

    def files(self):
        """{path: what it is} of everything in there, without what other programs write down about an installation."""
        listed = self.machine.shell(r"find /etc /usr /opt /srv /var -printf '%p\t%y %m %U %G %l\n'; "
                                    "systemctl list-unit-files --no-legend 'smsd*' | sed 's/^/unit /'; "
                                    "find /run -name '*smsd*' -not -path '/run/systemd/journal/*'").stdout
        rows = (line.partition("\t") for line in listed.splitlines())
        return {path: kind for path, _, kind in rows if not CHATTER.fullmatch(path) or "smsd" in path}


class Installation(Package):
    def test_from_the_packages_to_the_first_sms_in_eight_commands(self):
        gateway = self.gateway()
        began = time.monotonic()
        self.install(self.older)
        installed = time.monotonic() - began
        self.assertEqual(self.running(), "")
        self.assertEqual(self.machine.unit("smsd", "ActiveState", "UnitFileState"), ["inactive", "disabled"])
        self.assertEqual(self.machine.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "smsd*").stdout.count("smsd"), 0)
        commands = 1 + self.follow_the_readme(gateway)
        wait_for("the SMS arrives", lambda: gateway.requests())
        took = time.monotonic() - began
        self.assertIn("to=%2B4799887766", gateway.requests()[0]["query"])
        self.assertLessEqual(commands, 8)
        self.assertLessEqual(took, 60)
        self.assertEqual(self.machine.run("dpkg", "--verify", *NAMES).stdout, "")
        self.assertEqual(self.machine.shell("stat -c '%a %U %G' /etc/smsd /etc/smsd/dispatchers /run/smsd /run/smsd/* /var/lib/smsd | grep -v '^660'").stdout.splitlines(),
                         ["750 root smsd", "750 root smsd", "711 smsd smsd", "2750 smsd smsd-submit", "2750 smsd smsd-operator", "2750 smsd smsd-status", "750 smsd smsd"])
        self.assertEqual(self.machine.run("id", "-nG", "smsd").stdout.strip(), "smsd")
        self.assertIn("smsd has started", self.machine.run("journalctl", "-x", "--unit=smsd", "--no-pager").stdout)
        self.say(commands=commands, install_seconds=round(installed, 1), first_sms_seconds=round(took, 1))

    def test_the_test_that_autopkgtest_runs(self):
        self.install(self.older)
        done = self.machine.run(SOURCE / "deploy/debian/tests/first-sms", check=False, deadline=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))  # autopkgtest takes a word on standard error for a failure
        self.assertIn('"text":"a test"', done.stdout)

    def test_only_the_package_of_modems_needs_libgammu(self):
        self.install(self.older)
        with_gammu = [name for name in NAMES if "libgammu" in self.machine.run("dpkg-query", "-W", "-f", "${Depends}", name).stdout]
        self.assertEqual(with_gammu, ["smsd-gammu"])

    def test_a_bill_of_materials_lists_the_libraries_that_the_programs_load(self):
        self.install(self.older)
        provided = {}
        for line in self.machine.run("dpkg-query", "-W", "-f", "${Package} ${Provides}\\n").stdout.splitlines():
            for virtual in re.findall(r"\b(lib[a-z0-9.+-]+)", line.partition(" ")[2]):
                provided.setdefault(virtual, []).append(line.split()[0])
        for name in NAMES:
            bill = json.loads(self.machine.read(f"/usr/share/doc/{name}/{name}.cdx.json"))
            self.assertEqual((bill["bomFormat"], bill["metadata"]["component"]["name"]), ("CycloneDX", name))
            references = {part["bom-ref"] for part in bill["components"]} | {f"package:{name}"}
            links = {link["ref"]: link["dependsOn"] for link in bill["dependencies"]}
            self.assertTrue(references.issuperset({one for needed in links.values() for one in needed}))
            libraries = {part["name"]: part["version"] for part in bill["components"] if part["type"] == "library"}
            depends = self.machine.run("dpkg-query", "-W", "-f", "${Depends}", name).stdout
            for library in re.findall(r"\b(lib[a-z0-9.+-]+)", depends):
                self.assertTrue(libraries.keys() & {library, *provided.get(library, [])}, f"{name}: {library} is missing")
            self.assertIn("libcli11-dev", libraries)  # a library of headers alone leaves no trace in the program
            self.assertEqual(any(library.startswith("libgammu8") for library in libraries), name == "smsd-gammu")

    def test_a_user_of_another_program_is_not_taken_for_smsds(self):
        self.machine.shell("groupadd --system smsd && useradd --system --gid smsd --groups dialout smsd")
        refused = self.install(self.older, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("gpasswd --delete smsd dialout", refused.stdout + refused.stderr)
        self.assertFalse(self.machine.run("test", "-e", "/usr/sbin/smsd", check=False).returncode == 0)
        self.machine.shell("gpasswd --delete smsd dialout")
        self.assertIn("apt --fix-broken install", refused.stdout + refused.stderr)
        self.machine.shell("usermod --home /var/lib/smsd --shell /usr/sbin/nologin smsd")
        self.apt(f"--fix-broken install {self.older}/smsd*.deb")
        self.assertEqual(self.machine.run("id", "-nG", "smsd").stdout.strip(), "smsd")

    def test_a_user_that_can_log_in_or_has_another_home_is_not_taken_for_smsds(self):
        wrong = {"--home-dir /var/lib/smsd --shell /bin/sh": "its shell is '/bin/sh'. ",
                 "--home-dir /var/spool/sms --shell /usr/sbin/nologin": "has the home '/var/spool/sms', not /var/lib/smsd. ",
                 "--home-dir /home/smsd --shell /bin/sh": "its shell is '/bin/sh', and has the home '/home/smsd'"}
        for options, reason in wrong.items():
            with self.subTest(options):
                self.machine.shell(f"useradd --system --no-create-home {options} smsd")
                refused = self.machine.shell(f"dpkg -i {self.older}/smsd_*.deb", check=False)
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn(reason, refused.stderr)
                self.assertNotEqual(self.machine.run("test", "-e", "/usr/sbin/smsd", check=False).returncode, 0)
                self.machine.shell("userdel smsd")
        self.machine.shell("useradd --system --no-create-home --home-dir /home/smsd --shell /bin/sh smsd")
        self.machine.shell(re.search(r"^ +(usermod .*)$", refused.stderr, re.MULTILINE).group(1))
        self.install(self.older)
        # A user that was smsd's own may be changed.
        self.apt("remove", *NAMES)
        self.machine.shell("usermod --shell /bin/sh smsd")
        self.install(self.older)

    def test_smstools_and_smsd_are_not_installed_together(self):
        control = "Package: smstools\nVersion: 3.1.21-4\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n"
        self.machine.shell("mkdir -p /var/tmp/s/DEBIAN /var/tmp/s/usr/sbin; cat >/var/tmp/s/DEBIAN/control; touch /var/tmp/s/usr/sbin/smsd; "
                           "dpkg-deb --build /var/tmp/s /var/tmp/smstools.deb && dpkg -i /var/tmp/smstools.deb", stdin=control)
        refused = self.machine.shell(f"dpkg -i {self.older}/smsd_*.deb", check=False)
        self.assertIn("conflict", refused.stderr)
        self.assertIn("smstools", self.machine.run("dpkg", "-S", "/usr/sbin/smsd").stdout)


class ThroughAModem(Package):
    trees = ("SMSD_PEER_TREE", "SMSD_TREE")

    def test_from_the_packages_to_the_first_sms_in_eight_commands(self):
        modem = self.open(Modem(self.machine.share, under=self.machine.inside()))
        began = time.monotonic()
        self.install(self.older)
        # A pseudo terminal is where it is, not where the link is: the worker has a /tmp of its own.
        commands = 1 + self.follow("smsd-gammu@modem.socket", "/dev/serial/by-id/usb-HUAWEI_Mobile-if00-port0", str(modem.link.readlink()))
        wait_for("the SMS arrives", modem.sms)
        took = time.monotonic() - began
        self.assertEqual([(sms["number"], sms["text"]) for sms in modem.sms()], [("+4799887766", "a test")])
        self.assertLessEqual(commands, 8)
        self.assertLessEqual(took, 60)
        self.say(commands=commands, first_sms_seconds=round(took, 1))


class Lifetime(Package):
    def setUp(self):
        super().setUp()
        self.before = self.files()
        self.gate = self.gateway()
        self.install(self.older)
        self.follow_the_readme(self.gate)
        wait_for("the SMS arrives", lambda: self.gate.requests())

    def received(self):
        """How often the gateway took each text; with keys, a second copy has the key of the first."""
        return Counter(word for request in self.gate.requests() for word in re.findall(r"message-\d+", request["query"]))

    def all_sent(self):
        wait_for("nothing waits", lambda: (status := self.machine.status()) and status["queue"]["unsent"] == 0, deadline=120)

    def version(self, package):
        return self.machine.run("dpkg-query", "-W", "-f", "${Version}", package).stdout

    def move(self, folder, name):
        """Installs other packages under load, and returns the seconds that it took."""
        supervisor, texts = self.pid("smsd"), [f"message-{n}" for n in range(200)]
        recipients = "".join(f"runuser -u smsd -- smsctl send +47{10000000 + n} {text}\n" for n, text in enumerate(texts))
        load = subprocess.Popen([*self.machine.inside(), "sh", "-c", recipients], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(load.wait)
        before = self.received()
        wait_for("the load has begun", lambda: self.received() != before)
        began = time.monotonic()
        shown = self.install(folder).stdout
        took = time.monotonic() - began
        # smsd starts again when the new workers are in place, so that it starts no worker of the version before.
        self.assertLess(shown.rindex("\nUnpacking smsd"), shown.index("\nSetting up smsd ("))
        load.wait()
        self.all_sent()
        new = self.received() - before
        self.assertEqual([text for text in texts if new[text] != 1], [])
        self.assertNotEqual(self.pid("smsd"), supervisor)
        wait_for("it is ready", lambda: {d["state"] for d in self.machine.status()["dispatchers"]} == {"ready"})
        version = self.version("smsd")
        self.assertEqual(self.machine.status()["version"], version)
        wait_for("smsd has replaced the workers of the other build",
                 lambda: {d["software"] for d in self.machine.status()["dispatchers"]} == {f"smsd-worker {version}"})
        self.assertEqual(sum(d["unknown"] for d in self.machine.status()["dispatchers"]), 0)
        self.say(**{f"{name}_seconds": round(took, 1)})

    def test_an_upgrade_and_a_downgrade_restart_smsd_and_lose_and_double_nothing(self):
        older = self.version("smsd")
        for _ in range(int(os.environ.get("SMSD_UPGRADES", "1"))):
            self.move(self.newer, "upgrade")
            self.assertNotEqual(self.version("smsd"), older)
            self.assertEqual(self.machine.unit("smsd", "UnitFileState"), ["enabled"])
            self.move(self.older, "downgrade")
            self.assertEqual(self.version("smsd"), older)

    def test_an_upgrade_does_not_start_what_an_operator_has_stopped(self):
        self.machine.run("systemctl", "disable", "--now", "smsd")
        self.install(self.newer)
        self.assertEqual(self.machine.unit("smsd", "ActiveState", "UnitFileState"), ["inactive", "disabled"])

    def test_remove_keeps_configuration_and_queue_and_ends_all_processes(self):
        self.machine.run("systemctl", "stop", "smsd")
        self.send(["message-1"])
        configuration = self.machine.shell("cat /etc/smsd/smsd.yaml /etc/smsd/dispatchers/*").stdout
        self.machine.run("systemctl", "start", "smsd-http@gateway")
        self.machine.shell("cp -a /etc/smsd/smsd.yaml /root/kept.yaml; echo 'nonsense: 1' >>/etc/smsd/smsd.yaml; systemctl start smsd || true; "
                           "mv /root/kept.yaml /etc/smsd/smsd.yaml", check=False)
        self.assertEqual([self.machine.unit(unit, "ActiveState")[0] for unit in ("smsd.service", "smsd.target", "smsd.slice")],
                         ["failed", "active", "active"])
        self.apt("remove", *NAMES)
        self.assertEqual(self.running(), "")
        for unit in ("smsd.target", "smsd.slice"):
            self.assertEqual(self.machine.unit(unit, "ActiveState"), ["inactive"])
        self.assertEqual(self.machine.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "smsd*").stdout, "")
        self.assertEqual(self.machine.shell("ls /run/smsd | grep sock || true").stdout, "")
        self.assertEqual(self.machine.shell("cat /etc/smsd/smsd.yaml /etc/smsd/dispatchers/*").stdout, configuration)
        self.machine.run("test", "-s", "/var/lib/smsd/queue.db")
        self.install(self.older)
        self.machine.run("systemctl", "start", "smsd-http@gateway.socket", "smsd")
        wait_for("the message is sent", lambda: self.received()["message-1"] == 1)

    def test_purge_leaves_nothing_and_names_the_schema_in_postgresql(self):
        self.machine.run("install", "-d", "/etc/systemd/system/smsd-http@gateway.service.d")
        self.machine.write("/etc/systemd/system/smsd-http@gateway.service.d/password.conf", "[Service]\n", mode=0o644, group="root")
        self.machine.write("/etc/smsd/dispatchers/file.yaml", {"file": "sent.jsonl"})
        self.machine.run("systemctl", "enable", "--now", "smsd-debug@file.socket", "smsd-debug@file.service", check=False)
        self.machine.run("test", "-d", "/var/lib/private/smsd-debug")
        self.machine.run("systemctl", "enable", "smsd.target")
        self.machine.run("test", "-L", "/etc/systemd/system/multi-user.target.wants/smsd.target")
        self.machine.run("test", "-L", "/etc/systemd/system/smsd.target.wants/smsd-debug@file.socket")
        self.machine.shell("echo '# postgresql' >>/etc/smsd/smsd.yaml; mkdir -p /etc/udev/rules.d; touch /etc/udev/rules.d/70-smsd-modem.rules")
        shown = self.apt("purge", *NAMES)
        for left in ("DROP SCHEMA IF EXISTS smsd CASCADE;", "DROP ROLE smsd;", "NAV's daemons.yml", "rm /etc/udev/rules.d/70-smsd-modem.rules",
                     "userdel smsd"):
            self.assertIn(left, shown)
        after = self.files()
        self.assertIn("/etc/udev/rules.d/70-smsd-modem.rules", after)  # an operator's copy
        self.assertEqual("\n".join(path for path in after if path not in self.before and not path.startswith("/etc/udev")), "")
        self.assertEqual([path for path in self.before if path not in after], [])
        self.assertEqual(self.running(), "")
        self.assertEqual(self.machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "smsd*").stdout, "")
        owned = self.machine.shell("find / -xdev -user smsd -o -xdev -group smsd", check=False).stdout
        self.assertEqual(owned, "")
