//! The film's sound to AAC-LC, a second at a time.

use syom::{EncodeOptions, EncodedFrame, Encoder};

use super::mix::{Mix, SAMPLE_RATE};
use super::{Cancel, MediaError};

/// Samples in an AAC frame.
pub(super) const FRAME: u64 = 1024;

/// The frames of an encoded sound, in a few pieces of memory: a long film has hundreds of
/// thousands of frames, and frees each piece when the muxer has it.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pieces: Vec<Piece>,
}

/// Some frames, one after the other.
#[derive(Debug, Default)]
pub(super) struct Piece {
    data: Vec<u8>,
    ends: Vec<usize>,
}

impl Frames {
    fn push(&mut self, frame: &[u8]) {
        const PIECE: usize = 1 << 20;
        let full = |piece: &Piece| piece.data.len() + frame.len() > PIECE;
        if self.pieces.last().is_none_or(full) {
            self.pieces.push(Piece::default());
        }
        if let Some(piece) = self.pieces.last_mut() {
            piece.data.extend_from_slice(frame);
            piece.ends.push(piece.data.len());
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().flat_map(Piece::iter)
    }

    pub(super) fn into_pieces(self) -> impl Iterator<Item = Piece> {
        self.pieces.into_iter()
    }
}

impl Piece {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.data[start..end])
    }
}

/// How a frame is wrapped.
#[derive(Debug, Clone, Copy)]
pub(super) enum Framing {
    /// With an ADTS header each.
    Adts,
    /// Bare.
    Raw,
}

/// Encodes the whole mix. `progress` gets the number of samples done.
///
/// The first frame primes the decoder: what it decodes to comes before the film.
pub(super) fn encode(
    mix: &Mix<'_>,
    bitrate: u32,
    framing: Framing,
    progress: impl Fn(u64),
    cancel: &Cancel,
) -> Result<Frames, MediaError> {
    let options = EncodeOptions::adts().with_bitrate_bps(bitrate);
    let mut encoder = Encoder::new(SAMPLE_RATE, 1, &options).map_err(failed)?;
    let mut frames = Frames::default();
    let mut keep = |frame: EncodedFrame<'_>| {
        frames.push(match framing {
            Framing::Adts => frame.au,
            Framing::Raw => frame.payload,
        });
        Ok(())
    };
    for_each_piece(mix, cancel, |piece| {
        encoder.feed(&[piece], &mut keep).map_err(failed)?;
        progress(piece.len() as u64);
        Ok(())
    })?;
    encoder.finish(&mut keep).map_err(failed)?;
    Ok(frames)
}

/// Hands the mix on, a second at a time.
pub(super) fn for_each_piece(
    mix: &Mix<'_>,
    cancel: &Cancel,
    mut take: impl FnMut(&[f32]) -> Result<(), MediaError>,
) -> Result<(), MediaError> {
    let mut piece = vec![0.0; SAMPLE_RATE as usize];
    let mut at = 0;
    while at < mix.length() {
        cancel.check()?;
        let length = (mix.length() - at).min(piece.len() as u64) as usize;
        mix.fill(at, &mut piece[..length]);
        take(&piece[..length])?;
        at += length as u64;
    }
    Ok(())
}

fn failed(error: syom::AacError) -> MediaError {
    MediaError::Encode(format!("AAC: {error}"))
}
