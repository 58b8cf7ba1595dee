//! A script to be spoken, checked before anything is sent to the service.

mod images;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use url::Url;

use super::uploads::{SceneImage, is_url};
use crate::error::{Error, Result};
use crate::language::encoding::{self, DecodeError};
use crate::protocol::{MAX_UPLOAD_BYTES, percent_decoded};
use images::{markdown_images, unescaped};

/// The extensions of text files. A file without one is read as text, too.
const TEXT_EXTENSIONS: [&str; 4] = ["txt", "text", "md", "markdown"];
/// Those of Markdown, whose images are scenes.
const MARKDOWN_EXTENSIONS: [&str; 2] = ["md", "markdown"];

/// A script: text, also with images for its scenes, or a document that the service reads itself.
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
    /// Text with the images of its scenes.
    Scenes(Vec<ScriptPart>),
    Document(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScriptPart {
    Text(String),
    /// An image that is shown from here until the next one.
    Image(SceneImage),
}

impl Script {
    /// The longest text that is accepted, in bytes of UTF-8: 1 MiB, some twenty hours of speech.
    /// The service would not accept more either.
    pub const MAX_TEXT_BYTES: usize = 1024 * 1024;

    /// Creates a script from text.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is nothing in it to be spoken, if it is longer than
    /// [`MAX_TEXT_BYTES`](Self::MAX_TEXT_BYTES), if it holds control characters, or if it is a
    /// document in another format, such as PDF or HTML.
    pub fn text(text: impl Into<String>) -> Result<Self> {
        Self::checked(text.into(), "the script")
    }

    /// Creates a script from the content of a text file in UTF-8 or UTF-16, such as the body of a
    /// request.
    ///
    /// ```
    /// use nemovideo::project::Script;
    ///
    /// let script = Script::from_bytes("\u{feff}Good morning.")?;
    /// assert_eq!(script, Script::text("Good morning.")?);
    /// let error = Script::from_bytes(b"%PDF-1.7\n%\xE2\xE3").unwrap_err();
    /// assert!(error.to_string().contains("a PDF document"));
    /// # Ok::<(), nemovideo::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`text`](Self::text); [`Error::InvalidInput`] for bytes that are no text. It names the
    /// format that they are in, or their likely encoding.
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Self> {
        let name = "the script";
        Self::checked(decoded(bytes.as_ref(), name)?, name)
    }

    /// Creates a script of one scene: an image, and the text that is spoken while it is shown.
    ///
    /// ```
    /// use nemovideo::project::{SceneImage, Script};
    ///
    /// let png = SceneImage::bytes("sky.png", &b"\x89PNG\r\n\x1A\n"[..]);
    /// let script = Script::scene("The sky is blue.", png)?;
    /// let script = script.then(Script::text("There is a reason for that.")?)?;
    /// # Ok::<(), nemovideo::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`text`](Self::text); [`Error::Io`] and [`Error::InvalidInput`] for an image that
    /// cannot be read, or is none of JPG, PNG, GIF and WebP.
    pub fn scene(text: impl Into<String>, image: impl Into<SceneImage>) -> Result<Self> {
        let image = image.into();
        image.check()?;
        let mut parts = vec![ScriptPart::Image(image), ScriptPart::Text("\n\n".to_owned())];
        parts.extend(Self::text(text)?.0.into_parts());
        Ok(Self(ScriptSource::Scenes(parts)))
    }

    /// Reads a text as Markdown, whose images are scenes: each is shown from the paragraph in which
    /// it stands, or that follows it, until the next one. Their paths are relative to `directory`.
    /// They may lead out of it, and each image is uploaded: read a script of somebody else first.
    ///
    /// An image is `![…](photo.jpg)`, with a reference in place of the path, or
    /// `<img src="photo.jpg">`; the text that describes it is not spoken. What is in code is no
    /// image. A URL is downloaded by the service.
    ///
    /// # Errors
    /// As for [`text`](Self::text); [`Error::InvalidInput`] that names the line of each image that
    /// cannot be read, or is none of JPG, PNG, GIF and WebP.
    pub fn markdown(text: impl Into<String>, directory: impl AsRef<Path>) -> Result<Self> {
        Self::with_images(text.into(), directory.as_ref(), "the script")
    }

    /// Appends a script to this one, after a paragraph.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if one of them is a DOCX file, or both are too long together.
    pub fn then(self, next: Self) -> Result<Self> {
        use ScriptSource::{Document, Scenes, Text};
        let source = match (self.0, next.0) {
            (Document(_), _) | (_, Document(_)) => {
                let what = "a DOCX document cannot be joined with another script".to_owned();
                return Err(Error::InvalidInput(what));
            }
            (Text(text), Text(next)) => Text(format!("{text}\n\n{next}")),
            (first, next) => {
                let mut parts = first.into_parts();
                parts.push(ScriptPart::Text("\n\n".to_owned()));
                parts.extend(next.into_parts());
                Scenes(parts)
            }
        };
        if source.texts().map(str::len).sum::<usize>() > Self::MAX_TEXT_BYTES {
            return Err(too_long("the script"));
        }
        Ok(Self(source))
    }

    /// Reads a text file in UTF-8 or UTF-16, or takes a DOCX file, which is uploaded as it is.
    ///
    /// A text file has the extension `txt`, `text`, `md` or `markdown`, in any case, or none. The
    /// images of the last two are scenes, as for [`markdown`](Self::markdown), with paths relative to
    /// the directory of the file. UTF-16 is recognized by its byte order mark or by the NUL bytes
    /// between its letters. A DOCX file must begin like a ZIP archive; its text is read by the service.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::InvalidInput`] if it is neither, is another
    /// format under the name of one of them, is larger than the service accepts, or has nothing in
    /// it to be spoken, or if an image of it is not there. For text in another encoding, the error
    /// names the likely one.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |source| Error::io("read the script", path, source);
        let name = display_name(path);
        if path.metadata().map_err(unreadable)?.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
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
            let what = format!(
                "{name} is neither a text file (TXT, MD) nor a DOCX document: save its text as one"
            );
            return Err(Error::InvalidInput(what));
        }
        let bytes = Self::text_file(path, &name)?;
        Self::of_file(decoded(&bytes, &name)?, path, &name)
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
            return Err(unreadable(&DecodeError::Format(format)));
        }
        let text = encoding
            .decode_without_bom_handling_and_without_replacement(&bytes)
            .ok_or_else(|| unreadable(&"it holds bytes that are no character"))?;
        encoding::check(&text).map_err(|why| unreadable(&why))?;
        Self::of_file(text.into_owned(), path, &name)
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

    fn of_file(text: String, path: &Path, name: &str) -> Result<Self> {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        match extension {
            Some(extension) if MARKDOWN_EXTENSIONS.iter().any(|it| extension == *it) => {
                Self::with_images(text, path.parent().unwrap_or(Path::new("")), name)
            }
            _ => Self::checked(text, name),
        }
    }

    /// Reads Markdown in a directory.
    fn with_images(text: String, directory: &Path, name: &str) -> Result<Self> {
        let text = checked_text(text, name)?;
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        let images = markdown_images(&lines);
        if images.is_empty() {
            return Self::checked(text, name);
        }
        let (mut parts, mut problems, mut at) = (Vec::new(), Vec::new(), 0);
        for image in images {
            parts.push(ScriptPart::Text(lines[at..image.range.start].to_owned()));
            at = image.range.end;
            let Some(target) = image.target else { continue };
            match image_at(directory, &target) {
                Ok(image) => parts.push(ScriptPart::Image(image)),
                Err(why) => problems.push(format!("line {}: {why}", image.line)),
            }
        }
        parts.push(ScriptPart::Text(lines[at..].to_owned()));
        if !problems.is_empty() {
            let what = format!("{name} has images that cannot be shown: {}", problems.join("; "));
            return Err(Error::InvalidInput(what));
        }
        let source = ScriptSource::Scenes(parts);
        let has_words = source.texts().any(|text| text.contains(char::is_alphanumeric));
        match has_words {
            true => Ok(Self(source)),
            false => Err(no_words(name)),
        }
    }

    fn checked(text: String, name: &str) -> Result<Self> {
        let text = checked_text(text, name)?;
        match text.contains(char::is_alphanumeric) {
            true => Ok(Self(ScriptSource::Text(text))),
            false => Err(no_words(name)),
        }
    }
}

