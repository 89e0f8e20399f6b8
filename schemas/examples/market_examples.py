"""Examples of the messages on markets: quotes, surfaces and haircut tables."""

from example_rules import (
    MISSING, altered, any_message, decimals, input_times, levels, spoken, text,
    without_each_field)

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

    impact = {"halfSpread": 0.0003, "dailyDeviation": 0.0374, "volume": "6123475000"}
    full = altered(HAIRCUT, ("impact", impact), ("systemCollateral", "500000000"),
                   ("shares", [0.25, 0, 0.75]))
    to.valid(message, "with-what-plans-need", full)
    to.valid(message, "shares-empty", altered(full, ("shares", [])))
    to.valid(message, "shares-add-up-within-rounding", altered(
        full, ("shares", [0.5, 0.500000001])))
    to.valid(message, "1024-shares", altered(full, ("shares", [0.0005] * 1024)))
    to.valid(message, "impact-nothing", altered(
        full, ("impact.halfSpread", 0), ("impact.dailyDeviation", 0)))
    to.valid(message, "system-collateral-0", altered(full, ("systemCollateral", "0")))
    for field in impact:
        to.refused(message, "missing-field", f"without-impact-{field}",
                   altered(full, (f"impact.{field}", MISSING)))
    to.refused(message, "out-of-range", "1025-shares", altered(full, ("shares", [0.0005] * 1025)))
    to.refused(message, "out-of-range", "shares-above-1", altered(
        full, ("shares", [0.5, 0.50000001])), seen=False)
    for path, value in (
        ("impact.halfSpread", -0.0001), ("impact.dailyDeviation", -1), ("impact.volume", "0"),
        ("impact.volume", "-1"), ("systemCollateral", "-1"), ("systemCollateral", "-0"),
        ("shares.0", 1.1), ("shares.0", -0.1),
    ):
        name = f"{path.replace('.', '-')}-is-{spoken(value)}"
        to.refused(message, "out-of-range", name, altered(full, (path, value)))
    for path, value in (
        ("impact", None), ("impact", []), ("impact.halfSpread", "0.1"),
        ("impact.dailyDeviation", None), ("impact.volume", 1), ("systemCollateral", 1),
        ("systemCollateral", None), ("shares", None), ("shares", {}), ("shares.0", "0.25"),
    ):
        name = f"{path.replace('.', '-')}-is-{spoken(value)}"
        to.refused(message, "wrong-type", name, altered(full, (path, value)))

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
