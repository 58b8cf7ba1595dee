//! Phrases of a message with their quotations, words, numbers and times, in English and Chinese.
//! What they mean is left to `rules` and `parse`.

use std::ops::Range;
use std::time::Duration;

/// A part of a message between two punctuation marks or conjunctions.
#[derive(Clone, Debug)]
pub(crate) struct MessagePhrase {
    /// The text as written.
    pub(crate) raw: String,
    /// The text in lower case, with spaces in place of what is quoted.
    pub(crate) plain: String,
    /// The words of `plain`.
    pub(crate) words: Vec<String>,
    /// The first quotation.
    pub(crate) quoted: Option<String>,
}

impl MessagePhrase {
    pub(crate) fn new(raw: &str) -> Self {
        let quotes = quotes(raw);
        let plain = masked(raw, &quotes).to_lowercase().replace('％', "%").replace('：', ":");
        let plain = plain.replace("分钟", "分").replace("秒钟", "秒");
        let words = words(&plain);
        let quoted = quotes.first().map(|quote| quote.text.clone());
        Self { raw: raw.trim().to_owned(), plain, words, quoted }
    }

    /// Whether one of the terms of a list (see `words`) occurs: an English word as a whole word, and
    /// a term of several words, or of Chinese, which has no spaces, anywhere.
    pub(crate) fn has(&self, terms: &str) -> bool {
        terms.split_ascii_whitespace().any(|term| match term {
            _ if term.contains('_') => self.plain.contains(&term.replace('_', " ")),
            _ if term.is_ascii() => self.words.iter().any(|word| word == term),
            _ => self.plain.contains(term),
        })
    }

    /// Whether one of the terms is all of it, apart from spaces and punctuation.
    pub(crate) fn is(&self, terms: &str) -> bool {
        let text = self.plain.trim_matches(|c: char| !c.is_alphanumeric());
        is_in(terms, &text.replace(' ', "_"))
    }

    /// The first number below zero, as written. A minus behind a word is a hyphen.
    pub(crate) fn negative(&self) -> Option<String> {
        let minus = |(at, _): &(usize, &str)| {
            let before = self.plain[..*at].chars().next_back();
            let after = self.plain[*at..].chars().nth(1);
            before.is_none_or(|c| c.is_whitespace() || is_han(c))
                && after.is_some_and(|c| c.is_ascii_digit())
        };
        let (at, _) = self.plain.match_indices(['-', '−']).find(minus)?;
        let number = self.plain[at..].split(char::is_whitespace).next()?;
        Some(number.trim_end_matches(['.', ',']).to_owned())
    }

