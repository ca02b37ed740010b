# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes instruction counts with callgrind: of the pure rooms, and of whole drains by the real programs.

Each subject is counted at two sizes, and the difference is divided by the units between: the start, the dynamic linker and the end
are not in it. Valgrind makes the program it runs so slow that its peers, which run without it, are always waiting for it: that is
what makes a drain repeat. Needs valgrind; a drain also what the scenarios need.
"""

import collections
import contextlib
import os
import pathlib
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scenario"))
from harness import BIN, Postgres, Smsd, SocketWorker, sms_in, wait_for  # noqa: E402

# What the caller's environment would add to the counts, or to the time that valgrind takes.
CALM = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "DEBUGINFOD_URLS": ""}
PATIENCE = 300.0


def callgrind(out, *options):
    # Fair: on a busy machine one thread could keep another from its turn for a minute.
    return ["valgrind", "--quiet", "--fair-sched=try", "--tool=callgrind", f"--callgrind-out-file={out}", *options]


def profile(path):
    """{program or library: instructions in it} of a file that callgrind wrote."""
    names, counts, here, of_call, said = {}, collections.Counter(), None, False, None
    for line in pathlib.Path(path).read_text(errors="replace").splitlines():
        found = re.match(r"(c?)ob=(\(\d+\))(?: (.*))?$", line)
        if found:
            called, number, name = found.groups()
            if name:
                names[number] = name
            if not called:
                here = names[number]
        elif line.startswith("calls="):
            of_call = True  # the next line is what the call cost, which is counted where it was spent
        elif line[:1] in tuple("0123456789+-*"):
            if not of_call:
                counts[here] += int(line.split()[1])
            of_call = False
        elif line.startswith("totals:"):
            said = int(line.split()[1])
    if counts.total() != said:
        raise RuntimeError(f"{path}: its lines come to {counts.total()} instructions, it says {said}")
    return counts


def counts_of(name, small, large, units):
    """All instructions of a unit, and those in our own program, where a change of ours is not hidden by the libraries'."""
    def between(of):
        return round((of(large) - of(small)) / units)

    return {name: between(lambda counts: sum(counts.values())),
            f"{name}, own code": between(lambda counts: sum(n for path, n in counts.items() if path and pathlib.Path(path).parent == BIN))}


def pure_rooms(folder, names=()):
    """{name: instructions of a unit}; bench-instructions says what there is."""
    out = folder / "pure"
    marks = [f"--{what}={function}" for function in ("countedFew", "countedMany") for what in ("zero-before", "dump-after")]
    done = subprocess.run([*callgrind(out, *marks), BIN / "bench-instructions", *names], check=True, stdout=subprocess.PIPE, text=True, env=CALM)
    counted = {}
    for i, line in enumerate(done.stdout.splitlines()):
        name, _, few, many = line.split("\t")
        small, large = (pathlib.Path(f"{out}.{part}") for part in (2 * i + 3, 2 * i + 4))  # the first two are nobody's
        counted[name] = round((profile(large).total() - profile(small).total()) / (int(many) - int(few)))
        shutil.move(large, folder / f"{name}.callgrind")
    for rest in folder.glob("pure*"):
        rest.unlink()
    return counted


def messages(recipients):
    """(recipient, text, severity): one message each, three for every fourth recipient."""
    for i in range(recipients):
        for part in range(3 if i % 4 == 0 else 1):
            yield f"+47{40_000_000 + i}", f"core-sw{i % 50}.example.org: interface ge-0/0/{i % 48} down p\u00e5 rom {part}", 1 + (i + part) % 5


class SqliteQueue:
    def __init__(self, folder):
        self.path = folder / "queue.db"

    def settings(self):
        return {"backend": "sqlite", "sqlite": {"path": str(self.path)}, "lease": "5m"}

    def fill(self, smsd, recipients):
        smsd.ctl("db", "install")
        with contextlib.closing(sqlite3.connect(self.path)) as db, db:
            db.executemany("INSERT INTO smsq (time, phone, msg, severity) VALUES (strftime('%Y-%m-%d %H:%M:%f', 'now'), ?, ?, ?)",
                           messages(recipients))

    def left(self):
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            return db.execute("SELECT count(*) FROM smsq WHERE sent = 'N'").fetchone()[0]

    def close(self):
        pass


