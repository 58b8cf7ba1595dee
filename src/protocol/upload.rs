//! `POST /api/upload-video/nemo_agent/me/<sid>`: the user's own media.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shown::Unsigned;
use super::tolerant::{Fields, Unreadable, flag, number, rate, text, whole};

/// The largest file that the service takes: 200 MB.
pub const MAX_UPLOAD_BYTES: u64 = 200_000_000;

/// What a file is to the service.
///
/// ```
/// use nemovideo::protocol::{FileFormat, FileType};
///
/// let scripts = FileFormat::ALL.iter().filter(|format| format.file_type == FileType::Document);
/// assert_eq!(scripts.map(|format| format.extension).collect::<Vec<_>>(), ["txt", "docx"]);
///
/// assert_eq!(serde_json::from_str::<FileType>(r#""audio""#)?, FileType::Audio);
/// assert_eq!(serde_json::from_str::<FileType>(r#""hologram""#)?, FileType::Unknown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FileType {
    /// Moving pictures.
    Video,
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A script. The documents that list `file_type` do not name it.
    Document,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A format that the service takes, known by the end of the file's name.
///
/// ```
/// use nemovideo::protocol::{FileFormat, FileType};
///
/// let format = FileFormat::of("holiday/Beach.MOV").expect("a film");
/// assert_eq!((format.extension, format.file_type), ("mov", FileType::Video));
/// assert_eq!(FileFormat::of("notes.xls"), None);
/// assert!(FileFormat::accepted().contains("docx"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FileFormat {
    /// The end of the name, in lower case and without a dot.
    pub extension: &'static str,
    /// What it is to the service.
    pub file_type: FileType,
    /// Its media type.
    pub content_type: &'static str,
}

impl FileFormat {
    /// All of them, in the order of the specification. TXT and DOCX are the two that it names for
    /// scripts.
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

    const fn new(extension: &'static str, file_type: FileType, content_type: &'static str) -> Self {
        Self { extension, file_type, content_type }
    }

    /// The format that a file's name tells, `None` for one that the service does not take.
    pub fn of(name: impl AsRef<Path>) -> Option<Self> {
        let extension = name.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        Self::ALL.iter().copied().find(|format| format.extension == extension)
    }

    /// All that is taken, as words for people.
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

/// Files for the service to fetch itself.
///
/// ```
/// use nemovideo::protocol::UploadUrls;
///
/// assert_eq!(
///     serde_json::to_string(&UploadUrls::new(["https://example.com/a.mp4"]))?,
///     r#"{"urls":["https://example.com/a.mp4"],"source_type":"url"}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UploadUrls {
    /// Where they lie.
    pub urls: Vec<String>,
    /// Always `url`.
    #[serde(alias = "sourceType")]
    pub source_type: String,
}

impl UploadUrls {
    /// Names files by address.
    pub fn new(urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { urls: urls.into_iter().map(Into::into).collect(), source_type: "url".to_owned() }
    }
}

/// What became of an upload.
///
/// ```
/// use nemovideo::protocol::{FileType, UploadAnswer, decode};
///
/// let body = br#"{"data":{"files":[{"filename":"a.mp4","file_type":"video","fps":30}]}}"#;
/// let answer: UploadAnswer = decode(body)?.expect("an answer");
/// assert_eq!(answer.files[0].file_type, Some(FileType::Video));
/// assert_eq!(answer.files[0].fps, Some(30.0));
/// # Ok::<(), nemovideo::protocol::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
#[non_exhaustive]
pub struct UploadAnswer {
    /// One for each file.
    pub files: Vec<UploadedFile>,
    /// Whether the session already knows of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_state_applied: Option<bool>,
}

/// A file that the service has. Its `Debug` shows no signature of an address.
///
/// ```
/// use nemovideo::protocol::UploadedFile;
///
/// let answer = r#"{"fileName":"sea.mov","duration":12.5,"width":1920,"height":1080,"fps":null}"#;
/// let file: UploadedFile = serde_json::from_str(answer)?;
/// assert_eq!((file.filename.as_str(), file.duration), ("sea.mov", Some(12.5)));
/// assert_eq!((file.width, file.height), (Some(1920), Some(1080)));
/// assert_eq!((file.fps, file.hash), (None, None)); // the service tells what it knows
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Fields")]
#[non_exhaustive]
pub struct UploadedFile {
    /// Its name.
    pub filename: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_type: Option<FileType>,
    /// Where the service keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cdn_url: Option<String>,
    /// Its length in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Its width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Its height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Its frames a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// A hash of its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

impl TryFrom<Fields> for UploadAnswer {
    type Error = Unreadable;

