//! The timeline drawn: tracks as rows, segments to scale, times on an axis. As SVG for a page,
//! as text for a terminal.
//!
//! | file | holds |
//! |---|---|
//! | `rows` | what is drawn where, in whole cells: pixels or columns |
//! | `axis` | which times are worth a mark |
//! | `columns` | how much room text takes |
//! | `svg` | the rows as SVG |
//! | `text` | the rows as text |

mod axis;
mod columns;
mod rows;
mod svg;
mod text;

use std::ops::RangeInclusive;

use super::language::Language;
use super::model::Draft;

/// How wide a picture is that nobody chose a width for, in pixels.
const WIDTH: u32 = 960;
/// No narrower, where there is no telling anything, and no wider than any screen.
const WIDTHS: RangeInclusive<u32> = 320..=8192;

impl Draft {
    /// The timeline as an SVG picture, complete in itself: no script, no font, no link. However
    /// large the draft is, it stays small: neighbours too small to see are drawn as one, with their
    /// number. A small one beside a long one keeps a mark of its own.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, PictureStyle, Theme};
    ///
    /// let draft: Draft = r#"{"t":[{"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"m":{"text":"Salt & Pepper"}}]}]}"#.parse()?;
    /// let svg = draft.to_svg(&PictureStyle::default().theme(Theme::Dark));
    /// assert!(svg.starts_with("<svg ") && svg.contains("Salt &amp; Pepper"));
    /// # Ok::<(), nemovideo::draft::ParseError>(())
    /// ```
    #[must_use]
    pub fn to_svg(&self, style: &PictureStyle) -> String {
        svg::draw(self, style)
    }

    /// The timeline as text for a terminal, no line wider than `width` columns (at least 40).
    /// Chinese and emoji count as the two columns that they take.
    ///
    /// ```
    /// let draft: nemovideo::draft::Draft = r#"{"d":10000,"t":[
    ///     {"tt":1,"m":{"role":"music"},"sg":[{"d":10000,"m":{"name":"calm.mp3","volume":0.2}}]},
    ///     {"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"m":{"text":"Hello"}}]}]}"#.parse()?;
    /// assert_eq!(
    ///     draft.to_text(60),
    ///     "            0s        2s       4s        6s       8s     10s\n\
    ///      Music 20 %  ┣ calm.mp3 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫\n\
    ///      Title       ┣ Hello ━━━━━┫\n"
    /// );
    /// # Ok::<(), nemovideo::draft::ParseError>(())
    /// ```
    #[must_use]
    pub fn to_text(&self, width: usize) -> String {
        self.to_text_in(width, Language::default())
    }

    /// As [`to_text`](Self::to_text), with what is not the draft's own in the language of the
    /// reader.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, Language};
    ///
    /// let draft: Draft = r#"{"d":10000,"t":[
    ///     {"tt":1,"m":{"role":"music"},"sg":[{"d":10000,"m":{"name":"calm.mp3","volume":0.2}}]},
    ///     {"tt":7,"m":{"role":"title"},"sg":[]}]}"#.parse()?;
    /// assert_eq!(
    ///     draft.to_text_in(60, Language::Chinese),
    ///     "          0s        2s        4s        6s        8s     10s\n\
    ///      音乐 20%  ┣ calm.mp3 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫\n\
    ///      标题      （空）\n"
    /// );
    /// # Ok::<(), nemovideo::draft::ParseError>(())
    /// ```
    #[must_use]
    pub fn to_text_in(&self, width: usize, language: Language) -> String {
        text::draw(self, width, language)
    }
}

/// How a picture of the timeline looks.
///
/// ```
/// use nemovideo::draft::{Draft, Language, PictureStyle, Theme};
///
/// let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse()?;
/// let style = PictureStyle::default().width(640).theme(Theme::Dark).language(Language::Chinese);
/// assert!(draft.to_svg(&style).contains(r#"width="640""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureStyle {
    width: u32,
    theme: Theme,
    language: Language,
}

impl PictureStyle {
    /// So many pixels wide: 960 unless set, and from 320 to 8192.
    #[must_use]
    pub fn width(mut self, width: u32) -> Self {
        self.width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
        self
    }

    /// Light, dark, or as the reader's system is, which is what it does unless set.
    #[must_use]
    pub fn theme(mut self, theme: Theme) -> Self {
        self.theme = theme;
        self
    }

    /// The language of what is not the draft's own; English unless set.
    #[must_use]
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }
}

impl Default for PictureStyle {
    fn default() -> Self {
        Self { width: WIDTH, theme: Theme::default(), language: Language::default() }
    }
}

/// The colours of a picture.
///
/// ```
/// use nemovideo::draft::{Draft, PictureStyle, Theme};
///
/// let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse()?;
/// let draw = |theme| draft.to_svg(&PictureStyle::default().theme(theme));
/// assert!(draw(Theme::Auto).contains("prefers-color-scheme")); // the page's reader decides
/// assert!(!draw(Theme::Dark).contains("prefers-color-scheme")); // for a page that is always dark
/// assert_eq!(draft.to_svg(&PictureStyle::default()), draw(Theme::Auto));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Theme {
    /// As the reader's system is set (`prefers-color-scheme`).
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}
