import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct BrokerCommandTests {
    @Test func theBrokerPrintsAndWritesItsAddressAndEndsOnSIGTERM() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = try RunningProcess([
            "broker", "--topic", "quotes:3", "--address-file", file.path,
        ])
        try process.wait(for: "the address") { process.output.contains("\n") }
        let line = try #require(
            process.output.prefixMatch(of: /bootstrap\.servers=(127\.0\.0\.1:[0-9]+)\n/))
        let address = String(line.1)
        #expect(try String(contentsOf: file, encoding: .utf8) == address + "\n")
        process.signal(SIGTERM)
        try process.waitUntilExit(within: .seconds(10))
        #expect(process.status == 0)
    }

    @Test func aFileIsWrittenWholeOrNotAtAll() throws {
        // One that is not there, one of a read-only file system, one that is no folder.
        for folder in ["/nonexistent", "/proc", "/dev/null"] {
            let command = try Command("broker", "--address-file", folder + "/address")
            #expect(command.status == 1)
            #expect(command.errors.contains("cannot write \(folder)/address"))
            #expect(!FileManager.default.fileExists(atPath: folder + "/address"))
        }
    }

    /// FAULTS 19. No file may grow by a byte, as on a full disk; the output is a pipe.
    @Test func aFileThatCannotGrowIsRefusedAndLeavesNothing() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = """
            (ulimit -f 0; trap '' XFSZ; "$0" broker --address-file "$1/address"; echo "status $?") \
            2>&1 | cat
            """
        let shell = try RunningProcess(
            program: URL(filePath: "/bin/bash"),
            ["-c", script, Program.find().path, folder.path])
        try shell.waitUntilExit(within: .seconds(30))
        #expect(shell.output.contains("cannot write \(folder.path)/address"))
        #expect(shell.output.contains("status 1"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func theTopicsNeededAreListedAndDifferentCountsFailTheCheck() throws {
        var topics = BrokerProcess.topics
        topics["risk.haircuts.v1"] = 3
        let broker = try BrokerProcess(topics: topics)
        try withFile(broker.configuration()) { path in
            let list = try Command("topics", "list", "--config", path)
            #expect(list.status == 0)
            for name in topics.keys { #expect(list.output.contains(name)) }
            let check = try Command("topics", "check", "--config", path)
            #expect(check.status == 1)
            #expect(check.output.contains("market.quotes.v1 has 2"))
            #expect(check.output.contains("risk.haircuts.v1 has 3"))
        }
    }

    @Test func theCheckSaysHowFarTheWorkCanBeShared() throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        try withFile(broker.configuration() + "workers: {haircut: 3, margin: 0}\n") { path in
            let check = try Command("topics", "check", "--config", path)
            #expect(
                check.output.contains(
                    "haircut stage: 2 partitions, so at most 2 workers at work: 1 process of 3; "
                        + "1 of one process's 3 stand by\n"))
            #expect(check.output.contains("this configuration runs none\n"))
        }
    }

    @Test func wrongUsageOfEachCommandHasStatusTwo() throws {
        for arguments in [
            ["run"], ["feed"], ["broker", "--topic", "x"], ["demo", "--speed", "-1"],
            ["topics", "create"],
        ] {
            let process = try RunningProcess(arguments)
            try process.waitUntilExit(within: .seconds(10))
            #expect(process.status == 2, "\(arguments)")
            #expect(process.output == "")
        }
    }

    @Test func anUnknownScenarioHasStatusTwoAndTheKnownAreListed() throws {
        let demo = try Command("demo", "--scenario", "nonsense")
        #expect(demo.status == 2)
        #expect(demo.errors.contains("crash-2025-10-10"))
    }

    @Test func theHelpOfEachCommandSaysWhatItDoes() throws {
        for (command, words) in [
            "run": "publish haircuts, requirements", "demo": "recorded crash",
            "broker": "embedded broker", "feed": "recorded scenario", "topics": "check the topics",
        ] {
            let help = try Command(command, "--help")
            #expect(help.status == 0)
            #expect(help.output.contains(words), "\(command)")
        }
    }
}

@Suite(.serialized) struct ServiceCommandTests {
    @Test func aForeignConsumerFindsEveryTableValidAndSIGTERMEndsTheServiceInOrder() throws {
        let python = Repository.file(".venv/bin/python")
        try #require(
            FileManager.default.isExecutableFile(atPath: python.path),
            ".venv is missing: run make setup")
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        try withFile(broker.configuration()) { path in
            let service = try RunningProcess(["run", "--config", path])
            let feed = try RunningProcess([
                "feed", "--config", path, "crash-2025-10-10", "--speed", "600",
            ])
            let consumer = try RunningProcess(
                program: python,
                [
                    Repository.file("Tests/Contracts/consume_haircuts.py").path,
                    broker.address, "risk.haircuts.v1", "500", "40",
                ])
            try consumer.waitUntilExit(within: .seconds(50))
            #expect(consumer.status == 0, "\(consumer.output) \(consumer.errors)")
            feed.signal(SIGINT)
            try feed.waitUntilExit(within: .seconds(15))
            #expect(feed.status == 130)
            service.signal(SIGTERM)
            try service.waitUntilExit(within: .seconds(10))
            #expect(service.status == 0)
        }
    }

    @Test func withTheBrokerGoneSIGTERMStillEndsTheServiceWithinTenSeconds() throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        try withFile(broker.configuration()) { path in
            let service = try RunningProcess(["run", "--config", path])
            try service.wait(for: "an assignment") {
                (service.output + service.errors).contains("serving market.quotes.v1 partitions")
            }
            broker.process.signal(SIGKILL)
            try broker.process.waitUntilExit(within: .seconds(5))
            service.signal(SIGTERM)
            try service.waitUntilExit(within: .seconds(10))
            #expect(service.status == 0, "\(service.errors)")
        }
    }
}
