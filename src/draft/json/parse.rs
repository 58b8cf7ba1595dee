//! Reading JSON that `serde_json` has checked: a short text into a tree, and a long one list by
//! list.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use super::store::{Element, JsonString, OpenLists, ThinVec, unescape};
use super::{Json, MAX_DEPTH, Object, ParseError, Repr};

/// Builds the tree from text that is known to be valid JSON. Invalid text would be an error, not a
/// panic.
pub(super) struct Parser<'t> {
    text: &'t str,
    at: usize,
    /// What the text is of, if it is kept: then long lists stay unread.
    source: Option<&'t Arc<Source>>,
    items: OpenLists<Json>,
    entries: OpenLists<(JsonString, Json)>,
}

impl<'t> Parser<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Json, ParseError> {
        if text.len() < Source::MIN_LONG {
            return Self::new(text).value(0);
        }
        let source = Arc::new(Source::new(text, MAX_DEPTH).ok_or(ParseError::TooDeep)?);
        Parser::of(&source, 0).value(0)
    }

    fn new(text: &'t str) -> Self {
        Self { text, at: 0, source: None, items: OpenLists::new(), entries: OpenLists::new() }
    }

    fn of(source: &'t Arc<Source>, at: usize) -> Self {
        Self { at, source: Some(source), ..Self::new(&source.text) }
    }

    fn value(&mut self, depth: usize) -> Result<Json, ParseError> {
        let repr = match self.peek()? {
            b'{' | b'[' if depth == MAX_DEPTH => return Err(ParseError::TooDeep),
            b'{' => Repr::Object(match self.unread() {
                Some(entries) => Object { entries },
                None => self.object(depth + 1)?,
            }),
            b'[' => Repr::Array(match self.unread() {
                Some(items) => items,
                None => self.array(depth + 1)?,
            }),
            b'"' => return self.string().map(Json::from_string),
            _ => match self.word()? {
                "null" => Repr::Null,
                "true" => Repr::Bool(true),
                "false" => Repr::Bool(false),
                number => return Ok(Json::from_number(number)),
            },
        };
        Ok(Json(repr))
    }

    /// Skips a long list, and returns it.
    fn unread<T: Element>(&mut self) -> Option<ThinVec<T>> {
        let source = self.source?;
        let list = source.long_list(self.at)?;
        self.at = list.end;
        Some(ThinVec::unread(Arc::clone(source), list))
    }

    fn object(&mut self, depth: usize) -> Result<Object, ParseError> {
        let mut list = self.entries.open();
        self.at += 1;
        while self.peek()? != b'}' {
            let key = self.string()?;
            self.take(b':')?;
            let value = self.value(depth)?;
            self.entries.push(&mut list, (key, value));
            self.skip_comma()?;
        }
        self.at += 1;
        Ok(Object { entries: self.entries.close(list) })
    }

    fn array(&mut self, depth: usize) -> Result<ThinVec<Json>, ParseError> {
        let mut list = self.items.open();
        self.at += 1;
        while self.peek()? != b']' {
            let value = self.value(depth)?;
            self.items.push(&mut list, value);
            self.skip_comma()?;
        }
        self.at += 1;
        Ok(self.items.close(list))
    }

    fn string(&mut self) -> Result<JsonString, ParseError> {
        self.take(b'"')?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            match self.text.as_bytes().get(self.at).ok_or_else(malformed)? {
                b'"' => break,
                b'\\' => {
                    has_escapes = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        let text = self.text.get(start..self.at).ok_or_else(malformed)?;
        self.at += 1;
        Ok(if has_escapes { unescape(text) } else { text.into() })
    }

    /// Reads a literal or a number.
    fn word(&mut self) -> Result<&'t str, ParseError> {
        let rest = &self.text.as_bytes()[self.at..];
        let is_of_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.iter().position(|byte| !is_of_word(byte)).unwrap_or(rest.len());
        let word = self.text.get(self.at..self.at + length).ok_or_else(malformed)?;
        self.at += length;
        if word.is_empty() { Err(malformed()) } else { Ok(word) }
    }

    /// Skips white space and returns the next byte without consuming it.
    fn peek(&mut self) -> Result<u8, ParseError> {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            if !byte.is_ascii_whitespace() {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(malformed())
    }

    fn take(&mut self, expected: u8) -> Result<(), ParseError> {
        if self.peek()? != expected {
            return Err(malformed());
        }
        self.at += 1;
        Ok(())
    }

    fn skip_comma(&mut self) -> Result<(), ParseError> {
        if self.peek()? == b',' {
            self.at += 1;
        }
        Ok(())
    }
}

impl Element for Json {
    fn read_list(source: &Arc<Source>, start: usize) -> Vec<Self> {
        let list = Parser::of(source, start).array(1);
        debug_assert!(list.is_ok(), "checked JSON is read without an error");
        std::mem::take(list.unwrap_or_default().as_vec())
    }
}

impl Element for (JsonString, Json) {
    fn read_list(source: &Arc<Source>, start: usize) -> Vec<Self> {
        let list = Parser::of(source, start).object(1);
        debug_assert!(list.is_ok(), "checked JSON is read without an error");
        std::mem::take(list.unwrap_or_default().entries.as_vec())
    }
}

fn malformed() -> ParseError {
    ParseError::Syntax { message: "malformed JSON".to_owned(), line: 0, column: 0 }
}

/// The text of a document that is read in parts.
pub(crate) struct Source {
    /// Valid JSON without white space between its tokens, and with strings as `Display`
    /// writes them.
    pub(super) text: String,
    /// Where the long lists are, by their start.
    long_lists: Vec<Range<usize>>,
}

impl Source {
    /// The fewest bytes of a long list. What holds a shorter one would take as much memory as its
    /// elements.
    pub(super) const MIN_LONG: usize = 1024;

    /// Reads valid JSON; `None` means that it is nested deeper than `max_depth`.
    pub(super) fn new(json: &str, max_depth: usize) -> Option<Self> {
        let bytes = json.as_bytes();
        let mut text = String::with_capacity(json.len());
        let (mut long_lists, mut open) = (Vec::new(), Vec::new());
        // What was not copied yet begins at `from`.
        let (mut from, mut at) = (0, 0);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let (end, has_odd_escapes) = string_end(bytes, at + 1);
                    if has_odd_escapes {
                        text.push_str(&json[from..at]);
                        // Writing to a string cannot fail.
                        let _ = write!(text, "{}", unescape(&json[at + 1..end]));
                        from = end + 1;
                    }
                    at = end;
                }
                b' ' | b'\n' | b'\r' | b'\t' => {
                    text.push_str(&json[from..at]);
                    from = at + 1;
                }
                b'{' | b'[' if open.len() == max_depth => return None,
                b'{' | b'[' => open.push(text.len() + at - from),
                b'}' | b']' => {
                    let end = text.len() + at - from + 1;
                    let list = open.pop().unwrap_or(end)..end;
                    if list.len() >= Self::MIN_LONG {
                        long_lists.push(list);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        text.push_str(&json[from..]);
        text.shrink_to_fit();
        long_lists.sort_unstable_by_key(|list| list.start);
        long_lists.shrink_to_fit();
        Some(Self { text, long_lists })
    }

    /// Returns where the list that starts here is, if it is a long one.
    pub(super) fn long_list(&self, start: usize) -> Option<Range<usize>> {
        let at = self.long_lists.binary_search_by_key(&start, |list| list.start).ok()?;
        Some(self.long_lists[at].clone())
    }
}

/// Returns the position of the quotation mark that ends a string, and whether the string has
/// escapes that `Display` does not write.
fn string_end(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut at = start;
    let mut has_odd_escapes = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => {
                at += 1;
                has_odd_escapes |=
                    !matches!(bytes.get(at), Some(b'"' | b'\\' | b'n' | b'r' | b't'));
            }
            _ => {}
        }
        at += 1;
    }
    (at, has_odd_escapes)
}

