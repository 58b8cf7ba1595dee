//! What the readers of sentences share: quotes, clauses, words, numbers and times.

use std::time::Duration;

/// A piece of a message between two commas, full stops or "and"s, ready to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    /// As it was written.
    pub(super) raw: String,
    /// In lower case, what is in quotes left out.
    pub(super) plain: String,
    /// The words of `plain`.
    pub(super) words: Vec<String>,
    /// The first thing in quotes.
    pub(super) quoted: Option<String>,
}

impl Clause {
    pub(super) fn new(raw: &str) -> Self {
        let quotes = quotes(raw);
        let plain = masked(raw, &quotes).to_lowercase();
        let plain = plain.replace('％', "%").replace('：', ":");
        let plain = plain.replace("分钟", "分").replace("秒钟", "秒");
        let words = words(&plain);
        let quoted = quotes.first().map(|quote| quote.text.clone());
        Self { raw: raw.trim().to_owned(), plain, words, quoted }
    }

    /// Whether one of these is in it: an English word as a word of its own; several words, or
    /// Chinese, which has no spaces, anywhere.
    pub(super) fn has(&self, terms: &[&str]) -> bool {
        terms.iter().any(|term| match is_word(term) {
            true => self.words.iter().any(|word| word == term),
            false => self.plain.contains(term),
        })
    }

    /// Whether this is all of it, but for spaces and marks.
    pub(super) fn is(&self, terms: &[&str]) -> bool {
        let text = self.plain.trim_matches(|c: char| !c.is_alphanumeric());
        terms.contains(&text)
    }

    /// The first number below nothing, as it was written: a minus that stands behind no word.
    pub(super) fn negative(&self) -> Option<String> {
        let mut before = None;
        let mut characters = self.plain.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            let number = characters.peek().is_some_and(|(_, next)| next.is_ascii_digit());
            let alone = before.is_none_or(|before: char| before.is_whitespace() || is_han(before));
            if matches!(c, '-' | '−') && number && alone {
                let rest = &self.plain[at..];
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                return Some(rest[..end].trim_end_matches(['.', ',']).to_owned());
            }
            before = Some(c);
        }
        None
    }

    /// A share: `20%`, `20 percent`, `half`, `0.2`, `百分之二十`. It may be more than all.
    pub(super) fn share(&self) -> Option<f64> {
        if let Some((_, number)) = self.plain.split_once("百分之") {
            let number = words(number).first().and_then(|word| number_of(word));
            return number.map(|number| number / 100.0);
        }
        let percent = |word: &str| word.strip_suffix('%')?.parse::<f64>().ok();
        let mut words = self.words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            let share = match word {
                "half" => Some(0.5),
                "full" | "maximum" => Some(1.0),
                _ => match word.parse::<f64>() {
                    Ok(number) if words.peek().is_some_and(|next| next.starts_with("percent")) => {
                        Some(number / 100.0)
                    }
                    Ok(number) if (0.0..=1.0).contains(&number) => Some(number),
                    Ok(number) if (1.0..=100.0).contains(&number) && words.peek().is_none() => {
                        Some(number / 100.0)
                    }
                    _ => percent(word).map(|number| number / 100.0),
                },
            };
            if let Some(share) = share.filter(|share| share.is_finite()) {
                return Some(share.max(0.0));
            }
        }
        if self.has(&["一半"]) {
            return Some(0.5);
        }
        self.has(&["最大"]).then_some(1.0)
    }

    /// Every time in it: `30 seconds`, `30s`, `1:30`, `2 minutes`, `五秒`, `1分30秒`; a bare number
    /// has the unit of the time after it, else seconds.
    pub(super) fn times(&self) -> Vec<Duration> {
        // The number, its unit, and which word it was.
        let mut found: Vec<(f64, Option<f64>, usize)> = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            if let Some(unit) = unit(word) {
                if let Some((_, seconds @ None, _)) = found.last_mut() {
                    *seconds = Some(unit);
                }
            } else if let Some((minutes, seconds)) = word.split_once(':') {
                if let (Ok(minutes), Ok(seconds)) = (minutes.parse::<f64>(), seconds.parse::<f64>())
                {
                    found.push((minutes * 60.0 + seconds, Some(1.0), at));
                }
            } else {
                let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.'));
                let (digits, rest) = word.split_at(end.unwrap_or(word.len()));
                let next = self.words.get(at + 1).and_then(|next| unit(next));
                // "一点" is "a little": a numeral alone is no time.
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
    pub(super) fn count(&self) -> Option<usize> {
        const MEASURES: [&str; 4] = ["步", "次", "个", "处"];
        self.number(|before, after| before == "第" || MEASURES.contains(&after))
    }

    /// Which one: `track 3`, `the second`, `第三条`.
    pub(super) fn ordinal(&self) -> Option<usize> {
        self.number(|before, after| {
            matches!(before, "第" | "轨" | "道") || matches!(after, "号" | "轨")
        })
    }

    /// A whole number; beside Chinese words it must stand between the right ones.
    fn number(&self, stands: impl Fn(&str, &str) -> bool) -> Option<usize> {
        const ORDINALS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
        let word = |at: usize| self.words.get(at).map_or("", String::as_str);
        self.words.iter().enumerate().find_map(|(at, number)| {
            let (before, after) = (if at > 0 { word(at - 1) } else { "" }, word(at + 1));
            let foreign = [before, after].iter().any(|word| word.contains(is_han));
            let digits = number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            if foreign || numeral(number).is_some() {
                let number = number_of(number).filter(|_| stands(before, after));
                return number.map(|number| number as usize);
            }
            let ordinal = || ORDINALS.iter().position(|other| other == number).map(|at| at + 1);
            let spelled = || spelled(number).map(|number| number as usize);
            digits.parse().ok().or_else(ordinal).or_else(spelled)
        })
    }
}

/// One English word.
fn is_word(term: &str) -> bool {
    term.is_ascii() && !term.contains(' ')
}

/// Whether this is a Chinese character.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}

/// The words of a text in lower case. A Chinese character is a word, and so is a numeral.
fn words(plain: &str) -> Vec<String> {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Numeral,
        Character,
        Letter,
    }
    let kind = |c: char| match c {
        _ if NUMERALS.contains(c) => Kind::Numeral,
        _ if is_han(c) => Kind::Character,
        _ => Kind::Letter,
    };
    let mut words = Vec::new();
    for piece in plain.split(|c: char| !(c.is_alphanumeric() || "%.:-'’".contains(c))) {
        let mut start = 0;
        let mut last = None;
        let ends = piece.char_indices().filter_map(|(at, c)| {
            let before = last.replace(kind(c));
            (before.is_some() && (before != last || last == Some(Kind::Character))).then_some(at)
        });
        for end in ends.chain([piece.len()]) {
            let word = piece[start..end].trim_matches(['.', ':', '-', '\'', '’']);
            words.extend((!word.is_empty()).then(|| word.to_owned()));
            start = end;
        }
    }
    words
}

