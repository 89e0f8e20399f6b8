import Engine
import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// MODEL §5 through the shard, against a naive book of accounts.
struct HaircutGovernorTests {
    /// Accounts that sell everything once the maintenance haircut passes their line.
    struct Population {
        struct Account {
            /// The maintenance haircut above which it is breached.
            var line: Double
            var value: Int
            var shard: Int32
            var isSold = false
        }

        var accounts: [Account] = []

        /// Heavy-tailed values (Pareto, exponent 1.1) and one whale.
        init(_ random: inout SplitMix64, shards: Int32, from: Double) {
            for _ in 0..<300 {
                let value = 1e4 * random.pareto(exponent: 1.1)
                accounts.append(
                    Account(
                        line: from + random.double(in: 0...0.3), value: Int(min(value, 5e7)),
                        shard: Int32(random.next() % UInt64(shards))))
            }
            accounts.append(
                Account(line: from + random.double(in: 0.01...0.1), value: 200_000_000, shard: 0))
        }

        /// What a rise of the published haircut forces, at the first rung not below it: a sum
        /// over all accounts, the naive way.
        func forced(by rise: Double, from maintenance: Double, shard: Int32) -> Int {
            guard rise > 1e-9 else { return 0 }
            guard let rung = Exposure.rises.first(where: { $0 >= rise - 1e-9 }) else {
                return accounts.filter { $0.shard == shard && !$0.isSold }
                    .reduce(0) { $0 + $1.value }
            }
            return accounts.filter {
                $0.shard == shard && !$0.isSold && $0.line < maintenance + rung
            }.reduce(0) { $0 + $1.value }
        }

        mutating func sell(at maintenance: Double) {
            for index in accounts.indices where accounts[index].line < maintenance {
                accounts[index].isSold = true
            }
        }

        func exposure(
            shard: Int32, of table: HaircutTable, at time: Instant, sequence: Int64
        ) -> Exposure {
            let maintenance = table.maintenance.double
            let pledged = accounts.filter { $0.shard == shard && !$0.isSold }
                .reduce(0) { $0 + $1.value }
            return Exposure(
                asset: table.asset, shard: shard, time: time, sequence: sequence,
                haircutSequence: table.sequence, price: table.price, pledged: .zero,
                pledgedValue: FixedDecimal(pledged), borrowed: .zero,
                byHaircut: Exposure.rises.map {
                    Exposure.Rung(
                        step: $0,
                        value: FixedDecimal(forced(by: $0, from: maintenance, shard: shard)))
                },
                byPrice: [], accounts: 1)
        }
    }

    /// A governed shard, one without a margin stage in the same market, and the naive bucket.
    struct Run {
        var governed: HaircutShardTests.World
        var free: HaircutShardTests.World
        var population: Population
        let shards: Int32 = 3
        var sequence: Int64 = 0
        var bucket: Double?
        var overdrawnAt: Int64?
        var overdrafts = 0
        var pushes = 0
        var governedSteps = 0
        var longestHold = 0.0

        init(_ random: inout SplitMix64) throws {
            // The size of the system must not matter here, else the two paths part.
            var parameters = HaircutParameters(.major)
            parameters.systemShare = 0
            // A day to sell: volatility moves the haircut by many points.
            parameters.detectionSeconds = 86_400
            governed = try .init(exposureShards: 3, parameters: parameters)
            free = try .init(parameters: parameters)
            _ = try governed.book(100_000, at: 0, depth: 4e6)
            _ = try free.book(100_000, at: 0, depth: 4e6)
            let start = try #require(governed.out.tables.last)
            population = Population(&random, shards: 3, from: start.maintenance.double)
            report(start, at: start.time)
        }

        mutating func report(_ table: HaircutTable, at time: Instant) {
            sequence += 1
            for shard in 0..<shards {
                let exposure = population.exposure(
                    shard: shard, of: table, at: time, sequence: sequence)
                _ = governed.shard.apply(exposure, cause: .timer(time), to: &governed.out)
            }
        }

        /// One second: a book, and what is then published held against the naive bucket.
        mutating func step(_ second: Int64, depth: Double, volatility: Double) throws {
            let before = try #require(governed.out.tables.last)
            _ = try governed.book(100_000, at: second * 1_000, depth: depth)
            _ = try free.book(100_000, at: second * 1_000, depth: depth)
            if second % 30 == 1 {
                _ = try governed.surface(volatility, at: second * 1_000, sequence: second)
                _ = try free.surface(volatility, at: second * 1_000, sequence: second)
            }
            let table = try #require(governed.out.tables.last)
            let path = try #require(free.out.tables.last)
            #expect(table.state == .stressed && path.state == .stressed)
            check(table, after: before, path: path, at: second, depth: depth)
            population.sell(at: table.maintenance.double)
            report(table, at: table.time)
        }

