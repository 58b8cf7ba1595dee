//! Text that comes in parts and then whole, shown once.

use std::ops::Range;

use super::{AgentEvent, Origin, TextEvent, TextKind};

/// The number of whole texts that are remembered until they come in the other form of events. The
/// two forms of a text follow each other closely, so few are outstanding at a time.
const REMEMBERED: usize = 16;

/// The number of agents and turns whose texts are tracked at a time; the first is forgotten.
const MAX_TRANSCRIPTS: usize = 256;

/// Returns each text of a stream once, although it may come in parts and then whole.
///
/// - A part passes through, except that white space at its end waits for what follows: the server
///   may trim it from the whole text, which is authoritative.
/// - A whole text that repeats the parts before it yields what they lacked, normally nothing. One
///   without parts yields all of itself. One that differs from the parts counts as new, because
///   showing something twice is better than never.
/// - Agents, turns and thoughts may be interleaved; each is tracked by itself.
/// - Where a stream mixes both forms of events, only one of them names the author. A whole text
///   that does not repeat its own author's parts is therefore compared with those of all authors,
///   and one without an author with the last whole texts that have one. Only an exact repetition
///   counts there; what one author sends twice is shown twice.
///
/// The [module](super) has an example.
#[derive(Debug, Default)]
pub struct TextAccumulator {
    transcripts: Vec<Transcript>,
    /// The last whole texts since a tool returned a result.
    whole_texts: Vec<WholeText>,
    /// The transcript that the last text for the user belongs to.
    last: Option<usize>,
    /// Whether the last text for the user began a new text.
    is_new_text: bool,
    /// The separator before the last text for the user.
    separator: &'static str,
    /// Whether the last text for the user ended with white space.
    ends_with_space: bool,
}

/// Text that was not returned before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextDelta<'a> {
    /// Text for the user.
    Text(&'a str),
    /// Reasoning of the model.
    Thought(&'a str),
}

impl<'a> TextDelta<'a> {
    /// Returns the text if it is for the user.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Thought(_) => None,
        }
    }
}

/// One agent's text, or its thoughts, in one turn.
///
/// The id of the event does not matter: some versions of the server give each part its own.
#[derive(Debug)]
struct Transcript {
    invocation_id: Option<String>,
    author: Option<String>,
    is_thought: bool,
    /// The parts that were not repeated yet.
    parts: String,
    /// The number of bytes of `parts` that were shown; the rest is white space.
    shown: usize,
    /// The first half of a surrogate pair behind `parts`, whose other half may come next.
    high: Option<u16>,
    /// Whether a tool returned a result since: then no more parts continue these.
    is_closed: bool,
    /// The id of the event that began to repeat the parts, which it may do in several texts.
    repeated_by: Option<Option<String>>,
    /// Whether the next text of that event continues it.
    continues: bool,
}

/// A text that came whole, in one form of events.
#[derive(Debug)]
struct WholeText {
    event_id: Option<String>,
    is_named: bool,
    is_thought: bool,
    text: String,
}

impl TextAccumulator {
    /// Creates an accumulator for one stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the new text of an event; `None` when it has none.
    pub fn push<'a>(&'a mut self, event: &'a AgentEvent) -> Option<TextDelta<'a>> {
        let (text, is_thought) = match event {
            AgentEvent::Text(text) => (text, false),
            AgentEvent::Thought(text) => (text, true),
            AgentEvent::ToolResult(result) => {
                self.close(&result.origin);
                return None;
            }
            _ => return None,
        };
        let at = self.transcript(&text.origin, is_thought);
        let (delta, is_continued) = match text.kind {
            TextKind::Partial => {
                let (new, is_continued) = self.transcripts[at].push_part(text);
                (&self.transcripts[at].parts[new], is_continued)
            }
            TextKind::Final => {
                let (from, is_continued) = self.push_whole(at, text);
                (&text.text[from..], is_continued)
            }
        };
        if delta.is_empty() {
            return None;
        }
        if is_thought {
            return Some(TextDelta::Thought(delta));
        }
        self.is_new_text = !is_continued || self.last != Some(at);
        let is_separate =
            !self.is_new_text || self.ends_with_space || delta.starts_with(char::is_whitespace);
        self.separator = if is_separate || self.last.is_none() { "" } else { "\n" };
        self.ends_with_space = delta.ends_with(char::is_whitespace);
        self.last = Some(at);
        Some(TextDelta::Text(delta))
    }

