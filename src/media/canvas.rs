//! One frame of a video in the encoder's color space, and text drawn on it: balanced lines inside
//! the safe area, white on a soft shadow, so that they are legible on any background. Which text
//! appears when is left to [`stills`](super::stills).

use std::ops::Range;

use super::characters::{breaks_after_hyphen, breaks_between};
use super::timeline::TextStyle;
use super::{Font, FrameSize};

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
}

/// Converts an sRGB color, 0.0 to 1.0 per channel, to Y, U and V in limited-range BT.709.
pub(crate) fn yuv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [16.0 + 219.0 * luma, 128.0 + 224.0 * (b - luma) / 1.8556, 128.0 + 224.0 * (r - luma) / 1.5748]
}

/// The title-safe area of television leaves a margin of 5 % on each side.
const SAFE_MARGIN: f32 = 0.05;
/// Longer text is truncated: it would be illegible, and slow to lay out.
const MAX_CHARS: usize = 1000;
const LINE_HEIGHT: f32 = 1.28;
const WHITE: f32 = 235.0;
const BLACK: f32 = 16.0;

/// Layout of a text in a frame of one size.
struct TextLayout {
    size: f32,
    max_width: f32,
    max_height: f32,
    /// Vertical position: of the bottom of the block for a caption, of its middle for a title.
    anchor: f32,
    from_bottom: bool,
}

impl TextLayout {
    fn of(style: TextStyle, frame: FrameSize) -> Self {
        let (width, height) = (frame.width as f32, frame.height as f32);
        let portrait = height > 1.2 * width;
        let short = width.min(height);
        let safe = width * (1.0 - 2.0 * SAFE_MARGIN);
        match style {
            TextStyle::Caption => Self {
                size: short * if portrait { 0.062 } else { 0.055 },
                max_width: if portrait { safe * 0.94 } else { safe.min(short * 1.42) },
                max_height: height * if portrait { 0.26 } else { 0.30 },
                // The controls of a phone cover the lowest part of a portrait video.
                anchor: height * if portrait { 0.80 } else { 0.915 },
                from_bottom: true,
            },
            TextStyle::Title => Self {
                size: short * if portrait { 0.112 } else { 0.104 },
                max_width: safe * 0.92,
                max_height: height * 0.42,
                anchor: height * if portrait { 0.42 } else { 0.45 },
                from_bottom: false,
            },
        }
    }
}

/// Returns the width of a line of a caption, in ems of its font.
pub(crate) fn caption_width(frame: FrameSize) -> f32 {
    let layout = TextLayout::of(TextStyle::Caption, frame);
    layout.max_width / layout.size
}

/// Returns the number of lines that a caption takes at its own size.
#[cfg(test)]
pub(crate) fn caption_lines(text: &str, frame: FrameSize, font: &Font) -> usize {
    let layout = TextLayout::of(TextStyle::Caption, frame);
    balanced_lines(&units(text, font), layout.max_width, layout.size, font).len()
}

/// A text as it is drawn onto a frame.
pub(crate) struct TextDrawing {
    stencil: Stencil,
    blur: usize,
}

impl TextDrawing {
    /// Lays out a text in a frame; `None` if nothing of it is visible.
    pub(crate) fn new(text: &str, style: TextStyle, font: &Font, frame: FrameSize) -> Option<Self> {
        let layout = TextLayout::of(style, frame);
        let text: String = text.chars().take(MAX_CHARS).collect();
        let (size, lines) = lay_out(&text, &layout, font)?;
        let line_height = size * LINE_HEIGHT;
        let block = line_height * lines.len() as f32;
        let top =
            if layout.from_bottom { layout.anchor - block } else { layout.anchor - block / 2.0 };
        let widest = lines.iter().map(|line| font.width(line, size)).fold(0.0, f32::max);
        let blur = (size * 0.11).round().max(2.0) as usize;
        let mut stencil = Stencil::new(frame, top, block, widest, 4 * blur);
        for (n, line) in lines.iter().enumerate() {
            let x = (frame.width as f32 - font.width(line, size)) / 2.0;
            // Centers the letters rather than their box: their middle is about a third of the size
            // above the baseline.
            let baseline = top + line_height * (n as f32 + 0.5) + size * 0.36;
            font.draw(line, size, (x, baseline), |x, y, cover| stencil.put(x, y, cover));
        }
        Some(Self { stencil, blur })
    }

