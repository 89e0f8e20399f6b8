import Foundation
import Kafka
import Operations
import Pipeline
import Synchronization

/// Asks the brokers every so often whether they are there and the topics are as they were, from a
/// thread of its own: for readiness, which must not rest on the workers' own word.
final class BrokerWatch: Sendable {
    private struct State {
        var lastAnswer: ContinuousClock.Instant?
        /// Of the newest request, where it failed.
        var failure: KafkaError?
        var topics: [String: TopicDescription]?
        /// Partition counts of the first answer that had every topic.
        var counts: [String: Int]?
    }

    private let plan: TopicPlan
    private let configuration: ClientConfiguration
    private let state = Mutex(State())
    private let isStopping = Atomic(false)
    private let running = DispatchGroup()

    static let interval = Duration.seconds(2)
    static let requestLimit = Duration.seconds(2)

    /// - Parameter plan: the topics that have to be there.
    init(_ plan: TopicPlan, _ configuration: ClientConfiguration) {
        self.plan = plan
        self.configuration = configuration
    }

    /// Starts the thread. Call it once.
    func start() {
        running.enter()
        let thread = Thread { [self] in
            watch()
            running.leave()
        }
        thread.name = "broker-watch"
        thread.start()
    }

    /// Ends the thread, which takes at most as long as one request.
    func stop() { isStopping.store(true, ordering: .releasing) }

    /// Waits for the end of the thread.
    func wait(upTo seconds: Double) { _ = running.wait(timeout: .now() + seconds) }

    private func watch() {
        while !isStopping.load(ordering: .acquiring) {
            do throws(KafkaError) {
                let admin = try Admin(configuration)
                defer { admin.close(within: .milliseconds(500)) }
                while !isStopping.load(ordering: .acquiring) {
                    ask(admin)
                    pause()
                }
            } catch {
                // A setting that is refused: the workers say so.
                pause()
            }
        }
    }

    private func pause() {
        let end = ContinuousClock.now + Self.interval
        while !isStopping.load(ordering: .acquiring), ContinuousClock.now < end {
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    private func ask(_ admin: Admin) {
        _ = admin.takeEvents()
        let cluster: ClusterDescription
        do throws(KafkaError) {
            cluster = try admin.describeCluster(within: Self.requestLimit)
        } catch {
            return state.withLock { $0.failure = error }
        }
        state.withLock { state in
            state.lastAnswer = .now
            state.failure = nil
            state.topics = cluster.topics
            guard state.counts == nil, plan.missing(in: cluster.topics).isEmpty else { return }
            state.counts = cluster.topics.mapValues(\.partitionCount)
        }
    }

    /// Seconds since the brokers answered; nil: not yet.
    var silenceSeconds: Double? {
        state.withLock { $0.lastAnswer }.map { (ContinuousClock.now - $0).seconds }
    }

    /// Why the newest request failed; nil where it was answered.
    var failure: String? { state.withLock { $0.failure }.map { "\($0)" } }

    /// What is wrong with the topics by the newest answer, a sentence each.
    var topicProblems: [String] {
        let (topics, counts) = state.withLock { ($0.topics, $0.counts) }
        guard let topics else { return [] }
        return plan.problems(topics: topics, settings: nil)
            + plan.changes(since: counts ?? [:], in: topics)
    }
}
