import Engine
import Haircuts
import Margin
import Market
import Quantities

/// The margin stage, slow and obvious: after every event every account is valued anew by the
/// model, and compared with its last output. It is the specification of `MarginShard`.
struct NaiveMarginShard {
    typealias Output = MarginOutputs.Output

    let model: MarginModel
    private(set) var time: Instant?
    private(set) var snapshots: [Identifier: AccountSnapshot] = [:]
    private(set) var tables: MarketTables
    private var latest: [Identifier: MarginRequirement] = [:]
    private var haircuts: [Identifier: (sequence: Int64, time: Instant)] = [:]
    private var surfaces: [Identifier: (sequence: Int64, time: Instant)] = [:]
    private var budget = TrancheBudget()
    private var isServing = false
    private var lastCause = Cause.timer(Instant(nanoseconds: 0))
    private var passTime = Instant(nanoseconds: .min)
    private var waiting: [Identifier] = []

    init(_ configuration: MarginConfiguration, shard: Int = 0, of shards: Int = 1) {
        model = MarginModel(
            parameters: configuration.parameters,
            valuationCurrency: configuration.valuationCurrency)
        tables = MarketTables(
            valuationCurrency: configuration.valuationCurrency, shard: shard, of: shards)
    }

    var parameters: MarginParameters { model.parameters }

    mutating func restore(_ requirement: MarginRequirement) {
        latest[requirement.account] = requirement
        pass(requirement.time)
    }

    /// Everything that differs from the last outputs.
    mutating func serve() -> [Output] {
        isServing = true
        var outputs: [Output] = []
        for account in latest.keys.sorted() where snapshots[account] == nil {
            outputs += closing(account, lastCause)
        }
        return outputs + changes(renewed: nil, lastCause)
    }

    mutating func take(_ event: MarginEvent, offset: Int) -> [Output] {
        let cause = Cause.record(topic: "test", partition: 0, offset: Int64(offset))
        switch event {
        case .positions(let snapshot):
            let last = snapshots[snapshot.account].map { ($0.sequence, $0.time) }
            guard isNew(snapshot.sequence, snapshot.time, after: last) else { return [] }
            snapshots[snapshot.account] = snapshot
            tables.watch(snapshot.positions)
            pass(snapshot.time)
            lastCause = cause
            return changes(renewed: snapshot.account, cause)
        case .close(let account):
            guard snapshots.removeValue(forKey: account) != nil else { return [] }
            lastCause = cause
            return closing(account, cause) + changes(renewed: nil, cause)
        case .haircuts(let table):
            guard isNew(table.sequence, table.time, after: haircuts[table.asset]) else { return [] }
            haircuts[table.asset] = (table.sequence, table.time)
            tables.apply(table)
            pass(table.time)
            lastCause = cause
            return changes(renewed: nil, cause)
        case .surface(let surface):
            guard isNew(surface.sequence, surface.time, after: surfaces[surface.asset]) else {
                return []
            }
            surfaces[surface.asset] = (surface.sequence, surface.time)
            tables.apply(PreparedSurface(surface), of: surface.asset)
            pass(surface.time)
            lastCause = cause
            return changes(renewed: nil, cause)
        case .timer(let instant):
            let before = lateAssets
            pass(instant)
            if lateAssets != before { lastCause = .timer(instant) }
            return changes(renewed: nil, .timer(instant))
        case .refresh(let count):
            return refresh(atMost: count)
        }
    }

    /// The figures of every account, by its name.
    func figures() -> [Identifier: MarginFigures] {
        var figures: [Identifier: MarginFigures] = [:]
        for owner in owners() {
            let valuation = value(owner)
            for index in owner.indices {
                figures[owner[index].account] = valuation.figures(of: index)
            }
        }
        return figures
    }

    private mutating func pass(_ next: Instant) { time = max(time ?? next, next) }

    private var lateAssets: Set<Identifier> {
        Set(tables.listed.filter { tables[$0]?.haircuts.isLate(at: now) ?? false })
    }

    private var now: Instant { time ?? Instant(nanoseconds: 0) }

    private func isNew(
        _ sequence: Int64, _ time: Instant, after last: (sequence: Int64, time: Instant)?
    ) -> Bool {
        guard let last else { return true }
        return sequence > last.sequence || time > last.time.advanced(bySeconds: 60)
    }

    /// Accounts by owner, each in order of their names.
    private func owners() -> [[AccountSnapshot]] {
        let groups = Dictionary(grouping: snapshots.values, by: \.owner)
        return groups.keys.sorted().map { owner in
            (groups[owner] ?? []).sorted { $0.account < $1.account }
        }
    }

    private func value(_ owner: [AccountSnapshot]) -> OwnerValuation {
        model.value(owner, at: now, lookUp: { tables[$0] })
    }

