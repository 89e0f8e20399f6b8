import Foundation
import Testing

@Suite struct StressCommandTests {
    @Test func aCascadePrintsModesBesideScenariosAndDrawsThem() throws {
        let page = FileManager.default.temporaryDirectory.appending(
            path: UUID().uuidString + ".html")
        defer { try? FileManager.default.removeItem(at: page) }
        let command = try Command(
            "stress", "cascade", "--seeds", "2", "--accounts", "30", "--output", page.path)
        #expect(command.status == 0, "\(command.errors)")
        for mode in [
            "static", "manual-step", "manual-step-collateral", "adaptive", "adaptive-no-governor",
        ] {
            // The recorded crash, and the median and the 95th percentile of the synthetic ones.
            let rows = command.output.split(separator: "\n").filter {
                $0.contains("M  ") && $0.split(separator: " ").contains(Substring(mode))
            }
            #expect(rows.count == 3, "\(mode)")
        }
        #expect(command.output.contains("2 synthetic, 95th percentile"))
        #expect(command.output.contains("3 crashes with 30 accounts"))
        let html = String(decoding: try Data(contentsOf: page), as: UTF8.self)
        #expect(html.hasPrefix("<!doctype html>") && html.hasSuffix("</html>\n"))
        #expect(html.contains("crash-2025-10-10"))
    }

    @Test func aWrongNumberOrAnUnknownScenarioIsAUsageError() throws {
        let seeds = try Command("stress", "cascade", "--seeds", "-1")
        #expect(seeds.status == 2)
        let scenario = try Command("stress", "cascade", "--scenario", "nothing", "--seeds", "0")
        #expect(scenario.status == 2)
        #expect(scenario.errors.contains("crash-2025-10-10"))
    }

    @Test func aPageThatCannotBeWrittenIsAFailure() throws {
        let command = try Command(
            "stress", "cascade", "--seeds", "0", "--accounts", "5", "--output",
            "/nowhere/cascade.html")
        #expect(command.status == 1)
        #expect(command.errors.contains("/nowhere/cascade.html"))
    }
}
