//! Words, quotations, clauses and sentences of English and Chinese text, with byte offsets, in one
//! spelling. Nothing here knows what a word means.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Where the word stands. The words of a contraction share its range.
    pub(crate) range: Range<usize>,
    /// Lower case, plain characters, contractions written out, simplified Chinese.
    pub(crate) text: String,
    /// Whether a hyphen joins it to the word before.
    pub(crate) is_joined: bool,
}

impl Word {
    /// The number at the start of the word and the unit behind it: `1080p`, `3.5s`, `20%`.
    pub(crate) fn number(&self) -> Option<(f64, &str)> {
        let is_unit = |c: char| !(c.is_ascii_digit() || c == '.');
        let (digits, unit) = self.text.split_at(self.text.find(is_unit).unwrap_or(self.text.len()));
        Some((digits.parse().ok().filter(|number: &f64| number.is_finite())?, unit))
    }

    /// Whether the word is one Chinese character.
    pub(crate) fn is_han(&self) -> bool {
        self.text.starts_with(is_han)
    }
}

/// Words as they are often written, and the words they stand for.
const SPELLINGS: &str = "\
    i'm = i am; im = i am; i'd = i would; i've = i have; ive = i have; i'll = i will; \
    we're = we are; we'd = we would; we've = we have; we'll = we will; you're = you are; \
    you've = you have; you'll = you will; it's = it is; it'll = it will; that's = that is; \
    thats = that is; that'll = that will; what's = what is; whats = what is; where's = where is; \
    wheres = where is; how's = how is; hows = how is; everything's = everything is; \
    here's = here is; heres = here is; there's = there is; theres = there is; let's = let us; \
    lets = let us; u = you; ur = your; pls = please; plz = please; plse = please; thx = thanks; \
    tnx = thanks; ty = thank you; wanna = want to; gonna = going to; gotta = got to; \
    gimme = give me; lemme = let me; vid = video; vids = videos; pic = picture; pics = pictures; \
    ok = okay; k = okay; exoprt = export; dowload = download; downlaod = download; \
    dl = download; vidoe = video; viedo = video; vedio = video; vidio = video; \
    credtis = credits";

/// Traditional characters, each before its simplified form.
const SIMPLIFIED: &str = "\
    請请幫帮將将嗎吗現现給给謝谢輸输導导匯汇載载視视頻频檔档積积額额餘余點点數数帳账帐账還还\
    狀状態态軌轨進进時时間间軸轴橫横豎竖圖图傳传發发詢询顯显個个這这裡里裏里麼么樣样專专項项\
    聲声訊讯畫画質质電电腦脑機机線线儲储為为從从來来們们開开戶户號号張张錄录後后對对煩烦總总\
    剛刚讓让問问幾几種种類类確确認认會会沒没結结過过鏈链聽听連连兩两標标編编輯辑說说應应該该\
    寬宽當当東东條条單单壓压縮缩錢钱夠够報报級级貼贴備备話话動动處处長长終终續续調调邊边選选\
    擇择擊击滿满儘尽盡尽詳详內内與与嘗尝試试並并觀观設设參参區区彈弹關关閉闭漢汉語语體体劃划\
    準准響响無无變变換换樂乐簡简歷历實实際际檢检測测預预覽览賬账購购買买費费廣广場场檯台臺台\
    灣湾圍围滅灭燈灯隻只別别";

static SPELLED: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| SPELLINGS.split("; ").filter_map(|pair| pair.split_once(" = ")).collect());

/// The simplified form of a character; any other character is returned as it is.
fn simplified(c: char) -> char {
    static PAIRS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
        let letters: Vec<char> = SIMPLIFIED.chars().collect();
        letters.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    });
    if is_han(c) { PAIRS.get(&c).copied().unwrap_or(c) } else { c }
}

/// Whether this is a Chinese character, which is a word of its own.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}

