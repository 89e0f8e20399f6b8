import Engine
import Foundation
import Haircuts
import Margin
import Market
import Messages
import Quantities

/// A margin shard of many accounts: what valuing all of them costs beside reading their memory
/// once, what a small move costs beside that, and how long a crash takes.
struct MarginBenchmark {
    let accounts: Int
    let samples: Int

    private static let assets = (0..<20).map { name("ASSET\($0)") }
    private static let valuation = name("USD")
    private static let start = Instant(nanoseconds: 1_790_000_000_000_000_000)

    /// Counts what is published.
    private struct Counter: MarginSink {
        var requirements = 0
        var alerts = 0
        mutating func publish(
            _ requirement: borrowing MarginRequirement, alert: LiquidationAlert?
        ) {
            requirements += 1
            if alert != nil { alerts += 1 }
        }
        mutating func publish(_ exposure: borrowing Exposure) {}
    }

    private static func name(_ text: String) -> Identifier { Identifier(text) ?? .unnamed }

    private static func account(_ index: Int) -> Identifier { name("account-\(index)") }
    private static func owner(_ index: Int) -> Identifier { name("owner-\(index)") }

    private static func decimal(_ value: Double, digits: Int = 8) -> FixedDecimal {
        FixedDecimal(value, fractionDigits: digits, rounding: .toNearestOrEven) ?? .zero
    }

    func run(into report: inout Report) {
        spot(into: &report)
        shared(into: &report)
        options(into: &report)
        restore(into: &report)
    }

    // Spot accounts

    private func spot(into report: inout Report) {
        var market = Market()
        var random = Generator(state: 11)
        let residentBefore = resident()
        var shard = shard()
        var sink = Counter()
        for asset in Self.assets.indices { apply(market.table(of: asset), to: &shard, &sink) }
        let loading = CPUTime.ofThisThread
        for index in 0..<accounts {
            apply(spotAccount(index, market, &random), to: &shard, &sink)
        }
        report.add(
            "margin.load", "µs/account, its snapshot made and stored",
            [(CPUTime.ofThisThread - loading) * 1e6 / Double(accounts)])
        let serving = CPUTime.ofThisThread
        shard.serve(to: &sink)
        report.add(
            "margin.serve", "µs/account, the first requirement of each",
            [(CPUTime.ofThisThread - serving) * 1e6 / Double(accounts)])
        let names = (0..<accounts).reduce(0) {
            $0 + Self.account($1).utf8Count + Self.owner($1).utf8Count
        }
        let bytes = Double(resident() - residentBefore - names) / Double(accounts)
        report.add("margin.memory", "bytes/account of 4 holdings, beyond its two names", [bytes])
        report.target(
            "memory of an account with 4 holdings", bytes, atMost: 250, unit: "bytes",
            isRatio: true)
        revaluations(of: &shard, &market, &sink, into: &report)
        crash(of: &shard, &market, &sink, into: &report)
    }

    /// Steps of 5 bp, and steps beyond every horizon that change no status.
    private func revaluations(
        of shard: inout MarginShard, _ market: inout Market, _ sink: inout Counter,
        into report: inout Report
    ) {
        let memory = Memory(bytes: accounts * Self.bytesRead(assets: 4, positions: 0))
        var (ratios, full, ticks, shares) = ([Double](), [Double](), [Double](), [Double]())
        for _ in 0..<samples {
            let scan = memory.scan()
            let whole = time { apply(market.tableChangingAll(0), to: &shard, &sink) }
            full.append(whole * 1e9 / Double(accounts))
            ratios.append(whole / scan)
            let valuedBefore = shard.rowsValued
            // Up and down: the market is a random walk of small steps.
            let steps = 40
            let walk = time {
                for step in 0..<steps {
                    market.move(0, by: step % 2 == 0 ? 1.0005 : 1 / 1.0005)
                    apply(market.table(of: 0), to: &shard, &sink)
                }
            }
            let valued = Double(shard.rowsValued - valuedBefore) / Double(steps * accounts)
            ticks.append(walk / Double(steps) / whole)
            shares.append(valued)
        }
        report.add("margin.full", "ns/account, full revaluation", full)
        let ratio = report.add("margin.full.overRead", "times reading the same bytes once", ratios)
        report.target(
            "full revaluation over reading the bytes", ratio, atMost: 2.5, unit: "×", isRatio: true)
        let tick = report.add("margin.tick", "of a full revaluation, 5 bp", ticks)
        report.target(
            "a 5 bp tick over a full revaluation", tick, atMost: 0.1, unit: "×",
            isRatio: true)
        let share = report.add("margin.tick.touched", "of all accounts, 5 bp", shares)
        report.target(
            "accounts valued by a 5 bp tick", share, atMost: 0.05, unit: "of all",
            isRatio: true)
    }

