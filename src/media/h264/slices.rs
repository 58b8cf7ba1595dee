//! Pictures from rows that were encoded on their own. Nothing in a slice depends on another one, so
//! that the picture of some rows becomes a slice of the whole picture when the position of its first
//! macroblock is written into its header (ITU-T H.264, 7.3.3): of a key frame, or of a later picture
//! whose other rows are repeated.

use super::skip::{
    PICTURE_PARAMETERS, SEQUENCE_PARAMETERS, SLICE, SkipHeader, mixing, nal_units, payload, resized,
};
use super::{EncodedStill, FirstFrame, Motion, Place, Repeats, StillEncoder};
use crate::media::canvas::Canvas;
use crate::media::{FrameSize, MediaError};

/// Width and height of a macroblock.
pub(crate) const MACROBLOCK: u32 = 16;
/// `no_output_of_prior_pics_flag` and `long_term_reference_flag`, which only key frames have.
pub(crate) const KEY_FIELDS: usize = 2;
/// The type of the NAL unit of a slice of a key frame.
const KEY_SLICE: u8 = 5;

/// The parameter sets of a picture, and how it is repeated.
#[derive(Debug)]
pub(crate) struct SliceHeader {
    pub(crate) size: FrameSize,
    /// The parameter sets as Annex B units.
    parameters: Vec<u8>,
    pub(crate) skip: SkipHeader,
    motion: Motion,
}

/// The rows of an image from a multiple of 16 on, encoded.
#[derive(Debug)]
pub(crate) struct EncodedRows {
    pub(crate) header: u8,
    pub(crate) kind: u32,
    pub(crate) payload: Vec<u8>,
    /// Where the bits that do not depend on the position of the slice begin.
    pub(crate) position: usize,
    pub(crate) macroblocks: u32,
}

impl SliceHeader {
    /// Returns the header of pictures of one size and motion; `None` when the encoder uses parameters
    /// that are not supported.
    pub(crate) fn new(
        encoder: &StillEncoder,
        size: FrameSize,
        motion: Motion,
    ) -> Result<Option<Self>, MediaError> {
        let row = FrameSize { height: MACROBLOCK, ..size };
        let encoded = encoder.encode(&Canvas::new(row), 1)?;
        let encoded = encoded.frame(Place::default(), 0);
        let find =
            |kind: u8| nal_units(&encoded).find(|nal| nal.first().is_some_and(|h| h & 31 == kind));
        let picture = find(PICTURE_PARAMETERS).and_then(|nal| match motion {
            Motion::Fade => mixing(nal),
            Motion::None | Motion::Zoom => Some([&[0, 0, 0, 1], nal].concat()),
        });
        let sequence = find(SEQUENCE_PARAMETERS).and_then(|nal| resized(nal, size, motion));
        let (Some(sequence), Some(picture)) = (sequence, picture) else { return Ok(None) };
        let parameters = [sequence, picture].concat();
        let skip = SkipHeader::read(&parameters);
        Ok(skip.map(|skip| Self { size, parameters, skip, motion }))
    }

    /// Encodes some rows of an image; `None` when they cannot be a slice.
    pub(crate) fn encode_rows(
        &self,
        encoder: &StillEncoder,
        rows: &Canvas,
    ) -> Result<Option<EncodedRows>, MediaError> {
        let EncodedStill { first: FirstFrame::Key(key), repeats: Repeats::Skipped(skip) } =
            encoder.encode(rows, 1)?
        else {
            return Ok(None);
        };
        let is_slice = |nal: &&[u8]| nal.first().is_some_and(|h| h & 31 == KEY_SLICE);
        let mut slices = nal_units(&key).filter(is_slice);
        let (Some(slice), None) = (slices.next(), slices.next()) else { return Ok(None) };
        let payload = payload(slice);
        let read = skip.read_key_slice(&payload).filter(|_| skip.has_like_slices(&self.skip));
        let (header, macroblocks) = (slice[0], skip.macroblocks());
        Ok(read.map(|(kind, position)| EncodedRows {
            header,
            kind,
            payload,
            position,
            macroblocks,
        }))
    }

