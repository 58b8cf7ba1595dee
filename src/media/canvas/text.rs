//! Writes on a canvas: lines broken to much the same length inside the safe area, white on a
//! soft shadow, so that they are read on anything.

use super::Canvas;
use crate::media::characters::{breaks_after_hyphen, breaks_between};
use crate::media::{Font, FrameSize, TextStyle};

/// Television's title-safe area: a twentieth of each side stays free.
const SAFE_MARGIN: f32 = 0.05;
/// More in one frame nobody can read, and setting it would take long.
const MAX_CHARS: usize = 1000;
const LINE_HEIGHT: f32 = 1.28;
const WHITE: f32 = 235.0;
const BLACK: f32 = 16.0;

/// How a text is set in a frame of one size.
struct Setting {
    size: f32,
    max_width: f32,
    max_height: f32,
    /// The middle of the last line's bottom for a caption, of the block for a title.
    anchor: f32,
    from_bottom: bool,
}

impl Setting {
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
                // A phone's own controls cover the lowest part of a portrait film.
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

/// Writes a text onto the canvas.
pub(in crate::media) fn write(canvas: &mut Canvas, text: &str, style: TextStyle, font: &Font) {
    let setting = Setting::of(style, canvas.size);
    let text: String = text.chars().take(MAX_CHARS).collect();
    let Some((size, lines)) = set(&text, &setting, font) else { return };
    let line_height = size * LINE_HEIGHT;
    let block = line_height * lines.len() as f32;
    let top =
        if setting.from_bottom { setting.anchor - block } else { setting.anchor - block / 2.0 };
    let widest = lines.iter().map(|line| font.width(line, size)).fold(0.0, f32::max);
    let blur = (size * 0.11).round().max(2.0) as usize;
    let mut stencil = Stencil::new(canvas, top, block, widest, 4 * blur);
    for (n, line) in lines.iter().enumerate() {
        let x = (canvas.width() as f32 - font.width(line, size)) / 2.0;
        // The letters' middle, not their box, on the line's middle: about a third above the base.
        let baseline = top + line_height * (n as f32 + 0.5) + size * 0.36;
        font.draw(line, size, (x, baseline), |x, y, cover| stencil.put(x, y, cover));
    }
    stencil.print(canvas, blur);
}

/// The lines of a text and their size: as large as the style asks, smaller only when there are
/// too many lines for their place.
fn set(text: &str, setting: &Setting, font: &Font) -> Option<(f32, Vec<String>)> {
    let words = words(text, font);
    if words.is_empty() {
        return None;
    }
    let mut size = setting.size;
    loop {
        let lines = balanced_lines(&words, setting.max_width, size, font);
        let fits = lines.len() as f32 * size * LINE_HEIGHT <= setting.max_height;
        if fits || size < 12.0 {
            return Some((size, lines));
        }
        size *= 0.92;
    }
}

/// A piece of text that no line break may cut, and what stands between it and the next.
struct Word {
    text: String,
    after: Joint,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    Space,
    Nothing,
    LineBreak,
}

/// The words, as the font draws them.
fn words(text: &str, font: &Font) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut current = String::new();
    let mut finish = |current: &mut String, after: Joint| {
        // Only now: what is drawn as a hyphen may be one that does not break.
        let text = font.drawable(&std::mem::take(current));
        if !text.is_empty() {
            words.push(Word { text, after });
        } else if let (Joint::LineBreak, Some(last)) = (after, words.last_mut()) {
            last.after = Joint::LineBreak;
        }
    };
    for c in text.trim().chars() {
        if c == '\n' {
            finish(&mut current, Joint::LineBreak);
        } else if c.is_whitespace() && c != '\u{a0}' {
            finish(&mut current, Joint::Space);
        } else if !c.is_control() {
            let wide = |before| breaks_between(before, c);
            if current.chars().next_back().is_some_and(wide) || breaks_after_hyphen(&current, c) {
                finish(&mut current, Joint::Nothing);
            }
            current.push(c);
        }
    }
    finish(&mut current, Joint::Nothing);
    words
}

