//! HTTP below the client: one call, its attempts, and what each response means.
//!
//! [`exchange`] sends the API requests, and is the only place that sends one again. (One read is
//! sent elsewhere: `client::download` follows the redirect of the download endpoint itself.)
//! Whether a request may be sent again is decided by a [`RetryPolicy`](crate::RetryPolicy) from the
//! [`Effect`](crate::Effect) of the endpoint, how far the failed attempt got, and the response.
//!
//! Nothing here knows about tokens: an exchange sends the [`Authorization`] it is given and reports
//! [`AttemptError::TokenRejected`].

mod attribution;
mod body;
mod exchange;
mod fetch;
mod observer;
mod options;
mod peek;
mod request;
mod response;

pub use attribution::Attribution;
pub(crate) use body::OnBytesSent;
pub(crate) use exchange::{AttemptError, Exchange};
pub(crate) use observer::Observers;
pub use observer::RequestEvent;
pub(crate) use options::{CallOptions, MetadataSlot};
pub(crate) use request::{
    Authorization, Form, FormFuture, Params, Payload, PendingResponse, Secrets, Transport,
    call_span,
};
pub(crate) use response::{Expect, content_encoding, metadata_of};