    /// A share, which may exceed 1: `20%`, `20 percent`, `half`, `0.2`, `百分之二十`.
    pub(crate) fn share(&self) -> Option<f64> {
        if let Some((_, number)) = self.plain.split_once("百分之") {
            let number = words(number).first().and_then(|word| number_of(word));
            return number.map(|number| number / 100.0);
        }
        let mut words = self.words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            let next = words.peek();
            let share = match (word, word.parse::<f64>()) {
                ("half", _) => Some(0.5),
                ("full" | "maximum", _) => Some(1.0),
                (_, Ok(number)) if next.is_some_and(|next| next.starts_with("percent")) => {
                    Some(number / 100.0)
                }
                (_, Ok(number)) if (0.0..=1.0).contains(&number) => Some(number),
                (_, Ok(number)) if (1.0..=100.0).contains(&number) && next.is_none() => {
                    Some(number / 100.0)
                }
                _ => word.strip_suffix('%').and_then(number_of).map(|number| number / 100.0),
            };
            if let Some(share) = share.filter(|share| share.is_finite()) {
                return Some(share.max(0.0));
            }
        }
        match () {
            () if self.has("一半") => Some(0.5),
            () if self.has("最大") => Some(1.0),
            () => None,
        }
    }

    /// Every time: `30 seconds`, `30s`, `1:30`, `2 minutes`, `五秒`, `1分30秒`. A bare number has the
    /// unit of the time after it, or else seconds.
    pub(crate) fn times(&self) -> Vec<Duration> {
        // Each number with the seconds of its unit and the index of its word.
        let mut found: Vec<(f64, Option<f64>, usize)> = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            if let Some(unit) = unit(word) {
                if let Some((_, seconds @ None, _)) = found.last_mut() {
                    *seconds = Some(unit);
                }
            } else if let Some((minutes, seconds)) = word.split_once(':') {
                if let (Ok(minutes), Ok(seconds)) = (minutes.parse::<f64>(), seconds.parse::<f64>())
                {
                    found.push((minutes * MINUTE + seconds, Some(1.0), at));
                }
            } else {
                let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.'));
                let (digits, rest) = word.split_at(end.unwrap_or(word.len()));
                let next = self.words.get(at + 1).and_then(|next| unit(next));
                // "一点" is "a little": a Chinese numeral alone is no time.
                let spelled = spelled(word).or_else(|| numeral(word).filter(|_| next.is_some()));
                match (digits.parse().ok().or(spelled), unit(rest)) {
                    (Some(number), Some(unit)) => found.push((number, Some(unit), at)),
                    (Some(number), None) if rest.is_empty() || spelled.is_some() => {
                        found.push((number, None, at));
                    }
                    _ => {}
                }
            }
        }
        let mut next_unit = 1.0;
        let mut times: Vec<Duration> = Vec::new();
        let mut seconds_at = None;
        for (number, unit, at) in found.into_iter().rev() {
            next_unit = unit.unwrap_or(next_unit);
            let Ok(time) = Duration::try_from_secs_f64(number * next_unit) else { continue };
            match times.last_mut() {
                // "1 minute 30 seconds" is one time.
                Some(last) if unit == Some(MINUTE) && seconds_at == Some(at + 2) => *last += time,
                _ => times.push(time),
            }
            seconds_at = (unit == Some(1.0)).then_some(at);
        }
        times.reverse();
        times
    }

    /// A count: `2`, `2nd`, `two`, `second`, `两步`.
    pub(crate) fn count(&self) -> Option<usize> {
        self.number(|before, after| before == "第" || ["步", "次", "个", "处"].contains(&after))
    }

    /// An ordinal number: `track 3`, `the second`, `第三条`.
    pub(crate) fn ordinal(&self) -> Option<usize> {
        self.number(|before, after| {
            ["第", "轨", "道"].contains(&before) || ["号", "轨"].contains(&after)
        })
    }

    /// A whole number; beside Chinese words, `stands` decides by the words before and after it.
    fn number(&self, stands: impl Fn(&str, &str) -> bool) -> Option<usize> {
        const ORDINALS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
        let word = |at: usize| self.words.get(at).map_or("", String::as_str);
        self.words.iter().enumerate().find_map(|(at, number)| {
            let (before, after) = (if at > 0 { word(at - 1) } else { "" }, word(at + 1));
            if [before, after].iter().any(|word| word.contains(is_han)) || numeral(number).is_some()
            {
                let number = number_of(number).filter(|_| stands(before, after));
                return number.map(|number| number as usize);
            }
            let ordinal = || ORDINALS.iter().position(|other| other == number).map(|at| at + 1);
            let spelled = || spelled(number).map(|number| number as usize);
            let digits = number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            digits.parse().ok().or_else(ordinal).or_else(spelled)
        })
    }
}

/// Whether a list of terms contains this one.
pub(crate) fn is_in(terms: &str, text: &str) -> bool {
    terms.split_ascii_whitespace().any(|term| term == text)
}

/// Whether this is a Chinese character.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}

/// The words of a text in lower case. A Chinese character is a word, and so is a numeral.
fn words(plain: &str) -> Vec<String> {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Numeral,
        Han,
        Letter,
    }
    let kind = |c: char| match c {
        _ if NUMERALS.contains(c) => Kind::Numeral,
        _ if is_han(c) => Kind::Han,
        _ => Kind::Letter,
    };
    let mut words = Vec::new();
    for run in plain.split(|c: char| !(c.is_alphanumeric() || "%.:-'’".contains(c))) {
        let mut start = 0;
        let mut last = None;
        let ends = run.char_indices().filter_map(|(at, c)| {
            let before = last.replace(kind(c));
            (before.is_some() && (before != last || last == Some(Kind::Han))).then_some(at)
        });
        for end in ends.chain([run.len()]) {
            let word = run[start..end].trim_matches(['.', ':', '-', '\'', '’']);
            words.extend((!word.is_empty()).then(|| word.to_owned()));
            start = end;
        }
    }
    words
}

