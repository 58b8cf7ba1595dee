//! Whether a clause asks for something or merely says something. Prose is full of words that mean
//! something here — "quick", "portrait", "the captions were off" — and what is done costs credits;
//! so a clause is an order only when all of it is understood: every word of it is one the agent
//! knows, and none of them makes a statement of it. What is in quotes, and the text of a title,
//! may say anything.

mod words;

use super::languages;
use super::phrase::{Clause, is_han};
use crate::protocol::FileFormat;
use words::{COURTESY, HAN, JOINED, KNOWN, LEADS, THINGS, TRAILS, VERBS};

/// Longer is no order, whatever its words.
const MAX_WORDS: usize = 40;

/// How a clause is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Something is to be done: "make it faster", "can we have captions", "faster, please".
    Order,
    /// A setting alone, all of whose words are known: "faster", "the captions", "a male voice".
    Setting,
    /// "Hello", "thank you".
    Courtesy,
    /// Anything else.
    Prose,
}

impl Manner {
    pub(super) fn of(clause: &Clause) -> Self {
        if clause.words.len() > MAX_WORDS {
            return Self::Prose;
        }
        if clause.plain.contains(is_han) {
            return of_chinese(clause);
        }
        let words: Vec<&str> = clause.words.iter().map(String::as_str).collect();
        let end = if clause.quoted.is_none() { title_end(clause, &words) } else { None };
        of_english(&words[..end.unwrap_or(words.len())])
    }

    /// Whether it can be acted on, as far as the words go.
    pub(super) fn asks(self) -> bool {
        matches!(self, Self::Order | Self::Setting)
    }
}

/// Where a title begins that stands without quotes: its text is the user's own.
fn title_end(clause: &Clause, words: &[&str]) -> Option<usize> {
    const NAMES: [&str; 4] = ["title", "heading", "headline", "titled"];
    let end = words.iter().position(|word| NAMES.contains(word))? + 1;
    let next = words.get(end).copied().unwrap_or_default();
    let labelled = NAMES.iter().any(|name| clause.plain.contains(&format!("{name}:")));
    let named = ["saying", "called", "reading", "to"].contains(&next);
    let ordered = matches!(of_english(&words[..end]), Manner::Order);
    (labelled || named || ordered).then_some(end)
}

/// The first word of what is asked for, behind "please" and "could you".
pub(super) fn first_word(clause: &Clause) -> String {
    let words: Vec<&str> = clause.words.iter().map(String::as_str).collect();
    let (text, _) = bare(&words);
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

/// The words without those around a request, and whether these make it one.
fn bare(words: &[&str]) -> (String, bool) {
    let mut text = format!(" {} ", words.join(" "));
    let mut asked = false;
    for phrase in JOINED {
        text = text.replace(&format!(" {phrase} "), " ");
    }
    while let Some(trail) = TRAILS.iter().find(|trail| ends(&text, trail)) {
        asked |= !COURTESY.contains(trail);
        text.truncate(text.len() - trail.len() - 1);
    }
    while let Some(lead) = LEADS.iter().chain(COURTESY).find(|lead| begins(&text, lead)) {
        asked |= !COURTESY.contains(lead);
        text.replace_range(..=lead.len(), "");
    }
    (text, asked)
}

fn of_english(words: &[&str]) -> Manner {
    let (text, asked) = bare(words);
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some(first) = words.first() else { return Manner::Courtesy };
    let verb = is_in(VERBS, first);
    let known = |at: usize| is_known(words[at]);
    // "The boring title": a word that only describes a thing may be any, in an order.
    let describes = |at: usize| {
        (verb || asked)
            && at > 0
            && known(at - 1)
            && !is_in(VERBS, words[at - 1])
            && words.get(at + 1).is_some_and(|next| is_in(THINGS, next))
    };
    if !(0..words.len()).all(|at| known(at) || describes(at)) {
        Manner::Prose
    } else if verb || asked {
        Manner::Order
    } else {
        Manner::Setting
    }
}

fn begins(text: &str, lead: &str) -> bool {
    text[1..].strip_prefix(lead).is_some_and(|rest| rest.starts_with(' '))
}

fn ends(text: &str, trail: &str) -> bool {
    text.trim_end().strip_suffix(trail).is_some_and(|rest| rest.ends_with(' '))
}

/// Whether a list of words, with spaces between them, has this one.
fn is_in(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|other| other == word)
}

/// Whether an English word is one of the agent's own, a number, a language or a file.
fn is_known(word: &str) -> bool {
    [KNOWN, VERBS, THINGS].iter().any(|list| is_in(list, word))
        || word.starts_with(|c: char| c.is_ascii_digit())
        || languages::is_named_with(word)
        || FileFormat::of(word).is_some()
}

/// Chinese has no spaces: what is known covers all of it, the longest words first.
fn of_chinese(clause: &Clause) -> Manner {
    let all = clause.plain.as_str();
    // What follows the word is the title's text.
    let text = match (&clause.quoted, all.find("标题")) {
        (None, Some(at)) => &all[..at + "标题".len()],
        _ => all,
    };
    let foreign = |text: &str| {
        text.split(is_han).all(|piece| Clause::new(piece).words.iter().all(|word| is_known(word)))
    };
    if !foreign(text) || !is_covered(text) {
        return Manner::Prose;
    }
    const THANKS: &[&str] = &["谢谢", "您好", "你好", "好的", "多谢"];
    if clause.is(THANKS) {
        return Manner::Courtesy;
    }
    const ASKING: &[&str] = &["请", "把", "将", "给", "让", "帮", "麻烦", "我要", "我想"];
    if ASKING.iter().any(|word| text.trim_start().starts_with(word)) {
        Manner::Order
    } else {
        Manner::Setting
    }
}

/// Whether known words cover every Chinese character.
fn is_covered(text: &str) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = HAN
            .split_ascii_whitespace()
            .filter(|word| rest.starts_with(*word))
            .map(|word| word.len());
        let language = languages::prefix(rest);
        match word.chain(language).max() {
            Some(length) => rest = &rest[length..],
            None if is_han(c) => return false,
            None => rest = &rest[c.len_utf8()..],
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::phrase::Clause;
    use super::Manner;

    #[test]
    fn orders_are_told_from_settings_and_both_from_prose() {
        use Manner::{Courtesy, Order, Prose, Setting};
        for (clause, manner) in [
            ("make it faster", Order),
            ("Could you please turn the captions off", Order),
            ("I'd like a vertical video", Order),
            ("can we have subtitles", Order),
            ("captions off please", Order),
            ("remove the boring title", Order),
            ("add a title Morning Brew", Order),
            ("it should be faster", Setting),
            ("faster", Setting),
            ("a male voice", Setting),
            ("in German", Setting),
            ("title: Morning Brew", Setting),
            ("hello", Courtesy),
            ("thank you", Courtesy),
            ("Our product is quick to set up", Prose),
            ("We portrait artists love square pictures", Prose),
            ("The music stopped when the captions were off", Prose),
            ("make every portrait count", Prose),
            ("turn heads with a square picture", Prose),
            ("the captions are off", Prose),
            ("把音乐静音", Order),
            ("换成竖屏", Setting),
            ("谢谢", Courtesy),
            ("加个标题叫早安", Setting),
            ("我们的产品快速上手", Prose),
            ("音乐停的时候字幕关了", Prose),
            ("我们爱竖屏照片", Prose),
        ] {
            assert_eq!(Manner::of(&Clause::new(clause)), manner, "{clause}");
        }
    }
}
