//! A scripted service for the unit tests of programs that use this crate: typed responses and checks
//! of requests on top of [`wiremock`].
//!
//! # Which test double to choose
//!
//! | to test | use |
//! |---|---|
//! | what a program does with one response, one error or one stream | the *mock*, [`NemoMock`] |
//! | a whole conversation with state, credits and videos | *local*, the embedded backend: `nemovideo::local` |
//! | what a program does when connections break and responses get lost | *local with faults*: `LocalBackend::faults` |
//!
//! All three are reached over a socket by an ordinary [`NemoClient`], so that its retries and its
//! decoding run as they do against the cloud.
//!
//! **The mock** sends the responses that it was given and nothing else. Only tokens are issued by
//! default. Several responses to a call are a sequence.
//!
//! ```
//! use futures::StreamExt as _;
//! use nemovideo::mock::{NemoMock, event};
//! use nemovideo::{CreateSession, ErrorCode};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), nemovideo::Error> {
//! let mock = NemoMock::start().await;
//! mock.session("task", "session");
//! mock.credits(100, 0).fails_once(ErrorCode::RateLimited);
//! mock.stream([event::heartbeat(), event::text("Warmer now.")]);
//!
//! let client = mock.client();
//! let session = client.create_session(CreateSession::default()).await?.session_id;
//! assert_eq!(client.credits().await?.available.get(), 100.0); // the second attempt
//! let events = client.send_message(&session, "make it warmer").await?;
//! assert_eq!(events.count().await, 2);
//!
//! mock.verify_messages_sent(1);
//! assert_eq!(mock.messages()[0].1, "make it warmer");
//! mock.received_attribution(&nemovideo::Attribution::default());
//! # Ok(())
//! # }
//! ```
//!
//! **The embedded backend** understands messages, keeps sessions and renders files. Its counters say
//! what was done.
//!
//! ```
//! use nemovideo::local::LocalBackend;
//! use nemovideo::project::Script;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let backend = LocalBackend::builder().placeholder_videos().start().await?;
//! let script = Script::text("Tea is made of leaves.")?;
//! backend.client().voiceover(script).save_to(dir.path().join("tea.mp4")).await?;
//! assert_eq!(backend.counters().renders_started, 1);
//! # Ok(())
//! # }
//! ```
//!
//! **With faults**, its connections break where a test says, while the work behind them is done or
//! not done, as documented for each fault.
//!
//! ```
//! use nemovideo::local::{Fault, FaultyResponse, LocalBackend};
//! use nemovideo::project::Script;
//! use nemovideo::protocol::Endpoint;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let backend = LocalBackend::builder().placeholder_videos().start().await?;
//! // The message is done and charged, and its response never arrives.
//! let lost = Fault::DropResponse(FaultyResponse::Reset);
//! backend.faults().inject(lost).on(Endpoint::Message).once();
//!
//! let script = Script::text("Tea is made of leaves.")?;
//! backend.client().voiceover(script).save_to(dir.path().join("tea.mp4")).await?;
//! assert_eq!(backend.counters().messages_run, 1); // not sent again
//! # Ok(())
//! # }
//! ```
//!
//! # The documented codes
//! What each code of an error response becomes, what the user can do, and how a mock sends it. The
//! sentence for the user is [`Error::advice`](crate::Error::advice).
//!
//! | code | variant | what to do | mock |
//! |---|---|---|---|
//! | 400 | [`Error::ClientIdMissing`](crate::Error::ClientIdMissing) | set `NEMO_CLIENT_ID` to a UUID, or unset it | `mock.fails(Endpoint::Token, ErrorCode::ClientIdMissing)` |
//! | 402 | [`Error::ExportBlocked`](crate::Error::ExportBlocked) | a plan, not credits; or the attribution headers, or the `render` scope | `mock.fails(Endpoint::RenderSubmit, ErrorCode::ExportBlocked)` |
//! | 429 | [`Error::RateLimited`](crate::Error::RateLimited) | wait; the client has waited and retried once | `mock.fails(Endpoint::Credits, ErrorCode::RateLimited)`; `.fails_once(ErrorCode::RateLimited)` for the retry |
//! | 1001 | [`Error::TokenInvalid`](crate::Error::TokenInvalid) | a valid `NEMO_TOKEN`, or none; the client has replaced an anonymous token once | `mock.fails(Endpoint::Credits, ErrorCode::TokenInvalid)` |
//! | 1002 | [`Error::SessionNotFound`](crate::Error::SessionNotFound) | a new session | `mock.fails(Endpoint::State, ErrorCode::SessionNotFound)` |
//! | 1010 | [`Error::TokenInvalid`](crate::Error::TokenInvalid) | as for 1001 | `mock.fails(Endpoint::Credits, ErrorCode::TokenInvalid1010)` |
//! | 1011 | [`Error::TokenInvalid`](crate::Error::TokenInvalid) | as for 1001 | `mock.fails(Endpoint::Credits, ErrorCode::TokenInvalid1011)` |
//! | 2001 | [`Error::OutOfCredits`](crate::Error::OutOfCredits) | register at [`ApiError::link`](crate::error::ApiError::link), or top up | `mock.fails(Endpoint::Message, ErrorCode::OutOfCredits)` |
//! | 4001 | [`Error::UnsupportedFileType`](crate::Error::UnsupportedFileType) | one of the accepted formats | `mock.fails(Endpoint::Upload, ErrorCode::UnsupportedFileType)` |
//! | 4002 | [`Error::FileTooLarge`](crate::Error::FileTooLarge) | compress or trim the file below 200 MB | `mock.fails(Endpoint::Upload, ErrorCode::FileTooLarge)` |
//! | any other | [`Error::Api`](crate::Error::Api) | the message of the service | `mock.fails(Endpoint::Session, ErrorCode::Other(5003))` |