    /// Whether the last text for the user began a new text, rather than continuing the one before.
    pub(crate) fn is_new_text(&self) -> bool {
        self.is_new_text
    }

    /// Returns a line break if the last text for the user would otherwise run into another text
    /// before it, else nothing.
    pub(crate) fn separator(&self) -> &'static str {
        self.separator
    }

    /// Whether more parts of the last text for the user may come.
    pub(crate) fn is_open(&self) -> bool {
        self.last.is_some_and(|at| {
            let last = &self.transcripts[at];
            last.shown > 0 && !last.is_closed && last.repeated_by.is_none()
        })
    }

    fn transcript(&mut self, origin: &Origin, is_thought: bool) -> usize {
        let is_same = |known: &Transcript| known.is_thought == is_thought && known.is_of(origin);
        self.transcripts.iter().position(is_same).unwrap_or_else(|| {
            if self.transcripts.len() == MAX_TRANSCRIPTS {
                self.transcripts.remove(0);
                self.last = self.last.and_then(|last| last.checked_sub(1));
            }
            self.transcripts.push(Transcript {
                invocation_id: origin.invocation_id.clone(),
                author: origin.author.clone(),
                is_thought,
                parts: String::new(),
                shown: 0,
                high: None,
                is_closed: false,
                repeated_by: None,
                continues: false,
            });
            self.transcripts.len() - 1
        })
    }

    /// After a tool's result the agent begins a new text. The whole of the previous one may still
    /// come if the tool was called long before.
    fn close(&mut self, origin: &Origin) {
        for transcript in self.transcripts.iter_mut().filter(|known| known.is_of(origin)) {
            transcript.is_closed = true;
            transcript.repeated_by = None;
        }
        self.whole_texts.clear();
    }

    /// Returns the position from which a whole text is new, and whether it continues what was
    /// shown.
    fn push_whole(&mut self, at: usize, event: &TextEvent) -> (usize, bool) {
        let (id, text) = (&event.origin.event_id, event.text.as_str());
        let transcript = &mut self.transcripts[at];
        let before = transcript.repeated_by.replace(id.clone());
        let is_next_part = std::mem::replace(&mut transcript.continues, event.continues);
        if before.is_some_and(|before| before != *id) {
            transcript.forget();
        }
        if let Some(from) = transcript.repeated_in(text) {
            self.remember(at, event);
            return (from, true);
        }
        transcript.forget();
        if self.is_in_other_form(at, &event.origin, text) {
            return (text.len(), true);
        }
        self.remember(at, event);
        (0, is_next_part)
    }

    /// Whether the same text came as another author's parts, or as a whole text in the other form.
    fn is_in_other_form(&mut self, at: usize, origin: &Origin, text: &str) -> bool {
        let (is_thought, text) = (self.transcripts[at].is_thought, text.trim());
        if text.is_empty() {
            return false;
        }
        let is_same = |whole: &WholeText| {
            whole.is_thought == is_thought
                && whole.is_named != is_named(origin)
                && whole.text.trim() == text
        };
        if let Some(same) = self.whole_texts.iter().position(is_same) {
            // Both forms came; the next such text is a new one.
            self.whole_texts.remove(same);
            return true;
        }
        let is_same =
            |known: &&mut Transcript| known.is_thought == is_thought && known.parts.trim() == text;
        let Some(transcript) = self.transcripts.iter_mut().find(is_same) else {
            return false;
        };
        transcript.forget();
        transcript.repeated_by = Some(None);
        // The author's own whole text may still come.
        let (event_id, is_named) = (origin.event_id.clone(), is_named(origin));
        self.keep(WholeText { event_id, is_named, is_thought, text: text.to_owned() });
        true
    }

    fn remember(&mut self, at: usize, event: &TextEvent) {
        let (is_thought, origin) = (self.transcripts[at].is_thought, &event.origin);
        match self.whole_texts.last_mut() {
            // A further text of the same event.
            Some(last)
                if origin.event_id.is_some()
                    && last.event_id == origin.event_id
                    && last.is_thought == is_thought =>
            {
                last.text.push_str(&event.text);
            }
            _ => self.keep(WholeText {
                event_id: origin.event_id.clone(),
                is_named: is_named(origin),
                is_thought,
                text: event.text.clone(),
            }),
        }
    }

    fn keep(&mut self, text: WholeText) {
        if self.whole_texts.len() >= REMEMBERED {
            self.whole_texts.remove(0);
        }
        self.whole_texts.push(text);
    }
}

