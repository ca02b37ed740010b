# SPDX-License-Identifier: GPL-3.0-or-later
"""The walls of the units under a real systemd. A probe runs in place of the program, and tries to get through each wall twice:
with the unit as shipped, and with the lines taken out that the wall is made of, so that the probe is known to see the wall.

Rights of files and folders are opened wide where they would stop the probe as well. The inner lock of a worker is not in force here,
because the probe does not lock itself in; the tests of the lock (Sandbox) and of workers (evil) hold that one.
"""

import dataclasses
import json
import re

from booted import Booted
from harness import SOURCE, wait_for

PROBE = "/usr/local/libexec/smsd/walls-probe.py"
UNITS = "/usr/local/lib/systemd/system"
DROPINS = "/usr/local/lib/smsd/dropins"
RESULT = "/walls.json"  # systemd opens it before the unit's walls are in force
DATABASE = "/run/postgresql/.s.PGSQL.5432"
HIDDEN = ["TemporaryFileSystem"]
LINES = ["DevicePolicy", "DeviceAllow"]
DEVICES = ["DevicePolicy", "PrivateDevices"]
NETWORK = ["PrivateNetwork", "IPAddressDeny", "RestrictAddressFamilies"]
# systemd hides the credentials of others from each unit that has a mount namespace, and so many lines give it one.
EVERY_WALL = [r"(?!Type|ExecStart|StateDirectory|WorkingDirectory)\w+"]


@dataclasses.dataclass
class Wall:
    what: str
    unit: str
    attempt: str
    shipped: str  # the errno that the probe gets
    lines: list  # the settings that are taken out: the wall holds while one of them is left
    dropin: str = ""  # enabled in both runs; the lines are taken out of it, too
    needs: str = ""  # a feature of systemd without which the line does nothing


WALLS = [
    Wall("a worker opens a terminal that is no serial line", "smsd-gammu@probe", "open:/dev/other-tty", "EPERM", LINES),
    Wall("a worker with a named modem opens another serial line", "smsd-gammu@probe", "open:/dev/other-line", "EPERM", LINES, "modem"),
    Wall("a worker with a network opens a terminal", "smsd-http@probe", "open:/dev/other-tty", "ENOENT", DEVICES),
    Wall("the worker of a program opens a terminal", "smsd-command@probe", "open:/dev/other-tty", "ENOENT", DEVICES),
    Wall("control.sock, from the worker of a program", "smsd-command@probe", "connect:/run/smsd/operator/control.sock", "ENOENT", HIDDEN),
    Wall("the network, from the worker of a program", "smsd-command@probe", "tcp:127.0.0.1:5432", "EAFNOSUPPORT", NETWORK),
    Wall("the supervisor opens a terminal", "smsd", "open:/dev/other-tty", "ENOENT", DEVICES),
    Wall("the supervisor opens a serial line", "smsd", "open:/dev/other-line", "ENOENT", DEVICES),
    Wall("another worker's secret, in its file", "smsd-http@probe", "read:/etc/smsd/dispatchers/file.secret", "EACCES",
         ["DynamicUser", "User"]),
    Wall("another worker's secret, as its credential", "smsd-debug@probe", "read:/run/credentials/smsd-debug@file.service/file.secret",
         "ENOENT", EVERY_WALL),
    Wall("the database's socket", "smsd-http@probe", f"connect:{DATABASE}", "ENOENT", HIDDEN),
    Wall("the database's socket, by its other path", "smsd-gammu@probe", f"connect:/var{DATABASE}", "ENOENT", HIDDEN),
    Wall("control.sock", "smsd-http@probe", "connect:/run/smsd/operator/control.sock", "ENOENT", HIDDEN),
    Wall("control.sock, from the worker of a modem", "smsd-gammu@probe", "connect:/run/smsd/operator/control.sock", "ENOENT", HIDDEN),
    Wall("another worker's socket", "smsd-debug@probe", "connect:/run/smsd/file.sock", "ENOENT", HIDDEN),
    Wall("the queue's file", "smsd-http@probe", "read:/var/lib/smsd/queue.db", "ENOENT", HIDDEN),
    Wall("/proc of systemd", "smsd-http@probe", "read:/proc/1/cmdline", "ENOENT", ["ProtectProc"]),
    Wall("/proc of another worker", "smsd-gammu@probe", "read:/proc/{worker}/cmdline", "ENOENT", ["ProtectProc"]),
    Wall("the network, from the worker of a modem", "smsd-gammu@probe", "tcp:127.0.0.1:5432", "EAFNOSUPPORT", NETWORK),
    Wall("an address that is no gateway's", "smsd-http@probe", "tcp:192.0.2.1:5432", "timed out", ["IPAddressDeny"], "addresses"),
    Wall("the network, from a supervisor that needs none", "smsd", "tcp:127.0.0.1:5432", "EAFNOSUPPORT", NETWORK, "unix-sockets"),
    Wall("a worker listens", "smsd-http@probe", "bind:7777", "EPERM", ["SocketBindDeny"], needs="+BPF_FRAMEWORK"),
]