    /// All prices fall by a fifth at once.
    private func crash(
        of shard: inout MarginShard, _ market: inout Market, _ sink: inout Counter,
        into report: inout Report
    ) {
        let (alerts, before) = (sink.alerts, resident())
        let fall = time {
            for asset in Self.assets.indices {
                market.move(asset, by: 0.8)
                apply(market.table(of: asset), to: &shard, &sink)
            }
        }
        report.add("margin.crash", "s, all prices 20 % lower", [fall])
        report.add("margin.crash.alerts", "changes of status", [Double(sink.alerts - alerts)])
        report.add(
            "margin.crash.memory", "bytes/account more resident",
            [Double(resident() - before) / Double(accounts)])
        report.target(
            "a 20 % crash, every change of status out", fall, atMost: 2, unit: "s", isRatio: false)
    }

    /// A shard that has published all its accounts, and its market.
    private func served(
        seed: UInt64, _ account: (Int, Market, inout Generator) -> AccountSnapshot
    ) -> (shard: MarginShard, market: Market, sink: Counter) {
        var market = Market()
        var random = Generator(state: seed)
        var shard = shard()
        var sink = Counter()
        for asset in Self.assets.indices { apply(market.table(of: asset), to: &shard, &sink) }
        for index in 0..<accounts { apply(account(index, market, &random), to: &shard, &sink) }
        shard.serve(to: &sink)
        return (shard, market, sink)
    }

    // Accounts that share an owner

    /// Two accounts an owner, which are haircut together.
    private func shared(into report: inout Report) {
        var (shard, market, sink) = served(seed: 14) { index, market, random in
            var snapshot = spotAccount(index, market, &random)
            snapshot.owner = Self.owner(index / 2)
            return snapshot
        }
        let full = (0..<samples).map { _ in
            time { apply(market.tableChangingAll(0), to: &shard, &sink) } * 1e9 / Double(accounts)
        }
        report.add("margin.shared", "ns/account, full revaluation, two accounts an owner", full)
    }

    // Accounts with options

    private func options(into report: inout Report) {
        var (shard, market, sink) = served(seed: 12) { optionAccount($0, $1, &$2) }
        let memory = Memory(bytes: accounts * Self.bytesRead(assets: 3, positions: 4))
        var (ratios, full) = ([Double](), [Double]())
        for _ in 0..<samples {
            let scan = memory.scan()
            let whole = time { apply(market.tableChangingAll(0), to: &shard, &sink) }
            full.append(whole * 1e9 / Double(accounts))
            ratios.append(whole / scan)
        }
        report.add("margin.options", "ns/account with 4 options", full)
        let ratio = report.add(
            "margin.options.overRead", "times reading the same bytes once", ratios)
        report.target(
            "accounts with options over reading the bytes", ratio, atMost: 6, unit: "×",
            isRatio: true)
    }

    // Restoring positions

