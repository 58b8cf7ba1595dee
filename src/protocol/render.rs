//! `/api/render/proxy/lambda`: rendering a draft to a file.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tolerant::{
    FieldError, Fields, RedactedUrl, id, integer, number, one_line, text, timestamp, unix_millis,
};
use super::{Aspect, RenderId, SessionId};
use crate::draft::{Draft, Json, Object};

/// Defines an enum of strings that the service may extend: unknown strings are kept. A variant is
/// written as the service's own string, and read from that and from the other words after it, in
/// any letter case.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $variant:ident = $value:literal $(| $word:literal)*),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A value that this version does not know.
            Other(String),
        }

        impl $name {
            /// Returns the string that the service uses.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)+
                    Self::Other(value) => value,
                }
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                let word = value.trim().to_ascii_lowercase().replace(['-', ' '], "_");
                match word.as_str() {
                    $($value $(| $word)* => Self::$variant,)+
                    _ => Self::Other(value.to_owned()),
                }
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(value: &str) -> Result<Self, Infallible> {
                Ok(Self::from(value))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(String::deserialize(deserializer)?.as_str()))
            }
        }
    };
}

string_enum! {
    /// The format of a rendered file. A format that this version does not know is kept as it is:
    /// `"prores".parse()` is `Other("prores")`.
    RenderFormat {
        /// Video, as H.264 and AAC.
        Mp4 = "mp4",
        /// Audio only, as AAC.
        M4a = "m4a",
        /// Audio only, uncompressed.
        Wav = "wav",
        /// One frame, as JPEG: the poster of the video.
        Jpg = "jpg" | "jpeg",
        /// One frame, as PNG.
        Png = "png",
    }
}

string_enum! {
    /// The quality of a rendered file, against its size.
    RenderQuality {
        /// The best quality, as in the specification.
        High = "high",
        /// A smaller file.
        Medium = "medium",
        /// The smallest file.
        Low = "low",
    }
}

string_enum! {
    /// The resolution of a rendered video, by its shorter side. Documented by some revisions of the
    /// service, which show `1080p`.
    RenderResolution {
        /// 1080 pixels, as 1920 × 1080 or 1080 × 1920: the largest that the service documents.
        P1080 = "1080p",
        /// 720 pixels.
        P720 = "720p",
        /// 480 pixels.
        P480 = "480p",
    }
}

string_enum! {
    /// The video codec of a rendered file, documented by some revisions of the service.
    RenderCodec {
        /// H.264, the codec of every documented output.
        H264 = "h264",
    }
}

string_enum! {
    /// The status of a render.
    ///
    /// The end of a render is also read from the words that neighbouring services use for it:
    ///
    /// ```
    /// use nemovideo::protocol::RenderStatus;
    ///
    /// assert_eq!(RenderStatus::from("SUCCEEDED"), RenderStatus::Completed);
    /// assert_eq!(RenderStatus::from("timed_out"), RenderStatus::Failed);
    /// assert_eq!(RenderStatus::from("canceled"), RenderStatus::Cancelled);
    /// assert_eq!(RenderStatus::from("warming_up").as_str(), "warming_up"); // not an end
    /// ```
    RenderStatus {
        /// The render is in the queue.
        Pending = "pending",
        /// The render is running.
        Processing = "processing",
        /// The file is finished.
        Completed = "completed" | "complete" | "success" | "succeed" | "succeeded" | "successful"
            | "done" | "finished" | "completed_with_warnings" | "completed_with_errors",
        /// The render failed, was rejected or took too long.
        Failed = "failed" | "failure" | "fail" | "fails" | "error" | "errored" | "rejected"
            | "expired" | "crashed" | "unsuccessful" | "timeout" | "timedout" | "timed_out"
            | "time_out",
        /// The render was cancelled.
        Cancelled = "cancelled" | "canceled" | "cancel" | "aborted" | "terminated" | "stopped"
            | "killed" | "interrupted",
    }
}

