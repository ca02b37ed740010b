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
import fcntl
import heapq
import itertools
import json
import os
import selectors
import signal
import socket
import sys
import termios
import time
import tty

from modem_pdu import BadPdu, decode

REGISTRATION = {"none": 0, "home": 1, "searching": 2, "denied": 3, "roaming": 5}
# 3GPP TS 27.007 9.2
SIM_ERROR = {"absent": 10, "pin": 11, "puk": 12, "failure": 13, "busy": 14}
NO_NETWORK_SERVICE = 331  # 3GPP TS 27.005 3.2.5
INVALID_PDU = 304
GARBAGE = b"\x00\xff\x80~}\r\n\xc3\x28 \x7f@@@\r\n"
UNKNOWN = object()


class Network:
    """What arrived: parts are put together as a telephone would."""

    def __init__(self, record):
        self.record, self.waiting, self.whole, self.parts = record, {}, 0, 0

    def take(self, sms, reference, at):
        self.parts += 1
        known = sms.pop("concatenation")
        if not known:
            return self.arrived(sms, [sms["text"]], [reference], at)
        pieces = self.waiting.setdefault((sms["number"], known[0], known[1]), {})
        pieces[known[2]] = (sms["text"], reference)
        if len(pieces) == known[1]:
            del self.waiting[(sms["number"], known[0], known[1])]
            texts, references = zip(*(pieces[n] for n in sorted(pieces)))
            self.arrived(sms, list(texts), list(references), at)

    def arrived(self, sms, parts, references, at):
        self.whole += 1
        if self.record:
            line = dict(sms, at=round(at, 3), text="".join(parts), parts=parts, references=references)
            self.record.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.record.flush()


class Line:
    """The pseudo terminal and the link to it. While this object holds the other end too, nobody's closing it hangs it up."""

    def __init__(self, link, mode):
        self.link, self.mode, self.master, self.slave = link, mode, None, None
        self.former = None

    def plug(self):
        self.master, self.slave = self.another()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        name = os.ttyname(self.slave)
        os.chmod(name, self.mode)
        if self.link:
            fresh = f"{self.link}.{os.getpid()}"
            os.symlink(name, fresh)
            os.rename(fresh, self.link)
        return name

    def another(self):
        """Never the one it was before: the system would give the same number again."""
        pairs = [os.openpty()]
        if os.ttyname(pairs[0][1]) == self.former:
            pairs.append(os.openpty())
        for fd in [fd for pair in pairs[:-1] for fd in pair]:
            os.close(fd)
        self.former = os.ttyname(pairs[-1][1])
        return pairs[-1]

    def hang_up(self):
        if self.link and os.path.islink(self.link):
            os.unlink(self.link)
        for fd in (self.slave, self.master):
            os.close(fd)
        self.master = self.slave = None

    def release(self):
        """A real line forgets that it was exclusive when its last holder closes it; a pseudo terminal does not."""
        if self.slave is not None:
            fcntl.ioctl(self.slave, termios.TIOCNXCL)


