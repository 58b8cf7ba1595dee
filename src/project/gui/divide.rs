//! A sentence to its clauses, each with what it is.

use super::clause::{Act, Clause, Kind, Read, about};
use super::split::closing_of;
use super::{chinese, english};

/// Where something else may begin.
const JOINTS: &[&str] = &[
    " and ",
    " so ",
    " then ",
    " or ",
    " but ",
    " to ",
    " by ",
    " via ",
    " using ",
    "请",
    "您可以",
    "你可以",
];

pub(super) fn clauses(body: &str) -> Vec<Clause<'_>> {
    let mut found = Vec::new();
    for (sep, text) in divided(body) {
        divide_further(sep, text, &mut found);
    }
    found
}

/// Divides at commas, colons, dashes and brackets outside quotations.
fn divided(body: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    // Where the clause's divider and its words begin.
    let (mut sep, mut begin) = (0, 0);
    let mut quote = None;
    let mut bracket = None;
    let mut last = None;
    for (at, c) in body.char_indices() {
        let before = last.replace(c);
        if at < begin {
            continue;
        }
        if let Some(close) = quote {
            quote = (c != close).then_some(close);
            continue;
        }
        let after = &body[at + c.len_utf8()..];
        if let Some(close) = bracket {
            if c == close {
                bracket = None;
                found.push((&body[sep..begin], &body[begin..at + c.len_utf8()]));
                (sep, begin) = (at + c.len_utf8(), at + c.len_utf8());
            }
            continue;
        }
        quote = closing_of(c, before).or((c == '`').then_some('`'));
        let spaced = after.starts_with(char::is_whitespace);
        let divides = match c {
            ',' | ';' | ':' => spaced || after.starts_with(|c| c >= '\u{2E80}'),
            '-' => spaced && before == Some(' '),
            '(' | '（' if is_aside(c, after) => {
                quote = Some(closing_bracket(c));
                false
            }
            '(' | '（' => before != Some(']'),
            _ => matches!(c, '，' | '；' | '：' | '—' | '–'),
        };
        if !divides {
            continue;
        }
        bracket = matches!(c, '(' | '（').then(|| closing_bracket(c));
        let end = body[..at].trim_end().len().max(begin);
        found.push((&body[sep..begin], &body[begin..end]));
        let rest = after.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '—' | '–'));
        (sep, begin) = (end, body.len() - rest.len());
    }
    found.push((&body[sep..begin], &body[begin..]));
    found
}

const fn closing_bracket(open: char) -> char {
    if open == '(' { ')' } else { '）' }
}

/// Whether a bracket stands in the middle of a clause that goes on behind it, and says nothing of
/// its own: "drag one (JPG or PNG) into the media panel".
fn is_aside(open: char, after: &str) -> bool {
    let Some((inside, behind)) = after.split_once(closing_bracket(open)) else { return false };
    behind.trim_start().starts_with(char::is_alphanumeric)
        && matches!(classify(inside).kind, Kind::Content | Kind::Detail)
}

/// Divides where the middle of a clause begins to speak to the user: "it is done and you can
/// click Export", "it is ready to preview in the timeline", "做好了请点击导出".
///
/// Each joint is looked at once, from the left, so that a clause of nothing but joints takes no
/// longer than another.
fn divide_further<'a>(mut sep: &'a str, text: &'a str, found: &mut Vec<Clause<'a>>) {
    let mut joints: Vec<_> = JOINTS.iter().flat_map(|joint| text.match_indices(joint)).collect();
    joints.sort_unstable();
    let mut begin = 0;
    let mut whole = classify(text);
    let mut quotes = Quotes::default();
    for (at, joint) in joints {
        quotes.pass(text, at);
        if at == begin || quotes.is_open() {
            continue;
        }
        let (part, rest) = (&text[begin..at], &text[at..]);
        let read = classify(rest);
        if part
            .get(part.len().saturating_sub(4)..)
            .is_some_and(|end| end.eq_ignore_ascii_case("drag"))
        {
            continue; // "drag and drop"
        }
        if whole.kind == Kind::Content && is_told_how(part, joint, rest) {
            let act = about(rest).unwrap_or(Act::State);
            found.push(Clause { sep, body: part, kind: Kind::Content });
            found.push(Clause { sep: "", body: rest, kind: Kind::Instruction(act) });
            return;
        }
        if speaks(whole, joint, read, rest) {
            quotes = Quotes { at, ..Quotes::default() };
            found.push(Clause { sep, body: part, kind: classify(part).kind });
            (sep, begin, whole) = ("", at, read);
        }
    }
    found.push(Clause { sep, body: &text[begin..], kind: whole.kind });
}

/// "ready | to preview in the timeline", "it can be saved | by clicking Export".
fn is_told_how(part: &str, joint: &str, rest: &str) -> bool {
    match joint {
        " to " => english::is_ready_to(rest),
        " by " | " via " | " using " => english::is_by_hand(part, rest),
        _ => false,
    }
}

/// Whether something else begins with the joint: an order, or behind one what is said to the
/// agent.
fn speaks(whole: Read, joint: &str, read: Read, rest: &str) -> bool {
    let leads = matches!(whole.kind, Kind::Instruction(_) | Kind::Step | Kind::Lead);
    match read.kind {
        Kind::Instruction(_) => read.addressed || leads || matches!(joint, " so " | " then "),
        Kind::Content => {
            let is_order = matches!(whole.kind, Kind::Instruction(_));
            is_order && matches!(joint, " or " | " and " | " but ") && english::is_talk(rest)
        }
        _ => false,
    }
}

/// Whether a quotation or an aside is open, up to where one has looked.
#[derive(Default)]
struct Quotes {
    at: usize,
    is_straight: bool,
    depth: isize,
}

impl Quotes {
    fn pass(&mut self, text: &str, to: usize) {
        for (at, c) in text[self.at..to].char_indices() {
            match c {
                // A clause that is all in brackets is no aside.
                '(' | ')' | '（' | '）' if text.starts_with(['(', '（']) => {}
                '(' | '（' if self.at + at > 0 => self.depth += 1,
                ')' | '）' => self.depth -= 1,
                '"' => self.is_straight = !self.is_straight,
                '“' | '「' => self.depth += 1,
                '”' | '」' => self.depth -= 1,
                _ => {}
            }
        }
        self.at = to;
    }

    fn is_open(&self) -> bool {
        self.is_straight || self.depth > 0
    }
}

fn classify(clause: &str) -> Read {
    let read = english::classify(clause);
    if read.kind == Kind::Content && clause.contains(|c| c >= '\u{2E80}') {
        return chinese::classify(clause);
    }
    read
}
