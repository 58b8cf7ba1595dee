//! Encodes still images to H.264. A video of captions consists of stills, each shown for seconds:
//! the first frame is encoded as a key frame, and its repetitions are P-skip pictures, in which
//! every macroblock is skipped. These take a dozen bytes, need no encoding, and decode to the key
//! frame bit by bit.
//!
//! Stills share most of their rows, so that rows are encoded on their own, and a key frame is put
//! together from [`slices`] of them. A still that differs from the one before it in a few macroblocks
//! only is a picture of these and of skipped ones. Where the image grows slowly, the frames after the
//! key frame are displaced copies of its macroblocks, and those of a cross-fade are mixed from two
//! pictures; [`motion`] writes these.

mod motion;
pub(crate) mod skip;
mod slices;

use std::borrow::Cow;
use std::sync::Mutex;

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange,
    RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSource;

use super::canvas::Canvas;
use super::{FrameSize, MediaError, lock, thread_count};
pub(crate) use motion::{Base, Fixed, Glide, MovingPicture};
use skip::SkipHeader;
use slices::changed_picture;
pub(crate) use slices::{EncodedRows, MACROBLOCK, SliceHeader};

/// Frames per second.
pub(crate) const FRAME_RATE: u32 = 30;

/// Maximum number of frames between key frames, so that players can seek. It also keeps the frame
/// number far below its wraparound.
pub(crate) const MAX_SHOT: u32 = 10 * FRAME_RATE;

/// How images of a video move, which decides what its pictures refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Motion {
    /// They stand still: a picture refers to the one before it.
    None,
    /// Some grow: a picture may refer to the last key frame as well.
    Zoom,
    /// Some fade: a picture may refer to one that is shown later.
    Fade,
}

impl Motion {
    const fn references(self) -> u32 {
        match self {
            Self::None => 1,
            Self::Zoom | Self::Fade => 2,
        }
    }
}

/// Where a picture is among those from the last key frame on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// The number of frames that are shown before it.
    pub(crate) shown: u32,
    /// The number of pictures before it in the file to which others refer.
    pub(crate) number: u32,
}

impl Place {
    /// Returns the place of a later picture, if all between are shown in their order.
    pub(crate) const fn after(self, pictures: u32) -> Self {
        Self { shown: self.shown + pictures, number: self.number + pictures }
    }
}

/// Encodes stills.
pub(crate) struct StillEncoder {
    quantizer: u8,
    /// Encoders for another image of the same size: a new one takes a fifth of the time, most of it
    /// for its memory.
    idle: Mutex<Vec<(FrameSize, Encoder)>>,
}

/// An encoded still, which can be shown for up to the number of frames it was encoded for.
#[derive(Debug)]
pub(crate) struct EncodedStill {
    first: FirstFrame,
    repeats: Repeats,
}

#[derive(Debug)]
enum FirstFrame {
    Key(Vec<u8>),
    /// The still before it with other macroblocks: parts of rows of them, each from one on.
    Changed(Vec<(u32, EncodedRows)>),
}

#[derive(Debug)]
enum Repeats {
    Skipped(SkipHeader),
    /// Frames that differ, or a fallback when the encoder uses parameters that [`SkipHeader`] does not
    /// support.
    Encoded(Vec<Vec<u8>>),
}

impl StillEncoder {
    /// Creates an encoder; the quantizer ranges from 0, lossless, to 51.
    pub(crate) const fn new(quantizer: u8) -> Self {
        Self { quantizer, idle: Mutex::new(Vec::new()) }
    }

    fn config(&self) -> EncoderConfig {
        // A fixed quantizer: with a free range, the encoder spends 13 times the bits on stills.
        EncoderConfig::new()
            .rate_control_mode(RateControlMode::Quality)
            .qp(QpRange::new(self.quantizer, self.quantizer))
            .complexity(Complexity::Low)
            .usage_type(UsageType::CameraVideoRealTime)
            .max_frame_rate(FrameRate::from_hz(FRAME_RATE as f32))
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            // Without this, the encoder warns on stderr. It skips no frames at this bitrate.
            .skip_frames(true)
            .bitrate(BitRate::from_bps(20_000_000))
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .background_detection(false)
            .num_threads(1)
            .vui(VuiConfig::bt709())
    }

