//! Reading a body without letting the other side fill the memory.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

/// Why a body could not be read whole.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It went past the limit.
    TooLarge,
    /// The connection broke.
    Broken(reqwest::Error),
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn read_limited(mut response: Response, limit: u64) -> Result<Bytes, ReadError> {
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(ReadError::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Broken)? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