    /// Reads snapshots from memory into a new shard, beside decoding them alone.
    private func restore(into report: inout Report) {
        let market = Market()
        var random = Generator(state: 13)
        let count = min(accounts, 200_000)
        var buffer = OutputBuffer(capacity: 1 << 20)
        var ends: [Int] = []
        for index in 0..<count {
            let snapshot = spotAccount(index, market, &random)
            buffer.append(snapshot.account)
            ends.append(buffer.count)
            buffer.write(snapshot)
            ends.append(buffer.count)
        }
        var decoder = PositionsDecoder()
        var snapshot = AccountSnapshot.blank
        var (ratios, restoring) = ([Double](), [Double]())
        for _ in 0..<samples {
            var shard = shard()
            var sink = Counter()
            func each(_ use: (AccountSnapshot) -> Void) {
                buffer.withBytes { bytes in
                    var start = 0
                    for place in stride(from: 0, to: ends.count, by: 2) {
                        let key = UnsafeRawBufferPointer(rebasing: bytes[start..<ends[place]])
                        let body = UnsafeRawBufferPointer(
                            rebasing: bytes[ends[place]..<ends[place + 1]])
                        start = ends[place + 1]
                        // Every snapshot is well-formed: it was written a moment ago.
                        try? decoder.decode(body, key: key, recordTimestamp: nil, into: &snapshot)
                        use(snapshot)
                    }
                }
            }
            let decoding = time { each { _ in } }
            let whole = time { each { apply($0, to: &shard, &sink) } }
            ratios.append(decoding / whole)
            restoring.append(whole * 1e6 / Double(count))
        }
        report.add("margin.restore", "µs/account, its snapshot decoded and applied", restoring)
        let ratio = report.add("margin.restore.overDecode", "of the rate of decoding", ratios)
        report.target(
            "positions restored over decoding them", ratio, atLeast: 0.5, unit: "×", isRatio: true)
    }

    // What is measured

    /// What valuing an account reads of it: numbers and quantities of its assets, and of its
    /// positions numbers, quantities, entry prices and settlement; its status, its own number and
    /// its place in the trigger index.
    private static func bytesRead(assets: Int, positions: Int) -> Int {
        assets * 12 + positions * 21 + 9
    }

    private func shard() -> MarginShard {
        var configuration = MarginConfiguration(valuationCurrency: Self.valuation)
        configuration.parameters.exposureMilliseconds = 1e12
        return MarginShard(configuration, shard: 0, shardCount: 1)
    }

    private func apply(_ table: HaircutTable, to shard: inout MarginShard, _ sink: inout Counter) {
        _ = shard.apply(table, cause: .timer(table.time), to: &sink)
    }

    private func apply(
        _ snapshot: AccountSnapshot, to shard: inout MarginShard, _ sink: inout Counter
    ) {
        _ = try? shard.apply(snapshot, cause: .timer(snapshot.time), to: &sink)
    }

    private func time(_ body: () -> Void) -> Double {
        let begin = CPUTime.ofThisThread
        body()
        return CPUTime.ofThisThread - begin
    }

