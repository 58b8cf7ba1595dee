//! The shape of the picture. It is part of the film, and so at home in the draft, which knows
//! nobody; a render that asks for another shape says it in the same words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The shape of the picture, up to 1080 × 1920 as documented.
///
/// ```
/// use nemovideo::Aspect;
///
/// assert_eq!(Aspect::Portrait.ratio(), "9:16");
/// assert_eq!(Aspect::Portrait.size(), (1080, 1920));
/// assert_eq!(Aspect::default(), Aspect::Landscape);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Aspect {
    /// 16:9, 1920 × 1080.
    #[default]
    #[serde(rename = "16:9", alias = "landscape")]
    Landscape,
    /// 9:16, 1080 × 1920.
    #[serde(rename = "9:16", alias = "portrait")]
    Portrait,
    /// 1:1, 1080 × 1080.
    #[serde(rename = "1:1", alias = "square")]
    Square,
}

impl Aspect {
    /// The ratio as text, `16:9`.
    #[must_use]
    pub const fn ratio(self) -> &'static str {
        match self {
            Self::Landscape => "16:9",
            Self::Portrait => "9:16",
            Self::Square => "1:1",
        }
    }

    /// The shape that a draft names, by its ratio or by its word.
    pub(super) fn read(word: &str) -> Option<Self> {
        match word {
            "16:9" | "landscape" => Some(Self::Landscape),
            "9:16" | "portrait" => Some(Self::Portrait),
            "1:1" | "square" => Some(Self::Square),
            _ => None,
        }
    }

    /// The shape as a word, `landscape`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Landscape => "landscape",
            Self::Portrait => "portrait",
            Self::Square => "square",
        }
    }

    /// The shape whose width is so many times its height, or so near that a picture of even
    /// pixels cannot be nearer.
    pub(super) fn of_ratio(ratio: f64) -> Option<Self> {
        [Self::Landscape, Self::Portrait, Self::Square].into_iter().find(|aspect| {
            let (width, height) = aspect.size();
            (ratio * f64::from(height) / f64::from(width) - 1.0).abs() < 0.01
        })
    }

    /// Width and height in pixels.
    #[must_use]
    pub const fn size(self) -> (u32, u32) {
        match self {
            Self::Landscape => (1920, 1080),
            Self::Portrait => (1080, 1920),
            Self::Square => (1080, 1080),
        }
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ratio())
    }
}
