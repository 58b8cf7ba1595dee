//! Text in pieces, then whole: shown once.

use super::{AgentEvent, Origin, TextEvent, TextKind};

/// Finds out of each event the text that has not been shown yet.
///
/// Pieces pass through, except that white space at their end waits for what follows: the server
/// may trim it in the whole text, and the whole text is what counts. A whole text that repeats the
/// pieces before it yields only what they did not have, which is normally nothing; one without
/// pieces yields all of itself; and one that says something else than the pieces did is taken for
/// new, because to show something twice is better than never. Several agents, several turns, and
/// thoughts may be interleaved: each is followed by itself.
///
/// ```
/// use nemovideo::wire::event::{AgentEvent, TextOnce};
///
/// let mut once = TextOnce::new();
/// let mut shown = Vec::new();
/// for data in [
///     r#"{"content":{"parts":[{"text":"Your film "}]},"partial":true}"#,
///     r#"{"content":{"parts":[{"text":"Your film is ready."}]}}"#, // repeats it, and goes on
/// ] {
///     for event in AgentEvent::decode("message", data) {
///         shown.extend(once.feed(&event).and_then(|fresh| fresh.text()).map(str::to_owned));
///     }
/// }
/// assert_eq!(shown, ["Your film", " is ready."]);
/// ```
#[derive(Debug, Default)]
pub struct TextOnce {
    voices: Vec<Voice>,
}

