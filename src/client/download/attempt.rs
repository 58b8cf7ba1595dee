//! One attempt at a download: what is missing of the file, as far as the connection holds.

use std::time::Instant;

use futures::StreamExt as _;

use super::source::{Part, Sources};
use super::{Download, FILE, disconnected};
use crate::client::atomic_file::PartialFile;
use crate::error::{Call, ConnectionError, Error, Result, TimeoutKind, source};

/// What is known of the file so far.
#[derive(Default)]
pub(super) struct Known {
    pub(super) bytes: u64,
    total: Option<u64>,
    tag: Option<String>,
    /// The next bytes come from another place than the ones that are there.
    elsewhere: bool,
}

impl Known {
    pub(super) fn new(total: Option<u64>) -> Self {
        Self { total, ..Self::default() }
    }

    /// Another place is asked from now on. Only a strong entity tag tells that it has the same
    /// file; without one, all of it is fetched anew.
    pub(super) fn change_source(&mut self) {
        self.elsewhere = true;
        if self.tag.is_none() {
            self.bytes = 0;
        }
    }

    /// Whether a part of the file goes on from what is there.
    fn goes_on(&self, part: &Part) -> bool {
        // A host may ignore `If-Range` and send a part of another version.
        let unchanged = match (&self.tag, &part.tag) {
            (Some(before), Some(now)) => before == now,
            _ => !self.elsewhere && part.total == self.total,
        };
        self.bytes > 0 && part.starts_at == self.bytes && unchanged
    }
}

impl Download {
    /// Fetches what is missing.
    pub(super) async fn attempt(
        &self,
        sources: &Sources<'_>,
        file: &mut PartialFile,
        known: &mut Known,
    ) -> Result<()> {
        let part = sources.open(known.bytes, known.tag.as_deref()).await?;
        let unwritable = |source| Error::io("write", &self.path, source);
        if !known.goes_on(&part) {
            file.restart().await.map_err(unwritable)?;
            known.bytes = 0;
            if part.starts_at > 0 {
                // A part of some other file: ask for all of it.
                known.tag = None;
                return Err(disconnected(part.call, "the file changed while it was downloaded"));
            }
        }
        let Part { response, call, total, tag, .. } = part;
        (known.tag, known.total, known.elsewhere) = (tag, total.or(self.size), false);
        let promised = self.size.or(known.total);
        let idle = self.client.inner.timeouts.idle;
        let began = Instant::now();
        let late = |call: &Call| {
            let mut call = call.clone();
            call.elapsed += began.elapsed();
            call
        };
        let mut chunks = response.bytes_stream();
        loop {
            let error = match tokio::time::timeout(idle, chunks.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(chunk))) => {
                    file.write(&chunk).await.map_err(unwritable)?;
                    known.bytes += chunk.len() as u64;
                    if let Some(progress) = &self.progress {
                        progress(known.bytes, known.total);
                    }
                    // It is another file, and one that may never end.
                    let limit = self.client.inner.limits.download;
                    match promised {
                        Some(promised) if known.bytes > promised => break,
                        None if known.bytes > limit => {
                            return Err(Error::LimitExceeded { what: FILE, limit });
                        }
                        _ => continue,
                    }
                }
                Ok(Some(Err(error))) => {
                    let source = source(error.without_url());
                    Error::Disconnected(Box::new(ConnectionError { call: late(&call), source }))
                }
                Err(_elapsed) => {
                    let call = Box::new(late(&call));
                    Error::Timeout { kind: TimeoutKind::Idle, after: idle, call }
                }
            };
            // All that was promised is there, though the answer's own end is not.
            let whole = known.bytes > 0 && promised == Some(known.bytes);
            return if whole { Ok(()) } else { Err(error) };
        }
        // A file that ends early is resumed; one that is whole and not what was promised is worth
        // nothing, wherever it came from; and no film is empty.
        let ends_early = known.total.is_some_and(|total| known.bytes < total);
        let promised = promised.unwrap_or(known.bytes);
        if known.bytes > 0 && known.bytes == promised {
            return Ok(());
        }
        let what = match known.bytes {
            0 => "the file is empty".to_owned(),
            bytes => format!("{bytes} of {promised} bytes came"),
        };
        if !ends_early {
            file.restart().await.map_err(unwritable)?;
            known.bytes = 0;
        }
        Err(disconnected(late(&call), what))
    }
}
