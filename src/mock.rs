//! A scripted service for the unit tests of programs that use this crate: typed responses and checks
//! of requests on top of [`wiremock`].
//!
//! | to test | use |
//! |---|---|
//! | what a program does with one response, one error or one stream | [`MockNemo`] |
//! | a whole conversation with state, credits and videos | `nemovideo::local`, the embedded backend |
//!
//! A mock sends the responses that it was given and nothing else. Only tokens are issued by default.
//!
//! ```
//! use futures::StreamExt as _;
//! use nemovideo::mock::{Events, MockNemo, MockResponse};
//! use nemovideo::protocol::Endpoint;
//! use nemovideo::{CreateSession, Error, ErrorCode};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), nemovideo::Error> {
//! let nemo = MockNemo::start().await;
//! nemo.given(MockResponse::session("task", "session")).await;
//! nemo.given(MockResponse::error(Endpoint::Message, ErrorCode::OutOfCredits).times(1)).await;
//! nemo.given(MockResponse::message(Events::new().pieces(["All ", "done."]))).await;
//!
//! let client = nemo.client();
//! let session = client.create_session(CreateSession::default()).await?.session_id;
//! let error = client.send_message(&session, "make it warmer").await.unwrap_err();
//! assert!(matches!(error, Error::OutOfCredits(_)));
//! let events = client.send_message(&session, "make it warmer").await?;
//! assert_eq!(events.count().await, 3); // two partial texts, and the complete one
//!
//! let (sent_to, text) = &nemo.messages().await[1];
//! assert_eq!((sent_to, text.as_str()), (&session, "make it warmer"));
//! nemo.check_attribution().await;
//! # Ok(())
//! # }
//! ```

mod events;
mod responses;

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::client::{ClientBuilder, NemoClient, RenderPolling, TurnRecovery};
use crate::protocol::{Endpoint, RenderJob, RunRequest, SessionId, headers};
use crate::retry::ExponentialRetry;
pub use events::Events;
pub use responses::MockResponse;
pub use wiremock;

fn mock_of(endpoint: Endpoint) -> wiremock::MockBuilder {
    Mock::given(move |request: &Request| serves(endpoint, request))
}

fn serves(endpoint: Endpoint, request: &Request) -> bool {
    Endpoint::matching(request.method.as_str(), request.url.path()) == Some(endpoint)
}

/// A mock of the service on a loopback port.
#[derive(Debug)]
pub struct MockNemo {
    server: MockServer,
}

impl MockNemo {
    /// Starts a mock on a free port of the loopback interface. It issues anonymous tokens; all other
    /// calls get a 404 until a response is [given](Self::given).
    ///
    /// # Panics
    /// When no port is available.
    pub async fn start() -> Self {
        let nemo = Self { server: MockServer::start().await };
        // These two have the lowest priorities, below all responses of a test.
        nemo.given(MockResponse::token("nmv_usr_mock").priority(u8::MAX - 1)).await;
        let unknown = |request: &Request| {
            let (method, path) = (&request.method, request.url.path());
            let message = format!("MockNemo has no response for {method} {path}");
            ResponseTemplate::new(404).set_body_string(message)
        };
        Mock::given(any()).respond_with(unknown).with_priority(u8::MAX).mount(&nemo.server).await;
        nemo
    }

