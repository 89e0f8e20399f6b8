import Market
import Quantities

extension AssetHaircuts {
    /// Assesses the breaker, computes the table at a time and publishes it if the contracts say
    /// so: at once when the state changed; when a tier changed, the price moved, a control has
    /// something to show or a heartbeat is due, never within the interval.
    ///
    /// - Parameter cause: asked for when something is evaluated, which few calls come to.
    /// - Returns: true when `published` is a new table. `change` tells of the breaker.
    public mutating func evaluate(at now: Instant, cause: @autoclosure () -> Cause) -> Bool {
        if change != nil { change = nil }
        if settledAt != now {
            settledAt = now
            sources.settle(at: now)
        }
        if let end = controls.nextExpiry, end <= now {
            controls.expire(at: now)
            applyControls()
            pendingCause = cause()
        }
        guard let mid = book.mid, let reference = sources.reference else { return false }
        let before = breaker.state
        var since: Instant?
        if evaluatedAt != nil { since = assess(at: now) }
        guard breaker.state != before || isDue(at: now, mid, reference) else { return false }
        let later = compute(
            at: now, mid: mid, reference: reference, cause: pendingCause ?? cause())
        evaluatedAt = now
        if !restoredColumns.isEmpty { restoredColumns = [] }
        if breaker.state != before {
            change = BreakerChange(
                asset: configuration.asset, time: now, from: before, to: breaker.state,
                reasons: reasons, since: since ?? later ?? now)
        }
        // Taken out and put back: a copy would count the references of all its arrays.
        guard let candidate = draft.take() else { return false }
        guard isWorthPublishing(candidate) else {
            draft = consume candidate
            return false
        }
        note(candidate)
        pendingCause = nil
        draft = published.take()
        published = consume candidate
        swap(&draftGeneration, &publishedGeneration)
        return true
    }

    // What follows changes nothing where it does not say so, and is `mutating` nevertheless: called
    // on a value that may change, a function that may not change it is given a copy of it, and the
    // value is large.

    private mutating func isDue(
        at now: Instant, _ mid: FixedDecimal, _ reference: FixedDecimal
    ) -> Bool {
        guard let last, let evaluatedAt else { return true }
        let interval = Int64(configuration.parameters.publishIntervalMilliseconds * 1e6)
        guard now.nanoseconds - last.time.nanoseconds >= interval else { return false }
        return now.nanoseconds - evaluatedAt.nanoseconds >= interval || pendingCause != nil
            || hasMoved(Valuation(mid: mid, reference: reference), since: last)
    }

    private mutating func hasMoved(
        _ valuation: Valuation, since last: AssetCheckpoint.Published
    ) -> Bool {
        let tolerance = configuration.parameters.priceToleranceBasisPoints / 1e4
        func moved(_ new: FixedDecimal, _ old: FixedDecimal) -> Bool {
            abs(new.double / old.double - 1) >= tolerance * (1 - 1e-12)
        }
        return moved(valuation.price, last.price) || moved(valuation.debtPrice, last.debtPrice)
    }

    private mutating func isWorthPublishing(_ candidate: borrowing HaircutTable) -> Bool {
        guard let last else { return true }
        let heartbeat = Int64(configuration.parameters.heartbeatMilliseconds * 1e6)
        return candidate.state != last.state || pendingCause != nil
            || !candidate.hasTiers(last.tiers)
            || candidate.time.nanoseconds - last.time.nanoseconds >= heartbeat
            || hasMoved(
                Valuation(mid: candidate.mid, reference: candidate.reference), since: last)
    }

