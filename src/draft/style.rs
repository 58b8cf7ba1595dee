//! Looks and sounds that a draft states beside its tracks: the style of captions, how an image
//! fills the frame, how music gives way to speech, the poster. None of the keys is documented, so
//! `keys` lists them; the embedded backend reads and writes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::json::{Json, Object, ParseError};
use super::keys;
use super::model::{Draft, Segment, Track, TrackKind, TrackRole};

/// Defines a choice that a draft states as a word, which may have synonyms.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident {
        $(#[$first_doc:meta])* $first:ident = $first_word:literal $(| $first_other:literal)*,
        $($(#[$vdoc:meta])* $variant:ident = $word:literal $(| $other:literal)*),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// Returns the word that stands for it in a draft.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(word: &str) -> Result<Self, ParseError> {
                match word.trim().to_ascii_lowercase().as_str() {
                    $first_word $(| $first_other)* => Ok(Self::$first),
                    $($word $(| $other)* => Ok(Self::$variant),)+
                    _ => Err(ParseError::UnknownWord {
                        word: word.to_owned(),
                        expected: concat!($first_word $(, ", ", $word)+),
                    }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

choice! {
    /// How captions are drawn.
    CaptionMode {
        /// Text with a soft outline.
        Plain = "plain" | "normal" | "outline",
        /// Text on a half-transparent box.
        Boxed = "boxed" | "box" | "background",
        /// Text with a bright box behind the word that is spoken.
        Words = "words" | "word" | "karaoke",
    }
}

choice! {
    /// How large captions are.
    CaptionSize {
        /// The usual size of subtitles.
        Medium = "medium" | "normal",
        /// Four fifths of the usual size.
        Small = "small",
        /// Five fourths of the usual size.
        Large = "large" | "big",
    }
}

choice! {
    /// Where captions are.
    CaptionPosition {
        /// In the lower part of the frame.
        Bottom = "bottom" | "lower",
        /// In the middle.
        Middle = "middle" | "center" | "centre",
        /// In the upper part.
        Top = "top" | "upper",
    }
}

choice! {
    /// How an image fills a frame of another shape.
    ImageFit {
        /// Cut off at two sides.
        Cover = "cover" | "crop" | "fill",
        /// Whole, with a blurred copy behind it.
        Contain = "contain" | "fit" | "blur",
    }
}

choice! {
    /// How an image moves while it is shown.
    ImageMotion {
        /// It stands still.
        Still = "none" | "still" | "off",
        /// It grows slowly.
        Zoom = "zoom" | "ken burns" | "kenburns",
    }
}

/// A color of captions, written as `#RRGGBB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CaptionColor {
    /// Red, green and blue.
    pub rgb: [u8; 3],
}

impl CaptionColor {
    /// White.
    pub const WHITE: Self = Self { rgb: [255; 3] };
    /// Black.
    pub const BLACK: Self = Self { rgb: [0; 3] };
    /// The names that are read besides `#RRGGBB`; each color has the one that stands first.
    const NAMES: [(&'static str, Self); 9] = [
        ("white", Self::WHITE),
        ("black", Self::BLACK),
        ("yellow", Self { rgb: [0xFF, 0xE6, 0x00] }),
        ("red", Self { rgb: [0xFF, 0x3B, 0x30] }),
        ("green", Self { rgb: [0x34, 0xD3, 0x5A] }),
        ("blue", Self { rgb: [0x3D, 0x9B, 0xFF] }),
        ("orange", Self { rgb: [0xFF, 0x95, 0x00] }),
        ("pink", Self { rgb: [0xFF, 0x6F, 0xB5] }),
        ("purple", Self { rgb: [0xB0, 0x6B, 0xFF] }),
    ];

    /// Returns the name of the color, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.iter().find(|(_, color)| *color == self).map(|(name, _)| *name)
    }
}

/// Reads `#RRGGBB`, or the name of one of nine colors.
impl FromStr for CaptionColor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let word = text.trim().to_ascii_lowercase();
        let named = Self::NAMES.iter().find(|(name, _)| *name == word).map(|(_, color)| *color);
        let hex = word
            .strip_prefix('#')
            .filter(|hex| hex.len() == 6 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let of_hex = |hex: &str| {
            let [_, red, green, blue] = u32::from_str_radix(hex, 16).ok()?.to_be_bytes();
            Some(Self { rgb: [red, green, blue] })
        };
        named.or_else(|| of_hex(hex?)).ok_or_else(|| ParseError::UnknownWord {
            word: text.to_owned(),
            expected: "#RRGGBB, white, black, yellow, red, green, blue, orange, pink, purple",
        })
    }
}

impl fmt::Display for CaptionColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.rgb;
        write!(f, "#{red:02X}{green:02X}{blue:02X}")
    }
}

/// How captions look. The default is plain white text of medium size with a black outline, at the
/// bottom.
///
/// ```
/// use nemovideo::draft::{CaptionMode, CaptionStyle};
///
/// let style = CaptionStyle::boxed().color("#FFE600".parse()?).position("top".parse()?);
/// assert_eq!(style.mode, CaptionMode::Boxed);
/// # Ok::<(), nemovideo::draft::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CaptionStyle {
    /// How they are drawn.
    pub mode: CaptionMode,
    /// How large they are.
    pub size: CaptionSize,
    /// The color of the text.
    pub color: CaptionColor,
    /// The color of the outline, or of the box.
    pub outline: CaptionColor,
    /// Where they are.
    pub position: CaptionPosition,
}

