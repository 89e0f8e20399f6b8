import Market
import Quantities

/// The state of one asset and the table it publishes: MODEL §1–§4.
///
/// A value that messages are applied to and that is evaluated when a table may be due. It knows
/// neither clock nor bus; times come with the calls and do not go back.
public struct AssetHaircuts: Sendable {
    public let configuration: AssetConfiguration
    /// The table published last; nil before the first, and after a restore until the next.
    public private(set) var published: HaircutTable?

    private let model: HaircutModel
    private let limiter: Limiter
    private let grid: TickGrid
    private let schedule: TierSchedule

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
    private var curve = VolatilityCurve()
    var columns: [Column]
    var breaker = CircuitBreaker.State()
    var governor = Governor.State()
    var last: AssetCheckpoint.Published?
    private var settledAt: Instant?
    var evaluatedAt: Instant?
    /// Whether a baseline sample closed since this was last asked.
    var hasClosedSample = false

    // Reused by every evaluation.
    private var draft: HaircutTable?
    private var initialTicks: [Ratio] = []
    private var maintenanceTicks: [Ratio] = []

    /// - Parameter configuration: its parameters without violations.
    public init(_ configuration: AssetConfiguration) {
        let parameters = configuration.parameters
        precondition(parameters.violations.isEmpty)
        self.configuration = configuration
        model = HaircutModel(parameters)
        limiter = Limiter(parameters)
        grid = TickGrid(basisPoints: parameters.roundingBasisPoints)
        schedule = TierSchedule(notionals: parameters.notionals, grid: grid)
        sources = PriceSources(
            configured: configuration.sources, staleSeconds: parameters.quoteStaleSeconds,
            dispersionTolerance: parameters.dispersionTolerance)
        columns = parameters.notionals.map { Column(notional: $0) }
    }

