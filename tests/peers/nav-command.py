#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for NAV's command `nav`: starts, stops and shows the programs that daemons.yml lists, found by their PID files.

nav start|stop|status [NAME ...]. As NAV's, it exits with 0 whether that worked or not.
"""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys

CONFIG = pathlib.Path(os.environ.get("NAV_CONFIG_DIR", "/etc/nav")) / "daemons.yml"
BIN = pathlib.Path("/opt/nav/bin")


def daemons():
    """{name: command}; every entry has a line of its own for each key."""
    found, name = {}, None
    for line in CONFIG.read_text().splitlines():
        if match := re.match(r"^ {4}([a-z]+):$", line):
            name = match[1]
        elif match := re.match(r"^ {8}command: (\S+)$", line):
            found[name] = match[1]
    return found


def pid_of(name):
    with contextlib.suppress(OSError, ValueError):
        pid = int(pathlib.Path(f"/run/nav/{name}.pid").read_text())
        os.kill(pid, 0)
        return pid
    return None


def main(act, *names):
    listed = daemons()
    for name in names or listed:
        pid = pid_of(name)
        if name not in listed:
            print(f"Unknown: {name}")
        elif act == "start" and pid is None:
            subprocess.run([BIN / listed[name]], check=False)
            print(f"Starting: {name}")
        elif act == "stop" and pid is not None:
            os.kill(pid, signal.SIGTERM)
            print(f"Stopping: {name}")
        elif act == "status":
            print(f"{'Up' if pid else 'Down'}: {name}")
        else:
            print(f"Failed: {name}")


main(*sys.argv[1:])
