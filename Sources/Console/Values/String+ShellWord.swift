extension String {
  /// The text as a user types it to a shell as one word, in quotes if it needs them.
  package var shellWord: String {
    let plain = unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "_./:=@%+,-".unicodeScalars.contains($0))
    }
    guard isEmpty || !plain else { return self }
    return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  /// Whether the text is in quotes, which a shell would have taken away. A file of variables that no shell reads leaves them.
  package var isInQuotes: Bool { ["'", "\""].contains { count > 1 && hasPrefix($0) && hasSuffix($0) } }
}
