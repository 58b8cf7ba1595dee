//! Helpers that several test modules share.

pub(crate) mod caller;
pub(crate) mod json;
pub(crate) mod mocked;
pub(crate) mod raw;
pub(crate) mod stage;
pub(crate) mod tables;