/// Returns the words of a text. Punctuation divides them and is left out; `9:16`, `3.5` and `20%`
/// are one word each.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut is_joined = false;
    while let Some((start, first)) = chars.next() {
        if !first.is_alphanumeric() {
            is_joined = matches!(first, '-' | '‑') && !words.is_empty();
            continue;
        }
        let mut end = start + first.len_utf8();
        while let Some(&(at, c)) = chars.peek().filter(|_| !is_han(first)) {
            let after = text[at + c.len_utf8()..].chars().next();
            let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            let belongs = match plain(c) {
                c if is_han(c) => false,
                '\'' => after.is_some_and(|c| c.is_alphanumeric() && !is_han(c)),
                '.' | ':' => is_digit(text[..at].chars().next_back()) && is_digit(after),
                '%' => is_digit(text[..at].chars().next_back()),
                '_' => true,
                c => c.is_alphanumeric(),
            };
            if !belongs {
                break;
            }
            end = at + c.len_utf8();
            chars.next();
        }
        let text = plain_text(&text[start..end]);
        for text in SPELLED.get(text.as_str()).copied().unwrap_or(&text).split(' ') {
            words.push(Word { range: start..end, text: text.to_owned(), is_joined });
            is_joined = false;
        }
    }
    words
}

/// Full-width forms and curly apostrophes as ASCII writes them.
fn plain(c: char) -> char {
    match c {
        '’' => '\'',
        '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// The character that closes the quotation which `c` opens behind `before`; `5"` opens none.
pub(crate) fn closing_quote(c: char, before: Option<char>) -> Option<char> {
    match c {
        '“' | '„' => Some('”'),
        '「' => Some('」'),
        '『' => Some('』'),
        '«' => Some('»'),
        '《' => Some('》'),
        '"' if !before.is_some_and(is_spaced_letter) => Some('"'),
        _ => None,
    }
}

/// Returns where the quotations of a text stand, their marks included. A single quote opens one
/// only outside of a word, and a mark without a partner opens none.
pub(crate) fn quotations(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut before = None;
    // A mark without a partner up to the end has none for the next of its kind either.
    let mut unclosed = Vec::new();
    for (at, c) in text.char_indices() {
        let last = before.replace(c);
        if found.last().is_some_and(|range| at < range.end) || unclosed.contains(&c) {
            continue;
        }
        let single = match c {
            '\'' | '‘' if !last.is_some_and(is_spaced_letter) => {
                Some(if c == '‘' { '’' } else { c })
            }
            '`' => Some('`'),
            _ => None,
        };
        let Some(close) = closing_quote(c, last).or(single) else { continue };
        let inner = &text[at + c.len_utf8()..];
        let ends_word = |(at, _): &(usize, &str)| {
            let next = inner[at + close.len_utf8()..].chars().next();
            !matches!(close, '\'' | '’') || !next.is_some_and(is_spaced_letter)
        };
        let is_escaped = |at: usize| {
            let before = &inner[..at];
            (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
        };
        let is_end = |mark: &(usize, &str)| ends_word(mark) && !is_escaped(mark.0);
        match inner.match_indices(close).find(is_end) {
            Some((length, _)) => {
                found.push(at..at + c.len_utf8() + length + close.len_utf8());
            }
            None => unclosed.push(c),
        }
    }
    found
}

/// Returns where the clauses of a sentence stand: the parts between commas, colons, semicolons,
/// dashes and brackets outside quotations. What is in brackets is a clause; the marks belong to no
/// clause, except the brackets.
pub(crate) fn clauses(sentence: &str) -> Vec<Range<usize>> {
    let quotations = quotations(sentence);
    let mut found = Vec::new();
    let mut start = 0;
    let mut bracket = None;
    let mut quotation = quotations.iter().peekable();
    // The end of a bracket in the middle of a clause.
    let mut aside = 0;
    let mut push = |from: usize, to: usize| {
        let text = &sentence[from..to];
        if text.contains(char::is_alphanumeric) {
            let from = to - text.trim_start().len();
            found.push(from..from + sentence[from..to].trim_end().len());
        }
    };
    for (at, c) in sentence.char_indices() {
        while quotation.next_if(|range| range.end <= at).is_some() {}
        if at < aside || quotation.peek().is_some_and(|range| range.contains(&at)) {
            continue;
        }
        let end = at + c.len_utf8();
        let next = sentence[end..].chars().next();
        let is_before_text = next.is_none_or(|c| c.is_whitespace() || c >= '\u{2E80}');
        let is_spaced = sentence[..at].ends_with(' ') && next.is_some_and(char::is_whitespace);
        let is_mark = |c| match c {
            ',' | ';' | ':' => is_before_text,
            '-' => is_spaced,
            _ => matches!(c, '，' | '；' | '：' | '—' | '–'),
        };
        match (bracket, c) {
            (Some(close), c) if c == close => {
                push(start, end);
                (bracket, start) = (None, end);
            }
            (Some(_), _) => {}
            (None, '(' | '（') => {
                let close = if c == '(' { ')' } else { '）' };
                let length = sentence[at..].find(close).unwrap_or_default();
                let behind = sentence[at + length..].trim_start_matches(close).trim_start();
                // "Drag one (JPG or PNG) into the panel", `[a](b)`.
                if behind.starts_with(char::is_alphanumeric) || sentence[..at].ends_with(']') {
                    aside = at + length;
                } else {
                    push(start, at);
                    (bracket, start) = (Some(close), at);
                }
            }
            (None, c) if is_mark(c) => {
                push(start, at);
                start = end;
            }
            _ => {}
        }
    }
    push(start, sentence.len());
    found
}

/// From this length on a sentence is passed on in parts, which bounds what is held back and the
/// work.
const MAX_SENTENCE: usize = 1000;

/// Stand before a name or a number, so their full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "vs", "e.g", "i.e", "cf", "fig", "vol", "approx", "no",
    "ca", "incl", "max", "min", "sec",
];

/// A sentence and the white space before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sentence {
    pub(crate) gap: String,
    pub(crate) text: String,
    /// Whether a line begins with it.
    pub(crate) starts_line: bool,
    /// Whether it is a part of a sentence that is too long to be looked into.
    pub(crate) is_part: bool,
}

/// Divides text into sentences, however the pieces of it were cut.
///
/// A sentence ends with its line, with a full stop before white space, or with a Chinese full
/// stop, unless a quotation is open.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentenceSplitter {
    buffer: String,
    /// The length of what was returned.
    given: usize,
    /// The length of what was looked at.
    at: usize,
    /// Where the text of the sentence begins, once there is any.
    begin: Option<usize>,
    /// What closes the open quotation.
    quote: Option<char>,
    last: Option<char>,
    is_part: bool,
    inside_line: bool,
}

