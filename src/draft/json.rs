//! An exact JSON tree: keys keep their order and duplicates, and numbers keep their text. White
//! space between tokens and the choice of string escapes are not kept.
//!
//! `serde_json` could keep order and digits too, but only through features that would change it
//! for every crate in the program. It still checks the grammar. A short text is then read into a
//! tree; a long one is kept, and each list of it is read when it is first looked into.

mod parse;
mod store;

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use self::parse::Parser;
pub(crate) use self::store::JsonString;
use self::store::{LongText, ShortText, ThinVec, unicode_escape, write_string};

/// The deepest accepted nesting, the same as `serde_json`'s own: a tree is walked and dropped by
/// recursion, so that hostile text of brackets alone would exhaust the stack.
const MAX_DEPTH: usize = 128;

/// A JSON value that keeps the text of numbers, the order of keys and duplicate keys.
///
/// `Display` (and so `to_string`) writes compact JSON. Values are equal when they hold the same in
/// the same order; numbers are compared by their text, so `1.0` does not equal `1`. An unpaired
/// surrogate escape (`\ud83d`), which a Rust string cannot hold, reads as U+FFFD and is written as
/// it was read.
///
/// Parsing keeps the text of long arrays and objects, and reads the elements of each when they are
/// first accessed. What is only passed on takes no more memory than its text.
///
/// ```
/// use nemovideo::draft::Json;
///
/// let mut json: Json = r#"{"z":1.10,"a":[true,null],"z":"\u00e9"}"#.parse()?;
/// assert_eq!(json.get("z").and_then(Json::as_str), Some("é")); // the last duplicate counts
/// json.as_object_mut().expect("an object").insert("n", 35);
/// assert_eq!(json.to_string(), r#"{"z":1.10,"a":[true,null],"z":"é","n":35}"#);
/// # Ok::<(), nemovideo::draft::ParseError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Json(Repr);

// Private, so that neither invalid number texts nor ill-formed strings can be constructed.
//
// A draft may have a million segments: a value takes 16 bytes, and only what does not fit into them
// is allocated.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
enum Repr {
    #[default]
    Null,
    Bool(bool),
    /// The text of a valid JSON number.
    ShortNumber(ShortText),
    LongNumber(Box<LongText>),
    ShortString(ShortText),
    LongString(Box<LongText>),
    Array(ThinVec<Json>),
    Object(Object),
}

impl Json {
    pub(crate) const EMPTY_ARRAY: &'static Self = &Self(Repr::Array(ThinVec(None)));

