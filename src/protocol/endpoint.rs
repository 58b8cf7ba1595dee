//! The routes of the protocol, each with what it can do on the other side.

use reqwest::Method;
use url::Url;

use crate::error::{Effect, Error, Result};

/// One route. Its template is what logs and errors show; ids stand in braces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) method: Verb,
    pub(crate) template: &'static str,
    pub(crate) effect: Effect,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
    Get,
    Post,
}

impl Verb {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
        }
    }
}

/// What stands in a template's braces, in order.
pub(crate) type Params<'a> = &'a [&'a str];

impl Route {
    const fn new(method: Verb, template: &'static str, effect: Effect) -> Self {
        Self { method, template, effect }
    }

    /// The span of a call: what is logged while it lasts, by allow-list. No id is in it.
    pub(crate) fn span(&self) -> tracing::Span {
        tracing::debug_span!("call", method = self.method.name(), route = self.template)
    }

    /// The address below a base.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an id that could leave its place in the path: an empty one, a
    /// dot segment, or one with control characters. Slashes, question marks and the like are
    /// escaped.
    pub(crate) fn url(&self, base: &Url, params: Params<'_>) -> Result<Url> {
        let mut params = params.iter();
        let mut url = base.clone();
        {
            let mut path = url.path_segments_mut().map_err(|()| {
                Error::Configuration("the base address cannot have a path".to_owned())
            })?;
            path.pop_if_empty();
            for segment in self.template.split('/').skip(1) {
                if segment.starts_with('{') {
                    path.push(checked(params.next().copied().unwrap_or_default())?);
                } else {
                    path.push(segment);
                }
            }
        }
        Ok(url)
    }
}

fn checked(id: &str) -> Result<&str> {
    let dots = matches!(id, "" | "." | "..");
    if dots || id.chars().any(char::is_control) {
        return Err(Error::InvalidInput(format!("{id:?} is not an id")));
    }
    Ok(id)
}

/// Every route, in the order of the protocol.
pub(crate) mod routes {
    use super::{Route, Verb::*};
    use crate::error::Effect::*;

    pub(crate) const TOKEN: Route = Route::new(Post, "/api/auth/anonymous-token", Idempotent);
    pub(crate) const CLAIM: Route = Route::new(Post, "/api/auth/claim-token", Idempotent);
    pub(crate) const SESSION: Route =
        Route::new(Post, "/api/tasks/me/with-session/nemo_agent", Creates);
    pub(crate) const MESSAGE: Route = Route::new(Post, "/run_sse", Billable);
    pub(crate) const UPLOAD: Route =
        Route::new(Post, "/api/upload-video/nemo_agent/me/{session}", Creates);
    pub(crate) const CREDITS: Route = Route::new(Get, "/api/credits/balance/simple", ReadOnly);
    pub(crate) const STATE: Route =
        Route::new(Get, "/api/state/nemo_agent/me/{session}/latest", ReadOnly);
    /// By its own id it is idempotent, but the service does not say so: after a lost answer the
    /// client looks for the id first, so this layer treats it as a call that must not arrive twice.
    pub(crate) const RENDER: Route = Route::new(Post, "/api/render/proxy/lambda", Creates);
    pub(crate) const RENDER_STATUS: Route =
        Route::new(Get, "/api/render/proxy/lambda/{render}", ReadOnly);
    pub(crate) const RENDER_CANCEL: Route =
        Route::new(Post, "/api/render/proxy/lambda/{render}/cancel", Idempotent);
    pub(crate) const RENDER_DOWNLOAD: Route =
        Route::new(Get, "/api/render/proxy/{render}/download", ReadOnly);
    /// A finished file at whatever address the service named.
    pub(crate) const FILE: Route = Route::new(Get, "output.url", ReadOnly);
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::routes;

    #[test]
    fn an_id_never_leaves_its_place_in_the_path() {
        let base = Url::parse("https://api.test/v1/").unwrap();
        let url = routes::STATE.url(&base, &["a/../b?x=1#f%2f"]).unwrap();
        assert_eq!(
            url.as_str(),
            "https://api.test/v1/api/state/nemo_agent/me/a%2F..%2Fb%3Fx=1%23f%252f/latest"
        );
        for id in ["", ".", "..", "a\nb", "a\0"] {
            assert!(routes::STATE.url(&base, &[id]).is_err(), "{id:?}");
        }
    }

    #[test]
    fn a_base_with_and_without_a_slash_is_the_same() {
        for base in ["http://127.0.0.1:1", "http://127.0.0.1:1/"] {
            let url = routes::MESSAGE.url(&Url::parse(base).unwrap(), &[]).unwrap();
            assert_eq!(url.as_str(), "http://127.0.0.1:1/run_sse");
        }
    }
}
