//! The ids of the protocol, each a type of its own so that none is passed for another.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tolerant::unix_millis;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Creates an id from the text that the service sent.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// Returns the id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(id: &str) -> Result<Self, Infallible> {
                Ok(Self::from(id))
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

id! {
    /// The id of a session: a conversation about one video.
    #[derive(Debug)]
    SessionId
}
id! {
    /// The id of the task that a session belongs to.
    #[derive(Debug)]
    TaskId
}
id! {
    /// The id of an account; `anon_…` for an anonymous one.
    #[derive(Debug)]
    UserId
}
id! {
    /// The id of one of a user's own tokens. It is not the token itself and grants no access.
    #[derive(Debug)]
    TokenId
}
id! {
    /// The id of a render.
    ///
    /// The client generates it, so that a render can be looked up even if the response to its
    /// submission is lost. A generated id contains only ASCII letters, digits and underscores,
    /// which are valid in file names.
    #[derive(Debug)]
    RenderId
}
id! {
    /// The id of an installation of a client, sent as `X-Client-Id` to get an anonymous token.
    ///
    /// An id may get one anonymous token a week, so a client stores its id and reuses it. `Debug`
    /// omits the id: whoever has it gets the next token of the account.
    ClientId
}

/// Returns whether a text can be an id, which stands in the path of a URL: it is not empty and no dot
/// segment, and it can be shown. The characters with a meaning in URLs are escaped there.
pub(crate) fn is_id(id: &str) -> bool {
    !matches!(id, "" | "." | "..") && unprintable(id).is_none()
}

/// Returns what in a file name or an id cannot be shown: it could end a header or a C string, or
/// make one name look like another.
pub(crate) fn unprintable(name: &str) -> Option<&'static str> {
    /// The characters with the property `Bidi_Control` of Unicode.
    const DIRECTION_MARKS: [char; 12] = [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ];
    if name.contains(char::is_control) {
        Some("control characters")
    } else if name.contains(DIRECTION_MARKS) {
        Some("marks of the writing direction")
    } else {
        None
    }
}

impl RenderId {
    /// Generates an id of the form `render_<milliseconds since 1970>_<random>`.
    ///
    /// The specification shows `render_<ts>`; the random end keeps two renders of one millisecond
    /// apart. Other forms, such as the `render_<uuid>` of some revisions of the service, are valid
    /// too: `RenderId::new` takes any text.
    #[must_use]
    pub fn generate() -> Self {
        let millis = unix_millis(crate::clock::now()).unwrap_or_default();
        let random = Uuid::new_v4().simple().to_string();
        Self(format!("render_{millis}_{}", &random[..8]))
    }
}

impl ClientId {
    /// Generates a random id, a UUID.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4().to_string())
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientId([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{ClientId, RenderId, SessionId, is_id, unprintable};

    #[test]
    fn an_id_and_a_name_can_be_shown() {
        for id in ["", ".", "..", "a\0", "a\nb", "\u{85}", "\u{202e}gpj.exe", "a\u{200f}"] {
            assert!(!is_id(id), "{id:?}");
        }
        for id in ["s", "...", "a b", "a/../b?x=1#f%2f", "مرحبا", "👩\u{200d}💻", "a\u{ad}b"]
        {
            assert!(is_id(id), "{id:?}");
        }
        assert_eq!(unprintable("a\u{7f}.mp4"), Some("control characters"));
        assert_eq!(unprintable("a\u{2066}.mp4"), Some("marks of the writing direction"));
    }

    #[test]
    fn two_renders_of_one_moment_have_two_ids() {
        assert_ne!(RenderId::generate(), RenderId::generate());
        assert!(RenderId::generate().as_str().starts_with("render_1"));
    }

    #[test]
    fn the_debug_of_a_client_id_does_not_show_it() {
        let id = ClientId::generate();
        assert!(!format!("{id:?} {:#?}", Some(&id)).contains(id.as_str()));
    }

    #[test]
    fn a_map_of_ids_is_searched_by_text() {
        let map = HashMap::from([(SessionId::from("s"), 1)]);
        assert_eq!(map.get("s"), Some(&1));
    }
}
