//! `POST /api/upload-video/nemo_agent/me/<session>`: the user's own media.

use std::fmt;
use std::path::Path;

use serde::de::IntoDeserializer as _;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize};

use super::tolerant::{FieldError, Fields, RedactedUrl, flag, integer, number, rate, text};
use crate::draft::Json;

/// The largest file that the service accepts, by its specification: 200 MB. Some revisions document
/// 500 MB.
pub const MAX_UPLOAD_BYTES: u64 = 200_000_000;

/// The type of a file, as the service classifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FileType {
    /// A video.
    Video,
    /// An image.
    Image,
    /// An audio file.
    Audio,
    /// A script. The service accepts documents, but does not list this type among its own.
    Document,
    /// A type that this version does not know.
    #[serde(other)]
    Unknown,
}

impl FileType {
    fn read(json: &Json) -> Option<Self> {
        let name: StrDeserializer<'_, serde::de::value::Error> = json.as_str()?.into_deserializer();
        Self::deserialize(name).ok()
    }
}

/// A file format that the service accepts, found by the extension of a file name.
///
/// ```
/// use nemovideo::protocol::{FileFormat, FileType};
///
/// let format = FileFormat::of("holiday/Beach.MOV").expect("a video");
/// assert_eq!((format.extension, format.file_type), ("mov", FileType::Video));
/// assert_eq!(FileFormat::of("notes.xls"), None);
/// assert_eq!(FileFormat::of("mov"), None);
/// assert!(FileFormat::accepted().contains("docx"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FileFormat {
    /// The extension, in lower case and without a dot.
    pub extension: &'static str,
    /// The type of such a file.
    pub file_type: FileType,
    /// The media type.
    pub content_type: &'static str,
}

impl FileFormat {
    /// All accepted formats, in the order of the specification. TXT and DOCX are those that it
    /// names for scripts.
    pub const ALL: &'static [Self] = &[
        Self::new("mp4", FileType::Video, "video/mp4"),
        Self::new("mov", FileType::Video, "video/quicktime"),
        Self::new("avi", FileType::Video, "video/x-msvideo"),
        Self::new("webm", FileType::Video, "video/webm"),
        Self::new("mkv", FileType::Video, "video/x-matroska"),
        Self::new("jpg", FileType::Image, "image/jpeg"),
        Self::new("jpeg", FileType::Image, "image/jpeg"),
        Self::new("png", FileType::Image, "image/png"),
        Self::new("gif", FileType::Image, "image/gif"),
        Self::new("webp", FileType::Image, "image/webp"),
        Self::new("mp3", FileType::Audio, "audio/mpeg"),
        Self::new("wav", FileType::Audio, "audio/wav"),
        Self::new("m4a", FileType::Audio, "audio/mp4"),
        Self::new("aac", FileType::Audio, "audio/aac"),
        Self::new("txt", FileType::Document, "text/plain; charset=utf-8"),
        Self::new(
            "docx",
            FileType::Document,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
    ];

    /// Formats that only some revisions of the service accept, and the specification does not: an
    /// upload of them must be sent
    /// [without the client's checks](crate::client::Upload::without_checks).
    pub const UNSPECIFIED: &'static [Self] = &[
        Self::new("pdf", FileType::Document, "application/pdf"),
        Self::new("srt", FileType::Document, "application/x-subrip"),
    ];

    const fn new(extension: &'static str, file_type: FileType, content_type: &'static str) -> Self {
        Self { extension, file_type, content_type }
    }

    /// Returns the format of a file by its name; `None` when the service does not accept it.
    pub fn of(name: impl AsRef<Path>) -> Option<Self> {
        Self::in_table(Self::ALL, name.as_ref())
    }

    fn in_table(formats: &[Self], name: &Path) -> Option<Self> {
        let extension = name.extension()?.to_str()?.to_ascii_lowercase();
        formats.iter().copied().find(|format| format.extension == extension)
    }

    /// Returns the media type of any file by its name.
    pub(crate) fn content_type_of(name: &str) -> &'static str {
        let name = Path::new(name);
        let format = Self::of(name).or_else(|| Self::in_table(Self::UNSPECIFIED, name));
        format.map_or("application/octet-stream", |format| format.content_type)
    }

    /// Returns the extensions of all accepted formats, separated by commas.
    #[must_use]
    pub fn accepted() -> String {
        Self::ALL.iter().map(|format| format.extension).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension)
    }
}

/// Decodes the `%20` in a part of a URL.
pub(crate) fn percent_decoded(part: &str) -> String {
    // Decoded as the value of a form; the characters with a meaning only in forms are escaped.
    let value = part.replace('+', "%2B").replace('&', "%26");
    let form = format!("={value}");
    url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map_or_else(String::new, |(_, part)| part.into_owned())
}

/// A request that makes the service fetch files by URL.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UploadUrls {
    pub(crate) urls: Vec<String>,
    /// Always `url`, as specified.
    #[serde(alias = "sourceType")]
    source_type: String,
}

impl UploadUrls {
    pub(crate) fn new(urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { urls: urls.into_iter().map(Into::into).collect(), source_type: "url".to_owned() }
    }
}

/// The response to an upload.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Fields<'static>")]
pub(crate) struct UploadResponse {
    /// The uploaded files.
    pub(crate) files: Vec<UploadedFile>,
    /// Whether the files are in the state of the session already.
    pub(crate) session_state_applied: bool,
}

