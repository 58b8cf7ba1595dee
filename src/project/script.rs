//! A script to be spoken, checked before anything is sent to the service.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::protocol::{FileFormat, FileType, MAX_UPLOAD_BYTES};

/// A script: text, or a document that the service reads itself.
///
/// ```
/// use nemovideo::{Error, project::Script};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("script.txt");
/// // A byte order mark at the start of a file is not spoken.
/// std::fs::write(&path, "\u{feff}Good morning.")?;
/// assert_eq!(Script::from_path(&path)?, Script::text("Good morning.")?);
/// assert!(matches!(Script::text(" … !? "), Err(Error::InvalidInput(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script(pub(super) ScriptSource);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScriptSource {
    Text(String),
    Document(PathBuf),
}

impl Script {
    /// The longest text that is accepted, in bytes of UTF-8: 1 MiB, some twenty hours of speech.
    /// The service would not accept more either.
    pub const MAX_TEXT_BYTES: usize = 1024 * 1024;

    /// Creates a script from text.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is nothing in it to be spoken, if it is longer than
    /// [`MAX_TEXT_BYTES`](Self::MAX_TEXT_BYTES), or if it holds control characters.
    pub fn text(text: impl Into<String>) -> Result<Self> {
        Self::checked(text.into(), "the script")
    }

    /// Reads a TXT file in UTF-8 or UTF-16, or takes a DOCX file, which is uploaded as it is.
    ///
    /// UTF-16 is recognized by its byte order mark or by the NUL bytes between its letters. A DOCX
    /// file must begin like a ZIP archive; its text is read by the service.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::InvalidInput`] if it is neither, is larger than
    /// the service accepts, or has nothing in it to be spoken.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |source| Error::io("read the script", path, source);
        let name = format!("the script {}", path.display());
        let format = FileFormat::of(path).filter(|format| format.file_type == FileType::Document);
        let Some(format) = format else {
            return Err(Error::InvalidInput(format!("{name} is neither TXT nor DOCX")));
        };
        let mut file = File::open(path).map_err(unreadable)?;
        if format.extension == "docx" {
            let length = file.metadata().map_err(unreadable)?.len();
            if length > MAX_UPLOAD_BYTES {
                let what = format!("{name} has {length} bytes; the limit is {MAX_UPLOAD_BYTES}");
                return Err(Error::InvalidInput(what));
            }
            let mut magic = Vec::new();
            file.by_ref().take(4).read_to_end(&mut magic).map_err(unreadable)?;
            if magic != b"PK\x03\x04" {
                return Err(Error::InvalidInput(format!("{name} is not a DOCX document")));
            }
            return Ok(Self(ScriptSource::Document(path.to_owned())));
        }
        // UTF-16 may be twice as long as its text in UTF-8.
        let limit = Self::MAX_TEXT_BYTES as u64 * 2 + 2;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > limit {
            return Err(too_long(&name));
        }
        let text = decode(&bytes)
            .map_err(|why| Error::InvalidInput(format!("{name} cannot be read: {why}")))?;
        Self::checked(text, &name)
    }

    fn checked(text: String, name: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        if text.len() > Self::MAX_TEXT_BYTES {
            return Err(too_long(name));
        }
        if let Some(c) = control_character(&text) {
            return Err(Error::InvalidInput(format!("{name} is not plain text: it holds {c:?}")));
        }
        if !text.contains(char::is_alphanumeric) {
            return Err(Error::InvalidInput(format!("{name} has no words to speak")));
        }
        Ok(Self(ScriptSource::Text(text)))
    }
}

fn too_long(name: &str) -> Error {
    let limit = Script::MAX_TEXT_BYTES;
    Error::InvalidInput(format!("{name} is longer than {limit} bytes, the limit of a script"))
}

/// Decodes a text file: UTF-8, or UTF-16 if the file shows that it is. Everything else is an error:
/// a file whose encoding is guessed would be spoken, and paid for, as noise.
fn decode(bytes: &[u8]) -> Result<String, &'static str> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        _ => match nul_bytes(bytes) {
            Nuls::None => utf8(bytes),
            Nuls::Second => utf16(bytes, u16::from_le_bytes),
            Nuls::First => utf16(bytes, u16::from_be_bytes),
            Nuls::Anywhere => Err("it is not text: neither UTF-8 nor UTF-16"),
        },
    }
}

/// Where the NUL bytes of a file without a byte order mark are. In UTF-16 a Latin letter, a space
/// and a line break have one, always in the same half; in the other half it belongs to a rare
/// character.
enum Nuls {
    None,
    First,
    Second,
    Anywhere,
}

fn nul_bytes(bytes: &[u8]) -> Nuls {
    let count = |half: usize| bytes.iter().skip(half).step_by(2).filter(|b| **b == 0).count();
    // A quarter of the characters have one, eight times as many as in the other half: less is no
    // evidence.
    let clear = |many: usize, few: usize| many * 8 >= bytes.len() && many >= few * 8;
    match (count(0), count(1)) {
        (0, 0) => Nuls::None,
        (first, second) if clear(first, second) => Nuls::First,
        (first, second) if clear(second, first) => Nuls::Second,
        _ => Nuls::Anywhere,
    }
}

fn utf8(bytes: &[u8]) -> Result<String, &'static str> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "it is not UTF-8 text")
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, &'static str> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return Err("it is neither UTF-8 nor complete UTF-16 text");
    };
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| "it is neither UTF-8 nor UTF-16 text")
}

/// Returns a control character that no text for reading aloud has: it comes from a binary file, or
/// would be interpreted by whatever shows the script. Tabs, line and page breaks are allowed.
fn control_character(text: &str) -> Option<char> {
    text.chars()
        .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}'))
}

#[cfg(test)]
mod tests {
    use super::{control_character, decode};

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
        assert_eq!(control_character("one\ttwo\r\nthree\u{c}"), None);
        for text in ["a\0b", "a\u{1b}[31mb", "\u{7}", "a\u{9f}"] {
            assert!(control_character(text).is_some(), "{text:?}");
        }
    }
}
