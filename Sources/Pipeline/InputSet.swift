import Kafka

/// The inputs of a worker, and which of them is next.
///
/// The times of their heads lie side by side, because the earliest is asked for with each record.
struct InputSet {
    private(set) var inputs: [Input] = []
    /// Of each head, milliseconds since 1970; the largest number where there is none.
    private var times: [Int64] = []
    /// Inputs without a head that others wait for.
    private var awaited = 0
    private var isAwaited: [Bool] = []
    private let clock: PipelineClock

    init(clock: PipelineClock) {
        self.clock = clock
    }

    mutating func replace(by inputs: [Input]) {
        self.inputs = inputs
        times = inputs.map { _ in .max }
        isAwaited = inputs.map { _ in false }
        awaited = 0
        for (index, input) in inputs.enumerated() { note(input, at: index) }
    }

    var areRestoring: Bool { inputs.contains { $0.isRestoring } }

    /// The next record that is only to restore from; what is restored needs no order.
    var nextToRestore: Int? { inputs.firstIndex { $0.isRestoring && $0.head != nil } }

    /// The input whose head is to be applied next: the one with the earliest record, of equal ones
    /// the first.
    ///
    /// - Returns: nil when nothing is fetched, or when an input without a record may yet bring an
    ///   earlier one: until it has reached its end once or, with `clock: event`, is there now. With
    ///   the wall clock nobody waits for a fetch: there, order is the order of arrival.
    var next: Int? {
        guard awaited == 0 else { return nil }
        return times.withUnsafeBufferPointer { times in
            var first: Int?
            var earliest = Int64.max
            for index in times.indices where times[index] < earliest {
                first = index
                earliest = times[index]
            }
            return first
        }
    }

    /// Fetches for all inputs whose records are applied.
    ///
    /// - Parameter report: told of each error of a partition.
    mutating func refill(
        at now: ContinuousClock.Instant, _ report: (PartitionFailure, Input) -> Void
    ) {
        for index in inputs.indices where times[index] == .max {
            let input = inputs[index]
            for fault in input.refill(at: now) { report(fault, input) }
            note(input, at: index)
        }
    }

    /// Takes notice of another head of an input.
    ///
    /// - Parameter index: its place.
    mutating func note(_ input: Input, at index: Int) {
        let hasHead = input.head != nil
        times[index] = hasHead ? input.headTimestamp ?? 0 : .max
        let waits = !hasHead && !(clock == .event ? input.isAtEnd : input.hasCaughtUp)
        guard waits != isAwaited[index] else { return }
        isAwaited[index] = waits
        awaited += waits ? 1 : -1
    }
}
