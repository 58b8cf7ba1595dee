//! Where a finished file is fetched from: the address that the service named, then the API.

use std::time::Instant;

use reqwest::header::{
    AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
    LOCATION, RANGE,
};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use super::disconnected;
use crate::client::NemoClient;
use crate::client::url_policy::file_url;
use crate::error::{
    ApiError, Call, ConnectionError, Error, ErrorCode, Result, TimeoutKind, source,
};
use crate::protocol::{Endpoint, RenderId};
use crate::transport::request_id;

/// Both places that have the file, and which one is asked now.
pub(super) struct Sources<'a> {
    client: &'a NemoClient,
    id: &'a RenderId,
    url: &'a str,
    /// Why the file's own address is not asked any more.
    given_up: Option<Error>,
}

/// The file from some byte on, still to be read.
pub(super) struct Part {
    pub(super) response: Response,
    pub(super) call: Call,
    /// The first byte of it.
    pub(super) starts_at: u64,
    /// The length of the whole file.
    pub(super) total: Option<u64>,
    /// The strong entity tag of this version of it.
    pub(super) tag: Option<String>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(client: &'a NemoClient, id: &'a RenderId, url: &'a str) -> Self {
        Self { client, id, url, given_up: None }
    }

    /// Asks the API from now on. Gives an error back when that is what was asked already.
    pub(super) fn fall_back(&mut self, error: Error) -> Result<()> {
        match self.given_up.take() {
            None => {
                self.given_up = Some(error);
                Ok(())
            }
            // The API may have it later, which its own address has not.
            Some(first) if !first.is_retryable() && error.is_retryable() => Err(error),
            // What was wrong with the file's own address says more than that the API has no
            // copy of it.
            Some(first) => Err(first),
        }
    }

    /// Asks for the file from a byte on, if it is still the version with this tag.
    pub(super) async fn open(&self, from: u64, tag: Option<&str>) -> Result<Part> {
        let mut range = HeaderMap::new();
        if from > 0 {
            insert(&mut range, RANGE, &format!("bytes={from}-"));
            if let Some(tag) = tag {
                insert(&mut range, IF_RANGE, tag);
            }
        }
        let (mut response, mut call) = self.answer(range).await?;
        if from > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // It has become shorter: what is there is of no use.
            (response, call) = self.answer(HeaderMap::new()).await?;
        }
        let headers = response.headers();
        let (starts_at, total) = match response.status() {
            StatusCode::OK => (0, response.content_length()),
            StatusCode::PARTIAL_CONTENT => match headers.get(CONTENT_RANGE).and_then(part_of) {
                Some(part) => part,
                None => return Err(disconnected(call, "the answer does not say which part it is")),
            },
            status => return Err(not_given(call, status)),
        };
        if let Some(kind) = text_in_place_of_a_file(headers) {
            let what = format!("{kind} came in place of a file");
            return Err(refused(call, response.status(), what));
        }
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.filter(|tag| tag.starts_with('"')).map(str::to_owned);
        Ok(Part { response, call, starts_at, total, tag })
    }

    async fn answer(&self, range: HeaderMap) -> Result<(Response, Call)> {
        match self.given_up {
            None => self.as_a_stranger(file_url(self.client.base_url(), self.url)?, range).await,
            Some(_) => self.through_the_api(range).await,
        }
    }

    /// Asks a host that was named, without token and attribution.
    async fn as_a_stranger(&self, url: Url, range: HeaderMap) -> Result<(Response, Call)> {
        let request = self.client.inner.files.get(url).headers(range);
        self.sent(request, Endpoint::File).await
    }

    async fn sent(&self, request: RequestBuilder, endpoint: Endpoint) -> Result<(Response, Call)> {
        let began = Instant::now();
        let call = |request_id| Call { request_id, ..Call::once(endpoint, began.elapsed()) };
        let after = self.client.inner.timeouts.answer;
        match tokio::time::timeout(after, request.send()).await {
            Ok(Ok(response)) => {
                let call = call(request_id(response.headers()));
                Ok((response, call))
            }
            Ok(Err(error)) => {
                let unreachable = error.is_connect();
                let source = source(error.without_url());
                let failure = Box::new(ConnectionError { call: call(None), source });
                Err(match unreachable {
                    true => Error::Unreachable(failure),
                    false => Error::Disconnected(failure),
                })
            }
            Err(_elapsed) => Err(Error::Timeout {
                kind: TimeoutKind::Response,
                after,
                call: Box::new(call(None)),
            }),
        }
    }

    async fn through_the_api(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let (client, params) = (self.client, [self.id.as_str()]);
        match client.open_file(Endpoint::RenderDownload, &params, range.clone()).await {
            Ok(reply) => Ok((reply.response, reply.call)),
            Err(Error::Api(api)) if api.status.is_some_and(|s| (300..400).contains(&s)) => {
                self.where_the_api_points(range).await
            }
            Err(error) => Err(error),
        }
    }

    /// Follows the API to another address. The API itself follows no redirect, since the token
    /// would go along, and its refusal does not say where: so it is asked once more, by hand.
    async fn where_the_api_points(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let (transport, endpoint) = (self.client.transport(), Endpoint::RenderDownload);
        let url = transport.url(endpoint, &[self.id.as_str()])?;
        let bearer = self.client.auth().bearer(transport).await?;
        let request = transport.api.get(url.clone()).headers(transport.attribution.headers());
        let authorization = bearer.authorization()?.header();
        let request = request.header(AUTHORIZATION, authorization).headers(range.clone());
        let (response, call) = self.sent(request, endpoint).await?;
        let status = response.status();
        if !status.is_redirection() {
            return match status.is_success() {
                true => Ok((response, call)),
                false => Err(not_given(call, status)),
            };
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(target) = location.and_then(|location| url.join(location).ok()) else {
            return Err(not_given(call, status));
        };
        self.as_a_stranger(file_url(&transport.base, target.as_str())?, range).await
    }
}

/// The answer is no file. What the other side says for good is final; its troubles are not.
fn not_given(call: Call, status: StatusCode) -> Error {
    let what = format!("the file's host answered HTTP {}", status.as_u16());
    let passes = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if (status.is_client_error() && !passes) || status.is_redirection() {
        refused(call, status, what)
    } else {
        disconnected(call, what)
    }
}

fn refused(call: Call, status: StatusCode, message: String) -> Error {
    let code = ErrorCode::Other(i64::from(status.as_u16()));
    Error::from_api(ApiError {
        status: Some(status.as_u16()),
        call: Some(call),
        ..ApiError::local(code, message)
    })
}

/// The content type of an answer that is a page, a refusal or a notice, under whatever status: no
/// film and no sound is text.
fn text_in_place_of_a_file(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next()?.trim().to_ascii_lowercase();
    let is_text = kind.starts_with("text/")
        || ["application/json", "application/xml"].contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    is_text.then_some(kind)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // A tag that cannot be sent back is one that the other side never sent.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `bytes 100-199/1000` → 100 and 1000; `*` for an unknown length.
fn part_of(value: &HeaderValue) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _last) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::part_of;

    #[test]
    fn a_part_says_where_it_begins() {
        let part = |text: &'static str| part_of(&HeaderValue::from_static(text));
        assert_eq!(part("bytes 100-199/1000"), Some((100, Some(1000))));
        assert_eq!(part("bytes 0-9/*"), Some((0, None)));
        assert_eq!(part("bytes */1000"), None);
        assert_eq!(part("items 0-9/10"), None);
    }
}
