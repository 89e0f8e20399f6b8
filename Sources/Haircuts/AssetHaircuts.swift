import Market
import Quantities

/// The state of one asset and the table it publishes: MODEL §1–§7.
///
/// A value that messages are applied to and that is evaluated when a table may be due. It knows
/// neither clock nor bus; times come with the calls and do not go back.
public struct AssetHaircuts: Sendable {
    /// As configured, with the parameters that a control changed.
    public internal(set) var configuration: AssetConfiguration
    /// The table published last; nil before the first, and after a restore until the next.
    public internal(set) var published: HaircutTable?
    /// The change of breaker state that the last evaluation made, if it made one.
    public internal(set) var change: BreakerChange?
    /// Value, in the valuation currency, that published steps forced beyond what the governor
    /// charged for them, because ladders lagged; grows from 0 at the start of the process.
    public internal(set) var governorOvershoot = 0.0

    /// As the configuration's file has it.
    let configured: AssetConfiguration
    /// The hash of a configuration, as tables publish it.
    let hash: @Sendable (AssetConfiguration) -> String
    var model: HaircutModel
    var limiter: Limiter
    var scanLimiter: Limiter
    var grid: TickGrid
    var schedule: TierSchedule
    var circuit: CircuitBreaker
    var throttle: Governor

    var sources: PriceSources
    var book = PrimaryBook()
    var baseline = Baseline()
    var fast = RealisedVolatility.fast
    var slow = RealisedVolatility.slow
    var recent = PriceHistory(stepSeconds: 10, steps: 7)
    var minutes = PriceHistory(stepSeconds: 60, steps: 31)
    /// The last good surface and what it says; its content is missing after a restore until the
    /// surface is read again.
    var surface: AssetCheckpoint.SurfaceMark?
    var prepared: PreparedSurface?
    var curve = VolatilityCurve()
    var exposure: VenueExposure
    var controls = ActiveControls()
    var columns: [Column]
    /// As a checkpoint had them, until the first evaluation: a control that is read again may
    /// bring back notionals that the configuration does not have.
    var restoredColumns: [Column] = []
    var breaker = CircuitBreaker.State()
    var governor = Governor.State()
    var last: AssetCheckpoint.Published?
    var settledAt: Instant?
    var evaluatedAt: Instant?
    /// The record of a control whose effect no table has shown yet.
    var pendingCause: Cause?
    /// Whether a baseline sample closed since this was last asked.
    var hasClosedSample = false

    /// Of the present model.
    var guesses: QuantileGuesses

    // Reused by every evaluation.
    /// Of the last assessment.
    var reasons: BreakerReasons = []
    var draft: HaircutTable?
    var initialTicks: [Ratio] = []
    var maintenanceTicks: [Ratio] = []
    /// Counts changes of the configuration; a draft of an earlier one is not used again.
    var generation = 0
    var draftGeneration = 0
    var publishedGeneration = 0

    /// - Parameters:
    ///   - configuration: its parameters without violations.
    ///   - exposureShards: margin shards whose exposures are expected, the partitions of the
    ///     positions topic; 0 where there is no margin stage.
    ///   - hash: `parametersHash` of a configuration whose parameters a control changed.
    public init(
        _ configuration: AssetConfiguration, exposureShards: Int = 0,
        hash: @escaping @Sendable (AssetConfiguration) -> String = { $0.parametersHash }
    ) {
        let parameters = configuration.parameters
        precondition(parameters.violations.isEmpty)
        self.configuration = configuration
        configured = configuration
        self.hash = hash
        model = HaircutModel(parameters)
        guesses = QuantileGuesses(model.jumps)
        limiter = Limiter(parameters)
        scanLimiter = Limiter(scan: parameters)
        grid = TickGrid(basisPoints: parameters.roundingBasisPoints)
        schedule = TierSchedule(notionals: parameters.notionals, grid: grid)
        circuit = CircuitBreaker(parameters)
        throttle = Governor(parameters, depthPrior: configuration.depthReference.double)
        sources = PriceSources(
            configured: configuration.sources, staleSeconds: parameters.quoteStaleSeconds,
            dispersionTolerance: parameters.dispersionTolerance)
        exposure = VenueExposure(
            shards: exposureShards, prior: configuration.systemCollateral.double)
        columns = parameters.notionals.map { Column(notional: $0) }
        governor.bases.reserveCapacity(Governor.mostBases + 1)
    }

