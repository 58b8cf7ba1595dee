//! The envelope of a response: `{"code":0,"message":…,"data":…}`, `{"success":true,"data":…}`, the
//! bare object, or the agent server's `{"detail":…}`; and the codes of error responses.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::tolerant::{LoneSurrogates, flag, is_spelling, number, one_line, repair_json};
use crate::draft::Json;

/// The `code` of an error response, or the HTTP status that stands for it.
///
/// The service sends 400, 402 and 429 as either. A code that is not documented keeps its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 1001: the token is expired or invalid.
    TokenInvalid,
    /// 1010: the token is invalid. Documented by some revisions of the service; a client does the
    /// same as for [`TokenInvalid`](Self::TokenInvalid).
    TokenInvalid1010,
    /// 1011: the token is invalid. Documented by some revisions of the service; a client does the
    /// same as for [`TokenInvalid`](Self::TokenInvalid).
    TokenInvalid1011,
    /// 1002: the session does not exist.
    SessionNotFound,
    /// 2001: the account has no credits left.
    OutOfCredits,
    /// 4001: the service does not accept this type of file.
    UnsupportedFileType,
    /// 4002: the file is too large.
    FileTooLarge,
    /// 400: the `X-Client-Id` header is missing.
    ClientIdMissing,
    /// 402: this export is not allowed by the plan, lacks an attribution header, or, in some
    /// revisions of the service, has a token without the `render` scope.
    ExportBlocked,
    /// 429: too many requests.
    RateLimited,
    /// Any other number.
    Other(i64),
}

impl ErrorCode {
    pub(crate) const DOCUMENTED: [Self; 10] = [
        Self::TokenInvalid,
        Self::TokenInvalid1010,
        Self::TokenInvalid1011,
        Self::SessionNotFound,
        Self::OutOfCredits,
        Self::UnsupportedFileType,
        Self::FileTooLarge,
        Self::ClientIdMissing,
        Self::ExportBlocked,
        Self::RateLimited,
    ];

    const fn row(self) -> (i64, &'static str) {
        match self {
            Self::TokenInvalid => (1001, "the token is expired or invalid"),
            Self::TokenInvalid1010 => (1010, "the token is invalid"),
            Self::TokenInvalid1011 => (1011, "the token is invalid"),
            Self::SessionNotFound => (1002, "the session was not found"),
            Self::OutOfCredits => (2001, "out of credits"),
            Self::UnsupportedFileType => (4001, "unsupported file type"),
            Self::FileTooLarge => (4002, "the file is too large"),
            Self::ClientIdMissing => (400, "the client id is missing"),
            Self::ExportBlocked => (402, "the export is blocked"),
            Self::RateLimited => (429, "rate limited"),
            Self::Other(number) => (number, "the service returned an error"),
        }
    }

    /// Returns the number that the service sends.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.row().0
    }

    /// Returns whether the service rejected the token: code 1001, 1010 or 1011.
    #[must_use]
    pub const fn is_token_rejection(self) -> bool {
        matches!(self, Self::TokenInvalid | Self::TokenInvalid1010 | Self::TokenInvalid1011)
    }

    /// Returns the meaning of the code in a few words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.row().1
    }
}

impl From<i64> for ErrorCode {
    fn from(number: i64) -> Self {
        let documented = Self::DOCUMENTED.into_iter().find(|code| code.number() == number);
        documented.unwrap_or(Self::Other(number))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.meaning(), self.number())
    }
}

/// The specified envelope, as the embedded backend and the mock send it.
#[cfg(any(feature = "local", feature = "mock"))]
#[derive(Debug, serde::Serialize)]
pub(crate) struct Envelope<T> {
    code: i64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

#[cfg(any(feature = "local", feature = "mock"))]
impl<T> Envelope<T> {
    pub(crate) fn success(data: T) -> Self {
        Self { code: 0, message: "success".to_owned(), data: Some(data) }
    }
}

#[cfg(any(feature = "local", feature = "mock"))]
impl Envelope<()> {
    pub(crate) fn error(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code: code.number(), message: message.into(), data: None }
    }
}

/// An error that the service returned in place of the requested data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErrorResponse {
    /// The `code` of the envelope; `None` when it was a word, or when there was only
    /// `success: false`, a `detail` or an `error`.
    pub(crate) code: Option<i64>,
    /// The message as [one line](one_line). A `code` that is a word precedes it.
    pub(crate) message: String,
}

