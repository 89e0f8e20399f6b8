import CRdKafka
import Glibc

/// Owns one `rd_kafka_t` and the context its callbacks reach.
///
/// All queues, topics and messages of the client must be freed before ``destroy(within:)``.
final class ClientHandle {
    let context: ClientContext
    private(set) var pointer: OpaquePointer?

    /// - Parameter prepare: sets further callbacks on the configuration object.
    /// - Throws: when a property is refused, or librdkafka cannot start.
    init(
        type: rd_kafka_type_t, configuration: ClientConfiguration, context: ClientContext,
        prepare: (OpaquePointer) -> Void = { _ in }
    ) throws(KafkaError) {
        self.context = context
        let object = try configuration.makeObject(mask: context.mask)
        let opaque = Unmanaged.passRetained(context)
        context.attach(to: object, opaque: opaque.toOpaque())
        prepare(object)
        var text = ErrorText()
        let created = text.fill { rd_kafka_new(type, object, $0, $1) }
        guard let created else {
            // librdkafka takes over the configuration only when it succeeds.
            rd_kafka_conf_destroy(object)
            opaque.release()
            throw KafkaError(
                code: KafkaError.Code.invalidArgument, operation: "start a Kafka client",
                reason: context.mask.masked(text.string))
        }
        pointer = created
    }

    deinit { _ = destroy(within: .seconds(5)) }

    /// The client, or the error of using it when closed.
    func open(_ operation: @autoclosure () -> String) throws(KafkaError) -> OpaquePointer {
        guard let pointer else { throw .closed(operation()) }
        return pointer
    }

    /// Frees the client on a thread of its own, because librdkafka 2.0.2 can hang there.
    ///
    /// - Returns: false when the time passed first; the thread then frees it whenever it can.
    func destroy(within limit: Duration) -> Bool {
        guard let pointer else { return true }
        self.pointer = nil
        let client = UInt(bitPattern: pointer)
        let context = UInt(bitPattern: Unmanaged.passUnretained(context).toOpaque())
        return BoundedCall {
            rd_kafka_destroy_flags(
                OpaquePointer(bitPattern: client), Int32(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE))
            if let opaque = UnsafeRawPointer(bitPattern: context) {
                Unmanaged<ClientContext>.fromOpaque(opaque).release()
            }
        }.run(within: limit)
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, in 0…Int32.max, as librdkafka takes them.
    var milliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return .max }
        guard self > .zero else { return 0 }
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
