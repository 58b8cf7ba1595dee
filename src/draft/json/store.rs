//! How a tree is stored, so that a draft of a million segments takes little more memory than its
//! text: texts of a few bytes and empty lists need no allocation, and a list with a long text stays
//! that text until it is looked into.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::parse::Source;

/// A list in one word, which is `None` or has no elements while it is empty.
#[derive(Clone)]
pub(crate) struct ThinVec<T>(pub(super) Option<Box<Items<T>>>);

/// Most lists are small: one element takes no allocation of its own.
#[derive(Clone)]
pub(crate) enum Items<T> {
    One([T; 1]),
    Many(Vec<T>),
    Unread(Box<UnreadList<T>>),
}

impl<T: Element> ThinVec<T> {
    /// Returns the list with this text in the source.
    pub(super) fn unread(source: Arc<Source>, text: Range<usize>) -> Self {
        let list = UnreadList { source, text, items: OnceLock::new() };
        Self(Some(Box::new(Items::Unread(Box::new(list)))))
    }

    /// Returns the JSON of a list that was not changed since it was read.
    pub(super) fn text(&self) -> Option<&str> {
        match self.0.as_deref() {
            Some(Items::Unread(list)) => Some(list.text()),
            _ => None,
        }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        match self.0.as_deref() {
            None => &[],
            Some(Items::One(item)) => item,
            Some(Items::Many(items)) => items,
            Some(Items::Unread(list)) => list.items(),
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        if self.text().is_some() {
            return self.as_vec();
        }
        match self.0.as_deref_mut() {
            None | Some(Items::Unread(_)) => &mut [],
            Some(Items::One(item)) => item,
            Some(Items::Many(items)) => items,
        }
    }

    pub(super) fn as_vec(&mut self) -> &mut Vec<T> {
        let items = self.0.get_or_insert_with(|| Box::new(Items::Many(Vec::new())));
        if !matches!(**items, Items::Many(_)) {
            let many = match std::mem::replace(&mut **items, Items::Many(Vec::new())) {
                Items::One([item]) => vec![item],
                Items::Many(items) => items,
                Items::Unread(list) => list.into_items(),
            };
            **items = Items::Many(many);
        }
        match &mut **items {
            Items::Many(items) => items,
            _ => unreachable!("replaced above"),
        }
    }
}

/// What a list holds.
pub(crate) trait Element: Sized {
    /// Reads the list that begins at this position of valid and compact JSON.
    fn read_list(source: &Arc<Source>, start: usize) -> Vec<Self>;
}

/// A list that is its text, and is read when it is first looked into. A tree of short lists takes
/// many times the memory of its text, and most parts of a draft are only passed on.
pub(crate) struct UnreadList<T> {
    /// What the lists of one document share.
    source: Arc<Source>,
    text: Range<usize>,
    items: OnceLock<Vec<T>>,
}

impl<T: Element> UnreadList<T> {
    fn items(&self) -> &[T] {
        self.items.get_or_init(|| T::read_list(&self.source, self.text.start))
    }

    fn into_items(mut self) -> Vec<T> {
        let items = self.items.take();
        items.unwrap_or_else(|| T::read_list(&self.source, self.text.start))
    }
}

impl<T> UnreadList<T> {
    fn text(&self) -> &str {
        &self.source.text[self.text.clone()]
    }
}

impl<T> Clone for UnreadList<T> {
    fn clone(&self) -> Self {
        // A small part does not keep a large document in memory.
        let is_small = self.text.len() < self.source.text.len() / 2;
        let part = if is_small { Source::new(self.text(), usize::MAX) } else { None };
        let (source, text) = match part {
            Some(part) => (Arc::new(part), 0..self.text.len()),
            None => (Arc::clone(&self.source), self.text.clone()),
        };
        Self { source, text, items: OnceLock::new() }
    }
}

impl<T> Default for ThinVec<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> From<Vec<T>> for ThinVec<T> {
    fn from(mut items: Vec<T>) -> Self {
        let items = match items.len() {
            0 => return Self(None),
            1 => items.pop().map(|item| Items::One([item])),
            _ => {
                items.shrink_to_fit();
                Some(Items::Many(items))
            }
        };
        Self(items.map(Box::new))
    }
}

impl<T: Element + PartialEq> PartialEq for ThinVec<T> {
    fn eq(&self, other: &Self) -> bool {
        match (self.text(), other.text()) {
            // What is equal is written alike.
            (Some(text), Some(other)) => text == other,
            _ => self.as_slice() == other.as_slice(),
        }
    }
}

impl<T: Element + Eq> Eq for ThinVec<T> {}

impl<T: Element + Hash> Hash for ThinVec<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

/// A string or a key; `Display` writes it as JSON. One that fits is always short.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum JsonString {
    Short(ShortText),
    Long(Box<LongText>),
}

