#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy that writes down what it is asked for: CONNECT tunnels, and requests with a whole URL.

    http-proxy.py --record FILE [--user NAME:PASSWORD] [--reset-after BYTES]

Listens on 127.0.0.1 on a port the system chooses, prints that port as its first line, and serves until it is ended by a signal.
With --user it answers 407 to who does not show Basic credentials. With --reset-after it resets a connection once so many bytes have
come back through it.
"""

import argparse
import base64
import socket
import struct
import threading
from urllib.parse import urlsplit


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def copy_and_reset(source, sink, most):
    try:
        while most > 0 and (data := source.recv(min(most, 65536))):
            sink.sendall(data)
            most -= len(data)
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sink.shutdown(socket.SHUT_RD)  # who reads from it lets go of it, and closing it resets the connection
        sink.close()
        source.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Proxy:
    def __init__(self, record, user, reset_after):
        self.reset_after = reset_after
        self.record = record
        self.wanted = "Basic " + base64.b64encode(user.encode()).decode() if user else ""

    def serve(self, sock):
        try:
            with sock:
                self.one(sock)
        except OSError:
            pass

    def one(self, sock):
        head = b""
        while b"\r\n\r\n" not in head:
            more = sock.recv(65536)
            if not more:
                return
            head += more
        head, _, rest = head.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        self.record.write(f"{method} {target}\n")
        self.record.flush()
        said = next((line.split(":", 1)[1].strip() for line in lines if line.lower().startswith("proxy-authorization:")), "")
        if self.wanted and said != self.wanted:
            sock.sendall(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        host, port = target.rsplit(":", 1) if method == "CONNECT" else (urlsplit(target).hostname, urlsplit(target).port or 80)
        try:
            far = socket.create_connection((host, int(port)))
        except OSError:
            sock.sendall(b"HTTP/1.1 502 Nobody there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with far:
            if method == "CONNECT":
                sock.sendall(b"HTTP/1.1 200 Go ahead\r\n\r\n")
            else:
                kept = [line for line in lines[1:] if not line.lower().startswith("proxy-")]
                url = urlsplit(target)
                first = f"{method} {url.path or '/'}{'?' + url.query if url.query else ''} HTTP/1.1"
                far.sendall("\r\n".join([first, *kept, "", ""]).encode("latin-1") + rest)
            work = (copy_and_reset, (far, sock, self.reset_after)) if self.reset_after else (copy, (far, sock))
            back = threading.Thread(target=work[0], args=work[1], daemon=True)
            back.start()
            copy(sock, far)
            back.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", required=True)
    parser.add_argument("--user", default="")
    parser.add_argument("--reset-after", type=int, default=0)
    arguments = parser.parse_args()
    with open(arguments.record, "a", encoding="ascii") as record:
        proxy = Proxy(record, arguments.user, arguments.reset_after)
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=proxy.serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
