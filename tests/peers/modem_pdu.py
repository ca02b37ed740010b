# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network reads in an SMS-SUBMIT: 3GPP TS 23.040 (9.2.2.2 and 9.2.3) for the frame, TS 23.038 for the alphabets.

Knows nothing of smsd and nothing of libgammu: what it decodes is what a telephone would show. Strict: a frame that is longer
or shorter than its own lengths say is a BadPdu.
"""

GSM7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€"}


class BadPdu(Exception):
    """Not a frame that a service centre would take."""


class Octets:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise BadPdu(f"ends after {len(self.data)} octets, expected {self.at + count}")
        self.at += count
        return self.data[self.at - count : self.at]

    def one(self):
        return self.take(1)[0]


def semi_octets(data, digits):
    nibbles = [half for octet in data for half in (octet & 15, octet >> 4)]
    return "".join("0123456789*#abc?"[n] for n in nibbles[:digits])


def address(octets):
    """TP-DA: digits, type of address, number."""
    digits, kind = octets.one(), octets.one()
    number = semi_octets(octets.take((digits + 1) // 2), digits)
    return ("+" if kind == 0x91 else "") + number


def alphabet_of(dcs):
    """(alphabet, class or None) by TS 23.038 section 4."""
    if dcs & 0xC0 == 0x00:
        return ["gsm7", "8bit", "ucs2", "reserved"][dcs >> 2 & 3], dcs & 3 if dcs & 0x10 else None
    if dcs & 0xF0 == 0xF0:
        return "8bit" if dcs & 4 else "gsm7", dcs & 3
    raise BadPdu(f"data coding scheme {dcs:02x}")


def septets(data, count, fill):
    bits = int.from_bytes(data, "little") >> fill
    return [bits >> 7 * i & 127 for i in range(count)]


def from_gsm7(values):
    text, escaped = "", False
    for value in values:
        if escaped:
            text, escaped = text + EXTENSION.get(value, GSM7[value]), False
        elif value == 0x1B:
            escaped = True
        else:
            text += GSM7[value]
    if escaped:
        raise BadPdu("ends with an escape")
    return text


def concatenation(header):
    """(reference, parts, part) from the information elements 00 and 08, or None."""
    found, at = None, 0
    while at < len(header):
        if at + 2 > len(header) or at + 2 + header[at + 1] > len(header):
            raise BadPdu("a user data header that does not fit itself")
        kind, value = header[at], header[at + 2 : at + 2 + header[at + 1]]
        if kind == 0x00 and len(value) == 3:
            found = (value[0], value[1], value[2])
        if kind == 0x08 and len(value) == 4:
            found = (value[0] << 8 | value[1], value[2], value[3])
        at += 2 + len(value)
    if found and not 1 <= found[2] <= found[1]:
        raise BadPdu(f"part {found[2]} of {found[1]}")
    return found


def user_data(octets, alphabet, with_header):
    """(text, concatenation, units used)"""
    length = octets.one()
    size = (length * 7 + 7) // 8 if alphabet == "gsm7" else length
    if size > 140:
        raise BadPdu(f"{size} octets of user data")
    data = octets.take(size)
    skip = data[0] + 1 if with_header and data else 0
    if skip > size:
        raise BadPdu("a user data header longer than the user data")
    parts = concatenation(data[1:skip]) if with_header else None
    if alphabet == "gsm7":
        start = (skip * 8 + 6) // 7  # in septets: the text begins at the next whole one
        return from_gsm7(septets(data, length, 0)[start:]), parts, length
    if alphabet == "ucs2":
        if (size - skip) % 2:
            raise BadPdu("half a UCS-2 unit")
        # A pair may be cut between two parts only by a sender that does it wrong: then decoding says so.
        try:
            return data[skip:].decode("utf-16-be"), parts, size
        except UnicodeDecodeError as e:
            raise BadPdu("a surrogate without its other half") from e
    return data[skip:].hex(), parts, size


def validity(octets, form):
    """Minutes of a relative period (9.2.3.12.1), None without one, or the octets of another form as hex."""
    if form == 0:
        return None
    if form != 2:
        return octets.take(7).hex()
    value = octets.one()
    if value <= 143:
        return (value + 1) * 5
    if value <= 167:
        return 12 * 60 + (value - 143) * 30
    return (value - 166) * 24 * 60 if value <= 196 else (value - 192) * 7 * 24 * 60


def decode(text, announced):
    """A PDU in hex, as it stands between CMGS and ^Z, and the octets CMGS announced (without the service centre's address)."""
    try:
        octets = Octets(bytes.fromhex(text))
    except ValueError as e:
        raise BadPdu("not hexadecimal") from e
    centre = octets.take(octets.one())
    if len(octets.data) - octets.at != announced:
        raise BadPdu(f"{len(octets.data) - octets.at} octets, {announced} were announced")
    first = octets.one()
    if first & 3 != 1:
        raise BadPdu(f"not an SMS-SUBMIT: {first:02x}")
    octets.one()  # TP-MR: the modem sets it
    number = address(octets)
    octets.one()  # TP-PID
    alphabet, message_class = alphabet_of(octets.one())
    period = validity(octets, first >> 3 & 3)
    content, parts, units = user_data(octets, alphabet, bool(first & 0x40))
    if octets.at != len(octets.data):
        raise BadPdu("more octets than its lengths say")
    return {
        "number": number,
        "text": content,
        "alphabet": alphabet,
        "class": message_class,
        "units": units,
        "validity": period,
        "report": bool(first & 0x20),
        "smsc": ("+" if centre[0] == 0x91 else "") + semi_octets(centre[1:], 2 * len(centre) - 2).rstrip("?") if centre else "",
        "concatenation": parts,
    }