/// As few lines as fit the width, then the narrowest width that needs no more: lines of much
/// the same length.
fn balanced_lines(words: &[Word], max_width: f32, size: f32, font: &Font) -> Vec<String> {
    let fewest = lines(words, max_width, size, font);
    let (mut narrow, mut wide) = (max_width / fewest.len() as f32 * 0.5, max_width);
    let mut best = fewest;
    for _ in 0..8 {
        let middle = (narrow + wide) / 2.0;
        let tried = lines(words, middle, size, font);
        if tried.len() <= best.len() && tried.iter().all(|line| font.width(line, size) <= middle) {
            best = tried;
            wide = middle;
        } else {
            narrow = middle;
        }
    }
    best
}

/// Fills line after line. A word wider than a line is cut.
fn lines(words: &[Word], max_width: f32, size: f32, font: &Font) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut joint = Joint::Nothing;
    for word in words {
        let space = if joint == Joint::Space { " " } else { "" };
        let longer = format!("{line}{space}{}", word.text);
        if !line.is_empty() && (joint == Joint::LineBreak || font.width(&longer, size) > max_width)
        {
            lines.push(std::mem::replace(&mut line, word.text.clone()));
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
        joint = word.after;
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// How much of each pixel the letters cover, for the part of the canvas that they are in.
struct Stencil {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    cover: Vec<u8>,
}

impl Stencil {
    /// Room for a centred block of text with a margin, clipped to the canvas. It begins and ends
    /// on even pixels, as colour does.
    fn new(canvas: &Canvas, top: f32, block: f32, widest: f32, margin: usize) -> Self {
        let even = |length: f32, limit: usize| (length.max(0.0) as usize).min(limit) & !1;
        let middle = canvas.width() as f32 / 2.0;
        let half = widest / 2.0 + margin as f32;
        let left = even(middle - half, canvas.width());
        let right = even(middle + half + 2.0, canvas.width());
        let top_edge = even(top - margin as f32, canvas.height());
        let bottom = even(top + block + margin as f32 + 2.0, canvas.height());
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

    /// Darkens the canvas around the letters, then prints them in white.
    fn print(&self, canvas: &mut Canvas, blur: usize) {
        let shadow = self.shadow(blur);
        let luma_width = canvas.width();
        for row in 0..self.height {
            let start = (self.top + row) * luma_width + self.left;
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
        let colour_width = luma_width / 2;
        for row in (0..self.height).step_by(2) {
            let start = (self.top + row) / 2 * colour_width + self.left / 2;
            for column in (0..self.width).step_by(2) {
                let at = row * self.width + column;
                let four = [at, at + 1, at + self.width, at + self.width + 1];
                let gone =
                    four.iter().map(|&at| u32::from(shadow[at].max(self.cover[at]))).sum::<u32>();
                if gone == 0 {
                    continue;
                }
                let keep = 1.0 - gone as f32 / 1020.0;
                for plane in [&mut canvas.u, &mut canvas.v] {
                    let value = &mut plane[start + column / 2];
                    *value = (128.0 + (f32::from(*value) - 128.0) * keep + 0.5) as u8;
                }
            }
        }
    }

    /// The letters blurred and made denser: dark close to them, nothing further out.
    fn shadow(&self, blur: usize) -> Vec<u8> {
        /// Near the letters the shadow keeps this much of its full dark.
        const DENSITY: f32 = 0.80;
        let mut mask = self.cover.clone();
        let mut turned = vec![0; mask.len()];
        // Two boxes in each direction make a bell.
        for _ in 0..2 {
            blur_rows(&mask, &mut turned, self.width, self.height, blur);
            blur_rows(&turned, &mut mask, self.height, self.width, blur);
        }
        for value in &mut mask {
            *value = ((f32::from(*value) * 2.6).min(255.0) * DENSITY) as u8;
        }
        mask
    }
}

/// A box blur along the rows, written turned by 90°, so that a second pass does the columns.
fn blur_rows(from: &[u8], to: &mut [u8], width: usize, height: usize, radius: usize) {
    let scale = 1.0 / (2 * radius + 1) as f32;
    for row in 0..height {
        let line = &from[row * width..][..width];
        let mut sum: u32 = line.iter().take(radius).map(|&v| u32::from(v)).sum();
        for x in 0..width {
            sum += line.get(x + radius).map_or(0, |&v| u32::from(v));
            to[x * height + row] = (sum as f32 * scale) as u8;
            sum -= x.checked_sub(radius).map_or(0, |x| u32::from(line[x]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [FrameSize; 3] = [FrameSize::LANDSCAPE, FrameSize::PORTRAIT, FrameSize::SQUARE];
    const CAPTION: &str =
        "When the siege of Vienna ended, the story goes, the fleeing army left behind";

    /// The rows and columns that a text changed, first and last.
    fn touched(size: FrameSize, text: &str, style: TextStyle) -> Option<[f32; 4]> {
        let mut canvas = Canvas::new(size);
        canvas.y.fill(120);
        write(&mut canvas, text, style, &Font::default());
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
            assert!((left + right - 1.0).abs() < 0.02, "centred: {left} {right}");
        }
    }

    #[test]
    fn lines_are_of_much_the_same_length() {
        let font = Font::default();
        let setting = Setting::of(TextStyle::Caption, FrameSize::LANDSCAPE);
        let (size, lines) = set(CAPTION, &setting, &font).unwrap();
        assert_eq!(lines.len(), 2);
        let widths: Vec<f32> = lines.iter().map(|line| font.width(line, size)).collect();
        assert!((widths[0] / widths[1]).ln().abs() < 0.25, "{lines:?}");
    }

    #[test]
    fn a_long_text_gets_smaller_rather_than_leaving_its_place() {
        for style in [TextStyle::Caption, TextStyle::Title] {
            for size in SHAPES {
                let [left, right, top, bottom] = touched(size, &CAPTION.repeat(8), style).unwrap();
                assert!(left > 0.04 && right < 0.96 && top > 0.05 && bottom < 0.95, "{size:?}");
            }
        }
    }

    #[test]
    fn line_breaks_are_kept_and_endless_words_cut() {
        let font = Font::default();
        let split = |text: &str| lines(&words(text, &font), 500.0, 50.0, &font);
        assert_eq!(split("Morning\nBrew"), ["Morning", "Brew"]);
        assert_eq!(split("a \n b"), ["a", "b"]);
        let cut = split(&"m".repeat(100));
        assert_eq!(cut.concat(), "m".repeat(100));
        assert!(cut.iter().all(|line| font.width(line, 50.0) <= 500.0));
    }

    #[test]
    fn a_long_word_breaks_after_its_hyphens() {
        let font = Font::default();
        let split = |text: &str| lines(&words(text, &font), 500.0, 50.0, &font);
        assert_eq!(
            split("Extraordinarily-hyphenated-compounds"),
            ["Extraordinarily-", "hyphenated-", "compounds"]
        );
        // A hyphen that must not break is cut like any other word, and only there.
        let kept = split("Extraordinarily\u{2011}hyphenated\u{2011}compounds");
        assert_eq!(kept.concat(), "Extraordinarily-hyphenated-compounds");
        assert!(!kept[0].ends_with('-'), "{kept:?}");
        assert_eq!(words("in 2020-2021 by e-mail at -5 °C", &font).len(), 7);
    }

    #[test]
    fn nothing_to_write_changes_nothing() {
        for text in ["", " \n ", "🎉", "\u{200d}\u{2060}\u{fe0f}"] {
            assert_eq!(touched(FrameSize::SQUARE, text, TextStyle::Title), None);
        }
    }
}