    /// Returns the rows of the frame that it changes.
    pub(crate) const fn rows(&self) -> Range<usize> {
        self.stencil.top..self.stencil.top + self.stencil.height
    }

    /// Draws the text onto the rows of a frame from `first` on, which include its own.
    pub(crate) fn draw(&self, canvas: &mut Canvas, first: usize) {
        self.stencil.print(canvas, first, self.blur);
    }
}

/// Returns the font size and the lines of a text. The size is that of the style, or smaller when
/// the lines would not fit.
fn lay_out(text: &str, layout: &TextLayout, font: &Font) -> Option<(f32, Vec<String>)> {
    let units = units(text, font);
    if units.is_empty() {
        return None;
    }
    let mut size = layout.size;
    loop {
        let lines = balanced_lines(&units, layout.max_width, size, font);
        let fits = lines.len() as f32 * size * LINE_HEIGHT <= layout.max_height;
        if fits || size < 12.0 {
            return Some((size, lines));
        }
        size *= 0.92;
    }
}

/// A unit of text that must not be broken, and what separates it from the next one.
struct WrapUnit {
    text: String,
    after: Separator,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Space,
    Nothing,
    LineBreak,
}

/// Splits a text into units, in the characters that the font can draw.
fn units(text: &str, font: &Font) -> Vec<WrapUnit> {
    let mut units: Vec<WrapUnit> = Vec::new();
    let mut current = String::new();
    let mut finish = |current: &mut String, after: Separator| {
        // Substituted only now: a character drawn as a hyphen may be a non-breaking one.
        let text = font.drawable(&std::mem::take(current));
        if !text.is_empty() {
            units.push(WrapUnit { text, after });
        } else if let (Separator::LineBreak, Some(last)) = (after, units.last_mut()) {
            last.after = Separator::LineBreak;
        }
    };
    for c in text.trim().chars() {
        if c == '\n' {
            finish(&mut current, Separator::LineBreak);
        } else if c.is_whitespace() && c != '\u{a0}' {
            finish(&mut current, Separator::Space);
        } else if !c.is_control() {
            let wide = |before| breaks_between(before, c);
            if current.chars().next_back().is_some_and(wide) || breaks_after_hyphen(&current, c) {
                finish(&mut current, Separator::Nothing);
            }
            current.push(c);
        }
    }
    finish(&mut current, Separator::Nothing);
    units
}

/// Breaks a text into as few lines as possible, then narrows them as far as no more lines are
/// needed, so that the lines have similar lengths.
fn balanced_lines(units: &[WrapUnit], max_width: f32, size: f32, font: &Font) -> Vec<String> {
    let fewest = lines(units, max_width, size, font);
    let (mut narrow, mut wide) = (max_width / fewest.len() as f32 * 0.5, max_width);
    let mut best = fewest;
    for _ in 0..8 {
        let middle = (narrow + wide) / 2.0;
        let tried = lines(units, middle, size, font);
        if tried.len() <= best.len() && tried.iter().all(|line| font.width(line, size) <= middle) {
            best = tried;
            wide = middle;
        } else {
            narrow = middle;
        }
    }
    best
}