    /// Returns the value under `key`; `None` when there is none or when this is not an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// Returns whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.0, Repr::Null)
    }

    /// Returns the value of a Boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        let Repr::Bool(value) = self.0 else { return None };
        Some(value)
    }

    /// Returns the value of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::ShortString(text) => Some(text.as_str()),
            Repr::LongString(text) => Some(&text.value),
            _ => None,
        }
    }

    /// Returns the unpaired surrogates at the ends of a string: the second half of a pair at the
    /// start, and the first half at the end.
    pub(crate) fn surrogate_halves(&self) -> (Option<u16>, Option<u16>) {
        let Repr::LongString(text) = &self.0 else { return (None, None) };
        let LongText { value, escaped: Some(escaped) } = &**text else { return (None, None) };
        let low = unicode_escape(escaped).filter(|unit| (0xdc00..=0xdfff).contains(unit));
        let end = escaped.len().checked_sub(6).and_then(|at| escaped.get(at..));
        let high = end.and_then(unicode_escape).filter(|unit| (0xd800..=0xdbff).contains(unit));
        // An escaped backslash may precede what looks like an escape.
        (low, high.filter(|_| value.ends_with(char::REPLACEMENT_CHARACTER)))
    }

    /// Returns the text of a number, digit by digit.
    #[must_use]
    pub fn as_number_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::ShortNumber(text) => Some(text.as_str()),
            Repr::LongNumber(text) => Some(&text.value),
            _ => None,
        }
    }

    /// Returns the `f64` nearest to a number; infinite when the number is out of range.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number_str()?.parse().ok()
    }

    /// Returns a number that is written as an integer and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number_str()?.parse().ok()
    }

    /// Returns a number that is written as a non-negative integer and fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number_str()?.parse().ok()
    }

    /// Returns the elements of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        let Repr::Array(items) = &self.0 else { return None };
        Some(items.as_slice())
    }

    /// Returns the elements of an array for modification.
    #[must_use]
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        let Repr::Array(items) = &mut self.0 else { return None };
        Some(items.as_vec())
    }

    /// Returns an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        let Repr::Object(object) = &self.0 else { return None };
        Some(object)
    }

    /// Returns an object for modification.
    #[must_use]
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        let Repr::Object(object) = &mut self.0 else { return None };
        Some(object)
    }

    /// Returns the object, after replacing any other value by an empty one.
    pub(crate) fn make_object(&mut self) -> &mut Object {
        if self.as_object().is_none() {
            *self = Object::new().into();
        }
        match &mut self.0 {
            Repr::Object(object) => object,
            _ => unreachable!("replaced by an object above"),
        }
    }

    /// Returns the elements of the array, after replacing any other value by an empty one.
    pub(crate) fn make_array(&mut self) -> &mut Vec<Self> {
        if self.as_array().is_none() {
            self.0 = Repr::Array(ThinVec(None));
        }
        match &mut self.0 {
            Repr::Array(items) => items.as_vec(),
            _ => unreachable!("replaced by an array above"),
        }
    }

    /// As `==`, but numbers are compared by value: `1000.0` equals `1e3`.
    pub(crate) fn semantic_eq(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.as_number_str(), other.as_number_str()) {
            return a == b || number_value(a) == number_value(b);
        }
        match (&self.0, &other.0) {
            (Repr::Array(a), Repr::Array(b)) => {
                let (a, b) = (a.as_slice(), b.as_slice());
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.semantic_eq(b))
            }
            (Repr::Object(a), Repr::Object(b)) => {
                let mut pairs = a.entries().iter().zip(b.entries());
                a.len() == b.len() && pairs.all(|(a, b)| a.0 == b.0 && a.1.semantic_eq(&b.1))
            }
            _ => self == other,
        }
    }

    /// A hash that agrees with [`semantic_eq`](Self::semantic_eq).
    pub(crate) fn semantic_hash(&self, state: &mut impl Hasher) {
        match &self.0 {
            // Equal numbers have the same nearest `f64`; adding 0 turns -0 into 0.
            Repr::ShortNumber(_) | Repr::LongNumber(_) => {
                (self.as_f64().unwrap_or(f64::NAN) + 0.0).to_bits().hash(state);
            }
            Repr::Array(items) => {
                items.as_slice().len().hash(state);
                items.as_slice().iter().for_each(|item| item.semantic_hash(state));
            }
            Repr::Object(object) => {
                object.len().hash(state);
                for (key, value) in object.entries() {
                    key.hash(state);
                    value.semantic_hash(state);
                }
            }
            scalar => scalar.hash(state),
        }
    }

    /// Converts from a `serde_json` value. One nested deeper than [`MAX_DEPTH`], which no peer
    /// would accept, becomes `null`.
    pub(crate) fn from_value(value: &Value) -> Self {
        value.to_string().parse().unwrap_or_default()
    }

    fn from_number(text: &str) -> Self {
        Self(match JsonString::from(text) {
            JsonString::Short(text) => Repr::ShortNumber(text),
            JsonString::Long(text) => Repr::LongNumber(text),
        })
    }

    fn from_string(string: JsonString) -> Self {
        Self(match string {
            JsonString::Short(text) => Repr::ShortString(text),
            JsonString::Long(text) => Repr::LongString(text),
        })
    }
}