impl Default for CaptionStyle {
    fn default() -> Self {
        Self {
            mode: CaptionMode::default(),
            size: CaptionSize::default(),
            color: CaptionColor::WHITE,
            outline: CaptionColor::BLACK,
            position: CaptionPosition::default(),
        }
    }
}

impl CaptionStyle {
    /// Returns plain captions, the default.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// Returns captions on a box.
    #[must_use]
    pub fn boxed() -> Self {
        Self { mode: CaptionMode::Boxed, ..Self::default() }
    }

    /// Returns captions with the spoken word marked.
    #[must_use]
    pub fn words() -> Self {
        Self { mode: CaptionMode::Words, ..Self::default() }
    }

    /// Sets the size.
    #[must_use]
    pub fn size(self, size: CaptionSize) -> Self {
        Self { size, ..self }
    }

    /// Sets the color of the text.
    #[must_use]
    pub fn color(self, color: CaptionColor) -> Self {
        Self { color, ..self }
    }

    /// Sets the color of the outline.
    #[must_use]
    pub fn outline(self, outline: CaptionColor) -> Self {
        Self { outline, ..self }
    }

    /// Sets where they are.
    #[must_use]
    pub fn position(self, position: CaptionPosition) -> Self {
        Self { position, ..self }
    }

    /// Returns each key of a style with its value.
    pub(crate) fn entries(self) -> [(&'static str, String); 5] {
        [
            ("mode", self.mode.to_string()),
            ("size", self.size.to_string()),
            ("color", self.color.to_string()),
            ("outline", self.outline.to_string()),
            ("position", self.position.to_string()),
        ]
    }

    /// Reads a style; what is missing or unknown is the default.
    fn read(json: &Json) -> Self {
        fn value<T: FromStr>(json: &Json, key: &str) -> Option<T> {
            json.get(key)?.as_str()?.parse().ok()
        }
        let default = Self::default();
        Self {
            mode: value(json, "mode").unwrap_or_default(),
            size: value(json, "size").unwrap_or_default(),
            color: value(json, "color").unwrap_or(default.color),
            outline: value(json, "outline").unwrap_or(default.outline),
            position: value(json, "position").unwrap_or_default(),
        }
    }

    /// Writes the style: what is stated already, and what is not the default. Other keys stay.
    pub(crate) fn write(self, style: &mut Object) {
        for ((key, value), (_, default)) in
            self.entries().into_iter().zip(Self::default().entries())
        {
            if style.get(key).is_some() || value != default {
                style.insert(key, value);
            }
        }
    }
}

impl Draft {
    /// Returns the chapters: the segments of the track with that role. The [text](Segment::text) of
    /// each is its title, and none is drawn.
    pub fn chapters(&self) -> impl Iterator<Item = Segment<'_>> {
        let is_chapters = |track: &Track<'_>| track.role() == Some(TrackRole::Chapters);
        self.tracks().filter(is_chapters).flat_map(|track| track.segments())
    }

    /// Returns the moment of the video that its poster shows, where the draft states one.
    #[must_use]
    pub fn poster(&self) -> Option<Duration> {
        keys::find(self.as_json(), keys::POSTER, keys::millis)
    }

    /// Returns the language in which the video speaks, a BCP-47 tag.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        keys::find(self.as_json(), keys::LANGUAGE, keys::text)
    }
}

impl Track<'_> {
    /// Returns how captions look; the default where the draft does not state it.
    #[must_use]
    pub fn caption_style(&self) -> CaptionStyle {
        keys::find(self.as_json(), keys::STYLE, |json| json.as_object().map(|_| json))
            .map(CaptionStyle::read)
            .unwrap_or_default()
    }

    /// Whether the track is text that the video shows as the words are spoken.
    pub(crate) fn is_captions(&self) -> bool {
        self.kind() == Some(TrackKind::Text) && self.role() == Some(TrackRole::Captions)
    }
}

impl<'d> Segment<'d> {
    /// Returns when each word is spoken: its byte offset in the [text](Self::text), and the time
    /// from the start of the segment. Empty where the draft does not state it.
    #[must_use]
    pub fn words(&self) -> Vec<(usize, Duration)> {
        self.timed_offsets(keys::WORDS)
    }

    /// Reads a list of characters of the text and the milliseconds before each, in order.
    pub(crate) fn timed_offsets(&self, keys: &[&str]) -> Vec<(usize, Duration)> {
        let end = self.duration();
        let mut offsets = self.all_timed_offsets(keys);
        offsets.retain(|(_, time)| end.is_zero() || *time <= end);
        offsets
    }

