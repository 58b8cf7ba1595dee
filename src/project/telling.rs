//! What the agent says and does, told to people: text once and without a screen's words, tools by
//! name, the two stages of a film.

use super::turn::TurnEvent;
use super::{GuiTranslator, Piece, Suggestion};
use crate::draft::{Draft, TrackKind, TrackRole};
use crate::wire::event::{AgentEvent, AgentFailure, TextOnce};

/// What was told so far.
pub(super) struct Telling {
    once: TextOnce,
    translator: GuiTranslator,
    text: String,
    suggestions: Vec<Suggestion>,
    failure: Option<AgentFailure>,
    /// Calls that were told of, by id or name, until their result comes.
    running: Vec<String>,
    baseline: Option<Draft>,
    last_draft: Option<Draft>,
    stage: Stage,
    /// A tool came between: what is said next is another text.
    between: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Nothing,
    RawClip,
    Done,
}

impl Telling {
    pub(super) fn new(baseline: Option<Draft>) -> Self {
        Self {
            once: TextOnce::new(),
            translator: GuiTranslator::new(),
            text: String::new(),
            suggestions: Vec::new(),
            failure: None,
            running: Vec::new(),
            baseline,
            last_draft: None,
            stage: Stage::Nothing,
            between: false,
        }
    }

    /// An event of the stream.
    pub(super) fn hear(&mut self, event: &AgentEvent) -> Vec<TurnEvent> {
        let mut told = Vec::new();
        if let Some(fresh) = self.once.feed(event).and_then(|fresh| fresh.text()) {
            let pieces = match std::mem::take(&mut self.between) && !fresh.starts_with('\n') {
                true => self.translator.push(&format!("\n{fresh}")),
                false => self.translator.push(fresh),
            };
            self.tell(pieces, &mut told);
        }
        match event {
            AgentEvent::ToolCall(call) => {
                let key = call.id.clone().unwrap_or_else(|| call.name.clone());
                // A call may come in pieces and be repeated, as text is.
                if !self.running.contains(&key) {
                    self.running.push(key);
                    told.push(TurnEvent::ToolStarted { name: call.name.clone() });
                }
            }
            AgentEvent::ToolResult(result) => {
                let key = result.id.clone().unwrap_or_else(|| result.name.clone());
                self.running.retain(|running| *running != key);
                self.between = true;
                told.push(TurnEvent::ToolFinished { name: result.name.clone() });
            }
            AgentEvent::StateDelta(delta) => {
                if let Some(draft) = delta.draft() {
                    told.extend(self.stage_of(&draft));
                    self.last_draft = Some(draft);
                }
            }
            AgentEvent::Error(failure) => {
                self.failure = Some(failure.clone());
                told.push(TurnEvent::Failed { message: failure.message.clone() });
            }
            _ => {}
        }
        told
    }

    /// The stream is over.
    pub(super) fn end(&mut self) -> Vec<TurnEvent> {
        let mut told = Vec::new();
        let pieces = self.translator.finish();
        self.tell(pieces, &mut told);
        told
    }

    fn tell(&mut self, pieces: Vec<Piece>, told: &mut Vec<TurnEvent>) {
        for piece in pieces {
            told.push(match piece {
                Piece::Text(text) => {
                    self.text.push_str(&text);
                    TurnEvent::Text(text)
                }
                Piece::Suggestion(suggestion) => {
                    self.suggestions.push(suggestion.clone());
                    TurnEvent::Suggestion(suggestion)
                }
            });
        }
    }