/// Splits a number into its sign, its significant digits and the power of ten behind them, which
/// is exact however long the number is. The error is the text itself, where the exponent is too
/// large to compute with.
fn number_value(text: &str) -> Result<(bool, Vec<u8>, i64), &str> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse::<i32>().map_err(|_| text)?.into();
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let trailing = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    digits.truncate(digits.len() - trailing);
    let leading = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.drain(..leading);
    if digits.is_empty() {
        return Ok((false, digits, 0));
    }
    let (trailing, fraction) = (trailing.cast_signed() as i64, fraction.len().cast_signed() as i64);
    Ok((negative, digits, exponent + trailing - fraction))
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Null => f.write_str("null"),
            Repr::Bool(true) => f.write_str("true"),
            Repr::Bool(false) => f.write_str("false"),
            Repr::ShortNumber(text) => f.write_str(text.as_str()),
            Repr::LongNumber(text) => f.write_str(&text.value),
            Repr::ShortString(text) => write_string(text.as_str(), f),
            Repr::LongString(text) => text.fmt(f),
            Repr::Array(items) => {
                if let Some(text) = items.text() {
                    return f.write_str(text);
                }
                f.write_char('[')?;
                for (at, item) in items.as_slice().iter().enumerate() {
                    if at > 0 {
                        f.write_char(',')?;
                    }
                    item.fmt(f)?;
                }
                f.write_char(']')
            }
            Repr::Object(object) => object.fmt(f),
        }
    }
}

impl FromStr for Json {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| ParseError::Syntax {
            line: error.line(),
            column: error.column(),
            message: error.to_string(),
        })?;
        Parser::parse(raw.get())
    }
}

// `RawValue` passes JSON through serde as text in both directions: the only way to keep digits.
macro_rules! json_as_text {
    ($($type:ty),+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let raw = RawValue::from_string(self.to_string());
                raw.map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
        }

        // A derived `Debug` would name every node; the JSON itself is shorter and says more.
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )+};
}
json_as_text!(Json, Object);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Parser::parse(raw.get()).map_err(serde::de::Error::custom)
    }
}

/// Infinities and NaN, which JSON cannot express, become `null`.
impl From<f64> for Json {
    fn from(value: f64) -> Self {
        // `{:?}` writes the shortest text that reads back as the same number.
        if value.is_finite() { Self::from_number(&format!("{value:?}")) } else { Self::default() }
    }
}

macro_rules! json_from {
    ($($value:ident: $($kind:ty),+ => $json:expr;)+) => {$($(
        impl From<$kind> for Json {
            fn from($value: $kind) -> Self {
                $json
            }
        }
    )+)+};
}
json_from! {
    value: bool => Self(Repr::Bool(value));
    text: &str, String => Self::from_string(text.into());
    number: i32, i64, u32, u64, usize => Self::from_number(&number.to_string());
    object: Object => Self(Repr::Object(object));
}

impl<T: Into<Self>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self(Repr::Array(items.into_iter().map(Into::into).collect::<Vec<_>>().into()))
    }
}

/// A JSON object: entries in their order. Of duplicate keys the last one counts, as in JavaScript
/// and Python.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Object {
    entries: ThinVec<(JsonString, Json)>,
}

