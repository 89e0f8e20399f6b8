#!/usr/bin/env python3
"""Writes the examples of this folder and their manifest; with --check, only compares.

Each example differs from a plain message in the one thing its name says. `examples()` is the
list: read it as the contract's rules, each with a message on both sides of it.
"""

import copy
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
STAMP = "2026-11-22T14:00:00.200000Z"  # the record's Kafka timestamp, whole milliseconds

BOOK = {
    "schema": "quote.v1", "asset": "BTC", "venue": "house", "kind": "book",
    "time": "2026-11-22T14:00:00.123456Z", "sequence": 123,
    "bids": [["61234.5", "1.25"], ["61234.0", "3.1"]],
    "asks": [["61235.0", "0.8"], ["61236.5", "2"]],
    "dailyVolume": "21000.5",
}
INDEX = {
    "schema": "quote.v1", "asset": "BTC", "venue": "index-a", "kind": "index",
    "time": "2026-11-22T14:00:00.123456Z", "sequence": 9, "price": "61240.1",
}
GRID = {
    "expiry": "2026-11-27T08:00:00Z", "forward": "61300.0",
    "strikes": ["50000", "60000", "70000"], "volatilities": [0.71, 0.62, 0.66],
}
SVI = {
    "expiry": "2026-12-25T08:00:00Z", "forward": "61500.0",
    "svi": {"a": 0.0021, "b": 0.0416, "rho": -0.29, "m": -0.026, "sigma": 0.0626},
}
SURFACE = {
    "schema": "iv-surface.v1", "asset": "BTC", "time": "2026-11-22T14:00:00.123456Z",
    "sequence": 7, "expiries": [GRID, SVI],
}
HAIRCUT = {
    "schema": "haircut.v1", "asset": "BTC", "time": "2026-11-22T14:00:00.123456Z",
    "sequence": 3001, "state": "normal", "price": "61234.75", "debtPrice": "61240.1",
    "reference": "61240.1", "mid": "61234.75", "initial": 0.0525, "maintenance": 0.034,
    "tiers": [
        {"from": "0", "to": "100000", "initial": 0.0525, "maintenance": 0.034},
        {"from": "100000", "to": "1000000", "initial": 0.0605, "maintenance": 0.0395},
        {"from": "1000000", "to": None, "initial": 1, "maintenance": 1},
    ],
    "target": {"initial": 0.0531, "maintenance": 0.0343},
    "gap": {"initial": 0.0006, "maintenance": 0.0003},
    "boundBy": ["limiter"],
    "next": {"initial": 0.0535, "maintenance": 0.0345, "at": "2026-11-22T14:01:00.123456Z"},
    "validUntil": "2026-11-22T14:00:30.123456Z", "fallback": 0.3,
    "scan": [
        {"notional": "100000", "down": 0.1, "up": 0.1112},
        {"notional": "1000000", "down": 0.1, "up": 0.1112},
    ],
    "stressVolatility": 1.2, "confidence": 1, "branchingRatio": 0.12,
    "components": {
        "volatility": 0.715, "market": 0.0321, "liquidity": 0.0038, "peg": 0, "divergence": 0,
        "confidence": 0, "horizonSeconds": 3807.3, "depth": "40000000",
        "depthBaseline": "40000000", "spread": 0.0001, "quoteAge": 0.1, "surfaceAge": 2.5,
    },
    "model": {"version": "1", "parameters": "sha256:" + "0123456789abcdef" * 4},
    "cause": {"topic": "market.quotes.v1", "partition": 3, "offset": 991},
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
        assert file not in self.files, f"{file} is named twice"
        self.files[file] = body
        self.entries.append(
            {"file": file, "message": message, "key": key, "timestamp": timestamp, **more})

    def valid(self, message, name, body, key="BTC", timestamp=STAMP):
        self._add(message, "valid", name, body, key, timestamp)

    def refused(self, message, refusal, name, body, seen=True, key="BTC", timestamp=STAMP):
        """`seen`: whether a JSON parser and the schema refuse it without further checks."""
        self._add(message, "invalid", name, body, key, timestamp, refusal=refusal,
                  schemaRefuses=seen)


def any_message(to, message, base):
    """What holds for every message: the bytes, the envelope, the record around it."""
    plain = text(base)
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
    valid("escaped-value", plain.replace('"BTC"', '"\\u0042T\\u0043"', 1))
    valid("escaped-name", plain.replace('"asset"', '"\\u0061sset"', 1))
    valid("escapes-in-unknown-field",
          '{"note":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\ud83c\\udf0a",' + tail)
    valid("nesting-32", '{"extra":' + "[" * 31 + "]" * 31 + "," + tail)
    valid("asset-one-character", altered(base, ("asset", "!")), key="!")
    valid("asset-64-characters", altered(base, ("asset", "A" * 63 + "~")), key="A" * 63 + "~")
    valid("asset-quote-and-backslash", altered(base, ("asset", '"\\')), key='"\\')
    if message == "haircut.v1":  # its tables are counted from 1
        refused("out-of-range", "sequence-0", altered(base, ("sequence", 0)))
        valid("sequence-1", altered(base, ("sequence", 1)))
    else:
        valid("sequence-0", altered(base, ("sequence", 0)))
    valid("sequence-largest", altered(base, ("sequence", 2**53 - 1)))

    refused("empty-body", "empty-body", b"")
    for name, body in {
        "truncated": plain[:-1],
        "truncated-in-string": plain[:30],
        "trailing-comma": plain[:-1] + ",}",
        "trailing-garbage": plain + "x",
        "two-objects": plain + plain,
        "byte-order-mark": b"\xef\xbb\xbf" + plain.encode(),
        "comment": "/* a */" + plain,
        "single-quotes": plain.replace('"', "'"),
        "name-without-quotes": plain.replace('"schema"', "schema", 1),
        "missing-comma": plain.replace(',"asset"', ' "asset"', 1),
        "missing-colon": plain.replace('"asset":', '"asset" ', 1),
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
        refused("malformed-json", name, body)
    refused("malformed-json", "lone-surrogate", '{"note":"\\ud800",' + tail, seen=False)
    refused("malformed-json", "surrogates-reversed", '{"note":"\\udf0a\\ud83c",' + tail, seen=False)
    refused("malformed-json", "nesting-33", '{"extra":' + "[" * 32 + "]" * 32 + "," + tail,
            seen=False)
    refused("duplicate-field", "field-twice", plain[:-1] + ',"sequence":124}', seen=False)
    refused("duplicate-field", "field-twice-alike", plain[:-1] + ',"asset":"BTC"}', seen=False)
    refused("duplicate-field", "field-twice-escaped", plain[:-1] + ',"\\u0061sset":"BTC"}',
            seen=False)

    refused("duplicate-field", "unknown-field-twice", '{"extra":1,"extra":1,' + tail, seen=False)
    refused("duplicate-field", "field-twice-within-unknown-field",
            '{"extra":{"a":1,"b":2,"a":3},' + tail, seen=False)

    version = base["schema"][:-2]
    refused("unknown-schema", "schema-v2", altered(base, ("schema", version + "v2")))
    refused("unknown-schema", "schema-v10", altered(base, ("schema", version + "v10")))
    refused("unknown-schema", "schema-without-version", altered(base, ("schema", version[:-1])))
    refused("unknown-schema", "schema-of-another-message", altered(base, ("schema", "exposure.v1")))
    refused("unknown-schema", "schema-empty", altered(base, ("schema", "")))

    for name, value in {"array": [base], "string": "BTC", "number": 1, "null": None}.items():
        refused("wrong-type", f"body-is-{name}", text(value))
    refused("wrong-type", "schema-number", altered(base, ("schema", 1)))
    refused("wrong-type", "asset-number", altered(base, ("asset", 1)))
    refused("wrong-type", "asset-null", altered(base, ("asset", None)))
    refused("wrong-type", "time-number", altered(base, ("time", 1795356000)))
    refused("wrong-type", "sequence-string", altered(base, ("sequence", "1")))
    refused("wrong-type", "sequence-boolean", altered(base, ("sequence", True)))
    refused("wrong-type", "sequence-half", altered(base, ("sequence", 1.5)))
    refused("wrong-type", "sequence-with-point", altered(base, ("sequence", 1.0)), seen=False)
    refused("wrong-type", "sequence-with-exponent",
            plain.replace(f'"sequence":{base["sequence"]}', '"sequence":1e3', 1), seen=False)

    refused("out-of-range", "sequence-negative", altered(base, ("sequence", -1)))
    refused("out-of-range", "sequence-above-largest", altered(base, ("sequence", 2**53)))
    refused("out-of-range", "sequence-huge", altered(base, ("sequence", 10**30)))
    for name, asset in {
        "empty": "", "65-characters": "A" * 65, "with-space": "B TC", "with-bar": "B|TC",
        "not-ascii": "BTÇ", "with-control": "BTC\u007f",
    }.items():
        refused("out-of-range", f"asset-{name}", altered(base, ("asset", asset)), key=asset)
    day = base["time"][:10]
    for name, time in {
        "empty": "", "without-zone": f"{day}T14:00:00", "with-offset": f"{day}T14:00:00+00:00",
        "small-z": f"{day}T14:00:00z", "blank-for-t": f"{day} 14:00:00Z",
        "10-fraction-digits": f"{day}T14:00:00.0123456789Z",
        "point-without-fraction": f"{day}T14:00:00.Z", "comma": f"{day}T14:00:00,5Z",
        "hour-24": f"{day}T24:00:00Z", "leap-second": "2016-12-31T23:59:60Z",
        "month-13": "2026-13-01T00:00:00.000000Z", "day-0": "2026-11-00T00:00:00.000000Z",
        "year-1677": "1677-12-31T23:59:59.000000Z", "year-2262": "2262-01-01T00:00:00.000000Z",
        "digits-not-ascii": f"{day}T14:00:0\u0663.000000Z",
    }.items():
        refused("out-of-range", f"time-{name}", altered(base, ("time", time)))
    refused("out-of-range", "time-february-29-in-2026",
            altered(base, ("time", "2026-02-29T00:00:00.000000Z")), seen=False)

    refused("key-mismatch", "key-of-another-asset", base, seen=False, key="ETH")
    refused("key-mismatch", "key-empty", base, seen=False, key="")
    refused("key-mismatch", "key-in-small-letters", base, seen=False, key="btc")


def without_each_field(to, message, base, group="", optional=()):
    for path in fields(base):
        if path not in optional and not any(path.startswith(o + ".") for o in optional):
            to.refused(message, "missing-field", f"{group}without-{path.replace('.', '-')}",
                        altered(base, (path, MISSING)))


def input_times(to, message, base):
    """Times as a sender may write them; Breakwater's own always have 6 fraction digits."""
    for digits in (0, 1, 9):
        time = "2026-11-22T14:00:00" + (".123456789"[:digits + 1] if digits else "") + "Z"
        to.valid(message, f"time-{digits}-fraction-digits", altered(base, ("time", time)))
    to.valid(message, "time-february-29-in-2024", altered(base, ("time", "2024-02-29T00:00:00Z")))
    edges = {"1678": "1678-01-01T00:00:00Z", "2261": "2261-12-31T23:59:59.999999999Z"}
    for year, edge in edges.items():
        to.valid(message, f"time-year-{year}", altered(base, ("time", edge)),
                  timestamp=STAMP if year < "2026" else "2261-12-31T23:59:59.999000Z")
    ahead = "2026-11-22T14:00:05.{}Z"
    to.valid(message, "time-5-seconds-ahead", altered(base, ("time", ahead.format("200"))))
    too_far = {"5.001-seconds": "201", "5-seconds-and-a-nanosecond": "200000001"}
    for name, fraction in too_far.items():
        to.refused(message, "future-time", f"time-{name}-ahead",
                    altered(base, ("time", ahead.format(fraction))), seen=False)


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


def quotes(to):
    message = "quote.v1"
    to.valid(message, "book", BOOK)
    to.valid(message, "index", INDEX)
    any_message(to, message, BOOK)
    without_each_field(to, message, BOOK, "book-", optional=("dailyVolume",))
    without_each_field(to, message, INDEX, "index-")
    input_times(to, message, BOOK)

    to.valid(message, "without-daily-volume", altered(BOOK, ("dailyVolume", MISSING)))
    to.valid(message, "bids-empty", altered(BOOK, ("bids", [])))
    to.valid(message, "asks-empty", altered(BOOK, ("asks", [])))
    to.valid(message, "both-sides-empty", altered(BOOK, ("bids", []), ("asks", [])))
    to.valid(message, "smallest-spread", altered(
        BOOK, ("bids", [["1", "1"]]), ("asks", [["1.000000000000000001", "1"]])))
    many = altered(BOOK, ("bids", levels(60000, -1, 500)), ("asks", levels(60001, 1, 500)))
    to.valid(message, "500-levels", many)
    for side, start, step in (("bids", 60000, -1), ("asks", 60001, 1)):
        to.refused(message, "out-of-range", f"{side}-501-levels",
                    altered(many, (side, levels(start, step, 501))))
    to.refused(message, "out-of-range", "kind-unknown", altered(BOOK, ("kind", "trade")))
    to.refused(message, "out-of-range", "kind-capital", altered(BOOK, ("kind", "Book")))
    to.refused(message, "wrong-type", "kind-null", altered(BOOK, ("kind", None)))
    to.refused(message, "wrong-type", "venue-number", altered(BOOK, ("venue", 1)))
    for name, venue in {"empty": "", "with-space": "the house", "65-characters": "v" * 65}.items():
        to.refused(message, "out-of-range", f"venue-{name}", altered(BOOK, ("venue", venue)))

    decimals(to, message, INDEX, "price", "price")
    for name, value in {"zero": "0", "zero-with-fraction": "0.000", "negative": "-1.5"}.items():
        to.refused(message, "out-of-range", f"price-{name}", altered(INDEX, ("price", value)))
        to.refused(message, "out-of-range", f"daily-volume-{name}",
                    altered(BOOK, ("dailyVolume", value)))
    to.refused(message, "wrong-type", "daily-volume-number", altered(BOOK, ("dailyVolume",
               21000.5)))
    to.refused(message, "wrong-type", "daily-volume-null", altered(BOOK, ("dailyVolume", None)))

    for side in ("bids", "asks"):
        for part, place in (("price", 0), ("size", 1)):
            for name, value in {"zero": "0", "minus-zero": "-0", "negative": "-1.5"}.items():
                to.refused(message, "level-not-positive", f"{side}-{part}-{name}",
                            altered(BOOK, (f"{side}.1.{place}", value)))
            to.refused(message, "wrong-type", f"{side}-{part}-number",
                        altered(BOOK, (f"{side}.1.{place}", 61233.5)))
            to.refused(message, "out-of-range", f"{side}-{part}-19-digits",
                        altered(BOOK, (f"{side}.1.{place}", "1234567890123456789")))
        for name, value in {"null": None, "object": {}, "string": "61234.5"}.items():
            to.refused(message, "wrong-type", f"{side}-{name}", altered(BOOK, (side, value)))
        to.refused(message, "wrong-type", f"{side}-level-object",
                    altered(BOOK, (f"{side}.1", {"price": "1", "size": "1"})))
        for count in (0, 1, 3):
            to.refused(message, "wrong-type", f"{side}-level-of-{count}",
                        altered(BOOK, (f"{side}.1", BOOK[side][1][:1] * count)))

    for name, bid in {
        "equal": "61235.0", "equal-written-otherwise": "61235", "above": "61235.000000000000000001",
    }.items():
        to.refused(message, "crossed-book", f"crossed-{name}",
                    altered(BOOK, ("bids", [[bid, "1"]])), seen=False)
    to.refused(message, "levels-out-of-order", "bids-rise",
                altered(BOOK, ("bids", [["61234.0", "1"], ["61234.5", "1"]])), seen=False)
    to.refused(message, "levels-out-of-order", "asks-fall",
                altered(BOOK, ("asks", [["61236.5", "1"], ["61235.0", "1"]])), seen=False)
    for side in ("bids", "asks"):
        to.refused(message, "levels-out-of-order", f"{side}-repeat-a-price",
                   altered(BOOK, (f"{side}.1.0", BOOK[side][0][0])), seen=False)
    to.refused(message, "levels-out-of-order", "bids-last-level-rises", altered(
        many, ("bids.499.0", "59502")), seen=False)


def surfaces(to):
    message = "iv-surface.v1"
    to.valid(message, "grid-and-svi", SURFACE)
    any_message(to, message, SURFACE)
    without_each_field(to, message, SURFACE)
    input_times(to, message, SURFACE)

    def grid(*changes):
        return altered(SURFACE, ("expiries", [altered(GRID, *changes)]))

    to.valid(message, "grid-only", grid())
    to.valid(message, "svi-only", altered(SURFACE, ("expiries", [SVI])))
    to.valid(message, "one-strike", grid(("strikes", ["60000"]), ("volatilities", [0.6])))
    to.valid(message, "100-expiries", altered(SURFACE, ("expiries", [SVI] * 100)))
    thousand = [str(1000 + 10 * i) for i in range(1000)]
    to.valid(message, "1000-strikes",
              grid(("strikes", thousand), ("volatilities", [0.65] * 1000)))
    for name, change in {
        "volatility-negative": ("volatilities.0", -0.7), "volatility-zero": ("volatilities.0", 0),
        "volatility-above-10": ("volatilities.0", 10.5), "volatility-1e308": ("volatilities.0",
        1e308),
        "strikes-fall": ("strikes", ["70000", "60000", "50000"]),
        "strikes-repeat": ("strikes", ["60000", "60000", "60000"]),
        "expiry-past": ("expiry", "2020-11-27T08:00:00Z"),
    }.items():
        to.valid(message, f"for-the-gate-{name}", grid(change))
    to.valid(message, "for-the-gate-expiries-fall", altered(SURFACE, ("expiries", [SVI, GRID])))
    to.valid(message, "for-the-gate-svi-arbitrage", altered(
        SURFACE, ("expiries.1.svi.rho", 1.5), ("expiries.1.svi.sigma", -1), ("expiries.1.svi.b",
        -1)))
    to.valid(message, "volatility-with-exponent",
              text(grid()).replace("[0.71,0.62,0.66]", "[7.1e-1,62E-2,0.66e+0]"))

    decimals(to, message, SURFACE, "expiries.0.forward", "forward")
    for name, value in {"zero": "0", "negative": "-1.5"}.items():
        to.refused(message, "out-of-range", f"forward-{name}", grid(("forward", value)))
        to.refused(message, "out-of-range", f"strike-{name}", grid(("strikes.1", value)))
    to.refused(message, "out-of-range", "expiries-empty", altered(SURFACE, ("expiries", [])))
    to.refused(message, "out-of-range", "101-expiries", altered(SURFACE, ("expiries", [SVI] * 101)))
    to.refused(message, "out-of-range", "strikes-empty",
                grid(("strikes", []), ("volatilities", [])))
    to.refused(message, "out-of-range", "1001-strikes",
                grid(("strikes", thousand + ["20000"]), ("volatilities", [0.65] * 1001)))
    to.refused(message, "out-of-range", "fewer-volatilities",
                grid(("volatilities", [0.71, 0.62])), seen=False)
    to.refused(message, "out-of-range", "fewer-strikes",
                grid(("strikes", ["50000", "60000"])), seen=False)
    to.refused(message, "out-of-range", "svi-and-strikes", grid(("svi", SVI["svi"])))
    to.refused(message, "missing-field", "neither-svi-nor-strikes",
                grid(("strikes", MISSING), ("volatilities", MISSING)))
    for name, value in {"bad-month": "2026-13-27T08:00:00Z", "empty": ""}.items():
        to.refused(message, "out-of-range", f"expiry-{name}", grid(("expiry", value)))

    for name, path, value in (
        ("expiries-null", "expiries", None), ("expiries-object", "expiries", {}),
        ("expiry-entry-array", "expiries.0", []), ("expiry-number", "expiries.0.expiry",
        1798185600),
        ("strikes-null", "expiries.0.strikes", None),
        ("strike-number", "expiries.0.strikes.0", 50000),
        ("volatilities-object", "expiries.0.volatilities", {}),
        ("volatility-string", "expiries.0.volatilities.0", "0.71"),
        ("volatility-null", "expiries.0.volatilities.0", None),
        ("svi-null", "expiries.1.svi", None), ("svi-array", "expiries.1.svi", [1, 2, 3, 4, 5]),
        ("svi-rho-string", "expiries.1.svi.rho", "-0.29"), ("svi-m-null", "expiries.1.svi.m", None),
    ):
        to.refused(message, "wrong-type", name, altered(SURFACE, (path, value)))
    plain = text(SURFACE)
    to.refused(message, "out-of-range", "volatility-1e400", plain.replace("0.71", "1e400", 1))
    to.refused(message, "out-of-range", "svi-rho-minus-1e400", plain.replace("-0.29", "-1e400", 1))


def haircuts(to):
    message = "haircut.v1"
    to.valid(message, "normal", HAIRCUT)
    any_message(to, message, HAIRCUT)
    without_each_field(to, message, HAIRCUT)

    to.valid(message, "next-null", altered(HAIRCUT, ("next", None)))
    to.valid(message, "caused-by-timer",
              altered(HAIRCUT, ("cause", {"timer": "2026-11-22T14:00:00.123456Z"})))
    to.valid(message, "no-surface", altered(HAIRCUT, ("components.surfaceAge", None)))
    to.valid(message, "no-depth", altered(
        HAIRCUT, ("state", "stressed"), ("components.depth", "0")))
    to.valid(message, "bound-by-nothing", altered(HAIRCUT, ("boundBy", [])))
    to.valid(message, "bound-by-everything", altered(HAIRCUT, (
        "boundBy", ["limiter", "governor", "floor", "cap", "override", "freeze", "fallback"])))
    to.valid(message, "one-tier", altered(
        HAIRCUT, ("tiers", [{"from": "0", "to": None, "initial": 1, "maintenance": 1}]),
        ("initial", 1), ("maintenance", 1)))
    bounds = ["0"] + [f"{i}000" for i in range(1, 34)]
    tiers = [dict(HAIRCUT["tiers"][0], **{"from": low, "to": high})
             for low, high in zip(bounds, bounds[1:])] + [dict(HAIRCUT["tiers"][2])]
    most = tiers[:32] + [dict(tiers[33], **{"from": bounds[32]})]
    scan = [dict(HAIRCUT["scan"][0], notional=bound) for bound in bounds[1:]]
    to.valid(message, "33-tiers", altered(HAIRCUT, ("tiers", most), ("scan", scan[:32])))
    to.refused(message, "out-of-range", "34-tiers", altered(
        HAIRCUT, ("tiers", tiers[:33] + [dict(tiers[33], **{"from": bounds[33]})])))
    to.refused(message, "out-of-range", "33-scan-ranges", altered(HAIRCUT, ("scan", scan)))
    to.valid(message, "nothing-taken", altered(
        HAIRCUT, ("initial", 0), ("maintenance", 0), ("tiers.0.initial", 0),
        ("tiers.0.maintenance", 0)))
    for state in ("elevated", "stressed", "frozen"):
        to.valid(message, f"state-{state}", altered(HAIRCUT, ("state", state)))

    decimals(to, message, HAIRCUT, "price", "price")
    for path, value in (
        ("state", "open"), ("price", "0"), ("debtPrice", "-1"), ("reference", "0"), ("mid", "0"),
        ("initial", 1.0001), ("initial", -0.0001), ("maintenance", 1.0001), ("maintenance", -1),
        ("tiers", []), ("tiers.0.from", "-1"), ("tiers.0.to", "0"), ("tiers.0.initial", 1.5),
        ("tiers.1.maintenance", -0.5), ("tiers.2.to", "2000000"), ("tiers.0.to", None),
        ("target.initial", 2), ("target.maintenance", -1),
        ("gap.initial", -0.0001), ("gap.maintenance", 1.5), ("boundBy", ["gravity"]),
        ("boundBy", ["cap", "cap"]), ("next.initial", 1.5), ("next.at", "tomorrow"),
        ("validUntil", "2026-11-22"), ("fallback", 1.5), ("scan", []), ("scan.0.notional", "0"),
        ("scan.0.down", 1.5), ("scan.0.down", 0.9999999), ("scan.0.up", -1),
        ("stressVolatility", 0), ("stressVolatility", 0.0009),
        ("stressVolatility", 10.5), ("confidence", 1.5), ("branchingRatio", -1),
        ("components.volatility", -1), ("components.market", 1.5), ("components.liquidity", -1),
        ("components.peg", 2), ("components.divergence", -1), ("components.confidence", 1.5),
        ("components.horizonSeconds", -1), ("components.depth", "-1"),
        ("components.depthBaseline", "-1"), ("components.spread", -1),
        ("components.quoteAge", -1), ("components.surfaceAge", -1),
        ("model.version", ""), ("model.parameters", "md5:00"),
        ("model.parameters", "sha256:" + "0123456789ABCDEF" * 4), ("cause.topic", ""),
        ("cause.partition", -1), ("cause.offset", -1),
    ):
        name = f"{path.replace('.', '-')}-is-{spoken(value)}"
        to.refused(message, "out-of-range", name, altered(HAIRCUT, (path, value)))
    for path, value in (
        ("state", 1), ("price", 1), ("debtPrice", 1), ("reference", 1), ("mid", None),
        ("initial", "0.05"), ("maintenance", None), ("tiers", {}), ("tiers.0", []),
        ("tiers.0.from", 0), ("tiers.0.to", 100000), ("tiers.0.initial", "0.05"),
        ("target", 0.05), ("gap", None), ("boundBy", "limiter"), ("boundBy", [1]), ("next", []),
        ("validUntil", 0), ("fallback", "0.3"), ("scan", {}), ("scan.0", []),
        ("scan.0.notional", 100000), ("scan.0.down", "0.1"), ("stressVolatility", None),
        ("confidence", "1"), ("branchingRatio", None), ("components", []),
        ("components.volatility", "0.7"), ("components.depth", 1), ("components.surfaceAge", "2"),
        ("model", "1"), ("model.version", 1), ("model.parameters", None), ("cause", "timer"),
        ("cause", None), ("cause.topic", 1), ("cause.partition", "3"), ("cause.offset", None),
    ):
        name = f"{path.replace('.', '-')}-is-{spoken(value)}"
        to.refused(message, "wrong-type", name, altered(HAIRCUT, (path, value)))


def examples():
    to = Collection()
    quotes(to)
    surfaces(to)
    haircuts(to)
    return to


def main():
    collection = examples()
    lines = ",\n".join("  " + json.dumps(entry) for entry in collection.entries)
    wanted = dict(collection.files)
    wanted["manifest.json"] = f"[\n{lines}\n]\n".encode("ascii")
    present = {
        str(path.relative_to(HERE)): path for path in HERE.rglob("*.json")
    }
    stale = [name for name in present if name not in wanted]
    different = [
        name for name, body in wanted.items()
        if name not in present or present[name].read_bytes() != body
    ]
    if "--check" in sys.argv[1:]:
        for name in stale + different:
            print(f"schemas/examples/{name} is not what make_examples.py writes")
        print(f"{len(wanted)} files compared, {len(stale) + len(different)} differ")
        return 1 if stale or different else 0
    for name in stale:
        present[name].unlink()
    for name in different:
        (HERE / name).parent.mkdir(parents=True, exist_ok=True)
        (HERE / name).write_bytes(wanted[name])
    print(f"{len(collection.entries)} examples, {len(different)} written, {len(stale)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
