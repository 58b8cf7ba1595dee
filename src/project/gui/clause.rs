//! One sentence: what stays of it, and what it suggests. Whether a clause tells the user to use
//! the screen is left to `english` and `chinese`.

use super::split::{closing_of, is_mark, is_wide_end};
use super::{Suggestion, chinese, english};

/// What is left of a sentence.
#[derive(Debug)]
pub(super) struct Reading {
    /// `None` when nothing is.
    pub(super) text: Option<String>,
    pub(super) suggestions: Vec<Suggestion>,
}

/// What the screen would have been used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Export,
    State,
    Edit,
    Credits,
    Upload,
}

/// What a clause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Tells the user to use the screen.
    Instruction(Act),
    /// An order that may be one: "choose MP4". It is one beside a sure one.
    Step,
    /// What an instruction is for, or when: "to save it", "如果满意".
    Lead,
    /// What an instruction brings about: "and it will be saved", "即可保存".
    Outcome,
    /// Anything else.
    Content,
}

/// A clause as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) kind: Kind,
    /// Whether it speaks to the user: "you can", "please", "您可以".
    pub(super) addressed: bool,
}

/// Looks for the clauses of a sentence that tell the user to use the screen. `goes_on` says that
/// it is an item of a list whose last item told so.
pub(super) fn read(sentence: &str, goes_on: bool) -> Reading {
    let (body, ending) = sentence.split_at(end_of_body(sentence));
    let clauses = clauses(body);
    let dropped = dropped(&clauses, goes_on);
    let acts = || {
        clauses.iter().filter_map(|clause| match clause.kind {
            Kind::Instruction(act) => Some((act, clause.body)),
            _ => None,
        })
    };
    let has_other = acts().any(|(act, _)| act != Act::Edit);
    let mut suggestions: Vec<_> = acts()
        // "… and press Start" is a part of what the rest of the sentence asks for.
        .filter(|(act, body)| !(has_other && *act == Act::Edit && about(body).is_none()))
        .map(|(act, body)| suggestion(act, body))
        .collect();
    if !dropped.contains(&true) {
        return Reading { text: Some(sentence.to_owned()), suggestions };
    }
    // What is left may read as an instruction, now that it stands alone.
    let left = rebuilt(&clauses, &dropped, ending).map(|text| read(&text, false));
    let text = left.and_then(|left| {
        suggestions.extend(left.suggestions);
        left.text
    });
    Reading { text, suggestions }
}

struct Clause<'a> {
    /// What divides it from the one before, spaces included.
    sep: &'a str,
    body: &'a str,
    kind: Kind,
}

fn dropped(clauses: &[Clause<'_>], goes_on: bool) -> Vec<bool> {
    let mut dropped: Vec<bool> =
        clauses.iter().map(|clause| matches!(clause.kind, Kind::Instruction(_))).collect();
    let is_step = |clause: &Clause<'_>| matches!(clause.kind, Kind::Step | Kind::Lead);
    if goes_on && clauses.iter().all(is_step) {
        return vec![true; clauses.len()];
    }
    for at in (1..clauses.len()).rev() {
        dropped[at - 1] |= dropped[at] && is_step(&clauses[at - 1]);
    }
    for at in 1..clauses.len() {
        let belongs = is_step(&clauses[at]) || clauses[at].kind == Kind::Outcome;
        dropped[at] |= dropped[at - 1] && belongs;
    }
    dropped
}

fn rebuilt(clauses: &[Clause<'_>], dropped: &[bool], ending: &str) -> Option<String> {
    let mut text = String::new();
    for (at, clause) in clauses.iter().enumerate().filter(|(at, _)| !dropped[*at]) {
        if at > 0 && text.is_empty() {
            let body = clause.body.trim_start();
            let body = ["or ", "and ", "或者", "或"]
                .iter()
                .find_map(|word| body.strip_prefix(word))
                .unwrap_or(body);
            let mut chars = body.chars();
            text.extend(chars.next().map(|first| first.to_ascii_uppercase()));
            text.push_str(chars.as_str());
        } else {
            text.push_str(clause.sep);
            text.push_str(clause.body);
        }
    }
    let loose = |c: char| {
        c.is_whitespace()
            || matches!(c, ',' | ';' | ':' | '—' | '–' | '-' | '，' | '；' | '：' | '、')
    };
    let mut end = text.trim_end_matches(loose);
    for word in [" and", " so", " then", " or", " for you"] {
        end = end.strip_suffix(word).unwrap_or(end).trim_end_matches(loose);
    }
    if !end.contains(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let mut text = end.to_owned();
    let is_marked = text.matches("**").count() % 2 == 1;
    let is_ended = text.ends_with(is_full_stop);
    // Marks that belong to what is gone go with it.
    let stays = |c: &char| if is_mark(*c) { is_marked } else { !is_ended };
    text.extend(ending.chars().filter(stays));
    Some(text)
}

/// Where the full stop of the sentence begins, with the marks and quotes around it.
fn end_of_body(sentence: &str) -> usize {
    sentence.trim_end_matches(|c| is_full_stop(c) || is_mark(c)).len()
}

fn is_full_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…') || is_wide_end(c)
}

fn clauses(body: &str) -> Vec<Clause<'_>> {
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
            '(' | '（' => before != Some(']'),
            _ => matches!(c, '，' | '；' | '：' | '—' | '–'),
        };
        if !divides {
            continue;
        }
        bracket = match c {
            '(' => Some(')'),
            '（' => Some('）'),
            _ => None,
        };
        let end = body[..at].trim_end().len().max(begin);
        found.push((&body[sep..begin], &body[begin..end]));
        let rest = after.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '—' | '–'));
        (sep, begin) = (end, body.len() - rest.len());
    }
    found.push((&body[sep..begin], &body[begin..]));
    found
}

