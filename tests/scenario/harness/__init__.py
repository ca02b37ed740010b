# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios' common parts: real peers and real programs under control, in a folder of their own that goes away.

No scenario sleeps to let something happen: it waits for a condition with a deadline (wait_for). Every process is ended by its
pid when its owner is closed. Needs only Python's standard library and Debian's postgresql, nginx and openssl.
"""

from .basics import BIN, DEADLINE, SOURCE, Scenario, die_with_parent, free_port, programs_for, records, sms_in, wait_for
from .peers import Gateway, MailServer, Modem, Nginx
from .postgres import Postgres
from .programs import Smsd, SocketWorker, listens
from .systemd import Systemd

__all__ = ["BIN", "DEADLINE", "SOURCE", "Gateway", "MailServer", "Modem", "Nginx", "Postgres", "Scenario", "Smsd", "SocketWorker",
           "Systemd", "die_with_parent", "free_port", "listens", "programs_for", "records", "sms_in", "wait_for"]
