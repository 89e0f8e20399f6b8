import Foundation
import Haircuts
import Kafka
import Logging
import Messages
import Operations
import Quantities
import Synchronization

/// Reads the newest haircut tables and breaker changes off the bus for the operator's page, as any
/// other consumer would, from a thread of its own. What it cannot read stops nothing.
final class BoardReader: Sendable {
    private let settings: Settings
    private let board: MarketBoard
    private let log: RateLimitedLog
    private let isStopping = Atomic(false)
    private let running = DispatchGroup()

    init(_ settings: Settings, board: MarketBoard, log: Logger) {
        self.settings = settings
        self.board = board
        self.log = RateLimitedLog(log)
    }

    /// Starts the thread. Call it once.
    func start() {
        running.enter()
        let thread = Thread { [self] in
            while !isStopping.load(ordering: .acquiring) {
                do {
                    try read()
                } catch {
                    log.log(.warning, key: "board", "the operator's page is not fed: \(error)")
                    Thread.sleep(forTimeInterval: 1)
                }
            }
            running.leave()
        }
        thread.name = "board-reader"
        thread.start()
    }

    func stop() { isStopping.store(true, ordering: .releasing) }

    /// Waits for the end of the thread.
    func wait(upTo seconds: Double) { _ = running.wait(timeout: .now() + seconds) }

    /// Reads until it is stopped.
    ///
    /// - Throws: when a topic cannot be read on, after which all begins anew.
    private func read() throws {
        // Little memory for what is only looked at.
        let reader = try BusReader(
            settings, as: "board", properties: ["queued.max.messages.kbytes": "4096"])
        // The haircuts' topic is compacted, and each live asset's table is published every second.
        // Of older breaker changes the last may be missing.
        try reader.begin(recent: [settings.topics.haircuts, settings.topics.breakers])
        var messages = Decoded()
        while !isStopping.load(ordering: .acquiring) {
            try reader.read(upTo: .milliseconds(100)) { record, topic in
                take(record, isBreaker: topic == settings.topics.breakers, &messages)
            }
        }
    }

    /// What is decoded into, again and again.
    private struct Decoded {
        var tableDecoder = HaircutDecoder()
        var table = HaircutTable.blank
        let changeDecoder = BreakerDecoder()
        var change = BreakerChange.blank
    }

    private func take(_ record: Record, isBreaker: Bool, _ messages: inout Decoded) {
        guard let value = record.value, let key = record.key else { return }
        do throws(Refusal) {
            if isBreaker {
                try messages.changeDecoder.decode(
                    value, key: key, recordTimestamp: nil, into: &messages.change)
                board.note(messages.change, text: String(decoding: value, as: UTF8.self))
            } else {
                try messages.tableDecoder.decode(
                    value, key: key, recordTimestamp: nil, into: &messages.table)
                board.note(messages.table, text: String(decoding: value, as: UTF8.self))
            }
        } catch {
            board.noteUnreadable()
        }
    }
}
