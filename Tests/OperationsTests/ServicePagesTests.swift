import Foundation
import Haircuts
import Operations
import Quantities
import Synchronization
import TestSupport
import Testing

@Suite struct ServicePagesTests {
    /// A process that is ready.
    private func sound() -> ServiceStatus {
        var status = ServiceStatus()
        status.brokerSilenceSeconds = 0.5
        status.workers = [
            WorkerStatus(
                role: .haircut, number: 0, isAssigned: true,
                partitions: [
                    PartitionStatus(partition: 3, phase: .serving, lagRecords: 7)
                ])
        ]
        return status
    }

    private func pages(
        _ status: ServiceStatus, board: MarketBoard = MarketBoard()
    ) -> ServicePages {
        ServicePages(
            status: { status }, board: board, registry: MetricsRegistry(), version: "1.2.3")
    }

    private func text(_ response: HTTPResponse) -> String {
        String(decoding: response.body, as: UTF8.self)
    }

    private func object(_ response: HTTPResponse) throws -> [String: Any] {
        #expect(response.content == .json)
        let value = try JSONSerialization.jsonObject(with: Data(response.body))
        return try #require(value as? [String: Any])
    }

    private func board() throws -> (MarketBoard, text: String) {
        let board = MarketBoard()
        var table = HaircutTable.blank
        table.asset = try #require(Identifier("BTC"))
        table.state = .stressed
        table.tiers = [
            HaircutTier(
                from: .zero, to: nil, initial: Ratio(millionths: 52_500),
                maintenance: Ratio(millionths: 34_000))
        ]
        table.gap.maintenance = 0.01
        let text = String(
            decoding: try Repository.data("schemas/examples/haircut.v1/valid/normal.json"),
            as: UTF8.self)
        board.note(table, text: text)
        return (board, text)
    }

    @Test func aSoundProcessIsAliveAndReady() {
        let pages = pages(sound())
        #expect(pages.respond(.init(path: "/healthz")) == HTTPResponse(text: "alive"))
        #expect(pages.respond(.init(path: "/readyz")) == HTTPResponse(text: "ready"))
        #expect(pages.respond(.init(path: "/nothing")).status == .notFound)
        #expect(pages.respond(.init(path: "/readyz/")).status == .notFound)
    }

    /// What is changed of a sound process, and what is said then; nil: still ready.
    static let changes: [(@Sendable (inout ServiceStatus) -> Void, String?)] = [
        ({ $0.brokerSilenceSeconds = nil }, "the brokers have not answered yet"),
        (
            {
                $0.brokerSilenceSeconds = nil
                $0.brokerFailure = "could not reach it\n: wrong password"
            }, "the brokers have not answered yet: could not reach it : wrong password"
        ),
        ({ $0.brokerFailure = "could not reach it" }, nil),
        ({ $0.brokerSilenceSeconds = 10 }, nil),
        ({ $0.brokerSilenceSeconds = 11.9 }, "the brokers have not answered for 11 s"),
        ({ $0.topicProblems = ["topic x does not exist"] }, "topic x does not exist"),
        ({ $0.workers = [] }, "no worker runs"),
        ({ $0.workers[0].failure = "fenced" }, "haircut-0: fenced"),
        (
            {
                $0.workers[0].isAssigned = false
                $0.workers[0].partitions = []
            }, "haircut-0: no partitions assigned yet"
        ),
        // More workers than partitions: one that holds none stands by.
        ({ $0.workers[0].partitions = [] }, nil),
        (
            { $0.workers[0].partitions[0].phase = .restoring },
            "haircut-0: partition 3 restores its state"
        ),
        (
            {
                $0.workers[0].partitions[0] = PartitionStatus(
                    partition: 3, phase: .restoring, restoredRecords: 5, recordsToRestore: 9)
            }, "haircut-0: partition 3 restores its state: 5 of 9 records read"
        ),
        ({ $0.workers[0].partitions[0].lagRecords = 10_000 }, nil),
        (
            { $0.workers[0].partitions[0].lagRecords = 10_001 },
            "haircut-0: partition 3 is 10001 records behind"
        ),
    ]

