//! The events of a stream, for people: text once and without directions for a screen, tools by
//! name, failures as text, and the stages of the video.

use std::collections::HashSet;

use super::{Outcome, TurnEvent};
use crate::client::EventText;
use crate::draft::{Draft, Language, Object, Segment, TrackLabel};
use crate::language::{FilteredText, GuiFilter, Suggestion, filter_gui};
use crate::project::messages::{self, Text};
use crate::protocol::event::{AgentEvent, AgentFailure, Question, QuestionTracker, TextKind};

/// What the agent has said and done so far.
#[derive(Debug, Default)]
pub(super) struct TurnTranscript {
    pub text: String,
    pub suggestions: Vec<Suggestion>,
    /// The last failure, as received.
    pub failure: Option<AgentFailure>,
    /// The last failure as text for people, until the agent continues after it.
    pub failure_text: Option<String>,
    /// The last draft in the stream.
    pub draft: Option<Draft>,
    /// What the agent asked, until it works on without a response.
    pub question: QuestionTracker,
}

impl TurnTranscript {
    /// Returns how a turn ended whose stream was complete.
    pub(super) fn outcome(&self) -> Outcome {
        if self.question.question().is_some() {
            Outcome::AwaitingInput
        } else if self.text.trim().is_empty() {
            Outcome::Silent
        } else {
            Outcome::Replied
        }
    }
}

/// Turns the events of a stream into events for people.
pub(super) struct Presenter {
    language: Language,
    filter: GuiFilter,
    /// Calls that were reported, by id or name, until their result is received.
    running: Vec<String>,
    stages: StageTracker,
    transcript: TurnTranscript,
}

impl Presenter {
    /// A presenter of a turn that began with this draft. The text received before it was resumed
    /// is part of the transcript, and not presented again.
    pub(super) fn new(baseline: Option<&Draft>, received: &str, language: Language) -> Self {
        let mut presenter = Self {
            language,
            filter: GuiFilter::new(),
            running: Vec::new(),
            stages: StageTracker::new(baseline),
            transcript: TurnTranscript::default(),
        };
        let mut pieces = presenter.filter.push(received);
        pieces.extend(presenter.filter.end_text());
        presenter.present(pieces, &mut Vec::new());
        if !presenter.transcript.text.is_empty() {
            presenter.transcript.text.push('\n');
        }
        presenter
    }

    /// Presents an event of the stream, and the text in it.
    pub(super) fn push(&mut self, event: &AgentEvent, text: EventText) -> Vec<TurnEvent> {
        let mut events = Vec::new();
        self.push_text(event, text, &mut events);
        let asked = self.transcript.question.push(event);
        events.extend(asked.cloned().map(TurnEvent::Question));
        match event {
            AgentEvent::ToolCall(call) => {
                let key = call.id.clone().unwrap_or_else(|| call.name.clone());
                // A call may come in pieces and be repeated, as text is.
                if !self.running.contains(&key) {
                    self.running.push(key);
                    events.push(TurnEvent::ToolStarted { name: call.name.clone() });
                }
            }
            // The result of asking is the user's next message.
            AgentEvent::ToolResult(result) if Question::is_asked_by(&result.name) => {}
            AgentEvent::ToolResult(result) => {
                let key = result.id.clone().unwrap_or_else(|| result.name.clone());
                self.running.retain(|running| *running != key);
                events.push(TurnEvent::ToolFinished { name: result.name.clone() });
            }
            AgentEvent::StateDelta(delta) => {
                if let Some(draft) = delta.draft() {
                    events.extend(self.stages.push(&draft));
                    self.transcript.draft = Some(draft);
                }
            }
            AgentEvent::Error(failure) => self.push_failure(failure, &mut events),
            _ => {}
        }
        events
    }

    /// Presents the text in an event. One text ends where another begins, or where something else
    /// happens after it came whole; what seems whole is not held back by what happens meanwhile.
    fn push_text(&mut self, event: &AgentEvent, text: EventText, events: &mut Vec<TurnEvent>) {
        let mut pieces = Vec::new();
        if let Some(added) = text.added {
            if text.begins {
                pieces.extend(self.filter.end_text());
            }
            pieces.extend(self.filter.push(&added));
        }
        pieces.extend(match event {
            AgentEvent::Text(text) if text.kind == TextKind::Partial || text.continues => {
                Vec::new()
            }
            AgentEvent::Text(_) | AgentEvent::Error(_) => self.filter.end_text(),
            _ if text.is_open => self.filter.pause(),
            _ => self.filter.end_text(),
        });
        if self.present(pieces, events) {
            self.transcript.failure_text = None;
        }
    }

