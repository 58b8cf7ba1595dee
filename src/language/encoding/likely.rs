//! A guess at the encoding of a text that is not Unicode, for an error message. No text is decoded
//! by a guess. The names are those of the WHATWG Encoding Standard.

/// More bytes make no guess better.
const SAMPLE_BYTES: usize = 64 * 1024;

/// An encoding with two bytes for a character outside of ASCII.
struct TwoBytes {
    name: &'static str,
    /// Whether two bytes are a character.
    is_pair: fn(u8, u8) -> bool,
    /// Whether they are a frequent one.
    is_frequent: fn(u8, u8) -> bool,
    /// The share of frequent characters in any text, in percent.
    percent: usize,
}

/// The first that fits is the guess: those that fit less by chance come first.
const TWO_BYTES: [TwoBytes; 5] = [
    TwoBytes {
        name: "euc-jp",
        is_pair: |a, b| a >= 0xA1 && b >= 0xA1,
        // Hiragana and katakana.
        is_frequent: |a, _| matches!(a, 0xA4 | 0xA5),
        percent: 30,
    },
    TwoBytes {
        name: "euc-kr",
        is_pair: |a, b| a >= 0xA1 && b >= 0xA1,
        is_frequent: |a, _| matches!(a, 0xA1..=0xA3 | 0xB0..=0xC8),
        percent: 97,
    },
    TwoBytes {
        name: "big5",
        is_pair: |a, b| matches!(a, 0xA1..=0xF9) && matches!(b, 0x40..=0x7E | 0xA1..),
        is_frequent: |a, _| matches!(a, 0xA1 | 0xA4..=0xC6),
        percent: 85,
    },
    TwoBytes {
        name: "shift_jis",
        is_pair: |a, b| {
            matches!(a, 0x81..=0x9F | 0xE0..=0xFC) && matches!(b, 0x40..=0x7E | 0x80..=0xFC)
        },
        // Hiragana, katakana, punctuation and the frequent characters.
        is_frequent: |a, _| matches!(a, 0x81..=0x83 | 0x88..=0x97),
        percent: 80,
    },
    TwoBytes {
        name: "gbk",
        is_pair: |a, b| a >= 0x81 && matches!(b, 0x40..=0x7E | 0x80..=0xFE),
        is_frequent: |a, b| matches!(a, 0xA1..=0xA3 | 0xB0..=0xD7) && b >= 0xA1,
        percent: 80,
    },
];

/// Returns the likely encoding of a text that is neither UTF-8 nor UTF-16.
pub(crate) fn encoding(bytes: &[u8]) -> Option<&'static str> {
    let bytes = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    if bytes.iter().any(|byte| *byte < b' ' && !byte.is_ascii_whitespace()) {
        return None;
    }
    let words: Vec<&[u8]> = bytes.split(u8::is_ascii).filter(|word| !word.is_empty()).collect();
    let count: usize = words.iter().map(|word| word.len()).sum();
    let alone = words.iter().filter(|word| word.len() == 1).count();
    if count == 0 {
        return None;
    }
    // Single letters and signs among Latin letters.
    if alone * 2 > count {
        return one_byte(bytes);
    }
    two_bytes(bytes).or_else(|| cyrillic(bytes, count))
}

fn two_bytes(bytes: &[u8]) -> Option<&'static str> {
    let fits = |encoding: &&TwoBytes| {
        let (mut pairs, mut frequent, mut low) = (0, 0, 0);
        let mut rest = bytes;
        while let [first, tail @ ..] = rest {
            rest = tail;
            if first.is_ascii() {
                continue;
            }
            // A sample may end within a character.
            let [second, tail @ ..] = tail else { break };
            if !(encoding.is_pair)(*first, *second) {
                return false;
            }
            rest = tail;
            pairs += 1;
            frequent += usize::from((encoding.is_frequent)(*first, *second));
            low += usize::from(second.is_ascii());
        }
        // In Big5 a third of the second bytes are ASCII; in GBK hardly any.
        let is_mixed = encoding.name != "big5" || low * 8 > pairs;
        is_mixed && frequent * 100 >= pairs * encoding.percent
    };
    TWO_BYTES.iter().find(fits).map(|encoding| encoding.name)
}

