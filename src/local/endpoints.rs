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

use super::faults::play;
use super::route::Route;
use super::service::Shared;

pub(super) fn all(service: &Shared) -> Router<Shared> {
    Route::ALL.into_iter().fold(Router::new(), |router, route| {
        let faults = from_fn_with_state((Shared::clone(service), route), play);
        router.route(route.template(), handler(route).route_layer(faults))
    })
}

fn handler(route: Route) -> MethodRouter<Shared> {
    match route {
        Route::Token => post(token::anonymous),
        Route::Claim => post(token::claim),
        Route::Session => post(session::open),
        Route::Message => post(message::run),
        // Uploads have a limit of their own, for each file, and are never held in memory.
        Route::Upload => post(upload::take).layer(DefaultBodyLimit::disable()),
        Route::Credits => get(credits::balance),
        Route::State => get(state::latest),
        Route::RenderSubmit => post(render::submit),
        Route::RenderStatus => get(render::poll),
        Route::RenderCancel => post(render::cancel),
        Route::RenderDownload => get(render::download),
        Route::File => get(files::serve),
    }
}
