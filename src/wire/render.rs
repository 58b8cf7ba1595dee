//! `/api/render/proxy/lambda`: a draft becomes a file.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{Aspect, RenderFormat, RenderId, RenderQuality, RenderStatus, SessionId};
use crate::draft::Draft;

/// What the file should be.
///
/// ```
/// use nemovideo::{Aspect, RenderOutput, RenderQuality};
///
/// let film = RenderOutput::mp4();
/// assert_eq!(serde_json::to_string(&film)?, r#"{"format":"mp4","quality":"high"}"#);
/// let preview = film.quality(RenderQuality::Low).aspect(Aspect::Portrait);
/// assert_eq!(preview.aspect, Some(Aspect::Portrait));
/// assert_eq!(RenderOutput::m4a().format.as_str(), "m4a");
/// assert_eq!(RenderOutput::wav().format.as_str(), "wav");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenderOutput {
    /// What kind of file.
    pub format: RenderFormat,
    /// How good.
    #[serde(default = "default_quality")]
    pub quality: RenderQuality,
    /// Another shape than the draft's own. Not in the specification: sent only when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aspect: Option<Aspect>,
}

impl RenderOutput {
    /// High quality in this format.
    #[must_use]
    pub const fn new(format: RenderFormat) -> Self {
        Self { format, quality: RenderQuality::High, aspect: None }
    }

    /// A film: the documented form, `{"format":"mp4","quality":"high"}`.
    #[must_use]
    pub const fn mp4() -> Self {
        Self::new(RenderFormat::Mp4)
    }

    /// The sound alone, as AAC.
    #[must_use]
    pub const fn m4a() -> Self {
        Self::new(RenderFormat::M4a)
    }

    /// The sound alone, uncompressed.
    #[must_use]
    pub const fn wav() -> Self {
        Self::new(RenderFormat::Wav)
    }

    /// Sets the quality.
    #[must_use]
    pub fn quality(mut self, quality: RenderQuality) -> Self {
        self.quality = quality;
        self
    }

    /// Asks for another shape than the draft's own.
    #[must_use]
    pub fn aspect(mut self, aspect: Aspect) -> Self {
        self.aspect = Some(aspect);
        self
    }
}

impl Default for RenderOutput {
    fn default() -> Self {
        Self::mp4()
    }
}

fn default_quality() -> RenderQuality {
    RenderQuality::High
}

/// `POST /api/render/proxy/lambda`.
///
/// ```
/// use nemovideo::RenderOutput;
/// use nemovideo::wire::RenderRequest;
///
/// let body = r#"{"id":"render_1","sessionId":"s","draft":{"t":[],"x":1.10}}"#;
/// let request: RenderRequest = serde_json::from_str(body)?;
/// assert_eq!(request.output, RenderOutput::mp4()); // unless it says otherwise
/// let draft = r#""draft":{"t":[],"x":1.10}"#; // to the last digit
/// assert!(serde_json::to_string(&request)?.contains(draft));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct RenderRequest {
    /// Made by the client.
    pub id: RenderId,
    /// The one camelCase field of the specification's requests.
    #[serde(rename = "sessionId", alias = "session_id")]
    pub session_id: SessionId,
    /// The draft exactly as the state gave it.
    pub draft: Draft,
    /// What the file should be.
    #[serde(default)]
    pub output: RenderOutput,
}

/// A render that was submitted, written down: enough for another process to ask for it, fetch it
/// or, where it failed, try it once more.
///
/// It holds the whole draft and no secret. It is made by
/// [`NemoClient::submit_render`](crate::NemoClient::submit_render).
///
/// ```
/// use nemovideo::{RenderJob, RenderOutput, draft::Draft};
///
/// let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse()?;
/// let job = RenderJob::new("session".into(), draft, RenderOutput::mp4());
///
/// let kept = serde_json::to_string(&job)?;
/// assert_eq!(serde_json::from_str::<RenderJob>(&kept)?, job);
///
/// let again = job.replacement();
/// assert_ne!(again.id, job.id);
/// assert_eq!(again.replaces, Some(job.id));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenderJob {
    /// The render's own id.
    pub id: RenderId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// What the file is to be.
    pub output: RenderOutput,
    /// What was submitted.
    pub draft: Draft,
    /// The failed render that this one replaces; a job that replaces one is not replaced again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<RenderId>,
}