class PostgresqlQueue:
    def __init__(self, folder):
        self.postgres = Postgres(folder)

    def settings(self):
        return {"backend": "postgresql", "postgresql": {"connection": self.postgres.dsn()}, "lease": "5m"}

    def fill(self, smsd, recipients):
        smsd.ctl("db", "install", "--indexes", "--notify")
        rows = ", ".join(f"(1, now(), '{phone}', '{text}', {severity})" for phone, text, severity in messages(recipients))
        self.postgres.sql(f"INSERT INTO smsq (accountid, time, phone, msg, severity) VALUES {rows}; ANALYZE")

    def left(self):
        return self.postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'")

    def close(self):
        self.postgres.close()


WINDOW = {"window": 64, "backlog": 64}
ACCEPTS = ("accepts", {"file": "sent.jsonl", **WINDOW})
REFUSES = ("refuses", {"result": "refuse", **WINDOW})


def drain(folder, queue, ways, recipients, out):
    """smsd under callgrind takes a full queue to workers without it, the last of which accepts. Until it stopped by itself."""
    workers = {}
    with contextlib.ExitStack() as stack:
        for name, settings in ways:
            workers[name] = SocketWorker(folder, name, "debug", settings)
            stack.callback(workers[name].close)
        smsd = Smsd(folder, queue.settings(), {name: ("debug", settings) for name, settings in ways},
                    entries={name: worker.entry() for name, worker in workers.items()},
                    settings={"log": {"sent": "each"}})  # else it depends on how many a second they were
        stack.callback(smsd.close)
        queue.fill(smsd, recipients)
        smsd.start(ready=False, under=callgrind(out), environment=CALM)
        sent = folder / "sent.jsonl"
        wait_for("every recipient has its SMS", lambda: smsd.process.poll() is not None or
                 (sent.exists() and sent.read_bytes().count(b"\n") >= recipients), PATIENCE)
        smsd.process.terminate()
        status = smsd.process.wait(PATIENCE)
        if status != 0 or queue.left() != 0 or len(sms_in(sent)) != recipients:
            raise RuntimeError(f"exit status {status}, {queue.left()} messages left, {len(sms_in(sent))} SMS sent:\n{smsd.text()}")


def count_drain(name, make_queue, ways, sizes, folder):
    """The profile of the larger one stays."""
    profiles = []
    for recipients in sizes:
        with tempfile.TemporaryDirectory(prefix="smsd-count-") as temporary:
            bed = pathlib.Path(temporary)
            bed.chmod(0o755)
            with contextlib.closing(make_queue(bed)) as queue:
                drain(bed, queue, ways, recipients, folder / f"{name}.callgrind")
        profiles.append(profile(folder / f"{name}.callgrind"))
    return counts_of(name, *profiles, sizes[1] - sizes[0])


def count_worker(name, sizes, folder):
    """The HTTP worker in step with a supervisor and a gateway (worker-in-step.cpp)."""
    profiles = []
    for sms in sizes:
        out = folder / f"{name}.callgrind"
        subprocess.run([BIN / "bench-worker", "--sms", str(sms), "--", *callgrind(out), BIN / "bench-worker", "--serve"], check=True, env=CALM,
                       timeout=PATIENCE)
        profiles.append(profile(out))
    return counts_of(name, *profiles, sizes[1] - sizes[0])


# Each gives {name of a count: instructions an SMS}, and leaves its profile as <its own name>.callgrind.
DRAINS = {
    "smsd-sqlite": lambda folder: count_drain("smsd-sqlite", SqliteQueue, [ACCEPTS], (500, 2000), folder),
    "smsd-postgresql": lambda folder: count_drain("smsd-postgresql", PostgresqlQueue, [ACCEPTS], (1000, 3000), folder),
    "smsd-failover": lambda folder: count_drain("smsd-failover", SqliteQueue, [REFUSES, ACCEPTS], (500, 2000), folder),
    "worker-http": lambda folder: count_worker("worker-http", (1024, 3072), folder),
}


def subject_of(count):
    """Whose profile tells more of it."""
    return count.removesuffix(", own code")


def built_with():
    """What the counts depend on: (what must be the same for them to be judged, the libraries' versions)."""
    said = subprocess.run([BIN / "bench-instructions", "--built-with"], check=True, capture_output=True, text=True).stdout
    versions = dict(line.split("\t") for line in said.splitlines())
    system = platform.freedesktop_os_release()
    flags = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    environment = {"distribution": f"{system['ID']} {system.get('VERSION_ID', '')}".strip(), "compiler": versions.pop("compiler"),
                   "build": versions.pop("build"),
                   # valgrind's processor is the same one everywhere but for this, and libc chooses by it
                   "processor": platform.machine() + (" with AVX2" if flags and "avx2" in flags[1].split() else "")}
    return environment, versions
