//! What an agent says, without the screen that it believes its user has. The verbs, the parts of a
//! screen and the rules are data: `screen.patterns`. Acting on a suggestion is left to the caller.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::tokens::{
    Sentence, SentenceSplitter, Word, clauses, is_closing, is_markup, is_wide_end, quotations,
    words,
};
use super::{phrases, sections};

/// Something that the agent told the user to do on a screen, and that the API does instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suggestion {
    /// Render the video: "click Export".
    Export,
    /// Show what is on the timeline: "open the panel", "preview it in the timeline".
    ShowState,
    /// Send the contained words of the agent as a message: "drag the title to the start".
    SendEdit(String),
    /// Show the number of credits: "check your account".
    ShowCredits,
    /// Upload a file: "drop your file here".
    Upload,
}

/// A part of a text that was filtered by a [`GuiFilter`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilteredText {
    /// Text to show as it is, white space included.
    Text(String),
    /// A suggestion. Each one is returned once.
    Suggestion(Suggestion),
}

/// A complete text that was filtered by [`filter_gui`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilteredMessage {
    /// The text to show.
    pub text: String,
    /// What the text suggested, each once, in its order.
    pub suggestions: Vec<Suggestion>,
}

/// Filters a complete text; see [`GuiFilter`].
///
/// ```
/// use nemovideo::project::{Suggestion, filter_gui};
///
/// let reply = filter_gui("The intro is 3.5 s long. Click Export to save it.");
/// assert_eq!(reply.text, "The intro is 3.5 s long.");
/// assert_eq!(reply.suggestions, [Suggestion::Export]);
///
/// let content = "The intro opens with a click sound.";
/// assert_eq!(filter_gui(content).text, content);
/// ```
#[must_use]
pub fn filter_gui(text: &str) -> FilteredMessage {
    let mut filter = GuiFilter::new();
    let mut message = FilteredMessage::default();
    for part in filter.push(text).into_iter().chain(filter.finish()) {
        match part {
            FilteredText::Text(text) => message.text.push_str(&text),
            FilteredText::Suggestion(suggestion) => message.suggestions.push(suggestion),
        }
    }
    message
}

/// Removes talk of a screen from a text that arrives in pieces.
///
/// A sentence that only tells the user to click, open, drag, preview, export or look at an account
/// becomes a [`Suggestion`]. Where such an instruction ends a sentence, it is cut off. Where one
/// stands elsewhere, or it is not sure where it ends, the sentence stays as it is and the suggestion
/// follows it. Every other sentence stays byte for byte. Quotations, quoted lines, code and what
/// follows a label such as `Narration:` are content and are not looked into.
///
/// A sentence is returned as soon as it ends, so no more is held back than the sentence under way
/// with the white space before it. A sentence of more than 1000 bytes is passed on as it arrives.
/// The one exception is "I encountered a temporary issue", which waits for what follows: it is
/// dropped at the end of a text, and kept where it is all there is to read.
///
/// The result does not depend on how the text is divided into pieces.
///
/// ```
/// use nemovideo::project::{FilteredText, GuiFilter, Suggestion};
///
/// let mut filter = GuiFilter::new();
/// let shown = filter.push("I made it warmer. Now cl");
/// assert_eq!(shown, [FilteredText::Text("I made it warmer.".into())]);
/// assert_eq!(filter.push("ick Export."), []);
/// assert_eq!(filter.finish(), [FilteredText::Suggestion(Suggestion::Export)]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct GuiFilter {
    splitter: SentenceSplitter,
    script: ScriptLines,
    /// The white space before sentences that were dropped, until the next one that is not.
    gap: Option<String>,
    /// A temporary issue, until it is known whether it is the end.
    held: String,
    has_shown: bool,
    /// Whether the last sentence was dropped.
    has_dropped: bool,
    suggested: Vec<Suggestion>,
}

impl GuiFilter {
    /// Creates a filter for one text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next piece of the text and returns what can be shown.
    pub fn push(&mut self, text: &str) -> Vec<FilteredText> {
        self.splitter.push(text);
        let mut out = Vec::new();
        while let Some(sentence) = self.splitter.next_sentence() {
            self.take(&sentence, &mut out);
        }
        out
    }

    /// Returns what was held back, at the end of the text, and resets the filter.
    pub fn finish(&mut self) -> Vec<FilteredText> {
        let mut out = Vec::new();
        let end = self.splitter.finish();
        if !end.text.is_empty() {
            self.take(&end, &mut out);
        }
        // All there is to read: a suggestion is no text.
        if !self.has_shown {
            self.release(&mut out);
        }
        // The white space behind the last sentence.
        if end.text.is_empty() && (self.has_shown || self.suggested.is_empty()) {
            show(&end.gap, &mut out);
        }
        *self = Self::default();
        out
    }

    /// Returns the sentence under way if it seems complete, rather than wait for the white space
    /// behind it: something else happens meanwhile.
    pub(crate) fn pause(&mut self) -> Vec<FilteredText> {
        let sentence = self.splitter.ended_sentence();
        self.taken(sentence)
    }

    /// Returns the sentence under way at the end of a text that another text may follow.
    pub(crate) fn end_text(&mut self) -> Vec<FilteredText> {
        let sentence = self.splitter.rest();
        let out = self.taken(sentence);
        self.script.end_text();
        out
    }

    fn taken(&mut self, sentence: Option<Sentence>) -> Vec<FilteredText> {
        let mut out = Vec::new();
        if let Some(sentence) = sentence {
            self.take(&sentence, &mut out);
        }
        out
    }

    fn take(&mut self, sentence: &Sentence, out: &mut Vec<FilteredText>) {
        if self.script.holds(sentence) || sentence.is_part {
            return self.say(&sentence.gap, &sentence.text, out);
        }
        // Of Chinese sentences the first end mark is taken for the end, and more may follow. A
        // straight quotation mark opens a quotation here: what it would have closed was open.
        let own =
            sentence.text.trim_start_matches(|c| is_wide_end(c) || (is_closing(c) && c != '"'));
        if self.has_dropped && sentence.gap.is_empty() && own.len() < sentence.text.len() {
            let rest = Sentence { text: own.to_owned(), ..sentence.clone() };
            if !own.is_empty() {
                self.take(&rest, out);
            }
            return;
        }
        let reading = read(&sentence.text, self.has_dropped && is_list_item(sentence));
        match &reading.text {
            Some(text) if is_trouble(text) || (!self.held.is_empty() && is_try_again(text)) => {
                let gap = self.gap_before(text, &sentence.gap);
                self.held.push_str(&gap);
                self.held.push_str(text);
                self.has_dropped = false;
            }
            Some(text) => self.say(&sentence.gap, text, out),
            None => {
                self.gap = Some(self.wider_gap(&sentence.gap));
                self.has_dropped = true;
            }
        }
        for suggestion in reading.suggestions {
            if !self.suggested.contains(&suggestion) {
                self.suggested.push(suggestion.clone());
                out.push(FilteredText::Suggestion(suggestion));
            }
        }
    }

    fn say(&mut self, gap: &str, text: &str, out: &mut Vec<FilteredText>) {
        self.release(out);
        let gap = self.gap_before(text, gap);
        show(&gap, out);
        show(text, out);
        self.has_shown = true;
        self.has_dropped = false;
    }

    /// Shows a temporary issue: it was not the end.
    fn release(&mut self, out: &mut Vec<FilteredText>) {
        let held = std::mem::take(&mut self.held);
        self.has_shown |= !held.is_empty();
        show(&held, out);
    }