/// The longest text that needs no allocation.
const MAX_SHORT: usize = 14;

/// Text of up to [`MAX_SHORT`] bytes; those behind it are 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ShortText {
    length: u8,
    bytes: [u8; MAX_SHORT],
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct LongText {
    pub(super) value: Box<str>,
    /// The escaped text between the quotes, where it has unpaired surrogates.
    pub(super) escaped: Option<Box<str>>,
}

impl ShortText {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length.into()]
    }

    pub(super) fn as_str(&self) -> &str {
        // Always valid: it was made of a whole `&str`.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl JsonString {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Short(text) => text.as_str(),
            Self::Long(text) => &text.value,
        }
    }

    pub(super) fn is(&self, key: &str) -> bool {
        let bytes = match self {
            Self::Short(text) => text.as_bytes(),
            Self::Long(text) => text.value.as_bytes(),
        };
        bytes == key.as_bytes()
    }
}

impl<T: AsRef<str> + Into<Box<str>>> From<T> for JsonString {
    fn from(value: T) -> Self {
        let text = value.as_ref().as_bytes();
        if text.len() > MAX_SHORT {
            return Self::Long(Box::new(LongText { value: value.into(), escaped: None }));
        }
        let mut bytes = [0; MAX_SHORT];
        bytes[..text.len()].copy_from_slice(text);
        Self::Short(ShortText { length: text.len() as u8, bytes })
    }
}

impl fmt::Display for JsonString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(text) => write_string(text.as_str(), f),
            Self::Long(text) => text.fmt(f),
        }
    }
}

impl fmt::Display for LongText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.escaped {
            Some(escaped) => write!(f, "\"{escaped}\""),
            None => write_string(&self.value, f),
        }
    }
}

pub(super) fn write_string(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        f.write_str(&rest[..at])?;
        // Each of these characters is one byte long.
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
    f.write_char('"')
}

pub(super) fn unescape(escaped: &str) -> JsonString {
    let mut value = String::with_capacity(escaped.len());
    let mut is_exact = true;
    let mut rest = escaped;
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
                literal => literal,
            }));
            rest = chars.as_str();
        } else {
            for char in char::decode_utf16(units) {
                is_exact &= char.is_ok();
                value.push(char.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
    }
    value.push_str(rest);
    if is_exact {
        return value.into();
    }
    JsonString::Long(Box::new(LongText { value: value.into(), escaped: Some(escaped.into()) }))
}

/// Returns the UTF-16 unit of a `\uXXXX` at the start of `text`.
pub(super) fn unicode_escape(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

/// The lists that are being read, one within the other, so that each is allocated once it is
/// complete: lists that grow and shrink leave gaps in the memory.
pub(super) struct OpenLists<T>(Vec<T>);

/// The list that is being read.
pub(super) struct OpenList<T> {
    /// Where its elements begin among those of all.
    start: usize,
    /// Its first elements, if it has many.
    moved: Vec<T>,
}

impl<T> OpenLists<T> {
    /// A longer list grows by itself, since it would otherwise be in memory twice.
    const MAX_LEN: usize = 64;

    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn open(&self) -> OpenList<T> {
        OpenList { start: self.0.len(), moved: Vec::new() }
    }

    pub(super) fn push(&mut self, list: &mut OpenList<T>, item: T) {
        self.0.push(item);
        if self.0.len() - list.start >= Self::MAX_LEN {
            list.moved.extend(self.0.drain(list.start..));
        }
    }

    pub(super) fn close(&mut self, mut list: OpenList<T>) -> ThinVec<T> {
        let last = self.0.drain(list.start..);
        match (list.moved.len(), last.len()) {
            (0, 0) => ThinVec(None),
            (0, 1) => ThinVec(last.map(|item| Items::One([item])).map(Box::new).last()),
            _ => {
                list.moved.reserve_exact(last.len());
                list.moved.extend(last);
                list.moved.into()
            }
        }
    }
}
