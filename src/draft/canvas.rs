//! The shape of the picture as a draft tells it. Neither the key nor the form is documented: a
//! ratio (`16:9`, `1.78`), a word (`portrait`), a size (`1920x1080`, or a width and a height), on
//! its own or in an object. All of these are read, and rewritten each in its own form, so that a
//! draft does not come to tell two shapes.

use super::aspect::Aspect;
use super::json::{Json, Object};
use super::lookup::{self, ASPECT, HEIGHT, METADATA, SIZE, WIDTH};

/// Whether a draft told its shape before it got another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Somewhere,
    Nowhere,
    /// There is something under a key for it that cannot be read.
    Unreadably,
}

/// The shape, as the draft writes it, or a size as `1920×1080`.
pub(super) fn written(draft: &Json) -> Option<String> {
    find(draft).map(|shape| match shape {
        Shape::Text(text) => text.to_owned(),
        Shape::Ratio(ratio) => ratio.to_string(),
        Shape::Size(width, height) => format!("{width}×{height}"),
    })
}

/// The shape, where it is one that is known.
pub(super) fn aspect(draft: &Json) -> Option<Aspect> {
    find(draft)?.aspect()
}

/// Whether two values differ in nothing but the shape they tell.
pub(super) fn differ_in_shape_alone(older: Option<&Json>, newer: Option<&Json>) -> bool {
    match (older.and_then(Json::as_object), newer.and_then(Json::as_object)) {
        (Some(older), Some(newer)) => {
            let tells = |key: &str| [ASPECT, SIZE, WIDTH, HEIGHT].concat().contains(&key);
            let rest = |object: &Object| -> Vec<(String, Json)> {
                let rest = object.iter().filter(|(key, _)| !tells(key));
                rest.map(|(key, value)| (key.to_owned(), value.clone())).collect()
            };
            rest(older) == rest(newer)
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape<'j> {
    Text(&'j str),
    Ratio(f64),
    Size(f64, f64),
}

impl Shape<'_> {
    fn aspect(self) -> Option<Aspect> {
        match self {
            Self::Text(text) => Aspect::read(text).or_else(|| {
                let (width, _, height) = size_in(text)?;
                Aspect::of_ratio(width / height)
            }),
            Self::Ratio(ratio) => Aspect::of_ratio(ratio),
            Self::Size(width, height) => Aspect::of_ratio(width / height),
        }
    }
}

/// What a draft calls its shape counts before the pixels of it.
fn find(draft: &Json) -> Option<Shape<'_>> {
    let homes = [Some(draft), draft.get(METADATA)].into_iter().flatten();
    homes.clone().find_map(named).or_else(|| homes.clone().find_map(sized))
}

fn named(home: &Json) -> Option<Shape<'_>> {
    ASPECT.iter().filter_map(|key| home.get(key)).find_map(|value| match value {
        Json::Object(_) => named(value).or_else(|| sized(value)),
        Json::Number(_) => ratio(value).map(Shape::Ratio),
        _ => lookup::text(value).map(Shape::Text),
    })
}

fn sized(home: &Json) -> Option<Shape<'_>> {
    let size = size_of(home).map(|(width, height)| Shape::Size(width, height));
    size.or_else(|| {
        SIZE.iter().filter_map(|key| home.get(key)).find_map(|value| match value {
            Json::Object(_) => sized(value),
            _ => lookup::text(value).filter(|text| size_in(text).is_some()).map(Shape::Text),
        })
    })
}

fn ratio(json: &Json) -> Option<f64> {
    lookup::number(json).filter(|ratio| (0.1..10.0).contains(ratio))
}

fn size_of(home: &Json) -> Option<(f64, f64)> {
    let side = |keys: &[&str]| keys.iter().filter_map(|key| home.get(key)).find_map(side);
    side(WIDTH).zip(side(HEIGHT))
}

fn side(json: &Json) -> Option<f64> {
    lookup::number(json).filter(|side| *side >= 1.0)
}

/// `1920x1080`, `16:9`: the numbers and what is between them.
fn size_in(text: &str) -> Option<(f64, char, f64)> {
    let (at, between) = text.char_indices().find(|(_, c)| "xX×*:/".contains(*c))?;
    let number = |text: &str| text.trim().parse().ok().filter(|side: &f64| *side >= 1.0);
    let (width, height) = (&text[..at], &text[at + between.len_utf8()..]);
    Some((number(width)?, between, number(height)?))
}

/// Gives a draft another shape wherever it tells one.
pub(super) fn reshape(draft: &mut Json, aspect: Aspect) -> Told {
    let mut told = Told::Nowhere;
    let Some(object) = draft.as_object_mut() else { return told };
    rename(object, aspect, &mut told);
    resize(object, aspect, &mut told);
    if let Some(metadata) = object.get_mut(METADATA).and_then(Json::as_object_mut) {
        rename(metadata, aspect, &mut told);
        resize(metadata, aspect, &mut told);
    }
    told
}

