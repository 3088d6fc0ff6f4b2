"""Every type of MySQL and MariaDB: its column definition in control records, how its values become JSON, and values that try it.

The rules are typed from the specification of the wire format, the definitions from DMS's type mapping; neither from our code.
docs/types.md shows this table.
"""

from dataclasses import dataclass

from lib import wire

MYSQL = ("mysql", "mysql57")
MARIADB = ("mariadb",)
ALL = MYSQL + MARIADB


@dataclass(frozen=True)
class Type:
    name: str  # as a column is declared
    definition: dict  # of control records, without "nullable"
    rule: object  # what the server's client prints, in bytes -> JSON; None: left out
    example: str  # the JSON of the first value, typed by hand; "" when it is left out
    values: tuple  # SQL expressions; NULL comes by itself
    on: tuple = ALL  # the servers that have it
    printed: str = "{}"  # the expression whose text is the value's; {} is the column
    title: str = ""  # in docs/types.md; "": the name


def text(value):
    return wire.string(value) if value else None


def number(value):
    return value.lstrip(b"0") or b"0"


def decimal(value):
    """Without the zeros of ZEROFILL; those behind the point go, too."""
    sign, digits = (b"-", value[1:]) if value.startswith(b"-") else (b"", value)
    whole, point, fraction = digits.partition(b".")
    return sign + wire.decimal((whole.lstrip(b"0") or b"0") + point + fraction)


def bit(value):
    return b"true" if value.endswith(b"\x01") else b"false"


def hex_bytes(value):
    return b'"0x' + value.hex().upper().encode() + b'"'


def date(value):
    return None if value == b"0000-00-00" else wire.string(value)


def timestamp(scale):
    return lambda value: None if value.startswith(b"0000-00-00 ") else wire.timestamp(value, scale)


def string_of(length, collation=None):
    return {"type": "STRING", "length": length, **({"collation-name": collation} if collation else {})}


def bytes_of(length):
    return {"type": "BINARY", "length": length}


def texts(name, definition, values, example, collation="utf8mb4_bin", **more):
    """A type of characters, declared with its collation."""
    charset = collation.split("_")[0]
    return Type(f"{name} CHARACTER SET {charset} COLLATE {collation}", {**definition, "collation-name": collation}, text, example, values,
                title=f"{name}" if collation == "utf8mb4_bin" else f"{name} CHARACTER SET {charset}", **more)  # fmt: skip


LOB = {"type": "STRING"}
BINARY_LOB = {"type": "BINARY"}
DECIMAL = {"type": "DECIMAL"}
EXACT = "{} * 1E0"  # the exact value of a FLOAT, of which the client shows six digits

# Quotes, controls, what JSON escapes, several scripts, and what needs four bytes.
TRICKY = (
    r"""'tab\t "quoted" \\ /'""",
    "''",
    "' '",
    "'grüße 你好 😀'",

    "CONVERT(X'00011F7FE280A8' USING utf8mb4)",
    "'line\\r\\nline'",
)
SIXTY_FOUR = ",".join(f"'m{n:02d}'" for n in range(64))
JSON_SHAPES = ("""'{"b": 1,  "a":[null]}'""", "'null'", "'true'", "'false'", "'0'", "'-1'", "'32768'", "'-2147483649'", "'18446744073709551615'",
              "'-9223372036854775808'", "'1.5'", "'1e100'", "'123456789012345678901234567890'", "'1e-7'", "'\"\"'", r"""'"q\\"\\\\\\u00fc\\n😀\\u0001"'""", "'[]'", "'{}'",
              "'[1, [2, [3, [{\"deep\": {\"er\": []}}]]], \"\"]'", "CAST(CAST('12345678901234567890.0123456789' AS DECIMAL(40,10)) AS JSON)",
              "CAST(CAST('2024-02-29 01:02:03.000004' AS DATETIME(6)) AS JSON)", "CAST(CAST('2024-02-29' AS DATE) AS JSON)",
              "CAST(CAST('-838:59:59' AS TIME) AS JSON)", "JSON_ARRAY(X'00FF', b'101')", "JSON_OBJECT('long', REPEAT('x', 70000), 'k', 300, 'list', JSON_ARRAY(1, 70000, REPEAT('y', 300)))",
              "JSON_OBJECT('', 1, 'ü', 2, 'aa', 3, 'b', 4)")
SHAPES = (
    ("GEOMETRY", "POINT(1 -2.5)"),
    ("POINT", "POINT(1e300 -0)"),
    ("LINESTRING", "LINESTRING(0 0, 1 1, 2 0)"),
    ("POLYGON", "POLYGON((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1))"),
    ("MULTIPOINT", "MULTIPOINT(0 0, 1 1)"),
    ("MULTILINESTRING", "MULTILINESTRING((0 0, 1 1), (2 2, 3 3))"),
    ("MULTIPOLYGON", "MULTIPOLYGON(((0 0, 4 0, 4 4, 0 0)))"),
    ("GEOMETRYCOLLECTION", "GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1))"),
)
POINT_1 = '"0x000000000101000000000000000000F03F00000000000004C0"'


