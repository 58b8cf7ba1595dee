//! A new session.

use axum::extract::State;

use crate::local::answer::{Body, Caller, Refused, Success};
use crate::local::service::Shared;
use crate::protocol::{CreateSession, Session};

pub(super) async fn open(
    State(service): State<Shared>,
    Caller(account): Caller,
    Body(new): Body<CreateSession>,
) -> Result<Success<Session>, Refused> {
    let session = service.sessions.open(account.user.clone(), new);
    service.tally.sessions_created.raise();
    Ok(Success(session.answer()))
}