    /// Returns the base URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.uri()
    }

    /// Returns the URL of a file served by [`MockResponse::file`].
    #[must_use]
    pub fn file_url(&self) -> String {
        format!("{}/files/mock/video.mp4", self.server.uri())
    }

    /// Returns an anonymous client of the mock. It stores nothing on disk, and waits neither
    /// between attempts nor between polls unless a response has `Retry-After`.
    ///
    /// # Panics
    /// When the HTTP client cannot be built on this machine.
    #[must_use]
    pub fn client(&self) -> NemoClient {
        self.client_builder().build().expect("the base URL of the mock is valid")
    }

    /// Returns the builder of that client.
    #[must_use]
    pub fn client_builder(&self) -> ClientBuilder {
        let no_delay = std::time::Duration::ZERO;
        let retry = ExponentialRetry::default()
            .with_initial_delay(no_delay)
            .with_rate_limit_delay(no_delay);
        NemoClient::builder()
            .base_url(self.url())
            .in_memory_credentials()
            .retry(retry)
            .polling(RenderPolling::new(no_delay, 10))
            .recovery(TurnRecovery::new(no_delay, no_delay, 3))
    }

    /// Returns the underlying wiremock server, for what typed responses do not cover.
    #[must_use]
    pub fn wiremock(&self) -> &MockServer {
        &self.server
    }

    /// Registers a response; it is sent from now on. Of several responses to a call, the one given
    /// first is sent, as often as its [`times`](MockResponse::times) allow.
    pub async fn given(&self, response: MockResponse) {
        response.mount(&self.server).await;
    }

    /// Returns the requests to an endpoint in the order of their arrival.
    pub async fn requests(&self, endpoint: Endpoint) -> Vec<Request> {
        let received = self.server.received_requests().await.unwrap_or_default();
        received.into_iter().filter(|request| serves(endpoint, request)).collect()
    }

    /// Returns the messages that were sent: the session and the text of each.
    ///
    /// # Panics
    /// When the body of one is not valid.
    pub async fn messages(&self) -> Vec<(SessionId, String)> {
        let requests: Vec<RunRequest> = self.bodies(Endpoint::Message).await;
        requests.into_iter().map(|sent| (sent.session_id.clone(), sent.text())).collect()
    }

    /// Returns the renders that were submitted, with their drafts to the last digit.
    ///
    /// # Panics
    /// When the body of one is not valid.
    pub async fn renders(&self) -> Vec<RenderJob> {
        self.bodies(Endpoint::RenderSubmit).await
    }

    async fn bodies<T: serde::de::DeserializeOwned>(&self, endpoint: Endpoint) -> Vec<T> {
        let requests = self.requests(endpoint).await;
        let bodies = requests
            .iter()
            .map(|request| serde_json::from_slice(&request.body).expect("a valid body"));
        bodies.collect()
    }

    /// Checks that every API request had all three attribution headers, and that no request for a
    /// file had any of them.
    ///
    /// # Panics
    /// When a request violates this.
    pub async fn check_attribution(&self) {
        for request in self.server.received_requests().await.unwrap_or_default() {
            let is_file = serves(Endpoint::File, &request);
            for name in headers::ATTRIBUTION {
                let sent = request.headers.contains_key(name);
                assert_eq!(sent, !is_file, "{name} of {} {}", request.method, request.url.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{CreditBalance, Credits, RenderState, RenderStatus, Session};

    #[tokio::test]
    async fn a_call_without_a_response_is_named() {
        let nemo = MockNemo::start().await;
        let error = nemo.client().credits().await.unwrap_err().to_string();
        assert!(error.contains("no response for GET /api/credits/balance/simple"), "{error}");
    }

    #[tokio::test]
    async fn a_client_decodes_each_response() {
        let nemo = MockNemo::start().await;
        let client = nemo.client();
        nemo.given(MockResponse::claim("clm_1")).await;
        let link = client.claim_link(&Session::new("task", "session")).await.unwrap();
        assert!(link.as_str().ends_with("/workspace/claim?ct=clm_1"));

        let balance = CreditBalance::new(Credits::new(70.0), Credits::new(20.0));
        nemo.given(MockResponse::balance(&balance)).await;
        assert_eq!(client.credits().await.unwrap(), balance);

        let state = serde_json::from_str(r#"{"draft":null,"language":"en"}"#).unwrap();
        nemo.given(MockResponse::session_state(Clone::clone(&state))).await;
        assert_eq!(client.session_state(&"session".into()).await.unwrap(), state);

        nemo.given(MockResponse::cancelled()).await;
        client.cancel_render(&"render_1".into()).await.unwrap();
        assert_eq!(nemo.requests(Endpoint::RenderCancel).await.len(), 1);

        let pending = RenderState::new("render_1".into(), RenderStatus::Pending);
        nemo.given(MockResponse::render(&pending)).await;
        let draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}],"x":1.10}"#.parse().unwrap();
        let output = crate::protocol::RenderOutput::mp4();
        client.submit_render(&"session".into(), &draft, output).await.unwrap();
        assert_eq!(nemo.renders().await[0].draft, draft, "to the last digit");
    }
}