/// Cyrillic words. Capitals are rare, and the two encodings have them in opposite halves. Words of
/// other alphabets have bytes in the same range, but other frequent ones.
fn cyrillic(bytes: &[u8], count: usize) -> Option<&'static str> {
    /// The share of the six most frequent letters, о е а и н т, in percent. It is 41 to 48 in
    /// Slavic languages, and less in a short text; in Greek and Arabic it is 10 to 20.
    const FREQUENT_PERCENT: usize = 35;
    let upper = bytes.iter().filter(|byte| **byte >= 0xE0).count();
    let lower = bytes.iter().filter(|byte| matches!(byte, 0xC0..=0xDF)).count();
    if (upper + lower) * 10 < count * 9 {
        return None;
    }
    let is_windows = upper >= lower;
    let is_frequent = |byte: &&u8| match (is_windows, **byte) {
        (_, 0..0xC0) => false,
        (true, byte) => matches!(byte | 0x20, 0xE0 | 0xE5 | 0xE8 | 0xED | 0xEE | 0xF2),
        (false, byte) => matches!(byte & !0x20, 0xC1 | 0xC5 | 0xC9 | 0xCE | 0xCF | 0xD4),
    };
    let frequent = bytes.iter().filter(is_frequent).count();
    // Hebrew has frequent letters at the same places, but no capitals, and its letters end at 0xFA.
    let is_hebrew = is_windows && lower == 0 && !bytes.iter().any(|byte| *byte > 0xFA);
    if frequent * 100 < (upper + lower) * FREQUENT_PERCENT || is_hebrew {
        return None;
    }
    Some(if is_windows { "windows-1251" } else { "koi8-r" })
}

/// Western European text: each sign that is a letter within a word in one encoding and nothing, or
/// a sign, in the other is a vote.
fn one_byte(bytes: &[u8]) -> Option<&'static str> {
    let (mut windows, mut mac) = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
        let after = bytes.get(at + 1).copied().unwrap_or(b' ');
        let follows_small_letter = before.is_ascii_lowercase();
        let is_in_word = follows_small_letter && after.is_ascii_lowercase();
        match byte {
            // Small letters, and quotes, dashes, an ellipsis or a euro sign.
            0xE0..=0xFF if before.is_ascii_alphabetic() || after.is_ascii_alphabetic() => {
                windows += 1
            }
            0x92 if before.is_ascii_alphabetic() => windows += 1,
            0x80 | 0x84 | 0x85 | 0x91..=0x97 if !is_in_word => windows += 1,
            // A small letter, where the other has a sign or a capital.
            0x80..=0x9F if follows_small_letter || after.is_ascii_lowercase() => mac += 1,
            // Quotes and dashes, where the other has capitals.
            0xC9 | 0xD0..=0xD5 if !after.is_ascii_uppercase() => mac += 1,
            _ => {}
        }
    }
    match (windows, mac) {
        (0, 0) => None,
        (windows, mac) if windows >= mac => Some("windows-1252"),
        _ => Some("macintosh"),
    }
}

#[cfg(test)]
mod tests {
    use super::encoding;