    fn gap_before(&mut self, text: &str, own: &str) -> String {
        let is_after_drop = self.gap.is_some();
        let is_first = !self.has_shown && self.held.is_empty();
        let gap = self.wider_gap(own);
        // A Chinese sentence between two others needs no space, but they need one without it.
        let needs_space = is_after_drop && !is_first && text.starts_with(|c| c < '\u{2E80}');
        if needs_space && gap.is_empty() { " ".to_owned() } else { gap }
    }

    /// The wider one of the white spaces around what was dropped. At the beginning there is nothing
    /// to be apart from.
    fn wider_gap(&mut self, own: &str) -> String {
        let lines = |gap: &str| gap.matches('\n').count();
        match self.gap.take() {
            Some(before) if !self.has_shown && self.held.is_empty() => before,
            Some(before) if lines(&before) >= lines(own) && !before.is_empty() => before,
            _ => own.to_owned(),
        }
    }
}

/// Adds to the text at the end of `out`.
fn show(text: &str, out: &mut Vec<FilteredText>) {
    if text.is_empty() {
        return;
    }
    if let Some(FilteredText::Text(last)) = out.last_mut() {
        last.push_str(text);
    } else {
        out.push(FilteredText::Text(text.to_owned()));
    }
}

fn is_list_item(sentence: &Sentence) -> bool {
    let marker = sentence.text.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = marker.len() < sentence.text.len() && marker.starts_with(['.', ')', '、']);
    sentence.starts_line && (is_numbered || sentence.text.starts_with(['-', '*', '•']))
}

/// The lines that are content whatever they say: what follows a label such as `Narration:`, quoted
/// lines and code.
#[derive(Clone, Copy, Debug, Default)]
struct ScriptLines {
    is_code: bool,
    open: OpenLabel,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OpenLabel {
    #[default]
    Nothing,
    /// Up to the end of the line.
    Line,
    /// Up to an empty line, not counting those between the label and the first words.
    Block { has_begun: bool },
}

impl ScriptLines {
    /// Whether the sentence, the next one of the text, is content for sure.
    fn holds(&mut self, sentence: &Sentence) -> bool {
        if !sentence.starts_line {
            return self.is_code || self.open != OpenLabel::Nothing;
        }
        let text = sentence.text.as_str();
        if text.starts_with("```") || text.starts_with("~~~") {
            self.is_code = !self.is_code;
            return true;
        }
        if self.is_code {
            return true;
        }
        let is_behind_empty_line = sentence.gap.matches('\n').count() > 1;
        self.open = match self.open {
            OpenLabel::Block { has_begun } if !(has_begun && is_behind_empty_line) => {
                OpenLabel::Block { has_begun: true }
            }
            _ if text.starts_with('>') => OpenLabel::Line,
            _ => label(text),
        };
        self.open != OpenLabel::Nothing
    }

    /// Ends the text. Only a label that still waits for its words is about the next text.
    fn end_text(&mut self) {
        if self.open != (OpenLabel::Block { has_begun: false }) {
            *self = Self::default();
        }
    }
}

/// What a label at the start of the line opens.
fn label(line: &str) -> OpenLabel {
    let Some((label, rest)) = line.split_once([':', '：']) else { return OpenLabel::Nothing };
    let label = units(label);
    let (Some(first), Some(last)) = (label.first(), label.last()) else {
        return OpenLabel::Nothing;
    };
    let is_named = last.is(LABEL) && (label.len() <= 3 || first.is(LABEL_HERE));
    let is_scene = first.is(LABEL_SCENE) && label.len() <= 3;
    // "Next action: click Export" is no line of a script: a video has no export and no timeline.
    let is_cover = last.is(COVER) && {
        let orders = parts(rest);
        matches!(
            orders.first(),
            Some(Part { kind: PartKind::Instruction(Act::Export | Act::State | Act::Open), .. })
        ) && has(&units(rest), SERVICE)
    };
    match rest.contains(char::is_alphanumeric) {
        _ if !(is_scene || is_named) || is_cover => OpenLabel::Nothing,
        true => OpenLabel::Line,
        false => OpenLabel::Block { has_begun: false },
    }
}

/// "I encountered a temporary issue" and nothing else: what the service adds behind a message.
fn is_trouble(sentence: &str) -> bool {
    let (issue, again) = (units(sentence), |unit: &Unit| unit.is(TROUBLE | AGAIN));
    issue.iter().all(again) && has(&issue, TEMPORARY) && has(&issue, ISSUE)
}

/// "Please try again later", which alone is no trouble.
fn is_try_again(sentence: &str) -> bool {
    let units = units(sentence);
    units.iter().all(|unit| unit.is(AGAIN)) && has(&units, RETRY)
}

/// What is left of a sentence.
#[derive(Debug)]
struct SentenceReading {
    /// `None` when nothing is.
    text: Option<String>,
    suggestions: Vec<Suggestion>,
}

/// What the screen would have been used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Export,
    Upload,
    Credits,
    State,
    Edit,
    /// Opens a part of the screen, whatever for.
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartKind {
    /// Tells the user to use the screen.
    Instruction(Act),
    /// An order that is an instruction beside a sure one: "choose MP4".
    Step,
    /// What an instruction is for, or when: "to save it", "如果满意".
    Lead,
    /// What an instruction brings about: "and it will be saved", "即可保存".
    Outcome,
    /// A word that belongs to what stands before it: "1080p".
    Detail,
    Content,
}

/// A part of a sentence: a clause, or what begins in the middle of one.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    text: &'a str,
    start: usize,
    kind: PartKind,
    /// Whether it tells of an instruction in the middle of it, which cannot be cut off.
    hint: Option<Act>,
}

/// Reads a sentence. `goes_on` tells that it is an item of a list whose last item was dropped.
fn read(sentence: &str, goes_on: bool) -> SentenceReading {
    let is_end = |c: char| matches!(c, '.' | '!' | '?' | '…') || is_wide_end(c);
    let body = sentence.trim_end_matches(|c| is_end(c) || is_markup(c));
    let parts = parts(body);
    let suggestions = suggestions(body, &parts);
    let whole =
        || SentenceReading { text: Some(sentence.to_owned()), suggestions: suggestions.clone() };
    let is_step = |part: &Part<'_>| matches!(part.kind, PartKind::Step | PartKind::Lead);
    let is_instruction = |part: &Part<'_>| matches!(part.kind, PartKind::Instruction(_));
    let belongs = |part: &Part<'_>| matches!(part.kind, PartKind::Outcome | PartKind::Detail);
    if goes_on && !parts.is_empty() && parts.iter().all(is_step) {
        return SentenceReading { text: None, suggestions };
    }
    // The first of the parts up to the end that are about the screen.
    let tail = parts.iter().rposition(|part| part.kind == PartKind::Content).map_or(0, |at| at + 1);
    let Some(first) = parts[tail..].iter().position(is_instruction) else { return whole() };
    let mut cut = tail + first;
    while cut > tail && is_step(&parts[cut - 1]) {
        cut -= 1;
    }
    if cut > tail && !parts[tail..cut].iter().all(belongs) {
        return whole();
    }
    if cut == 0 {
        return SentenceReading { text: None, suggestions };
    }
    let is_loose = |c: char| c.is_whitespace() || ",;:—–-，；：、(（".contains(c);
    let mut kept = body[..parts[cut].start].trim_end_matches(is_loose);
    for word in [" and", " so", " then", " or", " for you"] {
        kept = kept.strip_suffix(word).unwrap_or(kept).trim_end_matches(is_loose);
    }
    if !kept.contains(char::is_alphanumeric) {
        return SentenceReading { text: None, suggestions };
    }
    // Marks that belong to what is gone go with it.
    let (is_marked, is_ended) = (kept.matches("**").count() % 2 == 1, kept.ends_with(is_end));
    let stays = |c: &char| if is_markup(*c) { is_marked } else { !is_ended };
    let mut text = kept.to_owned();
    text.extend(sentence[body.len()..].chars().filter(stays));
    SentenceReading { text: Some(text), suggestions }
}

