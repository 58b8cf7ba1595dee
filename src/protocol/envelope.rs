//! What an answer comes in: `{"code":0,"message":…,"data":…}`, `{"success":true,"data":…}`, the
//! bare object, or the agent server's `{"detail":…}`.

use std::borrow::Cow;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize};

use super::outline::Outline;

/// The envelope as the service writes it: what the embedded backend answers with.
///
/// ```
/// use nemovideo::protocol::{Envelope, ErrorCode, Session};
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
/// use nemovideo::protocol::{StateAnswer, decode};
///
/// // The agent server words its own refusals without a code.
/// let body = br#"{"detail":"Session not found: s"}"#;
/// let refusal = decode::<StateAnswer>(body)?.unwrap_err();
/// assert_eq!((refusal.code, refusal.message.as_str()), (None, "Session not found: s"));
/// # Ok::<(), nemovideo::protocol::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The `code` of the envelope; `None` where it was a word, or where there was only
    /// `success: false`, a `detail` or an `error`.
    pub code: Option<i64>,
    /// What the service said, as one line without control characters; 500 of its characters at
    /// the most. A `code` that is a word stands before it.
    pub message: String,
}

/// The answer was not what this endpoint answers.
///
/// ```
/// use nemovideo::protocol::{CreditBalance, decode};
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
/// use nemovideo::protocol::{Session, decode};
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
/// # Ok::<(), nemovideo::protocol::DecodeError>(())
/// ```
///
/// An answer that has nothing of what was asked for, and no envelope, but says something under
/// `error` or `message`, is a refusal too:
///
/// ```
/// use nemovideo::protocol::{StateAnswer, decode};
///
/// let refusal = decode::<StateAnswer>(br#"{"error":"upstream timeout"}"#)?.unwrap_err();
/// assert_eq!((refusal.code, refusal.message.as_str()), (None, "upstream timeout"));
/// # Ok::<(), nemovideo::protocol::DecodeError>(())
/// ```
///
/// # Errors
/// [`DecodeError`] when the body is not JSON or not of this shape; it names the JSON path, and
/// shows no text that stood there.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<Result<T, Refusal>, DecodeError> {
    // Broken UTF-8 in a message must not hide the code beside it.
    let text = String::from_utf8_lossy(body);
    let mended = matches!(text, Cow::Owned(_));
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let Ok(outline) = serde_json::from_str::<Outline<'_>>(text) else {
        // Not an object: bare JSON of another kind, or no JSON at all; T decides.
        return read(text, "").map(Ok);
    };
    if let Some(refusal) = outline.refusal() {
        return Ok(Err(refusal));
    }
    let (json, path) = outline.data.map_or((text, ""), |data| (data.get(), "data"));
    if mended && json.contains(char::REPLACEMENT_CHARACTER) {
        // The answer itself is never guessed at: a draft goes back as it came.
        let path = if path.is_empty() { "." } else { path }.to_owned();
        return Err(DecodeError { path, source: serde_json::Error::custom("it is not UTF-8") });
    }
    match (read(json, path), outline.lone_words()) {
        (Err(_), Some(refusal)) => Ok(Err(refusal)),
        (read, _) => read.map(Ok),
    }
}

fn read<T: DeserializeOwned>(json: &str, prefix: &str) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let inner = error.path().to_string();
        let path = match (prefix, inner.as_str()) {
            ("", inner) => inner.to_owned(),
            (prefix, ".") => prefix.to_owned(),
            (prefix, inner) => format!("{prefix}.{inner}"),
        };
        DecodeError { path, source: without_text(error.into_inner()) }
    })?;
    deserializer.end().map_err(|source| DecodeError { path: ".".to_owned(), source })?;
    Ok(value)
}

