//! Tokens: an anonymous account, and a link to hand a project over.

use axum::extract::State;
use axum::http::HeaderMap;
use uuid::Uuid;

use crate::local::answer::{Body, Caller, Refused, Success};
use crate::local::service::Shared;
use crate::protocol::headers::CLIENT_ID;
use crate::protocol::{AnonymousToken, ClaimRequest, ClaimToken, ErrorCode};

/// A week, as documented.
const CLAIM_SECONDS: u64 = 604_800;

pub(super) async fn anonymous(
    State(service): State<Shared>,
    headers: HeaderMap,
) -> Result<Success<AnonymousToken>, Refused> {
    let client = headers.get(CLIENT_ID).and_then(|value| value.to_str().ok());
    let client = client.map(str::trim).filter(|client| !client.is_empty()).ok_or_else(|| {
        Refused::Code(ErrorCode::ClientIdMissing, "the X-Client-Id header is missing".to_owned())
    })?;
    let settings = &service.settings;
    let token = service
        .accounts
        .issue(client.into(), settings.credits, settings.token_lifetime)
        .map_err(|left| {
            let message = "this client has a token that still lives";
            Refused::TooSoon(left.as_secs() + 1, message.to_owned())
        })?;
    service.tally.tokens_issued.raise();
    Ok(Success(token))
}

/// There is no web site behind this backend, so nothing ever asks for the token again.
pub(super) async fn claim(
    State(service): State<Shared>,
    Caller(account): Caller,
    Body(request): Body<ClaimRequest>,
) -> Result<Success<ClaimToken>, Refused> {
    service
        .sessions
        .find(&account.user, &request.session_id)
        .filter(|session| session.task == request.task_id)
        .ok_or_else(Refused::unknown_session)?;
    Ok(Success(ClaimToken::new(format!("clm_{}", Uuid::new_v4().simple()), CLAIM_SECONDS)))
}
