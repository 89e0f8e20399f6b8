#!/usr/bin/env python3
"""Writes the margin of hand-made accounts, computed from docs/model.md alone.

    python3 -m venv .venv && .venv/bin/pip install QuantLib==1.44
    .venv/bin/python Tests/MarginTests/Reference/make_cases.py

Made with QuantLib 1.44 from PyPI (its BlackCalculator prices the options); another version is
refused, so that the file names its origin. Nothing here was translated from the Swift sources:
the two meet in the formulas only, and in docs/decisions/0004-readings-of-margin.md where the
model leaves a choice.

cases.json: `market` (haircut tables, surfaces, settled prices), and `cases`, each with the shard
time, the accounts of one owner and what is expected of each account.
"""

import json
import math
from pathlib import Path

import QuantLib as ql

VERSION = "1.44"
HERE = Path(__file__).parent
YEAR = 365 * 86_400
DAY = 86_400

# Times are seconds from the tables' time.
IN_A_WEEK = 7 * DAY
IN_A_MONTH = 30 * DAY
IN_TWO_MONTHS = 60 * DAY
AN_HOUR_AGO = -3_600

TABLES = {
    "BTC": {
        "price": 60_000, "debtPrice": 60_060, "reference": 60_050,
        "tiers": [(0, 0.04, 0.03), (100_000, 0.10, 0.08), (1_000_000, 0.25, 0.2),
                  (5_000_000, 1, 1)],
        "scan": [(100_000, 0.10), (1_000_000, 0.14), (5_000_000, 0.22)],
        "fallback": 0.3, "stressVolatility": 1.2, "validUntil": 30,
    },
    "ETH": {
        "price": 3_000, "debtPrice": 3_004.5, "reference": 3_002,
        "tiers": [(0, 0.06, 0.045), (100_000, 0.14, 0.11), (1_000_000, 1, 1)],
        "scan": [(100_000, 0.12), (1_000_000, 0.2)],
        "fallback": 0.3, "stressVolatility": 1.2, "validUntil": 30,
    },
    "SOL": {  # no surface
        "price": 150, "debtPrice": 150.3, "reference": 150.1,
        "tiers": [(0, 0.12, 0.09), (100_000, 0.3, 0.24), (1_000_000, 1, 1)],
        "scan": [(100_000, 0.25), (1_000_000, 0.4)],
        "fallback": 0.6, "stressVolatility": 2.5, "validUntil": 30,
    },
    "USDC": {
        "price": 0.9995, "debtPrice": 1.0002, "reference": 1,
        "tiers": [(0, 0.01, 0.005), (1_000_000, 0.02, 0.01), (100_000_000, 1, 1)],
        "scan": [(100_000, 0.03), (1_000_000, 0.03)],
        "fallback": 0.1, "stressVolatility": 0.3, "validUntil": 30,
    },
    "OLD": {  # past its validity after 10 s
        "price": 10, "debtPrice": 10, "reference": 10,
        "tiers": [(0, 0.2, 0.15), (1_000, 0.8, 0.6), (10_000, 1, 1)],
        "scan": [(100_000, 0.25)],
        "fallback": 0.6, "stressVolatility": 2.5, "validUntil": 10,
    },
}

SURFACES = {
    "BTC": [
        (IN_A_WEEK, 60_100, [(50_000, 0.75), (60_000, 0.62), (70_000, 0.66)]),
        (IN_TWO_MONTHS, 60_700, [(40_000, 0.8), (60_000, 0.65), (90_000, 0.7)]),
    ],
    "ETH": [
        (IN_A_MONTH, 3_015, [(2_000, 0.9), (3_000, 0.75), (4_500, 0.8)]),
    ],
}

# The reference at which instruments that have expired were settled.
SETTLED = [("BTC", AN_HOUR_AGO, 61_000)]


