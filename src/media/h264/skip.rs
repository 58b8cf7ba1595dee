//! P-skip pictures, which repeat the picture before them: the parameter sets of a key frame are
//! read, and a picture that refers to them is written (ITU-T H.264, 7.2, 7.3 and 9.1). Parameters
//! that the written header does not support yield no [`SkipHeader`].

use std::ops::Range;

use super::{FRAME_RATE, Motion, Place};
use crate::media::FrameSize;

pub(crate) const SEQUENCE_PARAMETERS: u8 = 7;
pub(crate) const PICTURE_PARAMETERS: u8 = 8;
/// Constrained Baseline, Main and Extended. Later profiles have more fields in the set.
const PLAIN_PROFILES: [u32; 3] = [66, 77, 88];
/// `nal_ref_idc` 3, a slice of a picture that is not a key frame; and one to which none refers.
pub(crate) const SLICE: u8 = 0x61;
pub(crate) const PASSING_SLICE: u8 = 0x01;
/// `slice_type`: all slices of the picture are P slices; and a P, B or I slice beside others.
const ALL_P: u32 = 5;
pub(crate) const P: u32 = 0;
pub(crate) const B: u32 = 1;
const I: u32 = 2;

/// The fields of a P-skip picture that depend on the parameter sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SkipHeader {
    frame_num_bits: u32,
    /// Those of the field for the output order; none if it equals the decoding order.
    order_bits: u32,
    macroblocks: u32,
    pub(crate) picture_parameters: u32,
    pub(crate) deblocking_control: bool,
}

impl SkipHeader {
    /// Reads the parameter sets before a key frame. Returns `None` when they are not supported.
    pub(crate) fn read(key_frame: &[u8]) -> Option<Self> {
        let find =
            |kind: u8| nal_units(key_frame).find(|nal| nal.first().is_some_and(|h| h & 31 == kind));
        let sequence = payload(find(SEQUENCE_PARAMETERS)?);
        let picture = payload(find(PICTURE_PARAMETERS)?);
        let (sequence_id, frame_num_bits, order_bits, macroblocks) = read_sequence(&sequence)?;
        let (picture_parameters, of_sequence, deblocking_control) = read_picture(&picture)?;
        (of_sequence == sequence_id).then_some(Self {
            frame_num_bits,
            order_bits,
            macroblocks,
            picture_parameters,
            deblocking_control,
        })
    }

    /// Whether pictures with these and those parameters differ in their size and their order only.
    pub(crate) fn has_like_slices(&self, other: &Self) -> bool {
        let Self { order_bits, macroblocks, .. } = *other;
        Self { order_bits, macroblocks, ..*self } == *other
    }

    /// Returns the position of the first bit behind `idr_pic_id` in the payload of the slice of a key
    /// frame, and the value of `slice_type`.
    pub(crate) fn read_key_slice(&self, payload: &[u8]) -> Option<(u32, usize)> {
        let mut bits = BitReader::new(payload);
        let (first, kind, parameters) = (bits.ue()?, bits.ue()?, bits.ue()?);
        let number = bits.bits(self.frame_num_bits)?;
        bits.ue()?; // idr_pic_id
        let is_known = first == 0 && parameters == self.picture_parameters && number == 0;
        is_known.then_some((kind, bits.at))
    }

    /// Writes the start of a slice of a key frame, up to the fields that describe the references to it.
    pub(crate) fn write_key_slice(&self, first_macroblock: u32, kind: u32) -> BitWriter {
        let mut slice = BitWriter::default();
        slice.ue(first_macroblock);
        slice.ue(kind);
        slice.ue(self.picture_parameters);
        slice.bits(0, self.frame_num_bits); // frame_num
        slice.ue(0); // idr_pic_id
        slice.bits(0, self.order_bits); // pic_order_cnt_lsb
        slice
    }

