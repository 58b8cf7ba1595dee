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
