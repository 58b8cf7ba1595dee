//! Sends one logical call, as often as its effect allows.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{RequestBuilder, Response, multipart};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use url::Url;

use super::answer::{refusal, retry_after};
use super::handed::{Handed, OnProgress};
use super::limited::{ReadError, read_limited};
use super::retry::{Attempt, Decision, Failure, RetryBudget, RetryPolicy};
use super::routes::TOKEN;
use super::{Attribution, Params, Route};
use crate::auth::Auth;
use crate::error::{ApiError, Call, Clock, ConnectionError, Error, Result, UnknownOutcome};
use crate::wire::{self, ErrorCode, headers};

/// How the client reaches the service: shared by all its calls.
#[derive(Debug)]
pub(crate) struct Http {
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
pub(crate) struct Reply {
    pub(crate) response: Response,
    /// The call so far, for errors in what follows.
    pub(crate) call: Call,
}

/// How one attempt ended when it did not succeed.
enum Miss {
    /// To be decided by the policy; holds the error to report when it says no.
    Failed(Failure, Error),
    /// 1001: a new token may help.
    TokenRefused(Error),
    /// Final.
    Error(Error),
}

impl Http {
    /// A call with a JSON answer.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        auth: Option<&Auth>,
        route: Route,
        params: Params<'_>,
        payload: Payload,
    ) -> Result<T> {
        let answer = self.plain(auth, route, params, payload, HeaderMap::new());
        let (body, call) = answer.instrument(route.span()).await?;
        decoded(&body, call)
    }

    /// A call with a JSON answer that is not worth a second attempt.
    pub(crate) async fn json_once<T: DeserializeOwned>(
        &self,
        auth: &Auth,
        route: Route,
    ) -> Result<T> {
        let once = async {
            let mut tries =
                Tries::new(self, Some(auth), route, &[], Payload::Empty, HeaderMap::new())?;
            let read = match tries.attempt().await {
                Ok(response) => tries.read(response).await,
                Err(miss) => Err(miss),
            };
            match read {
                Ok(body) => Ok((body, tries.succeeded())),
                Err(Miss::Error(error) | Miss::TokenRefused(error) | Miss::Failed(_, error)) => {
                    Err(error)
                }
            }
        };
        let (body, call) = once.instrument(route.span()).await?;
        decoded(&body, call)
    }

    /// A call whose answer is read whole.
    async fn plain(
        &self,
        auth: Option<&Auth>,
        route: Route,
        params: Params<'_>,
        payload: Payload,
        extra: HeaderMap,
    ) -> Result<(Bytes, Call)> {
        let mut tries = Tries::new(self, auth, route, params, payload, extra)?;
        loop {
            let miss = match tries.attempt().await {
                Ok(response) => match tries.read(response).await {
                    Ok(body) => return Ok((body, tries.succeeded())),
                    Err(miss) => miss,
                },
                Err(miss) => miss,
            };
            tries.again_after(miss).await?;
        }
    }

    /// A call whose answer is a stream: handed over once its head is there and says so.
    pub(crate) async fn stream(
        &self,
        auth: &Auth,
        route: Route,
        payload: Payload,
        content_type: &'static str,
    ) -> Result<Reply> {
        self.open_stream(auth, route, payload, content_type).instrument(route.span()).await
    }

    async fn open_stream(
        &self,
        auth: &Auth,
        route: Route,
        payload: Payload,
        content_type: &'static str,
    ) -> Result<Reply> {
        let mut extra = HeaderMap::new();
        extra.insert(ACCEPT, reqwest::header::HeaderValue::from_static(content_type));
        let mut tries = Tries::new(self, Some(auth), route, &[], payload, extra)?;
        loop {
            let miss = match tries.attempt().await {
                Ok(response) if has_content_type(&response, content_type) => {
                    return Ok(Reply { response, call: tries.succeeded() });
                }
                // An error may come instead of a stream, under HTTP 200 too.
                Ok(response) => {
                    let found = content_type_of(&response);
                    match tries.read(response).await {
                        Ok(_) => Miss::Error(Error::NotAStream {
                            content_type: found,
                            call: Box::new(tries.call()),
                        }),
                        Err(miss) => miss,
                    }
                }
                Err(miss) => miss,
            };
            tries.again_after(miss).await?;
        }
    }

    /// A download: any successful answer that is not JSON, its body still to come.
    pub(crate) async fn fetch(
        &self,
        auth: &Auth,
        route: Route,
        params: Params<'_>,
        extra: HeaderMap,
    ) -> Result<Reply> {
        self.open_file(auth, route, params, extra).instrument(route.span()).await
    }

