//! What the head of a response says, beside the data in its body.

use std::time::Duration;

/// What the head of a response says: its status, its request id, and how often the client may call.
///
/// Of an error response it is returned by [`Error::metadata`](crate::Error::metadata), of a success
/// by [`ApiRequest::with_metadata`](crate::client::ApiRequest::with_metadata) and
/// [`MessageStream::metadata`](crate::MessageStream::metadata).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseMetadata {
    /// The HTTP status.
    pub status: u16,
    /// The request id, `X-Request-Id` or `Request-Id`, by which the service finds the request in
    /// its logs.
    pub request_id: Option<String>,
    /// How long the service asks to wait before the next request: `Retry-After`.
    pub retry_after: Option<Duration>,
    /// How many requests the service allows.
    pub rate_limit: RateLimit,
}

/// How many requests a service allows, as a response states it.
///
/// The protocol documents no headers for it. These are the usual ones, with the prefix
/// `X-RateLimit-`, `RateLimit-` or `X-Rate-Limit-`. A field is `None` without its header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of requests in one window of time: `…Limit`.
    pub limit: Option<u64>,
    /// The number of requests left in this window: `…Remaining`.
    pub remaining: Option<u64>,
    /// The time until the next window: `…Reset`, in seconds or as a Unix time.
    pub reset_after: Option<Duration>,
}
