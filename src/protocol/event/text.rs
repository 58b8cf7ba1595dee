//! Text in pieces, then whole: shown once.

use std::ops::Range;

use super::{AgentEvent, Origin, TextEvent, TextKind};

/// So many whole texts are remembered, for the other form of them to come.
const REMEMBERED: usize = 16;

/// Finds out of each event the text that has not been shown yet.
///
/// Pieces pass through, except that white space at their end waits for what follows: the server
/// may trim it in the whole text, and the whole text is what counts. A whole text that repeats the
/// pieces before it yields only what they did not have, which is normally nothing; one without
/// pieces yields all of itself; and one that says something else than the pieces did is taken for
/// new, because to show something twice is better than never. Several agents, several turns, and
/// thoughts may be interleaved: each is followed by itself.
///
/// Where a stream mixes its forms, the pieces may name their author and the whole text not, or the
/// other way round. So a whole text that is not its author's pieces is held against everybody's,
/// and one that names nobody against the last whole texts that do. Only an exact repetition counts
/// there, and what one author says whole twice is shown twice.
///
/// ```
/// use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
///
/// let mut once = TextAccumulator::new();
/// let mut shown = Vec::new();
/// for data in [
///     r#"{"content":{"parts":[{"text":"Your film "}]},"partial":true}"#,
///     r#"{"content":{"parts":[{"text":"Your film is ready."}]}}"#, // repeats it, and goes on
/// ] {
///     for event in AgentEvent::decode("message", data) {
///         shown.extend(once.push(&event).and_then(|fresh| fresh.text()).map(str::to_owned));
///     }
/// }
/// assert_eq!(shown, ["Your film", " is ready."]);
/// ```
#[derive(Debug, Default)]
pub struct TextAccumulator {
    voices: Vec<Voice>,
    /// The last whole texts since a tool gave something back.
    wholes: Vec<Whole>,
    /// Whose text for the user was shown last.
    speaker: Option<usize>,
    /// Whether it was another text than the one shown before it.
    begins: bool,
    /// What belongs between the two.
    gap: &'static str,
    /// Whether white space was shown last.
    spaced: bool,
}

/// Text that has not been shown yet.
///
/// ```
/// use nemovideo::protocol::event::{AgentEvent, TextDelta, TextAccumulator};
///
/// let data = r#"{"content":{"parts":[{"text":"A title.","thought":true},{"text":"Done."}]}}"#;
/// let (mut once, mut shown) = (TextAccumulator::new(), Vec::new());
/// for event in AgentEvent::decode("message", data) {
///     match once.push(&event) {
///         Some(TextDelta::Text(text)) => shown.push(text.to_owned()),
///         Some(TextDelta::Thought(text)) => shown.push(format!("({text})")),
///         None => {}
///     }
/// }
/// assert_eq!(shown, ["(A title.)", "Done."]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextDelta<'a> {
    /// For the user.
    Text(&'a str),
    /// Reasoning.
    Thought(&'a str),
}

impl<'a> TextDelta<'a> {
    /// The text, when it is for the user.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Thought(_) => None,
        }
    }
}

/// One agent's words, or thoughts, in one turn.
///
/// The event's id is no part of this: some versions of the server give each piece its own.
#[derive(Debug)]
struct Voice {
    invocation_id: Option<String>,
    author: Option<String>,
    thought: bool,
    /// Pieces that were not yet repeated.
    pieces: String,
    /// So many bytes of them were shown; the rest is white space.
    shown: usize,
    /// A tool gave something back since: no more pieces belong to these.
    closed: bool,
    /// The event that has begun to repeat them: it may do so in several parts.
    repeated_by: Option<Option<String>>,
    /// The next part of that event goes on with it.
    more: bool,
}

/// A text that came whole, in one form of events.
#[derive(Debug)]
struct Whole {
    event_id: Option<String>,
    is_named: bool,
    thought: bool,
    text: String,
}