    async fn open_file(
        &self,
        auth: &Auth,
        route: Route,
        params: Params<'_>,
        extra: HeaderMap,
    ) -> Result<Reply> {
        let mut tries = Tries::new(self, Some(auth), route, params, Payload::Empty, extra)?;
        loop {
            let miss = match tries.attempt().await {
                // No film is JSON: this is a refusal under HTTP 200, an expired token's for one.
                Ok(response) if has_content_type(&response, "application/json") => {
                    match tries.read(response).await {
                        Ok(_) => Miss::Error(tries.not_a_file()),
                        Err(miss) => miss,
                    }
                }
                Ok(response) => return Ok(Reply { response, call: tries.succeeded() }),
                Err(miss) => miss,
            };
            tries.again_after(miss).await?;
        }
    }

    /// What follows a failed attempt: the policy's word, where the attempt may be repeated at all
    /// and the shared budget is not used up.
    pub(crate) fn decide(&self, attempt: &Attempt) -> Decision {
        match self.policy.decide(attempt) {
            again @ Decision::RetryAfter(_) if attempt.may_be_repeated() && self.budget.take() => {
                again
            }
            _ => Decision::GiveUp,
        }
    }

    /// Asks for an anonymous token.
    pub(crate) async fn issue(&self, client_id: &wire::ClientId) -> Result<wire::AnonymousToken> {
        let mut extra = HeaderMap::new();
        let value = reqwest::header::HeaderValue::from_str(client_id.as_str()).map_err(|_| {
            Error::InvalidInput("the client id cannot stand in a header".to_owned())
        })?;
        extra.insert(headers::CLIENT_ID, value);
        let (body, call) =
            self.plain(None, TOKEN, &[], Payload::Empty, extra).instrument(TOKEN.span()).await?;
        decoded(&body, call)
    }
}