impl SentenceSplitter {
    /// Adds the next piece of the text.
    pub(crate) fn push(&mut self, text: &str) {
        // Once a piece rather than once a sentence: a whole message may come as one piece.
        self.buffer.drain(..self.given);
        self.at -= self.given;
        self.begin = self.begin.map(|begin| begin - self.given);
        self.given = 0;
        self.buffer.push_str(text);
    }

    /// Returns the next complete sentence.
    pub(crate) fn next_sentence(&mut self) -> Option<Sentence> {
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
                None => closing_quote(c, self.last),
            };
            self.last = Some(c);
            if self.quote.is_none() && is_wide_end(c) {
                return Some(self.cut(false));
            }
            if self.at - begin >= MAX_SENTENCE {
                return Some(self.cut(true));
            }
        }
        None
    }

    /// Returns what is left, a sentence without an end or the last white space alone, and resets
    /// the splitter.
    pub(crate) fn finish(&mut self) -> Sentence {
        let rest = self.cut(false);
        *self = Self::default();
        rest
    }

    /// Returns the sentence under way if nothing of it seems to be missing.
    pub(crate) fn ended_sentence(&mut self) -> Option<Sentence> {
        let ended = self.quote.is_none() && self.ends_before(self.begin?, ' ');
        ended.then(|| self.rest())?
    }

    /// Returns the sentence under way at the end of its text; another text may follow.
    pub(crate) fn rest(&mut self) -> Option<Sentence> {
        self.is_part &= self.begin.is_some();
        let begin = self.begin?;
        // The space behind it stands before what follows.
        self.at = begin + self.buffer[begin..].trim_end().len();
        Some(self.cut(false))
    }

    fn ends_before(&self, begin: usize, next: char) -> bool {
        let text = &self.buffer[begin..self.at];
        let stripped = text.trim_end_matches(|c| is_closing(c) || is_markup(c));
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
    let is_capital = |part: &str| part.len() == 1 && part.bytes().all(|b| b.is_ascii_uppercase());
    let initials = !word.is_empty() && word != "I" && word.split('.').all(is_capital);
    initials || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

const fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// Whether the character ends a sentence without a space behind it.
pub(crate) const fn is_wide_end(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡')
}

/// Whether the character closes a quotation or a bracket.
pub(crate) const fn is_closing(c: char) -> bool {
    matches!(c, '"' | '”' | '’' | ')' | ']' | '」' | '』' | '）' | '】' | '》')
}

/// Whether the character is Markdown around words.
pub(crate) const fn is_markup(c: char) -> bool {
    matches!(c, '*' | '_' | '`')
}

/// Whether the character belongs to a word that spaces divide from the next; Chinese has none, so a
/// quotation may stand right beside its characters.
fn is_spaced_letter(c: char) -> bool {
    c.is_alphanumeric() && !is_han(c)
}

/// Returns a text in the spelling of [`words`] with its punctuation; contractions stay.
pub(crate) fn plain_text(text: &str) -> String {
    text.chars().flat_map(|c| plain(c).to_lowercase()).map(simplified).collect()
}

/// Returns whether an answer says that its question is skipped.
pub(crate) fn is_skipped(answer: &str) -> bool {
    let answer = plain_text(answer);
    let answer = answer.trim_matches(|c: char| !c.is_alphanumeric());
    matches!(answer, "skipped" | "skip" | "skip it" | "跳过" | "已跳过" | "略过")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        crate::language::joined(&words(text))
    }

    #[test]
    fn many_spellings_are_one() {
        let is = |text, expected| assert_eq!(spelled(text), expected, "{text}");
        is("  What’s  ON\tit? ", "what is on it");
        is("PLS, I'm done", "please i am done");
        is("１０８０Ｐ in 9:16, 3.5 s. 20%", "1080p in 9:16 3.5 s 20%");
        is("下載這個影片檔嗎？", "下 载 这 个 影 片 档 吗");
        is("my cat's vids", "my cat's videos");
        is("the guru up", "the guru up");
        is("double-click it", "double click it");
    }

    #[test]
    fn a_word_knows_where_it_stands() {
        let text = "I'm 第2步 high-res 3.5s";
        let found: Vec<_> = words(text).into_iter().map(|word| &text[word.range]).collect();
        assert_eq!(found, ["I'm", "I'm", "第", "2", "步", "high", "res", "3.5s"]);
        let words = words(text);
        assert!(words[6].is_joined && !words[5].is_joined);
        assert_eq!(words[7].number(), Some((3.5, "s")));
        assert!(words[4].is_han() && words[4].number().is_none());
    }

    #[test]
    fn quotations_are_distinguished_from_apostrophes() {
        let texts = |text: &'static str| {
            quotations(text).into_iter().map(|range| &text[range]).collect::<Vec<_>>()
        };
        assert_eq!(texts("don't add 'it's here' or “that”"), ["'it's here'", "“that”"]);
        assert!(texts("it's the dogs' \" bone").is_empty());
        assert_eq!(texts("标题「你好」和'再见'"), ["「你好」", "'再见'"]);
        assert_eq!(texts(r#"a 5" or "a \"b\" c""#), [r#""a \"b\" c""#]);
    }

    #[test]
    fn clauses_end_at_marks_outside_quotations_and_numbers() {
        let texts = |text: &'static str| {
            clauses(text).into_iter().map(|range| &text[range]).collect::<Vec<_>>()
        };
        assert_eq!(
            texts("It is \"a, b\", 9:16 – click (top, right), ok"),
            ["It is \"a, b\"", "9:16", "click", "(top, right)", "ok"]
        );
        assert_eq!(texts("drag one (JPG, PNG) there"), ["drag one (JPG, PNG) there"]);
        assert_eq!(texts("好了，请点击"), ["好了", "请点击"]);
    }

    #[test]
    fn each_traditional_character_has_one_simplified_form() {
        let letters: Vec<_> = SIMPLIFIED.chars().collect();
        let (pairs, rest) = letters.as_chunks::<2>();
        assert!(rest.is_empty());
        for [traditional, form] in pairs {
            assert_eq!(simplified(*traditional), *form);
            assert_eq!(simplified(*form), *form);
        }
    }
}
