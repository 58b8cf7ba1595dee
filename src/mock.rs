//! A scripted service for the unit tests of programs that use this crate: typed answers and
//! request checks on top of [`wiremock`].
//!
//! Which fake to choose:
//!
//! | to test | take |
//! |---|---|
//! | what your program does with one answer, one refusal, one stream | [`MockNemo`] |
//! | a whole conversation with state, credits and films | `nemovideo::local`, the embedded backend |
//!
//! A mock says what it was told to say and nothing else; only tokens it gives out on its own.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use futures::StreamExt as _;
//! use nemovideo::mock::{MockResponse, Endpoint, Events, MockNemo};
//! use nemovideo::{Error, ErrorCode, CreateSession};
//!
//! let nemo = MockNemo::start().await;
//! nemo.given(MockResponse::session("task", "session")).await;
//! nemo.given(MockResponse::refusal(Endpoint::Message, ErrorCode::OutOfCredits).times(1)).await;
//! nemo.given(MockResponse::message(Events::new().pieces(["All ", "done."]))).await;
//!
//! let client = nemo.client();
//! let session = client.create_session(CreateSession::default()).await?.session_id;
//! let refused = client.send_message(&session, "make it warmer").await.unwrap_err();
//! assert!(matches!(refused, Error::OutOfCredits(_)));
//! let events = client.send_message(&session, "make it warmer").await?;
//! assert_eq!(events.count().await, 3); // two pieces, and the whole
//!
//! assert_eq!(nemo.messages().await[1].text(), "make it warmer");
//! nemo.check_attribution().await;
//! # Ok::<(), nemovideo::Error>(()) }).unwrap();
//! ```

mod answer;
mod events;

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::NemoClient;
pub use crate::protocol::Endpoint;
use crate::protocol::{RenderRequest, RunRequest, headers};
pub use answer::MockResponse;
pub use events::Events;
pub use wiremock;

fn mock_of(endpoint: Endpoint) -> wiremock::MockBuilder {
    Mock::given(move |request: &Request| serves(endpoint, request))
}

fn serves(endpoint: Endpoint, request: &Request) -> bool {
    Endpoint::matching(request.method.as_str(), request.url.path()) == Some(endpoint)
}

/// A service that answers as it was told.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::NemoClient;
/// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
///
/// /// What is to be tested.
/// async fn pays_for_a_film(client: &NemoClient) -> nemovideo::Result<bool> {
///     Ok(client.credits().await?.available.get() >= 20.0)
/// }
///
/// let nemo = MockNemo::start().await;
/// nemo.given(MockResponse::credits(42.0).times(1)).await;
/// nemo.given(MockResponse::credits(3.0)).await;
/// let client = nemo.client();
/// assert!(pays_for_a_film(&client).await?);
/// assert!(!pays_for_a_film(&client).await?);
/// assert_eq!(nemo.requests(Endpoint::Credits).await.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct MockNemo {
    server: MockServer,
}

impl MockNemo {
    /// Starts one on a free port of loopback. It gives out anonymous tokens, and answers
    /// everything else with 404 until told otherwise.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::MockNemo;
    ///
    /// let nemo = MockNemo::start().await;
    /// let error = nemo.client().credits().await.unwrap_err().to_string();
    /// assert!(error.contains("MockNemo was not told how to answer GET /api/credits"), "{error}");
    /// # Ok::<(), nemovideo::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    /// When no port of loopback can be had.
    pub async fn start() -> Self {
        let nemo = Self { server: MockServer::start().await };
        // Below whatever a test says of tokens, and of anything.
        nemo.given(MockResponse::token("nmv_usr_mock").priority(u8::MAX - 1)).await;
        let untold = |request: &Request| {
            let (method, path) = (&request.method, request.url.path());
            let words = format!("MockNemo was not told how to answer {method} {path}");
            ResponseTemplate::new(404).set_body_string(words)
        };
        Mock::given(any()).respond_with(untold).with_priority(u8::MAX).mount(&nemo.server).await;
        nemo
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.uri()
    }

    /// Where a file served by [`MockResponse::file`] lies.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockResponse, MockNemo};
    /// use nemovideo::protocol::{RenderFile, RenderState, RenderStatus};
    /// use nemovideo::{RenderJob, RenderOutput};
    ///
    /// let nemo = MockNemo::start().await;
    /// let mut done = RenderState::new("render_1".into(), RenderStatus::Completed);
    /// done.output = Some(RenderFile::new(nemo.file_url()));
    /// nemo.given(MockResponse::render_status(&done)).await;
    /// nemo.given(MockResponse::file(b"a film")).await;
    ///
    /// let draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse()?;
    /// let job = RenderJob::new("session".into(), draft, RenderOutput::mp4());
    /// let client = nemo.client();
    /// let video = client.wait_for_render(&job).await?;
    /// # let folder = tempfile::tempdir()?;
    /// let file = client.download(&video, folder.path().join("out.mp4")).await?;
    /// assert_eq!(file.bytes, 6);
    /// nemo.check_attribution().await; // none of it went to the file's host
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn file_url(&self) -> String {
        format!("{}/files/mock/video.mp4", self.server.uri())
    }

