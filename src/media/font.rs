//! Fonts: Noto Sans, Noto Emoji, and optionally a font of the caller in front of them. Breaking text
//! into lines is left to [`layout`](super::layout).

use std::fmt;
use std::fs;
use std::path::Path;

use ab_glyph::{Font as _, FontArc, FontVec, GlyphId, PxScale, ScaleFont as _};
use icu_normalizer::ComposingNormalizerBorrowed;

use super::MediaError;
use super::characters::{is_emoji, is_emoji_modifier, is_invisible};

/// A font, with Noto Sans and Noto Emoji for the characters that it lacks. Cheap to clone.
///
/// Glyphs are placed one after the other. This suits Latin, Greek, Cyrillic, Chinese, Japanese and
/// Korean, but not scripts that need shaping, such as Arabic or Hindi. Emoji are drawn in the color
/// of the text: those that are combined into one, such as a family, one after the other, and without
/// the color of their skin.
#[derive(Clone)]
pub struct Font {
    /// Faces in the order in which they are searched for a glyph.
    faces: Vec<Face>,
}

#[derive(Clone)]
struct Face {
    font: FontArc,
    /// Size of the glyphs in relation to that of the text.
    scale: f32,
    /// How far the glyphs are raised above the baseline, in ems of the text.
    rise: f32,
}

impl Face {
    const fn new(font: FontArc) -> Self {
        Self { font, scale: 1.0, rise: 0.0 }
    }

    /// Converts an em size to the scale of the library, which is based on the line height and differs
    /// between fonts.
    fn px_scale(&self, size: f32) -> PxScale {
        let em = self.font.units_per_em().unwrap_or(1000.0);
        PxScale::from(size * self.scale * self.font.height_unscaled() / em)
    }
}

