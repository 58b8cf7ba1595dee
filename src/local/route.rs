//! The calls of the protocol by name, and where each is served: what the router is built from,
//! what requests are counted by and what faults are aimed at.

/// A call of the protocol, as the embedded backend serves it.
///
/// ```
/// use nemovideo::local::Route;
///
/// assert_eq!(Route::Message.template(), "/run_sse");
/// assert_eq!(Route::ALL.len(), 12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Route {
    /// An anonymous token.
    Token,
    /// A link to hand a project over.
    Claim,
    /// A new session.
    Session,
    /// A message, answered as a stream.
    Message,
    /// Files for a session.
    Upload,
    /// What is left to spend.
    Credits,
    /// What a session holds.
    State,
    /// A new render.
    RenderSubmit,
    /// How far a render is.
    RenderStatus,
    /// A render called off.
    RenderCancel,
    /// The file of a render, by the render's id and with the token.
    RenderDownload,
    /// A file by its address: `output.url`, `cdn_url`.
    File,
}

impl Route {
    /// All of them, in the order of the protocol.
    pub const ALL: [Self; 12] = [
        Self::Token,
        Self::Claim,
        Self::Session,
        Self::Message,
        Self::Upload,
        Self::Credits,
        Self::State,
        Self::RenderSubmit,
        Self::RenderStatus,
        Self::RenderCancel,
        Self::RenderDownload,
        Self::File,
    ];

    /// Its path, ids in braces: `/api/render/proxy/lambda/{id}`.
    #[must_use]
    pub const fn template(self) -> &'static str {
        match self {
            Self::Token => "/api/auth/anonymous-token",
            Self::Claim => "/api/auth/claim-token",
            Self::Session => "/api/tasks/me/with-session/nemo_agent",
            Self::Message => "/run_sse",
            Self::Upload => "/api/upload-video/nemo_agent/me/{session}",
            Self::Credits => "/api/credits/balance/simple",
            Self::State => "/api/state/nemo_agent/me/{session}/latest",
            Self::RenderSubmit => "/api/render/proxy/lambda",
            Self::RenderStatus => "/api/render/proxy/lambda/{id}",
            Self::RenderCancel => "/api/render/proxy/lambda/{id}/cancel",
            Self::RenderDownload => "/api/render/proxy/{id}/download",
            Self::File => "/files/{id}/{name}",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// Whether its answer is a file.
    pub(super) const fn serves_files(self) -> bool {
        matches!(self, Self::RenderDownload | Self::File)
    }
}

#[cfg(test)]
mod tests {
    use super::Route;

    #[test]
    fn every_route_is_listed_at_its_own_place() {
        for (place, route) in Route::ALL.into_iter().enumerate() {
            assert_eq!(route.index(), place, "{route:?}");
        }
    }
}
