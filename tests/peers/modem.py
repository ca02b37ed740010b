#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GSM modem on a pseudo terminal that behaves, or misbehaves, as it is told.

Speaks as much of 3GPP TS 27.007 and 27.005 as an AT driver needs to take it for real, and reads what it is given to send as a
network would. Prints the path of its symbolic link (as of /dev/serial/by-id) when it can be opened, and lives until it is
ended by a signal.

    modem.py [--link PATH] [--record FILE] [--control SOCKET] [--clock FACTOR] [--mode OCTAL] [--talk] [COMMAND]...

Commands come as lines on --control (a Unix socket; each is answered by one line: ok, what was asked for in JSON, or
error: ...), on the standard input with --talk, or as arguments for the start.

    mute | speak              answers nothing at all, not even an echo; answers again
    mute-after N              mute once N more SMS were taken
    slow SECONDS              each answer comes that much later
    no-prompt N               the next N times CMGS gets no "> "
    silent N                  the next N SMS get no answer after ^Z (the network has them nevertheless)
    late SECONDS N            the next N SMS are answered that late
    cms CODE N [at-prompt]    the next N SMS end in +CMS ERROR: CODE, after ^Z or instead of the prompt
    cme CODE N [at-prompt]    the same with +CME ERROR
    error N                   the same with a bare ERROR
    answer N LINE[|LINE]...   the next N SMS are answered with these lines instead, and the network gets nothing
    half N                    the next N SMS are answered with half a line and no more
    garbage N                 before each of the next N answers comes what is no answer
    unsolicited LINE          sends a line that nobody asked for, now
    storm SECONDS LINE        sends that line again and again, that far apart, until it is told `storm 0`
    echo on|off               off: repeats no command, whatever ATE1 says
    chatter N LINE            the next N commands get that line between their echo and their answer
    registration NAME         home, roaming, searching, denied, none
    signal N                  0 to 31, 99: not known
    battery N                 per cent, none: it has none
    sim NAME                  ready, absent, pin, puk, failure, busy
    pin CODE | tries N        what opens it, how often one may try
    counter NAME              how the tries can be asked for: cpinr, huawei, none
    smsc NUMBER               what CSCA? says; empty: none
    reset-heals | reset-does-not-heal   whether AT+CFUN=1,1 makes a mute modem speak
    hang-up                   the device goes away, and with it its link (at the start: it is not there yet)
    plug                      it comes back as another device behind the same link
    status                    what became of it all

