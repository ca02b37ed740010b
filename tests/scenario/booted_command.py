# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the kind `command` behind the walls of its unit, under a real systemd."""

from booted import Booted
from harness import SOURCE, wait_for

PROGRAMS = "/usr/local/lib/smsd"
DROPINS = "/usr/local/lib/smsd/dropins"
SERVE = """#!/usr/bin/python3 -IS
import json, os, sys
print('{"smsd":1}', flush=True)
for line in sys.stdin:
    sms, folder = json.loads(line), os.environ["CREDENTIALS_DIRECTORY"]
    if sms["type"] == "health":
        print('{"health":"ready"}', flush=True)
        continue
    found = {"secrets": os.listdir(folder), "bytes": os.path.getsize(folder + "/token")}
    for path in ("/run/smsd", "/etc/smsd", "/var/lib/smsd", "/run/credentials/smsd-command@serves.service/config"):
        try:
            found[path] = os.listdir(path) if os.path.isdir(path) else open(path).read(1)
        except OSError as error:
            found[path] = error.strerror
    print("<5>" + json.dumps(found), file=sys.stderr, flush=True)
    print(json.dumps({"id": sms["id"], "outcome": "accepted", "reference": "served"}), flush=True)
print("<5>drained", file=sys.stderr)
"""
CALL = """#!/usr/bin/python3 -IS
import os, socket, sys
try:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as gateway:
        gateway.sendall(b"GET /" + os.environ["SMSD_ID"].encode() + b" HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
        sys.exit(0 if gateway.recv(12) == b"HTTP/1.1 200" else 1)
except OSError as error:
    print(error.strerror)
    sys.exit(75)
"""


class CommandUnits(Booted):
    def test_programs_send_behind_the_walls_of_their_unit_and_its_drop_ins_open_them(self):
        machine, gateway = self.machine, self.gateway()
        for name, text in (("serves.py", SERVE), ("calls.py", CALL), ("writes.sh", (SOURCE / "deploy/examples/programs/once.sh").read_text())):
            machine.write(f"{PROGRAMS}/{name}", text, mode=0o755, group="root")
        machine.write("/etc/smsd/dispatchers/serves.token", "s3cret\n", mode=0o600, group="root")
        calls = {"program": f"{PROGRAMS}/calls.py", "arguments": [str(gateway.port)], "mode": "once", "runtime": "python", "network": "outbound",
                 "connect_ports": [gateway.port]}
        self.configure({
            "serves": ("command", {"program": f"{PROGRAMS}/serves.py", "mode": "serve", "runtime": "python",
                                   "secrets": [{"name": "token", "file": "serves.token"}]}),
            "calls": ("command", calls), "walled": ("command", calls),
            "writes": ("command", {"program": f"{PROGRAMS}/writes.sh", "mode": "once", "runtime": "shell", "arguments": ["/dev/other-line"],
                                   "devices": ["/dev/other-line"]})})
        self.drop_in("smsd-command@serves.service", "LoadCredential=serves.token:/etc/smsd/dispatchers/serves.token")
        machine.shell(f"ip link set lo up; mknod -m 666 /dev/other-line c 1 3; for unit in calls:network writes:device; do"
                      f" install -D -m 644 -t /etc/systemd/system/smsd-command@${{unit%:*}}.service.d {DROPINS}/command-${{unit#*:}}.conf; done;"
                      " sed -i 's|^#DeviceAllow=.*|DeviceAllow=/dev/other-line rw|' /etc/systemd/system/smsd-command@writes.service.d/command-device.conf")
        self.start()
        wait_for("all are ready", lambda: set(self.states().values()) == {"ready"})
        said = {name: machine.ctl("test", "+4799887766", "--via", name, "--message", "alert", check=False).stdout for name in self.states()}
        for name in ("serves", "calls", "writes"):
            self.assertIn("accepted", said[name], name)
        self.assertEqual(len(gateway.requests()), 1)
        self.assertIn("deferred: Address family not supported", said["walled"], "without its drop-in it has no network")
        found = next(entry["MESSAGE"] for entry in machine.journal("--unit=smsd-command@serves.service") if "secrets" in entry["MESSAGE"])
        self.assertIn('"secrets": ["token"], "bytes": 7', found)
        for path in ("/run/smsd", "/etc/smsd", "/var/lib/smsd"):
            self.assertRegex(found, rf'"{path}": "(Permission denied|No such file or directory)"')
        self.assertIn('/config": "Permission denied"', found)
        machine.run("systemctl", "stop", "smsd-command@serves.socket", "smsd-command@serves.service")
        self.assertEqual(machine.unit("smsd-command@serves.service", "Result"), ["success"])
        self.assertEqual(machine.processes("smsd-command@serves.service"), [])
        self.assert_no_unit_failed()
