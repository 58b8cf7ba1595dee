//! The encodings of uploaded and local text files. What encoding a file is likely to have when it
//! is none of those that are read is left to [`likely`].

pub(crate) mod likely;

use std::fmt;

/// A ZIP archive, which is what a DOCX file is.
pub(crate) const ZIP: &str = "a ZIP archive or an Office document";
/// HTML, whatever the name of the file.
pub(crate) const HTML: &str = "an HTML document";
/// XML other than XHTML.
const XML: &str = "an XML document";

/// The number of bytes at the start of a file that show its format.
pub(crate) const SIGNATURE_BYTES: usize = 1024;

/// Formats that are found under the name of a text file, by their first bytes. `?` stands for any
/// byte, and `#` for one that is no text. A signature of letters has more than those, since a text
/// may begin with them, too.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old or encrypted Office document"),
    (b"\x89PNG\r\n\x1A\n", IMAGE),
    (b"\xFF\xD8\xFF", IMAGE),
    // After the version, the sides, whose high bytes are low.
    (b"GIF87a?#", IMAGE),
    (b"GIF87a???#", IMAGE),
    (b"GIF89a?#", IMAGE),
    (b"GIF89a???#", IMAGE),
    (b"RIFF????WAVE", AUDIO_OR_VIDEO),
    (b"RIFF????AVI ", AUDIO_OR_VIDEO),
    (b"RIFF????WEBP", IMAGE),
    (b"ID3#", "an audio file"),
    (b"OggS#", AUDIO_OR_VIDEO),
    (b"\0\0\0?ftyp", AUDIO_OR_VIDEO),
    (b"fLaC#", "an audio file"),
    (b"\x1A\x45\xDF\xA3", AUDIO_OR_VIDEO),
    (b"II*\0", IMAGE),
    (b"MM\0*", IMAGE),
    (b"BM????\0\0\0\0", IMAGE),
    (b"FORM????AIF", "an audio file"),
    (b"\x1F\x8B", "a GZIP archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!\x1A\x07", ARCHIVE),
    (b"BZh?1AY&SY", ARCHIVE),
    (b"\xFD7zXZ\0", ARCHIVE),
    (b"\x28\xB5\x2F\xFD", ARCHIVE),
    (b"\x7FELF", PROGRAM),
    (b"MZ\x90\0", PROGRAM),
    (b"\xCF\xFA\xED\xFE", PROGRAM),
    (b"\xCA\xFE\xBA\xBE", PROGRAM),
    (b"SQLite format 3\0", "a database"),
];
const ARCHIVE: &str = "a compressed archive";
const PROGRAM: &str = "a program";
const IMAGE: &str = "an image";
const AUDIO_OR_VIDEO: &str = "an audio or video file";

/// Returns whether a file begins with a signature.
fn has_signature(start: &[u8], signature: &[u8]) -> bool {
    let fits = |(byte, pattern): (&u8, &u8)| match pattern {
        b'?' => true,
        b'#' => *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r'),
        _ => byte == pattern,
    };
    start.len() >= signature.len() && start.iter().zip(signature).all(fits)
}

/// Why a file cannot be read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// It is another format, of this name.
    Format(&'static str),
    /// It is neither UTF-8 nor UTF-16. Its likely encoding, if it looks like text in one.
    Encoding(Option<&'static str>),
    /// It is UTF-16, but the last character is cut off or none.
    BrokenUtf16,
    /// It holds this control character.
    Control(char),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What a word processor opens can be saved as text.
            Self::Format(format) if format.ends_with("document") => {
                write!(f, "it is {format}, not text: save it as a text file (TXT) or as DOCX")
            }
            Self::Format(format) => write!(f, "it is {format}, not text"),
            Self::Encoding(None) => f.write_str("it is neither UTF-8 nor UTF-16 text"),
            Self::Encoding(Some(likely)) => write!(
                f,
                "it is neither UTF-8 nor UTF-16 text, and looks like {likely}: save it as UTF-8"
            ),
            Self::BrokenUtf16 => f.write_str("it is neither UTF-8 nor complete UTF-16 text"),
            Self::Control(c) => write!(f, "it is not plain text: it holds {c:?}"),
        }
    }
}

