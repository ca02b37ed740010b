#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated modem itself: what it reads in a PDU, and that it misbehaves as it is told. No libgammu, no smsd."""

import fcntl
import json
import os
import pathlib
import re
import select
import socket
import subprocess
import tempfile
import termios
import time
import unittest

from modem_pdu import BadPdu, decode

HERE = pathlib.Path(__file__).resolve().parent


def submit(first, data, dcs="00", units=None, number="0B917499887766F5", centre="00", rest=""):
    """A PDU with these user data octets (hex), and the octets CMGS would announce."""
    units = len(data) // 2 if units is None else units
    frame = f"{first}00{number}00{dcs}{rest}{units:02X}{data}"
    return centre + frame, len(frame) // 2


class Pdu(unittest.TestCase):
    def test_gsm7_with_a_centre_and_a_relative_validity(self):
        # hellohello: the example every text on SMS has
        sms = decode(*submit("11", "E8329BFD4697D9EC37", units=10, centre="07917283010010F5", rest="A7"))
        self.assertEqual((sms["text"], sms["number"], sms["smsc"]), ("hellohello", "+47998877665", "+27381000015"))
        self.assertEqual((sms["validity"], sms["alphabet"], sms["class"], sms["units"]), (1440, "gsm7", None, 10))

    def test_extension_characters(self):
        self.assertEqual(decode(*submit("01", "9B32", units=2))["text"], "€")

    def test_ucs2_with_a_surrogate_pair_and_a_class(self):
        sms = decode(*submit("01", "0041D83DDD25", dcs="18"))
        self.assertEqual((sms["text"], sms["alphabet"], sms["class"]), ("A\U0001F525", "ucs2", 0))

    def test_parts_of_both_alphabets_in_both_forms_of_reference(self):
        sms = decode(*submit("41", "050003AA0201" + "9869", units=9))
        self.assertEqual((sms["concatenation"], sms["text"]), ((0xAA, 2, 1), "Li"))
        sms = decode(*submit("41", "06080412340302" + "0041", dcs="08"))
        self.assertEqual((sms["concatenation"], sms["text"]), ((0x1234, 3, 2), "A"))

    def test_a_report_may_be_asked_for_and_a_national_number_stays_one(self):
        sms = decode(*submit("21", "41", number="0481" + "2143", units=1))
        self.assertEqual((sms["report"], sms["number"], sms["validity"]), (True, "1234", None))

    def test_what_does_not_fit_itself_is_no_pdu(self):
        for text, announced in [
            submit("01", "E832", units=10),  # shorter than its length
            submit("01", "E8329BFD", units=1),  # longer
            submit("00", "41", units=1),  # not a SUBMIT
            submit("01", "D83D", dcs="08"),  # half a pair
            submit("01", "004100", dcs="08"),  # half a unit
            submit("41", "0800034142", units=5),  # header longer than the data
            submit("41", "050003AA0203" + "9869", units=9),  # part 3 of 2
            submit("01", "41", units=1, dcs="C0"),
            (submit("01", "41", units=1)[0], 3),
            ("01zz", 1),
            ("", 0),
        ]:
            with self.assertRaises(BadPdu, msg=text):
                decode(text, announced)


