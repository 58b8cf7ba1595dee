//! The files of a voiceover: each is checked before anything is sent, and uploaded once however
//! often it is used, under a name that the message to the agent can refer to.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::Project;
use crate::error::{Error, Result};
use crate::language::encoding;
use crate::protocol::{
    FileFormat, FileType, MAX_UPLOAD_BYTES, RedactedUrl, percent_decoded, unprintable,
};

/// The image of a scene: JPG, PNG, GIF or WebP, from a path, a URL or memory.
///
/// A text is a path, unless it begins with `https://` or `http://`: then the service downloads the
/// image from that URL.
///
/// ```
/// use nemovideo::project::SceneImage;
///
/// assert_eq!(SceneImage::from("https://example.com/a.png"), SceneImage::url("https://example.com/a.png"));
/// assert_ne!(SceneImage::from("a.png"), SceneImage::bytes("a.png", &b"\x89PNG\r\n\x1A\n"[..]));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SceneImage(pub(super) ImageSource);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum ImageSource {
    Path(PathBuf),
    Bytes { name: String, bytes: Bytes },
    Url(String),
}

impl SceneImage {
    /// Creates an image from bytes and a file name, whose extension determines the format.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self(ImageSource::Bytes { name: name.into(), bytes: bytes.into() })
    }

    /// Creates an image that the service downloads itself. Its format is known by the extension of
    /// the URL's path.
    pub fn url(url: impl Into<String>) -> Self {
        Self(ImageSource::Url(url.into()))
    }

    /// Whether the service downloads it.
    pub(super) const fn is_downloaded(&self) -> bool {
        matches!(self.0, ImageSource::Url(_))
    }

    /// Checks whatever can be known of it here.
    pub(super) fn check(&self) -> Result<()> {
        match &self.0 {
            ImageSource::Path(path) => check_media(path, &IMAGE),
            ImageSource::Bytes { name, bytes } => {
                let invalid =
                    |why: &str| Err(Error::InvalidInput(format!("the image {name} {why}")));
                check_name(Path::new(name), &IMAGE).or_else(|why| invalid(&why))?;
                check_head(bytes, &IMAGE).or_else(|why| invalid(&why))?;
                check_length(bytes.len() as u64).or_else(|why| invalid(&why))
            }
            ImageSource::Url(text) => url_of(text).map(drop),
        }
    }
}

impl From<PathBuf> for SceneImage {
    fn from(path: PathBuf) -> Self {
        Self(ImageSource::Path(path))
    }
}

impl From<&Path> for SceneImage {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&PathBuf> for SceneImage {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&str> for SceneImage {
    fn from(text: &str) -> Self {
        match is_url(text) {
            true => Self::url(text),
            false => Path::new(text).into(),
        }
    }
}

impl From<String> for SceneImage {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

/// Omits what of a URL grants access.
impl fmt::Debug for SceneImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ImageSource::Path(path) => path.fmt(f),
            ImageSource::Bytes { name, bytes } => {
                write!(f, "{name:?} ({} bytes)", bytes.len())
            }
            ImageSource::Url(url) => RedactedUrl(url).fmt(f),
        }
    }
}

/// Whether a text is the URL of a file that the service can download.
pub(super) fn is_url(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// Reads the URL of an image.
fn url_of(text: &str) -> Result<Url> {
    let shown = RedactedUrl(text);
    let invalid = |why: &str| Error::InvalidInput(format!("the image {shown:?} {why}"));
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| invalid("is not an http or https URL"))?;
    check_name(Path::new(&name_in(&url)), &IMAGE).map_err(|why| invalid(&why))?;
    Ok(url)
}

/// Returns the name of the file that a URL leads to.
fn name_in(url: &Url) -> String {
    let name = url.path_segments().and_then(|mut segments| segments.next_back());
    percent_decoded(name.unwrap_or_default())
}

/// A file to upload before the message is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UploadFile {
    /// A file on the disk, under its own name or another.
    Path {
        path: PathBuf,
        name: Option<String>,
    },
    /// Not persisted.
    #[serde(skip)]
    Bytes {
        name: String,
        bytes: Bytes,
    },
    Url(String),
}

impl UploadFile {
    /// Returns the path of a file on the disk.
    pub(super) const fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Path { path, .. } => Some(path),
            Self::Bytes { .. } | Self::Url(_) => None,
        }
    }
}

#[cfg(feature = "queue")]
impl UploadFile {
    /// Returns the path of a file on the disk, to be changed.
    pub(super) const fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Path { path, .. } => Some(path),
            Self::Bytes { .. } | Self::Url(_) => None,
        }
    }
}

