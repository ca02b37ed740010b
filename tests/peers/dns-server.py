#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server of one name: `dns-server.py ADDRESS NAME ANSWER` listens at UDP port 53 of ADDRESS, and answers with the IPv4 address
ANSWER to each question for NAME, and to any other that there is no such name. Prints a line when it listens.
"""
import socket
import struct
import sys

A, NO_SUCH_NAME, RESPONSE = 1, 3, 0x8180


def name_in(question):
    words, at = [], 0
    while question[at]:
        words.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(words), at + 1


def answer(packet, name, address):
    asked, end = name_in(packet[12:])
    kind = struct.unpack("!H", packet[12 + end:14 + end])[0]
    known = asked.lower() == name
    found = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 0, 4) + socket.inet_aton(address) if known and kind == A else b""
    flags = RESPONSE if known else RESPONSE | NO_SUCH_NAME
    return packet[:2] + struct.pack("!HHHHH", flags, 1, 1 if found else 0, 0, 0) + packet[12:16 + end] + found


def main():
    listen, name, address = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((listen, 53))
        print("listens", flush=True)
        while True:
            packet, sender = server.recvfrom(4096)
            server.sendto(answer(packet, name, address), sender)


main()
