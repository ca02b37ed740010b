# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium without a screen, controlled through a pipe (its DevTools protocol), with Python's standard library alone."""
import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAM = shutil.which("chromium")
DEADLINE = 60
# A picture that is taken earlier may show the screen of before: Chromium paints after it has answered. The first callback comes before
# the next frame is painted, the second one after it.
PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def high(descriptor):
    """The same descriptor with a number that no other use here has."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64)
    os.close(descriptor)
    return copy


class Browser:
    """One process of Chromium with one page. Chromium reads commands from descriptor 3 and writes answers to 4."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        commands, self.commands = map(high, os.pipe())
        self.answers, answers = map(high, os.pipe())

        def pass_pipes():
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        # Chromium's own sandbox needs another user than root. These pages are ours, and the browser reaches nothing but this host.
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
                   "--disable-dev-shm-usage", "--disable-component-update", "--remote-debugging-pipe",
                   f"--user-data-dir={self.folder.name}", "about:blank"]
        self.process = subprocess.Popen([PROGRAM, *options], pass_fds=(3, 4), preexec_fn=pass_pipes, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": self.folder.name})
        os.close(commands)
        os.close(answers)
        self.number, self.received, self.events = 0, b"", []
        target = self.call("Target.createTarget", url="about:blank", session=None)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True, session=None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        try:
            self.call("Browser.close", session=None)
            self.process.wait(timeout=DEADLINE)
        except (OSError, TimeoutError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)  # its own session, of this object alone
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        self.folder.cleanup()

    def read(self, until):
        """The next message, or None if there is none until then."""
        while b"\0" not in self.received:
            if not select.select([self.answers], [], [], max(0, until - time.monotonic()))[0]:
                return None
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise OSError("Chromium has ended")
            self.received += part
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session="", **arguments):
        self.number += 1
        command = {"id": self.number, "method": method, "params": arguments}
        if session is not None:
            command["sessionId"] = self.session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        until = time.monotonic() + DEADLINE
        while (message := self.read(until)) is not None:
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)
        raise TimeoutError(f"{method}: no answer in {DEADLINE} s")

    def wait_for(self, event):
        """Waits for an event that comes, or came after the last open()."""
        until = time.monotonic() + DEADLINE
        while not any(one.get("method") == event for one in self.events):
            message = self.read(until)
            if message is None:
                raise TimeoutError(f"{event} did not come in {DEADLINE} s")
            self.events.append(message)

    def open(self, address):
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired")

    def screen(self, width, height, scheme="light", media=""):
        # On a telephone, Chromium draws a scrollbar over the page, and hides it after a moment.
        self.call("Emulation.setScrollbarsHidden", hidden=width < 600)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def evaluate(self, script):
        """The value of an expression in the page. The policy of the page does not hold for it."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description", "an exception"))
        return result["result"].get("value")

    def picture(self, clip=None):
        """The page, or a part (x, y, width, height) of it, as PNG."""
        self.evaluate(f"{PAINTED}.then(() => null)")
        arguments = {"format": "png"}
        if clip:
            arguments["clip"] = dict(zip(("x", "y", "width", "height"), clip), scale=1)
        return base64.b64decode(self.call("Page.captureScreenshot", **arguments)["data"])

    def violations(self):
        """The log entries about the policy of the page."""
        return [one["params"]["entry"]["text"] for one in self.events
                if one.get("method") == "Log.entryAdded" and "Content Security Policy" in one["params"]["entry"]["text"]]