impl RenderJob {
    /// A job under a new id.
    #[must_use]
    pub fn new(session_id: SessionId, draft: Draft, output: RenderOutput) -> Self {
        Self { id: RenderId::generate(), session_id, output, draft, replaces: None }
    }

    /// The same work under a new id: that of the failed render, and `_again`.
    ///
    /// Two processes that go on with one job, or one that ended before it wrote the new id down,
    /// so come to the same id, and the work is begun anew once.
    #[must_use]
    pub fn replacement(&self) -> Self {
        let mut job = self.clone();
        let again = RenderId::new(format!("{}_again", self.id));
        job.replaces = Some(std::mem::replace(&mut job.id, again));
        job
    }

    /// What is submitted.
    ///
    /// ```
    /// use nemovideo::{RenderJob, RenderOutput, draft::Draft};
    ///
    /// let draft: Draft = r#"{"t":[],"x":1.10}"#.parse()?;
    /// let request = RenderJob::new("s".into(), draft, RenderOutput::mp4()).request();
    /// let json = serde_json::to_string(&request)?;
    /// assert!(json.contains(r#""sessionId":"s","draft":{"t":[],"x":1.10}"#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn request(&self) -> RenderRequest {
        RenderRequest {
            id: self.id.clone(),
            session_id: self.session_id.clone(),
            draft: self.draft.clone(),
            output: self.output.clone(),
        }
    }
}

/// How far a render is, from either of the two documented shapes.
///
/// ```
/// use nemovideo::wire::{RenderState, RenderStatus};
/// use std::time::Duration;
///
/// let done: RenderState =
///     serde_json::from_str(r#"{"status":"completed","output":{"url":"/f.mp4","duration":2.5}}"#)?;
/// assert!(done.status.is_final());
/// assert_eq!(done.output.and_then(|file| file.length()), Some(Duration::from_millis(2500)));
///
/// let waiting = RenderState::new("render_1".into(), RenderStatus::Pending);
/// assert!(!waiting.status.is_final());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Answer")]
#[non_exhaustive]
pub struct RenderState {
    /// The render.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<RenderId>,
    /// How far it is.
    pub status: RenderStatus,
    /// 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f32>,
    /// The file, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<RenderFile>,
    /// Why there will be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was submitted.
    #[serde(
        rename = "createdAt",
        with = "super::time::millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_at: Option<SystemTime>,
    /// When it ended.
    #[serde(
        rename = "completedAt",
        with = "super::time::millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub completed_at: Option<SystemTime>,
}

impl RenderState {
    /// A render with nothing known but how far it is.
    #[must_use]
    pub const fn new(id: RenderId, status: RenderStatus) -> Self {
        Self {
            id: Some(id),
            status,
            progress: None,
            output: None,
            error: None,
            created_at: None,
            completed_at: None,
        }
    }
}

