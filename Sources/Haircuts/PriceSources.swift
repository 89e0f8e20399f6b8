import Market
import Quantities

/// The sources of an asset's price, the reference drawn from them and the confidence in it.
///
/// - Source: MODEL §1.
public struct PriceSources: Hashable, Sendable {
    /// The median of the fresh sources; nil before the first.
    public internal(set) var reference: FixedDecimal?
    /// 0…1; how well the sources agree.
    public internal(set) var confidence = 1.0

    var sources: [Source] = []
    private var fresh: [FixedDecimal] = []
    var hourlyPeaks: [HourlyPeak] = []
    /// Sources whose absence may be held against the reference; nil: as many as were seen.
    private let configured: Int?
    private var staleNanoseconds: Int64
    private var dispersionTolerance: Double

    /// One venue's book or index, and the last that was heard of it.
    package struct Source: Hashable, Sendable {
        package var venue: Identifier
        package var kind: Quote.Kind
        package var time: Instant
        package var sequence: Int64
        /// nil: the venue quotes, but has no two-sided price.
        package var price: FixedDecimal?

        package init(
            venue: Identifier, kind: Quote.Kind, time: Instant, sequence: Int64,
            price: FixedDecimal?
        ) {
            self.venue = venue
            self.kind = kind
            self.time = time
            self.sequence = sequence
            self.price = price
        }
    }

    /// The most sources fresh together within one hour.
    package struct HourlyPeak: Hashable, Sendable {
        package var hour: Int64
        package var count: Int

        package init(hour: Int64, count: Int) {
            self.hour = hour
            self.count = count
        }
    }

    /// Sources remembered; the one unheard of for longest gives way to a new one.
    public static let mostSources = 32

    public init(configured: Int?, staleSeconds: Double, dispersionTolerance: Double) {
        self.configured = configured
        staleNanoseconds = Int64(staleSeconds * 1e9)
        self.dispersionTolerance = dispersionTolerance
        sources.reserveCapacity(Self.mostSources)
        fresh.reserveCapacity(Self.mostSources)
        hourlyPeaks.reserveCapacity(25)
    }

    /// Takes other parameters; what is known stays.
    mutating func configure(staleSeconds: Double, dispersionTolerance: Double) {
        staleNanoseconds = Int64(staleSeconds * 1e9)
        self.dispersionTolerance = dispersionTolerance
    }

    /// What a quote is to its source.
    public enum Arrival: Hashable, Sendable {
        case new
        /// Its sequence is not above the last one's: nothing changed.
        case duplicate
        /// The sender restarted: the sequence fell, but the time is more than 60 s newer.
        case sequenceReset
    }

    /// Takes the price of a source, if it has one, unless it was seen before.
    public mutating func receive(
        venue: Identifier, kind: Quote.Kind, time: Instant, sequence: Int64, price: FixedDecimal?
    ) -> Arrival {
        guard
            let index = sources.firstIndex(where: { $0.venue == venue && $0.kind == kind })
        else {
            let source = Source(
                venue: venue, kind: kind, time: time, sequence: sequence, price: price)
            if sources.count < Self.mostSources {
                sources.append(source)
            } else if let oldest = sources.indices.min(by: { sources[$0].time < sources[$1].time })
            {
                sources[oldest] = source
            }
            return .new
        }
        let arrival = Sequencing.arrival(
            sequence: sequence, time: time, lastSequence: sources[index].sequence,
            lastTime: sources[index].time)
        guard arrival != .duplicate else { return .duplicate }
        sources[index].sequence = sequence
        sources[index].time = time
        sources[index].price = price
        return arrival
    }

    /// Takes back what a checkpoint kept; of more than `mostSources` the first.
    mutating func restore(
        _ sources: [Source], peaks: [HourlyPeak], reference: FixedDecimal?, confidence: Double
    ) {
        self.sources.removeAll(keepingCapacity: true)
        self.sources.append(contentsOf: sources.prefix(Self.mostSources))
        hourlyPeaks.removeAll(keepingCapacity: true)
        hourlyPeaks.append(contentsOf: peaks)
        self.reference = reference
        self.confidence = confidence
    }

