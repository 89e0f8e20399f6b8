import Foundation
import TestSupport

/// A tracked text file of the project, or a snippet that stands for one.
struct SourceFile {
    /// From the root of the project: `Sources/Kafka/Consumer.swift`.
    var path: String
    var lines: [Substring]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The directory below `Sources` that the file is in; nil outside.
    var room: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// Each line as code: without comments, and with the text of string literals blanked.
    var code: [(number: Int, text: String)] {
        var isInLongText = false
        return lines.enumerated().map { index, line in
            (index + 1, Self.code(of: line, isInLongText: &isInLongText))
        }
    }

    private static func code(of line: Substring, isInLongText: inout Bool) -> String {
        var code = ""
        var rest = line
        var isInText = false
        while let character = rest.first {
            if rest.hasPrefix("\"\"\"") {
                isInLongText.toggle()
                rest = rest.dropFirst(3)
                continue
            }
            if !isInLongText {
                if isInText, character == "\\" {
                    rest = rest.dropFirst(2)
                    continue
                }
                if character == "\"" {
                    isInText.toggle()
                } else if !isInText {
                    if rest.hasPrefix("//") { break }
                    code.append(character)
                }
            }
            rest = rest.dropFirst()
        }
        return code
    }

    /// Every file that Git tracks.
    static func tracked() throws -> [String] {
        let git = Process()
        git.executableURL = URL(filePath: "/usr/bin/env")
        git.arguments = ["git", "-C", Repository.root.path, "ls-files", "-z"]
        let output = Pipe()
        git.standardOutput = output
        try git.run()
        let listed = output.fileHandleForReading.readDataToEndOfFile()
        git.waitUntilExit()
        guard git.terminationStatus == 0 else { throw GitFailed(status: git.terminationStatus) }
        return String(decoding: listed, as: UTF8.self).split(separator: "\0").map(String.init)
    }

    /// The tracked files that a choice takes and that still are on disk.
    static func all(where isChosen: (String) -> Bool) throws -> [SourceFile] {
        try tracked().filter(isChosen).compactMap { path in
            guard FileManager.default.fileExists(atPath: Repository.file(path).path) else {
                return nil
            }
            return SourceFile(
                path: path, text: String(decoding: try Repository.data(path), as: UTF8.self))
        }
    }

    struct GitFailed: Error { var status: Int32 }
}
