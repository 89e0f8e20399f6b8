import Foundation

/// Memory and start time of this process under Prometheus's own names.
func processFamilies() -> [MetricFamily] {
    var families = [
        MetricFamily(
            "process_start_time_seconds", .gauge, "Start of the process since the epoch, seconds",
            [.init(value: processStart)])
    ]
    if let bytes = residentMemoryBytes() {
        families.append(
            MetricFamily(
                "process_resident_memory_bytes", .gauge, "Resident memory size, bytes", bytes))
    }
    return families
}

/// When this process first asked, which is while it starts.
let processStart = Date().timeIntervalSince1970.rounded()

/// Physical memory this process holds, in bytes; nil where the system does not say.
public func residentMemoryBytes() -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
        return nil
    }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return pages.map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
}