--record gets one line of JSON for each SMS that arrived whole: at, number, text, parts, alphabet, class, validity, report, smsc,
references. Every time that the modem itself lets pass goes FACTOR times as fast as the host's.
"""

import argparse
import json
import os
import selectors
import signal
import socket
import sys

from modem_at import REGISTRATION, SIM_ERROR, Modem
from modem_line import Line, Network


class Control:
    """Lines in, lines out: from a Unix socket's connections, or from one file."""

    def __init__(self, modem):
        self.modem = modem

    def listen(self, path):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen(16)
        self.modem.selector.register(listener, selectors.EVENT_READ, lambda: self.accept(listener))

    def accept(self, listener):
        connection, _ = listener.accept()
        self.follow(connection.fileno(), lambda text: connection.sendall(text.encode()), connection.close)

    def follow(self, fd, out, close):
        state = {"rest": b""}

        def readable():
            data = os.read(fd, 65536)
            *lines, state["rest"] = (state["rest"] + data).split(b"\n")
            for text in lines:
                out(self.obey(text.decode().strip()) + "\n")
            if not data:
                self.modem.selector.unregister(fd)
                close()

        self.modem.selector.register(fd, selectors.EVENT_READ, readable)

    def obey(self, text):
        try:
            return self.tell(text) if text else "ok"
        except (ValueError, KeyError, TypeError) as e:
            return f"error: {e}"

    def tell(self, text):
        word, *rest = text.split(" ")
        modem = self.modem
        simple = {
            "mute": lambda: setattr(modem, "mute", True),
            "speak": modem.speak,
            "mute-after": lambda n: setattr(modem, "mute_after", int(n)),
            "slow": lambda s: setattr(modem, "slow", float(s)),
            "no-prompt": lambda n: modem.faults.append(["no-prompt", (), int(n)]),
            "silent": lambda n: modem.faults.append(["silent", (), int(n)]),
            "late": lambda s, n: modem.faults.append(["late", (float(s),), int(n)]),
            "cms": lambda code, n, place="answer": modem.faults.append(["CMS", (int(code), place), int(n)]),
            "cme": lambda code, n, place="answer": modem.faults.append(["CME", (int(code), place), int(n)]),
            "error": lambda n, place="answer": modem.faults.append(["error", (0, place), int(n)]),
            "answer": lambda n, *words: modem.faults.append(["answer", " ".join(words).split("|"), int(n)]),
            "half": lambda n: modem.faults.append(["half", (), int(n)]),
            "garbage": lambda n: setattr(modem, "garbage", int(n)),
            "unsolicited": lambda *words: modem.write(f"\r\n{' '.join(words)}\r\n".encode()),
            "storm": self.storm,
            "echo": lambda state: setattr(modem, "can_echo", {"on": True, "off": False}[state]),
            "chatter": lambda n, *words: setattr(modem, "chatter", [int(n), " ".join(words)]),
            "registration": lambda name: setattr(modem, "registration", {n: n for n in REGISTRATION}[name]),
            "signal": lambda n: setattr(modem, "signal", int(n)),
            "battery": lambda n: setattr(modem, "battery", None if n == "none" else int(n)),
            "sim": lambda name: setattr(modem, "sim", {n: n for n in ("ready", *SIM_ERROR)}[name]),
            "pin": lambda code: setattr(modem, "code", code),
            "tries": lambda n: setattr(modem, "tries", int(n)),
            "counter": lambda name: setattr(modem, "counter", {n: n for n in ("cpinr", "huawei", "none")}[name]),
            "smsc": lambda number="": setattr(modem, "smsc", number),
            "reset-heals": lambda: setattr(modem, "reset_heals", True),
            "reset-does-not-heal": lambda: setattr(modem, "reset_heals", False),
            "hang-up": modem.hang_up,
            "plug": modem.plug,
            "status": self.status,
        }
        if word not in simple:
            raise ValueError(f"no such command: {word}")
        result = simple[word](*rest)
        return json.dumps(result) if isinstance(result, dict) else "ok"

    def storm(self, seconds, *words):
        modem = self.modem
        modem.storms += 1
        number, pause, line = modem.storms, float(seconds), " ".join(words)

        def again():
            if modem.storms == number:
                modem.write(f"\r\n{line}\r\n".encode())
                modem.after(pause, again)

        if pause > 0:
            modem.after(pause, again)

    def status(self):
        modem, network = self.modem, self.modem.network
        incomplete = [{"number": n, "parts": total, "arrived": len(pieces)} for (n, _, total), pieces in network.waiting.items()]
        return dict(modem.counts, whole=network.whole, parts=network.parts, incomplete=incomplete, sim=modem.sim, tries=modem.tries,
                    device=os.ttyname(modem.line.slave) if modem.line.slave is not None else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--link", help="symbolic link to the device; without one its own name is printed")
    parser.add_argument("--record", help="file for what arrived")
    parser.add_argument("--control", help="Unix socket to listen on for commands")
    parser.add_argument("--clock", type=float, default=1.0, help="how much faster than the host's its time goes")
    parser.add_argument("--mode", type=lambda text: int(text, 8), default=0o660, help="permissions of the device")
    parser.add_argument("--talk", action="store_true", help="take commands from the standard input")
    parser.add_argument("command", nargs="*", help="what it is told at the start, each one argument")
    arguments = parser.parse_args()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    record = open(arguments.record, "a", encoding="utf-8") if arguments.record else None
    line = Line(arguments.link, arguments.mode)
    modem = Modem(line, Network(record), arguments.clock)
    control = Control(modem)
    if arguments.control:
        control.listen(arguments.control)
    for text in arguments.command:
        answer = "ok" if text == "hang-up" else control.obey(text)
        if answer.startswith("error"):
            parser.error(f"{text}: {answer}")
    if "hang-up" not in arguments.command:
        modem.plug()
    print(arguments.link or os.ttyname(line.slave), flush=True)
    if arguments.talk:
        control.follow(0, lambda text: (sys.stdout.write(text), sys.stdout.flush()), lambda: None)
    try:
        modem.run()
    finally:
        if line.master is not None:
            line.hang_up()


if __name__ == "__main__":
    main()