impl Font {
    /// Reads a TTF or OTF file, or the first font of a collection.
    ///
    /// # Errors
    /// [`MediaError::Io`] when the file cannot be read, [`MediaError::Font`] when it is not a font.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, MediaError> {
        let path = path.as_ref();
        let bytes =
            fs::read(path).map_err(MediaError::io(format!("read the font {}", path.display())))?;
        Self::from_bytes(bytes).map_err(|error| match error {
            MediaError::Font(why) => MediaError::Font(format!("{}: {why}", path.display())),
            other => other,
        })
    }

    /// Parses the content of a TTF or OTF file.
    ///
    /// # Errors
    /// [`MediaError::Font`] when the content is not a font.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, MediaError> {
        let bytes_start = bytes[..bytes.len().min(4)].to_vec();
        let font = FontVec::try_from_vec_and_index(bytes, 0)
            .map_err(|_| MediaError::Font(why_not(&bytes_start).to_owned()))?;
        let has_outline = |c: char| font.outline(font.glyph_id(c)).is_some();
        if !['a', '0', '中'].into_iter().any(has_outline)
            && !font.codepoint_ids().any(|(id, _)| font.outline(id).is_some())
        {
            let error = "it has images of its characters rather than their outlines";
            return Err(MediaError::Font(error.to_owned()));
        }
        let mut faces = vec![Face::new(FontArc::new(font))];
        faces.extend(Self::default().faces);
        Ok(Self { faces })
    }

    /// Returns the characters of a text that cannot be drawn, in order and without duplicates.
    ///
    /// Emoji are not among them: a text is drawn without those that the font lacks, which are those
    /// of [`Timeline::undrawn`](super::Timeline::undrawn). Neither are characters with a compatible
    /// replacement: `H₂O` is drawn as `H2O`, `20 ℃` as `20 °C`.
    ///
    /// ```
    /// use nemovideo::media::Font;
    ///
    /// assert!(Font::default().missing("Grüße, Ωραία, Привет 😀").is_empty());
    /// assert_eq!(Font::default().missing("早安"), ['早', '安']);
    /// ```
    #[must_use]
    pub fn missing(&self, text: &str) -> Vec<char> {
        let mut missing = Vec::new();
        for c in self.drawable(text).chars() {
            let drawn = c.is_whitespace() || c.is_control() || self.has(c);
            if !drawn && !missing.contains(&c) {
                missing.push(c);
            }
        }
        missing
    }

    /// Returns the emoji and signs that a text is drawn without, each once.
    pub(crate) fn undrawn(&self, text: &str) -> Vec<String> {
        let mut undrawn: Vec<String> = Vec::new();
        for c in text.chars().filter(|&c| is_emoji(c) && !is_emoji_modifier(c)) {
            let is_drawn = is_invisible(c) || self.has(c) || self.replacement(c).is_some();
            if !is_drawn && !undrawn.iter().any(|part| part.starts_with(c)) {
                undrawn.push(c.to_string());
            }
        }
        undrawn
    }

    /// Returns a text as it is drawn: without invisible characters and without the emoji that the
    /// font lacks, and with replacements for other characters that it lacks.
    pub(crate) fn drawable(&self, text: &str) -> String {
        // Fonts have glyphs for composed letters.
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize_iter(text.chars());
        let mut drawable = String::with_capacity(text.len());
        for c in composed.filter(|&c| !is_invisible(c) && !is_emoji_modifier(c)) {
            if c.is_whitespace() || c.is_control() || self.has(c) {
                drawable.push(c);
            } else if let Some(plain) = self.replacement(c) {
                drawable.push_str(&plain);
            } else if !is_emoji(c) {
                drawable.push(c);
            }
        }
        drawable
    }

    /// Returns a compatible replacement, according to Unicode, in characters that the font has.
    fn replacement(&self, c: char) -> Option<String> {
        let compatible = ComposingNormalizerBorrowed::new_nfkc().normalize_iter(std::iter::once(c));
        let plain: String = compatible.map(|c| if self.has(c) { c } else { similar(c) }).collect();
        let drawable = plain.chars().all(|c| c == ' ' || self.has(c));
        if drawable { Some(plain) } else { currency_code(c).map(str::to_owned) }
    }

    fn has(&self, c: char) -> bool {
        self.faces.iter().any(|face| face.font.glyph_id(c) != GlyphId(0))
    }

    /// Returns the face that draws a character, and the glyph in it.
    fn glyph(&self, c: char) -> (&Face, GlyphId) {
        let found = self
            .faces
            .iter()
            .map(|face| (face, face.font.glyph_id(c)))
            .find(|(_, id)| *id != GlyphId(0));
        found.unwrap_or((&self.faces[0], GlyphId(0)))
    }

    /// Returns the width of a line in pixels.
    pub(crate) fn width(&self, line: &str, size: f32) -> f32 {
        self.positions(line, size).last().map_or(0.0, |(_, _, end)| end)
    }

    /// Returns each character of a line with its start and end position.
    fn positions(&self, line: &str, size: f32) -> impl Iterator<Item = (char, f32, f32)> {
        let mut at = 0.0;
        let mut before: Option<(*const Face, GlyphId)> = None;
        line.chars().map(move |c| {
            let (face, id) = self.glyph(c);
            let scaled = face.font.as_scaled(face.px_scale(size));
            if let Some((same, previous)) = before
                && std::ptr::eq(same, face)
            {
                at += scaled.kern(previous, id);
            }
            before = Some((std::ptr::from_ref(face), id));
            let start = at;
            at += scaled.h_advance(id);
            (c, start, at)
        })
    }

    /// Draws a line whose baseline starts at `origin`; `put` receives x, y and the coverage of
    /// that pixel, 0.0 to 1.0.
    pub(crate) fn draw(
        &self,
        line: &str,
        size: f32,
        origin: (f32, f32),
        mut put: impl FnMut(i32, i32, f32),
    ) {
        for (c, start, _) in self.positions(line, size) {
            let (face, id) = self.glyph(c);
            let position = ab_glyph::point(origin.0 + start, origin.1 - face.rise * size);
            let glyph = id.with_scale_and_position(face.px_scale(size), position);
            if let Some(outline) = face.font.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                outline.draw(|x, y, cover| {
                    put(corner.x as i32 + x as i32, corner.y as i32 + y as i32, cover)
                });
            }
        }
    }
}

/// Returns a similar character where Unicode defines no compatible one.
const fn similar(c: char) -> char {
    match c {
        '\u{2010}' => '-',
        '‣' => '•',
        '⇒' => '→',
        '⋅' => '·',
        other => other,
    }
}

/// Returns the code of a currency whose sign few fonts have.
const fn currency_code(c: char) -> Option<&'static str> {
    match c {
        '₿' => Some("BTC"),
        '₽' => Some("RUB"),
        '₪' => Some("ILS"),
        _ => None,
    }
}

/// Says what a file that is no TTF and no OTF is, by its first bytes.
fn why_not(start: &[u8]) -> &'static str {
    match start {
        [] => "the file is empty",
        b"wOFF" | b"wOF2" => "it is a font for web pages (WOFF): convert it first",
        [0, 1, 0, 0] | b"OTTO" | b"true" | b"ttcf" => "the font in it is damaged",
        _ => "there is no font in it",
    }
}