impl TextAccumulator {
    /// One that has shown nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is new in this event; `None` when there is nothing, or no text at all.
    ///
    /// ```
    /// use nemovideo::protocol::event::{AgentEvent, TextDelta, TextAccumulator};
    ///
    /// let mut once = TextAccumulator::new();
    /// let thought = r#"{"content":{"parts":[{"text":"A title, then.","thought":true}]}}"#;
    /// for event in AgentEvent::decode("message", thought) {
    ///     let fresh = once.push(&event).expect("something new");
    ///     assert_eq!(fresh, TextDelta::Thought("A title, then."));
    ///     assert_eq!(fresh.text(), None); // not for the user
    /// }
    /// ```
    pub fn push<'a>(&'a mut self, event: &'a AgentEvent) -> Option<TextDelta<'a>> {
        let (text, thought) = match event {
            AgentEvent::Text(text) => (text, false),
            AgentEvent::Thought(text) => (text, true),
            AgentEvent::ToolResult(result) => {
                self.close(&result.origin);
                return None;
            }
            _ => return None,
        };
        let at = self.voice(&text.origin, thought);
        let (fresh, goes_on) = match text.kind {
            TextKind::Partial => {
                let (new, goes_on) = self.voices[at].piece(&text.text);
                (&self.voices[at].pieces[new], goes_on)
            }
            TextKind::Final => {
                let (from, goes_on) = self.whole(at, text);
                (&text.text[from..], goes_on)
            }
        };
        if fresh.is_empty() {
            return None;
        }
        if thought {
            return Some(TextDelta::Thought(fresh));
        }
        self.begins = !goes_on || self.speaker != Some(at);
        let apart = !self.begins || self.spaced || fresh.starts_with(char::is_whitespace);
        self.gap = if apart || self.speaker.is_none() { "" } else { "\n" };
        self.spaced = fresh.ends_with(char::is_whitespace);
        self.speaker = Some(at);
        Some(TextDelta::Text(fresh))
    }

    /// Whether the text for the user that was given out last is another one than what was given
    /// out before it, rather than more of it.
    pub(crate) fn begins(&self) -> bool {
        self.begins
    }