const MINUTE: f64 = 60.0;

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

/// Cuts a message into clauses. Nothing in quotes is cut.
pub(super) fn clauses(message: &str) -> Vec<Clause> {
    const JOINTS: [&str; 10] =
        ["and then ", "and ", "then ", "also ", "然后", "并且", "以及", "还有", "同时", "和"];
    // After these, "和" is half of a word: warm, mild, gentle.
    const WARM: &str = "暖温柔缓";
    let plain = masked(message, &quotes(message));
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(c) = plain[at..].chars().next() {
        let rest = &plain[at + c.len_utf8()..];
        let ends = match c {
            '\n' | ';' | '；' | '。' | '，' | '、' | '！' | '？' => true,
            ',' | '.' | '!' | '?' => rest.chars().next().is_none_or(char::is_whitespace),
            _ => false,
        };
        let before = plain[..at].chars().next_back();
        let joint = JOINTS.into_iter().find(|joint| {
            if !joint.is_ascii() {
                return plain[at..].starts_with(joint) && !before.is_some_and(|c| WARM.contains(c));
            }
            let word = plain[at..].get(..joint.len());
            let alone = before.is_none_or(char::is_whitespace);
            alone && word.is_some_and(|word| word.eq_ignore_ascii_case(joint))
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
    full.map(Clause::new).collect()
}

/// A piece of text in quotes, its marks included in the range.
#[derive(Clone, Debug)]
pub(super) struct Quote {
    pub(super) range: std::ops::Range<usize>,
    pub(super) text: String,
}

pub(super) fn quotes(text: &str) -> Vec<Quote> {
    const PAIRS: [(char, char); 9] = [
        ('"', '"'),
        ('“', '”'),
        ('„', '“'),
        ('\'', '\''),
        ('‘', '’'),
        ('«', '»'),
        ('「', '」'),
        ('『', '』'),
        ('《', '》'),
    ];
    let mut found = Vec::new();
    let mut at = 0;
    let mut before: Option<char> = None;
    // A mark that has no partner up to the end has none for the next of its kind either.
    let mut alone = Vec::new();
    while let Some(c) = text[at..].chars().next() {
        let inner = at + c.len_utf8();
        // An apostrophe within a word opens nothing.
        let opens = c != '\'' || before.is_none_or(|before| !before.is_alphanumeric());
        let pair = PAIRS.iter().find(|(open, _)| opens && *open == c && !alone.contains(open));
        if let Some(&(open, close)) = pair {
            if let Some(length) = closing(&text[inner..], close) {
                let quoted = text[inner..inner + length].replace("\\\"", "\"");
                let end = inner + length + close.len_utf8();
                found.push(Quote { range: at..end, text: quoted.trim().to_owned() });
                before = Some(close);
                at = end;
                continue;
            }
            alone.push(open);
        }
        before = Some(c);
        at = inner;
    }
    found
}

/// How far it is to the mark that closes a quote.
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

/// The same text, as long, with spaces for what is in quotes.
pub(super) fn masked(text: &str, quotes: &[Quote]) -> String {
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

    use super::{Clause, clauses, quotes};

    #[test]
    fn quotes_are_told_from_apostrophes() {
        let texts = |text| quotes(text).into_iter().map(|quote| quote.text).collect::<Vec<_>>();
        assert_eq!(texts("don't add 'it's here' or “that”"), ["it's here", "that"]);
        assert_eq!(texts(r#"say "a \"b\" c" now"#), [r#"a "b" c"#]);
        assert!(texts("it's the dogs' \" bone").is_empty());
        assert_eq!(texts("标题「你好」"), ["你好"]);
    }

    #[test]
    fn clauses_end_where_sentences_do_but_not_in_quotes_or_numbers() {
        let raw: Vec<_> = clauses("Add a title 'a, b and c.', pace 1.2 and then mute the music.")
            .into_iter()
            .map(|clause| clause.raw)
            .collect();
        assert_eq!(raw, ["Add a title 'a, b and c.'", "pace 1.2", "mute the music"]);
    }

    #[test]
    fn times_shares_and_counts_are_read() {
        let seconds = |text| -> Vec<f64> {
            Clause::new(text).times().iter().map(Duration::as_secs_f64).collect()
        };
        assert_eq!(seconds("from 2 to 5 seconds"), [2.0, 5.0]);
        assert_eq!(seconds("to 1:30"), [90.0]);
        assert_eq!(seconds("the last 1.5s"), [1.5]);
        assert_eq!(seconds("two minutes"), [120.0]);
        assert_eq!(Clause::new("to 20%").share(), Some(0.2));
        assert_eq!(Clause::new("to 35 percent").share(), Some(0.35));
        assert_eq!(Clause::new("by half").share(), Some(0.5));
        assert_eq!(Clause::new("the 2nd track").count(), Some(2));
        assert_eq!(Clause::new("the last three changes").count(), Some(3));
        assert_eq!(seconds("1 minute 30 seconds"), [90.0]);
    }

    #[test]
    fn chinese_numbers_are_read() {
        let seconds = |text| -> Vec<f64> {
            Clause::new(text).times().iter().map(Duration::as_secs_f64).collect()
        };
        assert_eq!(seconds("从2秒到5秒"), [2.0, 5.0]);
        assert_eq!(seconds("从2到5秒"), [2.0, 5.0]);
        assert_eq!(seconds("剪一下最后十五秒"), [15.0]);
        assert_eq!(seconds("1分钟30秒"), [90.0]);
        assert!(seconds("慢一点").is_empty());
        assert_eq!(Clause::new("音量２０").share(), None);
        assert_eq!(Clause::new("调到百分之三十").share(), Some(0.3));
        assert_eq!(Clause::new("调到20％").share(), Some(0.2));
        assert_eq!(Clause::new("撤销两步").count(), Some(2));
        assert_eq!(Clause::new("撤销一下最近3次修改").count(), Some(3));
        assert_eq!(Clause::new("删除第二条音轨").ordinal(), Some(2));
        assert_eq!(Clause::new("删除两条音轨").ordinal(), None);
    }
}
