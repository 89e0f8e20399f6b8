import Haircuts
import Market
import Quantities

// Faults point at the body: nobody but Breakwater writes these records.

private let anyInteger = -MessageRules.largestSequence...MessageRules.largestSequence

extension JSONReader {
    /// An array of values of one kind.
    mutating func list<Value>(
        most: Int, _ read: (inout JSONReader) throws(Refusal) -> Value
    ) throws(Refusal) -> [Value] {
        var values: [Value] = []
        try array(.body, count: 0...most) { (reader) throws(Refusal) in
            values.append(try read(&reader))
        }
        return values
    }

    /// An array of a fixed number of elements, each read by its place.
    fileprivate mutating func tuple(
        _ count: Int, _ read: (Int, inout JSONReader) throws(Refusal) -> Void
    ) throws(Refusal) { try tuple(count...count, read) }

    /// The same, of which the last elements may be missing.
    fileprivate mutating func tuple(
        _ counts: ClosedRange<Int>, _ read: (Int, inout JSONReader) throws(Refusal) -> Void
    ) throws(Refusal) {
        var index = 0
        try array(.body, count: counts) { (reader) throws(Refusal) in
            try read(index, &reader)
            index += 1
        }
    }

    fileprivate mutating func optional<Value>(
        _ read: (inout JSONReader) throws(Refusal) -> Value
    ) throws(Refusal) -> Value? {
        try takeNull(.body) ? nil : read(&self)
    }

    /// Seconds since 1970 as a decimal, exact to the nanosecond.
    fileprivate mutating func moment() throws(Refusal) -> Instant {
        let (whole, rest) = try decimal(.body).units.quotientAndRemainder(
            dividingBy: 1_000_000_000)
        guard rest == 0, let nanoseconds = Int64(exactly: whole) else {
            throw refusal(.outOfRange, .body)
        }
        return Instant(nanoseconds: nanoseconds)
    }

    fileprivate mutating func whole() throws(Refusal) -> Int64 {
        try integer(.body, in: anyInteger)
    }

    fileprivate mutating func natural() throws(Refusal) -> Int64 {
        try integer(.body, in: 0...MessageRules.largestSequence)
    }

    fileprivate mutating func count32() throws(Refusal) -> Int32 {
        Int32(try integer(.body, in: 0...Int64(Int32.max)))
    }

    fileprivate mutating func millionths() throws(Refusal) -> Ratio {
        Ratio(millionths: Int32(try integer(.body, in: 0...1_000_000)))
    }

    fileprivate mutating func state() throws(Refusal) -> BreakerState {
        let name = try string(.body)
        guard
            let state = BreakerState.allCases.first(where: { name.elementsEqual($0.rawValue.utf8) })
        else { throw refusal(.outOfRange, .body) }
        return state
    }
}

extension PartitionCheckpoint {
    /// Takes the value of a member.
    mutating func read(_ member: Member, _ reader: inout JSONReader) throws(Refusal) {
        switch member {
        case .partition: partition = try reader.count32()
        case .nextOffset: nextOffset = try reader.natural()
        case .time:
            time = try reader.optional { (reader) throws(Refusal) in try reader.moment() }
        case .quotesPartitions: quotesPartitions = try reader.count32()
        case .positionsPartitions: positionsPartitions = try reader.count32()
        case .inputs:
            inputs = try reader.list(most: Self.mostInputs) { (reader) throws(Refusal) in
                try InputPosition(&reader)
            }
        }
    }
}

extension PartitionCheckpoint.InputPosition {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(topic: "", partition: 0, nextOffset: 0)
        try reader.tuple(3) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.string(.body, into: &topic)
            case 1: partition = try reader.count32()
            default: nextOffset = try reader.natural()
            }
        }
    }
}

extension AssetCheckpoint {
    /// Takes the value of a member.
    mutating func read(_ member: Member, _ reader: inout JSONReader) throws(Refusal) {
        switch member {
        case .sources:
            sources = try reader.list(most: PriceSources.mostSources) {
                (reader) throws(Refusal) in try PriceSources.Source(&reader)
            }
        case .reference:
            reference = try reader.optional { (reader) throws(Refusal) in
                try reader.positiveDecimal(.body)
            }
        case .confidence: confidence = try reader.double(.body, in: 0...1)
        case .peaks: peaks = try reader.peaks()
        case .book: book = try PrimaryBook(&reader)
        case .sample:
            sample = try reader.optional { (reader) throws(Refusal) in
                try Baseline.Sample(&reader)
            }
        case .fast: fast = try RealisedVolatility.State(&reader)
        case .slow: slow = try RealisedVolatility.State(&reader)
        case .recent: recent = try reader.closes()
        case .minutes: minutes = try reader.closes()
        case .columns:
            columns = try reader.list(most: HaircutParameters.mostNotionals) {
                (reader) throws(Refusal) in try Column(&reader)
            }
        case .evaluatedAt:
            evaluatedAt = try reader.optional { (reader) throws(Refusal) in try reader.moment() }
        case .cause:
            pendingCause = try reader.optional { (reader) throws(Refusal) in try Cause(&reader) }
        case .published:
            published = try reader.optional { (reader) throws(Refusal) in try Published(&reader) }
        case .surface:
            surface = try reader.optional { (reader) throws(Refusal) in
                try SurfaceMark(&reader)
            }
        case .breaker: breaker = try CircuitBreaker.State(&reader)
        case .governor: governor = try Governor.State(&reader)
        }
    }
}