    /// As [`timed_offsets`](Self::timed_offsets), with those after the end of the segment, which a
    /// cut leaves.
    pub(crate) fn all_timed_offsets(&self, keys: &[&str]) -> Vec<(usize, Duration)> {
        let list = keys::find(self.as_json(), keys, Json::as_array);
        let text = keys::find(self.as_json(), keys::TEXT, |json| {
            json.as_str().filter(|text| !text.trim().is_empty())
        });
        let (Some(list), Some(text)) = (list, text) else { return Vec::new() };
        let skip = keys::find(self.as_json(), keys::SKIP, keys::number).unwrap_or_default();
        // The text is shown without the white space around it.
        let blank = text.len() - text.trim_start().len();
        let shown = text.trim().len();
        let mut characters = text.char_indices().enumerate().peekable();
        let read = |pair: &Json| {
            let [character, time] = pair.as_array()? else { return None };
            let (character, time) = (keys::number(character)?, keys::number(time)?);
            // In order, so that this takes the time of the text and no more.
            while characters.next_if(|(at, _)| (*at as f64) < character).is_some() {}
            let (_, (offset, _)) = characters.peek().filter(|(at, _)| *at as f64 == character)?;
            let time = Duration::try_from_secs_f64((time - skip).max(0.0) / 1000.0).ok()?;
            let offset = offset.checked_sub(blank).filter(|offset| *offset < shown)?;
            Some((offset, time))
        };
        list.iter().filter_map(read).collect()
    }

    /// Returns how an image fills the frame, where the draft states it.
    #[must_use]
    pub fn fit(&self) -> Option<ImageFit> {
        self.choice(keys::FIT)
    }

    /// Returns how an image moves, where the draft states it.
    #[must_use]
    pub fn motion(&self) -> Option<ImageMotion> {
        self.choice(keys::MOTION)
    }

    /// Returns the duration of the cross-fade from the segment before.
    #[must_use]
    pub fn fade(&self) -> Duration {
        self.time(keys::FADE)
    }

    /// Returns whether it gets quieter while somebody speaks, where the draft states it.
    #[must_use]
    pub fn is_ducked(&self) -> Option<bool> {
        keys::find(self.as_json(), keys::DUCK, Json::as_bool)
    }

    /// Returns the duration in which audio gets loud at its start.
    #[must_use]
    pub fn fade_in(&self) -> Duration {
        self.time(keys::FADE_IN)
    }

    /// Returns the duration in which audio gets silent at its end.
    #[must_use]
    pub fn fade_out(&self) -> Duration {
        self.time(keys::FADE_OUT)
    }

    fn choice<T: FromStr>(&self, keys: &[&str]) -> Option<T> {
        keys::find(self.as_json(), keys, |json| json.as_str()?.parse().ok())
    }

    fn time(&self, keys: &[&str]) -> Duration {
        keys::find(self.as_json(), keys, keys::millis).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_is_read_and_written_key_by_key() {
        let json: Json =
            r##"{"x":1,"mode":"BOX","color":"#ffe600","size":7,"position":"sideways"}"##
                .parse()
                .unwrap();
        let style = CaptionStyle::read(&json);
        assert_eq!(style, CaptionStyle::boxed().color("yellow".parse().unwrap()));
        let mut object = json.as_object().unwrap().clone();
        style.position(CaptionPosition::Top).write(&mut object);
        assert_eq!(
            Json::from(object).to_string(),
            r##"{"x":1,"mode":"boxed","color":"#FFE600","size":"medium","position":"top"}"##
        );
        let mut empty = Object::new();
        CaptionStyle::plain().write(&mut empty);
        assert_eq!(Json::from(empty).to_string(), "{}");
    }

    #[test]
    fn a_color_is_six_digits_or_a_name() {
        for (text, name) in
            [("#FFFFFF", Some("white")), ("#123456", None), ("Yellow", Some("yellow"))]
        {
            let color: CaptionColor = text.parse().unwrap();
            assert_eq!(color.name(), name, "{text}");
            assert_eq!(color.to_string().parse::<CaptionColor>().unwrap(), color);
        }
        for text in ["", "#FFF", "#+12345", "FFFFFF", "#GGGGGG", "beige"] {
            assert!(text.parse::<CaptionColor>().is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_offsets_in_the_trimmed_text() {
        let draft: Draft = r#"{"t":[{"tt":7,"sg":[{"d":900,"m":{"text":" 早 x! ","skip":100,
            "words":[[0,0],[1,0],[3,400],[2,5],["4","x"],[3,9000],[5,500],[99,1]]}}]}]}"#
            .parse()
            .unwrap();
        let segment = draft.tracks().next().unwrap().segments().next().unwrap();
        // Offset 0 and 4: `早` has three bytes. What is out of order, no time, too late or in the white
        // space around the text is left out.
        assert_eq!(segment.words(), [(0, Duration::ZERO), (4, Duration::from_millis(300))]);
        assert_eq!(&segment.text().unwrap()[4..], "x!");
    }
}
