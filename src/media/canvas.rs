//! One frame of a video in the encoder's color space, and text drawn on it: on a soft shadow or on a
//! box, so that it is legible on any background. Where the lines of a text are is left to
//! [`layout`](super::layout), and which text appears when, to [`stills`](super::stills).

use std::ops::Range;
use std::sync::OnceLock;

use super::layout::TextBlock;
use super::{CaptionMode, CaptionStyle, Font, FrameSize};

/// A frame as three planes in BT.709, limited range, 4:2:0: chroma has half the resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Canvas {
    pub(crate) size: FrameSize,
    pub(crate) y: Vec<u8>,
    pub(crate) u: Vec<u8>,
    pub(crate) v: Vec<u8>,
}

impl Canvas {
    /// Creates a black canvas.
    pub(crate) fn new(size: FrameSize) -> Self {
        let pixels = size.width as usize * size.height as usize;
        Self { size, y: vec![16; pixels], u: vec![128; pixels / 4], v: vec![128; pixels / 4] }
    }

    pub(crate) const fn width(&self) -> usize {
        self.size.width as usize
    }

    pub(crate) const fn height(&self) -> usize {
        self.size.height as usize
    }

    /// Returns a copy of some rows, from an even one to an even one.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Self {
        let width = self.width();
        let chroma = rows.start / 2 * (width / 2)..rows.end / 2 * (width / 2);
        Self {
            size: FrameSize { height: rows.len() as u32, ..self.size },
            y: self.y[rows.start * width..rows.end * width].to_vec(),
            u: self.u[chroma.clone()].to_vec(),
            v: self.v[chroma].to_vec(),
        }
    }

    /// Returns a copy of an area with even edges. Beyond its own edges, the canvas goes on as it ends.
    pub(crate) fn area(&self, columns: Range<usize>, rows: Range<usize>) -> Self {
        let size = FrameSize { width: columns.len() as u32, height: rows.len() as u32 };
        let cut = |plane: &[u8], scale: usize| {
            let (width, height) = (self.width() / scale, self.height() / scale);
            let mut area = Vec::with_capacity(columns.len() / scale * rows.len() / scale);
            for row in rows.start / scale..rows.end / scale {
                let line = &plane[row.min(height - 1) * width..][..width];
                let inside = columns.start / scale..(columns.end / scale).min(width);
                area.extend_from_slice(&line[inside.clone()]);
                area.resize(area.len() + columns.len() / scale - inside.len(), line[width - 1]);
            }
            area
        };
        Self { size, y: cut(&self.y, 1), u: cut(&self.u, 2), v: cut(&self.v, 2) }
    }

    /// Mixes another canvas of the same size in: none of it at 0.0, nothing else at 1.0.
    pub(crate) fn blend(&mut self, other: &Self, share: f32) {
        let weight = (share.clamp(0.0, 1.0) * 256.0).round() as u32;
        let planes = [(&mut self.y, &other.y), (&mut self.u, &other.u), (&mut self.v, &other.v)];
        for (plane, other) in planes {
            for (value, other) in plane.iter_mut().zip(other) {
                let sum = u32::from(*value) * (256 - weight) + u32::from(*other) * weight;
                *value = ((sum + 128) >> 8) as u8;
            }
        }
    }
}

/// Converts an sRGB color, 0.0 to 1.0 per channel, to Y, U and V in limited-range BT.709.
pub(crate) fn yuv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [16.0 + 219.0 * luma, 128.0 + 224.0 * (b - luma) / 1.8556, 128.0 + 224.0 * (r - luma) / 1.5748]
}

/// Converts Y, U and V in limited-range BT.709 to an sRGB color, 0.0 to 1.0 per channel.
pub(crate) fn rgb([y, u, v]: [f32; 3]) -> [f32; 3] {
    let luma = (y - 16.0) / 219.0;
    let b = luma + (u - 128.0) / 224.0 * 1.8556;
    let r = luma + (v - 128.0) / 224.0 * 1.5748;
    let g = (luma - 0.2126 * r - 0.0722 * b) / 0.7152;
    [r, g, b].map(|channel| channel.clamp(0.0, 1.0))
}

