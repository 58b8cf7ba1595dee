//! Renders: submitted, asked after, called off, fetched.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::files;
use crate::local::accounts::Account;
use crate::local::answer::{Attributed, Body, Caller, Named, Refused};
use crate::local::faults::HandlerFault;
use crate::local::renders::{self, Render};
use crate::local::service::Shared;
use crate::protocol::{RenderId, RenderJob, RenderState};

/// The one answer whose fields stand beside the code, not under `data`.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    code: i64,
    message: &'static str,
    #[serde(flatten)]
    state: RenderState,
}

impl Answer {
    fn of(state: RenderState) -> Json<Self> {
        Json(Self { code: 0, message: "success", state })
    }
}

pub(super) async fn submit(
    State(service): State<Shared>,
    Caller(account): Caller,
    _: Attributed,
    HandlerFault(fault): HandlerFault,
    Body(request): Body<RenderJob>,
) -> Result<Json<Answer>, Refused> {
    let session = service.sessions.find(&account.user, &request.session_id);
    let session = session.ok_or_else(Refused::unknown_session)?;
    if let Some(render) = service.renders.find(&account.user, &request.id) {
        return Ok(Answer::of(render.state()));
    }
    if request.id.as_str().is_empty() {
        // Nobody could ask after it.
        let message = "String should have at least 1 character";
        return Err(Refused::invalid(&["body", "id"], message, "string_too_short"));
    }
    if renders::format_of(&request.output).is_none() {
        let message = format!("the format `{}` is not one of mp4, m4a, wav", request.output.format);
        return Err(Refused::invalid(&["body", "output", "format"], message, "value_error"));
    }
    if !request.draft.is_ready_to_export() {
        let message = "the draft is not ready to export: no track of it has a segment";
        return Err(Refused::invalid(&["body", "draft", "t"], message, "value_error"));
    }
    let render = renders::submit(&service, &account, &session, request, fault.as_ref());
    Ok(Answer::of(render.state()))
}

pub(super) async fn poll(
    State(service): State<Shared>,
    Caller(account): Caller,
    Named(id): Named<RenderId>,
) -> Result<Json<Answer>, Refused> {
    Ok(Answer::of(find(&service, &account, &id)?.polled()))
}

pub(super) async fn cancel(
    State(service): State<Shared>,
    Caller(account): Caller,
    Named(id): Named<RenderId>,
) -> Result<Json<Answer>, Refused> {
    Ok(Answer::of(find(&service, &account, &id)?.cancel()))
}

pub(super) async fn download(
    State(service): State<Shared>,
    Caller(account): Caller,
    Named(id): Named<RenderId>,
    HandlerFault(fault): HandlerFault,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let file = find(&service, &account, &id)?.file().ok_or_else(|| {
        Refused::detail(StatusCode::CONFLICT, format!("Render has no file: {id}"))
    })?;
    files::send(&service, &file, &method, &headers, fault.as_ref()).await
}

fn find(service: &Shared, account: &Account, id: &RenderId) -> Result<Arc<Render>, Refused> {
    let render = service.renders.find(&account.user, id);
    let unknown = || Refused::detail(StatusCode::NOT_FOUND, format!("Render not found: {id}"));
    render.ok_or_else(unknown)
}