    /// A client of it, anonymous, that keeps nothing on disk and never waits: not between
    /// attempts, polls, or looks at the state after a broken stream.
    ///
    /// # Panics
    /// When the HTTP client cannot be built on this machine.
    #[must_use]
    pub fn client(&self) -> NemoClient {
        self.client_builder().build().expect("the mock's address is a good one")
    }

    /// The same client, to be changed before it is built.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::Attribution;
    /// use nemovideo::mock::{Endpoint, MockNemo};
    ///
    /// let nemo = MockNemo::start().await;
    /// let client = nemo.client_builder().attribution(Attribution::new("mine", "1.0")?).build()?;
    /// client.authenticate().await?;
    /// assert_eq!(nemo.requests(Endpoint::Token).await[0].headers["x-skill-source"], "mine");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn client_builder(&self) -> crate::ClientBuilder {
        let at_once = std::time::Duration::ZERO;
        let retry = crate::ExponentialRetry::default()
            .with_initial_delay(at_once)
            .with_rate_limit_delay(at_once);
        NemoClient::builder()
            .base_url(self.url())
            .in_memory_credentials()
            .retry(retry)
            .polling(crate::RenderPolling::new(at_once, 10))
            .recovery(crate::TurnRecovery::new(at_once, at_once, 3))
    }

    /// The wiremock server below, for what the typed answers do not cover.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockNemo, wiremock};
    /// use wiremock::matchers::path;
    /// use wiremock::{Mock, ResponseTemplate};
    ///
    /// let nemo = MockNemo::start().await;
    /// let maintenance = ResponseTemplate::new(503);
    /// Mock::given(path("/api/credits/balance/simple"))
    ///     .respond_with(maintenance)
    ///     .expect(4) // the first attempt, and three more
    ///     .mount(nemo.wiremock())
    ///     .await;
    /// assert!(nemo.client().credits().await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn wiremock(&self) -> &MockServer {
        &self.server
    }

    /// Answers like this from now on. Of several answers for a call, the one given first is used
    /// until its [`times`](MockResponse::times) are up.
    pub async fn given(&self, answer: MockResponse) {
        answer.mount(&self.server).await;
    }

    /// All requests of a kind that came, in their order.
    pub async fn requests(&self, endpoint: Endpoint) -> Vec<Request> {
        let received = self.server.received_requests().await.unwrap_or_default();
        received.into_iter().filter(|request| serves(endpoint, request)).collect()
    }

    /// The messages that came.
    ///
    /// # Panics
    /// When one of them is not a message of the protocol.
    pub async fn messages(&self) -> Vec<RunRequest> {
        self.bodies(Endpoint::Message).await
    }

    /// The renders that were submitted.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::RenderOutput;
    /// use nemovideo::mock::{MockResponse, MockNemo};
    /// use nemovideo::protocol::{RenderState, RenderStatus};
    ///
    /// let nemo = MockNemo::start().await;
    /// nemo.given(MockResponse::render(&RenderState::new("r".into(), RenderStatus::Pending))).await;
    /// let draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}],"x":1.10}"#.parse()?;
    /// nemo.client().submit_render(&"session".into(), &draft, RenderOutput::mp4()).await?;
    /// assert_eq!(nemo.renders().await[0].draft, draft); // to the last digit
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    /// When one of them is not a render of the protocol.
    pub async fn renders(&self) -> Vec<RenderRequest> {
        self.bodies(Endpoint::RenderSubmit).await
    }

    async fn bodies<T: serde::de::DeserializeOwned>(&self, endpoint: Endpoint) -> Vec<T> {
        let requests = self.requests(endpoint).await;
        let bodies = requests.iter().map(|request| {
            serde_json::from_slice(&request.body).expect("a request of the protocol")
        });
        bodies.collect()
    }

    /// Checks that every API request that came had all three attribution headers, and none to a
    /// file had any.
    ///
    /// # Panics
    /// When that is not so.
    pub async fn check_attribution(&self) {
        for request in self.server.received_requests().await.unwrap_or_default() {
            let of_file = serves(Endpoint::File, &request);
            for name in headers::ATTRIBUTION {
                let sent = request.headers.contains_key(name);
                assert_eq!(sent, !of_file, "{name} of {} {}", request.method, request.url.path());
            }
        }
    }
}