impl RenderStatus {
    /// Returns whether the status is final. An unknown one is not.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// The requested form of a rendered file.
///
/// Format and quality are always sent, as specified. The rest is documented only by some revisions
/// of the service, so it is sent only when set. [`unspecified`](Self::unspecified) sends nothing at
/// all.
///
/// ```
/// use nemovideo::{Aspect, RenderOutput, RenderQuality};
///
/// let preview = RenderOutput::mp4().quality(RenderQuality::Low).aspect(Aspect::Portrait).fps(30);
/// let json = serde_json::to_string(&preview)?;
/// assert_eq!(json, r#"{"format":"mp4","quality":"low","aspect":"9:16","fps":30}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenderOutput {
    /// The format of the file.
    #[serde(default = "default_format")]
    pub format: RenderFormat,
    /// The quality of the file.
    #[serde(default = "default_quality")]
    pub quality: RenderQuality,
    /// The aspect ratio, when it is not the draft's own. Not part of the specification, so it is
    /// sent only when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aspect: Option<Aspect>,
    /// The resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<RenderResolution>,
    /// The frame rate, in frames per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<u32>,
    /// The video codec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<RenderCodec>,
    /// The constant rate factor of the video encoder: lower is better and larger. The documented
    /// example is 23.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crf: Option<u8>,
    /// Whether nothing is requested, so that a submission leaves `output` out.
    #[serde(skip)]
    is_unspecified: bool,
}

impl RenderOutput {
    /// Creates the output of a file in this format and in high quality.
    #[must_use]
    pub const fn new(format: RenderFormat) -> Self {
        Self {
            format,
            quality: RenderQuality::High,
            aspect: None,
            resolution: None,
            fps: None,
            codec: None,
            crf: None,
            is_unspecified: false,
        }
    }

    /// Creates an output in whatever form the service chooses: a submission leaves `output` out,
    /// which some revisions of the service document. Any setter makes it a specified one again.
    #[must_use]
    pub const fn unspecified() -> Self {
        let mut output = Self::mp4();
        output.is_unspecified = true;
        output
    }

    fn is_unspecified(&self) -> bool {
        self.is_unspecified
    }

    /// Creates the output of a video as in the specification: `{"format":"mp4","quality":"high"}`.
    #[must_use]
    pub const fn mp4() -> Self {
        Self::new(RenderFormat::Mp4)
    }

    /// Creates the output of an audio file, as AAC.
    #[must_use]
    pub const fn m4a() -> Self {
        Self::new(RenderFormat::M4a)
    }

    /// Creates the output of an audio file, uncompressed.
    #[must_use]
    pub const fn wav() -> Self {
        Self::new(RenderFormat::Wav)
    }

    /// Sets the quality.
    #[must_use]
    pub fn quality(mut self, quality: RenderQuality) -> Self {
        self.quality = quality;
        self.specified()
    }

    /// Sets another aspect ratio than the draft's own.
    #[must_use]
    pub fn aspect(mut self, aspect: Aspect) -> Self {
        self.aspect = Some(aspect);
        self.specified()
    }

    /// Sets the resolution.
    #[must_use]
    pub fn resolution(mut self, resolution: RenderResolution) -> Self {
        self.resolution = Some(resolution);
        self.specified()
    }

    /// Sets the frame rate, in frames per second.
    #[must_use]
    pub fn fps(mut self, fps: u32) -> Self {
        self.fps = Some(fps);
        self.specified()
    }

    /// Sets the video codec.
    #[must_use]
    pub fn codec(mut self, codec: RenderCodec) -> Self {
        self.codec = Some(codec);
        self.specified()
    }

    /// Sets the constant rate factor of the video encoder.
    #[must_use]
    pub fn crf(mut self, crf: u8) -> Self {
        self.crf = Some(crf);
        self.specified()
    }

    fn specified(mut self) -> Self {
        self.is_unspecified = false;
        self
    }
}

impl Default for RenderOutput {
    fn default() -> Self {
        Self::mp4()
    }
}

fn default_format() -> RenderFormat {
    RenderFormat::Mp4
}

fn default_quality() -> RenderQuality {
    RenderQuality::High
}

/// A render that is or will be submitted, with everything needed to poll, download or repeat it.
///
/// Serialize it before waiting for the render, so that another process can continue. It holds the
/// whole draft and no secret. The body of a submission deserializes to it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenderJob {
    /// The id of the render.
    pub id: RenderId,
    /// The session that the render belongs to.
    #[serde(rename(deserialize = "sessionId"), alias = "session_id")]
    pub session_id: SessionId,
    /// The requested form of the file.
    #[serde(
        default = "RenderOutput::unspecified",
        skip_serializing_if = "RenderOutput::is_unspecified"
    )]
    pub output: RenderOutput,
    /// The draft to render.
    pub draft: Draft,
    /// The failed render that this one replaces. A replacement is not replaced again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<RenderId>,
}

