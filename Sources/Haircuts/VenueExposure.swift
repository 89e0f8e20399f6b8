import Quantities

/// What all margin shards say of one asset: the sums of their ladders.
///
/// A shard that has said nothing yet, or nothing for `mostAgeSeconds`, counts with its part of the
/// configured collateral, of which a rise of the haircut or a fall of the price by one point is
/// taken to force the sale of one point; never as zero.
///
/// - Source: MODEL §5 and §7.
struct VenueExposure: Sendable {
    /// Seconds of shard time for which a ladder counts.
    static let mostAgeSeconds: Int64 = 60

    /// By positions partition; nil until heard of.
    private var ladders: [Ladder?]
    /// The configured collateral of one shard, in the valuation currency.
    private let priorPart: Double
    private let prior: Double

    /// One shard's last word.
    private struct Ladder: Sendable {
        var time: Instant
        var sequence: Int64
        var haircutSequence: Int64
        var pledgedValue: Double
        var byHaircut: [Rung] = []
        var byPrice: [Rung] = []
    }

    private struct Rung: Sendable {
        var step: Double
        var value: Double
    }

    /// - Parameters:
    ///   - shards: margin shards expected, the partitions of the positions topic; 0: there is no
    ///     margin stage, the collateral is the configured one and nothing is known to be forced.
    ///   - prior: the configured collateral, in the valuation currency, ≥ 0.
    init(shards: Int, prior: Double) {
        ladders = Array(repeating: nil, count: shards)
        self.prior = prior
        priorPart = shards > 0 ? prior / Double(shards) : 0
    }

    /// Whether a margin stage is expected at all.
    var isExpected: Bool { !ladders.isEmpty }

    func expects(_ shard: Int32) -> Bool { ladders.indices.contains(Int(shard)) }

    /// Takes a shard's word, unless it was heard before.
    mutating func receive(_ exposure: borrowing Exposure) -> PriceSources.Arrival {
        let index = Int(exposure.shard)
        var arrival = PriceSources.Arrival.new
        var ladder: Ladder
        if let last = ladders[index].take() {
            arrival = Sequencing.arrival(
                sequence: exposure.sequence, time: exposure.time, lastSequence: last.sequence,
                lastTime: last.time)
            ladder = last
        } else {
            ladder = Ladder(
                time: exposure.time, sequence: 0, haircutSequence: 0, pledgedValue: 0)
        }
        if arrival != .duplicate {
            ladder.time = exposure.time
            ladder.sequence = exposure.sequence
            ladder.haircutSequence = exposure.haircutSequence
            ladder.pledgedValue = exposure.pledgedValue.double
            Self.copy(exposure.byHaircut, into: &ladder.byHaircut)
            Self.copy(exposure.byPrice, into: &ladder.byPrice)
        }
        ladders[index] = ladder
        return arrival
    }

    private static func copy(_ rungs: [Exposure.Rung], into copies: inout [Rung]) {
        copies.removeAll(keepingCapacity: true)
        for rung in rungs { copies.append(Rung(step: rung.step, value: rung.value.double)) }
    }

    private static func isFresh(_ ladder: Ladder, at now: Instant) -> Bool {
        now.nanoseconds - ladder.time.nanoseconds <= mostAgeSeconds * 1_000_000_000
    }

    /// Sums over all shards.
    struct Totals: Hashable, Sendable {
        /// X, value pledged, in the valuation currency.
        var collateral: Double
        /// B, value that a fall of the price by 1 % would force.
        var forcedByOnePercent: Double
    }

    func totals(at now: Instant) -> Totals {
        guard isExpected else { return Totals(collateral: prior, forcedByOnePercent: 0) }
        var totals = Totals(collateral: 0, forcedByOnePercent: 0)
        for entry in ladders {
            if let ladder = entry, Self.isFresh(ladder, at: now) {
                totals.collateral += ladder.pledgedValue
                totals.forcedByOnePercent += Self.value(
                    of: 0.01, on: ladder.byPrice, atMost: ladder.pledgedValue)
            } else {
                totals.collateral += priorPart
                totals.forcedByOnePercent += priorPart * 0.01
            }
        }
        return totals
    }

    /// Value sold by steps of the maintenance haircut from the ladders' starts up to a published
    /// haircut, in the valuation currency; does not fall as the haircut rises.
    func forced(upTo maintenance: Ratio, at now: Instant, from state: Governor.State) -> Double {
        var sum = 0.0
        for entry in ladders {
            if let ladder = entry, Self.isFresh(ladder, at: now) {
                sum += Self.forced(ladder, upTo: maintenance, state)
            } else {
                sum += priorPart * maintenance.double
            }
        }
        return sum
    }

    private static func forced(
        _ ladder: Ladder, upTo maintenance: Ratio, _ state: Governor.State
    ) -> Double {
        let base = state.base(of: ladder.haircutSequence)
        let rise = Double(maintenance.millionths - base.millionths) / 1e6
        return value(of: rise, on: ladder.byHaircut, atMost: ladder.pledgedValue)
    }

    /// What the steps published since the table that a new word rests on force by that word,
    /// beyond what they were charged by the last one; ≥ 0.
    ///
    /// - Parameter maintenance: published now.
    func overshoot(
        of exposure: borrowing Exposure, published maintenance: Ratio, at now: Instant,
        from state: Governor.State
    ) -> Double {
        let base = state.base(of: exposure.haircutSequence)
        let rise = Double(maintenance.millionths - base.millionths) / 1e6
        guard rise > 0 else { return 0 }
        var value = 0.0
        for rung in exposure.byHaircut {
            value = rung.value.double
            if rung.step >= rise - Self.noise { break }
        }
        let charged: Double
        if let ladder = ladders[Int(exposure.shard)], Self.isFresh(ladder, at: now) {
            charged =
                Self.forced(ladder, upTo: maintenance, state)
                - Self.forced(ladder, upTo: base, state)
        } else {
            charged = priorPart * rise
        }
        return max(0, value - charged)
    }

    /// Part of a rung below which a step counts as reaching it: binary noise.
    private static let noise = 1e-9

    /// The value of the first rung at or above a step; beyond the last one, all there is to sell.
    private static func value(of step: Double, on rungs: [Rung], atMost pledged: Double) -> Double {
        guard step > noise, let last = rungs.last else { return 0 }
        for rung in rungs where rung.step >= step - noise { return rung.value }
        return max(last.value, pledged)
    }

    /// Each shard's part of what is pledged and of what a fall by a tenth would force, a quarter
    /// of everything parted equally: accounts that are being sold already stand on no ladder.
    ///
    /// - Parameter shares: replaced; one a shard, their sum at most 1; empty if nobody was heard.
    func shares(at now: Instant, into shares: inout [Double]) {
        shares.removeAll(keepingCapacity: true)
        guard isExpected else { return }
        var sum = 0.0
        var isHeard = false
        for entry in ladders {
            var weight = priorPart * 0.1
            if let ladder = entry, Self.isFresh(ladder, at: now) {
                isHeard = true
                weight = Self.value(of: 0.1, on: ladder.byPrice, atMost: ladder.pledgedValue)
            }
            shares.append(weight)
            sum += weight
        }
        guard isHeard else { return shares.removeAll(keepingCapacity: true) }
        let equal = 1 / Double(shares.count)
        // What is published is rounded; the sum stays below 1.
        for index in shares.indices {
            let part = sum > 0 ? shares[index] / sum : equal
            shares[index] = (0.25 * equal + 0.75 * part) * (1 - 1e-9)
        }
    }
}