extension PriceSources.Source {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(
            venue: .unnamed, kind: .book, time: Instant(nanoseconds: 0), sequence: 0, price: nil)
        try reader.tuple(5) { (index, reader) throws(Refusal) in
            switch index {
            case 0: venue = try reader.identifier(.body)
            case 1:
                let name = try reader.string(.body)
                guard name.elementsEqual("book".utf8) || name.elementsEqual("index".utf8) else {
                    throw reader.refusal(.outOfRange, .body)
                }
                kind = name.count == 4 ? .book : .index
            case 2: time = try reader.moment()
            case 3: sequence = try reader.natural()
            default:
                price = try reader.optional { (reader) throws(Refusal) in
                    try reader.positiveDecimal(.body)
                }
            }
        }
    }
}

extension JSONReader {
    /// The first hour, then the peak of each hour from it on, −1 where there is none.
    fileprivate mutating func peaks() throws(Refusal) -> [PriceSources.HourlyPeak] {
        var peaks: [PriceSources.HourlyPeak] = []
        var hour: Int64?
        try array(.body, count: 1...25) { (reader) throws(Refusal) in
            let value = try reader.whole()
            guard let present = hour else {
                hour = value
                return
            }
            hour = present + 1
            if value >= 0 {
                peaks.append(PriceSources.HourlyPeak(hour: present, count: Int(value)))
            }
        }
        return peaks
    }

    /// Differences from close to close, as the encoder writes them.
    fileprivate mutating func closes() throws(Refusal) -> [PriceHistory.Close] {
        let text = try string(.body)
        var closes: [PriceHistory.Close] = []
        var step: Int64 = 0
        var price = FixedDecimal.zero
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: UInt8(ascii: " ")) ?? text.count
            var distance: Int64 = 1
            if let at = text[start..<end].firstIndex(of: UInt8(ascii: "@")) {
                guard let given = Int64(String(decoding: text[start..<at], as: UTF8.self)),
                    anyInteger.contains(given)
                else { throw refusal(.outOfRange, .body) }
                distance = given
                start = at + 1
            }
            guard
                let change = FixedDecimal(
                    utf8: UnsafeBufferPointer(rebasing: text[start..<end])),
                closes.count < 64
            else { throw refusal(.outOfRange, .body) }
            step &+= distance
            price = price + change
            closes.append(PriceHistory.Close(step: step, price: price))
            start = end + 1
        }
        return closes
    }
}

extension PrimaryBook {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init()
        func decimal(_ reader: inout JSONReader) throws(Refusal) -> FixedDecimal? {
            try reader.optional { (reader) throws(Refusal) in try reader.positiveDecimal(.body) }
        }
        try reader.tuple(9) { (index, reader) throws(Refusal) in
            switch index {
            case 0: mid = try decimal(&reader)
            case 1:
                time = try reader.optional { (reader) throws(Refusal) in try reader.moment() }
            case 2: depth = try reader.double(.body)
            case 3: hasEmptySide = try reader.integer(.body, in: 0...1) == 1
            case 4: dailyVolume = try decimal(&reader)
            case 5: lastSpread = try reader.double(.body)
            case 6:
                spread.mean = try reader.optional { (reader) throws(Refusal) in
                    try reader.double(.body)
                }
            case 7: spread.variance = try reader.double(.body)
            default: spread.time = try reader.moment()
            }
        }
    }
}

extension Baseline.Sample {
    init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(period: 0, depth: 0, spread: 0)
        try reader.tuple(3) { (index, reader) throws(Refusal) in
            switch index {
            case 0: period = try reader.whole()
            case 1: depth = try reader.double(.body)
            default: spread = try reader.double(.body)
            }
        }
    }
}

extension RealisedVolatility.State {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init()
        func bar(_ reader: inout JSONReader) throws(Refusal) -> RealisedVolatility.Bar {
            var bar = RealisedVolatility.Bar(period: 0, price: 0)
            try reader.tuple(2) { (index, reader) throws(Refusal) in
                if index == 0 {
                    bar.period = try reader.whole()
                } else {
                    bar.price = try reader.double(.body)
                }
            }
            return bar
        }
        try reader.tuple(4) { (index, reader) throws(Refusal) in
            switch index {
            case 0: variance = try reader.double(.body)
            case 1: returns = Int(try reader.natural())
            case 2: open = try reader.optional { (reader) throws(Refusal) in try bar(&reader) }
            default: closed = try reader.optional { (reader) throws(Refusal) in try bar(&reader) }
            }
        }
    }
}

