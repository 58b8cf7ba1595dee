//! The headers of the protocol, other than those of HTTP itself.

/// Identifies the installation that requests an anonymous token.
pub const CLIENT_ID: &str = "x-client-id";
/// Attribution: the name of the calling skill or program.
pub const SKILL_SOURCE: &str = "x-skill-source";
/// Attribution: the version of the calling skill or program.
pub const SKILL_VERSION: &str = "x-skill-version";
/// Attribution: the platform on which the skill is installed.
pub const SKILL_PLATFORM: &str = "x-skill-platform";
/// All attribution headers. The service rejects an export that lacks one with code 402.
pub const ATTRIBUTION: [&str; 3] = [SKILL_SOURCE, SKILL_VERSION, SKILL_PLATFORM];
