"""The JSON a value must become, typed from the specification of the wire format (values, strings, keys), not from our encoder.

All take and give bytes: the text a database's own client prints, and the JSON text.
"""

import json
import re
import struct
from json.encoder import encode_basestring

_COPY = {b"0": b"\0", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\"}
_COPY_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)

TIMESTAMP = re.compile(rb'"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"')


def copy_text(field):
    """The value behind a field of COPY's text form, or of what MySQL's client prints."""
    return _COPY_ESCAPE.sub(lambda m: _COPY[m.group(1)], field) if b"\\" in field else field


def string(text):
    """'"', '\\' and U+0000–U+001F escaped, '/' and non-ASCII raw."""
    written = encode_basestring(text.decode("utf-8", "surrogateescape"))  # which does the same
    return written.encode("utf-8", "surrogateescape")


def float8(text):
    """%1.15g; if it does not read back equal %1.17g. NaN and infinities are strings."""
    return double(float(text))


def double(value):
    if value != value:
        return b'"NaN"'
    if value in (float("inf"), float("-inf")):
        return b'"Infinity"' if value > 0 else b'"-Infinity"'
    short = b"%.15g" % value
    return short if float(short) == value else b"%.17g" % value


def float4(text):
    """%.9g of the float."""
    return b"%.9g" % struct.unpack("f", struct.pack("f", float(text)))[0]


def decimal(text):
    """Exact, trailing zeros after the point removed, no exponent."""
    return text.rstrip(b"0").rstrip(b".") if b"." in text else text


def boolean(text):
    return {b"t": b'"true"', b"f": b'"false"'}[text]


def timestamp(text, scale=6):
    """Of "2021-01-08 09:00:00[.f…]": a fraction that is not zero with all digits of the column's scale; always a Z."""
    if text.endswith(b"+00"):
        text = text[:-3]
    whole, _, fraction = text.partition(b".")
    fraction = b"." + fraction.ljust(scale, b"0") if fraction.strip(b"0") else b""
    return b'"' + whole.replace(b" ", b"T") + fraction + b'Z"'


def time(text, scale=6):
    whole, _, fraction = text.partition(b".")
    return b'"' + whole + (b"." + fraction.ljust(scale, b"0") if fraction.strip(b"0") else b"") + b'"'


def hex_bytes(text):
    r"""PostgreSQL's \x…, unescaped, or bare digits."""
    return b'"0x' + text.removeprefix(b"\\x").upper() + b'"'


def metadata(schema, table, key_type):
    """The metadata of a load record, with its time replaced as without_time() does."""
    return (
        b'"metadata":{"timestamp":"*","record-type":"data","operation":"load","partition-key-type":"%s",'
        b'"schema-name":%s,"table-name":%s}}'
        % (key_type.encode(), string(schema.encode()), string(table.encode()))
    )


def without_time(value):
    """The message with the time of its building replaced; everything else of it stays as it was sent."""
    head, mark, tail = value.rpartition(b'"metadata":{')
    return head + mark + TIMESTAMP.sub(b'"timestamp":"*"', tail, count=1)


def parsed(message):
    return json.loads(message.value)


def is_control(message):
    return parsed(message)["metadata"]["record-type"] == "control"


def data_records(messages):
    """The data records of some messages, parsed."""
    return [m for m in map(parsed, messages) if m["metadata"]["record-type"] == "data"]


def control_records(messages):
    """(operation, "schema.table") of each control record, in order."""
    records = [m["metadata"] for m in map(parsed, messages) if m["metadata"]["record-type"] == "control"]
    return [(m["operation"], f"{m['schema-name']}.{m['table-name']}") for m in records]
