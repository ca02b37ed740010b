# SPDX-License-Identifier: GPL-3.0-or-later
"""smsctl doctor as installed, under a systemd of its own: nothing on a healthy system, and each planted fault by its name."""

import contextlib
import json
import os
import re

from booted import Booted, http
from harness import wait_for
from planted import Doctor


class Installed(Doctor, Booted):
    """As installed, under a systemd of its own."""

    def setUp(self):
        super().setUp()
        gateway = self.gateway()
        self.configure({"gateway": http(gateway, auth={"type": "bearer", "token_file": "gateway.token"}), "file": ("debug", {"file": "sent.jsonl"})})
        self.machine.write("/etc/smsd/dispatchers/gateway.token", "hunter2-canary\n", group="root", mode=0o600)
        self.drop_in("smsd-http@gateway.service", "LoadCredential=gateway.token:/etc/smsd/dispatchers/gateway.token")
        self.start()
        wait_for("all are ready", lambda: set(self.states().values()) == {"ready"})

    def examine(self, *arguments):
        return self.machine.run("smsctl", "doctor", *arguments, check=False)

    def type(self, command):
        self.machine.shell(command)

    def test_it_finds_nothing_and_then_each_planted_fault(self):
        report = self.assert_healthy()
        self.assertIn("2 workers: no_new_privs and seccomp as the kernel shows them", str(report["fine"]))
        self.assertEqual([one["what"] for one in report["not_checked"]], ["whether a time service runs"])
        self.assert_fast()
        self.assert_no_secret_in("hunter2")
        for user, group, status, unseen in (("smsd", "smsd", 0, set()), ("nobody", "smsd", 2, {"the queue", "the configuration as smsd reads it"}),
                                            ("nobody", "nogroup", 77, None)):
            done = self.machine.run("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "smsctl", "doctor", "--json", check=False)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
            if unseen is not None:
                said = json.loads(done.stdout)
                self.assertEqual(said["findings"], [])
                self.assertLessEqual(unseen, {one["what"] for one in said["not_checked"]})
        self.assert_each_planted_fault_is_found_by_its_name()

    @contextlib.contextmanager
    def shell(self, plant, heal):
        self.machine.shell(plant)
        try:
            yield
        finally:
            self.machine.shell(heal)
        wait_for("all are ready", lambda: set(self.states().values()) == {"ready"})

    def plant_file_not_readable(self):
        return self.shell("chgrp root /etc/smsd/smsd.yaml", "chgrp smsd /etc/smsd/smsd.yaml")

    @contextlib.contextmanager
    def plant_queue_not_writable(self):
        """As after a command of root's that created it."""
        with self.shell("chown root /var/lib/smsd/queue.db; chmod 0640 /var/lib/smsd/queue.db",
                        "chown smsd /var/lib/smsd/queue.db; chmod 0660 /var/lib/smsd/queue.db"):
            yield {"queue-denied"}

    def plant_unit_missing(self):
        fragment = self.machine.unit("smsd-debug@file.socket", "FragmentPath")[0]
        # systemd lets go of the socket of a unit that it does not find: only a restart of that socket brings it back.
        return self.shell(f"mv {fragment} /root/; systemctl daemon-reload",
                          f"mv /root/{os.path.basename(fragment)} {fragment}; systemctl daemon-reload; systemctl restart smsd-debug@file.socket")

    @contextlib.contextmanager
    def plant_unit_failed(self):
        self.drop_in("smsd-debug@file.service", "ExecStart=", "ExecStart=/bin/false")
        with self.shell("systemctl daemon-reload; ! systemctl restart smsd-debug@file.service", """
            rm /etc/systemd/system/smsd-debug@file.service.d/scenario.conf; systemctl daemon-reload; systemctl reset-failed smsd-debug@file.service
            smsctl dispatcher restart file"""):
            wait_for("smsd tries it rarely", lambda: self.dispatcher("file")["next_try_seconds"] >= 2)
            yield

    def dispatcher(self, name):
        return next(one for one in self.machine.status()["dispatchers"] if one["name"] == name)

    @contextlib.contextmanager
    def plant_unit_not_active(self):
        with self.shell("systemctl stop smsd-debug@file.socket", "systemctl start smsd-debug@file.socket; smsctl dispatcher resume file"):
            yield {"socket-missing"}

    def plant_unit_not_enabled(self):
        return self.shell("systemctl disable smsd.service", "systemctl enable smsd.service")

    def plant_unit_not_reloaded(self):
        return self.shell(f"touch {self.machine.unit('smsd.service', 'FragmentPath')[0]}", "systemctl daemon-reload")

    def plant_wall_missing(self):
        return self.shell("mkdir -p /etc/systemd/system/smsd.service.d; printf '[Service]\nProtectHome=no\n' >/etc/systemd/system/smsd.service.d/home.conf; "
                          "systemctl daemon-reload", "rm /etc/systemd/system/smsd.service.d/home.conf; systemctl daemon-reload")

    def plant_credential_missing(self):
        folder = "/etc/systemd/system/smsd-http@gateway.service.d"
        return self.shell(f"mv {folder} /root/; systemctl daemon-reload", f"mv /root/smsd-http@gateway.service.d {folder}; systemctl daemon-reload")

    def plant_credential_unreadable(self):
        return self.shell("mv /etc/smsd/dispatchers/gateway.token /root/", "mv /root/gateway.token /etc/smsd/dispatchers/")

    def plant_socket_missing(self):
        return self.shell("mv /run/smsd/gateway.sock /run/smsd/gone", "mv /run/smsd/gone /run/smsd/gateway.sock")

    @contextlib.contextmanager
    def plant_socket_folder_wrong(self):
        """Any of them, for a stranger's group or for everybody: each remedy is the same."""
        for spoil in ("chgrp users /run/smsd/operator", "chmod 0755 /run/smsd/operator", "chgrp users /run/smsd/status", "chmod 0711 /run/smsd/status",
                      "chown nobody /run/smsd/status", "chmod 0755 /run/smsd", "chgrp users /run/smsd"):
            self.machine.shell(spoil)
            findings = self.doctor()[1]["findings"]
            self.assertEqual({one["about"] for one in findings}, {spoil.rsplit(" ", maxsplit=1)[-1]})
            (finding,) = (one for one in findings if one["fault"] == "socket-folder-wrong")
            self.machine.shell(finding["remedy"])
            self.assertEqual(self.faults(), set(), spoil)
        self.machine.shell("chmod 0777 /run/smsd/operator")
        yield

    def plant_socket_group_wrong(self):
        return self.shell("chgrp users /run/smsd/operator/control.sock", "true")

    @contextlib.contextmanager
    def plant_core_dumps(self):
        """The process that systemd knows is a shell, which forbids no core dump, and the worker its child."""
        worker = re.search(r"path=(\S+)", self.machine.unit("smsd-debug@file.service", "ExecStart")[0])[1]
        self.machine.write("/usr/local/libexec/wrapper", f"""#!/bin/sh
sh -c 'LISTEN_PID=$$ exec {worker} --name file --supervisor smsd --config-name file.yaml' &
wait
""", mode=0o755)
        self.drop_in("smsd-debug@file.service", "LimitCORE=infinity", "NotifyAccess=all", "ExecStart=", "ExecStart=/usr/local/libexec/wrapper")
        with self.shell("systemctl daemon-reload; systemctl restart smsd-debug@file.service", """
            rm /etc/systemd/system/smsd-debug@file.service.d/scenario.conf; systemctl daemon-reload; systemctl restart smsd-debug@file.service"""):
            wait_for("it is ready", lambda: self.states()["file"] == "ready")
            yield {"wall-missing"}
