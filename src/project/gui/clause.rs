//! One sentence: what stays of it, and what it suggests. Where its clauses begin is left to
//! `divide`, and whether one tells the user to use the screen to `english` and `chinese`.

use super::divide::clauses;
use super::split::{is_mark, is_wide_end};
use super::{Suggestion, english};

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
    /// A word that belongs to what stands before it: "1080p".
    Detail,
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
    let mut suggestions = suggestions(&clauses);
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

pub(super) struct Clause<'a> {
    /// What divides it from the one before, spaces included.
    pub(super) sep: &'a str,
    pub(super) body: &'a str,
    pub(super) kind: Kind,
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
        let belongs = matches!(clauses[at].kind, Kind::Outcome | Kind::Detail);
        dropped[at] |= dropped[at - 1] && (belongs || is_step(&clauses[at]));
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
            let first = chars.next().filter(|_| begins_plainly(body));
            text.extend(first.map(|first| first.to_ascii_uppercase()));
            text.push_str(if first.is_some() { chars.as_str() } else { body });
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

/// Whether the text begins with a word that may have a capital: not `iPhone`, not `film_2.mp4`.
fn begins_plainly(text: &str) -> bool {
    let word = text.split(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    word.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '\'' | '’'))
}

/// Where the full stop of the sentence begins, with the marks and quotes around it.
fn end_of_body(sentence: &str) -> usize {
    sentence.trim_end_matches(|c| is_full_stop(c) || is_mark(c)).len()
}

fn is_full_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…') || is_wide_end(c)
}

/// Whether an order for the screen of the service stands behind a label such as "Next action".
pub(super) fn is_cover(label: &str, rest: &str) -> bool {
    let is_order = |clause: &Clause<'_>| {
        matches!(clause.kind, Kind::Instruction(Act::Export | Act::State))
            && english::names_the_service(clause.body)
    };
    english::COVERS.contains(&label) && clauses(rest).first().is_some_and(is_order)
}

fn suggestions(clauses: &[Clause<'_>]) -> Vec<Suggestion> {
    let act = |clause: &Clause<'_>| match clause.kind {
        Kind::Instruction(act) => Some(act),
        _ => None,
    };
    let has_other = clauses.iter().filter_map(act).any(|act| act != Act::Edit);
    let mut found = Vec::new();
    let mut told = 0; // how many are in a message
    for (at, clause) in clauses.iter().enumerate() {
        found.push(match act(clause) {
            None => continue,
            Some(Act::Export) => Suggestion::Export,
            Some(Act::State) => Suggestion::ShowState,
            Some(Act::Credits) => Suggestion::ShowCredits,
            Some(Act::Upload) => Suggestion::Upload,
            // "… and press Start" is a part of what the rest of the sentence asks for.
            Some(Act::Edit) if has_other && about(clause.body).is_none() => continue,
            Some(Act::Edit) if at < told => continue,
            Some(Act::Edit) => {
                let (message, end) = message(clauses, at, told);
                told = end;
                Suggestion::SendEdit(message)
            }
        });
    }
    found
}

/// The order at `at` with the steps around it, and where it ends: "select the clip and press
/// Delete", "right click the clip, then choose Split".
fn message(clauses: &[Clause<'_>], at: usize, from: usize) -> (String, usize) {
    let is_step = |clause: &Clause<'_>| clause.kind == Kind::Step;
    let is_joined =
        |clause: &Clause<'_>| clause.sep.is_empty() && clause.kind == Kind::Instruction(Act::Edit);
    let steps = clauses[from..at].iter().rev().take_while(|clause| is_step(clause)).count();
    let more = clauses[at + 1..].iter().take_while(|clause| is_step(clause) || is_joined(clause));
    let end = at + 1 + more.count();
    let mut words = String::new();
    for clause in &clauses[at - steps..end] {
        words.push_str(if words.is_empty() { "" } else { clause.sep });
        words.push_str(clause.body);
    }
    let is_around = |c: char| c.is_whitespace() || is_mark(c) || matches!(c, '(' | ')');
    let words = words.trim_matches(is_around);
    (words.strip_prefix("and ").unwrap_or(words).to_owned(), end)
}

/// What a clause is about: whatever it names first.
pub(super) fn about(clause: &str) -> Option<Act> {
    const NAMES: &[(Act, &[&str])] = &[
        (Act::Export, &["export", "download", "render", "save", "导出", "下载", "渲染", "保存"]),
        (
            Act::Upload,
            &[
                "upload",
                "import",
                "your file",
                "your files",
                "into the media panel",
                "into the media library",
                "上传",
                "导入",
                "文件",
            ],
        ),
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
