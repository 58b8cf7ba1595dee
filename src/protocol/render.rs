//! `/api/render/proxy/lambda`: a draft becomes a file.

use serde::{Deserialize, Serialize};

use super::{Aspect, RenderFormat, RenderId, RenderQuality, SessionId};
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
/// use nemovideo::protocol::RenderRequest;
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

#[cfg(test)]
mod tests {
    use super::{RenderOutput, RenderRequest};

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
}