    fn push_failure(&mut self, failure: &AgentFailure, events: &mut Vec<TurnEvent>) {
        let filtered = filter_gui(failure.message.trim());
        // "Click Retry" is nothing to send as an edit.
        let is_edit = |suggestion: &Suggestion| matches!(suggestion, Suggestion::SendEdit(_));
        let mut suggestions = filtered.suggestions;
        suggestions.retain(|suggestion| !is_edit(suggestion));
        let mut lines = vec![filtered.text.trim().to_owned()];
        if lines[0].is_empty() {
            lines = suggestions.iter().map(|s| messages::suggestion(s, self.language)).collect();
            let unnamed = || Text::AgentFailed.in_language(self.language).to_owned();
            lines.insert(0, failure.code.clone().unwrap_or_else(unnamed));
        }
        lines.retain(|line| !line.trim().is_empty());
        let message = lines.join("\n");
        self.transcript.failure = Some(failure.clone());
        self.transcript.failure_text = Some(message.clone());
        events.push(TurnEvent::Failed { message });
        self.present(suggestions.into_iter().map(FilteredText::Suggestion).collect(), events);
    }

    /// Returns what the agent has asked so far, unless it worked on without a response.
    pub(super) fn question(&self) -> Option<&Question> {
        self.transcript.question.question()
    }

    /// Presents what was held back until the end of the stream, and returns the transcript.
    pub(super) fn finish(mut self) -> (Vec<TurnEvent>, TurnTranscript) {
        let mut events = Vec::new();
        let pieces = self.filter.finish();
        self.present(pieces, &mut events);
        (events, self.transcript)
    }

    /// Returns whether there was text among the pieces.
    fn present(&mut self, pieces: Vec<FilteredText>, events: &mut Vec<TurnEvent>) -> bool {
        let TurnTranscript { text: all, suggestions, .. } = &mut self.transcript;
        let mut has_text = false;
        for piece in pieces {
            events.push(match piece {
                FilteredText::Text(text) => {
                    has_text |= !text.trim().is_empty();
                    all.push_str(&text);
                    TurnEvent::Text(text)
                }
                FilteredText::Suggestion(suggestion) if suggestions.contains(&suggestion) => {
                    continue;
                }
                FilteredText::Suggestion(suggestion) => {
                    suggestions.push(suggestion.clone());
                    TurnEvent::Suggestion(suggestion)
                }
            });
        }
        has_text
    }
}

/// Keys of how content is set, not of what it is: louder, shorter and at another time it is still
/// the same content.
const SETTINGS: &str = "d duration start start_ms startMs start_time startTime st end skip volume \
                        vol muted mute id uuid uid";

/// Finds the two stages of a video in its drafts: first images and voices, later what is laid over
/// them. Contents are compared, not counted: a second script has as many tracks as the first one.
struct StageTracker {
    raw: HashSet<String>,
    overlays: HashSet<String>,
    reported: Option<TurnEvent>,
}

impl StageTracker {
    fn new(baseline: Option<&Draft>) -> Self {
        let [raw, overlays] = baseline.map(contents).unwrap_or_default();
        Self { raw, overlays, reported: None }
    }

    /// Returns the stage that is done with a newer draft.
    fn push(&mut self, draft: &Draft) -> Option<TurnEvent> {
        let [raw, overlays] = contents(draft);
        let event = match self.reported {
            None if !raw.is_subset(&self.raw) => Some(TurnEvent::RawClipReady),
            Some(TurnEvent::RawClipReady) if !overlays.is_subset(&self.overlays) => {
                Some(TurnEvent::PostProductionDone)
            }
            _ => None,
        };
        (self.raw, self.overlays) = (raw, overlays);
        if event.is_some() {
            self.reported.clone_from(&event);
        }
        event
    }
}

/// Returns the images and voices of a draft, and its texts and music.
fn contents(draft: &Draft) -> [HashSet<String>; 2] {
    let mut contents = [HashSet::new(), HashSet::new()];
    for track in draft.tracks() {
        let label = TrackLabel::of(track);
        let is_overlay = label == TrackLabel::Music || label.is_written();
        let about = format!("{label:?} {:?} {:?} ", track.name(), track.text());
        for segment in track.segments() {
            contents[usize::from(is_overlay)].insert(about.clone() + &content(segment));
        }
    }
    contents
}

/// Returns what a segment shows or plays, or all of it where it does not say.
fn content(segment: Segment<'_>) -> String {
    let json = segment.as_json();
    let content = json.as_object().map(without_settings).unwrap_or_default();
    if content.is_empty() { json.to_string() } else { content }
}

fn without_settings(object: &Object) -> String {
    let mut content = String::new();
    let is_setting = |key| SETTINGS.split(' ').any(|setting| setting == key);
    for (key, value) in object.iter().filter(|(key, _)| !is_setting(*key)) {
        let value = value.as_object().map_or_else(|| value.to_string(), without_settings);
        if !value.is_empty() {
            content += &format!("{key}={value};");
        }
    }
    content
}

#[cfg(test)]
mod tests;
