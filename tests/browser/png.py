# SPDX-License-Identifier: Apache-2.0
"""The colours of a PNG file with 8 bits for red, green, blue (and alpha), not interlaced."""
import collections
import struct
import zlib


def count_colours(data):
    """How many pixels there are of each (red, green, blue)."""
    width, pixel_bytes, packed = 0, 0, b""
    at = 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        at += 12 + size
        if kind == b"IHDR":
            width, _, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            if depth != 8 or colour not in (2, 6) or interlaced:
                raise ValueError(f"a PNG of depth {depth}, colour type {colour}, interlaced {interlaced}")
            pixel_bytes = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            packed += body
    rows = zlib.decompress(packed)
    row_bytes = width * pixel_bytes
    counts = collections.Counter()
    before = bytearray(row_bytes)
    for start in range(0, len(rows), row_bytes + 1):
        row = unfiltered(rows[start], bytearray(rows[start + 1:start + 1 + row_bytes]), before, pixel_bytes)
        counts.update(zip(row[0::pixel_bytes], row[1::pixel_bytes], row[2::pixel_bytes]))
        before = row
    return counts


def unfiltered(kind, row, before, pixel_bytes):
    if kind == 2:
        return bytearray((a + b) & 255 for a, b in zip(row, before))
    if kind == 0:
        return row
    for i, value in enumerate(row):
        left = row[i - pixel_bytes] if i >= pixel_bytes else 0
        up = before[i]
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + up) // 2
        else:
            corner = before[i - pixel_bytes] if i >= pixel_bytes else 0
            estimate = left + up - corner
            guess = min((left, up, corner), key=lambda each: abs(estimate - each))  # the first one, if equal
        row[i] = (value + guess) & 255
    return row
