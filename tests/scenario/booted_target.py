# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd and its workers as one under a real systemd: the target, the slice, one more modem, and names that are resolved behind the walls."""

import collections
import re
import subprocess

from booted import Booted, http
from harness import SOURCE, Modem, die_with_parent, wait_for
from main_path import asked


class Target(Booted):
    def active(self, *units):
        return [self.machine.unit(unit, "ActiveState")[0] for unit in units]

    def test_the_target_starts_and_stops_all_and_nothing_is_lost_or_doubled(self):
        gateway = self.gateway("delay=0.2")
        self.configure({"gateway": http(gateway, window=4), "file": ("debug", {"file": "sent.jsonl"})})
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "enable", *self.sockets, "smsd.target")
        workers = [sock.replace(".socket", ".service") for sock in self.sockets]
        everything = ["smsd.target", "smsd.service", *self.sockets, *workers]
        self.queue(*(f"+47{n:08}" for n in range(120)))
        for _ in range(3):
            seen = len(gateway.requests())
            self.machine.run("systemctl", "start", "smsd.target")
            wait_for("it sends", lambda before=seen: len(gateway.requests()) > before + 4)
            wait_for("all are active", lambda: set(self.active(*everything)) == {"active"})
            self.machine.run("systemctl", "stop", "smsd.target")
            wait_for("all have stopped", lambda: set(self.active(*everything)) == {"inactive"})
        self.assertGreater(120, len(gateway.requests()), "there was no load left to stop under")
        self.assertEqual({self.machine.unit(unit, "Result")[0] for unit in everything[1:]}, {"success"})
        # smsd alone brings up the sockets as well.
        self.machine.run("systemctl", "start", "smsd.service")
        self.all_decided()
        self.assertEqual(set(self.active("smsd.target", *self.sockets)), {"active"})
        # A worker that stops gives back the SMS that it has not begun, and these may go out through the other one.
        copies = collections.Counter({number: len(texts) for number, texts in asked([("?" + one["query"], 0) for one in gateway.requests()]).items()})
        copies.update(one["recipient"] for one in self.sms("file"))
        self.assertEqual((len(copies), set(copies.values()), self.unknown()), (120, {1}, 0))
        self.assert_no_unit_failed()

    def test_all_of_them_are_in_the_slice_and_leave_no_core(self):
        self.configure({"gateway": http(self.gateway()), "file": ("debug", {"file": "sent.jsonl"})})
        self.start()
        wait_for("all are ready", lambda: set(self.states().values()) == {"ready"})
        systemd = int(self.machine.run("systemctl", "--version").stdout.split()[1])
        units = ["smsd.service", *(sock.replace(".socket", ".service") for sock in self.sockets)]
        for unit in units:
            self.assertEqual(self.machine.unit(unit, "Slice", "LimitCORE"), ["smsd.slice", "0"], unit)
            (pid,) = self.machine.processes(unit)
            self.assertRegex(self.machine.read(f"/proc/{pid}/limits"), r"(?m)^Max core file size +0 +0 ", unit)
            if systemd >= 257:
                self.assertEqual(self.machine.read(f"/proc/{pid}/uid_map").split(), ["0", "0", "65536"], unit)
        most = dict(zip(("MemoryMax", "TasksMax"), self.machine.unit("smsd.slice", "MemoryMax", "TasksMax")))
        self.assertEqual(most, {"MemoryMax": str(3 << 30), "TasksMax": "1024"})
        group = self.machine.unit("smsd.slice", "ControlGroup")[0]
        controllers = self.machine.read(f"/sys/fs/cgroup{group}/cgroup.controllers").split()
        for controller, file, value in (("memory", "memory.max", str(3 << 30)), ("pids", "pids.max", "1024")):
            if controller in controllers:
                self.assertEqual(self.machine.read(f"/sys/fs/cgroup{group}/{file}").strip(), value)
        self.say(enforced=[one for one in ("memory", "pids") if one in controllers] or "no controller here: set, not enforced")

    def test_a_second_modem_is_one_file_one_unit_one_line_and_one_reload(self):
        first, second = (self.open(Modem(self.machine.share, name=name, under=self.machine.inside())) for name in ("first", "second"))
        self.machine.write("/etc/smsd/smsd.yaml", "dispatchers:\n  - {name: modem, kind: gammu, activation: socket}\n")
        self.machine.write("/etc/smsd/dispatchers/modem.yaml", {"device": str(first.link.readlink())})
        self.sockets = ["smsd-gammu@modem.socket"]
        self.start()
        wait_for("the first is ready", lambda: self.states() == {"modem": "ready"})
        worker = self.machine.processes("smsd-gammu@modem.service")
        self.machine.write("/etc/smsd/dispatchers/second.yaml", {"device": str(second.link.readlink())})
        self.machine.run("systemctl", "enable", "--now", "smsd-gammu@second.socket")
        self.machine.shell("echo '  - {name: second, kind: gammu, activation: socket}' >>/etc/smsd/smsd.yaml")
        self.machine.run("systemctl", "reload", "smsd")
        wait_for("both are ready", lambda: self.states() == {"modem": "ready", "second": "ready"})
        for name, modem in (("modem", first), ("second", second)):
            self.machine.ctl("test", "+4799887766", "--via", name, "--message", f"by {name}")
            self.assertEqual([sms["text"] for sms in modem.sms()], [f"by {name}"])
        self.assertEqual(self.machine.processes("smsd-gammu@modem.service"), worker)
        users = {self.machine.shell(f"awk '/^Uid:/ {{ print $2 }}' /proc/{pid}/status").stdout
                 for name in self.states() for pid in self.machine.processes(f"smsd-gammu@{name}.service")}
        self.assertEqual(len(users), 2, "two workers share a user")
        self.assert_no_unit_failed()

    def test_a_worker_with_a_named_modem_opens_it_by_the_name_of_the_rule(self):
        # udev does not run in here: the link that the rule makes is made by hand.
        modem = self.open(Modem(self.machine.share, under=self.machine.inside()))
        self.machine.shell(f"ln -s {modem.link.readlink()} /dev/smsd-modem")
        self.configure({"modem": ("gammu", {"device": "/dev/smsd-modem"})})
        self.machine.run("install", "-D", "-m", "644", "-t", "/etc/systemd/system/smsd-gammu@modem.service.d", "/usr/local/lib/smsd/dropins/modem.conf")
        self.start()
        wait_for("it is ready", lambda: self.states() == {"modem": "ready"})
        self.machine.ctl("test", "+4799887766", "--via", "modem", "--message", "named")
        self.assertEqual([sms["text"] for sms in modem.sms()], ["named"])

    def test_the_supervisor_needs_no_network_with_its_drop_in(self):
        gateway = self.gateway()
        self.configure({"gateway": http(gateway)})
        self.machine.run("install", "-D", "-m", "644", "-t", "/etc/systemd/system/smsd.service.d", "/usr/local/lib/smsd/dropins/unix-sockets.conf")
        self.queue("+471")
        self.start()
        self.all_decided()
        (pid,) = self.machine.processes("smsd.service")
        devices = self.machine.read(f"/proc/{pid}/net/dev")
        self.assertEqual(re.findall(r"^ *(\w+):", devices, flags=re.MULTILINE), ["lo"])
        self.assertEqual(len(gateway.requests()), 1)
        self.machine.run("systemctl", "reload", "smsd")


