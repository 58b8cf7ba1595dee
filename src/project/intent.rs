//! The meaning of a user's sentence, decided before anything is sent. The phrases are read by
//! [`language`](crate::language); this file gives them the types of the service.

use std::path::PathBuf;

use url::Url;

use crate::draft::SubtitleFormat;
use crate::language::intent::{ExportDetails, NamedFiles, Order, read};
use crate::protocol::{
    Aspect, FileFormat, RenderFormat, RenderOutput, RenderQuality, RenderResolution,
};

/// What a user means by a sentence: a command that the API carries out, or a message for the agent.
///
/// ```
/// use nemovideo::project::Intent;
/// use nemovideo::{Aspect, RenderFormat};
///
/// let Intent::Export(export) = Intent::of("download it as a portrait mp4, please") else {
///     panic!("a command");
/// };
/// assert_eq!(export.format, Some(RenderFormat::Mp4));
/// assert_eq!(export.aspect, Some(Aspect::Portrait));
///
/// assert!(matches!(Intent::of("导出字幕"), Intent::Subtitles(_)));
/// assert_eq!(Intent::of("还剩多少积分？"), Intent::Credits);
/// assert_eq!(Intent::of("what's on the timeline?"), Intent::State);
/// assert!(matches!(Intent::of("upload beach.mp4 and logo.png"), Intent::Upload(_)));
/// assert_eq!(Intent::of("add music and then export"), Intent::Message);
/// ```
///
/// # The rule
///
/// *A sentence is a command only if every part of it is understood.* It is read phrase by phrase
/// against a list of English and Chinese phrases: the commands themselves ("export", "余额"), what
/// they act on ("the final video"), details ("1080p", "竖屏"), and courtesies ("could you please",
/// "looks great", "吧"). Each phrase is listed with the commands that it can be a part of, and the
/// phrases of exactly one command must cover the sentence. A word that is not known, or that
/// belongs to another command, makes the sentence a message, because routing it would lose that
/// word:
///
/// - "make an intro for our export business": `intro` and `business` are for the agent;
/// - "don't export yet", "先不要导出": no negation is on the list;
/// - "add music and then export": a command with an edit in it goes to the agent as a whole, since
///   the export would come out without the music;
/// - "check my credits and then export": two commands, of which one would be lost, and so are two
///   formats ("as mp4 and wav");
/// - "how do I export?": asks for words, not for a file.
///
/// A sentence in quotation marks is a quotation, and one of several lines is a script: both are
/// messages. Where a word alone could be content it must be the whole command, so "mp4 please" is
/// an export and "portrait" is not; and "send me *the* video" asks for what is there, "send me *a*
/// video" for something new.
///
/// Paths, URLs and file names are taken out of the sentence first. Alone, or with nothing but the
/// words of an upload around them, they are one, and "export film.mp4" is an export; "use photo.jpg as
/// the background" is a message.
///
/// When in doubt it is a message: the agent can still be asked, while a command carried out by
/// mistake loses the message. A caller that knows better skips the routing and sends the message
/// itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intent {
    /// Export the video to a file.
    Export(ExportRequest),
    /// Write the subtitles to a file. Whether the video has any is seen from its draft.
    Subtitles(SubtitleFormat),
    /// Show the number of credits.
    Credits,
    /// Show what is on the timeline.
    State,
    /// Upload the user's files.
    Upload(UploadHint),
    /// Anything else: a message for the agent.
    Message,
}

impl Intent {
    /// Returns what `text` means; see [the rule](Self#the-rule).
    #[must_use]
    pub fn of(text: &str) -> Self {
        match read(text, |name| FileFormat::of(name).is_some()) {
            Order::Export(details) => Self::Export(details.into()),
            Order::Subtitles(format) => {
                let format = format.and_then(|word| word.parse().ok());
                Self::Subtitles(format.unwrap_or(SubtitleFormat::Srt))
            }
            Order::Credits => Self::Credits,
            Order::State => Self::State,
            Order::Upload(named) => UploadHint::of(named).map_or(Self::Message, Self::Upload),
            Order::Message => Self::Message,
        }
    }
}

/// The details of an export that the user stated; `None` for the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportRequest {
    /// Format of the file. One that the service does not know is kept, not replaced.
    pub format: Option<RenderFormat>,
    /// Quality of the file.
    pub quality: Option<RenderQuality>,
    /// Aspect ratio of the video.
    pub aspect: Option<Aspect>,
    /// Short side in pixels: 1080 for "1080p". [`output`](Self::output) requests it where there is
    /// a [`RenderResolution`] of it, and chooses a quality by it, since the specification has no
    /// field for it.
    pub resolution: Option<u32>,
    /// The path that the user named: `film.mp4` for "export film.mp4". It is left to the caller
    /// whether a file is written there: the sentence may be that of a stranger. A leading `~` is not
    /// expanded.
    pub file: Option<PathBuf>,
}

impl ExportRequest {
    /// Returns the requested output, with defaults for what was not stated.
    ///
    /// A stated quality takes precedence over a resolution, which stands for high quality from 1080
    /// lines on, medium from 720 and low below.
    #[must_use]
    pub fn output(&self) -> RenderOutput {
        let by_lines = |lines| match lines {
            1080.. => RenderQuality::High,
            720.. => RenderQuality::Medium,
            _ => RenderQuality::Low,
        };
        let said = self.quality.clone().or_else(|| self.resolution.map(by_lines));
        let format = self.format.clone().unwrap_or(RenderFormat::Mp4);
        let quality = said.unwrap_or(RenderQuality::High);
        let mut output = RenderOutput::new(format).quality(quality);
        output.aspect = self.aspect;
        output.resolution = match self.resolution {
            _ if output.format != RenderFormat::Mp4 => None,
            Some(1080) => Some(RenderResolution::P1080),
            Some(720) => Some(RenderResolution::P720),
            Some(480) => Some(RenderResolution::P480),
            _ => None,
        };
        output
    }
}

impl From<ExportDetails> for ExportRequest {
    fn from(details: ExportDetails) -> Self {
        let aspect = details.shape.map(|shape| match shape {
            "portrait" => Aspect::Portrait,
            "square" => Aspect::Square,
            _ => Aspect::Landscape,
        });
        Self {
            format: details.format.map(RenderFormat::from),
            quality: details.quality.map(RenderQuality::from),
            aspect,
            resolution: details.lines,
            file: details.file,
        }
    }
}

/// The files that the user named; empty when the user only asked to upload.
///
/// Whether the files exist and are supported is checked by the upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadHint {
    /// Paths on this machine. A leading `~` is left for the caller to expand.
    pub files: Vec<PathBuf>,
    /// URLs for the service to download; as written, since a signed URL must not change.
    pub urls: Vec<String>,
}

impl UploadHint {
    /// Returns whether no file was named.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.files.is_empty() && self.urls.is_empty()
    }

    /// `None` where a URL is not one: then the sentence is for the agent.
    fn of(named: NamedFiles) -> Option<Self> {
        let mut hint = Self { files: named.paths, urls: Vec::new() };
        for text in named.urls {
            let url = Url::parse(&text).ok()?;
            match url.scheme() {
                "file" => hint.files.push(url.to_file_path().ok()?),
                _ => hint.urls.push(text),
            }
        }
        Some(hint)
    }
}