impl From<PathBuf> for UploadFile {
    fn from(path: PathBuf) -> Self {
        Self::Path { path, name: None }
    }
}

impl UploadFile {
    fn rename(&mut self, new: &str) {
        match self {
            Self::Path { name, .. } => *name = Some(new.to_owned()),
            Self::Bytes { name, .. } => new.clone_into(name),
            // The service names what it downloads.
            Self::Url(_) => {}
        }
    }

    /// Uploads the file into the session of a project.
    pub(super) async fn send(self, project: &Project) -> Result<()> {
        match self {
            Self::Path { path, name: None } => project.upload(path).await,
            Self::Path { path, name: Some(name) } => project.upload(path).named(name).await,
            Self::Bytes { name, bytes } => project.upload_bytes(name, bytes).await,
            Self::Url(url) => project.upload_urls([url]).await,
        }
        .map(drop)
    }
}

/// The files of one message, each once.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    files: Vec<Upload>,
    /// The names that are taken, in lower case: services compare them in any case.
    names: HashSet<String>,
}

#[derive(Debug)]
struct Upload {
    source: Source,
    /// How the message refers to it.
    name: String,
    file: UploadFile,
}

/// What makes two files the same.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// With links resolved.
    Path(PathBuf),
    Bytes(Bytes),
    Url(String),
}

impl Uploads {
    /// Adds a file that the message calls by the name that it has, after checking it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] also for two files of the same name.
    pub(super) fn add(&mut self, path: &Path, kind: &MediaKind) -> Result<usize> {
        check_media(path, kind)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !self.names.insert(name.to_lowercase()) {
            // The message names them, and each is uploaded once.
            let what = format!("two of the files are called {:?}", name.to_lowercase());
            return Err(Error::InvalidInput(what));
        }
        let source = Source::Path(path.canonicalize().unwrap_or_else(|_| path.to_owned()));
        self.files.push(Upload { source, name, file: path.to_owned().into() });
        Ok(self.files.len() - 1)
    }

    /// Adds the image of a scene, after checking it, unless it is there already. Its name consists
    /// of letters, digits and `.-_`, so that it can stand in Markdown; a URL stays as it is, and no
    /// image that is added later gets the name in it.
    pub(super) fn add_image(&mut self, image: &SceneImage) -> Result<usize> {
        image.check()?;
        let (source, own_name, file) = match &image.0 {
            ImageSource::Path(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let source = path.canonicalize().unwrap_or_else(|_| path.clone());
                (Source::Path(source), name, path.clone().into())
            }
            ImageSource::Bytes { name, bytes } => {
                let file = UploadFile::Bytes { name: name.clone(), bytes: bytes.clone() };
                (Source::Bytes(bytes.clone()), name.clone(), file)
            }
            ImageSource::Url(text) => {
                let url = url_of(text)?;
                self.names.extend([name_in(&url).to_lowercase()]);
                // In a query, they would be code and an escape in Markdown.
                let url = String::from(url).replace('`', "%60").replace('\\', "%5C");
                // Parentheses would end the target of an image.
                let name = url.replace('(', "%28").replace(')', "%29");
                (Source::Url(url.clone()), name, UploadFile::Url(url))
            }
        };
        let known = self.files.iter().position(|upload| upload.source == source);
        if let Some(known) = known
            && is_plain(&self.files[known].name)
        {
            return Ok(known);
        }
        let name = if is_url(&own_name) { own_name } else { self.free_name(&own_name) };
        let index = known.unwrap_or(self.files.len());
        if known.is_none() {
            self.files.push(Upload { source, name: String::new(), file });
        }
        // One that is known may be the background, which the message may call by any name.
        let upload = &mut self.files[index];
        upload.file.rename(&name);
        upload.name = name;
        Ok(index)
    }

    /// Returns how the message refers to a file.
    pub(super) fn name(&self, index: usize) -> &str {
        &self.files[index].name
    }

    /// Returns the files in the order in which they were added, after those that the service
    /// downloads: a background of the same name, by which the message calls it, is then the newer one.
    pub(super) fn into_files(self) -> impl Iterator<Item = UploadFile> {
        let files = self.files.into_iter().map(|upload| upload.file);
        let (downloaded, others): (Vec<_>, Vec<_>) =
            files.partition(|file| matches!(file, UploadFile::Url(_)));
        downloaded.into_iter().chain(others)
    }

    /// Takes a plain name like this one that no other file has.
    fn free_name(&mut self, name: &str) -> String {
        let plain: String = name.chars().map(|c| if is_plain_char(c) { c } else { '-' }).collect();
        let (stem, extension) = plain.rsplit_once('.').unwrap_or((&plain, ""));
        let numbered = (2..).map(|number| format!("{stem}-{number}.{extension}"));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        names.find(|name| self.names.insert(name.to_lowercase())).unwrap_or_default()
    }
}

