# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of a PNG of 8 bits a channel, RGB or RGBA, which is what a browser writes."""
import struct
import zlib


def pixels(data):
    """Rows of (red, green, blue)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        content = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", content[:10])
            assert depth == 8 and colour in (2, 6)
        if kind == b"IDAT":
            packed += content
        at += 12 + length
    size = 4 if colour == 6 else 3
    raw, stride, before, rows = zlib.decompress(packed), width * size, bytes(width * size), []
    for y in range(height):
        method, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left, up, corner = line[i - size] if i >= size else 0, before[i], before[i - size] if i >= size else 0
            line[i] = (line[i] + (0, left, up, (left + up) // 2, paeth(left, up, corner))[method]) & 255
        rows.append([tuple(line[i:i + 3]) for i in range(0, stride, size)])
        before = bytes(line)
    return rows


def paeth(left, up, corner):
    """The neighbour that is nearest to left + up - corner."""
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]


def luminance(pixel):
    """Relative luminance, as WCAG defines it."""
    parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in pixel]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(rows):
    """The contrast of the lightest and the darkest pixel."""
    values = [luminance(pixel) for row in rows for pixel in row]
    return (max(values) + 0.05) / (min(values) + 0.05)