extension Column {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(notional: .zero)
        func number(_ reader: inout JSONReader) throws(Refusal) -> Double? {
            try reader.optional { (reader) throws(Refusal) in try reader.double(.body) }
        }
        func ratio(_ reader: inout JSONReader) throws(Refusal) -> Ratio? {
            try reader.optional { (reader) throws(Refusal) in try reader.millionths() }
        }
        try reader.tuple(5...6) { (index, reader) throws(Refusal) in
            switch index {
            case 0: notional = try reader.positiveDecimal(.body)
            case 1: initial = try number(&reader)
            case 2: maintenance = try number(&reader)
            case 3: initialTick = try ratio(&reader)
            case 4: maintenanceTick = try ratio(&reader)
            default: scan = try number(&reader)
            }
        }
    }
}

extension Cause {
    /// A topic, a partition and an offset, or a moment alone.
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        var moment: Instant?
        var topic: String?
        var numbers: [Int64] = []
        try reader.array(.body, count: 1...3) { (reader) throws(Refusal) in
            if moment == nil && topic == nil {
                let text = try reader.string(.body)
                if let seconds = FixedDecimal(utf8: text) {
                    guard let nanoseconds = Int64(exactly: seconds.units / 1_000_000_000) else {
                        throw reader.refusal(.outOfRange, .body)
                    }
                    moment = Instant(nanoseconds: nanoseconds)
                } else {
                    topic = String(decoding: text, as: UTF8.self)
                }
            } else {
                numbers.append(try reader.natural())
            }
        }
        if let moment, numbers.isEmpty {
            self = .timer(moment)
        } else if let topic, numbers.count == 2, numbers[0] <= Int64(Int32.max) {
            self = .record(topic: topic, partition: Int32(numbers[0]), offset: numbers[1])
        } else {
            throw reader.refusal(.outOfRange, .body)
        }
    }
}

extension AssetCheckpoint.Published {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init()
        try reader.tuple(6) { (index, reader) throws(Refusal) in
            switch index {
            case 0: sequence = try reader.natural()
            case 1: time = try reader.moment()
            case 2: state = try reader.state()
            case 3: price = try reader.positiveDecimal(.body)
            case 4: debtPrice = try reader.positiveDecimal(.body)
            default:
                let ratios = try reader.list(most: 2 * HaircutDecoder.mostTiers) {
                    (reader) throws(Refusal) in try reader.millionths()
                }
                guard ratios.count % 2 == 0 else { throw reader.refusal(.outOfRange, .body) }
                tiers = stride(from: 0, to: ratios.count, by: 2).map {
                    .init(initial: ratios[$0], maintenance: ratios[$0 + 1])
                }
            }
        }
    }
}

extension AssetCheckpoint.SurfaceMark {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(sequence: 0, time: Instant(nanoseconds: 0))
        try reader.tuple(2) { (index, reader) throws(Refusal) in
            if index == 0 {
                sequence = try reader.natural()
            } else {
                time = try reader.moment()
            }
        }
    }
}

extension CircuitBreaker.State {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init()
        func moment(_ reader: inout JSONReader) throws(Refusal) -> Instant? {
            try reader.optional { (reader) throws(Refusal) in try reader.moment() }
        }
        try reader.tuple(6) { (index, reader) throws(Refusal) in
            switch index {
            case 0: state = try reader.state()
            case 1: enteredAt = try moment(&reader)
            case 2: cleanSince = try moment(&reader)
            case 3: assessedAt = try moment(&reader)
            case 4:
                baseVolatility = try reader.optional { (reader) throws(Refusal) in
                    try reader.double(.body)
                }
            default: branchingRatio = try reader.double(.body)
            }
        }
    }
}

extension Governor.State {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init()
        try reader.tuple(4) { (index, reader) throws(Refusal) in
            switch index {
            case 0:
                tokens = try reader.optional { (reader) throws(Refusal) in
                    try reader.double(.body)
                }
            case 1:
                overdrawnAt = try reader.optional { (reader) throws(Refusal) in
                    try reader.moment()
                }
            case 2: held = try reader.millionths()
            default: bases = try reader.bases()
            }
        }
    }
}

extension JSONReader {
    /// Differences from base to base, as the encoder writes them.
    fileprivate mutating func bases() throws(Refusal) -> [Governor.Base] {
        let text = String(decoding: try string(.body), as: UTF8.self)
        var bases: [Governor.Base] = []
        var sequence: Int64 = 0
        var nanoseconds: Int64 = 0
        var millionths: Int64 = 0
        for piece in text.split(separator: " ") {
            let parts = piece.split(separator: ":").compactMap { Int64($0) }
            guard parts.count == 3, bases.count < Governor.mostBases else {
                throw refusal(.outOfRange, .body)
            }
            sequence &+= parts[0]
            nanoseconds &+= parts[1]
            millionths &+= parts[2]
            guard (0...1_000_000).contains(millionths) else { throw refusal(.outOfRange, .body) }
            bases.append(
                Governor.Base(
                    sequence: sequence, time: Instant(nanoseconds: nanoseconds),
                    maintenance: Ratio(millionths: Int32(millionths))))
        }
        return bases
    }
}
