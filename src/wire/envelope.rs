//! What an answer comes in: `{"code":0,"message":…,"data":…}`, `{"success":true,"data":…}`, the
//! bare object, or the agent server's `{"detail":…}`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// The envelope as the service writes it: what the embedded backend answers with.
///
/// ```
/// use nemovideo::wire::{Envelope, ErrorCode, Session};
///
/// let opened = serde_json::to_value(Envelope::success(Session::new("t", "s")))?;
/// assert_eq!(opened["code"], 0);
/// assert_eq!(opened["data"]["session_id"], "s");
/// let gone = Envelope::refusal(ErrorCode::SessionNotFound, "no such session");
/// assert!(serde_json::to_string(&gone)?.starts_with(r#"{"code":1002,"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// 0, or one of [`ErrorCode`](super::ErrorCode).
    pub code: i64,
    /// For people; may be empty.
    pub message: String,
    /// The answer itself, absent from refusals.
    #[serde(skip_serializing_if = "Option::is_none", default = "Option::default")]
    pub data: Option<T>,
}

impl<T> Envelope<T> {
    /// An answer under code 0.
    pub fn success(data: T) -> Self {
        Self { code: 0, message: "success".to_owned(), data: Some(data) }
    }
}

impl Envelope<()> {
    /// A refusal.
    pub fn refusal(code: super::ErrorCode, message: impl Into<String>) -> Self {
        Self { code: code.number(), message: message.into(), data: None }
    }
}

/// The service understood the call and said no.
///
/// ```
/// use nemovideo::wire::{StateAnswer, decode};
///
/// // The agent server words its own refusals without a code.
/// let body = br#"{"detail":"Session not found: s"}"#;
/// let refusal = decode::<StateAnswer>(body)?.unwrap_err();
/// assert_eq!((refusal.code, refusal.message.as_str()), (None, "Session not found: s"));
/// # Ok::<(), nemovideo::wire::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The `code` of the envelope; `None` where there was only `success: false` or a `detail`.
    pub code: Option<i64>,
    /// What the service said, as one line.
    pub message: String,
}

/// The answer was not what this endpoint answers.
///
/// ```
/// use nemovideo::wire::{CreditBalance, decode};
///
/// let error = decode::<CreditBalance>(br#"{"code":0,"data":{"available":"many"}}"#).unwrap_err();
/// assert_eq!(error.path, "data.available");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("at `{path}`: {source}")]
#[non_exhaustive]
pub struct DecodeError {
    /// Where in the JSON, `.` for the whole.
    pub path: String,
    /// What is wrong there.
    pub source: serde_json::Error,
}

/// Takes an answer out of whichever envelope it came in.
///
/// The inner result is the service's own word: the answer, or its refusal.
///
/// ```
/// use nemovideo::wire::{Session, decode};
///
/// // With an envelope or without one, in either spelling.
/// for body in [
///     r#"{"code":0,"message":"ok","data":{"task_id":"t","session_id":"s"}}"#,
///     r#"{"success":true,"data":{"task_id":"t","session_id":"s"}}"#,
///     r#"{"task_id":"t","session_id":"s"}"#,
/// ] {
///     let session: Session = decode(body.as_bytes())?.expect("a session");
///     assert_eq!(session, Session::new("t", "s"));
/// }
/// # Ok::<(), nemovideo::wire::DecodeError>(())
/// ```
///
/// # Errors
/// [`DecodeError`] when the body is not JSON or not of this shape; it names the JSON path.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<Result<T, Refusal>, DecodeError> {
    let Ok(outline) = serde_json::from_slice::<Outline<'_>>(body) else {
        // Not an object: bare JSON of another kind, or no JSON at all; T decides.
        return from_slice(body, "").map(Ok);
    };
    if let Some(refusal) = outline.refusal() {
        return Ok(Err(refusal));
    }
    match outline.data {
        Some(data) => from_slice(data.get().as_bytes(), "data").map(Ok),
        None => from_slice(body, "").map(Ok),
    }
}