/// A finished file.
///
/// ```
/// use nemovideo::wire::RenderFile;
/// use std::time::Duration;
///
/// let mut file = RenderFile::new("https://files.example/film.mp4");
/// assert_eq!(file.length(), None);
/// file.duration = Some(1.5);
/// assert_eq!(file.length(), Some(Duration::from_millis(1500)));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenderFile {
    /// Where it lies. It may be another host: neither token nor attribution is sent there.
    pub url: String,
    /// Its length in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl RenderFile {
    /// A file at this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), duration: None, size: None }
    }

    /// Its length, when the service told one that makes sense.
    #[must_use]
    pub fn length(&self) -> Option<Duration> {
        self.duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

/// Both shapes at once: `output.url` at the top, or a flat `outputUrl`.
#[derive(Deserialize)]
struct Answer {
    #[serde(default, alias = "renderId", alias = "render_id")]
    id: Option<RenderId>,
    #[serde(default)]
    status: Option<RenderStatus>,
    #[serde(default)]
    progress: Option<f32>,
    #[serde(default)]
    output: Option<AnswerFile>,
    #[serde(default, alias = "outputUrl")]
    output_url: Option<String>,
    #[serde(default, alias = "errorMessage", alias = "error_message")]
    error: Option<serde_json::Value>,
    #[serde(default, alias = "createdAt", with = "super::time::millis")]
    created_at: Option<SystemTime>,
    #[serde(default, alias = "completedAt", with = "super::time::millis")]
    completed_at: Option<SystemTime>,
}

/// An `output` without its `url` is a render that is not done, not a broken answer.
#[derive(Deserialize)]
struct AnswerFile {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(default)]
    size: Option<u64>,
}

impl From<Answer> for RenderState {
    fn from(answer: Answer) -> Self {
        let (url, duration, size) = match answer.output {
            Some(file) => (file.url, file.duration, file.size),
            None => (None, None, None),
        };
        let output = url
            .or(answer.output_url)
            .filter(|url| !url.is_empty())
            .map(|url| RenderFile { url, duration, size });
        let error = answer.error.and_then(|error| match error {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        });
        Self {
            id: answer.id,
            // The answer to a submit may hold the id alone: it was taken and waits.
            status: answer.status.unwrap_or(RenderStatus::Pending),
            progress: answer.progress,
            output,
            error,
            created_at: answer.created_at,
            completed_at: answer.completed_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RenderOutput, RenderRequest, RenderState, RenderStatus};
    use crate::wire::decode;

    #[test]
    fn a_request_carries_the_draft_exactly_as_it_came() {
        let draft = r#"{"zz":1.10,"t":[{"tt":0,"sg":[{"d":1E3,"q":null}]}]}"#;
        let request = RenderRequest {
            id: "render_1".into(),
            session_id: "s1".into(),
            draft: serde_json::from_str(draft).unwrap(),
            output: RenderOutput::mp4(),
        };
        let expected = format!(
            r#"{{"id":"render_1","sessionId":"s1","draft":{draft},"output":{{"format":"mp4","quality":"high"}}}}"#
        );
        assert_eq!(serde_json::to_string(&request).unwrap(), expected);
    }

    #[test]
    fn both_documented_shapes_say_the_same() {
        let top = br#"{"status":"completed","output":{"url":"https://cdn/x.mp4","duration":10,"size":5}}"#;
        let nested = br#"{"success":true,"data":{"id":"r","status":"completed","progress":100,
            "outputUrl":"https://cdn/x.mp4","createdAt":1795351293000,"completedAt":1795351294000}}"#;
        for body in [&top[..], &nested[..]] {
            let state: RenderState = decode(body).unwrap().unwrap();
            assert_eq!(state.status, RenderStatus::Completed);
            assert_eq!(state.output.unwrap().url, "https://cdn/x.mp4");
        }
    }

    #[test]
    fn an_unknown_status_word_is_kept() {
        let state: RenderState = serde_json::from_str(r#"{"status":"warming_up"}"#).unwrap();
        assert_eq!(state.status, RenderStatus::Other("warming_up".to_owned()));
        assert!(!state.status.is_final());
        assert!(serde_json::to_string(&state).unwrap().contains("warming_up"));
    }

    #[test]
    fn a_state_reads_what_it_wrote() {
        let body = br#"{"id":"r","status":"processing","progress":40.5,"createdAt":1795351293000}"#;
        let state: RenderState = decode(body).unwrap().unwrap();
        let back = serde_json::to_vec(&state).unwrap();
        assert_eq!(decode::<RenderState>(&back).unwrap().unwrap(), state);
    }
}
