"""Examples of the messages of the loop: exposures, breaker changes and controls."""

from account_examples import many
from example_rules import (
    MISSING, STAMP, altered, any_message, input_times, text, without_each_field)

EXPOSURE = {
    "schema": "exposure.v1", "asset": "BTC", "shard": 3, "time": "2026-11-22T14:00:00.123456Z",
    "sequence": 77, "haircutSequence": 3001, "price": "61234.75", "pledged": "812.5",
    "pledgedValue": "49750000", "borrowed": "3.1",
    "byHaircut": [{"rise": 0.0025, "value": "120000"}, {"rise": 0.005, "value": "150000"}],
    "byPrice": [{"fall": 0.005, "value": "90000"}, {"fall": 0.01, "value": "90000"}],
    "accounts": 10234,
}
BREAKER = {
    "schema": "breaker.v1", "asset": "BTC", "time": "2026-11-22T14:00:00.123456Z",
    "from": "normal", "to": "elevated", "reasons": ["depth-below-half"],
    "since": "2026-11-22T13:59:58.000000Z",
}
REASONS = [
    "return-1m", "return-5m", "return-30m", "fast-volatility", "depth-below-half",
    "wide-spread", "surface-stale", "governor-holding", "return-1m-stressed",
    "return-5m-stressed", "return-30m-stressed", "depth-below-fifth", "empty-side",
    "branching-half", "quote-stale", "quote-and-surface-stale", "runaway-in-doubt",
    "freeze-control",
]
OVERRIDE = {
    "schema": "control.v1", "asset": "BTC", "time": "2026-11-22T14:00:00.123456Z",
    "sequence": 1, "action": "override", "initial": 0.5, "maintenance": 0.3,
    "expires": "2026-11-23T02:00:00Z", "reason": "exchange outage", "by": "alice",
    "approvedBy": "bob",
}
PARAMETERS = {
    "schema": "control.v1", "asset": "BTC", "time": "2026-11-22T14:00:00.123456Z",
    "sequence": 2, "action": "parameters",
    "parameters": {"floor": 0.03, "limiterUpPerMinute.normal": 0.02,
                   "notionals": ["100000", "1000000"]},
    "reason": "thin holidays", "by": "alice", "approvedBy": "bob",
}


def exposures(to):
    message = "exposure.v1"
    to.valid(message, "two-ladders", EXPOSURE)
    any_message(to, message, EXPOSURE, key="|3")
    without_each_field(to, message, EXPOSURE)

    def valid(name, *changes, key=None):
        to.valid(message, name, altered(EXPOSURE, *changes), key=key)

    valid("shard-0", ("shard", 0), key="BTC|0")
    valid("shard-largest", ("shard", 2**31 - 1), key="BTC|2147483647")
    settled = [{"expiry": "2026-11-20T08:00:00.000000Z", "price": "61020.5"},
               {"expiry": "2026-11-21T08:00:00.000000Z", "price": "0"}]
    valid("settlements", ("settlements", settled))
    valid("settlements-none", ("settlements", []))
    valid("nothing-held", ("pledged", "0"), ("pledgedValue", "0"), ("borrowed", "0"),
          ("byHaircut", []), ("byPrice", []), ("accounts", 0))
    valid("without-a-table", ("haircutSequence", 0), ("price", "0"))
    ladder = [{"fall": i / 100, "value": str(i)} for i in range(1, 66)]
    valid("64-falls", ("byPrice", ladder[:64]))
    valid("fall-of-everything", ("byPrice.1.fall", 1))
    for name, key in {
        "without-shard": "BTC", "of-another-shard": "BTC|4", "with-leading-zero": "BTC|03",
        "with-plus": "BTC|+3", "without-number": "BTC|", "with-three-parts": "BTC|3|3",
        "with-blank": "BTC| 3", "of-a-huge-shard": "BTC|99999999999999999999",
    }.items():
        to.refused(message, "key-mismatch", f"key-{name}", EXPOSURE, seen=False, key=key)
    to.refused(message, "out-of-range", "65-falls", altered(EXPOSURE, ("byPrice", ladder)))
    for name, change in {
        "rises-repeat": ("byHaircut.1.rise", 0.0025), "rises-fall": ("byHaircut.1.rise", 0.001),
        "falls-repeat": ("byPrice.1.fall", 0.005),
        "value-falls": ("byHaircut.1.value", "119999.999"),
    }.items():
        to.refused(message, "out-of-range", name, altered(EXPOSURE, change), seen=False)
    to.refused(message, "out-of-range", "expiries-fall",
               altered(EXPOSURE, ("settlements", settled[::-1])), seen=False)
    to.refused(message, "missing-field", "settlement-without-price",
               altered(EXPOSURE, ("settlements", [{"expiry": settled[0]["expiry"]}])))
    to.refused(message, "missing-field", "fall-in-the-place-of-a-rise",
               altered(EXPOSURE, ("byHaircut.0", {"fall": 0.0025, "value": "1"})))
    many(to, message, "out-of-range", EXPOSURE, (
        ("shard", -1), ("shard", 2**31), ("haircutSequence", -1), ("price", "-1"),
        ("pledged", "-812.5"), ("pledged", "-0"), ("pledgedValue", "1e3"), ("borrowed", "-1"),
        ("byHaircut.0.rise", 0), ("byHaircut.0.rise", 1.5), ("byHaircut.0.value", "-1"),
        ("byPrice.0.fall", -0.1), ("byPrice.0.fall", 1.01), ("accounts", -1),
        ("accounts", 2**53),
    ))
    many(to, message, "wrong-type", EXPOSURE, (
        ("shard", "3"), ("shard", None), ("haircutSequence", "3001"), ("price", 61234.75),
        ("pledged", 812.5), ("pledgedValue", None), ("borrowed", 3.1), ("byHaircut", {}),
        ("byHaircut.0", [0.0025, "1"]), ("byHaircut.0.rise", "0.0025"),
        ("byHaircut.0.value", 120000), ("byPrice", None), ("byPrice.0.fall", None),
        ("accounts", "10234"),
    ))


