# SPDX-License-Identifier: GPL-3.0-or-later
"""A systemd of its own to run smsd's units in: systemd-nspawn boots this system's root once more, below an overlay that goes away.

Needs root, the package systemd-container, and a kernel that lets both be used; what lacks is said by Unbootable. Nothing is written
outside the scenario's folder: overlay, cgroups and nspawn's own folder are in a mount namespace of their own. What is installed is
what `cmake --install` lays down, unless a caller prepares the system otherwise. Its network is its own, too: a peer that is to be reached
runs with `under=machine.network()`.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid

from harness import BIN, DEADLINE, SOURCE, die_with_parent, wait_for

# systemd is process 1, and nspawn's filter lets through what smsd's own lock and systemd's walls are made of. Without cgroup2 it
# boots, but then DeviceAllow= and IPAddressDeny= hold nothing back; without the tmpfs nspawn takes the overlay for a disk's. Without a
# control group of its own, a unit would share its group, and the filters for devices and addresses, with that of another machine.
BOOT = """set -e
mount --make-rprivate /
umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$GROUP"; echo $$ >"/sys/fs/cgroup/$GROUP/cgroup.procs"
mkdir -p /run/systemd/nspawn; mount -t tmpfs tmpfs /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs "$FOLDER/layers"
mkdir "$FOLDER/layers/upper" "$FOLDER/layers/work" "$FOLDER/layers/root"
root=$FOLDER/layers/root
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$FOLDER/layers/upper,workdir=$FOLDER/layers/work" "$root"
rm -rf "$root"/etc/systemd/system/* "$root/etc/machine-id" "$root/var/log/journal"
cp "$FOLDER/machine-id" "$root/etc/machine-id"
cp "$FOLDER/scenario.target" "$root/etc/systemd/system/"
: >"$root/etc/fstab"
eval "$PREPARE"
exec systemd-nspawn -q --directory="$root" --boot --console=pipe --register=no --keep-unit --link-journal=no --private-network \
  --bind-ro="$SOURCE" --bind="$FOLDER/share" \
  --system-call-filter='bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self' -- systemd.unit=scenario.target </dev/null
"""

INSTALL = 'DESTDIR=$root cmake --install "$BUILD" >/dev/null'


REMOVE_GROUP = """umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
find "/sys/fs/cgroup/$GROUP" -depth -type d -exec rmdir {} ';'
"""


class Unbootable(Exception):
    """Why no system can be booted here."""


class Machine:
    def __init__(self, folder, lower="/", prepare=INSTALL):
        """`lower`: the folder of the system to boot a copy of; `prepare`: a shell script that changes the copy in $root before the boot."""
        if os.getuid() != 0:
            raise Unbootable("only root can boot a system")
        if not shutil.which("systemd-nspawn"):
            raise Unbootable("no systemd-nspawn (package systemd-container)")
        self.folder = pathlib.Path(folder) / "machine"
        self.lower, self.prepare = lower, prepare
        self.share = self.folder / "share"  # the same path on both sides
        self.group = f"smsd-test-{uuid.uuid4().hex}"
        for folder in (self.folder / "layers", self.share):
            folder.mkdir(parents=True)
        (self.folder / "machine-id").write_text(uuid.uuid4().hex + "\n")
        (self.folder / "scenario.target").write_text("[Unit]\nRequires=basic.target\nAfter=basic.target\n")
        self._boot()

    def _boot(self):
        began = time.monotonic()
        self.console = self.folder / "console"
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", BOOT], stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=die_with_parent,
                env={"PATH": os.environ["PATH"], "FOLDER": str(self.folder), "SOURCE": str(SOURCE), "BUILD": str(BIN.parent), "GROUP": self.group,
                     "LOWER": str(self.lower), "PREPARE": self.prepare,
                     "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        self.leader = None
        try:
            wait_for("the system is up", self._is_up)
        except AssertionError as late:  # basic.target is all it waits for: nothing of smsd's is in it
            self.close()
            raise Unbootable(f"systemd-nspawn: {late}: {self.console.read_text(errors='replace')[-400:].strip()}") from late
        except BaseException:
            self.close()
            raise
        self.boot_seconds = time.monotonic() - began

    def _is_up(self):
        if self.process.poll() is not None:
            raise Unbootable(f"systemd-nspawn: {self.console.read_text().strip()}")
        if pathlib.Path(f"/proc/{self.process.pid}/comm").read_text().strip() != "systemd-nspawn":
            return False
        self.leader = next(iter(pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()), None)
        return self.leader and self.run("systemctl", "is-active", "scenario.target", check=False).returncode == 0

    def network(self):
        """The command to run a peer under, so that the workers in there reach it at 127.0.0.1; its files are this side's."""
        return ["nsenter", "--target", self.leader, "--net", "--"]

    def inside(self):
        """The command to run a peer under that has to be in there whole, a device; its files are in `share`."""
        return ["nsenter", "--target", self.leader, "--all", "--"]

    def run(self, *command, check=True, stdin=None, deadline=DEADLINE):
        """Runs a command in there, as root, with nothing of this side's environment."""
        clean = ["env", "--ignore-environment", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
        done = subprocess.run([*self.inside(), *clean, *map(str, command)], input=stdin,
                              stdin=None if stdin else subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def shell(self, script, **more):
        return self.run("sh", "-e", "-c", script, **more)

    def write(self, path, text, mode=0o640, group="smsd"):
        """A file in there, as an operator would leave it."""
        if not isinstance(text, str):
            text = json.dumps(text, indent=1)  # JSON is YAML
        self.shell(f'mkdir -p "$(dirname {path})"; umask 077; cat >{path}; chgrp {group} {path}; chmod {mode:o} {path}', stdin=text)

    def read(self, path):
        return self.run("cat", path).stdout

    def unit(self, name, *properties):
        """Properties of a unit, as systemd has them now."""
        said = self.run("systemctl", "show", name, *(f"--property={one}" for one in properties)).stdout
        found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        return [found[one] for one in properties]

    def processes(self, unit):
        """The processes of a unit, as numbered in there."""
        group = self.unit(unit, "ControlGroup")[0]
        listed = self.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs", check=False)
        return [int(pid) for pid in listed.stdout.split() if pid != "0"] if group else []  # 0: it is just ending

    def journal(self, *filters):
        """Entries of the journal, all their fields, oldest first."""
        said = self.run("journalctl", "--output=json", "--all", "--no-pager", *filters, check=False).stdout  # 1: --grep found none
        return [json.loads(line) for line in said.splitlines()]

    def ctl(self, *arguments, check=True, user="smsd"):
        # Not runuser: that leaves two lines in the journal each time.
        return self.run("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "smsctl", *arguments, check=check)

    def status(self):
        """smsctl status --json; None when nobody answers."""
        done = self.ctl("status", "--json", check=False)
        return json.loads(done.stdout) if done.returncode in (0, 1) and done.stdout else None

    def close(self):
        if self.process.poll() is None and self.leader:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.run("systemctl", "--no-block", "poweroff", check=False)
                self.process.wait(DEADLINE)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)
        subprocess.run(["unshare", "--mount", "sh", "-c", REMOVE_GROUP], env={"PATH": os.environ["PATH"], "GROUP": self.group},
                       capture_output=True, timeout=DEADLINE, check=False)
