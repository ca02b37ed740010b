# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ends of the emulated modem: the pseudo terminal that a program opens, and the network that gets its SMS."""

import fcntl
import json
import os
import termios
import tty


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
