//! One failure, told to everybody who waited for it.
//!
//! An error cannot be cloned, because what caused it cannot. Its copy says the same in the same
//! words, down the whole chain of causes.

use std::error::Error as StdError;
use std::{fmt, io};

use serde::de::Error as _;

use crate::error::{ConnectionError, Error};

/// The same failure once more. `None` for a kind that asking for a token does not end with:
/// whoever waited then asks for itself.
pub(super) fn copy(error: &Error) -> Option<Error> {
    let again = |failure: &ConnectionError| {
        let source = Box::new(Told::by(&*failure.source));
        Box::new(ConnectionError { call: failure.call.clone(), source })
    };
    Some(match error {
        Error::Unreachable(failure) => Error::Unreachable(again(failure)),
        Error::Disconnected(failure) => Error::Disconnected(again(failure)),
        Error::Timeout { clock, after, call } => {
            Error::Timeout { clock: *clock, after: *after, call: call.clone() }
        }
        Error::Decode { path, source, call } => Error::Decode {
            path: path.clone(),
            source: serde_json::Error::custom(source),
            call: call.clone(),
        },
        Error::LimitExceeded { what, limit } => Error::LimitExceeded { what, limit: *limit },
        Error::InvalidInput(what) => Error::InvalidInput(what.clone()),
        Error::Configuration(what) => Error::Configuration(what.clone()),
        Error::Io { doing, path, source } => {
            Error::io(doing, path, io::Error::new(source.kind(), Told::by(source)))
        }
        other => Error::from_api(other.api()?.clone()),
    })
}

/// What an error said, and what its cause said.
#[derive(Debug)]
struct Told {
    text: String,
    cause: Option<Box<Self>>,
}

impl Told {
    fn by(error: &(dyn StdError + 'static)) -> Self {
        Self {
            text: error.to_string(),
            cause: error.source().map(|cause| Box::new(Self::by(cause))),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Told {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as StdError;
    use std::io;
    use std::mem::discriminant;
    use std::time::Duration;

    use super::{Told, copy};
    use crate::error::{ApiError, Call, ConnectionError, Effect, Error, TimeoutKind};
    use crate::protocol::ErrorCode;

    fn call() -> Call {
        Call {
            method: "POST",
            route: "/token",
            effect: Effect::Idempotent,
            attempts: 3,
            elapsed: Duration::from_secs(2),
            request_id: Some("r-1".to_owned()),
        }
    }

    fn chain(error: &(dyn StdError + 'static)) -> Vec<String> {
        let mut said = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(error) = cause {
            said.push(error.to_string());
            cause = error.source();
        }
        said
    }

    #[test]
    fn a_copy_says_the_same_down_to_the_first_cause() {
        let broken = || {
            let cause = Some(Box::new(Told { text: "no route".to_owned(), cause: None }));
            let source = Box::new(Told { text: "connect".to_owned(), cause });
            Box::new(ConnectionError { call: call(), source })
        };
        let mut limited = ApiError::local(ErrorCode::RateLimited, "one a week");
        limited.retry_after = Some(Duration::from_secs(9));
        limited.call = Some(call());
        let decode = serde_json::from_str::<u8>("{\n x").unwrap_err();
        for error in [
            Error::Unreachable(broken()),
            Error::Disconnected(broken()),
            Error::Timeout {
                clock: TimeoutKind::Response,
                after: Duration::from_secs(60),
                call: Box::new(call()),
            },
            Error::Decode { path: "data".to_owned(), source: decode, call: Box::new(call()) },
            Error::LimitExceeded { what: "the answer", limit: 7 },
            Error::InvalidInput("a".to_owned()),
            Error::Configuration("b".to_owned()),
            Error::io("read", "/x", io::Error::from_raw_os_error(13)),
            Error::from_api(limited),
        ] {
            let again = copy(&error).unwrap();
            assert_eq!(discriminant(&again), discriminant(&error));
            assert_eq!(chain(&again)[0], chain(&error)[0]);
            assert_eq!(chain(&again).last(), chain(&error).last());
            assert_eq!(again.api(), error.api());
            assert_eq!(again.call(), error.call());
            assert_eq!(chain(&copy(&again).unwrap()), chain(&again));
        }
        assert!(copy(&Error::Busy).is_none());
    }
}