    private func resident() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
            return 0
        }
        let fields = text.split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4_096
    }

    /// Four holdings: three assets, and a debt or a balance in the valuation currency. Leverage is
    /// spread from none to nine tenths of the weight of what is held.
    private func spotAccount(
        _ index: Int, _ market: Market, _ random: inout Generator
    ) -> AccountSnapshot {
        var snapshot = AccountSnapshot(
            account: Self.account(index), owner: Self.owner(index),
            time: Self.start, sequence: 1)
        let worth = exp(random.next(5...12))
        let first = Int(random.next(0...19.99))
        for offset in 0..<3 {
            let asset = (first + offset * 7) % Self.assets.count
            snapshot.balances.append(
                Balance(
                    asset: Self.assets[asset],
                    quantity: Self.decimal(worth / market.prices[asset] / 3)))
        }
        snapshot.balances.append(
            Balance(
                asset: Self.valuation,
                quantity: Self.decimal(-worth * random.next(0...0.85), digits: 2)))
        return snapshot
    }

    /// Four of two hundred options on two underlyings, and a balance.
    private func optionAccount(
        _ index: Int, _ market: Market, _ random: inout Generator
    ) -> AccountSnapshot {
        var snapshot = AccountSnapshot(
            account: Self.account(index), owner: Self.owner(index),
            time: Self.start, sequence: 1)
        let worth = exp(random.next(5...12))
        snapshot.balances.append(
            Balance(asset: Self.valuation, quantity: Self.decimal(worth * 2, digits: 2)))
        let first = Int(random.next(0...49.99))
        for offset in 0..<4 {
            let number = (first + offset * 53) % 200
            let underlying = number % 2
            let price = market.prices[underlying]
            snapshot.positions.append(
                Position(
                    instrument: Self.name("OPTION\(number)"),
                    terms: .option(
                        number % 4 < 2 ? .call : .put,
                        strike: Self.decimal(100 * (0.6 + 0.004 * Double(number)), digits: 2),
                        expiry: Self.start.advanced(bySeconds: 86_400 * Int64(7 + number % 60))),
                    underlying: Self.assets[underlying], multiplier: .one,
                    quantity: Self.decimal(worth / price * random.next(-0.3...0.5), digits: 4),
                    entryPrice: .one))
        }
        return snapshot
    }

    /// Prices of 100 at first, and the tables that tell them.
    private struct Market {
        var prices = MarginBenchmark.assets.map { _ in 100.0 }
        var sequences = MarginBenchmark.assets.map { _ in Int64(0) }

        mutating func move(_ asset: Int, by factor: Double) { prices[asset] *= factor }

        /// A table with another haircut above the values anybody holds: every account has to be
        /// valued, and none changes its status.
        mutating func tableChangingAll(_ asset: Int) -> HaircutTable {
            var table = table(of: asset)
            let last = table.tiers.count - 1
            table.tiers[last].initial =
                sequences[asset] % 2 == 0 ? .one : Ratio(millionths: 800_000)
            return table
        }

        mutating func table(of asset: Int) -> HaircutTable {
            sequences[asset] += 1
            var table = HaircutTable.blank
            table.asset = MarginBenchmark.assets[asset]
            table.time = MarginBenchmark.start.advanced(byNanoseconds: sequences[asset] * 1_000)
            table.sequence = sequences[asset]
            table.price = MarginBenchmark.decimal(prices[asset])
            (table.debtPrice, table.reference, table.mid) = (table.price, table.price, table.price)
            let bounds = [0, 100_000, 1_000_000, 5_000_000, 20_000_000]
            table.tiers = bounds.indices.map { index in
                let maintenance = Int32(40_000 + 20_000 * index)
                return HaircutTier(
                    from: FixedDecimal(bounds[index]),
                    to: index + 1 < bounds.count ? FixedDecimal(bounds[index + 1]) : nil,
                    initial: Ratio(millionths: maintenance * 3 / 2),
                    maintenance: Ratio(millionths: maintenance))
            }
            table.validUntil = table.time.advanced(bySeconds: 30)
            table.fallback = 0.3
            table.scan = [(100_000, 0.1), (1_000_000, 0.12), (20_000_000, 0.2)].map {
                ScanRange(notional: FixedDecimal($0.0), down: $0.1, up: $0.1 / (1 - $0.1))
            }
            table.stressVolatility = 0.9
            table.components.depth = FixedDecimal(40_000_000)
            table.impact = Impact(
                halfSpread: 0.0005, dailyDeviation: 0.04, volume: FixedDecimal(1_000_000_000))
            return table
        }
    }

    /// Memory of the size that is read, to read it plainly.
    private struct Memory {
        let words: [Double]

        init(bytes: Int) { words = Array(repeating: 1, count: max(8, bytes / 8)) }

        /// The time to add up all of it, once, as the account book is read once.
        func scan() -> Double {
            let begin = CPUTime.ofThisThread
            var sums = (SIMD8<Double>(), SIMD8<Double>(), SIMD8<Double>(), SIMD8<Double>())
            words.withUnsafeBytes { bytes in
                var offset = 0
                while offset + 256 <= bytes.count {
                    sums.0 += bytes.loadUnaligned(fromByteOffset: offset, as: SIMD8.self)
                    sums.1 += bytes.loadUnaligned(fromByteOffset: offset + 64, as: SIMD8.self)
                    sums.2 += bytes.loadUnaligned(fromByteOffset: offset + 128, as: SIMD8.self)
                    sums.3 += bytes.loadUnaligned(fromByteOffset: offset + 192, as: SIMD8.self)
                    offset += 256
                }
            }
            let elapsed = CPUTime.ofThisThread - begin
            // A sum that nobody looks at would not be computed.
            return (sums.0 + sums.1 + sums.2 + sums.3).sum() >= 0 ? elapsed : .infinity
        }
    }

    /// SplitMix64.
    private struct Generator {
        var state: UInt64

        mutating func next(_ range: ClosedRange<Double>) -> Double {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            value ^= value >> 31
            return range.lowerBound
                + Double(value >> 11) * 0x1p-53 * (range.upperBound - range.lowerBound)
        }
    }
}
