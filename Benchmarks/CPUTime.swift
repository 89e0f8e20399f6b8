import Foundation
import Glibc

/// Seconds of processor time, which waiting and other processes do not add to.
enum CPUTime {
    static var ofThisThread: Double { read(CLOCK_THREAD_CPUTIME_ID) }
    static var ofThisProcess: Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Of librdkafka's threads in this process that live now, from /proc.
    static var ofKafkaThreads: Double {
        let tasks = "/proc/self/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
        return threads.reduce(0.0) { sum, thread in
            guard let name = text("\(tasks)/\(thread)/comm"), name.hasPrefix("rdk:"),
                let times = text("\(tasks)/\(thread)/schedstat"),
                let nanoseconds = times.split(separator: " ").first.flatMap({ Double($0) })
            else { return sum }
            return sum + nanoseconds * 1e-9
        }
    }

    private static func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}

/// The middle value, and the lower of the two in the middle; 0 of none.
func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[(values.count - 1) / 2]
}