    /// Encodes an image that is shown for up to `frames` frames. Only the number of the key frame in
    /// it, `idr_pic_id`, depends on what was encoded before.
    pub(crate) fn encode(&self, canvas: &Canvas, frames: u32) -> Result<EncodedStill, MediaError> {
        let used = {
            let mut idle = lock(&self.idle);
            let index = idle.iter().position(|(size, _)| *size == canvas.size);
            index.map(|index| idle.swap_remove(index).1)
        };
        let again = used.map(|mut encoder| {
            encoder.force_intra_frame();
            let key = key_frame(&mut encoder, canvas)?;
            Ok((encoder, key))
        });
        let (mut encoder, key) = match again.transpose()? {
            Some((encoder, Some(key))) => (encoder, key),
            _ => {
                let mut encoder = self.encoder()?;
                let key = key_frame(&mut encoder, canvas)?.ok_or_else(|| {
                    MediaError::Encode("the encoder did not start with a key frame".to_owned())
                })?;
                (encoder, key)
            }
        };
        let repeats = match SkipHeader::read(&key) {
            Some(header) => Repeats::Skipped(header),
            None => Repeats::Encoded(
                (1..frames)
                    .map(|_| Ok(encoder.encode(canvas).map_err(failed)?.to_vec()))
                    .collect::<Result<_, _>>()?,
            ),
        };
        let mut idle = lock(&self.idle);
        idle.push((canvas.size, encoder));
        // Stills have rows of a few heights. Their encoders take as much memory as those of as many
        // whole frames as there are threads.
        let pixels = |idle: &[(FrameSize, Encoder)]| {
            idle.iter().map(|(size, _)| size.width as usize * size.height as usize).sum::<usize>()
        };
        while idle.len() > thread_count() && pixels(&idle) > thread_count() * 1920 * 1080 {
            idle.remove(0);
        }
        Ok(EncodedStill { first: FirstFrame::Key(key), repeats })
    }

    fn encoder(&self) -> Result<Encoder, MediaError> {
        Encoder::with_api_config(OpenH264API::from_source(), self.config()).map_err(failed)
    }
}

/// Encodes an image as a key frame; `None` if the encoder made another one of it.
fn key_frame(encoder: &mut Encoder, canvas: &Canvas) -> Result<Option<Vec<u8>>, MediaError> {
    let encoded = encoder.encode(canvas).map_err(failed)?;
    Ok((encoded.frame_type() == FrameType::IDR).then(|| encoded.to_vec()))
}

fn failed(error: openh264::Error) -> MediaError {
    MediaError::Encode(format!("H.264: {error}"))
}

impl EncodedStill {
    /// Creates one of frames that differ: a key frame and those that follow it.
    pub(crate) const fn of_frames(key: Vec<u8>, frames: Vec<Vec<u8>>) -> Self {
        Self { first: FirstFrame::Key(key), repeats: Repeats::Encoded(frames) }
    }

    /// Returns whether all frames of the still are the same bit by bit.
    pub(crate) const fn repeats_exactly(&self) -> bool {
        matches!(self.repeats, Repeats::Skipped(_))
    }

    /// Returns frame `index` of the still as an Annex B access unit. `before` is the place of its first
    /// frame.
    pub(crate) fn frame(&self, before: Place, index: u32) -> Cow<'_, [u8]> {
        match (&self.first, &self.repeats) {
            (FirstFrame::Key(key), _) if index == 0 => Cow::Borrowed(key),
            (_, Repeats::Encoded(frames)) => Cow::Borrowed(&frames[index as usize - 1]),
            (FirstFrame::Changed(rows), Repeats::Skipped(skip)) if index == 0 => {
                Cow::Owned(changed_picture(rows, skip, before))
            }
            // A key frame where a change was planned.
            (FirstFrame::Key(_), Repeats::Skipped(skip)) => {
                Cow::Owned(skip.skipped_picture(Place::default().after(index)))
            }
            (_, Repeats::Skipped(skip)) => Cow::Owned(skip.skipped_picture(before.after(index))),
        }
    }
}

