"""The rules that hold for every message, each with messages on both sides of it."""

import copy
import json
import re

STAMP = "2026-11-22T14:00:00.200000Z"  # the record's Kafka timestamp, whole milliseconds
# The record keys of the plain messages; all others are about BTC.
KEYS = {
    "positions.v1": "A-1", "margin-requirement.v1": "A-1", "liquidation-alert.v1": "A-1",
    "exposure.v1": "BTC|3", "control.v1": "BTC|override",
}
MISSING = object()


def text(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def altered(base, *changes):
    """A copy with fields changed: (path, value), where the path is like "expiries.0.svi.rho"."""
    result = copy.deepcopy(base)
    for path, value in changes:
        *steps, last = [int(s) if s.isdigit() else s for s in path.split(".")]
        place = result
        for step in steps:
            place = place[step]
        if value is MISSING:
            del place[last]
        else:
            place[last] = value
    return result


def fields(value, prefix=""):
    """Every field's path, those of objects in objects and in arrays included."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield path
        if isinstance(inner, (dict, list)):
            yield from fields(inner, path + ".")


def spoken(value):
    """A value as part of a file name."""
    kind = {str: "text", list: "array", dict: "object"}.get(type(value), "")
    words = re.sub(r"(?<!\w)-(?=\d)", "minus ", json.dumps(value))
    return (kind + "-" + re.sub(r"[^\w.]+", "-", words).strip("-")).strip("-")


def levels(start, step, count):
    return [[str(start + step * i), "1"] for i in range(count)]


class Collection:
    def __init__(self):
        self.files = {}
        self.entries = []

    def _add(self, message, kind, name, body, key, timestamp, **more):
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else text(body)).encode("utf-8")
        file = f"{message}/{kind}/{name}.json"
        if key is None:
            key = KEYS.get(message, "BTC")
        assert file not in self.files, f"{file} is named twice"
        self.files[file] = body
        self.entries.append(
            {"file": file, "message": message, "key": key, "timestamp": timestamp, **more})

    def valid(self, message, name, body, key=None, timestamp=STAMP):
        self._add(message, "valid", name, body, key, timestamp)

    def refused(self, message, refusal, name, body, seen=True, key=None, timestamp=STAMP):
        """`seen`: whether a JSON parser and the schema refuse it without further checks."""
        self._add(message, "invalid", name, body, key, timestamp, refusal=refusal,
                  schemaRefuses=seen)


def any_message(to, message, base, name="asset", key=""):
    """What holds for every message: the bytes, the envelope, the record around it.

    `name` is the field that the record key begins with, `key` what the key has after it.
    """
    plain = text(base)
    value = base[name]
    escaped = f'"\\u{ord(value[0]):04x}{value[1:-1]}\\u{ord(value[-1]):04x}"'
    second = '"time":"2026-11-22T14:00:00.123457Z"'
    if "sequence" in base:
        second = '"sequence":124'
    tail = plain[1:]  # the message without its opening brace

    def valid(*arguments, **options):
        to.valid(message, *arguments, **options)

    def refused(*arguments, **options):
        to.refused(message, *arguments, **options)

    valid("unknown-fields", altered(
        base, ("note", "é \U0001f30a"), ("extra", {"a": [1, -2.5e-3, True, False, None, {}, []]})))
    valid("unknown-fields-first", '{"extra":[["asset"],{"asset":"ETH"}],' + tail)
    valid("fields-reversed", dict(reversed(base.items())))
    valid("blanks", json.dumps(base, indent="\t").replace("\n", "\r\n") + " \n")
    valid("escaped-value", plain.replace(f'"{value}"', escaped, 1))
    valid("escaped-name", plain.replace(f'"{name}"', f'"\\u0061{name[1:]}"', 1))
    valid("escapes-in-unknown-field",
          '{"note":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\ud83c\\udf0a",' + tail)
    valid("nesting-32", '{"extra":' + "[" * 31 + "]" * 31 + "," + tail)
    valid(f"{name}-one-character", altered(base, (name, "!")), key="!" + key)
    longest = "A" * 63 + "~"
    valid(f"{name}-64-characters", altered(base, (name, longest)), key=longest + key)
    valid(f"{name}-quote-and-backslash", altered(base, (name, '"\\')), key='"\\' + key)
    if "sequence" in base:
        counted(to, message, base)

    refused("empty-body", "empty-body", b"")
    for case, body in {
        "truncated": plain[:-1],
        "truncated-in-string": plain[:30],
        "trailing-comma": plain[:-1] + ",}",
        "trailing-garbage": plain + "x",
        "two-objects": plain + plain,
        "byte-order-mark": b"\xef\xbb\xbf" + plain.encode(),
        "comment": "/* a */" + plain,
        "single-quotes": plain.replace('"', "'"),
        "name-without-quotes": plain.replace('"schema"', "schema", 1),
        "missing-comma": plain.replace(f',"{name}"', f' "{name}"', 1),
        "missing-colon": plain.replace(f'"{name}":', f'"{name}" ', 1),
        "nan": '{"extra":NaN,' + tail,
        "infinity": '{"extra":-Infinity,' + tail,
        "leading-zero": '{"extra":01,' + tail,
        "leading-plus": '{"extra":+1,' + tail,
        "point-without-digits": '{"extra":1.,' + tail,
        "digits-missing-before-point": '{"extra":.5,' + tail,
        "exponent-without-digits": '{"extra":1e,' + tail,
        "word-misspelt": '{"extra":nul,' + tail,
        "unknown-escape": '{"extra":"\\x41",' + tail,
        "short-escape": '{"extra":"\\u00g1",' + tail,
        "control-character": '{"extra":"a\nb",' + tail,
        "not-utf-8": b'{"extra":"\xff",' + tail.encode(),
        "overlong-utf-8": b'{"extra":"\xc0\xaf",' + tail.encode(),
        "surrogate-in-utf-8": b'{"extra":"\xed\xa0\x80",' + tail.encode(),
        "brackets-crossed": '{"extra":[{]},' + tail,
    }.items():
        refused("malformed-json", case, body)
    refused("malformed-json", "lone-surrogate", '{"note":"\\ud800",' + tail, seen=False)
    refused("malformed-json", "surrogates-reversed", '{"note":"\\udf0a\\ud83c",' + tail, seen=False)
    refused("malformed-json", "nesting-33", '{"extra":' + "[" * 32 + "]" * 32 + "," + tail,
            seen=False)
    refused("duplicate-field", "field-twice", plain[:-1] + f",{second}}}", seen=False)
    refused("duplicate-field", "field-twice-alike", plain[:-1] + f',"{name}":"{value}"}}',
            seen=False)
    refused("duplicate-field", "field-twice-escaped",
            plain[:-1] + f',"\\u0061{name[1:]}":"{value}"}}', seen=False)

    refused("duplicate-field", "unknown-field-twice", '{"extra":1,"extra":1,' + tail, seen=False)
    refused("duplicate-field", "field-twice-within-unknown-field",
            '{"extra":{"a":1,"b":2,"a":3},' + tail, seen=False)

    version = base["schema"][:-2]
    refused("unknown-schema", "schema-v2", altered(base, ("schema", version + "v2")))
    refused("unknown-schema", "schema-v10", altered(base, ("schema", version + "v10")))
    refused("unknown-schema", "schema-without-version", altered(base, ("schema", version[:-1])))
    refused("unknown-schema", "schema-of-another-message", altered(
        base, ("schema", "breaker.v1" if message == "exposure.v1" else "exposure.v1")))
    refused("unknown-schema", "schema-empty", altered(base, ("schema", "")))

    for case, body in {"array": [base], "string": value, "number": 1, "null": None}.items():
        refused("wrong-type", f"body-is-{case}", text(body))
    refused("wrong-type", "schema-number", altered(base, ("schema", 1)))
    refused("wrong-type", f"{name}-number", altered(base, (name, 1)))
    refused("wrong-type", f"{name}-null", altered(base, (name, None)))
    refused("wrong-type", "time-number", altered(base, ("time", 1795356000)))

    for case, other in {
        "empty": "", "65-characters": "A" * 65, "with-space": "B TC", "with-bar": "B|TC",
        "not-ascii": "BTÇ", "with-control": "BTC\u007f",
    }.items():
        refused("out-of-range", f"{name}-{case}", altered(base, (name, other)), key=other + key)
    day = base["time"][:10]
    for case, time in {
        "empty": "", "without-zone": f"{day}T14:00:00", "with-offset": f"{day}T14:00:00+00:00",
        "small-z": f"{day}T14:00:00z", "blank-for-t": f"{day} 14:00:00Z",
        "10-fraction-digits": f"{day}T14:00:00.0123456789Z",
        "point-without-fraction": f"{day}T14:00:00.Z", "comma": f"{day}T14:00:00,5Z",
        "hour-24": f"{day}T24:00:00Z", "leap-second": "2016-12-31T23:59:60Z",
        "month-13": "2026-13-01T00:00:00.000000Z", "day-0": "2026-11-00T00:00:00.000000Z",
        "year-1677": "1677-12-31T23:59:59.000000Z", "year-2262": "2262-01-01T00:00:00.000000Z",
        "digits-not-ascii": f"{day}T14:00:0\u0663.000000Z",
    }.items():
        refused("out-of-range", f"time-{case}", altered(base, ("time", time)))
    refused("out-of-range", "time-february-29-in-2026",
            altered(base, ("time", "2026-02-29T00:00:00.000000Z")), seen=False)

    other = "ETH" if name == "asset" else "A-2"
    refused("key-mismatch", f"key-of-another-{name}", base, seen=False, key=other + key)
    refused("key-mismatch", "key-empty", base, seen=False, key="")
    refused("key-mismatch", "key-in-small-letters", base, seen=False, key=value.lower() + key)


def counted(to, message, base):
    """What holds for every message with a sequence: those Breakwater sends count from 1."""
    plain = text(base)

    def refused(*arguments, **options):
        to.refused(message, *arguments, **options)

    if message in ("haircut.v1", "margin-requirement.v1", "exposure.v1"):
        refused("out-of-range", "sequence-0", altered(base, ("sequence", 0)))
        to.valid(message, "sequence-1", altered(base, ("sequence", 1)))
    else:
        to.valid(message, "sequence-0", altered(base, ("sequence", 0)))
    to.valid(message, "sequence-largest", altered(base, ("sequence", 2**53 - 1)))
    refused("wrong-type", "sequence-string", altered(base, ("sequence", "1")))
    refused("wrong-type", "sequence-boolean", altered(base, ("sequence", True)))
    refused("wrong-type", "sequence-half", altered(base, ("sequence", 1.5)))
    refused("wrong-type", "sequence-with-point", altered(base, ("sequence", 1.0)), seen=False)
    refused("wrong-type", "sequence-with-exponent",
            plain.replace(f'"sequence":{base["sequence"]}', '"sequence":1e3', 1), seen=False)
    refused("out-of-range", "sequence-negative", altered(base, ("sequence", -1)))
    refused("out-of-range", "sequence-above-largest", altered(base, ("sequence", 2**53)))
    refused("out-of-range", "sequence-huge", altered(base, ("sequence", 10**30)))


def without_each_field(to, message, base, group="", optional=()):
    for path in fields(base):
        if path not in optional and not any(path.startswith(o + ".") for o in optional):
            to.refused(message, "missing-field", f"{group}without-{path.replace('.', '-')}",
                        altered(base, (path, MISSING)))


def input_times(to, message, base, key=None):
    """Times as a sender may write them; Breakwater's own always have 6 fraction digits."""
    def valid(name, body, timestamp=STAMP):
        to.valid(message, name, body, key=key, timestamp=timestamp)

    for digits in (0, 1, 9):
        time = "2026-11-22T14:00:00" + (".123456789"[:digits + 1] if digits else "") + "Z"
        valid(f"time-{digits}-fraction-digits", altered(base, ("time", time)))
    valid("time-february-29-in-2024", altered(base, ("time", "2024-02-29T00:00:00Z")))
    edges = {"1678": "1678-01-01T00:00:00Z", "2261": "2261-12-31T23:59:59.999999999Z"}
    for year, edge in edges.items():
        valid(f"time-year-{year}", altered(base, ("time", edge)),
              timestamp=STAMP if year < "2026" else "2261-12-31T23:59:59.999000Z")
    ahead = "2026-11-22T14:00:05.{}Z"
    valid("time-5-seconds-ahead", altered(base, ("time", ahead.format("200"))))
    too_far = {"5.001-seconds": "201", "5-seconds-and-a-nanosecond": "200000001"}
    for name, fraction in too_far.items():
        to.refused(message, "future-time", f"time-{name}-ahead",
                   altered(base, ("time", ahead.format(fraction))), seen=False, key=key)


def decimals(to, message, base, path, name):
    """A decimal that must be above 0, at one place of a message."""
    for case, value in {
        "18-digits": "123456789012345678", "18-fraction-digits": "0.000000000000000001",
        "36-digits": "999999999999999999.999999999999999999", "leading-zeros": "007.50",
    }.items():
        to.valid(message, f"{name}-{case}", altered(base, (path, value)))
    for case, value in {
        "19-digits": "1234567890123456789", "19-fraction-digits": "1.0000000000000000001",
        "empty": "", "plus": "+1", "exponent": "1e3", "separator": "1,000",
        "point-first": ".5", "point-last": "1.", "two-points": "1.2.3", "blank": " 1",
        "line-end": "1\n", "nan": "NaN", "infinity": "Infinity", "hexadecimal": "0x10",
        "minus-alone": "-", "digits-not-ascii": "\u0661\u0662",
    }.items():
        to.refused(message, "out-of-range", f"{name}-{case}", altered(base, (path, value)))
    for case, value in {"number": 61234.5, "null": None, "boolean": True, "object": {}}.items():
        to.refused(message, "wrong-type", f"{name}-{case}", altered(base, (path, value)))
