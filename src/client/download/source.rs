//! The sources of a finished file: the URL that the service named, then the API.

use std::time::Instant;

use reqwest::header::{
    CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE, LOCATION,
    RANGE,
};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use super::disconnected;
use crate::client::NemoClient;
use crate::client::url_policy::file_url;
use crate::error::{
    ApiError, Call, ConnectionError, Effect, Error, ErrorCode, Result, TimeoutKind,
};
use crate::protocol::RenderId;
use crate::transport::{Route, request_id, routes};

/// The two sources of a file, and which one is in use.
pub(super) struct FileSources<'a> {
    client: &'a NemoClient,
    id: &'a RenderId,
    url: &'a str,
    /// The error of the file's own URL; from then on the API is used.
    url_error: Option<Error>,
}

/// A response with the file from some byte on; its body is still unread.
pub(super) struct FileResponse {
    pub(super) response: Response,
    pub(super) call: Call,
    /// The offset of its first byte.
    pub(super) starts_at: u64,
    /// The size of the whole file.
    pub(super) total: Option<u64>,
    /// The strong entity tag of this version of the file.
    pub(super) tag: Option<String>,
}

impl<'a> FileSources<'a> {
    pub(super) fn new(client: &'a NemoClient, id: &'a RenderId, url: &'a str) -> Self {
        Self { client, id, url, url_error: None }
    }

    /// Uses the API from now on.
    ///
    /// # Errors
    /// The error to report, if the API was in use already.
    pub(super) fn fall_back(&mut self, error: Error) -> Result<()> {
        match self.url_error.take() {
            None => {
                self.url_error = Some(error);
                Ok(())
            }
            // The API may have the file later; its own URL will not.
            Some(first) if !first.is_retryable() && error.is_retryable() => Err(error),
            // The failure of the file's own URL says more than that the API has no copy.
            Some(first) => Err(first),
        }
    }

    /// Requests the file from a byte on, if it is still the version with this tag.
    pub(super) async fn open(&self, from: u64, tag: Option<&str>) -> Result<FileResponse> {
        let mut range = HeaderMap::new();
        if from > 0 {
            insert(&mut range, RANGE, &format!("bytes={from}-"));
            if let Some(tag) = tag {
                insert(&mut range, IF_RANGE, tag);
            }
        }
        let (mut response, mut call) = self.send(range).await?;
        if from > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // The file is shorter than the part received so far: it is another one.
            (response, call) = self.send(HeaderMap::new()).await?;
        }
        let headers = response.headers();
        let (starts_at, total) = match response.status() {
            StatusCode::OK => (0, response.content_length()),
            StatusCode::PARTIAL_CONTENT => match headers.get(CONTENT_RANGE).and_then(content_range)
            {
                Some(range) => range,
                None => {
                    return Err(disconnected(call, "the response does not say which part it is"));
                }
            },
            status => return Err(no_file(call, status)),
        };
        if let Some(content_type) = text_type(headers) {
            let what = format!("{content_type} came in place of a file");
            return Err(final_error(call, response.status(), what));
        }
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.filter(|tag| tag.starts_with('"')).map(str::to_owned);
        Ok(FileResponse { response, call, starts_at, total, tag })
    }

    async fn send(&self, range: HeaderMap) -> Result<(Response, Call)> {
        match self.url_error {
            None => self.get_anonymously(file_url(self.client.base_url(), self.url)?, range).await,
            Some(_) => self.get_through_api(range).await,
        }
    }

    /// Requests a file of any host, without token and attribution.
    async fn get_anonymously(&self, url: Url, range: HeaderMap) -> Result<(Response, Call)> {
        let request = self.client.inner.files.get(url).headers(range);
        self.execute(request, routes::FILE).await
    }

    async fn execute(&self, request: RequestBuilder, route: Route) -> Result<(Response, Call)> {
        let started = Instant::now();
        let call = |request_id| Call {
            method: route.method.name(),
            route: route.template,
            effect: Effect::ReadOnly,
            attempts: 1,
            elapsed: started.elapsed(),
            request_id,
        };
        let after = self.client.inner.timeouts.response();
        match tokio::time::timeout(after, request.send()).await {
            Ok(Ok(response)) => {
                let call = call(request_id(response.headers()));
                Ok((response, call))
            }
            Ok(Err(error)) => {
                let unreachable = error.is_connect();
                let source = Box::new(error.without_url());
                let failure = Box::new(ConnectionError { call: call(None), source });
                Err(match unreachable {
                    true => Error::Unreachable(failure),
                    false => Error::Disconnected(failure),
                })
            }
            Err(_elapsed) => Err(Error::Timeout {
                clock: TimeoutKind::Response,
                after,
                call: Box::new(call(None)),
            }),
        }
    }

    async fn get_through_api(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let (client, params) = (self.client, [self.id.as_str()]);
        let route = routes::RENDER_DOWNLOAD;
        match client.transport().fetch(client.auth(), route, &params, range.clone()).await {
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
        let (transport, route) = (self.client.transport(), routes::RENDER_DOWNLOAD);
        let url = route.url(&transport.base, &[self.id.as_str()])?;
        let bearer = self.client.auth().bearer(transport).await?;
        let request = transport.api.get(url.clone()).headers(transport.attribution.headers());
        let request = request.headers(bearer.header()?).headers(range.clone());
        let (response, call) = self.execute(request, route).await?;
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

fn final_error(call: Call, status: StatusCode, message: String) -> Error {
    let code = ErrorCode::Other(i64::from(status.as_u16()));
    Error::from_api(ApiError {
        status: Some(status.as_u16()),
        call: Some(call),
        ..ApiError::local(code, message)
    })
}

/// Returns the content type if it is a text format: a page or an error message in place of a
/// video or audio file, whatever the status.
fn text_type(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let content_type = content_type.split(';').next()?.trim().to_ascii_lowercase();
    let is_text = content_type.starts_with("text/")
        || ["application/json", "application/xml"].contains(&content_type.as_str())
        || content_type.ends_with("+json")
        || content_type.ends_with("+xml");
    is_text.then_some(content_type)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Always valid: the tag was received as a header value.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Parses `bytes 100-199/1000` into 100 and 1000; `*` stands for an unknown size.
fn content_range(value: &HeaderValue) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _last) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::content_range;

    #[test]
    fn a_content_range_is_parsed() {
        let part = |text: &'static str| content_range(&HeaderValue::from_static(text));
        assert_eq!(part("bytes 100-199/1000"), Some((100, Some(1000))));
        assert_eq!(part("bytes 0-9/*"), Some((0, None)));
        assert_eq!(part("bytes */1000"), None);
        assert_eq!(part("items 0-9/10"), None);
    }
}
