//! The headers of the protocol that are not HTTP's own.
//!
//! ```
//! use nemovideo::protocol::headers::{ATTRIBUTION, SKILL_VERSION};
//!
//! assert!(ATTRIBUTION.contains(&SKILL_VERSION));
//! ```

/// Names the installation that asks for an anonymous token.
pub const CLIENT_ID: &str = "x-client-id";
/// Attribution: the name of the skill or program that calls.
pub const SKILL_SOURCE: &str = "x-skill-source";
/// Attribution: its version.
pub const SKILL_VERSION: &str = "x-skill-version";
/// Attribution: the platform it is installed on.
pub const SKILL_PLATFORM: &str = "x-skill-platform";
/// All three of them; an export without one is refused with 402.
pub const ATTRIBUTION: [&str; 3] = [SKILL_SOURCE, SKILL_VERSION, SKILL_PLATFORM];
