//! Typed responses of a mock.

use serde::Serialize;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::Events;
use crate::draft::Draft;
use crate::protocol::{
    AnonymousToken, ApiToken, ClaimToken, CreditBalance, Credits, Endpoint, Envelope, ErrorCode,
    RenderState, Session, SessionState, StateResponse, TokenCreated, TokenList, TokenScope,
    UploadResponse, UploadedFile,
};

/// A response of [`MockNemo`](super::MockNemo), passed to [`given`](super::MockNemo::given).
#[derive(Debug)]
#[must_use = "a response takes effect with `MockNemo::given`"]
pub struct MockResponse {
    endpoint: Endpoint,
    response: ResponseTemplate,
    times: Option<u64>,
    expect: Option<u64>,
    priority: u8,
}

impl MockResponse {
    /// Creates any response.
    pub fn raw(endpoint: Endpoint, response: ResponseTemplate) -> Self {
        Self { endpoint, response, times: None, expect: None, priority: 5 }
    }

    fn enveloped(endpoint: Endpoint, data: impl Serialize) -> Self {
        let response = ResponseTemplate::new(200).set_body_json(Envelope::success(data));
        Self::raw(endpoint, response)
    }

    /// Creates a response with an anonymous token of the user `anon_mock`.
    pub fn token(token: &str) -> Self {
        let mut data = AnonymousToken::new(token);
        data.user_id = Some("anon_mock".into());
        Self::enveloped(Endpoint::Token, data)
    }

    /// Creates a response with an anonymous token that may be used for these scopes only.
    pub fn scoped_token(token: &str, scopes: impl IntoIterator<Item = TokenScope>) -> Self {
        let mut data = AnonymousToken::new(token);
        data.user_id = Some("anon_mock".into());
        data.scopes = Some(scopes.into_iter().collect());
        Self::enveloped(Endpoint::Token, data)
    }

    /// Creates a response to the creation of one of a user's own tokens.
    pub fn created_token(token: &str, info: ApiToken) -> Self {
        Self::enveloped(Endpoint::TokenCreate, TokenCreated::new(token, info))
    }

    /// Creates a response with the list of a user's own tokens.
    pub fn tokens(tokens: impl IntoIterator<Item = ApiToken>) -> Self {
        Self::enveloped(Endpoint::TokenList, TokenList(tokens.into_iter().collect()))
    }

    /// Creates a response to the revocation of one of a user's own tokens.
    pub fn token_revoked() -> Self {
        Self::enveloped(Endpoint::TokenRevoke, serde_json::json!({}))
    }

    /// Creates a response with a claim token.
    pub fn claim(token: &str) -> Self {
        Self::enveloped(Endpoint::Claim, ClaimToken::new(token, 604_800))
    }

    /// Creates a response with a new session.
    pub fn session(task_id: &str, session_id: &str) -> Self {
        Self::enveloped(Endpoint::Session, Session::new(task_id, session_id))
    }

    /// Creates a response with a balance without frozen credits.
    pub fn credits(available: f64) -> Self {
        let balance = CreditBalance::new(Credits::new(available), Credits::ZERO);
        Self::enveloped(Endpoint::Credits, balance)
    }

    /// Creates a response with a balance.
    pub fn balance(balance: &CreditBalance) -> Self {
        Self::enveloped(Endpoint::Credits, balance)
    }

    /// Creates a response with a session state with this draft, or without one.
    pub fn state(draft: Option<Draft>) -> Self {
        Self::session_state(SessionState { draft, ..SessionState::default() })
    }

    /// Creates a response with a session state.
    pub fn session_state(state: SessionState) -> Self {
        Self::enveloped(Endpoint::State, StateResponse { state, ..StateResponse::default() })
    }

    /// Creates the response to an upload of these files.
    pub fn upload(files: impl IntoIterator<Item = UploadedFile>) -> Self {
        let files = files.into_iter().collect();
        let data = UploadResponse { files, session_state_applied: true };
        Self::enveloped(Endpoint::Upload, data)
    }

    /// Creates a response with the event stream of a message.
    pub fn message(events: Events) -> Self {
        let body = events.into_body().into_bytes();
        let response = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
        Self::raw(Endpoint::Message, response)
    }

    /// Creates the response to the submit of a render.
    pub fn render(state: &RenderState) -> Self {
        Self::raw(Endpoint::RenderSubmit, ResponseTemplate::new(200).set_body_json(state))
    }

    /// Creates a response with the state of a render, for its polls.
    pub fn render_status(state: &RenderState) -> Self {
        Self::raw(Endpoint::RenderStatus, ResponseTemplate::new(200).set_body_json(state))
    }

    /// Creates the response to the cancellation of a render.
    pub fn cancelled() -> Self {
        Self::enveloped(Endpoint::RenderCancel, serde_json::json!({}))
    }

    /// Creates a response with a rendered file through the API, which a client requests when the
    /// file's own URL fails.
    pub fn render_download(bytes: impl Into<Vec<u8>>) -> Self {
        let response = ResponseTemplate::new(200).set_body_raw(bytes, "video/mp4");
        Self::raw(Endpoint::RenderDownload, response)
    }

    /// Creates a response with a rendered file at its [own URL](super::MockNemo::file_url).
    pub fn file(bytes: impl Into<Vec<u8>>) -> Self {
        let response = ResponseTemplate::new(200).set_body_raw(bytes, "video/mp4");
        Self::raw(Endpoint::File, response)
    }

    /// Creates an error response in the service's form: codes 400, 402 and 429 are the HTTP status
    /// too, other codes have status 200.
    pub fn error(endpoint: Endpoint, code: ErrorCode) -> Self {
        let status = match code.number() {
            number @ (400 | 402 | 429) => number.unsigned_abs() as u16,
            _ => 200,
        };
        let body = Envelope::error(code, code.meaning());
        Self::raw(endpoint, ResponseTemplate::new(status).set_body_json(body))
    }

    /// Limits how many times this response is sent.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Expects this number of requests: the mock panics on drop if it was another.
    pub fn expect(mut self, times: u64) -> Self {
        self.expect = Some(times);
        self
    }

    /// Sets the priority: of several responses to a call, that with the lowest number is sent.
    pub(crate) fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    pub(crate) async fn mount(self, server: &MockServer) {
        let mut mock: Mock =
            super::mock_of(self.endpoint).respond_with(self.response).with_priority(self.priority);
        if let Some(times) = self.times {
            mock = mock.up_to_n_times(times);
        }
        if let Some(times) = self.expect {
            mock = mock.expect(times);
        }
        mock.mount(server).await;
    }
}
