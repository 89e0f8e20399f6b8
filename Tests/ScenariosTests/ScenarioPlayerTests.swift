import Haircuts
import Market
import Quantities
import Scenarios
import Testing

@Suite struct ScenarioPlayerTests {
    let crash: Scenario

    init() throws { crash = try ScenarioCatalog.scenario(named: "crash-2025-10-10") }

    @Test func theSameEventsComeEachTime() throws {
        var hash = EventHash()
        var count = 0
        for event in crash.events() {
            hash.add(event)
            count += 1
        }
        var again = EventHash()
        for event in crash.events() { again.add(event) }
        #expect(hash.value == again.value)
    }
}