    /// Writes the start of a slice of another picture, up to its place.
    pub(crate) fn write_slice(&self, first_macroblock: u32, kind: u32, place: Place) -> BitWriter {
        let mut slice = BitWriter::default();
        slice.ue(first_macroblock); // first_mb_in_slice
        slice.ue(kind); // slice_type
        slice.ue(self.picture_parameters); // pic_parameter_set_id
        slice.bits(place.number % (1 << self.frame_num_bits), self.frame_num_bits); // frame_num
        // pic_order_cnt_lsb: each of the two fields of a frame counts.
        slice.bits(2 * place.shown % (1 << self.order_bits), self.order_bits);
        slice
    }

    /// Writes the start of a slice that is encoded like those of a key frame, but is in another
    /// picture, up to the fields that describe the references to it.
    pub(crate) fn write_intra_slice(&self, first_macroblock: u32, place: Place) -> BitWriter {
        self.write_slice(first_macroblock, I, place)
    }

    /// Returns a picture that repeats the one before it, as an Annex B unit.
    pub(crate) fn skipped_picture(&self, place: Place) -> Vec<u8> {
        self.skipped(ALL_P, 0..self.macroblocks, place)
    }

    /// Returns a slice of that picture, beside slices of another type; nothing if it is empty.
    pub(crate) fn skipped_slice(&self, macroblocks: Range<u32>, place: Place) -> Vec<u8> {
        if macroblocks.is_empty() { Vec::new() } else { self.skipped(P, macroblocks, place) }
    }

    fn skipped(&self, kind: u32, macroblocks: Range<u32>, place: Place) -> Vec<u8> {
        let mut slice = self.write_slice(macroblocks.start, kind, place);
        slice.bits(0, 1); // num_ref_idx_active_override_flag
        slice.bits(0, 1); // ref_pic_list_modification_flag_l0
        slice.bits(0, 1); // adaptive_ref_pic_marking_mode_flag
        slice.ue(0); // slice_qp_delta: se(0) is written like ue(0)
        if self.deblocking_control {
            slice.ue(1); // disable_deblocking_filter_idc: a skipped picture has no edges to smooth
        }
        slice.ue(macroblocks.end - macroblocks.start); // mb_skip_run
        slice.into_nal(SLICE)
    }

    /// The number of macroblocks of a picture.
    pub(crate) const fn macroblocks(&self) -> u32 {
        self.macroblocks
    }
}

/// The highest number of macroblocks in a frame, and in a second, of a level (Table A-1), and the
/// level times ten.
const LEVELS: [(u32, u32, u32); 4] =
    [(8192, 245_760, 40), (8704, 522_240, 42), (22_080, 589_824, 50), (36_864, 983_040, 51)];

