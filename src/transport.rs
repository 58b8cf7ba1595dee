//! One request: its address, its headers, how often it is tried, and what its answer means.
//!
//! [`exchange`] is the only place in the crate that sends an API request, and the only
//! one that sends it again. Whether it may is decided by a [`RetryPolicy`] from the call's
//! [`Effect`](crate::Effect), how far the failed attempt got, and the answer.

mod attribution;
mod body;
mod clock;
mod exchange;
mod limited;
mod request;
mod response;

pub(crate) use crate::protocol::endpoint::{Params, Route, routes};
pub(crate) use crate::retry::RetryBudget;
pub use attribution::Attribution;
pub(crate) use body::OnProgress;
pub(crate) use clock::after;
pub(crate) use exchange::request_id;
pub(crate) use request::{Form, FormFuture, Payload, PendingResponse, Transport};
