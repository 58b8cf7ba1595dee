//! What an agent says, without the screen that it believes its user has. The verbs, the parts of a
//! screen and the rules are data: `screen.patterns`. Acting on a suggestion is left to the caller.

mod instruction;

use self::instruction::{
    AGAIN, Act, COVER, FILLER, HINT_JOINT, ISSUE, JOINT, LABEL, LABEL_HERE, LABEL_SCENE, PartKind,
    RETRY, SERVICE, TALK_START, TEMPORARY, TROUBLE, Unit, about, classify, has, hinted, is_telling,
    starts, strip, units,
};
use super::tokens::{Sentence, SentenceSplitter, clauses, is_closing, is_markup, is_wide_end};

/// Something that the agent asked the user to do on a screen, and that the API does instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suggestion {
    /// Render the video: "click Export".
    Export,
    /// Show what is on the timeline: "open the panel", "preview it in the timeline".
    ShowState,
    /// Send the contained text of the agent as a message: "drag the title to the start".
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

/// Removes GUI instructions from text that is received in parts.
///
/// A sentence that only tells the user to click, open, drag, preview, export or look at an account
/// becomes a [`Suggestion`]. Where such an instruction ends a sentence, it is cut off. Where one
/// stands elsewhere, or it is not sure where it ends, the sentence stays as it is and the suggestion
/// follows it. Every other sentence stays byte for byte. Quotations, quoted lines, code and what
/// follows a label such as `Narration:` are content and are not looked into.
///
/// A sentence is returned as soon as it ends, so no more is held back than the current sentence
/// with the white space before it. A sentence of more than 1000 bytes is passed on as it arrives.
/// One sentence, "I encountered a temporary issue", is held until the next one: it is dropped at
/// the end of a text unless it is the whole text.
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

/// A part of a sentence: a clause, or what begins in the middle of one.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    text: &'a str,
    start: usize,
    kind: PartKind,
    /// Whether there is an instruction in the middle of it, which cannot be cut off.
    hint: Option<Act>,
}

/// Reads a sentence. `goes_on` means that it is an item of a list whose last item was dropped.
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
    let is_about_screen =
        |part: &Part<'_>| matches!(part.kind, PartKind::Instruction(_)) || part.hint.is_some();
    if !parts.iter().any(is_about_screen) {
        return Vec::new();
    }
    let named: Vec<Option<Act>> = parts.iter().map(|part| about(&units(part.text))).collect();
    // "To save your video, click the button below": a button that says nothing does what it is for.
    let is_around =
        |part: &Part<'_>| matches!(part.kind, PartKind::Lead | PartKind::Outcome | PartKind::Step);
    let around = parts.iter().zip(&named).filter(|(part, _)| is_around(part));
    let purpose = around.filter_map(|(_, act)| *act).next();
    let purpose = purpose.filter(|act| !matches!(act, Act::State | Act::Edit));
    let act = |(part, named): (&Part<'_>, &Option<Act>)| match part.kind {
        PartKind::Instruction(Act::Edit) if named.is_none() => purpose.or(Some(Act::Edit)),
        PartKind::Instruction(act) => Some(act),
        _ => part.hint,
    };
    let acts: Vec<Option<Act>> = parts.iter().zip(&named).map(act).collect();
    let has = |is: fn(&Act) -> bool| acts.iter().flatten().any(is);
    let has_other = has(|act| !matches!(act, Act::Edit | Act::Open));
    let mut found = Vec::new();
    let mut sent = 0; // how many are in a message
    for (at, act) in acts.iter().enumerate() {
        found.push(match act {
            None => continue,
            Some(Act::Export) => Suggestion::Export,
            // "Open the Text tab and click Apply" is about what is done there.
            Some(Act::Open) if has(|act| *act != Act::Open) => continue,
            Some(Act::State | Act::Open) => Suggestion::ShowState,
            Some(Act::Credits) => Suggestion::ShowCredits,
            Some(Act::Upload) => Suggestion::Upload,
            // "… and press Start" is a part of what the rest of the sentence asks for.
            Some(Act::Edit) if has_other && named[at].is_none() => continue,
            Some(Act::Edit) if at < sent => continue,
            Some(Act::Edit) => {
                let (message, end) = message(body, parts, at, sent);
                sent = end;
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

/// As many joints as are looked at in a clause, which bounds the work.
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
                if matches!(whole.0, PartKind::Content | PartKind::Step) {
                    hint = hint.or_else(|| hinted(&units[begin..at], &units[at..]));
                    // "You can watch it by clicking Play" is about nothing else.
                    if let Some(act) = hint.filter(|_| whole.1) {
                        whole.0 = PartKind::Instruction(act);
                    }
                }
                continue;
            }
            let leads =
                matches!(whole.0, PartKind::Instruction(_) | PartKind::Step | PartKind::Lead);
            let is_new = match rest.0 {
                PartKind::Instruction(_) => {
                    rest.1 || leads || matches!(units[at].text.as_str(), "so" | "then")
                }
                // What is said to the agent or by it, or describes the video.
                PartKind::Content => {
                    let behind = strip(&units[at..], FILLER);
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
    // What says more than that an instruction works is content: a number, the name of a file.
    for part in &mut found {
        if part.kind == PartKind::Outcome && is_telling(part.text) {
            part.kind = PartKind::Content;
        }
    }
    found
}

fn in_brackets(text: &str, at: usize) -> bool {
    let open = text[..at].matches(['(', '（']).count();
    open > text[..at].matches([')', '）']).count()
}
