import Haircuts
import Margin
import Market
import Messages
import Quantities

/// The examples of the contracts on accounts and on the loop, as bytes that must come out and go
/// in.
extension Examples {
    static let positions = """
        {"schema":"positions.v1","account":"A-1","owner":"O-1",\
        "time":"2026-11-22T14:00:00.123456Z","sequence":55,\
        "balances":[{"asset":"BTC","quantity":"1.5"},{"asset":"USDT","quantity":"-20000"}],\
        "positions":[{"instrument":"BTC-PERP","kind":"perpetual","underlying":"BTC",\
        "contract":"linear","multiplier":"1","quantity":"-2","entryPrice":"61000"},\
        {"instrument":"BTC-25DEC26","kind":"future","underlying":"BTC","contract":"inverse",\
        "multiplier":"10","quantity":"100","entryPrice":"61500",\
        "expiry":"2026-12-25T08:00:00.000000Z"},\
        {"instrument":"BTC-25DEC26-60000-P","kind":"option","underlying":"BTC",\
        "contract":"linear","multiplier":"1","quantity":"-5","entryPrice":"1200",\
        "expiry":"2026-12-25T08:00:00.000000Z","strike":"60000","right":"put"}],\
        "requirement":{"initial":"9000","maintenance":"7200"}}
        """
    static let requirement = """
        {"schema":"margin-requirement.v1","account":"A-1",\
        "time":"2026-11-22T14:00:00.200000Z","sequence":56,"status":"healthy",\
        "equity":"71852.12","collateral":{"initial":"87029.88","maintenance":"88729.14"},\
        "unrealised":"-469.5","requirement":{"initial":"9000","maintenance":"7200"},\
        "excess":{"initial":"58029.88","maintenance":"61529.14"},"marginRatio":0.31,\
        "assets":[{"asset":"BTC","quantity":"1.5","price":"61234.75","value":"91852.12",\
        "haircutLoss":{"initial":"4822.24","maintenance":"3122.98"},"haircutSequence":3001}],\
        "reasons":[],"risk":[{"underlying":"BTC","loss":"7200",\
        "scenario":{"price":-1,"volatility":"up"}}],"positionsSequence":55,\
        "cause":{"topic":"accounts.positions.v1","partition":3,"offset":991}}
        """
    static let alert = """
        {"schema":"liquidation-alert.v1","id":"6f1d","account":"A-1",\
        "time":"2026-11-22T14:00:00.200000Z","level":"margin-call","previous":"healthy",\
        "cause":"haircut","shortfall":{"initial":"1200.5","maintenance":"0"},\
        "distance":-0.031,"plan":[{"action":"sell","asset":"BTC","quantity":"0.4",\
        "relief":"810.25","impact":0.0012,"notBefore":"2026-11-22T14:00:00.200000Z"},\
        {"action":"close","instrument":"BTC-PERP","quantity":"2","relief":"6100",\
        "impact":0.002,"notBefore":"2026-11-22T14:01:00.200000Z"}]}
        """
    static let exposure = """
        {"schema":"exposure.v1","asset":"BTC","shard":3,"time":"2026-11-22T14:00:00.200000Z",\
        "sequence":77,"haircutSequence":3001,"price":"61234.75","pledged":"812.5",\
        "pledgedValue":"49750000","borrowed":"3.1",\
        "byHaircut":[{"rise":0.0025,"value":"120000"},{"rise":0.005,"value":"120000"}],\
        "byPrice":[{"fall":0.005,"value":"90000"}],"accounts":10234}
        """
    static let breaker = """
        {"schema":"breaker.v1","asset":"BTC","time":"2026-11-22T14:00:00.200000Z",\
        "from":"normal","to":"elevated","reasons":["depth-below-half"],\
        "since":"2026-11-22T13:59:58.000000Z"}
        """
    static let control = """
        {"schema":"control.v1","asset":"BTC","time":"2026-11-22T14:00:00.000000Z",\
        "sequence":1,"action":"override","initial":0.5,"maintenance":0.3,\
        "expires":"2026-11-23T02:00:00.000000Z","reason":"exchange outage","by":"alice",\
        "approvedBy":"bob"}
        """
    static let parameters = """
        {"schema":"control.v1","asset":"*","time":"2026-11-22T14:00:00.000000Z",\
        "sequence":2,"action":"parameters","parameters":{"floor":0.03,\
        "limiterUpPerMinute.normal":0.02,"notionals":["100000","1000000"]},\
        "reason":"thin holidays","by":"alice","approvedBy":"bob"}
        """
}

/// The same as values.
enum Golden {
    static let positions = AccountSnapshot(
        account: name("A-1"), owner: name("O-1"), time: instant("2026-11-22T14:00:00.123456Z"),
        sequence: 55,
        balances: [
            Balance(asset: name("BTC"), quantity: decimal("1.5")),
            Balance(asset: name("USDT"), quantity: decimal("-20000")),
        ],
        positions: [
            Position(
                instrument: name("BTC-PERP"), terms: .perpetual(.linear, settlement: nil),
                underlying: name("BTC"), multiplier: .one, quantity: decimal("-2"),
                entryPrice: decimal("61000")),
            Position(
                instrument: name("BTC-25DEC26"),
                terms: .future(.inverse, settlement: nil, expiry: instant("2026-12-25T08:00:00Z")),
                underlying: name("BTC"), multiplier: decimal("10"), quantity: decimal("100"),
                entryPrice: decimal("61500")),
            Position(
                instrument: name("BTC-25DEC26-60000-P"),
                terms: .option(
                    .put, strike: decimal("60000"), expiry: instant("2026-12-25T08:00:00Z")),
                underlying: name("BTC"), multiplier: .one, quantity: decimal("-5"),
                entryPrice: decimal("1200")),
        ],
        requirement: StatedRequirement(initial: decimal("9000"), maintenance: decimal("7200")))