/// A file that was uploaded. The service returns what it could find out about the file.
///
/// `Debug` omits the signature of the URL.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Fields<'static>")]
#[non_exhaustive]
pub struct UploadedFile {
    /// The file name.
    pub filename: String,
    /// The type of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_type: Option<FileType>,
    /// The URL under which the service stores the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cdn_url: Option<String>,
    /// The duration in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// The width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The frame rate in frames per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// A hash of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A file of which only the name, and by that the type, is known.
impl From<&str> for UploadedFile {
    fn from(name: &str) -> Self {
        let file_type = FileFormat::of(name).map(|format| format.file_type);
        Self { filename: name.to_owned(), file_type, ..Self::default() }
    }
}

impl TryFrom<Fields<'_>> for UploadResponse {
    type Error = FieldError;

    /// `files` may be `null`, but must be present: a response without it is about something else.
    fn try_from(mut fields: Fields<'_>) -> Result<Self, FieldError> {
        let file = |json: &Json| Some(UploadedFile::from(Fields::of(json.as_object()?)));
        let files = |json: &Json| json.as_array()?.iter().map(file).collect();
        Ok(Self {
            files: fields.require_nullable("files", files)?,
            session_state_applied: fields.read("session_state_applied", flag).unwrap_or_default(),
        })
    }
}

impl From<Fields<'_>> for UploadedFile {
    fn from(mut fields: Fields<'_>) -> Self {
        let pixels = |json: &Json| integer(json).and_then(|pixels| pixels.try_into().ok());
        Self {
            filename: fields.read_any(&["filename", "file_name"], text).unwrap_or_default(),
            file_type: fields.read("file_type", FileType::read),
            cdn_url: fields.read("cdn_url", text),
            duration: fields.read("duration", number),
            width: fields.read("width", pixels),
            height: fields.read("height", pixels),
            fps: fields.read("fps", rate),
            hash: fields.read("hash", text),
        }
    }
}

impl fmt::Debug for UploadedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadedFile")
            .field("filename", &self.filename)
            .field("file_type", &self.file_type)
            .field("cdn_url", &self.cdn_url.as_deref().map(RedactedUrl))
            .field("duration", &self.duration)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("fps", &self.fps)
            .field("hash", &self.hash)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{FileFormat, FileType, UploadResponse, UploadUrls, UploadedFile, percent_decoded};
    use crate::protocol::decode;

    #[test]
    fn urls_are_serialized_as_specified() {
        assert_eq!(
            serde_json::to_string(&UploadUrls::new(["https://a/b.mp4"])).unwrap(),
            r#"{"urls":["https://a/b.mp4"],"source_type":"url"}"#
        );
    }

    #[test]
    fn names_in_urls_are_decoded() {
        assert_eq!(percent_decoded("a%20b+c=d&e.mp3"), "a b+c=d&e.mp3");
    }

    #[test]
    fn every_file_has_a_media_type_and_only_the_specified_ones_are_accepted() {
        for (name, content_type, is_accepted) in [
            ("a.mp4", "video/mp4", true),
            ("notes.PDF", "application/pdf", false),
            ("words.srt", "application/x-subrip", false),
            ("a.xls", "application/octet-stream", false),
            ("pdf", "application/octet-stream", false),
        ] {
            assert_eq!(FileFormat::content_type_of(name), content_type, "{name}");
            assert_eq!(FileFormat::of(name).is_some(), is_accepted, "{name}");
        }
    }

    #[test]
    fn an_odd_detail_does_not_cost_the_upload() {
        let file = |json: &str| -> UploadedFile { serde_json::from_str(json).unwrap() };
        let odd = file(
            r#"{"filename":"a.mp4","file_name":"a.mp4","file_type":7,"width":1920.0,"height":"1080",
                "fps":"30000/1001","duration":"10.5","hash":123,"cdn_url":["x"]}"#,
        );
        assert_eq!((odd.filename.as_str(), odd.file_type), ("a.mp4", None));
        assert_eq!((odd.width, odd.height), (Some(1920), Some(1080)));
        assert!(odd.fps.is_some_and(|fps| (fps - 29.97).abs() < 0.01));
        assert_eq!((odd.duration, odd.hash.as_deref()), (Some(10.5), Some("123")));
        assert_eq!(odd.cdn_url, None);
        assert_eq!(file(r#"{"filename":null,"width":-1,"fps":{}}"#), UploadedFile::default());
        assert_eq!(file(r#"{"file_type":"audio"}"#).file_type, Some(FileType::Audio));
        assert_eq!(file(r#"{"file_type":"hologram"}"#).file_type, Some(FileType::Unknown));

        let response: UploadResponse =
            serde_json::from_str(r#"{"files":null,"session_state_applied":"true"}"#).unwrap();
        assert_eq!((response.files.len(), response.session_state_applied), (0, true));
    }

    #[test]
    fn a_response_without_files_is_no_upload() {
        for broken in [r#"{"files":"a.mp4"}"#, r#"{"files":[1]}"#] {
            assert!(decode::<UploadResponse>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_signed_url_is_not_shown() {
        let file = UploadedFile {
            cdn_url: Some("https://cdn.test/a.mp4?sig=hunter2".to_owned()),
            ..UploadedFile::default()
        };
        let shown = format!("{file:?}");
        assert!(shown.contains("https://cdn.test/a.mp4") && !shown.contains("hunter2"), "{shown}");
    }
}