/// Divides where the middle of a clause begins to speak to the user: "it is done and you can
/// click Export", "it is ready to preview in the timeline", "做好了请点击导出".
fn divide_further<'a>(sep: &'a str, text: &'a str, found: &mut Vec<Clause<'a>>) {
    let whole = classify(text);
    let is_quoted = |at: usize| {
        text[..at].matches('"').count() % 2 == 1
            || text[..at].matches(['“', '「']).count() > text[..at].matches(['”', '」']).count()
    };
    let joints = [
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
    let joint = joints
        .iter()
        .flat_map(|joint| text.match_indices(joint))
        .filter(|(at, joint)| {
            *at > 0 && !is_quoted(*at) && {
                let rest = classify(&text[*at..]);
                let leads = matches!(whole.kind, Kind::Instruction(_) | Kind::Step | Kind::Lead);
                let speaks = matches!(rest.kind, Kind::Instruction(_))
                    && (rest.addressed || leads || matches!(*joint, " so " | " then "));
                let is_ready = *joint == " to "
                    && whole.kind == Kind::Content
                    && english::is_ready_to(&text[*at..]);
                let is_drag_and_drop = text[..*at].to_lowercase().ends_with("drag");
                let is_by_hand = matches!(*joint, " by " | " via " | " using ")
                    && whole.kind == Kind::Content
                    && english::is_by_hand(&text[..*at], &text[*at..]);
                (speaks || is_ready || is_by_hand) && !is_drag_and_drop
            }
        })
        .min();
    match joint {
        Some((at, " to " | " by " | " via " | " using ")) if whole.kind == Kind::Content => {
            let act = about(&text[at..]).unwrap_or(Act::State);
            found.push(Clause { sep, body: &text[..at], kind: Kind::Content });
            found.push(Clause { sep: "", body: &text[at..], kind: Kind::Instruction(act) });
        }
        Some((at, _)) => {
            let kind = classify(&text[..at]).kind;
            found.push(Clause { sep, body: &text[..at], kind });
            divide_further("", &text[at..], found);
        }
        None => found.push(Clause { sep, body: text, kind: whole.kind }),
    }
}

fn classify(clause: &str) -> Read {
    let read = english::classify(clause);
    if read.kind == Kind::Content && clause.contains(|c| c >= '\u{2E80}') {
        return chinese::classify(clause);
    }
    read
}

fn suggestion(act: Act, clause: &str) -> Suggestion {
    match act {
        Act::Export => Suggestion::Export,
        Act::State => Suggestion::ShowState,
        Act::Credits => Suggestion::ShowCredits,
        Act::Upload => Suggestion::Upload,
        Act::Edit => {
            let is_around = |c: char| c.is_whitespace() || is_mark(c) || matches!(c, '(' | ')');
            let words = clause.trim_matches(is_around);
            let words = words.strip_prefix("and ").unwrap_or(words);
            Suggestion::SendEdit(words.to_owned())
        }
    }
}

/// What a clause is about: whatever it names first.
pub(super) fn about(clause: &str) -> Option<Act> {
    const NAMES: &[(Act, &[&str])] = &[
        (Act::Export, &["export", "download", "render", "save", "导出", "下载", "渲染", "保存"]),
        (Act::Upload, &["upload", "import", "your file", "your files", "上传", "导入", "文件"]),
        (
            Act::Credits,
            &[
                "account",
                "billing",
                "subscription",
                "plan",
                "plans",
                "upgrade",
                "balance",
                "credits",
                "payment",
                "账户",
                "账号",
                "账单",
                "余额",
                "积分",
                "套餐",
                "订阅",
                "升级",
                "充值",
            ],
        ),
        (
            Act::State,
            &[
                "preview",
                "play",
                "timeline",
                "tracks",
                "watch",
                "预览",
                "播放",
                "时间轴",
                "时间线",
                "轨道",
            ],
        ),
        (
            Act::Edit,
            &[
                "title", "clip", "segment", "text", "layer", "edge", "scene", "apply", "edit",
                "标题", "片段", "字幕", "应用", "编辑",
            ],
        ),
    ];
    let text = clause.to_lowercase();
    let is_word = |at: usize, name: &str| {
        !name.is_ascii()
            || !(text[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
                || text[at + name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let first = |names: &[&str]| {
        names
            .iter()
            .flat_map(|name| text.match_indices(name))
            .filter(|(at, name)| is_word(*at, name))
            .map(|(at, _)| at)
            .min()
    };
    let found = NAMES.iter().filter_map(|(act, names)| Some((first(names)?, *act)));
    found.min_by_key(|(at, _)| *at).map(|(_, act)| act)
}
