//! A JSON tree that gives back what it was given: every key, also twice, in its order, and
//! numbers and escapes as they were written. Only white space between tokens is lost.
//!
//! `serde_json` could keep order and digits too, but only by features that would change it for
//! every crate in the program. Checking the grammar is left to it all the same (see `parse`).

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::parse::{self, ParseError};

/// Any JSON value, kept exactly.
///
/// `Display` (and so `to_string`) writes compact JSON. Two values are equal when they hold the
/// same in the same order; numbers are compared as they are written (`1.0` is not `1`).
#[derive(Clone, Default, PartialEq)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, digit by digit.
    Number(Number),
    /// A string.
    String(Text),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Object),
}

impl Json {
    /// The value under `key`; `None` where there is none, or where this is no object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// The string's value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The elements of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The elements of an array, to change.
    #[must_use]
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, to change.
    #[must_use]
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => f.write_str(number.as_str()),
            Self::String(text) => text.write_json(f),
            Self::Array(items) => {
                f.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        f.write_char(',')?;
                    }
                    item.fmt(f)?;
                }
                f.write_char(']')
            }
            Self::Object(object) => object.fmt(f),
        }
    }
}

// A derived `Debug` would spell out every node; the JSON itself says more in less.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Json {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse::parse(text)
    }
}

// `RawValue` hands a piece of JSON through serde as text, both ways: the only way to keep digits.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        parse::tree(&raw).map_err(serde::de::Error::custom)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// Numbers that JSON cannot write (infinite, not a number) become `null`.
impl From<f64> for Json {
    fn from(value: f64) -> Self {
        if value.is_finite() {
            // `{:?}` writes the shortest text that reads back as the same number.
            Self::Number(Number(format!("{value:?}").into()))
        } else {
            Self::Null
        }
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Json {
            fn from(value: $integer) -> Self {
                Self::Number(Number(value.to_string().into()))
            }
        }
    )*};
}
from_integers!(i32, i64, u32, u64, usize);

impl<T: Into<Self>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

/// As exact as [`serde_json::Value`] can be: of duplicate keys the last stays, and a number beyond
/// `f64` becomes a string of its digits rather than an error.
impl From<&Json> for serde_json::Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => number.to_value(),
            Json::String(text) => Self::String(text.as_str().to_owned()),
            Json::Array(items) => Self::Array(items.iter().map(Into::into).collect()),
            Json::Object(object) => {
                object.iter().map(|(key, value)| (key.to_owned(), Self::from(value))).collect()
            }
        }
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(Number(number.to_string().into())),
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => Self::Array(items.iter().map(Into::into).collect()),
            Value::Object(map) => Self::Object(
                map.iter().map(|(key, value)| (key.as_str(), Self::from(value))).collect(),
            ),
        }
    }
}

/// A number as it was written, however long.
#[derive(Clone, PartialEq, Eq)]
pub struct Number(pub(super) Box<str>);

impl Number {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest `f64`; infinite when it is beyond one.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        // Every JSON number is one for Rust as well.
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The value, when it is written as an integer that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The value, when it is written as an integer that fits and is not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        if let Some(integer) = self.as_u64() {
            return integer.into();
        }
        // `-0` is an integer only in writing; as one it would lose its sign.
        match self.as_i64() {
            Some(integer) if integer != 0 => integer.into(),
            _ => serde_json::Number::from_f64(self.as_f64())
                .map_or_else(|| Value::String(self.as_str().to_owned()), Value::Number),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A string. Read it with [`as_str`](Self::as_str); half a surrogate pair, which JSON can write
/// and Rust cannot hold, reads as U+FFFD and is written back as it came.
#[derive(Clone, Default)]
pub struct Text {
    value: Box<str>,
    /// What stood between the quotes, when it had escapes in it: there are many ways to escape
    /// the same text, and this one is to go back.
    escaped: Option<Box<str>>,
}

impl Text {
    /// From what stood between the quotes of valid JSON, and its value if that differs.
    pub(super) fn parsed(written: &str, value: Option<String>) -> Self {
        match value {
            None => written.into(),
            Some(value) => Self { value: value.into(), escaped: Some(written.into()) },
        }
    }

    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.value
    }

    fn write_json(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        if let Some(escaped) = &self.escaped {
            f.write_str(escaped)?;
        } else {
            let mut rest = self.as_str();
            while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
                f.write_str(&rest[..at])?;
                // What is found is one byte long.
                match rest.as_bytes()[at] {
                    b'\n' => f.write_str("\\n")?,
                    b'\r' => f.write_str("\\r")?,
                    b'\t' => f.write_str("\\t")?,
                    byte @ (b'"' | b'\\') => write!(f, "\\{}", char::from(byte))?,
                    byte => write!(f, "\\u{byte:04x}")?,
                }
                rest = &rest[at + 1..];
            }
            f.write_str(rest)?;
        }
        f.write_char('"')
    }
}