def without(text, settings):
    """The unit's text without these settings of its service. A line that goes on in the next one goes as a whole."""
    unit, section, service = text.partition("[Service]\n")
    return unit + section + re.sub(rf"^(?:{'|'.join(settings) or '(?!)'})=(?:.*\\\n)*.*\n", "", service, flags=re.MULTILINE)


class Walls(Booted):
    def setUp(self):
        super().setUp()
        machine = self.machine
        machine.write(PROBE, (SOURCE / "tests/peers/walls-probe.py").read_text(), mode=0o755, group="root")
        # Stand-ins whose sockets are open to everybody: systemd listens, and nobody has to answer.
        machine.write("/etc/systemd/system/database.socket", f"[Socket]\nListenStream={DATABASE}\nListenStream=0.0.0.0:5432\nSocketMode=0666\n",
                      mode=0o644, group="root")
        machine.write("/etc/systemd/system/database.service", "[Service]\nExecStart=/bin/sleep infinity\n", mode=0o644, group="root")
        machine.shell("ip link set lo up; ip address add 192.0.2.1/32 dev lo; mknod -m 666 /dev/other-tty c 5 1; mknod -m 666 /dev/other-line c 4 64;"
                      " mknod -m 666 /dev/smsd-probe c 5 2")
        for name in ("probe", "file"):
            machine.write(f"/etc/smsd/dispatchers/{name}.secret", "secret", mode=0o600, group="root")
        machine.write("/etc/smsd/dispatchers/probe.yaml", {})
        self.configure({"file": ("debug", {"file": "sent.jsonl"})})
        self.drop_in("smsd-debug@file.service", "LoadCredential=file.secret:/etc/smsd/dispatchers/file.secret")
        self.start()
        machine.run("systemctl", "start", "database.socket")
        wait_for("it is ready", lambda: self.states() == {"file": "ready"})
        machine.shell("chmod 755 /run/smsd /run/smsd/operator /var/lib/smsd /run/postgresql; chmod 666 /run/smsd/*.sock /run/smsd/operator/*.sock; chmod 644 /var/lib/smsd/queue.db")
        (self.worker,) = machine.processes("smsd-debug@file.service")

    def probe(self, unit, attempts, dropin="", settings=()):
        """Starts the unit with the probe in place of its program, and returns the results."""
        template, folder = re.sub("@.*", "@", unit) + ".service", f"/etc/systemd/system/{unit}.service.d"
        self.machine.shell(f"rm -rf {folder}")
        texts = {f"/etc/systemd/system/{template}": self.machine.read(f"{UNITS}/{template}")}
        if dropin:
            texts[f"{folder}/{dropin}.conf"] = self.machine.read(f"{DROPINS}/{dropin}.conf")
        for setting in settings:
            self.assertRegex("".join(texts.values()), rf"(?m)^{setting}=", "the unit does not have this line of the wall")
        for path, text in texts.items():
            self.machine.write(path, without(text, settings), mode=0o644, group="root")
        self.drop_in(f"{unit}.service", "Type=oneshot", "WatchdogSec=0", "Restart=no", "ExecStart=", f"ExecStart=/usr/bin/python3 -I -B {PROBE} {' '.join(attempts)}",
                     f"StandardOutput=truncate:{RESULT}")
        # The filter for devices belongs to the control group, which may outlive the last run for a moment.
        self.machine.run("systemctl", "stop", f"{unit}.service")
        wait_for("its control group has gone", lambda: self.machine.run("test", "-e", f"/sys/fs/cgroup/smsd.slice/{unit}.service", check=False).returncode)
        self.machine.shell(f"rm -f {RESULT}; systemctl daemon-reload; systemctl start {unit}.service || true")
        return json.loads(self.machine.shell(f"cat {RESULT} || systemctl status --no-pager {unit}.service >&2").stdout)

    def test_each_wall_holds_and_would_not_without_its_line(self):
        offered = self.machine.run("systemctl", "--version").stdout
        idle = [f"{wall.what}: systemd is built without {wall.needs[1:]}" for wall in WALLS if wall.needs not in offered]
        walls = [dataclasses.replace(wall, attempt=wall.attempt.format(worker=self.worker)) for wall in WALLS if wall.needs in offered]
        # The supervisor's come last, because its unit is the one that answers at control.sock.
        for unit in sorted({wall.unit for wall in walls}, key=lambda name: name == "smsd"):
            if unit == "smsd":
                self.machine.run("systemctl", "stop", "smsd.service")
            for dropin in sorted({wall.dropin for wall in walls if wall.unit == unit}):
                here = [wall for wall in walls if (wall.unit, wall.dropin) == (unit, dropin)]
                found = self.probe(unit, [wall.attempt for wall in here], dropin)
                for wall in here:
                    with self.subTest(wall.what):
                        self.assertEqual(found[wall.attempt], wall.shipped)
                        (open_,) = self.probe(unit, [wall.attempt], dropin, wall.lines).values()
                        self.assertEqual(open_, "ok", f"without {', '.join(wall.lines)}")
        self.say(walls=len(walls), without_effect_here=idle)