fn suggestions(body: &str, parts: &[Part<'_>]) -> Vec<Suggestion> {
    let act = |part: &Part<'_>| match part.kind {
        PartKind::Instruction(act) => Some(act),
        _ => part.hint,
    };
    let acts: Vec<Act> = parts.iter().filter_map(act).collect();
    let has_other = acts.iter().any(|act| !matches!(act, Act::Edit | Act::Open));
    let mut found = Vec::new();
    let mut told = 0; // how many are in a message
    for (at, part) in parts.iter().enumerate() {
        found.push(match act(part) {
            None => continue,
            Some(Act::Export) => Suggestion::Export,
            // "Open the Text tab and click Apply" is about what is done there.
            Some(Act::Open) if acts.iter().any(|act| *act != Act::Open) => continue,
            Some(Act::State | Act::Open) => Suggestion::ShowState,
            Some(Act::Credits) => Suggestion::ShowCredits,
            Some(Act::Upload) => Suggestion::Upload,
            // "… and press Start" is a part of what the rest of the sentence asks for.
            Some(Act::Edit) if has_other && about(&units(part.text)).is_none() => continue,
            Some(Act::Edit) if at < told => continue,
            Some(Act::Edit) => {
                let (message, end) = message(body, parts, at, told);
                told = end;
                Suggestion::SendEdit(message)
            }
        });
    }
    found
}

