//! What travels: every request and answer of the NemoVideo protocol as a typed serde model.
//!
//! One file per endpoint, no I/O. The models serialise as well as they deserialise, so the client
//! and the embedded backend share them and cannot drift apart. They are written strictly (the
//! form that the specification shows) and read tolerantly (every form the vendor's documents
//! show: enveloped or bare, snake_case or camelCase), and words they do not know are kept rather
//! than refused.
//!
//! ```
//! use nemovideo::protocol::{CreditBalance, ErrorCode, decode};
//!
//! let enveloped = br#"{"code":0,"data":{"available":70,"frozen":30,"total":100}}"#;
//! let bare = br#"{"available":70,"frozen":30}"#;
//! for body in [enveloped.as_slice(), bare] {
//!     let balance: CreditBalance = decode(body)?.expect("a balance");
//!     assert_eq!(balance.total.get(), 100.0);
//! }
//! let refusal = decode::<CreditBalance>(br#"{"code":1001,"message":"expired"}"#)?.unwrap_err();
//! assert_eq!(refusal.code.map(ErrorCode::from), Some(ErrorCode::TokenInvalid));
//! # Ok::<(), nemovideo::protocol::DecodeError>(())
//! ```

mod claim;
mod code;
mod credits;
mod endpoint;
mod envelope;
pub mod event;
pub mod headers;
mod id;
mod message;
mod outline;
mod render;
mod render_state;
mod render_words;
mod session;
mod shown;
mod state;
mod time;
mod token;
mod tolerant;
mod upload;

pub use crate::draft::Aspect;
pub use claim::{ClaimRequest, ClaimToken};
pub use code::ErrorCode;
pub use credits::{CreditBalance, Credits};
pub use endpoint::{Effect, Endpoint};
pub use envelope::{DecodeError, Envelope, Refusal, decode};
pub use id::{ClientId, RenderId, SessionId, TaskId, UserId};
pub use message::{AGENT_NAME, ME, NewMessage, Part, RunRequest};
pub use render::{RenderJob, RenderOutput, RenderRequest};
pub use render_state::{RenderFile, RenderState};
pub use render_words::{RenderFormat, RenderQuality, RenderStatus};
pub use session::{CreateSession, Session};
pub(crate) use shown::{Unsigned, one_line};
pub(crate) use state::StatePart;
pub use state::{SessionState, StateAnswer};
pub use token::AnonymousToken;
pub use upload::{FileFormat, FileType, MAX_UPLOAD_BYTES, UploadAnswer, UploadUrls, UploadedFile};
