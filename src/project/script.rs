//! A script to be spoken, checked before anything is sent to the service.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::language::encoding::decode;
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

/// Returns a control character that no text for reading aloud has: it comes from a binary file, or
/// would be interpreted by whatever shows the script. Tabs, line and page breaks are allowed.
fn control_character(text: &str) -> Option<char> {
    text.chars()
        .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}'))
}

#[cfg(test)]
mod tests {
    use super::control_character;

    #[test]
    fn a_control_character_is_found() {
        assert_eq!(control_character("one\ttwo\r\nthree\u{c}"), None);
        for text in ["a\0b", "a\u{1b}[31mb", "\u{7}", "a\u{9f}"] {
            assert!(control_character(text).is_some(), "{text:?}");
        }
    }
}
