//! Authenticated calls: the bearer token of each attempt, renewed once after it was rejected.

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use super::NemoClient;
use crate::auth::Bearer;
use crate::error::{Error, Result};
use crate::protocol::Endpoint;
use crate::transport::{
    AttemptError, Exchange, Expect, Params, Payload, PendingResponse, call_span,
};

impl NemoClient {
    /// Makes a call with a JSON response.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        params: Params<'_>,
        payload: Payload,
    ) -> Result<T> {
        let mut call = AuthorizedCall::new(self, endpoint, params, payload, HeaderMap::new())?;
        let attempts = async {
            loop {
                call.authorize().await?;
                match call.exchange.read_json().await {
                    Ok(value) => return Ok(value),
                    Err(error) => call.recover(error).await?,
                }
            }
        };
        attempts.instrument(call_span(endpoint)).await
    }

    /// Makes a call without a body that is not worth a second attempt.
    pub(crate) async fn call_once<T: DeserializeOwned>(&self, endpoint: Endpoint) -> Result<T> {
        let mut call = AuthorizedCall::new(self, endpoint, &[], Payload::Empty, HeaderMap::new())?;
        let attempt = async {
            call.authorize().await?;
            call.exchange.read_json().await.map_err(AttemptError::into_error)
        };
        attempt.instrument(call_span(endpoint)).await
    }

    /// Makes a call without a body once, for a caller that repeats it at a pace of its own. Only a
    /// rejected token is replaced at once.
    pub(crate) async fn poll_once<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        params: Params<'_>,
    ) -> Result<T> {
        let mut call =
            AuthorizedCall::new(self, endpoint, params, Payload::Empty, HeaderMap::new())?;
        let attempts = async {
            loop {
                call.authorize().await?;
                match call.exchange.read_json().await {
                    Ok(value) => return Ok(value),
                    Err(error) if call.renew(&error) => {}
                    Err(error) => return Err(self.with_link(error.into_error())),
                }
            }
        };
        attempts.instrument(call_span(endpoint)).await
    }

    /// Opens a stream of events, whatever its content type.
    pub(crate) async fn open_events(
        &self,
        endpoint: Endpoint,
        payload: Payload,
    ) -> Result<PendingResponse> {
        let content_type = HeaderValue::from_static("text/event-stream");
        let accept = HeaderMap::from_iter([(ACCEPT, content_type)]);
        let call = AuthorizedCall::new(self, endpoint, &[], payload, accept)?;
        call.open(Expect::Events).await
    }

    /// Opens a file: any successful response that is not JSON.
    pub(crate) async fn open_file(
        &self,
        endpoint: Endpoint,
        params: Params<'_>,
        headers: HeaderMap,
    ) -> Result<PendingResponse> {
        let call = AuthorizedCall::new(self, endpoint, params, Payload::Empty, headers)?;
        call.open(Expect::File).await
    }

    /// Adds the page where an anonymous account gets more credits.
    pub(crate) fn with_link(&self, mut error: Error) -> Error {
        if let Error::OutOfCredits(api) = &mut error {
            api.link = self.auth().registration_link(&self.inner.web);
        }
        error
    }
}

struct AuthorizedCall<'a> {
    client: &'a NemoClient,
    endpoint: Endpoint,
    exchange: Exchange<'a>,
    bearer: Option<Bearer>,
    is_renewed: bool,
}

impl<'a> AuthorizedCall<'a> {
    fn new(
        client: &'a NemoClient,
        endpoint: Endpoint,
        params: Params<'_>,
        payload: Payload,
        headers: HeaderMap,
    ) -> Result<Self> {
        let (transport, options) = (client.transport(), &client.options);
        let exchange = Exchange::new(transport, endpoint, params, payload, headers, options)?;
        Ok(Self { client, endpoint, exchange, bearer: None, is_renewed: false })
    }

    async fn open(mut self, expect: Expect) -> Result<PendingResponse> {
        let span = call_span(self.endpoint);
        let attempts = async {
            loop {
                self.authorize().await?;
                match self.exchange.open(expect).await {
                    Ok(response) => return Ok(response),
                    Err(error) => self.recover(error).await?,
                }
            }
        };
        attempts.instrument(span).await
    }

    /// Gives the next attempt the token that is current now, which another call may have renewed.
    async fn authorize(&mut self) -> Result<()> {
        let bearer = self.client.auth().bearer(self.client.transport()).await?;
        self.exchange.authorize(bearer.authorization()?);
        self.bearer = Some(bearer);
        Ok(())
    }

    /// Rejects the token after an attempt that it failed, and returns whether another one may help.
    /// That is not a retry: the service has done nothing.
    fn renew(&mut self, error: &AttemptError) -> bool {
        if let (AttemptError::TokenRejected(_), Some(bearer), false) =
            (error, &self.bearer, self.is_renewed)
        {
            self.is_renewed = self.client.auth().reject(bearer);
            return self.is_renewed;
        }
        false
    }

    /// Prepares the next attempt, or ends the call with its error.
    async fn recover(&mut self, error: AttemptError) -> Result<()> {
        if self.renew(&error) {
            return Ok(());
        }
        self.exchange.wait_to_retry(error).await.map_err(|error| self.client.with_link(error))
    }
}
