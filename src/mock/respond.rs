//! Responses in the service's form, for [`NemoMock::respond`](super::NemoMock::respond) and for
//! programs that run a [`MockServer`](wiremock::MockServer) of their own: see
//! [`matchers`](super::matchers).

use serde::Serialize;
use wiremock::ResponseTemplate;

use super::event::Event;
use crate::draft::Draft;
use crate::protocol::{
    AnonymousToken, Envelope, ErrorCode, RenderState, SessionState, StateResponse,
};

/// Returns a success with this data in the envelope: a
/// [`CreditBalance`](crate::protocol::CreditBalance), a [`Session`](crate::protocol::Session), or
/// any JSON.
#[must_use]
pub fn data(data: impl Serialize) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(Envelope::success(data))
}

/// Returns an error response: codes 400, 402 and 429 are the HTTP status too, other codes have
/// status 200.
#[must_use]
pub fn error(code: ErrorCode) -> ResponseTemplate {
    let status = match code.number() {
        number @ (400 | 402 | 429) => number.unsigned_abs() as u16,
        _ => 200,
    };
    ResponseTemplate::new(status).set_body_json(Envelope::error(code, code.meaning()))
}

/// Returns an anonymous token of the user `anon_mock`.
#[must_use]
pub fn token(token: &str) -> ResponseTemplate {
    data(anonymous(token))
}

pub(super) fn anonymous(token: &str) -> AnonymousToken {
    let mut token = AnonymousToken::new(token);
    token.user_id = Some("anon_mock".into());
    token
}

/// Returns the event stream of a message; one without events is a silent edit.
#[must_use]
pub fn stream(events: impl IntoIterator<Item = Event>) -> ResponseTemplate {
    let body: String = events.into_iter().map(|event| event.as_str().to_owned()).collect();
    ResponseTemplate::new(200).set_body_raw(body.into_bytes(), "text/event-stream")
}

/// Returns a session state with this draft, or without one.
#[must_use]
pub fn state(draft: impl Into<Option<Draft>>) -> ResponseTemplate {
    session_state(SessionState { draft: draft.into(), ..SessionState::default() })
}

/// Returns a session state.
#[must_use]
pub fn session_state(state: SessionState) -> ResponseTemplate {
    data(StateResponse { state, ..StateResponse::default() })
}

/// Returns the state of a render, as the response to its submit or to a poll.
#[must_use]
pub fn render(state: &RenderState) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(state)
}

/// Returns a file.
#[must_use]
pub fn file(bytes: impl Into<Vec<u8>>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(bytes, "video/mp4")
}
