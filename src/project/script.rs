//! A script to be spoken, checked before anything is sent to the service.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::language::encoding;
use crate::protocol::MAX_UPLOAD_BYTES;

/// The extensions of text files. A file without one is read as text, too.
const TEXT_EXTENSIONS: [&str; 4] = ["txt", "text", "md", "markdown"];

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

    /// Reads a text file in UTF-8 or UTF-16, or takes a DOCX file, which is uploaded as it is.
    ///
    /// A text file has the extension `txt`, `text`, `md` or `markdown`, in any case, or none. UTF-16
    /// is recognized by its byte order mark or by the NUL bytes between its letters. A DOCX file
    /// must begin like a ZIP archive; its text is read by the service.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::InvalidInput`] if it is neither, is another
    /// format under the name of one of them, is larger than the service accepts, or has nothing in
    /// it to be spoken. For text in another encoding, the error names the likely one.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |source| Error::io("read the script", path, source);
        let name = display_name(path);
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        if extension.as_ref().is_some_and(|extension| extension == "docx") {
            let mut file = File::open(path).map_err(unreadable)?;
            let length = file.metadata().map_err(unreadable)?.len();
            if length > MAX_UPLOAD_BYTES {
                let what = format!("{name} has {length} bytes; the limit is {MAX_UPLOAD_BYTES}");
                return Err(Error::InvalidInput(what));
            }
            let mut start = Vec::new();
            let signature = encoding::SIGNATURE_BYTES as u64;
            file.by_ref().take(signature).read_to_end(&mut start).map_err(unreadable)?;
            if !start.starts_with(b"PK\x03\x04") {
                let other = encoding::format_of(&start).filter(|format| *format != encoding::ZIP);
                let other = other.map(|format| format!(": it is {format}")).unwrap_or_default();
                return Err(Error::InvalidInput(format!("{name} is not a DOCX document{other}")));
            }
            return Ok(Self(ScriptSource::Document(path.to_owned())));
        }
        if extension.is_some_and(|extension| !TEXT_EXTENSIONS.iter().any(|text| extension == *text))
        {
            let what = format!("{name} is neither a text file (TXT, MD) nor a DOCX document");
            return Err(Error::InvalidInput(what));
        }
        let bytes = Self::text_file(path, &name)?;
        let text = encoding::decode(&bytes)
            .map_err(|why| Error::InvalidInput(format!("{name} cannot be read: {why}")))?;
        Self::checked(text, &name)
    }

    /// Reads a text file in an encoding other than UTF-8 and UTF-16, named by any label of the
    /// [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels), such as
    /// `windows-1252`, `gbk`, `shift_jis` or `macintosh`.
    ///
    /// ```
    /// use nemovideo::project::Script;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("script.txt");
    /// std::fs::write(&path, b"A caf\xE9.")?;
    /// let error = Script::from_path(&path).unwrap_err();
    /// assert!(error.to_string().contains("windows-1252"));
    /// let script = Script::from_path_with_encoding(&path, "windows-1252")?;
    /// assert_eq!(script, Script::text("A café.")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::InvalidInput`] if no encoding has this label, if
    /// the file is not text in this encoding, and for the reasons of
    /// [`from_path`](Self::from_path).
    #[cfg(feature = "encodings")]
    pub fn from_path_with_encoding(path: impl AsRef<Path>, label: &str) -> Result<Self> {
        let path = path.as_ref();
        let name = display_name(path);
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            Error::InvalidInput(format!("{label:?} is not the name of an encoding"))
        })?;
        let bytes = Self::text_file(path, &name)?;
        let unreadable = |why: &dyn std::fmt::Display| {
            Error::InvalidInput(format!("{name} cannot be read as {}: {why}", encoding.name()))
        };
        if let Some(format) = encoding::format_of(&bytes) {
            return Err(unreadable(&encoding::DecodeError::Format(format)));
        }
        let text = encoding
            .decode_without_bom_handling_and_without_replacement(&bytes)
            .ok_or_else(|| unreadable(&"it holds bytes that are no character"))?;
        encoding::check(&text).map_err(|why| unreadable(&why))?;
        Self::checked(text.into_owned(), &name)
    }

    fn text_file(path: &Path, name: &str) -> Result<Vec<u8>> {
        let unreadable = |source| Error::io("read the script", path, source);
        // UTF-16 may be twice as long as its text in UTF-8.
        let limit = Self::MAX_TEXT_BYTES as u64 * 2 + 2;
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > limit {
            return Err(too_long(name));
        }
        Ok(bytes)
    }

    fn checked(text: String, name: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        if text.len() > Self::MAX_TEXT_BYTES {
            return Err(too_long(name));
        }
        if let Some(c) = encoding::control_character(&text) {
            return Err(Error::InvalidInput(format!("{name} is not plain text: it holds {c:?}")));
        }
        if !text.contains(char::is_alphanumeric) {
            return Err(Error::InvalidInput(format!("{name} has no words to speak")));
        }
        Ok(Self(ScriptSource::Text(text)))
    }
}

fn display_name(path: &Path) -> String {
    format!("the script {}", path.display())
}

fn too_long(name: &str) -> Error {
    let limit = Script::MAX_TEXT_BYTES;
    Error::InvalidInput(format!("{name} is longer than {limit} bytes, the limit of a script"))
}
