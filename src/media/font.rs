//! Fonts: Noto Sans, and optionally a font of the caller in front of it. Breaking text into lines
//! is left to [`canvas`](super::canvas).

use std::fmt;
use std::fs;
use std::path::Path;

use ab_glyph::{Font as _, FontArc, FontVec, GlyphId, PxScale, ScaleFont as _};
use icu_normalizer::ComposingNormalizerBorrowed;

use super::MediaError;
use super::characters::{is_emoji, is_invisible};

/// A font, with Noto Sans for the characters that it lacks. Cheap to clone.
///
/// Glyphs are placed one after the other. This suits Latin, Greek, Cyrillic, Chinese, Japanese and
/// Korean, but not scripts that need shaping, such as Arabic or Hindi.
#[derive(Clone)]
pub struct Font {
    /// Faces in the order in which they are searched for a glyph.
    faces: Vec<FontArc>,
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
        Self::from_bytes(bytes)
    }

    /// Parses the content of a TTF or OTF file.
    ///
    /// # Errors
    /// [`MediaError::Font`] when the content is not a font.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, MediaError> {
        let font = FontVec::try_from_vec_and_index(bytes, 0)
            .map_err(|error| MediaError::Font(error.to_string()))?;
        let mut faces = vec![FontArc::new(font)];
        faces.extend(Self::default().faces);
        Ok(Self { faces })
    }

    /// Returns the characters of a text that cannot be drawn, in order and without duplicates.
    ///
    /// Emoji are not among them: a text is drawn without those that the font lacks. Neither are
    /// characters with a compatible replacement: `H₂O` is drawn as `H2O`, `20 ℃` as `20 °C`.
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

    /// Returns a text as it is drawn: without invisible characters and without the emoji that the
    /// font lacks, and with replacements for other characters that it lacks.
    pub(crate) fn drawable(&self, text: &str) -> String {
        // Fonts have glyphs for composed letters.
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize_iter(text.chars());
        let mut drawable = String::with_capacity(text.len());
        for c in composed.filter(|&c| !is_invisible(c)) {
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
        self.faces.iter().any(|face| face.glyph_id(c) != GlyphId(0))
    }

    /// Returns the face that draws a character, and the glyph in it.
    fn glyph(&self, c: char) -> (&FontArc, GlyphId) {
        let found = self
            .faces
            .iter()
            .map(|face| (face, face.glyph_id(c)))
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
        let mut before: Option<(*const FontArc, GlyphId)> = None;
        line.chars().map(move |c| {
            let (face, id) = self.glyph(c);
            let scaled = face.as_scaled(px_scale(face, size));
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
            let position = ab_glyph::point(origin.0 + start, origin.1);
            let glyph = id.with_scale_and_position(px_scale(face, size), position);
            if let Some(outline) = face.outline_glyph(glyph) {
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

/// Converts an em size to the scale of the library, which is based on the line height and differs
/// between fonts.
fn px_scale(face: &FontArc, size: f32) -> PxScale {
    let em = face.units_per_em().unwrap_or(1000.0);
    PxScale::from(size * face.height_unscaled() / em)
}

impl Default for Font {
    /// Returns Noto Sans Bold: Latin, Greek and Cyrillic.
    fn default() -> Self {
        let built_in = FontArc::try_from_slice(notosans::BOLD_TTF);
        #[allow(clippy::expect_used)] // Data of a dependency, covered by tests.
        let face = built_in.expect("the built-in font is a font");
        Self { faces: vec![face] }
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
        assert_eq!(font.drawable("👩\u{200d}🚀 ok ✔\u{fe0f}"), " ok ");
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
        assert!(matches!(Font::from_bytes(vec![1, 2, 3]), Err(MediaError::Font(_))));
        assert!(matches!(Font::from_file("/no/such/font.ttf"), Err(MediaError::Io { .. })));
    }
}
