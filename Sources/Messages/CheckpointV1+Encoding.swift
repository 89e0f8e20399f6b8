import Haircuts
import Quantities

extension OutputBuffer {
    /// Writes `checkpoint.v1` of an asset's state.
    ///
    /// - Parameter checkpoint: its numbers are finite.
    public mutating func write(_ checkpoint: borrowing AssetCheckpoint) {
        begin(checkpoint.asset, kind: "asset")
        literal(",\"sources\":")
        list(checkpoint.sources) { output, source in
            output.byte(UInt8(ascii: "["))
            output.identifier(source.venue)
            output.literal(source.kind == .book ? ",\"book\"," : ",\"index\",")
            output.moment(source.time)
            output.comma()
            output.integer(source.sequence)
            output.comma()
            output.optionalDecimal(source.price)
            output.byte(UInt8(ascii: "]"))
        }
        literal(",\"reference\":")
        optionalDecimal(checkpoint.reference)
        literal(",\"confidence\":")
        number(checkpoint.confidence)
        literal(",\"peaks\":")
        write(checkpoint.peaks)
        literal(",\"book\":")
        write(checkpoint.book)
        literal(",\"sample\":")
        optional(checkpoint.sample) { $0.write($1) }
        literal(",\"fast\":")
        write(checkpoint.fast)
        literal(",\"slow\":")
        write(checkpoint.slow)
        literal(",\"recent\":")
        write(checkpoint.recent)
        literal(",\"minutes\":")
        write(checkpoint.minutes)
        literal(",\"columns\":")
        list(checkpoint.columns) { $0.write($1) }
        literal(",\"evaluatedAt\":")
        optional(checkpoint.evaluatedAt) { $0.moment($1) }
        literal(",\"cause\":")
        optional(checkpoint.pendingCause) { $0.writeParts(of: $1) }
        literal(",\"published\":")
        optional(checkpoint.published) { $0.write($1) }
        literal(",\"surface\":")
        optional(checkpoint.surface) { output, mark in
            output.byte(UInt8(ascii: "["))
            output.integer(mark.sequence)
            output.comma()
            output.moment(mark.time)
            output.byte(UInt8(ascii: "]"))
        }
        literal(",\"breaker\":")
        write(checkpoint.breaker)
        literal(",\"governor\":")
        write(checkpoint.governor)
        byte(UInt8(ascii: "}"))
    }

    /// Writes `checkpoint.v1` of an asset's baseline samples.
    public mutating func write(_ checkpoint: borrowing BaselinesCheckpoint) {
        begin(checkpoint.asset, kind: "baselines")
        literal(",\"samples\":")
        list(checkpoint.samples) { $0.write($1) }
        byte(UInt8(ascii: "}"))
    }

    /// Writes `checkpoint.v1` of a partition's position.
    public mutating func write(_ checkpoint: PartitionCheckpoint) {
        literal("{\"schema\":\"checkpoint.v1\",\"kind\":\"partition\",\"partition\":")
        integer(Int64(checkpoint.partition))
        literal(",\"nextOffset\":")
        integer(checkpoint.nextOffset)
        literal(",\"time\":")
        optional(checkpoint.time) { $0.moment($1) }
        literal(",\"quotesPartitions\":")
        integer(Int64(checkpoint.quotesPartitions))
        literal(",\"positionsPartitions\":")
        integer(Int64(checkpoint.positionsPartitions))
        literal(",\"inputs\":")
        list(checkpoint.inputs) { (output, input) in
            output.byte(UInt8(ascii: "["))
            output.string(input.topic)
            output.comma()
            output.integer(Int64(input.partition))
            output.comma()
            output.integer(input.nextOffset)
            output.byte(UInt8(ascii: "]"))
        }
        byte(UInt8(ascii: "}"))
    }

    /// Writes the record key of an asset's baseline samples; that of its state is its name.
    public mutating func appendBaselinesKey(_ asset: Identifier) {
        append(asset)
        literal("|baselines")
    }

    /// Writes the record key of a partition's position.
    public mutating func appendPartitionKey(_ partition: Int32) {
        literal("partition|")
        integer(Int64(partition))
    }
}

extension OutputBuffer {
    private mutating func begin(_ asset: Identifier, kind: StaticString) {
        literal("{\"schema\":\"checkpoint.v1\",\"kind\":\"")
        literal(kind)
        literal("\",\"asset\":")
        identifier(asset)
    }

    private mutating func name(_ state: BreakerState) {
        for unit in state.rawValue.utf8 { byte(unit) }
    }

    private mutating func comma() { byte(UInt8(ascii: ",")) }

    /// A moment to the nanosecond: seconds since 1970 as a decimal.
    private mutating func moment(_ time: Instant) {
        decimal(FixedDecimal(units: Int128(time.nanoseconds) * 1_000_000_000))
    }

    private mutating func optionalDecimal(_ value: FixedDecimal?) {
        if let value { decimal(value) } else { literal("null") }
    }

    private mutating func optionalNumber(_ value: Double?) {
        if let value { number(value) } else { literal("null") }
    }

    private mutating func optionalRatio(_ value: Ratio?) {
        if let value { integer(Int64(value.millionths)) } else { literal("null") }
    }

    private mutating func optional<Value>(
        _ value: Value?, _ write: (inout OutputBuffer, Value) -> Void
    ) {
        if let value { write(&self, value) } else { literal("null") }
    }

    private mutating func list<Value>(
        _ values: [Value], _ write: (inout OutputBuffer, Value) -> Void
    ) {
        byte(UInt8(ascii: "["))
        for index in values.indices {
            if index > 0 { comma() }
            write(&self, values[index])
        }
        byte(UInt8(ascii: "]"))
    }