    /// Returns a key frame of parts, with the number of the row at which each begins.
    pub(crate) fn key<'r>(
        &self,
        parts: impl IntoIterator<Item = (usize, &'r EncodedRows)>,
    ) -> Vec<u8> {
        let mut key = self.parameters.clone();
        for (row, part) in parts {
            let mut slice = self.skip.write_key_slice(self.macroblock(0, row), part.kind);
            slice.bits(0, 1); // no_output_of_prior_pics_flag
            // long_term_reference_flag: it stays one for all pictures that refer to it.
            slice.bits(u32::from(self.motion != Motion::None), 1);
            key.extend(slice.append(&part.payload, part.position + KEY_FIELDS, part.header));
        }
        key
    }

    /// Returns the still of a picture of such parts.
    pub(crate) fn still<'r>(
        &self,
        parts: impl IntoIterator<Item = (usize, &'r EncodedRows)>,
    ) -> EncodedStill {
        let first = FirstFrame::Key(self.key(parts));
        EncodedStill { first, repeats: Repeats::Skipped(self.skip) }
    }

    /// Returns the number of the macroblock at a column and a row of pixels.
    pub(crate) const fn macroblock(&self, column: usize, row: usize) -> u32 {
        let columns = self.size.width.div_ceil(MACROBLOCK);
        row as u32 / MACROBLOCK * columns + column as u32 / MACROBLOCK
    }

    /// Returns the still that differs from the one before it in some macroblocks: parts of rows of
    /// them, in order, with the column and the row of pixels at which each begins.
    pub(crate) fn changed(
        &self,
        parts: impl IntoIterator<Item = (usize, usize, EncodedRows)>,
    ) -> EncodedStill {
        let parts = parts.into_iter();
        let parts = parts.map(|(column, row, rows)| (self.macroblock(column, row), rows));
        let first = FirstFrame::Changed(parts.collect());
        EncodedStill { first, repeats: Repeats::Skipped(self.skip) }
    }
}

/// Returns a picture that has these macroblocks, each from one on, and repeats the others.
pub(super) fn changed_picture(
    parts: &[(u32, EncodedRows)],
    skip: &SkipHeader,
    place: Place,
) -> Vec<u8> {
    let (mut picture, mut at) = (Vec::new(), 0);
    for (first, rows) in parts {
        picture.extend(skip.skipped_slice(at..*first, place));
        let mut slice = skip.write_intra_slice(*first, place);
        slice.bits(0, 1); // adaptive_ref_pic_marking_mode_flag
        picture.extend(slice.append(&rows.payload, rows.position + KEY_FIELDS, SLICE));
        at = first + rows.macroblocks;
    }
    picture.extend(skip.skipped_slice(at..skip.macroblocks(), place));
    picture
}

#[cfg(test)]
mod tests {
    use openh264::decoder::Decoder;
    use openh264::formats::YUVSource as _;

    use super::*;

    fn image(size: FrameSize, seed: usize) -> Canvas {
        let mut canvas = Canvas::new(size);
        let value = |at: usize| ((at + seed).wrapping_mul(2_654_435_761) >> 7) as u8 / 2 + 40;
        for plane in [&mut canvas.y, &mut canvas.u, &mut canvas.v] {
            plane.iter_mut().enumerate().for_each(|(at, v)| *v = value(at / 7));
        }
        canvas
    }

    #[test]
    fn the_parameters_are_those_of_a_picture_of_the_size() {
        for (width, height) in [(1920, 1080), (1080, 1920), (3840, 2160)] {
            let (size, encoder) = (FrameSize { width, height }, StillEncoder::new(20));
            let header = SliceHeader::new(&encoder, size, Motion::None)
                .unwrap()
                .expect("supported parameters");
            let key = encoder
                .encode(&Canvas::new(size), 1)
                .unwrap()
                .frame(Place::default(), 0)
                .into_owned();
            assert!(key.starts_with(&header.parameters), "{width}x{height}");
        }
    }

    #[test]
    fn an_encoder_that_was_used_encodes_the_same() {
        let size = FrameSize { width: 320, height: 64 };
        let used = StillEncoder::new(14);
        for seed in 0..40 {
            let (image, fresh) = (image(size, seed * 31), StillEncoder::new(14));
            let [used, fresh] = [&used, &fresh].map(|encoder| {
                let header = SliceHeader::new(encoder, size, Motion::None).unwrap().unwrap();
                let rows = header.encode_rows(encoder, &image).unwrap().unwrap();
                header.still([(0, &rows)]).frame(Place::default(), 0).into_owned()
            });
            assert!(used == fresh, "{seed}");
        }
    }

