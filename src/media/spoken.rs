//! Placeholder: each word is spoken as it is written, and emoji are not spoken.

use std::ops::Range;

use super::characters::{is_emoji, is_invisible};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpokenText {
    pub(crate) text: String,
    pub(crate) pieces: Vec<SpokenPiece>,
    pub(crate) unspoken: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpokenPiece {
    pub(crate) source: Range<usize>,
    pub(crate) spoken: Range<usize>,
}

pub(crate) fn spoken(text: &str, _language: &str) -> SpokenText {
    let mut out = String::new();
    let mut pieces = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let source = at..at + word.len();
        at = source.end;
        let start = out.len();
        out.extend(word.chars().filter(|&c| !is_emoji(c) && !is_invisible(c)));
        pieces.push(SpokenPiece { source, spoken: start..out.len() });
    }
    SpokenText { text: out, pieces, unspoken: Vec::new() }
}