/// Returns the sequence parameters of frames of another size, of which as many are kept as their motion
/// refers to, as an Annex B unit, if they are supported.
pub(crate) fn resized(sequence: &[u8], size: FrameSize, motion: Motion) -> Option<Vec<u8>> {
    /// `profile_idc` of the Main profile, which has B slices, and its flag.
    const MAIN: u32 = 77 << 8 | 0x40;
    /// The bits of the field for the output order.
    const ORDER_BITS: u32 = 16;
    let payload = payload(sequence);
    let (.., order_bits, _) = read_sequence(&payload)?;
    if order_bits != 0 {
        return None;
    }
    let (is_fade, references) = (motion == Motion::Fade, motion.references());
    let mut bits = BitReader::new(&payload);
    let mut out = BitWriter::default();
    let (columns, rows) = (size.width.div_ceil(16), size.height.div_ceil(16));
    let count = columns * rows;
    let fits =
        |(frame, second, _): &&(u32, u32, u32)| count <= *frame && count * FRAME_RATE <= *second;
    let (_, _, level) = LEVELS.iter().find(fits)?;
    let profile = bits.bits(16)?;
    out.bits(if is_fade { MAIN } else { profile }, 16); // profile_idc, constraint flags
    out.bits(bits.bits(8)?.max(*level), 8); // level_idc
    for _ in 0..2 {
        out.ue(bits.ue()?); // id, bits of frame_num
    }
    let order = bits.ue()?;
    if is_fade {
        out.ue(0); // pic_order_cnt_type: it is in the slices
        out.ue(ORDER_BITS - 4); // log2_max_pic_order_cnt_lsb_minus4
    } else {
        out.ue(order);
    }
    out.ue(bits.ue()?.max(references)); // max_num_ref_frames
    out.bits(bits.bits(1)?, 1); // gaps_in_frame_num_value_allowed_flag
    bits.ue()?;
    bits.ue()?;
    out.ue(columns - 1); // pic_width_in_mbs_minus1
    out.ue(rows - 1); // pic_height_in_map_units_minus1
    out.bits(bits.bits(2)?, 2); // frame_mbs_only_flag, direct_8x8_inference_flag
    if bits.bit()? {
        for _ in 0..4 {
            bits.ue()?;
        }
    }
    // frame_cropping_flag and the pairs of columns and rows that are cropped at each side.
    let cropped = [0, (columns * 16 - size.width) / 2, 0, (rows * 16 - size.height) / 2];
    let is_cropped = cropped != [0; 4];
    out.bits(u32::from(is_cropped), 1);
    if is_cropped {
        cropped.into_iter().for_each(|pairs| out.ue(pairs));
    }
    let has_usability = bits.bits(1)?;
    out.bits(has_usability, 1); // vui_parameters_present_flag
    if has_usability == 1 {
        copy_usability(&mut bits, &mut out, motion)?;
    }
    copy_rest(&payload, &mut bits, &mut out)?;
    Some(out.into_nal(*sequence.first()?))
}

/// Copies the usability information of sequence parameters (E.1.1), in which decoders find how many
/// frames they keep: no fewer than later ones refer to. `None` if it is not supported.
fn copy_usability(bits: &mut BitReader<'_>, out: &mut BitWriter, motion: Motion) -> Option<()> {
    /// `aspect_ratio_idc` of one that is given by its sides.
    const EXTENDED: u32 = 255;
    let mut copy = |count: u32| {
        let value = bits.bits(count)?;
        out.bits(value, count);
        Some(value)
    };
    // aspect_ratio_info_present_flag
    if copy(1)? == 1 && copy(8)? == EXTENDED {
        copy(32)?; // sar_width, sar_height
    }
    // overscan_info_present_flag
    if copy(1)? == 1 {
        copy(1)?; // overscan_appropriate_flag
    }
    // video_signal_type_present_flag, and that of colors behind the format and the range
    if copy(1)? == 1 && copy(5)? & 1 == 1 {
        copy(24)?; // colour_primaries, transfer_characteristics, matrix_coefficients
    }
    // The position of chroma, the time of frames, and two buffers are given.
    if copy(4)? != 0 {
        return None;
    }
    copy(1)?; // pic_struct_present_flag
    // bitstream_restriction_flag
    if copy(1)? == 1 {
        copy(1)?; // motion_vectors_over_pic_boundaries_flag
        for _ in 0..4 {
            out.ue(bits.ue()?); // sizes of pictures, macroblocks and vectors
        }
        // The image that fades in precedes the frames of the fade, which are shown first.
        let reordered = u32::from(motion == Motion::Fade);
        out.ue(bits.ue()?.max(reordered)); // max_num_reorder_frames
        out.ue(bits.ue()?.max(motion.references() + reordered)); // max_dec_frame_buffering
    }
    Some(())
}

