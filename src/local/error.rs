//! Why the embedded backend could not start, or stopped.

use std::io;
use std::path::PathBuf;

/// The embedded backend cannot run. Its text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// Another program listens on the port.
    #[error("port {port} is in use; choose another one, or 0 for any that is free")]
    PortInUse {
        /// The port that was asked for.
        port: u16,
        /// The system's error.
        source: io::Error,
    },
    /// The port cannot be listened on, a port below 1024 without the right to it for one.
    #[error("cannot listen on port {port}: {source}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// The system's error.
        source: io::Error,
    },
    /// There is no place for the files.
    #[error("the data directory {} cannot be used: {source}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The font cannot be used.
    #[cfg(feature = "media")]
    #[error(transparent)]
    Font(#[from] crate::media::MediaError),
    /// The server ended on its own.
    #[error("the embedded backend stopped: {0}")]
    Stopped(String),
}
