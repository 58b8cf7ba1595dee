//! Pictures of a slow zoom or a cross-fade that are not encoded: each macroblock is copied from the last
//! key frame, displaced by a motion vector in quarters of a pixel (ITU-T H.264, 8.4), or mixed from two
//! pictures with weights (8.4.2.3). The key frame is a long-term reference, so that every picture is
//! made from it and none from another copy: nothing gets blurred. A picture of a few kilobytes is
//! written in a tenth of a millisecond. Parts that do not move with the image, such as those with text,
//! are encoded, or repeated from the picture before.
//!
//! The image that fades in precedes the frames of its fade in the file, and is shown after them. They
//! are mixed from it and from the last picture before, and no picture refers to them.

use std::ops::Range;

use super::skip::{B, BitWriter, P, PASSING_SLICE, SLICE, SkipHeader};
use super::slices::KEY_FIELDS;
use super::{EncodedRows, MACROBLOCK, Place, SliceHeader};

/// How an image has moved since the last key frame: it is larger, and one point of it is where it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Glide {
    /// The point that does not move, in pixels of the frame.
    pub(crate) fixed: (f32, f32),
    /// The scale of the key frame as a part of that of the picture: at most 1.
    pub(crate) scale: f32,
}

/// A motion vector in quarters of a pixel.
type Vector = (i32, i32);

impl Glide {
    /// It is where it was.
    pub(crate) const NONE: Self = Self { fixed: (0.0, 0.0), scale: 1.0 };

    /// Returns the displacement of each column and each row of macroblocks.
    fn vectors(&self, columns: u32, rows: u32) -> [Vec<i32>; 2] {
        let part = |fixed: f32, count: u32| {
            let middle = (0..count).map(|at| (at * MACROBLOCK + MACROBLOCK / 2) as f32);
            middle
                .map(|middle| ((fixed - middle) * (1.0 - self.scale) * 4.0).round() as i32)
                .collect()
        };
        [part(self.fixed.0, columns), part(self.fixed.1, rows)]
    }
}

/// A part of a picture that does not move with the image.
#[derive(Debug)]
pub(crate) enum Fixed {
    /// Macroblocks that are encoded.
    Encoded(EncodedRows),
    /// A number of macroblocks of the picture before.
    Repeated(u32),
    /// The same of the key frame, where they are in it.
    OfKey(u32),
}

impl Fixed {
    const fn macroblocks(&self) -> u32 {
        match self {
            Self::Encoded(rows) => rows.macroblocks,
            Self::Repeated(count) | Self::OfKey(count) => *count,
        }
    }
}

/// What a picture shows where nothing is fixed.
#[derive(Debug)]
pub(crate) enum Base {
    /// The picture before.
    Before,
    /// The key frame.
    Key(Glide),
    /// A frame of a fade: the last picture before it and the key frame, which is shown after it, with
    /// the share of the latter.
    Mixed(Glide, Glide, f32),
}

/// A picture after a key frame.
#[derive(Debug)]
pub(crate) struct MovingPicture<'f> {
    pub(crate) base: Base,
    /// The parts that do not move with it, in order: the column and the row of pixels at which each
    /// begins.
    pub(crate) fixed: &'f [(usize, usize, Fixed)],
}

/// What the macroblocks of a slice are copied from: the displacements of one or two pictures, and the
/// share of the second.
struct Sources {
    vectors: Vec<[Vec<i32>; 2]>,
    share: f32,
}

impl SliceHeader {
    /// Returns the picture that fades in, which replaces the key frame, of parts with the number of the
    /// row at which each begins.
    pub(crate) fn faded_key<'r>(
        &self,
        parts: impl IntoIterator<Item = (usize, &'r EncodedRows)>,
        place: Place,
    ) -> Vec<u8> {
        let mut key = Vec::new();
        for (row, part) in parts {
            let mut slice = self.skip.write_intra_slice(self.macroblock(0, row), place);
            slice.bits(1, 1); // adaptive_ref_pic_marking_mode_flag
            slice.ue(6); // memory_management_control_operation: a long-term reference
            slice.ue(0); // long_term_frame_idx: that of the key frame
            slice.ue(0); // memory_management_control_operation: and no other
            key.extend(slice.append(&part.payload, part.position + KEY_FIELDS, SLICE));
        }
        key
    }

    /// Returns a picture as an Annex B access unit.
    pub(crate) fn moving(&self, picture: &MovingPicture<'_>, place: Place) -> Vec<u8> {
        let sources = |glides: &[&Glide], share: f32| {
            let columns = self.size.width.div_ceil(MACROBLOCK);
            let rows = self.size.height.div_ceil(MACROBLOCK);
            let vectors = glides.iter().map(|glide| glide.vectors(columns, rows)).collect();
            Sources { vectors, share }
        };
        let (base, header) = match &picture.base {
            Base::Before => (None, SLICE),
            Base::Key(glide) => (Some(sources(&[glide], 0.0)), SLICE),
            Base::Mixed(before, key, share) => {
                (Some(sources(&[before, key], *share)), PASSING_SLICE)
            }
        };
        let shown = |range: Range<u32>| match &base {
            Some(sources) => self.skip.moved_slice(range, place, sources),
            None => self.skip.skipped_slice(range, place),
        };
        let (mut out, mut at) = (Vec::new(), 0);
        for (column, row, fixed) in picture.fixed {
            let first = self.macroblock(*column, *row);
            out.extend(shown(at..first));
            at = first + fixed.macroblocks();
            match fixed {
                Fixed::Encoded(rows) => {
                    let mut slice = self.skip.write_intra_slice(first, place);
                    if header == SLICE {
                        slice.bits(0, 1); // adaptive_ref_pic_marking_mode_flag
                    }
                    out.extend(slice.append(&rows.payload, rows.position + KEY_FIELDS, header));
                }
                Fixed::Repeated(_) => out.extend(self.skip.skipped_slice(first..at, place)),
                Fixed::OfKey(_) => {
                    let still = sources(&[&Glide::NONE], 0.0);
                    out.extend(self.skip.moved_slice(first..at, place, &still));
                }
            }
        }
        out.extend(shown(at..self.skip.macroblocks()));
        out
    }
}