    /// The first hour, then the peak of each hour from it on, −1 where there is none.
    private mutating func write(_ peaks: [PriceSources.HourlyPeak]) {
        byte(UInt8(ascii: "["))
        var hour = peaks.first?.hour ?? 0
        integer(hour)
        for peak in peaks {
            while hour < peak.hour {
                literal(",-1")
                hour += 1
            }
            comma()
            integer(Int64(peak.count))
            hour += 1
        }
        byte(UInt8(ascii: "]"))
    }

    private mutating func write(_ book: PrimaryBook) {
        byte(UInt8(ascii: "["))
        optionalDecimal(book.mid)
        comma()
        optional(book.time) { $0.moment($1) }
        comma()
        number(book.depth)
        literal(book.hasEmptySide ? ",1," : ",0,")
        optionalDecimal(book.dailyVolume)
        comma()
        number(book.lastSpread)
        comma()
        optionalNumber(book.spread.mean)
        comma()
        number(book.spread.variance)
        comma()
        moment(book.spread.time)
        byte(UInt8(ascii: "]"))
    }

    private mutating func write(_ sample: Baseline.Sample) {
        byte(UInt8(ascii: "["))
        integer(sample.period)
        comma()
        number(sample.depth)
        comma()
        number(sample.spread)
        byte(UInt8(ascii: "]"))
    }

    private mutating func write(_ volatility: RealisedVolatility.State) {
        byte(UInt8(ascii: "["))
        number(volatility.variance)
        comma()
        integer(Int64(volatility.returns))
        for bar in [volatility.open, volatility.closed] {
            comma()
            optional(bar) { output, bar in
                output.byte(UInt8(ascii: "["))
                output.integer(bar.period)
                output.comma()
                output.number(bar.price)
                output.byte(UInt8(ascii: "]"))
            }
        }
        byte(UInt8(ascii: "]"))
    }

    /// Differences from one close to the next, parted by blanks: of the price, after `n@` where
    /// the step is not the next one.
    private mutating func write(_ closes: [PriceHistory.Close]) {
        byte(UInt8(ascii: "\""))
        var step: Int64 = 0
        var price = FixedDecimal.zero
        for (index, close) in closes.enumerated() {
            if index > 0 { byte(UInt8(ascii: " ")) }
            if close.step != step + 1 {
                integer(close.step - step)
                byte(UInt8(ascii: "@"))
            }
            bare(close.price - price)
            step = close.step
            price = close.price
        }
        byte(UInt8(ascii: "\""))
    }

    private mutating func bare(_ value: FixedDecimal) {
        for unit in value.description.utf8 { byte(unit) }
    }

    private mutating func write(_ column: Column) {
        byte(UInt8(ascii: "["))
        decimal(column.notional)
        comma()
        optionalNumber(column.initial)
        comma()
        optionalNumber(column.maintenance)
        comma()
        optionalRatio(column.initialTick)
        comma()
        optionalRatio(column.maintenanceTick)
        comma()
        optionalNumber(column.scan)
        byte(UInt8(ascii: "]"))
    }

    private mutating func writeParts(of cause: Cause) {
        byte(UInt8(ascii: "["))
        switch cause {
        case .record(let topic, let partition, let offset):
            string(topic)
            comma()
            integer(Int64(partition))
            comma()
            integer(offset)
        case .timer(let time):
            moment(time)
        }
        byte(UInt8(ascii: "]"))
    }

    private mutating func write(_ published: AssetCheckpoint.Published) {
        byte(UInt8(ascii: "["))
        integer(published.sequence)
        comma()
        moment(published.time)
        literal(",\"")
        name(published.state)
        literal("\",")
        decimal(published.price)
        comma()
        decimal(published.debtPrice)
        comma()
        list(published.tiers) { output, tier in
            output.integer(Int64(tier.initial.millionths))
            output.comma()
            output.integer(Int64(tier.maintenance.millionths))
        }
        byte(UInt8(ascii: "]"))
    }

    private mutating func write(_ breaker: CircuitBreaker.State) {
        literal("[\"")
        name(breaker.state)
        literal("\",")
        optional(breaker.enteredAt) { $0.moment($1) }
        comma()
        optional(breaker.cleanSince) { $0.moment($1) }
        comma()
        optional(breaker.assessedAt) { $0.moment($1) }
        comma()
        optionalNumber(breaker.baseVolatility)
        comma()
        number(breaker.branchingRatio)
        byte(UInt8(ascii: "]"))
    }

    private mutating func write(_ governor: Governor.State) {
        byte(UInt8(ascii: "["))
        optionalNumber(governor.tokens)
        comma()
        optional(governor.overdrawnAt) { $0.moment($1) }
        comma()
        integer(Int64(governor.held.millionths))
        comma()
        write(governor.bases)
        byte(UInt8(ascii: "]"))
    }

    /// Differences of sequence, nanoseconds and millionths from one to the next, parted by blanks.
    private mutating func write(_ bases: [Governor.Base]) {
        byte(UInt8(ascii: "\""))
        var last = Governor.Base(sequence: 0, time: Instant(nanoseconds: 0), maintenance: .zero)
        for (index, base) in bases.enumerated() {
            if index > 0 { byte(UInt8(ascii: " ")) }
            integer(base.sequence - last.sequence)
            byte(UInt8(ascii: ":"))
            integer(base.time.nanoseconds - last.time.nanoseconds)
            byte(UInt8(ascii: ":"))
            integer(Int64(base.maintenance.millionths - last.maintenance.millionths))
            last = base
        }
        byte(UInt8(ascii: "\""))
    }
}
