//! The aspect ratio of the video, as a type and as a draft states it. Neither the key nor the form
//! is documented: a ratio (`16:9`, `1.78`), a word (`portrait`), a size (`1920x1080`, or a width
//! and a height), on its own or in an object. All of these are read, and each is rewritten in its
//! own form, so that a draft never states two aspect ratios.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::json::{Json, Object, ParseError};
use super::keys::{self, ASPECT, HEIGHT, METADATA, SIZE, WIDTH};

/// The aspect ratio of a video, rendered at up to 1920 × 1080.
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
    const ALL: [Self; 3] = [Self::Landscape, Self::Portrait, Self::Square];

    /// Returns the ratio as text: `16:9`.
    #[must_use]
    pub const fn ratio(self) -> &'static str {
        self.properties().0
    }

    /// Returns the width and height in pixels.
    #[must_use]
    pub const fn size(self) -> (u32, u32) {
        self.properties().2
    }

    const fn word(self) -> &'static str {
        self.properties().1
    }

    const fn properties(self) -> (&'static str, &'static str, (u32, u32)) {
        match self {
            Self::Landscape => ("16:9", "landscape", (1920, 1080)),
            Self::Portrait => ("9:16", "portrait", (1080, 1920)),
            Self::Square => ("1:1", "square", (1080, 1080)),
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aspect| word == aspect.ratio() || word == aspect.word())
    }

    /// Returns the aspect ratio with this quotient of width and height, within what rounding to
    /// even pixels can make of it.
    fn of_quotient(quotient: f64) -> Option<Self> {
        Self::ALL.into_iter().find(|aspect| {
            let (width, height) = aspect.size();
            (quotient * f64::from(height) / f64::from(width) - 1.0).abs() < 0.01
        })
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ratio())
    }
}

/// Parses a ratio (`16:9`, `9x16`), a word (`landscape`, `vertical`) or a size (`1920x1080`), in any
/// case. A ratio that no video is rendered at, such as `4:3`, is an error that lists those it can be.
///
/// ```
/// use nemovideo::Aspect;
///
/// assert_eq!("9:16".parse(), Ok(Aspect::Portrait));
/// let error = "4:3".parse::<Aspect>().unwrap_err().to_string();
/// assert!(error.contains("16:9") && error.contains("9:16") && error.contains("1:1"), "{error}");
/// ```
impl FromStr for Aspect {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let plain = text.trim().to_lowercase().replace('：', ":");
        let word = match plain.as_str() {
            "horizontal" | "widescreen" => Some(Self::Landscape),
            "vertical" => Some(Self::Portrait),
            plain => Shape::Text(plain).aspect(),
        };
        word.ok_or_else(|| ParseError::UnknownAspect(text.to_owned()))
    }
}

/// Returns the aspect ratio as the draft writes it; a size as `1920×1080`.
pub(crate) fn stated(draft: &Json) -> Option<String> {
    find(draft).map(|shape| match shape {
        Shape::Text(text) => text.to_owned(),
        Shape::Quotient(quotient) => quotient.to_string(),
        Shape::Size(width, height) => format!("{width}×{height}"),
    })
}

/// Returns the aspect ratio, when it is a known one.
pub(crate) fn aspect(draft: &Json) -> Option<Aspect> {
    find(draft)?.aspect()
}

/// Whether two values are equal except for the aspect ratios that they state.
pub(crate) fn differ_only_in_shape(older: Option<&Json>, newer: Option<&Json>) -> bool {
    match (older.and_then(Json::as_object), newer.and_then(Json::as_object)) {
        (Some(older), Some(newer)) => {
            let is_other = |key: &str| ![ASPECT, SIZE, WIDTH, HEIGHT].concat().contains(&key);
            let (older, newer) = (older.iter(), newer.iter());
            older.filter(|(key, _)| is_other(key)).eq(newer.filter(|(key, _)| is_other(key)))
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape<'j> {
    Text(&'j str),
    Quotient(f64),
    Size(f64, f64),
}

impl Shape<'_> {
    fn aspect(self) -> Option<Aspect> {
        match self {
            Self::Text(text) => Aspect::read(text).or_else(|| {
                let (width, _, height) = parse_size(text)?;
                Aspect::of_quotient(width / height)
            }),
            Self::Quotient(quotient) => Aspect::of_quotient(quotient),
            Self::Size(width, height) => Aspect::of_quotient(width / height),
        }
    }
}

/// A named aspect ratio takes precedence over a size in pixels.
fn find(draft: &Json) -> Option<Shape<'_>> {
    let parents = [Some(draft), draft.get(METADATA)].into_iter().flatten();
    parents.clone().find_map(find_named).or_else(|| parents.clone().find_map(find_size))
}

fn find_named(parent: &Json) -> Option<Shape<'_>> {
    ASPECT.iter().filter_map(|key| parent.get(key)).find_map(|value| {
        if value.as_object().is_some() {
            find_named(value).or_else(|| find_size(value))
        } else if value.as_number_str().is_some() {
            quotient(value).map(Shape::Quotient)
        } else {
            keys::text(value).map(Shape::Text)
        }
    })
}

