//! One picture of the film, in the colour space that video is encoded in: BT.709, limited
//! range, 4:2:0. [`background`] fills it, [`text`] writes on it; what is written when is left to
//! [`render`](super::render()).

pub(super) mod background;
pub(super) mod text;

use super::FrameSize;

/// A picture as three planes; colour at half the resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Canvas {
    pub(super) size: FrameSize,
    pub(super) y: Vec<u8>,
    pub(super) u: Vec<u8>,
    pub(super) v: Vec<u8>,
}

impl Canvas {
    /// Black.
    pub(super) fn new(size: FrameSize) -> Self {
        let pixels = size.width as usize * size.height as usize;
        Self { size, y: vec![16; pixels], u: vec![128; pixels / 4], v: vec![128; pixels / 4] }
    }

    pub(super) const fn width(&self) -> usize {
        self.size.width as usize
    }

    pub(super) const fn height(&self) -> usize {
        self.size.height as usize
    }

    /// Takes over another canvas of the same size, into the memory at hand.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.y.copy_from_slice(&other.y);
        self.u.copy_from_slice(&other.u);
        self.v.copy_from_slice(&other.v);
    }
}

/// A colour from sRGB, 0.0 to 1.0 each, to limited-range BT.709: Y, U and V.
pub(super) fn yuv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [16.0 + 219.0 * luma, 128.0 + 224.0 * (b - luma) / 1.8556, 128.0 + 224.0 * (r - luma) / 1.5748]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_bt_709_in_limited_range() {
        let rounded = |rgb| yuv(rgb).map(|c| c.round() as u8);
        assert_eq!(rounded([0.0; 3]), [16, 128, 128]);
        assert_eq!(rounded([1.0; 3]), [235, 128, 128]);
        assert_eq!(rounded([1.0, 0.0, 0.0]), [63, 102, 240]);
        assert_eq!(rounded([0.0, 0.0, 1.0]), [32, 240, 118]);
    }
}