    /// The last good reference and mid; nil before they are known.
    public var reference: FixedDecimal? { sources.reference }
    public var mid: FixedDecimal? { book.mid }
    /// The state of the circuit breaker.
    public var state: BreakerState { breaker.state }

    /// Takes a quote of this asset. Statistics change with every one that is not a duplicate.
    ///
    /// - Parameter now: shard time, not before the quote's own time.
    public mutating func receive(_ quote: borrowing Quote, at now: Instant) -> PriceSources.Arrival
    {
        let price = quote.kind == .index ? quote.price : quote.mid
        let arrival = sources.receive(
            venue: quote.venue, kind: quote.kind, time: quote.time, sequence: quote.sequence,
            price: price)
        guard arrival != .duplicate else { return arrival }
        if quote.kind == .book, quote.venue == configuration.primaryVenue {
            receivePrimary(quote, mid: price, at: now)
        }
        settledAt = now
        // A held reference is no observation: it closes no bar and calms no volatility.
        if sources.settle(at: now), let exact = sources.reference {
            let reference = exact.double
            if reference > 0 {
                fast.update(price: reference, at: now)
                slow.update(price: reference, at: now)
                recent.update(price: exact, number: reference, at: now)
                minutes.update(price: exact, number: reference, at: now)
            }
        }
        return arrival
    }

    private mutating func receivePrimary(
        _ quote: borrowing Quote, mid: FixedDecimal?, at now: Instant
    ) {
        book.time = max(book.time ?? quote.time, quote.time)
        if let volume = quote.dailyVolume { book.dailyVolume = volume }
        if let mid, let spread = quote.spread {
            book.mid = mid
            book.lastSpread = spread
            book.spread.update(spread: spread, at: now)
            book.depth = quote.bidDepth
            book.hasEmptySide = false
        } else {
            book.depth = 0
            book.hasEmptySide = true
        }
        guard book.mid != nil else { return }
        if baseline.update(depth: book.depth, spread: book.lastSpread, at: now) {
            hasClosedSample = true
        }
    }

    /// Takes a surface of this asset if the gate lets it pass; otherwise the last good one stays.
    public mutating func receive(
        _ surface: Surface, at now: Instant
    ) throws(SurfaceRefusal) -> PriceSources.Arrival {
        var arrival = PriceSources.Arrival.new
        if let mark = self.surface {
            arrival = Sequencing.arrival(
                sequence: surface.sequence, time: surface.time, lastSequence: mark.sequence,
                lastTime: mark.time)
        }
        guard arrival != .duplicate else { return arrival }
        try SurfaceGate.check(surface, at: now)
        take(surface)
        return arrival
    }

    /// Takes what a margin shard says it would be forced to sell.
    ///
    /// - Returns: nil when no such shard is expected: nothing changed.
    public mutating func receive(
        _ exposure: borrowing Exposure, at now: Instant
    ) -> PriceSources.Arrival? {
        guard self.exposure.expects(exposure.shard) else { return nil }
        let overshoot = self.exposure.overshoot(
            of: exposure, published: governor.bases.last?.maintenance ?? .zero, at: now,
            from: governor)
        let arrival = self.exposure.receive(exposure)
        if arrival != .duplicate { governorOvershoot += overshoot }
        return arrival
    }
}

extension AssetHaircuts {
    /// Takes a margin shard's word that is read again after a restore.
    ///
    /// - Returns: nil when no such shard is expected.
    package mutating func restore(_ exposure: borrowing Exposure) -> PriceSources.Arrival? {
        guard self.exposure.expects(exposure.shard) else { return nil }
        return self.exposure.receive(exposure)
    }
}

/// Prices at which holdings and debts count (MODEL §3.9).
public struct Valuation: Hashable, Sendable {
    /// min(max(mid, 0.97·R), R): never above the reference.
    public var price: FixedDecimal
    /// max(mid, R): never below it.
    public var debtPrice: FixedDecimal

    public init(mid: FixedDecimal, reference: FixedDecimal) {
        price = min(max(mid, reference.times(97, over: 100)), reference)
        debtPrice = max(mid, reference)
    }
}
