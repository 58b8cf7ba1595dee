//! Text to tree. `serde_json` says whether the text is JSON at all, in one pass; this walks it a
//! second time to keep every token as it is written. Both passes are linear.

use serde::de::Error as _;
use serde_json::value::RawValue;

use super::json::{Json, Number, Object, Text};

/// The deepest nesting that is taken, the same as `serde_json`'s own: a tree is walked and
/// dropped by recursion, so that a hostile text of brackets alone would exhaust the stack.
const MAX_DEPTH: usize = 128;

/// Why a text is not taken as JSON.
///
/// ```
/// use nemovideo::draft::{Draft, ParseError};
///
/// // A file that was cut short, and one that is no JSON at all.
/// let half = Draft::from_json("{\"t\":[\n  {\"tt\":1,");
/// let Err(ParseError::Syntax(error)) = half else { panic!() };
/// assert!(error.is_eof() && error.line() == 2);
///
/// let Err(error) = Draft::from_json("<!doctype html>") else { panic!() };
/// assert!(error.to_string().contains("line 1")); // it says where
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is not JSON.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
    /// Arrays and objects are nested deeper than 128 levels.
    #[error("JSON nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

pub(super) fn parse(text: &str) -> Result<Json, ParseError> {
    tree(serde_json::from_str::<&RawValue>(text)?)
}

pub(super) fn tree(raw: &RawValue) -> Result<Json, ParseError> {
    let mut walker = Walker { text: raw.get(), at: 0 };
    walker.value(0)
}

/// Walks text that is known to be JSON. Were it not, it would say so rather than panic.
struct Walker<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Walker<'t> {
    fn value(&mut self, depth: usize) -> Result<Json, ParseError> {
        match self.peek()? {
            b'{' | b'[' if depth == MAX_DEPTH => Err(ParseError::TooDeep),
            b'{' => self.object(depth + 1).map(Json::Object),
            b'[' => self.array(depth + 1).map(Json::Array),
            b'"' => self.string().map(Json::String),
            _ => match self.word()? {
                "null" => Ok(Json::Null),
                "true" => Ok(Json::Bool(true)),
                "false" => Ok(Json::Bool(false)),
                number => Ok(Json::Number(Number::written(number))),
            },
        }
    }

    fn object(&mut self, depth: usize) -> Result<Object, ParseError> {
        let mut object = Object::new();
        self.at += 1;
        while self.peek()? != b'}' {
            let key = self.string()?;
            self.take(b':')?;
            object.push(key, self.value(depth)?);
            self.comma()?;
        }
        self.at += 1;
        Ok(object)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Json>, ParseError> {
        let mut items = Vec::new();
        self.at += 1;
        while self.peek()? != b']' {
            items.push(self.value(depth)?);
            self.comma()?;
        }
        self.at += 1;
        Ok(items)
    }

    fn string(&mut self) -> Result<Text, ParseError> {
        self.take(b'"')?;
        let start = self.at;
        let mut escapes = false;
        loop {
            match self.text.as_bytes().get(self.at).ok_or_else(malformed)? {
                b'"' => break,
                b'\\' => {
                    escapes = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        let written = self.text.get(start..self.at).ok_or_else(malformed)?;
        self.at += 1;
        Ok(Text::parsed(written, escapes.then(|| unescape(written))))
    }

    /// A literal or a number: all up to what may follow one.
    fn word(&mut self) -> Result<&'t str, ParseError> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !matches!(c, '+' | '-' | '.' | '0'..='9' | 'a'..='z' | 'E'));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        if word.is_empty() { Err(malformed()) } else { Ok(word) }
    }

    /// The next byte that is not white space, where it stands.
    fn peek(&mut self) -> Result<u8, ParseError> {
        let rest = &self.text.as_bytes()[self.at..];
        let blank = rest.iter().position(|byte| !byte.is_ascii_whitespace());
        self.at += blank.ok_or_else(malformed)?;
        Ok(self.text.as_bytes()[self.at])
    }

    fn take(&mut self, expected: u8) -> Result<(), ParseError> {
        if self.peek()? != expected {
            return Err(malformed());
        }
        self.at += 1;
        Ok(())
    }

    fn comma(&mut self) -> Result<(), ParseError> {
        if self.peek()? == b',' {
            self.at += 1;
        }
        Ok(())
    }
}

fn malformed() -> ParseError {
    ParseError::Syntax(serde_json::Error::custom("malformed JSON"))
}

fn unescape(written: &str) -> String {
    let mut value = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut units = Vec::new();
        while let Some(unit) = unicode_escape(rest) {
            units.push(unit);
            rest = &rest[6..];
        }
        if units.is_empty() {
            let mut chars = rest[1..].chars();
            value.extend(chars.next().map(|escape| match escape {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                itself => itself,
            }));
            rest = chars.as_str();
        } else {
            let chars = char::decode_utf16(units);
            value.extend(chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
    }
    value.push_str(rest);
    value
}

/// The UTF-16 unit of a `\uXXXX` at the start of `text`.
fn unicode_escape(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}
