//! What the agent says and does, told to people: text once and without a screen's words, tools by
//! name, failures in words.

use super::stage::Stages;
use super::turn::TurnEvent;
use super::{FilteredText, GuiFilter, Suggestion, filter_gui, words};
use crate::draft::{Draft, Language};
use crate::wire::event::{AgentEvent, AgentFailure, Fresh, TextKind, TextOnce};

/// What was told so far.
pub(super) struct Telling {
    words: Language,
    once: TextOnce,
    translator: GuiFilter,
    text: String,
    suggestions: Vec<Suggestion>,
    failure: Option<AgentFailure>,
    /// The last failure in words for people, until the agent goes on after it.
    failed: Option<String>,
    /// Calls that were told of, by id or name, until their result comes.
    running: Vec<String>,
    last_draft: Option<Draft>,
    stages: Stages,
}

impl Telling {
    pub(super) fn new(baseline: Option<&Draft>, words: Language) -> Self {
        Self {
            words,
            once: TextOnce::new(),
            translator: GuiFilter::new(),
            text: String::new(),
            suggestions: Vec::new(),
            failure: None,
            failed: None,
            running: Vec::new(),
            last_draft: None,
            stages: Stages::new(baseline),
        }
    }

    /// What was heard before this began: part of the text, and not told again.
    pub(super) fn recall(&mut self, text: &str) {
        let mut pieces = self.translator.push(text);
        pieces.extend(self.translator.end_text());
        self.tell(pieces, &mut Vec::new());
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// An event of the stream.
    pub(super) fn hear(&mut self, event: &AgentEvent) -> Vec<TurnEvent> {
        let mut told = Vec::new();
        self.hear_text(event, &mut told);
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
                told.push(TurnEvent::ToolFinished { name: result.name.clone() });
            }
            AgentEvent::StateDelta(delta) => {
                if let Some(draft) = delta.draft() {
                    told.extend(self.stages.of(&draft));
                    self.last_draft = Some(draft);
                }
            }
            AgentEvent::Error(failure) => self.fail(failure, &mut told),
            _ => {}
        }
        told
    }

    /// The text in an event. One text ends where another begins, or where something else happens
    /// after it came whole; what seems whole is not held back by what happens meanwhile.
    fn hear_text(&mut self, event: &AgentEvent, told: &mut Vec<TurnEvent>) {
        let fresh = self.once.feed(event).and_then(Fresh::text).map(str::to_owned);
        let mut pieces = Vec::new();
        if let Some(fresh) = fresh {
            if self.once.begins() {
                pieces.extend(self.translator.end_text());
            }
            pieces.extend(self.translator.push(&(self.once.gap().to_owned() + &fresh)));
        }
        pieces.extend(match event {
            AgentEvent::Text(text) if text.kind == TextKind::Partial || text.more => Vec::new(),
            AgentEvent::Text(_) | AgentEvent::Error(_) => self.translator.end_text(),
            _ if self.once.is_open() => self.translator.pause(),
            _ => self.translator.end_text(),
        });
        if self.tell(pieces, told) {
            self.failed = None;
        }
    }

    fn fail(&mut self, failure: &AgentFailure, told: &mut Vec<TurnEvent>) {
        self.failure = Some(failure.clone());
        let said = filter_gui(failure.message.trim());
        // "Click Retry" is nothing to send as an edit.
        let is_offer = |offer: &Suggestion| !matches!(offer, Suggestion::SendEdit(_));
        let offers: Vec<_> = said.suggestions.into_iter().filter(is_offer).collect();
        let mut lines = vec![said.text.trim().to_owned()];
        if lines[0].is_empty() {
            lines.extend(offers.iter().map(|offer| words::suggestion(offer, self.words)));
            lines.insert(0, failure.code.clone().unwrap_or_else(|| words::failed(self.words)));
        }
        lines.retain(|line| !line.trim().is_empty());
        let message = lines.join("\n");
        self.failed = Some(message.clone());
        told.push(TurnEvent::Failed { message });
        self.tell(offers.into_iter().map(FilteredText::Suggestion).collect(), told);
    }

    /// The stream is over.
    pub(super) fn end(&mut self) -> Vec<TurnEvent> {
        let mut told = Vec::new();
        let pieces = self.translator.finish();
        self.tell(pieces, &mut told);
        told
    }

    /// Whether there were words among it.
    fn tell(&mut self, pieces: Vec<FilteredText>, told: &mut Vec<TurnEvent>) -> bool {
        let mut has_words = false;
        for piece in pieces {
            told.push(match piece {
                FilteredText::Text(text) => {
                    has_words |= !text.trim().is_empty();
                    self.text.push_str(&text);
                    TurnEvent::Text(text)
                }
                FilteredText::Suggestion(suggestion) if self.suggestions.contains(&suggestion) => {
                    continue;
                }
                FilteredText::Suggestion(suggestion) => {
                    self.suggestions.push(suggestion.clone());
                    TurnEvent::Suggestion(suggestion)
                }
            });
        }
        has_words
    }

    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    pub(super) fn suggestions(&self) -> &[Suggestion] {
        &self.suggestions
    }

    pub(super) fn failure(&self) -> Option<&AgentFailure> {
        self.failure.as_ref()
    }

    pub(super) fn failed(&self) -> Option<String> {
        self.failed.clone()
    }

    pub(super) fn last_draft(&self) -> Option<Draft> {
        self.last_draft.clone()
    }
}

#[cfg(test)]
mod tests;