/// The answer in a body that is known to hold no refusal.
fn decoded<T: DeserializeOwned>(body: &[u8], call: Call) -> Result<T> {
    match wire::decode(body) {
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

/// The attempts at one call.
struct Tries<'a> {
    http: &'a Http,
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

impl<'a> Tries<'a> {
    fn new(
        http: &'a Http,
        auth: Option<&'a Auth>,
        route: Route,
        params: Params<'_>,
        payload: Payload,
        extra: HeaderMap,
    ) -> Result<Self> {
        Ok(Self {
            http,
            auth,
            route,
            url: route.url(&http.base, params)?,
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
        self.http.budget.refill();
        self.call()
    }

    /// One attempt, up to the head of a successful answer.
    async fn attempt(&mut self) -> Result<Response, Miss> {
        self.token = match self.auth {
            // Boxed, since getting a token is a call of its own.
            Some(auth) => Some(Box::pin(auth.bearer(self.http)).await.map_err(Miss::Error)?),
            None => None,
        };
        let mut request = match self.request().await.map_err(Miss::Error)?.build() {
            Ok(request) => request,
            Err(error) => return Err(self.not_answered(error, false)),
        };
        let handed = Handed::new();
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
            sent = self.http.api.execute(request) => match sent {
                Ok(response) => response,
                Err(error) => {
                    let never_taken = has_body && !handed.begun();
                    return Err(self.not_answered(error, never_taken));
                }
            },
            () = handed.stalled(self.http.answer_timeout) => return Err(self.no_answer_in_time()),
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
            Ok(_) => Err(Miss::Error(self.refused(ErrorCode::Other(0), String::new(), None, None))),
            Err(miss) => Err(miss),
        }
    }

    async fn request(&self) -> Result<RequestBuilder> {
        let mut request = self
            .http
            .api
            .request(self.route.method.method(), self.url.clone())
            .headers(self.http.attribution.headers())
            .headers(self.extra.clone());
        if let Some(token) = &self.token {
            request = request.headers(token.header()?);
        }
        Ok(match &self.payload {
            Payload::Empty => request,
            Payload::Json(json) => {
                request.header(CONTENT_TYPE, "application/json").body(json.clone())
            }
            Payload::Form(form) => request.multipart((form.open)().await?),
        })
    }

    /// Reads a plain answer and sorts refusals out of it.
    async fn read(&self, response: Response) -> Result<Bytes, Miss> {
        let status = response.status();
        let wait = retry_after(response.headers(), SystemTime::now());
        let limit = self.http.body_limit;
        let reading = read_limited(response, limit);
        let body = match tokio::time::timeout(self.http.answer_timeout, reading).await {
            Ok(Ok(body)) => body,
            Ok(Err(ReadError::Broken(error))) => return Err(self.not_answered(error, false)),
            Ok(Err(ReadError::TooLarge)) if self.route.effect.is_repeatable() => {
                return Err(Miss::Error(Error::LimitExceeded { what: "the answer", limit }));
            }
            // Whatever else it says, the service has taken the call.
            Ok(Err(ReadError::TooLarge)) => {
                let what = format!("the answer is larger than the limit of {limit} bytes");
                return Err(Miss::Error(self.unknown(what, None)));
            }
            Err(_elapsed) => return Err(self.no_answer_in_time()),
        };
        let Some(refused) = refusal(status, &body) else {
            return Ok(body);
        };
        let error = self.refused(refused.code, refused.message, Some(status.as_u16()), wait);
        Err(match refused.code {
            ErrorCode::TokenInvalid => Miss::TokenRefused(error),
            ErrorCode::RateLimited => {
                Miss::Failed(Failure::RateLimited { retry_after: wait }, error)
            }
            // A documented code says what was (not) done, whatever status it came under.
            ErrorCode::Other(_) if status.is_server_error() => {
                let failure = Failure::ServerError { status: status.as_u16() };
                let error = if self.route.effect.is_repeatable() {
                    error
                } else {
                    self.unknown(format!("the service answered HTTP {}", status.as_u16()), None)
                };
                Miss::Failed(failure, error)
            }
            _ => Miss::Error(error),
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
            (ErrorCode::OutOfCredits, Some(auth)) => auth.registration_link(&self.http.web),
            _ => None,
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
    fn not_answered(&self, error: reqwest::Error, never_taken: bool) -> Miss {
        if error.is_builder() {
            return Miss::Error(Error::InvalidInput(error.without_url().to_string()));
        }
        if let Payload::Form(form) = &self.payload {
            let mut failure = form.failure.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(failure) = failure.take() {
                return Miss::Error(failure);
            }
        }
        let never_sent = error.is_connect() || never_taken;
        let source: crate::error::Source = Box::new(error.without_url());
        if never_sent {
            let failure = ConnectionError { call: self.call(), source };
            return Miss::Failed(Failure::NotSent, Error::Unreachable(Box::new(failure)));
        }
        let error = if self.route.effect.is_repeatable() {
            Error::Disconnected(Box::new(ConnectionError { call: self.call(), source }))
        } else {
            self.unknown("the connection broke before the answer".to_owned(), Some(source))
        };
        Miss::Failed(Failure::NoAnswer, error)
    }

    fn no_answer_in_time(&self) -> Miss {
        let after = self.http.answer_timeout;
        let error = if self.route.effect.is_repeatable() {
            Error::Timeout { clock: Clock::Answer, after, call: Box::new(self.call()) }
        } else {
            self.unknown(format!("no answer came for {:.0} s", after.as_secs_f64()), None)
        };
        Miss::Failed(Failure::NoAnswer, error)
    }

    fn not_a_file(&self) -> Error {
        let source = "JSON came in place of a file".into();
        Error::Disconnected(Box::new(ConnectionError { call: self.call(), source }))
    }

    fn unknown(&self, what: String, source: Option<crate::error::Source>) -> Error {
        Error::OutcomeUnknown(Box::new(UnknownOutcome::new(self.call(), what, source)))
    }

    /// Waits for the next attempt, or ends the call.
    async fn again_after(&mut self, miss: Miss) -> Result<()> {
        let (failure, error) = match miss {
            Miss::Error(error) => return Err(error),
            Miss::TokenRefused(error) => {
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
            Miss::Failed(failure, error) => (failure, error),
        };
        self.rate_limited += u32::from(matches!(failure, Failure::RateLimited { .. }));
        let attempt = Attempt {
            effect: self.route.effect,
            failure,
            number: self.attempts,
            rate_limited: self.rate_limited,
            elapsed: self.began.elapsed(),
        };
        match self.http.decide(&attempt) {
            Decision::RetryAfter(pause) => {
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
            Decision::GiveUp => {
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

fn has_content_type(response: &Response, wanted: &str) -> bool {
    let found = content_type_of(response);
    found.split(';').next().is_some_and(|found| found.trim().eq_ignore_ascii_case(wanted))
}