    @Test(arguments: changes.indices)
    func whatIsMissingIsSaidWithStatus503(_ index: Int) throws {
        let (change, reason) = Self.changes[index]
        var status = sound()
        change(&status)
        let response = pages(status).respond(.init(path: "/readyz"))
        #expect(response.status == (reason == nil ? .ok : .unavailable))
        #expect(text(response) == (reason ?? "ready") + "\n")
        let workers = try object(pages(status).respond(.init(path: "/api/workers")))
        #expect(workers["ready"] as? Bool == (reason == nil))
        #expect(workers["reasons"] as? [String] == (reason.map { [$0] } ?? []))
        let shown = try Exposition(text(pages(status).respond(.init(path: "/metrics"))))
        #expect(try shown.value("breakwater_ready") == (reason == nil ? "1" : "0"))
    }

    @Test func haircutsAreTheMessagesOnTheBus() throws {
        let (board, text) = try board()
        let pages = pages(sound(), board: board)
        let haircuts = try object(pages.respond(.init(path: "/api/haircuts")))
        let list = try #require(haircuts["haircuts"] as? [NSDictionary])
        let message = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary
        #expect(list == [message])
        let breakers = try object(pages.respond(.init(path: "/api/breakers")))
        let first = try #require((breakers["breakers"] as? [[String: Any]])?.first)
        #expect(first["asset"] as? String == "BTC")
        #expect(first["state"] as? String == "stressed")
        #expect(first["change"] is NSNull)
        let empty = self.pages(sound()).respond(.init(path: "/api/haircuts"))
        #expect(self.text(empty) == "{\"haircuts\":[]}\n")
    }

    @Test func theNewestChangeOfABreakerIsShown() throws {
        let (board, _) = try board()
        var change = BreakerChange.blank
        change.asset = try #require(Identifier("BTC"))
        board.note(change, text: "{\"from\":\"normal\"}")
        let response = pages(sound(), board: board).respond(.init(path: "/api/breakers"))
        #expect(
            text(response) == "{\"breakers\":[{\"asset\":\"BTC\",\"state\":\"stressed\","
                + "\"change\":{\"from\":\"normal\"}}]}\n")
    }

    @Test func metricsAreReadByAReaderOfPrometheus() throws {
        let (board, _) = try board()
        var status = sound()
        status.metrics = [MetricFamily("breakwater_refusals_total", .counter, "Refused", 4)]
        let pages = pages(status, board: board)
        for path in ["/", "/healthz", "/x", "/y"] { _ = pages.respond(.init(path: path)) }
        let response = pages.respond(.init(path: "/metrics"))
        #expect(response.content == .metrics)
        let shown = try Exposition(text(response))
        #expect(try shown.value("breakwater_build_info", ["version": "1.2.3"]) == "1")
        #expect(try shown.value("breakwater_refusals_total") == "4")
        #expect(try shown.value("breakwater_lag_records", ["partition": "3"]) == "7")
        let serving = ["role": "haircut", "phase": "serving"]
        #expect(try shown.value("breakwater_partitions", serving) == "1")
        #expect(try shown.value("breakwater_haircut_initial_ratio", ["asset": "BTC"]) == "0.0525")
        #expect(try shown.value("breakwater_haircut_gap_ratio", ["asset": "BTC"]) == "0.01")
        let state = ["asset": "BTC", "state": "stressed"]
        #expect(try shown.value("breakwater_breaker_state", state) == "1")
        let unknown = ["path": "other", "status": "404"]
        #expect(try shown.value("breakwater_http_requests_total", unknown) == "2")
        let memory = Double(try shown.value("process_resident_memory_bytes")) ?? 0
        #expect(memory > 1e6)
        for (name, kind) in shown.kinds where name.hasPrefix("breakwater_") {
            #expect(name.hasSuffix("_total") == (kind == "counter"), "\(name)")
        }
    }

    @Test func thePageNeedsNothingFromElsewhere() {
        let page = text(pages(sound()).respond(.init(path: "/")))
        #expect(page.hasPrefix("<!doctype html>"))
        for part in ["src=", "href=", "http:", "https:", "//cdn", "@import", "innerHTML"] {
            #expect(!page.contains(part), "\(part)")
        }
        for path in ["/api/haircuts", "/api/breakers", "/api/workers"] {
            #expect(page.contains(path))
        }
    }

    @Test func theBoardKeepsABoundedNumberOfAssets() throws {
        let board = MarketBoard()
        var table = HaircutTable.blank
        for number in 0..<MarketBoard.mostAssets + 100 {
            table.asset = try #require(Identifier("A\(number)"))
            board.note(table, text: "{}")
        }
        let list = try object(
            pages(sound(), board: board).respond(.init(path: "/api/haircuts")))["haircuts"]
        #expect((list as? [Any])?.count == MarketBoard.mostAssets)
    }
}
