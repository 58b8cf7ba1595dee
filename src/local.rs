//! The embedded backend: the whole NemoVideo protocol as an HTTP server on loopback, so that
//! programs, examples and tests run without the cloud, without an account and without a network.
//!
//! ```
//! use nemovideo::local::LocalBackend;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let backend = LocalBackend::start().await?;
//! let client = backend.client();
//!
//! assert_eq!(client.credits().await?.available.get(), 10_000.0);
//! assert_eq!(backend.counters().tokens_issued, 1);
//! # Ok(())
//! # }
//! ```
//!
//! Which of the mock, this backend and this backend with faults a test needs is documented at
//! `nemovideo::mock`.
//!
//! # What is real
//! The sockets and the protocol with its envelopes, codes and errors; tokens that expire, that are
//! created and revoked, and that allow what their scopes say; accounts whose credits are frozen and
//! taken; sessions that only their own account can access; uploads on disk; renders that queue and
//! report progress; downloads with ranges. With the `media` feature, speech and videos are real too;
//! without it, every video is the same second, in a file named `placeholder.mp4`.
//!
//! # What fails
//! Whatever a test asks for: [`LocalBackend::faults`] resets connections, drops responses, cuts
//! streams in the middle of a character, fails renders and more, and [`Counters`] report what was
//! done all the same.
//!
//! # What is not real
//! The agent is **no model and no AI**, but a parser of a limited set of sentences. It speaks a
//! given script (*Make a voiceover of this script. Voice: male. Script: …*), adds and removes
//! titles, captions and music, sets volumes, trims, changes aspect, background, voice and pace, and
//! undoes turns. To *Make a video* alone, or *ask me first*, it responds with questions, by a call of
//! the tool `ask_question` that the next message answers. To anything else it replies that it does
//! not understand, and charges nothing. It does not write scripts, find footage or show uploaded
//! videos.
//!
//! Of what only some revisions of the service document, it knows tokens, scopes, questions and the
//! options of a [`RenderOutput`](crate::RenderOutput), and it rejects what it cannot honour: other
//! resolutions than 1080p, 720p and 480p, other frame rates than 30, other codecs than H.264. A
//! render's id is used once; a second submit gets a 409. Uploads are limited to the specification:
//! 200 MB, and neither PDF nor SRT.
//!
//! [Prices] are its own, and tokens are not limited per IP address. All accounts are anonymous, and
//! may create tokens all the same, which the service allows only registered users to do. Accounts
//! and sessions are kept in memory and end with the backend, unless the feature `persistence` is on
//! and `LocalBackendBuilder::persistent` names a directory for them.
//!
//! It listens on loopback only and is meant for one machine: a request whose `Host` or `Origin` is
//! another one gets a 403, and whoever knows a URL under `/files/` can read that file. Uploads by URL
//! are fetched from the public internet, or from hosts that
//! [`fetch_from`](LocalBackendBuilder::fetch_from) allows.
//!
//! With [`watch_page`](LocalBackendBuilder::watch_page), a browser shows at its URL what goes on in it.
//!
//! | to | use |
//! |---|---|
//! | start a backend | [`LocalBackend::start`], [`LocalBackend::builder`] |
//! | reach it with a client for tests | [`LocalBackend::client`], [`LocalBackend::client_builder`] |
//! | find out what was done | [`LocalBackend::counters`] |
//! | inject faults | [`LocalBackend::faults`], [`Fault`] |
//! | watch it in a browser | [`LocalBackendBuilder::watch_page`] |

// | file | holds |
// |---|---|
// | `builder` | settings, and the start |
// | `server` | the running backend: shared state, counters, workers, router |
// | `http` | connections: the limits on requests before they are complete |
// | `endpoints` | the handlers of the protocol's endpoints |
// | `response` | extractors, envelopes and error responses |
// | `accounts` | clients, tokens, scopes and credits |
// | `sessions` | the work in each session, and its undo history |
// | `library` | files on disk |
// | `store` | what is kept across processes |
// | `agent` | a message → work, state, events |
// | `renders` | the queue of renders |
// | `engine` | a draft → speech and videos, real or placeholders |
// | `faults` | faults, when a test asks for them |
// | `watch` | the page to watch it |

mod accounts;
mod agent;
mod builder;
mod endpoints;
mod engine;
mod faults;
mod http;
mod library;
mod renders;
mod response;
mod server;
mod sessions;
mod store;
mod watch;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use agent::document_text;
pub use builder::{Frequency, LocalBackendBuilder, Prices};
pub use faults::{
    Cut, Ending, ErrorReply, Fault, FaultBuilder, FaultHandle, Faults, FaultyResponse,
};
pub use server::{Counters, LocalBackend, LocalError};
