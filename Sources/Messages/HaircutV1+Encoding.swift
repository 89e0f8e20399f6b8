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
        literal(",\"state\":\"")
        write(table.state)
        literal("\",\"price\":")
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
        literal(",\"boundBy\":[")
        write(table.boundBy)
        literal("],\"next\":")
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
        literal(",\"model\":{\"version\":")
        string(table.modelVersion)
        literal(",\"parameters\":")
        string(table.parametersHash)
        literal("},\"cause\":")
        write(table.cause)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ state: BreakerState) {
        switch state {
        case .normal: literal("normal")
        case .elevated: literal("elevated")
        case .stressed: literal("stressed")
        case .frozen: literal("frozen")
        }
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

    private mutating func write(_ bounds: Bounds) {
        var isFirst = true
        for entry in Bounds.names where bounds.contains(entry.bound) {
            if !isFirst { byte(UInt8(ascii: ",")) }
            isFirst = false
            byte(UInt8(ascii: "\""))
            literal(entry.name)
            byte(UInt8(ascii: "\""))
        }
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

    /// What caused a message: `{"topic":…,"partition":…,"offset":…}` or `{"timer":…}`.
    mutating func write(_ cause: Cause) {
        switch cause {
        case .record(let topic, let partition, let offset):
            literal("{\"topic\":")
            string(topic)
            literal(",\"partition\":")
            integer(Int64(partition))
            literal(",\"offset\":")
            integer(offset)
        case .timer(let instant):
            literal("{\"timer\":")
            self.instant(instant)
        }
        byte(UInt8(ascii: "}"))
    }
}
