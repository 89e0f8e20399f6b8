import Haircuts
import Messages
import Quantities
import Testing

/// Each rule of `control.v1` with both sides of its boundary.
struct ControlRefusalTests {
    /// The record's own time, of every control here.
    static let sent = instant("2026-11-22T14:00:01Z")

    func control(_ replacements: (String, String)...) -> Outcome<Control> {
        decodeControl(changed(Examples.control, replacements).utf8, timestamp: Self.sent)
    }

    func parameters(_ object: String) -> Outcome<Control> {
        let old =
            #"{"floor":0.03,"limiterUpPerMinute.normal":0.02,"#
            + #""notionals":["100000","1000000"]}"#
        return decodeControl(
            changed(Examples.parameters, [(old, object)]).utf8, key: "*|parameters",
            timestamp: Self.sent)
    }

    @Test(arguments: [
        "schema", "asset", "time", "sequence", "action", "initial", "maintenance", "expires",
        "reason", "by", "approvedBy",
    ])
    func eachFieldIsNeeded(field: String) throws {
        let expected = try #require(MessageField(rawValue: field))
        expect(control(("\"\(field)\":", "\"x\":")), .missingField, expected)
    }

    @Test func twoDifferentPeopleAreNeeded() {
        expect(control((#""bob""#, #""alice""#)), .notApproved, .approvedBy)
        expect(control((#""bob""#, #""""#)), .notApproved, .approvedBy)
        expect(control((#""alice""#, #""""#)), .notApproved, .by)
        // The same name in another spelling of Unicode is the same person.
        expect(
            control((#""alice""#, #""Ren\u00e9""#), (#""bob""#, #""Rene\u0301""#)), .notApproved,
            .approvedBy)
        #expect(control((#""bob""#, #""Alice""#)).value?.approvedBy == "Alice")
    }

    @Test func aControlEndsWithinADayOfItsRecord() {
        let end = "2026-11-23T02:00:00.000000Z"
        func ending(_ time: String) -> Outcome<Control> { control((end, time)) }
        #expect(ending("2026-11-23T14:00:01Z").value != nil)
        expect(ending("2026-11-23T14:00:01.000000001Z"), .badExpiry, .expires)
        #expect(ending("2026-11-22T14:00:01.000000001Z").value != nil)
        expect(ending("2026-11-22T14:00:01Z"), .badExpiry, .expires)
        expect(ending("2025-11-22T14:00:01Z"), .badExpiry, .expires)
        expect(control(("\"\(end)\"", "null")), .wrongType, .expires)
    }

    @Test func withoutATimestampTheMessagesOwnTimeIsTheBeginning() {
        let late = Examples.control.replacing("23T02:00:00.000000Z", with: "23T14:00:00.000001Z")
        expect(decodeControl(late.utf8), .badExpiry, .expires)
        #expect(decodeControl(late.utf8, timestamp: Self.sent).value != nil)
    }

    @Test func parametersNeedNoEndAndMayHaveALateOne() {
        func ending(_ time: String) -> Outcome<Control> {
            let text = changed(
                Examples.parameters, [(#""reason":"#, "\"expires\":\"\(time)\",\"reason\":")])
            return decodeControl(text.utf8, key: "*|parameters", timestamp: Self.sent)
        }
        #expect(ending("2027-11-22T14:00:01Z").value?.expires == instant("2027-11-22T14:00:01Z"))
        expect(ending("2026-11-22T14:00:01Z"), .badExpiry, .expires)
    }

    @Test func anOverrideIsInOrder() {
        #expect(control(("0.3", "0.5")).value != nil)
        expect(control(("0.3", "0.5000001")), .outOfRange, .maintenance)
        #expect(control(("0.5", "1"), ("0.3", "1")).value != nil)
        expect(control(("0.5", "1.000001")), .outOfRange, .initial)
        #expect(control(("0.3", "0")).value != nil)
        expect(control(("0.3", "-0.000001")), .outOfRange, .maintenance)
    }

    @Test func freezeAndSolvencyNeedNoNumbers() {
        for (action, order) in [("freeze", Control.Order.freeze), ("solvency", .solvency)] {
            let bare = changed(
                Examples.control,
                [(#""override","initial":0.5,"maintenance":0.3"#, "\"\(action)\"")])
            let outcome = decodeControl(
                bare.utf8, key: "BTC|\(action)", timestamp: Self.sent)
            #expect(outcome.value?.order == order)
            let numbers = changed(Examples.control, [("override", action)])
            #expect(
                decodeControl(numbers.utf8, key: "BTC|\(action)", timestamp: Self.sent).value
                    == outcome.value)
        }
        expect(control(("override", "unfreeze")), .outOfRange, .action)
    }

    @Test func theKeyIsTheAssetAndTheAction() {
        let all = changed(Examples.control, [(#""BTC""#, #""*""#)])
        #expect(decodeControl(all.utf8, key: "*|override").value?.asset == .some(nil))
        for key in [
            "BTC", "BTC|", "BTC|freeze", "ETH|override", "*|override", "|override", "",
            "BTC|override|", "BTC|Override", "btc|override",
        ] {
            expect(decodeControl(Examples.control.utf8, key: key), .keyMismatch, .key)
        }
    }

    @Test func aTombstoneNamesItsControlInItsKey() {
        func key(_ text: String) -> Outcome<Control.Key> {
            decoding([], key: text) { (_, key) throws(Refusal) in
                try ControlDecoder.decodeKey(key)
            }
        }
        #expect(key("BTC|freeze").value == Control.Key(asset: name("BTC"), action: .freeze))
        #expect(key("*|parameters").value == Control.Key(asset: nil, action: .parameters))
        #expect(key("BTC").refusal == Refusal(.outOfRange, .key))
        #expect(key("BTC|thaw").refusal == Refusal(.outOfRange, .key))
        #expect(key("|freeze").refusal == Refusal(.outOfRange, .key))
    }

    @Test func textsHaveUpTo512Bytes() {
        let most = String(repeating: "x", count: 512)
        #expect(control(("exchange outage", most), ("bob", most)).value?.reason == most)
        expect(control(("exchange outage", most + "x")), .outOfRange, .reason)
        expect(control(("alice", most + "x")), .outOfRange, .by)
        #expect(control(("exchange outage", "")).value?.reason == "")
    }

    // MARK: Parameters

    @Test func everyParameterIsKnownByItsName() {
        let defaults = HaircutParameters(.alt)
        for parameter in HaircutParameter.all {
            let value: String
            switch parameter.value(in: defaults) {
            case .number(let number): value = "\(number)"
            case .amounts(let amounts):
                value = "[" + amounts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
            }
            let change = Control.ParameterChange(
                name: parameter.name, value: parameter.value(in: defaults))
            #expect(
                parameters("{\"\(parameter.name)\":\(value)}").value?.order
                    == .parameters([change]))
        }
    }

    @Test func partsMayStandInAnObjectOfTheirOwn() {
        let parts: [Control.ParameterChange] = [
            Control.ParameterChange(name: "limiterUpPerMinute.normal", value: .number(0.02)),
            Control.ParameterChange(name: "limiterUpPerMinute.stressed", value: .number(0.2)),
        ]
        #expect(
            parameters(#"{"limiterUpPerMinute":{"normal":0.02,"stressed":0.2}}"#).value?.order
                == .parameters(parts))
        #expect(
            parameters(#"{"limiterUpPerMinute":{"normal":2e-2},"limiterUpPerMinute.stressed":0.2}"#)
                .value?.order == .parameters(parts))
    }

    @Test(arguments: [
        (#"{}"#, RefusalCode.outOfRange), (#"{"ceiling":1}"#, .outOfRange),
        (#"{"Floor":0.1}"#, .outOfRange), (#"{"limiterUpPerMinute":{}}"#, .outOfRange),
        (#"{"limiterUpPerMinute":{"calm":1}}"#, .outOfRange),
        (#"{"limiterUpPerMinute":0.1}"#, .outOfRange), (#"{"floor":{"normal":1}}"#, .outOfRange),
        (#"{"notionals":[]}"#, .outOfRange), (#"{"notionals":["1e5"]}"#, .outOfRange),
        (#"{"floor":"0.1"}"#, .wrongType), (#"{"floor":null}"#, .wrongType),
        (#"{"floor":["1"]}"#, .wrongType), (#"{"notionals":1}"#, .wrongType),
        (#"{"notionals":[1]}"#, .wrongType), (#"[]"#, .wrongType), (#"null"#, .wrongType),
        (#"{"floor":1e999}"#, .outOfRange), (#"{"floor":0.1,"floor":0.1}"#, .duplicateField),
        (#"{"floor":0.1,"\u0066loor":0.1}"#, .duplicateField),
        (#"{"limiterUpPerMinute":{"normal":1},"limiterUpPerMinute.normal":1}"#, .duplicateField),
    ])
    func parametersAreRefusedUnlessEachIsKnownAndOfItsKind(text: String, code: RefusalCode) {
        #expect(parameters(text).refusal?.code == code)
    }

    @Test func aRefusedControlLeavesTheValueAsItWas() {
        var control = Golden.control
        let decoder = ControlDecoder()
        let bad = changed(
            Examples.control, [("bob", "alice"), (#""sequence":1"#, #""sequence":9"#)])
        let outcome = decoding(bad.utf8, key: "BTC|override") { (payload, key) throws(Refusal) in
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &control)
        }
        #expect(outcome.refusal?.code == .notApproved)
        #expect(control == Golden.control)
    }
}
