//! The handlers of the protocol's endpoints: accounts, sessions and messages here, uploads and
//! files in modules of their own.

mod files;
mod upload;

pub(super) use files::send_file;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use futures::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use uuid::Uuid;

use super::agent::{AgentTurn, Emitter, Instruction};
use super::faults::{HandlerFault, LateStart, Release, inject};
use super::response::{Authorized, Caller, JsonBody, PathParams, Rejected, Success};
use super::server::SharedService;
use crate::protocol::event::AdkEvent;
use crate::protocol::headers::CLIENT_ID;
use crate::protocol::{
    AGENT_NAME, AnonymousToken, ClaimRequest, ClaimToken, CreateSession, CreateToken,
    CreditBalance, Endpoint, ErrorCode, ME, RunRequest, Session, SessionId, StateResponse,
    TokenCreated, TokenId, TokenList,
};

/// A week, as documented.
const CLAIM_SECONDS: u64 = 604_800;

pub(crate) fn all(service: &SharedService) -> Router<SharedService> {
    Endpoint::ALL.into_iter().fold(Router::new(), |router, endpoint| {
        let faults = from_fn_with_state((Arc::clone(service), endpoint), inject);
        let handler = handler(endpoint).route_layer(faults).route_layer(Extension(endpoint));
        router.route(endpoint.template(), handler)
    })
}

fn handler(endpoint: Endpoint) -> MethodRouter<SharedService> {
    match endpoint {
        Endpoint::Token => post(issue_token),
        Endpoint::Claim => post(claim),
        Endpoint::TokenCreate => post(create_token),
        Endpoint::TokenList => get(list_tokens),
        Endpoint::TokenRevoke => post(revoke_token),
        Endpoint::Session => post(create_session),
        Endpoint::Message => post(run_message),
        // Uploads have a limit of their own for each file, and are never held in memory.
        Endpoint::Upload => post(upload::upload).layer(DefaultBodyLimit::disable()),
        Endpoint::Credits => get(credits),
        Endpoint::State => get(session_state),
        Endpoint::RenderSubmit => post(files::submit_render),
        Endpoint::RenderStatus => get(files::render_status),
        Endpoint::RenderCancel => post(files::cancel_render),
        Endpoint::RenderDownload => get(files::download_render),
        Endpoint::File => get(files::download),
    }
}

async fn issue_token(
    State(service): State<SharedService>,
    headers: HeaderMap,
) -> Result<Success<AnonymousToken>, Rejected> {
    let client = headers.get(CLIENT_ID).and_then(|value| value.to_str().ok());
    let client = client.map(str::trim).filter(|client| !client.is_empty()).ok_or_else(|| {
        Rejected::Code(ErrorCode::ClientIdMissing, "the X-Client-Id header is missing".to_owned())
    })?;
    let settings = &service.settings;
    let (credits, lifetime) = (settings.credits, settings.token_lifetime);
    let token = service.accounts.issue(client.into(), credits, lifetime, &settings.token_scopes)?;
    service.count(|counters| counters.tokens_issued += 1);
    Ok(Success(token))
}

/// Creates a token of the caller's account. All accounts are anonymous here, so these may have
/// tokens of their own, which the service allows registered users only.
async fn create_token(
    State(service): State<SharedService>,
    Authorized(creator): Authorized,
    JsonBody(request): JsonBody<CreateToken>,
) -> Result<Success<TokenCreated>, Rejected> {
    if request.name.trim().is_empty() {
        let message = "String should have at least 1 character";
        return Err(Rejected::invalid(&["body", "name"], message, "string_too_short"));
    }
    let (token, info) = service.accounts.create_token(&creator, request)?;
    service.count(|counters| counters.tokens_created += 1);
    Ok(Success(TokenCreated::new(token.expose(), info)))
}

async fn list_tokens(
    State(service): State<SharedService>,
    Caller(account): Caller,
) -> Success<TokenList> {
    Success(TokenList(service.accounts.tokens_of(&account)))
}

async fn revoke_token(
    State(service): State<SharedService>,
    Caller(account): Caller,
    PathParams(id): PathParams<TokenId>,
) -> Result<Success<serde_json::Value>, Rejected> {
    let is_first = service
        .accounts
        .revoke_token(&account, &id)?
        .ok_or_else(|| Rejected::detail(StatusCode::NOT_FOUND, format!("Token not found: {id}")))?;
    service.count(|counters| counters.tokens_revoked += u64::from(is_first));
    Ok(Success(serde_json::json!({ "id": id, "revoked": true })))
}

/// Returns a claim token. The backend has no web site, so nothing ever redeems it.
async fn claim(
    State(service): State<SharedService>,
    Caller(account): Caller,
    JsonBody(request): JsonBody<ClaimRequest>,
) -> Result<Success<ClaimToken>, Rejected> {
    let session = service.sessions.find(&account.user, &request.session_id)?;
    if session.task != request.task_id {
        return Err(Rejected::unknown_session());
    }
    Ok(Success(ClaimToken::new(format!("clm_{}", Uuid::new_v4().simple()), CLAIM_SECONDS)))
}

