import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ControlCommandTests {
    static let topics = ["risk.controls.v1": 3]
    static let people = [
        "--reason", "exchange outage", "--by", "alice", "--approved-by", "bob",
    ]

    private func run(_ arguments: [String], _ path: String) throws -> RunningProcess {
        let process = try RunningProcess(["control"] + arguments + ["--config", path])
        try process.waitUntilExit(within: .seconds(60))
        return process
    }

    @Test func nothingIsSentWithoutYesAndTheBytesAreTheMessage() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        try withFile(broker.configuration()) { path in
            let arguments =
                [
                    "override", "--asset", "BTC", "--initial", "0.5", "--maintenance", "0.3",
                    "--expires-in", "4h",
                ] + Self.people
            let dry = try run(arguments, path)
            #expect(dry.status == 0, "\(dry.errors)")
            let lines = dry.output.split(separator: "\n")
            try #require(lines.count == 2)
            let record = try #require(
                lines[0].wholeMatch(of: /risk\.controls\.v1 BTC\|override (.*)/), "\(lines[0])")
            let body = try #require(
                try JSONSerialization.jsonObject(with: Data(record.1.utf8)) as? [String: Any])
            #expect(body["schema"] as? String == "control.v1")
            #expect(body["asset"] as? String == "BTC")
            #expect(body["initial"] as? Double == 0.5)
            #expect(body["maintenance"] as? Double == 0.3)
            #expect(body["by"] as? String == "alice")
            #expect(body["approvedBy"] as? String == "bob")
            #expect(lines[1] == "nothing was sent: --yes sends it")
            #expect(try run(["list"], path).output == "no orders on risk.controls.v1\n")
        }
    }

    @Test func whatIsSentIsListedReplacedAndWithdrawn() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        try withFile(broker.configuration()) { path in
            let freeze = ["freeze", "--asset", "*", "--expires-in", "30m", "--yes"] + Self.people
            let sent = try run(freeze, path)
            #expect(sent.status == 0, "\(sent.errors)")
            #expect(sent.output.hasSuffix("\nsent\n"))
            let override =
                [
                    "override", "--asset", "ETH", "--initial", "1", "--maintenance", "0",
                    "--expires-in", "90s", "--yes",
                ] + Self.people
            #expect(try run(override, path).status == 0)
            let list = try run(["list"], path).output.split(separator: "\n")
            try #require(list.count == 2)
            #expect(list[0].hasPrefix("*|freeze: frozen; until "))
            #expect(list[0].hasSuffix("; by alice, approved by bob: exchange outage"))
            #expect(list[1].hasPrefix("ETH|override: initial 1.0, maintenance 0.0; until "))

            let again = try run(freeze, path)
            #expect(again.output.hasPrefix("takes the place of {\"schema\":\"control.v1\""))
            let sequences = again.output.matches(of: /"sequence":([0-9]+)/).compactMap {
                Int($0.1)
            }
            try #require(sequences.count == 2)
            #expect(sequences[0] < sequences[1])

            let withdraw = ["withdraw", "--asset", "*", "--action", "freeze"]
            let dry = try run(withdraw, path)
            #expect(
                dry.output == "risk.controls.v1 *|freeze (tombstone)\n"
                    + "nothing was sent: --yes sends it\n")
            #expect(try run(withdraw + ["--yes"], path).status == 0)
            let left = try run(["list"], path).output.split(separator: "\n")
            #expect(left.count == 1)
            let gone = try run(withdraw + ["--yes"], path)
            #expect(gone.status == 1)
            #expect(gone.errors.contains("there is no *|freeze on risk.controls.v1"))
        }
    }

    @Test func parametersAreCheckedAgainstTheConfiguration() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        try withFile(broker.configuration()) { path in
            let parameters = ["parameters", "--asset", "BTC"] + Self.people
            let sound = try run(
                parameters + ["--set", "floor=0.05", "--set", "notionals=100000,2000000"], path)
            #expect(sound.status == 0, "\(sound.errors)")
            #expect(
                sound.output.contains(
                    "\"parameters\":{\"floor\":0.05,\"notionals\":[\"100000\",\"2000000\"]}"))
            #expect(!sound.output.contains("\"expires\""))
            for (change, message) in [
                ("cap=0.01", "BTC: floor must not be above cap"),
                ("flor=0.05", "The value 'flor=0.05' is invalid"),
                ("floor=x", "The value 'floor=x' is invalid"),
            ] {
                let refused = try run(parameters + ["--set", change], path)
                #expect(refused.status == 2, "\(change)")
                #expect(refused.errors.contains(message), "\(refused.errors)")
            }
        }
    }

    /// What is wrong with an order, and a part of what is said.
    static let wrong: [([String], String)] = [
        (["--by", "bob"], "somebody else than --by"), (["--by", " "], "--by must be 1 to 512"),
        (["--reason", ""], "--reason must be 1 to 512"),
        (["--initial", "0.2"], "0 ≤ --maintenance ≤ --initial ≤ 1"),
        (["--initial", "1.01"], "0 ≤ --maintenance ≤ --initial ≤ 1"),
        (["--expires-in", "86401s"], "within 24 h"), (["--expires-in", "0s"], "is invalid"),
        (["--expires-in", "4"], "is invalid"),
        (["--expires", "2026-11-22T18:00:00Z"], "give one of --expires-in and --expires"),
        (["--asset", "DOGE"], "asset DOGE is not in"), (["--asset", "a|b"], "is invalid"),
    ]

    @Test(arguments: wrong)
    func anOrderThatWorkersWouldRefuseIsNotMade(_ change: [String], _ message: String) throws {
        // No broker: nothing is asked of one before the order is right.
        let yaml = ConfigCommandTests.good
        try withFile(yaml) { path in
            var arguments =
                [
                    "override", "--asset", "BTC", "--initial", "0.5", "--maintenance", "0.3",
                    "--expires-in", "4h", "--yes",
                ] + Self.people
            if let place = arguments.firstIndex(of: change[0]) {
                arguments[place + 1] = change[1]
            } else {
                arguments += change
            }
            let refused = try run(arguments, path)
            #expect(refused.status == 2)
            #expect(refused.output == "")
            #expect(refused.errors.contains(message), "\(refused.errors)")
        }
    }
}