/// Equal when the value is, however it was escaped.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        // Values with U+FFFD may stand for different halves of surrogate pairs.
        self.value == other.value
            && (self.escaped == other.escaped || !self.value.contains(char::REPLACEMENT_CHARACTER))
    }
}

impl From<&str> for Text {
    fn from(value: &str) -> Self {
        Self { value: value.into(), escaped: None }
    }
}

impl From<String> for Text {
    fn from(value: String) -> Self {
        Self { value: value.into(), escaped: None }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_json(f)
    }
}

/// An object: its entries in their order. A key may stand there twice, then the last one counts,
/// as it does for JavaScript and Python.
#[derive(Clone, Default, PartialEq)]
pub struct Object {
    entries: Vec<(Text, Json)>,
}

impl Object {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries there are, duplicates counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        let mut entries = self.entries.iter().rev();
        entries.find(|(k, _)| k.as_str() == key).map(|(_, v)| v)
    }

    /// The value under `key`, to change.
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        let mut entries = self.entries.iter_mut().rev();
        entries.find(|(k, _)| k.as_str() == key).map(|(_, v)| v)
    }

    /// The value under `key`, put at the end as `null` when it is not there yet.
    pub(super) fn entry(&mut self, key: &str) -> &mut Json {
        let found = self.entries.iter().rposition(|(k, _)| k.as_str() == key);
        let at = found.unwrap_or_else(|| {
            self.entries.push((key.into(), Json::Null));
            self.entries.len() - 1
        });
        &mut self.entries[at].1
    }

    /// Sets `key` where it stands, or at the end; gives back what was there.
    pub fn insert(&mut self, key: &str, value: impl Into<Json>) -> Option<Json> {
        let existed = self.get(key).is_some();
        let old = std::mem::replace(self.entry(key), value.into());
        existed.then_some(old)
    }

    /// Takes `key` out, however often it is there; gives back the value that counted.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let mut last = None;
        self.entries.retain_mut(|(k, value)| {
            let remove = k.as_str() == key;
            if remove {
                last = Some(std::mem::take(value));
            }
            !remove
        });
        last
    }

    /// The entries in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Json)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// Puts an entry at the end, whether or not the key is there already.
    pub(super) fn push(&mut self, key: Text, value: Json) {
        self.entries.push((key, value));
    }
}

impl<K: Into<Text>, V: Into<Json>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), v.into()));
        Self { entries: entries.collect() }
    }
}

impl<K: Into<Text>, V: Into<Json>, const N: usize> From<[(K, V); N]> for Object {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (at, (key, value)) in self.entries.iter().enumerate() {
            if at > 0 {
                f.write_char(',')?;
            }
            key.write_json(f)?;
            write!(f, ":{value}")?;
        }
        f.write_char('}')
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        text.parse().unwrap()
    }

    #[test]
    fn digits_escapes_duplicates_and_order_are_kept() {
        let text = r#"{"b":[1.10,1E5,-0,12345678901234567890123,1e999],"a":"\u00e9\/\ud800","a":{"":null},"b":"\n"}"#;
        assert_eq!(json(text).to_string(), text);
        assert_eq!(serde_json::to_string(&json(text)).unwrap(), text);
    }

    #[test]
    fn only_white_space_is_lost() {
        let text = " { \"a\" :\t[ 1 ,\r\n{ } , [ ] ] , \"b\" : true } ";
        assert_eq!(json(text).to_string(), r#"{"a":[1,{},[]],"b":true}"#);
    }

    #[test]
    fn of_duplicate_keys_the_last_counts_and_is_the_one_changed() {
        let mut json = json(r#"{"a":1,"b":2,"a":3}"#);
        let object = json.as_object_mut().unwrap();
        assert_eq!(object.get("a").and_then(Json::as_number).and_then(Number::as_i64), Some(3));
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
        assert_eq!(Json::from(f64::NAN), Json::Null);
    }

    #[test]
    fn depth_is_limited_and_says_so() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(json(&nested(128)).to_string(), nested(128));
        assert!(matches!(nested(129).parse::<Json>(), Err(ParseError::TooDeep)));
        assert!(matches!(nested(1_000_000).parse::<Json>(), Err(ParseError::TooDeep)));
    }

    #[test]
    fn no_number_is_beyond_a_value() {
        let value = serde_json::Value::from(&json("[18446744073709551615,-5,1.5,1e999,-0]"));
        assert_eq!(value.to_string(), r#"[18446744073709551615,-5,1.5,"1e999",-0.0]"#);
        assert_eq!(Json::from(&value).to_string(), value.to_string());
    }
}