/// Returns a color, red, green and blue, in the planes of a canvas.
fn color([r, g, b]: [u8; 3]) -> [f32; 3] {
    yuv([r, g, b].map(|channel| f32::from(channel) / 255.0)).map(f32::round)
}

/// The box behind the spoken word, and one for text that has about this color itself.
const MARK: [u8; 3] = [255, 204, 0];
const OTHER_MARK: [u8; 3] = [255; 3];
/// The letters on it.
const MARKED: [u8; 3] = [16, 12, 0];

/// A text as it is drawn onto a frame.
pub(crate) struct TextDrawing {
    stencil: Stencil,
    under: Under,
    /// Its opacity, once it was drawn.
    mask: OnceLock<Vec<u8>>,
    /// Colors of what is under the letters, and of them.
    colors: [[f32; 3]; 2],
}

/// What is drawn under letters.
enum Under {
    /// A shadow of this blur.
    Shadow(usize),
    Box(RoundedBox),
}

/// A rectangle with rounded corners.
struct RoundedBox {
    x: Range<f32>,
    y: Range<f32>,
    radius: f32,
    opacity: f32,
}

impl TextDrawing {
    /// Draws a text of a frame.
    pub(crate) fn new(
        block: &TextBlock,
        style: CaptionStyle,
        font: &Font,
        frame: FrameSize,
    ) -> Self {
        let (size, top, height) = (block.size, block.top, block.height());
        let widths = block.lines.iter().map(|line| font.width(&line.text, size));
        let widest = widths.fold(0.0, f32::max);
        let blur = (size * 0.11).round().max(2.0) as usize;
        let (under, margin) = match style.mode {
            CaptionMode::Boxed => {
                let (middle, half) = (frame.width as f32 / 2.0, widest / 2.0 + size * 0.45);
                let (x, y) =
                    (middle - half..middle + half, top - size * 0.2..top + height + size * 0.2);
                let shape = RoundedBox { x, y, radius: size * 0.35, opacity: 0.64 };
                (Under::Box(shape), (size * 0.5).ceil() as usize)
            }
            CaptionMode::Plain | CaptionMode::Words => (Under::Shadow(blur), 4 * blur),
        };
        let mut stencil = Stencil::new(frame, top, height, widest, margin);
        for (n, line) in block.lines.iter().enumerate() {
            let origin = (line_start(&line.text, size, font, frame), block.baseline(n));
            font.draw(&line.text, size, origin, |x, y, cover| stencil.put(x, y, cover));
        }
        let colors = [color(style.outline.rgb), color(style.color.rgb)];
        Self { stencil, under, mask: OnceLock::new(), colors }
    }

    /// Draws a word of a text as the one that is spoken, in a box on each line that it is in.
    pub(crate) fn of_word(
        block: &TextBlock,
        word: usize,
        style: CaptionStyle,
        font: &Font,
        frame: FrameSize,
    ) -> Vec<Self> {
        let size = block.size;
        let distance = style.color.rgb.iter().zip(MARK).map(|(a, b)| u32::from(a.abs_diff(b)));
        let mark = if distance.sum::<u32>() < 160 { OTHER_MARK } else { MARK };
        let draw = |(n, part): (usize, Range<usize>)| {
            let line = &block.lines[n].text;
            // Less beside a neighbor without a space, such as a Chinese character.
            let room = |next: Option<char>| {
                size * if next.is_none_or(char::is_whitespace) { 0.12 } else { 0.015 }
            };
            let before = line[..part.start].chars().next_back();
            let (left, right) = (room(before), room(line[part.end..].chars().next()));
            let start = line_start(line, size, font, frame) + font.width(&line[..part.start], size);
            let text = &line[part];
            let x = start - left..start + font.width(text, size) + right;
            let baseline = block.baseline(n);
            let y = baseline - size * 0.92..baseline + size * 0.28;
            let mut stencil = Stencil::around(frame, &x, &y);
            font.draw(text, size, (start, baseline), |x, y, cover| stencil.put(x, y, cover));
            let under = Under::Box(RoundedBox { x, y, radius: size * 0.18, opacity: 1.0 });
            let colors = [color(mark), color(MARKED)];
            Self { stencil, under, mask: OnceLock::new(), colors }
        };
        block.word(word).map(draw).collect()
    }