/// Decodes a text file: UTF-8, or UTF-16 if the file shows that it is. Everything else is an error:
/// a file whose encoding is guessed would be spoken, and paid for, as noise. So is a file that is
/// something else under the name of a text file.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    if let Some(format) = format_of(bytes) {
        return Err(DecodeError::Format(format));
    }
    let text = decode_unicode(bytes)?;
    check(&text)?;
    Ok(text)
}

/// Checks that a decoded file is a text for reading aloud.
pub(crate) fn check(text: &str) -> Result<(), DecodeError> {
    if let Some(format) = markup_of(text) {
        return Err(DecodeError::Format(format));
    }
    control_character(text).map_or(Ok(()), |c| Err(DecodeError::Control(c)))
}

/// Decodes UTF-8 or UTF-16, whatever the text is.
pub(crate) fn decode_unicode(bytes: &[u8]) -> Result<String, DecodeError> {
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
                _ => Err(DecodeError::Encoding(None)),
            }
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    let text = std::str::from_utf8(bytes).map(str::to_owned);
    text.map_err(|_| DecodeError::Encoding(likely::encoding(bytes)))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DecodeError> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return Err(DecodeError::BrokenUtf16);
    };
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| DecodeError::BrokenUtf16)
}

/// Returns the name of the format that a file begins like, if it is none of plain text.
pub(crate) fn format_of(bytes: &[u8]) -> Option<&'static str> {
    let start = &bytes[..bytes.len().min(SIGNATURE_BYTES)];
    let signature = SIGNATURES.iter().find(|(signature, _)| has_signature(start, signature));
    signature.map(|(_, format)| *format).or_else(|| markup_of(&String::from_utf8_lossy(start)))
}

/// Returns the language of a text that is a document in one, such as HTML or PDF. What only mentions
/// one is none of them.
fn markup_of(text: &str) -> Option<&'static str> {
    let starts = |text: &str, with: &str| {
        text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    let mut rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    // What a format begins with, what follows that, and its name.
    type Header = (&'static str, fn(char) -> bool, &'static str);
    const HEADERS: [Header; 4] = [
        ("{\\rtf", |c| c.is_ascii_digit(), "an RTF document"),
        ("%PDF-", |c| c.is_ascii_digit(), "a PDF document"),
        ("%!PS", |c| c == '-' || c.is_whitespace(), "a PostScript document"),
        ("\\documentclass", |c| matches!(c, '{' | '['), "a LaTeX document"),
    ];
    let is_header = |line: &str, (header, follows, _): &Header| {
        line.strip_prefix(header).is_some_and(|rest| rest.starts_with(follows))
    };
    if let Some((.., format)) = HEADERS.iter().find(|header| is_header(rest, header)) {
        return Some(format);
    }
    // A PDF may have other bytes before its header, which is a line of its own.
    let is_pdf = |line: &str| {
        let version = line.strip_prefix("%PDF-").map(str::trim_end);
        version.is_some_and(|version| version.len() == 3 && version.parse::<f32>().is_ok())
    };
    if rest.split(['\n', '\r']).take(20).any(is_pdf) {
        return Some("a PDF document");
    }
    let is_xml = starts(rest, "<?xml ");
    loop {
        let end = match rest {
            _ if starts(rest, "<?xml ") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ => break,
        };
        let Some((_, after)) = rest.split_once(end) else { break };
        rest = after.trim_start();
    }
    // What follows a whole name is white space or the end of the tag.
    let is_tag = |name: &str| {
        let after = rest.get(name.len()..).and_then(|after| after.chars().next());
        starts(rest, name) && after.is_none_or(|c| c.is_whitespace() || matches!(c, '>' | '/'))
    };
    if is_tag("<!doctype html") || is_tag("<html") {
        return Some(HTML);
    }
    if is_tag("<svg") {
        return Some(IMAGE);
    }
    is_xml.then_some(XML)
}

/// Returns whether a text is a web page with its images in one file (MHT), which begins with the
/// headers of a message.
#[cfg(feature = "local")]
pub(crate) fn is_web_archive(text: &str) -> bool {
    let headers = text.trim_start_matches('\u{feff}').trim_start().lines().take(20);
    let mut headers = headers.take_while(|line| !line.trim().is_empty());
    headers
        .any(|line| line.get(..13).is_some_and(|name| name.eq_ignore_ascii_case("MIME-Version:")))
}