/// Whether an event names its author, which the simple form does not.
fn is_named(origin: &Origin) -> bool {
    origin.author.is_some() || origin.invocation_id.is_some()
}

impl Transcript {
    fn is_of(&self, origin: &Origin) -> bool {
        self.invocation_id == origin.invocation_id && self.author == origin.author
    }

    /// Returns the range of `parts` to be shown now, and whether it continues what was shown.
    fn push_part(&mut self, event: &TextEvent) -> (Range<usize>, bool) {
        if self.repeated_by.take().is_some() || self.is_closed {
            self.forget();
        }
        let (mut text, halves) = (event.text.as_str(), event.halves);
        if let Some(high) = self.high.take() {
            let pair = halves.low.map(|low| [high, low]);
            if pair.is_some() {
                text = text.strip_prefix(char::REPLACEMENT_CHARACTER).unwrap_or(text);
            }
            self.parts.push_str(&String::from_utf16_lossy(pair.as_ref().map_or(&[high], |p| p)));
        }
        if halves.high.is_some() {
            text = text.strip_suffix(char::REPLACEMENT_CHARACTER).unwrap_or(text);
            self.high = halves.high;
        }
        self.parts.push_str(text);
        let from = self.shown;
        self.shown = self.parts.trim_end().len().max(from);
        (from..self.shown, from > 0)
    }

    /// Returns the position from which a whole text has more than the parts that it repeats;
    /// `None` when it does not repeat them.
    fn repeated_in(&mut self, text: &str) -> Option<usize> {
        if self.shown == 0 {
            return None;
        }
        if self.is_closed {
            let is_repeated = self.parts.trim() == text.trim();
            self.forget();
            return is_repeated.then_some(text.len());
        }
        if let Some(from) = length_of_repetition(&self.parts[..self.shown], text) {
            self.forget();
            return Some(from);
        }
        // One of several texts of the event: the next ones repeat the rest.
        if self.parts.starts_with(text) {
            self.parts.drain(..text.len());
            self.shown -= text.len();
            return Some(text.len());
        }
        // Earlier parts were never repeated, or white space was trimmed.
        let is_repeated = self.parts.trim_end().ends_with(text.trim());
        is_repeated.then(|| {
            self.forget();
            text.len()
        })
    }

    fn forget(&mut self) {
        self.parts.clear();
        self.shown = 0;
        self.high = None;
        self.is_closed = false;
    }
}

