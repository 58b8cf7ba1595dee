//! The attempts at one call: how each is made, how it ended, and what follows.

use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{RequestBuilder, Response};
use url::Url;

use super::body::BodyTracker;
use super::limited::{ReadError, read_limited};
use super::request::{Payload, PendingResponse, Transport};
use super::response::{refusal, retry_after};
use super::{Params, Route};
use crate::auth::Auth;
use crate::error::{ApiError, Call, ConnectionError, Error, Result, TimeoutKind, UnknownOutcome};
use crate::protocol::ErrorCode;
use crate::retry::{AttemptInfo, FailureKind, RetryDecision};

/// The answer whose body is handed over unread. Any other is read: an error may come in its place,
/// under HTTP 200 too.
#[derive(Clone, Copy)]
pub(super) enum Expect {
    /// One of this content type.
    Type(&'static str),
    /// Any but JSON: no film is.
    File,
}

/// How one attempt ended when it did not succeed.
enum AttemptError {
    /// To be decided by the policy; holds the error to report when it says no.
    Failed(FailureKind, Error),
    /// 1001: a new token may help.
    TokenRefused(Error),
    /// Final.
    Error(Error),
}

/// The attempts at one call.
pub(super) struct Exchange<'a> {
    transport: &'a Transport,
    auth: Option<&'a Auth>,
    route: Route,
    url: Url,
    payload: Payload,
    extra: HeaderMap,
    began: Instant,
    attempts: u32,
    rate_limited: u32,
    renewed: bool,
    token: Option<crate::auth::Bearer>,
    request_id: Option<String>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        transport: &'a Transport,
        auth: Option<&'a Auth>,
        route: Route,
        params: Params<'_>,
        payload: Payload,
        extra: HeaderMap,
    ) -> Result<Self> {
        Ok(Self {
            transport,
            auth,
            route,
            url: route.url(&transport.base, params)?,
            payload,
            extra,
            began: Instant::now(),
            attempts: 0,
            rate_limited: 0,
            renewed: false,
            token: None,
            request_id: None,
        })
    }

    /// Until an answer is there that holds no refusal; its body.
    pub(super) async fn read_whole(mut self) -> Result<(Bytes, Call)> {
        loop {
            let miss = match self.attempt().await {
                Ok(response) => match self.read(response).await {
                    Ok(body) => return Ok((body, self.succeeded())),
                    Err(miss) => miss,
                },
                Err(miss) => miss,
            };
            self.again_after(miss).await?;
        }
    }

    /// One attempt; its body.
    pub(super) async fn read_once(mut self) -> Result<(Bytes, Call)> {
        let read = match self.attempt().await {
            Ok(response) => self.read(response).await,
            Err(miss) => Err(miss),
        };
        match read {
            Ok(body) => Ok((body, self.succeeded())),
            Err(
                AttemptError::Error(error)
                | AttemptError::TokenRefused(error)
                | AttemptError::Failed(_, error),
            ) => Err(error),
        }
    }

    /// Until the head of the answer is there that is wanted.
    pub(super) async fn open(mut self, wanted: Expect) -> Result<PendingResponse> {
        loop {
            let miss = match self.attempt().await {
                Ok(response) if wanted.is(&response) => {
                    return Ok(PendingResponse { response, call: self.succeeded() });
                }
                Ok(response) => {
                    let mut found = content_type_of(&response);
                    if is_encoded(&response) {
                        found.push_str(", compressed");
                    }
                    match self.read(response).await {
                        Ok(_) => AttemptError::Error(self.something_else(wanted, found)),
                        Err(miss) => miss,
                    }
                }
                Err(miss) => miss,
            };
            self.again_after(miss).await?;
        }
    }

    fn call(&self) -> Call {
        Call {
            method: self.route.method.name(),
            route: self.route.template,
            effect: self.route.effect,
            attempts: self.attempts,
            elapsed: self.began.elapsed(),
            request_id: self.request_id.clone(),
        }
    }

    fn succeeded(&self) -> Call {
        self.transport.budget.refill();
        self.call()
    }

    /// One attempt, up to the head of a successful answer.
    async fn attempt(&mut self) -> Result<Response, AttemptError> {
        self.token = match self.auth {
            // Boxed, since getting a token is a call of its own.
            Some(auth) => {
                Some(Box::pin(auth.bearer(self.transport)).await.map_err(AttemptError::Error)?)
            }
            None => None,
        };
        let mut request = match self.request().await.map_err(AttemptError::Error)?.build() {
            Ok(request) => request,
            Err(error) => return Err(self.not_answered(error, false)),
        };
        let handed = BodyTracker::new();
        let has_body = request.body().is_some();
        if let Some(body) = request.body_mut().take() {
            let progress = match &self.payload {
                Payload::Form(form) => form.progress.clone(),
                _ => None,
            };
            *request.body_mut() = Some(handed.watch(body, progress));
        }
        self.attempts += 1;
        let response = tokio::select! {
            sent = self.transport.api.execute(request) => match sent {
                Ok(response) => response,
                Err(error) => {
                    let never_taken = has_body && !handed.is_started();
                    return Err(self.not_answered(error, never_taken));
                }
            },
            () = handed.idle_for(self.transport.answer_timeout) => {
                let never_taken = has_body && handed.cancel_if_unsent();
                return Err(if never_taken { self.not_connected_in_time() } else { self.no_answer_in_time() });
            }
        };
        self.request_id = request_id(response.headers());
        tracing::debug!(
            method = self.route.method.name(),
            route = self.route.template,
            status = response.status().as_u16(),
            attempt = self.attempts,
            elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id = self.request_id.as_deref(),
            "answered"
        );
        if response.status().is_success() {
            return Ok(response);
        }
        match self.read(response).await {
            // A redirect, for one: never followed on the API, since the token would go along.
            Ok(_) => Err(AttemptError::Error(self.refused(
                ErrorCode::Other(0),
                String::new(),
                None,
                None,
            ))),
            Err(miss) => Err(miss),
        }
    }

    async fn request(&self) -> Result<RequestBuilder> {
        let mut request = self
            .transport
            .api
            .request(self.route.method.method(), self.url.clone())
            .headers(self.transport.attribution.headers())
            .headers(self.extra.clone());
        if let Some(token) = &self.token {
            request = request.headers(token.header()?);
        }
        Ok(match &self.payload {
            // Some front ends refuse a POST that does not say how long it is.
            Payload::Empty if self.route.method.method() == reqwest::Method::POST => {
                request.header(CONTENT_LENGTH, "0")
            }
            Payload::Empty => request,
            Payload::Json(json) => {
                request.header(CONTENT_TYPE, "application/json").body(json.clone())
            }
            Payload::Form(form) => request.multipart((form.open)().await?),
        })
    }

    /// Reads a plain answer and sorts refusals out of it.
    async fn read(&self, response: Response) -> Result<Bytes, AttemptError> {
        let status = response.status();
        let wait = retry_after(response.headers(), SystemTime::now());
        let limit = self.transport.body_limit;
        let reading = read_limited(response, limit);
        let body = match tokio::time::timeout(self.transport.answer_timeout, reading).await {
            Ok(Ok(body)) => body,
            Ok(Err(ReadError::Broken(error))) => return Err(self.not_answered(error, false)),
            Ok(Err(ReadError::TooLarge)) if self.route.effect.is_repeatable() => {
                return Err(AttemptError::Error(Error::LimitExceeded {
                    what: "the answer",
                    limit,
                }));
            }
            // Whatever else it says, the service has taken the call.
            Ok(Err(ReadError::TooLarge)) => {
                let what = format!("the answer is larger than the limit of {limit} bytes");
                return Err(AttemptError::Error(self.unknown(what, None)));
            }
            Err(_elapsed) => return Err(self.no_answer_in_time()),
        };
        let Some(refused) = refusal(status, &body) else {
            return Ok(body);
        };
        let error = self.refused(refused.code, refused.message, Some(status.as_u16()), wait);
        Err(match refused.code {
            ErrorCode::TokenInvalid => AttemptError::TokenRefused(error),
            ErrorCode::RateLimited => {
                AttemptError::Failed(FailureKind::RateLimited { retry_after: wait }, error)
            }
            // A documented code says what was (not) done, whatever status it came under.
            ErrorCode::Other(_) if status.is_server_error() => {
                let failure =
                    FailureKind::ServerError { status: status.as_u16(), retry_after: wait };
                let error = if self.route.effect.is_repeatable() {
                    error
                } else {
                    let said = error.api().map(ToString::to_string).unwrap_or_default();
                    self.unknown(
                        format!("the service answered HTTP {}", status.as_u16()),
                        Some(said.into()),
                    )
                };
                AttemptError::Failed(failure, error)
            }
            _ => AttemptError::Error(error),
        })
    }

    fn refused(
        &self,
        code: ErrorCode,
        message: String,
        status: Option<u16>,
        retry_after: Option<Duration>,
    ) -> Error {
        let link = match (code, self.auth) {
            (ErrorCode::OutOfCredits, Some(auth)) => auth.registration_link(&self.transport.web),
            _ => None,
        };
        let message = match &self.token {
            Some(token) => token.struck_from(message),
            None => message,
        };
        Error::from_api(ApiError {
            code,
            message,
            status,
            retry_after,
            link,
            call: Some(self.call()),
        })
    }

    /// The connection was not made, or broke.
    fn not_answered(&self, error: reqwest::Error, never_taken: bool) -> AttemptError {
        if error.is_builder() {
            return AttemptError::Error(Error::InvalidInput(error.without_url().to_string()));
        }
        if let Payload::Form(form) = &self.payload {
            let mut failure = form.failure.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(failure) = failure.take() {
                return AttemptError::Error(failure);
            }
        }
        let never_sent = error.is_connect() || never_taken;
        let source: crate::error::Source = Box::new(error.without_url());
        if never_sent {
            let failure = ConnectionError { call: self.call(), source };
            return AttemptError::Failed(
                FailureKind::NotSent,
                Error::Unreachable(Box::new(failure)),
            );
        }
        let error = if self.route.effect.is_repeatable() {
            Error::Disconnected(Box::new(ConnectionError { call: self.call(), source }))
        } else {
            self.unknown("the connection broke before the answer".to_owned(), Some(source))
        };
        AttemptError::Failed(FailureKind::NoAnswer, error)
    }

    fn not_connected_in_time(&self) -> AttemptError {
        let patience = self.transport.answer_timeout.as_secs_f64();
        let source = format!("there was no connection for {patience:.1} s").into();
        let failure = ConnectionError { call: self.call(), source };
        AttemptError::Failed(FailureKind::NotSent, Error::Unreachable(Box::new(failure)))
    }

    fn no_answer_in_time(&self) -> AttemptError {
        let after = self.transport.answer_timeout;
        let error = if self.route.effect.is_repeatable() {
            Error::Timeout { clock: TimeoutKind::Response, after, call: Box::new(self.call()) }
        } else {
            self.unknown(format!("no answer came for {:.0} s", after.as_secs_f64()), None)
        };
        AttemptError::Failed(FailureKind::NoAnswer, error)
    }

    fn something_else(&self, wanted: Expect, content_type: String) -> Error {
        let call = self.call();
        match wanted {
            Expect::Type(_) => Error::NotAStream { content_type, call: Box::new(call) },
            Expect::File => {
                let source = "JSON came in place of a file".into();
                Error::Disconnected(Box::new(ConnectionError { call, source }))
            }
        }
    }

    fn unknown(&self, what: String, source: Option<crate::error::Source>) -> Error {
        Error::OutcomeUnknown(Box::new(UnknownOutcome::new(self.call(), what, source)))
    }

    /// Waits for the next attempt, or ends the call.
    async fn again_after(&mut self, miss: AttemptError) -> Result<()> {
        let (failure, error) = match miss {
            AttemptError::Error(error) => return Err(error),
            AttemptError::TokenRefused(error) => {
                let (Some(auth), Some(token), false) = (self.auth, &self.token, self.renewed)
                else {
                    return Err(error);
                };
                if !auth.reject(token).await {
                    return Err(error);
                }
                self.renewed = true;
                return Ok(());
            }
            AttemptError::Failed(failure, error) => (failure, error),
        };
        self.rate_limited += u32::from(matches!(failure, FailureKind::RateLimited { .. }));
        let attempt = AttemptInfo {
            effect: self.route.effect,
            failure,
            number: self.attempts,
            rate_limited: self.rate_limited,
            elapsed: self.began.elapsed(),
        };
        match self.transport.decide(&attempt) {
            RetryDecision::RetryAfter(pause) => {
                tracing::debug!(
                    method = self.route.method.name(),
                    route = self.route.template,
                    attempt = self.attempts,
                    pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                    "trying again"
                );
                tokio::time::sleep(pause).await;
                Ok(())
            }
            RetryDecision::GiveUp => {
                tracing::debug!(
                    method = self.route.method.name(),
                    route = self.route.template,
                    attempt = self.attempts,
                    elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
                    failure = ?failure,
                    "gave up"
                );
                Err(error)
            }
        }
    }
}

/// The id that a service gives an answer, under either of its usual names.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = ["x-request-id", "request-id"].iter().find_map(|name| headers.get(*name))?;
    let text = value.to_str().ok()?;
    Some(text.chars().take(64).collect())
}

fn content_type_of(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or("no content type").chars().take(100).collect()
}

/// Whether the body is compressed, which was not asked for and is not undone.
fn is_encoded(response: &Response) -> bool {
    response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity")
}

fn has_content_type(response: &Response, wanted: &str) -> bool {
    let found = content_type_of(response);
    found.split(';').next().is_some_and(|found| found.trim().eq_ignore_ascii_case(wanted))
}

impl Expect {
    fn is(self, response: &Response) -> bool {
        match self {
            Self::Type(content_type) => {
                has_content_type(response, content_type) && !is_encoded(response)
            }
            Self::File => !has_content_type(response, "application/json"),
        }
    }
}