fn is_plain_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn is_plain(name: &str) -> bool {
    is_url(name) || name.chars().all(is_plain_char)
}

/// A kind of file that is uploaded.
pub(super) struct MediaKind {
    /// What the voiceover uses it for.
    what: &'static str,
    file_type: FileType,
    noun: &'static str,
    formats: &'static str,
    /// Whether a file of the kind begins like this.
    is_beginning: fn(&[u8]) -> bool,
}

pub(super) const MUSIC: MediaKind = MediaKind {
    what: "music",
    file_type: FileType::Audio,
    noun: "an audio file",
    formats: "MP3, WAV, M4A and AAC",
    is_beginning: is_audio,
};
pub(super) const RECORDING: MediaKind = MediaKind { what: "recording", ..MUSIC };
pub(super) const IMAGE: MediaKind = MediaKind {
    what: "image",
    file_type: FileType::Image,
    noun: "an image",
    formats: "JPG, PNG, GIF and WebP",
    is_beginning: is_image,
};

/// The bytes that are looked at of a file.
const HEAD_BYTES: u64 = 4096;

/// Checks a file by its name and its first bytes.
fn check_media(path: &Path, kind: &MediaKind) -> Result<()> {
    let invalid =
        |why: String| Error::InvalidInput(format!("the {} {} {why}", kind.what, path.display()));
    if path.is_dir() {
        return Err(invalid("is a directory, not a file".to_owned()));
    }
    check_name(path, kind).map_err(invalid)?;
    let unreadable = |source| Error::io("read a file to upload", path, source);
    // Before it is opened, which would wait for the other end of a pipe.
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(invalid("is not a file".to_owned()));
    }
    check_length(metadata.len()).map_err(invalid)?;
    let file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(unreadable)?;
    check_head(&head, kind).map_err(invalid)
}

/// Checks that the service accepts a file of this length, which it says only once the others are
/// uploaded.
fn check_length(bytes: u64) -> Result<(), String> {
    match bytes {
        0..=MAX_UPLOAD_BYTES => Ok(()),
        _ => Err(format!("has {bytes} bytes, and the service accepts {MAX_UPLOAD_BYTES}")),
    }
}

/// Checks the extension of a file, and that its name can be sent.
fn check_name(name: &Path, kind: &MediaKind) -> Result<(), String> {
    if let Some(sign) = name.file_name().and_then(|name| unprintable(&name.to_string_lossy())) {
        return Err(format!("has {sign} in its name"));
    }
    match FileFormat::of(name) {
        Some(format) if format.file_type == kind.file_type => Ok(()),
        Some(_) => Err(format!("is not {}: use one of {}", kind.noun, kind.formats)),
        None => Err(format!("is not {}: it is none of {}", kind.noun, kind.formats)),
    }
}

/// Checks the first bytes of a file.
fn check_head(head: &[u8], kind: &MediaKind) -> Result<(), String> {
    match head {
        [] => Err("is empty".to_owned()),
        head if (kind.is_beginning)(head) => Ok(()),
        _ => Err(match encoding::format_of(head) {
            Some(format) => format!("is none of {}: it is {format}", kind.formats),
            None => format!("is none of {}, whatever its name ends in", kind.formats),
        }),
    }
}

/// Whether an image of one of the formats that the service accepts begins like this.
fn is_image(head: &[u8]) -> bool {
    let is_webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP".as_slice());
    is_webp
        || head.starts_with(&[0xFF, 0xD8, 0xFF])
        || head.starts_with(b"\x89PNG\r\n\x1A\n")
        || head.starts_with(b"GIF8")
}