    /// Returns the rows of the frame that it changes.
    pub(crate) const fn rows(&self) -> Range<usize> {
        self.stencil.top..self.stencil.top + self.stencil.height
    }

    /// Returns the columns of the frame that it changes in some of the rows; `None` if it changes none.
    pub(crate) fn columns_in(&self, rows: &Range<usize>) -> Option<Range<usize>> {
        let Stencil { left, top, width, cover, .. } = &self.stencil;
        let inside = |row: usize| row.clamp(*top, self.rows().end) - top;
        let part = inside(rows.start) * width..inside(rows.end) * width;
        let width = (*width).max(1);
        let (under, cover) = (&self.mask()[part.clone()], &cover[part]);
        let lines = under.chunks_exact(width).zip(cover.chunks_exact(width));
        let changed = lines.filter_map(|(under, cover)| {
            let mut pixels = under.iter().zip(cover).map(|(under, cover)| *under > 0 || *cover > 0);
            Some((pixels.clone().position(|is| is)?, pixels.rposition(|is| is)?))
        });
        let (first, last) = changed.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some(left + first..left + last + 1)
    }

    /// Returns the opacity of what is under the letters.
    fn mask(&self) -> &[u8] {
        self.mask.get_or_init(|| match &self.under {
            Under::Shadow(blur) => self.stencil.shadow(*blur),
            Under::Box(shape) => self.stencil.rounded(shape),
        })
    }

    /// Draws the text onto the rows of a frame from `first` on, which include its own.
    pub(crate) fn draw(&self, canvas: &mut Canvas, first: usize) {
        self.stencil.print(canvas, first, self.mask(), self.colors);
    }
}

/// Returns where a centered line begins.
fn line_start(line: &str, size: f32, font: &Font, frame: FrameSize) -> f32 {
    (frame.width as f32 - font.width(line, size)) / 2.0
}

/// Coverage of each pixel by the letters, for the part of the canvas that contains them.
struct Stencil {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    cover: Vec<u8>,
}

impl Stencil {
    /// Creates an empty stencil for a centered block of text with a margin, clipped to the frame.
    /// Its edges are on even pixels, because chroma has half the resolution.
    fn new(frame: FrameSize, top: f32, block: f32, widest: f32, margin: usize) -> Self {
        let even = |length: f32, limit: u32| (length.max(0.0) as usize).min(limit as usize) & !1;
        let middle = frame.width as f32 / 2.0;
        let half = widest / 2.0 + margin as f32;
        let left = even(middle - half, frame.width);
        let right = even(middle + half + 2.0, frame.width);
        let top_edge = even(top - margin as f32, frame.height);
        let bottom = even(top + block + margin as f32 + 2.0, frame.height);
        let (width, height) = (right - left, bottom - top_edge);
        Self { left, top: top_edge, width, height, cover: vec![0; width * height] }
    }

    /// Creates an empty stencil for an area, clipped to the frame.
    fn around(frame: FrameSize, x: &Range<f32>, y: &Range<f32>) -> Self {
        let edges = |area: &Range<f32>, limit: u32| {
            let limit = limit as usize;
            let start = (area.start.max(0.0) as usize).min(limit) & !1;
            start..((area.end.max(0.0) as usize + 2) & !1).clamp(start, limit)
        };
        let (columns, rows) = (edges(x, frame.width), edges(y, frame.height));
        let (width, height) = (columns.len(), rows.len());
        let cover = vec![0; width * height];
        Self { left: columns.start, top: rows.start, width, height, cover }
    }

