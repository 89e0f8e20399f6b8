import Foundation
import TestSupport
import Testing

/// `run` as operators and their tools see it over HTTP.
@Suite(.serialized) struct ObservationTests {
    /// The port a service says it listens on.
    private func port(of service: RunningProcess) throws -> Int {
        var port: Int?
        try service.wait(for: "the page's address") {
            let match = service.errors.firstMatch(of: /metrics: http:\/\/127\.0\.0\.1:([0-9]+)\n/)
            port = match.flatMap { Int($0.1) }
            return port != nil
        }
        return try #require(port)
    }

    private func stop(_ service: RunningProcess) throws {
        service.signal(SIGTERM)
        try service.waitUntilExit(within: .seconds(10))
        #expect(service.status == 0, "\(service.errors.suffix(2_000))")
    }

    @Test func aServiceBecomesReadyAndShowsWhatItPublishes() throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        try withFile(broker.configuration()) { path in
            let service = try RunningProcess(["run", "--config", path])
            let port = try port(of: service)
            #expect(Client.get(port: port, "/healthz").status == 200)
            let early = Client.get(port: port, "/readyz")
            #expect(early.status == 503)
            #expect(early.body != "")
            try service.wait(upTo: .seconds(60), for: "readiness") {
                Client.get(port: port, "/readyz").status == 200
            }
            let feed = try RunningProcess([
                "feed", "--config", path, "crash-2025-10-10", "--speed", "600",
            ])
            try service.wait(upTo: .seconds(60), for: "haircuts") {
                let body = Client.get(port: port, "/api/haircuts").body
                return body.contains("\"BTC\"") && body.contains("\"ETH\"")
            }
            // Accounts that came before their tables wait for them.
            try service.wait(upTo: .seconds(60), for: "readiness with tables") {
                Client.get(port: port, "/readyz").status == 200
            }
            // The margin stage's ladders close the loop.
            try service.wait(upTo: .seconds(60), for: "ladders in the haircut stage") {
                Client.get(port: port, "/metrics").body.contains(
                    "\nbreakwater_governor_overshoot_total{role=\"haircut\",asset=\"BTC\"} ")
            }
            feed.signal(SIGINT)
            try feed.waitUntilExit(within: .seconds(15))
            let breakers = Client.get(port: port, "/api/breakers").body
            #expect(breakers.contains("{\"asset\":\"BTC\",\"state\":\""))
            let workers = Client.get(port: port, "/api/workers").body
            #expect(workers.hasPrefix("{\"ready\":true,\"reasons\":[],"))
            #expect(Client.get(port: port, "/").body.hasPrefix("<!doctype html>"))
            let metrics = Client.get(port: port, "/metrics").body
            for name in [
                "breakwater_records_total{role=\"haircut\",input=\"quotes\"} ",
                "breakwater_haircuts_total{role=\"haircut\"} ",
                "breakwater_haircut_initial_ratio{asset=\"BTC\"} 0.", "breakwater_ready 1\n",
            ] {
                #expect(metrics.contains("\n" + name), "\(name)")
            }
            try expectThatPromtoolReads(metrics)
            try stop(service)
            #expect(Client.get(port: port, "/healthz").status == 0)
        }
    }

    /// Holds the text to Prometheus's own checker, which `make setup` fetches.
    private func expectThatPromtoolReads(_ metrics: String) throws {
        let program = Repository.file(".build/tools/usr/bin/promtool")
        try #require(
            FileManager.default.isExecutableFile(atPath: program.path),
            "promtool is missing: run make setup")
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = program
        process.arguments = ["check", "metrics"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(metrics.utf8))
        try input.fileHandleForWriting.close()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(String(decoding: said, as: UTF8.self))")
        #expect(said.isEmpty, "\(String(decoding: said, as: UTF8.self))")
    }

    @Test func brokersThatAreSilentForTenSecondsMakeItUnreadyUntilTheyAnswer() throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        try withFile(broker.configuration()) { path in
            let service = try RunningProcess(["run", "--config", path])
            let port = try port(of: service)
            try service.wait(upTo: .seconds(60), for: "readiness") {
                Client.get(port: port, "/readyz").status == 200
            }
            broker.process.signal(SIGSTOP)
            let start = ContinuousClock.now
            // Workers may miss the brokers earlier, and say so; this is what the process says.
            try service.wait(upTo: .seconds(60), for: "unreadiness") {
                let answer = Client.get(port: port, "/readyz")
                return answer.status == 503
                    && answer.body.contains("the brokers have not answered")
            }
            // Answers are asked for every 2 s, so the last one came up to 2 s before the stop.
            let silence = ContinuousClock.now - start
            #expect(silence > .seconds(7))
            #expect(Client.get(port: port, "/healthz").status == 200)
            broker.process.signal(SIGCONT)
            try service.wait(upTo: .seconds(60), for: "readiness again") {
                Client.get(port: port, "/readyz").status == 200
            }
            #expect(service.isRunning)
            try stop(service)
        }
    }

    @Test func whileTheBrokersAreNotThereItIsAliveAndSaysWhatItWaitsFor() throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        broker.process.kill()
        try withFile(broker.configuration()) { path in
            let service = try RunningProcess(["run", "--config", path])
            let port = try port(of: service)
            #expect(Client.get(port: port, "/healthz").status == 200)
            let ready = Client.get(port: port, "/readyz")
            #expect(ready.status == 503)
            #expect(ready.body.contains("the brokers have not answered yet"))
            try stop(service)
        }
    }

    @Test func aPortThatIsTakenIsSaidAndEndsTheService() throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        try withFile(broker.configuration()) { path in
            let first = try RunningProcess(["run", "--config", path])
            let port = try port(of: first)
            let second = try Command(
                "run", "--config", path, environment: ["BREAKWATER_HTTP__PORT": "\(port)"])
            #expect(second.status == 1)
            #expect(second.errors.contains("cannot listen on 127.0.0.1:\(port): Address already"))
            try stop(first)
        }
    }
}
