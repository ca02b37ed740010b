# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the program print-page, and a server that answers with them as the exporter does."""
import functools
import http.server
import os
import pathlib
import subprocess
import threading

BIN = pathlib.Path(os.environ.get("SMSD_BIN", pathlib.Path(__file__).resolve().parents[2] / "build/bin"))
REFRESH = '<meta http-equiv="refresh" content="5">'


@functools.cache
def page(*words):
    """print-page WORD...: its output."""
    return subprocess.run([BIN / "print-page", *words], capture_output=True, timeout=60, check=True).stdout.decode()


def states():
    return page("--list").split() + ["silent"]


def still(text):
    """A page that is not fetched again, so that a slow test can look at it."""
    assert REFRESH in text
    return text.replace(REFRESH, "")


class Server:
    """Serves one document at every path, with the page's policy. Counts requests. `silent`: an event; while set, nothing is answered."""

    def __init__(self):
        server = self
        self.document, self.paths, self.silent = "", [], threading.Event()
        self.asked, self.over = threading.Semaphore(0), threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.paths.append(self.path)
                server.asked.release()
                if server.silent.is_set():
                    server.over.wait()
                    return
                body = server.document.encode()
                self.send_response(200)
                for name, value in {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(body), "Cache-Control": "no-store",
                                    "Content-Security-Policy": page("--policy")}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.over.set()
        self.http.shutdown()
        self.http.server_close()