pub mod event;
pub mod matchers;
mod reply;
pub mod respond;
mod script;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use self::script::Script;
use crate::client::{ClientBuilder, NemoClient, RenderPolling, TurnRecovery};
use crate::protocol::{Endpoint, RenderJob, RunRequest, SessionId};
use crate::sync::lock;
use crate::transport::Attribution;
pub use reply::{RenderReply, Reply};
pub use wiremock;

fn endpoint_of(request: &Request) -> Option<Endpoint> {
    Endpoint::matching(request.method.as_str(), request.url.path())
}

fn is(endpoint: Endpoint) -> impl Fn(&Request) -> bool {
    move |request| endpoint_of(request) == Some(endpoint)
}

/// A mock of the service on a loopback port.
pub struct NemoMock {
    server: MockServer,
    script: Arc<Script>,
}

impl NemoMock {
    /// Starts a mock on a free port of the loopback interface. It issues anonymous tokens; all other
    /// calls get a 404 until a response is given.
    ///
    /// # Panics
    /// When no port is available.
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let script = Arc::new(Script::new(server.uri()));
        let requests = Arc::clone(&script);
        // The first that is asked, and never the one to respond.
        let record = move |request: &Request| {
            lock(&requests.requests).push(request.clone());
            false
        };
        let unreachable = ResponseTemplate::new(500);
        Mock::given(record).respond_with(unreachable).with_priority(1).mount(&server).await;
        let plans = Arc::clone(&script);
        // The last one, below all that a test mounts on the server itself.
        let respond = move |request: &Request| plans.respond(request);
        Mock::given(any()).respond_with(respond).with_priority(u8::MAX).mount(&server).await;
        Self { server, script }
    }

    /// Returns the base URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.uri()
    }

    /// Returns the URL of a file served by [`file`](Self::file).
    #[must_use]
    pub fn file_url(&self) -> String {
        format!("{}/files/mock/video.mp4", self.server.uri())
    }

    /// Returns an anonymous client of the mock. It stores nothing on disk, waits neither between
    /// attempts nor between polls unless a response has `Retry-After`, and gives up on a response
    /// after seconds.
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
        let no_delay = Duration::ZERO;
        ClientBuilder::of_test_double(&self.url(), no_delay)
            .polling(RenderPolling::new(no_delay, 10))
            .recovery(TurnRecovery::new(no_delay, no_delay, 3))
    }

    /// Returns the underlying wiremock server, for what typed responses do not cover. What is
    /// mounted on it takes precedence over them.
    #[must_use]
    pub fn wiremock(&self) -> &MockServer {
        &self.server
    }
}