    private mutating func changes(renewed: Identifier?, _ cause: Cause) -> [Output] {
        guard isServing else { return [] }
        var found: [(valuation: OwnerValuation, index: Int, status: MarginStatus)] = []
        for owner in owners() {
            let valuation = value(owner)
            for (index, snapshot) in owner.enumerated() {
                let last = latest[snapshot.account]
                let previous = last?.status ?? .healthy
                let status = valuation.figures(of: index).status(after: previous, parameters)
                if status != previous || last?.positionsSequence != snapshot.sequence
                    || snapshot.account == renewed
                {
                    found.append((valuation, index, status))
                }
            }
        }
        func shortfall(_ change: (valuation: OwnerValuation, index: Int, status: MarginStatus))
            -> Double
        { max(0, -change.valuation.figures(of: change.index).excess.maintenance) }
        found.sort {
            if shortfall($0) != shortfall($1) { return shortfall($0) > shortfall($1) }
            return $0.valuation.book.accounts[$0.index].account
                < $1.valuation.book.accounts[$1.index].account
        }
        return found.map { publish($0.valuation, $0.index, $0.status, cause) }
    }

    private mutating func publish(
        _ valuation: OwnerValuation, _ index: Int, _ status: MarginStatus, _ cause: Cause
    ) -> Output {
        let assessment = valuation.assessment(of: index)
        let last = latest[assessment.account]
        let requirement = assessment.requirement(
            time: now, sequence: (last?.sequence ?? 0) + 1, status: status, cause: cause)
        latest[assessment.account] = requirement
        guard status != last?.status ?? .healthy else { return Output(requirement: requirement) }
        var reason = AlertCause.position
        if let last, !(last.assets.isEmpty && last.risk.isEmpty && last.status == .healthy) {
            reason = valuation.cause(
                of: index, before: valuation.remembered(last, of: index),
                previous: last.status, status: status)
        }
        return Output(
            requirement: requirement,
            alert: LiquidationAlert(
                id: LiquidationAlert.identity(
                    of: requirement.account, sequence: requirement.sequence, level: status),
                account: requirement.account, time: now, level: status,
                previous: last?.status ?? .healthy, cause: reason,
                shortfall: assessment.shortfall, distance: valuation.distance(of: index),
                plan: valuation.plan(of: index, budget: &budget)))
    }

    private mutating func closing(_ account: Identifier, _ cause: Cause) -> [Output] {
        guard isServing, let last = latest[account],
            !last.assets.isEmpty || !last.risk.isEmpty
                || last.requirement != .zero || last.status != .healthy
        else { return [] }
        var requirement = MarginRequirement.blank
        requirement.account = account
        requirement.time = now
        requirement.sequence = last.sequence + 1
        requirement.positionsSequence = last.positionsSequence
        requirement.cause = cause
        latest[account] = requirement
        guard last.status != .healthy else { return [Output(requirement: requirement)] }
        var alert = LiquidationAlert.blank
        alert.id = LiquidationAlert.identity(
            of: account, sequence: requirement.sequence, level: .healthy)
        alert.account = account
        alert.time = now
        alert.previous = last.status
        return [Output(requirement: requirement, alert: alert)]
    }

    private mutating func refresh(atMost count: Int) -> [Output] {
        guard isServing, count > 0 else { return [] }
        if now >= passTime.advanced(byNanoseconds: 250_000_000) {
            passTime = now
            waiting = due()
        }
        var outputs: [Output] = []
        while outputs.count < count, !waiting.isEmpty {
            let account = waiting.removeFirst()
            guard let last = latest[account], last.time < passTime,
                let owner = owners().first(where: { $0.contains { $0.account == account } }),
                let index = owner.firstIndex(where: { $0.account == account })
            else { continue }
            let requirement = value(owner).assessment(of: index).requirement(
                time: now, sequence: last.sequence + 1, status: last.status, cause: lastCause)
            latest[account] = requirement
            outputs.append(Output(requirement: requirement))
        }
        return outputs
    }

    /// The accounts whose figures are to be published again, nearest their line first.
    private func due() -> [Identifier] {
        let figures = figures()
        var due: [(distance: Double, account: Identifier)] = []
        for (account, figures) in figures {
            guard let last = latest[account] else { continue }
            let age = now.nanoseconds - last.time.nanoseconds
            let wait =
                last.status == .healthy
                ? parameters.refreshHealthyMilliseconds : parameters.refreshMilliseconds
            guard age >= Int64(wait * 1e6) else { continue }
            func hasMoved(_ now: Double, _ then: FixedDecimal, _ requirement: FixedDecimal) -> Bool
            {
                let base =
                    requirement > .zero ? requirement.double : abs(last.equity.double)
                return abs(now - then.double) > parameters.refreshTolerance * base + 0.01
            }
            if age >= Int64(parameters.heartbeatMinutes * 60e9)
                || hasMoved(
                    figures.excess.initial, last.excess.initial, last.requirement.initial)
                || hasMoved(
                    figures.excess.maintenance, last.excess.maintenance,
                    last.requirement.maintenance)
            {
                due.append((distance(figures, last.status), account))
            }
        }
        due.sort {
            $0.distance != $1.distance ? $0.distance < $1.distance : $0.account < $1.account
        }
        return due.map(\.account)
    }

    /// From the next worse status's line, in S.
    private func distance(_ figures: MarginFigures, _ status: MarginStatus) -> Double {
        let scale = figures.scale(parameters)
        let worse = MarginStatus.allCases.first { $0 > status } ?? .bankrupt
        return scale > 0 ? abs(figures.margin(over: worse, parameters)) / scale : .infinity
    }
}

extension MarginOutputs.Output {
    init(requirement: MarginRequirement) {
        self.init(requirement: requirement, alert: nil)
    }
}
