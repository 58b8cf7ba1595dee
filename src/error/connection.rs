//! Why a connection was not made, or broke: found in the chain of causes.

use std::error::Error as StdError;
use std::{fmt, io};

use super::{Call, Source};

/// A connection that was not made, or that broke.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionError {
    /// The call.
    pub call: Call,
    /// Why, as far as the error of the HTTP client shows.
    pub reason: ConnectionFailure,
    /// The error of the HTTP client, without the URL.
    pub source: Source,
}

impl ConnectionError {
    pub(crate) fn new(call: Call, source: Source) -> Self {
        Self { call, reason: ConnectionFailure::of(&*source), source }
    }
}

/// Why a connection was not made, or broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionFailure {
    /// The host's name could not be resolved.
    Dns,
    /// The host is there, and nothing listens on the port.
    Refused,
    /// There was no response in time.
    TimedOut,
    /// There is no network, or no route to the host.
    NoRoute,
    /// The TLS handshake failed, mostly because of a certificate.
    Tls,
    /// The proxy failed, or rejected the connection.
    Proxy,
    /// The other side closed the connection.
    Closed,
    /// Another reason, which the source of the error holds.
    Other,
}

impl ConnectionFailure {
    /// Finds the reason in an error and its causes. The HTTP client has no kinds for most of them,
    /// so its words are looked at where the operating system's error is not at hand.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Self {
        let causes = || std::iter::successors(Some(error), |&error| error.source());
        let mut words = String::new();
        for cause in causes() {
            words.push_str(&cause.to_string().to_ascii_lowercase());
            words.push('\n');
        }
        let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        if has(&["dns error"]) {
            return Self::Dns;
        }
        if has(&["proxy", "tunnel", "socks"]) {
            return Self::Proxy;
        }
        if has(&["certificate", "tls", "ssl", "handshake", "corrupt message"]) {
            return Self::Tls;
        }
        let system =
            causes().find_map(|cause| of_system(cause.downcast_ref::<io::Error>()?.kind()));
        if let Some(reason) = system {
            return reason;
        }
        let is_timeout = |cause: &(dyn StdError + 'static)| {
            cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout)
        };
        if causes().any(is_timeout) || has(&["timed out"]) {
            return Self::TimedOut;
        }
        if has(&["connection closed", "incomplete message", "end of file"]) {
            return Self::Closed;
        }
        Self::Other
    }

    /// Writes the reason after a text, if it is known.
    pub(super) fn explain(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other => Ok(()),
            reason => write!(f, ": {reason}"),
        }
    }

    /// Returns what the end user can do about a service that was not reached.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Dns => {
                "Check the host in NEMO_API_URL and the network: its name is not known. Nothing was \
                 sent, so trying again is safe."
            }
            Self::Refused => {
                "Check the host and the port in NEMO_API_URL, and that the service is running. Nothing \
                 was sent, so trying again is safe."
            }
            Self::TimedOut | Self::NoRoute => {
                "Check the network, and whether a firewall or a missing proxy (HTTPS_PROXY) is in the \
                 way. Nothing was sent, so trying again is safe."
            }
            Self::Tls => {
                "Check that NEMO_API_URL is an https address, and this machine's clock. If the network \
                 or the service has a certificate of its own, give the client its root certificate. \
                 Nothing was sent."
            }
            Self::Proxy => {
                "Check the address of the proxy, its user and its password (HTTPS_PROXY). Nothing was \
                 sent, so trying again is safe."
            }
            Self::Closed | Self::Other => {
                "Check the network and NEMO_API_URL; nothing was sent, so trying again is safe."
            }
        }
    }
}

const fn of_system(kind: io::ErrorKind) -> Option<ConnectionFailure> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => ConnectionFailure::Refused,
        io::ErrorKind::TimedOut => ConnectionFailure::TimedOut,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            ConnectionFailure::NoRoute
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => ConnectionFailure::Closed,
        _ => return None,
    })
}

impl fmt::Display for ConnectionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "the host's name could not be resolved (DNS)",
            Self::Refused => "the connection was refused",
            Self::TimedOut => "there was no response in time",
            Self::NoRoute => "there is no route to the host",
            Self::Tls => "the TLS handshake failed",
            Self::Proxy => "the proxy failed",
            Self::Closed => "the other side closed it",
            Self::Other => "the cause is in the source of this error",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::ConnectionFailure;
    use crate::error::{Call, ConnectionError, Error, source};
    use crate::protocol::Endpoint;

    #[test]
    fn a_reason_is_found_in_the_causes() {
        let system = |kind: io::ErrorKind| ConnectionFailure::of(&io::Error::from(kind));
        assert_eq!(system(io::ErrorKind::ConnectionRefused), ConnectionFailure::Refused);
        assert_eq!(system(io::ErrorKind::TimedOut), ConnectionFailure::TimedOut);
        assert_eq!(system(io::ErrorKind::NetworkUnreachable), ConnectionFailure::NoRoute);
        assert_eq!(system(io::ErrorKind::ConnectionReset), ConnectionFailure::Closed);
        for (words, reason) in [
            ("dns error: failed to look up the address", ConnectionFailure::Dns),
            ("invalid peer certificate: UnknownIssuer", ConnectionFailure::Tls),
            ("received corrupt message of type InvalidContentType", ConnectionFailure::Tls),
            ("tunnel error: proxy authorization required", ConnectionFailure::Proxy),
            ("connection closed before message completed", ConnectionFailure::Closed),
            ("something else", ConnectionFailure::Other),
        ] {
            assert_eq!(ConnectionFailure::of(&io::Error::other(words)), reason, "{words}");
        }
    }

    #[test]
    fn a_reason_is_in_the_text_and_in_the_advice() {
        let call = Call::once(Endpoint::Credits, std::time::Duration::ZERO);
        let refused = source(io::Error::from(io::ErrorKind::ConnectionRefused));
        let failure = Box::new(ConnectionError::new(call.clone(), refused));
        let error = Error::Unreachable(failure);
        assert!(error.to_string().ends_with("not reached: the connection was refused"), "{error}");
        assert!(error.advice().contains("port"), "{}", error.advice());
        let other = Error::Disconnected(Box::new(ConnectionError::new(call, source("a secret"))));
        assert!(other.to_string().ends_with("the connection broke"), "{other}");
    }
}