const MINUTE: f64 = 60.0;

/// The seconds of a unit of time.
fn unit(word: &str) -> Option<f64> {
    match word {
        "s" | "sec" | "secs" | "second" | "seconds" | "秒" => Some(1.0),
        "ms" | "milliseconds" | "毫" => Some(0.001),
        "m" | "min" | "mins" | "minute" | "minutes" | "分" => Some(MINUTE),
        _ => None,
    }
}

fn spelled(word: &str) -> Option<f64> {
    const NUMBERS: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    NUMBERS.iter().position(|number| *number == word).map(|number| number as f64)
}

const NUMERALS: &str = "零一二三四五六七八九十两";

/// A Chinese numeral below a hundred.
fn numeral(word: &str) -> Option<f64> {
    let digit = |text: &str| match text {
        "两" => Some(2),
        _ => NUMERALS.chars().take(10).position(|c| text.chars().eq([c])),
    };
    let value = match word.split_once('十') {
        None => digit(word)?,
        Some((tens, ones)) => {
            let tens = if tens.is_empty() { 1 } else { digit(tens)? };
            tens * 10 + if ones.is_empty() { 0 } else { digit(ones)? }
        }
    };
    Some(value as f64)
}

fn number_of(word: &str) -> Option<f64> {
    word.parse().ok().or_else(|| numeral(word)).filter(|number: &f64| number.is_finite())
}

/// Splits a message into phrases, never within a quotation.
pub(crate) fn phrases(message: &str) -> Vec<MessagePhrase> {
    const JOINTS: [&str; 10] =
        ["and then ", "and ", "then ", "also ", "然后", "并且", "以及", "还有", "同时", "和"];
    // After these, "和" is half of a word: warm, mild, gentle.
    const WARM: &str = "暖温柔缓";
    let plain = masked(message, &quotes(message));
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(c) = plain[at..].chars().next() {
        let ends = ends_phrase(c, plain[at..].chars().nth(1));
        let before = plain[..at].chars().next_back();
        let joint = JOINTS.into_iter().find(|joint| match plain[at..].get(..joint.len()) {
            Some(text) if joint.is_ascii() => {
                text.eq_ignore_ascii_case(joint) && before.is_none_or(char::is_whitespace)
            }
            text => text == Some(joint) && !before.is_some_and(|c| WARM.contains(c)),
        });
        let skipped = if ends { c.len_utf8() } else { joint.map_or(0, str::len) };
        if skipped > 0 {
            pieces.push(&message[start..at]);
            start = at + skipped;
            at = start;
        } else {
            at += c.len_utf8();
        }
    }
    pieces.push(&message[start..]);
    let full = pieces.into_iter().filter(|piece| piece.contains(char::is_alphanumeric));
    full.map(MessagePhrase::new).collect()
}

/// Whether a character ends a phrase, given the one after it.
pub(crate) fn ends_phrase(c: char, after: Option<char>) -> bool {
    match c {
        '\n' | ';' | '；' | '。' | '，' | '、' | '！' | '？' => true,
        ',' | '.' | '!' | '?' => after.is_none_or(char::is_whitespace),
        _ => false,
    }
}

