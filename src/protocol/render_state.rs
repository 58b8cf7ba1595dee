//! How far a render is: what `/api/render/proxy/lambda` answers.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shown::{Unsigned, one_line};
use super::tolerant::{Fields, Unreadable, id, number, text, whole};
use super::{RenderId, RenderStatus, time};

/// How far a render is, from either of the two documented shapes.
///
/// ```
/// use nemovideo::protocol::{RenderState, RenderStatus};
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
#[serde(try_from = "Fields")]
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
        serialize_with = "time::serialize_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_at: Option<SystemTime>,
    /// When it ended.
    #[serde(
        rename = "completedAt",
        serialize_with = "time::serialize_millis",
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

/// A finished file. Its `Debug` shows no signature of its address.
///
/// ```
/// use nemovideo::protocol::RenderFile;
/// use std::time::Duration;
///
/// let mut file = RenderFile::new("https://files.example/film.mp4");
/// assert_eq!(file.length(), None);
/// file.duration = Some(1.5);
/// assert_eq!(file.length(), Some(Duration::from_millis(1500)));
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
#[non_exhaustive]
pub struct RenderFile {
    /// Where it lies. It may be another host: neither token nor attribution is sent there.
    pub url: String,
    /// Its length in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
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

impl fmt::Debug for RenderFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderFile")
            .field("url", &Unsigned(&self.url))
            .field("duration", &self.duration)
            .field("size", &self.size)
            .finish()
    }
}

impl TryFrom<Fields> for RenderFile {
    type Error = Unreadable;

    fn try_from(mut fields: Fields) -> Result<Self, Unreadable> {
        Ok(Self {
            url: fields.need("url", text)?,
            duration: fields.read(&["duration"], number),
            size: fields.read(&["size"], whole),
        })
    }
}

impl TryFrom<Fields> for RenderState {
    type Error = Unreadable;

    /// Both shapes at once: `output.url` at the top, or a flat `outputUrl`.
    fn try_from(mut fields: Fields) -> Result<Self, Unreadable> {
        let id = fields.read(&["id", "render_id"], id);
        let error = fields.read(&["error", "error_message"], reason);
        let status = match fields.value("status") {
            Some(Value::String(word)) => RenderStatus::from(word.as_str()),
            Some(_) => return Err(Unreadable::of_another_type("status")),
            // The answer to a submit may hold the id alone: it was taken and waits.
            None if id.is_some() && error.is_none() => RenderStatus::Pending,
            None => return Err(Unreadable::missing("status")),
        };
        // An `output` without its `url` is a render that is not done, not a broken answer.
        let named = fields.value("output").and_then(|output| match output {
            Value::String(url) => Some(RenderFile::new(url)),
            output => Fields::of(output).and_then(|fields| RenderFile::try_from(fields).ok()),
        });
        let flat = fields.read(&["output_url"], text).map(RenderFile::new);
        let is_named = |file: &RenderFile| !file.url.is_empty();
        Ok(Self {
            id,
            status,
            progress: fields.read(&["progress"], percent),
            output: named.filter(is_named).or(flat.filter(is_named)),
            error,
            created_at: fields.read(&["created_at"], time::read),
            completed_at: fields.read(&["completed_at"], time::read),
        })
    }
}

/// A number, also as text with its sign: `40%`.
fn percent(value: &Value) -> Option<f32> {
    let plain = value.as_str().and_then(|text| text.trim().strip_suffix('%'));
    let percent = match plain {
        Some(plain) => number(&Value::from(plain)),
        None => number(value),
    };
    percent.map(|percent| percent as f32)
}

/// What went wrong, for people.
fn reason(value: &Value) -> Option<String> {
    let said = match value {
        Value::Null | Value::Bool(_) => return None,
        Value::String(text) => one_line(text),
        Value::Object(fields) => match fields.get("message").and_then(Value::as_str) {
            Some(message) => one_line(message),
            None => one_line(&value.to_string()),
        },
        other => one_line(&other.to_string()),
    };
    Some(said).filter(|said| !said.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{RenderFile, RenderState, RenderStatus};
    use crate::protocol::decode;

    fn state(json: &str) -> RenderState {
        decode(json.as_bytes()).unwrap().unwrap()
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

    #[test]
    fn an_odd_detail_does_not_cost_the_render() {
        let odd = state(
            r#"{"id":17,"renderId":"r","status":"completed","progress":"40","createdAt":"soon",
                "output":{"url":"https://c/f","size":"5","duration":"1.5"},
                "outputUrl":"https://c/f","output_url":"https://c/f","message":"hi"}"#,
        );
        assert_eq!(odd.id, Some("17".into()));
        assert_eq!((odd.progress, odd.created_at), (Some(40.0), None));
        let mut file = RenderFile::new("https://c/f");
        (file.size, file.duration) = (Some(5), Some(1.5));
        assert_eq!(odd.output, Some(file));

        let odd = state(r#"{"status":"completed","output":{"url":"u","size":5.0},"progress":[]}"#);
        assert_eq!(odd.output.unwrap().size, Some(5));
        let odd = state(r#"{"status":"completed","output":"https://c/f","progress":"40 %"}"#);
        assert_eq!((odd.output.unwrap().url.as_str(), odd.progress), ("https://c/f", Some(40.0)));
        let odd =
            state(r#"{"status":"processing","output":{"url":null},"detail":"frame 3 of 90"}"#);
        assert_eq!((odd.status, odd.output), (RenderStatus::Processing, None));
        let odd = state(r#"{"status":"failed","error":null,"errorMessage":"bad draft"}"#);
        assert_eq!(odd.error.as_deref(), Some("bad draft"));
        let odd = state(r#"{"status":"failed","error":"bad","errorMessage":"bad draft"}"#);
        assert_eq!(odd.error.as_deref(), Some("bad"));
    }

    #[test]
    fn an_id_alone_waits_and_an_answer_about_something_else_is_no_render() {
        assert_eq!(state(r#"{"code":0,"data":{"id":"r"}}"#).status, RenderStatus::Pending);
        assert_eq!(state(r#"{"renderId":"r","status":null}"#).status, RenderStatus::Pending);
        for said in [r#"{"error":"no such render"}"#, r#"{"message":"Unauthorized"}"#] {
            assert!(decode::<RenderState>(said.as_bytes()).unwrap().is_err(), "{said}");
        }
        for broken in [
            "{}",
            r#"{"code":0,"data":null}"#,
            r#"{"id":"r","error":"no such render"}"#,
            r#"{"id":"r","status":3}"#,
        ] {
            assert!(decode::<RenderState>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_signed_address_is_not_shown() {
        let signed = state(r#"{"status":"completed","outputUrl":"https://c/f.mp4?sig=hunter2"}"#);
        let shown = format!("{signed:?} {signed:#?}");
        assert!(shown.contains("https://c/f.mp4") && !shown.contains("hunter2"), "{shown}");
    }
}