impl Default for Font {
    /// Returns Noto Sans Bold, for Latin, Greek and Cyrillic, and Noto Emoji.
    fn default() -> Self {
        #[allow(clippy::expect_used)] // Data of a dependency, covered by tests.
        let face = |bytes: &'static [u8]| {
            FontArc::try_from_slice(bytes).expect("the built-in font is a font")
        };
        let letters = Face::new(face(notosans::BOLD_TTF));
        // Each as wide as a full-width character, and as high above as below the middle of a capital.
        let font = face(epaint_default_fonts::NOTO_EMOJI_REGULAR);
        let emoji = Face { font, scale: 0.8, rise: 0.03 };
        Self { faces: vec![letters, emoji] }
    }
}

impl fmt::Debug for Font {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Font").field("faces", &self.faces.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_font_covers_the_spoken_languages_and_reports_missing_characters() {
        let font = Font::default();
        let spoken = "The quick—“brown” fox… äöüß ñ¿¡ éèêçœ àìòù €£ № 1½ ° © ™";
        assert!(font.missing(spoken).is_empty());
        assert_eq!(font.missing("a咖b啡c咖🎉"), ['咖', '啡']);
    }

    #[test]
    fn emoji_are_drawn_and_those_without_a_glyph_are_known() {
        let font = Font::default();
        let text = "Hello 🎉 world 👍🏽 👨\u{200d}👩\u{200d}👧 🇩🇪 ❤\u{fe0f} 1\u{fe0f}\u{20e3}";
        assert_eq!(font.drawable(text), "Hello 🎉 world 👍 👨👩👧 🇩🇪 ❤ 1");
        assert!(font.undrawn(text).is_empty());
        assert!(font.missing(text).is_empty());
        assert_eq!(font.undrawn("🥺🫂 a 🥺 ⎋ ₂"), ["🥺", "🫂", "⎋"]);
        // As wide as a Chinese character, for which the layout of captions counts them.
        for emoji in ["🎉", "👍", "😀", "🚀"] {
            let width = font.width(emoji, 100.0);
            assert!((95.0..=105.0).contains(&width), "{emoji} {width}");
        }
    }

    #[test]
    fn missing_characters_are_drawn_with_replacements() {
        let font = Font::default();
        for (text, drawn) in [
            ("well\u{2011}known", "well-known"),
            ("H₂O", "H2O"),
            ("20 ℃", "20 °C"),
            ("Ⅳ", "IV"),
            ("5 ₿", "5 BTC"),
            ("Ｂｒｅｗ！", "Brew!"),
            ("① ㎡", "1 m2"),
            ("e\u{301}te\u{301}", "été"),
            ("№ 1½ ™", "№ 1½ ™"),
        ] {
            assert_eq!(font.drawable(text), drawn);
            assert!(font.missing(text).is_empty(), "{text}");
        }
        assert_eq!(font.missing("早\u{2011}安 ₂"), ['早', '安']);
    }

    #[test]
    fn invisible_characters_are_not_drawn() {
        let invisible = "\u{ad}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202e}\u{2060}\
                         \u{2066}\u{2069}\u{feff}\u{fe0e}\u{fe0f}\u{e0101}";
        let font = Font::default();
        for c in invisible.chars() {
            assert_eq!(font.drawable(&format!("a{c}b")), "ab", "{c:?}");
        }
        assert_eq!(font.drawable("👩\u{200d}🚀 ok ✔\u{fe0f}"), "👩🚀 ok ✔");
    }

    #[test]
    fn a_custom_font_precedes_the_built_in_one() {
        let font = Font::from_bytes(notosans::REGULAR_TTF.to_vec()).unwrap();
        let thin = font.width("Hello", 100.0);
        let bold = Font::default().width("Hello", 100.0);
        assert!(thin < bold && thin > 200.0, "{thin} {bold}");
        assert!(font.missing("Hello").is_empty());
    }

    #[test]
    fn an_invalid_font_is_an_error() {
        for (bytes, why) in [
            (&b""[..], "is empty"),
            (b"\x01\x02\x03", "there is no font"),
            (b"wOF2\0\x01\0\0", "WOFF"),
            (b"OTTO\0", "damaged"),
        ] {
            let error = Font::from_bytes(bytes.to_vec()).unwrap_err();
            assert!(matches!(&error, MediaError::Font(it) if it.contains(why)), "{error}");
        }
        assert!(matches!(Font::from_file("/no/such/font.ttf"), Err(MediaError::Io { .. })));
    }
}
