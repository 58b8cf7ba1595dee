//! An independent Rust SDK for NemoVideo: a script goes in, a narrated video comes out.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Unsafe code is forbidden outright; with `media` one module, `media::voice::pico`, wraps the
// speech engine's C interface and is the only one that lifts the denial.
#![cfg_attr(not(feature = "media"), forbid(unsafe_code))]
#![deny(unsafe_code)]

pub mod draft;
#[cfg(feature = "local")]
#[cfg_attr(docsrs, doc(cfg(feature = "local")))]
pub mod local;
#[cfg(feature = "media")]
pub mod media;
pub mod sse;
pub mod wire;