async fn credits(Caller(account): Caller) -> Success<CreditBalance> {
    Success(account.ledger.balance())
}

async fn create_session(
    State(service): State<SharedService>,
    Caller(account): Caller,
    JsonBody(request): JsonBody<CreateSession>,
) -> Result<Success<Session>, Rejected> {
    let session = service.sessions.create(account.user.clone(), request)?;
    service.count(|counters| counters.sessions_created += 1);
    if let Some(watch) = &service.watch {
        watch.begin(&session.id);
    }
    Ok(Success(session.response()))
}

async fn session_state(
    State(service): State<SharedService>,
    Caller(account): Caller,
    PathParams(session): PathParams<SessionId>,
) -> Result<Success<StateResponse>, Rejected> {
    let session = service.sessions.find(&account.user, &session)?;
    Ok(Success(session.state(&service.url)))
}

/// Runs a message and returns its events as a stream.
async fn run_message(
    State(service): State<SharedService>,
    Caller(account): Caller,
    HandlerFault(fault): HandlerFault,
    release: Option<Extension<Release>>,
    JsonBody(request): JsonBody<RunRequest>,
) -> Result<Response, Rejected> {
    let is_agent = request.app_name == AGENT_NAME;
    if !is_agent || ![ME, account.user.as_str()].contains(&request.user_id.as_str()) {
        // For the agent server, a session belongs to one user of one app.
        let message = format!("Session not found: {}", request.session_id);
        return Err(Rejected::detail(StatusCode::NOT_FOUND, message));
    }
    let session = service.sessions.find(&account.user, &request.session_id)?;
    let heartbeat = service.settings.heartbeat_every;
    let (sender, receiver) = unbounded_channel();
    let late_start = fault
        .zip(release)
        .and_then(|(fault, Extension(release))| service.plans.put_off(&fault, release));
    // A message of megabytes takes a while to understand. Once this has begun, it is independent of
    // the client, which may disconnect.
    let jobs = service.jobs.clone();
    let begun = jobs.spawn_blocking(move || {
        let message = request.text();
        let log = service.watch.as_ref().map(|watch| watch.message(&session.id, &message));
        let instruction = session.instruction(&message);
        let price = instruction.price(&service.settings.prices);
        let hold = account.ledger.freeze(price).ok_or_else(|| {
            let left = account.ledger.balance().available;
            let message = format!("out of credits: this costs {price}, and {left} are left");
            if let Some(log) = &log {
                log.error(&message);
            }
            Rejected::Code(ErrorCode::OutOfCredits, message)
        })?;
        service.count(|counters| counters.messages_run += 1);
        let emitter = Emitter::new(request.streaming, sender, log);
        let jobs = service.jobs.clone();
        jobs.spawn(run_turn(
            AgentTurn { service, session, emitter, hold, message },
            instruction,
            late_start,
        ));
        Ok::<_, Rejected>(())
    });
    begun.await.map_err(Rejected::internal)??;
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, Body::from_stream(frames(receiver, heartbeat))).into_response())
}

/// Runs a turn when the session and a worker are free, unless the backend stops before.
async fn run_turn(turn: AgentTurn, instruction: Instruction, mut late_start: Option<LateStart>) {
    let (service, emitter) = (Arc::clone(&turn.service), turn.emitter.clone());
    let ready = async {
        if let Some(late_start) = &mut late_start {
            late_start.wait().await;
        }
        let lock = Arc::clone(&turn.session.message_lock).lock_owned().await;
        (lock, service.message_workers.worker(&turn.session.user).await)
    };
    let Some(_ready) = service.stopping.run_until_cancelled(ready).await else { return };
    let run = service.jobs.spawn_blocking(move || turn.run(instruction));
    if run.await.is_err() {
        emitter.error("INTERNAL", "the agent crashed; nothing was charged");
    }
}

/// Serializes events as frames, with a comment at once and whenever nothing was sent for a while:
/// all clients of server-sent events ignore comments.
fn frames(
    mut events: UnboundedReceiver<AdkEvent>,
    heartbeat: Duration,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");
    // Heartbeats without a pause would starve everything else.
    let heartbeat = heartbeat.max(Duration::from_millis(1));
    async_stream::stream! {
        yield Ok(HEARTBEAT);
        loop {
            match tokio::time::timeout(heartbeat, events.recv()).await {
                Err(_) => yield Ok(HEARTBEAT),
                Ok(None) => return,
                Ok(Some(event)) => yield Ok(frame(&event)),
            }
        }
    }
}

fn frame(event: &AdkEvent) -> Bytes {
    // An event consists of strings and numbers only, which can always be serialized.
    let json = serde_json::to_string(event).unwrap_or_default();
    Bytes::from(format!("data: {json}\n\n"))
}
