#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMS gateways that people use, each as its documentation says it behaves: paths, logins, fields, answers, errors.

    providers.py [--record FILE]

Listens on 127.0.0.1 on a port the system chooses, prints that port as its first line, and serves all of them, each at the path it
has in life, until it is ended by a signal. The secret of every account is "sesame". The last digits of the number say what goes
wrong: 01 no such number, 02 too many requests, 03 out of credit, 04 the sender cannot be used, 05 an error within; from 10 what one
provider alone says. Each SMS that was taken is one line of JSON in the record: provider, to, text, and the fields that came with it.
"""

import argparse
import base64
import http.server
import json
import re
import threading
from urllib.parse import parse_qs, urlsplit

SECRET = "sesame"
BAD_NUMBER, TOO_MANY, NO_CREDIT, BAD_SENDER, BROKEN = "01", "02", "03", "04", "05"


def basic(user):
    return "Basic " + base64.b64encode(f"{user}:{SECRET}".encode()).decode()


class Providers:
    """Each method answers one request: (status, headers, body). `taken` notes an SMS and gives its number."""

    def __init__(self, record):
        self.record = record
        self.lock = threading.Lock()
        self.count = 0

    def taken(self, provider, to, text, **fields):
        with self.lock:
            self.count += 1
            if self.record:
                self.record.write(json.dumps(dict(fields, provider=provider, to=to, text=text)) + "\n")
                self.record.flush()
            return self.count

    def uio(self, request):
        """GET, everything in the query; a line of text."""
        query = {name: values[0] for name, values in parse_qs(request.query, strict_parsing=True).items()}
        if (query.get("user"), query.get("pass")) != ("noc", SECRET):
            return 200, {}, "ERROR: login failed"
        faults = {BAD_NUMBER: (200, {}, "ERROR: no such number"), TOO_MANY: (503, {"Retry-After": "7"}, "busy"),
                  NO_CREDIT: (200, {}, "ERROR: out of credits"), BROKEN: (500, {}, ""),
                  "10": (200, {}, "\r\n\r\nERROR: out of credits"), "11": (200, {}, "<html><h1>Service unavailable</h1></html>"),
                  "12": (200, {}, ""), "13": (200, {}, "FAIL no such user"), "14": (200, {}, "ERROR: try again later"),
                  "15": (202, {}, "queued"), "16": (200, {}, "OKLAHOMA")}
        if query["recv"][-2:] in faults:
            return faults[query["recv"][-2:]]
        return 200, {}, f"OK {self.taken('uio', query['recv'], query['msg'])}"

    def twilio(self, request):
        """201 and the message; errors {"code", "message", "more_info", "status"}."""
        account = "AC" + "0" * 32

        def error(status, code, **headers):
            body = {"code": code, "message": "...", "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
            return status, headers, body

        if request.headers.get("Authorization") != basic(account):
            return error(401, 20003)
        form = request.form()
        if not re.fullmatch(r"\+[1-9][0-9]{1,14}", form.get("To", "")):
            return error(400, 21211)
        if not form.get("Body"):
            return error(400, 21602)
        faults = {BAD_NUMBER: error(400, 21211), TOO_MANY: error(429, 20429, **{"Retry-After": "3"}), NO_CREDIT: error(400, 21611),
                  BAD_SENDER: error(400, 21606), BROKEN: error(503, 20503),
                  # Of the number or the text, of the account, of this country or this pair, and one that nobody knows.
                  "10": error(400, 21614), "11": error(400, 21610), "12": error(400, 21617), "13": error(400, 20001),
                  "14": error(400, 21701), "15": error(400, 21608), "16": error(400, 21408), "17": error(400, 21612),
                  "18": error(400, 29999), "19": (400, {}, "<html>Bad Request</html>")}
        if form["To"][-2:] in faults:
            return faults[form["To"][-2:]]
        number = self.taken("twilio", form["To"], form["Body"], sender=form["From"])
        return 201, {}, {"sid": f"SM{number:032x}", "status": "queued", "to": form["To"], "error_code": None}

    def vonage(self, request):
        """Always 200; messages[0].status says it, as a string."""
        form = request.form()

        def said(status, **more):
            return 200, {}, {"message-count": "1", "messages": [dict({"status": status}, **more)]}

        if (form.get("api_key"), form.get("api_secret")) != ("abcd1234", SECRET):
            return said("4", **{"error-text": "Bad Credentials"})
        if not re.fullmatch("[0-9]{7,15}", form.get("to", "")) or form.get("type") not in ("text", "unicode"):
            return said("3", **{"error-text": "Invalid parameters"})
        faults = {BAD_NUMBER: "6", TOO_MANY: "1", NO_CREDIT: "9", BAD_SENDER: "15", BROKEN: "5", "10": "7", "11": "12", "12": "33",
                  "13": "2", "14": "29", "15": "32", "16": "3", "17": "99"}
        if form["to"][-2:] in faults:
            return said(faults[form["to"][-2:]], **{"error-text": "..."})
        number = self.taken("vonage", form["to"], form["text"], sender=form["from"], type=form["type"])
        return said("0", **{"to": form["to"], "message-id": f"0A0000000123ABCD{number}", "remaining-balance": "3.14159265"})

    def infobip(self, request):
        """200 and a status for each message; errors {"requestError": {"serviceException": ...}}."""
        def error(status, name):
            return status, {}, {"requestError": {"serviceException": {"messageId": name, "text": "..."}}}

        if request.headers.get("Authorization") != f"App {SECRET}":
            return error(401, "UNAUTHORIZED")
        if request.headers.get("Content-Type") != "application/json":
            return error(400, "BAD_REQUEST")
        message = request.json()["messages"][0]
        to = message["destinations"][0]["to"]

        def said(group, name, **more):
            status = {"groupId": group, "groupName": name.split("_")[0], "id": 0, "name": name, "description": "..."}
            return 200, {}, {"messages": [dict({"to": to, "status": status}, **more)]}

        faults = {BAD_NUMBER: said(5, "REJECTED_DESTINATION"), TOO_MANY: error(429, "TOO_MANY_REQUESTS"),
                  NO_CREDIT: said(5, "REJECTED_NOT_ENOUGH_CREDITS"), BAD_SENDER: said(5, "REJECTED_SENDER"),
                  BROKEN: error(500, "GENERAL_ERROR"),
                  "10": said(5, "REJECTED_FLOODING_FILTER"), "11": said(5, "REJECTED_SYSTEM_ERROR"),
                  "12": said(5, "REJECTED_PREPAID_PACKAGE_EXPIRED"), "13": said(5, "REJECTED_ROUTE_NOT_AVAILABLE"),
                  "14": said(5, "REJECTED_DESTINATION_NOT_REGISTERED"), "15": said(5, "REJECTED_NETWORK"),
                  "16": said(5, "REJECTED_DND"), "17": said(5, "REJECTED_DESTINATION_BLOCKLISTED"),
                  "18": said(5, "REJECTED_MESSAGE_TOO_LONG"), "19": said(2, "UNDELIVERABLE_REJECTED_OPERATOR"),
                  "20": said(5, "REJECTED_OF_A_LATER_DAY"), "21": (200, {}, {"bulkId": "1"})}
        if to[-2:] in faults:
            return faults[to[-2:]]
        number = self.taken("infobip", to, message["text"], sender=message["from"])
        return said(1, "PENDING_ACCEPTED", messageId=f"2250be2d4219-{number}")

    def sinch(self, request):
        """201 and the batch; errors {"code", "text"}."""
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            return 401, {}, ""
        batch = request.json()
        if not all(re.fullmatch(r"\+?[0-9]{5,15}", to) for to in batch["to"]) or not batch.get("body"):
            return 400, {}, {"code": "syntax_invalid_parameter_format", "text": "..."}
        faults = {BAD_NUMBER: (400, {}, {"code": "syntax_invalid_parameter_format", "text": "..."}), TOO_MANY: (429, {}, ""),
                  NO_CREDIT: (403, {}, {"code": "forbidden", "text": "..."}), BAD_SENDER: (403, {}, {"code": "forbidden", "text": "..."}),
                  BROKEN: (503, {}, ""),
                  "10": (400, {}, {"code": "syntax_invalid_json", "text": "..."}),
                  "11": (400, {}, {"code": "syntax_constraint_violation", "text": "..."}),
                  "12": (403, {}, {"code": "illegal_number_type", "text": "..."}),
                  "13": (403, {}, {"code": "blocked_account", "text": "..."})}
        if batch["to"][0][-2:] in faults:
            return faults[batch["to"][0][-2:]]
        number = self.taken("sinch", batch["to"][0], batch["body"], sender=batch["from"], reference=batch["client_reference"])
        return 201, {}, dict(batch, id=f"01FC66621XXXXX{number:012d}", canceled=False)

    def plivo(self, request):
        """202 and {"message_uuid": [...]}; errors {"api_id", "error"}."""
        if request.headers.get("Authorization") != basic("MA000000000000000000"):
            return 401, {}, "Could not verify your access level for that URL."
        message = request.json()
        faults = {BAD_NUMBER: (400, {}, {"error": "..."}), TOO_MANY: (429, {}, {"error": "..."}), BROKEN: (500, {}, {"error": "..."})}
        if not re.fullmatch("[0-9]{7,15}", message.get("dst", "")) or not message.get("text"):
            return faults[BAD_NUMBER]
        if message["dst"][-2:] in faults:
            return faults[message["dst"][-2:]]
        number = self.taken("plivo", message["dst"], message["text"], sender=message["src"])
        return 202, {}, {"message": "message(s) queued", "message_uuid": [f"db3ce55a-7f1d-11e1-8ea7-{number:012d}"], "api_id": "..."}

    def of(self, method, path):
        routes = {("GET", "/sms/send"): self.uio,
                  ("POST", f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"): self.twilio,
                  ("POST", "/sms/json"): self.vonage,
                  ("POST", "/sms/2/text/advanced"): self.infobip,
                  ("POST", "/xms/v1/0123456789abcdef0123456789abcdef/batches"): self.sinch,
                  ("POST", "/v1/Account/MA000000000000000000/Message/"): self.plivo}
        return routes.get((method, path))


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    providers = None

    def form(self):
        # What a form means by +, and that it is UTF-8, is the standard library's to say.
        return {name: values[0] for name, values in parse_qs(self.body.decode("utf-8"), strict_parsing=True).items()}

    def json(self):
        return json.loads(self.body.decode("utf-8"))

    def answer(self):
        url = urlsplit(self.path)
        self.query = url.query
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        provider = self.providers.of(self.command, url.path)
        status, headers, body = provider(self) if provider else (404, {}, "")
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", metavar="FILE")
    arguments = parser.parse_args()
    Request.providers = Providers(open(arguments.record, "a", encoding="utf-8") if arguments.record else None)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Request)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