    /// A line break where the text that was given out last would run into another one before it;
    /// else nothing.
    pub(crate) fn gap(&self) -> &'static str {
        self.gap
    }

    /// Whether the text that was given out last is still coming in pieces.
    pub(crate) fn is_open(&self) -> bool {
        self.speaker.is_some_and(|at| {
            let voice = &self.voices[at];
            voice.shown > 0 && !voice.closed && voice.repeated_by.is_none()
        })
    }

    fn voice(&mut self, origin: &Origin, thought: bool) -> usize {
        let known = |voice: &Voice| voice.thought == thought && voice.is_of(origin);
        self.voices.iter().position(known).unwrap_or_else(|| {
            self.voices.push(Voice {
                invocation_id: origin.invocation_id.clone(),
                author: origin.author.clone(),
                thought,
                pieces: String::new(),
                shown: 0,
                closed: false,
                repeated_by: None,
                more: false,
            });
            self.voices.len() - 1
        })
    }

    /// What a tool gives back starts the agent on a new text. The whole of the last one may still
    /// come, where the tool was called long before.
    fn close(&mut self, origin: &Origin) {
        for voice in self.voices.iter_mut().filter(|voice| voice.is_of(origin)) {
            voice.closed = true;
            voice.repeated_by = None;
        }
        self.wholes.clear();
    }

    /// From where on a whole text is new, and whether that goes on what was shown.
    fn whole(&mut self, at: usize, event: &TextEvent) -> (usize, bool) {
        let (id, text) = (&event.origin.event_id, event.text.as_str());
        let voice = &mut self.voices[at];
        let before = voice.repeated_by.replace(id.clone());
        let is_next_part = std::mem::replace(&mut voice.more, event.more);
        if before.is_some_and(|before| before != *id) {
            voice.forget();
        }
        if let Some(from) = voice.repeated_in(text) {
            self.remember(at, event);
            return (from, true);
        }
        voice.forget();
        if self.is_in_other_form(at, &event.origin, text) {
            return (text.len(), true);
        }
        self.remember(at, event);
        (0, is_next_part)
    }

    /// Whether somebody else's pieces, or a whole text in the other form, were the same.
    fn is_in_other_form(&mut self, at: usize, origin: &Origin, text: &str) -> bool {
        let (thought, text) = (self.voices[at].thought, text.trim());
        if text.is_empty() {
            return false;
        }
        let known = |whole: &Whole| {
            whole.thought == thought
                && whole.is_named != is_named(origin)
                && whole.text.trim() == text
        };
        if let Some(known) = self.wholes.iter().position(known) {
            // Said once in each form; what comes next is said anew.
            self.wholes.remove(known);
            return true;
        }
        let mut voices = self.voices.iter_mut();
        let Some(voice) = voices.find(|v| v.thought == thought && v.pieces.trim() == text) else {
            return false;
        };
        voice.forget();
        voice.repeated_by = Some(None);
        // The author's own whole may still come.
        let (event_id, is_named) = (origin.event_id.clone(), is_named(origin));
        self.wholes.push(Whole { event_id, is_named, thought, text: text.to_owned() });
        true
    }

    fn remember(&mut self, at: usize, event: &TextEvent) {
        let (thought, origin) = (self.voices[at].thought, &event.origin);
        match self.wholes.last_mut() {
            // A further part of it.
            Some(last)
                if origin.event_id.is_some()
                    && last.event_id == origin.event_id
                    && last.thought == thought =>
            {
                last.text.push_str(&event.text);
            }
            _ => {
                if self.wholes.len() >= REMEMBERED {
                    self.wholes.remove(0);
                }
                self.wholes.push(Whole {
                    event_id: origin.event_id.clone(),
                    is_named: is_named(origin),
                    thought,
                    text: event.text.clone(),
                });
            }
        }
    }
}

/// Whether an event says who spoke: the plain form does not.
fn is_named(origin: &Origin) -> bool {
    origin.author.is_some() || origin.invocation_id.is_some()
}

impl Voice {
    fn is_of(&self, origin: &Origin) -> bool {
        self.invocation_id == origin.invocation_id && self.author == origin.author
    }

    /// What of the pieces is to be shown now, and whether it goes on what was shown of them.
    fn piece(&mut self, text: &str) -> (Range<usize>, bool) {
        if self.repeated_by.take().is_some() || self.closed {
            self.forget();
        }
        self.pieces.push_str(text);
        let from = self.shown;
        self.shown = self.pieces.trim_end().len().max(from);
        (from..self.shown, from > 0)
    }

    /// From where on a whole text has more than the pieces that it repeats; `None` when it does
    /// not repeat them.
    fn repeated_in(&mut self, text: &str) -> Option<usize> {
        if self.shown == 0 {
            return None;
        }
        if self.closed {
            let repeated = self.pieces.trim() == text.trim();
            self.forget();
            return repeated.then_some(text.len());
        }
        if text.starts_with(&self.pieces[..self.shown]) {
            let from = self.shown;
            self.forget();
            return Some(from);
        }
        // One of several parts: the next ones repeat the rest.
        if self.pieces.starts_with(text) {
            self.pieces.drain(..text.len());
            self.shown -= text.len();
            return Some(text.len());
        }
        // Before these pieces there were others, never repeated; or white space was trimmed.
        let repeated = self.pieces.trim_end().ends_with(text.trim());
        repeated.then(|| {
            self.forget();
            text.len()
        })
    }

    fn forget(&mut self) {
        self.pieces.clear();
        self.shown = 0;
        self.closed = false;
    }
}

#[cfg(test)]
mod tests;