fn find_size(parent: &Json) -> Option<Shape<'_>> {
    let side = |keys: &[&str]| keys.iter().filter_map(|key| parent.get(key)).find_map(side);
    let sides = side(WIDTH).zip(side(HEIGHT)).map(|(width, height)| Shape::Size(width, height));
    sides.or_else(|| {
        SIZE.iter().filter_map(|key| parent.get(key)).find_map(|value| {
            if value.as_object().is_some() {
                return find_size(value);
            }
            keys::text(value).filter(|text| parse_size(text).is_some()).map(Shape::Text)
        })
    })
}

fn quotient(json: &Json) -> Option<f64> {
    keys::number(json).filter(|quotient| (0.1..10.0).contains(quotient))
}

fn side(json: &Json) -> Option<f64> {
    keys::number(json).filter(|side| *side >= 1.0)
}

/// Parses `1920x1080` or `16:9` into its numbers and the separator.
fn parse_size(text: &str) -> Option<(f64, char, f64)> {
    let (at, separator) = text.char_indices().find(|(_, c)| "xX×*:/".contains(*c))?;
    let number = |text: &str| text.trim().parse().ok().filter(|side: &f64| *side >= 1.0);
    let (width, height) = (&text[..at], &text[at + separator.len_utf8()..]);
    Some((number(width)?, separator, number(height)?))
}

/// Changes the aspect ratio wherever the draft states one. Returns whether it states one anywhere,
/// be it in an unknown form, which stays.
pub(crate) fn reshape(draft: &mut Json, aspect: Aspect) -> bool {
    let Some(object) = draft.as_object_mut() else { return false };
    let is_stated = reshape_object(object, aspect);
    let metadata = object.get_mut(METADATA).and_then(Json::as_object_mut);
    metadata.is_some_and(|metadata| reshape_object(metadata, aspect)) || is_stated
}

fn reshape_object(parent: &mut Object, aspect: Aspect) -> bool {
    let is_named = reshape_named(parent, aspect);
    reshape_size(parent, aspect) || is_named
}

fn reshape_named(parent: &mut Object, aspect: Aspect) -> bool {
    let mut is_stated = false;
    for key in ASPECT {
        let Some(value) = parent.get_mut(key).filter(|value| !value.is_null()) else { continue };
        is_stated = true;
        if let Some(object) = value.as_object_mut() {
            reshape_object(object, aspect);
        } else if let Some(text) = keys::text(value) {
            if Shape::Text(text).aspect() != Some(aspect) {
                *value = in_form_of(text, aspect).into();
            }
        } else if value.as_number_str().is_some()
            && let Some(quotient) = quotient(value)
            && Aspect::of_quotient(quotient) != Some(aspect)
        {
            let (width, height) = aspect.size();
            *value = (f64::from(width) / f64::from(height)).into();
        }
    }
    is_stated
}

fn reshape_size(parent: &mut Object, aspect: Aspect) -> bool {
    let mut is_stated = false;
    for key in SIZE {
        let Some(value) = parent.get_mut(key) else { continue };
        if let Some(object) = value.as_object_mut() {
            is_stated |= reshape_size(object, aspect);
        } else if let Some(text) = keys::text(value)
            && let Some((width, _, height)) = parse_size(text)
        {
            is_stated = true;
            if Aspect::of_quotient(width / height) != Some(aspect) {
                *value = in_form_of(text, aspect).into();
            }
        }
    }
    let find = |keys: &[&'static str]| {
        keys.iter().copied().find_map(|key| Some((key, parent.get(key).and_then(side)?)))
    };
    let (Some((width_key, width)), Some((height_key, height))) = (find(WIDTH), find(HEIGHT)) else {
        return is_stated;
    };
    if Aspect::of_quotient(width / height) != Some(aspect) {
        let (width, height) = resized((width, height), aspect);
        for (key, side) in [(width_key, width), (height_key, height)] {
            let Some(value) = parent.get_mut(key) else { continue };
            *value = if value.as_str().is_some() { side.to_string().into() } else { side.into() };
        }
    }
    true
}

/// Returns the size with another aspect ratio and an equal shorter side.
fn resized((width, height): (f64, f64), aspect: Aspect) -> (u64, u64) {
    let (of_width, of_height) = aspect.size();
    let short = width.min(height).round();
    let factor = f64::from(of_width.max(of_height)) / f64::from(of_width.min(of_height));
    // Encoders require even numbers. The casts saturate.
    let (short, long) = (short as u64, ((short * factor / 2.0).round() * 2.0) as u64);
    match aspect {
        Aspect::Square => (short, short),
        Aspect::Landscape => (long, short),
        Aspect::Portrait => (short, long),
    }
}

fn in_form_of(text: &str, aspect: Aspect) -> String {
    match parse_size(text) {
        Some((width, separator, height)) if !":/".contains(separator) => {
            let (width, height) = resized((width, height), aspect);
            format!("{width}{separator}{height}")
        }
        _ if text.chars().all(char::is_alphabetic) && Aspect::read(text).is_some() => {
            aspect.word().to_owned()
        }
        _ => aspect.ratio().to_owned(),
    }
}