def interpolate(x, points):
    """Linear through (x, y) points in order of x, flat beyond the ends."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]


# Marks


def forward(asset, expiry):
    surface = SURFACES.get(asset)
    if not surface:
        return TABLES[asset]["reference"]
    return interpolate(expiry, [(when, price) for when, price, _ in surface])


def volatility(asset, strike, expiry):
    surface = SURFACES.get(asset)
    if not surface:
        return TABLES[asset]["stressVolatility"]
    k = math.log(strike / forward(asset, expiry))
    variances = []
    for when, price, smile in surface:
        square = interpolate(k, [(math.log(s / price), v * v) for s, v in smile])
        variances.append((when, square * when / YEAR))
    years = expiry / YEAR
    if expiry <= variances[0][0]:
        total = variances[0][1] * expiry / variances[0][0]
    elif expiry <= variances[-1][0]:
        total = interpolate(expiry, variances)
    else:
        raise ValueError("no case lies beyond the surface")
    return math.sqrt(total / years)


def black(right, price, strike, expiry, sigma):
    kind = ql.Option.Call if right == "call" else ql.Option.Put
    payoff = ql.PlainVanillaPayoff(kind, strike)
    return ql.BlackCalculator(payoff, price, sigma * math.sqrt(expiry / YEAR), 1.0)


def expired(position):
    return position.get("expiry", 1) <= 0


def settled_price(position):
    for asset, expiry, price in SETTLED:
        if asset == position["underlying"] and expiry == position["expiry"]:
            return price
    return TABLES[position["underlying"]]["reference"]


def intrinsic(position, price):
    sign = 1 if position["right"] == "call" else -1
    return max(0, sign * (price - position["strike"]))


def mark_price(position):
    if expired(position):
        return settled_price(position)
    if position["kind"] == "perpetual":
        return TABLES[position["underlying"]]["reference"]
    return forward(position["underlying"], position["expiry"])


def mark(position):
    """Valuation currency of linear contracts and options, coins of inverse ones."""
    size = position["quantity"] * position["multiplier"]
    price = mark_price(position)
    if position["kind"] == "option":
        if expired(position):
            return size * intrinsic(position, price)
        sigma = volatility(position["underlying"], position["strike"], position["expiry"])
        return size * black(
            position["right"], price, position["strike"], position["expiry"], sigma).value()
    if position["contract"] == "inverse":
        return size * (1 / position["entryPrice"] - 1 / price)
    return size * (price - position["entryPrice"])


def settlement(position):
    default = "USD" if position["contract"] == "linear" else position["underlying"]
    return position.get("settlement", default)


# Risk


def delta_notional(position):
    if expired(position):
        return 0
    size = position["quantity"] * position["multiplier"]
    reference = TABLES[position["underlying"]]["reference"]
    if position["contract"] == "inverse":
        return size
    if position["kind"] == "option":
        sigma = volatility(position["underlying"], position["strike"], position["expiry"])
        delta = black(
            position["right"], mark_price(position), position["strike"], position["expiry"], sigma
        ).deltaForward()
        return size * delta * reference
    return size * reference


def scenarios():
    for price in [0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1, -1]:
        for shift in ["up", "down"]:
            yield price, shift, 1
    for price in [2, -2]:
        yield price, "none", 0.35


def shifted(sigma, expiry, shift):
    days = max(1, expiry / DAY)
    if shift == "none":
        return sigma
    change = 0.5 if shift == "up" else -0.25
    return sigma * min(3, max(0.25, 1 + change * (30 / days) ** 0.30))


def gain(position, move, shift):
    """Of the position, in the valuation currency, when prices move by a fraction."""
    if expired(position):
        return 0
    size = position["quantity"] * position["multiplier"]
    price = mark_price(position)
    moved = price * (1 + move)
    if position["kind"] == "option":
        right, strike, expiry = position["right"], position["strike"], position["expiry"]
        sigma = volatility(position["underlying"], strike, expiry)
        after = black(right, moved, strike, expiry, shifted(sigma, expiry, shift)).value()
        return size * (after - black(right, price, strike, expiry, sigma).value())
    if position["contract"] == "inverse":
        coins = size * (1 / price - 1 / moved)
        return coins * TABLES[position["underlying"]]["reference"] * (1 + move)
    return size * (moved - price)


def ladder(asset):
    """Notionals and ranges at which arrays are computed: the record's, and between them enough
    that ranges are 2.5 points apart at most."""
    scan = [(notional, down, down / (1 - down)) for notional, down in TABLES[asset]["scan"]]
    rungs = [scan[0]]
    for low, high in zip(scan, scan[1:]):
        pieces = max(1, math.ceil(abs(high[1] - low[1]) / 0.025 - 1e-12))
        for piece in range(1, pieces + 1):
            part = piece / pieces
            rungs.append(tuple(a + part * (b - a) for a, b in zip(low, high)))
    return rungs


def underlying_risk(asset, positions):
    if asset not in TABLES:
        return {"underlying": asset, "loss": sum(map(entry_notional, positions)), "price": 0,
                "volatility": "none"}
    net = abs(sum(map(delta_notional, positions)))
    rungs = ladder(asset)
    worst = None
    for price, shift, share in scenarios():
        at_rungs = []
        for notional, down, up in rungs:
            move = price * (down if price < 0 else up)
            total = sum(gain(position, move, shift) for position in positions)
            at_rungs.append((notional, share * total))
        result = interpolate(net, at_rungs)
        if worst is None or result < worst[0]:
            worst = (result, price, shift)
    short = sum(
        -p["quantity"] * p["multiplier"] * TABLES[asset]["reference"]
        for p in positions
        if p["kind"] == "option" and p["quantity"] < 0 and not expired(p))
    return {"underlying": asset, "loss": max(0, -worst[0]) + 0.005 * short, "price": worst[1],
            "volatility": worst[2]}


def entry_notional(position):
    size = abs(position["quantity"]) * position["multiplier"]
    if position["kind"] == "option":
        return size * position["strike"]
    return size if position["contract"] == "inverse" else size * position["entryPrice"]


# Collateral and debts


def counted(asset, value, time):
    """What a holding of this value counts, initial and maintenance."""
    if asset == "USD":
        return [value, value]
    table = TABLES[asset]
    result = []
    for column in [1, 2]:
        sum_ = 0
        bounds = [tier[0] for tier in table["tiers"]][1:] + [math.inf]
        for tier, end in zip(table["tiers"], bounds):
            haircut = tier[column]
            if column == 1 and time > table["validUntil"]:
                haircut = max(haircut, table["fallback"])
            slice_ = min(value, end) - tier[0]
            if slice_ > 0:
                sum_ += slice_ * (1 - haircut)
        result.append(sum_)
    return result


def price_of(asset, name):
    return 1 if asset == "USD" else TABLES[asset][name]


def known(asset):
    return asset == "USD" or asset in TABLES


def quantities(account):
    """Balances, with what derivatives settle into them."""
    result = dict(account["balances"])
    for position in account["positions"]:
        if position["kind"] != "option" and position["underlying"] in TABLES:
            asset = settlement(position)
            result[asset] = result.get(asset, 0) + mark(position)
    return {asset: quantity for asset, quantity in result.items() if quantity != 0}


def assess(account, owners_held, time):
    held = quantities(account)
    options = sum(
        mark(p) for p in account["positions"]
        if p["kind"] == "option" and p["underlying"] in TABLES)
    equity = options
    collateral, debts = [0, 0], [0, 0]
    reasons = set()
    assets = []
    for asset in sorted(held):
        quantity = held[asset]
        if not known(asset):
            reasons.add("unknown-asset" if quantity > 0 else "unpriced")
            assets.append({"asset": asset, "quantity": quantity, "value": 0, "loss": [0, 0]})
            continue
        if asset in TABLES and time > TABLES[asset]["validUntil"]:
            reasons.add("stale-data")
        if quantity > 0:
            price = price_of(asset, "price")
            value = quantity * price
            owner_value = owners_held[asset] * price
            share = value / owner_value
            worth = [share * c for c in counted(asset, owner_value, time)]
            collateral = [a + b for a, b in zip(collateral, worth)]
            loss = [value - w for w in worth]
        else:
            value = quantity * price_of(asset, "debtPrice")
            average = [1 - c / -value for c in counted(asset, -value, time)]
            loss = [-value * a for a in average]
            debts = [d + -value + part for d, part in zip(debts, loss)]
        equity += value
        assets.append({"asset": asset, "quantity": quantity, "value": value, "loss": loss})

    risk = []
    for underlying in sorted({p["underlying"] for p in account["positions"]}):
        positions = [p for p in account["positions"] if p["underlying"] == underlying]
        risk.append(underlying_risk(underlying, positions))
        if underlying not in TABLES:
            reasons.add("unknown-underlying")
        elif any(map(expired, positions)):
            reasons.add("expired")
        if underlying in TABLES and underlying not in SURFACES and any(
                p["kind"] == "option" and not expired(p) for p in positions):
            reasons.add("stress-volatility")
    maintenance = sum(entry["loss"] for entry in risk)
    requirement = [1.25 * maintenance, maintenance]
    if account.get("requirement"):
        requirement = account["requirement"]
        reasons.add("stated-requirement")

    unrealised = sum(
        mark(p) * (1 if p["kind"] == "option" or settlement(p) == "USD"
                   else TABLES[settlement(p)]["reference"])
        for p in account["positions"] if p["underlying"] in TABLES)
    excess = [c - d + options - r for c, d, r in zip(collateral, debts, requirement)]
    scale = requirement[1] + 0.10 * debts[1]
    status = "healthy"
    if excess[0] < 0.25 * scale:
        status = "warning"
    if excess[0] < 0 or "unpriced" in reasons:
        status = "margin-call"
    if excess[1] < 0:
        status = "liquidation"
    if equity < 0:
        status = "bankrupt"
    against = collateral[1] + options
    return {
        "account": account["account"], "status": status, "equity": equity,
        "collateral": collateral, "debts": debts, "unrealised": unrealised,
        "requirement": requirement, "excess": excess, "scale": scale,
        "marginRatio": (requirement[1] + debts[1]) / against if against > 0 else None,
        "assets": assets, "risk": risk, "reasons": sorted(reasons),
    }


# The accounts


def perpetual(underlying, quantity, entry, contract="linear", multiplier=1, **more):
    return {"kind": "perpetual", "underlying": underlying, "contract": contract,
            "multiplier": multiplier, "quantity": quantity, "entryPrice": entry, **more}


def future(underlying, quantity, entry, expiry, contract="linear", multiplier=1, **more):
    return {"kind": "future", "underlying": underlying, "contract": contract,
            "multiplier": multiplier, "quantity": quantity, "entryPrice": entry, "expiry": expiry,
            **more}


def option(right, underlying, quantity, strike, expiry, multiplier=1):
    return {"kind": "option", "underlying": underlying, "contract": "linear",
            "multiplier": multiplier, "quantity": quantity, "entryPrice": 1, "expiry": expiry,
            "strike": strike, "right": right}


def account(balances, positions=(), name="A-1", requirement=None):
    return {"account": name, "balances": balances, "positions": list(positions),
            "requirement": requirement}


CASES = [
    ("spot only: coins through their tiers, dollars in full", 1,
     [account({"BTC": 2.5, "USD": 1_000})]),
    ("borrower: a debt in a stable coin weighs its haircut more", 1,
     [account({"BTC": 1.5, "USDC": -80_000})]),
    ("borrower under water: liquidation", 1,
     [account({"BTC": 1.5, "USDC": -87_000})]),
    ("stable-collateral borrower: the debt is the volatile side", 1,
     [account({"USDC": 200_000, "ETH": -50})]),
    ("short put: the worst is a fall with volatility up", 1,
     [account({"USD": 40_000}, [option("put", "BTC", -1, 55_000, IN_A_MONTH)])]),
    ("hedged straddle: the perpetual takes the delta out", 1,
     [account({"USD": 30_000},
              [option("call", "BTC", 2, 60_000, IN_A_MONTH),
               option("put", "BTC", 2, 60_000, IN_A_MONTH),
               perpetual("BTC", -0.2, 60_500)])]),
    ("short strangle beyond the first grid notional", 1,
     [account({"USD": 400_000, "BTC": 3},
              [option("call", "BTC", -12, 66_000, IN_A_MONTH),
               option("put", "BTC", -4, 52_000, IN_TWO_MONTHS)])]),
    ("inverse future: its coins join the bitcoin balance", 1,
     [account({"BTC": 2}, [future("BTC", -900, 61_500, IN_A_MONTH, "inverse", 100)])]),
    ("inverse perpetual with a loss that turns the balance into a debt", 1,
     [account({"BTC": 0.01, "USD": 30_000}, [perpetual("BTC", 1_000, 64_000, "inverse", 100)])]),
    ("leveraged long between two grid notionals", 1,
     [account({"USDC": 90_000}, [perpetual("BTC", 10, 60_200, settlement="USDC")])]),
    ("mixed: spot, debt, perpetuals, a future and options on two underlyings", 1,
     [account({"BTC": 3, "ETH": 20, "USDC": -120_000, "USD": 5_000},
              [perpetual("BTC", -1.5, 59_000), future("ETH", 40, 2_950, IN_A_WEEK),
               option("call", "ETH", -30, 3_300, IN_A_WEEK),
               option("put", "BTC", 2, 58_000, IN_TWO_MONTHS)])]),
    ("an owner's two accounts share the tiers in proportion", 1,
     [account({"BTC": 1.5, "USDC": -60_000}, name="A-1"),
      account({"BTC": 4.5, "USD": -200_000}, name="A-2")]),
    ("a stated requirement replaces the derivatives' part", 1,
     [account({"BTC": 1, "USDC": -10_000}, [perpetual("BTC", 1, 60_000)],
              requirement=[9_000, 7_200])]),
    ("an option that expired in the money keeps its settled value and risks nothing", 1,
     [account({"USD": 1_000}, [option("call", "BTC", 1, 58_000, AN_HOUR_AGO)])]),
    ("an unknown asset counts nothing, an unknown underlying is all risk", 1,
     [account({"USD": 20_000, "DOGE": 5_000}, [perpetual("PEPE", -1_000, 12)])]),
    ("a debt without a price is at least a margin call", 1,
     [account({"USD": 50_000, "DOGE": -10})]),
    ("options without a surface use the stress volatility", 1,
     [account({"USD": 20_000}, [option("put", "SOL", -50, 140, IN_A_MONTH)])]),
    ("past its validity the fallback counts for initial margin, tier by tier", 11,
     [account({"OLD": 500, "USD": -2_000})]),
]


def case(name, time, accounts):
    owners_held = {}
    for one in accounts:
        for asset, quantity in quantities(one).items():
            owners_held[asset] = owners_held.get(asset, 0) + max(0, quantity)
    return {"name": name, "time": time, "accounts": accounts,
            "expected": [assess(one, owners_held, time) for one in accounts]}


def main() -> None:
    if ql.__version__ != VERSION:
        raise SystemExit(f"QuantLib {VERSION} is wanted, this is {ql.__version__}.")
    document = {
        "market": {
            "tables": [{"asset": asset, **table} for asset, table in TABLES.items()],
            "surfaces": [
                {"asset": asset, "expiries": [
                    {"expiry": expiry, "forward": price, "strikes": [s for s, _ in smile],
                     "volatilities": [v for _, v in smile]}
                    for expiry, price, smile in surface]}
                for asset, surface in SURFACES.items()],
            "settled": [
                {"asset": asset, "expiry": expiry, "price": price}
                for asset, expiry, price in SETTLED],
        },
        "cases": [case(*one) for one in CASES],
    }
    with open(HERE / "cases.json", "w", encoding="ascii") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
