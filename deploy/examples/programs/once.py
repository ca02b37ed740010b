#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each SMS to the device in its argument. For `mode: once`, `runtime: python`: see smsd-command(7)."""
import os
import sys

try:
    line = os.open(sys.argv[1], os.O_WRONLY | os.O_NOCTTY)
except OSError as error:
    print(f"E! cannot open {sys.argv[1]}: {error.strerror}", file=sys.stderr)
    sys.exit(75)  # deferred
os.write(line, f"{os.environ['SMSD_RECIPIENT']} {os.environ['SMSD_TEXT']}\r\n".encode())
print(f"line-{os.environ['SMSD_ID']}")