/// An error without the text that was found where something else was wanted: it may be a token,
/// or the signed address of a file.
fn without_text(error: serde_json::Error) -> serde_json::Error {
    let shown = error.to_string();
    let found = shown.find("string \"").map(|at| at + "string".len());
    match (found, shown.rfind("\", expected ")) {
        (Some(from), Some(to)) if from < to => {
            serde_json::Error::custom(format!("{}{}", &shown[..from], &shown[to + 1..]))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, decode};
    use crate::protocol::CreditBalance;

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
            r#"{"code":"OK","success":"true","data":{"available":"7"}}"#,
            r#"{"code":0.0,"message":{"odd":1},"data":{"available":7,"frozen":[],"total":{}}}"#,
            r#"{"success":1,"available":7,"message":"hi","detail":"of it","error":"none"}"#,
            "\u{feff}{\"available\":7}",
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
            (r#"{"code":"E_QUOTA","message":"none left"}"#, None, "E_QUOTA: none left"),
            (r#"{"code":"E_QUOTA"}"#, None, "E_QUOTA"),
            (r#"{"code":1001.0,"message":"expired"}"#, Some(1001), "expired"),
            (r#"{"code":1001,"success":"false","message":"expired"}"#, Some(1001), "expired"),
            (r#"{"code":0,"success":false,"message":"no"}"#, None, "no"),
            (r#"{"success":0,"message":"no"}"#, None, "no"),
            (r#"{"code":2001,"message":"\ud800"}"#, Some(2001), r#""\ud800""#),
            (r#"{"code":null,"code":2001,"code":0}"#, Some(2001), ""),
            (r#"{"message":"Unauthorized"}"#, None, "Unauthorized"),
            (r#"{"error":{"message":"timeout","status":"X"},"data":null}"#, None, "timeout"),
            (r#"{"code":7,"message":"a\r\n\u001b[2Jb"}"#, Some(7), "a [2Jb"),
        ];
        for (body, code, message) in cases {
            let refusal = refused(body);
            assert_eq!((refusal.code, refusal.message.as_str()), (code, message), "{body}");
        }
    }

    #[test]
    fn broken_text_hides_no_code_and_is_no_answer() {
        let refusal = decode::<CreditBalance>(b"{\"code\":2001,\"message\":\"\xc3(\"}");
        assert_eq!(refusal.unwrap().unwrap_err().code, Some(2001));
        let beside = b"{\"code\":0,\"message\":\"\xc3(\",\"data\":{\"available\":7}}";
        assert!(decode::<CreditBalance>(beside).unwrap().is_ok());
        let inside = b"{\"code\":0,\"data\":{\"available\":7,\"x\":\"\xc3(\"}}";
        assert_eq!(decode::<CreditBalance>(inside).unwrap_err().path, "data");
    }

    #[test]
    fn a_message_is_a_refusal_only_where_something_else_was_asked_for() {
        use serde::de::IgnoredAny;
        for body in [r#"{"message":"called off"}"#, "{}", r#"{"code":0,"data":null}"#] {
            assert!(decode::<IgnoredAny>(body.as_bytes()).unwrap().is_ok(), "{body}");
            let read = decode::<CreditBalance>(body.as_bytes());
            assert!(!matches!(read, Ok(Ok(_))), "{body}");
        }
    }

    #[test]
    fn an_error_shows_no_text_of_the_answer() {
        let error = decode::<Vec<bool>>(br#"["nmv_usr_\"secret\", expected "]"#).unwrap_err();
        assert_eq!(error.path, "[0]");
        let shown = error.to_string();
        assert!(shown.contains("invalid type: string, expected a boolean"), "{shown}");
        assert!(!shown.contains("secret") && shown.contains("line 1"), "{shown}");
    }

    #[test]
    fn a_wrong_type_is_named_by_its_path() {
        let error = decode::<CreditBalance>(br#"{"code":0,"data":{"available":[]}}"#).unwrap_err();
        assert_eq!(error.path, "data.available");
        let error = decode::<CreditBalance>(b"<html>").unwrap_err();
        assert_eq!(error.path, ".");
    }
}