    /// The last good reference and mid; nil before they are known.
    public var reference: FixedDecimal? { sources.reference }
    public var mid: FixedDecimal? { book.mid }

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
        if sources.settle(at: now), let reference = sources.reference?.double, reference > 0 {
            fast.update(price: reference, at: now)
            slow.update(price: reference, at: now)
            if let exact = sources.reference {
                recent.update(price: exact, at: now)
                minutes.update(price: exact, at: now)
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
        if let last = self.surface {
            arrival = Sequencing.arrival(
                sequence: surface.sequence, time: surface.time, lastSequence: last.sequence,
                lastTime: last.time)
        }
        guard arrival != .duplicate else { return arrival }
        try SurfaceGate.check(surface, at: now)
        take(surface)
        return arrival
    }

    /// Computes the table at a time and publishes it if the contracts say so: when a tier or the
    /// state changed, the price moved, or a heartbeat is due; never within the interval.
    ///
    /// - Returns: true when `published` is a new table.
    public mutating func evaluate(at now: Instant, cause: Cause) -> Bool {
        if settledAt != now {
            settledAt = now
            sources.settle(at: now)
        }
        guard let mid = book.mid, let reference = sources.reference, isDue(at: now, mid, reference)
        else { return false }
        compute(at: now, mid: mid, reference: reference, cause: cause)
        evaluatedAt = now
        guard let candidate = draft, isWorthPublishing(candidate) else { return false }
        note(candidate)
        // The two tables change places so that neither's arrays are copied.
        draft = published
        published = candidate
        return true
    }

    private func isDue(at now: Instant, _ mid: FixedDecimal, _ reference: FixedDecimal) -> Bool {
        guard let last, let evaluatedAt else { return true }
        let interval = Int64(configuration.parameters.publishIntervalMilliseconds * 1e6)
        guard now.nanoseconds - last.time.nanoseconds >= interval else { return false }
        return now.nanoseconds - evaluatedAt.nanoseconds >= interval
            || hasMoved(Valuation(mid: mid, reference: reference), since: last)
    }

    private func hasMoved(
        _ valuation: Valuation, since last: AssetCheckpoint.Published
    ) -> Bool {
        let tolerance = configuration.parameters.priceToleranceBasisPoints / 1e4
        func moved(_ new: FixedDecimal, _ old: FixedDecimal) -> Bool {
            abs(new.double / old.double - 1) >= tolerance * (1 - 1e-12)
        }
        return moved(valuation.price, last.price) || moved(valuation.debtPrice, last.debtPrice)
    }

    private func isWorthPublishing(_ candidate: HaircutTable) -> Bool {
        guard let last else { return true }
        let heartbeat = Int64(configuration.parameters.heartbeatMilliseconds * 1e6)
        return !candidate.hasTiers(last.tiers) || candidate.state != last.state
            || candidate.time.nanoseconds - last.time.nanoseconds >= heartbeat
            || hasMoved(
                Valuation(mid: candidate.mid, reference: candidate.reference), since: last)
    }

    /// What the model reads, now.
    private func market(at now: Instant, mid: FixedDecimal, reference: FixedDecimal) -> MarketState
    {
        let prior = configuration.depthReference.double
        let quoted = book.dailyVolume.map { min($0, configuration.dailyVolume) }
        return MarketState(
            mid: mid.double, reference: reference.double, spread: book.spread.mean ?? 0,
            spreadDeviation: book.spread.deviation, depth: book.depth, depthPrior: prior,
            depthBaseline: max(baseline.depth ?? prior, prior),
            dailyVolume: (quoted ?? configuration.dailyVolume).double * mid.double,
            systemCollateral: configuration.systemCollateral.double,
            quoteAgeSeconds: max(0, now.seconds(since: book.time ?? now)),
            confidence: sources.confidence, volatilityFast: fast.volatility,
            volatilitySlow: slow.volatility)
    }

    private mutating func compute(
        at now: Instant, mid: FixedDecimal, reference: FixedDecimal, cause: Cause
    ) {
        let parameters = configuration.parameters
        let market = market(at: now, mid: mid, reference: reference)
        if let prepared {
            curve.update(
                prepared, at: now, wingDeviations: parameters.wingDeviations)
        }
        let shared = model.shared(market, curve: curve)
        let state = BreakerState.normal
        let seconds = evaluatedAt.map { now.seconds(since: $0) } ?? 0
        let valuation = Valuation(mid: mid, reference: reference)

        var table = takeDraft(at: now, cause: cause)
        table.state = state
        table.mid = mid
        table.reference = reference
        table.price = valuation.price
        table.debtPrice = valuation.debtPrice
        table.confidence = market.confidence
        table.boundBy = []
        initialTicks.removeAll(keepingCapacity: true)
        maintenanceTicks.removeAll(keepingCapacity: true)
        table.systemCollateral = configuration.systemCollateral
        table.impact = Impact(
            halfSpread: shared.halfSpread,
            dailyDeviation: parameters.impactCoefficient * shared.dailyDeviation,
            volume: max(money(shared.volume), FixedDecimal(1).times(1, over: 100)))
        var previous: HoldingHaircut?
        for index in columns.indices {
            let haircut = model.haircut(
                notional: parameters.notionals[index].double, market: market, shared: shared,
                curve: curve, previous: previous)
            previous = haircut
            advance(index, towards: haircut, state: state, seconds: seconds)
            table.scan[index].down = haircut.scanDown
            table.scan[index].up = haircut.scanUp
            if index == 0 {
                explain(haircut, in: &table, market: market, shared: shared, at: now)
                project(haircut, in: &table, state: state, at: now)
            }
        }
        schedule.build(
            initial: initialTicks, maintenance: maintenanceTicks, into: &table.tiers)
        table.gap = Haircut(
            initial: max(0, table.target.initial - table.initial.double),
            maintenance: max(0, table.target.maintenance - table.maintenance.double))
        draft = table
    }

    /// Moves one column's limiter and ticks.
    private mutating func advance(
        _ index: Int, towards haircut: HoldingHaircut, state: BreakerState, seconds: Double
    ) {
        let initial = limiter.step(
            from: columns[index].initial, towards: haircut.initial, state: state, seconds: seconds)
        let maintenance = limiter.step(
            from: columns[index].maintenance, towards: haircut.maintenance, state: state,
            seconds: seconds)
        let initialTick = grid.next(after: columns[index].initialTick, value: initial)
        let maintenanceTick = grid.next(after: columns[index].maintenanceTick, value: maintenance)
        columns[index].initial = initial
        columns[index].maintenance = maintenance
        columns[index].initialTick = initialTick
        columns[index].maintenanceTick = maintenanceTick
        initialTicks.append(initialTick)
        maintenanceTicks.append(maintenanceTick)
    }

    /// Says where the first grid point's haircut comes from.
    private func explain(
        _ haircut: HoldingHaircut, in table: inout HaircutTable, market: MarketState,
        shared: HaircutModel.Shared, at now: Instant
    ) {
        table.target = Haircut(initial: haircut.initial, maintenance: haircut.maintenance)
        table.boundBy.formUnion(haircut.clampedBy)
        table.components = Components(
            volatility: haircut.volatility, market: haircut.market, liquidity: haircut.liquidity,
            peg: shared.peg, divergence: shared.divergence, confidence: shared.confidence,
            horizonSeconds: haircut.horizonSeconds, depth: money(market.depth),
            depthBaseline: money(market.depthBaseline), spread: market.spread,
            quoteAge: market.quoteAgeSeconds,
            surfaceAge: surface.map { max(0, now.seconds(since: $0.time)) })
    }

    /// Says whether the limiter holds the first grid point, and where it will be in a minute.
    private func project(
        _ haircut: HoldingHaircut, in table: inout HaircutTable, state: BreakerState,
        at now: Instant
    ) {
        guard let initial = columns[0].initial, let maintenance = columns[0].maintenance,
            initial != haircut.initial || maintenance != haircut.maintenance
        else {
            table.next = nil
            return
        }
        table.boundBy.insert(.limiter)
        let nextMaintenance = grid.next(
            after: columns[0].maintenanceTick,
            value: limiter.projection(
                from: maintenance, towards: haircut.maintenance, state: state))
        let nextInitial = grid.next(
            after: columns[0].initialTick,
            value: limiter.projection(from: initial, towards: haircut.initial, state: state))
        table.next = Projection(
            initial: max(nextInitial, nextMaintenance), maintenance: nextMaintenance,
            at: now.advanced(bySeconds: 60))
    }

    /// The table to fill: the one before last, whose arrays are reused, or a new one.
    private mutating func takeDraft(at now: Instant, cause: Cause) -> HaircutTable {
        let validity = Int64(configuration.parameters.validitySeconds * 1e9)
        let sequence = (last?.sequence ?? 0) + 1
        let validUntil = now.advanced(byNanoseconds: validity)
        var table = draft.take() ?? emptyTable
        table.time = now
        table.sequence = sequence
        table.validUntil = validUntil
        table.cause = cause
        return table
    }

    /// A table with everything in it that does not change.
    private var emptyTable: HaircutTable {
        let parameters = configuration.parameters
        var table = HaircutTable.blank
        table.asset = configuration.asset
        table.fallback = parameters.fallback
        table.scan = parameters.notionals.map { ScanRange(notional: $0, down: 0, up: 0) }
        table.stressVolatility = parameters.stressVolatility
        table.modelVersion = HaircutModel.version
        table.parametersHash = configuration.parametersHash
        return table
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

/// A published amount: to the cent, a depth never shown larger than it is.
private func money(_ value: Double) -> FixedDecimal {
    let most = 999_999_999_999_999.0
    return FixedDecimal(min(value, most), fractionDigits: 2, rounding: .down) ?? .zero
}