    fn put(&mut self, x: i32, y: i32, cover: f32) {
        let x = usize::try_from(x).ok().and_then(|x| x.checked_sub(self.left));
        let y = usize::try_from(y).ok().and_then(|y| y.checked_sub(self.top));
        if let (Some(x), Some(y)) = (x, y)
            && x < self.width
            && y < self.height
        {
            let at = &mut self.cover[y * self.width + x];
            *at = at.saturating_add((cover * 255.0) as u8);
        }
    }

    /// Draws what is under the letters, then the letters, onto a canvas whose first row is `first` of
    /// the frame.
    fn print(&self, canvas: &mut Canvas, first: usize, under: &[u8], colors: [[f32; 3]; 2]) {
        let [back, front] = colors;
        let luma_width = canvas.width();
        let top = self.top - first;
        for row in 0..self.height {
            let start = (top + row) * luma_width + self.left;
            let line = &mut canvas.y[start..][..self.width];
            let from = row * self.width;
            let masks = under[from..][..self.width].iter().zip(&self.cover[from..][..self.width]);
            for (value, (&under, &cover)) in line.iter_mut().zip(masks) {
                if under == 0 && cover == 0 {
                    continue;
                }
                let behind =
                    back[0] + (f32::from(*value) - back[0]) * (1.0 - f32::from(under) / 255.0);
                *value = (behind + (front[0] - behind) * (f32::from(cover) / 255.0) + 0.5) as u8;
            }
        }
        let is_grey = colors.iter().all(|color| color[1..] == [128.0; 2]);
        let chroma_width = luma_width / 2;
        for row in (0..self.height).step_by(2) {
            let start = (top + row) / 2 * chroma_width + self.left / 2;
            for column in (0..self.width).step_by(2) {
                let at = row * self.width + column;
                let four = [at, at + 1, at + self.width, at + self.width + 1];
                let sum = |value: &dyn Fn(usize) -> u8| {
                    four.iter().map(|&at| u32::from(value(at))).sum::<u32>() as f32 / 1020.0
                };
                let planes = [&mut canvas.u, &mut canvas.v].into_iter().zip([1, 2]);
                if is_grey {
                    let covered = sum(&|at| under[at].max(self.cover[at]));
                    if covered == 0.0 {
                        continue;
                    }
                    let keep = 1.0 - covered;
                    for (plane, _) in planes {
                        let value = &mut plane[start + column / 2];
                        *value = (128.0 + (f32::from(*value) - 128.0) * keep + 0.5) as u8;
                    }
                    continue;
                }
                let (under, cover) = (sum(&|at| under[at]), sum(&|at| self.cover[at]));
                for (plane, channel) in planes {
                    let value = &mut plane[start + column / 2];
                    let behind = f32::from(*value) + (back[channel] - f32::from(*value)) * under;
                    *value = (behind + (front[channel] - behind) * cover + 0.5) as u8;
                }
            }
        }
    }

    /// Returns a box with rounded corners.
    fn rounded(&self, shape: &RoundedBox) -> Vec<u8> {
        let radius = shape.radius;
        let middle = |side: &Range<f32>| f32::midpoint(side.start, side.end);
        let half = |side: &Range<f32>| (side.end - side.start) / 2.0 - radius;
        let (half_width, half_height) = (half(&shape.x), half(&shape.y));
        let (middle_x, middle_y) = (middle(&shape.x), middle(&shape.y));
        let mut mask = Vec::with_capacity(self.cover.len());
        for row in self.top..self.top + self.height {
            let y = (row as f32 + 0.5 - middle_y).abs() - half_height;
            for column in self.left..self.left + self.width {
                let x = (column as f32 + 0.5 - middle_x).abs() - half_width;
                // The distance from the edge, and half of the pixel on it.
                let outside = if x > 0.0 && y > 0.0 { x.hypot(y) } else { x.max(y) } - radius;
                mask.push((shape.opacity * 255.0 * (0.5 - outside).clamp(0.0, 1.0)) as u8);
            }
        }
        mask
    }

