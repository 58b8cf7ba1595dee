//! A script to be spoken, checked before anything is asked of the service.

mod docx;
mod text;

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
/// # let folder = tempfile::tempdir()?;
/// # let (path, notes) = (folder.path().join("script.txt"), folder.path().join("notes.pdf"));
/// // Some editors put a byte order mark at the start of a file: it is not spoken.
/// std::fs::write(&path, "\u{feff}Good morning.")?;
/// assert_eq!(Script::from_path(&path)?, Script::text("Good morning.")?);
/// assert!(matches!(Script::from_path(&notes), Err(Error::InvalidInput(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script(pub(super) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text(String),
    Document(PathBuf),
}

impl Script {
    /// The longest text that is taken, in bytes of UTF-8: 1 MiB, some twenty hours of speech. What
    /// is longer is hardly a script, and would be refused by the service at the latest.
    pub const MAX_TEXT_BYTES: usize = 1024 * 1024;

    /// A script that is at hand as text.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when there is nothing in it to be spoken, when it is longer than
    /// [`MAX_TEXT_BYTES`](Self::MAX_TEXT_BYTES), or holds control characters.
    ///
    /// ```
    /// use nemovideo::project::Script;
    ///
    /// assert!(Script::text("Hello there.").is_ok());
    /// assert!(Script::text(" … !? ").is_err());
    /// assert!(Script::text("\u{1b}[31mHello").is_err());
    /// assert!(Script::text("la ".repeat(Script::MAX_TEXT_BYTES)).is_err());
    /// ```
    pub fn text(text: impl Into<String>) -> Result<Self> {
        Self::checked(text.into(), "the script")
    }

    /// A TXT file in UTF-8 or UTF-16, or a DOCX file, which is uploaded as it is.
    ///
    /// UTF-16 is known by its byte order mark or by the NULs between its letters. Of a DOCX it is
    /// checked that it is an archive with a document in it; its words are read by the service.
    ///
    /// ```
    /// use nemovideo::{Error, project::Script};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("script.txt");
    /// std::fs::write(&path, "Good morning.")?;
    /// let script = Script::from_path(&path)?;
    /// assert!(matches!(Script::from_path("missing.txt"), Err(Error::Io { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::InvalidInput`] when it is neither, is larger
    /// than the service takes, or has nothing in it to be spoken.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |source| Error::io("read the script", path, source);
        let whose = format!("the script {}", path.display());
        let format = FileFormat::of(path).filter(|format| format.file_type == FileType::Document);
        let Some(format) = format else {
            return Err(Error::InvalidInput(format!("{whose} is neither TXT nor DOCX")));
        };
        let mut file = File::open(path).map_err(unreadable)?;
        if format.extension == "docx" {
            let length = file.metadata().map_err(unreadable)?.len();
            if length > MAX_UPLOAD_BYTES {
                let what = format!("{whose} has {length} bytes; {MAX_UPLOAD_BYTES} are taken");
                return Err(Error::InvalidInput(what));
            }
            if !docx::is_docx(&mut file).map_err(unreadable)? {
                let what = format!("{whose} is no DOCX document, or there is nothing in it");
                return Err(Error::InvalidInput(what));
            }
            return Ok(Self(Kind::Document(path.to_owned())));
        }
        // UTF-16 may be twice as long as what comes of it.
        let limit = Self::MAX_TEXT_BYTES as u64 * 2 + 2;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > limit {
            return Err(too_long(&whose));
        }
        let text = text::decode(&bytes)
            .map_err(|why| Error::InvalidInput(format!("{whose} cannot be read: {why}")))?;
        Self::checked(text, &whose)
    }

    fn checked(text: String, whose: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        if text.len() > Self::MAX_TEXT_BYTES {
            return Err(too_long(whose));
        }
        if let Some(c) = text::control_character(&text) {
            let what = format!("{whose} is no plain text: {c:?} is in it");
            return Err(Error::InvalidInput(what));
        }
        if !text.contains(char::is_alphanumeric) {
            return Err(Error::InvalidInput(format!("{whose} has no words to speak")));
        }
        Ok(Self(Kind::Text(text)))
    }
}

fn too_long(whose: &str) -> Error {
    let limit = Script::MAX_TEXT_BYTES;
    Error::InvalidInput(format!("{whose} is longer than {limit} bytes, the limit of a script"))
}