/// A response that does not have the expected shape.
#[derive(Debug, thiserror::Error)]
#[error("unexpected JSON at `{path}`")]
pub(crate) struct DecodeError {
    /// The JSON path; `.` for the whole body.
    pub(crate) path: String,
    /// The error at that path, without any text of the body.
    pub(crate) source: serde_json::Error,
}

/// Decodes the data of a response from whichever envelope it is in.
///
/// The inner result distinguishes data from an [`ErrorResponse`]. A body that has no envelope and none of
/// the requested data, but an `error` or a `message`, is an error response too.
///
/// A detail that is not valid JSON or UTF-8 costs itself alone, except in a draft: that must go
/// back exactly as it came.
pub(crate) fn decode<T: DeserializeOwned>(
    body: &[u8],
) -> Result<Result<T, ErrorResponse>, DecodeError> {
    let mut error = match std::str::from_utf8(body) {
        Ok(text) => match decode_text(text.strip_prefix('\u{feff}').unwrap_or(text), true) {
            Err(error) => error,
            decoded => return decoded,
        },
        Err(_) => DecodeError {
            path: ".".to_owned(),
            source: serde_json::Error::custom("the body is not UTF-8"),
        },
    };
    for surrogates in [LoneSurrogates::Keep, LoneSurrogates::Replace] {
        let Some(repaired) = repair_json(body, surrogates) else { break };
        match decode_text(&repaired.text, repaired.is_draft_exact) {
            Err(more_specific) => error = more_specific,
            decoded => return decoded,
        }
    }
    Err(error)
}

fn decode_text<T: DeserializeOwned>(
    text: &str,
    is_draft_exact: bool,
) -> Result<Result<T, ErrorResponse>, DecodeError> {
    let Ok(envelope) = serde_json::from_str::<RawEnvelope<'_>>(text) else {
        // Not an object: JSON of another type, or no JSON at all; `T` decides.
        return deserialize(text, "").map(Ok);
    };
    if let Some(error) = envelope.error_response() {
        return Ok(Err(error));
    }
    if !is_draft_exact {
        let source = serde_json::Error::custom("the draft is not valid JSON in UTF-8");
        return Err(DecodeError { path: "draft".to_owned(), source });
    }
    let (json, path) = envelope.data.map_or((text, ""), |data| (data.get(), "data"));
    match (deserialize(json, path), envelope.message_alone()) {
        (Err(_), Some(error)) => Ok(Err(error)),
        (data, _) => data.map(Ok),
    }
}

fn deserialize<T: DeserializeOwned>(json: &str, prefix: &str) -> Result<T, DecodeError> {
    // To follow the path takes longer than to decode, and is worth it for an error.
    if let Ok(value) = serde_json::from_str(json) {
        return Ok(value);
    }
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

/// Removes the string that was found in place of another type: it may be a token or a signed URL.
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

/// Keys of the documented responses. An object with one of them is such a response, whatever else
/// it holds; in an object without any, an `error` or a `message` is all there is.
const DATA_KEYS: &[&str] = &[
    "available",
    "claim_token",
    "files",
    "id",
    "output",
    "output_url",
    "session_id",
    "state",
    "status",
    "task_id",
    "token",
    "token_id",
    "tokens",
];

/// The keys that distinguish the envelopes, unparsed: one of an unexpected type must not hide the
/// others.
#[derive(Default)]
struct RawEnvelope<'a> {
    code: Option<&'a RawValue>,
    success: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    detail: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    /// Whether one of [`DATA_KEYS`] is beside them.
    has_data_key: bool,
}

enum CodeValue {
    Success,
    Number(i64),
    /// A word in place of a number; any but a word for success means an error.
    Word(String),
}

impl RawEnvelope<'_> {
    /// Returns the error that the envelope itself reports.
    fn error_response(&self) -> Option<ErrorResponse> {
        let code = self.code.and_then(code_value);
        let success = self.success.and_then(parse).as_ref().and_then(flag);
        let is_error = match (&code, success) {
            (Some(CodeValue::Number(_) | CodeValue::Word(_)), _) | (_, Some(false)) => true,
            (Some(CodeValue::Success), _) | (_, Some(true)) => false,
            // The agent server's form.
            (None, None) => self.detail.is_some() && self.data.is_none() && !self.has_data_key,
        };
        if !is_error {
            return None;
        }
        let message = self.message().unwrap_or_default();
        Some(match code {
            Some(CodeValue::Number(number)) => ErrorResponse { code: Some(number), message },
            Some(CodeValue::Word(word)) => {
                let message = match message.is_empty() {
                    true => word,
                    false => one_line(&format!("{word}: {message}")),
                };
                ErrorResponse { code: None, message }
            }
            _ => ErrorResponse { code: None, message },
        })
    }

    /// Returns the error that a mere `error` or `message` stands for.
    ///
    /// The response to a request without data may be a mere `message`, so this applies only when
    /// the data cannot be read.
    fn message_alone(&self) -> Option<ErrorResponse> {
        let has_envelope = self.code.is_some() || self.success.is_some() || self.data.is_some();
        let message = self.message().filter(|_| !has_envelope && !self.has_data_key)?;
        Some(ErrorResponse { code: None, message })
    }

    fn message(&self) -> Option<String> {
        let messages = [self.message, self.detail, self.error];
        Some(one_line(&messages.into_iter().flatten().find_map(message_of)?))
    }
}

