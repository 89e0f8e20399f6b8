import Glibc
import Synchronization

/// A call into librdkafka that may never return, made on a thread of its own.
final class BoundedCall: Sendable {
    private let body: @Sendable () -> Void
    private let hasReturned = Atomic(false)

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    private var isDone: Bool { hasReturned.load(ordering: .acquiring) }

    /// - Returns: false when the time passed first; the thread is then left to end whenever it can.
    func run(within limit: Duration) -> Bool {
        let argument = Unmanaged.passRetained(self)
        var thread = pthread_t()
        guard pthread_create(&thread, nil, callThread, argument.toOpaque()) == 0 else {
            argument.release()
            runHere()
            return true
        }
        let start = ContinuousClock.now
        while !isDone {
            guard ContinuousClock.now - start < limit else {
                pthread_detach(thread)
                return false
            }
            usleep(500)
        }
        pthread_join(thread, nil)
        return true
    }

    fileprivate func runHere() {
        body()
        hasReturned.store(true, ordering: .releasing)
    }
}

private func callThread(argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<BoundedCall>.fromOpaque(argument).takeRetainedValue().runHere()
    return nil
}
