//! Pictures of a slow zoom that are not encoded: each macroblock is copied from the last key frame,
//! displaced by a motion vector in quarters of a pixel (ITU-T H.264, 8.4). The key frame is a
//! long-term reference, so that every picture is made from it and none from another copy: nothing
//! gets blurred. A picture of a few kilobytes is written in a tenth of a millisecond. Parts that do
//! not move with the image, such as those with text, are encoded, or repeated from the picture before.

use std::ops::Range;

use super::skip::{BitWriter, P, SLICE, SkipHeader};
use super::slices::KEY_FIELDS;
use super::{EncodedRows, MACROBLOCK, SliceHeader};

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
}

impl Fixed {
    const fn macroblocks(&self) -> u32 {
        match self {
            Self::Encoded(rows) => rows.macroblocks,
            Self::Repeated(count) => *count,
        }
    }
}

/// A picture after a key frame that shows the same image.
#[derive(Debug)]
pub(crate) struct MovingPicture {
    pub(crate) glide: Glide,
    /// The parts that do not move with it, in order: the column and the row of pixels at which each
    /// begins.
    pub(crate) fixed: Vec<(usize, usize, Fixed)>,
}

impl SliceHeader {
    /// Returns a key frame for moving pictures, of parts with the number of the row at which each
    /// begins.
    pub(crate) fn moving_key<'r>(
        &self,
        parts: impl IntoIterator<Item = (usize, &'r EncodedRows)>,
    ) -> Vec<u8> {
        let columns = self.size.width.div_ceil(MACROBLOCK);
        let mut key = self.parameters.clone();
        for (row, part) in parts {
            let first = row as u32 / MACROBLOCK * columns;
            let mut slice = self.skip.write_key_slice(first, part.kind);
            slice.bits(0, 1); // no_output_of_prior_pics_flag
            slice.bits(1, 1); // long_term_reference_flag
            key.extend(slice.append(&part.payload, part.position + KEY_FIELDS, part.header));
        }
        key
    }

    /// Returns a picture, the `index`th after its key frame, as an Annex B access unit.
    pub(crate) fn moving(&self, picture: &MovingPicture, index: u32) -> Vec<u8> {
        let columns = self.size.width.div_ceil(MACROBLOCK);
        let [across, down] = picture.glide.vectors(columns, self.size.height.div_ceil(MACROBLOCK));
        let (mut out, mut at) = (Vec::new(), 0);
        for (column, row, fixed) in &picture.fixed {
            let first = *row as u32 / MACROBLOCK * columns + *column as u32 / MACROBLOCK;
            out.extend(self.skip.moved_slice(at..first, index, &across, &down));
            at = first + fixed.macroblocks();
            match fixed {
                Fixed::Encoded(rows) => {
                    let slice = self.skip.write_intra_slice(first, index);
                    out.extend(slice.append(&rows.payload, rows.position + KEY_FIELDS, SLICE));
                }
                Fixed::Repeated(_) => out.extend(self.skip.skipped_slice(first..at, index)),
            }
        }
        out.extend(self.skip.moved_slice(at..self.skip.macroblocks(), index, &across, &down));
        out
    }
}

impl SkipHeader {
    /// Returns a slice whose macroblocks are copied from the key frame; nothing if it is empty.
    fn moved_slice(&self, range: Range<u32>, index: u32, across: &[i32], down: &[i32]) -> Vec<u8> {
        if range.is_empty() {
            return Vec::new();
        }
        let columns = across.len() as u32;
        let mut slice = BitWriter::default();
        slice.ue(range.start); // first_mb_in_slice
        slice.ue(P); // slice_type
        slice.ue(self.picture_parameters); // pic_parameter_set_id
        slice.bits(index % (1 << self.frame_num_bits), self.frame_num_bits); // frame_num
        slice.bits(0, 1); // num_ref_idx_active_override_flag
        slice.bits(1, 1); // ref_pic_list_modification_flag_l0
        slice.ue(2); // modification_of_pic_nums_idc: a long-term reference,
        slice.ue(0); // long_term_pic_num: the key frame,
        slice.ue(3); // modification_of_pic_nums_idc: and no other
        slice.bits(0, 1); // adaptive_ref_pic_marking_mode_flag
        slice.ue(0); // slice_qp_delta: se(0) is written like ue(0)
        if self.deblocking_control {
            slice.ue(1); // disable_deblocking_filter_idc: it would blur edges of the image
        }
        let mut skipped = 0;
        for at in range.clone() {
            let (column, row) = (at % columns, at / columns);
            let moved = |column: u32, row: u32| (across[column as usize], down[row as usize]);
            // Returns the vector of a neighbor, which must be in the slice.
            let near = |left: i32, up: u32| {
                let near_column = column.checked_add_signed(left).filter(|near| *near < columns)?;
                let address = row.checked_sub(up)? * columns + near_column;
                range.contains(&address).then(|| moved(near_column, row - up))
            };
            let vector = moved(column, row);
            let (left, above) = (near(-1, 0), near(0, 1));
            let predicted = predicted(left, above, near(1, 1).or_else(|| near(-1, 1)));
            let still = |near: Option<Vector>| near.is_none_or(|near| near == (0, 0));
            let skipped_vector = if still(left) || still(above) { (0, 0) } else { predicted };
            if vector == skipped_vector {
                skipped += 1;
                continue;
            }
            slice.ue(skipped); // mb_skip_run
            skipped = 0;
            slice.ue(0); // mb_type: P_L0_16x16
            slice.se(vector.0 - predicted.0); // mvd_l0
            slice.se(vector.1 - predicted.1);
            slice.ue(0); // coded_block_pattern: nothing but the copy
        }
        if skipped > 0 {
            slice.ue(skipped);
        }
        slice.into_nal(SLICE)
    }
}

impl BitWriter {
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
