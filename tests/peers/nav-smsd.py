#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for NAV's own smsd: reads smsq every half second, "sends" each message into a file, and marks it as NAV's does.

One session for its life, with the name that NAV gives it; one message a transaction; a PID file in /run/nav. In the background like
a daemon. Its database is that of db.conf in the folder NAV_CONFIG_DIR; its SMS are lines of /run/nav/sms.
"""
import os
import pathlib
import subprocess
import time

RUN = pathlib.Path("/run/nav")


def settings():
    lines = (pathlib.Path(os.environ.get("NAV_CONFIG_DIR", "/etc/nav")) / "db.conf").read_text().splitlines()
    return {key.strip(): value.strip() for key, value in (line.split("=", 1) for line in lines if "=" in line)}


def main():
    RUN.mkdir(exist_ok=True)
    if os.fork():
        os._exit(0)
    os.setsid()
    for number in (0, 1, 2):
        os.dup2(os.open("/dev/null", os.O_RDWR), number)
    (RUN / "smsd.pid").write_text(f"{os.getpid()}\n")
    conf = settings()
    user = conf["script_default"]
    psql = subprocess.Popen(
        ["psql", "-XqAt", f"host={conf['dbhost']} port={conf['dbport']} dbname={conf['db_nav']} user={user} application_name='smsd (NAV legacy)'"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        env={"PATH": os.environ["PATH"], "PGPASSWORD": conf[f"userpw_{user}"]})

    def ask(statement):
        psql.stdin.write(statement + ";\n\\echo END\n")
        psql.stdin.flush()
        return list(iter(lambda: psql.stdout.readline().rstrip("\n"), "END"))

    while True:
        for row in ask("SELECT id || ' ' || phone || ' ' || msg FROM smsq WHERE sent = 'N' ORDER BY phone, severity, time"):
            with open(RUN / "sms", "a", encoding="utf-8") as sms:
                sms.write(row + "\n")
            ask(f"UPDATE smsq SET sent = 'Y', smsid = 0, timesent = now() WHERE id = {int(row.split()[0])}")
        time.sleep(0.5)


main()
