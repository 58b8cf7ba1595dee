//! What a mock answers, typed.

use serde::Serialize;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Endpoint, Events};
use crate::draft::Draft;
use crate::protocol::{
    AnonymousToken, ClaimToken, CreditBalance, Credits, Envelope, ErrorCode, RenderState, Session,
    SessionState, StateAnswer, UploadAnswer, UploadedFile,
};

/// An answer of [`MockNemo`](super::MockNemo), to be [given](super::MockNemo::given).
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
/// use nemovideo::{Error, ErrorCode};
///
/// let nemo = MockNemo::start().await;
/// nemo.given(MockResponse::refusal(Endpoint::Credits, ErrorCode::Other(5003)).times(1)).await;
/// nemo.given(MockResponse::credits(42.0).expect(1)).await;
/// let client = nemo.client();
/// assert!(matches!(client.credits().await, Err(Error::Api(_))));
/// assert_eq!(client.credits().await?.available.get(), 42.0);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "an answer is given to a mock"]
pub struct MockResponse {
    endpoint: Endpoint,
    response: ResponseTemplate,
    times: Option<u64>,
    expect: Option<u64>,
    priority: u8,
}

impl MockResponse {
    /// Any response at all.
    pub fn raw(endpoint: Endpoint, response: ResponseTemplate) -> Self {
        Self { endpoint, response, times: None, expect: None, priority: 5 }
    }

    fn enveloped(endpoint: Endpoint, data: impl Serialize) -> Self {
        let response = ResponseTemplate::new(200).set_body_json(Envelope::success(data));
        Self::raw(endpoint, response)
    }

    /// An anonymous token, `anon_mock`'s.
    pub fn token(token: &str) -> Self {
        let mut answer = AnonymousToken::new(token);
        answer.user_id = Some("anon_mock".into());
        Self::enveloped(Endpoint::Token, answer)
    }

