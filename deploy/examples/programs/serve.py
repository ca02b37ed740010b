#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program for a dispatcher of kind `command` with `mode: serve` and `runtime: python`: see smsd-command(7)."""
import json
import sys


def send(sms):
    """Send sms["text"] to sms["recipient"] here, and return what came of it. smsd may give an SMS of the same sms["key"] twice."""
    return {"outcome": "accepted", "reference": sms["key"]}


def say(line):
    print(json.dumps(line), flush=True)


say({"smsd": 1, "window": 16, "knows_keys": False})
for line in sys.stdin:
    request = json.loads(line)
    if request["type"] == "sms":
        say({"id": request["id"], **send(request)})
    elif request["type"] == "health":
        say({"health": "ready"})
print("<5>smsd has closed the input: this program ends", file=sys.stderr)