    /// Lets the breaker look at the market.
    ///
    /// - Returns: since when what changed was so; nil when the state is as it was.
    private mutating func assess(at now: Instant) -> Instant? {
        let prior = configuration.depthReference.double
        var signals = CircuitBreaker.Signals(
            baseVolatility: breaker.baseVolatility ?? configuration.parameters.volatilityFloor,
            depth: book.depth, depthBaseline: max(baseline.depth ?? prior, prior),
            spread: book.lastSpread)
        if let price = sources.reference {
            let number = price.double
            func ratio(to then: PriceHistory.Close?) -> Double {
                then.map { number / $0.number } ?? 1
            }
            signals.oneMinute = ratio(to: recent.close(stepsBefore: 6, now))
            signals.fiveMinutes = ratio(to: minutes.close(stepsBefore: 5, now))
            signals.thirtyMinutes = ratio(to: minutes.close(stepsBefore: 30, now))
        }
        signals.fastVolatility = fast.volatility
        signals.spreadBaseline = baseline.spread
        signals.hasEmptySide = book.hasEmptySide
        signals.quoteAgeSeconds = max(0, now.seconds(since: book.time ?? now))
        if let surface {
            // A surface that a restore knows of, but has not found again, tells nothing.
            signals.surfaceAgeSeconds =
                prepared == nil ? .infinity : max(0, now.seconds(since: surface.time))
        }
        signals.branchingRatio = breaker.branchingRatio
        signals.confidence = sources.confidence
        signals.isGovernorHolding = governor.held > .zero
        signals.isFrozenByControl = controls.isFrozen
        reasons = circuit.reasons(signals)
        return circuit.advance(&breaker, reasons, at: now)
    }

    /// What the model reads, now.
    private mutating func market(
        at now: Instant, mid: FixedDecimal, reference: FixedDecimal, collateral: Double
    ) -> MarketState {
        let prior = configuration.depthReference.double
        let quoted = book.dailyVolume.map { min($0, configuration.dailyVolume) }
        return MarketState(
            mid: mid.double, reference: reference.double, spread: book.spread.mean ?? 0,
            spreadDeviation: book.spread.deviation, depth: book.depth, depthPrior: prior,
            depthBaseline: max(baseline.depth ?? prior, prior),
            dailyVolume: (quoted ?? configuration.dailyVolume).double * mid.double,
            systemCollateral: collateral,
            quoteAgeSeconds: max(0, now.seconds(since: book.time ?? now)),
            confidence: sources.confidence, volatilityFast: fast.volatility,
            volatilitySlow: slow.volatility)
    }

    /// Fills `draft` and moves everything that moves with time.
    ///
    /// - Returns: since when a change of the breaker's state was so, if there was one.
    private mutating func compute(
        at now: Instant, mid: FixedDecimal, reference: FixedDecimal, cause: Cause
    ) -> Instant? {
        let parameters = configuration.parameters
        let totals = exposure.totals(at: now)
        let market = market(
            at: now, mid: mid, reference: reference, collateral: totals.collateral)
        if let prepared {
            curve.update(prepared, at: now, wingDeviations: parameters.wingDeviations)
        }
        let shared = model.shared(market, curve: curve)
        breaker.baseVolatility = max(
            curve.volatility(horizonSeconds: 30 * 86_400) ?? 0, market.volatilitySlow ?? 0,
            parameters.volatilityFloor)
        breaker.branchingRatio = HaircutModel.branchingRatio(
            dailyDeviation: shared.dailyDeviation, forced: totals.forcedByOnePercent,
            volume: shared.volume)
        var since = assess(at: now)

        var table = takeDraft(at: now, cause: cause)
        let valuation = Valuation(mid: mid, reference: reference)
        table.mid = mid
        table.reference = reference
        table.price = valuation.price
        table.debtPrice = valuation.debtPrice
        table.confidence = market.confidence
        table.branchingRatio = breaker.branchingRatio
        table.systemCollateral = money(totals.collateral)
        table.impact = Impact(
            halfSpread: shared.halfSpread,
            dailyDeviation: parameters.impactCoefficient * shared.dailyDeviation,
            volume: max(money(shared.volume), FixedDecimal(1).times(1, over: 100)))
        exposure.shares(at: now, into: &table.shares)
        table.boundBy = []
        let first = fillColumns(of: &table, market, shared, at: now)
        if governor.held > .zero {
            table.boundBy.formUnion(.governor)
            since = assess(at: now) ?? since
        }
        table.state = breaker.state
        if let first { project(first, in: &table, at: now) }
        schedule.build(
            initial: initialTicks, maintenance: maintenanceTicks, into: &table.tiers)
        overlay(&table)
        table.gap = Haircut(
            initial: max(0, table.target.initial - table.initial.double),
            maintenance: max(0, table.target.maintenance - table.maintenance.double))
        draft = table
        draftGeneration = generation
        return since
    }

