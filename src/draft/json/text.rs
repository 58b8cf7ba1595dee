//! Strings, which go back with the escapes they came with.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};

/// A string. Read it with [`as_str`](Self::as_str); half a surrogate pair, which JSON can write
/// and Rust cannot hold, reads as U+FFFD and is written back as it came.
///
/// ```
/// use nemovideo::draft::{Json, Text};
///
/// let json: Json = r#""half a pair: \ud83d""#.parse()?;
/// let Json::String(text) = &json else { panic!() };
/// assert_eq!(text.as_str(), "half a pair: \u{fffd}");
/// assert_eq!(json.to_string(), r#""half a pair: \ud83d""#);
/// assert_eq!(Text::from("Hi").as_str(), "Hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Text {
    value: Box<str>,
    /// What stood between the quotes, when it had escapes in it: there are many ways to escape
    /// the same text, and this one is to go back.
    escaped: Option<Box<str>>,
}

impl Text {
    /// From what stood between the quotes of valid JSON, and its value if that differs.
    pub(in crate::draft) fn parsed(written: &str, value: Option<String>) -> Self {
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

    pub(super) fn write_json(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
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