class Modem:
    def __init__(self, line, network, clock):
        self.line, self.network, self.clock = line, network, clock
        self.selector = selectors.DefaultSelector()
        self.timers, self.order = [], itertools.count()
        self.start = time.monotonic()
        self.counts = {"plugs": 0, "starts": 0, "sms": 0, "resets": 0, "pin attempts": 0, "commands": 0}
        self.sim, self.code, self.tries, self.counter = "ready", "1234", 3, "cpinr"
        self.registration, self.signal, self.battery, self.smsc = "home", 21, 80, "+4790002100"
        self.mute, self.slow, self.mute_after, self.reset_heals = False, 0.0, None, True
        self.faults = []  # of the next SMS: [name, arguments, times left]
        self.garbage, self.chatter = 0, [0, ""]
        self.can_echo, self.storms = True, 0
        self.reference = 0
        self.power_on()

    def power_on(self):
        self.echo, self.errors, self.charset, self.registration_report = True, 0, "GSM", 0
        self.buffer, self.edit = b"", None

    # --- time ---------------------------------------------------------------------------------------------------------------

    def now(self):
        return (time.monotonic() - self.start) * self.clock

    def after(self, seconds, action):
        heapq.heappush(self.timers, (self.now() + seconds, next(self.order), action))

    def run(self):
        self.release_regularly()
        while True:
            wait = None
            if self.timers:
                wait = max(0.0, (self.timers[0][0] - self.now()) / self.clock)
            for key, _ in self.selector.select(wait):
                key.data()
            while self.timers and self.timers[0][0] <= self.now():
                heapq.heappop(self.timers)[2]()

    def release_regularly(self):
        self.line.release()
        self.after(0.1 * self.clock, self.release_regularly)

    # --- the line -----------------------------------------------------------------------------------------------------------

    def plug(self):
        if self.line.master is not None:
            raise ValueError("it is plugged in")
        self.counts["plugs"] += 1
        self.power_on()
        self.line.plug()
        self.selector.register(self.line.master, selectors.EVENT_READ, self.read)

    def hang_up(self):
        if self.line.master is None:
            raise ValueError("it is not plugged in")
        self.selector.unregister(self.line.master)
        self.line.hang_up()

    def read(self):
        try:
            data = os.read(self.line.master, 4096)
        except BlockingIOError:
            return
        if self.mute:
            return self.listen_only(data)
        for value in data:
            self.take(bytes([value]))

    def listen_only(self, data):
        """Mute, but a reset is heard."""
        self.buffer = (self.buffer + data)[-100:]
        if b"AT+CFUN=1,1\r" in self.buffer:
            self.buffer = b""
            self.counts["resets"] += 1
            if self.reset_heals:
                self.after(0.2, lambda: (self.power_on(), self.speak()))

    def write(self, data):
        """Out, in order, whatever the delays of each are."""
        plugged = self.counts["plugs"]

        def out():
            if self.line.master is not None and plugged == self.counts["plugs"] and not self.mute:
                try:
                    os.write(self.line.master, data)
                except BlockingIOError:
                    pass  # nobody reads: a real line loses it too

        out() if self.slow == 0 else self.after(self.slow, out)

    def take(self, octet):
        if self.edit is None and octet == b"\x1b":
            self.buffer = b""
            return
        if self.edit is not None and octet in b"\x1a\x1b":
            announced, pdu, self.edit = self.edit, self.buffer.strip(), None
            self.buffer = b""
            return self.submitted(announced, pdu) if octet == b"\x1a" else self.answer("OK")
        if self.echo and self.can_echo:
            self.write(octet)
        if self.edit is None and octet == b"\n":
            return
        if self.edit is None and octet == b"\r":
            command, self.buffer = self.buffer.decode("latin-1").strip(), b""
            return self.command(command) if command else None
        if len(self.buffer) < 10000:
            self.buffer += octet

    def answer(self, *lines):
        if self.garbage > 0:
            self.garbage -= 1
            self.write(GARBAGE)
        self.write("".join(f"\r\n{line}\r\n" for line in lines).encode())

    # --- commands -----------------------------------------------------------------------------------------------------------

    def command(self, text):
        self.counts["commands"] += 1
        if self.chatter[0] > 0:
            self.chatter[0] -= 1
            self.write(f"\r\n{self.chatter[1]}\r\n".encode())
        if not text.upper().startswith("AT"):
            return None
        body = text[2:]
        result = self.dispatch(body.upper(), body)
        if result is None:
            return None
        if result is UNKNOWN:
            return self.answer("ERROR")
        if isinstance(result, int):
            return self.fail("CME", result)
        return self.answer(*result, "OK")

    def fail(self, kind, code):
        self.answer(f"+{kind} ERROR: {code}" if self.errors or kind == "CMS" else "ERROR")

    def dispatch(self, name, body):
        """Lines before OK, a CME number, UNKNOWN, or None where the answer is made elsewhere."""
        simple = {
            "": [], "Z": [], "+CMGF=0": [], "+CMGF?": ["+CMGF: 0"], "+CMGF=?": ["+CMGF: (0)"],
            "+CSCS=?": ['+CSCS: ("GSM","HEX","UCS2")'], "+CSCS?": [f'+CSCS: "{self.charset}"'],
            "+CGMI": ["smsd"], "+CGMM": ["Emulated"], "+CGMR": ["1.0"], "+CGSN": ["490154203237518"],
            "+CFUN?": ["+CFUN: 1"], "+CSMS?": ["+CSMS: 0,1,1,1"], "+CMMS=0": [], "+CMMS=1": [], "+CMMS=2": [],
        }
        if name in simple:
            return simple[name]
        if name == "+CFUN=1":
            self.counts["starts"] += 1  # an AT driver's initialisation ends with it
            return []
        if name in ("E0", "E1"):
            self.echo = name == "E1"
            return []
        if name.startswith("+CMEE="):
            self.errors = int(name[6:] or 0)
            return []
        if name.startswith("+CSCS="):
            self.charset = name[6:].strip('"')
            return []
        if name in ("+CFUN=1,1", "+CFUN=0", "+CFUN=4"):
            return self.reset()
        for part in (self.sim_command, self.network_command, self.sms_command):
            result = part(name, body)
            if result is not UNKNOWN:
                return result
        return UNKNOWN

    def reset(self):
        self.counts["resets"] += 1
        self.after(0.2, self.power_on)
        return []

    def sim_command(self, name, body):
        if name == "+CPIN?":
            if self.sim in ("absent", "failure", "busy"):
                return SIM_ERROR[self.sim]
            return ["+CPIN: " + {"ready": "READY", "pin": "SIM PIN", "puk": "SIM PUK"}[self.sim]]
        if name.startswith("+CPIN="):
            return self.enter(body[6:].strip('"'))
        if name in ("+CPINR", '+CPINR="SIM PIN"') and self.counter == "cpinr":
            return [f"+CPINR: SIM PIN,{self.tries},3"]
        if name == "^CPIN?" and self.counter == "huawei":
            asked = {"ready": "READY", "pin": "SIM PIN", "puk": "SIM PUK"}.get(self.sim, "")
            now = self.tries if self.sim == "pin" else 10 if self.sim == "puk" else ""
            return [f"^CPIN: {asked},{now},10,{self.tries},10,3"]
        if name == "+CIMI":
            return SIM_ERROR.get(self.sim, None) or ["242010000000001"]
        return UNKNOWN

    def enter(self, code):
        if self.sim != "pin":
            return 3 if self.sim == "ready" else SIM_ERROR[self.sim]  # operation not allowed
        self.counts["pin attempts"] += 1
        if code == self.code:
            self.sim, self.tries = "ready", 3
            return []
        self.tries -= 1
        if self.tries <= 0:
            self.sim = "puk"
        return 16  # incorrect password

    def is_registered(self):
        return self.sim == "ready" and self.registration in ("home", "roaming")

    def network_command(self, name, _):
        state = REGISTRATION[self.registration] if self.sim == "ready" else 0
        if name.startswith("+CREG=") or name.startswith("+CGREG=") or name.startswith("+COPS=3"):
            if name.startswith("+CREG="):
                self.registration_report = int(name[6:])
            return []
        if name == "+CREG?":
            where = ',"00A1","0BEEF1"' if self.registration_report == 2 and self.is_registered() else ""
            return [f"+CREG: {self.registration_report},{state}{where}"]
        if name == "+CGREG?":
            return [f"+CGREG: 0,{state}"]
        if name == "+COPS?":
            return ['+COPS: 0,2,"24201"' if self.is_registered() else "+COPS: 0"]
        if name == "+CSQ":
            return [f"+CSQ: {self.signal if self.is_registered() else 99},99"]
        if name == "+CBC" and self.battery is not None:
            return [f"+CBC: 0,{self.battery}"]
        return UNKNOWN

    def sms_command(self, name, _):
        if name == "+CSCA?":
            if self.sim != "ready":
                return SIM_ERROR[self.sim]
            return [f'+CSCA: "{self.smsc}",145']
        if not name.startswith("+CMGS="):
            return UNKNOWN
        fault = self.fault("at-prompt")
        if fault:
            return fault
        if self.faults and self.faults[0][0] == "no-prompt":
            self.used()
            return None
        self.edit, self.buffer = int(name[6:] or 0), b""
        self.write(b"\r\n> ")
        return None

    # --- SMS ----------------------------------------------------------------------------------------------------------------

    def used(self):
        self.faults[0][2] -= 1
        if self.faults[0][2] <= 0:
            self.faults.pop(0)

    def fault(self, place):
        """Answers with the fault that is next, where its place is this one; True: it did."""
        if not self.faults or self.faults[0][0] not in ("CMS", "CME", "error", "answer"):
            return None
        if self.faults[0][0] == "answer":
            if place != "answer":
                return None
            lines = self.faults[0][1]
            self.used()
            self.answer(*lines)
            return True
        kind, (code, where), _ = self.faults[0]
        if where != place:
            return None
        self.used()
        self.answer("ERROR") if kind == "error" else self.fail(kind, code)
        return True

    def submitted(self, announced, pdu):
        try:
            sms = decode(pdu.decode("ascii", "replace"), announced)
        except BadPdu as e:
            print(f"modem: refused a PDU: {e}: {pdu!r}", file=sys.stderr, flush=True)
            return self.fail("CMS", INVALID_PDU)
        if self.sim != "ready":
            return self.fail("CMS", {"absent": 310, "pin": 311, "failure": 313, "busy": 314, "puk": 316}[self.sim])
        if not self.is_registered():
            return self.fail("CMS", NO_NETWORK_SERVICE)
        if self.fault("answer"):
            return None
        self.counts["sms"] += 1
        self.reference = self.reference % 255 + 1
        self.network.take(sms, self.reference, self.now())
        return self.accepted(self.reference)

    def accepted(self, reference):
        if self.mute_after is not None:
            self.mute_after -= 1
            if self.mute_after <= 0:
                self.mute_after, self.mute = None, True
        kind, arguments, _ = self.faults[0] if self.faults else ("", (), 0)
        if kind in ("silent", "half", "late"):
            self.used()
        if kind == "silent":
            return
        if kind == "half":
            return self.write(b"\r\n+CMG")
        if kind == "late":
            return self.after(arguments[0], lambda: self.answer(f"+CMGS: {reference}", "OK"))
        self.answer(f"+CMGS: {reference}", "OK")

    # --- what it is told ----------------------------------------------------------------------------------------------------

    def tell(self, text):
        word, *rest = text.split(" ")
        simple = {
            "mute": lambda: setattr(self, "mute", True),
            "speak": self.speak,
            "mute-after": lambda n: setattr(self, "mute_after", int(n)),
            "slow": lambda s: setattr(self, "slow", float(s)),
            "no-prompt": lambda n: self.faults.append(["no-prompt", (), int(n)]),
            "silent": lambda n: self.faults.append(["silent", (), int(n)]),
            "late": lambda s, n: self.faults.append(["late", (float(s),), int(n)]),
            "cms": lambda code, n, place="answer": self.faults.append(["CMS", (int(code), place), int(n)]),
            "cme": lambda code, n, place="answer": self.faults.append(["CME", (int(code), place), int(n)]),
            "error": lambda n, place="answer": self.faults.append(["error", (0, place), int(n)]),
            "answer": lambda n, *words: self.faults.append(["answer", " ".join(words).split("|"), int(n)]),
            "half": lambda n: self.faults.append(["half", (), int(n)]),
            "garbage": lambda n: setattr(self, "garbage", int(n)),
            "unsolicited": lambda *words: self.write(f"\r\n{' '.join(words)}\r\n".encode()),
            "storm": self.storm,
            "echo": lambda state: setattr(self, "can_echo", {"on": True, "off": False}[state]),
            "chatter": lambda n, *words: setattr(self, "chatter", [int(n), " ".join(words)]),
            "registration": lambda name: setattr(self, "registration", {n: n for n in REGISTRATION}[name]),
            "signal": lambda n: setattr(self, "signal", int(n)),
            "battery": lambda n: setattr(self, "battery", None if n == "none" else int(n)),
            "sim": lambda name: setattr(self, "sim", {n: n for n in ("ready", *SIM_ERROR)}[name]),
            "pin": lambda code: setattr(self, "code", code),
            "tries": lambda n: setattr(self, "tries", int(n)),
            "counter": lambda name: setattr(self, "counter", {n: n for n in ("cpinr", "huawei", "none")}[name]),
            "smsc": lambda number="": setattr(self, "smsc", number),
            "reset-heals": lambda: setattr(self, "reset_heals", True),
            "reset-does-not-heal": lambda: setattr(self, "reset_heals", False),
            "hang-up": self.hang_up,
            "plug": self.plug,
            "status": self.status,
        }
        if word not in simple:
            raise ValueError(f"no such command: {word}")
        result = simple[word](*rest)
        return json.dumps(result) if isinstance(result, dict) else "ok"

    def storm(self, seconds, *words):
        self.storms += 1
        number, pause, line = self.storms, float(seconds), " ".join(words)

        def again():
            if self.storms == number:
                self.write(f"\r\n{line}\r\n".encode())
                self.after(pause, again)

        if pause > 0:
            self.after(pause, again)

    def speak(self):
        self.mute, self.mute_after = False, None
        self.buffer, self.edit = b"", None

    def status(self):
        incomplete = [{"number": n, "parts": total, "arrived": len(pieces)} for (n, _, total), pieces in self.network.waiting.items()]
        return dict(self.counts, whole=self.network.whole, parts=self.network.parts, incomplete=incomplete, sim=self.sim, tries=self.tries,
                    device=os.ttyname(self.line.slave) if self.line.slave is not None else None)


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
            return self.modem.tell(text) if text else "ok"
        except (ValueError, KeyError, TypeError) as e:
            return f"error: {e}"


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