/// The body of a submission.
#[derive(Debug, Serialize)]
pub(crate) struct RenderRequest<'a> {
    id: &'a RenderId,
    /// The one camelCase field among the requests of the specification.
    #[serde(rename = "sessionId")]
    session_id: &'a SessionId,
    draft: &'a Draft,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a RenderOutput>,
}

impl RenderJob {
    /// Creates a job with a new id.
    #[must_use]
    pub fn new(session_id: SessionId, draft: Draft, output: RenderOutput) -> Self {
        Self { id: RenderId::generate(), session_id, output, draft, replaces: None }
    }

    /// Returns the same work under a new id: the id of the failed render with `_again` appended.
    ///
    /// The new id is derived, so that two processes that continue one job, or a process that ended
    /// before it stored the new id, submit the replacement only once.
    #[must_use]
    pub fn replacement(&self) -> Self {
        let mut job = self.clone();
        let id = RenderId::new(format!("{}_again", self.id));
        job.replaces = Some(std::mem::replace(&mut job.id, id));
        job
    }

    pub(crate) fn request(&self) -> RenderRequest<'_> {
        let Self { id, session_id, draft, output, replaces: _ } = self;
        let output = (!output.is_unspecified()).then_some(output);
        RenderRequest { id, session_id, draft, output }
    }
}

/// The state of a render, as the service reports it. `Debug` omits the signature of the URL.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(try_from = "Fields<'static>")]
#[non_exhaustive]
pub struct RenderState {
    /// The id of the render.
    pub id: Option<RenderId>,
    /// The status of the render.
    pub status: RenderStatus,
    /// The progress in percent, 0 to 100.
    pub progress: Option<f32>,
    /// The URL of the file, once it is finished. It may be on another host, to which neither the
    /// token nor the attribution is sent.
    pub url: Option<String>,
    /// The duration of the file.
    pub duration: Option<Duration>,
    /// The size of the file in bytes.
    pub size: Option<u64>,
    /// The reason of a failure.
    pub error: Option<String>,
    /// The time of the submission.
    pub created_at: Option<SystemTime>,
    /// The time at which the render ended.
    pub completed_at: Option<SystemTime>,
}

impl RenderState {
    /// Creates a state with a status and nothing else.
    #[must_use]
    pub const fn new(id: RenderId, status: RenderStatus) -> Self {
        Self {
            id: Some(id),
            status,
            progress: None,
            url: None,
            duration: None,
            size: None,
            error: None,
            created_at: None,
            completed_at: None,
        }
    }
}

impl fmt::Debug for RenderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderState")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("progress", &self.progress)
            .field("url", &self.url.as_deref().map(RedactedUrl))
            .field("duration", &self.duration)
            .field("size", &self.size)
            .field("error", &self.error)
            .field("created_at", &self.created_at)
            .field("completed_at", &self.completed_at)
            .finish()
    }
}

impl Serialize for RenderState {
    /// Nests the file in `output`, as specified.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Output<'a> {
            url: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            duration: Option<f64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            size: Option<u64>,
        }

        let Self { duration, size, .. } = self;
        let duration = duration.map(|duration| duration.as_secs_f64());
        let output = self.url.as_deref().map(|url| Output { url, duration, size: *size });
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "id", self.id.as_ref())?;
        entry(&mut map, "status", Some(&self.status))?;
        entry(&mut map, "progress", self.progress)?;
        entry(&mut map, "output", output)?;
        entry(&mut map, "error", self.error.as_ref())?;
        entry(&mut map, "createdAt", self.created_at.and_then(unix_millis))?;
        entry(&mut map, "completedAt", self.completed_at.and_then(unix_millis))?;
        map.end()
    }
}

fn entry<M: SerializeMap>(
    map: &mut M,
    key: &str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}

