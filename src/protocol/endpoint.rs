//! The table of endpoints: method, path and effect of every call of the protocol.
//!
//! The client builds URLs from it and decides what may be sent again; the embedded backend and the
//! mock route requests by it.

/// What a call can do on the server, which decides whether it may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Changes nothing: credits, state, render status, downloads.
    ReadOnly,
    /// Changes something once, however often it arrives: a token for a client id, a cancel.
    Idempotent,
    /// Creates something new each time: a session, an upload, a render.
    Creates,
    /// Costs credits each time: a message.
    Billable,
}

impl Effect {
    /// Returns whether a call that arrives twice does no more than one that arrives once.
    #[must_use]
    pub const fn is_repeatable(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Idempotent)
    }
}

/// An endpoint of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Endpoint {
    /// Issues an anonymous token.
    Token,
    /// Issues a claim token, which opens an anonymous project in a browser.
    Claim,
    /// Creates one of a user's own tokens.
    TokenCreate,
    /// Lists a user's own tokens.
    TokenList,
    /// Revokes one of a user's own tokens.
    TokenRevoke,
    /// Creates a session.
    Session,
    /// Sends a message; the response is an event stream.
    Message,
    /// Uploads files to a session.
    Upload,
    /// Returns the credit balance.
    Credits,
    /// Returns the state of a session.
    State,
    /// Submits a render.
    RenderSubmit,
    /// Returns the status of a render.
    RenderStatus,
    /// Cancels a render.
    RenderCancel,
    /// Downloads the file of a render by the render's id, with the token.
    RenderDownload,
    /// Downloads a file by its own URL, without the token. The path is that of the embedded
    /// backend and the mock; the cloud may name any URL.
    File,
}

impl Endpoint {
    /// All endpoints, in the order of their declaration.
    pub const ALL: [Self; 15] = [
        Self::Token,
        Self::Claim,
        Self::TokenCreate,
        Self::TokenList,
        Self::TokenRevoke,
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

    const fn row(self) -> (&'static str, &'static str, Effect) {
        use Effect::*;
        match self {
            Self::Token => ("POST", "/api/auth/anonymous-token", Idempotent),
            Self::Claim => ("POST", "/api/auth/claim-token", Idempotent),
            Self::TokenCreate => ("POST", "/api/tokens", Creates),
            Self::TokenList => ("GET", "/api/tokens", ReadOnly),
            Self::TokenRevoke => ("POST", "/api/tokens/{token}/revoke", Idempotent),
            Self::Session => ("POST", "/api/tasks/me/with-session/nemo_agent", Creates),
            Self::Message => ("POST", "/run_sse", Billable),
            Self::Upload => ("POST", "/api/upload-video/nemo_agent/me/{session}", Creates),
            Self::Credits => ("GET", "/api/credits/balance/simple", ReadOnly),
            Self::State => ("GET", "/api/state/nemo_agent/me/{session}/latest", ReadOnly),
            // Idempotent by the render's id, but the service does not document that: after a lost
            // response the client looks the id up first, so the submit itself must not be
            // repeated.
            Self::RenderSubmit => ("POST", "/api/render/proxy/lambda", Creates),
            Self::RenderStatus => ("GET", "/api/render/proxy/lambda/{render}", ReadOnly),
            Self::RenderCancel => ("POST", "/api/render/proxy/lambda/{render}/cancel", Idempotent),
            Self::RenderDownload => ("GET", "/api/render/proxy/{render}/download", ReadOnly),
            Self::File => ("GET", "/files/{file}/{name}", ReadOnly),
        }
    }

    /// Returns the HTTP method.
    #[must_use]
    pub const fn method(self) -> &'static str {
        self.row().0
    }

    /// Returns the path, with ids in braces: `/api/render/proxy/lambda/{render}`.
    #[must_use]
    pub const fn template(self) -> &'static str {
        self.row().1
    }

    /// Returns what a call to this endpoint can do.
    #[must_use]
    pub const fn effect(self) -> Effect {
        self.row().2
    }

    /// Returns the endpoint that serves a request with this method and this path.
    #[must_use]
    pub fn matching(method: &str, path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.method() == method && endpoint.has(path))
    }

    fn has(self, path: &str) -> bool {
        let mut segments = path.split('/');
        let fits = |expected: &str| match segments.next() {
            Some(segment) if expected.starts_with('{') => !segment.is_empty(),
            segment => segment == Some(expected),
        };
        self.template().split('/').all(fits) && segments.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn every_endpoint_is_listed_once_and_matches_its_own_path() {
        for (index, endpoint) in Endpoint::ALL.into_iter().enumerate() {
            assert_eq!(endpoint as usize, index, "{endpoint:?}");
            let path = endpoint.template().replace(['{', '}'], "");
            assert_eq!(Endpoint::matching(endpoint.method(), &path), Some(endpoint));
            assert_eq!(Endpoint::matching("PUT", &path), None);
            assert_eq!(Endpoint::matching(endpoint.method(), &format!("{path}/more")), None);
        }
        assert_eq!(Endpoint::matching("GET", "/api/render/proxy/lambda/"), None);
        assert_eq!(Endpoint::matching("GET", "run_sse"), None);
    }
}