/// Whether a file of one of the formats that the service accepts begins like this.
fn is_audio(head: &[u8]) -> bool {
    let is_wave = |head: &[u8]| {
        (head.starts_with(b"RIFF") || head.starts_with(b"RF64"))
            && head.get(8..12) == Some(b"WAVE".as_slice())
    };
    // Some encoders leave room before the first frame.
    let frames = head.iter().position(|byte| *byte != 0).map_or(&head[..0], |at| &head[at..]);
    // Eleven bits of an MPEG frame, of layer 3; twelve of an ADTS one, of layer 0.
    let is_frame = matches!(frames, [0xFF, second, ..] if second & 0xE0 == 0xE0
        && (second & 0x06 == 0x02 || second & 0xF6 == 0xF0));
    is_wave(head)
        || head.get(4..8) == Some(b"ftyp".as_slice())
        || head.starts_with(b"ID3")
        || head.starts_with(b"ADIF")
        || is_frame
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1A\n";

    #[test]
    fn audio_is_known_by_its_first_bytes() {
        for head in [
            &b"ID3\x04\x00"[..],
            b"\xFF\xFB\x90\x64",
            b"\0\0\0\0\xFF\xF3\x40",
            b"RIFF\x24\0\0\0WAVEfmt ",
            b"\0\0\0\x20ftypM4A ",
            b"\xFF\xF1\x50\x80",
            b"ADIF",
        ] {
            assert!(is_audio(head), "{head:?}");
        }
        for head in [&b"not music"[..], b"", b"\0\0\0\0", b"RIFF\0\0\0\0AVI ", b"\xFF\xFE", b"OggS"]
        {
            assert!(!is_audio(head), "{head:?}");
        }
        // What else is checked of a file is tested with the whole call.
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(check_media(&dir.path().join("none.mp3"), &MUSIC), Err(Error::Io { .. })));
        let large = dir.path().join("large.png");
        std::fs::write(&large, PNG).unwrap();
        File::options().write(true).open(&large).unwrap().set_len(MAX_UPLOAD_BYTES + 1).unwrap();
        let error = check_media(&large, &IMAGE).unwrap_err().to_string();
        assert!(error.contains("200000001 bytes"), "{error}");
        for head in [&b"\xFF\xD8\xFF\xE0"[..], PNG, b"GIF89a", b"RIFF\0\0\0\0WEBP"] {
            assert!(is_image(head) && !is_audio(head), "{head:?}");
        }
        assert!(!is_image(b"RIFF\x24\0\0\0WAVEfmt ") && !is_image(b""));
    }

    #[test]
    fn an_image_is_uploaded_once_under_a_name_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("b")).unwrap();
        let image = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let (one, other) = (image("My photo (1).png", PNG), image("b/My-Photo--1-.PNG", PNG));
        let mut uploads = Uploads::default();
        let background = uploads.add(&one, &IMAGE).unwrap();
        let mut add = |image: SceneImage| uploads.add_image(&image).unwrap();
        let images = [
            add((&one).into()),
            add(dir.path().join("b/../My photo (1).png").into()),
            add((&other).into()),
            add(SceneImage::bytes("x y.png", PNG)),
            add(SceneImage::bytes("other.png", PNG)),
            add("https://example.com/a(1).png?x=1".into()),
            add("HTTPS://example.com/a(1).png?x=1".into()),
            add("https://example.com/a(1).png?x=2".into()),
            add("https://example.com/b/X%2Dy-2.png?`\\_".into()),
            add(SceneImage::bytes("x y.png", &b"GIF89a"[..])),
        ];
        assert_eq!(images, [background, 0, 1, 2, 2, 3, 3, 4, 5, 6]);
        let names: Vec<&str> = (0..7).map(|at| uploads.name(at)).collect();
        assert_eq!(
            names,
            [
                "My-photo--1-.png",
                "My-Photo--1--2.PNG",
                "x-y.png",
                "https://example.com/a%281%29.png?x=1",
                "https://example.com/a%281%29.png?x=2",
                "https://example.com/b/X%2Dy-2.png?%60%5C_",
                // The name in the URL is taken, too.
                "x-y-3.png"
            ]
        );
        let files: Vec<String> = uploads.into_files().map(|file| format!("{file:?}")).collect();
        assert_eq!(files.len(), 7);
        assert!(files[0].contains("a(1).png?x=1"), "{files:?}");
        assert!(files[3].contains(r#"Some("My-photo--1-.png")"#), "{files:?}");
    }

    #[test]
    fn an_image_that_cannot_be_one_is_rejected() {
        for (image, why) in [
            (SceneImage::bytes("a.png", &b"text"[..]), "a.png is none of JPG, PNG"),
            (SceneImage::bytes("a.png", &b"%PDF-1.7\n"[..]), "it is a PDF document"),
            (SceneImage::bytes("a.png", &b""[..]), "a.png is empty"),
            (SceneImage::bytes("a", PNG), "it is none of JPG, PNG"),
            (SceneImage::bytes("a\n.png", PNG), "control characters"),
            (
                "https://example.com/photo?key=secret".into(),
                "\"https://example.com/photo?…\" is not",
            ),
            ("https://example.com/a.svg".into(), "is none of JPG"),
            ("https://".into(), "is not an http or https URL"),
            (SceneImage::url("ftp://example.com/a.png"), "is not an http or https URL"),
        ] {
            let error = image.check().unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
            assert!(!format!("{image:?}").contains("secret"));
        }
    }
}