def breakers(to):
    message = "breaker.v1"
    to.valid(message, "normal-to-elevated", BREAKER)
    any_message(to, message, BREAKER)
    without_each_field(to, message, BREAKER)
    for state in ("elevated", "stressed", "frozen"):
        to.valid(message, f"from-{state}-to-normal", altered(
            BREAKER, ("from", state), ("to", "normal"), ("reasons", [])))
    to.valid(message, "every-reason", altered(BREAKER, ("reasons", REASONS), ("to", "frozen")))
    many(to, message, "out-of-range", BREAKER, (
        ("from", "calm"), ("to", "Elevated"), ("reasons", ["whim"]),
        ("reasons", ["empty-side", "empty-side"]), ("since", "2026-11-22"),
    ))
    many(to, message, "wrong-type", BREAKER, (
        ("from", None), ("to", 1), ("reasons", "empty-side"), ("reasons", {}),
        ("reasons", [1]), ("since", 0),
    ))


def controls(to):
    message = "control.v1"
    to.valid(message, "override", OVERRIDE)
    any_message(to, message, OVERRIDE, key="|override")
    without_each_field(to, message, OVERRIDE)
    input_times(to, message, PARAMETERS, key="BTC|parameters")

    def valid(name, *changes, base=OVERRIDE, key=None):
        to.valid(message, name, altered(base, *changes), key=key)

    def refused(refusal, name, *changes, seen=True, key=None):
        to.refused(message, refusal, name, altered(OVERRIDE, *changes), seen=seen, key=key)

    valid("override-of-every-asset", ("asset", "*"), key="*|override")
    for action in ("freeze", "solvency"):
        bare = altered(OVERRIDE, ("action", action), ("initial", MISSING),
                       ("maintenance", MISSING))
        to.valid(message, action, bare, key=f"BTC|{action}")
        to.refused(message, "missing-field", f"{action}-without-expires",
                   altered(bare, ("expires", MISSING)), key=f"BTC|{action}")
    valid("freeze-with-numbers", ("action", "freeze"), key="BTC|freeze")
    valid("override-equal", ("maintenance", 0.5))
    valid("override-of-everything", ("initial", 1), ("maintenance", 1))
    valid("override-of-nothing", ("initial", 0), ("maintenance", 0))
    refused("out-of-range", "override-out-of-order", ("maintenance", 0.5000001), seen=False)

    refused("not-approved", "approved-by-the-same", ("approvedBy", "alice"), seen=False)
    refused("not-approved", "by-nobody", ("by", ""))
    refused("not-approved", "approved-by-nobody", ("approvedBy", ""))
    valid("approved-in-capitals", ("approvedBy", "Alice"))
    valid("text-512-bytes", ("reason", "x" * 512), ("by", "x" * 512), ("approvedBy", "y" * 512))
    valid("reason-empty", ("reason", ""))
    for field in ("reason", "by", "approvedBy"):
        refused("out-of-range", f"{field}-513-bytes", (field, "x" * 513))
    refused("out-of-range", "reason-514-bytes-of-257-letters", ("reason", "é" * 257), seen=False)

    day_later = STAMP.replace("22T", "23T")
    valid("expires-after-24-hours", ("expires", day_later))
    valid("expires-a-microsecond-later", ("expires", "2026-11-22T14:00:00.200001Z"))
    for name, expires in {
        "after-24-hours-and-a-nanosecond": "2026-11-23T14:00:00.200000001Z",
        "when-it-begins": STAMP, "before-it-begins": "2026-11-22T14:00:00Z",
    }.items():
        refused("bad-expiry", f"expires-{name}", ("expires", expires), seen=False)

    for name, key in {
        "without-action": "BTC", "of-another-action": "BTC|freeze", "of-every-asset": "*|override",
        "without-asset": "|override", "with-three-parts": "BTC|override|", "turned": "override|BTC",
    }.items():
        refused("key-mismatch", f"key-{name}", seen=False, key=key)

    parameter_changes(to)
    many(to, message, "out-of-range", OVERRIDE, (
        ("action", "thaw"), ("action", "Freeze"), ("initial", 1.01), ("initial", -0.01),
        ("maintenance", -0.01), ("expires", "tomorrow"),
    ))
    many(to, message, "wrong-type", OVERRIDE, (
        ("action", 1), ("initial", "0.5"), ("initial", None), ("maintenance", "0.3"),
        ("expires", 0), ("expires", None), ("reason", None), ("by", 1), ("approvedBy", ["bob"]),
    ))


