import Foundation
import TestSupport
import Testing

/// Tests/Integration/proxy.py between the service and its broker. It ends with this value.
final class Proxy {
    let process: RunningProcess
    /// For `bootstrap.servers`.
    let address: String
    private let control: URL
    private var cuts = 0

    /// - Parameter certificate: paths of a certificate and its key, to speak TLS with.
    init(to broker: BrokerProcess, certificate: (file: String, key: String)? = nil) throws {
        let python = Repository.file(".venv/bin/python")
        try #require(
            FileManager.default.isExecutableFile(atPath: python.path),
            ".venv is missing: run make setup")
        control = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data("pass".utf8).write(to: control)
        let script = Repository.file("Tests/Integration/proxy.py").path
        let process = try RunningProcess(
            program: python,
            [script, broker.address, control.path]
                + (certificate.map { [$0.file, $0.key] } ?? []))
        self.process = process
        try process.wait(for: "the proxy's address") { process.output.contains("\n") }
        address = String(process.output.prefix { $0 != "\n" })
    }

    deinit { try? FileManager.default.removeItem(at: control) }

    private func order(_ word: String) throws {
        try Data(word.utf8).write(to: control, options: .atomic)
    }

    func pass() throws { try order("pass") }
    func stall() throws { try order("stall") }
    func refuse() throws { try order("refuse") }

    /// - Parameter seconds: for each part in each direction.
    func delay(_ seconds: Double) throws { try order("delay=\(seconds)") }

    /// Ends every connection there is.
    func cut() throws {
        cuts += 1
        try order("cut=\(cuts)")
    }
}
