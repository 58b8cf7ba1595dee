//! The attempts at one call: how each is made, how it ended, and what follows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use super::body::BodyTracker;
use super::fetch::{Response, execute, is_connect};
use super::observer::RequestEvent;
use super::options::CallOptions;
use super::peek::{BodyKind, BodyStart};
use super::request::{
    Authorization, Params, Payload, PendingResponse, Secrets, Transport, UntypedStart,
};
use super::response::{
    Expect, ReadError, content_encoding, decode, describe_content, encoded, error_in, is_encoded,
    metadata_of, read_limited, retry_after,
};
use crate::clock::{Instant, after, now, sleep, sleep_until, timeout, timeout_at};
use crate::error::{
    ApiError, Call, ConnectionError, ConnectionFailure, Error, Result, Source, TimeoutKind,
    UnknownOutcome, source,
};
use crate::protocol::{self, Endpoint, ErrorCode, ResponseMetadata, headers};
use crate::retry::{AttemptInfo, FailureKind, RetryDecision};
use crate::sync::lock;

/// Why an attempt did not succeed.
pub(crate) enum AttemptError {
    /// The retry policy decides; holds the error to report when it gives up.
    Failed(FailureKind, Error),
    /// Code 1001, 1010 or 1011: another token may help.
    TokenRejected(Error),
    /// Another attempt cannot help.
    Final(Error),
}

impl AttemptError {
    fn failure(&self) -> Option<FailureKind> {
        match self {
            Self::Failed(failure, _) => Some(*failure),
            Self::TokenRejected(_) | Self::Final(_) => None,
        }
    }

    fn error(&self) -> &Error {
        match self {
            Self::Failed(_, error) | Self::TokenRejected(error) | Self::Final(error) => error,
        }
    }

    /// Returns the error to report when no other attempt is made.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Failed(_, error) | Self::TokenRejected(error) | Self::Final(error) => error,
        }
    }
}

/// Returns how long a response asks to wait.
fn wait_of(response: &Response) -> Option<Duration> {
    retry_after(response.headers(), now())
}