class Names(Booted):
    def test_a_worker_resolves_names_by_a_resolv_conf_that_is_a_link_into_run(self):
        gateway = self.gateway()
        self.machine.shell("ip link set lo up")
        server = subprocess.Popen([*self.machine.network(), "/usr/bin/python3", SOURCE / "tests/peers/dns-server.py", "127.0.0.53", "gateway.test", "127.0.0.1"],
                                  stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        server.stdout.readline()
        self.configure({"gateway": ("http", {"url": f"http://gateway.test:{gateway.port}/?to={{recipient}}&m={{text}}"})})
        links = (("../run", "systemd/resolve", "stub-resolv.conf"), ("../run", "NetworkManager", "resolv.conf"), ("../run", "resolvconf", "resolv.conf"),
                 ("/var/run", "NetworkManager", "resolv.conf"))
        for number, (run, folder, file) in enumerate(links):
            with self.subTest(f"{run}/{folder}"):
                self.machine.shell(f"""
                    mkdir -p /run/{folder}; echo 'nameserver 127.0.0.99' >/run/{folder}/{file}
                    rm -f /etc/resolv.conf; ln -s {run}/{folder}/{file} /etc/resolv.conf
                    systemctl stop 'smsd-http@*.service'""")
                if number == 0:
                    self.start()
                wait_for("it is ready", lambda: self.states() == {"gateway": "ready"})
                # As systemd-resolved and NetworkManager do when the network changes: another file takes the name.
                self.machine.shell(f"echo 'nameserver 127.0.0.53' >/run/{folder}/new; mv /run/{folder}/new /run/{folder}/{file}")
                self.machine.ctl("test", f"+47{number}", "--via", "gateway", "--message", "resolved")
                self.assertEqual(len(gateway.requests()), number + 1)