    /// Draws the reference from the sources that are fresh at a time, or holds it when fewer are
    /// fresh than there should be.
    ///
    /// - Returns: false when the reference was held or is unknown.
    @discardableResult
    public mutating func settle(at time: Instant) -> Bool {
        fresh.removeAll(keepingCapacity: true)
        for index in sources.indices {
            // By place: a source is large, and this runs for every quote.
            guard time.nanoseconds - sources[index].time.nanoseconds <= staleNanoseconds,
                let price = sources[index].price
            else { continue }
            insertSorted(price)
        }
        let peak = recordPeak(at: time)
        guard !fresh.isEmpty else { return false }
        guard let held = reference else {
            let first = median(previous: nil)
            reference = first
            confidence = agreement(on: first)
            return true
        }
        if fresh.count >= min(peak, configured ?? peak) {
            let settled = median(previous: held)
            reference = settled
            confidence = agreement(on: settled)
            return true
        }
        confidence = min(confidence, agreement(on: held))
        return false
    }

    private mutating func insertSorted(_ price: FixedDecimal) {
        var index = fresh.count
        fresh.append(price)
        while index > 0, fresh[index - 1] > price {
            fresh[index] = fresh[index - 1]
            index -= 1
        }
        fresh[index] = price
    }

    /// The most sources fresh together in the last 24 hours, this moment included. Kept by the
    /// hour.
    private mutating func recordPeak(at time: Instant) -> Int {
        let hour = time.period(ofSeconds: 3_600, expected: hourlyPeaks.last?.hour)
        if hourlyPeaks.last?.hour != hour {
            hourlyPeaks.removeAll { $0.hour <= hour - 24 }
            hourlyPeaks.append(HourlyPeak(hour: hour, count: fresh.count))
        }
        let last = hourlyPeaks.count - 1
        hourlyPeaks[last].count = max(hourlyPeaks[last].count, fresh.count)
        var peak = 0
        for entry in hourlyPeaks { peak = max(peak, entry.count) }
        return peak
    }

    /// Of two, the one nearer the previous reference; otherwise the median.
    private func median(previous: FixedDecimal?) -> FixedDecimal {
        if fresh.count == 2, let previous {
            let below = (previous - fresh[0]).units.magnitude
            let above = (fresh[1] - previous).units.magnitude
            return above < below ? fresh[1] : fresh[0]
        }
        let middle = fresh.count / 2
        return fresh.count % 2 == 1 ? fresh[middle] : (fresh[middle - 1] + fresh[middle]).half
    }

    /// 1 − dispersion over tolerance, dispersion the upper median of |source/R − 1|.
    private func agreement(on reference: FixedDecimal) -> Double {
        // The distances on either side of the reference grow outwards, so the upper median of
        // all of them is found by walking outwards from it, nearest first.
        var low = fresh.count
        while low > 0, fresh[low - 1] >= reference { low -= 1 }
        var high = low
        var farthest = reference
        for _ in 0...(fresh.count / 2) {
            let takesBelow =
                high == fresh.count
                || (low > 0
                    && reference.units - fresh[low - 1].units
                        < fresh[high].units - reference.units)
            if takesBelow {
                low -= 1
                farthest = fresh[low]
            } else {
                farthest = fresh[high]
                high += 1
            }
        }
        if farthest == reference { return 1 }
        let distance = abs(farthest.double / reference.double - 1)
        return 1 - min(1, distance / dispersionTolerance)
    }
}

/// The rule by which repeated and out-of-order messages are told from new ones.
///
/// - Source: docs/contracts.md, rules for every message.
public enum Sequencing {
    /// What a message is to the last one applied of its source.
    public static func arrival(
        sequence: Int64, time: Instant, lastSequence: Int64, lastTime: Instant
    ) -> PriceSources.Arrival {
        if sequence > lastSequence { return .new }
        return time > lastTime.advanced(bySeconds: 60) ? .sequenceReset : .duplicate
    }
}