        mutating func check(
            _ table: HaircutTable, after before: HaircutTable, path: HaircutTable,
            at second: Int64, depth: Double
        ) {
            let (from, to) = (before.maintenance, table.maintenance)
            let depth = table.components.depth.double
            let rate = 0.25 * depth
            let held = min(15 * rate, (bucket ?? 15 * rate) + rate / 60 * 1.000_001)
            let rise = Double(to.millionths - from.millionths) / 1e6
            func cost(_ rise: Double) -> Int {
                (0..<shards).reduce(0) {
                    $0 + population.forced(by: rise, from: from.double, shard: $1)
                }
            }
            let forced = Double(cost(rise))
            // Never further below the limiter's path than 5 points.
            let lag = Double(path.maintenance.millionths - to.millionths) / 1e6
            #expect(lag <= 0.05 + 1e-9, "second \(second)")
            longestHold = max(longestHold, lag)
            if forced > held {
                let isPushed = abs(lag - 0.05) < 1e-9
                let isRung = forced <= Double(cost(0.0005))
                #expect(isPushed || isRung, "second \(second): \(forced) of \(held)")
                if isPushed {
                    pushes += 1
                } else {
                    overdrafts += 1
                    #expect(held >= 15 * rate * 0.999, "the bucket is full")
                    if let last = overdrawnAt { #expect(second - last >= 900) }
                }
                overdrawnAt = second
            }
            if forced > 0 { governedSteps += 1 }
            bucket = max(0, held - forced)
            #expect(lag <= 1e-9 || table.boundBy.contains(.governor), "second \(second)")
            let short = max(0, table.target.maintenance - to.double)
            #expect(abs(table.gap.maintenance - short) < 1e-12, "what is held is in the gap")
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func noStepForcesMoreThanTheBucketHolds(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var run = try Run(&random)
        var depth = 4e6
        for second in 1...1_800 as ClosedRange<Int64> {
            depth = min(max(depth * random.double(in: 0.9...1.11), 1e6), 7e6)
            try run.step(second, depth: depth, volatility: 2.5)
        }
        #expect(run.governedSteps > 0 && run.longestHold > 0, "seed \(seed) tests nothing")
    }

    /// Whatever stands in its way, the published haircut arrives where the limiter is.
    @Test(arguments: 7...9 as ClosedRange<UInt64>)
    func theTargetIsAlwaysReachedInTheEnd(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var run = try Run(&random)
        var second: Int64 = 0
        repeat {
            second += 1
            try run.step(second, depth: 1e6, volatility: 2)
        } while second < 43_200
            && (second < 900
                || run.governed.out.tables.last?.maintenance
                    != run.free.out.tables.last?.maintenance)
        #expect(second < 43_200, "seed \(seed)")
        #expect(run.longestHold > 0, "seed \(seed) tests nothing")
        #expect(run.governed.out.tables.last?.boundBy.contains(.governor) == false)
    }

    @Test func solvencyLiftsTheGovernor() throws {
        var random = SplitMix64(seed: 10)
        var run = try Run(&random)
        var second: Int64 = 0
        while run.longestHold == 0, second < 1_800 {
            second += 1
            try run.step(second, depth: 4e6, volatility: 2.5)
        }
        #expect(run.governed.out.tables.last?.boundBy.contains(.governor) == true)
        let time = try #require(Instant(milliseconds: second * 1_000 + 900))
        let control = Control(
            asset: nil, time: time, sequence: 1, order: .solvency,
            expires: time.advanced(bySeconds: 600), reason: "the fund is empty", by: "alice",
            approvedBy: "bob")
        let cause = Cause.record(topic: "risk.controls.v1", partition: 0, offset: 1)
        let disposition = try run.governed.shard.apply(
            control, cause: cause, to: &run.governed.out)
        #expect(disposition == .applied)
        let lifted = try #require(run.governed.out.tables.last)
        #expect(lifted.cause == cause && !lifted.boundBy.contains(.governor))
        #expect(
            lifted.maintenance >= (run.free.out.tables.last?.maintenance ?? .one))
    }
}