    static let requirement = MarginRequirement(
        account: name("A-1"), time: instant("2026-11-22T14:00:00.2Z"), sequence: 56,
        status: .healthy, equity: decimal("71852.12"),
        collateral: amounts("87029.88", "88729.14"), unrealised: decimal("-469.5"),
        requirement: amounts("9000", "7200"), excess: amounts("58029.88", "61529.14"),
        marginRatio: 0.31,
        assets: [
            AssetMargin(
                asset: name("BTC"), quantity: decimal("1.5"), price: decimal("61234.75"),
                value: decimal("91852.12"), haircutLoss: amounts("4822.24", "3122.98"),
                haircutSequence: 3001)
        ],
        reasons: [],
        risk: [
            UnderlyingRisk(
                underlying: name("BTC"), loss: decimal("7200"),
                scenario: RiskScenario(price: -1, volatility: .up))
        ],
        positionsSequence: 55,
        cause: .record(topic: "accounts.positions.v1", partition: 3, offset: 991))

    static let alert = LiquidationAlert(
        id: "6f1d", account: name("A-1"), time: instant("2026-11-22T14:00:00.2Z"),
        level: .marginCall, previous: .healthy, cause: .haircut,
        shortfall: amounts("1200.5", "0"), distance: -0.031,
        plan: [
            PlanStep(
                action: .sell(asset: name("BTC")), quantity: decimal("0.4"),
                relief: decimal("810.25"), impact: 0.0012,
                notBefore: instant("2026-11-22T14:00:00.2Z")),
            PlanStep(
                action: .close(instrument: name("BTC-PERP")), quantity: decimal("2"),
                relief: decimal("6100"), impact: 0.002,
                notBefore: instant("2026-11-22T14:01:00.2Z")),
        ])

    static let exposure = Exposure(
        asset: name("BTC"), shard: 3, time: instant("2026-11-22T14:00:00.2Z"), sequence: 77,
        haircutSequence: 3001, price: decimal("61234.75"), pledged: decimal("812.5"),
        pledgedValue: decimal("49750000"), borrowed: decimal("3.1"),
        byHaircut: [
            Exposure.Rung(step: 0.0025, value: decimal("120000")),
            Exposure.Rung(step: 0.005, value: decimal("120000")),
        ],
        byPrice: [Exposure.Rung(step: 0.005, value: decimal("90000"))], accounts: 10_234)

    static let breaker = BreakerChange(
        asset: name("BTC"), time: instant("2026-11-22T14:00:00.2Z"), from: .normal, to: .elevated,
        reasons: .depthBelowHalf, since: instant("2026-11-22T13:59:58Z"))

    static let control = Control(
        asset: name("BTC"), time: instant("2026-11-22T14:00:00Z"), sequence: 1,
        order: .override(Haircut(initial: 0.5, maintenance: 0.3)),
        expires: instant("2026-11-23T02:00:00Z"), reason: "exchange outage", by: "alice",
        approvedBy: "bob")

    static let parameters = Control(
        asset: nil, time: instant("2026-11-22T14:00:00Z"), sequence: 2,
        order: .parameters([
            Control.ParameterChange(name: "floor", value: .number(0.03)),
            Control.ParameterChange(name: "limiterUpPerMinute.normal", value: .number(0.02)),
            Control.ParameterChange(
                name: "notionals", value: .amounts([decimal("100000"), decimal("1000000")])),
        ]),
        expires: nil, reason: "thin holidays", by: "alice", approvedBy: "bob")

    static func amounts(_ initial: String, _ maintenance: String) -> MarginAmounts {
        MarginAmounts(initial: decimal(initial), maintenance: decimal(maintenance))
    }
}

func decodePositions(
    _ bytes: some Sequence<UInt8>, key: String = "A-1", timestamp: Instant? = nil
) -> Outcome<AccountSnapshot> {
    var decoder = PositionsDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var snapshot = AccountSnapshot.blank
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &snapshot)
        return snapshot
    }
}

func decodeRequirement(
    _ bytes: some Sequence<UInt8>, key: String = "A-1", timestamp: Instant? = nil
) -> Outcome<MarginRequirement> {
    var decoder = MarginRequirementDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var requirement = MarginRequirement.blank
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &requirement)
        return requirement
    }
}

func decodeAlert(
    _ bytes: some Sequence<UInt8>, key: String = "A-1", timestamp: Instant? = nil
) -> Outcome<LiquidationAlert> {
    var decoder = LiquidationAlertDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var alert = LiquidationAlert.blank
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &alert)
        return alert
    }
}

func decodeExposure(
    _ bytes: some Sequence<UInt8>, key: String = "BTC|3", timestamp: Instant? = nil
) -> Outcome<Exposure> {
    var decoder = ExposureDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var exposure = Exposure.blank
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &exposure)
        return exposure
    }
}

func decodeBreaker(
    _ bytes: some Sequence<UInt8>, key: String = "BTC", timestamp: Instant? = nil
) -> Outcome<BreakerChange> {
    let decoder = BreakerDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var change = BreakerChange.blank
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &change)
        return change
    }
}

func decodeControl(
    _ bytes: some Sequence<UInt8>, key: String = "BTC|override", timestamp: Instant? = nil
) -> Outcome<Control> {
    let decoder = ControlDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var control = Control.blank
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &control)
        return control
    }
}
