//! Why the embedded backend could not start, or stopped.

use std::io;
use std::path::PathBuf;

/// The embedded backend cannot run. Its text says what to do.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::local::{LocalBackend, LocalError};
///
/// # let other = LocalBackend::start().await?;
/// # let (_, port) = other.url().rsplit_once(':').ok_or("no port")?;
/// # let port = port.parse()?;
/// // The port that is asked for, or any that is free.
/// let backend = match LocalBackend::builder().port(port).start().await {
///     Err(error @ LocalError::PortInUse { .. }) => {
///         eprintln!("{error}"); // it says which port, and what to do
///         LocalBackend::start().await?
///     }
///     started => started?,
/// };
/// assert_ne!(backend.url(), other.url());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
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