/// Returns picture parameters with which the weights of two mixed pictures are in the slices, as an
/// Annex B unit.
pub(crate) fn mixing(picture: &[u8]) -> Option<Vec<u8>> {
    let payload = payload(picture);
    read_picture(&payload)?;
    let mut bits = BitReader::new(&payload);
    let mut out = BitWriter::default();
    out.ue(bits.ue()?);
    out.ue(bits.ue()?);
    out.bits(bits.bits(2)?, 2);
    for _ in 0..3 {
        out.ue(bits.ue()?); // slice groups, references
    }
    out.bits(bits.bits(1)?, 1); // weighted_pred_flag
    bits.bits(2)?;
    out.bits(1, 2); // weighted_bipred_idc: explicit
    copy_rest(&payload, &mut bits, &mut out)?;
    Some(out.into_nal(*picture.first()?))
}

/// Copies what is left of a payload, up to the last bit that is set, which ends it.
fn copy_rest(payload: &[u8], bits: &mut BitReader<'_>, out: &mut BitWriter) -> Option<()> {
    let end = 8 * payload.len() - payload.last()?.trailing_zeros() as usize - 1;
    while bits.at < end {
        out.bits(bits.bits(1)?, 1);
    }
    Some(())
}

/// Returns `seq_parameter_set_id`, the bits of `frame_num` and of the output order, and the number of
/// macroblocks.
fn read_sequence(payload: &[u8]) -> Option<(u32, u32, u32, u32)> {
    let mut bits = BitReader::new(payload);
    let profile = bits.bits(8)?;
    bits.bits(16)?; // constraint flags, level_idc
    let id = bits.ue()?;
    let frame_num_bits = bits.ue()? + 4; // log2_max_frame_num_minus4
    let order = bits.ue()?; // pic_order_cnt_type
    let order_bits = match order {
        0 => bits.ue()? + 4, // log2_max_pic_order_cnt_lsb_minus4
        // Output order equals decoding order, so the slice header has no field for it.
        2 => 0,
        _ => return None,
    };
    if !PLAIN_PROFILES.contains(&profile) || frame_num_bits > 16 || order_bits > 16 {
        return None;
    }
    bits.ue()?; // max_num_ref_frames
    bits.bit()?; // gaps_in_frame_num_value_allowed_flag
    let (columns, rows) = (bits.ue()? + 1, bits.ue()? + 1);
    let frames_only = bits.bit()?; // frame_mbs_only_flag
    frames_only.then_some((id, frame_num_bits, order_bits, columns * rows))
}

/// Returns `pic_parameter_set_id`, its `seq_parameter_set_id`, and
/// `deblocking_filter_control_present_flag`.
fn read_picture(payload: &[u8]) -> Option<(u32, u32, bool)> {
    let mut bits = BitReader::new(payload);
    let (id, sequence) = (bits.ue()?, bits.ue()?);
    let arithmetic_coding = bits.bit()?; // entropy_coding_mode_flag
    let order_in_slice = bits.bit()?; // bottom_field_pic_order_in_frame_present_flag
    let slice_groups = bits.ue()?; // num_slice_groups_minus1
    if arithmetic_coding || order_in_slice || slice_groups != 0 {
        return None;
    }
    let references = bits.ue()?; // num_ref_idx_l0_default_active_minus1
    bits.ue()?; // num_ref_idx_l1_default_active_minus1
    let weighted = bits.bit()?; // weighted_pred_flag
    bits.bits(2)?; // weighted_bipred_idc
    bits.se()?; // pic_init_qp_minus26
    bits.se()?; // pic_init_qs_minus26
    bits.se()?; // chroma_qp_index_offset
    let deblocking_control = bits.bit()?;
    bits.bit()?; // constrained_intra_pred_flag
    let redundant = bits.bit()?; // redundant_pic_cnt_present_flag
    // A skipped macroblock is a copy of the first reference, which weights would change.
    (references == 0 && !weighted && !redundant).then_some((id, sequence, deblocking_control))
}

/// Reads bits from the payload of a NAL unit without emulation prevention.
struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// Reads `u(n)`.
    fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    /// Reads `ue(v)`.
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// Reads `se(v)`.
    fn se(&mut self) -> Option<i32> {
        let code = self.ue()?;
        let magnitude = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 1 { magnitude } else { -magnitude })
    }
}

