//! Pieces of a stream to whole sentences. What a sentence says is left to `clause`.

/// From here on a sentence is passed on in parts: it bounds what is held back and the work.
const LONG: usize = 1000;

/// Stands before a name or a number, so it ends no sentence.
const ABBREVIATIONS: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "vs", "e.g", "i.e", "cf", "fig", "vol", "approx", "no",
    "ca", "incl", "max", "min", "sec",
];

/// A sentence and the space before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) gap: String,
    pub(super) text: String,
    /// Whether a line begins with it.
    pub(super) starts_line: bool,
    /// Whether it is a part of a sentence that is too long to be looked into.
    pub(super) is_part: bool,
}

impl Sentence {
    /// The text without the end marks of the sentence before: of Chinese sentences the first mark
    /// is taken for the end, and more may follow.
    pub(super) fn own(&self) -> &str {
        // A straight quotation mark opens one here: what it would have closed was open.
        self.text.trim_start_matches(|c| is_wide_end(c) || (is_closing(c) && c != '"'))
    }

    /// Whether it is an item of a list.
    pub(super) fn is_item(&self) -> bool {
        let marker = self.text.trim_start_matches(|c: char| c.is_ascii_digit());
        self.starts_line
            && (marker.len() < self.text.len() && marker.starts_with(['.', ')', '、'])
                || self.text.starts_with(['-', '*', '•']))
    }
}

/// Cuts text into sentences, wherever the pieces of it were cut.
///
/// A sentence ends with its line, with a full stop before a space, or with a Chinese full stop,
/// unless a quotation is open.
#[derive(Clone, Debug, Default)]
pub(super) struct Splitter {
    buffer: String,
    /// How much of the buffer is given.
    given: usize,
    /// How far the buffer was looked at.
    at: usize,
    /// Where the text of the sentence begins, once there is any.
    begin: Option<usize>,
    /// What closes the quotation that is open.
    quote: Option<char>,
    last: Option<char>,
    is_part: bool,
    inside_line: bool,
}

impl Splitter {
    pub(super) fn push(&mut self, text: &str) {
        // Once a piece rather than once a sentence: a whole answer may come as one piece.
        self.buffer.drain(..self.given);
        self.at -= self.given;
        self.begin = self.begin.map(|begin| begin - self.given);
        self.given = 0;
        self.buffer.push_str(text);
    }

    /// The next sentence that is whole.
    pub(super) fn next_sentence(&mut self) -> Option<Sentence> {
        while let Some(c) = self.buffer[self.at..].chars().next() {
            let Some(begin) = self.begin else {
                if !c.is_whitespace() {
                    self.begin = Some(self.at);
                    continue;
                }
                self.at += c.len_utf8();
                if is_line_end(c) {
                    self.inside_line = false;
                    self.is_part = false;
                }
                continue;
            };
            if is_line_end(c) || (self.quote.is_none() && self.ends_before(begin, c)) {
                return Some(self.cut(false));
            }
            self.at += c.len_utf8();
            self.quote = match self.quote {
                Some(close) if c == close => None,
                Some(close) => Some(close),
                None => closing_of(c, self.last),
            };
            self.last = Some(c);
            if self.quote.is_none() && is_wide_end(c) {
                return Some(self.cut(false));
            }
            if self.at - begin >= LONG {
                return Some(self.cut(true));
            }
        }
        None
    }

    /// What is left: a sentence without an end, or the last space alone.
    pub(super) fn finish(&mut self) -> Sentence {
        let rest = self.cut(false);
        *self = Self::default();
        rest
    }

    /// The sentence under way, where nothing of it seems to be missing.
    pub(super) fn ended_sentence(&mut self) -> Option<Sentence> {
        let ended = self.quote.is_none() && self.ends_before(self.begin?, ' ');
        ended.then(|| self.rest())?
    }

    /// The sentence under way, at the end of its text; another text may follow.
    pub(super) fn rest(&mut self) -> Option<Sentence> {
        self.is_part &= self.begin.is_some();
        let begin = self.begin?;
        // The space behind it stands before what follows.
        self.at = begin + self.buffer[begin..].trim_end().len();
        Some(self.cut(false))
    }

    fn ends_before(&self, begin: usize, next: char) -> bool {
        let text = &self.buffer[begin..self.at];
        let stripped = text.trim_end_matches(|c| is_closing(c) || is_mark(c));
        if !next.is_whitespace() {
            // `Done!下一句`
            return next >= '\u{2E80}' && text.ends_with(['!', '?']) && !is_wide_end(next);
        }
        match stripped.chars().next_back() {
            Some('.') => !is_abbreviated(stripped.trim_end_matches('.')),
            Some(c) => matches!(c, '!' | '?' | '…') || is_wide_end(c),
            None => false,
        }
    }

    fn cut(&mut self, is_part: bool) -> Sentence {
        let begin = self.begin.unwrap_or(self.at);
        let sentence = Sentence {
            gap: self.buffer[self.given..begin].to_owned(),
            text: self.buffer[begin..self.at].to_owned(),
            starts_line: !self.inside_line,
            is_part: is_part || self.is_part,
        };
        self.given = self.at;
        self.begin = None;
        self.is_part = is_part;
        self.inside_line = true;
        if !is_part {
            self.quote = None;
            self.last = None;
        }
        sentence
    }
}

/// Whether the full stop behind `before` belongs to its last word.
fn is_abbreviated(before: &str) -> bool {
    let word = before.rsplit([' ', '\t', '(', '"', '“']).next().unwrap_or_default();
    // `1.` in front of an item.
    let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    if is_number && word.len() == before.len() {
        return true;
    }
    // `J.`, `U.S.`
    let initials = !word.is_empty()
        && word != "I"
        && word
            .split('.')
            .all(|part| part.len() == 1 && part.bytes().all(|b| b.is_ascii_uppercase()));
    initials || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

const fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// Ends a sentence without a space behind it.
pub(super) const fn is_wide_end(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡')
}

pub(super) const fn is_closing(c: char) -> bool {
    matches!(c, '"' | '”' | '’' | ')' | ']' | '」' | '』' | '）' | '】' | '》')
}

/// Markdown around words.
pub(super) const fn is_mark(c: char) -> bool {
    matches!(c, '*' | '_' | '`')
}

/// What closes the quotation that `c` opens behind `before`; `5"` opens none.
pub(super) fn closing_of(c: char, before: Option<char>) -> Option<char> {
    match c {
        '“' => Some('”'),
        '「' => Some('」'),
        '『' => Some('』'),
        '«' => Some('»'),
        '"' if !before.is_some_and(char::is_alphanumeric) => Some('"'),
        _ => None,
    }
}