impl SkipHeader {
    /// Returns a slice whose macroblocks are copied from other pictures; nothing if it is empty.
    fn moved_slice(&self, range: Range<u32>, place: Place, sources: &Sources) -> Vec<u8> {
        if range.is_empty() {
            return Vec::new();
        }
        let is_mixed = sources.vectors.len() > 1;
        let mut slice = self.write_slice(range.start, if is_mixed { B } else { P }, place);
        if is_mixed {
            slice.bits(1, 1); // direct_spatial_mv_pred_flag
            slice.bits(1, 1); // num_ref_idx_active_override_flag
            slice.ue(0); // num_ref_idx_l0_active_minus1
            slice.ue(0); // num_ref_idx_l1_active_minus1
            slice.bits(0, 1); // ref_pic_list_modification_flag_l0: the last picture before it
        } else {
            slice.bits(0, 1); // num_ref_idx_active_override_flag
        }
        slice.bits(1, 1); // ref_pic_list_modification_flag
        slice.ue(2); // modification_of_pic_nums_idc: a long-term reference,
        slice.ue(0); // long_term_pic_num: the key frame,
        slice.ue(3); // modification_of_pic_nums_idc: and no other
        if is_mixed {
            slice.weights(sources.share);
        } else {
            slice.bits(0, 1); // adaptive_ref_pic_marking_mode_flag
        }
        slice.ue(0); // slice_qp_delta: se(0) is written like ue(0)
        if self.deblocking_control {
            slice.ue(1); // disable_deblocking_filter_idc: it would blur edges of the image
        }
        let columns = sources.vectors[0][0].len() as u32;
        let mut skipped = 0;
        for at in range.clone() {
            let (column, row) = (at % columns, at / columns);
            // Returns the address of a neighbor, which must be in the slice.
            let near = |left: i32, up: u32| {
                let near_column = column.checked_add_signed(left).filter(|near| *near < columns)?;
                let row = row.checked_sub(up)?;
                range.contains(&(row * columns + near_column)).then_some((near_column, row))
            };
            let neighbors = [near(-1, 0), near(0, 1), near(1, 1).or_else(|| near(-1, 1))];
            // The difference of each vector to its prediction.
            let mut differences = [(0, 0); 2];
            let mut is_skipped = true;
            for ([across, down], difference) in sources.vectors.iter().zip(&mut differences) {
                let moved =
                    |(column, row): (u32, u32)| (across[column as usize], down[row as usize]);
                let [left, above, corner] = neighbors.map(|near| near.map(moved));
                let (vector, predicted) = (moved((column, row)), predicted(left, above, corner));
                let still = |near: Option<Vector>| near.is_none_or(|near| near == (0, 0));
                // Of skipped macroblocks, those of P slices have a rule of their own (8.4.1.1, 8.4.1.2.2).
                let skipped =
                    if !is_mixed && (still(left) || still(above)) { (0, 0) } else { predicted };
                is_skipped &= vector == skipped;
                *difference = (vector.0 - predicted.0, vector.1 - predicted.1);
            }
            if is_skipped {
                skipped += 1;
                continue;
            }
            slice.ue(skipped); // mb_skip_run
            skipped = 0;
            slice.ue(if is_mixed { 3 } else { 0 }); // mb_type: B_Bi_16x16 or P_L0_16x16
            for (x, y) in &differences[..sources.vectors.len()] {
                slice.se(*x); // mvd_l0, mvd_l1
                slice.se(*y);
            }
            slice.ue(0); // coded_block_pattern: nothing but the copy
        }
        if skipped > 0 {
            slice.ue(skipped);
        }
        slice.into_nal(if is_mixed { PASSING_SLICE } else { SLICE })
    }
}

impl BitWriter {
    /// Writes `pred_weight_table` for two mixed pictures, with the share of the second.
    fn weights(&mut self, share: f32) {
        /// The binary logarithm of the weight of a picture that is not mixed, and the sum of both.
        const SCALE: u32 = 6;
        const SUM: i32 = 2 << SCALE;
        // A weight of 128 is too large for the field.
        let second = ((share * SUM as f32).round() as i32).clamp(1, SUM - 1);
        self.ue(SCALE); // luma_log2_weight_denom
        self.ue(SCALE); // chroma_log2_weight_denom
        for weight in [SUM - second, second] {
            for planes in [1, 2] {
                self.bits(1, 1); // luma_weight_flag, chroma_weight_flag
                for _ in 0..planes {
                    self.se(weight);
                    self.se(0); // offset
                }
            }
        }
    }

    /// Writes `se(v)`.
    fn se(&mut self, value: i32) {
        self.ue(2 * value.unsigned_abs() - u32::from(value > 0));
    }
}

/// Returns the prediction of a vector from those to the left, above, and above to the right (8.4.1.3).
fn predicted(left: Option<Vector>, above: Option<Vector>, corner: Option<Vector>) -> Vector {
    let median = |a: i32, b: i32, c: i32| a.max(b).min(a.min(b).max(c));
    match (left, above, corner) {
        (Some(only), None, None) | (None, Some(only), None) | (None, None, Some(only)) => only,
        _ => {
            let [a, b, c] = [left, above, corner].map(Option::unwrap_or_default);
            (median(a.0, b.0, c.0), median(a.1, b.1, c.1))
        }
    }
}