/// # Requests
/// What the mock has received. The checks panic where the call is, so that a test fails there.
impl NemoMock {
    /// Returns the requests to an endpoint in the order of their arrival.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> Vec<Request> {
        let requests = lock(&self.script.requests);
        requests.iter().filter(|request| is(endpoint)(request)).cloned().collect()
    }

    /// Returns the messages that were sent: the session and the text of each.
    ///
    /// # Panics
    /// When the body of one is not valid.
    #[must_use]
    pub fn messages(&self) -> Vec<(SessionId, String)> {
        let requests: Vec<RunRequest> = self.bodies(Endpoint::Message);
        requests.into_iter().map(|sent| (sent.session_id.clone(), sent.text())).collect()
    }

    /// Returns the renders that were submitted, with their drafts to the last digit.
    ///
    /// # Panics
    /// When the body of one is not valid.
    #[must_use]
    pub fn renders(&self) -> Vec<RenderJob> {
        self.bodies(Endpoint::RenderSubmit)
    }

    fn bodies<T: serde::de::DeserializeOwned>(&self, endpoint: Endpoint) -> Vec<T> {
        let requests = self.requests(endpoint);
        let bodies = requests
            .iter()
            .map(|request| serde_json::from_slice(&request.body).expect("a valid body"));
        bodies.collect()
    }

    /// Checks that an endpoint got this number of requests.
    ///
    /// # Panics
    /// When it got another number.
    #[track_caller]
    pub fn verify_requests(&self, endpoint: Endpoint, expected: usize) {
        let requests = self.requests(endpoint).len();
        let (method, path) = (endpoint.method(), endpoint.template());
        assert_eq!(requests, expected, "requests to {method} {path}");
    }

    /// Checks that this number of messages was sent, retries included.
    ///
    /// # Panics
    /// When it was another number.
    #[track_caller]
    pub fn verify_messages_sent(&self, expected: usize) {
        let messages = self.messages();
        assert_eq!(messages.len(), expected, "messages sent: {messages:#?}");
    }

    /// Checks that this number of renders was submitted, retries included.
    ///
    /// # Panics
    /// When it was another number.
    #[track_caller]
    pub fn verify_renders_submitted(&self, expected: usize) {
        self.verify_requests(Endpoint::RenderSubmit, expected);
    }

    /// Checks that every API request had these attribution headers, and that no request for a file
    /// had any of them.
    ///
    /// # Panics
    /// When a request violates this, or when there was none.
    #[track_caller]
    pub fn received_attribution(&self, attribution: &Attribution) {
        let requests = lock(&self.script.requests).clone();
        assert!(!requests.is_empty(), "no request was received");
        for request in requests {
            let expected = match endpoint_of(&request) {
                Some(Endpoint::File) => [None, None, None],
                _ => matchers::expected_headers(attribution),
            };
            let (method, path) = (&request.method, request.url.path());
            assert_eq!(matchers::headers_of(&request), expected, "attribution of {method} {path}");
        }
    }
}

