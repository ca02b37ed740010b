#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries to get through the walls of the unit that it runs in, and prints one line of JSON: {attempt: "ok" or the errno's name}.

    walls-probe.py ATTEMPT...

    open:PATH      opens a file or a device for reading and writing
    read:PATH      reads from a file
    connect:PATH   connects to a Unix socket
    tcp:HOST:PORT  connects to a TCP port
    bind:PORT      binds a TCP port
"""
import errno
import json
import os
import socket
import sys


def attempt(what, where):
    if what in ("open", "read"):
        mode = os.O_RDWR if what == "open" else os.O_RDONLY
        descriptor = os.open(where, mode | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        if what == "read":
            os.read(descriptor, 1)
        return
    family = socket.AF_UNIX if what == "connect" else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(2)
        if what == "connect":
            one.connect(where)
        elif what == "tcp":
            host, port = where.rsplit(":", 1)
            one.connect((host, int(port)))
        elif what == "bind":
            one.bind(("127.0.0.1", int(where)))
        else:
            raise SystemExit(f"no such attempt: {what}")


def result(word):
    try:
        attempt(*word.split(":", 1))
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


print(json.dumps({word: result(word) for word in sys.argv[1:]}), flush=True)