fn from_slice<T: DeserializeOwned>(json: &[u8], prefix: &str) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let inner = error.path().to_string();
        let path = match (prefix, inner.as_str()) {
            ("", inner) => inner.to_owned(),
            (prefix, ".") => prefix.to_owned(),
            (prefix, inner) => format!("{prefix}.{inner}"),
        };
        DecodeError { path, source: error.into_inner() }
    })?;
    deserializer.end().map_err(|source| DecodeError { path: ".".to_owned(), source })?;
    Ok(value)
}

/// The keys that tell one envelope from another; everything else is left unread.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(default, deserialize_with = "number_or_text")]
    code: Option<i64>,
    #[serde(default)]
    success: Option<bool>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    detail: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl Outline<'_> {
    fn refusal(&self) -> Option<Refusal> {
        let refused = match (self.code, self.success) {
            (Some(code), _) => code != 0,
            (None, Some(success)) => !success,
            (None, None) => self.detail.is_some() && self.data.is_none(),
        };
        let said = [self.message, self.detail, self.error];
        refused.then(|| Refusal {
            code: self.code.filter(|&code| code != 0),
            message: said.into_iter().flatten().find_map(words).unwrap_or_default(),
        })
    }
}

/// The words of a message: a string as it is; the agent server's list of complaints
/// (`[{"loc":…,"msg":…}]`) as one line; anything else as its JSON.
fn words(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Complaint {
        #[serde(default)]
        loc: Vec<serde_json::Value>,
        msg: String,
    }
    let json = raw.get();
    if let Ok(text) = serde_json::from_str::<Option<String>>(json) {
        return text.filter(|text| !text.trim().is_empty());
    }
    let Ok(complaints) = serde_json::from_str::<Vec<Complaint>>(json) else {
        return Some(json.to_owned());
    };
    let lines = complaints.into_iter().map(|Complaint { loc, msg }| {
        let place: Vec<String> = loc
            .iter()
            .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
            .collect();
        if place.is_empty() { msg } else { format!("{}: {msg}", place.join(".")) }
    });
    Some(lines.collect::<Vec<_>>().join("; "))
}

fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(match value {
        Some(serde_json::Value::Number(number)) => number.as_i64(),
        Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Refusal, decode};
    use crate::wire::CreditBalance;

    fn available(body: &str) -> f64 {
        decode::<CreditBalance>(body.as_bytes()).unwrap().unwrap().available.get()
    }

    fn refused(body: &str) -> Refusal {
        decode::<CreditBalance>(body.as_bytes()).unwrap().unwrap_err()
    }

    #[test]
    fn an_answer_is_found_in_every_envelope() {
        for body in [
            r#"{"code":0,"message":"ok","data":{"available":7}}"#,
            r#"{"success":true,"data":{"available":7}}"#,
            r#"{"available":7}"#,
            r#"{"code":"0","data":{"available":7}}"#,
            r#"{"code":0,"available":7,"data":null}"#,
        ] {
            assert_eq!(available(body), 7.0, "{body}");
        }
    }

    #[test]
    fn a_refusal_is_found_in_every_envelope() {
        let cases = [
            (r#"{"code":2001,"message":"no credits"}"#, Some(2001), "no credits"),
            (r#"{"code":"1001","message":null,"data":{}}"#, Some(1001), ""),
            (r#"{"success":false,"message":"no"}"#, None, "no"),
            (r#"{"detail":"Session not found: s"}"#, None, "Session not found: s"),
            (
                r#"{"detail":[{"loc":["body","new_message",0],"msg":"Field required","type":"missing"}]}"#,
                None,
                "body.new_message.0: Field required",
            ),
            (r#"{"success":false,"error":{"a":1}}"#, None, r#"{"a":1}"#),
        ];
        for (body, code, message) in cases {
            let refusal = refused(body);
            assert_eq!((refusal.code, refusal.message.as_str()), (code, message), "{body}");
        }
    }

    #[test]
    fn a_wrong_type_is_named_by_its_path() {
        let error = decode::<CreditBalance>(br#"{"code":0,"data":{"available":[]}}"#).unwrap_err();
        assert_eq!(error.path, "data.available");
        let error = decode::<CreditBalance>(b"<html>").unwrap_err();
        assert_eq!(error.path, ".");
    }
}