impl fmt::Debug for NemoMock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NemoMock").field("url", &self.url()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;
    use crate::error::Error;
    use crate::protocol::{CreateSession, ErrorCode, RenderOutput, Session};

    #[tokio::test]
    async fn a_call_without_a_response_is_named() {
        let mock = NemoMock::start().await;
        let error = mock.client().credits().await.unwrap_err().to_string();
        assert!(error.contains("no response for GET /api/credits/balance/simple"), "{error}");
    }

    #[tokio::test]
    async fn a_client_decodes_each_response() {
        let mock = NemoMock::start().await;
        let client = mock.client();
        mock.claim_token("clm_1");
        let link = client.claim_link(&Session::new("task", "session")).await.unwrap();
        assert!(link.as_str().ends_with("/workspace/claim?ct=clm_1"));

        mock.credits(70, 20.5);
        assert_eq!(client.credits().await.unwrap().total.get(), 90.5);

        let state = serde_json::from_str(r#"{"draft":null,"language":"en"}"#).unwrap();
        mock.session_state(Clone::clone(&state));
        assert_eq!(client.session_state(&"session".into()).await.unwrap(), state);

        mock.render_cancelled();
        client.cancel_render(&"render_1".into()).await.unwrap();
        mock.verify_requests(Endpoint::RenderCancel, 1);

        mock.upload(["tea.mp3".into()]);
        let files = client.upload_bytes(&"session".into(), "tea.mp3", "ID3").await.unwrap();
        assert_eq!(files[0].filename, "tea.mp3");

        mock.render();
        let draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}],"x":1.10}"#.parse().unwrap();
        client.submit_render(&"session".into(), &draft, RenderOutput::mp4()).await.unwrap();
        assert_eq!(mock.renders()[0].draft, draft, "to the last digit");
    }

    #[tokio::test]
    async fn responses_to_a_call_are_a_sequence_whose_last_one_stays() {
        let mock = NemoMock::start().await;
        let client = mock.client();
        let credits = async || client.credits().await.unwrap().available.get();
        mock.credits(3, 0).times(2);
        mock.credits(2, 0).fails_once(ErrorCode::RateLimited);
        mock.credits(1, 0);
        for expected in [3.0, 3.0, 2.0, 1.0, 1.0] {
            assert_eq!(credits().await, expected);
        }
        mock.verify_requests(Endpoint::Credits, 6);
        mock.credits(0, 0).times(1);
        assert_eq!((credits().await, credits().await), (0.0, 1.0));
    }

    #[tokio::test]
    async fn a_response_is_for_the_requests_that_match() {
        let mock = NemoMock::start().await;
        mock.state(Draft::sample()).when(matchers::session("a"));
        mock.state(None);
        let client = mock.client();
        for (session, has_draft) in [("a", true), ("b", false), ("a", true)] {
            let state = client.session_state(&session.into()).await.unwrap();
            assert_eq!(state.draft.is_some(), has_draft, "{session}");
        }
    }

    #[tokio::test]
    async fn renders_go_through_the_stages_that_were_planned() {
        let mock = NemoMock::start().await;
        mock.render().fails("out of memory");
        mock.render().completes_after(2).url("https://cdn.example/a.mp4");
        let client = mock.client();
        let submit = async || {
            let (id, output) = (SessionId::from("s"), RenderOutput::mp4());
            client.submit_render(&id, &Draft::sample(), output).await
        };
        // The failed one is replaced by the client itself.
        let job = submit().await.unwrap();
        let video = client.wait_for_render(&job).await.unwrap();
        assert_eq!((video.url.as_str(), mock.renders().len()), ("https://cdn.example/a.mp4", 2));
        mock.verify_requests(Endpoint::RenderStatus, 1 + 1 + 3);

        let job = submit().await.unwrap();
        client.cancel_render(&job.id).await.unwrap();
        let error = client.wait_for_render(&job).await.unwrap_err();
        assert!(matches!(error, Error::RenderFailed { .. }), "{error}");
    }

    #[tokio::test]
    async fn the_table_of_codes_is_what_happens() {
        let page = include_str!("mock.rs");
        for code in ErrorCode::DOCUMENTED.into_iter().chain([ErrorCode::Other(5003)]) {
            let name = format!("ErrorCode::{code:?})`");
            let mut rows = page.lines().filter(|line| line.starts_with("//! | "));
            let row = rows.find(|row| row.contains(&name)).unwrap_or_else(|| panic!("{name}"));
            let number = match code {
                ErrorCode::Other(_) => "any other".to_owned(),
                code => code.number().to_string(),
            };
            assert!(row.starts_with(&format!("//! | {number} | ")), "{row}");
            let endpoint = Endpoint::ALL
                .into_iter()
                .find(|endpoint| row.contains(&format!("Endpoint::{endpoint:?},")))
                .unwrap_or_else(|| panic!("{row}"));

            let mock = NemoMock::start().await;
            mock.fails(endpoint, code);
            let (client, id) = (mock.client(), SessionId::from("s"));
            let error = match endpoint {
                Endpoint::Token | Endpoint::Credits => client.credits().await.unwrap_err(),
                Endpoint::State => client.session_state(&id).await.unwrap_err(),
                Endpoint::Message => client.send_message(&id, "hi").await.unwrap_err(),
                Endpoint::Upload => client.upload_bytes(&id, "a.mp3", "ID3").await.unwrap_err(),
                Endpoint::Session => {
                    client.create_session(CreateSession::default()).await.unwrap_err()
                }
                _ => {
                    let output = RenderOutput::mp4();
                    client.submit_render(&id, &Draft::sample(), output).await.unwrap_err()
                }
            };
            let debug = format!("{error:?}");
            let variant = debug.split('(').next().unwrap();
            assert!(row.contains(&format!("Error::{variant}`")), "{variant}: {row}");
            assert_eq!(error.code(), Some(code));
        }
    }

    #[tokio::test]
    async fn a_check_that_fails_says_what_was_received() {
        let mock = NemoMock::start().await;
        mock.stream([event::text("Done.")]);
        drop(mock.client().send_message(&"s".into(), "make it warmer").await.unwrap());
        let failure = |check: &dyn Fn(&NemoMock)| {
            let check = std::panic::AssertUnwindSafe(|| check(&mock));
            *std::panic::catch_unwind(check).unwrap_err().downcast::<String>().unwrap()
        };
        assert!(failure(&|mock| mock.verify_messages_sent(2)).contains("make it warmer"));
        let other = Attribution::new("other", "1").unwrap();
        assert!(failure(&|mock| mock.received_attribution(&other)).contains("nemovideo"));
        mock.received_attribution(&Attribution::default());
    }
}