    /// Returns the blurred and intensified letters: dark close to them, clear further out.
    fn shadow(&self, blur: usize) -> Vec<u8> {
        /// Opacity of the shadow close to the letters.
        const DENSITY: f32 = 0.80;
        let mut mask = self.cover.clone();
        // Two box blurs in each direction approximate a Gaussian.
        for _ in 0..2 {
            blur_rows(&mut mask, self.width, blur);
            blur_columns(&mut mask, self.width, blur);
        }
        for value in &mut mask {
            *value = ((f32::from(*value) * 2.6).min(255.0) * DENSITY) as u8;
        }
        mask
    }
}

/// Blurs each row with a box filter.
fn blur_rows(mask: &mut [u8], width: usize, radius: usize) {
    let scale = 1.0 / (2 * radius + 1) as f32;
    let mut before = vec![0; width];
    for line in mask.chunks_exact_mut(width.max(1)) {
        before.copy_from_slice(line);
        let mut sum: u32 = before.iter().take(radius).map(|&v| u32::from(v)).sum();
        for (x, value) in line.iter_mut().enumerate() {
            sum += before.get(x + radius).map_or(0, |&v| u32::from(v));
            *value = (sum as f32 * scale) as u8;
            sum -= x.checked_sub(radius).map_or(0, |x| u32::from(before[x]));
        }
    }
}

