"""Examples of the messages on accounts: positions, margin requirements and alerts."""

from example_rules import (
    MISSING, altered, any_message, decimals, input_times, spoken, text, without_each_field)

PERPETUAL = {
    "instrument": "BTC-PERP", "kind": "perpetual", "underlying": "BTC", "contract": "linear",
    "multiplier": "1", "quantity": "-2", "entryPrice": "61000",
}
FUTURE = {
    "instrument": "BTC-25DEC26", "kind": "future", "underlying": "BTC", "contract": "inverse",
    "multiplier": "10", "quantity": "100", "entryPrice": "61500",
    "expiry": "2026-12-25T08:00:00Z",
}
OPTION = {
    "instrument": "BTC-25DEC26-60000-P", "kind": "option", "underlying": "BTC",
    "contract": "linear", "multiplier": "1", "quantity": "-5", "entryPrice": "1200",
    "expiry": "2026-12-25T08:00:00Z", "strike": "60000", "right": "put",
}
POSITIONS = {
    "schema": "positions.v1", "account": "A-1", "owner": "O-1",
    "time": "2026-11-22T14:00:00.123456Z", "sequence": 55,
    "balances": [
        {"asset": "BTC", "quantity": "1.5"}, {"asset": "USDT", "quantity": "-20000"},
    ],
    "positions": [PERPETUAL, FUTURE, OPTION],
    "requirement": {"initial": "9000", "maintenance": "7200"},
}
REQUIREMENT = {
    "schema": "margin-requirement.v1", "account": "A-1", "time": "2026-11-22T14:00:00.123456Z",
    "sequence": 56, "status": "healthy", "equity": "71852.12",
    "collateral": {"initial": "87029.88", "maintenance": "88729.14"}, "unrealised": "-469.5",
    "requirement": {"initial": "9000", "maintenance": "7200"},
    "excess": {"initial": "58029.88", "maintenance": "61529.14"}, "marginRatio": 0.31,
    "assets": [{
        "asset": "BTC", "quantity": "1.5", "price": "61234.75", "value": "91852.12",
        "haircutLoss": {"initial": "4822.24", "maintenance": "3122.98"},
        "haircutSequence": 3001,
    }],
    "reasons": ["stress-volatility"],
    "risk": [{
        "underlying": "BTC", "loss": "7200", "scenario": {"price": -1, "volatility": "up"},
    }],
    "positionsSequence": 55,
    "cause": {"topic": "accounts.positions.v1", "partition": 3, "offset": 991},
}
SALE = {
    "action": "sell", "asset": "BTC", "quantity": "0.4", "relief": "810.25", "impact": 0.0012,
    "notBefore": "2026-11-22T14:00:00.123456Z",
}
CLOSING = {
    "action": "close", "instrument": "BTC-PERP", "quantity": "2", "relief": "6100",
    "impact": 0.002, "notBefore": "2026-11-22T14:01:00.123456Z",
}
ALERT = {
    "schema": "liquidation-alert.v1", "id": "6f1d3c0a9b2e4758", "account": "A-1",
    "time": "2026-11-22T14:00:00.123456Z", "level": "margin-call", "previous": "healthy",
    "cause": "haircut", "shortfall": {"initial": "1200.5", "maintenance": "0"},
    "distance": -0.031, "plan": [SALE, CLOSING],
}


def many(to, message, refusal, base, cases):
    """One example for each place and value."""
    for path, value in cases:
        name = f"{path.replace('.', '-')}-is-{spoken(value)}"
        to.refused(message, refusal, name, altered(base, (path, value)))


