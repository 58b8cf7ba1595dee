//! The calls that can be made: with an answer that is read whole, with a stream, with a file. What
//! an attempt is and what follows a failed one is in `exchange`.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, multipart};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use url::Url;

use super::body::OnProgress;
use super::exchange::{Exchange, Expect};
use super::{Attribution, Params, Route};
use crate::auth::Auth;
use crate::error::{ApiError, Call, Error, Result};
use crate::protocol::endpoint::routes::TOKEN;
use crate::protocol::{self, ErrorCode, headers};
use crate::retry::{AttemptInfo, RetryBudget, RetryDecision, RetryPolicy};

/// How the client reaches the service: shared by all its calls.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) api: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) web: Url,
    pub(crate) attribution: Attribution,
    pub(crate) policy: Arc<dyn RetryPolicy>,
    pub(crate) budget: RetryBudget,
    /// For the whole of a plain answer, and for the head of a stream's.
    pub(crate) answer_timeout: Duration,
    /// The largest plain answer.
    pub(crate) body_limit: u64,
}

/// A request body, made anew for each attempt.
pub(crate) enum Payload {
    /// None at all.
    Empty,
    /// JSON, written once.
    Json(Bytes),
    /// Parts that are opened again for each attempt.
    Form(Form),
}

/// A multipart body.
pub(crate) struct Form {
    /// Opens the parts anew.
    pub(crate) open: Box<dyn Fn() -> FormFuture + Send + Sync>,
    /// Where the parts leave word of what went wrong on this side while they were read: the HTTP
    /// client would only say that the body failed.
    pub(crate) failure: Arc<Mutex<Option<Error>>>,
    /// Told of every piece that was handed over.
    pub(crate) progress: Option<OnProgress>,
}

pub(crate) type FormFuture = Pin<Box<dyn Future<Output = Result<multipart::Form>> + Send>>;

/// A successful answer whose body is still to come.
#[derive(Debug)]
pub(crate) struct PendingResponse {
    pub(crate) response: Response,
    /// The call so far, for errors in what follows.
    pub(crate) call: Call,
}

impl Transport {
    /// A call with a JSON answer.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        auth: Option<&Auth>,
        route: Route,
        params: Params<'_>,
        payload: Payload,
    ) -> Result<T> {
        let exchange = Exchange::new(self, auth, route, params, payload, HeaderMap::new())?;
        let (body, call) = exchange.read_whole().instrument(route.span()).await?;
        decoded(&body, call)
    }

    /// A call with a JSON answer that is not worth a second attempt.
    pub(crate) async fn json_once<T: DeserializeOwned>(
        &self,
        auth: &Auth,
        route: Route,
    ) -> Result<T> {
        let exchange =
            Exchange::new(self, Some(auth), route, &[], Payload::Empty, HeaderMap::new())?;
        let (body, call) = exchange.read_once().instrument(route.span()).await?;
        decoded(&body, call)
    }

    /// A call whose answer is a stream: handed over once its head is there and says so.
    pub(crate) async fn stream(
        &self,
        auth: &Auth,
        route: Route,
        payload: Payload,
        content_type: &'static str,
    ) -> Result<PendingResponse> {
        let extra = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(content_type))]);
        let exchange = Exchange::new(self, Some(auth), route, &[], payload, extra)?;
        exchange.open(Expect::Type(content_type)).instrument(route.span()).await
    }

    /// A download: any successful answer that is not JSON, its body still to come.
    pub(crate) async fn fetch(
        &self,
        auth: &Auth,
        route: Route,
        params: Params<'_>,
        extra: HeaderMap,
    ) -> Result<PendingResponse> {
        let exchange = Exchange::new(self, Some(auth), route, params, Payload::Empty, extra)?;
        exchange.open(Expect::File).instrument(route.span()).await
    }

    /// Asks for an anonymous token.
    pub(crate) async fn issue(
        &self,
        client_id: &protocol::ClientId,
    ) -> Result<protocol::AnonymousToken> {
        let asking = self.token_tries(client_id)?.read_whole();
        let (body, call) = asking.instrument(TOKEN.span()).await?;
        decoded(&body, call)
    }

    /// The same in one attempt, whatever the policy says: for whoever can go on without.
    pub(crate) async fn issue_once(
        &self,
        client_id: &protocol::ClientId,
    ) -> Result<protocol::AnonymousToken> {
        let asking = self.token_tries(client_id)?.read_once();
        let (body, call) = asking.instrument(TOKEN.span()).await?;
        decoded(&body, call)
    }

    fn token_tries(&self, client_id: &protocol::ClientId) -> Result<Exchange<'_>> {
        let value = HeaderValue::from_str(client_id.as_str()).map_err(|_| {
            Error::InvalidInput("the client id cannot stand in a header".to_owned())
        })?;
        let extra = HeaderMap::from_iter([(HeaderName::from_static(headers::CLIENT_ID), value)]);
        Exchange::new(self, None, TOKEN, &[], Payload::Empty, extra)
    }

    /// What follows a failed attempt: the policy's word, where the attempt may be repeated at all
    /// and the shared budget is not used up.
    pub(crate) fn decide(&self, attempt: &AttemptInfo) -> RetryDecision {
        match self.policy.decide(attempt) {
            again @ RetryDecision::RetryAfter(_)
                if attempt.may_be_repeated() && self.budget.take() =>
            {
                again
            }
            _ => RetryDecision::GiveUp,
        }
    }
}

/// The answer in a body that is known to hold no refusal.
fn decoded<T: DeserializeOwned>(body: &[u8], call: Call) -> Result<T> {
    match protocol::decode(body) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(refused)) => Err(Error::from_api(ApiError {
            call: Some(call),
            ..ApiError::local(
                refused.code.map_or(ErrorCode::Other(0), ErrorCode::from),
                refused.message,
            )
        })),
        Err(error) => {
            Err(Error::Decode { path: error.path, source: error.source, call: Box::new(call) })
        }
    }
}
