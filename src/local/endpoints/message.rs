//! A message, answered as a stream of server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::local::agent::{AgentTurn, Emitter, parse};
use crate::local::answer::{Body, Caller, Refused};
use crate::local::faults::HandlerFault;
use crate::local::service::Shared;
use crate::protocol::event::AdkEvent;
use crate::protocol::{AGENT_NAME, ErrorCode, ME, RunRequest};

pub(super) async fn run(
    State(service): State<Shared>,
    Caller(account): Caller,
    HandlerFault(fault): HandlerFault,
    Body(request): Body<RunRequest>,
) -> Result<Response, Refused> {
    let app = request.app_name == AGENT_NAME;
    if !app || ![ME, account.user.as_str()].contains(&request.user_id.as_str()) {
        // The agent server's sessions are those of one user of one app.
        let message = format!("Session not found: {}", request.session_id);
        return Err(Refused::detail(StatusCode::NOT_FOUND, message));
    }
    let session = service.sessions.find(&account.user, &request.session_id);
    let session = session.ok_or_else(Refused::unknown_session)?;
    let instruction = parse(&request.text());
    let price = instruction.price(&service.settings.prices);
    let hold = account.ledger.freeze(price).ok_or_else(|| {
        let left = account.ledger.balance().available;
        let message = format!("out of credits: this costs {price}, and {left} are left");
        Refused::Code(ErrorCode::OutOfCredits, message)
    })?;
    service.tally.messages_run.raise();

    let heartbeat = service.settings.heartbeat_every;
    let (sender, receiver) = unbounded_channel();
    let emitter = Emitter::new(request.streaming, sender);
    let turns = Arc::clone(&session.turn);
    let mut late = fault.and_then(|fault| service.plans.put_off(&fault));
    // A task of its own: a caller that hangs up ends the stream, not the work.
    tokio::spawn(async move {
        if let Some(late) = &mut late {
            late.wait().await;
        }
        let _turn = turns.lock_owned().await;
        let working = Shared::clone(&service);
        let place = working.speakers.place().await;
        let turn = AgentTurn { service, session, emitter: emitter.clone(), hold };
        if place.work(move || turn.run(instruction)).await.is_err() {
            emitter.error("INTERNAL", "the agent crashed; nothing was charged");
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, HttpBody::from_stream(frames(receiver, heartbeat))).into_response())
}

/// The events as frames, with a comment line at once and whenever nothing has come for a while:
/// every client of server-sent events skips comments.
fn frames(
    mut events: UnboundedReceiver<AdkEvent>,
    heartbeat: Duration,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");
    // A heartbeat of no time at all would leave no time for anything else.
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
    // An event is a tree of strings and numbers, which always can be written.
    let json = serde_json::to_string(event).unwrap_or_default();
    Bytes::from(format!("data: {json}\n\n"))
}