/// A quotation. The range includes its marks.
#[derive(Clone, Debug)]
pub(crate) struct Quote {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

pub(crate) fn quotes(text: &str) -> Vec<Quote> {
    const PAIRS: [&str; 9] = ["\"\"", "“”", "„“", "''", "‘’", "«»", "「」", "『』", "《》"];
    let mut found = Vec::new();
    let mut at = 0;
    let mut before: Option<char> = None;
    // A mark without a partner up to the end has none for the next of its kind either.
    let mut alone = Vec::new();
    while let Some(c) = text[at..].chars().next() {
        let inner = at + c.len_utf8();
        // An apostrophe within a word opens nothing.
        let opens = c != '\'' || before.is_none_or(|before| !before.is_alphanumeric());
        let pair = PAIRS.iter().find(|pair| opens && pair.starts_with(c) && !alone.contains(&c));
        if let Some(close) = pair.and_then(|pair| pair.chars().nth(1)) {
            if let Some(length) = closing(&text[inner..], close) {
                let quoted = text[inner..inner + length].replace("\\\"", "\"");
                let end = inner + length + close.len_utf8();
                found.push(Quote { range: at..end, text: quoted.trim().to_owned() });
                before = Some(close);
                at = end;
                continue;
            }
            alone.push(c);
        }
        before = Some(c);
        at = inner;
    }
    found
}

/// The offset of the mark that closes a quotation.
fn closing(text: &str, close: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let after = text[at + c.len_utf8()..].chars().next();
        let within_word = close == '\'' && after.is_some_and(char::is_alphanumeric);
        if c == close && !escaped && !within_word {
            return Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// The text with spaces in place of its quotations, of the same length in bytes.
pub(crate) fn masked(text: &str, quotes: &[Quote]) -> String {
    let mut plain = String::with_capacity(text.len());
    for Quote { range, .. } in quotes {
        plain.push_str(&text[plain.len()..range.start]);
        plain.extend(std::iter::repeat_n(' ', range.len()));
    }
    plain.push_str(&text[plain.len()..]);
    plain
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MessagePhrase, phrases, quotes};

    #[test]
    fn quotations_are_distinguished_from_apostrophes() {
        let texts = |text| quotes(text).into_iter().map(|quote| quote.text).collect::<Vec<_>>();
        assert_eq!(texts("don't add 'it's here' or “that”"), ["it's here", "that"]);
        assert_eq!(texts(r#"say "a \"b\" c" now"#), [r#"a "b" c"#]);
        assert!(texts("it's the dogs' \" bone").is_empty());
        assert_eq!(texts("标题「你好」"), ["你好"]);
    }

    #[test]
    fn phrases_end_with_punctuation_but_not_within_quotations_or_numbers() {
        let message = "Add a title 'a, b and c.', pace 1.2 and then mute the music.";
        let raw: Vec<_> = phrases(message).into_iter().map(|phrase| phrase.raw).collect();
        assert_eq!(raw, ["Add a title 'a, b and c.'", "pace 1.2", "mute the music"]);
    }

    #[test]
    fn times_shares_and_counts_are_read_in_both_languages() {
        for (text, seconds) in [
            ("from 2 to 5 seconds", &[2.0, 5.0][..]),
            ("to 1:30", &[90.0]),
            ("the last 1.5s", &[1.5]),
            ("two minutes", &[120.0]),
            ("1 minute 30 seconds", &[90.0]),
            ("从2秒到5秒", &[2.0, 5.0]),
            ("从2到5秒", &[2.0, 5.0]),
            ("剪一下最后十五秒", &[15.0]),
            ("1分钟30秒", &[90.0]),
            ("慢一点", &[]),
        ] {
            let times = MessagePhrase::new(text).times();
            assert_eq!(times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>(), seconds);
        }
        for (text, share) in [
            ("to 20%", Some(0.2)),
            ("to 35 percent", Some(0.35)),
            ("by half", Some(0.5)),
            ("音量２０", None),
            ("调到百分之三十", Some(0.3)),
            ("调到20％", Some(0.2)),
        ] {
            assert_eq!(MessagePhrase::new(text).share(), share, "{text}");
        }
        assert_eq!(MessagePhrase::new("the 2nd track").count(), Some(2));
        assert_eq!(MessagePhrase::new("the last three changes").count(), Some(3));
        assert_eq!(MessagePhrase::new("撤销两步").count(), Some(2));
        assert_eq!(MessagePhrase::new("撤销一下最近3次修改").count(), Some(3));
        assert_eq!(MessagePhrase::new("删除第二条音轨").ordinal(), Some(2));
        assert_eq!(MessagePhrase::new("删除两条音轨").ordinal(), None);
    }
}
