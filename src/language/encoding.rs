//! The encodings of uploaded and local text files.

/// Decodes a text file: UTF-8, or UTF-16 if the file shows that it is. Everything else is an error:
/// a file whose encoding is guessed would be spoken, and paid for, as noise.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, &'static str> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        _ => {
            // In UTF-16 a Latin letter, a space and a line break have a NUL byte, always in the
            // same half; in the other half it belongs to a rare character. A quarter of the
            // characters have one, eight times as many as in the other half: less is no evidence.
            let count = |half| bytes.iter().skip(half).step_by(2).filter(|b| **b == 0).count();
            let clear = |many: usize, few: usize| many * 8 >= bytes.len() && many >= few * 8;
            match (count(0), count(1)) {
                (0, 0) => utf8(bytes),
                (first, second) if clear(first, second) => utf16(bytes, u16::from_be_bytes),
                (first, second) if clear(second, first) => utf16(bytes, u16::from_le_bytes),
                _ => Err("it is not text: neither UTF-8 nor UTF-16"),
            }
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<String, &'static str> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "it is neither UTF-8 nor UTF-16 text")
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, &'static str> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return Err("it is neither UTF-8 nor complete UTF-16 text");
    };
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| "it is neither UTF-8 nor UTF-16 text")
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn a_text_is_read_whatever_editor_wrote_it() {
        let text = "Tea, “naïve” – 茶 😀\r\nend";
        let (le, be) = (utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes));
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            [b"\xFF\xFE", le.as_slice()].concat(),
            [b"\xFE\xFF", be.as_slice()].concat(),
            le,
            be,
        ] {
            assert_eq!(decode(&bytes).as_deref(), Ok(text), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_not_text_is_an_error() {
        let cut = &utf16("Tea", u16::to_le_bytes)[..5];
        for bytes in [
            &b"\xE9t\xE9"[..],
            b"\xFF\xFE\x00\xD8\x80",
            b"\xFF\xFE\x00\xD8a\x00",
            b"\x7FELF\x02\x01\x01\x00\x00\x00\x00\x00\x00",
            cut,
        ] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