#[cfg(test)]
mod tests {
    use std::collections::hash_map::DefaultHasher;
    use std::hash::{Hash, Hasher};

    use proptest::prelude::*;

    use super::*;

    /// Valid JSON with white space.
    fn text() -> impl Strategy<Value = String> {
        let scalars = vec![
            "null",
            "true",
            "-0",
            "1.10",
            "1E5",
            "123456789012345678901234567890",
            "\"\"",
            "\"é[{\"",
            r#""\u00e9\/\b\f\u0001""#,
            r#""\"\\\n\r\t""#,
            r#""\ud83c\udfac""#,
            r#""\ud83d \u00e9""#,
            r#""\\\"]""#,
            r#""A sentence, of more than fourteen bytes.""#,
        ];
        let scalar = prop::sample::select(scalars).prop_map(str::to_owned);
        scalar.prop_recursive(5, 400, 30, |value| {
            let values = prop::collection::vec(value, 0..30);
            let space = prop::sample::select(vec!["", " ", "\r\n\t"]);
            (values, space, any::<bool>()).prop_map(|(values, space, is_object)| {
                let list = |values: Vec<String>| values.join(&format!(",{space}"));
                if !is_object {
                    return format!("[{space}{}{space}]", list(values));
                }
                let keys = ["a", r"\u0061", "text", r"\ud800", "é", "\\\"", "a key that is long"];
                let entry = |(key, value)| format!("\"{key}\"{space}:{space}{value}");
                let entries = keys.iter().cycle().zip(values).map(entry).collect();
                format!("{{{space}{}}}", list(entries))
            })
        })
    }

