import Foundation

/// What is written to the terminal: lines, and a block of lines that is written over itself.
///
/// Without a terminal (a file, a pipe) nothing is overwritten: a block is written every so often
/// as plain lines, so that logs stay readable.
final class Terminal {
    let isInteractive = isatty(STDOUT_FILENO) == 1
    private var blockHeight = 0
    private var nextBlock = ContinuousClock.now

    /// Between two blocks where there is a terminal, and where there is none.
    static let interval = Duration.milliseconds(100)
    static let plainInterval = Duration.seconds(10)

    /// Writes a line that stays.
    func line(_ text: String = "") {
        clearBlock()
        write(text + "\n")
    }

    /// Writes lines over the block written before, unless that was only just written.
    func block(_ lines: @autoclosure () -> [String]) {
        guard ContinuousClock.now >= nextBlock else { return }
        lastBlock(lines())
    }

    /// Writes lines over the block written before, and leaves them.
    func lastBlock(_ lines: [String]) {
        if isInteractive { clearBlock() }
        write(lines.map { $0 + "\n" }.joined())
        if isInteractive { blockHeight = lines.count }
        nextBlock = .now + (isInteractive ? Self.interval : Self.plainInterval)
    }

    /// Leaves the block as it stands and goes on below it.
    func keepBlock() { blockHeight = 0 }

    private func clearBlock() {
        if blockHeight > 0 { write("\u{1B}[\(blockHeight)A\u{1B}[J") }
        blockHeight = 0
    }

    private func write(_ text: String) { writeAll(text, to: STDOUT_FILENO) }

    /// A bar of 30 cells with its share in percent.
    static func bar(_ share: Double) -> String {
        let full = Int((min(max(share, 0), 1) * 30).rounded(.down))
        return "[" + String(repeating: "#", count: full)
            + String(repeating: ".", count: 30 - full) + "] "
            + "\(Int((min(max(share, 0), 1) * 100).rounded(.down))) %"
    }
}

/// Writes all of a text, however often the system takes only a part of it.
func writeAll(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

/// Writes a line to stdout at once.
func say(_ text: String) { writeAll(text + "\n", to: STDOUT_FILENO) }

extension String {
    /// Filled with blanks, or cut, to a width.
    func left(_ width: Int) -> String {
        count >= width
            ? String(prefix(width)) : self + String(repeating: " ", count: width - count)
    }

    func right(_ width: Int) -> String {
        count >= width ? self : String(repeating: " ", count: width - count) + self
    }
}

/// A number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
}
