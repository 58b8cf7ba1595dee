//! The names of things on the wire, each a type of its own so that none is passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the id as the service wrote it.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
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
    };
}

id! {
    /// A conversation about one video.
    ///
    /// ```
    /// use nemovideo::SessionId;
    ///
    /// let id = SessionId::new("s-1");
    /// assert_eq!((id.as_str(), id.to_string()), ("s-1", "s-1".to_owned()));
    /// assert_eq!(id, SessionId::from("s-1"));
    /// ```
    SessionId
}
id! {
    /// The task that a session belongs to.
    ///
    /// ```
    /// use nemovideo::Session;
    /// use nemovideo::protocol::TaskId;
    ///
    /// let session: Session = serde_json::from_str(r#"{"task_id":"t-1","session_id":"s-1"}"#)?;
    /// assert_eq!(session.task_id, TaskId::from("t-1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    TaskId
}
id! {
    /// An account, `anon_…` when it is anonymous.
    ///
    /// ```
    /// use nemovideo::protocol::{AnonymousToken, UserId, decode};
    ///
    /// let body = br#"{"code":0,"data":{"token":"nmv_usr_1","user_id":"anon_1"}}"#;
    /// let token: AnonymousToken = decode(body)?.expect("a token");
    /// assert_eq!(token.user_id, Some(UserId::from("anon_1")));
    /// # Ok::<(), nemovideo::protocol::DecodeError>(())
    /// ```
    UserId
}
id! {
    /// One render. The client makes it, so a render whose answer was lost can be asked for.
    ///
    /// ```
    /// use nemovideo::{RenderJob, RenderOutput};
    ///
    /// let draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse()?;
    /// let job = RenderJob::new("session".into(), draft, RenderOutput::mp4());
    /// let file = format!("{}.mp4", job.id); // known before anything is sent, and fit for a name
    /// assert!(file.starts_with("render_"));
    /// assert!(file.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    RenderId
}
id! {
    /// One installation of a client: the `X-Client-Id` that an anonymous account hangs on.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// use nemovideo::{ClientId, Error};
    ///
    /// let id = ClientId::new("b7d0c9b2-6f0f-4ad5-9d5c-0b8a2f6f2c11");
    /// let client = || NemoClient::builder().base_url(backend.url()).client_id(id.clone());
    /// client().in_memory_credentials().build()?.authenticate().await?;
    ///
    /// // It may have one anonymous token a week, which is why a client keeps its own in a folder.
    /// let again = client().in_memory_credentials().build()?.authenticate().await;
    /// assert!(matches!(again, Err(Error::RateLimited(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ClientId
}

impl RenderId {
    /// A new id of the form `render_<ms since 1970>_<random>`.
    ///
    /// The specification shows `render_<ts>`; the random end keeps two renders of one
    /// millisecond apart.
    ///
    /// ```
    /// use nemovideo::RenderId;
    ///
    /// let (one, two) = (RenderId::generate(), RenderId::generate());
    /// assert!(one.as_str().starts_with("render_") && one != two);
    /// ```
    #[must_use]
    pub fn generate() -> Self {
        let millis = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let random = Uuid::new_v4().simple().to_string();
        Self(format!("render_{millis}_{}", &random[..8]))
    }
}

impl ClientId {
    /// A new random id.
    ///
    /// ```
    /// use nemovideo::ClientId;
    ///
    /// assert_ne!(ClientId::generate(), ClientId::generate());
    /// ```
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::RenderId;

    #[test]
    fn two_renders_of_one_moment_have_two_ids() {
        assert_ne!(RenderId::generate(), RenderId::generate());
        assert!(RenderId::generate().as_str().starts_with("render_1"));
    }
}
