//! The HTTP client below the calls: the settings that a network asks for, and the caller's own.

use std::fmt;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use url::Url;

use crate::error::{Error, Result};
use crate::protocol::Secret;
#[cfg(not(target_arch = "wasm32"))]
use crate::tls;
use crate::transport::Attribution;

/// The settings of HTTP clients. `Debug` shows none of them: a proxy may have a password, and the
/// caller's own client may have anything.
#[derive(Clone, Default)]
pub(super) struct HttpSettings {
    /// The caller's own client, for the API.
    pub(super) own: Option<reqwest::Client>,
    pub(super) proxy: Option<Secret>,
    /// Certificates in PEM.
    pub(super) roots: Vec<Bytes>,
    pub(super) user_agent: Option<String>,
}

impl HttpSettings {
    /// Returns the headers of every request to the API.
    pub(super) fn api_headers(&self, attribution: &Attribution) -> Result<HeaderMap> {
        let mut headers = attribution.headers();
        // The caller's own client might request an encoding that nothing here decodes.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(user_agent) = &self.user_agent {
            let value = HeaderValue::from_str(user_agent)
                .map_err(|_| invalid("the user agent cannot be sent in a header"))?;
            headers.insert(USER_AGENT, value);
        }
        Ok(headers)
    }

    /// Returns the caller's own client for the API, if there is one.
    ///
    /// # Errors
    /// [`Error::Configuration`] for one that may follow redirects.
    pub(super) fn own_client(&self) -> Result<Option<reqwest::Client>> {
        match &self.own {
            Some(client) if !follows_no_redirect(client) => Err(invalid(
                "the HTTP client must follow no redirects, which would carry what grants access to \
                 another host: build it with `.redirect(reqwest::redirect::Policy::none())`",
            )),
            own => Ok(own.clone()),
        }
    }

    /// Applies the settings to a client of this crate's own, with certificates if it uses TLS.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn apply(
        &self,
        mut builder: reqwest::ClientBuilder,
        uses_tls: bool,
    ) -> Result<reqwest::ClientBuilder> {
        if let Some(user_agent) = &self.user_agent {
            builder = builder.user_agent(user_agent);
        }
        if let Some(proxy) = &self.proxy {
            // The parser's error could show the password. A proxy of another kind would be ignored.
            let url = self.proxy_url().filter(|url| matches!(url.scheme(), "http" | "https"));
            let proxy = url.and_then(|_| reqwest::Proxy::all(proxy.expose()).ok());
            let what = "the URL of the proxy must be http or https, with a host";
            builder = builder.proxy(proxy.ok_or_else(|| invalid(what))?);
        }
        let builder = if uses_tls || !self.roots.is_empty() {
            tls::with_system_certificates(builder, &self.roots)
        } else {
            tls::without_certificates(builder)
        };
        builder.map_err(Error::Configuration)
    }

    /// Returns the URL of the proxy, if one is set. As everywhere, it may be without its scheme.
    pub(super) fn proxy_url(&self) -> Option<Url> {
        let proxy = self.proxy.as_ref()?.expose();
        let scheme = if proxy.contains("://") { "" } else { "http://" };
        Url::parse(&format!("{scheme}{proxy}")).ok().filter(Url::has_host)
    }
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings").finish_non_exhaustive()
    }
}

fn invalid(what: &str) -> Error {
    Error::Configuration(what.to_owned())
}

/// Returns whether a client is known to follow no redirects. Only its `Debug` shows that. Should a
/// later reqwest show it in another form, every client is rejected, and none is trusted in error.
fn follows_no_redirect(client: &reqwest::Client) -> bool {
    // In a header that the caller has set, the quotation marks would be escaped.
    format!("{client:?}").contains(r#"redirect_policy: "Policy(None)""#)
}

#[cfg(test)]
mod tests {
    use reqwest::Client;
    use reqwest::header::{HeaderMap, HeaderValue};
    use reqwest::redirect::Policy;

    use super::follows_no_redirect;

    #[test]
    fn only_a_client_that_follows_no_redirects_is_accepted() {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let forged = HeaderValue::from_static(r#"redirect_policy: "Policy(None)""#);
        let forged = HeaderMap::from_iter([(reqwest::header::COOKIE, forged)]);
        let clients = [
            (Client::builder().redirect(Policy::none()), true),
            (Client::builder(), false),
            (Client::builder().redirect(Policy::limited(0)), false),
            (Client::builder().redirect(Policy::custom(|attempt| attempt.stop())), false),
            (Client::builder().default_headers(forged), false),
        ];
        for (client, expected) in clients {
            assert_eq!(follows_no_redirect(&client.no_proxy().build().unwrap()), expected);
        }
    }
}