    /// Computes and moves the columns, smallest notional first.
    ///
    /// - Returns: the haircut of the first.
    private mutating func fillColumns(
        of table: inout HaircutTable, _ market: MarketState, _ shared: HaircutModel.Shared,
        at now: Instant
    ) -> HoldingHaircut? {
        let seconds = evaluatedAt.map { now.seconds(since: $0) } ?? 0
        initialTicks.removeAll(keepingCapacity: true)
        maintenanceTicks.removeAll(keepingCapacity: true)
        var first: HoldingHaircut?
        var previous: HoldingHaircut?
        for index in columns.indices {
            let haircut = model.haircut(
                notional: columns[index].notional.double, market: market, shared: shared,
                curve: curve, previous: previous, from: &guesses)
            previous = haircut
            advance(index, towards: haircut, seconds: seconds, at: now)
            let scan = advanceScan(index, towards: haircut.scanDown, seconds: seconds)
            table.scan[index].down = scan
            table.scan[index].up = HaircutModel.scanUp(scan)
            if index == 0 {
                first = haircut
                explain(haircut, in: &table, market: market, shared: shared, at: now)
            }
        }
        return first
    }

    /// Moves one column's limiter and ticks. The governor looks at the first one; what it holds
    /// back there, it holds back of all.
    private mutating func advance(
        _ index: Int, towards haircut: HoldingHaircut, seconds: Double, at now: Instant
    ) {
        let column = columns[index]
        let initial = limiter.step(
            from: column.initial, towards: haircut.initial, state: breaker.state, seconds: seconds)
        let maintenance = moved(
            column.maintenance, towards: haircut.maintenance, by: limiter, seconds: seconds)
        let wanted = grid.next(after: column.maintenanceTick, value: maintenance)
        var admitted = wanted
        if let from = column.maintenanceTick {
            if index == 0 {
                admitted = govern(
                    Governor.Step(from: from, to: wanted, path: maintenance), seconds: seconds,
                    at: now)
            } else if governor.held > .zero, wanted > from {
                admitted = max(
                    from, Ratio(millionths: wanted.millionths - governor.held.millionths))
            }
        }
        // What is held back of maintenance still goes to initial.
        let initialTick = grid.next(after: column.initialTick, value: initial)
        columns[index].initial = initial
        columns[index].maintenance = maintenance
        columns[index].initialTick = initialTick
        columns[index].maintenanceTick = admitted
        initialTicks.append(max(initialTick, wanted))
        maintenanceTicks.append(admitted)
    }

    /// Moves one column's scan range, which sets what positions in derivatives need as maintenance
    /// sets what collateral counts: in bounded steps too, and held like it.
    private mutating func advanceScan(
        _ index: Int, towards target: Double, seconds: Double
    ) -> Double {
        let scan = moved(
            columns[index].scan, towards: target, by: scanLimiter, seconds: seconds)
        columns[index].scan = scan
        return scan
    }

    /// Where what existing positions are held to goes from a value: nowhere while frozen.
    private mutating func moved(
        _ value: Double?, towards target: Double, by limiter: Limiter, seconds: Double
    ) -> Double {
        guard breaker.state != .frozen else { return value ?? target }
        return limiter.step(from: value, towards: target, state: breaker.state, seconds: seconds)
    }

