import Haircuts
import Pipeline
import Quantities
import Testing

/// What lagging ladders let through the governor is counted where `/metrics` reads it.
@Suite struct GovernorOvershootTests {
    private let bus: MemoryBus

    init() throws { bus = try MemoryBus() }

    /// A margin shard's word that rests on a table, and of which a rise by 2 basis points forces a
    /// value.
    private func sendExposure(
        _ sequence: Int, resting haircutSequence: Int64, forcing value: Int, at milliseconds: Int
    ) throws {
        let time = Message.at(milliseconds)
        try bus.send(
            """
            {"schema":"exposure.v1","asset":"BTC","shard":0,"time":"\(time)",\
            "sequence":\(sequence),"haircutSequence":\(haircutSequence),"price":"60000",\
            "pledged":"1000","pledgedValue":"60000000","borrowed":"0",\
            "byHaircut":[{"rise":0.0002,"value":"\(value)"}],\
            "byPrice":[{"fall":0.01,"value":"\(value)"}],"accounts":3}
            """, to: Bus.topics.exposures, key: "BTC|0", time: time)
    }

    @Test func whatLaterLaddersSayOfPublishedStepsIsCountedByAsset() throws {
        let run = try bus.haircut()
        try bus.send(.surface(at: 0, sequence: 1))
        try bus.send(.book(at: 10, sequence: 1))
        try sendExposure(1, resting: 1, forcing: 0, at: 20)
        try run.settle()
        #expect(run.worker.counters.governorOvershoot.map { "\($0) \($1)" } == ["BTC 0.0"])

        // Volatility rises, and with it what is published, as the ladder says without a sale.
        try bus.send(
            .surface(at: 1_000, sequence: 2).replacing("0.71,0.62,0.66", with: "4.1,4,4.1"))
        for second in 1...30 {
            try bus.send(.book(at: second * 1_000 + 100, sequence: second + 1))
        }
        try run.settle()
        let tables = try bus.tables()
        let (first, last) = (try #require(tables.first), try #require(tables.last))
        #expect(last.maintenance > first.maintenance)

        try sendExposure(2, resting: 1, forcing: 750_000, at: 31_500)
        try sendExposure(3, resting: last.sequence, forcing: 750_000, at: 31_600)
        try run.settle()
        let counters = run.worker.counters
        #expect(counters.exposures == 3 && counters.refused == 0)
        #expect(counters.governorOvershoot.map { "\($0) \($1)" } == ["BTC 750000.0"])
        let both = counters + counters
        #expect(both.governorOvershoot.values.first == 1_500_000)
    }
}
