//! The programs as processes, seen from outside.
//!
//! `examples` runs them as users do.

mod examples;