/// Text that has not been shown yet.
///
/// ```
/// use nemovideo::wire::event::{AgentEvent, Fresh, TextOnce};
///
/// let data = r#"{"content":{"parts":[{"text":"A title.","thought":true},{"text":"Done."}]}}"#;
/// let (mut once, mut shown) = (TextOnce::new(), Vec::new());
/// for event in AgentEvent::decode("message", data) {
///     match once.feed(&event) {
///         Some(Fresh::Text(text)) => shown.push(text.to_owned()),
///         Some(Fresh::Thought(text)) => shown.push(format!("({text})")),
///         None => {}
///     }
/// }
/// assert_eq!(shown, ["(A title.)", "Done."]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh<'a> {
    /// For the user.
    Text(&'a str),
    /// Reasoning.
    Thought(&'a str),
}

impl<'a> Fresh<'a> {
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
    /// The event that has begun to repeat them: it may do so in several parts.
    repeated_by: Option<Option<String>>,
}

impl TextOnce {
    /// One that has shown nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is new in this event; `None` when there is nothing, or no text at all.
    ///
    /// ```
    /// use nemovideo::wire::event::{AgentEvent, Fresh, TextOnce};
    ///
    /// let mut once = TextOnce::new();
    /// let thought = r#"{"content":{"parts":[{"text":"A title, then.","thought":true}]}}"#;
    /// for event in AgentEvent::decode("message", thought) {
    ///     let fresh = once.feed(&event).expect("something new");
    ///     assert_eq!(fresh, Fresh::Thought("A title, then."));
    ///     assert_eq!(fresh.text(), None); // not for the user
    /// }
    /// ```
    pub fn feed<'a>(&'a mut self, event: &'a AgentEvent) -> Option<Fresh<'a>> {
        match event {
            AgentEvent::Text(text) => self.voice(text, false).fresh(text).map(Fresh::Text),
            AgentEvent::Thought(text) => self.voice(text, true).fresh(text).map(Fresh::Thought),
            // What a tool gives back starts the agent on a new text; pieces that were never
            // repeated until now never will be.
            AgentEvent::ToolResult(result) => {
                self.voices.retain(|voice| !voice.is_of(&result.origin));
                None
            }
            _ => None,
        }
    }

    fn voice(&mut self, text: &TextEvent, thought: bool) -> &mut Voice {
        let known = |voice: &Voice| voice.thought == thought && voice.is_of(&text.origin);
        let at = self.voices.iter().position(known).unwrap_or_else(|| {
            self.voices.push(Voice {
                invocation_id: text.origin.invocation_id.clone(),
                author: text.origin.author.clone(),
                thought,
                pieces: String::new(),
                shown: 0,
                repeated_by: None,
            });
            self.voices.len() - 1
        });
        &mut self.voices[at]
    }
}

impl Voice {
    fn is_of(&self, origin: &Origin) -> bool {
        self.invocation_id == origin.invocation_id && self.author == origin.author
    }

    fn fresh<'a>(&'a mut self, event: &'a TextEvent) -> Option<&'a str> {
        let fresh = match event.kind {
            TextKind::Partial => {
                if self.repeated_by.take().is_some() {
                    self.forget();
                }
                self.pieces.push_str(&event.text);
                let from = self.shown;
                self.shown = self.pieces.trim_end().len().max(from);
                &self.pieces[from..self.shown]
            }
            TextKind::Final => {
                let id = &event.origin.event_id;
                if self.repeated_by.replace(id.clone()).is_some_and(|by| by != *id) {
                    self.forget();
                }
                self.beyond_pieces(&event.text)
            }
        };
        (!fresh.is_empty()).then_some(fresh)
    }

    /// What a whole text has that was not shown in pieces.
    fn beyond_pieces<'e>(&mut self, text: &'e str) -> &'e str {
        if let Some(rest) = text.strip_prefix(&self.pieces[..self.shown]) {
            self.forget();
            return rest;
        }
        // One of several parts: the next ones repeat the rest.
        if self.pieces.starts_with(text) {
            self.pieces.drain(..text.len());
            self.shown -= text.len();
            return "";
        }
        // Before these pieces there were others, never repeated; or white space was trimmed.
        let repeated = self.pieces.trim_end().ends_with(text.trim());
        self.forget();
        if repeated { "" } else { text }
    }

    fn forget(&mut self) {
        self.pieces.clear();
        self.shown = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::event::ToolResult;

    fn event(kind: TextKind, text: &str) -> TextEvent {
        TextEvent { text: text.to_owned(), kind, origin: Origin::default() }
    }

    fn piece(text: &str) -> AgentEvent {
        AgentEvent::Text(event(TextKind::Partial, text))
    }

    fn whole(text: &str) -> AgentEvent {
        AgentEvent::Text(event(TextKind::Final, text))
    }

    fn by(author: &str, id: &str, event: AgentEvent) -> AgentEvent {
        let (AgentEvent::Text(mut text) | AgentEvent::Thought(mut text)) = event else {
            panic!("{event:?}");
        };
        text.origin.author = Some(author.to_owned());
        text.origin.event_id = Some(id.to_owned());
        AgentEvent::Text(text)
    }

    fn result() -> AgentEvent {
        AgentEvent::ToolResult(ToolResult {
            id: None,
            name: "f".to_owned(),
            response: "ok".into(),
            origin: Origin::default(),
        })
    }

    /// The texts that are shown, one for each event that has something new.
    fn shown(events: &[AgentEvent]) -> Vec<String> {
        let mut once = TextOnce::new();
        events.iter().filter_map(|event| once.feed(event)?.text().map(str::to_owned)).collect()
    }

    #[test]
    fn pieces_and_their_repetition_are_shown_once() {
        assert_eq!(shown(&[piece("a "), piece("b"), whole("a b")]), ["a", " b"]);
    }

    #[test]
    fn a_whole_text_without_pieces_is_shown() {
        assert_eq!(shown(&[whole("a"), whole("a")]), ["a", "a"]);
    }

    #[test]
    fn one_text_after_another_is_shown_each_once() {
        let events =
            [piece("a"), whole("a"), result(), piece("a"), piece("b"), whole("ab"), whole("c")];
        assert_eq!(shown(&events), ["a", "a", "b", "c"]);
    }

    #[test]
    fn a_repetition_that_goes_on_yields_the_rest() {
        assert_eq!(shown(&[piece("a "), whole("a b")]), ["a", " b"]);
    }

    #[test]
    fn a_repetition_in_several_parts_is_no_news() {
        let events = [piece("a "), piece("b"), whole("a "), whole("b"), whole("b")];
        assert_eq!(shown(&events), ["a", " b", "b"]);
    }

    #[test]
    fn a_repetition_cut_short_does_not_swallow_the_next_text() {
        let events =
            [by("x", "1", piece("a b")), by("x", "1", whole("a ")), by("x", "2", whole("b"))];
        assert_eq!(shown(&events), ["a b", "b"]);
        let events = [piece("a b"), whole("a "), piece("b"), whole("b")];
        assert_eq!(shown(&events), ["a b", "b"]);
    }

    #[test]
    fn white_space_around_a_repetition_is_no_news() {
        assert_eq!(shown(&[piece("\na b \n"), whole("a b")]), ["\na b"]);
        assert_eq!(shown(&[piece("a "), whole("a \n")]), ["a", " \n"]);
        assert_eq!(shown(&[piece("a"), piece("\n"), piece(" b"), whole("a\n b")]), ["a", "\n b"]);
        assert_eq!(shown(&[piece("\n"), whole("a")]), ["a"]);
    }

    #[test]
    fn another_text_than_the_pieces_is_new() {
        assert_eq!(shown(&[piece("a x"), whole("a b"), whole("c")]), ["a x", "a b", "c"]);
    }

    #[test]
    fn pieces_that_are_never_repeated_spoil_nothing() {
        assert_eq!(shown(&[piece("lost"), result(), whole("lost")]), ["lost", "lost"]);
        assert_eq!(shown(&[piece("lost "), piece("a"), whole("a")]), ["lost", " a"]);
        assert_eq!(shown(&[piece("lost")]), ["lost"]);
    }

    #[test]
    fn agents_that_talk_at_once_are_told_apart() {
        let events = [
            by("x", "1", piece("a ")),
            by("y", "2", piece("c ")),
            by("x", "1", piece("b")),
            by("y", "2", piece("d")),
            by("x", "1", whole("a b")),
            by("y", "2", whole("c d")),
        ];
        assert_eq!(shown(&events), ["a", "c", " b", " d"]);
    }

    #[test]
    fn ids_that_change_with_each_piece_do_not_matter() {
        let events =
            [by("x", "1", piece("a ")), by("x", "2", piece("b")), by("x", "3", whole("a b"))];
        assert_eq!(shown(&events), ["a", " b"]);
    }

    #[test]
    fn thoughts_are_kept_apart() {
        let mut once = TextOnce::new();
        let thought = |kind, text| AgentEvent::Thought(event(kind, text));
        assert_eq!(once.feed(&thought(TextKind::Partial, "hm")), Some(Fresh::Thought("hm")));
        assert_eq!(once.feed(&whole("hm")), Some(Fresh::Text("hm")));
        assert_eq!(once.feed(&thought(TextKind::Final, "hm")), None);
        assert_eq!(once.feed(&AgentEvent::Heartbeat), None);
    }
}
