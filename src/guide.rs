//! A guide in short chapters. Every program in it is compiled and run by the tests of this crate.
//!
//! | chapter | for |
//! |---|---|
//! | [The first video](first_video) | a script in, a video out, in one call |
//! | [A conversation](conversation) | edits, the events of a message, questions of the agent |
//! | [Files and limits](files) | what is accepted, and how large it may be |
//! | [Errors and money](errors) | each documented code, and what costs credits |
//! | [Batch and resume](batch) | several videos, and work that outlives its process |
//! | [Testing](testing) | a mock, the embedded backend, or the embedded backend with faults |
//! | [The embedded backend](embedded_backend) | videos without the cloud |
//! | [From skill file to attribution](attribution) | the three headers that identify a program |
//! | [From the shell script to Rust](shell) | each `curl` line beside its Rust line |
//! | [Running it as a service](service) | a web service with progress |
//! | [Tracing, proxies, Windows](operations) | what depends on where a program runs |
//!
//! The module exists in the documentation alone; nothing of it is compiled into programs.

#[doc = include_str!("../docs/guide/attribution.md")]
pub mod attribution {}
#[doc = include_str!("../docs/guide/batch.md")]
pub mod batch {}
#[doc = include_str!("../docs/guide/conversation.md")]
pub mod conversation {}
#[doc = include_str!("../docs/guide/embedded-backend.md")]
pub mod embedded_backend {}
#[doc = include_str!("../docs/guide/errors.md")]
pub mod errors {}
#[doc = include_str!("../docs/guide/files.md")]
pub mod files {}
#[doc = include_str!("../docs/guide/first-video.md")]
pub mod first_video {}
#[doc = include_str!("../docs/guide/operations.md")]
pub mod operations {}
#[doc = include_str!("../docs/guide/service.md")]
pub mod service {}
#[doc = include_str!("../docs/guide/shell.md")]
pub mod shell {}
#[doc = include_str!("../docs/guide/testing.md")]
pub mod testing {}
