"""Every type of PostgreSQL: its column definition in control records, how its values become JSON, and values that try it.

The rules are typed from the specification of the wire format, the definitions from DMS's type mapping; neither from our code.
docs/types.md shows this table.
"""

import re
from dataclasses import dataclass

from lib import wire

# What must be there before the tables.
PREPARE = """
CREATE TYPE mood AS ENUM ('sad', 'so, so', 'happy "ü"');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS numeric(12,2) CHECK (VALUE > 0);
CREATE DOMAIN words AS text[];
CREATE TYPE floatrange AS RANGE (subtype = float8);
"""


@dataclass(frozen=True)
class Type:
    name: str  # as a column is declared
    definition: dict  # of control records, without "nullable"
    rule: object  # the text COPY prints -> JSON; None: left out
    example: str  # the JSON of the first value, typed by hand
    values: tuple  # SQL expressions; NULL comes by itself
    needs: str = ""  # an extension


def text(value):
    return wire.string(value) if value else None


def trimmed(value):
    return text(value.rstrip(b" "))


def number(value):
    return value


def special_or(rule):
    """NaN and infinities are strings."""
    return lambda value: wire.string(value) if value in (b"NaN", b"Infinity", b"-Infinity") else rule(value)


def common_or(rule):
    """What is outside the years 1 to 9999, or infinite, keeps the database's text."""
    return lambda value: (
        rule(value) if re.match(rb"\d{4}-\d\d-\d\d[^B]*$", value) else wire.string(value)
    )


def money(value):
    return wire.decimal(value.replace(b"$", b"").replace(b",", b""))


def timetz(value):
    clock, zone = re.fullmatch(rb"([\d:.]+)([+-].*)", value).groups()
    return wire.time(clock)[:-1] + zone + b'"'


def scaled(rule, scale):
    return lambda value: rule(value, scale)


def string_of(length):
    return {"type": "STRING", "length": length}


DECIMAL = {"type": "DECIMAL"}
LOB = {"type": "STRING"}
NINES = "repeat('9', 100000)"