impl TryFrom<Fields<'_>> for RenderState {
    type Error = FieldError;

    /// Reads both documented shapes at once: a nested `output.url` and a flat `outputUrl`.
    fn try_from(mut fields: Fields<'_>) -> Result<Self, FieldError> {
        let id = fields.read_any(&["id", "render_id"], id);
        let mut error = fields.read_any(&["error", "error_message"], reason);
        let status = match fields.require("status", |json| json.as_str().map(RenderStatus::from)) {
            // The response to a submission may hold the id alone: the render was accepted.
            Err(_) if fields.get("status").is_none() && id.is_some() && error.is_none() => {
                RenderStatus::Pending
            }
            status => status?,
        };
        if matches!(status, RenderStatus::Failed | RenderStatus::Cancelled) {
            // Beside any other status, these may say anything.
            const REASONS: [&str; 4] = ["message", "reason", "failure_reason", "detail"];
            error = error.or_else(|| fields.read_any(&REASONS, reason));
        }
        let url = |json: &Json| text(json).filter(|url| is_usable_url(url));
        let (nested, duration, size) = {
            let empty = Object::new();
            let object = fields.get("output").and_then(Json::as_object).unwrap_or(&empty);
            let mut file = Fields::of(object);
            (file.read("url", url), file.read("duration", seconds), file.read("size", integer))
        };
        let nested = nested.or_else(|| fields.read("output", url));
        let url = nested.or_else(|| fields.read("output_url", url));
        // The file may be ready, or the render for its start: only the URL shows which.
        let is_ready = status.as_str().trim().eq_ignore_ascii_case("ready") && url.is_some();
        let status = if is_ready { RenderStatus::Completed } else { status };
        Ok(Self {
            id,
            status,
            progress: fields.read("progress", percent),
            url,
            duration,
            size,
            error,
            created_at: fields.read("created_at", timestamp),
            completed_at: fields.read("completed_at", timestamp),
        })
    }
}

/// Whether a URL is there, and whole: one with a lost character leads elsewhere.
fn is_usable_url(url: &str) -> bool {
    !url.trim().is_empty() && !url.contains(char::REPLACEMENT_CHARACTER)
}

/// Returns a duration from seconds; `None` when it is out of range.
fn seconds(json: &Json) -> Option<Duration> {
    Duration::try_from_secs_f64(number(json)?).ok()
}

/// Returns a number, also from text with a percent sign: `40%`.
fn percent(json: &Json) -> Option<f32> {
    let digits = json.as_str().and_then(|text| text.trim().strip_suffix('%'));
    let percent = match digits {
        Some(digits) => number(&digits.into()),
        None => number(json),
    };
    percent.map(|percent| percent as f32)
}