    /// Changes the first and the last value at every depth.
    fn change(json: &mut Json) {
        if let Some(items) = json.as_array_mut() {
            items.first_mut().map(change);
            items.last_mut().map(change);
            items.push(1.into());
        } else if let Some(object) = json.as_object_mut() {
            object.get_mut("a").map(change);
            object.insert("x", 1);
            object.remove("text");
        }
    }

    fn hash(hash: impl Fn(&mut DefaultHasher)) -> u64 {
        let mut hasher = DefaultHasher::new();
        hash(&mut hasher);
        hasher.finish()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_long_text_is_the_tree_that_it_would_be_if_it_were_read_at_once(text in text()) {
            // Long enough that the elements may be long too.
            let text = format!(
                "[{}, {{\"a\": [{text}]}}, [{}]]",
                [text.as_str(); 9].join(","),
                ["0"; 600].join(" , "),
            );
            let tree = Parser::new(&text).value(0).unwrap();
            let unread: Json = text.parse().unwrap();
            let written = unread.to_string();
            prop_assert_eq!(&written, &tree.to_string());
            prop_assert_eq!(&unread, &written.parse::<Json>().unwrap());
            prop_assert_eq!(hash(|h| unread.hash(h)), hash(|h| tree.hash(h)));
            prop_assert_eq!(hash(|h| unread.semantic_hash(h)), hash(|h| tree.semantic_hash(h)));
            prop_assert!(unread == tree);
            prop_assert!(tree == unread);
            prop_assert!(unread.semantic_eq(&tree));
            prop_assert_eq!(unread.to_string(), written);
            for (part, of_tree) in unread.as_array().unwrap().iter().zip(tree.as_array().unwrap()) {
                let copy = part.clone();
                prop_assert_eq!(copy.to_string(), of_tree.to_string());
                prop_assert!(&copy == of_tree);
            }
            let (mut unread, mut tree) = (unread.clone(), tree);
            for _ in 0..2 {
                change(&mut unread);
                change(&mut tree);
                prop_assert_eq!(unread.to_string(), tree.to_string());
                prop_assert!(unread == tree);
            }
        }
    }
}
