//! The report of each attempt: to the log, and to the function that watches the client's requests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::protocol::{Endpoint, ResponseMetadata};
use crate::retry::FailureKind;

/// One attempt at a call, which has ended: with its whole JSON response, with the head of a stream
/// or of a file, or without success. Passed to the function that
/// [`ClientBuilder::on_request`](crate::ClientBuilder::on_request) sets.
///
/// It holds no URL and no secret. An attempt whose future is dropped is not reported.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestEvent<'a> {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The number of the attempt at this call, from 1.
    pub attempt: u32,
    /// The time from the beginning of this attempt to its end.
    pub elapsed: Duration,
    /// What the head of the response says, `None` if none was received.
    pub response: Option<&'a ResponseMetadata>,
    /// How the attempt failed, where the [retry policy](crate::RetryPolicy) decides what follows.
    pub failure: Option<FailureKind>,
    /// The error of this attempt; the call ends with it unless there is another attempt.
    pub error: Option<&'a Error>,
}

impl RequestEvent<'_> {
    /// Returns the HTTP method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.endpoint.method()
    }

    /// Returns the path with ids in braces, `/api/render/proxy/lambda/{render}`: fit for the label
    /// of a metric.
    #[must_use]
    pub fn route(&self) -> &'static str {
        self.endpoint.template()
    }

    /// Returns the HTTP status, `None` if no response was received.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.response.map(|response| response.status)
    }

    /// Returns the request id, if the service sent one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.response?.request_id.as_deref()
    }
}

type Observer = dyn Fn(&RequestEvent<'_>) + Send + Sync;

/// The functions that watch the requests of a client.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Fn(&RequestEvent<'_>) + Send + Sync + 'static) {
        self.0.push(Arc::new(observer));
    }

    pub(crate) fn report(&self, event: &RequestEvent<'_>) {
        tracing::debug!(
            method = event.method(),
            path = event.route(),
            status = event.status(),
            attempt = event.attempt,
            elapsed = ?event.elapsed,
            request_id = event.request_id(),
            failure = event.failure.map(tracing::field::debug),
            code = event.error.and_then(Error::code).map(|code| code.number()),
            "an attempt ended"
        );
        self.tell(event);
    }

    /// Calls the functions, without an event in the log.
    pub(crate) fn tell(&self, event: &RequestEvent<'_>) {
        for observer in &self.0 {
            observer(event);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} functions", self.0.len())
    }
}