    /// `files` may be `null` and must be there: an answer without it tells of no upload.
    fn try_from(mut fields: Fields) -> Result<Self, Unreadable> {
        let files = match fields.need("files", |value| Some(value.clone()))? {
            Value::Null => Vec::new(),
            Value::Array(files) => files,
            _ => return Err(Unreadable::of_another_type("files")),
        };
        let file = |value| Fields::of(value).map(UploadedFile::from);
        let files: Option<_> = files.into_iter().map(file).collect();
        Ok(Self {
            files: files.ok_or_else(|| Unreadable::of_another_type("files"))?,
            session_state_applied: fields.read(&["session_state_applied"], flag),
        })
    }
}

impl From<Fields> for UploadedFile {
    fn from(mut fields: Fields) -> Self {
        let pixels = |value: &_| whole(value).and_then(|pixels| pixels.try_into().ok());
        Self {
            filename: fields.read(&["filename", "file_name"], text).unwrap_or_default(),
            file_type: fields.read(&["file_type"], |word| FileType::deserialize(word).ok()),
            cdn_url: fields.read(&["cdn_url"], text),
            duration: fields.read(&["duration"], number),
            width: fields.read(&["width"], pixels),
            height: fields.read(&["height"], pixels),
            fps: fields.read(&["fps"], rate),
            hash: fields.read(&["hash"], text),
        }
    }
}

impl fmt::Debug for UploadedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadedFile")
            .field("filename", &self.filename)
            .field("file_type", &self.file_type)
            .field("cdn_url", &self.cdn_url.as_deref().map(Unsigned))
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
    use super::{FileFormat, FileType, UploadAnswer, UploadUrls, UploadedFile};
    use crate::protocol::decode;

    #[test]
    fn the_end_of_the_name_tells_the_format() {
        assert_eq!(FileFormat::of("a/Holiday.MP4").unwrap().content_type, "video/mp4");
        assert_eq!(FileFormat::of("script.docx").unwrap().file_type, FileType::Document);
        assert_eq!(FileFormat::of("setup.exe"), None);
        assert_eq!(FileFormat::of("mp4"), None);
    }

    #[test]
    fn addresses_are_sent_as_specified() {
        assert_eq!(
            serde_json::to_string(&UploadUrls::new(["https://a/b.mp4"])).unwrap(),
            r#"{"urls":["https://a/b.mp4"],"source_type":"url"}"#
        );
    }

    #[test]
    fn a_file_is_read_with_whatever_is_known_of_it() {
        let answer: UploadAnswer = serde_json::from_str(
            r#"{"files":[{"filename":"a.mp3","file_type":"audio","duration":3.2,"fps":null},
                {"filename":"b","file_type":"hologram"}]}"#,
        )
        .unwrap();
        assert_eq!(answer.files[0].file_type, Some(FileType::Audio));
        assert_eq!(answer.files[1].file_type, Some(FileType::Unknown));
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

        let answer: UploadAnswer =
            serde_json::from_str(r#"{"files":null,"session_state_applied":"true"}"#).unwrap();
        assert_eq!((answer.files.len(), answer.session_state_applied), (0, Some(true)));
    }

    #[test]
    fn an_answer_without_files_is_no_upload() {
        let refusal = decode::<UploadAnswer>(br#"{"error":"disk full"}"#).unwrap().unwrap_err();
        assert_eq!(refusal.message, "disk full");
        for broken in
            [r#"{"code":0,"data":null}"#, "{}", r#"{"files":"a.mp4"}"#, r#"{"files":[1]}"#]
        {
            assert!(decode::<UploadAnswer>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_signed_address_is_not_shown() {
        let file = UploadedFile {
            cdn_url: Some("https://cdn.test/a.mp4?sig=hunter2".to_owned()),
            ..UploadedFile::default()
        };
        let shown = format!("{file:?}");
        assert!(shown.contains("https://cdn.test/a.mp4") && !shown.contains("hunter2"), "{shown}");
    }
}
