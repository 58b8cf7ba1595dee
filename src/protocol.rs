//! The NemoVideo protocol: its requests, responses and events as typed `serde` models.
//!
//! This module does no I/O. The client, the embedded backend and the mock share its models, so that
//! they cannot drift apart. Requests are serialized exactly as specified. Responses may have any
//! form that the vendor documents: in an envelope or bare, in snake_case or camelCase. Unknown
//! values are kept, not rejected.
//!
//! ```
//! use nemovideo::protocol::{RenderState, RenderStatus};
//!
//! for body in [
//!     r#"{"status":"completed","output":{"url":"/f.mp4"}}"#,
//!     r#"{"status":"completed","outputUrl":"/f.mp4","createdAt":1795351293000}"#,
//! ] {
//!     let state: RenderState = serde_json::from_str(body)?;
//!     assert_eq!(state.status, RenderStatus::Completed);
//!     assert_eq!(state.url.as_deref(), Some("/f.mp4"));
//! }
//! # Ok::<(), serde_json::Error>(())
//! ```

// One file per endpoint or group of endpoints.

mod credits;
mod endpoint;
mod envelope;
pub mod event;
mod id;
mod metadata;
#[macro_use]
mod render;
mod session;
mod state;
mod token;
mod tolerant;
mod upload;

pub(crate) use crate::draft::Aspect;
pub use credits::{CreditBalance, Credits};
pub use endpoint::{Effect, Endpoint};
#[cfg(any(feature = "local", feature = "mock"))]
pub(crate) use envelope::Envelope;
pub use envelope::ErrorCode;
pub(crate) use envelope::{ErrorResponse, decode};
pub use id::{ClientId, RenderId, SessionId, TaskId, TokenId, UserId};
pub(crate) use id::{is_id, unprintable};
pub use metadata::{RateLimit, ResponseMetadata};
pub use render::{RenderCodec, RenderResolution};
pub use render::{RenderFormat, RenderJob, RenderOutput, RenderQuality, RenderState, RenderStatus};
#[cfg(any(feature = "local", feature = "mock"))]
pub(crate) use session::AGENT_NAME;
#[cfg(feature = "local")]
pub(crate) use session::ME;
pub(crate) use session::RunRequest;
pub use session::{CreateSession, Session};
pub use state::{PendingTurn, SessionState};
pub(crate) use state::{StatePart, StateResponse};
pub(crate) use token::{
    Accepted, AnonymousToken, ClaimRequest, ClaimToken, Secret, TokenCreated, TokenList,
};
pub use token::{ApiToken, CreateToken, CreatedToken, TokenScope};
pub(crate) use tolerant::{RedactedUrl, one_line, redact_urls};
pub use upload::{FileFormat, FileType, MAX_UPLOAD_BYTES, UploadedFile};
pub(crate) use upload::{UploadResponse, UploadUrls, percent_decoded};

/// Decodes the data of a response, for the fuzz target.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn decode_response<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    decode(body).ok()?.ok()
}

/// The headers of the protocol, other than those of HTTP itself.
pub mod headers {
    /// Identifies the installation that requests an anonymous token.
    pub const CLIENT_ID: &str = "x-client-id";
    /// Attribution: the name of the calling skill or program.
    pub const SKILL_SOURCE: &str = "x-skill-source";
    /// Attribution: the version of the calling skill or program.
    pub const SKILL_VERSION: &str = "x-skill-version";
    /// Attribution: the platform on which the skill is installed.
    pub const SKILL_PLATFORM: &str = "x-skill-platform";
    /// All attribution headers. The service rejects an export that lacks one with code 402.
    pub const ATTRIBUTION: [&str; 3] = [SKILL_SOURCE, SKILL_VERSION, SKILL_PLATFORM];
}
