# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated modem: as much of 3GPP TS 27.007 and 27.005 as an AT driver needs to take it for real. modem.py tells it how to behave."""

import heapq
import itertools
import os
import selectors
import sys
import time

from modem_pdu import BadPdu, decode

REGISTRATION = {"none": 0, "home": 1, "searching": 2, "denied": 3, "roaming": 5}
# 3GPP TS 27.007 9.2
SIM_ERROR = {"absent": 10, "pin": 11, "puk": 12, "failure": 13, "busy": 14}
NO_NETWORK_SERVICE = 331  # 3GPP TS 27.005 3.2.5
INVALID_PDU = 304
GARBAGE = b"\x00\xff\x80~}\r\n\xc3\x28 \x7f@@@\r\n"
UNKNOWN = object()


class Modem:
    """The AT commands, and the faults that the next SMS meet."""

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

    def speak(self):
        self.mute, self.mute_after = False, None
        self.buffer, self.edit = b"", None
