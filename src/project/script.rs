//! A script to be spoken, checked before anything is asked of the service.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::wire::{FileFormat, FileType};

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
    /// A script that is at hand as text.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when there is nothing in it to be spoken.
    ///
    /// ```
    /// use nemovideo::project::Script;
    ///
    /// assert!(Script::text("Hello there.").is_ok());
    /// assert!(Script::text(" … !? ").is_err());
    /// ```
    pub fn text(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        if !text.contains(char::is_alphanumeric) {
            return Err(Error::InvalidInput("the script has no words to speak".to_owned()));
        }
        Ok(Self(Kind::Text(text)))
    }

    /// A TXT file in UTF-8, or a DOCX file, which is uploaded as it is.
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
    /// [`Error::Io`] when it cannot be read; [`Error::InvalidInput`] when it is neither, or has
    /// nothing in it to be spoken.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |source| Error::io("read the script", path, source);
        let format = FileFormat::of(path).filter(|format| format.file_type == FileType::Document);
        let Some(format) = format else {
            let what = format!("the script {} is neither TXT nor DOCX", path.display());
            return Err(Error::InvalidInput(what));
        };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        if format.extension == "docx" {
            // A DOCX is a ZIP archive; what is in it is for the service to read.
            if !bytes.starts_with(b"PK") {
                let what = format!("the script {} is no DOCX document", path.display());
                return Err(Error::InvalidInput(what));
            }
            return Ok(Self(Kind::Document(path.to_owned())));
        }
        let text = String::from_utf8(bytes).map_err(|_| {
            Error::InvalidInput(format!("the script {} is not UTF-8 text", path.display()))
        })?;
        Self::text(text)
    }
}