def positions(to):
    message = "positions.v1"
    to.valid(message, "one-of-each", POSITIONS)
    any_message(to, message, POSITIONS, "account")
    without_each_field(to, message, POSITIONS, optional=("requirement",))
    for field in ("initial", "maintenance"):
        to.refused(message, "missing-field", f"without-requirement-{field}",
                   altered(POSITIONS, (f"requirement.{field}", MISSING)))
    input_times(to, message, POSITIONS)

    def valid(name, *changes):
        to.valid(message, name, altered(POSITIONS, *changes))

    def refused(refusal, name, *changes, seen=True):
        to.refused(message, refusal, name, altered(POSITIONS, *changes), seen=seen)

    valid("without-requirement", ("requirement", MISSING))
    valid("nothing-held", ("balances", []), ("positions", []), ("requirement", MISSING))
    valid("owner-is-the-account", ("owner", "A-1"))
    valid("balance-0", ("balances.0.quantity", "0"))
    valid("balance-18-digits-owed", ("balances.1.quantity", "-999999999999999999.000000000000000001"))
    valid("quantity-0", ("positions.0.quantity", "0"))
    many_assets = [{"asset": f"A{i * 7919 % 1000}", "quantity": "1"} for i in range(1000)]
    valid("1000-balances", ("balances", many_assets))
    valid("1000-positions", ("positions", [
        dict(PERPETUAL, instrument=f"P{i * 7919 % 1000}") for i in range(1000)]))

    refused("duplicate-asset", "asset-twice", ("balances.1.asset", "BTC"), seen=False)
    to.refused(message, "duplicate-asset", "asset-twice-escaped",
               text(POSITIONS).replace('"USDT"', '"\\u0042TC"'), seen=False)
    refused("duplicate-asset", "asset-twice-among-1000",
            ("balances", many_assets[:999] + many_assets[:1]), seen=False)
    refused("duplicate-instrument", "instrument-twice",
            ("positions.1.instrument", "BTC-PERP"), seen=False)
    refused("duplicate-instrument", "position-twice", ("positions.1", PERPETUAL), seen=False)

    for index, kind in ((0, "perpetual"), (1, "future")):
        for contract in ("linear", "inverse"):
            valid(f"{kind}-{contract}", (f"positions.{index}.contract", contract))
        valid(f"{kind}-settled-in-usdt", (f"positions.{index}.settlement", "USDT"))
        refused("wrong-type", f"{kind}-settlement-null", (f"positions.{index}.settlement", None))
        refused("out-of-range", f"{kind}-settlement-empty",
                (f"positions.{index}.settlement", ""))
        refused("out-of-range", f"{kind}-with-strike", (f"positions.{index}.strike", "60000"))
        refused("out-of-range", f"{kind}-with-right", (f"positions.{index}.right", "put"))
        refused("out-of-range", f"{kind}-entry-price-0", (f"positions.{index}.entryPrice", "0"))
    refused("out-of-range", "perpetual-with-expiry",
            ("positions.0.expiry", "2026-12-25T08:00:00Z"))
    valid("option-call", ("positions.2.right", "call"))
    valid("option-entry-price-0", ("positions.2.entryPrice", "0"))
    refused("out-of-range", "option-inverse", ("positions.2.contract", "inverse"))
    refused("out-of-range", "option-with-settlement", ("positions.2.settlement", "USDT"))

    valid("requirement-equal", ("requirement.initial", "7200"))
    valid("requirement-0", ("requirement", {"initial": "0", "maintenance": "0"}))
    refused("out-of-range", "requirement-maintenance-above-initial",
            ("requirement.maintenance", "9000.000000000000000001"), seen=False)

    decimals(to, message, POSITIONS, "positions.0.entryPrice", "entry-price")
    many(to, message, "out-of-range", POSITIONS, (
        ("owner", ""), ("owner", "O 1"), ("balances.0.asset", "B|TC"),
        ("balances.0.quantity", "1e3"), ("balances.0.quantity", "1.0000000000000000001"),
        ("balances.0.quantity", "+1"), ("positions.0.instrument", ""),
        ("positions.0.kind", "swap"), ("positions.0.kind", "Perpetual"),
        ("positions.0.underlying", "A" * 65), ("positions.0.contract", "quanto"),
        ("positions.0.multiplier", "0"), ("positions.0.multiplier", "-1"),
        ("positions.0.entryPrice", "-1"), ("positions.2.entryPrice", "-1"),
        ("positions.1.expiry", "2026-12-25"), ("positions.2.strike", "0"),
        ("positions.2.strike", "-60000"), ("positions.2.right", "straddle"),
        ("requirement.initial", "-9000"), ("requirement.maintenance", "-1"),
        ("requirement.maintenance", "-0"),
    ))
    many(to, message, "wrong-type", POSITIONS, (
        ("owner", None), ("balances", {}), ("balances", None), ("balances.0", ["BTC", "1.5"]),
        ("balances.0.quantity", 1.5), ("positions", {}), ("positions", None),
        ("positions.0", "BTC-PERP"), ("positions.0.kind", 1), ("positions.0.contract", None),
        ("positions.0.multiplier", 1), ("positions.0.quantity", -2),
        ("positions.0.entryPrice", 61000), ("positions.1.expiry", 1798185600),
        ("positions.1.expiry", None), ("positions.2.strike", 60000),
        ("positions.2.right", False), ("requirement", None), ("requirement", []),
        ("requirement.initial", 9000),
    ))