def shape(name, words):
    values = (f"ST_GeomFromText('{words}')", f"ST_GeomFromText('{words}', 3857)")
    first = POINT_1 if name == "GEOMETRY" else None
    return Type(name, BINARY_LOB, hex_bytes, first, values)


FAMILIES = {
    "integers": [
        Type("tinyint", {"type": "INT8"}, wire.decimal, "-128", ("-128", "127", "0")),
        Type("tinyint unsigned", {"type": "UINT8"}, wire.decimal, "255", ("255", "0")),
        Type("boolean", {"type": "INT8"}, wire.decimal, "1", ("true", "false", "-128")),
        Type("smallint", {"type": "INT16"}, wire.decimal, "-32768", ("-32768", "32767")),
        Type("smallint unsigned", {"type": "UINT16"}, wire.decimal, "65535", ("65535", "0")),
        Type("mediumint", {"type": "INT32"}, wire.decimal, "-8388608", ("-8388608", "8388607", "-1")),
        Type("mediumint unsigned", {"type": "UINT32"}, wire.decimal, "16777215", ("16777215", "0")),
        Type("int", {"type": "INT32"}, wire.decimal, "-2147483648", ("-2147483648", "2147483647")),
        Type("int unsigned", {"type": "UINT32"}, wire.decimal, "4294967295", ("4294967295", "0")),
        Type("int(10) unsigned zerofill", {"type": "UINT32"}, number, "42", ("42", "0", "4294967295")),
        Type("bigint", {"type": "INT64"}, wire.decimal, "-9223372036854775808", ("-9223372036854775808", "9223372036854775807", "9007199254740993")),
        Type("bigint unsigned", {"type": "UINT64"}, wire.decimal, "18446744073709551615", ("18446744073709551615", "0", "9223372036854775808")),
        Type("year", {"type": "INT16"}, number, "1999", ("1999", "1901", "2155", "'0000'", "'0'")),
    ],
    "numbers": [
        Type("float", {"type": "FLOAT"}, wire.float4, "2.20000005", ("2.2", "-3.402823466e38", "1.17549435e-38", "1e-45", "-0e0", "16777217", "0.1", "1234567.8", "1e20"), printed=EXACT),
        Type("float unsigned", {"type": "FLOAT"}, wire.float4, "3.40282347e+38", ("3.402823466e38", "0"), printed=EXACT),
        Type("float(7,3)", {"type": "FLOAT"}, wire.float4, "1234.56799", ("1234.5678", "-9999.999"), printed=EXACT),
        Type("double", {"type": "DOUBLE"}, wire.float8, "0.23", ("0.23", "1.7976931348623157e308", "-2.2250738585072014e-308", "5e-324", "-0e0", "55e0", "1e15", "1e16", "1e-16", "0.1e0 + 0.2e0", "123456789012345680e0")),
        Type("double(10,3)", {"type": "DOUBLE"}, wire.float8, "1234567.891", ("1234567.891", "-0.0005"), printed=EXACT),
        Type("decimal", {**DECIMAL, "precision": 10}, decimal, "9999999999", ("9999999999", "-1", "0")),
        Type("decimal(12,2)", {**DECIMAL, "precision": 12, "scale": 2}, decimal, "46.57", ("46.57", "1500.00", "-9999999999.99", "-0.50", "0", "0.10")),
        Type("decimal(5,5)", {**DECIMAL, "precision": 5, "scale": 5}, decimal, "-0.99999", ("-0.99999", "0.00001", "0")),
        Type("decimal(12,2) unsigned zerofill", {**DECIMAL, "precision": 12, "scale": 2}, decimal, "1.5", ("1.5", "0", "9999999999.99")),
        Type("decimal(38,10)", {**DECIMAL, "precision": 38, "scale": 10}, decimal, "1234567890123456789012345678.0123456789", ("1234567890123456789012345678.0123456789", "-0.0000000001")),
        Type("decimal(38,30)", {**DECIMAL, "precision": 38, "scale": 30}, decimal, "-12345678.000000000000000000000000000001", ("-12345678.000000000000000000000000000001", "99999999.999999999999999999999999999999")),
        Type("decimal(39,2)", string_of(42), wire.string, '"1234567890123456789012345678901234567.50"', ("1234567890123456789012345678901234567.50", "0")),
        Type("decimal(65,0)", string_of(68), wire.string, f'"-{"9" * 65}"', ("-" + "9" * 65, "9" * 65)),
        Type("decimal(65,30)", string_of(68), wire.string, f'"-{"9" * 35}.{"9" * 30}"', (f"-{'9' * 35}.{'9' * 30}", "0." + "0" * 29 + "1", "-1")),
    ],
    "bits": [
        Type("bit(1)", {"type": "BOOL"}, bit, "true", ("b'1'", "b'0'")),
        Type("bit(2)", bytes_of(1), hex_bytes, '"0x02"', ("b'10'", "b'0'")),
        Type("bit(8)", bytes_of(1), hex_bytes, '"0xA5"', ("b'10100101'", "b'0'", "b'11111111'")),
        Type("bit(9)", bytes_of(2), hex_bytes, '"0x01FF"', ("b'111111111'", "1")),
        Type("bit(63)", bytes_of(8), hex_bytes, '"0x7FFFFFFFFFFFFFFF"', ("0x7FFFFFFFFFFFFFFF", "0")),
        Type("bit(64)", bytes_of(8), hex_bytes, '"0xFFFFFFFFFFFFFFFF"', ("0xFFFFFFFFFFFFFFFF", "0", "0x8000000000000000")),
    ],
    "times": [
        Type("date", {"type": "DATE32"}, date, '"2018-01-02"', ("'2018-01-02'", "'1000-01-01'", "'9999-12-31'", "'0000-00-00'", "'2024-00-00'", "'2024-02-29'", "'0001-01-01'")),
        Type("datetime", {"type": "TIMESTAMP"}, timestamp(0), '"2021-01-08T09:00:00Z"', ("'2021-01-08 09:00:00'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'0000-00-00 00:00:00'", "'2024-02-29 23:59:59.4'")),
        Type("datetime(3)", {"type": "TIMESTAMP", "scale": 3}, timestamp(3), '"2021-01-08T09:00:00.250Z"', ("'2021-01-08 09:00:00.25'", "'2021-01-08 09:00:00'", "'0000-00-00 00:00:00'")),
        Type("datetime(6)", {"type": "TIMESTAMP", "scale": 6}, timestamp(6), '"2010-11-01T00:02:00.100000Z"', ("'2010-11-01 00:02:00.1'", "'9999-12-31 23:59:59.999999'", "'1000-01-01 00:00:00.000001'", "'2024-01-01'")),
        Type("timestamp NULL", {"type": "TIMESTAMP"}, timestamp(0), '"2021-01-08T09:00:00Z"', ("'2021-01-08 09:00:00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'0000-00-00 00:00:00'"), title="timestamp"),
        Type("timestamp(1) NULL", {"type": "TIMESTAMP", "scale": 1}, timestamp(1), '"2021-01-08T09:00:00.5Z"', ("'2021-01-08 09:00:00.5'", "'2021-01-08 09:00:00.04'"), title="timestamp(1)"),
        Type("timestamp(6) NULL", {"type": "TIMESTAMP", "scale": 6}, timestamp(6), '"2038-01-19T03:14:07.999999Z"', ("'2038-01-19 03:14:07.999999'", "'1970-01-01 00:00:01.000000'"), title="timestamp(6)"),
        Type("time", string_of(10), wire.string, '"-838:59:59"', ("'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'", "'12:34:56'")),
        Type("time(3)", string_of(14), wire.string, '"04:05:06.700"', ("'04:05:06.7'", "'-100:00:00.001'", "'00:00:00'")),
        Type("time(6)", string_of(17), wire.string, '"-838:59:59.000000"', ("'-838:59:59'", "'-837:59:59.999999'", "'-00:00:00.000001'", "'00:00:00.5'"), on=MYSQL),
        # MariaDB alone stores the fraction of the last second.
        Type("time(6)", string_of(17), wire.string, '"-838:59:59.999999"', ("'-838:59:59.999999'", "'838:59:59.999999'", "'-00:00:00.000001'", "'00:00:00.5'"), on=MARIADB),
    ],
    "texts": [
        texts("char(5)", string_of(5), ("'ab   '", "''", "' a'", "'ü'", "'😀😀😀😀😀'"), '"ab"'),
        texts("varchar(30)", string_of(30), TRICKY, r'"tab\t \"quoted\" \\ /"'),
        texts("varchar(20)", string_of(20), ("'grüße'", "''", "'ÿ€'"), '"grüße"', "latin1_swedish_ci"),
        texts("varchar(20)", string_of(20), ("'你好'", "'grüße'"), '"你好"', "utf8mb3_bin", on=("mariadb", "mysql")),
        texts("varchar(20)", string_of(20), ("'你好'", "'grüße'"), '"你好"', "utf8_bin", on=("mysql57",)),
        texts("varchar(20)", string_of(20), ("'Ж'", "'привет'"), '"Ж"', "cp1251_general_ci"),
        texts("varchar(20)", string_of(20), ("'日本'",), '"日本"', "sjis_japanese_ci"),
        texts("varchar(20)", string_of(20), ("'日本'",), '"日本"', "ucs2_general_ci"),
        texts("varchar(20)", string_of(20), ("'😀 日本'", "'a'"), '"😀 日本"', "utf16_bin"),
        texts("varchar(20)", string_of(20), ("'😀'", "'a'"), '"😀"', "utf32_bin"),
        texts("varchar(20)", string_of(20), ("'ascii'",), '"ascii"', "ascii_general_ci"),
        texts("tinytext", string_of(255), ("'short'", "repeat('😀', 63)", "''"), '"short"'),
        texts("text", string_of(65535), ("'grüße'", "repeat('x', 65535)"), '"grüße"'),
        texts("mediumtext", LOB, ("'medium'", "repeat('ü', 40000)"), '"medium"'),
        texts("longtext", LOB, ("'long \"😀\"'", "repeat('0123456789', 10000)", "''"), r'"long \"😀\""'),
        texts("enum('a','so, so','ü''\"')", string_of(6), ("'so, so'", "'ü''\"'", "'a'", "'not one of them'", "0"), '"so, so"'),
        texts(f"set({SIXTY_FOUR})", string_of(64 * 3 + 63), ("'m63,m00,m07'", "''", "18446744073709551615", "'m31'"), '"m00,m07,m63"'),
        texts("varchar(30) COMPRESSED", string_of(30), TRICKY, r'"tab\t \"quoted\" \\ /"', on=MARIADB),
        texts("text COMPRESSED", string_of(65535), ("repeat('x', 5000)", "'short'", "''"), f'"{"x" * 5000}"', on=MARIADB),
    ],
    "bytes": [
        Type("binary(4)", bytes_of(4), hex_bytes, '"0xDEADBEEF"', ("X'DEADBEEF'", "''", "X'00'", "X'2020'")),
        Type("varbinary(10)", bytes_of(10), hex_bytes, '"0x00FF20"', ("X'00FF20'", "''", "'text'")),
        Type("tinyblob", bytes_of(255), hex_bytes, '"0xAB00"', ("X'AB00'", "repeat(X'FF', 255)", "''")),
        Type("blob", bytes_of(65535), hex_bytes, '"0x5C0A09"', (r"X'5C0A09'", "repeat(X'00', 65535)")),
        Type("mediumblob", BINARY_LOB, hex_bytes, '"0x01"', ("X'01'", "repeat(X'AB', 70000)", "''")),
        Type("longblob", BINARY_LOB, hex_bytes, '"0x02"', ("X'02'", "repeat(X'1A', 100000)")),
        Type("char(3) CHARACTER SET binary", bytes_of(3), hex_bytes, '"0x610000"', ("'a'",)),
        Type("varbinary(10) COMPRESSED", bytes_of(10), hex_bytes, '"0x00FF20"', ("X'00FF20'", "''"), on=MARIADB),
    ],
    "json": [
        Type("json", LOB, text, r'"{\"a\": [null], \"b\": 1}"', (*JSON_SHAPES, "'-0.0'", "'100.0'"), on=("mysql",), title="json (MySQL)"),
        # Its text of a double without a fraction is another one by load than by the log.
        Type("json", LOB, text, r'"{\"a\": [null], \"b\": 1}"', JSON_SHAPES, on=("mysql57",)),
        Type("json", {**LOB, "collation-name": "utf8mb4_bin"}, text, r'"{\"b\": 1,  \"a\":[null]}"',
             ("""'{"b": 1,  "a":[null]}'""", "'null'", "'1e100'", r"""'"\\u00fc 😀"'""", "'[]'", "CONCAT('\"', REPEAT('x', 70000), '\"')"), on=MARIADB),
    ],
    "geometry": [shape(name, words) for name, words in SHAPES],
    "mariadb": [
        Type("uuid", string_of(36), text, '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'6ccd780c-baba-1026-9564-5b8c656024db'"), on=MARIADB),
        Type("inet6", string_of(39), text, '"2001:db8::ff00:42:8329"', ("'2001:0db8:0000:0000:0000:ff00:0042:8329'", "'::'", "'::ffff:192.0.2.128'", "'::192.0.2.1'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'", "'1:0:0:2::'"), on=MARIADB),
        Type("inet4", string_of(15), text, '"192.0.2.1"', ("'192.0.2.1'", "'0.0.0.0'", "'255.255.255.255'"), on=MARIADB),
    ],
}


def family(name, kind):
    """The types of a family that a server has."""
    return [type for type in FAMILIES[name] if kind in type.on]
