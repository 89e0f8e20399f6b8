import Market
import Messages
import Quantities
import Testing

/// Each rule of the contract with both sides of its boundary.
struct RefusalTests {
    typealias Expected = (code: RefusalCode, field: MessageField)

    /// A book with parts of it replaced.
    func book(_ replacements: (String, String)...) -> Outcome<Quote> {
        decodeQuote(changed(Examples.book, replacements).utf8)
    }

    func surface(_ replacements: (String, String)...) -> Outcome<Surface> {
        decodeSurface(changed(Examples.surface, replacements).utf8)
    }

    // MARK: The body

    @Test func aBodyThatIsMissingIsEmpty() {
        expect(decodeQuote([]), .emptyBody, .body)
        expect(decodeQuote([0, 0, 0, 0, 1]), .emptyBody, .body)
        expect(decodeQuote([0, 0, 0, 0]), .malformedJSON, .body)
    }

    @Test func aConfluentPrefixIsPassedOver() {
        #expect(decodeQuote([0, 1, 2, 3, 4] + Examples.book.utf8).value == GoldenTests.book)
    }

    @Test func aBodyMayHave900000BytesAndNotOneMore() {
        let padding = [UInt8](repeating: 0x20, count: 900_000 - Examples.book.utf8.count)
        #expect(decodeQuote(Examples.book.utf8 + padding).value == GoldenTests.book)
        expect(decodeQuote(Examples.book.utf8 + padding + [0x20]), .tooLarge, .body)
        #expect(
            decodeQuote([0, 0, 0, 0, 7] + Examples.book.utf8 + padding).value == GoldenTests.book)
    }

    @Test(arguments: ["x", "[]", "{", "nul", "{}}", "\u{FEFF}{}", #"{"a":1,}"#, "{} {}"])
    func whatIsNotAnObjectIsRefused(text: String) {
        let expected: RefusalCode = text == "[]" ? .wrongType : .malformedJSON
        #expect(decodeQuote(text.utf8).refusal?.code == expected)
    }

    @Test func theFormOfTheWholeBodyIsJudgedBeforeItsFields() {
        expect(
            book((#""sequence":123"#, #""sequence":-1"#), (#"0.5"}"#, #"0.5","#)),
            .malformedJSON, .body)
        expect(
            book((#""sequence":123"#, #""sequence":-1"#), ("quote.v1", "quote.v2")),
            .unknownSchema, .schema)
        expect(
            book((#"{"schema":"quote.v1","#, "{"), (#""sequence":123"#, #""sequence":-1"#)),
            .missingField, .schema)
    }

    // MARK: Fields

    @Test func fieldsMayComeInAnyOrder() {
        let shuffled = """
            {"asks":[["61235.0","0.80"]],"sequence":123,"dailyVolume":"21000.5","kind":"book", \
            "bids": [ [ "61234.50" , "1.25" ] , ["61234.0","3.10"] ],\t"venue":"house",\
            "time":"2026-11-22T14:00:00.123456Z","asset":"BTC","schema":"quote.v1"}\n
            """
        #expect(decodeQuote(shuffled.utf8).value == GoldenTests.book)
    }

    @Test func unknownFieldsAreIgnoredAtEveryLevel() {
        let quote = book(
            (
                #""kind""#, #""new":{"a":[1,{"b":null}],"c":"é😀"},"old":[[],{}],"kind""#
            ))
        #expect(quote.value == GoldenTests.book)
        let surface = surface(
            (#""forward""#, #""x":[true],"forward""#), (#""rho""#, #""y":0,"rho""#))
        #expect(surface.value == GoldenTests.surface)
    }

    @Test func aFieldGivenTwiceIsRefusedKnownOrNot() {
        expect(book((#""kind""#, #""venue":"house","kind""#)), .duplicateField, .venue)
        #expect(book((#""kind""#, #""x":1,"x":1,"kind""#)).refusal?.code == .duplicateField)
        #expect(book((#""kind""#, #""x":1,"\u0078":1,"kind""#)).refusal?.code == .duplicateField)
        #expect(
            book((#""kind""#, #""x":{"y":{"z":0,"z":1}},"kind""#)).refusal?.code
                == .duplicateField)
        #expect(book((#""kind""#, #""x":{"z":0},"y":{"z":1},"kind""#)).value != nil)
        #expect(
            surface((#""forward""#, #""forward":"1","forward""#)).refusal?.code == .duplicateField)
    }

    @Test(arguments: ["schema", "asset", "venue", "kind", "time", "sequence", "bids", "asks"])
    func aBookNeedsEachField(field: String) throws {
        let renamed = Examples.book.replacing("\"\(field)\":", with: "\"x\(field)\":")
        let expected = try #require(MessageField(rawValue: field))
        expect(decodeQuote(renamed.utf8), .missingField, expected)
    }

    @Test func anIndexNeedsAPriceAboveZero() {
        expect(
            decodeQuote(Examples.index.replacing(#""price""#, with: #""cost""#).utf8),
            .missingField, .price)
        for bad in ["0", "-1", "0.000"] {
            expect(
                decodeQuote(Examples.index.replacing("61240.1", with: bad).utf8), .outOfRange,
                .price)
        }
        let least = decodeQuote(
            Examples.index.replacing("61240.1", with: "0.000000000000000001").utf8)
        #expect(least.value?.price.units == 1)
    }

    @Test(arguments: ["asset", "venue", "kind", "time", "dailyVolume", "bids", "asks"])
    func aFieldHasOneJSONType(field: String) throws {
        let expected = try #require(MessageField(rawValue: field))
        for bad in ["1", "null", "true", "{}"] {
            let renamed = Examples.book.replacing(
                "\"\(field)\":", with: "\"\(field)\":\(bad),\"x\":")
            expect(decodeQuote(renamed.utf8), .wrongType, expected)
        }
    }

    @Test func escapesAreLegalInEveryString() {
        let quote = book(
            ("\"asset\"", #""\u0061sset""#), ("\"BTC\"", #""\u0042TC""#),
            ("\"61234.5\"", #""6\u0031234.5""#), ("quote.v1", #"quote\u002ev1"#),
            ("\"book\"", #""boo\u006b""#), ("2026-11-22T", #"2026\u002D11-22\u0054"#))
        #expect(quote.value == GoldenTests.book)
    }

    @Test func aNameHas1To64PrintableCharactersWithoutABar() {
        for good in ["x", String(repeating: "x", count: 64), "a'#~"] {
            #expect(book(("house", good)).value?.venue == name(good))
        }
        #expect(book(("house", #"a\"\\b"#)).value?.venue == name(#"a"\b"#))
        for bad in ["", String(repeating: "x", count: 65), "a b", "a|b", "é", #"\u0007"#] {
            expect(book(("house", bad)), .outOfRange, .venue)
        }
    }

    @Test func anUnknownKindIsRefused() {
        expect(book(("\"book\"", "\"trade\"")), .outOfRange, .kind)
    }

    @Test func aSequenceIsAWholeNumberUpTo2To53() {
        for good in ["0", "1", "9007199254740991"] {
            #expect(book((":123,", ":\(good),")).value?.sequence == Int64(good))
        }
        for bad in ["-1", "9007199254740992", "99999999999999999999999"] {
            expect(book((":123,", ":\(bad),")), .outOfRange, .sequence)
        }
        for bad in ["1.0", "1e3", "1E0", "\"1\"", "null"] {
            expect(book((":123,", ":\(bad),")), .wrongType, .sequence)
        }
        for bad in ["01", "+1", "1.", ".1", "1e", "NaN", "Infinity", "0x1", "--1", "-"] {
            #expect(book((":123,", ":\(bad),")).refusal?.code == .malformedJSON)
        }
    }

    @Test(arguments: [
        "61234.", ".5", "", "+1", "1e3", "1,5", " 1", "1 ", "NaN", "1234567890123456789",
        "0.1234567890123456789", "1.2.3", "0x10", "١",
    ])
    func aDecimalThatIsNoneIsRefused(text: String) {
        expect(book(("21000.5", text)), .outOfRange, .dailyVolume)
        expect(book(("61234.5", text)), .outOfRange, .bids)
    }

    @Test func aDecimalHasUpTo18DigitsOnEachSide() {
        for good in [
            "999999999999999999.999999999999999999", "0.000000000000000001", "12345678",
            "123456789", "12345678.12345678", "1.123456789", "007.50",
        ] {
            #expect(book(("21000.5", good)).value?.dailyVolume == decimal(good))
        }
    }

    @Test(arguments: [
        "2026-11-22T14:00:00.1234567890Z", "2026-11-22T14:00:00+00:00", "2026-11-22 14:00:00Z",
        "2026-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T14:00:00.Z", "", "Z",
    ])
    func aTimeThatIsNoneIsRefused(text: String) {
        expect(book(("2026-11-22T14:00:00.123456Z", text)), .outOfRange, .time)
    }

    // MARK: Levels

    @Test func aBookMustNotBeCrossedOrLocked() {
        expect(book(("61235", "61234.5")), .crossedBook, .bids)
        expect(book(("61235", "61234.4")), .crossedBook, .bids)
        #expect(book(("61235", "61234.500000000000000001")).value != nil)
        #expect(book((#"[["61235","0.8"]]"#, "[]")).value?.asks == [])
        #expect(book((#"[["61234.5","1.25"],["61234","3.1"]]"#, "[ ]")).value?.bids == [])
    }

    @Test(arguments: ["0", "-1", "0.0", "-0"])
    func aLevelIsAboveZero(text: String) {
        expect(book(("\"1.25\"", "\"\(text)\"")), .levelNotPositive, .bids)
        expect(book(("\"61235\"", "\"\(text)\"")), .levelNotPositive, .asks)
    }

    @Test func levelsGoFromBestToWorst() {
        expect(book(("\"61234\"", "\"61234.5\"")), .levelsOutOfOrder, .bids)
        expect(book(("\"61234\"", "\"61234.6\"")), .levelsOutOfOrder, .bids)
        #expect(book(("\"61234\"", "\"61234.499999999999999999\"")).value != nil)
        let ask = #"["61235","0.8"]"#
        expect(book((ask, ask + "," + ask)), .levelsOutOfOrder, .asks)
        expect(book((ask, ask + #",["61234.9","1"]"#)), .levelsOutOfOrder, .asks)
        #expect(book((ask, ask + #",["61235.1","1"]"#)).value?.asks.count == 2)
    }

    @Test(arguments: [
        #"["61235"]"#, #"["61235","0.8","1"]"#, #"[61235,0.8]"#, "[]", "{}", #""61235""#,
        #"["61235",0.8]"#, "null",
    ])
    func aLevelIsAPairOfStrings(text: String) {
        expect(book((#"["61235","0.8"]"#, text)), .wrongType, .asks)
    }

    @Test func aSideHasUpTo500Levels() {
        func asks(_ count: Int) -> String {
            (0..<count).map { "[\"\(61235 + $0)\",\"1\"]" }.joined(separator: ",")
        }
        #expect(book((#"["61235","0.8"]"#, asks(500))).value?.asks.count == 500)
        expect(book((#"["61235","0.8"]"#, asks(501))), .outOfRange, .asks)
    }

    // MARK: Key and time

    @Test func theKeyIsTheAsset() {
        for bad in ["ETH", "BT", "BTCC", "", "btc"] {
            expect(decodeQuote(Examples.book.utf8, key: bad), .keyMismatch, .asset)
            expect(decodeSurface(Examples.surface.utf8, key: bad), .keyMismatch, .asset)
        }
    }

    @Test func aTimeMayBeFiveSecondsAheadOfItsRecordAndNotMore() {
        let latest = instant("2026-11-22T13:59:55.123456Z")
        let text = Examples.book.utf8
        #expect(decodeQuote(text, timestamp: latest).value != nil)
        let earlier = Instant(nanoseconds: latest.nanoseconds - 1)
        expect(decodeQuote(text, timestamp: earlier), .futureTime, .time)
        #expect(decodeQuote(text, timestamp: nil).value != nil)
        expect(
            decodeSurface(Examples.surface.utf8, timestamp: instant("2026-11-22T13:59:54Z")),
            .futureTime, .time)
    }

    // MARK: Surfaces

    @Test func aSurfaceHas1To100Expiries() {
        let expiry =
            #"{"expiry":"2026-11-27T08:00:00Z","forward":"1","strikes":["1"],"volatilities":[1]}"#
        func surface(_ count: Int) -> Outcome<Surface> {
            let all = Array(repeating: expiry, count: count).joined(separator: ",")
            let head = #"{"schema":"iv-surface.v1","asset":"BTC","time":"2026-11-22T14:00:00Z","#
            return decodeSurface((head + #""sequence":7,"expiries":[\#(all)]}"#).utf8)
        }
        #expect(surface(1).value?.expiries.count == 1)
        #expect(surface(100).value?.expiries.count == 100)
        expect(surface(0), .outOfRange, .expiries)
        expect(surface(101), .outOfRange, .expiries)
    }

    @Test func aGridHas1To1000StrikesAndAsManyVolatilities() {
        func grid(_ strikes: Int, _ volatilities: Int) -> Outcome<Surface> {
            surface(
                (
                    #"["50000","60000","70000"]"#,
                    "[" + (0..<strikes).map { "\"\($0 + 1)\"" }.joined(separator: ",") + "]"
                ),
                (
                    "[0.71,0.62,0.66]",
                    "[" + (0..<volatilities).map { _ in "0.5" }.joined(separator: ",") + "]"
                ))
        }
        #expect(grid(1, 1).value != nil)
        #expect(grid(1_000, 1_000).value != nil)
        expect(grid(0, 0), .outOfRange, .strikes)
        expect(grid(1_001, 1_001), .outOfRange, .strikes)
        expect(grid(3, 2), .outOfRange, .volatilities)
        expect(grid(3, 4), .outOfRange, .volatilities)
    }

    @Test func anExpiryHasAGridOrSVIAndNotBoth() {
        let svi = #""svi":{"a":0,"b":0,"rho":0,"m":0,"sigma":1}"#
        expect(surface((#""strikes""#, svi + #","strikes""#)), .outOfRange, .svi)
        expect(
            surface((#""strikes":["50000","60000","70000"]"#, svi)), .outOfRange, .svi)
        expect(surface((#""strikes""#, #""x""#)), .missingField, .strikes)
        expect(surface((#""volatilities""#, #""x""#)), .missingField, .volatilities)
        expect(surface((#""svi""#, #""x""#)), .missingField, .strikes)
        expect(surface((#""rho""#, #""x""#)), .missingField, .rho)
        expect(surface((#""expiry""#, #""x""#)), .missingField, .expiry)
        expect(surface((#""forward""#, #""x""#)), .missingField, .forward)
    }

    @Test func numbersOfASurfaceAreNumbersAndDecimalsStrings() {
        expect(surface(("0.71", "\"0.71\"")), .wrongType, .volatilities)
        expect(surface(("0.71", "null")), .wrongType, .volatilities)
        expect(surface(("0.71", "1e309")), .outOfRange, .volatilities)
        expect(surface(("\"50000\"", "50000")), .wrongType, .strikes)
        expect(surface(("\"50000\"", "\"0\"")), .outOfRange, .strikes)
        expect(surface(("\"61300\"", "\"-1\"")), .outOfRange, .forward)
        expect(surface(("0.0416", "\"0.0416\"")), .wrongType, .b)
    }

    @Test func whetherASurfaceMakesSenseIsNotDecidedHere() {
        #expect(surface(("0.71", "-1"), ("\"50000\"", "\"90000\"")).value != nil)
    }

    // MARK: What a refusal says

    @Test func aRefusedRecordLeavesTheValueAsItWas() {
        let decoder = QuoteDecoder()
        var quote = GoldenTests.book
        let bad = Examples.book.replacing("\"0.8\"", with: "\"0\"")
        let outcome = decoding(bad.utf8, key: "BTC") { (payload, key) throws(Refusal) in
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &quote)
        }
        #expect(outcome.refusal?.code == .levelNotPositive)
        #expect(quote == GoldenTests.book)
    }

    @Test func aRefusalSaysTheFieldAndThePlaceInOneSentence() {
        let refusal = book((#""venue""#, #""vendor""#)).refusal
        #expect(refusal?.description.hasPrefix("the field \"venue\" is missing (byte ") == true)
        for code in RefusalCode.allCases {
            #expect(Refusal(code, .price, offset: 7).description.hasSuffix("(byte 7)"))
        }
    }
}