/// Breaks a text greedily. A unit wider than a line is split.
fn lines(units: &[WrapUnit], max_width: f32, size: f32, font: &Font) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut separator = Separator::Nothing;
    for unit in units {
        let space = if separator == Separator::Space { " " } else { "" };
        let longer = format!("{line}{space}{}", unit.text);
        if !line.is_empty()
            && (separator == Separator::LineBreak || font.width(&longer, size) > max_width)
        {
            lines.push(std::mem::replace(&mut line, unit.text.clone()));
        } else {
            line = longer;
        }
        while font.width(&line, size) > max_width && line.chars().count() > 1 {
            let fit = line
                .char_indices()
                .skip(1)
                .map(|(at, _)| at)
                .take_while(|&at| font.width(&line[..at], size) <= max_width)
                .last()
                .unwrap_or_else(|| line.chars().next().map_or(1, char::len_utf8));
            let rest = line.split_off(fit);
            lines.push(std::mem::replace(&mut line, rest));
        }
        separator = unit.after;
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
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

    /// Darkens the canvas, whose first row is `first` of the frame, around the letters, then draws
    /// them in white.
    fn print(&self, canvas: &mut Canvas, first: usize, blur: usize) {
        let shadow = self.shadow(blur);
        let luma_width = canvas.width();
        let top = self.top - first;
        for row in 0..self.height {
            let start = (top + row) * luma_width + self.left;
            let line = &mut canvas.y[start..][..self.width];
            let from = row * self.width;
            let masks = shadow[from..][..self.width].iter().zip(&self.cover[from..][..self.width]);
            for (value, (&dark, &cover)) in line.iter_mut().zip(masks) {
                if dark == 0 && cover == 0 {
                    continue;
                }
                let shaded = BLACK + (f32::from(*value) - BLACK) * (1.0 - f32::from(dark) / 255.0);
                let white = f32::from(cover) / 255.0;
                *value = (shaded + (WHITE - shaded) * white + 0.5) as u8;
            }
        }
        let chroma_width = luma_width / 2;
        for row in (0..self.height).step_by(2) {
            let start = (top + row) / 2 * chroma_width + self.left / 2;
            for column in (0..self.width).step_by(2) {
                let at = row * self.width + column;
                let four = [at, at + 1, at + self.width, at + self.width + 1];
                let covered =
                    four.iter().map(|&at| u32::from(shadow[at].max(self.cover[at]))).sum::<u32>();
                if covered == 0 {
                    continue;
                }
                let keep = 1.0 - covered as f32 / 1020.0;
                for plane in [&mut canvas.u, &mut canvas.v] {
                    let value = &mut plane[start + column / 2];
                    *value = (128.0 + (f32::from(*value) - 128.0) * keep + 0.5) as u8;
                }
            }
        }
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
    use super::*;

    #[test]
    fn colors_are_bt_709_in_limited_range() {
        let rounded = |rgb| yuv(rgb).map(|c| c.round() as u8);
        assert_eq!(rounded([0.0; 3]), [16, 128, 128]);
        assert_eq!(rounded([1.0; 3]), [235, 128, 128]);
        assert_eq!(rounded([1.0, 0.0, 0.0]), [63, 102, 240]);
        assert_eq!(rounded([0.0, 0.0, 1.0]), [32, 240, 118]);
    }

    fn draw_text(canvas: &mut Canvas, text: &str, style: TextStyle, font: &Font) {
        if let Some(drawing) = TextDrawing::new(text, style, font, canvas.size) {
            drawing.draw(canvas, 0);
        }
    }

    const SHAPES: [FrameSize; 3] = [FrameSize::LANDSCAPE, FrameSize::PORTRAIT, FrameSize::SQUARE];
    const CAPTION: &str =
        "When the siege of Vienna ended, the story goes, the fleeing army left behind";

    /// Returns the first and last columns and rows that a text changed, as fractions.
    fn touched(size: FrameSize, text: &str, style: TextStyle) -> Option<[f32; 4]> {
        let mut canvas = Canvas::new(size);
        canvas.y.fill(120);
        draw_text(&mut canvas, text, style, &Font::default());
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
            let [left, right, top, bottom] = touched(size, CAPTION, TextStyle::Caption).unwrap();
            assert!(left >= 0.05 && right <= 0.95, "{size:?}: {left} {right}");
            assert!(top > 0.5 && bottom <= 0.95, "{size:?}: {top} {bottom}");
            assert!((left + right - 1.0).abs() < 0.02, "centered: {left} {right}");
        }
    }

    #[test]
    fn lines_have_similar_lengths() {
        let font = Font::default();
        let layout = TextLayout::of(TextStyle::Caption, FrameSize::LANDSCAPE);
        let (size, lines) = lay_out(CAPTION, &layout, &font).unwrap();
        assert_eq!(lines.len(), 2);
        let widths: Vec<f32> = lines.iter().map(|line| font.width(line, size)).collect();
        assert!((widths[0] / widths[1]).ln().abs() < 0.25, "{lines:?}");
    }

    #[test]
    fn a_long_text_shrinks_to_fit() {
        for style in [TextStyle::Caption, TextStyle::Title] {
            for size in SHAPES {
                let [left, right, top, bottom] = touched(size, &CAPTION.repeat(8), style).unwrap();
                assert!(left > 0.04 && right < 0.96 && top > 0.05 && bottom < 0.95, "{size:?}");
            }
        }
    }

    #[test]
    fn captions_take_two_lines_or_three_in_portrait_at_their_own_size() {
        use crate::media::captions::{CaptionLayout, timed_captions};
        use std::time::Duration;
        let font = Font::default();
        let texts = [
            "When the siege of Vienna ended, the story goes, the fleeing army left behind sacks of \
             strange beans, and a man who knew what they were for opened the first coffee house.",
            "WHEN THE SIEGE OF VIENNA ENDED, WWW WAS MADE BY MAMMOTHS, WHOM WE WILL MAKE MEMBERS \
             OF THE WORLDWIDE MOVEMENT OF MEN AND WOMEN WHO WERE MEANT TO BE MUMMIES.",
            "Rechtsschutzversicherungsgesellschaften und Donaudampfschifffahrtsgesellschaften \
             bieten Kraftfahrzeughaftpflichtversicherungen an, die Verkehrsteilnehmer brauchen.",
            "咖啡是在十七世纪由商人从奥斯曼帝国带到威尼斯的，从那里它传遍了整个欧洲，改变了人们见面。",
        ];
        for (size, most) in [
            (FrameSize::LANDSCAPE, 2),
            (FrameSize::SQUARE, 2),
            (FrameSize::PORTRAIT, 3),
            (FrameSize { width: 640, height: 480 }, 2),
        ] {
            let layout = TextLayout::of(TextStyle::Caption, size);
            for text in texts {
                let time = Duration::from_secs(20);
                for clip in timed_captions(text, Duration::ZERO, time, &[], CaptionLayout::of(size))
                {
                    let (drawn, lines) = lay_out(&clip.text, &layout, &font).unwrap();
                    assert!(lines.len() <= most, "{size:?}: {lines:?}");
                    assert_eq!(drawn, layout.size, "{size:?}: {lines:?}");
                }
            }
        }
    }

    #[test]
    fn line_breaks_are_kept_and_endless_words_split() {
        let font = Font::default();
        let split = |text: &str| lines(&units(text, &font), 500.0, 50.0, &font);
        assert_eq!(split("Morning\nBrew"), ["Morning", "Brew"]);
        assert_eq!(split("a \n b"), ["a", "b"]);
        let cut = split(&"m".repeat(100));
        assert_eq!(cut.concat(), "m".repeat(100));
        assert!(cut.iter().all(|line| font.width(line, 50.0) <= 500.0));
    }

    #[test]
    fn a_long_word_breaks_after_its_hyphens() {
        let font = Font::default();
        let split = |text: &str| lines(&units(text, &font), 500.0, 50.0, &font);
        assert_eq!(
            split("Extraordinarily-hyphenated-compounds"),
            ["Extraordinarily-", "hyphenated-", "compounds"]
        );
        // A word with non-breaking hyphens is split like any other, never at a hyphen.
        let kept = split("Extraordinarily\u{2011}hyphenated\u{2011}compounds");
        assert_eq!(kept.concat(), "Extraordinarily-hyphenated-compounds");
        assert!(!kept[0].ends_with('-'), "{kept:?}");
        assert_eq!(units("in 2020-2021 by e-mail at -5 °C", &font).len(), 7);
    }

    #[test]
    fn an_empty_text_changes_nothing() {
        for text in ["", " \n ", "🎉", "\u{200d}\u{2060}\u{fe0f}"] {
            assert_eq!(touched(FrameSize::SQUARE, text, TextStyle::Title), None);
        }
    }
}