/// Writes bits to the payload of a NAL unit.
#[derive(Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    free: u32,
}

impl BitWriter {
    pub(crate) fn bits(&mut self, value: u32, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let now = left.min(self.free);
            left -= now;
            self.free -= now;
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> left & ((1 << now) - 1)) as u8) << self.free;
            }
        }
    }

    pub(crate) fn ue(&mut self, value: u32) {
        let length = (value + 1).ilog2();
        self.bits(0, length);
        self.bits(value + 1, length + 1);
    }

    /// Appends the bits of a whole payload from a position on, and returns the NAL unit.
    pub(crate) fn append(mut self, payload: &[u8], position: usize, header: u8) -> Vec<u8> {
        self.bytes.reserve(payload.len());
        let (byte, bit) = (position / 8, position % 8);
        for at in byte..payload.len() {
            let next = payload.get(at + 1).copied().unwrap_or(0);
            // Eight bits, from within one byte to within the next.
            let value = (u16::from_be_bytes([payload[at], next]) << bit).to_be_bytes()[0];
            match self.bytes.last_mut() {
                Some(last) if self.free > 0 => {
                    *last |= value >> (8 - self.free);
                    self.bytes.push(value << self.free);
                }
                _ => self.bytes.push(value),
            }
        }
        // A payload ends with the byte of its last bit that is set.
        let end = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        nal_unit(header, &self.bytes[..end])
    }

    /// Completes the payload and returns its NAL unit.
    pub(crate) fn into_nal(mut self, header: u8) -> Vec<u8> {
        self.bits(1, 1);
        nal_unit(header, &self.bytes)
    }
}

