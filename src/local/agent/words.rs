//! The vocabulary of the agent. `agent.words` holds the terms, and `MessagePhrase::has` says how they
//! match.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::language::tokens::is_han;

const WORDS: &str = include_str!("agent.words");

macro_rules! vocabulary {
    ($($name:ident)*) => { $(pub(crate) const $name: &str = section(WORDS, stringify!($name));)* };
}

macro_rules! known {
    ($($name:ident)*) => {
        vocabulary! { $($name)* }
        /// The concepts whose words an order may contain.
        pub(crate) const KNOWN: &[&str] = &[$($name),*];
    };
}

known! {
    CAPTIONS TITLES TEXT_CARDS MUSIC VOICE AUDIO BACKGROUND IMAGES LENGTH PACE VIDEOS VOICEOVERS
    REMOVE SWITCH_OFF OFF CHANGE GIVE_TITLE ADD_MUSIC ADD_LOUD ADD_FILE SHOW_IMAGE CUT MUTE UNMUTE LOUDER QUIETER UP DOWN
    PACE_VALUE SLOW FAST SLOWER FASTER NOT_SPOKEN TO AT_END AT_START LASTING STARTING MOMENT HAN_MOMENT MALE FEMALE
    CAPTION_BOXED CAPTION_WORDS CAPTION_PLAIN CAPTION_BIGGER CAPTION_SMALLER CAPTION_OUTLINE
    CAPTION_TOP CAPTION_BOTTOM CAPTION_MIDDLE LOOK_WORDS ZOOM STILL FIT_WHOLE FIT_COVER CROSS_FADES DUCK FADE FADE_OUT_WORDS POSTER CHAPTERS PARAGRAPHS
    RECORDINGS AS
    LANDSCAPE PORTRAIT SQUARE MOODS UPLOADED SCRIPTS FILES NON_SCRIPT POINTERS MAKE SPEAK
    EDIT_VERBS HAN_MAKE HAN_SPEECH HAN_SPEAK HAN_EDITS HAN_REWORK HAN_ASKING VERBS NOUNS
    OTHER_WORDS OTHER_HAN
}
vocabulary! {
    TITLE_TIMES TITLE_FROM RELATIVE EXPORT_VERBS HAN_EXPORT HAN_BEFORE_FILE ASK_FIRST MAKE_NEW HAN_MAKE_NEW UNDO HELP LOOKS MAKE_AGAIN HAN_MAKE_AGAIN NEUTRAL LEADS TRAILS COURTESY SHARED_VERBS
    HAN_SHARED_VERBS TITLE_FILLERS HAN_TITLE_FILLERS NUMBERS ORDINALS NUMERALS
    DO_NOT COLORS PALETTE_MOODS VOICE_LANGUAGES LABELS BEFORE_LANGUAGE AFTER_LANGUAGE HAN_BEFORE_LANGUAGE
    HAN_AFTER_LANGUAGE
}

/// The text between a header in brackets and the next empty line. A section that is missing is an
/// error when this is compiled.
pub(crate) const fn section(text: &'static str, name: &str) -> &'static str {
    let (bytes, name) = (text.as_bytes(), name.as_bytes());
    let mut at = 0;
    loop {
        let mut length = 0;
        while length < name.len() && bytes[at + 1 + length] == name[length] {
            length += 1;
        }
        if bytes[at] == b'[' && length == name.len() && bytes[at + 1 + length] == b']' {
            break;
        }
        at += 1;
    }
    let start = at + name.len() + 3;
    let mut end = start;
    while end + 1 < bytes.len() && (bytes[end] != b'\n' || bytes[end + 1] != b'\n') {
        end += 1;
    }
    text.split_at(start).1.split_at(end - start).0
}

/// The terms with Chinese characters that an order may contain, by their first characters.
static HAN_TERMS: LazyLock<HashMap<char, Vec<&str>>> = LazyLock::new(|| {
    let lists = KNOWN.iter().chain(&[PALETTE_MOODS, VOICE_LANGUAGES]);
    let terms = lists.flat_map(|list| list.split_ascii_whitespace());
    let mut found: HashMap<char, Vec<&str>> = HashMap::new();
    for term in terms.filter(|term| term.contains(is_han)) {
        if let Some(first) = term.chars().next() {
            found.entry(first).or_default().push(term);
        }
    }
    found
});

/// Every way in which terms of the vocabulary, one after the other, cover the Chinese characters of
/// a text: in 字幕关掉, 字幕关 is a term, and so is 关掉, but only the second leaves nothing over.
#[derive(Clone, Debug)]
pub(crate) struct Division {
    /// Whether terms cover the text up to a byte offset, and from it on.
    is_covered_to: Vec<bool>,
    is_covered_from: Vec<bool>,
    /// The terms that are part of a division, and the other characters.
    parts: Vec<Range<usize>>,
}

impl Division {
    /// `None` where a character is in no term.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        for (at, c) in text.char_indices() {
            if !is_han(c) {
                parts.push(at..at + c.len_utf8());
            }
            let terms = HAN_TERMS.get(&c).into_iter().flatten();
            let terms = terms.filter(|term| text[at..].starts_with(**term));
            parts.extend(terms.map(|term| at..at + term.len()));
        }
        let mut is_covered_to = vec![false; text.len() + 1];
        is_covered_to[0] = true;
        for part in &parts {
            is_covered_to[part.end] |= is_covered_to[part.start];
        }
        let mut is_covered_from = vec![false; text.len() + 1];
        is_covered_from[text.len()] = true;
        for part in parts.iter().rev() {
            is_covered_from[part.start] |= is_covered_from[part.end];
        }
        parts.retain(|part| is_covered_to[part.start] && is_covered_from[part.end]);
        let is_covered = is_covered_to[text.len()];
        is_covered.then_some(Self { is_covered_to, is_covered_from, parts })
    }

    /// Whether a range is a word of the text, or part of one, and not made of pieces of two words, as
    /// 上方 is in 加上方框.
    pub(crate) fn allows(&self, range: Range<usize>) -> bool {
        let is_within = |part: &Range<usize>| part.start <= range.start && range.end <= part.end;
        (self.is_covered_to[range.start] && self.is_covered_from[range.end])
            || self.parts.iter().any(is_within)
    }
}

#[cfg(test)]
mod tests {
    use super::super::phrase::MessagePhrase;
    use super::*;

    #[test]
    fn a_term_made_of_pieces_of_two_words_does_not_occur() {
        for (text, present, absent) in [
            ("加上方框字幕", CAPTION_BOXED, CAPTION_TOP),
            ("换上方框字幕", CAPTION_BOXED, CAPTION_TOP),
            ("加上方字幕", CAPTION_TOP, CAPTION_BOXED),
            ("加上方形背景", SQUARE, CAPTION_TOP),
            ("给视频配音乐", MUSIC, VOICE),
            ("给视频配音", VOICE, MUSIC),
        ] {
            let phrase = MessagePhrase::new(text);
            assert!(phrase.has(present) && !phrase.has(absent), "{text}");
        }
        // Part of a word, several words, and a text of which a word is unknown.
        for (text, present) in [
            ("图片放大一点", "大"),
            ("给我做一个视频", HAN_MAKE_NEW),
            ("字幕关掉", OFF),
            ("蝴蝶飞上方框", CAPTION_TOP),
        ] {
            assert!(MessagePhrase::new(text).has(present), "{text}");
        }
    }
}
