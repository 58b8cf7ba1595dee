//! The options of a single call, in place of the client's settings or in addition to them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::observer::Observers;
use crate::clock::{Instant, after};
use crate::error::{Error, Result};
use crate::protocol::{ResponseMetadata, headers};
use crate::retry::RetryPolicy;
use crate::sync::lock;

/// The place where a call leaves the metadata of its last response.
pub(crate) type MetadataSlot = Arc<Mutex<Option<ResponseMetadata>>>;

/// The options of one call, which may take several requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallOptions {
    timeout: Option<Duration>,
    /// The end of the timeout, once the call has begun.
    deadline: Option<Instant>,
    policy: Option<Arc<dyn RetryPolicy>>,
    headers: HeaderMap,
    /// Why an option cannot be used.
    invalid: Option<Error>,
    metadata: Option<MetadataSlot>,
    /// The functions that watch these calls, beside those of the client.
    pub(crate) observers: Observers,
}

/// The headers that identify the caller or describe the request, and those of the connection. An
/// option must not replace them, even by accident.
const RESERVED: [HeaderName; 19] = [
    HeaderName::from_static(headers::CLIENT_ID),
    HeaderName::from_static(headers::SKILL_SOURCE),
    HeaderName::from_static(headers::SKILL_VERSION),
    HeaderName::from_static(headers::SKILL_PLATFORM),
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::IF_RANGE,
    header::PROXY_AUTHORIZATION,
    header::RANGE,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

impl CallOptions {
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(crate) fn set_policy(&mut self, policy: Arc<dyn RetryPolicy>) {
        self.policy = Some(policy);
    }

    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        match header_of(name, value) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(error) => self.invalid = Some(error),
        }
    }

    /// Has the call leave the metadata of its last response in the slot.
    pub(crate) fn record_metadata(&mut self, slot: MetadataSlot) {
        self.metadata = Some(slot);
    }

    /// Starts the timeout, unless this is a part of a call that has started already.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an option that cannot be used.
    pub(crate) fn begin(self: &mut Arc<Self>) -> Result<()> {
        if let Some(error) = &self.invalid {
            return Err(error.clone());
        }
        if let (Some(timeout), None) = (self.timeout, self.deadline) {
            Arc::make_mut(self).deadline = Some(after(Instant::now(), timeout));
        }
        Ok(())
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns how much of the timeout is left, if there is one.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn policy(&self) -> Option<&dyn RetryPolicy> {
        self.policy.as_deref()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn note(&self, metadata: &ResponseMetadata) {
        if let Some(slot) = &self.metadata {
            *lock(slot) = Some(metadata.clone());
        }
    }
}

fn header_of(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    // The value is not shown: it may be a secret of the caller.
    let invalid = |what| Error::InvalidInput(format!("the header {name:?} {what}"));
    let key = HeaderName::try_from(name).map_err(|_| invalid("has an invalid name"))?;
    if RESERVED.contains(&key) {
        return Err(invalid("is set by the client alone"));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| invalid("has an invalid value"))?;
    value.set_sensitive(true);
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{CallOptions, RESERVED};
    use crate::error::Error;

    #[test]
    fn an_option_never_replaces_a_header_of_the_client() {
        let spelled = ["Authorization", "X-Skill-Source", "x-client-id", "CONTENT-LENGTH"];
        for name in RESERVED.iter().map(|name| name.as_str()).chain(spelled) {
            let mut options = Arc::new(CallOptions::default());
            Arc::make_mut(&mut options).set_header(name, "hunter2");
            let error = options.begin().unwrap_err();
            assert!(matches!(error, Error::InvalidInput(_)), "{name}");
            assert!(error.to_string().contains(name) && !error.to_string().contains("hunter2"));
            assert!(options.headers().is_empty());
        }
        for (name, value) in [("x evil", "1"), ("", "1"), ("x-a", "1\r\nx-evil: 1")] {
            let mut options = Arc::new(CallOptions::default());
            Arc::make_mut(&mut options).set_header(name, value);
            assert!(options.begin().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_header_of_the_caller_is_not_shown() {
        let mut options = CallOptions::default();
        options.set_header("x-gateway-key", "hunter2");
        assert_eq!(options.headers()["x-gateway-key"], "hunter2");
        assert!(!format!("{options:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn the_parts_of_a_call_share_its_timeout() {
        let mut options = Arc::new(CallOptions::default());
        options.begin().unwrap();
        assert_eq!(options.time_left(), None);
        Arc::make_mut(&mut options).set_timeout(Duration::from_secs(60));
        options.begin().unwrap();
        let deadline = options.deadline();
        let mut part = Arc::clone(&options);
        part.begin().unwrap();
        assert_eq!(part.deadline(), deadline);
        assert!(part.time_left().unwrap() <= Duration::from_secs(60));
        let mut endless = Arc::new(CallOptions::default());
        Arc::make_mut(&mut endless).set_timeout(Duration::MAX);
        endless.begin().unwrap();
        assert!(endless.time_left().unwrap() > Duration::from_secs(1_000_000));
    }
}
