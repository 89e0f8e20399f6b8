import Market
import Quantities

extension AssetHaircuts {
    /// Everything that the asset's tables on the bus cannot give back, as plain values.
    public var checkpoint: AssetCheckpoint {
        var checkpoint = AssetCheckpoint(asset: configuration.asset)
        checkpoint.sources = sources.sources
        checkpoint.reference = sources.reference
        checkpoint.confidence = sources.confidence
        checkpoint.peaks = sources.hourlyPeaks
        checkpoint.book = book
        checkpoint.sample = baseline.current
        checkpoint.fast = fast.state
        checkpoint.slow = slow.state
        checkpoint.recent = recent.closes
        checkpoint.minutes = minutes.closes
        checkpoint.columns = columns
        checkpoint.evaluatedAt = evaluatedAt
        checkpoint.pendingCause = pendingCause
        checkpoint.published = last
        checkpoint.surface = surface
        checkpoint.breaker = breaker
        checkpoint.governor = governor
        return checkpoint
    }

    /// The closed five-minute samples, as plain values.
    public var baselinesCheckpoint: BaselinesCheckpoint {
        var checkpoint = BaselinesCheckpoint(asset: configuration.asset)
        checkpoint.samples = baseline.samples
        return checkpoint
    }

    /// Takes back what was kept. Columns are matched by notional: one that is new to the
    /// configuration starts at its target, like the first table.
    package mutating func restore(_ checkpoint: AssetCheckpoint) {
        sources.restore(
            checkpoint.sources, peaks: checkpoint.peaks, reference: checkpoint.reference,
            confidence: checkpoint.confidence)
        book = checkpoint.book
        baseline.restore(samples: baseline.samples, current: checkpoint.sample)
        fast.state = checkpoint.fast
        slow.state = checkpoint.slow
        recent.closes = checkpoint.recent
        minutes.closes = checkpoint.minutes
        restoredColumns = checkpoint.columns
        for index in columns.indices {
            let notional = columns[index].notional
            columns[index] =
                checkpoint.columns.first { $0.notional == notional } ?? Column(notional: notional)
        }
        evaluatedAt = checkpoint.evaluatedAt
        pendingCause = checkpoint.pendingCause
        last = checkpoint.published
        surface = checkpoint.surface
        breaker = checkpoint.breaker
        governor = checkpoint.governor
    }

    package mutating func restore(_ checkpoint: BaselinesCheckpoint) {
        baseline.restore(samples: checkpoint.samples, current: baseline.current)
    }

    /// Takes a surface that is read again after a restore; nothing is evaluated.
    ///
    /// The last good one is known by its mark and needs no gate: it passed. One that came after it
    /// goes through the gate as it would have, an earlier one is passed over.
    ///
    /// - Returns: true when it is the last good surface now.
    package mutating func restore(
        _ surface: Surface, at now: Instant
    ) throws(SurfaceRefusal) -> Bool {
        if let mark = self.surface {
            if surface.sequence != mark.sequence || surface.time != mark.time {
                let arrival = Sequencing.arrival(
                    sequence: surface.sequence, time: surface.time, lastSequence: mark.sequence,
                    lastTime: mark.time)
                if arrival == .duplicate || surface.time < mark.time { return false }
                try SurfaceGate.check(surface, at: now)
            }
        } else {
            try SurfaceGate.check(surface, at: now)
        }
        take(surface)
        return true
    }

    /// Whether a baseline sample closed since this was last asked.
    package mutating func takeClosedSample() -> Bool {
        defer { hasClosedSample = false }
        return hasClosedSample
    }

    mutating func take(_ surface: Surface) {
        self.surface = AssetCheckpoint.SurfaceMark(
            sequence: surface.sequence, time: surface.time)
        if prepared == nil {
            prepared = PreparedSurface(surface)
        } else {
            prepared?.update(surface)
        }
    }

    /// Remembers of a table what the next one is compared with.
    mutating func note(_ table: borrowing HaircutTable) {
        var last = last.take() ?? AssetCheckpoint.Published()
        last.sequence = table.sequence
        last.time = table.time
        last.state = table.state
        last.price = table.price
        last.debtPrice = table.debtPrice
        last.tiers.removeAll(keepingCapacity: true)
        for tier in table.tiers {
            last.tiers.append(
                AssetCheckpoint.TierRatios(initial: tier.initial, maintenance: tier.maintenance))
        }
        self.last = last
        governor.note(table.maintenance, sequence: table.sequence, at: table.time)
    }
}

extension HaircutTable {
    /// Whether the tiers have these ratios. The bounds follow from the configuration; where that
    /// changed, the number of tiers or a ratio does nearly always, and a heartbeat comes soon.
    borrowing func hasTiers(_ ratios: [AssetCheckpoint.TierRatios]) -> Bool {
        guard tiers.count == ratios.count else { return false }
        for index in tiers.indices
        where tiers[index].initial != ratios[index].initial
            || tiers[index].maintenance != ratios[index].maintenance
        {
            return false
        }
        return true
    }
}
