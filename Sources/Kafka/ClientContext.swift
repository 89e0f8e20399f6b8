import CRdKafka

/// What librdkafka's callbacks of one client reach through their opaque pointer.
///
/// `log` and `mask` are read on librdkafka's threads and never change. All else belongs to the
/// thread that polls the client, on which librdkafka makes all the other callbacks.
final class ClientContext {
    let log: LogHandler?
    let mask: SecretMask
    /// What this client speaks to, for error sentences.
    let purpose: String
    private(set) var events: [ClientEvent] = []
    /// Events dropped because nobody took them.
    private(set) var droppedEvents = 0
    /// The consumer of this context, while it can be called back.
    unowned(unsafe) var consumer: Consumer?
    let deliveries: DeliveryCounters

    /// Events kept until taken; later ones are dropped, for the first name the cause.
    static let eventsMax = 1024

    init(
        configuration: ClientConfiguration, purpose: String, deliveryTags: Int, log: LogHandler?
    ) {
        self.log = log
        self.mask = SecretMask(configuration)
        self.purpose = purpose
        self.deliveries = DeliveryCounters(tags: deliveryTags)
    }

    func report(_ event: ClientEvent) {
        guard events.count < Self.eventsMax else {
            droppedEvents += 1
            return
        }
        events.append(event)
    }

    func takeEvents() -> [ClientEvent] {
        guard !events.isEmpty else { return [] }
        defer { events = [] }
        return events
    }

    static func from(_ opaque: UnsafeMutableRawPointer?) -> ClientContext? {
        opaque.map { Unmanaged<ClientContext>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Sets the callbacks that consumers and producers share.
    func attach(to configuration: OpaquePointer, opaque: UnsafeMutableRawPointer) {
        rd_kafka_conf_set_opaque(configuration, opaque)
        rd_kafka_conf_set_error_cb(configuration, errorCallback)
        rd_kafka_conf_set_stats_cb(configuration, statisticsCallback)
        rd_kafka_conf_set_log_cb(configuration, logCallback)
    }
}

// librdkafka's callbacks are global functions: a closure formed in an actor's isolation traps when
// a foreign thread calls it.

private func errorCallback(
    client: OpaquePointer?, code: Int32, reason: UnsafePointer<CChar>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let context = ClientContext.from(opaque), let client else { return }
    var code = code
    var text = reason.map { String(cString: $0) } ?? ""
    let isFatal = code == KafkaError.Code.clientFatal
    if isFatal {
        var cause = ErrorText()
        code = cause.fill { rd_kafka_fatal_error(client, $0, $1) }.rawValue
        text = cause.string
    }
    context.report(
        .failure(
            KafkaError(
                code: code, operation: context.purpose, reason: context.mask.masked(text),
                isFatal: isFatal ? true : nil)))
}

private func statisticsCallback(
    client: OpaquePointer?, json: UnsafeMutablePointer<CChar>?, count: Int,
    opaque: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = ClientContext.from(opaque), let json else { return 0 }
    let bytes = UnsafeRawBufferPointer(start: json, count: count)
    context.report(.statistics(String(decoding: bytes, as: UTF8.self)))
    return 0
}

private func logCallback(
    client: OpaquePointer?, level: Int32, facility: UnsafePointer<CChar>?,
    text: UnsafePointer<CChar>?
) {
    guard let client, let context = ClientContext.from(rd_kafka_opaque(client)),
        let log = context.log
    else { return }
    log(
        LogLine(
            level: Int(level), facility: facility.map { String(cString: $0) } ?? "",
            text: context.mask.masked(text.map { String(cString: $0) } ?? "")))
}
