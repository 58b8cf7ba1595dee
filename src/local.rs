//! The embedded backend: the whole NemoVideo protocol as an HTTP server on loopback, so that
//! programs, examples and tests run without the cloud, without an account and without a network.
//!
//! ```
//! use nemovideo::local::LocalBackend;
//! use serde_json::Value;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let backend = LocalBackend::start().await?;
//! let http = reqwest::Client::new();
//!
//! let answer = http
//!     .post(format!("{}/api/auth/anonymous-token", backend.url()))
//!     .header("X-Client-Id", "b7d0c9b2-6f0f-4ad5-9d5c-0b8a2f6f2c11")
//!     .send()
//!     .await?;
//! let token: Value = serde_json::from_slice(&answer.bytes().await?)?;
//!
//! let answer = http
//!     .get(format!("{}/api/credits/balance/simple", backend.url()))
//!     .bearer_auth(token["data"]["token"].as_str().expect("a token"))
//!     .send()
//!     .await?;
//! let credits: Value = serde_json::from_slice(&answer.bytes().await?)?;
//! assert_eq!(credits["data"]["available"], 100);
//! assert_eq!(backend.counters().tokens_issued, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What is real
//! The socket, the protocol, its envelopes, codes and failures; tokens that end, accounts with
//! credits that are frozen and taken, sessions of one account that another cannot see, uploads on
//! disk, renders that queue up and report progress, downloads with ranges. With the `media`
//! feature also the speech and the films; without it every film is the same second of nothing,
//! in a file called `placeholder.mp4`.
//!
//! # What goes wrong
//! Whatever is asked for: [`LocalBackend::faults`] resets connections, loses answers, cuts streams
//! in the middle of a character, fails renders and more, and [`Counters`] tell what was done all
//! the same.
//!
//! # What is not
//! The agent is **no model and no AI**: a parser of a few sentences. It speaks a script that it
//! is given (*Make a voiceover of this script. Voice: male. Script: …*), adds and removes titles,
//! captions and music, sets volumes, trims, changes the shape, the background, the voice and the
//! pace, and takes turns back. Anything else it says it does not understand, and charges nothing.
//! It writes no scripts, finds no footage and shows no videos that were uploaded.
//!
//! [Prices] are its own. There is no limit of tokens for each address. Accounts and sessions live
//! in memory and end with the backend. It listens on loopback only and is meant for one machine:
//! an address under `/files/` is all that is needed to read a file there.
//!
//! | file | holds |
//! |---|---|
//! | `builder`, `settings`, `error` | setting it up, and what can go wrong with that |
//! | `server`, `route`, `routes` | the server and the calls of the protocol, one file for each group |
//! | `answer`, `drain` | what every call needs: caller, body, refusals that arrive |
//! | `service` | everything that the calls share |
//! | `accounts`, `ledger` | who calls, and what they have left |
//! | `sessions` | what is being made, and what can be undone |
//! | `library` | files on disk |
//! | `agent` | a message → work, state, events |
//! | `renders` | a draft → a video, one at a time in each session |
//! | `engine` | where speech and films are made, really or not |
//! | `counters` | how many times each effect really happened |
//! | `faults` | what goes wrong when a test asks for it |

mod accounts;
mod agent;
mod answer;
mod builder;
mod counters;
mod drain;
mod endpoints;
mod engine;
mod error;
mod faults;
mod ledger;
mod library;
mod renders;

mod server;
mod service;
mod sessions;
mod settings;
mod workers;

pub use builder::LocalBackendBuilder;
pub use counters::Counters;
pub use error::LocalError;
pub use faults::{
    Cut, Ending, ErrorReply, Fault, FaultBuilder, FaultHandle, Faults, FaultyResponse,
};
pub use server::LocalBackend;
pub use settings::{FetchFrom, Prices, SilentEdits, TrailingNoise};