impl<'de> Deserialize<'de> for RawEnvelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnvelopeVisitor;

        impl<'de> Visitor<'de> for EnvelopeVisitor {
            type Value = RawEnvelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = RawEnvelope::default();
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    let slot = match &*key {
                        "code" => &mut envelope.code,
                        "success" => &mut envelope.success,
                        "message" => &mut envelope.message,
                        "detail" => &mut envelope.detail,
                        "error" => &mut envelope.error,
                        "data" => &mut envelope.data,
                        key => {
                            envelope.has_data_key |=
                                DATA_KEYS.iter().any(|name| is_spelling(key, name));
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    let value: &RawValue = map.next_value()?;
                    if slot.is_none() && value.get() != "null" {
                        *slot = Some(value);
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

fn parse(raw: &RawValue) -> Option<Json> {
    raw.get().parse().ok()
}

fn code_value(raw: &RawValue) -> Option<CodeValue> {
    let json = parse(raw)?;
    if let Some(number) = number(&json) {
        return Some(match number as i64 {
            0 => CodeValue::Success,
            number => CodeValue::Number(number),
        });
    }
    let word = json.as_str()?.trim();
    let is_success = ["ok", "success", "succeeded"].iter().any(|w| word.eq_ignore_ascii_case(w));
    match word {
        "" => None,
        _ if is_success => Some(CodeValue::Success),
        word => Some(CodeValue::Word(one_line(word))),
    }
}

/// Returns the text of a message: a string as it is; an object's own `message`; the agent server's
/// list of validation errors (`[{"loc":…,"msg":…}]`) as one line; anything else as JSON.
fn message_of(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct ValidationError {
        #[serde(default)]
        loc: Vec<Json>,
        msg: String,
    }
    #[derive(Deserialize)]
    struct ErrorObject {
        message: String,
    }
    let json = raw.get();
    if let Ok(text) = serde_json::from_str::<String>(json) {
        return Some(text).filter(|text| !text.trim().is_empty());
    }
    if let Ok(ErrorObject { message }) = serde_json::from_str(json) {
        return Some(message);
    }
    let Ok(errors) = serde_json::from_str::<Vec<ValidationError>>(json) else {
        return Some(json.to_owned());
    };
    let lines = errors.into_iter().map(|ValidationError { loc, msg }| {
        let path: Vec<String> = loc
            .iter()
            .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
            .collect();
        if path.is_empty() { msg } else { format!("{}: {msg}", path.join(".")) }
    });
    Some(lines.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{CreditBalance, RenderState, StateResponse, UploadResponse};

    fn available(body: &str) -> f64 {
        decode::<CreditBalance>(body.as_bytes()).unwrap().unwrap().available.get()
    }

    fn error_response(body: &str) -> ErrorResponse {
        decode::<CreditBalance>(body.as_bytes()).unwrap().unwrap_err()
    }

    #[test]
    fn data_is_found_in_every_envelope() {
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
    fn an_error_is_found_in_every_envelope() {
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
            let error = error_response(body);
            assert_eq!((error.code, error.message.as_str()), (code, message), "{body}");
        }
    }

    #[test]
    fn a_broken_detail_costs_itself_alone() {
        let error = decode::<CreditBalance>(b"{\"code\":2001,\"message\":\"\xc3(\"}");
        assert_eq!(error.unwrap().unwrap_err().code, Some(2001));
        for body in [
            b"{\"code\":0,\"message\":\"\xc3(\",\"data\":{\"available\":7}}".as_slice(),
            b"{\"code\":0,\"data\":{\"available\":7,\"x\":\"\xc3(\"}}",
            br#"{"code":0,"data":{"available":7,"frozen":NaN}}"#,
            br#"{"available":7,"total":-Infinity,"note":"\ud83d"}"#,
        ] {
            let balance = decode::<CreditBalance>(body).unwrap().unwrap();
            assert_eq!(balance.available.get(), 7.0, "{}", String::from_utf8_lossy(body));
        }
        for broken in [br#"{"available":NaN}"#.as_slice(), b"{\"available\":\"\xff\"}"] {
            assert_eq!(decode::<CreditBalance>(broken).unwrap_err().path, "available");
        }
        // An id is not guessed.
        for id in [&b"r\xff"[..], br"r\ud83d"] {
            let body = [br#"{"id":""#, id, br#"","status":"pending"}"#].concat();
            assert_eq!(decode::<RenderState>(&body).unwrap().unwrap().id, None);
        }
    }

    #[test]
    fn every_prefix_and_every_changed_byte_of_a_poll_is_data_or_an_error() {
        let body =
            br#"{"code":0,"data":{"id":"r","status":"done","output":{"url":"/f","size":5}}}"#;
        for at in 0..body.len() {
            assert!(decode::<RenderState>(&body[..at]).is_err(), "{at}");
            for byte in 0..=u8::MAX {
                let mut changed = body.to_vec();
                changed[at] = byte;
                // An error or a state, but no URL with a lost character.
                if let Ok(Ok(RenderState { url: Some(url), .. })) = decode(&changed) {
                    assert!(!url.contains(char::REPLACEMENT_CHARACTER), "{at} {byte}");
                }
            }
        }
    }

    #[test]
    fn every_prefix_and_every_changed_byte_of_a_state_is_data_or_an_error() {
        let body = br#"{"code":0,"data":{"state":{"draft":{"t":[{"sg":[{"d":1e3}]}],"n":"\ud83d\ude00"}}}}"#;
        for length in 0..body.len() {
            assert!(decode::<StateResponse>(&body[..length]).is_err(), "{length}");
        }
        for at in 0..body.len() {
            for byte in [0, b'"', b'\\', b'{', b'}', b'N', b' ', 0xff] {
                let mut changed = body.to_vec();
                changed[at] = byte;
                // Neither a panic nor a draft of guessed content.
                if let Ok(Ok(response)) = decode::<StateResponse>(&changed) {
                    let draft = response.state.draft.map(|draft| draft.to_json());
                    assert!(
                        !draft.is_some_and(|draft| draft.contains(char::REPLACEMENT_CHARACTER))
                    );
                }
            }
        }
    }

    #[test]
    fn a_message_is_an_error_only_where_data_was_requested() {
        for body in [r#"{"message":"cancelled"}"#, "{}", r#"{"code":0,"data":null}"#] {
            assert!(decode::<IgnoredAny>(body.as_bytes()).unwrap().is_ok(), "{body}");
            let read = decode::<CreditBalance>(body.as_bytes());
            assert!(!matches!(read, Ok(Ok(_))), "{body}");
        }
    }

    #[test]
    fn a_response_about_something_else_is_no_data() {
        fn read<T: DeserializeOwned>(body: &str) -> &'static str {
            match decode::<T>(body.as_bytes()) {
                Ok(Ok(_)) => "data",
                Ok(Err(error)) if error.message.is_empty() => "no message",
                Ok(Err(_)) => "error",
                Err(_) => "broken",
            }
        }
        let read_each = |body| {
            [read::<StateResponse>(body), read::<UploadResponse>(body), read::<RenderState>(body)]
        };
        for error in [
            r#"{"message":"Unauthorized"}"#,
            r#"{"error":"upstream timeout"}"#,
            r#"{"error":{"message":"upstream timeout"},"data":null}"#,
            r#"{"detail":"Not Found"}"#,
            r#"{"code":"E_DB","message":"down"}"#,
        ] {
            assert_eq!(read_each(error), ["error"; 3], "{error}");
        }
        for broken in [
            "{}",
            "null",
            "[]",
            r#"{"data":{}}"#,
            r#"{"code":0,"data":{}}"#,
            r#"{"code":0,"message":"ok","data":null}"#,
            r#"{"success":true}"#,
            r#"{"code":0,"data":{"message":"Unauthorized"}}"#,
        ] {
            assert_eq!(read_each(broken), ["broken"; 3], "{broken}");
        }
    }

    #[test]
    fn an_error_shows_no_text_of_the_response() {
        let error = decode::<Vec<bool>>(br#"["nmv_usr_\"secret\", expected "]"#).unwrap_err();
        assert_eq!(error.path, "[0]");
        let shown = error.source.to_string();
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
