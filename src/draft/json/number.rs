//! Numbers, kept digit by digit: `1.10`, `-0` and thirty digits in a row all go back as they came.

use std::fmt;

/// A number as it was written, however long.
///
/// ```
/// use nemovideo::draft::Json;
///
/// let json: Json = "12345678901234567890123".parse()?;
/// let number = json.as_number().ok_or("a number")?;
/// assert_eq!((number.as_i64(), number.as_u64()), (None, None)); // too long for either
/// assert!(number.as_f64() > 1e22);
/// assert_eq!(number.as_str(), "12345678901234567890123");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// From text that is a JSON number.
    pub(in crate::draft) fn written(text: &str) -> Self {
        Self(text.into())
    }

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

    pub(super) fn to_value(&self) -> serde_json::Value {
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
