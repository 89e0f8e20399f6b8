import Haircuts
import Quantities

extension OutputBuffer {
    /// Writes `haircut.v1`.
    ///
    /// - Parameter table: its numbers are finite.
    public mutating func write(_ table: borrowing HaircutTable) {
        literal("{\"schema\":\"haircut.v1\",\"asset\":")
        identifier(table.asset)
        literal(",\"time\":")
        instant(table.time)
        literal(",\"sequence\":")
        integer(table.sequence)
        literal(",\"state\":")
        word(table.state, of: breakerStates)
        literal(",\"price\":")
        decimal(table.price)
        literal(",\"debtPrice\":")
        decimal(table.debtPrice)
        literal(",\"reference\":")
        decimal(table.reference)
        literal(",\"mid\":")
        decimal(table.mid)
        literal(",\"initial\":")
        ratio(table.initial)
        literal(",\"maintenance\":")
        ratio(table.maintenance)
        literal(",\"tiers\":[")
        for index in table.tiers.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            write(table.tiers[index])
        }
        literal("],\"target\":")
        write(table.target)
        literal(",\"gap\":")
        write(table.gap)
        literal(",\"boundBy\":")
        set(table.boundBy, of: haircutBounds)
        literal(",\"next\":")
        write(table.next)
        literal(",\"validUntil\":")
        instant(table.validUntil)
        literal(",\"fallback\":")
        statistic(table.fallback)
        literal(",\"scan\":[")
        for index in table.scan.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            write(table.scan[index])
        }
        literal("],\"stressVolatility\":")
        statistic(table.stressVolatility)
        literal(",\"confidence\":")
        statistic(table.confidence)
        literal(",\"branchingRatio\":")
        statistic(table.branchingRatio)
        literal(",\"components\":")
        write(table.components)
        if let impact = table.impact { write(impact) }
        if let collateral = table.systemCollateral {
            literal(",\"systemCollateral\":")
            decimal(collateral)
        }
        writeShares(table.shares)
        literal(",\"model\":{\"version\":")
        string(table.modelVersion)
        literal(",\"parameters\":")
        string(table.parametersHash)
        literal("},\"cause\":")
        write(table.cause)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ tier: HaircutTier) {
        literal("{\"from\":")
        decimal(tier.from)
        literal(",\"to\":")
        if let bound = tier.to { decimal(bound) } else { literal("null") }
        literal(",\"initial\":")
        ratio(tier.initial)
        literal(",\"maintenance\":")
        ratio(tier.maintenance)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ haircut: Haircut) {
        literal("{\"initial\":")
        statistic(haircut.initial)
        literal(",\"maintenance\":")
        statistic(haircut.maintenance)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ next: Projection?) {
        guard let next else { return literal("null") }
        literal("{\"initial\":")
        ratio(next.initial)
        literal(",\"maintenance\":")
        ratio(next.maintenance)
        literal(",\"at\":")
        instant(next.at)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ range: ScanRange) {
        literal("{\"notional\":")
        decimal(range.notional)
        literal(",\"down\":")
        statistic(range.down)
        literal(",\"up\":")
        statistic(range.up)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ components: Components) {
        literal("{\"volatility\":")
        statistic(components.volatility)
        literal(",\"market\":")
        statistic(components.market)
        literal(",\"liquidity\":")
        statistic(components.liquidity)
        literal(",\"peg\":")
        statistic(components.peg)
        literal(",\"divergence\":")
        statistic(components.divergence)
        literal(",\"confidence\":")
        statistic(components.confidence)
        literal(",\"horizonSeconds\":")
        statistic(components.horizonSeconds)
        literal(",\"depth\":")
        decimal(components.depth)
        literal(",\"depthBaseline\":")
        decimal(components.depthBaseline)
        literal(",\"spread\":")
        statistic(components.spread)
        literal(",\"quoteAge\":")
        statistic(components.quoteAge)
        literal(",\"surfaceAge\":")
        if let age = components.surfaceAge { statistic(age) } else { literal("null") }
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ impact: Impact) {
        literal(",\"impact\":{\"halfSpread\":")
        statistic(impact.halfSpread)
        literal(",\"dailyDeviation\":")
        statistic(impact.dailyDeviation)
        literal(",\"volume\":")
        decimal(impact.volume)
        byte(UInt8(ascii: "}"))
    }

    private mutating func writeShares(_ shares: [Double]) {
        if shares.isEmpty { return }
        literal(",\"shares\":[")
        for index in shares.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            statistic(shares[index])
        }
        byte(UInt8(ascii: "]"))
    }
}
