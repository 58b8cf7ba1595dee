//! An independent Rust SDK for NemoVideo, a cloud service that turns a script into a narrated video.
//!
//! ```
//! use nemovideo::local::LocalBackend;
//! use nemovideo::project::VoiceChoice;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # std::env::set_current_dir(&dir)?;
//! // The embedded backend makes real videos on this machine. For the cloud, the client is
//! // `NemoClient::from_env()?`, and everything else is the same.
//! let backend = LocalBackend::start().await?;
//! let client = backend.client();
//!
//! let saved = client
//!     .voiceover("Coffee came to Venice by ship.")
//!     .voice(VoiceChoice::female("en-US"))
//!     .save_to("coffee.mp4")
//!     .await?;
//! println!("{}: {} bytes", saved.path.display(), saved.bytes);
//! println!("{}", saved.draft.summary());
//! # Ok(())
//! # }
//! ```
//!
//! The [guide] has this as a program from an empty directory, and chapters for conversations,
//! files, errors, tests, batches, services and more. In four lines:
//!
//! - A **session** is the project of one video at the service: its conversation, uploads and draft.
//! - A **message** tells the agent in words what to do; it costs credits, and its response is a
//!   stream of events.
//! - A **draft** is the timeline that the agent makes. A render, which is free, turns it into a file.
//! - A **credit** is the service's unit of price; a new anonymous account has 100, for seven days.
//!
//! # Call by call
//!
//! The same by single calls, each of which a program may make, repeat or resume on its own:
//!
//! ```
//! use futures::StreamExt as _;
//! use nemovideo::{CreateSession, RenderOutput};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # std::env::set_current_dir(&dir)?;
//! # let backend = nemovideo::local::LocalBackend::builder().placeholder_videos().start().await?;
//! # let client = backend.client();
//! let session = client.create_session(CreateSession::named("demo")).await?;
//! let id = &session.session_id;
//! let message = "Make a voiceover of this script: Hello from Rust.";
//! let mut text = client.send_message(id, message).streaming().await?.text();
//! while let Some(delta) = text.next().await {
//!     print!("{}", delta?);
//! }
//!
//! let draft = client.session_state(id).await?.draft.ok_or("no draft was made")?;
//! let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
//! let video = client.wait_for_render(&job).await?;
//! client.download(&video, "hello.mp4").await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Promises
//!
//! 1. **Nothing is charged twice.** A call that creates or charges something is never repeated once
//!    it may have taken effect; an outcome that cannot be known is reported as
//!    [`Error::OutcomeUnknown`].
//! 2. **Nothing is lost.** A render is a [`RenderJob`], a running message a [`PendingTurn`]: both
//!    serialize to JSON, from which another process can continue.
//! 3. **Nothing but its end ends a stream**: the end, a break or a timeout of the connection, and no
//!    event. Unknown events, and JSON that is broken in more than a detail, are passed on as
//!    [`AgentEvent::Unknown`](protocol::event::AgentEvent::Unknown); invalid UTF-8 is replaced by
//!    U+FFFD.
//! 4. **Nothing leaks.** No bearer token occurs in a URL, a log, a `Debug` output, an error or a
//!    file that other users can read, and none is sent to another host.
//! 5. **It runs without the cloud**, with the features `local` and `media`.
//! 6. **It is small by default.** The default features bring the HTTP client alone.
//!
//! # Where to look
//!
//! | to | look at |
//! |---|---|
//! | learn the crate by programs that run | [`guide`] |
//! | make a video in one call, or work on one in a conversation | [`NemoClient::voiceover`], [`project`] |
//! | call the service | [`NemoClient`] |
//! | learn why a call failed, and whether it may have cost credits | [`Error`] |
//! | decide what is retried | [`retry`] |
//! | read or edit a timeline | [`draft`] |
//! | read events, or the protocol itself | [`protocol`], [`sse`] |
//! | test a program against single responses | `mock` |
//! | test a program against a whole service, or make videos offline | `local` |
//! | make videos from speech and images | `media` |
//!
//! # Which API
//!
//! Each row is a level of its own; a program rarely needs more than one of them.
//!
//! | to | call | yields | persist, and continue with |
//! |---|---|---|---|
//! | read the events of a message | [`send_message`](NemoClient::send_message) | [`MessageStream`], [`TextStream`] | |
//! | follow a message to its outcome | [`MessageRequest::watch`](client::MessageRequest::watch) | [`TurnStream`] of [`TurnUpdate`] | [`PendingTurn`]: [`resume_turn`](NemoClient::resume_turn) |
//! | render a draft | [`submit_render`](NemoClient::submit_render), [`wait_for_render`](NemoClient::wait_for_render) | [`RenderPoller`] of [`RenderProgress`] | [`RenderJob`]: [`ensure_submitted`](NemoClient::ensure_submitted) |
//! | hold a conversation | [`Project::say`](project::Project::say) | [`Turn`](project::Turn) of [`TurnEvent`](project::TurnEvent) | [`Session`]: [`resume_project`](NemoClient::resume_project); [`PendingTurn`]: [`observe`](project::Project::observe); [`Question`](protocol::event::Question): [`with_question`](project::Project::with_question) |
//! | make a video in one call | [`voiceover`](NemoClient::voiceover) | [`JobProgress`](project::JobProgress), by a callback or as a [`JobStream`](project::JobStream) | the [`PendingTurn`] or [`RenderJob`] in the last [`JobProgress`](project::JobProgress) |
//! | make several videos | [`Project::batch`](project::Project::batch) | [`Batch`](project::Batch) of [`JobProgress`](project::JobProgress) | [`BatchState`](project::BatchState), with a [`JobStage`](project::JobStage) for each item: [`resume_batch`](NemoClient::resume_batch) |
//!
//! # Where types are exported
//!
//! Each public type has one home, the module of its topic. The root also exports those that most
//! programs name: the client, its configuration, its streams, its errors, and the common arguments
//! and results of its calls. The types of conversations are in [`project`], and timelines in
//! [`draft`], alone.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `rustls` (default) | TLS for the cloud in Rust |
//! | `native-tls` | the system's TLS instead |
//! | `encodings` | scripts in encodings other than UTF-8 and UTF-16 |
//! | `queue` | voiceovers in SQLite or PostgreSQL, made by any number of processes (needs Rust 1.94) |
//! | `mock` | typed responses and request checks on top of `wiremock` |
//! | `local` | the embedded backend: an HTTP server on loopback with the whole protocol |
//! | `persistence` | the embedded backend keeps its data on the disk (implies `local`; compiles C) |
//! | `media` | real speech and real MP4s in it (implies `local`; compiles C and C++) |
//!
//! # WebAssembly
//!
//! For `wasm32-unknown-unknown` the crate is the client without files and sockets: tokens, sessions,
//! messages and their streams, uploads from memory and by URL, credits, states, drafts and renders,
//! over the `fetch` of the browser or of Node.js. Missing are uploads of files and downloads,
//! [`project`] with the one-call job, the builder's `http_client`, `proxy` and `root_certificate`, and
//! the features `mock`, `local`, `media`, `persistence` and `queue`; [`RenderedVideo::url`] links to the
//! file of a video. What `fetch` hides makes these differences:
//!
//! - Credentials are in memory and there is no environment. An anonymous account ends with the page,
//!   and the service limits them to ten a week for each IP address, so a program should set the
//!   [`token`](ClientBuilder::token).
//! - A browser calls the service only if it allows the origin of the page (CORS). Where it does not,
//!   a server of that origin must pass the calls on, and its URL is the
//!   [`base_url`](ClientBuilder::base_url).
//! - Whether a request was sent is not known. A message whose connection was refused ends with
//!   [`Error::OutcomeUnknown`] as if it had been sent. The crate does not repeat it, but a browser
//!   may by itself, when a connection that it reuses breaks.
//! - Redirects are followed, by browsers without the token if the origin is another.
//! - The time to connect has no timeout of its own.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Unsafe code is forbidden outright; with `media` one module, `media::voice::pico`, wraps the
// speech engine's C interface and is the only one that lifts the denial.
#![cfg_attr(not(feature = "media"), forbid(unsafe_code))]
#![deny(unsafe_code)]
// What `project` and the downloads alone use is not used without them.
#![cfg_attr(target_arch = "wasm32", allow(dead_code, unused_imports, clippy::drop_non_drop))]