    #[test]
    fn a_key_frame_of_slices_shows_the_whole_image() {
        for (width, height, cuts) in [
            (1920, 1080, vec![0, 704, 960, 1080]),
            (1080, 1920, vec![0, 64, 1920]),
            (66, 130, vec![0, 64, 130]),
            (64, 64, vec![0, 64]),
        ] {
            let (size, encoder) = (FrameSize { width, height }, StillEncoder::new(20));
            let header = SliceHeader::new(&encoder, size, Motion::None)
                .unwrap()
                .expect("supported parameters");
            let mut decoder = Decoder::new().unwrap();
            for seed in [1, 99] {
                let image = image(size, seed);
                let rows: Vec<EncodedRows> = cuts
                    .windows(2)
                    .map(|cut| {
                        let rows = image.rows(cut[0]..cut[1]);
                        header.encode_rows(&encoder, &rows).unwrap().expect("a slice")
                    })
                    .collect();
                let still = header.still(cuts.iter().copied().zip(&rows));
                for index in 0..3 {
                    let frame = still.frame(Place::default(), index);
                    let decoded = decoder.decode(&frame).unwrap().expect("a picture");
                    let stride = decoded.strides().0;
                    let mut worst = 0;
                    for (y, line) in image.y.chunks_exact(image.width()).enumerate() {
                        let shown = &decoded.y()[y * stride..];
                        let errors = line.iter().zip(shown).map(|(a, b)| a.abs_diff(*b));
                        worst = errors.max().unwrap_or(0).max(worst);
                    }
                    assert!(worst < 40, "{width}x{height}, frame {index}: {worst}");
                }
            }
        }
    }

    #[test]
    fn changed_macroblocks_leave_the_others_as_they_were() {
        for (width, height) in [(1920, 1080), (1080, 1920), (66, 130)] {
            let (size, encoder) = (FrameSize { width, height }, StillEncoder::new(20));
            let header = SliceHeader::new(&encoder, size, Motion::None)
                .unwrap()
                .expect("supported parameters");
            let encode = |canvas: &Canvas| header.encode_rows(&encoder, canvas).unwrap().unwrap();
            let mut image = image(size, 1);
            let whole = encode(&image);
            let mut stills = vec![header.still([(0, &whole)])];
            let last = height as usize;
            for (step, rows) in [32..64, 32..64, 0..32, 96..last, 48..96].into_iter().enumerate() {
                let (column, width) = (8 * (step + 1), image.width());
                for row in rows.clone() {
                    image.y[row * width + column..][..16].fill(230);
                }
                // Over the edges of the frame, which need not be a whole number of macroblocks.
                let columns = 0..48 + 16 * (step % 3);
                let parts = rows
                    .step_by(16)
                    .map(|row| (0, row, encode(&image.area(columns.clone(), row..row + 16))));
                stills.push(header.changed(parts));
            }
            stills.push(header.changed([]));
            let mut decoder = Decoder::new().unwrap();
            // Two frames of each.
            let mut frames = stills.iter().zip((0..).step_by(2)).flat_map(|(still, at)| {
                let before = Place::default().after(at);
                [0, 1].map(|index| still.frame(before, index).into_owned())
            });
            let key = frames.next().unwrap();
            decoder.decode(&key).unwrap().expect("a picture");
            let mut shown = Vec::new();
            for frame in frames {
                let decoded = decoder.decode(&frame).unwrap().expect("a picture for each frame");
                let stride = decoded.strides().0;
                let lines = decoded.y().chunks_exact(stride).take(last);
                shown = lines.map(|line| line[..width as usize].to_vec()).collect();
            }
            let lines = image.y.chunks_exact(image.width()).zip(&shown);
            let errors =
                lines.flat_map(|(line, shown)| line.iter().zip(shown).map(|(a, b)| a.abs_diff(*b)));
            assert!(errors.max().unwrap() < 40, "{width}x{height}");
        }
    }
}