FAMILIES = {
    "integers": [
        Type("smallint", {"type": "INT16"}, number, "-32768", ("-32768", "32767", "0")),
        Type("integer", {"type": "INT32"}, number, "2147483647", ("2147483647", "'-2147483648'::int")),
        Type("bigint", {"type": "INT64"}, number, "9223372036854775807", ("9223372036854775807", "'-9223372036854775808'::bigint", "9007199254740993")),
        Type("oid", {"type": "UINT32"}, number, "4294967295", ("4294967295", "0")),
        Type("xid", {"type": "UINT32"}, number, "4294967295", ("'4294967295'",)),
        Type("cid", {"type": "UINT32"}, number, "7", ("'7'",)),
        Type("xid8", {"type": "UINT64"}, number, "18446744073709551615", ("'18446744073709551615'",)),
    ],
    "numbers": [
        Type("real", {"type": "FLOAT"}, special_or(wire.float4), "2.20000005", ("2.2", "'NaN'", "'Infinity'", "'-Infinity'", "3.4028235e38", "1e-45", "'-0'", "16777217")),
        Type("double precision", {"type": "DOUBLE"}, special_or(wire.float8), "0.23", ("0.23", "'NaN'", "'Infinity'", "'-Infinity'", "1.7976931348623157e308", "5e-324", "'-0'", "55.0", "1e15", "0.1::float8 + 0.2::float8")),
        Type("numeric(12,2)", {**DECIMAL, "precision": 12, "scale": 2}, special_or(wire.decimal), "46.57", ("46.57", "1500.00", "-9999999999.99", "'NaN'", "0")),
        Type("numeric(38,10)", {**DECIMAL, "precision": 38, "scale": 10}, special_or(wire.decimal), "1234567890123456789012345678.0123456789", ("1234567890123456789012345678.0123456789", "-0.0000000001")),
        Type("numeric(39,2)", string_of(42), wire.string, '"1234567890123456789012345678901234567.50"', ("1234567890123456789012345678901234567.50", "'NaN'")),
        Type("numeric(3,-2)", {**DECIMAL, "precision": 5}, wire.decimal, "12300", ("12345",)),
        Type("numeric(2,4)", {**DECIMAL, "precision": 4, "scale": 4}, wire.decimal, "0.0099", ("0.0099",)),
        Type("numeric", DECIMAL, special_or(wire.decimal), "3.14159265358979323846", ("3.14159265358979323846", f"{NINES}::numeric", f"('-' || {NINES} || '.' || repeat('1', 16383))::numeric", "1e-400", "'NaN'", "'Infinity'", "'-Infinity'", "100.000")),
        Type("money", {**DECIMAL, "precision": 38, "scale": 4}, money, "1234.5", ("1234.5", "-0.05", "'92233720368547758.07'", "'-92233720368547758.08'")),
        Type("positive", {**DECIMAL, "precision": 12, "scale": 2}, wire.decimal, "0.5", ("0.50",)),
    ],
    "texts": [
        Type("text", LOB, text, r'"tab\t \"quoted\" \\ /"', (r"""E'tab\t "quoted" \\ /'""", "''", "' '", "'grüße 你好 😀'", r"E'\x01\x1f\x7f\u2028'", "repeat('😀', 10000)", "E'line\\r\\nline'")),
        Type("varchar(10)", string_of(10), text, '"ab  "', ("'ab  '", "''", "'😀😀😀😀😀😀😀😀😀😀'")),
        Type("varchar", string_of(8000), text, '"any"', ("'any'", "repeat('x', 9000)")),
        Type("char(5)", string_of(5), trimmed, '"ab"', ("'ab'", "''", "' a'", "'ü    '")),
        Type('"char"', string_of(1), text, '"x"', ("'x'",)),
        Type("name", string_of(63), text, '"public"', ("'public'",)),
        Type("uuid", string_of(36), text, '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",)),
        Type("xml", LOB, text, '"<a b=\\"c\\">ü</a>"', ("""'<a b="c">ü</a>'""",)),
        Type("json", LOB, text, r'"{\"b\": 1,  \"a\":[null]}"', ("""'{"b": 1,  "a":[null]}'""", "'null'", r"""'"\u00fc"'""")),
        Type("jsonb", LOB, text, r'"{\"a\": [null], \"b\": 1}"', ("""'{"b": 1,  "a":[null]}'""", "'1e5'")),
        Type("jsonpath", LOB, text, r'"$.\"a\"[*]"', ("'$.a[*]'",)),
        Type("tsvector", LOB, text, "\"'cat':3 'fat':2A\"", ("'fat:2A cat:3'",)),
        Type("tsquery", LOB, text, "\"'fat' & 'rat'\"", ("'fat & rat'",)),
        Type("mood", string_of(64), text, '"so, so"', ("'so, so'", "'happy \"ü\"'")),
    ],
    "bytes": [
        Type("bytea", {"type": "BINARY"}, wire.hex_bytes, '"0xDEADBEEF"', (r"'\xdeadbeef'", "''", r"'\x00ff'", "decode(repeat('ab', 70000), 'hex')")),
        Type("bit(8)", string_of(8), text, '"10100101"', ("B'10100101'",)),
        Type("bit varying(70)", string_of(70), text, '"101"', ("B'101'", "repeat('1', 70)::varbit", "B''")),
        Type("boolean", string_of(5), wire.boolean, '"true"', ("true", "false")),
    ],
    "times": [
        Type("date", {"type": "DATE32"}, common_or(wire.string), '"2018-01-02"', ("'2018-01-02'", "'0001-01-01'", "'9999-12-31'", "'10000-01-01'", "'4713-01-01 BC'", "'5874897-12-31'", "'infinity'", "'-infinity'")),
        Type("timestamp", {"type": "TIMESTAMP", "scale": 6}, common_or(wire.timestamp), '"2010-11-01T00:02:00.100000Z"', ("'2010-11-01 00:02:00.1'", "'2021-01-08 09:00:00'", "'0001-01-01'", "'9999-12-31 23:59:59.999999'", "'10000-01-01'", "'0044-03-15 BC'", "'294276-12-31 23:59:59.999999'", "'infinity'", "'-infinity'")),
        Type("timestamp(3)", {"type": "TIMESTAMP", "scale": 3}, common_or(scaled(wire.timestamp, 3)), '"2021-01-08T09:00:00.250Z"', ("'2021-01-08 09:00:00.25'", "'2021-01-08 09:00:00.0004'")),
        Type("timestamptz", {"type": "TIMESTAMP", "scale": 6}, common_or(wire.timestamp), '"2021-01-08T07:00:00Z"', ("'2021-01-08 09:00:00+02'", "'2021-07-08 09:00:00.000001 Europe/Berlin'", "'10000-01-01 00:00:00+00'", "'0044-03-15 00:00:00+00 BC'", "'infinity'")),
        Type("time", {"type": "TIME32", "scale": 6}, wire.time, '"04:05:06.700000"', ("'04:05:06.7'", "'00:00:00'", "'24:00:00'", "'23:59:60'")),
        Type("time(0)", {"type": "TIME32"}, scaled(wire.time, 0), '"04:05:07"', ("'04:05:06.7'",)),
        Type("timetz", {"type": "TIME32", "scale": 6}, timetz, '"04:05:06+02"', ("'04:05:06+02'", "'04:05:06.5-03:30'", "'24:00:00+15:59:59'")),
        Type("interval", string_of(128), text, '"1 day 04:00:00"', ("'1 day 4 hours'", "'-1 year -2 mons +3 days -04:05:06.789'", "'178000000 years'", "'0'")),
    ],
    "networks": [
        Type("inet", string_of(50), text, '"192.168.0.1/24"', ("'192.168.0.1/24'", "'2001:db8::1'", "'::ffff:1.2.3.4/128'")),
        Type("cidr", string_of(50), text, '"10.0.0.0/8"', ("'10/8'", "'2001:db8::/32'")),
        Type("macaddr", string_of(18), text, '"08:00:2b:01:02:03"', ("'08-00-2B-01-02-03'",)),
        Type("macaddr8", string_of(24), text, '"08:00:2b:ff:fe:01:02:03"', ("'08:00:2b:01:02:03'",)),
        Type("pg_lsn", string_of(18), text, '"16/B374D848"', ("'16/B374D848'",)),
        Type("tid", string_of(18), text, '"(4294967294,65535)"', ("'(4294967294,65535)'",)),
    ],
    "geometry": [
        Type("point", string_of(255), text, '"(1.5,-2)"', ("'(1.5,-2)'", "'(NaN,Infinity)'")),
        Type("line", string_of(255), text, '"{1,-1,0}"', ("'{1,-1,0}'",)),
        Type("lseg", string_of(255), text, '"[(0,0),(1,1)]"', ("'[(0,0),(1,1)]'",)),
        Type("box", string_of(255), text, '"(1,1),(0,0)"', ("'(0,0),(1,1)'",)),
        Type("path", LOB, text, '"[(0,0),(1,1),(2,0)]"', ("'[(0,0),(1,1),(2,0)]'", "'((0,0),(1,1))'")),
        Type("polygon", LOB, text, '"((0,0),(1,1),(2,0))"', ("'((0,0),(1,1),(2,0))'",)),
        Type("circle", string_of(255), text, '"<(0,0),1e+300>"', ("'<(0,0),1e300>'",)),
    ],
    "composed": [
        Type("integer[]", LOB, text, '"{1,NULL,3}"', ("'{1,NULL,3}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1]={5,6}'")),
        Type("text[]", LOB, text, r'"{\"a,b\",\"\",\"NULL\",\"q\\\"\\\\\"}"', (r"""ARRAY['a,b', '', 'NULL', 'q"\']""", "'{}'", "ARRAY['😀', E'\\n']")),
        Type("bytea[]", LOB, text, r'"{\"\\\\x00ff\"}"', (r"""ARRAY['\x00ff'::bytea]""",)),
        Type("timestamptz[]", LOB, text, r'"{\"2021-01-08 07:00:00+00\",infinity}"', ("ARRAY['2021-01-08 09:00:00+02', 'infinity']::timestamptz[]",)),
        Type("words", LOB, text, '"{a,b}"', ("'{a,b}'",)),
        Type("pair", LOB, text, r'"(1,\"x, \"\"y\"\"\")"', ("""ROW(1, 'x, "y"')""", "'(,)'")),
        Type("pair[]", LOB, text, r'"{\"(1,a)\"}"', ("ARRAY[ROW(1, 'a')::pair]",)),
        Type("int4range", string_of(255), text, '"[1,5)"', ("'[1,4]'", "'empty'", "'(,)'")),
        Type("numrange", string_of(255), text, '"(1.5,2.25]"', ("'(1.5,2.25]'",)),
        Type("tstzrange", string_of(255), text, r'"[\"2021-01-08 07:00:00+00\",infinity)"', ("'[2021-01-08 09:00:00+02,infinity)'",)),
        Type("tsrange", string_of(255), text, r'"[\"2021-01-08 09:00:00\",infinity]"', ("'[2021-01-08 09:00,infinity]'", "'[0044-03-15 BC,10000-01-01)'")),
        Type("daterange", string_of(255), text, '"[2021-01-08,2021-01-10)"', ("'[2021-01-08,2021-01-09]'", "'(,)'")),
        Type("int8range", string_of(255), text, '"[1,9223372036854775807)"', ("'[1,9223372036854775806]'",)),
        Type("floatrange", string_of(255), text, '"[0.1,Infinity)"', ("'[0.1,Infinity)'",)),
        Type("int4multirange", LOB, text, '"{[1,3),[7,9)}"', ("'{[1,2],[7,8]}'", "'{}'")),
        Type("int8multirange", LOB, text, '"{[1,3)}"', ("'{[1,2]}'",)),
        Type("nummultirange", LOB, text, '"{[1.5,2.5),[3,4]}"', ("'{[1.5,2.5),[3,4]}'",)),
        Type("datemultirange", LOB, text, '"{[2021-01-08,2021-01-09)}"', ("'{[2021-01-08,2021-01-08]}'",)),
        Type("tsmultirange", LOB, text, r'"{[\"2021-01-08 09:00:00\",infinity)}"', ("'{[2021-01-08 09:00,infinity)}'",)),
        Type("tstzmultirange", LOB, text, r'"{[\"2021-01-08 07:00:00+00\",)}"', ("'{[2021-01-08 09:00+02,)}'",)),
        Type("numeric[]", LOB, text, '"{1.50,NaN,-Infinity}"', ("'{1.50,NaN,-Infinity}'", "ARRAY[" + NINES + "::numeric]", "'{{{1}},{{2}}}'")),
        Type("date[]", LOB, text, r'"{10000-01-01,\"0044-03-15 BC\"}"', ("ARRAY['10000-01-01', '0044-03-15 BC']::date[]",)),
        Type("jsonb[]", LOB, text, r'"{\"{\\\"a\\\": [1]}\"}"', ("""ARRAY['{"a":[1]}']::jsonb[]""",)),
        Type("oidvector", LOB, text, '"1 2"', ("'1 2'",)),
        Type("int2vector", LOB, text, '"1 -2"', ("'1 -2'", "''")),
        Type("regproc", LOB, text, '"now"', ("'now'", "'-'")),
        Type("regprocedure", LOB, text, '"abs(integer)"', ("'abs(int)'",)),
        Type("regoper", LOB, text, '"||/"', ("'||/'",)),
        Type("regoperator", LOB, text, '"+(integer,integer)"', ("'+(int,int)'",)),
        Type("regtype", LOB, text, '"double precision"', ("'float8'",)),
        Type("regconfig", LOB, text, '"simple"', ("'simple'",)),
        Type("regdictionary", LOB, text, '"simple"', ("'simple'",)),
        Type("regnamespace", LOB, text, '"pg_catalog"', ("'pg_catalog'",)),
        Type("regrole", LOB, text, '"pg_monitor"', ("'pg_monitor'",)),
        Type("regcollation", LOB, text, r'"\"C\""', ("""'"C"'""",)),
        Type("aclitem", LOB, text, '"pg_monitor=r/pg_monitor"', ("makeaclitem('pg_monitor'::regrole, 'pg_monitor'::regrole, 'SELECT', false)",)),
        Type("refcursor", LOB, text, '"c"', ("'c'",)),
        Type("txid_snapshot", LOB, text, '"10:20:10,14"', ("'10:20:10,14'",)),
        Type("regclass", LOB, text, '"pg_class"', ("'pg_class'",)),
        Type("pg_snapshot", LOB, text, '"10:20:10,14"', ("'10:20:10,14'",)),
        Type("hstore", LOB, text, r'"\"a\"=>\"1\", \"b\"=>NULL"', ("'a=>1, b=>NULL'", "''"), "hstore"),
    ],
}

# Types whose input function refuses every value: a column of theirs holds NULL alone.
INTERNAL = {
    "gtsvector",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_ndistinct",
    "pg_node_tree",
}