fn rename(home: &mut Object, aspect: Aspect, told: &mut Told) {
    for key in ASPECT {
        let Some(value) = home.get_mut(key).filter(|value| !value.is_null()) else { continue };
        let mut inside = Told::Nowhere;
        if let Some(object) = value.as_object_mut() {
            rename(object, aspect, &mut inside);
            resize(object, aspect, &mut inside);
        } else if let Some(text) = lookup::text(value) {
            inside = Told::Somewhere;
            if Shape::Text(text).aspect() != Some(aspect) {
                *value = in_the_form_of(text, aspect).into();
            }
        } else if value.as_number().is_some()
            && let Some(ratio) = ratio(value)
        {
            inside = Told::Somewhere;
            if Aspect::of_ratio(ratio) != Some(aspect) {
                let (width, height) = aspect.size();
                *value = (f64::from(width) / f64::from(height)).into();
            }
        }
        match (*told, inside) {
            (_, Told::Somewhere) => *told = Told::Somewhere,
            (Told::Nowhere, _) => *told = Told::Unreadably,
            _ => {}
        }
    }
}

fn resize(home: &mut Object, aspect: Aspect, told: &mut Told) {
    for key in SIZE {
        match home.get_mut(key) {
            Some(Json::Object(object)) => resize(object, aspect, told),
            Some(value) => {
                let Some(text) = lookup::text(value) else { continue };
                let Some((width, _, height)) = size_in(text) else { continue };
                *told = Told::Somewhere;
                if Aspect::of_ratio(width / height) != Some(aspect) {
                    *value = in_the_form_of(text, aspect).into();
                }
            }
            None => {}
        }
    }
    let key = |home: &Object, keys: &[&'static str]| {
        keys.iter().copied().find(|key| home.get(key).and_then(side).is_some())
    };
    let (Some(width), Some(height)) = (key(home, WIDTH), key(home, HEIGHT)) else { return };
    let sides = |home: &Object| {
        let side = |key| home.get(key).and_then(side);
        side(width).zip(side(height))
    };
    let Some(size) = sides(home) else { return };
    *told = Told::Somewhere;
    if Aspect::of_ratio(size.0 / size.1) != Some(aspect) {
        let size = turned(size, aspect);
        for (key, side) in [(width, size.0), (height, size.1)] {
            if let Some(value) = home.get_mut(key) {
                *value =
                    if value.as_str().is_some() { side.to_string().into() } else { side.into() };
            }
        }
    }
}

/// The size of another shape whose shorter side is as long.
fn turned((width, height): (f64, f64), aspect: Aspect) -> (u64, u64) {
    let (of_width, of_height) = aspect.size();
    let short = width.min(height).round();
    let factor = f64::from(of_width.max(of_height)) / f64::from(of_width.min(of_height));
    // Encoders want even numbers. The casts saturate.
    let (short, long) = (short as u64, ((short * factor / 2.0).round() * 2.0) as u64);
    match aspect {
        Aspect::Square => (short, short),
        Aspect::Landscape => (long, short),
        Aspect::Portrait => (short, long),
    }
}

fn in_the_form_of(text: &str, aspect: Aspect) -> String {
    match size_in(text) {
        Some((width, between, height)) if !":/".contains(between) => {
            let (width, height) = turned((width, height), aspect);
            format!("{width}{between}{height}")
        }
        _ if text.chars().all(char::is_alphabetic) && Aspect::read(text).is_some() => {
            aspect.word().to_owned()
        }
        _ => aspect.ratio().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;

    #[test]
    fn a_shape_is_read_in_any_form() {
        for (json, expected) in [
            (r#"{"canvas":{"ratio":"16:9"}}"#, Some(Aspect::Landscape)),
            (r#"{"canvas":"1080x1920"}"#, Some(Aspect::Portrait)),
            (r#"{"m":{"aspect_ratio":1.7778}}"#, Some(Aspect::Landscape)),
            (r#"{"m":{"width":720,"height":"1280"}}"#, Some(Aspect::Portrait)),
            (r#"{"canvas":{"size":{"w":500,"h":500}}}"#, Some(Aspect::Square)),
            (r#"{"resolution":"854 × 480"}"#, Some(Aspect::Landscape)),
            (r#"{"width":1920,"height":1080,"m":{"aspect":"1:1"}}"#, Some(Aspect::Square)),
            (r#"{"resolution":"1080p","m":{"aspect":"4:3"}}"#, None),
            (r#"{"width":1920,"canvas":{"color":"black"},"ratio":true}"#, None),
        ] {
            let draft: Draft = json.parse().unwrap();
            assert_eq!(draft.aspect(), expected, "{json}");
        }
    }
}
