#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that fails where it is told to.

Listens on 127.0.0.1 on a port the system chooses, prints that port as its first line, and serves until it is ended by a
signal. Speaks SMTP, one thread a connection.

    smtp-faults.py [--record FILE] [--cert PEM --key PEM] [--smtps] [--behave SPEC]...

A SPEC is STAGE=ACTION,... with values percent-escaped; what is not named goes well. The first --behave is for the first
connection, and so on; the last one stays.

    STAGE    connect  greeting  ehlo  starttls  tls  auth  mail  rcpt  data  content  quit
             again    MAIL on a connection that has taken a mail already
    ACTION   cut      end the connection instead of an answer     reset   the same with a RST
             silent   never answer                                garbage answer what is not SMTP
             half     a part of an answer, and then the end       endless an answer that never ends
             wait:N   answer N seconds later
             anything else is the answer: 550 5.1.1 no such user
    middle=cut        end the connection after 354 and the first line of the mail
    offer=WORDS       what EHLO offers besides PIPELINING and SIZE, for example AUTH PLAIN
    late              answer the mail at its first line, before it has come whole (content's ACTION)

Each mail that came whole is one line of JSON in --record, written before it is answered: connection (counted from 1), from,
to, raw (without the doubled dots). Each command is one, too: connection, command (of AUTH the first two words).
"""

import argparse
import itertools
import json
import socket
import ssl
import struct
import threading
import time
from urllib.parse import unquote

WELL = {"greeting": "220 mail.example.org ESMTP", "starttls": "220 2.0.0 go ahead", "auth": "235 2.7.0 welcome", "mail": "250 2.1.0 Ok",
        "again": "250 2.1.0 Ok", "rcpt": "250 2.1.5 Ok", "data": "354 end with a dot", "content": "250 2.0.0 Ok: queued as 4Xy1Zq2",
        "quit": "221 2.0.0 bye"}


class Over(Exception):
    """The connection ends here."""


class Conversation:
    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.spec = server.behaviours[min(number, len(server.behaviours)) - 1]
        self.buffer = b""
        self.mails = 0

    def write(self, text):
        self.sock.sendall(text.encode("latin-1") + b"\r\n")

    def line(self):
        while b"\n" not in self.buffer:
            piece = self.sock.recv(4096)
            if not piece:
                raise Over
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def act(self, stage):
        """False: it did not go well."""
        action = self.spec.get(stage, "")
        if action == "cut":
            raise Over
        if action == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Over
        if action == "silent":
            while True:
                if not self.sock.recv(4096):
                    raise Over
        if action == "garbage":
            self.write("\x00\xff what\r\nis\r\nthis")
            return False
        if action == "half":
            self.sock.sendall(b"250-almo")
            raise Over
        if action == "endless":
            while True:
                self.sock.sendall(b"250-and another thing\r\n" * 1000)
        if action.startswith("wait:"):
            time.sleep(float(action[5:]))
            action = ""
        if not action and stage == "ehlo":
            return self.hello()
        self.write(action or WELL[stage])
        return not action or action[0] in "23"

    def hello(self):
        offers = ["PIPELINING", "SIZE 100000"]
        if self.server.context and not isinstance(self.sock, ssl.SSLSocket):
            offers.append("STARTTLS")
        offers += filter(None, self.spec.get("offer", "").split("|"))
        for offer in ["mail.example.org", *offers[:-1]]:
            self.write(f"250-{offer}")
        self.write(f"250 {offers[-1]}")
        return True

    def start_tls(self):
        if self.spec.get("tls") == "cut":
            raise Over
        if self.spec.get("tls") == "garbage":
            self.sock.recv(4096)
            self.write("this is no TLS")
            raise Over
        self.sock = self.server.context.wrap_socket(self.sock, server_side=True)
        self.buffer = b""

    def mail_content(self):
        lines = []
        while True:
            line = self.line()
            if self.spec.get("middle") == "cut":
                raise Over
            if "late" in self.spec and not lines:
                self.act("content")
                self.spec = dict(self.spec, content="")
            if line == ".":
                return lines
            lines.append(line[1:] if line.startswith(".") else line)

    def serve(self):
        if self.spec.get("connect"):
            self.act("connect")
        if self.server.smtps:
            self.start_tls()
        self.act("greeting")
        sender = recipient = None
        while True:
            command = self.line()
            word = command.split(" ")[0].upper()
            self.server.note(connection=self.number, command=" ".join(command.split(" ")[:2]) if word == "AUTH" else command)
            if word in ("EHLO", "HELO"):
                self.act("ehlo")
            elif word == "STARTTLS":
                if self.act("starttls"):
                    self.start_tls()
            elif word == "AUTH":
                self.act("auth")
            elif word == "MAIL":
                sender = command
                self.act("again" if self.mails else "mail")
            elif word == "RCPT":
                recipient = command
                self.act("rcpt")
            elif word == "DATA":
                if self.act("data"):
                    lines = self.mail_content()
                    self.mails += 1
                    self.server.note(connection=self.number, **{"from": sender, "to": recipient}, raw="\r\n".join(lines))
                    self.act("content")
            elif word == "QUIT":
                self.act("quit")
                raise Over
            else:
                self.write("250 2.0.0 Ok")

    def run(self):
        try:
            self.serve()
        except (Over, OSError):
            pass
        finally:
            self.sock.close()


class Server:
    def __init__(self, arguments):
        self.record, self.smtps = arguments.record, arguments.smtps
        self.behaviours = [dict((name, unquote(value)) for name, _, value in (item.partition("=") for item in spec.split(",") if item))
                           for spec in arguments.behave or [""]]
        self.context = None
        if arguments.cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(arguments.cert, arguments.key)
        self.lock = threading.Lock()

    def note(self, **entry):
        if self.record:
            with self.lock, open(self.record, "a") as file:
                file.write(json.dumps(entry) + "\n")

    def run(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        print(listener.getsockname()[1], flush=True)
        for number in itertools.count(1):
            sock, _ = listener.accept()
            threading.Thread(target=Conversation(self, sock, number).run, daemon=True).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--smtps", action="store_true")
    parser.add_argument("--behave", action="append")
    Server(parser.parse_args()).run()


main()