impl YUVSource for Canvas {
    fn dimensions(&self) -> (usize, usize) {
        (self.width(), self.height())
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.width(), self.width() / 2, self.width() / 2)
    }

    fn y(&self) -> &[u8] {
        &self.y
    }

    fn u(&self) -> &[u8] {
        &self.u
    }

    fn v(&self) -> &[u8] {
        &self.v
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openh264::decoder::Decoder;

    /// Returns an image with detail everywhere.
    fn noisy(size: FrameSize, seed: usize) -> Canvas {
        let mut canvas = Canvas::new(size);
        let value = |at: usize| ((at + seed).wrapping_mul(2_654_435_761) >> 7) as u8 / 2 + 40;
        for plane in [&mut canvas.y, &mut canvas.u, &mut canvas.v] {
            plane.iter_mut().enumerate().for_each(|(at, v)| *v = value(at / 3));
        }
        canvas
    }

    fn planes(decoded: &impl YUVSource) -> [Vec<u8>; 3] {
        let (width, height) = decoded.dimensions();
        let (sy, su, sv) = decoded.strides();
        let plane = |from: &[u8], stride: usize, w: usize, h: usize| -> Vec<u8> {
            (0..h).flat_map(|row| from[row * stride..][..w].to_vec()).collect()
        };
        [
            plane(decoded.y(), sy, width, height),
            plane(decoded.u(), su, width / 2, height / 2),
            plane(decoded.v(), sv, width / 2, height / 2),
        ]
    }

    #[test]
    fn a_repeated_frame_decodes_to_the_key_frame_bit_by_bit() {
        let sizes = [(1920, 1080), (1080, 1920), (1080, 1080), (128, 96), (66, 130), (64, 64)];
        for (width, height) in sizes {
            // The longest shot for the smallest size.
            let frames = if width == 64 { MAX_SHOT } else { 40 };
            let size = FrameSize { width, height };
            let mut decoder = Decoder::new().unwrap();
            // Two consecutive stills, as in a video: the second must not depend on the first.
            for seed in [1, 77] {
                let still = StillEncoder::new(24).encode(&noisy(size, seed), frames).unwrap();
                assert!(matches!(still.repeats, Repeats::Skipped(_)), "the fallback was used");
                let key =
                    planes(&decoder.decode(&still.frame(Place::default(), 0)).unwrap().unwrap());
                for index in 1..frames {
                    let frame = still.frame(Place::default(), index);
                    assert!(frame.len() < 20, "{} bytes", frame.len());
                    let decoded =
                        decoder.decode(&frame).unwrap().expect("a picture for each frame");
                    assert!(planes(&decoded) == key, "{width}x{height}: frame {index} differs");
                }
            }
        }
    }

    #[test]
    fn with_unsupported_parameters_the_encoder_repeats_the_image() {
        let size = FrameSize { width: 128, height: 96 };
        let canvas = noisy(size, 9);
        let mut still = StillEncoder::new(24).encode(&canvas, 3).unwrap();
        let mut encoder =
            Encoder::with_api_config(OpenH264API::from_source(), StillEncoder::new(24).config())
                .unwrap();
        let frames: Vec<Vec<u8>> =
            (0..3).map(|_| encoder.encode(&canvas).unwrap().to_vec()).collect();
        still.repeats = Repeats::Encoded(frames[1..].to_vec());
        let mut decoder = Decoder::new().unwrap();
        for index in 0..3 {
            let decoded =
                decoder.decode(&still.frame(Place::default(), index)).unwrap().expect("a picture");
            assert_eq!(decoded.dimensions(), (128, 96));
        }
    }
}
