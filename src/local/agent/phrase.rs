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
        let words = plain
            .split(|c: char| !(c.is_alphanumeric() || "%.:-'’".contains(c)))
            .map(|word| word.trim_matches(['.', ':', '-', '\'', '’']))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let quoted = quotes.first().map(|quote| quote.text.clone());
        Self { raw: raw.trim().to_owned(), plain, words, quoted }
    }

    /// Whether one of these words is in it.
    pub(super) fn has(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    /// Whether one of these is in it, be it within a word: for Chinese, which has no spaces.
    pub(super) fn contains(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.plain.contains(part))
    }

    /// A share: `20%`, `20 percent`, `half`, `0.2`.
    pub(super) fn share(&self) -> Option<f64> {
        let percent = |word: &str| word.strip_suffix('%')?.parse::<f64>().ok();
        let mut words = self.words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            let share = match word {
                "half" | "一半" => Some(0.5),
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
                return Some(share.clamp(0.0, 1.0));
            }
        }
        None
    }

    /// Every time in it: `30 seconds`, `30s`, `1:30`, `2 minutes`; a bare number has the unit of
    /// the time after it, else seconds.
    pub(super) fn times(&self) -> Vec<Duration> {
        let mut found: Vec<(f64, Option<f64>)> = Vec::new();
        for word in &self.words {
            if let Some(unit) = unit(word) {
                if let Some((_, seconds @ None)) = found.last_mut() {
                    *seconds = Some(unit);
                }
            } else if let Some((minutes, seconds)) = word.split_once(':') {
                if let (Ok(minutes), Ok(seconds)) = (minutes.parse::<f64>(), seconds.parse::<f64>())
                {
                    found.push((minutes * 60.0 + seconds, Some(1.0)));
                }
            } else {
                let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.'));
                let (number, rest) = word.split_at(end.unwrap_or(word.len()));
                let number = number.parse::<f64>().ok().or_else(|| spelled(word));
                if let Some(number) = number {
                    match unit(rest) {
                        Some(unit) => found.push((number, Some(unit))),
                        None if rest.is_empty() || spelled(word).is_some() => {
                            found.push((number, None));
                        }
                        None => {}
                    }
                }
            }
        }
        let mut next_unit = 1.0;
        let mut times: Vec<Duration> = Vec::new();
        for (number, unit) in found.into_iter().rev() {
            next_unit = unit.unwrap_or(next_unit);
            times.extend(Duration::try_from_secs_f64(number * next_unit).ok());
        }
        times.reverse();
        times
    }

    /// A count: `2`, `2nd`, `two`, `second`.
    pub(super) fn count(&self) -> Option<usize> {
        self.words.iter().find_map(|word| {
            let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            digits
                .parse()
                .ok()
                .or_else(|| {
                    let ordinal = ["first", "second", "third", "fourth", "fifth", "sixth"];
                    ordinal.iter().position(|other| other == word).map(|index| index + 1)
                })
                .or_else(|| spelled(word).map(|number| number as usize))
        })
    }
}

fn unit(word: &str) -> Option<f64> {
    match word {
        "s" | "sec" | "secs" | "second" | "seconds" | "秒" | "秒钟" => Some(1.0),
        "ms" | "milliseconds" => Some(0.001),
        "m" | "min" | "mins" | "minute" | "minutes" | "分钟" => Some(60.0),
        _ => None,
    }
}

fn spelled(word: &str) -> Option<f64> {
    const NUMBERS: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    NUMBERS.iter().position(|number| *number == word).map(|number| number as f64)
}

/// Cuts a message into clauses. Nothing in quotes is cut.
pub(super) fn clauses(message: &str) -> Vec<Clause> {
    let plain = masked(message, &quotes(message));
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(c) = plain[at..].chars().next() {
        let rest = &plain[at + c.len_utf8()..];
        let ends = match c {
            '\n' | ';' | '；' | '。' | '，' | '！' | '？' => true,
            ',' | '.' | '!' | '?' => rest.chars().next().is_none_or(char::is_whitespace),
            _ => false,
        };
        let joint = ["and then ", "and ", "then ", "also "].into_iter().find(|joint| {
            let word = plain[at..].get(..joint.len());
            let alone = plain[..at].chars().next_back().is_none_or(char::is_whitespace);
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
    }
}