impl Object {
    /// Creates an empty object.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of entries, duplicates included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Returns the value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        let mut entries = self.entries().iter().rev();
        entries.find(|(k, _)| k.is(key)).map(|(_, v)| v)
    }

    /// Returns the value under `key` for modification.
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        let mut entries = self.entries.as_mut_slice().iter_mut().rev();
        entries.find(|(k, _)| k.is(key)).map(|(_, v)| v)
    }

    /// Returns the value under `key`, after appending `null` when the key is missing.
    pub(crate) fn entry(&mut self, key: &str) -> &mut Json {
        let entries = self.entries.as_vec();
        let found = entries.iter().rposition(|(k, _)| k.is(key));
        let at = found.unwrap_or_else(|| {
            entries.push((key.into(), Json::default()));
            entries.len() - 1
        });
        &mut entries[at].1
    }

    /// Sets `key` in its position, or appends it. Returns the previous value.
    pub fn insert(&mut self, key: &str, value: impl Into<Json>) -> Option<Json> {
        let existed = self.get(key).is_some();
        let old = std::mem::replace(self.entry(key), value.into());
        existed.then_some(old)
    }

    /// Removes `key` with all its duplicates. Returns the value that counted.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.get(key)?;
        let mut last = None;
        self.entries.as_vec().retain_mut(|(k, value)| {
            let remove = k.is(key);
            if remove {
                last = Some(std::mem::take(value));
            }
            !remove
        });
        last
    }

    /// Returns the entries in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Json)> {
        self.entries().iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Returns the keys in their order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.entries().iter().map(|(key, _)| key.as_str())
    }

    /// Returns the entries with keys that also compare unpaired surrogates.
    pub(crate) fn entries(&self) -> &[(JsonString, Json)] {
        self.entries.as_slice()
    }
}

impl<K: Into<String>, V: Into<Json>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into().into(), v.into()));
        Self { entries: entries.collect::<Vec<_>>().into() }
    }
}

impl<K: Into<String>, V: Into<Json>, const N: usize> From<[(K, V); N]> for Object {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.entries.text() {
            return f.write_str(text);
        }
        f.write_char('{')?;
        for (at, (key, value)) in self.entries().iter().enumerate() {
            if at > 0 {
                f.write_char(',')?;
            }
            key.fmt(f)?;
            f.write_char(':')?;
            value.fmt(f)?;
        }
        f.write_char('}')
    }
}