impl ScriptSource {
    fn into_parts(self) -> Vec<ScriptPart> {
        match self {
            Self::Text(text) => vec![ScriptPart::Text(text)],
            Self::Scenes(parts) => parts,
            Self::Document(_) => Vec::new(),
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let (text, parts) = match self {
            Self::Text(text) => (Some(text), &[][..]),
            Self::Scenes(parts) => (None, parts.as_slice()),
            Self::Document(_) => (None, &[][..]),
        };
        let parts = parts.iter().filter_map(|part| match part {
            ScriptPart::Text(text) => Some(text),
            ScriptPart::Image(_) => None,
        });
        text.into_iter().chain(parts).map(String::as_str)
    }
}

/// Returns a text without its byte order mark, checked to be one that can be sent.
fn checked_text(text: String, name: &str) -> Result<String> {
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if text.len() > Script::MAX_TEXT_BYTES {
        return Err(too_long(name));
    }
    encoding::check(&text).map_err(|why| unreadable(name, why))?;
    Ok(text)
}

fn decoded(bytes: &[u8], name: &str) -> Result<String> {
    encoding::decode(bytes).map_err(|why| unreadable(name, why))
}

fn unreadable(name: &str, why: DecodeError) -> Error {
    Error::InvalidInput(format!("{name} cannot be read: {why}"))
}

/// Finds the image of a Markdown script in its directory, checked to be one. The error is a sentence.
fn image_at(directory: &Path, target: &str) -> Result<SceneImage, String> {
    let plain = unescaped(target);
    let found = |image: SceneImage| {
        image.check().map(|()| image).map_err(|error| match error {
            Error::InvalidInput(what) => what,
            other => other.to_string(),
        })
    };
    if is_url(&plain) {
        return found(SceneImage::url(plain));
    }
    // As they are written, with the escapes of a URL, with the separators of Windows, and with the
    // query that some sites add.
    let slashed = target.replace('\\', "/");
    let mut names = Vec::new();
    for name in [plain.as_str(), &slashed] {
        let short = name.split(['?', '#']).next().unwrap_or_default();
        names.extend([name.to_owned(), percent_decoded(name), percent_decoded(short)]);
    }
    // Windows would connect to the host, with the credentials of the user.
    if names.iter().any(|name| is_on_host(name)) {
        return Err(format!("the image {plain:?} is on another host; save it as a file"));
    }
    let is_local = |url: &Url| url.scheme() == "file" && url.host_str().is_none();
    let of_url = Url::parse(&plain).ok().filter(is_local);
    let of_url = of_url.and_then(|url| url.to_file_path().ok());
    let mut paths = of_url.into_iter().chain(names.iter().map(|name| directory.join(name)));
    match paths.find(|path| path.is_file()) {
        Some(path) => found(path.into()),
        None if plain.is_empty() => Err("the image has no path".to_owned()),
        None => Err(match plain.split_once(':') {
            // A letter alone is a drive of Windows.
            Some((scheme, _)) if scheme.len() > 1 && Url::parse(&plain).is_ok() => {
                format!("an image cannot be a {scheme}: URL; save it as a file")
            }
            _ => format!("there is no file {}", directory.join(&plain).display()),
        }),
    }
}

/// Whether a path begins with the name of a host: `//host/photo.jpg`, also with backslashes.
fn is_on_host(path: &str) -> bool {
    path.strip_prefix(['/', '\\']).is_some_and(|path| path.starts_with(['/', '\\']))
}

fn display_name(path: &Path) -> String {
    format!("the script {}", path.display())
}

fn no_words(name: &str) -> Error {
    Error::InvalidInput(format!("{name} has no words to speak: it is empty, or holds only signs"))
}

fn too_long(name: &str) -> Error {
    let limit = Script::MAX_TEXT_BYTES;
    Error::InvalidInput(format!("{name} is longer than {limit} bytes, the limit of a script"))
}
