# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd-extending(7): a reader who types the commands of FIFTEEN MINUTES, and nothing else, has three working dispatchers.

`Tutorial` types them after `cmake --install`. `FromPackages` types them, the installation included, on a system without smsd:
tests/proof/packages runs it.
"""

import html
import re
import shutil
import subprocess
import time
import unittest

import packages
from booted import Booted
from harness import SOURCE, wait_for

PAGE = SOURCE / "man/smsd-extending.7"
DISPATCHERS = {"pager": "pager", "pager-python": "command", "pager-shell": "command"}


def blocks():
    """The commands of the section, block by block, as a reader copies them."""
    page = subprocess.run(["mandoc", "-T", "html", "-O", "fragment", PAGE], capture_output=True, text=True, check=True).stdout
    section = re.search(r'<h1[^>]*id="FIFTEEN_MINUTES".*?(?=<h1 )', page, flags=re.DOTALL)[0]
    return [html.unescape(re.sub(r"<[^>]*>", "", block)) + "\n" for block in re.findall(r"<pre>(.*?)</pre>", section, flags=re.DOTALL)]


def is_installation(block):
    return block.startswith("apt ")


class Reader:
    """Mixed into a scenario with a booted machine: types the page, and looks at the result."""

    folder_in_there = "/root"

    def type_the_page(self, commands):
        """As one session of a shell, which ends at the first command that fails."""
        script = "".join(f"echo '=== block {n}' >&2\n{block}" for n, block in enumerate(commands))
        began = time.monotonic()
        done = self.machine.run("env", "HOME=/root", "bash", "-e", "-c", f"cd {self.folder_in_there}\n{script}", check=False, deadline=360)
        if done.returncode != 0:
            status = self.machine.ctl("status", check=False).stdout
            journal = self.machine.run("journalctl", "--no-pager", "--lines=80", "--unit=smsd*", check=False).stdout
            self.fail(f"the page's commands: exit status {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}\n{status}\n{journal}")
        return done.stdout, time.monotonic() - began

    def pages(self):
        return self.machine.read(f"{self.folder_in_there}/pager-tutorial/pages").splitlines()

    def check_the_result(self, printed):
        wait_for("each alert is sent", lambda: (self.machine.status() or {"queue": {"unsent": 1}})["queue"]["unsent"] == 0, deadline=180)
        pages = self.pages()
        for text in ("core-gw1 is down", "sent by C++", "sent by Python", "sent by a script", *(f"alert {n}" for n in range(10, 20))):
            self.assertEqual(sum(page.endswith(f" {text}") for page in pages), 1, f"{text}: {pages}")
        status = {one["name"]: one for one in self.machine.status()["dispatchers"]}
        self.assertEqual({name: one["kind"] for name, one in status.items()}, DISPATCHERS)
        for name, kind in DISPATCHERS.items():
            self.check_the_unit(f"smsd-{kind}@{name}.service")
            self.check_that_it_was_killed_and_works(name, f"smsd-{kind}@{name}.service")
        # ctest and the two scripts `check` of the projects.
        self.assertIn("100% tests passed", printed)
        held = self.machine.ctl("queue", "held", "--json").stdout
        self.assertNotIn("recipient", held)

    def check_that_it_was_killed_and_works(self, name, unit):
        self.assertNotEqual(self.machine.journal(f"--unit={unit}", "--grep=status=9/KILL"), [], f"{unit} was not killed")
        # The alerts of the page have shown that it works again by itself. After ten ends in a row smsd may wait for minutes before it
        # starts a worker that has nothing to send, and the page names this command.
        self.machine.ctl("dispatcher", "restart", name)
        wait_for(f"{name} is ready", lambda: {one["name"]: one["state"] for one in self.machine.status()["dispatchers"]}[name] == "ready")
        self.machine.ctl("test", "+4799887766", "--via", name, "--message", f"once more by {name}")
        self.assertEqual(sum(page.endswith(f" once more by {name}") for page in self.pages()), 1, name)

    def check_the_unit(self, unit):
        """The worker runs in its unit, behind the walls, with the network that a drop-in has opened for it and nothing more."""
        wait_for(f"{unit} runs", lambda: self.machine.unit(unit, "ActiveState") == ["active"])
        opened = self.machine.unit(unit, "PrivateNetwork", "DynamicUser", "PrivateDevices", "ProtectSystem", "NoNewPrivileges", "DropInPaths")
        self.assertEqual(opened[:5], ["no", "yes", "yes", "strict", "yes"], unit)
        self.assertIn("/network.conf", opened[5])


class Page(unittest.TestCase):
    def test_a_reader_of_man_sees_the_same_commands(self):
        shown = subprocess.run(["man", "--local-file", PAGE], capture_output=True, text=True, check=True,
                               env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}).stdout
        lines = {re.sub(r".\x08|\x1b\[[0-9;]*m", "", line).strip() for line in shown.splitlines()}
        for block in blocks():
            for line in filter(None, (line.strip() for line in block.splitlines())):
                self.assertIn(line, lines)


class Tutorial(Reader, Booted):
    def test_the_page_leads_from_nothing_to_three_dispatchers_that_survive_kill_9(self):
        printed, took = self.type_the_page([block for block in blocks() if not is_installation(block)])
        self.check_the_result(printed)
        self.say(seconds=f"{took:.0f}", pages=len(self.pages()))


class FromPackages(Reader, packages.Package):
    trees = ("SMSD_DEVELOPER_TREE", "SMSD_TREE")

    def test_the_page_leads_from_the_packages_to_three_dispatchers_that_survive_kill_9(self):
        self.folder_in_there = self.older
        shutil.copytree(packages.folder_of("SMSD_PACKAGES") / "development", self.older / "development")
        # The reader presses Y where apt asks.
        self.machine.write("/etc/apt/apt.conf.d/90reader", 'APT::Get::Assume-Yes "true";\n', mode=0o644, group="root")
        printed, took = self.type_the_page(blocks())
        self.check_the_result(printed)
        self.say(seconds=f"{took:.0f}", pages=len(self.pages()))
