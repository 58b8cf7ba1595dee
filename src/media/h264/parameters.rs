//! What a skipped picture must say, read from the parameter sets that the encoder wrote. Any
//! value that the few fields of its header do not provide for means that none is written.

use super::bits::{BitReader, BitWriter, nal_units, payload};

const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;
/// Constrained Baseline, Main and Extended: later profiles put more fields into the set.
const PLAIN_PROFILES: [u32; 3] = [66, 77, 88];
/// nal_ref_idc 3, a slice of a picture that is not a key frame.
const SLICE: u8 = 0x61;
/// All slices of the picture are P.
const ALL_P: u32 = 5;

/// The header fields of a skipped picture that depend on the parameter sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SkipHeader {
    frame_num_bits: u32,
    macroblocks: u32,
    picture_parameters: u32,
    deblocking_control: bool,
}

impl SkipHeader {
    /// Reads the parameter sets in front of a key frame. `None` when they ask for something that
    /// is not known here.
    pub(super) fn read(key_frame: &[u8]) -> Option<Self> {
        let find =
            |kind: u8| nal_units(key_frame).find(|nal| nal.first().is_some_and(|h| h & 31 == kind));
        let sequence = payload(find(SEQUENCE_PARAMETERS)?);
        let picture = payload(find(PICTURE_PARAMETERS)?);
        let (sequence_id, frame_num_bits, macroblocks) = read_sequence(&sequence)?;
        let (picture_parameters, of_sequence, deblocking_control) = read_picture(&picture)?;
        (of_sequence == sequence_id).then_some(Self {
            frame_num_bits,
            macroblocks,
            picture_parameters,
            deblocking_control,
        })
    }

    /// The picture that is `index` pictures after the key frame, as an Annex B unit.
    pub(super) fn skipped_picture(&self, index: u32) -> Vec<u8> {
        let mut slice = BitWriter::default();
        slice.ue(0); // first_mb_in_slice
        slice.ue(ALL_P); // slice_type
        slice.ue(self.picture_parameters); // pic_parameter_set_id
        slice.bits(index % (1 << self.frame_num_bits), self.frame_num_bits); // frame_num
        slice.bits(0, 1); // num_ref_idx_active_override_flag
        slice.bits(0, 1); // ref_pic_list_modification_flag_l0
        slice.bits(0, 1); // adaptive_ref_pic_marking_mode_flag
        slice.ue(0); // slice_qp_delta; se(0) is written the same
        if self.deblocking_control {
            slice.ue(1); // disable_deblocking_filter_idc: a skipped picture has no edges to smooth
        }
        slice.ue(self.macroblocks); // mb_skip_run
        slice.into_nal(SLICE)
    }
}

/// seq_parameter_set_id, the bits of frame_num, and the number of macroblocks.
fn read_sequence(payload: &[u8]) -> Option<(u32, u32, u32)> {
    let mut bits = BitReader::new(payload);
    let profile = bits.bits(8)?;
    bits.bits(16)?; // constraint flags, level_idc
    let id = bits.ue()?;
    let frame_num_bits = bits.ue()? + 4; // log2_max_frame_num_minus4
    let order = bits.ue()?; // pic_order_cnt_type
    let known = PLAIN_PROFILES.contains(&profile)
        && frame_num_bits <= 16
        // Output order is decoding order: nothing about it in the slice header.
        && order == 2;
    if !known {
        return None;
    }
    bits.ue()?; // max_num_ref_frames
    bits.bit()?; // gaps_in_frame_num_value_allowed_flag
    let (columns, rows) = (bits.ue()? + 1, bits.ue()? + 1);
    let frames_only = bits.bit()?; // frame_mbs_only_flag
    frames_only.then_some((id, frame_num_bits, columns * rows))
}

/// pic_parameter_set_id, its seq_parameter_set_id, deblocking_filter_control_present_flag.
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
    // A skipped macroblock is copied from the first reference; weights would change it.
    (references == 0 && !weighted && !redundant).then_some((id, sequence, deblocking_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key frame's parameter sets with the given fields, all others as the encoder sets them.
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
    fn the_fields_are_read_and_anything_unknown_means_no_skipped_picture() {
        let known = SkipHeader::read(&parameter_sets(66, 2, 0, 0));
        let expected = SkipHeader {
            frame_num_bits: 15,
            macroblocks: 8160,
            picture_parameters: 0,
            deblocking_control: true,
        };
        assert_eq!(known, Some(expected));
        for (what, sets) in [
            ("a later profile", parameter_sets(100, 2, 0, 0)),
            ("another order", parameter_sets(66, 0, 0, 0)),
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
}