/// Returns how much of a text repeats the parts at its start; `None` when it does not repeat them.
///
/// U+FFFD in the parts stands for a character that was cut, of which the text may have all: each
/// run of them matches as many characters, or fewer.
fn length_of_repetition(parts: &str, text: &str) -> Option<usize> {
    let mut at = 0;
    let mut literals = parts.split(char::REPLACEMENT_CHARACTER).peekable();
    loop {
        let literal = literals.next()?;
        if !text[at..].starts_with(literal) {
            return None;
        }
        at += literal.len();
        let mut run = 0;
        while literals.peek().is_some() {
            run += 1;
            if literals.peek().is_some_and(|literal| !literal.is_empty()) {
                break;
            }
            literals.next();
        }
        if run == 0 {
            return Some(at);
        }
        let next = literals.peek().copied().unwrap_or_default();
        let mut ends = text[at..].char_indices().map(|(from, c)| at + from + c.len_utf8());
        let end = ends.by_ref().take(run).find(|end| text[*end..].starts_with(next))?;
        at = end;
        if literals.peek().is_none() {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_where_another_text_begins() {
        let part = |text: &str| format!(r#"{{"content":{{"parts":[{{"text":"{text}"}}]}}"#);
        let partial = |text: &str| part(text) + r#","partial":true}"#;
        let by = |id, text: &str| part(text) + &format!(r#","author":"x","id":"{id}"}}"#);
        let result = r#"{"type":"tool_result","name":"f","result":"ok"}"#.to_owned();
        let mut texts = TextAccumulator::new();
        for (data, is_new, separator) in [
            (partial("a"), true, ""),
            (partial(" b"), false, ""),
            (part("a b c") + "}", false, ""),
            (part("d") + "}", true, "\n"),
            (by(1, "e "), true, "\n"),
            (by(1, "f"), true, ""),
            (by(2, " g"), true, ""),
            (result, true, ""),
            (partial("h "), true, "\n"),
        ] {
            for event in AgentEvent::decode("message", &data) {
                texts.push(&event);
            }
            let state = (texts.is_new_text(), texts.separator());
            assert_eq!(state, (is_new, separator), "{data}");
        }
    }

    #[test]
    fn parts_of_one_event_are_one_text_even_without_an_id() {
        let data =
            r#"{"content":{"parts":[{"text":"a"},{"text":", b"},{"inlineData":{}},{"text":"c"}]}}"#;
        let mut texts = TextAccumulator::new();
        let mut new = Vec::new();
        for event in AgentEvent::decode("message", data) {
            texts.push(&event);
            new.push(texts.is_new_text());
        }
        assert_eq!(new, [true, false, false, true]);
    }

    #[test]
    fn parts_that_were_cut_within_a_character_are_repeated_by_the_whole() {
        for (parts, text, expected) in [
            ("ab", "abc", Some(2)),
            ("", "abc", Some(0)),
            ("ab", "a", None),
            ("a\u{fffd} b", "a😀 b c", Some(7)),
            ("a\u{fffd}\u{fffd} b", "a😀 b c", Some(7)),
            ("a\u{fffd}\u{fffd} b", "a\u{fffd}\u{fffd} b", Some(9)),
            ("a\u{fffd}", "a😀 b", Some(5)),
            ("\u{fffd}\u{fffd}b\u{fffd}c", "éb😀c.", Some(8)),
            ("a\u{fffd}b", "ab", None),
            ("a\u{fffd}b", "a12b", None),
            ("a\u{fffd}", "a", None),
        ] {
            assert_eq!(length_of_repetition(parts, text), expected, "{parts:?} {text:?}");
        }
    }

    #[test]
    fn a_character_that_two_parts_share_is_joined_and_a_lone_half_replaced_once() {
        let texts = |events: &[&str]| {
            let mut texts = TextAccumulator::new();
            let mut shown = Vec::new();
            for data in events {
                for event in AgentEvent::decode("message", data) {
                    shown.extend(texts.push(&event).and_then(TextDelta::text).map(str::to_owned));
                }
            }
            shown.join("|")
        };
        let part = |text: &str| {
            format!(r#"{{"content":{{"parts":[{{"text":"{text}"}}]}},"partial":true}}"#)
        };
        let whole = |text: &str| format!(r#"{{"content":{{"parts":[{{"text":"{text}"}}]}}}}"#);
        for (parts, last, expected) in [
            (vec!["Great \\ud83d", "\\ude00 day"], "Great \\ud83d\\ude00 day", "Great| 😀 day"),
            (vec!["\\ud83d", "\\ude00\\ud83d", "\\ude01"], "😀😁", "😀|😁"),
            (vec!["Great \\ud83d"], "Great \\ud83d\\ude00 day", "Great| 😀 day"),
            (vec!["Great \\ud83d", " day"], "Great \\ufffd day", "Great| \u{fffd} day"),
            (vec!["Great \\ude00 day"], "Great \\ude00 day", "Great \u{fffd} day"),
            // Cut within the bytes of a character.
            (vec!["Great \\ufffd", "\\ufffd day"], "Great 😀 day", "Great \u{fffd}|\u{fffd} day"),
        ] {
            let mut events: Vec<String> = parts.iter().map(|text| part(text)).collect();
            events.push(whole(last));
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            assert_eq!(texts(&events), expected, "{parts:?}");
        }
    }
}