    /// Lets the governor cut a step of the first grid point.
    private mutating func govern(
        _ step: Governor.Step, seconds: Double, at now: Instant
    ) -> Ratio {
        let floor = controls.floor.map { grid.roundedUp($0.maintenance) } ?? .zero
        let exposure = exposure
        let state = governor
        let admitted = throttle.admit(
            step, grid: grid, depth: book.depth, seconds: seconds, at: now, in: &governor
        ) { maintenance in
            // An override lies over what is published: below it nothing more is forced.
            exposure.forced(upTo: max(maintenance, floor), at: now, from: state)
        }
        guard controls.isSolvent else { return admitted }
        governor.held = .zero
        return step.to
    }

    /// Says where the first grid point's haircut comes from.
    private mutating func explain(
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
    private mutating func project(
        _ haircut: HoldingHaircut, in table: inout HaircutTable, at now: Instant
    ) {
        guard let initial = columns[0].initial, let maintenance = columns[0].maintenance else {
            return
        }
        let isLimited = initial != haircut.initial || maintenance != haircut.maintenance
        if isLimited || columns[0].scan.map({ $0 < haircut.scanDown }) ?? false {
            table.boundBy.insert(.limiter)
        }
        guard isLimited || governor.held > .zero else {
            table.next = nil
            return
        }
        let state = breaker.state
        let path =
            state == .frozen
            ? maintenance
            : limiter.projection(from: maintenance, towards: haircut.maintenance, state: state)
        let nextMaintenance = grid.next(after: columns[0].maintenanceTick, value: path)
        let nextInitial = grid.next(
            after: columns[0].initialTick,
            value: limiter.projection(from: initial, towards: haircut.initial, state: state))
        table.next = Projection(
            initial: max(nextInitial, nextMaintenance), maintenance: nextMaintenance,
            at: now.advanced(bySeconds: 60))
    }

    /// Lays over the tiers what is no limiter state: an override's floor, and the fallback while
    /// the input is in doubt.
    private mutating func overlay(_ table: inout HaircutTable) {
        if breaker.state == .frozen { table.boundBy.insert(.freeze) }
        var initial = Ratio.zero
        var maintenance = Ratio.zero
        if let floor = controls.floor {
            initial = grid.roundedUp(floor.initial)
            maintenance = grid.roundedUp(floor.maintenance)
            if Self.raise(&table, initial: initial, maintenance: maintenance) {
                table.boundBy.insert(.override)
            }
        }
        if !reasons.isDisjoint(with: .freezing) {
            let fallback = grid.roundedUp(configuration.parameters.fallback)
            if Self.raise(&table, initial: fallback, maintenance: .zero) {
                table.boundBy.insert(.fallback)
            }
            initial = max(initial, fallback)
        }
        if let next = table.next {
            table.next?.initial = max(next.initial, initial)
            table.next?.maintenance = max(next.maintenance, maintenance)
        }
    }

    /// Puts a floor under every tier.
    ///
    /// - Returns: whether that changed one.
    private static func raise(
        _ table: inout HaircutTable, initial: Ratio, maintenance: Ratio
    ) -> Bool {
        var hasChanged = false
        for index in table.tiers.indices {
            let tier = table.tiers[index]
            if tier.initial < initial || tier.maintenance < maintenance {
                table.tiers[index].initial = max(tier.initial, initial)
                table.tiers[index].maintenance = max(tier.maintenance, maintenance)
                hasChanged = true
            }
        }
        return hasChanged
    }

    /// The table to fill: the one before last, whose arrays are reused, or a new one.
    private mutating func takeDraft(at now: Instant, cause: Cause) -> HaircutTable {
        let validity = Int64(configuration.parameters.validitySeconds * 1e9)
        let sequence = (last?.sequence ?? 0) + 1
        if draftGeneration != generation { draft = nil }
        var table = draft.take() ?? emptyTable
        table.time = now
        table.sequence = sequence
        table.validUntil = now.advanced(byNanoseconds: validity)
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

/// A published amount: to the cent, a depth never shown larger than it is.
private func money(_ value: Double) -> FixedDecimal {
    let most = 999_999_999_999_999.0
    return FixedDecimal(min(value, most), fractionDigits: 2, rounding: .down) ?? .zero
}
