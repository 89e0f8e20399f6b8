import CRdKafka
import Glibc

/// Ends ``Consumer/wait(upTo:)`` early. Any thread may call it, also after the consumer is gone.
public final class Waker: Sendable {
    let descriptor: Int32

    init() throws(KafkaError) {
        descriptor = crdkafka_wakeup_open()
        guard descriptor >= 0 else {
            throw KafkaError(
                code: KafkaError.Code.outOfResources, operation: "open an eventfd",
                reason: String(cString: strerror(errno)))
        }
    }

    deinit { close(descriptor) }

    public func wake() { crdkafka_wakeup_signal(descriptor) }

    /// Whether it was woken before the time passed.
    func wait(upTo limit: Duration) -> Bool {
        crdkafka_wakeup_wait(descriptor, limit.milliseconds) > 0
    }
}
