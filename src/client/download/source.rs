//! Where a finished file is fetched from: the address that the service named, then the API.

use std::time::Instant;

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};

use super::disconnected;
use crate::client::NemoClient;
use crate::client::address::file_url;
use crate::error::{Call, Clock, ConnectionError, Effect, Error, Result};
use crate::http::{request_id, routes};
use crate::wire::RenderId;

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

    /// Asks the API from now on. Gives the error back when that is what was asked already.
    pub(super) fn fall_back(&mut self, error: Error) -> Result<()> {
        match self.given_up.take() {
            None => {
                self.given_up = Some(error);
                Ok(())
            }
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
        let (response, call) = match self.given_up {
            None => self.at_its_own_address(range).await?,
            Some(_) => self.through_the_api(range).await?,
        };
        let headers = response.headers();
        let (starts_at, total) = match response.status() {
            StatusCode::OK => (0, response.content_length()),
            StatusCode::PARTIAL_CONTENT => match headers.get(CONTENT_RANGE).and_then(part_of) {
                Some(part) => part,
                None => return Err(disconnected(call, "the answer does not say which part it is")),
            },
            status => {
                let what = format!("the file's host answered HTTP {}", status.as_u16());
                return Err(disconnected(call, what));
            }
        };
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.filter(|tag| tag.starts_with('"')).map(str::to_owned);
        Ok(Part { response, call, starts_at, total, tag })
    }

    /// Asks the host that `output.url` names, as a stranger.
    async fn at_its_own_address(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let began = Instant::now();
        let call = |request_id| Call {
            method: routes::FILE.method.name(),
            route: routes::FILE.template,
            effect: Effect::ReadOnly,
            attempts: 1,
            elapsed: began.elapsed(),
            request_id,
        };
        let url = file_url(self.client.base_url(), self.url)?;
        let after = self.client.inner.timeouts.answer;
        let sent = self.client.inner.files.get(url).headers(range).send();
        match tokio::time::timeout(after, sent).await {
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
            Err(_elapsed) => {
                Err(Error::Timeout { clock: Clock::Answer, after, call: Box::new(call(None)) })
            }
        }
    }

    async fn through_the_api(&self, range: HeaderMap) -> Result<(Response, Call)> {
        let client = self.client;
        let params = [self.id.as_str()];
        let reply =
            client.http().fetch(client.auth(), routes::RENDER_DOWNLOAD, &params, range).await?;
        Ok((reply.response, reply.call))
    }
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