def requirements(to):
    message = "margin-requirement.v1"
    to.valid(message, "healthy", REQUIREMENT)
    any_message(to, message, REQUIREMENT, "account")
    without_each_field(to, message, REQUIREMENT)

    def valid(name, *changes):
        to.valid(message, name, altered(REQUIREMENT, *changes))

    for status in ("warning", "margin-call", "liquidation", "bankrupt"):
        valid(f"status-{status}", ("status", status))
    valid("nothing-stands-against-the-debt", ("marginRatio", None), ("status", "bankrupt"))
    valid("below-0", ("equity", "-1"), ("excess.initial", "-2.5"), ("excess.maintenance", "-1"))
    valid("nothing-held", ("assets", []), ("risk", []))
    valid("owed", ("assets.0.quantity", "-1.5"), ("assets.0.value", "-91860.15"))
    valid("unpriced", ("assets.0.price", "0"), ("assets.0.haircutSequence", 0))
    valid("no-reason", ("reasons", []))
    valid("every-reason", ("reasons", [
        "unpriced", "unknown-asset", "unknown-underlying", "stress-volatility", "stale-data",
        "stated-requirement", "expired"]))
    for name, price in {"extreme": -2, "third": 0.333333333333, "none": 0}.items():
        valid(f"scenario-{name}", ("risk.0.scenario", {"price": price, "volatility": "none"}))
    valid("caused-by-timer", ("cause", {"timer": "2026-11-22T14:00:00.123456Z"}))

    many(to, message, "out-of-range", REQUIREMENT, (
        ("status", "cleared"), ("status", "Healthy"), ("equity", "1e3"),
        ("collateral.initial", "-1"), ("collateral.maintenance", "-1"),
        ("requirement.initial", "-1"), ("requirement.maintenance", "-0"),
        ("excess.initial", "--1"), ("marginRatio", -0.1), ("assets.0.asset", ""),
        ("assets.0.price", "-1"), ("assets.0.haircutLoss.initial", "-1"),
        ("assets.0.haircutSequence", -1), ("reasons", ["whim"]), ("reasons", ["expired"] * 2),
        ("risk.0.underlying", ""), ("risk.0.loss", "-1"), ("risk.0.scenario.price", -2.5),
        ("risk.0.scenario.price", 2.5), ("risk.0.scenario.volatility", "sideways"),
        ("positionsSequence", -1), ("positionsSequence", 2**53), ("cause.topic", ""),
        ("cause.partition", -1), ("cause.offset", -1),
    ))
    many(to, message, "wrong-type", REQUIREMENT, (
        ("status", 1), ("equity", 71852.12), ("collateral", "87029.88"), ("unrealised", None),
        ("requirement", []), ("excess.maintenance", 61529.14), ("marginRatio", "0.31"),
        ("assets", {}), ("assets.0", []), ("assets.0.quantity", 1.5),
        ("assets.0.haircutLoss", "0"), ("assets.0.haircutSequence", None),
        ("reasons", "expired"), ("reasons", [1]), ("risk", None), ("risk.0", "BTC"),
        ("risk.0.loss", 7200), ("risk.0.scenario", None), ("risk.0.scenario.price", "-1"),
        ("risk.0.scenario.volatility", None), ("positionsSequence", "55"), ("cause", "timer"),
    ))


def alerts(to):
    message = "liquidation-alert.v1"
    to.valid(message, "margin-call", ALERT)
    any_message(to, message, ALERT, "account")
    without_each_field(to, message, ALERT)

    def valid(name, *changes):
        to.valid(message, name, altered(ALERT, *changes))

    for level in ("warning", "liquidation", "bankrupt", "cleared"):
        valid(f"level-{level}", ("level", level))
    for status in ("warning", "margin-call", "liquidation", "bankrupt"):
        valid(f"previous-{status}", ("previous", status))
    for cause in ("price", "volatility", "position", "stale-data", "override"):
        valid(f"cause-{cause}", ("cause", cause))
    valid("no-move-reaches-liquidation", ("distance", None))
    valid("nothing-to-sell", ("plan", []))
    valid("relief-below-0", ("plan.0.relief", "-0.01"))

    to.refused(message, "out-of-range", "sale-of-an-instrument-too",
               altered(ALERT, ("plan.0.instrument", "BTC-PERP")))
    to.refused(message, "out-of-range", "closing-of-an-asset-too",
               altered(ALERT, ("plan.1.asset", "BTC")))
    many(to, message, "out-of-range", ALERT, (
        ("id", ""), ("level", "healthy"), ("level", "margin call"), ("previous", "cleared"),
        ("cause", "greed"), ("shortfall.initial", "-1"), ("shortfall.maintenance", "-1"),
        ("plan.0.action", "buy"), ("plan.0.asset", ""), ("plan.0.quantity", "0"),
        ("plan.0.quantity", "-1"), ("plan.0.relief", "1e3"), ("plan.0.impact", -0.1),
        ("plan.0.notBefore", "now"), ("plan.1.instrument", "A|B"),
    ))
    many(to, message, "wrong-type", ALERT, (
        ("id", 1), ("level", None), ("previous", []), ("cause", {"timer": "now"}),
        ("shortfall", "1200.5"), ("shortfall.initial", 1200.5), ("distance", "-0.031"),
        ("plan", None), ("plan", {}), ("plan.0", "sell"), ("plan.0.quantity", 0.4),
        ("plan.0.impact", "0.0012"), ("plan.0.notBefore", None),
    ))
