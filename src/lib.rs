//! An independent Rust SDK for NemoVideo: a script goes in, a narrated video comes out.
//!
//! ```
//! use futures::StreamExt as _;
//! use nemovideo::local::LocalBackend;
//! use nemovideo::{NemoClient, NewSession, Polling, RenderOutput};
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // The embedded backend speaks the service's protocol on a loopback port. For the cloud, build
//! // the client with `NemoClient::from_env()?` and leave out these three settings.
//! let backend = LocalBackend::start().await?;
//! let client = NemoClient::builder()
//!     .base_url(backend.url())
//!     .in_memory_credentials()
//!     .polling(Polling::new(Duration::from_millis(50), 600))
//!     .build()?;
//!
//! let session = client.create_session(NewSession::named("demo").language("en")).await?;
//! let id = &session.session_id;
//! let mut events =
//!     client.send_message(id, "Make a voiceover of this script: Hello from Rust.").await?;
//! while let Some(event) = events.next().await {
//!     println!("{:?}", event?);
//! }
//!
//! let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
//! println!("{}", draft.summary());
//! let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
//! let video = client.render(&job).await?;
//! client.download(&video, std::env::temp_dir().join("hello.mp4")).await?;
//! # Ok(()) }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # What it promises
//!
//! 1. **Nothing is charged twice.** A call that may have taken effect is never repeated; what
//!    cannot be known is said: [`Error::OutcomeUnknown`].
//! 2. **Nothing is lost.** A render is a [`RenderJob`], a message under way a [`PendingTurn`]: plain
//!    JSON that another process can pick up.
//! 3. **Nothing ends a stream but its end.** Unknown events, broken JSON and bad UTF-8 are handed
//!    on as [`AgentEvent::Unknown`](wire::event::AgentEvent::Unknown).
//! 4. **Nothing leaks.** No token is in an address, a log, a `Debug`, an error or a file that
//!    others can read, and none goes to another host.
//! 5. **It runs without the cloud**, with the features `local` and `media`.
//! 6. **It is small for those who want it small.** The default features bring the HTTP client
//!    alone.
//!
//! # Where to look
//!
//! | to | look at |
//! |---|---|
//! | call the service | [`NemoClient`] |
//! | talk about one video, or make one in one call | [`project`], [`NemoClient::voiceover`] |
//! | know what went wrong, and whether it cost something | [`Error`] |
//! | decide what is tried again | [`RetryPolicy`] |
//! | read or change a timeline | [`draft`] |
//! | read events, or the wire itself | [`wire`], [`sse`] |
//! | test a program against one answer | `mock` |
//! | test a program against a whole service, or make videos offline | `local` |
//! | make films from speech and pictures | `media` |
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `rustls` (default) | TLS for the cloud in Rust |
//! | `native-tls` | the system's TLS instead |
//! | `mock` | typed answers and request checks on top of `wiremock` |
//! | `local` | the embedded backend: an HTTP server on loopback with the whole protocol |
//! | `media` | real speech and real MP4s in it (implies `local`; compiles C and C++) |

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
mod language;
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
pub use client::{ClientBuilder, Limits, NemoClient, Polling, Recovery, Timeouts};
pub use client::{MessageStream, PendingTurn, TurnState, TurnStream, TurnUpdate};
pub use client::{RenderPoller, RenderProgress, RenderedVideo};
pub use error::{Effect, Error, ErrorCode, Result};
pub use http::{Attempt, Attribution, Decision, Failure, RetryPolicy, StandardRetry};
pub use project::{Intent, Suggestion};
pub use wire::{
    Aspect, ClientId, CreditBalance, Credits, NewSession, RenderFormat, RenderId, RenderJob,
    RenderOutput, RenderQuality, Session, SessionId, SessionState,
};

/// The README's program is a doctest.
#[cfg(all(doctest, feature = "media"))]
#[doc = include_str!("../README.md")]
struct Readme;
