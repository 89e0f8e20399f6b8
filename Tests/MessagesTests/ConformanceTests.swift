import Messages
import Testing

/// The reader on the cases by which JSON parsers are usually compared.
///
/// Where RFC 8259 decides, the reader follows it. Refused though the grammar has them are
/// what the contract does not want: names that come twice in one object, numbers beyond
/// binary64, lone surrogates, and more than 32 levels. What differs is named in its test.
/// - Source: the questions of Seriot (2016), Parsing JSON is a minefield, asked in our own words.
struct ConformanceTests {
    let scratch = JSONScratch()

    func takes(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { text in
            do {
                try JSONReader.validate(text, in: scratch)
                return true
            } catch { return false }
        }
    }

    func takes(_ text: String) -> Bool { takes(Array(text.utf8)) }

    // MARK: Numbers

    @Test(arguments: [
        "[0]", "[-0]", "[0e+1]", "[0e1]", "[20e1]", "[1E22]", "[1E-2]", "[1E+2]", "[123e45]",
        "[123.456e78]", "[1e-2]", "[1e+2]", "[123.456789]", "[-1]", "[-123]", "[ 4]", "[1]",
        "[-0.0]", "[1.000000000000000005]", "[0.1]", "[1e-10000]", "[123.456e-789]",
        "[100000000000000000000]", "[-237462374673276894279832749832423479823246327846]",
        "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
    ])
    func numbersOfTheGrammarAreTaken(text: String) { #expect(takes(text)) }

    @Test(arguments: [
        "[+1]", "[++1234]", "[-01]", "[012]", "[-012]", "[00]", "[1 000.0]", "[1.]", "[-2.]",
        "[2.e3]", "[2.e-3]", "[2.e+3]", "[.123]", "[.-1]", "[-.123]", "[-1.0.]", "[0.1.2]",
        "[0.e1]", "[0.3e+]", "[0.3e]", "[0e+]", "[0e]", "[0E]", "[0E+]", "[1.0e+]", "[1.0e-]",
        "[1.0e]", "[1eE2]", "[1e1.5]", "[9.e+]", "[1+2]", "[1-2]", "[- 1]", "[-]", "[--2.]",
        "[-foo]", "[-1x]", "[1a]", "[1.2a-3]", "[1ea]", "[0x1]", "[0x42]", "[1_000]", "[1/2]",
        "[NaN]", "[-NaN]", "[nan]", "[Inf]", "[+Inf]", "[Infinity]", "[-Infinity]", "[1n]",
        "[\u{FF11}]", "[1\u{B2}]",
    ])
    func numbersOutsideTheGrammarAreRefused(text: String) { #expect(!takes(text)) }

    @Test(arguments: [
        "[1e309]", "[-1e309]", "[0.4e00669999999999999999999999999999]", "[123123e100000]",
        "[-123123e100000]", "[1.8e308]",
    ])
    func numbersBeyondBinary64AreRefusedThoughTheGrammarHasThem(text: String) {
        #expect(!takes(text))
    }

    // MARK: Strings

    @Test(arguments: [
        #"["\u0060\u012a\u12AB"]"#, #"["\uD801\udc37"]"#, #"["\ud83d\ude39\ud83d\udc8d"]"#,
        #"["\"\\\/\b\f\n\r\t"]"#, #"["\\u0000"]"#, #"["\""]"#, #"["\u0000"]"#, #"["\\n"]"#,
        #"["\u0012"]"#, #"["\uFFFF"]"#, #"["\uDBFF\uDFFE"]"#, #"["\u200B"]"#, #"["\u0022"]"#,
        #"["\uFDD0"]"#, #"["\uFFFE"]"#, #"["\u005C"]"#, #"["a/*b*/c/*d//e"]"#, #"["asd "]"#,
        #"" ""#, #"[""]"#, #"["new\u000Aline"]"#, #"["\u0123"]"#, #"["\u0821"]"#,
        "[\"\u{7F}\"]", "[\"\u{FFFF}\"]", "[\"\u{10FFFF}\"]", "[\"\u{2028}\u{2029}\"]",
        "[\"π⍂㈴€𝄞\"]", #"["\uA66D"]"#,
    ])
    func stringsOfTheGrammarAreTaken(text: String) { #expect(takes(text)) }

    @Test(arguments: [
        #"["\"]"#, #"["\\\"]"#, #"["\a"]"#, #"["\x00"]"#, #"["\U0041"]"#, #"["\'"]"#,
        #"["\u"]"#, #"["\u0"]"#, #"["\u00A"]"#, #"["\u00G0"]"#, #"["\uqqqq"]"#, #"["\u{41}"]"#,
        #"["\uD834\uDd"]"#, #"["\uD800\u"]"#, #"["\uD800\u1"]"#, #"["\uD800\u1x"]"#,
        #"["\uD800\"]"#, "[\"a", "[\"\\", "[\"new\nline\"]", "[\"a\tb\"]", "[\"a\rb\"]",
        "[\"a\u{0}b\"]", "[\"a\u{1F}b\"]", "['single']", "[abc]", "[\\n]", "\"", "[\"x\"",
        "[\u{201C}x\u{201D}]", #"["\🌀"]"#, #"["x"","y"]"#, "\"\"x", #"[\u0020"asd"]"#,
    ])
    func stringsOutsideTheGrammarAreRefused(text: String) { #expect(!takes(text)) }

    @Test(arguments: [
        #"["\uDADA"]"#, #"["\ud800abc"]"#, #"["\uD888\u1234"]"#, #"["\uDd1ea"]"#,
        #"["\uDd1e\uD834"]"#, #"["\ud800\n"]"#, #"["\uD800\uD800\n"]"#, #"["\udc00"]"#,
    ])
    func loneSurrogatesAreRefusedThoughTheGrammarHasThem(text: String) { #expect(!takes(text)) }

    @Test(
        arguments: [
            [0xFF], [0x81], [0xE9], [0xC0, 0xAF], [0xE0, 0xFF], [0xC3], [0xE6, 0x97, 0xA5, 0xD1],
            [0xF4, 0xBF, 0xBF, 0xBF], [0xFC, 0x80, 0x80, 0x80, 0x80, 0x80], [0xED, 0xA0, 0x80],
            [0xFC, 0x83, 0xBF, 0xBF, 0xBF, 0xBF], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF],
            [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xC2],
        ] as [[UInt8]])
    func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
        #expect(!takes([0x5B, 0x22] + bytes + [0x22, 0x5D]), "in a string")
        #expect(!takes([0x5B] + bytes + [0x5D]), "outside a string")
        #expect(!takes(Array(#"{""#.utf8) + bytes + Array(#"":0}"#.utf8)), "in a name")
    }

    @Test func onlyUTF8IsRead() {
        let text = #"["é"]"#
        let wide = Array(text.utf16)
        let bigEndian = wide.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        let littleEndian = wide.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(takes(text))
        #expect(!takes(bigEndian))
        #expect(!takes(littleEndian))
        #expect(!takes([0xFE, 0xFF] + bigEndian))
        #expect(!takes([0xFF, 0xFE] + littleEndian))
        #expect(!takes([0xEF, 0xBB, 0xBF] + Array(text.utf8)))
    }

    // MARK: Structures

    @Test(arguments: [
        "[]", "[[]   ]", "[\"\"]", "[\"a\"]", "[false]", "[null, 1, \"1\", {}]", "[null]",
        "[1\n]", " [1]", "[1,null,null,null,2]", "[2] ", "{}", #"{"":0}"#, #"{"a":[]}"#,
        #"{"asd":"sdf", "dfg":"fgh"}"#, #"{"foo\u0000bar": 42}"#, "{\n\"a\": \"b\"\n}",
        #"{"min": -1.0e+28, "max": 1.0e+28}"#, #"{"x":[{"id": "x"}], "id": "x"}"#,
        #"{"title":"\u041f\u043e\u043b" }"#, #"{"a":{"a":{"a":0}}}"#, "false", "42", "-0.1",
        "null", "\"asd\"", "true", "[true]\n", "[] ", " [] ", "\t\r\n [ \t\r\n ] \t\r\n ",
    ])
    func structuresOfTheGrammarAreTaken(text: String) { #expect(takes(text)) }

    @Test(arguments: [
        "", " ", "[", "]", "[[", "[}", "{]", "{", "}", "[\"\": 1]", "[1 true]", "[1,,]", "[,]",
        "[1,,2]", "[\"x\",,]", "[,1]", "[3[4]]", "[\"x\"", "[x", "[1,]", "[1:2]", "[1,\n1\n,1",
        "[*]", "[\"\"", "[1", "[-", "[{}", "[\"a\",\n4\n,1,", "[\"asd]", "[][]", "[1]x", "[1]]",
        "[\"a\"]\"b\"", "nul", "tru", "fals", "[nul]", "[True]", "[TRUE]", "[NULL]", "[truefalse]",
        "{[: \"x\"}", "{\"x\", null}", "{\"x\"::\"b\"}", "{\"a\":\"a\" 123}", "{key: 'value'}",
        "{\"a\" b}", "{:\"b\"}", "{\"a\" \"b\"}", "{\"a\":", "{\"a\"", "{1:1}", "{'a':0}",
        "{\"id\":0,}", "{\"id\":0,,}", "{,\"id\":0}", "{null:null}", "{\"a\":\"b\"}#",
        "{\"a\":\"b\"}/**/", "{\"a\":\"b\"}//", "{\"a\":/*c*/\"b\"}", "{\"a\":\"a", "{}}",
        "{\"a\": true} \"x\"", "{{}", "{\"a\":0 \"b\":1}", "{\"a\"}", "{\"a\":}", "<null>",
        "<.>", "[<null>]", "1]", "[\u{C}]", "[\u{A0}]", "\u{2060}[]", "[1\u{B}]", "[1]\u{0}",
        "[\u{0}]", "é", "[1}", "{\"a\":1]", "a", "*", "2@", "{\"a\":0", "[] []", "#c\n[]",
        "[undefined]", "[1;2]", "(1)", "[1]\u{FEFF}", "{\"a\":0}x", "'", "\\", ",", ":", "[,",
    ])
    func structuresOutsideTheGrammarAreRefused(text: String) { #expect(!takes(text)) }

    @Test(arguments: [
        #"{"a":"b","a":"c"}"#, #"{"a":"b","a":"b"}"#, #"{"":0,"":0}"#,
        #"{"a":0,"b":1,"\u0061":2}"#, #"[{"x":{"y":1,"z":2,"y":3}}]"#,
    ])
    func namesThatComeTwiceAreRefusedThoughTheGrammarHasThem(text: String) {
        #expect(!takes(text))
    }

    @Test func nestingBeyond32LevelsIsRefusedThoughTheGrammarHasIt() {
        func nested(_ open: String, _ close: String, _ depth: Int) -> String {
            String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
        }
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            #expect(takes(nested(open, close, 32)))
            #expect(!takes(nested(open, close, 33)))
            #expect(!takes(nested(open, close, 500)))
            #expect(!takes(String(repeating: open, count: 100_000)))
        }
    }

    @Test func everyCutOfATextIsRefused() {
        let text = Array(#"{"a":[1.5e+3,true,"\u00e9\n€",null],"b":{"c":-0.25,"d":[{}]}}"#.utf8)
        #expect(takes(text))
        for count in 0..<text.count { #expect(!takes(Array(text.prefix(count))), "\(count)") }
    }
}
