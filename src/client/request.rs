//! The options of a single call, and the calls that have no builder of their own.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;

use super::NemoClient;
use crate::error::Result;
use crate::protocol::ResponseMetadata;
use crate::retry::RetryPolicy;
use crate::sync::lock;
#[cfg(feature = "queue")]
use crate::transport::RequestEvent;
use crate::transport::{CallOptions, MetadataSlot};

/// Adds the options of a call to a builder with a field `client`.
macro_rules! call_options {
    ($name:ident $(<$value:ident>)?) => {
        /// # Options of this call
        impl$(<$value>)? $name$(<$value>)? {
            /// Limits the time that this call may take as a whole, with its attempts, the pauses
            /// between them and all of its response. It replaces the client's
            /// [response timeout](crate::Timeouts::response) and, for the stream of a message, the
            /// [total one](crate::Timeouts::total).
            ///
            /// When it is over, no further attempt is made, and an attempt in progress ends as with
            /// any other timeout: with [`Error::Timeout`](crate::Error::Timeout), or with
            /// [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown) where it may have taken
            /// effect. It does not cut short the request for an anonymous token, which precedes the
            /// first call of a client: the service may issue no other token for a week.
            pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
                self.client.options_mut().set_timeout(timeout);
                self
            }

            /// Sets the policy that decides whether a failed attempt at this call is retried, in
            /// place of the client's. It cannot make the call unsafe: see
            /// [`RetryPolicy`](crate::RetryPolicy).
            pub fn retry(mut self, policy: impl crate::retry::RetryPolicy + 'static) -> Self {
                self.client.options_mut().set_policy(std::sync::Arc::new(policy));
                self
            }

            /// Sends another header with the requests of this call, such as the id of a trace. It
            /// goes to the API only, not to the host of a file.
            ///
            /// The call ends with [`Error::InvalidInput`](crate::Error::InvalidInput), before
            /// anything is sent, if the header is invalid, or is one that the client sets itself:
            /// the authorization, the attribution, the client id, and those that describe the
            /// request and its body.
            pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
                self.client.options_mut().set_header(name.as_ref(), value.as_ref());
                self
            }
        }
    };
}

pub(super) use call_options;

call_options!(ApiRequest<T>);

/// Makes a call with a client that has its options.
type Run<T> = Box<dyn FnOnce(NemoClient) -> BoxFuture<'static, Result<T>> + Send>;

/// A call that has not been made yet: a future that makes it when it is first polled.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::{ExponentialRetry, NemoClient, local::LocalBackend};
/// # use std::time::Duration;
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
/// let credits = client.credits().await?;
///
/// let (credits_again, metadata) = client
///     .credits()
///     .timeout(Duration::from_secs(5))
///     .retry(ExponentialRetry::never())
///     .header("x-trace-id", "7d3f")
///     .with_metadata()
///     .await?;
/// assert_eq!(credits, credits_again);
/// assert_eq!(metadata.status, 200);
/// # Ok(()) }
/// ```
#[must_use = "a call is made when it is awaited"]
pub struct ApiRequest<T> {
    client: NemoClient,
    run: Option<Run<T>>,
    running: Option<BoxFuture<'static, Result<T>>>,
}

impl<T: Send + 'static> ApiRequest<T> {
    pub(super) fn new<F>(
        client: NemoClient,
        run: impl FnOnce(NemoClient) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Self { client, run: Some(Box::new(|client| Box::pin(run(client)))), running: None }
    }

    /// Returns what the head of the response says, too: its status, its request id and the rate
    /// limit. Of a call with several requests it is the last response.
    ///
    /// Of an error it is [`Error::metadata`](crate::Error::metadata).
    pub fn with_metadata(mut self) -> ApiRequest<(T, ResponseMetadata)> {
        let slot = MetadataSlot::default();
        self.client.options_mut().record_metadata(Arc::clone(&slot));
        ApiRequest::new(self.client.clone(), move |client| async move {
            self.client = client;
            let value = self.await?;
            let metadata = lock(&slot).take().unwrap_or_default();
            Ok((value, metadata))
        })
    }
}

impl<T> Future for ApiRequest<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { client, run, running } = &mut *self;
        if let Some(run) = run.take() {
            *running = match client.begin() {
                Ok(client) => Some(run(client)),
                Err(error) => return Poll::Ready(Err(error)),
            };
        }
        match running {
            Some(running) => running.as_mut().poll(cx),
            // Polled again after an error, which futures need not allow.
            None => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for ApiRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest").finish_non_exhaustive()
    }
}

impl NemoClient {
    /// Describes a call, to be made by a client with its options.
    pub(super) fn request<T: Send + 'static, F>(
        &self,
        run: impl FnOnce(Self) -> F + Send + 'static,
    ) -> ApiRequest<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        ApiRequest::new(self.clone(), run)
    }

    /// Returns the options of the call that this clone of the client is for.
    pub(super) fn options_mut(&mut self) -> &mut CallOptions {
        Arc::make_mut(&mut self.options)
    }

    /// Returns a client whose calls are also watched by `observer`.
    #[cfg(feature = "queue")]
    pub(crate) fn observed_by(
        &self,
        observer: impl Fn(&RequestEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        let mut client = self.clone();
        client.options_mut().observers.add(observer);
        client
    }

    /// Returns the client for a call that begins now.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for an option that cannot be used.
    pub(super) fn begin(&self) -> Result<Self> {
        let mut client = self.clone();
        client.options.begin()?;
        Ok(client)
    }

    /// Returns the policy of the call that this clone of the client is for.
    pub(super) fn policy(&self) -> &dyn RetryPolicy {
        self.transport().policy(&self.options)
    }
}
