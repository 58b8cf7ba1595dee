//! Where a file comes from: its own URL, or the API's download route.

use std::time::{Instant, SystemTime};

use reqwest::header::{
    AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_RANGE, LOCATION, RANGE,
};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use super::failure_of;
use crate::client::NemoClient;
use crate::client::url_policy::file_url;
use crate::error::{
    ApiError, Call, ConnectionError, Error, ErrorCode, Result, TimeoutKind, source,
};
use crate::protocol::{Endpoint, RenderId, ResponseMetadata};
use crate::transport::{RequestEvent, metadata_of};

/// The two sources of a file, and which one is in use.
pub(super) struct FileSources<'a> {
    client: &'a NemoClient,
    id: &'a RenderId,
    url: &'a str,
    uses_api: bool,
    /// The error of the file's own URL.
    url_error: Option<Error>,
}

impl<'a> FileSources<'a> {
    pub(super) fn new(client: &'a NemoClient, id: &'a RenderId, url: &'a str) -> Self {
        // A video without a URL of its own has that of the API's route, which needs the token.
        let route = client.transport().url(Endpoint::RenderDownload, &[id.as_str()]);
        let uses_api = route.is_ok_and(|route| route.as_str() == url);
        Self { client, id, url, uses_api, url_error: None }
    }

    /// Uses the API from now on.
    ///
    /// # Errors
    /// The error to report, if the API was in use already.
    pub(super) fn fall_back(&mut self, error: Error) -> Result<()> {
        if !self.uses_api {
            (self.uses_api, self.url_error) = (true, Some(error));
            return Ok(());
        }
        Err(match self.url_error.take() {
            // The failure of the file's own URL is more informative than a missing copy, unless
            // the API may have the file later.
            Some(first) if first.is_retryable() || !error.is_retryable() => first,
            _ => error,
        })
    }

    /// Requests the file from a byte on, if it is still the version with this tag.
    pub(super) async fn open(&self, from: u64, tag: Option<&str>) -> Result<(Response, Call)> {
        let mut range = HeaderMap::new();
        if from > 0 {
            insert(&mut range, RANGE, &format!("bytes={from}-"));
            if let Some(tag) = tag {
                insert(&mut range, IF_RANGE, tag);
            }
        }
        let sent = self.send(range).await;
        let status = match &sent {
            Ok((response, _)) => Some(response.status().as_u16()),
            Err(error) => error.api().and_then(|api| api.status),
        };
        let (response, call) = match status.map(StatusCode::from_u16) {
            // The file is shorter than the part received so far: it is another one.
            Some(Ok(StatusCode::RANGE_NOT_SATISFIABLE)) if from > 0 => {
                self.send(HeaderMap::new()).await?
            }
            _ => sent?,
        };
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok((response, call)),
            status => Err(no_file(call, status)),
        }
    }

    async fn send(&self, range: HeaderMap) -> Result<(Response, Call)> {
        match self.uses_api {
            false => self.get_anonymously(file_url(self.client.base_url(), self.url)?, range).await,
            true => self.get_through_api(range).await,
        }
    }

    /// Requests a file of any host, without token and attribution.
    async fn get_anonymously(&self, url: Url, range: HeaderMap) -> Result<(Response, Call)> {
        let request = self.client.files()?.get(url).headers(range);
        self.execute(request, Endpoint::File).await
    }

    async fn execute(
        &self,
        request: RequestBuilder,
        endpoint: Endpoint,
    ) -> Result<(Response, Call)> {
        let options = &self.client.options;
        let (started, mut metadata) = (Instant::now(), None);
        let call = |response: Option<&ResponseMetadata>| Call {
            request_id: response.and_then(|response| response.request_id.clone()),
            response: response.cloned().map(Box::new),
            ..Call::once(endpoint, started.elapsed())
        };
        let after = self.client.inner.timeouts.response();
        let wait = options.time_left().unwrap_or(after);
        let result = match tokio::time::timeout(wait, request.send()).await {
            Ok(Ok(response)) => {
                metadata = Some(metadata_of(&response, SystemTime::now()));
                Ok((response, call(metadata.as_ref())))
            }
            Ok(Err(error)) => {
                let unreachable = error.is_connect();
                let source = source(error.without_url());
                let failure = Box::new(ConnectionError::new(call(None), source));
                Err(match unreachable {
                    true => Error::Unreachable(failure),
                    false => Error::Disconnected(failure),
                })
            }
            Err(_elapsed) => Err(Error::Timeout {
                kind: TimeoutKind::Response,
                after: options.timeout().unwrap_or(after),
                call: Box::new(call(None)),
            }),
        };
        let error = result.as_ref().err();
        self.client.transport().observers.report(&RequestEvent {
            endpoint,
            attempt: 1,
            elapsed: started.elapsed(),
            response: metadata.as_ref(),
            failure: error.and_then(failure_of),
            error,
        });
        result
    }

    async fn get_through_api(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let (client, params) = (self.client, [self.id.as_str()]);
        match client.open_file(Endpoint::RenderDownload, &params, range.clone()).await {
            Ok(pending) => Ok((pending.response, pending.call)),
            Err(Error::Api(api)) if api.status.is_some_and(|s| (300..400).contains(&s)) => {
                self.get_redirected(range).await
            }
            Err(error) => Err(error),
        }
    }

    /// Follows a redirect of the API. API calls follow none, since the token would be sent along,
    /// and their error does not hold the target: so the request is made once more by hand.
    async fn get_redirected(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let (transport, endpoint) = (self.client.transport(), Endpoint::RenderDownload);
        let url = transport.url(endpoint, &[self.id.as_str()])?;
        let bearer = self.client.auth().bearer(transport).await?;
        let authorization = bearer.authorization()?.header();
        let request = transport
            .api
            .get(url.clone())
            .headers(transport.headers.clone())
            .headers(self.client.options.headers().clone())
            .header(AUTHORIZATION, authorization)
            .headers(range.clone());
        let (response, call) = self.execute(request, endpoint).await?;
        let status = response.status();
        if !status.is_redirection() {
            return match status.is_success() {
                true => Ok((response, call)),
                false => Err(no_file(call, status)),
            };
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(target) = location.and_then(|location| url.join(location).ok()) else {
            return Err(no_file(call, status));
        };
        self.get_anonymously(file_url(&transport.base, target.as_str())?, range).await
    }
}

/// Returns the error for a response without a file. A client error or a redirect is final, any
/// other status may be temporary.
fn no_file(call: Call, status: StatusCode) -> Error {
    let what = format!("the file's host returned HTTP {}", status.as_u16());
    let is_temporary =
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if (status.is_client_error() && !is_temporary) || status.is_redirection() {
        final_error(call, status, what)
    } else {
        disconnected(call, what)
    }
}

pub(super) fn final_error(call: Call, status: StatusCode, message: String) -> Error {
    let code = ErrorCode::Other(i64::from(status.as_u16()));
    Error::from_api(ApiError {
        status: Some(status.as_u16()),
        call: Some(call),
        ..ApiError::local(code, message)
    })
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Always valid: the tag was received as a header value.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

pub(super) fn disconnected(call: Call, what: impl Into<String>) -> Error {
    let source = source(what.into());
    Error::Disconnected(Box::new(ConnectionError::new(call, source)))
}
