//! The endpoints, as the embedded backend routes them.

pub use crate::protocol::Endpoint as Route;

/// Returns whether the response of an endpoint is a file.
pub(super) const fn serves_files(route: Route) -> bool {
    matches!(route, Route::RenderDownload | Route::File)
}
