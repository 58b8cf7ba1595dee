//! A text that is never shown.

use std::fmt;
use std::sync::Arc;

/// A token. Neither `Debug` nor any error shows it; it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Arc<str>);

impl Secret {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one header it belongs in and the one file it is kept in.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to keep secret.
    pub(crate) fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_not_in_its_debug() {
        let secret = Secret::new("nmv_usr_hunter2");
        assert!(!format!("{secret:?} {:#?}", Some(&secret)).contains("hunter2"));
        assert_eq!(secret.expose(), "nmv_usr_hunter2");
    }
}