class Emulated(unittest.TestCase):
    """One modem, its device opened as a driver would, its control."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="smsd-modem-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.fd = None

    def start(self, *commands, clock="20"):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-B", HERE / "modem.py", "--link", self.folder / "modem", "--record", self.folder / "sms", "--clock", clock,
             "--control", self.folder / "control", *commands], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        self.assertEqual(self.process.stdout.readline().strip(), str(self.folder / "modem"))
        self.control = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.control.close)
        self.control.connect(str(self.folder / "control"))
        if os.path.islink(self.folder / "modem"):
            self.open()

    def end(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()
        if self.fd is not None:
            os.close(self.fd)

    def open(self):
        self.fd = os.open(self.folder / "modem", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def tell(self, text):
        self.control.sendall(text.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.control.recv(65536)
        return answer.decode().strip()

    def ask(self, text, until=("OK\r\n", "ERROR\r\n", "> "), within=10.0):
        """Everything up to an end of an answer; what came when the time is over."""
        os.write(self.fd, text.encode())
        return self.read(until, within)

    def read(self, until, within=10.0):
        got, end = b"", time.monotonic() + within
        while not got.endswith(tuple(word.encode() for word in until)) and not re.search(rb" ERROR: \d+\r\n$", got):
            if not select.select([self.fd], [], [], max(0.0, end - time.monotonic()))[0]:
                break
            got += os.read(self.fd, 4096)
        return got.decode("latin-1")

    def send(self, pdu=None):
        text, announced = pdu or submit("01", "E8329BFD4697D9EC37", units=10)
        prompt = self.ask(f"AT+CMGS={announced}\r")
        return prompt if not prompt.endswith("> ") else self.ask(text + "\x1a")

    def recorded(self):
        return [json.loads(line) for line in (self.folder / "sms").read_text().splitlines()]

    def test_it_echoes_answers_and_records(self):
        self.start()
        self.assertEqual(self.ask("AT\r"), "AT\r\r\nOK\r\n")
        self.assertEqual(self.ask("ATE0\r"), "ATE0\r\r\nOK\r\n")
        self.assertEqual(self.ask("AT+CPIN?\r"), "\r\n+CPIN: READY\r\n\r\nOK\r\n")
        self.assertEqual(self.ask("AT+NONSENSE\r"), "\r\nERROR\r\n")
        self.assertIn("+CMGS: 1\r\n", self.send())
        self.assertEqual([(r["number"], r["text"], r["references"]) for r in self.recorded()], [("+47998877665", "hellohello", [1])])

    def test_parts_become_one_text_in_whatever_order_they_come(self):
        self.start()
        for part, unit in ((2, "0042"), (3, "0043"), (1, "0041")):
            self.assertEqual(self.recorded(), [])
            self.send(submit("41", f"050003AA030{part}{unit}", dcs="08"))
        self.assertEqual([(r["text"], r["parts"]) for r in self.recorded()], [("ABC", ["A", "B", "C"])])

    def test_errors_by_number_after_the_text_and_instead_of_the_prompt(self):
        self.start()
        self.ask("AT+CMEE=1\r")
        self.tell("cms 38 1")
        self.tell("cme 30 1 at-prompt")
        self.tell("error 1")
        self.assertIn("+CMS ERROR: 38", self.send())
        self.assertIn("+CME ERROR: 30", self.send())
        self.assertIn("\r\nERROR", self.send())
        self.assertIn("+CMGS: 1", self.send())
        self.assertEqual(len(self.recorded()), 1)

    def test_no_prompt_silence_half_an_answer_and_a_late_one(self):
        self.start("no-prompt 1", "silent 1", "half 1", "late 4 1")
        self.assertEqual(self.ask("AT+CMGS=17\r", within=0.3), "AT+CMGS=17\r")
        self.assertNotIn("OK", self.send_briefly())
        self.assertTrue(self.send_briefly().endswith("+CMG"))
        before = time.monotonic()
        self.assertIn("+CMGS: 3", self.send())
        self.assertGreater(time.monotonic() - before, 0.1)  # 4 s of its own time
        self.assertEqual(len(self.recorded()), 3)  # the network has what was not answered

    def send_briefly(self):
        text, announced = submit("01", "E8329BFD4697D9EC37", units=10)
        self.ask(f"AT+CMGS={announced}\r")
        return self.ask(text + "\x1a", within=0.3)

    def test_mute_until_told_or_reset(self):
        self.start("mute")
        self.assertEqual(self.ask("AT\r", within=0.3), "")
        self.tell("speak")
        self.assertIn("OK", self.ask("AT\r"))
        self.tell("mute")
        os.write(self.fd, b"AT+CFUN=1,1\r")
        end = time.monotonic() + 10
        while "OK" not in self.ask("AT\r", within=0.1):
            self.assertLess(time.monotonic(), end)
        self.tell("mute")
        self.tell("reset-does-not-heal")
        os.write(self.fd, b"AT+CFUN=1,1\r")
        self.assertEqual(self.ask("AT\r", within=0.5), "")

    def test_a_pin_three_tries_and_where_they_are_counted(self):
        self.start("sim pin", "pin 4711", "counter huawei")
        self.ask("AT+CMEE=1\r")
        self.assertIn("+CPIN: SIM PIN", self.ask("AT+CPIN?\r"))
        self.assertIn("ERROR", self.ask("AT+CPINR\r"))
        self.assertIn("^CPIN: SIM PIN,3,10,3,10,3", self.ask("AT^CPIN?\r"))
        self.assertIn("+CME ERROR: 16", self.ask('AT+CPIN="0000"\r'))
        self.assertIn("^CPIN: SIM PIN,2,10,2,10,3", self.ask("AT^CPIN?\r"))
        self.tell("counter cpinr")
        self.assertIn("+CPINR: SIM PIN,2,3", self.ask("AT+CPINR\r"))
        self.ask('AT+CPIN="0000"\r')
        self.ask('AT+CPIN="0000"\r')
        self.assertIn("+CPIN: SIM PUK", self.ask("AT+CPIN?\r"))
        self.assertEqual(json.loads(self.tell("status"))["pin attempts"], 3)
        self.assertIn("+CMS ERROR: 316", self.send())

    def test_without_a_network_it_takes_nothing(self):
        self.start("registration searching")
        self.assertIn("+CREG: 0,2", self.ask("AT+CREG?\r"))
        self.assertIn("+CMS ERROR: 331", self.send())
        self.tell("registration home")
        self.assertIn("+CMGS: 1", self.send())

    def test_it_hangs_up_and_comes_back_as_another_device(self):
        self.start()
        first = os.readlink(self.folder / "modem")
        self.tell("hang-up")
        self.assertFalse(os.path.lexists(self.folder / "modem"))
        with self.assertRaises(OSError):
            for _ in range(3):
                os.write(self.fd, b"AT\r")
        os.close(self.fd)
        self.fd = None
        self.tell("plug")
        self.assertNotEqual(os.readlink(self.folder / "modem"), first)
        self.open()
        self.assertIn("OK", self.ask("AT\r"))
        self.assertEqual(json.loads(self.tell("status"))["plugs"], 2)

    def test_noise_between_and_before_answers(self):
        self.start()
        self.tell("chatter 1 +CREG: 5")
        self.assertIn("AT\r\r\n+CREG: 5\r\n\r\nOK", self.ask("AT\r"))
        self.tell("unsolicited RING")
        self.assertEqual(self.read(("RING\r\n",)), "\r\nRING\r\n")
        self.tell("garbage 1")
        self.assertIn("\x00\xff", self.ask("AT\r"))

    def test_an_answer_of_its_own_storms_and_no_echo(self):
        self.start("echo off", "answer 1 OK|+CMS ERROR: Network timeout")
        self.assertEqual(self.ask("ATE1\r"), "\r\nOK\r\n")
        text, announced = submit("01", "E8329BFD4697D9EC37", units=10)
        self.assertEqual(self.ask(f"AT+CMGS={announced}\r"), "\r\n> ")
        self.assertEqual(self.ask(text + "\x1a", until=("timeout\r\n",)), "\r\nOK\r\n\r\n+CMS ERROR: Network timeout\r\n")
        self.assertEqual(self.recorded(), [])
        self.assertIn("+CMGS: 1", self.send())
        self.tell('storm 0.2 +CMTI: "SM",3')
        for _ in range(3):
            self.assertIn("+CMTI", self.read(("3\r\n",)))
        self.tell("storm 0")

    def test_it_forgets_that_it_was_exclusive(self):
        self.start()
        fcntl.ioctl(self.fd, termios.TIOCEXCL)
        state = bytearray(4)
        end = time.monotonic() + 5
        while True:
            fcntl.ioctl(self.fd, 0x80045440, state)  # TIOCGEXCL
            if not any(state):
                break
            self.assertLess(time.monotonic(), end)

    def test_a_command_it_does_not_know_is_an_error(self):
        self.start()
        for text in ("dance", "cms", "sim sold", "registration", "hang-up twice"):
            self.assertTrue(self.tell(text).startswith("error: "), text)


if __name__ == "__main__":
    unittest.main()
