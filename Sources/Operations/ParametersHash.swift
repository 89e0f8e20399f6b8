import CCrypto
import Haircuts
import Quantities

extension AssetConfiguration {
    /// `sha256:` and 64 hexadecimal digits over everything that is configured of this asset: the
    /// `parametersHash` it should carry.
    ///
    /// The text hashed has one `name=value` line for each field and each parameter in the order of
    /// `HaircutParameter.all`, so the hash is the same in every run and on every machine.
    public var computedParametersHash: String {
        var text = ""
        func line(_ name: String, _ value: some CustomStringConvertible) {
            text += "\(name)=\(value)\n"
        }
        line("asset", asset)
        line("class", assetClass.rawValue)
        line("primaryVenue", primaryVenue)
        line("dailyVolume", dailyVolume)
        line("depthReference", depthReference)
        line("systemCollateral", systemCollateral)
        line("sources", sources.map(String.init) ?? "seen")
        for parameter in HaircutParameter.all {
            line("parameters.\(parameter.name)", parameter.value(in: parameters))
        }
        return "sha256:" + sha256(text)
    }
}

/// The SHA-256 of a text's UTF-8 bytes, in lower-case hexadecimal.
private func sha256(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    _ = SHA256(bytes, bytes.count, &digest)
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
