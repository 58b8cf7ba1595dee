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
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use super::faults::inject;
use super::service::Shared;
use crate::protocol::Endpoint;

pub(super) fn all(service: &Shared) -> Router<Shared> {
    Endpoint::ALL.into_iter().fold(Router::new(), |router, route| {
        let faults = from_fn_with_state((Shared::clone(service), route), inject);
        router.route(route.template(), handler(route).route_layer(faults))
    })
}

fn handler(route: Endpoint) -> MethodRouter<Shared> {
    match route {
        Endpoint::Token => post(token::anonymous),
        Endpoint::Claim => post(token::claim),
        Endpoint::Session => post(session::open),
        Endpoint::Message => post(message::run),
        // Uploads have a limit of their own, for each file, and are never held in memory.
        Endpoint::Upload => post(upload::take).layer(DefaultBodyLimit::disable()),
        Endpoint::Credits => get(credits::balance),
        Endpoint::State => get(state::latest),
        Endpoint::RenderSubmit => post(render::submit),
        Endpoint::RenderStatus => get(render::poll),
        Endpoint::RenderCancel => post(render::cancel),
        Endpoint::RenderDownload => get(render::download),
        Endpoint::File => get(files::serve),
    }
}
