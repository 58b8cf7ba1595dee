//! Matchers of requests in the protocol's words, for [`Reply::when`](super::Reply::when) and for
//! programs that run a [`MockServer`](wiremock::MockServer) of their own.
//!
//! ```
//! use nemovideo::mock::wiremock::{Mock, MockServer};
//! use nemovideo::mock::{event, matchers, respond};
//! use nemovideo::protocol::Endpoint;
//! use nemovideo::{Attribution, NemoClient};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), nemovideo::Error> {
//! let server = MockServer::start().await;
//! Mock::given(matchers::message("make it warmer"))
//!     .and(matchers::session("session"))
//!     .and(matchers::attribution(&Attribution::new("my-app", "1.0")?))
//!     .respond_with(respond::stream([event::text("Warmer now.")]))
//!     .expect(1)
//!     .mount(&server)
//!     .await;
//! Mock::given(matchers::endpoint(Endpoint::Token))
//!     .respond_with(respond::token("nmv_usr_mock"))
//!     .mount(&server)
//!     .await;
//!
//! let client = NemoClient::builder()
//!     .base_url(server.uri())
//!     .in_memory_credentials()
//!     .attribution(Attribution::new("my-app", "1.0")?)
//!     .build()?;
//! let _events = client.send_message(&"session".into(), "make it warmer").await?;
//! # Ok(())
//! # }
//! ```

use serde_json::Value;
use wiremock::{Match, Request};

use super::endpoint_of;
use crate::protocol::{Endpoint, RunRequest, headers};
use crate::transport::Attribution;

/// Matches the requests to an endpoint.
pub fn endpoint(endpoint: Endpoint) -> impl Match {
    move |request: &Request| endpoint_of(request) == Some(endpoint)
}

/// Matches a message of the user with exactly this text.
pub fn message(text: &str) -> impl Match + use<> {
    let text = text.to_owned();
    move |request: &Request| {
        endpoint_of(request) == Some(Endpoint::Message)
            && request.body_json::<RunRequest>().is_ok_and(|sent| sent.text() == text)
    }
}

/// Matches what concerns this session: its messages, uploads, renders and claim links, and the
/// reads of its state.
pub fn session(id: &str) -> impl Match + use<> {
    let id = id.to_owned();
    move |request: &Request| match endpoint_of(request) {
        Some(Endpoint::State | Endpoint::Upload) => {
            request.url.path_segments().is_some_and(|mut path| path.any(|segment| segment == id))
        }
        _ => request.body_json::<Value>().is_ok_and(|body| {
            ["session_id", "sessionId"].iter().any(|key| body[key].as_str() == Some(&id))
        }),
    }
}

/// Matches the requests with exactly these attribution headers.
pub fn attribution(attribution: &Attribution) -> impl Match + use<> {
    let expected = expected_headers(attribution);
    move |request: &Request| headers_of(request) == expected
}

/// The attribution headers of a request, in the order of [`headers::ATTRIBUTION`].
pub(super) fn headers_of(request: &Request) -> [Option<String>; 3] {
    headers::ATTRIBUTION
        .map(|name| Some(String::from_utf8_lossy(request.headers.get(name)?.as_bytes()).into()))
}

pub(super) fn expected_headers(attribution: &Attribution) -> [Option<String>; 3] {
    [attribution.source(), attribution.version(), attribution.platform()]
        .map(|value| Some(value.to_owned()))
}