/// Returns the NAL unit of a payload, with start code, header and emulation prevention.
pub(crate) fn nal_unit(header: u8, payload: &[u8]) -> Vec<u8> {
    let mut nal = Vec::with_capacity(payload.len() + 64);
    nal.extend([0, 0, 0, 1, header]);
    let mut zeros = 0;
    for &byte in payload {
        if zeros >= 2 && byte <= 3 {
            nal.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        nal.push(byte);
    }
    nal
}

/// Returns the NAL units of an Annex B stream, without start codes.
pub(crate) fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts: Vec<usize> =
        (3..=stream.len()).filter(|&at| stream[at - 3..at] == [0, 0, 1]).collect();
    let ends: Vec<usize> =
        starts.iter().skip(1).map(|&next| next - 3).chain([stream.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| {
        let nal = &stream[start..end];
        // The first byte of a four-byte start code that follows.
        nal.strip_suffix(&[0]).unwrap_or(nal)
    })
}

/// Returns the payload of a NAL unit, without its header and emulation prevention.
pub(crate) fn payload(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal.iter().skip(1) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns parameter sets with the given fields, and the others as the encoder sets them.
    fn parameter_sets(profile: u32, order: u32, arithmetic_coding: u32, weighted: u32) -> Vec<u8> {
        let mut sequence = BitWriter::default();
        sequence.bits(profile, 8);
        sequence.bits(0xC0_28, 16);
        for value in [0, 11, order, 1] {
            sequence.ue(value);
        }
        sequence.bits(0, 1);
        sequence.ue(119);
        sequence.ue(67);
        sequence.bits(1, 1);
        let mut picture = BitWriter::default();
        picture.ue(0);
        picture.ue(0);
        picture.bits(arithmetic_coding, 1);
        picture.bits(0, 1);
        for value in [0, 0, 0] {
            picture.ue(value);
        }
        picture.bits(weighted, 1);
        picture.bits(0, 2);
        for value in [0, 0, 0] {
            picture.ue(value);
        }
        picture.bits(0b100, 3);
        [sequence.into_nal(0x67), picture.into_nal(0x68)].concat()
    }

    #[test]
    fn supported_parameters_are_read_and_others_rejected() {
        let known = SkipHeader::read(&parameter_sets(66, 2, 0, 0));
        let expected = SkipHeader {
            frame_num_bits: 15,
            order_bits: 0,
            macroblocks: 8160,
            picture_parameters: 0,
            deblocking_control: true,
        };
        assert_eq!(known, Some(expected));
        for (what, sets) in [
            ("a later profile", parameter_sets(100, 2, 0, 0)),
            ("another order", parameter_sets(66, 1, 0, 0)),
            ("arithmetic coding", parameter_sets(77, 2, 1, 0)),
            ("weights", parameter_sets(77, 2, 0, 1)),
            ("nothing", Vec::new()),
        ] {
            assert_eq!(SkipHeader::read(&sets), None, "{what}");
        }
        let sets = parameter_sets(66, 2, 0, 0);
        for cut in 0..sets.len() - 1 {
            let _ = SkipHeader::read(&sets[..cut]);
        }
    }

    /// Returns the sequence parameters that the encoder sets for 1920×1080, with a number of
    /// references, and with an `aspect_ratio_idc`.
    fn sequence_of(references: u32, aspect: Option<u32>) -> Vec<u8> {
        let mut sequence = BitWriter::default();
        sequence.bits(66, 8);
        sequence.bits(0xC0_28, 16);
        for value in [0, 11, 2, references] {
            sequence.ue(value);
        }
        sequence.bits(0, 1);
        sequence.ue(119);
        sequence.ue(67);
        sequence.bits(0b111, 3);
        for cropped in [0, 0, 0, 4] {
            sequence.ue(cropped);
        }
        sequence.bits(1, 1);
        sequence.bits(u32::from(aspect.is_some()), 1);
        if let Some(aspect) = aspect {
            sequence.bits(aspect, 8);
            if aspect == 255 {
                sequence.bits(0x0040_0021, 32);
            }
        }
        sequence.bits(0, 1);
        sequence.bits(0b11_0101, 6);
        sequence.bits(0x01_01_01, 24);
        sequence.bits(0b000_0011, 7);
        for value in [0, 0, 16, 16, 0, references] {
            sequence.ue(value);
        }
        sequence.into_nal(0x67)
    }

    #[test]
    fn decoders_keep_as_many_frames_as_are_referred_to() {
        for aspect in [None, Some(1), Some(255)] {
            for (motion, references) in [(Motion::None, 1), (Motion::Zoom, 2)] {
                let sequence = sequence_of(1, aspect);
                let found = resized(&sequence[4..], FrameSize::LANDSCAPE, motion);
                assert_eq!(found, Some(sequence_of(references, aspect)), "{references} {aspect:?}");
            }
        }
    }

    #[test]
    fn written_bits_are_read_back() {
        let mut writer = BitWriter::default();
        let values = [0, 1, 2, 7, 8, 255, 8159, 0, 0, 0];
        for value in values {
            writer.ue(value);
            writer.bits(0, 15);
        }
        let nal = writer.into_nal(0x61);
        let unit = nal_units(&nal).next().unwrap();
        assert_eq!(unit[0], 0x61);
        let payload = payload(unit);
        let mut reader = BitReader::new(&payload);
        for value in values {
            assert_eq!(reader.ue(), Some(value));
            assert_eq!(reader.bits(15), Some(0));
        }
        assert_eq!(reader.bit(), Some(true), "the stop bit");
    }

    #[test]
    fn a_start_code_never_appears_inside_a_unit() {
        let mut writer = BitWriter::default();
        writer.bits(0, 32);
        writer.bits(1, 32);
        writer.bits(0, 32);
        let nal = writer.into_nal(0x61);
        assert!(nal[4..].windows(3).all(|w| !(w[0] == 0 && w[1] == 0 && w[2] <= 2)));
        assert_eq!(payload(&nal[4..])[..12], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    }
}