    /// First the raw clip, later what goes on top of it.
    fn stage_of(&mut self, draft: &Draft) -> Option<TurnEvent> {
        let known = self.last_draft.as_ref().or(self.baseline.as_ref());
        let more = |of: fn(&Draft) -> usize| of(draft) > known.map_or(0, of);
        match self.stage {
            Stage::Nothing if more(raw_tracks) => {
                self.stage = Stage::RawClip;
                Some(TurnEvent::RawClipReady)
            }
            Stage::RawClip if more(added_tracks) => {
                self.stage = Stage::Done;
                Some(TurnEvent::PostProductionDone)
            }
            _ => None,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn suggestions(&self) -> &[Suggestion] {
        &self.suggestions
    }

    pub(super) fn failure(&self) -> Option<&AgentFailure> {
        self.failure.as_ref()
    }

    pub(super) fn last_draft(&self) -> Option<Draft> {
        self.last_draft.clone()
    }
}

/// Tracks of pictures and voices.
fn raw_tracks(draft: &Draft) -> usize {
    draft.tracks().count() - added_tracks(draft)
}

/// Tracks of text and music.
fn added_tracks(draft: &Draft) -> usize {
    let added = draft.tracks().filter(|track| {
        track.kind() == Some(TrackKind::Text) || track.role() == Some(TrackRole::Music)
    });
    added.count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::Telling;
    use crate::draft::{Draft, Language};
    use crate::project::report::{Outcome, TurnReport};
    use crate::project::turn::TurnEvent;
    use crate::sse::Decoder;

    /// Tells a stream as it came on the wire, and sums it up as a turn does.
    fn tell(stream: &str) -> (Vec<TurnEvent>, TurnReport) {
        let mut telling = Telling::new(None);
        let mut decoder = Decoder::new();
        let mut input = stream.as_bytes();
        let mut told = Vec::new();
        while let Some(frame) = decoder.next_frame(&mut input) {
            for event in frame.unwrap().agent_events() {
                told.extend(telling.hear(&event));
            }
        }
        told.extend(telling.end());
        let draft = telling.last_draft();
        let changes = Draft::default().diff(draft.as_ref().unwrap_or(&Draft::default()));
        let text = telling.text().trim().to_owned();
        let outcome = if text.is_empty() { Outcome::Silent } else { Outcome::Answered };
        let report = TurnReport {
            text,
            changes,
            draft,
            suggestions: telling.suggestions().to_vec(),
            outcome,
            spent: None,
            failure: telling.failure().cloned(),
            pending: None,
            words: Language::English,
        };
        (told, report)
    }

    fn text_of(told: &[TurnEvent]) -> String {
        told.iter()
            .filter_map(|event| match event {
                TurnEvent::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn the_recorded_streams_are_told_as_a_person_would_hear_them() {
        let hello = include_str!("../../tests/fixtures/adk/text.sse");
        let pieces = include_str!("../../tests/fixtures/adk/text_streaming.sse");
        for stream in [hello, pieces] {
            let (told, report) = tell(stream);
            assert_eq!(text_of(&told), "Hello there, 你好 🎬");
            assert_eq!(report.summary(), "Hello there, 你好 🎬");
        }
        let whole = include_str!("../../tests/fixtures/adk/voiceover.sse");
        let pieces = include_str!("../../tests/fixtures/adk/voiceover_streaming.sse");
        for stream in [whole, pieces] {
            let (told, report) = tell(stream);
            assert_eq!(report.text, "Working on it…\nYour voiceover is ready.");
            assert_eq!(report.suggestions.len(), 1);
            let tools = told.iter().filter(|event| {
                matches!(event, TurnEvent::ToolStarted { .. } | TurnEvent::ToolFinished { .. })
            });
            assert_eq!(tools.count(), 2);
            assert!(told.contains(&TurnEvent::RawClipReady));
        }
        let failed = include_str!("../../tests/fixtures/adk/model_error.sse");
        assert_eq!(tell(failed).1.summary(), "model overloaded");
    }

    /// What an agent may do in a turn. Each said text has words of its own, so that a repetition
    /// can be told.
    #[derive(Clone, Debug)]
    enum Did {
        Said { text: String, pieces: bool },
        Gui(&'static str),
        Tool,
        Draft,
        Thought(String),
        Raw(&'static str),
    }

    const GUI: [&str; 6] = [
        "Click the Export button to save it.",
        "Open the media panel to see your uploads.",
        "点击“导出”按钮保存。",
        "Preview it in the timeline.",
        "打开素材面板查看。",
        "Check your account's billing page.",
    ];

    fn did() -> impl Strategy<Value = Did> {
        let words = prop::collection::vec(
            prop::sample::select(vec!["warm", "clip", "小猫", "🎬", "ready", "3.5", "naïve", "夜"]),
            1..6,
        );
        prop_oneof![
            4 => (words, any::<bool>()).prop_map(|(words, pieces)| Did::Said {
                text: words.join(" "),
                pieces,
            }),
            2 => prop::sample::select(GUI.to_vec()).prop_map(Did::Gui),
            1 => Just(Did::Tool),
            1 => Just(Did::Draft),
            1 => "[a-z]{3,9}".prop_map(Did::Thought),
            1 => prop::sample::select(vec![
                ": comment\n\n",
                "data: heartbeat\n\n",
                "data: {broken\n\n",
                "data: {\"new\":1}\n\n",
                "data\n\n",
            ])
            .prop_map(Did::Raw),
        ]
    }

    fn frame(event: &Value) -> String {
        format!("data: {event}\n\n")
    }

    fn model(parts: &Value, partial: bool) -> String {
        frame(&json!({ "content": { "parts": parts, "role": "model" }, "partial": partial,
            "invocationId": "i", "author": "a" }))
    }

    /// The stream of these deeds, and every text in it with a number of its own.
    fn stream_of(deeds: &[Did]) -> (String, Vec<String>) {
        let mut stream = String::new();
        let mut said = Vec::new();
        for (number, did) in deeds.iter().enumerate() {
            match did {
                Did::Said { text, pieces } => {
                    let text = format!("Take{number} {text}. ");
                    if *pieces {
                        for piece in text.split_inclusive(' ') {
                            stream += &model(&json!([{ "text": piece }]), true);
                        }
                    }
                    stream += &model(&json!([{ "text": text }]), false);
                    said.push(text.trim().to_owned());
                }
                Did::Gui(text) => stream += &model(&json!([{ "text": format!("{text} ") }]), false),
                Did::Tool => {
                    stream += &model(
                        &json!([{ "functionCall": { "id": number.to_string(), "name": "cut", "args": {} } }]),
                        false,
                    );
                    stream += &model(
                        &json!([{ "functionResponse": { "id": number.to_string(), "name": "cut", "response": {} } }]),
                        false,
                    );
                }
                Did::Draft => {
                    let draft = json!({ "t": [{ "tt": 0, "sg": [{ "d": number + 1 }] }] });
                    stream += &frame(&json!({ "actions": { "stateDelta": { "draft": draft } } }));
                }
                Did::Thought(text) => {
                    stream += &model(&json!([{ "text": text, "thought": true }]), false);
                }
                Did::Raw(raw) => stream += raw,
            }
        }
        (stream, said)
    }

    proptest! {
        #[test]
        fn every_turn_has_words_each_text_once_and_no_words_of_a_screen(
            deeds in prop::collection::vec(did(), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let (stream, said) = stream_of(&deeds);
            let (told, report) = tell(&stream);
            prop_assert!(!report.summary().trim().is_empty());
            let text = text_of(&told);
            for said in &said {
                prop_assert_eq!(text.matches(said.as_str()).count(), 1, "{:?} in {:?}", said, text);
            }
            for gui in GUI {
                prop_assert!(!text.contains(gui), "{:?} in {:?}", gui, text);
            }
            for did in &deeds {
                if let Did::Thought(thought) = did {
                    prop_assert!(!text.contains(thought.as_str()));
                }
            }

            // A stream that breaks anywhere still has words, and none of them twice.
            let mut at = cut.index(stream.len() + 1);
            while !stream.is_char_boundary(at) {
                at -= 1;
            }
            let (told, report) = tell(&stream[..at]);
            prop_assert!(!report.summary().trim().is_empty());
            let text = text_of(&told);
            for said in &said {
                prop_assert!(text.matches(said.as_str()).count() <= 1);
            }
        }
    }
}