/// Why text was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The text is not valid JSON.
    #[error("{message}")]
    #[non_exhaustive]
    Syntax {
        /// What was expected and where.
        message: String,
        /// Line of the error, counted from 1.
        line: usize,
        /// Column of the error, counted from 1.
        column: usize,
    },
    /// Arrays and objects are nested deeper than 128 levels.
    #[error("JSON nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The text names no known [`Aspect`](super::Aspect).
    #[error(
        "`{0}` is not an aspect ratio of videos: they are 16:9 (landscape), 9:16 (portrait) or 1:1 (square)"
    )]
    UnknownAspect(String),
    /// The text is no tag of a supported [`Language`](super::Language).
    #[error("`{0}` is not the tag of a supported language, `en` or `zh`")]
    UnknownLanguage(String),
    /// The text is none of the words for a choice, such as a [`CaptionMode`](super::CaptionMode).
    #[error("`{word}` is not one of {expected}")]
    #[non_exhaustive]
    UnknownWord {
        /// The text.
        word: String,
        /// The words.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        text.parse().unwrap()
    }

    #[test]
    fn digits_duplicates_order_and_unpaired_surrogates_are_kept() {
        let text = r#"{"b":[1.10,1E5,-0,12345678901234567890123,1e999],"\uD800":"\u00e9\/\ud800","a":{"":null},"b":"\n"}"#;
        assert_eq!(json(text).to_string(), text);
        assert_eq!(serde_json::to_string(&json(text)).unwrap(), text);
    }

    #[test]
    fn of_duplicate_keys_the_last_counts_and_is_the_one_changed() {
        let mut json = json(r#"{"a":1,"b":2,"a":3}"#);
        let object = json.as_object_mut().unwrap();
        assert_eq!(object.get("a").and_then(Json::as_i64), Some(3));
        assert_eq!(object.insert("a", 4), Some(Json::from(3)));
        assert_eq!(object.insert("c", true), None);
        assert_eq!(object.to_string(), r#"{"a":1,"b":2,"a":4,"c":true}"#);
        assert_eq!(object.remove("a"), Some(Json::from(4)));
        assert_eq!(object.to_string(), r#"{"b":2,"c":true}"#);
    }

    #[test]
    fn escapes_are_read_and_do_not_matter_for_equality() {
        let escaped = json(r#""\u4f60\ud83c\udfac \"\\\/\b\f\n\r\t \ud83c x""#);
        assert_eq!(escaped.as_str(), Some("你🎬 \"\\/\u{8}\u{c}\n\r\t \u{fffd} x"));
        assert_eq!(json(r#""\u00e9""#), Json::from("é"));
        assert_ne!(json(r#""\ud800""#), json(r#""\ud801""#));
    }

    #[test]
    fn what_is_set_is_escaped() {
        let text = "\"\\\u{1}\n\r\t\u{7f}é";
        assert_eq!(Json::from(text).to_string(), serde_json::to_string(text).unwrap());
        assert_eq!(Json::from(0.1).to_string(), "0.1");
        assert!(Json::from(f64::NAN).is_null());
    }

    #[test]
    fn errors_say_where_they_are() {
        let Err(ParseError::Syntax { message, line, .. }) = "{\"t\":[\n1,".parse::<Json>() else {
            panic!("not a syntax error");
        };
        assert!(line == 2 && message.contains("line 2"), "{message}");
    }

    #[test]
    fn a_value_takes_two_words() {
        assert_eq!((size_of::<Json>(), size_of::<(JsonString, Json)>()), (16, 32));
        // Also where one list was empty before, and the other is new.
        let mut list = json("[1]");
        list.as_array_mut().unwrap().clear();
        assert_eq!(list, json("[]"));
        for length in [0, 1, 13, 14, 15, 16] {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(Json::from(text.as_str()).as_str(), Some(text.as_str()));
            assert_eq!(json(&format!("\"{text}\"")), Json::from(text));
            let digits = "7".repeat(length.max(1));
            assert_eq!(json(&digits).as_number_str(), Some(digits.as_str()));
        }
    }

    #[test]
    fn lists_within_lists_of_any_length_keep_their_order() {
        for length in [0, 1, 2, 63, 64, 65, 128, 129, 200] {
            let inner = |at: usize| vec![at.to_string(); [0, 1, 2, 70][at % 4]].join(",");
            let items: Vec<String> = (0..length).map(|at| format!("[{}]", inner(at))).collect();
            let array = format!("[{}]", items.join(","));
            assert_eq!(json(&array).to_string(), array);
            // From the 71st entry on, the keys are duplicates.
            let entry = |at: usize| format!("\"k{}\":{{\"list\":[{}]}}", at % 70, inner(at));
            let entries: Vec<String> = (0..length).map(entry).collect();
            let object = format!("{{{}}}", entries.join(","));
            assert_eq!(json(&object).to_string(), object);
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(json(&nested(128)).to_string(), nested(128));
        assert_eq!(nested(129).parse::<Json>(), Err(ParseError::TooDeep));
        assert_eq!(nested(1_000_000).parse::<Json>(), Err(ParseError::TooDeep));
    }

    #[test]
    fn a_value_is_converted_with_its_numbers() {
        let text = r#"[18446744073709551615,-5,1.5,"1e999",-0.0,{"a":null}]"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Json::from_value(&value).to_string(), text);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        for (a, b) in [
            ("1000.0", "1000"),
            ("1e3", "1000"),
            ("0.00150", "15E-4"),
            ("-0.0", "0"),
            (r#"{"a":[1.10,"x"]}"#, r#"{"a":[1.1,"x"]}"#),
            ("1e99999999999", "1e99999999999"),
        ] {
            assert!(json(a).semantic_eq(&json(b)), "{a} {b}");
        }
        for (a, b) in [
            ("12345678901234567890123", "12345678901234567890124"),
            ("10", "1"),
            ("0.1", "0.01"),
            ("-1", "1"),
            ("1", "\"1\""),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
            ("[1]", "[1,1]"),
        ] {
            assert!(!json(a).semantic_eq(&json(b)), "{a} {b}");
        }
    }
}
