import Foundation
import TestSupport
import Testing

/// The project keeps the house rules. `HouseRulesTests` shows that each of them can fail.
struct TidyTests {
    private func expect(
        _ rule: (SourceFile) -> [String], on isChosen: (String) -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let files = try SourceFile.all(where: isChosen)
        #expect(!files.isEmpty, "no file to look at", sourceLocation: sourceLocation)
        let broken = files.flatMap(rule)
        #expect(
            broken.isEmpty, Comment(rawValue: broken.joined(separator: "\n")),
            sourceLocation: sourceLocation)
    }

    private func isSource(_ path: String) -> Bool {
        path.hasPrefix("Sources/") && path.hasSuffix(".swift")
    }

    private func isSwift(_ path: String) -> Bool { path.hasSuffix(".swift") }

    /// Written by people: not recorded data and not the copies of others' schemas.
    private func isWritten(_ path: String) -> Bool {
        let ends = [".swift", ".py", ".sh", ".md", ".yaml", ".yml", ".h", ".modulemap"]
        let names = ["Makefile", "Dockerfile", "run", ".gitignore", "Dockerfile.dockerignore"]
        return ends.contains { path.hasSuffix($0) }
            || names.contains { path == $0 || path.hasSuffix("/" + $0) }
    }

    @Test func thePureRoomsImportOnlyEachOther() throws {
        try expect(HouseRules.pureRoomsImportOnlyEachOther, on: isSource)
    }

    @Test func thePureRoomsHaveNoClockLockOrThread() throws {
        try expect(HouseRules.pureRoomsHaveNoClockLockOrThread, on: isSource)
    }

    @Test func theKafkaLibraryIsKnownInItsRoomOnly() throws {
        try expect(HouseRules.kafkaIsKnownInItsRoomOnly, on: isSource)
    }

    @Test func theCryptoLibraryIsKnownInOperationsOnly() throws {
        try expect(HouseRules.cryptoIsKnownInOperationsOnly, on: isSource)
    }

    @Test func nothingCrashesOnPurpose() throws {
        try expect(HouseRules.nothingCrashesOnPurpose, on: isSource)
    }

    @Test func nothingIsLeftOver() throws {
        try expect(HouseRules.nothingIsLeftOver, on: isWritten)
    }

    @Test func onlyCommandsPrint() throws {
        try expect(HouseRules.onlyCommandsPrint, on: isSource)
    }

    @Test func linesFitHundredColumns() throws {
        try expect(HouseRules.linesFitHundredColumns, on: isSwift)
    }

    @Test func filesFitOneSitting() throws {
        try expect(HouseRules.filesFitOneSitting, on: isSwift)
    }

    @Test func swiftHasNoTabs() throws {
        try expect(HouseRules.tabsAreForMakefiles, on: isSwift)
    }

    @Test func noPathOfOneMachineIsWritten() throws {
        try expect(HouseRules.noPathOfOneMachine, on: isWritten)
    }

    @Test func shellScriptsStopAtTheFirstFailure() throws {
        try expect(HouseRules.shellScriptsStopAtTheFirstFailure) { path in
            path.hasSuffix(".sh") || path == ".ci/run"
        }
    }

    @Test func everyRoomIsInTheGuide() throws {
        let guide = String(decoding: try Repository.data("ARCHITECTURE.md"), as: UTF8.self)
        let rooms = Set(
            try SourceFile.tracked().compactMap { SourceFile(path: $0, text: "").room })
        #expect(!rooms.isEmpty)
        #expect(HouseRules.roomsAreInTheGuide(rooms.sorted(), guide: guide) == [])
    }

    @Test func pinnedVersionsAreNotTracked() throws {
        #expect(HouseRules.pinnedVersionsAreNotTracked(try SourceFile.tracked()) == [])
    }
}