/// The order at `at` with the steps around it, and where it ends: "select the clip and press
/// Delete", "right click the clip, then choose Split".
fn message(body: &str, parts: &[Part<'_>], at: usize, from: usize) -> (String, usize) {
    let is_step = |part: &Part<'_>| part.kind == PartKind::Step;
    let goes_on = |part: &Part<'_>| is_step(part) || part.text.starts_with("and ");
    let steps = parts[from..at].iter().rev().take_while(|part| is_step(part)).count();
    let end = at + 1 + parts[at + 1..].iter().take_while(|part| goes_on(part)).count();
    let last = parts[end - 1];
    let words = &body[parts[at - steps].start..last.start + last.text.len()];
    let words =
        words.trim_matches(|c: char| c.is_whitespace() || is_markup(c) || matches!(c, '(' | ')'));
    (words.strip_prefix("and ").unwrap_or(words).to_owned(), end)
}

/// As far as a part is looked into, in words, and as many joints as are looked at in a clause.
/// Both bound the work: a sentence has at most 1000 bytes.
const MAX_UNITS: usize = 40;
const MAX_JOINTS: usize = 12;

/// Divides a sentence at its clauses, and where the middle of one begins to speak to the user: "it
/// is done and you can click Export", "做好了请点击导出".
fn parts(body: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    for range in clauses(body) {
        let text = &body[range.clone()];
        let units = units(text);
        let is_bracketed = text.starts_with(['(', '（']);
        let joints = (1..units.len()).filter(|at| {
            let unit = &units[*at];
            !unit.is_quoted
                && !unit.is_joined
                && unit.is(JOINT | HINT_JOINT)
                && (is_bracketed || !in_brackets(text, unit.range.start))
        });
        let (mut begin, mut start) = (0, range.start);
        let mut whole = classify(&units, text);
        let mut hint = None;
        for at in joints.take(MAX_JOINTS) {
            let rest = classify(&units[at..], &text[units[at].range.start..]);
            // "drag and drop"
            if units[at - 1].text == "drag" {
                continue;
            }
            if units[at].is(HINT_JOINT) {
                if whole.0 == PartKind::Content {
                    hint = hint.or_else(|| hinted(&units[begin..at], &units[at..]));
                }
                continue;
            }
            let leads =
                matches!(whole.0, PartKind::Instruction(_) | PartKind::Step | PartKind::Lead);
            let is_new = match rest.0 {
                PartKind::Instruction(_) => {
                    rest.1 || leads || matches!(units[at].text.as_str(), "so" | "then")
                }
                // What is said to the agent or by it, or tells of the video.
                PartKind::Content => {
                    let behind = strip(&units[at..], FILLER).0;
                    matches!(whole.0, PartKind::Instruction(_))
                        && (starts(behind, TALK_START)
                            || is_telling(&text[units[at].range.start..]))
                }
                _ => false,
            };
            if is_new {
                let end = range.start + units[at].range.start;
                let (kind, _) = classify(&units[begin..at], &body[start..end]);
                // `图片请上传到这里`: what the instruction is about.
                if kind == PartKind::Content && matches!(whole.0, PartKind::Instruction(_)) {
                    continue;
                }
                let text = body[start..end].trim_end();
                found.push(Part { text, start, kind, hint: hint.take() });
                (begin, start, whole) = (at, end, rest);
            }
        }
        let text = &body[start..range.end];
        found.push(Part { text, start, kind: whole.0, hint });
    }
    // What tells more than that an instruction works is content: a number, the name of a file.
    for at in 0..found.len() {
        if found[at].kind == PartKind::Outcome && is_telling(found[at].text) {
            found[at].kind = PartKind::Content;
        }
    }
    found
}

fn in_brackets(text: &str, at: usize) -> bool {
    let open = text[..at].matches(['(', '（']).count();
    open > text[..at].matches([')', '）']).count()
}

fn is_telling(text: &str) -> bool {
    let is_file = |word: &str| {
        word.trim_end_matches(|c: char| !c.is_alphanumeric())
            .split_once('.')
            .is_some_and(|(_, end)| end.len() > 1)
    };
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    text.split_whitespace().any(|word| is_number(word) || is_file(word))
}

/// "Ready *to preview in the timeline*", "it can be saved *by clicking Export*": an instruction in
/// the middle of a clause.
fn hinted(before: &[Unit], rest: &[Unit]) -> Option<Act> {
    let object = rest.get(2..)?;
    let is_button = object.first().is_some_and(|unit| unit.is(BUTTON) && unit.is_name);
    let is_on_screen = is_button || has_sure_button(object) || has_place(rest);
    let does = match rest[0].text.as_str() {
        "to" => rest[1].is(READY) && has_place(rest),
        "by" => rest[1].is(CLICKING) && is_on_screen && !has(before, OTHERS),
        _ => has_place(rest) && !has(before, OTHERS),
    };
    does.then(|| about(&rest[1..]).unwrap_or(Act::State))
}

/// The classes of `screen.patterns`.
const CLASSES: &[&str] = &[
    "lead",
    "filler",
    "place",
    "maybe",
    "inside",
    "name",
    "button",
    "sure",
    "key",
    "billing",
    "account",
    "thing",
    "media",
    "film",
    "click",
    "clicking",
    "here",
    "up",
    "on",
    "to",
    "your",
    "link",
    "sound",
    "page",
    "at",
    "of",
    "le",
    "ba",
    "look",
    "article",
    "preposition",
    "ender",
    "going",
    "part",
    "footage",
    "partly",
    "where",
    "when",
    "placed",
    "label-step",
    "when-end",
    "mine",
    "talk",
    "talk-start",
    "others",
    "step",
    "outcome",
    "it",
    "made",
    "gets",
    "joined",
    "setting",
    "joint",
    "hint-joint",
    "ready",
    "preposition-zh",
    "particle",
    "has",
    "shown",
    "choice",
    "can",
    "other",
    "export",
    "upload",
    "credits",
    "state",
    "edit",
    "label",
    "label-scene",
    "label-here",
    "cover",
    "service",
    "trouble",
    "temporary",
    "issue",
    "again",
    "retry",
    "editing",
    "whenever",
    "you",
    "adding",
    "seeing",
    "uploaded",
];

/// A set of classes, a bit for each.
type Classes = u128;

/// The bit of a class. A name that is not listed does not compile.
const fn class(name: &str) -> Classes {
    const fn is_same(a: &[u8], b: &[u8]) -> bool {
        let mut at = 0;
        while at < a.len() && at < b.len() && a[at] == b[at] {
            at += 1;
        }
        at == a.len() && at == b.len()
    }
    let mut at = 0;
    while !is_same(CLASSES[at].as_bytes(), name.as_bytes()) {
        at += 1;
    }
    1 << at
}

const AGAIN: Classes = class("again");
const ARTICLE: Classes = class("article");
const AT: Classes = class("at");
const BA: Classes = class("ba");
const UPLOADED: Classes = class("uploaded");
const SEEING: Classes = class("seeing");
const BILLING: Classes = class("billing");
const BUTTON: Classes = class("button");
const CAN: Classes = class("can");
const CLICK: Classes = class("click");
const CLICKING: Classes = class("clicking");
const COVER: Classes = class("cover");
const ENDER: Classes = class("ender");
const EXPORT: Classes = class("export");
const FILLER: Classes = class("filler");
const FILM: Classes = class("film");
const FOOTAGE: Classes = class("footage");
const GETS: Classes = class("gets");
const GOING: Classes = class("going");
const HAS: Classes = class("has");
const HERE: Classes = class("here");
const HINT_JOINT: Classes = class("hint-joint");
const INSIDE: Classes = class("inside");
const ISSUE: Classes = class("issue");
const IT: Classes = class("it");
const JOINED: Classes = class("joined");
const JOINT: Classes = class("joint");
const KEY: Classes = class("key");
const LABEL: Classes = class("label");
const LABEL_HERE: Classes = class("label-here");
const LABEL_SCENE: Classes = class("label-scene");
const LABEL_STEP: Classes = class("label-step");
const LEAD: Classes = class("lead");
const MADE: Classes = class("made");
const MAYBE: Classes = class("maybe");
const MEDIA: Classes = class("media");
const MINE: Classes = class("mine");
const NAME: Classes = class("name");
const OF: Classes = class("of");
const OTHER: Classes = class("other");
const OTHERS: Classes = class("others");
const OUTCOME: Classes = class("outcome");
const PAGE: Classes = class("page");
const PART: Classes = class("part");
const PARTICLE: Classes = class("particle");
const PARTLY: Classes = class("partly");
const PLACE: Classes = class("place");
const PLACED: Classes = class("placed");
const PREPOSITION: Classes = class("preposition");
const PREPOSITION_ZH: Classes = class("preposition-zh");
const READY: Classes = class("ready");
const RETRY: Classes = class("retry");
const SERVICE: Classes = class("service");
const SETTING: Classes = class("setting");
const SHOWN: Classes = class("shown");
const STEP: Classes = class("step");
const SURE: Classes = class("sure");
const TALK: Classes = class("talk");
const TALK_START: Classes = class("talk-start");
const TEMPORARY: Classes = class("temporary");
const THING: Classes = class("thing");
const TO: Classes = class("to");
const TROUBLE: Classes = class("trouble");
const UPLOAD: Classes = class("upload");
const WHEN: Classes = class("when");
const WHEN_END: Classes = class("when-end");
const WHERE: Classes = class("where");
const YOUR: Classes = class("your");
/// A word that begins a rule.
const VERB: Classes = 1 << CLASSES.len();

/// What may stand before the verb of a Chinese instruction.
const BEFORE_VERB_ZH: Classes = LEAD
    | FILLER
    | PREPOSITION_ZH
    | PLACE
    | MAYBE
    | NAME
    | THING
    | PARTICLE
    | WHEN
    | WHEN_END
    | FILM
    | BILLING
    | HERE
    | BUTTON
    | CAN
    | YOUR;

/// An instruction of the table: what must follow its verb, and what it asks for.
#[derive(Clone, Debug)]
struct Rule {
    needs: Vec<Vec<(bool, Need)>>,
    act: RuleAct,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RuleAct {
    Is(Act),
    /// What the object names first, else this.
    About(Act),
    /// An edit, unless the object names an export, an upload or credits.
    EditVerb,
    /// What the object names first; what is edited is only looked at.
    Shown,
    /// An upload where it is a file that is dragged, else an edit.
    Drag,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Follows,
    Goes,
    Place,
    Button,
    Sure,
    Target,
    Billing,
    Film,
    OfFilm,
    OfNoun,
    Spoken,
    Inside,
    Told,
    Subject,
    Page,
    Label,
    Whole,
    End,
    First(Classes),
    Near(Classes),
    Any(Classes),
    About(Act),
}

#[derive(Debug, Default)]
struct Patterns {
    classes: HashMap<String, Classes>,
    rules: HashMap<String, Vec<Rule>>,
}

static PATTERNS: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::parse(include_str!("screen.patterns")));

impl Patterns {
    fn parse(text: &'static str) -> Self {
        let mut patterns = Self::default();
        for (header, lines) in sections(text) {
            for line in &lines {
                if header == "rules" {
                    let (verbs, rule) =
                        Self::rule(line).unwrap_or_else(|| panic!("no rule: {line}"));
                    for verb in phrases(verbs) {
                        patterns.rules.entry(verb).or_default().push(rule.clone());
                    }
                } else {
                    for phrase in phrases(line) {
                        *patterns.classes.entry(phrase).or_default() |= class(header);
                    }
                }
            }
        }
        patterns
    }

    fn rule(line: &str) -> Option<(&str, Rule)> {
        let (verbs, rest) = line.split_once(": ")?;
        let (needs, act) = rest.rsplit_once(": ")?;
        let need = |need: &str| {
            let (is_met, need) = need.strip_prefix('!').map_or((true, need), |need| (false, need));
            Some((is_met, Self::need(need)?))
        };
        let needs = needs.split_whitespace().map(|needs| needs.split('|').map(need).collect());
        let act = match act.split_once(' ') {
            Some(("about", act)) => RuleAct::About(Self::act(act)?),
            Some(("shown", _)) => RuleAct::Shown,
            Some(("edit", "verb")) => RuleAct::EditVerb,
            _ if act == "drag" => RuleAct::Drag,
            _ => RuleAct::Is(Self::act(act)?),
        };
        Some((verbs, Rule { needs: needs.collect::<Option<_>>()?, act }))
    }

    fn act(name: &str) -> Option<Act> {
        ACTS.iter().find(|(known, ..)| *known == name).map(|(_, act, _)| *act)
    }

    fn need(name: &str) -> Option<Need> {
        Some(match name.split_once(':') {
            Some(("first", name)) => Need::First(class(name)),
            Some(("near", name)) => Need::Near(class(name)),
            Some(("any", name)) => Need::Any(class(name)),
            Some(("about", name)) => Need::About(Self::act(name)?),
            _ => match name {
                "follows" => Need::Follows,
                "goes" => Need::Goes,
                "place" => Need::Place,
                "button" => Need::Button,
                "sure" => Need::Sure,
                "target" => Need::Target,
                "billing" => Need::Billing,
                "film" => Need::Film,
                "of-film" => Need::OfFilm,
                "of-noun" => Need::OfNoun,
                "spoken" => Need::Spoken,
                "inside" => Need::Inside,
                "told" => Need::Told,
                "subject" => Need::Subject,
                "page" => Need::Page,
                "label" => Need::Label,
                "whole" => Need::Whole,
                "end" => Need::End,
                _ => return None,
            },
        })
    }
}

const ACTS: [(&str, Act, Classes); 5] = [
    ("export", Act::Export, class("export")),
    ("upload", Act::Upload, class("upload")),
    ("credits", Act::Credits, class("credits")),
    ("state", Act::State, class("state")),
    ("edit", Act::Edit, class("edit")),
];

/// A word of a clause, a Chinese word of several characters, or a quotation.
#[derive(Clone, Debug)]
struct Unit {
    text: String,
    range: Range<usize>,
    classes: Classes,
    /// Whether it is written as a name: with a capital, in quotes or bold.
    is_name: bool,
    is_quoted: bool,
    /// Whether a hyphen joins it to the unit before.
    is_joined: bool,
    /// Whether an arrow stands before it: `File > Export`.
    is_behind_arrow: bool,
}

impl Unit {
    const fn is(&self, classes: Classes) -> bool {
        self.classes & classes != 0
    }

    fn is_han(&self) -> bool {
        self.text.starts_with(|c| c >= '\u{2E80}')
    }
}

fn has(units: &[Unit], classes: Classes) -> bool {
    units.iter().any(|unit| unit.is(classes))
}

/// The first so many units.
fn first(units: &[Unit], count: usize) -> &[Unit] {
    &units[..units.len().min(count)]
}

/// Whether the units begin with a phrase of the class, and what follows the longest.
fn behind(units: &[Unit], class: Classes) -> Option<&[Unit]> {
    let mut key = String::new();
    let mut end = None;
    for (at, unit) in units.iter().enumerate().take(7) {
        if at > 0 {
            key.push(' ');
        }
        key.push_str(&unit.text);
        if PATTERNS.classes.get(&key).is_some_and(|classes| classes & class != 0) {
            end = Some(at + 1);
        }
    }
    end.map(|end| &units[end..])
}

/// Divides a clause into units, at most [`MAX_UNITS`].
fn units(text: &str) -> Vec<Unit> {
    let quotations = quotations(text);
    let words = words(text);
    let mut units: Vec<Unit> = Vec::new();
    let mut at = 0;
    while at < words.len() && units.len() < MAX_UNITS {
        let start = words[at].range.start;
        let quotation = quotations.iter().find(|range| range.contains(&start));
        let is_open =
            |word: &Word| quotation.is_some_and(|range| range.contains(&word.range.start));
        let quoted = words[at..].iter().take_while(|word| is_open(word)).count();
        let count = if quoted > 0 { quoted } else { han_word(&words[at..]) };
        let own = &words[at..at + count];
        let range = start..own[count - 1].range.end;
        let mut key: String =
            own.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        // "Your account's billing page" is one of the screen, "the client's" of the video.
        if let Some(owner) =
            key.strip_suffix("'s").filter(|owner| class_of(owner) & (NAME | PLACE) != 0)
        {
            key = owner.to_owned();
        }
        let before =
            text.get(units.last().map_or(0, |unit| unit.range.end)..start).unwrap_or_default();
        let is_capital = text[start..].starts_with(char::is_uppercase);
        units.push(Unit {
            classes: if quoted > 0 { quoted_classes(own, &key) } else { class_of(&key) },
            text: key,
            is_name: quoted > 0 || is_capital || before.ends_with(['*', '`', '[', '“', '"', '【']),
            is_quoted: quoted > 0,
            is_joined: words[at].is_joined,
            is_behind_arrow: before.contains(['>', '→', '›']) && !units.is_empty(),
            range,
        });
        at += count;
    }
    units
}

fn class_of(key: &str) -> Classes {
    let classes = PATTERNS.classes.get(key).copied().unwrap_or_default();
    if PATTERNS.rules.contains_key(key) { classes | VERB } else { classes }
}

/// The classes of what is in quotes; of a short label those of its words.
fn quoted_classes(words: &[Word], key: &str) -> Classes {
    let mut classes = class_of(key);
    let mut rest = words;
    while classes & !VERB == 0 && words.len() <= 6 && !rest.is_empty() {
        let (word, behind) = rest.split_at(han_word(rest));
        let key = word.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        classes |= class_of(&key) & (BUTTON | BILLING | EXPORT | UPLOAD | NAME | PLACE);
        rest = behind;
    }
    classes
}

/// The number of words that make up the longest Chinese word at the start.
fn han_word(words: &[Word]) -> usize {
    let mut key = String::new();
    let mut longest = 1;
    for (at, word) in words.iter().enumerate().take(8) {
        let is_next = at == 0 || words[at - 1].range.end == word.range.start;
        if !words[0].is_han() || !is_next {
            break;
        }
        if at > 0 {
            key.push(' ');
        }
        key.push_str(&word.text);
        if class_of(&key) != 0 {
            longest = at + 1;
        }
    }
    longest
}

/// Removes the phrases of the class at the start, again and again. Returns whether there were any.
fn strip(units: &[Unit], class: Classes) -> (&[Unit], bool) {
    let mut rest = units;
    while let Some(behind) = behind(rest, class) {
        rest = behind;
    }
    (rest, rest.len() < units.len())
}

fn starts(units: &[Unit], class: Classes) -> bool {
    behind(units, class).is_some()
}

/// What a clause is, and whether it speaks to the user.
fn classify(units: &[Unit], text: &str) -> (PartKind, bool) {
    if units.iter().any(Unit::is_han) {
        classify_chinese(units, text)
    } else {
        classify_english(units, text)
    }
}

fn classify_english(units: &[Unit], text: &str) -> (PartKind, bool) {
    let numbers = units.iter().take_while(|unit| unit.text.bytes().all(|b| b.is_ascii_digit()));
    let opening = &units[numbers.count()..];
    let (mut rest, mut is_spoken) = (opening, false);
    loop {
        if let Some(after) = behind(rest, LEAD) {
            (rest, is_spoken) = (after, true);
        } else if let Some(after) = behind(rest, FILLER) {
            rest = after;
        } else {
            break;
        }
    }
    let is_quoted = text.trim_start().starts_with(['"', '“', '\'', '‘', '«', '`']);
    let is_to_do = has(first(opening, 1), TO) && rest.len() < opening.len();
    let kind = if is_quoted || opening.is_empty() {
        PartKind::Content
    } else if rest.is_empty() {
        PartKind::Lead
    } else if let Some(act) = english_instruction(rest, is_spoken).filter(|_| !is_to_do) {
        PartKind::Instruction(act)
    } else {
        other_english(opening, rest, is_to_do, text)
    };
    (kind, is_spoken)
}

fn english_instruction(rest: &[Unit], is_spoken: bool) -> Option<Act> {
    instruction(rest, &[], is_spoken)
        .or_else(|| clicking(rest))
        .or_else(|| done_in_place(rest, is_spoken))
}

/// "You can *compare both in the preview panel*", "captions *can be edited in the text panel*":
/// whatever is done, it is done on the screen.
fn done_in_place(units: &[Unit], is_spoken: bool) -> Option<Act> {
    let is_in =
        |unit: &Unit| ["in", "on", "from", "at", "via", "through"].contains(&unit.text.as_str());
    let is_passive = |pair: &[Unit]| {
        ["can", "may", "could"].contains(&pair[0].text.as_str()) && pair[1].text == "be"
    };
    let passive =
        first(units, 8).windows(2).position(is_passive).filter(|at| !has(&units[..*at], OTHERS));
    let verb = match passive {
        Some(at) => at + 2,
        None if is_spoken && !units.first()?.is(ARTICLE | PREPOSITION | GOING) => 0,
        None => return None,
    };
    let object = units.get(verb + 1..)?;
    let place = &object[object.iter().position(is_in)?..];
    let subject = || about(&units[..verb]).filter(|_| passive.is_some());
    let act = || match subject().or_else(|| about(object)) {
        Some(act @ (Act::Export | Act::Upload | Act::Credits)) => act,
        _ if units[verb].is(SEEING) => Act::State,
        _ => Act::Edit,
    };
    (has_place(place) && !is_of_the_film(object)).then(act)
}

fn other_english(opening: &[Unit], rest: &[Unit], is_to_do: bool, text: &str) -> PartKind {
    let is_tip = starts(opening, LABEL_STEP)
        || opening.get(1).is_some_and(|unit| unit.is(LABEL_STEP))
        || (opening.len() <= 3 && opening.last().is_some_and(|unit| unit.is(COVER)));
    let is_here = !has(first(opening, 1), PLACED) || has_place(opening);
    // "For the intro I used jazz"
    let is_when = starts(opening, WHEN) && is_here && !has(opening, MINE);
    let is_made = has(first(rest, 1), ARTICLE) && has(first(rest, 4), MADE);
    let will = first(rest, 4).iter().any(|unit| unit.text == "will");
    let is_outcome = ((has(first(rest, 1), IT) || is_made) && will)
        || starts(rest, GETS)
        || (has(first(opening, 1), JOINED) && !["the", "there"].contains(&rest[0].text.as_str()));
    let is_detail = |unit: &Unit| {
        unit.is(SETTING)
            || (unit.text.is_ascii() && unit.text.contains(|c: char| c.is_ascii_digit()))
    };
    // "Preview is ready" tells of the video.
    let goes_on = |object: &[Unit]| {
        let known = ARTICLE | PREPOSITION | GOING | NAME | BUTTON | THING | FILM | MEDIA | SETTING;
        object.first().is_none_or(|unit| {
            unit.is_name || unit.is(known) || unit.text.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    match () {
        () if is_to_do || is_tip || is_when => PartKind::Lead,
        () if has(first(rest, 1), TALK) || has(first(opening, 1), MINE) => PartKind::Content,
        () if behind(rest, STEP).is_some_and(goes_on) => PartKind::Step,
        () if ["which", "where"].contains(&opening[0].text.as_str()) => PartKind::Outcome,
        () if is_outcome && !is_telling(text) => PartKind::Outcome,
        () if opening.len() <= 4 && opening.iter().all(is_detail) => PartKind::Detail,
        () => PartKind::Content,
    }
}

/// What an instruction at the head of the units asks for. `before` is what stands before its verb
/// in Chinese.
fn instruction(units: &[Unit], before: &[Unit], is_spoken: bool) -> Option<Act> {
    let mut key = String::new();
    let mut found = None;
    for (at, unit) in units.iter().enumerate().take(4) {
        if at > 0 {
            key.push(' ');
        }
        key.push_str(&unit.text);
        // "Click-clack of needles"
        let is_verb = !unit.is_quoted && units.get(at + 1).is_none_or(|next| !next.is_joined);
        let rules = PATTERNS.rules.get(&key).filter(|_| is_verb);
        let object = &units[at + 1..];
        let clause = Clause { before, object, is_spoken };
        let rule = rules.into_iter().flatten().find(|rule| {
            rule.needs
                .iter()
                .all(|any| any.iter().any(|(is_met, need)| clause.meets(*need) == *is_met))
        });
        // The longest verb decides.
        if rules.is_some() {
            found = rule.map(|rule| clause.act(rule.act, units));
        }
    }
    found.or_else(|| where_it_is(units).filter(|_| before.is_empty()))
}

/// The object of a verb, and how it is said.
#[derive(Clone, Copy)]
struct Clause<'a> {
    before: &'a [Unit],
    object: &'a [Unit],
    is_spoken: bool,
}

impl Clause<'_> {
    fn is_chinese(&self) -> bool {
        self.before.iter().chain(self.object).any(Unit::is_han)
    }

    fn act(&self, act: RuleAct, units: &[Unit]) -> Act {
        // `时间轴上的片段` is a clip, `时间轴下方的加号` an unknown button.
        let of = self.object.iter().position(|unit| unit.is_han() && unit.text.ends_with('的'));
        let inner = of.map(|of| &self.object[of + 1..]).filter(|inner| !inner.is_empty());
        if let (Some(inner), RuleAct::About(Act::Edit)) = (inner, act) {
            let outer = || about(self.object).filter(|act| *act != Act::State);
            return about(inner).or_else(outer).unwrap_or(Act::Edit);
        }
        let in_clause =
            || about(units).or_else(|| about(self.before)).filter(|_| self.is_chinese());
        let named = || about(self.object).or_else(in_clause);
        match act {
            RuleAct::Is(act) => act,
            RuleAct::About(Act::State) => {
                named().filter(|act| *act != Act::Edit).unwrap_or(Act::Open)
            }
            RuleAct::About(act) => named().unwrap_or(act),
            RuleAct::EditVerb => named().filter(|act| *act != Act::State).unwrap_or(Act::Edit),
            RuleAct::Shown => {
                let seen = about(self.object).or_else(|| about(self.before));
                seen.filter(|act| *act != Act::Edit).unwrap_or(Act::Open)
            }
            RuleAct::Drag => {
                let is_uploaded = |units: &[Unit]| {
                    (0..units.len())
                        .any(|at| behind(&units[at..], UPLOAD | UPLOADED | HERE).is_some())
                };
                let is_upload = is_uploaded(self.object) || is_uploaded(self.before);
                if is_upload { Act::Upload } else { Act::Edit }
            }
        }
    }

    fn meets(&self, need: Need) -> bool {
        let (object, near) = (self.object, first(self.object, 4));
        let goes_on = |of: Classes| {
            let is_object =
                |unit: &Unit| unit.is_name || unit.is(ARTICLE | PREPOSITION | GOING | of);
            object.first().is_some_and(is_object)
        };
        match need {
            Need::Follows => goes_on(NAME | BUTTON | PLACE | BILLING | THING | MEDIA),
            Need::Goes => goes_on(0),
            Need::Place if self.is_chinese() => {
                has_place_zh(self.before, false) || has_place_zh(object, self.is_spoken)
            }
            Need::Place => has_place(object) && !is_of_the_film(object),
            Need::Button if self.is_chinese() => is_button_zh(object, self.is_spoken),
            Need::Button => has_button(object),
            Need::Sure => has_sure_button(object),
            Need::Target => is_target_zh(object),
            Need::Billing => has_billing(object),
            Need::Film => is_film_to_save(object, self.is_spoken),
            Need::OfFilm => is_of_the_film(object),
            Need::OfNoun => !self.is_spoken && is_of_a_noun(object),
            Need::Spoken => self.is_spoken,
            Need::Inside => !self.before.is_empty() && has_place_zh(self.before, true),
            Need::Subject => has(self.before, FILM) && !has(self.before, BA),
            Need::Told => !self.is_spoken && has(self.before, AT),
            Need::Page if self.is_chinese() => has(first(object, 2), PAGE),
            Need::Page => {
                let page = first(object, 3).iter().position(|unit| unit.is(PAGE));
                page.is_some_and(|at| ends_at(object, at)) && has(first(object, 1), ARTICLE)
            }
            Need::Label => has_sure_button(first(object, 1)) && ends_at(object, 0),
            Need::Whole => {
                let known = FILM | BILLING | PARTICLE | FILLER | YOUR | OUTCOME | LEAD;
                object.iter().all(|unit| unit.is(known))
            }
            Need::End => object.is_empty(),
            Need::First(classes) => has(first(object, 1), classes),
            Need::Near(classes) => has(near, classes) || has(first(object, 6), classes & THING),
            Need::Any(classes) => has(object, classes),
            Need::About(act) => about(object) == Some(act),
        }
    }
}

/// What the units name first.
fn about(units: &[Unit]) -> Option<Act> {
    (0..units.len()).find_map(|at| {
        let named = |(_, act, class): &(&str, Act, Classes)| {
            let own = units[at].is(*class).then_some(units.len() - at - 1);
            Some((behind(&units[at..], *class).map(<[Unit]>::len).or(own)?, *act))
        };
        ACTS.iter().filter_map(named).min_by_key(|(rest, _)| *rest).map(|(_, act)| act)
    })
}

/// Whether nothing behind the unit belongs to it.
fn ends_at(units: &[Unit], at: usize) -> bool {
    units.get(at + 1).is_none_or(|next| next.is(ENDER) || next.is_behind_arrow)
}

/// Whether the units, those behind a verb, name a part of the screen. A coffee menu, a window and
/// the dashboard of a car are none, so a noun counts only with the article and the names that go
/// with a screen, and only where it ends what it belongs to.
fn has_place(units: &[Unit]) -> bool {
    (0..units.len()).any(|at| {
        let unit = &units[at];
        if unit.is_behind_arrow {
            return unit.is_name && at > 0 && units[at - 1].is_name;
        }
        let is_sure = unit.is(PLACE);
        if !(is_sure || unit.is(MAYBE)) || !ends_at(units, at) {
            return false;
        }
        let is_name =
            |unit: &&Unit| unit.is_name || unit.is(NAME | BUTTON | PLACE | MAYBE | BILLING);
        let names = units[..at].iter().rev().take_while(is_name).count();
        let before = &units[..at - names];
        let (article, rest) = match before.split_last() {
            Some((last, rest)) if last.is(ARTICLE) => (Some(last), rest),
            _ => (None, before),
        };
        let is_behind = rest.last().is_some_and(|unit| unit.is(PREPOSITION));
        let is_bounded = article.is_some() || rest.is_empty() || is_behind;
        let is_yours = article.is_some_and(|unit| unit.is(YOUR));
        is_bounded && (is_sure || names > 0 || is_yours || (is_behind && unit.is(INSIDE)))
    })
}

/// Whether the units tell of the video: "in the second scene", "as the opening shot".
fn is_of_the_film(units: &[Unit]) -> bool {
    let is_part = |at: usize| {
        units[at].is(PART) && units[..at].iter().rev().take(4).any(|unit| unit.is(PARTLY))
    };
    // "Check the panel *to see the order of the scenes*" is not.
    let purpose = units
        .windows(2)
        .position(|pair| pair[0].is(TO) && !pair[1].is(ARTICLE) && !pair[1].is_name);
    let end = purpose.unwrap_or(units.len());
    (0..end).any(|at| behind(&units[at..end], FOOTAGE).is_some() || is_part(at))
}

/// Whether the units name what is paid with: "your account", not "your balance with yoga".
fn has_billing(units: &[Unit]) -> bool {
    (0..units.len()).any(|at| {
        let is_mood = units.get(at + 1).is_some_and(|next| next.text == "with");
        units[at].is(BILLING) && ends_at(units, at) && !is_mood
    })
}

/// Whether the first of the units name a button or a key.
fn has_button(units: &[Unit]) -> bool {
    let near = first(units, 4);
    near.iter().enumerate().any(|(at, unit)| {
        let is_combined = ["ctrl", "cmd", "command", "shift", "alt"].contains(&unit.text.as_str());
        let ends = ends_at(units, at) || units[at + 1].is(KEY);
        // "Press play on your dreams!"
        let is_there = !near[at + 1..]
            .iter()
            .any(|next| ["on", "for", "with", "from"].contains(&next.text.as_str()))
            || (unit.is_name && unit.is(SURE))
            || has_place(units);
        (is_combined && unit.is_name) || (unit.is(BUTTON) && ends && is_there)
    })
}

/// Whether they name one that is hardly ever part of a video.
fn has_sure_button(units: &[Unit]) -> bool {
    first(units, 4).iter().enumerate().any(|(at, unit)| {
        let ends = || ends_at(units, at) || units[at + 1].is(KEY);
        unit.is(SURE) && (unit.is_name || ends())
    })
}

/// Whether the object is what a user would save on the screen. "Save this video for your next
/// trip!" is what a video says to those who watch it.
fn is_film_to_save(object: &[Unit], is_spoken: bool) -> bool {
    let near = first(object, 4);
    let is_this = near.first().is_some_and(|unit| unit.text == "this");
    let Some(at) = near.iter().position(|unit| unit.is(FILM) && unit.text != "this") else {
        return is_this && ends_at(object, 0) && is_spoken;
    };
    let is_call =
        !is_spoken && (is_this || object.get(at + 1).is_some_and(|unit| unit.text == "for"));
    ends_at(object, at) && !is_call
}

/// "Once you click Export", "after clicking Export", "clicking the Export button saves it": only
/// with a button that is hardly ever part of a video.
fn clicking(units: &[Unit]) -> Option<Act> {
    let rest = behind(units, WHEN).unwrap_or(units);
    let rest = if rest.first().is_some_and(|unit| ["by", "upon"].contains(&unit.text.as_str())) {
        &rest[1..]
    } else {
        rest
    };
    let is_timed = rest.len() < units.len();
    let you = rest.iter().take_while(|unit| ["you", "have"].contains(&unit.text.as_str())).count();
    let (verb, object) = rest[you..].split_first()?;
    let does = if you > 0 { is_timed && verb.is(CLICK) } else { verb.is(CLICKING) };
    (does && has_sure_button(object) && !is_of_the_film(object))
        .then(|| about(object).unwrap_or(Act::Edit))
}

/// "The Export button is in the upper-right corner", "右上角有导出按钮", "导出按钮在右上角": where a
/// button is, not that it was drawn.
fn where_it_is(units: &[Unit]) -> Option<Act> {
    let is_named = |pair: &[Unit]| (pair[0].is(SURE) || pair[0].is(EXPORT)) && pair[1].is(KEY);
    let at = first(units, 8).windows(2).position(is_named)?;
    let (before, after) = (&units[..at], &units[at + 2..]);
    if units[at].is_han() {
        let is_corner = |units: &[Unit]| has_place_zh(units, true) || has(units, WHERE);
        let has_it = before.last().is_some_and(|unit| unit.is(HAS | PARTICLE));
        let is_there = before.is_empty()
            && has(first(strip(after, FILLER | CAN).0, 1), HAS | AT)
            && is_corner(after);
        let is_here = has_it && is_corner(before) && after.is_empty();
        return ((is_here || is_there) && !has(units, SHOWN))
            .then(|| about(&units[at..]).unwrap_or(Act::State));
    }
    let is_subject = before.iter().all(|unit| {
        unit.is_name || unit.is(ARTICLE) || ["there", "is"].contains(&unit.text.as_str())
    });
    let is_there = match after.first().map(|unit| unit.text.as_str()) {
        Some("lets" | "will" | "appears") => true,
        Some("is" | "at" | "in" | "on" | "under") => has(&after[1..], WHERE),
        _ => false,
    };
    (is_subject && is_there && !is_of_the_film(units))
        .then(|| about(&units[at..]).unwrap_or(Act::Edit))
}

/// In Chinese an instruction is known by a verb with nothing but known words before it: courtesies,
/// places, and what is worked on (`在右侧面板调整…`, `将标题拖到…`, `满意后点击…`).
fn classify_chinese(units: &[Unit], text: &str) -> (PartKind, bool) {
    let opening = &units
        [units.iter().take_while(|unit| unit.text.bytes().all(|b| b.is_ascii_digit())).count()..];
    if opening.is_empty() || text.trim_start().starts_with(['“', '「', '『', '"', '《', '`']) {
        return (PartKind::Content, false);
    }
    let is_told = opening[0].text == "我" || opening[0].text.starts_with('已');
    // `满意后点击“导出”`: when, without a comma.
    let when = opening.iter().take(8).position(|unit| unit.is(WHEN_END)).filter(|_| !is_told);
    let mut is_spoken = false;
    let mut act = None;
    let mut at = 0;
    let mut is_head = true;
    while at < opening.len() && act.is_none() {
        let unit = &opening[at];
        is_spoken |= unit.is(LEAD);
        if unit.is(VERB) && !unit.is_quoted {
            act = instruction(&opening[at..], &opening[..at], is_spoken)
                .filter(|_| !is_done(&opening[at..], is_spoken));
        }
        // Behind 把 stands what the verb is done to, whatever it is.
        let is_moved = opening[..at].iter().any(|unit| ["把", "将"].contains(&unit.text.as_str()));
        let is_known = unit.is_quoted || !unit.is_han() || unit.is(BEFORE_VERB_ZH) || is_moved;
        let is_known = is_known && !unit.is(OTHER);
        is_head &= is_known;
        at += 1;
        if !is_head {
            match when.filter(|when| *when >= at - 1 && act.is_none()) {
                Some(when) => (at, is_head) = (when + 1, true),
                None => break,
            }
        }
    }
    // `可以在预览窗口对比两个版本`: whatever is done, it is done on the screen.
    if let Some(at) =
        opening.iter().position(|unit| unit.is(AT)).filter(|_| act.is_none() && is_spoken)
    {
        let is_known = |unit: &Unit| unit.is(LEAD | FILLER | THING | FILM);
        let is_in_place =
            opening[..at].iter().all(is_known) && has(first(&opening[at..], 4), PLACE);
        if is_in_place && !is_done(opening, is_spoken) {
            act = Some(if has(opening, SEEING) { Act::State } else { Act::Edit });
        }
    }
    if act.is_none() {
        act = where_it_is(opening).filter(|_| !is_done(opening, is_spoken));
    }
    let is_of_noun = !is_spoken && is_of_a_noun(opening);
    let ends_when = opening.last().is_some_and(|unit| unit.is(WHEN_END) && unit.text != "了");
    let (rest, _) = strip(opening, LEAD | FILLER);
    let kind = match act {
        Some(act) if !is_of_noun => PartKind::Instruction(act),
        _ if starts(opening, TALK_START) => PartKind::Content,
        _ if is_done(opening, false) && !has(opening, WHEN) => PartKind::Content,
        _ if starts(opening, WHEN) || (ends_when && !is_told) => PartKind::Lead,
        _ if starts(opening, OUTCOME)
            || when.is_some_and(|at| starts(&opening[at + 1..], OUTCOME)) =>
        {
            PartKind::Outcome
        }
        _ if starts(rest, STEP) && !is_done(rest, false) => PartKind::Step,
        _ if opening.iter().all(|unit| unit.is(LEAD | FILLER | OUTCOME)) => PartKind::Lead,
        _ => PartKind::Content,
    };
    (kind, is_spoken)
}

fn has_place_zh(units: &[Unit], is_spoken: bool) -> bool {
    (0..units.len()).any(|at| {
        let is_named = || {
            units[..at]
                .iter()
                .rev()
                .find(|unit| unit.text != "的")
                .is_some_and(|unit| unit.is(NAME | BUTTON | BILLING) || unit.is_quoted)
        };
        let is_spoken = is_spoken || has(&units[..at], LEAD);
        units[at].is(PLACE) || (units[at].is(MAYBE) && (is_spoken || is_named()))
    })
}

/// Whether the object is something that is clicked.
fn is_target_zh(object: &[Unit]) -> bool {
    let is_label = |unit: &Unit| {
        unit.is_quoted
            || unit.is(PLACE | MAYBE | THING | BUTTON | BILLING | HERE | VERB)
            || unit.text.contains(|c: char| c.is_ascii_alphabetic())
    };
    let length: usize =
        object.iter().map(|unit| unit.text.chars().filter(|c| *c != ' ').count()).sum();
    // A label that is not known: `点击分割`.
    object.iter().any(is_label) || (length <= 4 && !has(object, OF))
}

/// A named key or button right behind 按; 按照, 按键音 and 按播放顺序 are none.
fn is_button_zh(object: &[Unit], is_spoken: bool) -> bool {
    let is_combined = |unit: &Unit| {
        ["ctrl", "cmd", "command", "shift", "alt", "delete", "enter", "tab", "esc"]
            .contains(&unit.text.as_str())
    };
    let Some((button, rest)) = object.split_first() else { return false };
    let ends = match rest.first() {
        None => true,
        Some(next) if next.is(KEY) => is_spoken || next.text == "按 钮",
        Some(next) => next.is(OUTCOME | FILLER | CAN | VERB),
    };
    let is_placed = object
        .windows(3)
        .any(|three| three[0].is(PLACE | MAYBE | OF) && three[1].is(BUTTON) && three[2].is(KEY));
    let is_key = button.text.starts_with("空 格")
        || button.text.starts_with("回 车")
        || button.text.starts_with("快 捷")
        || button.text.starts_with("删 除 键")
        || is_combined(button);
    is_key
        || (button.is(BUTTON) && (ends || button.is_quoted))
        || (is_spoken && button.is(KEY))
        || is_placed
}

/// Whether the agent tells what is done already: `调整了…`, `…已添加`, `…加好了`.
fn is_done(units: &[Unit], is_spoken: bool) -> bool {
    let has_of =
        |at: usize| units[at..].iter().any(|unit| unit.is(OF) || unit.text.ends_with('的'));
    // `查看已添加的字幕`: which, not that.
    let is_already = |at: usize| units[at].text.starts_with('已') && !has_of(at);
    if (0..units.len()).any(is_already) {
        return true;
    }
    let is_past = |at: usize| {
        let is_last = at + 1 == units.len();
        let next = units.get(at + 1).map_or("", |unit| unit.text.as_str());
        // `点击导出就可以了` says that it will be.
        let will_be = is_last && (is_spoken || has(units, CAN));
        units[at].text == "了" && !will_be && next != "吧" && next != "后"
    };
    (0..units.len()).any(is_past)
        && !(is_spoken && units.last().is_some_and(|unit| unit.text == "了"))
}

/// Whether a verb is but what a noun is called by: `打开菜单的顾客微笑着`, `点击按钮的画面`.
fn is_of_a_noun(units: &[Unit]) -> bool {
    (0..units.len()).any(|at| {
        let of = units[at].text.as_str();
        if !of.ends_with('的') || units[at].is_quoted {
            return false;
        }
        let after = &units[at + 1..];
        let shown = first(after, 4).iter().position(|unit| unit.is(SHOWN));
        let is_shown =
            shown.is_some_and(|noun| !after.get(noun + 1).is_some_and(|unit| unit.is(MAYBE)));
        let is_behind_place = units[..at]
            .iter()
            .rev()
            .find(|unit| !unit.is(PARTICLE))
            .is_some_and(|unit| unit.is(PLACE | MAYBE));
        let is_thing = after.iter().any(|unit| {
            unit.is_quoted || unit.is(THING | FILM | BUTTON | PLACE | MAYBE | BILLING | HERE)
        });
        is_shown || (is_behind_place && !is_thing)
    })
}
