//! The numbers that the service answers with, and what each means.

use std::fmt;

/// The `code` of an answer, or the HTTP status that stands for it.
///
/// Codes 400, 402 and 429 come as either; a code that is not documented keeps its number.
///
/// ```
/// use nemovideo::ErrorCode;
///
/// assert_eq!(ErrorCode::from(2001), ErrorCode::OutOfCredits);
/// assert_eq!(ErrorCode::OutOfCredits.number(), 2001);
/// assert_eq!(ErrorCode::from(5003), ErrorCode::Other(5003));
/// println!("{}", ErrorCode::ExportBlocked.meaning());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 1001: the token is expired or invalid.
    TokenInvalid,
    /// 1002: there is no such session.
    SessionNotFound,
    /// 2001: the account has no credits left.
    OutOfCredits,
    /// 4001: the service does not take this type of file.
    UnsupportedFileType,
    /// 4002: the file is too large.
    FileTooLarge,
    /// 400: the `X-Client-Id` header is missing.
    ClientIdMissing,
    /// 402: the plan does not allow this export.
    ExportBlocked,
    /// 429: too many requests.
    RateLimited,
    /// Any other number, kept as it came.
    Other(i64),
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::TokenInvalid => 1001,
            Self::SessionNotFound => 1002,
            Self::OutOfCredits => 2001,
            Self::UnsupportedFileType => 4001,
            Self::FileTooLarge => 4002,
            Self::ClientIdMissing => 400,
            Self::ExportBlocked => 402,
            Self::RateLimited => 429,
            Self::Other(number) => number,
        }
    }

    /// What the number means, in a few words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::TokenInvalid => "the token is expired or invalid",
            Self::SessionNotFound => "the session was not found",
            Self::OutOfCredits => "out of credits",
            Self::UnsupportedFileType => "unsupported file type",
            Self::FileTooLarge => "the file is too large",
            Self::ClientIdMissing => "the client id is missing",
            Self::ExportBlocked => "the plan does not allow this export",
            Self::RateLimited => "rate limited",
            Self::Other(_) => "the service refused",
        }
    }
}

impl From<i64> for ErrorCode {
    fn from(number: i64) -> Self {
        match number {
            1001 => Self::TokenInvalid,
            1002 => Self::SessionNotFound,
            2001 => Self::OutOfCredits,
            4001 => Self::UnsupportedFileType,
            4002 => Self::FileTooLarge,
            400 => Self::ClientIdMissing,
            402 => Self::ExportBlocked,
            429 => Self::RateLimited,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.meaning(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn every_number_comes_back_as_it_went() {
        for number in [1001, 1002, 2001, 4001, 4002, 400, 402, 429, 0, -7, 5003] {
            assert_eq!(ErrorCode::from(number).number(), number);
        }
        assert_eq!(ErrorCode::from(5003), ErrorCode::Other(5003));
    }
}
