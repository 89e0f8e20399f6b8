import Haircuts
import Margin
import Market
import Messages
import Quantities

/// The decoders of a worker and the values they decode into, again and again.
struct Decoders {
    private var quotes = QuoteDecoder()
    private var surfaces = SurfaceDecoder()
    private var exposures = ExposureDecoder()
    private var controls = ControlDecoder()
    private(set) var quote = Quote.blank
    private(set) var surface = Surface.blank
    private(set) var exposure = Exposure.blank
    private(set) var control = Control.blank

    mutating func decodeQuote(
        _ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ timestamp: Instant?
    ) throws(Refusal) {
        try quotes.decode(payload, key: key, recordTimestamp: timestamp, into: &quote)
    }

    mutating func decodeSurface(
        _ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ timestamp: Instant?
    ) throws(Refusal) {
        try surfaces.decode(payload, key: key, recordTimestamp: timestamp, into: &surface)
    }

    mutating func decodeExposure(
        _ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ timestamp: Instant?
    ) throws(Refusal) {
        try exposures.decode(payload, key: key, recordTimestamp: timestamp, into: &exposure)
    }

    mutating func decodeControl(
        _ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ timestamp: Instant?
    ) throws(Refusal) {
        try controls.decode(payload, key: key, recordTimestamp: timestamp, into: &control)
    }
}
