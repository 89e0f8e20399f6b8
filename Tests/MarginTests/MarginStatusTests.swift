import Margin
import Testing

@Suite("Status")
struct MarginStatusTests {
    @Test func statusesGoFromHealthyToBankrupt() {
        #expect(MarginStatus.allCases == MarginStatus.allCases.sorted())
        #expect(MarginStatus.healthy < .warning && MarginStatus.liquidation < .bankrupt)
    }
}
