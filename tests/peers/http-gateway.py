#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP gateway that behaves, or misbehaves, as it is told.

Listens on 127.0.0.1 on a port the system chooses, prints that port as its first line, and serves until it is ended by a
signal. Speaks HTTP/1.1 with connections kept alive, one thread each.

    http-gateway.py [--record FILE] [--cert PEM --key PEM] [--behave SPEC]...

A SPEC is what to do with a request: words and settings joined by commas, values percent-escaped.

    status=N           answer with it (200)          reason=TEXT   its reason phrase
    body=TEXT          with this body ("ok")         type=TEXT     Content-Type
    retry-after=TEXT   with this header              location=TEXT with this header
    delay=SECONDS      wait before the answer        close         end the connection after it
    cut=before         end the connection instead of an answer
    cut=headers        end it within the headers     cut=body      end it within the body
    missing=N          announce a body that is N bytes longer, and end it where it ends
    cut=reused         answer the first request of a connection, end it without a word at the second
    reset              end the connection with a RST
    silent             never answer                  garbage       answer something that is not HTTP
    slow=SECONDS       that long between one byte of the headers and the next
    endless            a body that never ends        trickle=SECONDS  a body that never ends, a byte at a time
    manyheaders        headers that never end        header=NAME:VALUE  one more header
    padding=N          about N bytes more of headers  early         103 Early Hints before anything else
    digest=USER:PASSWORD  ask for it (RFC 7616), once for each connection that has not shown it
    echo               answer with all that was asked, secrets included

The first --behave is for the first request, and so on; the last one stays. A path that starts with /-/SPEC/ says itself what
is to be done with it.

Each request is one line of JSON in --record: time, connection (counted from 1), nth (on that connection), method, path,
query (both as they came), headers (names in lower case), body. A request is recorded before it is answered.
"""

import argparse
import hashlib
import itertools
import json
import re
import socket
import ssl
import struct
import threading
import time
from urllib.parse import unquote


def parse_spec(text):
    spec = {}
    for item in filter(None, text.split(",")):
        name, _, value = item.partition("=")
        spec[name] = unquote(value, errors="surrogateescape")
    return spec


class Cut(Exception):
    """The connection is to end here."""


class Gateway:
    def __init__(self, behaviours, record):
        self.behaviours = behaviours or [{}]
        self.record_file = record
        self.lock = threading.Lock()
        self.requests = 0
        self.connections = itertools.count(1)

    def note(self, entry):
        line = json.dumps(entry) + "\n" if self.record_file else ""
        with self.lock:
            n, self.requests = self.requests, self.requests + 1
            if self.record_file:
                self.record_file.write(line)
                self.record_file.flush()
        return self.behaviours[min(n, len(self.behaviours) - 1)]

    def serve(self, sock, tls):
        number = next(self.connections)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                sock = tls.wrap_socket(sock, server_side=True)
            with sock.makefile("rb") as reader:
                for nth in itertools.count(1):
                    if not self.one(sock, reader, number, nth):
                        break
        except (OSError, Cut, ValueError):
            pass
        finally:
            sock.close()

    def one(self, sock, reader, number, nth):
        line = reader.readline()
        if not line:
            return False
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = {}
        while (line := reader.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", 0)))
        path, _, query = target.partition("?")
        spec = self.note({"time": time.time(), "connection": number, "nth": nth, "method": method, "path": path,
                          "query": query, "headers": headers, "body": body.decode("latin-1")})
        if path.startswith("/-/"):
            spec = parse_spec(path.split("/")[2])
        if "digest" in spec and not self.proves(spec["digest"], method, target, headers.get("authorization", "")):
            sock.sendall(b'HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm="sms", qop="auth", nonce="n1", algorithm=SHA-256\r\n'
                         b"Content-Length: 0\r\n\r\n")
            return True
        if "echo" in spec:
            spec = dict(spec, body=json.dumps({"target": target, "headers": headers, "body": body.decode("latin-1")}))
        return self.answer(sock, spec, nth)

    @staticmethod
    def proves(expected, method, target, said):
        """RFC 7616, 3.4.1."""
        if not said.startswith("Digest "):
            return False
        fields = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', said)}
        user, _, password = expected.partition(":")
        digest = lambda *parts: hashlib.sha256(":".join(parts).encode()).hexdigest()
        wanted = digest(digest(user, "sms", password), "n1", fields["nc"], fields["cnonce"], "auth", digest(method, target))
        return fields["username"] == user and fields["uri"] == target and fields["response"] == wanted

    def answer(self, sock, spec, nth):
        if "delay" in spec:
            time.sleep(float(spec["delay"]))
        if "silent" in spec:
            while sock.recv(4096):
                pass
            raise Cut
        if "reset" in spec:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Cut
        if "early" in spec:
            sock.sendall(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
        cut = spec.get("cut")
        if cut == "before" or (cut == "reused" and nth > 1):
            raise Cut
        if "garbage" in spec:
            sock.sendall(b"+OK gateway ready\r\n")
            raise Cut
        endless = "endless" in spec or "trickle" in spec
        body = spec.get("body", "ok").encode(errors="surrogateescape")
        head = ["HTTP/1.1 %s %s" % (spec.get("status", "200"), spec.get("reason", "Reason"))]
        head.append("Content-Type: " + spec.get("type", "text/plain"))
        for name in ("retry-after", "location"):
            if name in spec:
                head.append("%s: %s" % (name.title(), spec[name]))
        if "header" in spec:
            head.append(spec["header"].replace(":", ": ", 1))
        head += ["X-Pad: " + "." * 91] * (int(spec.get("padding", 0)) // 100)
        if "manyheaders" in spec:
            sock.sendall("\r\n".join(head).encode("latin-1") + b"\r\n")
            while True:
                sock.sendall(b"X-More: of the same\r\n" * 100)
        if "close" in spec or endless:
            head.append("Connection: close")
        if not endless:
            head.append("Content-Length: %d" % (len(body) + int(spec.get("missing", 0))))
        head = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")
        if cut == "headers":
            sock.sendall(head[:-10])
            raise Cut
        if "slow" in spec:
            for byte in head:
                sock.sendall(bytes([byte]))
                time.sleep(float(spec["slow"]))
            head = b""
        if endless:
            self.go_on_for_ever(sock, head, spec)
        if cut == "body":
            sock.sendall(head + body[: len(body) // 2])
            raise Cut
        sock.sendall(head + body)
        return "close" not in spec and "missing" not in spec

    def go_on_for_ever(self, sock, head, spec):
        sock.sendall(head)
        while True:
            if "trickle" in spec:
                sock.sendall(b".")
                time.sleep(float(spec["trickle"]))
            else:
                sock.sendall(b"." * 16384)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", metavar="FILE", help="append each request to it as a line of JSON")
    parser.add_argument("--cert", metavar="PEM", help="speak TLS, with this certificate")
    parser.add_argument("--key", metavar="PEM", help="and its key")
    parser.add_argument("--behave", metavar="SPEC", action="append", type=parse_spec, default=[])
    arguments = parser.parse_args()

    tls = None
    if arguments.cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments.cert, arguments.key)
    record = open(arguments.record, "a", encoding="utf-8") if arguments.record else None
    gateway = Gateway(arguments.behave, record)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)

    try:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=gateway.serve, args=(sock, tls), daemon=True).start()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
