import Foundation
import Synchronization

/// SIGTERM and SIGINT as something to ask about: the first asks to end in order, a second SIGINT
/// ends at once.
final class Interruption: Sendable {
    static let shared = Interruption()

    private let signal = Atomic<Int32>(0)
    private let handler = Mutex<(@Sendable () -> Void)?>(nil)
    /// Kept alive for the life of the process; touched by `listen` alone.
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []

    /// Takes the signals over from now on. Call it before long work.
    func listen() {
        for number in [SIGINT, SIGTERM] {
            Foundation.signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in receive(number) }
            source.resume()
            sources.append(source)
        }
    }

    private func receive(_ number: Int32) {
        let (isFirst, _) = signal.compareExchange(
            expected: 0, desired: number, ordering: .acquiringAndReleasing)
        if !isFirst, number == SIGINT { exit(130) }
        if isFirst { handler.withLock { $0 }?() }
    }

    var isRequested: Bool { signal.load(ordering: .acquiring) != 0 }

    /// Whether a person asked (SIGINT), for which the contracts have exit status 130.
    var isByHand: Bool { signal.load(ordering: .acquiring) == SIGINT }

    /// Sleeps until the time has passed or the end is asked for.
    func sleep(_ duration: Duration) {
        let end = ContinuousClock.now + duration
        while !isRequested {
            let left = end - ContinuousClock.now
            guard left > .zero else { return }
            Thread.sleep(forTimeInterval: min(left.seconds, 0.05))
        }
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