/// Blurs each column with a box filter, all side by side.
fn blur_columns(mask: &mut [u8], width: usize, radius: usize) {
    let scale = 1.0 / (2 * radius + 1) as f32;
    let before = mask.to_vec();
    let row = |row: usize| before.get(row * width..(row + 1) * width);
    let mut sums = vec![0_u16; width];
    let add = |sums: &mut [u16], values: Option<&[u8]>| {
        for (sum, value) in sums.iter_mut().zip(values.unwrap_or_default()) {
            *sum += u16::from(*value);
        }
    };
    (0..radius).for_each(|at| add(&mut sums, row(at)));
    for (at, line) in mask.chunks_exact_mut(width.max(1)).enumerate() {
        add(&mut sums, row(at + radius));
        for (value, sum) in line.iter_mut().zip(&sums) {
            *value = (f32::from(*sum) * scale) as u8;
        }
        if let Some(first) = at.checked_sub(radius).and_then(row) {
            for (sum, value) in sums.iter_mut().zip(first) {
                *sum -= u16::from(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::media::layout::blocks;
    use crate::media::syllables::Hyphenator;
    use crate::media::{Cancel, TextClip};

    #[test]
    fn colors_are_bt_709_in_limited_range() {
        let rounded = |rgb| yuv(rgb).map(|c| c.round() as u8);
        assert_eq!(rounded([0.0; 3]), [16, 128, 128]);
        assert_eq!(rounded([1.0; 3]), [235, 128, 128]);
        assert_eq!(rounded([1.0, 0.0, 0.0]), [63, 102, 240]);
        assert_eq!(rounded([0.0, 0.0, 1.0]), [32, 240, 118]);
        for color in [[0.0; 3], [1.0; 3], [1.0, 0.0, 0.0], [0.1, 0.7, 0.4]] {
            let back = rgb(yuv(color));
            assert!(back.iter().zip(color).all(|(a, b)| (a - b).abs() < 0.001), "{back:?}");
        }
    }

    fn caption(text: &str) -> TextClip {
        TextClip::caption(text, Duration::ZERO, Duration::from_secs(1))
    }

    fn title(text: &str) -> TextClip {
        TextClip::title(text, Duration::ZERO, Duration::from_secs(1))
    }

    fn draw_text(canvas: &mut Canvas, clips: &[&TextClip], font: &Font) {
        let hyphenator = Hyphenator::of(None);
        for (index, block) in blocks(clips, font, hyphenator, canvas.size, &Cancel::new()).unwrap()
        {
            let style = clips[index].drawn_style();
            TextDrawing::new(&block, style, font, canvas.size).draw(canvas, 0);
        }
    }

    const SHAPES: [FrameSize; 3] = [FrameSize::LANDSCAPE, FrameSize::PORTRAIT, FrameSize::SQUARE];
    const CAPTION: &str =
        "When the siege of Vienna ended, the story goes, the fleeing army left behind";

    /// Returns the first and last columns and rows that a text changed, as fractions.
    fn touched(size: FrameSize, clip: &TextClip) -> Option<[f32; 4]> {
        let mut canvas = Canvas::new(size);
        canvas.y.fill(120);
        draw_text(&mut canvas, &[clip], &Font::default());
        let bright: Vec<(usize, usize)> = canvas
            .y
            .iter()
            .enumerate()
            .filter(|(_, y)| **y > 200)
            .map(|(at, _)| (at % canvas.width(), at / canvas.width()))
            .collect();
        let x = |f: fn(usize, usize) -> usize| bright.iter().map(|p| p.0).reduce(f);
        let y = |f: fn(usize, usize) -> usize| bright.iter().map(|p| p.1).reduce(f);
        let part = |v: usize, whole: usize| v as f32 / whole as f32;
        Some([
            part(x(usize::min)?, canvas.width()),
            part(x(usize::max)?, canvas.width()),
            part(y(usize::min)?, canvas.height()),
            part(y(usize::max)?, canvas.height()),
        ])
    }

    #[test]
    fn captions_stay_in_the_lower_part_of_the_safe_area_in_every_shape() {
        for size in SHAPES {
            let [left, right, top, bottom] = touched(size, &caption(CAPTION)).unwrap();
            assert!(left >= 0.05 && right <= 0.95, "{size:?}: {left} {right}");
            assert!(top > 0.5 && bottom <= 0.95, "{size:?}: {top} {bottom}");
            assert!((left + right - 1.0).abs() < 0.02, "centered: {left} {right}");
        }
    }

    #[test]
    fn a_text_changes_the_columns_that_it_names() {
        let (font, size) = (Font::default(), FrameSize::LANDSCAPE);
        for mode in [CaptionMode::Plain, CaptionMode::Boxed] {
            let mut clip = caption("A long line of a caption, and after it\na word");
            clip.style.mode = mode;
            let hyphenator = Hyphenator::of(None);
            let blocks = blocks(&[&clip], &font, hyphenator, size, &Cancel::new()).unwrap();
            let drawing = TextDrawing::new(&blocks[0].1, clip.drawn_style(), &font, size);
            let mut canvas = Canvas::new(size);
            canvas.y.fill(120);
            drawing.draw(&mut canvas, 0);
            let mut widths = Vec::new();
            for row in (0..canvas.height()).step_by(8) {
                let lines = canvas.y[row * canvas.width()..].chunks_exact(canvas.width()).take(8);
                let changed = lines.flat_map(|line| {
                    let columns = line.iter().enumerate();
                    columns.filter(|(_, value)| **value != 120).map(|(column, _)| column)
                });
                let columns = drawing.columns_in(&(row..row + 8));
                let first = changed.clone().min();
                assert_eq!(first, columns.clone().map(|columns| columns.start), "row {row}");
                let last = changed.max();
                assert_eq!(last, columns.clone().map(|columns| columns.end - 1), "row {row}");
                widths.extend(columns.map(|columns| columns.len()));
            }
            let least = *widths.iter().min().unwrap();
            assert_eq!(least < canvas.width() / 4, mode == CaptionMode::Plain, "{widths:?}");
        }
    }

    #[test]
    fn a_long_text_shrinks_to_fit() {
        for clip in [caption(&CAPTION.repeat(8)), title(&CAPTION.repeat(8))] {
            for size in SHAPES {
                let [left, right, top, bottom] = touched(size, &clip).unwrap();
                assert!(left > 0.04 && right < 0.96 && top > 0.05 && bottom < 0.95, "{size:?}");
            }
        }
    }

    #[test]
    fn an_empty_text_changes_nothing() {
        for text in ["", " \n ", "🫂", "\u{200d}\u{2060}\u{fe0f}"] {
            assert_eq!(touched(FrameSize::SQUARE, &title(text)), None);
        }
    }
}
