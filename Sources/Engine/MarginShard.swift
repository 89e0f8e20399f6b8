import Haircuts
import Margin
import Market
import Quantities

/// The margin of the accounts of one positions partition: positions, haircut tables and surfaces
/// in; requirements, alerts and exposure ladders out.
///
/// Level-triggered: what an account's requirement should be follows from the newest positions and
/// tables; an alert is the difference between that and the account's last output. So a shard is
/// first given its tables and its own last outputs (`restore`), publishes nothing meanwhile, and
/// begins with `serve`.
///
/// Pure: it has no clock, no randomness, no I/O and no threads. The same events in the same order
/// give the same outputs. Shard time is the largest time of the messages applied and the timers
/// given; it does not go back.
///
/// - Source: MODEL §7, §8; docs/contracts.md on when a requirement is published.
public struct MarginShard: Sendable {
    public internal(set) var time: Instant?
    let configuration: MarginConfiguration
    let shard: Int32
    let model: MarginModel
    var tables: MarketTables
    var sequencing = TableSequencing()
    var book = AccountBook()
    var lateness = Lateness()
    var exposures: ExposureBook
    var refreshing = RefreshQueue()
    var unknown = UnknownAssets()
    /// What all plans may sell together.
    var budget = TrancheBudget()
    /// Of the newest event, which causes what later refreshes publish.
    var cause: Cause?
    var isServing = false

    /// - Parameters:
    ///   - shard: the positions partition, 0 ..< `shardCount`.
    ///   - shardCount: partitions of the positions topic; > 0.
    public init(_ configuration: MarginConfiguration, shard: Int32, shardCount: Int) {
        precondition(shard >= 0 && shard < shardCount, "a shard is one of the partitions")
        self.configuration = configuration
        self.shard = shard
        model = MarginModel(
            parameters: configuration.parameters,
            valuationCurrency: configuration.valuationCurrency)
        tables = MarketTables(
            valuationCurrency: configuration.valuationCurrency, shard: Int(shard),
            of: shardCount)
        exposures = ExposureBook(shard: shard)
    }

    var valuationCurrency: Identifier { configuration.valuationCurrency }

    /// Accounts that are open: with a snapshot and no tombstone since.
    public var accountCount: Int { book.openCount }

    /// Assets and underlyings that accounts hold without there being a haircut table, each once
    /// in the life of the shard, for a log line and a count.
    public mutating func takeUnknownAssets() -> [Identifier] { unknown.take() }

    /// Applies everything an account holds.
    ///
    /// - Throws: why the snapshot was refused; nothing changes.
    public mutating func apply(
        _ snapshot: borrowing AccountSnapshot, cause: Cause, to sink: inout some MarginSink
    ) throws(MarginRefusal) -> Disposition {
        let snapshot = copy snapshot
        let arrival = book.arrival(of: snapshot)
        guard arrival != .duplicate else { return .duplicate }
        try snapshot.check()
        self.cause = cause
        tables.watch(snapshot.positions)
        var touched = lateOwners(passingTo: snapshot.time)
        let change = book.store(snapshot, valuationCurrency: valuationCurrency)
        for asset in book.assets(of: change.owner) { exposures.touch(asset) }
        if let left = change.leftOwner { touched.append(left) }
        touched.append(change.owner)
        if isServing { unknown.note(snapshot, in: tables, valuationCurrency) }
        publishChanges(of: touched, renewed: snapshot.account, cause: cause, to: &sink)
        return arrival == .sequenceReset ? .sequenceReset : .applied
    }

    /// Closes an account: its positions are forgotten, and the last requirement published says
    /// that nothing is left; an alert clears it where it was not healthy.
    ///
    /// - Returns: `duplicate` when there was no such account.
    public mutating func close(
        _ account: Identifier, cause: Cause, to sink: inout some MarginSink
    ) -> Disposition {
        guard let owner = book.remove(account, valuationCurrency: valuationCurrency) else {
            return .duplicate
        }
        self.cause = cause
        for asset in book.assets(of: owner) { exposures.touch(asset) }
        if isServing { publishClosed(account, cause: cause, to: &sink) }
        publishChanges(of: [owner], cause: cause, to: &sink)
        return .applied
    }

    /// Applies a haircut table.
    ///
    /// - Returns: `unlisted` for one of the valuation currency, which needs none.
    public mutating func apply(
        _ table: borrowing HaircutTable, cause: Cause, to sink: inout some MarginSink
    ) -> Disposition {
        let table = copy table
        guard table.asset != configuration.valuationCurrency else { return .unlisted }
        let arrival = sequencing.haircuts(
            of: table.asset, sequence: table.sequence, time: table.time)
        guard arrival != .duplicate else { return .duplicate }
        self.cause = cause
        var touched = lateOwners(passingTo: table.time)
        tables.apply(table)
        lateness.update(table.asset, validUntil: table.validUntil)
        exposures.touch(table.asset)
        touched += book.owners(holding: table.asset)
        publishChanges(of: touched, cause: cause, to: &sink)
        publishExposure(of: table.asset, to: &sink)
        return arrival == .sequenceReset ? .sequenceReset : .applied
    }

    /// Applies a surface that the gate lets pass.
    ///
    /// - Throws: the gate's refusal; the last good surface stays and nothing else changes.
    public mutating func apply(
        _ surface: Surface, cause: Cause, to sink: inout some MarginSink
    ) throws(SurfaceRefusal) -> Disposition {
        guard surface.asset != configuration.valuationCurrency else { return .unlisted }
        var sequencing = sequencing
        let arrival = sequencing.surface(
            of: surface.asset, sequence: surface.sequence, time: surface.time)
        guard arrival != .duplicate else { return .duplicate }
        try SurfaceGate.check(surface, at: max(time ?? surface.time, surface.time))
        self.sequencing = sequencing
        self.cause = cause
        var touched = lateOwners(passingTo: surface.time)
        tables.apply(PreparedSurface(surface), of: surface.asset)
        touched += book.owners(holding: surface.asset)
        publishChanges(of: touched, cause: cause, to: &sink)
        return arrival == .sequenceReset ? .sequenceReset : .applied
    }

    /// Lets time pass: tables may go past their validity, and exposures fall due.
    public mutating func apply(timer: Instant, to sink: inout some MarginSink) {
        let cause = Cause.timer(timer)
        let touched = lateOwners(passingTo: timer)
        if !touched.isEmpty { self.cause = cause }
        publishChanges(of: touched, cause: cause, to: &sink)
        for asset in exposures.touched { publishExposure(of: asset, to: &sink) }
    }

    /// Moves shard time forward and names the owners of assets whose tables went past their
    /// validity on the way.
    private mutating func lateOwners(passingTo next: Instant) -> [Int32] {
        let now = max(time ?? next, next)
        time = now
        return lateness.expire(at: now).flatMap { book.owners(holding: $0) }
    }
}
