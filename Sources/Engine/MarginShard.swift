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
    let lines: StatusLines
    var tables: MarketTables
    var sequencing = TableSequencing()
    var book: AccountBook
    /// Last outputs that rest on other positions than the account has now, by account number.
    var former: [Int32: MarginRequirement] = [:]
    var lateness = Lateness()
    var exposures: ExposureBook
    var refreshing = RefreshQueue()
    var unknown = UnknownAssets()
    /// What all plans may sell together.
    var budget = TrancheBudget()
    /// Newest of the requirements restored.
    var lastRestored: Instant?
    /// Of the newest event, which causes what later refreshes publish.
    var cause: Cause?
    var isServing = false
    /// Assets that are expected to have a haircut table and never had one yet. What is held of
    /// them counts 0 (MODEL §8), but nobody is brought past a margin call while they hold some:
    /// missing input never by itself liquidates.
    public private(set) var awaited: Set<Identifier>
    /// Those of them that accounts held when they came, before the shard served.
    public private(set) var awaitedHeld: Set<Identifier> = []
    /// Whether nothing was ever published: no last output was restored.
    public internal(set) var isCold = true
    /// Accounts valued so far by the loops over rows, to measure what the trigger index saves.
    public internal(set) var rowsValued = 0
    /// For valuing rows.
    var scratch: [Double] = []

    /// - Parameters:
    ///   - shard: the positions partition, 0 ..< `shardCount`.
    ///   - shardCount: partitions of the positions topic; > 0.
    ///   - expected: assets that will have a haircut table; what is held of any other without one
    ///     counts 0.
    public init(
        _ configuration: MarginConfiguration, shard: Int32, shardCount: Int,
        expected: [Identifier] = []
    ) {
        precondition(shard >= 0 && shard < shardCount, "a shard is one of the partitions")
        self.configuration = configuration
        self.shard = shard
        model = MarginModel(
            parameters: configuration.parameters,
            valuationCurrency: configuration.valuationCurrency)
        lines = StatusLines(configuration.parameters)
        tables = MarketTables(
            valuationCurrency: configuration.valuationCurrency, shard: Int(shard),
            of: shardCount)
        book = AccountBook(valuationCurrency: configuration.valuationCurrency)
        exposures = ExposureBook(shard: shard)
        awaited = Set(expected.filter { $0 != configuration.valuationCurrency })
    }

    var valuationCurrency: Identifier { configuration.valuationCurrency }

    /// Accounts that are open: with a snapshot and no tombstone since.
    public var accountCount: Int { book.openCount }

    /// Whether there is no account to say anything of, not even that it was closed.
    public var isBlank: Bool { accountCount == 0 && !book.hasClosedAccounts }

    /// Assets and underlyings that accounts hold without there being a haircut table, each once
    /// in the life of the shard, for a log line and a count.
    public mutating func takeUnknownAssets() -> [Identifier] { unknown.take() }

    /// Applies everything an account holds.
    ///
    /// - Throws: why the snapshot was refused; nothing changes.
    public mutating func apply(
        _ snapshot: AccountSnapshot, cause: Cause, to sink: inout some MarginSink
    ) throws(MarginRefusal) -> Disposition {
        let account = book.number(of: snapshot.account)
        let isKnown = book.knows(account)
        var arrival = PriceSources.Arrival.new
        if isKnown, let last = book.lastSnapshot(of: account) {
            arrival = Sequencing.arrival(
                sequence: snapshot.sequence, time: snapshot.time, lastSequence: last.sequence,
                lastTime: last.time)
        }
        guard arrival != .duplicate else { return .duplicate }
        try snapshot.check()
        self.cause = cause
        tables.watch(snapshot.positions)
        let late = pass(to: snapshot.time)
        if isKnown {
            keepFormer(account, before: snapshot)
            touchExposures(of: account)
        }
        let formerOwner = book.store(snapshot, of: account)
        touchExposures(of: account)
        guard isServing else {
            restored(account, snapshot)
            return arrival == .sequenceReset ? .sequenceReset : .applied
        }
        unknown.note(snapshot, in: tables, valuationCurrency)
        let owners = [book.owner(of: account)] + (formerOwner.map { [$0] } ?? [])
        settle(assets: late, owners: owners, renewed: [account], cause: cause, to: &sink)
        publishSettlements(of: snapshot, to: &sink)
        return arrival == .sequenceReset ? .sequenceReset : .applied
    }

    /// An account has come before the shard serves.
    private mutating func restored(_ account: Int32, _ snapshot: AccountSnapshot) {
        if !former.isEmpty, let output = former[account], !output.isClosed,
            output.positionsSequence == snapshot.sequence
        {
            // The restored output rests on these very positions.
            former[account] = nil
            book.setOutput(output, of: account)
        }
        if !awaited.isEmpty {
            let assets = snapshot.everyAsset(valuationCurrency: valuationCurrency)
            awaitedHeld.formUnion(awaited.intersection(assets))
        }
    }

    /// Keeps the last output of an account whose positions are about to change: the row that
    /// remembers it is about to go.
    private mutating func keepFormer(_ account: Int32, before snapshot: AccountSnapshot) {
        guard former[account] == nil, let last = book.lastOutput(of: account) else { return }
        if last.positionsSequence == snapshot.sequence {
            // A restored output that rests on these very positions is the account's last.
            if book.isOpen(account) || !isServing && !last.isClosed { return }
        }
        former[account] = book.output(of: account)
    }

    private mutating func touchExposures(of account: Int32) {
        if let (block, row) = book.place(of: account) {
            // The row's assets are those of its snapshot, each once.
            return exposures.touch(book.blocks[block].assetsOfRow(row))
        }
        guard let snapshot = book.snapshot(of: account) else { return }
        for asset in snapshot.everyAsset(valuationCurrency: valuationCurrency) {
            exposures.touch(book.assetNumber(of: asset))
        }
    }

    /// Closes an account: its positions are forgotten, and the last requirement published says
    /// that nothing is left; an alert clears it where it was not healthy.
    ///
    /// - Returns: `duplicate` when there was no such account.
    public mutating func close(
        _ account: Identifier, cause: Cause, to sink: inout some MarginSink
    ) -> Disposition {
        let number = book.number(of: account)
        touchExposures(of: number)
        let last = former.removeValue(forKey: number)
        let owner = book.remove(account)
        // After the removal: a row would forget which snapshot an older output rested on.
        if let last { book.setOutput(last, of: number) }
        guard let owner else { return .duplicate }
        self.cause = cause
        if isServing { publishClosed(number, cause: cause, to: &sink) }
        settle(assets: [], owners: [owner], cause: cause, to: &sink)
        return .applied
    }

    /// Applies a haircut table.
    ///
    /// - Returns: `unlisted` for one of the valuation currency, which needs none.
    public mutating func apply(
        _ table: borrowing HaircutTable, cause: Cause, to sink: inout some MarginSink
    ) -> Disposition {
        let table = copy table
        guard table.asset != valuationCurrency else { return .unlisted }
        let arrival = sequencing.haircuts(
            of: table.asset, sequence: table.sequence, time: table.time)
        guard arrival != .duplicate else { return .duplicate }
        self.cause = cause
        var changed = pass(to: table.time)
        tables.apply(table)
        awaited.remove(table.asset)
        awaitedHeld.remove(table.asset)
        lateness.update(table.asset, validUntil: table.validUntil)
        let number = marketChanged(table.asset)
        exposures.touch(number)
        changed.append(number)
        settle(assets: changed, owners: [], cause: cause, to: &sink)
        publishExposure(of: number, to: &sink)
        return arrival == .sequenceReset ? .sequenceReset : .applied
    }

    /// Applies a surface that the gate lets pass.
    ///
    /// - Throws: the gate's refusal; the last good surface stays and nothing else changes.
    public mutating func apply(
        _ surface: Surface, cause: Cause, to sink: inout some MarginSink
    ) throws(SurfaceRefusal) -> Disposition {
        guard surface.asset != valuationCurrency else { return .unlisted }
        var sequencing = sequencing
        let arrival = sequencing.surface(
            of: surface.asset, sequence: surface.sequence, time: surface.time)
        guard arrival != .duplicate else { return .duplicate }
        try SurfaceGate.check(surface, at: max(time ?? surface.time, surface.time))
        self.sequencing = sequencing
        self.cause = cause
        var changed = pass(to: surface.time)
        tables.apply(PreparedSurface(surface), of: surface.asset)
        changed.append(marketChanged(surface.asset))
        settle(assets: changed, owners: [], cause: cause, to: &sink)
        return arrival == .sequenceReset ? .sequenceReset : .applied
    }

    /// Lets time pass: tables may go past their validity, and exposures fall due.
    public mutating func apply(timer: Instant, to sink: inout some MarginSink) {
        let cause = Cause.timer(timer)
        let late = pass(to: timer)
        if !late.isEmpty {
            self.cause = cause
            settle(assets: late, owners: [], cause: cause, to: &sink)
        }
        publishExposures(to: &sink)
    }

    /// Moves shard time forward.
    ///
    /// - Returns: the assets whose tables went past their validity on the way.
    private mutating func pass(to next: Instant) -> [Int32] {
        let now = max(time ?? next, next)
        time = now
        return lateness.expire(at: now).map { marketChanged($0) }
    }

    /// Takes the market that an asset now has into what rows are valued by.
    private mutating func marketChanged(_ asset: Identifier) -> Int32 {
        let number = book.assetNumber(of: asset)
        guard let market = tables[asset], let time else { return number }
        book.columns.update(number, to: market, at: time)
        book.triggers.marketChanged(number, to: MarketMark(market, at: time))
        book.instruments.marketChanged(number)
        return number
    }
}