def parameter_changes(to):
    message, key = "control.v1", "BTC|parameters"

    def valid(name, *changes):
        to.valid(message, name, altered(PARAMETERS, *changes), key=key)

    def refused(refusal, name, parameters, seen=True):
        body = altered(PARAMETERS, ("parameters", parameters))
        to.refused(message, refusal, f"parameters-{name}", body, seen=seen, key=key)

    valid("parameters")
    valid("parameters-with-parts-in-an-object", (
        "parameters", {"limiterUpPerMinute": {"normal": 0.02, "stressed": 0.2}}))
    valid("parameters-in-both-forms", (
        "parameters", {"limiterUpPerMinute": {"normal": 0.02},
                       "limiterUpPerMinute.stressed": 0.2}))
    valid("parameters-that-end-late", ("expires", "2027-11-22T14:00:00Z"))
    to.refused(message, "bad-expiry", "parameters-that-ended", altered(
        PARAMETERS, ("expires", STAMP)), seen=False, key=key)
    to.refused(message, "missing-field", "parameters-without-parameters", altered(
        PARAMETERS, ("parameters", MISSING)), key=key)
    for name, parameters in {
        "none": {}, "unknown": {"ceiling": 1}, "in-capitals": {"Floor": 0.1},
        "part-unknown": {"limiterUpPerMinute": {"calm": 0.1}},
        "without-part": {"limiterUpPerMinute": {}}, "notionals-empty": {"notionals": []},
        "33-notionals": {"notionals": [str(i) for i in range(1, 34)]},
        "notional-exponent": {"notionals": ["1e5"]}, "part-of-floor": {"floor.normal": 0.1},
    }.items():
        refused("out-of-range", name, parameters)
    for name, parameters in {
        "null": None, "array": [], "floor-string": {"floor": "0.03"}, "floor-null": {"floor": None},
        "floor-array": {"floor": ["0.03"]}, "notionals-number": {"notionals": 100000},
        "notional-number": {"notionals": [100000]},
        "part-string": {"limiterUpPerMinute": {"normal": "0.02"}},
    }.items():
        refused("wrong-type", name, parameters)
    refused("out-of-range", "of-a-name-without-parts", {"floor": {"normal": 0.1}})
    refused("out-of-range", "whole-limiter", {"limiterUpPerMinute": 0.1})
    plain = text(PARAMETERS)
    to.refused(message, "out-of-range", "parameters-floor-1e400",
               plain.replace("0.03", "1e400"), key=key)
    to.refused(message, "duplicate-field", "parameters-one-twice", plain.replace(
        '"floor":0.03', '"floor":0.03,"floor":0.03'), seen=False, key=key)
    refused("duplicate-field", "one-in-both-forms", {
        "limiterUpPerMinute": {"normal": 0.02}, "limiterUpPerMinute.normal": 0.02}, seen=False)
