//! One sentence for each error: what the end user can do now.

use super::{Error, ErrorCode};
use crate::protocol::FileFormat;

impl Error {
    /// Returns what to do next, as a sentence for the end user.
    #[must_use]
    pub fn advice(&self) -> String {
        if let Some(api) = self.api() {
            return match (api.code, &api.link) {
                (ErrorCode::TokenInvalid, _) => {
                    "Set NEMO_TOKEN to a valid token, or unset it to continue anonymously."
                        .to_owned()
                }
                (ErrorCode::SessionNotFound, _) => {
                    "Start a new session; this one is gone or belongs to another account."
                        .to_owned()
                }
                (ErrorCode::OutOfCredits, Some(link)) => {
                    format!("Register at {link} to keep this work and get more credits.")
                }
                (ErrorCode::OutOfCredits, None) => {
                    "Top up the account's credits, then try again.".to_owned()
                }
                (ErrorCode::UnsupportedFileType, _) => {
                    format!("Use one of these formats: {}.", FileFormat::accepted())
                }
                (ErrorCode::FileTooLarge, _) => {
                    "Compress or trim the file below 200 MB.".to_owned()
                }
                (ErrorCode::ClientIdMissing, _) => {
                    "Set NEMO_CLIENT_ID to a UUID, or remove it so that one is generated."
                        .to_owned()
                }
                (ErrorCode::ExportBlocked, _) => {
                    "Exports need a subscription on this account; credits do not help.".to_owned()
                }
                (ErrorCode::RateLimited, _) => match api.retry_after {
                    Some(wait) => format!("Wait {} s, then try again.", wait.as_secs().max(1)),
                    None => "Wait 30 s, then try again.".to_owned(),
                },
                (ErrorCode::Other(_), _) if api.status.is_some_and(|status| status >= 500) => {
                    "The service has a problem; try again in a few minutes.".to_owned()
                }
                (ErrorCode::Other(_), _) => {
                    "Read the message of the service and change the request.".to_owned()
                }
            };
        }
        match self {
            Self::Unreachable(_) => {
                "Check the network and NEMO_API_URL; nothing was sent, so trying again is safe."
            }
            Self::Disconnected(_) | Self::Timeout { .. } if self.may_have_taken_effect() => {
                "Try again; it may have been done already, and is not done twice."
            }
            Self::Disconnected(_) | Self::Timeout { .. } => {
                "Try again; this call changes nothing on the server."
            }
            Self::OutcomeUnknown(unknown) if unknown.job.is_some() => {
                "Submit the render's job again: it is looked up by its id first, and started once."
            }
            Self::OutcomeUnknown(_) => {
                "Look at the session's state before sending it again: it may have been done and charged."
            }
            Self::Decode { .. } | Self::NotAStream { .. } => {
                "The service responded in a form this version does not know; look for a newer version."
            }
            Self::LimitExceeded { .. } => "Raise the limit when building the client, if this is expected.",
            Self::RenderFailed { .. } => "Look at the draft, then submit a new render; exports are free.",
            Self::RenderUnfinished { .. } => {
                "Keep the job and poll it again later; the render continues on the server."
            }
            Self::AgentFailed(_) => "Read the agent's message; it holds the reason.",
            Self::Busy => "Wait for the turn in progress, or ask for the next one to be queued.",
            Self::InvalidInput(_) => "Change the argument and call again; nothing was sent.",
            Self::Configuration(_) => "Change the client's settings.",
            Self::Io { .. } => "Check the path and its permissions.",
            _ => "Try again later.",
        }
        .to_owned()
    }
}
