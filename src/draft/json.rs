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

mod number;
mod object;
mod text;
mod value;

pub use number::Number;
pub use object::Object;
pub use text::Text;

/// Any JSON value, kept exactly.
///
/// `Display` (and so `to_string`) writes compact JSON. Two values are equal when they hold the
/// same in the same order; numbers are compared as they are written (`1.0` is not `1`).
///
/// ```
/// use nemovideo::draft::Json;
///
/// let json: Json = r#"{"a":[1.10,true,null],"b":"\u00e9"}"#.parse()?;
/// let list = json.get("a").and_then(Json::as_array).ok_or("a list")?;
/// assert_eq!(list[0].as_number().map(|number| number.as_str()), Some("1.10"));
/// assert!(list[1].as_bool() == Some(true) && list[2].is_null());
/// assert_eq!(json.get("b").and_then(Json::as_str), Some("é"));
/// assert_eq!(json.to_string(), r#"{"a":[1.10,true,null],"b":"\u00e9"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
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
    ///
    /// ```
    /// use nemovideo::draft::Json;
    ///
    /// let mut list = Json::from(vec![1, 2]);
    /// list.as_array_mut().expect("a list").push("three".into());
    /// assert_eq!(list.to_string(), r#"[1,2,"three"]"#);
    /// ```
    #[must_use]
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object.
    ///
    /// ```
    /// use nemovideo::draft::Json;
    ///
    /// let json: Json = r#"{"d":9000,"m":{"mood":"warm"}}"#.parse()?;
    /// let metadata = json.get("m").and_then(Json::as_object).ok_or("an object")?;
    /// assert_eq!(metadata.keys().collect::<Vec<_>>(), ["mood"]);
    /// assert!(json.get("d").is_some_and(|length| length.as_object().is_none()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, to change.
    ///
    /// ```
    /// use nemovideo::draft::Json;
    ///
    /// let mut json: Json = r#"{"m":{"volume":0.5}}"#.parse()?;
    /// let object = json.as_object_mut().ok_or("an object")?;
    /// if let Some(metadata) = object.get_mut("m").and_then(Json::as_object_mut) {
    ///     metadata.insert("volume", 0.35);
    /// }
    /// assert_eq!(json.to_string(), r#"{"m":{"volume":0.35}}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
        raw(self, serializer)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(self, serializer)
    }
}

fn raw<S: Serializer>(json: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(json.to_string())
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
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
            Self::Number(Number::written(&format!("{value:?}")))
        } else {
            Self::Null
        }
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Json {
            fn from(value: $integer) -> Self {
                Self::Number(Number::written(&value.to_string()))
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
            Value::Number(number) => Self::Number(Number::written(&number.to_string())),
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => Self::Array(items.iter().map(Into::into).collect()),
            Value::Object(map) => Self::Object(
                map.iter().map(|(key, value)| (key.as_str(), Self::from(value))).collect(),
            ),
        }
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
