# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/bench/run measures with: loads, a drain, CPU and memory of processes. Counts only what belongs to the subject."""

import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scenario"))
from harness import BIN, Nginx, Postgres, Smsd, die_with_parent, wait_for  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def processes():
    """pid -> (parent, CPU seconds with those of reaped children, peak resident kB, voluntary context switches of the first thread)"""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            status = (entry / "status").read_text()
            switches = int((entry / "task" / entry.name / "status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])
            peak = int(status.split("VmHWM:")[1].split()[0]) if "VmHWM:" in status else 0
            found[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICK, peak, switches)
        except (OSError, IndexError):
            continue
    return found


def family(pid, table):
    """pid and all below it."""
    mine, grown = {pid}, True
    while grown:
        grown = False
        for other, (parent, *_) in table.items():
            if parent in mine and other not in mine:
                mine.add(other)
                grown = True
    return mine


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode().rsplit("/", 1)[-1]
    except OSError:
        return "?"


class Meter:
    """CPU of a family of processes from now on; a child that ended meanwhile counts through its parent."""

    def __init__(self, pid):
        self.pid = pid
        self.start = self._read()

    def _read(self):
        table = processes()
        return {pid: table[pid][1] for pid in family(self.pid, table) if pid in table}

    def seconds(self):
        now = self._read()
        return sum(now.values()) - sum(self.start.get(pid, 0) for pid in now)


def peaks(pid):
    """{command name: peak resident MB} of a family; the largest of each name."""
    table, result = processes(), {}
    for one in family(pid, table) & table.keys():
        name = name_of(one)
        result[name] = max(result.get(name, 0), round(table[one][2] / 1024, 1))
    return result


class Psql:
    """One session kept open: a probe must not cost a process each."""

    def __init__(self, postgres):
        self.process = subprocess.Popen(
            [postgres.bin / "psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", postgres.folder, "-U", "postgres", "-d", "nav"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, preexec_fn=die_with_parent)

    def rows(self, sql):
        self.process.stdin.write(sql.strip().rstrip(";") + ";\n\\echo @end\n")
        self.process.stdin.flush()
        found = []
        for line in self.process.stdout:
            if line == "@end\n":
                return found
            if line.strip():
                found.append(line.rstrip("\n").split("\t"))
        raise RuntimeError("psql ended: " + sql)

    def number(self, sql):
        return float(self.rows(sql)[0][0])

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def load(recipients, messages, first=90_000_000):
    """Unsent messages of recipients that no history has."""
    return (f"INSERT INTO smsq (accountid, time, phone, msg, severity) SELECT 1 + p % 1000, now(), '+47' || ({first} + p), "
            f"'box' || p || '.example.org: interface ge-0/0/' || m || ' down', 1 + m % 6 "
            f"FROM generate_series(1, {recipients}) p, generate_series(1, {messages}) m")


def history(rows):
    """Messages that were sent."""
    return (f"INSERT INTO smsq (accountid, time, phone, msg, sent, smsid, timesent, severity) SELECT 1 + g % 1000, "
            f"now() - interval '30 days' + g * interval '100 ms', '+47' || (40000000 + g % 5000), "
            f"'historic message ' || g || ' box example-sw.example.org interface down', 'Y', 0, now() - interval '1 day', g % 6 "
            f"FROM generate_series(1, {rows}) g")


class Bed:
    """A database, a gateway, and what drains the one into the other: smsd, several of it, or the bare chain."""

    def __init__(self, folder, gateway=None, extras=("--indexes", "--notify")):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.postgres = Postgres(self.folder)
        self.nginx = None if gateway else Nginx(self.folder, record=False)
        self.url = gateway or f"http://127.0.0.1:{self.nginx.port}/send"
        self.psql = Psql(self.postgres)
        self.extras, self.running, self.count = extras, [], 0
        self._smsd().ctl("db", "install", *extras)

    def _smsd(self, settings=None, gateway=None):
        self.count += 1
        return Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": self.postgres.dsn()},
                                  **(settings or {}).pop("queue", {})},
                    {"gateway": ("http", dict({"url": self.url + "?to={recipient}&m={text}"}, **(gateway or {})))},
                    name=f"smsd{self.count}", settings=settings)

    def smsd(self, supervisors=1, settings=None, gateway=None):
        """Starts it and waits until it is ready; the pids of the supervisors."""
        self.running = [self._smsd(dict(settings or {}), gateway).start() for _ in range(supervisors)]
        for one in self.running:
            wait_for("the gateway is ready", lambda one=one: (one.dispatcher("gateway") or {}).get("state") == "ready")
        return [one.process.pid for one in self.running]

    def chain(self):
        self.running = [subprocess.Popen([BIN / "bench-limits", "chain", "--dsn", self.postgres.dsn(), "--url", self.url],
                                         preexec_fn=die_with_parent)]
        return [self.running[0].pid]

    def stop(self):
        for one in self.running:
            if isinstance(one, Smsd):
                one.stop()
            else:
                one.kill()
                one.wait(60)
        self.running = []

    def clear(self):
        """Nothing unsent, and no load of before; the history stays."""
        self.psql.rows("DELETE FROM smsq WHERE phone LIKE '+479%'")
        self.psql.rows("VACUUM ANALYZE smsq")

    def unsent(self):
        return self.psql.number("SELECT count(*) FROM smsq WHERE sent = 'N'")

    def empty(self):
        """Asked often: must not cost what it watches. In the order of an index, if there is one: the first row is enough."""
        return not self.psql.rows("SELECT id FROM smsq WHERE sent = 'N' ORDER BY severity, time, id LIMIT 1")

    def close(self):
        self.stop()
        self.psql.close()
        if self.nginx:
            self.nginx.close()
        self.postgres.close()


def drain(bed, begin, recipients, messages=1, burst=True, patience=300):
    """`begin` starts what drains: from the commit of the load (burst), or from the first mark (full at the start), to the last mark."""
    if burst:
        pids = begin()
        time.sleep(0.5)  # idle, as it would be
    else:
        bed.psql.rows(load(recipients, messages))
        bed.psql.rows("VACUUM ANALYZE smsq")
    bed.psql.rows("CHECKPOINT")
    if not burst:
        pids = begin()
    meters, database = [Meter(pid) for pid in pids], Meter(bed.postgres.process.pid)
    if burst:
        bed.psql.rows(load(recipients, messages))
        first = bed.psql.number("SELECT extract(epoch FROM clock_timestamp())")
    wait_for("the queue is empty", lambda: time.sleep(0.02) or bed.empty(), patience)
    marked = bed.psql.rows("SELECT extract(epoch FROM min(timesent)::timestamptz), extract(epoch FROM max(timesent)::timestamptz), count(*), "
                           "count(DISTINCT phone) FROM smsq WHERE phone LIKE '+479%' AND sent <> 'N'")[0]
    if int(marked[3]) != recipients or int(marked[2]) != recipients * messages:
        raise RuntimeError(f"marked {marked}")
    if not burst:
        first = float(marked[0])
    seconds = max(float(marked[1]) - first, 1e-3)
    result = {"rate": recipients / seconds, "seconds": seconds,
              "cpu": sum(meter.seconds() for meter in meters) / recipients * 1000, "pg_cpu": database.seconds() / recipients * 1000,
              "peaks": {name: peak for pid in pids for name, peak in peaks(pid).items()}}
    bed.stop()
    bed.clear()
    return result