#[macro_use]
mod settings;

mod address;
mod auth;
pub mod client;
mod clock;
pub mod draft;
pub mod error;
mod fs;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(not(target_arch = "wasm32"))]
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
#[cfg(not(target_arch = "wasm32"))]
pub mod project;
pub mod protocol;
#[cfg(feature = "queue")]
#[cfg_attr(docsrs, doc(cfg(feature = "queue")))]
pub mod queue;
pub mod retry;
#[cfg(not(target_arch = "wasm32"))]
mod scratch;
pub mod sse;
mod sync;
#[cfg(not(target_arch = "wasm32"))]
mod tls;
mod transport;

pub use auth::{Account, Reauthenticate};
pub use client::{ClientBuilder, Limits, NemoClient, RenderPolling, Timeouts, TurnRecovery};
pub use client::{MessageStream, PendingTurn, TextStream, TurnStream, TurnUpdate};
pub use client::{RenderPoller, RenderProgress, RenderedVideo};
pub use draft::Aspect;
pub use error::{Error, Result};
pub use protocol::{
    ApiToken, ClientId, CreateSession, CreateToken, CreatedToken, CreditBalance, Credits, Effect,
    ErrorCode, RenderCodec, RenderFormat, RenderId, RenderJob, RenderOutput, RenderQuality,
    RenderResolution, Session, SessionId, SessionState, TokenId, TokenScope,
};
pub use retry::{ExponentialRetry, RetryPolicy};
pub use transport::Attribution;

/// Compiles and runs the README's programs as doctests.
#[cfg(all(doctest, feature = "media", feature = "mock"))]
#[doc = include_str!("../README.md")]
struct Readme;