/// One call. Its owner makes the attempts in a loop: [`read_json`](Self::read_json) or
/// [`open`](Self::open), and after a failure [`wait_to_retry`](Self::wait_to_retry).
pub(crate) struct Exchange<'a> {
    transport: &'a Transport,
    endpoint: Endpoint,
    url: Url,
    payload: Payload,
    headers: HeaderMap,
    options: Arc<CallOptions>,
    authorization: Option<Authorization>,
    started: Instant,
    attempts: u32,
    attempt_started: Instant,
    /// The attempts that were reported to the observers.
    reported: u32,
    rate_limited: u32,
    /// The last response, and the number of its attempt.
    response: Option<(u32, ResponseMetadata)>,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(
        transport: &'a Transport,
        endpoint: Endpoint,
        params: Params<'_>,
        payload: Payload,
        headers: HeaderMap,
        options: &Arc<CallOptions>,
    ) -> Result<Self> {
        let started = Instant::now();
        Ok(Self {
            transport,
            endpoint,
            url: transport.url(endpoint, params)?,
            payload,
            headers,
            options: Arc::clone(options),
            authorization: None,
            started,
            attempts: 0,
            attempt_started: started,
            reported: 0,
            rate_limited: 0,
            response: None,
        })
    }

    /// Sets the `Authorization` header of the attempts that follow.
    pub(crate) fn authorize(&mut self, authorization: Authorization) {
        self.authorization = Some(authorization);
    }

    /// Makes one attempt, reads the whole response and decodes it.
    pub(crate) async fn read_json<T: DeserializeOwned>(&mut self) -> Result<T, AttemptError> {
        let result = self.try_read_json().await;
        self.report(result.as_ref().err());
        result
    }

    async fn try_read_json<T: DeserializeOwned>(&mut self) -> Result<T, AttemptError> {
        let response = self.send().await?;
        let encoding = content_encoding(response.headers());
        let (status, wait) = (response.status(), wait_of(&response));
        let body = self.receive(response).await?;
        // An error response has no data, whatever its status: usually one look at the body is enough.
        if let Ok(Ok(value)) = protocol::decode(&body) {
            self.transport.budget.refill();
            return Ok(value);
        }
        self.check(status, &body, wait)?;
        let call = self.succeed();
        match (decode(&body, call.clone()), encoding) {
            (Err(Error::Decode { .. }), Some(encoding)) => {
                Err(AttemptError::Final(encoded(&encoding, call)))
            }
            (Err(error), _) => Err(AttemptError::Final(error)),
            (Ok(Err((code, message))), _) => {
                Err(AttemptError::Final(self.api_error(code, message, None, None)))
            }
            (Ok(Ok(value)), _) => Ok(value),
        }
    }

    /// Makes one attempt, up to the head of the expected response.
    pub(crate) async fn open(&mut self, expect: Expect) -> Result<PendingResponse, AttemptError> {
        let result = self.try_open(expect).await;
        self.report(result.as_ref().err());
        result
    }

    /// Reports an attempt that has ended.
    fn report(&mut self, failed: Option<&AttemptError>) {
        // A request that cannot be built is no attempt.
        if self.reported == self.attempts {
            return;
        }
        self.reported = self.attempts;
        let response = self.response.as_ref().filter(|(number, _)| *number == self.attempts);
        let event = RequestEvent {
            endpoint: self.endpoint,
            attempt: self.attempts,
            elapsed: self.attempt_started.elapsed(),
            response: response.map(|(_, metadata)| metadata),
            failure: failed.and_then(AttemptError::failure),
            error: failed.map(AttemptError::error),
        };
        self.transport.observers.report(&event);
        self.options.observers.tell(&event);
    }

    async fn try_open(&mut self, expect: Expect) -> Result<PendingResponse, AttemptError> {
        let response = self.send().await?;
        if expect.is_met_by(&response) {
            return Ok(self.pending(response, None));
        }
        match expect {
            Expect::Events if !is_encoded(&response) => self.peek(response).await,
            Expect::Events => {
                let content_type = describe_content(&response);
                self.read(response).await?;
                Err(self.not_a_stream(content_type))
            }
            Expect::File => {
                self.read(response).await?;
                let source = source("JSON came in place of a file");
                Err(AttemptError::Final(self.disconnected(source)))
            }
        }
    }

    /// Reads a response of another content type, or of none, up to where it shows what it is.
    ///
    /// Only a body that is one object and nothing else is an error response: an object with more
    /// after it is a part of a stream, which was paid for. A body that does not show in time what
    /// it is counts as a stream, whose timeouts take over.
    async fn peek(&mut self, mut response: Response) -> Result<PendingResponse, AttemptError> {
        let content_type = describe_content(&response);
        let status = response.status();
        let wait = wait_of(&response);
        let deadline = after(Instant::now(), self.time_limit());
        let mut start = BodyStart::default();
        let broken = loop {
            match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) => match start.push(&chunk) {
                    // A server that sends without a pause leaves the timeout no chance.
                    BodyKind::Undecided if Instant::now() >= deadline => break None,
                    BodyKind::Undecided => {}
                    BodyKind::Markup => return Err(self.not_a_stream(content_type)),
                    BodyKind::Stream => break None,
                },
                Ok(Ok(None)) => match start.object() {
                    Some(object) => {
                        self.check(status, object, wait)?;
                        break None;
                    }
                    None => return Err(self.not_a_stream(content_type)),
                },
                Ok(Err(error)) if start.is_empty() => return Err(self.no_response(error, false)),
                Ok(Err(error)) => break Some(error),
                Err(_elapsed) => break None,
            }
        };
        let start = UntypedStart { content_type, bytes: start.into_bytes(), broken };
        Ok(self.pending(response, Some(start)))
    }

    fn pending(&self, response: Response, start: Option<UntypedStart>) -> PendingResponse {
        PendingResponse { response, start, call: self.succeed(), secrets: self.secrets() }
    }

    fn not_a_stream(&self, content_type: String) -> AttemptError {
        AttemptError::Final(Error::NotAStream { content_type, call: Box::new(self.call()) })
    }

    /// Waits for the next attempt, or ends the call with its error.
    pub(crate) async fn wait_to_retry(&mut self, error: AttemptError) -> Result<()> {
        let (failure, error) = match error {
            AttemptError::Failed(failure, error) => (failure, error),
            AttemptError::TokenRejected(error) | AttemptError::Final(error) => return Err(error),
        };
        self.rate_limited += u32::from(matches!(failure, FailureKind::RateLimited { .. }));
        let attempt = AttemptInfo {
            effect: self.endpoint.effect(),
            failure,
            number: self.attempts,
            rate_limited: self.rate_limited,
            elapsed: self.started.elapsed(),
        };
        let decision = self.transport.decide(&self.options, &attempt);
        tracing::debug!(
            path = self.endpoint.template(),
            attempt = self.attempts,
            elapsed = ?attempt.elapsed,
            ?failure,
            ?decision,
            "the attempt failed"
        );
        match decision {
            RetryDecision::RetryAfter(delay) => {
                sleep(delay).await;
                Ok(())
            }
            RetryDecision::GiveUp => Err(error),
        }
    }

    fn call(&self) -> Call {
        let metadata = self.response.as_ref().map(|(_, metadata)| metadata);
        Call {
            endpoint: self.endpoint,
            attempts: self.attempts,
            elapsed: self.started.elapsed(),
            request_id: metadata.and_then(|metadata| metadata.request_id.clone()),
            response: metadata.cloned().map(Box::new),
        }
    }

    fn succeed(&self) -> Call {
        self.transport.budget.refill();
        self.call()
    }

    /// Makes one attempt, up to the head of a successful response.
    async fn send(&mut self) -> Result<Response, AttemptError> {
        if self.options.time_left() == Some(Duration::ZERO) {
            return Err(AttemptError::Final(self.not_sent_in_time()));
        }
        let request = self.request().await.map_err(AttemptError::Final)?;
        let mut request = request.build().map_err(|error| self.no_response(error, false))?;
        let tracker = BodyTracker::new();
        let has_body = request.body().is_some();
        if let Some(body) = request.body_mut().take() {
            let on_progress = match &self.payload {
                Payload::Form(form) => form.progress.clone(),
                _ => None,
            };
            *request.body_mut() = Some(tracker.track(body, on_progress));
        }
        self.attempts += 1;
        self.attempt_started = Instant::now();
        let response = tokio::select! {
            sent = execute(&self.transport.api, request) => sent.map_err(|error| {
                self.no_response(error, has_body && !tracker.is_started())
            })?,
            () = self.is_overdue(&tracker) => {
                return Err(match has_body && tracker.cancel_if_unsent() {
                    true => AttemptError::Failed(FailureKind::NotSent, self.not_sent_in_time()),
                    false => self.no_response_in_time(),
                });
            }
        };
        let metadata = metadata_of(&response, now());
        self.options.note(&metadata);
        self.response = Some((self.attempts, metadata));
        if response.status().is_success() {
            return Ok(response);
        }
        // Boxed, like every rare part of a call: the future of each call has room for all its parts.
        Box::pin(self.read(response)).await?;
        // Every other status is an error; this is for the type.
        Err(AttemptError::Final(self.api_error(ErrorCode::Other(0), String::new(), None, None)))
    }

    async fn request(&self) -> Result<RequestBuilder> {
        let method = match self.endpoint.method() {
            "GET" => Method::GET,
            _ => Method::POST,
        };
        let must_state_length = method == Method::POST;
        let mut request = self
            .transport
            .api
            .request(method, self.url.clone())
            .headers(self.transport.headers.clone())
            .headers(self.options.headers().clone())
            .headers(self.headers.clone());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.header());
        }
        Ok(match &self.payload {
            // Some front ends reject a POST without a length.
            Payload::Empty if must_state_length => request.header(CONTENT_LENGTH, "0"),
            Payload::Empty => request,
            Payload::Json(json) => {
                request.header(CONTENT_TYPE, "application/json").body(json.clone())
            }
            Payload::Form(form) => request.multipart((form.open)().await?),
        })
    }

    /// Returns the timeout of the call, or the one that the client has for each response.
    fn timeout(&self) -> Duration {
        self.options.timeout().unwrap_or(self.transport.response_timeout)
    }

    /// Returns how long the next step may take.
    fn time_limit(&self) -> Duration {
        self.options.time_left().unwrap_or(self.transport.response_timeout)
    }

    /// Waits until the call's own timeout has elapsed, or else until nothing has been sent or
    /// received for the client's.
    async fn is_overdue(&self, tracker: &BodyTracker) {
        match self.options.deadline() {
            Some(deadline) => sleep_until(deadline).await,
            None => tracker.idle_for(self.transport.response_timeout).await,
        }
    }

    /// Reads a whole response, and fails if it is an error response.
    async fn read(&self, response: Response) -> Result<(), AttemptError> {
        let (status, wait) = (response.status(), wait_of(&response));
        let body = self.receive(response).await?;
        self.check(status, &body, wait)
    }

    /// Reads a whole response, whatever it is.
    async fn receive(&self, response: Response) -> Result<Bytes, AttemptError> {
        let reading = read_limited(response, self.transport.body_limit);
        match timeout(self.time_limit(), reading).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(ReadError::Broken(error))) => Err(self.no_response(error, false)),
            Ok(Err(ReadError::TooLarge)) => Err(self.too_large()),
            Err(_elapsed) => Err(self.no_response_in_time()),
        }
    }

    fn too_large(&self) -> AttemptError {
        let limit = self.transport.body_limit;
        AttemptError::Final(if self.endpoint.effect().is_repeatable() {
            Error::LimitExceeded { what: "the response", limit }
        } else {
            // Whatever it holds, the service has accepted the call.
            let what = format!("the response is larger than the limit of {limit} bytes");
            self.unknown(what, None)
        })
    }

    /// Fails for a body that is an error response.
    fn check(
        &self,
        status: StatusCode,
        body: &[u8],
        wait: Option<Duration>,
    ) -> Result<(), AttemptError> {
        let Some((code, message)) = error_in(status, body) else {
            return Ok(());
        };
        let error = self.api_error(code, message, Some(status.as_u16()), wait);
        Err(match code {
            code if code.is_token_rejection() => AttemptError::TokenRejected(error),
            ErrorCode::RateLimited => {
                AttemptError::Failed(FailureKind::RateLimited { retry_after: wait }, error)
            }
            // A documented code determines what was done, whatever the status.
            ErrorCode::Other(_) if status.is_server_error() => {
                let status = status.as_u16();
                let error = match (self.endpoint.effect().is_repeatable(), error.api()) {
                    (false, Some(reported)) => self.unknown(
                        format!("the service responded with HTTP {status}"),
                        Some(source(reported.to_string())),
                    ),
                    _ => error,
                };
                AttemptError::Failed(FailureKind::ServerError { status, retry_after: wait }, error)
            }
            // The service never redirects or upgrades a call. What did so does not know whether the
            // service had the request before.
            ErrorCode::Other(_)
                if !(status.is_success()
                    || status.is_client_error()
                    || self.endpoint.effect().is_repeatable()) =>
            {
                let what = format!("HTTP {} came in place of the response", status.as_u16());
                AttemptError::Final(self.unknown(what, Some(source(error.to_string()))))
            }
            _ => AttemptError::Final(error),
        })
    }

    fn api_error(
        &self,
        code: ErrorCode,
        message: String,
        status: Option<u16>,
        retry_after: Option<Duration>,
    ) -> Error {
        let message = self.secrets().redact(message);
        Error::from_api(ApiError {
            status,
            retry_after,
            call: Some(self.call()),
            ..ApiError::local(code, message)
        })
    }

    /// Returns what the service may echo although it grants access.
    fn secrets(&self) -> Secrets {
        let token = self.authorization.as_ref().and_then(Authorization::token);
        let client_id = self.headers.get(headers::CLIENT_ID).and_then(|id| id.to_str().ok());
        [token, client_id].into_iter().flatten().collect()
    }

    /// The connection was not made, or it broke.
    fn no_response(&self, error: reqwest::Error, is_unsent: bool) -> AttemptError {
        if error.is_builder() {
            return AttemptError::Final(Error::InvalidInput(error.without_url().to_string()));
        }
        if let Payload::Form(form) = &self.payload
            && let Some(failure) = lock(&form.failure).take()
        {
            return AttemptError::Final(failure);
        }
        let is_unsent = is_unsent || is_connect(&error);
        let source = source(error.without_url());
        if is_unsent {
            return AttemptError::Failed(FailureKind::NotSent, self.unreachable(source));
        }
        let error = if self.endpoint.effect().is_repeatable() {
            self.disconnected(source)
        } else {
            self.unknown("the connection broke before the response".to_owned(), Some(source))
        };
        AttemptError::Failed(FailureKind::NoResponse, error)
    }

    fn not_sent_in_time(&self) -> Error {
        let timeout = self.timeout().as_secs_f64();
        let source = source(format!("nothing could be sent for {timeout:.1} s"));
        let reason = ConnectionFailure::TimedOut;
        Error::Unreachable(Box::new(ConnectionError { call: self.call(), reason, source }))
    }

    fn no_response_in_time(&self) -> AttemptError {
        let after = self.timeout();
        let error = if self.endpoint.effect().is_repeatable() {
            Error::Timeout { kind: TimeoutKind::Response, after, call: Box::new(self.call()) }
        } else {
            self.unknown(format!("there was no response for {:.0} s", after.as_secs_f64()), None)
        };
        AttemptError::Failed(FailureKind::NoResponse, error)
    }

    fn unreachable(&self, source: Source) -> Error {
        Error::Unreachable(Box::new(ConnectionError::new(self.call(), source)))
    }

    fn disconnected(&self, source: Source) -> Error {
        Error::Disconnected(Box::new(ConnectionError::new(self.call(), source)))
    }

    fn unknown(&self, what: String, source: Option<Source>) -> Error {
        Error::OutcomeUnknown(Box::new(UnknownOutcome::new(self.call(), what, source)))
    }
}
