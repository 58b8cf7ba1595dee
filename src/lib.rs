//! An independent Rust SDK for NemoVideo: a script goes in, a narrated video comes out.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Unsafe code is forbidden outright; with `media` one module, `media::voice::pico`, wraps the
// speech engine's C interface and is the only one that lifts the denial.
#![cfg_attr(not(feature = "media"), forbid(unsafe_code))]
#![deny(unsafe_code)]

mod auth;
pub mod client;
pub mod draft;
pub mod error;
mod http;
#[cfg(feature = "local")]
#[cfg_attr(docsrs, doc(cfg(feature = "local")))]
pub mod local;
#[cfg(feature = "media")]
#[cfg_attr(docsrs, doc(cfg(feature = "media")))]
pub mod media;
#[cfg(feature = "mock")]
#[cfg_attr(docsrs, doc(cfg(feature = "mock")))]
pub mod mock;
pub mod project;
pub mod sse;
pub mod wire;

pub use auth::{Account, Reauthenticate};
pub use client::{ClientBuilder, Limits, NemoClient, Polling, Timeouts};
pub use client::{MessageStream, RenderPoller, RenderProgress, RenderedVideo};
pub use error::{Effect, Error, ErrorCode, Result};
pub use http::{Attempt, Attribution, Decision, Failure, RetryPolicy, StandardRetry};
pub use project::{Intent, Suggestion};
pub use wire::{
    Aspect, ClientId, CreditBalance, Credits, NewSession, RenderFormat, RenderId, RenderJob,
    RenderOutput, RenderQuality, Session, SessionId, SessionState,
};
