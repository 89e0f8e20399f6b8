import Haircuts
import Margin
import Market
import Messages
import Quantities
import TestSupport

/// Random values of the messages on accounts and on the loop.
extension RandomMessages {
    mutating func flip() -> Bool { count(0...1) == 0 }

    mutating func one<Value>(of values: [Value], else fallback: Value) -> Value {
        values.randomElement(using: &random) ?? fallback
    }

    /// Of any sign, sometimes 0.
    mutating func signed() -> FixedDecimal {
        if count(0...9) == 0 { return .zero }
        return flip() ? decimal() : -decimal()
    }

    mutating func unsigned() -> FixedDecimal { count(0...9) == 0 ? .zero : decimal() }

    mutating func amounts() -> MarginAmounts {
        MarginAmounts(initial: unsigned(), maintenance: unsigned())
    }

    mutating func sequence() -> Int64 { Int64(random.next() >> 11) }

    mutating func cause() -> Cause {
        if flip() { return .timer(instant()) }
        return .record(topic: "a.\"b\\", partition: Int32(count(0...99)), offset: sequence())
    }

    /// Different names.
    mutating func names(_ most: Int) -> [Identifier] {
        var names: [Identifier] = []
        for _ in 0..<count(0...most) {
            let name = identifier()
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    mutating func terms() -> Position.Terms {
        let contract: Position.Contract = flip() ? .linear : .inverse
        let settlement = flip() ? identifier() : nil
        switch count(0...2) {
        case 0: return .perpetual(contract, settlement: settlement)
        case 1: return .future(contract, settlement: settlement, expiry: instant())
        default: return .option(flip() ? .call : .put, strike: decimal(), expiry: instant())
        }
    }

    mutating func snapshot() -> AccountSnapshot {
        let maintenance = unsigned()
        let most = count(0...30) == 0 ? 60 : 5
        return AccountSnapshot(
            account: identifier(), owner: identifier(), time: instant(), sequence: sequence(),
            balances: names(most).map { Balance(asset: $0, quantity: signed()) },
            positions: names(most).map { instrument in
                let terms = terms()
                var price = decimal()
                if case .option = terms { price = unsigned() }
                return Position(
                    instrument: instrument, terms: terms, underlying: identifier(),
                    multiplier: decimal(), quantity: signed(), entryPrice: price)
            },
            requirement: flip()
                ? StatedRequirement(
                    initial: maintenance + FixedDecimal(units: Int128(count(0...1))),
                    maintenance: maintenance) : nil)
    }

    mutating func requirement() -> MarginRequirement {
        MarginRequirement(
            account: identifier(), time: instant(), sequence: sequence() + 1,
            status: one(of: MarginStatus.allCases, else: .healthy), equity: signed(),
            collateral: amounts(), unrealised: signed(), requirement: amounts(),
            excess: MarginAmounts(initial: signed(), maintenance: signed()),
            marginRatio: flip() ? statistic(0...900) : nil,
            assets: names(6).map {
                AssetMargin(
                    asset: $0, quantity: signed(), price: unsigned(), value: signed(),
                    haircutLoss: amounts(), haircutSequence: sequence())
            },
            reasons: MarginReasons(rawValue: UInt16(count(0...127))),
            risk: names(4).map {
                UnderlyingRisk(
                    underlying: $0, loss: unsigned(),
                    scenario: RiskScenario(
                        price: statistic(-2...2),
                        volatility: one(of: RiskScenario.VolatilityShift.allCases, else: .none)))
            },
            positionsSequence: sequence(), cause: cause())
    }

    mutating func alert() -> LiquidationAlert {
        LiquidationAlert(
            id: "\(random.next())", account: identifier(), time: instant(),
            level: one(of: MarginStatus.allCases, else: .healthy),
            previous: one(of: MarginStatus.allCases, else: .healthy),
            cause: one(of: AlertCause.allCases, else: .price), shortfall: amounts(),
            distance: flip() ? statistic(-1...1) : nil,
            plan: (0..<count(0...4)).map { _ in
                PlanStep(
                    action: flip()
                        ? .sell(asset: identifier()) : .close(instrument: identifier()),
                    quantity: decimal(), relief: signed(), impact: statistic(0...1),
                    notBefore: instant())
            })
    }

    mutating func ladder() -> [Exposure.Rung] {
        var value = unsigned()
        return (1...64).prefix(count(0...(count(0...9) == 0 ? 64 : 13))).map { index in
            if flip() { value = value + FixedDecimal(count(0...1_000_000)) }
            return Exposure.Rung(step: Double(index) / 64, value: value)
        }
    }

    mutating func settlements() -> [Exposure.Settlement] {
        let expiry = instant()
        return (0..<count(0...3)).map { index in
            Exposure.Settlement(
                expiry: expiry.advanced(bySeconds: Int64(index) * 3_600), price: unsigned())
        }
    }

    mutating func exposure() -> Exposure {
        Exposure(
            asset: identifier(), shard: Int32(count(0...Int(Int32.max))), time: instant(),
            sequence: sequence() + 1, haircutSequence: sequence(), price: unsigned(),
            pledged: unsigned(), pledgedValue: unsigned(), borrowed: unsigned(),
            byHaircut: ladder(), byPrice: ladder(), accounts: sequence(),
            settlements: settlements())
    }

    mutating func breakerChange() -> BreakerChange {
        BreakerChange(
            asset: identifier(), time: instant(),
            from: one(of: BreakerState.allCases, else: .normal),
            to: one(of: BreakerState.allCases, else: .normal),
            reasons: BreakerReasons(rawValue: UInt32(count(0...(1 << 18 - 1)))),
            since: instant())
    }

    mutating func control() -> Control {
        let time = instant()
        let initial = random.double(in: 0...1)
        let asset = identifier()
        var control = Control(
            asset: flip() && asset != name("*") ? asset : nil, time: time, sequence: sequence(),
            order: .freeze,
            expires: time.advanced(bySeconds: Int64(count(1...86_400))), reason: "é\u{1}\"",
            by: "a\(count(0...9))", approvedBy: "b\(count(0...9))")
        switch count(0...3) {
        case 0: control.order = .freeze
        case 1: control.order = .solvency
        case 2:
            control.order = .override(
                Haircut(initial: initial, maintenance: initial * random.double(in: 0...1)))
        default:
            let defaults = HaircutParameters(.major)
            let some = HaircutParameter.all.filter { _ in count(0...9) == 0 }
            control.order = .parameters(
                (some.isEmpty ? [HaircutParameter.all[0]] : some).map { parameter in
                    var value = parameter.value(in: defaults)
                    if case .number = value { value = .number(number()) }
                    return Control.ParameterChange(name: parameter.name, value: value)
                })
            if flip() { control.expires = nil }
        }
        return control
    }
}