    /// A claim token.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::Session;
    /// use nemovideo::mock::{MockResponse, MockNemo};
    ///
    /// let nemo = MockNemo::start().await;
    /// nemo.given(MockResponse::claim("clm_1")).await;
    /// let link = nemo.client().claim_link(&Session::new("task", "session")).await?;
    /// assert!(link.as_str().ends_with("/workspace/claim?ct=clm_1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn claim(token: &str) -> Self {
        Self::enveloped(Endpoint::Claim, ClaimToken::new(token, 604_800))
    }

    /// A session.
    pub fn session(task_id: &str, session_id: &str) -> Self {
        Self::enveloped(Endpoint::Session, Session::new(task_id, session_id))
    }

    /// A balance of which nothing is held.
    pub fn credits(available: f64) -> Self {
        let balance = CreditBalance::new(Credits::new(available), Credits::ZERO);
        Self::enveloped(Endpoint::Credits, balance)
    }

    /// A balance in all its parts.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::Credits;
    /// use nemovideo::mock::{MockResponse, MockNemo};
    /// use nemovideo::protocol::CreditBalance;
    ///
    /// let nemo = MockNemo::start().await;
    /// let balance = CreditBalance::new(Credits::new(70.0), Credits::new(20.0));
    /// nemo.given(MockResponse::balance(&balance)).await;
    /// assert_eq!(nemo.client().credits().await?.frozen, Credits::new(20.0));
    /// # Ok::<(), nemovideo::Error>(()) }).unwrap();
    /// ```
    pub fn balance(balance: &CreditBalance) -> Self {
        Self::enveloped(Endpoint::Credits, balance)
    }

    /// A state with this draft, or none yet.
    pub fn state(draft: Option<Draft>) -> Self {
        Self::session_state(SessionState { draft, ..SessionState::default() })
    }

    /// A state in all its parts.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockResponse, MockNemo};
    /// use nemovideo::protocol::SessionState;
    ///
    /// let nemo = MockNemo::start().await;
    /// let state: SessionState = serde_json::from_str(r#"{"draft":null,"language":"en"}"#)?;
    /// nemo.given(MockResponse::session_state(state.clone())).await;
    /// assert_eq!(nemo.client().session_state(&"session".into()).await?, state);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn session_state(state: SessionState) -> Self {
        Self::enveloped(Endpoint::State, StateAnswer { state, ..StateAnswer::default() })
    }

    /// An upload of these files.
    pub fn upload(files: impl IntoIterator<Item = UploadedFile>) -> Self {
        let files = files.into_iter().collect();
        let answer = UploadAnswer { files, session_state_applied: Some(true) };
        Self::enveloped(Endpoint::Upload, answer)
    }

    /// The stream that answers a message.
    pub fn message(events: Events) -> Self {
        let body = events.into_body().into_bytes();
        let response = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
        Self::raw(Endpoint::Message, response)
    }

    /// The answer to the submit of a render.
    pub fn render(state: &RenderState) -> Self {
        Self::raw(Endpoint::RenderSubmit, ResponseTemplate::new(200).set_body_json(state))
    }

    /// How far a render is.
    pub fn render_status(state: &RenderState) -> Self {
        Self::raw(Endpoint::RenderStatus, ResponseTemplate::new(200).set_body_json(state))
    }

    /// The answer to the cancel of a render.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
    ///
    /// let nemo = MockNemo::start().await;
    /// nemo.given(MockResponse::cancelled()).await;
    /// nemo.client().cancel_render(&"render_1".into()).await?;
    /// assert_eq!(nemo.requests(Endpoint::RenderCancel).await.len(), 1);
    /// # Ok::<(), nemovideo::Error>(()) }).unwrap();
    /// ```
    pub fn cancelled() -> Self {
        Self::enveloped(Endpoint::RenderCancel, serde_json::json!({}))
    }

    /// A finished file through the API, which a client asks for when the file's own address does
    /// not answer.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockResponse, MockNemo};
    /// use nemovideo::protocol::{RenderFile, RenderState, RenderStatus};
    /// use nemovideo::{RenderJob, RenderOutput};
    ///
    /// let nemo = MockNemo::start().await;
    /// let mut done = RenderState::new("render_1".into(), RenderStatus::Completed);
    /// done.output = Some(RenderFile::new(nemo.file_url())); // nothing is there
    /// nemo.given(MockResponse::render_status(&done)).await;
    /// nemo.given(MockResponse::render_download(b"a film")).await;
    /// let draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse()?;
    /// let job = RenderJob::new("session".into(), draft, RenderOutput::mp4());
    /// let video = nemo.client().wait_for_render(&job).await?;
    /// # let folder = tempfile::tempdir()?;
    /// let file = nemo.client().download(&video, folder.path().join("out.mp4")).await?;
    /// assert_eq!(file.bytes, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn render_download(bytes: impl Into<Vec<u8>>) -> Self {
        let response = ResponseTemplate::new(200).set_body_raw(bytes, "video/mp4");
        Self::raw(Endpoint::RenderDownload, response)
    }

    /// A finished file.
    pub fn file(bytes: impl Into<Vec<u8>>) -> Self {
        let response = ResponseTemplate::new(200).set_body_raw(bytes, "video/mp4");
        Self::raw(Endpoint::File, response)
    }

    /// A refusal as the service words it: codes 400, 402 and 429 under the HTTP status of that
    /// number, the others under 200.
    pub fn refusal(endpoint: Endpoint, code: ErrorCode) -> Self {
        let status = match code.number() {
            number @ (400 | 402 | 429) => number.unsigned_abs() as u16,
            _ => 200,
        };
        let body = Envelope::refusal(code, code.meaning());
        Self::raw(endpoint, ResponseTemplate::new(status).set_body_json(body))
    }

    /// Answers like this so many times, then no more.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The mock panics when it is dropped and this was not asked for exactly so many times.
    pub fn expect(mut self, times: u64) -> Self {
        self.expect = Some(times);
        self
    }

    /// Where several answers fit, the lowest number answers; 5 unless set.
    pub(super) fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    pub(super) async fn mount(self, server: &MockServer) {
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
