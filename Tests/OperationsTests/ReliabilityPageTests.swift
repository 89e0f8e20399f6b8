import Foundation
import TestSupport
import Testing

/// The page that promises what is survived names tests that exist.
@Suite struct ReliabilityPageTests {
    private func page() throws -> String {
        String(decoding: try Repository.data("docs/reliability.md"), as: UTF8.self)
    }

    @Test func everyFaultHasARowWithATest() throws {
        let rows = try page().split(separator: "\n").filter { $0.hasPrefix("| ") }
            .map { $0.split(separator: "|", omittingEmptySubsequences: false) }
            .filter { $0.count == 7 && Int($0[1].trimmingCharacters(in: .whitespaces)) != nil }
        #expect(rows.count == 24)
        for (number, row) in rows.enumerated() {
            #expect(row[1].trimmingCharacters(in: .whitespaces) == "\(number + 1)")
            #expect(row[4].contains("`"), "row \(number + 1) names no test")
            for cell in row[2...5] { #expect(cell.count > 2) }
        }
    }

    @Test func everyTestNamedThereExists() throws {
        var functions: Set<String> = []
        let files = FileManager.default.enumerator(
            at: Repository.file("Tests"), includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            functions.formUnion(text.matches(of: /func ([A-Za-z0-9]+)\(/).map { String($0.1) })
        }
        let named = try page().matches(of: /`([A-Za-z0-9]+)\(\)`/).map { String($0.1) }
        #expect(named.count > 40)
        #expect(named.filter { !functions.contains($0) } == [])
    }
}
