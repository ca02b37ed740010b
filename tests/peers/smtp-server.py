#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server as they are: Debian's aiosmtpd, with STARTTLS and AUTH.

Listens on 127.0.0.1 on a port the system chooses, prints that port as its first line, and serves until it is ended by a
signal.

    smtp-server.py [--record FILE] [--cert PEM --key PEM] [--smtps] [--login USER:PASSWORD] [--refuse ADDRESS=REPLY]...

With --cert it offers STARTTLS, and takes mail after it only; with --smtps it speaks TLS from the start. With --login it takes
mail from that user only. --refuse answers RCPT TO:<ADDRESS> with that reply.

Each mail is one line of JSON in --record, written before it is answered: helo, tls, login, from, to (a list), raw (the bytes
as they came, as Latin-1), headers (a list of names and decoded values) and body (decoded by Python's email package).
"""

import argparse
import asyncio
import email
import email.policy
import json
import logging
import ssl

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, arguments):
        self.record = arguments.record
        self.refused = dict(item.split("=", 1) for item in arguments.refuse)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        entry = {
            "helo": session.host_name, "tls": session.ssl is not None or isinstance(server.transport.get_extra_info("ssl_object"), ssl.SSLObject),
            "login": session.auth_data.decode() if session.auth_data else None,
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "raw": envelope.original_content.decode("latin-1"),
            "headers": [[name, str(value)] for name, value in message.items()], "body": message.get_content(),
        }
        if self.record:
            with open(self.record, "a") as file:
                file.write(json.dumps(entry) + "\n")
        return "250 2.0.0 Ok: queued as 4Xy1Zq2"


def authenticator(login):
    user, password = (part.encode() for part in login.split(":", 1))

    def check(server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (user, password)
        # handled: aiosmtpd leaves the client waiting where the result is neither.
        return AuthResult(success=good, handled=good, auth_data=data.login if good else None)

    return check


async def serve(arguments):
    context = None
    if arguments.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.cert, arguments.key)
    starttls = context if context and not arguments.smtps else None
    options = {"auth_required": True, "authenticator": authenticator(arguments.login), "auth_require_tls": bool(context)} if arguments.login else {}
    if arguments.smtps:
        options["auth_require_tls"] = False  # it does not see TLS that was there before it
    handler = Handler(arguments)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="mail.example.org", tls_context=starttls, require_starttls=bool(starttls), enable_SMTPUTF8=False,
                     **options),
        "127.0.0.1", 0, ssl=context if arguments.smtps else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--record")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--smtps", action="store_true")
    parser.add_argument("--login")
    parser.add_argument("--refuse", action="append", default=[])
    asyncio.run(serve(parser.parse_args()))


main()
