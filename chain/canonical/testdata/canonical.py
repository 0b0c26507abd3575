"""CPython's side of the differential test: what json reads and prints, one batch after another.

A batch is its kind and its length (two little-endian uint32) and the payload. Kind 0 holds documents, each behind its
length; the answer is a length and, for every document, its length and the canonical form, or 0xffffffff where it is
refused. Kind 1 holds float64 bit patterns; the answer is a length and their repr, one on a line.
"""

import json
import struct
import sys

REFUSED = struct.pack("<I", 0xFFFFFFFF)


def integer(text):
    value = int(text)
    if len(text) > 64 or abs(value) > 2**63 - 1:
        raise ValueError("integer out of range")
    return value


def floating(text):
    value = float(text)
    if len(text) > 64 or value in (float("inf"), float("-inf")):
        raise ValueError("float out of range")
    return value


def constant(text):
    raise ValueError(text)


def members(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def depth(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def canonical(document):
    value = json.loads(
        document.decode("utf-8"),
        object_pairs_hook=members,
        parse_int=integer,
        parse_float=floating,
        parse_constant=constant,
    )
    if depth(value) > 8:
        raise ValueError("too deep")
    json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on a lone surrogate
    return json.dumps(value, sort_keys=True).encode("ascii")


def documents(payload):
    at = 0
    while at < len(payload):
        (length,) = struct.unpack_from("<I", payload, at)
        at += 4
        try:
            answer = canonical(payload[at : at + length])
            yield struct.pack("<I", len(answer)) + answer
        except ValueError:
            yield REFUSED
        at += length


def floats(payload):
    for (value,) in struct.iter_unpack("<d", payload):
        yield b"%a\n" % value


def main():
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while header := source.read(8):
        kind, length = struct.unpack("<II", header)
        answer = b"".join((documents, floats)[kind](source.read(length)))
        sink.write(struct.pack("<I", len(answer)) + answer)
        sink.flush()


main()
