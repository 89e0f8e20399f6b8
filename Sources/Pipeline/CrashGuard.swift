import Glibc
import Kafka
import Synchronization

/// Remembers across the death of the process which record was being applied, so that a record that
/// ends it twice is refused instead of a third time applied.
///
/// A defect that traps cannot be caught: Swift ends the process. Before a record is applied, its
/// place goes into a mapped file, which the system keeps whatever becomes of the process; after it,
/// the mark is taken back. Who opens the file next counts a mark that is still there. A process
/// killed from outside in that moment counts too, which is right when it was killed for what the
/// record made it do. Timers, and reading back of own outputs, are not guarded.
///
/// Used by one thread.
package final class CrashGuard {
    /// Crashes at one record until it is refused.
    package static let limit: UInt64 = 2
    /// Records that crashed, four words each, behind the mark of the one being applied.
    private static let places = 64
    private static let firstPlace = 8
    private static let size = (firstPlace + 4 * places) * 8
    /// `BWGUARD1`, little-endian.
    private static let magic: UInt64 = 0x3144_5241_5547_5742

    private let file: Int32
    private let memory: UnsafeMutableRawPointer
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private var refused: Set<Mark> = []

    /// A record: offsets alone would be those of other records once a topic is made anew.
    private struct Mark: Hashable {
        var source: UInt64
        var offset: UInt64
        var timestamp: UInt64

        init(_ record: Record, from source: TopicPartition) {
            self.source = source.stableHash
            offset = UInt64(bitPattern: record.offset)
            timestamp = UInt64(bitPattern: record.timestampMilliseconds ?? -1)
        }

        init(source: UInt64, offset: UInt64, timestamp: UInt64) {
            self.source = source
            self.offset = offset
            self.timestamp = timestamp
        }
    }

    /// Opens the first file of a folder that no other process or thread holds, and counts the crash
    /// that it may tell of. Makes the folder and the file where they are missing.
    ///
    /// - Parameter role: begins the file's name.
    package init(folder: String, role: String) throws(CrashGuardFailure) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw CrashGuardFailure("make \(folder)")
        }
        file = try Self.openFree(folder, role)
        guard ftruncate(file, off_t(Self.size)) == 0 else {
            let failure = CrashGuardFailure("write to \(folder)")
            Glibc.close(file)
            throw failure
        }
        let mapped = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        guard let mapped, mapped != MAP_FAILED else {
            let failure = CrashGuardFailure("map a file of \(folder)")
            Glibc.close(file)
            throw failure
        }
        memory = mapped
        words = mapped.bindMemory(
            to: Atomic<UInt64>.self, capacity: Self.size / MemoryLayout<UInt64>.size)
        if self[0] != Self.magic {
            memset(memory, 0, Self.size)
            self[0] = Self.magic
        }
        countCrash()
    }

    deinit {
        munmap(memory, Self.size)
        close(file)
    }

    private static func openFree(
        _ folder: String, _ role: String
    ) throws(CrashGuardFailure) -> Int32 {
        for number in 0..<1024 {
            let path = "\(folder)/\(role)-\(number).guard"
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard file >= 0 else { throw CrashGuardFailure("open \(path)") }
            if flock(file, LOCK_EX | LOCK_NB) == 0 { return file }
            Glibc.close(file)
        }
        throw CrashGuardFailure("find a free file in \(folder)")
    }

    private subscript(word: Int) -> UInt64 {
        get { words[word].load(ordering: .relaxed) }
        set { words[word].store(newValue, ordering: .relaxed) }
    }

    private func mark(at word: Int) -> Mark {
        Mark(source: self[word], offset: self[word + 1], timestamp: self[word + 2])
    }

    /// Adds the record that was being applied to those that crashed, if there is one.
    private func countCrash() {
        let places = (0..<Self.places).map { Self.firstPlace + 4 * $0 }
        if self[1] != 0 {
            let crashed = mark(at: 2)
            let known = places.first { self[$0 + 3] > 0 && mark(at: $0) == crashed }
            // Where all are taken, one that is not refused yet gives way.
            let place = known ?? places.min { self[$0 + 3] < self[$1 + 3] } ?? Self.firstPlace
            let crashes = known == nil ? 0 : self[place + 3]
            self[place] = crashed.source
            self[place + 1] = crashed.offset
            self[place + 2] = crashed.timestamp
            self[place + 3] = crashes + 1
            self[1] = 0
        }
        refused = Set(places.filter { self[$0 + 3] >= Self.limit }.map { mark(at: $0) })
    }

    /// How many records are refused.
    package var refusedCount: Int { refused.count }

    /// Whether a record ended the process so often that it is not applied again.
    package func refuses(_ record: Record, from source: TopicPartition) -> Bool {
        !refused.isEmpty && refused.contains(Mark(record, from: source))
    }

    /// Applies a record with its place on file.
    ///
    /// - Parameter source: `TopicPartition.stableHash` of where it was read.
    @inline(__always)
    package func applying(_ record: Record, from source: UInt64, _ body: () -> Void) {
        self[2] = source
        self[3] = UInt64(bitPattern: record.offset)
        self[4] = UInt64(bitPattern: record.timestampMilliseconds ?? -1)
        words[1].store(1, ordering: .releasing)
        body()
        words[1].store(0, ordering: .releasing)
    }

    /// Takes the mark back for the time of a call that is not the record's doing, such as waiting
    /// for a broker in the midst of what it causes.
    package func pausing<Result>(_ body: () -> Result) -> Result {
        let isApplying = self[1]
        self[1] = 0
        defer { self[1] = isApplying }
        return body()
    }
}

/// Why there is no crash guard.
package struct CrashGuardFailure: Error, CustomStringConvertible {
    package let description: String

    /// - Parameter action: what could not be done; `errno` says why.
    init(_ action: String) {
        description = "could not \(action): \(String(cString: strerror(errno)))"
    }
}

extension TopicPartition {
    /// A hash that is the same in every run: FNV-1a, 64 bits, over the name and the number.
    package var stableHash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in topic.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return (hash ^ UInt64(UInt32(bitPattern: partition))) &* 0x0000_0100_0000_01b3
    }
}
