import Testing

/// Each house rule sees what breaks it, and lets pass what only looks like it.
struct HouseRulesTests {
    private func snippet(_ text: String, in path: String = "Sources/Haircuts/File.swift")
        -> SourceFile
    {
        SourceFile(path: path, text: text)
    }

    @Test(arguments: [
        "import Foundation", "import Glibc", "import Dispatch", "import Synchronization",
        "@preconcurrency import Foundation", "import struct Foundation.Date", "import Kafka",
        "public import Foundation",
    ])
    func aPureRoomThatImportsTheWorldIsSeen(text: String) {
        #expect(HouseRules.pureRoomsImportOnlyEachOther(snippet(text)).count == 1)
        let elsewhere = snippet(text, in: "Sources/Operations/File.swift")
        #expect(HouseRules.pureRoomsImportOnlyEachOther(elsewhere).isEmpty)
    }

    @Test(arguments: ["import Market", "import RealModule", "// import Foundation"])
    func aPureRoomMayImportPureRooms(text: String) {
        #expect(HouseRules.pureRoomsImportOnlyEachOther(snippet(text)).isEmpty)
    }

    @Test(arguments: [
        "let now = ContinuousClock.now", "DispatchQueue.main.async(work)", "Thread.sleep(1)",
        "Task { run() }", "let lock = Mutex(0)", "let now = Date()", "await other.run()",
    ])
    func aClockLockOrThreadInAPureRoomIsSeen(text: String) {
        #expect(!HouseRules.pureRoomsHaveNoClockLockOrThread(snippet(text)).isEmpty)
        let elsewhere = snippet(text, in: "Sources/Pipeline/File.swift")
        #expect(HouseRules.pureRoomsHaveNoClockLockOrThread(elsewhere).isEmpty)
    }

    @Test(arguments: ["// a Task {", "let text = \"Mutex\"", "let tasks = civilDate(days)"])
    func wordsInCommentsAndTextsAreNotCode(text: String) {
        #expect(HouseRules.pureRoomsHaveNoClockLockOrThread(snippet(text)).isEmpty)
    }

    @Test(arguments: ["rd_kafka_destroy(handle)", "import CRdKafka"])
    func theKafkaLibraryOutsideItsRoomIsSeen(text: String) {
        let elsewhere = snippet(text, in: "Sources/Pipeline/File.swift")
        #expect(HouseRules.kafkaIsKnownInItsRoomOnly(elsewhere).count == 1)
        let home = snippet(text, in: "Sources/Kafka/File.swift")
        #expect(HouseRules.kafkaIsKnownInItsRoomOnly(home).isEmpty)
    }

    @Test func theCryptoLibraryOutsideOperationsIsSeen() {
        let text = "import CCrypto"
        let elsewhere = snippet(text, in: "Sources/Kafka/File.swift")
        #expect(HouseRules.cryptoIsKnownInOperationsOnly(elsewhere).count == 1)
        let home = snippet(text, in: "Sources/Operations/File.swift")
        #expect(HouseRules.cryptoIsKnownInOperationsOnly(home).isEmpty)
    }

    @Test(arguments: ["try! run()", "fatalError()", "value as! Int"])
    func aCrashOnPurposeIsSeen(text: String) {
        #expect(HouseRules.nothingCrashesOnPurpose(snippet(text)).count == 1)
        #expect(HouseRules.nothingCrashesOnPurpose(snippet("// " + text)).isEmpty)
    }

    @Test func aLeftoverIsSeenInCommentsToo() {
        for mark in ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"] {
            #expect(HouseRules.nothingIsLeftOver(snippet("run()  // \(mark): later")).count == 1)
            #expect(HouseRules.nothingIsLeftOver(snippet("let A\(mark)B = 1")).isEmpty)
        }
    }

    @Test(arguments: ["print(value)", "    print(1)", "Swift.print(1)", "debugPrint(value)"])
    func printingOutsideACommandIsSeen(text: String) {
        #expect(HouseRules.onlyCommandsPrint(snippet(text)).count == 1)
        let command = snippet(text, in: "Sources/breakwater/Demo.swift")
        #expect(HouseRules.onlyCommandsPrint(command).isEmpty)
    }

    @Test(arguments: ["fingerprint(value)", "page.print(value)", "// print(value)"])
    func aNameThatEndsInPrintIsNotPrinting(text: String) {
        #expect(HouseRules.onlyCommandsPrint(snippet(text)).isEmpty)
    }

    @Test func aLineOf101ColumnsIsSeen() {
        let line = String(repeating: "a", count: 100)
        #expect(HouseRules.linesFitHundredColumns(snippet(line)).isEmpty)
        #expect(HouseRules.linesFitHundredColumns(snippet(line + "a")).count == 1)
    }

    @Test func aFileOf601LinesIsSeen() {
        let file = String(repeating: "a\n", count: 600)
        #expect(HouseRules.filesFitOneSitting(snippet(file)).isEmpty)
        #expect(HouseRules.filesFitOneSitting(snippet(file + "a\n")).count == 1)
    }

    @Test func aTabIsSeen() {
        #expect(HouseRules.tabsAreForMakefiles(snippet("\tlet a = 1")).count == 1)
        #expect(HouseRules.tabsAreForMakefiles(snippet("    let a = 1")).isEmpty)
        #expect(HouseRules.tabsAreForMakefiles(snippet("\trun", in: "Makefile")).isEmpty)
    }

    @Test func aPathOfOneMachineIsSeen() {
        for place in ["/ho" + "me/ann/x", "\"/ro" + "ot/x\"", "in /wo" + "rk/x"] {
            #expect(HouseRules.noPathOfOneMachine(snippet(place)).count == 1)
        }
        for place in ["docs/ho" + "me/x", "$HOME/wo" + "rk/x", "/etc/breakwater"] {
            #expect(HouseRules.noPathOfOneMachine(snippet(place)).isEmpty)
        }
    }

    @Test func aShellScriptThatGoesOnAfterAFailureIsSeen() {
        func faults(_ text: String) -> [String] {
            HouseRules.shellScriptsStopAtTheFirstFailure(snippet(text, in: "Tests/x.sh"))
        }
        #expect(faults("#!/usr/bin/env bash\nrun\n").count == 1)
        #expect(faults("#!/bin/sh\nset -e\nrun\n").count == 1)
        #expect(faults("#!/usr/bin/env bash\nset -euo pipefail\nrun\n").isEmpty)
        #expect(faults("#!/usr/bin/env python3\nrun()\n").isEmpty)
    }

    @Test func aRoomMissingFromTheGuideIsSeen() {
        let guide = "- `Kafka/`: the client\n- MarginBook"
        #expect(HouseRules.roomsAreInTheGuide(["Kafka"], guide: guide).isEmpty)
        #expect(HouseRules.roomsAreInTheGuide(["Kafka", "Margin"], guide: guide).count == 1)
    }

    @Test func aTrackedResolutionIsSeen() {
        #expect(HouseRules.pinnedVersionsAreNotTracked(["Package.swift"]).isEmpty)
        #expect(HouseRules.pinnedVersionsAreNotTracked(["a/Package.resolved"]).count == 1)
    }

    @Test func codeIsWhatIsLeftWithoutCommentsAndTexts() {
        let file = snippet(
            #"""
            let a = "x // y \" z"  // note
            let b = """
                inside
                """
            run()
            """#)
        #expect(
            file.code.map { $0.text.trimmed } == ["let a =", "let b =", "", "", "run()"])
    }
}

extension String {
    fileprivate var trimmed: String {
        String(self.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