    /// Sentences of a letter to a reader, in the encoding that each is named after.
    const SAMPLES: &[(&str, &[u8])] = &[
        // It’s a café – “naïve” façade for €5.
        ("windows-1252", b"It\x92s a caf\xE9 \x96 \x93na\xEFve\x94 fa\xE7ade for \x805."),
        // Grüße aus München, schöne Straße.
        ("windows-1252", b"Gr\xFC\xDFe aus M\xFCnchen, sch\xF6ne Stra\xDFe."),
        // El niño comió una piña en España.
        ("windows-1252", b"El ni\xF1o comi\xF3 una pi\xF1a en Espa\xF1a."),
        // Plain words – and a dash… nothing else.
        ("windows-1252", b"Plain words \x96 and a dash\x85 nothing else."),
        // It’s a café.
        ("macintosh", b"It\xD5s a caf\x8E."),
        // Grüße aus München, schöne Straße.
        ("macintosh", b"Gr\x9F\xA7e aus M\x9Fnchen, sch\x9Ane Stra\xA7e."),
        // El niño comió una piña en España.
        ("macintosh", b"El ni\x96o comi\x97 una pi\x96a en Espa\x96a."),
        // 今天天气很好，我们一起去公园散步，看到了很多漂亮的花。
        ("gbk", b"\xBD\xF1\xCC\xEC\xCC\xEC\xC6\xF8\xBA\xDC\xBA\xC3\xA3\xAC\xCE\xD2\xC3\xC7\xD2\xBB\xC6\xF0\xC8\xA5\xB9\xAB\xD4\xB0\xC9\xA2\xB2\xBD\xA3\xAC\xBF\xB4\xB5\xBD\xC1\xCB\xBA\xDC\xB6\xE0\xC6\xAF\xC1\xC1\xB5\xC4\xBB\xA8\xA1\xA3"),
        // 欢迎收听本期节目 AI 时代。
        ("gbk", b"\xBB\xB6\xD3\xAD\xCA\xD5\xCC\xFD\xB1\xBE\xC6\xDA\xBD\xDA\xC4\xBF AI \xCA\xB1\xB4\xFA\xA1\xA3"),
        // 今日はとても良い天気ですので、公園へ行きましょう。コーヒーも飲みます。
        ("shift_jis", b"\x8D\xA1\x93\xFA\x82\xCD\x82\xC6\x82\xC4\x82\xE0\x97\xC7\x82\xA2\x93V\x8BC\x82\xC5\x82\xB7\x82\xCC\x82\xC5\x81A\x8C\xF6\x89\x80\x82\xD6\x8Ds\x82\xAB\x82\xDC\x82\xB5\x82\xE5\x82\xA4\x81B\x83R\x81[\x83q\x81[\x82\xE0\x88\xF9\x82\xDD\x82\xDC\x82\xB7\x81B"),
        // 今日はとても良い天気ですので、公園へ行きましょう。コーヒーも飲みます。
        ("euc-jp", b"\xBA\xA3\xC6\xFC\xA4\xCF\xA4\xC8\xA4\xC6\xA4\xE2\xCE\xC9\xA4\xA4\xC5\xB7\xB5\xA4\xA4\xC7\xA4\xB9\xA4\xCE\xA4\xC7\xA1\xA2\xB8\xF8\xB1\xE0\xA4\xD8\xB9\xD4\xA4\xAD\xA4\xDE\xA4\xB7\xA4\xE7\xA4\xA6\xA1\xA3\xA5\xB3\xA1\xBC\xA5\xD2\xA1\xBC\xA4\xE2\xB0\xFB\xA4\xDF\xA4\xDE\xA4\xB9\xA1\xA3"),
        // 오늘은 날씨가 아주 좋아서 공원에 갔습니다. 커피를 마셨어요.
        ("euc-kr", b"\xBF\xC0\xB4\xC3\xC0\xBA \xB3\xAF\xBE\xBE\xB0\xA1 \xBE\xC6\xC1\xD6 \xC1\xC1\xBE\xC6\xBC\xAD \xB0\xF8\xBF\xF8\xBF\xA1 \xB0\xAC\xBD\xC0\xB4\xCF\xB4\xD9. \xC4\xBF\xC7\xC7\xB8\xA6 \xB8\xB6\xBC\xCC\xBE\xEE\xBF\xE4."),
        // 今天天氣很好，我們一起去公園散步，看到了很多漂亮的花。
        ("big5", b"\xA4\xB5\xA4\xD1\xA4\xD1\xAE\xF0\xAB\xDC\xA6n\xA1A\xA7\xDA\xAD\xCC\xA4@\xB0_\xA5h\xA4\xBD\xB6\xE9\xB4\xB2\xA8B\xA1A\xAC\xDD\xA8\xEC\xA4F\xAB\xDC\xA6h\xBA}\xABG\xAA\xBA\xAA\xE1\xA1C"),
        // Сегодня очень хорошая погода, и мы пошли гулять в парк.
        ("windows-1251", b"\xD1\xE5\xE3\xEE\xE4\xED\xFF \xEE\xF7\xE5\xED\xFC \xF5\xEE\xF0\xEE\xF8\xE0\xFF \xEF\xEE\xE3\xEE\xE4\xE0, \xE8 \xEC\xFB \xEF\xEE\xF8\xEB\xE8 \xE3\xF3\xEB\xFF\xF2\xFC \xE2 \xEF\xE0\xF0\xEA."),
        // Сегодня очень хорошая погода, и мы пошли гулять в парк.
        ("koi8-r", b"\xF3\xC5\xC7\xCF\xC4\xCE\xD1 \xCF\xDE\xC5\xCE\xD8 \xC8\xCF\xD2\xCF\xDB\xC1\xD1 \xD0\xCF\xC7\xCF\xC4\xC1, \xC9 \xCD\xD9 \xD0\xCF\xDB\xCC\xC9 \xC7\xD5\xCC\xD1\xD4\xD8 \xD7 \xD0\xC1\xD2\xCB."),
    ];

    #[test]
    fn the_encoding_of_ordinary_prose_is_recognized() {
        for (name, bytes) in SAMPLES {
            assert_eq!(encoding(bytes), Some(*name), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn words_of_other_alphabets_are_not_taken_for_cyrillic() {
        let samples: [&[u8]; 4] = [
            // καλημέρα, in windows-1253.
            b"\xEA\xE1\xEB\xE7\xEC\xDD\xF1\xE1",
            // Καλημέρα σας. Τι κάνετε σήμερα;
            b"\xCA\xE1\xEB\xE7\xEC\xDD\xF1\xE1 \xF3\xE1\xF2. \xD4\xE9 \xEA\xDC\xED\xE5\xF4\xE5 \xF3\xDE\xEC\xE5\xF1\xE1;",
            // שלום עולם, מה שלומך היום?, in windows-1255.
            b"\xF9\xEC\xE5\xED \xF2\xE5\xEC\xED, \xEE\xE4 \xF9\xEC\xE5\xEE\xEA \xE4\xE9\xE5\xED?",
            // مرحبا بكم, in windows-1256.
            b"\xE3\xD1\xCD\xC8\xC7 \xC8\xDF\xE3",
        ];
        for bytes in samples {
            assert_eq!(encoding(bytes), None, "{bytes:X?}");
        }
    }

    #[test]
    fn nothing_is_said_of_what_is_no_text() {
        assert_eq!(encoding(b"\x00\x01\x02\xFF\xFE\xFD"), None);
        assert_eq!(encoding(b""), None);
    }
}
