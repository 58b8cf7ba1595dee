//! One request: its address, its headers, how often it is tried, and what its answer means.
//!
//! [`tries`] is the only place in the crate that sends an API request, and the only
//! one that sends it again. Whether it may is decided by a [`RetryPolicy`] from the call's
//! [`Effect`](crate::Effect), how far the failed attempt got, and the answer.

mod answer;
mod attribution;
mod clock;
mod handed;
mod limited;
mod retry;
mod route;
mod send;
mod tries;

pub use attribution::Attribution;
pub(crate) use clock::after;
pub(crate) use handed::OnProgress;
pub(crate) use retry::RetryBudget;
pub use retry::{Attempt, Decision, Failure, RetryPolicy, StandardRetry};
pub(crate) use route::{Params, Route, routes};
pub(crate) use send::{Form, FormFuture, Http, Payload, Reply};
pub(crate) use tries::request_id;