/// Returns the reason of a failure as one line.
fn reason(json: &Json) -> Option<String> {
    if json.as_bool().is_some() {
        return None;
    }
    let message = json.as_str().or_else(|| json.get("message")?.as_str());
    let reason = message.map_or_else(|| one_line(&json.to_string()), one_line);
    Some(reason).filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::decode;

    fn state(json: &str) -> RenderState {
        decode(json.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_request_has_the_draft_exactly_as_it_came() {
        let draft = r#"{"zz":1.10,"t":[{"tt":0,"sg":[{"d":1E3,"q":null}]}]}"#;
        let mut job = RenderJob::new("s1".into(), draft.parse().unwrap(), RenderOutput::mp4());
        job.id = "render_1".into();
        let body = serde_json::to_string(&job.request()).unwrap();
        let expected = format!(
            r#"{{"id":"render_1","sessionId":"s1","draft":{draft},"output":{{"format":"mp4","quality":"high"}}}}"#
        );
        assert_eq!(body, expected);
        assert_eq!(serde_json::from_str::<RenderJob>(&body).unwrap(), job);
        let saved = serde_json::to_string(&job).unwrap();
        assert!(saved.contains(r#""session_id":"s1""#), "{saved}");
        assert_eq!(serde_json::from_str::<RenderJob>(&saved).unwrap(), job);
    }

    #[test]
    fn a_request_without_an_output_is_for_a_video() {
        let body = r#"{"id":"render_1","sessionId":"s","draft":{"t":[]}}"#;
        let job: RenderJob = serde_json::from_str(body).unwrap();
        assert_eq!(job.output, RenderOutput::unspecified());
        assert_eq!(job.output.format, RenderFormat::Mp4);
        assert_eq!(serde_json::to_string(&job.request()).unwrap(), body);
        let saved = serde_json::to_string(&job).unwrap();
        assert_eq!(serde_json::from_str::<RenderJob>(&saved).unwrap(), job);
        assert_eq!(RenderOutput::unspecified().quality(RenderQuality::High), RenderOutput::mp4());
    }

    #[test]
    fn an_option_is_sent_only_when_it_is_set() {
        let json = |output: &RenderOutput| serde_json::to_string(output).unwrap();
        let specified = r#"{"format":"mp4","quality":"high"#;
        for (output, added) in [
            (RenderOutput::mp4(), ""),
            (RenderOutput::mp4().resolution(RenderResolution::P1080), r#","resolution":"1080p""#),
            (RenderOutput::mp4().fps(24), r#","fps":24"#),
            (RenderOutput::mp4().codec(RenderCodec::H264), r#","codec":"h264""#),
            (RenderOutput::mp4().crf(23), r#","crf":23"#),
            (RenderOutput::mp4().codec("av1".into()), r#","codec":"av1""#),
        ] {
            assert_eq!(json(&output), format!("{specified}\"{added}}}"));
            assert_eq!(serde_json::from_str::<RenderOutput>(&json(&output)).unwrap(), output);
        }
        let bare: RenderOutput = serde_json::from_str(r#"{"resolution":"1080p"}"#).unwrap();
        assert_eq!(bare, RenderOutput::mp4().resolution(RenderResolution::P1080));
    }

    #[test]
    fn a_replacement_has_an_id_that_any_process_derives() {
        let job = RenderJob::new("s".into(), "{}".parse().unwrap(), RenderOutput::mp4());
        let replacement = job.replacement();
        assert_eq!(replacement, job.replacement());
        assert_eq!(replacement.id.to_string(), format!("{}_again", job.id));
        assert_eq!(replacement.replaces, Some(job.id));
    }

    #[test]
    fn both_documented_shapes_say_the_same() {
        let top = br#"{"status":"completed","output":{"url":"https://cdn/x.mp4","duration":10,"size":5}}"#;
        let nested = br#"{"success":true,"data":{"id":"r","status":"completed","progress":100,
            "outputUrl":"https://cdn/x.mp4","createdAt":1795351293000,"completedAt":1795351294000}}"#;
        for body in [&top[..], &nested[..]] {
            let state: RenderState = decode(body).unwrap().unwrap();
            assert_eq!(state.status, RenderStatus::Completed);
            assert_eq!(state.url.unwrap(), "https://cdn/x.mp4");
        }
    }

    #[test]
    fn an_unknown_value_is_kept() {
        let state: RenderState = serde_json::from_str(r#"{"status":"warming_up"}"#).unwrap();
        assert_eq!(state.status, RenderStatus::Other("warming_up".to_owned()));
        assert!(!state.status.is_final());
        assert!(serde_json::to_string(&state).unwrap().contains("warming_up"));
        assert_eq!("MP4".parse(), Ok(RenderFormat::Mp4));
        assert_eq!(RenderFormat::from("prores").as_str(), "prores");
    }

    #[test]
    fn every_known_word_for_an_end_is_an_end() {
        use RenderStatus::{Cancelled, Completed, Failed};
        for (end, words) in [
            (
                Completed,
                "completed succeeded success succeed done complete finished Successful \
                 completed_with_warnings Completed-With-Errors",
            ),
            (
                Failed,
                "failed error timed_out timed-out timedOut timeout expired rejected failure fails \
                 crashed unsuccessful",
            ),
            (Cancelled, "cancelled canceled cancel aborted terminated stopped killed interrupted"),
        ] {
            for word in words.split(' ') {
                for word in [word.to_owned(), word.to_uppercase(), format!(" {word} ")] {
                    let read = state(&format!(r#"{{"id":"r","status":"{word}"}}"#)).status;
                    assert_eq!(read, end, "{word}");
                    assert!(read.is_final());
                }
            }
        }
        assert_eq!(Failed.to_string(), "failed");
        assert_eq!(RenderStatus::from("Timed out"), Failed);
        assert_eq!(RenderStatus::from("completed with warnings"), Completed);
        for word in [
            "",
            "queued",
            "ready",
            "erroring",
            "cancelling",
            "succeeding",
            "not completed",
            "已完成",
        ] {
            let read = RenderStatus::from(word);
            assert_eq!((read.is_final(), read.as_str()), (false, word));
        }
    }

    #[test]
    fn a_render_that_is_ready_is_completed_only_with_a_url() {
        for (body, expected) in [
            (r#"{"status":"ready","output":{"url":"https://c/f"}}"#, true),
            (r#"{"status":" READY ","outputUrl":"https://c/f"}"#, true),
            (r#"{"status":"ready"}"#, false),
            (r#"{"status":"ready","output":{"url":" "},"outputUrl":null}"#, false),
            (r#"{"status":"queued","outputUrl":"https://c/f"}"#, false),
        ] {
            assert_eq!(state(body).status == RenderStatus::Completed, expected, "{body}");
        }
    }

    #[test]
    fn a_failure_has_the_message_beside_it() {
        for (body, expected) in [
            (r#"{"id":"r","status":"error","error":"bad draft"}"#, Some("bad draft")),
            (r#"{"id":"r","status":"error","message":"bad draft"}"#, Some("bad draft")),
            (r#"{"status":"failed","error":{"code":3,"message":"bad draft"}}"#, Some("bad draft")),
            (r#"{"status":"failed","error":"","failureReason":"bad draft"}"#, Some("bad draft")),
            (r#"{"status":"aborted","error":true,"reason":"by an admin"}"#, Some("by an admin")),
            (r#"{"code":0,"message":"success","data":{"status":"failed"}}"#, None),
            (r#"{"status":"success","message":"ok","data":{"status":"processing"}}"#, None),
            (r#"{"status":"processing","message":"frame 3 of 90"}"#, None),
            (r#"{"status":"canceled"}"#, None),
        ] {
            assert_eq!(state(body).error.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_state_reads_what_it_wrote() {
        let body = r#"{"id":"r","status":"processing","progress":40.5,"createdAt":1795351293000}"#;
        assert_eq!(serde_json::to_string(&state(body)).unwrap(), body);
        let body = r#"{"status":"completed","output":{"url":"/f.mp4","duration":2.5,"size":5},"error":"e"}"#;
        assert_eq!(serde_json::to_string(&state(body)).unwrap(), body);
    }

    #[test]
    fn an_odd_detail_does_not_cost_the_render() {
        let odd = state(
            r#"{"id":17,"renderId":"r","status":"completed","progress":"40","createdAt":"soon",
                "output":{"url":"https://c/f","size":"5","duration":"1.5"},
                "outputUrl":"https://c/f","output_url":"https://c/f","message":"hi"}"#,
        );
        assert_eq!(odd.id, Some("17".into()));
        assert_eq!((odd.progress, odd.created_at), (Some(40.0), None));
        assert_eq!(odd.url.as_deref(), Some("https://c/f"));
        assert_eq!((odd.size, odd.duration), (Some(5), Some(Duration::from_millis(1500))));

        let odd = state(
            r#"{"status":"completed","output":{"url":"u","size":5.0,"duration":-1},"progress":[]}"#,
        );
        assert_eq!((odd.size, odd.duration), (Some(5), None));
        let odd = state(r#"{"status":"completed","output":{"size":5},"outputUrl":"https://c/f"}"#);
        assert_eq!((odd.url.as_deref(), odd.size), (Some("https://c/f"), Some(5)));
        let odd = state(r#"{"status":"completed","output":{"url":" "},"outputUrl":""}"#);
        assert_eq!(odd.url, None);
        let odd = state(r#"{"status":"completed","output":"https://c/f","progress":"40 %"}"#);
        assert_eq!((odd.url.as_deref(), odd.progress), (Some("https://c/f"), Some(40.0)));
        let odd =
            state(r#"{"status":"processing","output":{"url":null},"detail":"frame 3 of 90"}"#);
        assert_eq!((odd.status, odd.url), (RenderStatus::Processing, None));
        let odd = state(r#"{"status":"failed","error":null,"errorMessage":"bad draft"}"#);
        assert_eq!(odd.error.as_deref(), Some("bad draft"));
        let odd = state(r#"{"status":"failed","error":"bad","errorMessage":"bad draft"}"#);
        assert_eq!(odd.error.as_deref(), Some("bad"));
        let odd = state(r#"{"status":"failed","error":{"message":"bad","at":3}}"#);
        assert_eq!(odd.error.as_deref(), Some("bad"));
    }

    #[test]
    fn an_id_alone_is_pending() {
        assert_eq!(state(r#"{"code":0,"data":{"id":"r"}}"#).status, RenderStatus::Pending);
        assert_eq!(state(r#"{"renderId":"r","status":null}"#).status, RenderStatus::Pending);
        for broken in [r#"{"id":"r","error":"no such render"}"#, r#"{"id":"r","status":3}"#] {
            assert!(decode::<RenderState>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_signed_url_is_not_shown() {
        let signed = state(r#"{"status":"completed","outputUrl":"https://c/f.mp4?sig=hunter2"}"#);
        let shown = format!("{signed:?} {signed:#?}");
        assert!(shown.contains("https://c/f.mp4") && !shown.contains("hunter2"), "{shown}");
    }
}
