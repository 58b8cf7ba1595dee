//! What a session holds.

use axum::extract::State;

use crate::local::answer::{Caller, Named, Refused, Success};
use crate::local::service::Shared;
use crate::protocol::{SessionId, StateResponse};

pub(super) async fn latest(
    State(service): State<Shared>,
    Caller(account): Caller,
    Named(session): Named<SessionId>,
) -> Result<Success<StateResponse>, Refused> {
    let session = service.sessions.find(&account.user, &session);
    let session = session.ok_or_else(Refused::unknown_session)?;
    Ok(Success(session.state(&service.url)))
}