/// Returns a control character that no text for reading aloud has: it comes from a binary file, or
/// would be interpreted by whatever shows the script. Tabs, line and page breaks are allowed.
pub(crate) fn control_character(text: &str) -> Option<char> {
    text.chars()
        .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}'))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn another_format_is_named() {
        let html_in_utf16 = utf16("\u{feff}<HTML><p>Tea</p></HTML>", u16::to_le_bytes);
        for (bytes, format) in [
            (&b"%PDF-1.7\n%\xE2\xE3"[..], Some("a PDF document")),
            (b"{\\rtf1\\ansi Hello there.}", Some("an RTF document")),
            (b"PK\x03\x04\x14\x00", Some(ZIP)),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\x00", Some("an old or encrypted Office document")),
            (b"\x89PNG\r\n\x1A\n\0\0", Some("an image")),
            (b"<html><body><p>Hello</p></body></html>", Some(HTML)),
            (b"\xEF\xBB\xBF\r\n<!DOCTYPE html>\n<title>x</title>", Some(HTML)),
            (b"<!-- saved from url -->\n<html lang=\"en\">", Some(HTML)),
            (b"<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC>", Some(HTML)),
            (b"<?xml version=\"1.0\"?><talk/>", Some(XML)),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", Some(IMAGE)),
            // Without a byte above 127, and behind what mail and editors put before it.
            (b"%PDF-1.4\n1 0 obj << /Type /Catalog >>", Some("a PDF document")),
            (b"\xEF\xBB\xBF\r\n%PDF-1.7\r\n", Some("a PDF document")),
            (b"From: me\n\n%PDF-2.0\n1 0 obj", Some("a PDF document")),
            (b"%PDF- is what a PDF begins with.", None),
            (b"The line\n%PDF-1.4 is the first of a PDF.", None),
            (b"%!PS-Adobe-3.0\n%%Title: x", Some("a PostScript document")),
            (b"\\documentclass{article}", Some("a LaTeX document")),
            (b"\x7FELF\x02\x01\x01\0", Some(PROGRAM)),
            (b"MZ is a group from Leipzig.", None),
            (b"BM\x36\x10\x0E\0\0\0\0\0", Some(IMAGE)),
            (b"\x1A\x45\xDF\xA3\x01", Some(AUDIO_OR_VIDEO)),
            (b"Rar!\x1A\x07\x01", Some(ARCHIVE)),
            (b"\x1F\x8B\x08\0", Some("a GZIP archive")),
            (&html_in_utf16, Some(HTML)),
            (b"Use the <html> tag.", None),
            (b"<b>Hello</b> there.", None),
            (b"ZIP files start with PK.", None),
            (b"<html\n lang=\"en\"><p>Hello", Some(HTML)),
            (b"<HTML\tlang=\"en\"><p>Hello", Some(HTML)),
            (b"<!DOCTYPE\x20html\nPUBLIC>", Some(HTML)),
            (b"<htmlish> is no tag.", None),
            (b"ID3\x03\0\0\0\0\0\x21TIT2", Some("an audio file")),
            (b"ID3 tags hold the artist of a song.", None),
            (b"ID3\nis a format.", None),
            (b"RIFF\x24\0\0\0WAVEfmt ", Some("an audio or video file")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("an image")),
            (b"RIFF is a file format.", None),
            (b"OggS\0\x02", Some("an audio or video file")),
            (b"OggS marks a page.", None),
            (b"GIF89a\x20\x03\x58\x02", Some("an image")),
            (b"GIF87a\x01\0\x01\0", Some("an image")),
            (b"GIF89a was the second version.", None),
            (b"GIF8 files have few colors.", None),
            (b"\0\0\0\x20ftypisom\0\0\x02\0", Some("an audio or video file")),
            (b"fLaC\0\0\0\x22", Some("an audio file")),
        ] {
            let found = match decode(bytes) {
                Err(DecodeError::Format(format)) => Some(format),
                _ => None,
            };
            assert_eq!(found, format, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_control_character_is_found() {
        assert_eq!(control_character("one\ttwo\r\nthree\u{c}"), None);
        for text in ["a\0b", "a\u{1b}[31mb", "\u{7}", "a\u{9f}"] {
            assert!(control_character(text).is_some(), "{text:?}");
        }
        assert_eq!(decode(b"Hello\x08 there."), Err(DecodeError::Control('\u{8}')));
    }
}
