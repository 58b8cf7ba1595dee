//! The calls of the protocol, one file for each group, in the order of its description.

mod credits;
mod files;
mod message;
mod render;
mod session;
mod state;
mod token;
mod upload;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::service::Shared;

pub(super) fn all() -> Router<Shared> {
    Router::new()
        .route("/api/auth/anonymous-token", post(token::anonymous))
        .route("/api/auth/claim-token", post(token::claim))
        .route("/api/tasks/me/with-session/nemo_agent", post(session::open))
        .route("/run_sse", post(message::run))
        .route(
            "/api/upload-video/nemo_agent/me/{session}",
            // Uploads have a limit of their own, for each file, and are never held in memory.
            post(upload::take).layer(DefaultBodyLimit::disable()),
        )
        .route("/api/credits/balance/simple", get(credits::balance))
        .route("/api/state/nemo_agent/me/{session}/latest", get(state::latest))
        .route("/api/render/proxy/lambda", post(render::submit))
        .route("/api/render/proxy/lambda/{id}", get(render::poll))
        .route("/api/render/proxy/lambda/{id}/cancel", post(render::cancel))
        .route("/api/render/proxy/{id}/download", get(render::download))
        .route("/files/{id}/{name}", get(files::serve))
}
