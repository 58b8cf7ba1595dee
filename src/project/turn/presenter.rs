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
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::project::turn::report::TurnReport;
    use crate::protocol::SessionState;
    use crate::protocol::event::TextAccumulator;

    /// Presents the events of a stream, given as lines `data: {…}`.
    fn push_all(presenter: &mut Presenter, stream: &str) -> Vec<TurnEvent> {
        let mut accumulator = TextAccumulator::new();
        let mut events = Vec::new();
        for data in stream.lines().filter_map(|line| line.strip_prefix("data:")) {
            for event in AgentEvent::decode("message", data.trim_start()) {
                let text = EventText::of(&event, &mut accumulator);
                events.extend(presenter.push(&event, text));
            }
        }
        events
    }

    /// Presents a whole stream, and sums it up as a turn does.
    fn present(stream: &str) -> (Vec<TurnEvent>, TurnReport) {
        let mut presenter = Presenter::new(None, "", Language::English);
        let mut events = push_all(&mut presenter, stream);
        let (held_back, transcript) = presenter.finish();
        events.extend(held_back);
        let outcome = transcript.outcome();
        let state = SessionState { draft: transcript.draft.clone(), ..SessionState::default() };
        let before = SessionState::default();
        let report = TurnReport::new(&transcript, &before, Some(state), outcome, Language::English);
        (events, report)
    }

    fn text_of(events: &[TurnEvent]) -> String {
        let text = |event: &TurnEvent| match event {
            TurnEvent::Text(text) => Some(text.clone()),
            _ => None,
        };
        events.iter().filter_map(text).collect()
    }

    fn frame(event: &Value) -> String {
        format!("data: {event}\n\n")
    }

    fn model(parts: &Value, partial: bool) -> String {
        frame(&json!({ "content": { "parts": parts, "role": "model" }, "partial": partial,
            "invocationId": "i", "author": "a" }))
    }

    /// Whole texts, one event each.
    fn texts(texts: &[&str]) -> String {
        texts.iter().map(|text| model(&json!([{ "text": text }]), false)).collect()
    }

    fn tool(kind: &str) -> String {
        model(&json!([{ kind: { "id": "1", "name": "cut", "args": {}, "response": {} } }]), false)
    }

    #[test]
    fn recorded_streams_are_presented_for_people() {
        macro_rules! recorded {
            ($name:literal) => {
                include_str!(concat!("../../../tests/fixtures/adk/", $name, ".sse"))
            };
        }
        for stream in [recorded!("text"), recorded!("text_streaming")] {
            let (events, report) = present(stream);
            assert_eq!(text_of(&events), "Hello there, 你好 🎬");
            assert_eq!(report.summary(), "Hello there, 你好 🎬");
        }
        for stream in [recorded!("voiceover"), recorded!("voiceover_streaming")] {
            let (events, report) = present(stream);
            assert_eq!(report.text, "Working on it…\nYour voiceover is ready.");
            assert_eq!(report.suggestions.len(), 1);
            let tools = events.iter().filter(|event| {
                matches!(event, TurnEvent::ToolStarted { .. } | TurnEvent::ToolFinished { .. })
            });
            assert_eq!(tools.count(), 2);
            assert!(events.contains(&TurnEvent::RawClipReady));
        }
        assert_eq!(present(recorded!("model_error")).1.summary(), "model overloaded");
    }

    #[test]
    fn a_question_is_an_event_of_its_own_until_the_agent_works_on() {
        let ask = |prompt: &str| {
            let args = json!({ "questions": [{ "prompt": prompt, "options": ["a", "b"] }] });
            model(&json!([{ "functionCall": { "name": "ask_question", "args": args } }]), false)
        };
        let result = model(
            &json!([{ "functionResponse": { "name": "ask_question", "response": { "ok": 1 } } }]),
            false,
        );
        let stream = texts(&["Almost done."]) + &ask("Which?") + &result;
        let (events, report) = present(&stream);
        let [TurnEvent::Text(_), TurnEvent::Question(question)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(report.outcome, Outcome::AwaitingInput);
        assert_eq!(report.question.as_ref(), Some(question));
        assert_eq!(report.summary(), "Almost done.\n1. Which?\n   1) a\n   2) b");

        // Nothing but the question, asked in both forms of events, and another one.
        let simple = frame(&json!({ "type": "tool_call", "name": "ask_question",
            "args": { "questions": [{ "prompt": "Which?", "options": ["a", "b"] }] } }));
        let (events, report) = present(&(ask("Which?") + &simple + &ask("When?")));
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(report.question.unwrap().items.len(), 2);

        // The agent did not wait.
        let (_, report) = present(&(ask("Which?") + &tool("functionCall") + &texts(&["Done."])));
        assert_eq!((report.outcome, report.question), (Outcome::Replied, None));
        // Two calls of one event run at once, whatever their order.
        let question = json!({ "functionCall": { "name": "ask_question",
            "args": { "questions": ["Which?"] } } });
        let call = json!({ "functionCall": { "name": "cut" } });
        for parts in [json!([question, call]), json!([call, question])] {
            let (_, report) = present(&model(&parts, false));
            assert_eq!(report.outcome, Outcome::AwaitingInput, "{parts}");
        }
        // A question of which nothing can be read is one all the same.
        let empty = frame(&json!({ "type": "tool_call", "name": "ask_question" }));
        let (_, report) = present(&empty);
        assert_eq!(report.outcome, Outcome::AwaitingInput);
        assert!(!report.summary().is_empty());
    }

    #[test]
    fn a_whole_text_does_not_run_into_the_next_one() {
        let script = "Script:\nClick here, they say.";
        for (said, expected, suggested) in [
            (["All done.", "Click the Export button to save it."], "All done.", true),
            (["All done.", "I encountered a temporary issue."], "All done.", false),
            (["做好了", "请点击导出按钮。"], "做好了", true),
            (["做好了。", "我遇到了一个临时问题。"], "做好了。", false),
            (["I cut it", "Click Export."], "I cut it", true),
            ([script, "Click Export."], script, true),
            (["Click Export.", "I cut it"], "I cut it", true),
            (["I cut it", "I added music"], "I cut it\nI added music", false),
            (["I cut it. ", "I added music"], "I cut it. I added music", false),
            (["I cut it.\n", "\nI added music"], "I cut it.\n\nI added music", false),
        ] {
            let (_, report) = present(&texts(&said));
            assert_eq!(report.text, expected, "{said:?}");
            assert_eq!(report.suggestions.contains(&Suggestion::Export), suggested, "{said:?}");
        }
    }

    #[test]
    fn a_sentence_is_presented_before_what_happens_after_it() {
        let piece = |text: &str| model(&json!([{ "text": text }]), true);
        let parts =
            |texts: [&str; 2]| model(&json!(texts.map(|text| json!({ "text": text }))), false);
        for said in [
            texts(&["I'm generating it now."]),
            texts(&["Working on it"]),
            parts(["Working ", "on it"]),
            piece("I'm generating ") + &piece("it now."),
        ] {
            let (events, _) = present(&(said + &tool("functionCall")));
            let [TurnEvent::Text(_), TurnEvent::ToolStarted { .. }] = &events[..] else {
                panic!("{events:?}")
            };
        }
        // It does not wait for what happens either.
        for said in ["I'm generating it now.", "Working on it"] {
            let mut presenter = Presenter::new(None, "", Language::English);
            let events = push_all(&mut presenter, &texts(&[said]));
            assert_eq!(events, [TurnEvent::Text(said.to_owned())]);
        }
        // What comes in several parts, or is still coming in pieces, is not cut.
        let pieces = piece("Click the Exp") + "data: heartbeat\n\n" + &piece("ort button.");
        for stream in [parts(["Click the Exp", "ort button."]), pieces] {
            let (_, report) = present(&stream);
            assert_eq!((report.text.as_str(), report.suggestions.len()), ("", 1));
        }
    }

    #[test]
    fn a_failure_is_reported_unless_the_agent_continues_after_it() {
        let failure = |message: &str| frame(&json!({ "errorCode": "X", "errorMessage": message }));
        let summary = |stream: &str| present(stream).1.summary();
        let failed = texts(&["Working on it…"]) + &failure("model overloaded");
        assert_eq!(summary(&failed), "Working on it…\nmodel overloaded");
        assert_eq!(summary(&(failure("retrying") + &texts(&["All done."]))), "All done.");
        let gui = "Please click the Retry button or open the billing panel.";
        for stream in [failure(gui), texts(&["Hm."]) + &failure(gui)] {
            let (events, report) = present(&stream);
            for text in [format!("{events:?}"), report.summary()] {
                assert!(!text.contains("button") && !text.contains("panel"), "{text}");
            }
            assert!(events.iter().any(|event| matches!(event, TurnEvent::Failed { .. })));
        }
        assert!(!summary("data: {\"error\":\" \"}\n\n").trim().is_empty());
    }

    /// What an agent may do in a turn.
    #[derive(Clone, Debug)]
    enum Action {
        /// A text, which is given a number of its own so that a repetition can be noticed.
        Said { text: String, pieces: bool, end: &'static str },
        /// Events of any other kind, and the text in them that must not be shown.
        Other { stream: String, hidden: Option<String> },
    }

    fn action() -> impl Strategy<Value = Action> {
        let word = vec!["warm", "clip", "小猫", "🎬", "ready", "3.5", "naïve", "夜"];
        let words = prop::collection::vec(prop::sample::select(word), 1..6);
        let gui = [
            "Click the Export button to save it.",
            "Open the media panel to see your uploads.",
            "点击“导出”按钮保存。",
            "Preview it in the timeline.",
            "打开素材面板查看。",
            "Check your account's billing page.",
        ];
        let raw = [": comment", "data: heartbeat", "data: {broken", "data: {\"new\":1}", "data"];
        // Texts end in white space, or do not.
        let end = || prop::sample::select(vec!["", " ", "\n"]);
        let other = |stream: String| Action::Other { stream, hidden: None };
        let draft = |duration: u32| {
            let draft = json!({ "t": [{ "tt": 0, "sg": [{ "d": duration }] }] });
            frame(&json!({ "actions": { "stateDelta": { "draft": draft } } }))
        };
        prop_oneof![
            4 => (words, any::<bool>(), end()).prop_map(|(words, pieces, end)| {
                Action::Said { text: words.join(" "), pieces, end }
            }),
            2 => (prop::sample::select(gui.to_vec()), end()).prop_map(|(text, end)| {
                let stream = texts(&[&format!("{text}{end}")]);
                Action::Other { stream, hidden: Some(text.to_owned()) }
            }),
            1 => Just(other(tool("functionCall") + &tool("functionResponse"))),
            1 => (1..13_u32).prop_map(move |duration| other(draft(duration))),
            1 => "[a-z]{3,9}".prop_map(|text| {
                let stream = model(&json!([{ "text": text, "thought": true }]), false);
                Action::Other { stream, hidden: Some(text) }
            }),
            1 => prop::sample::select(raw.to_vec())
                .prop_map(move |raw| other(format!("{raw}\n\n"))),
        ]
    }

    /// The stream of these actions, every text in it, and everything that must not be shown.
    fn stream_of(actions: &[Action]) -> (String, Vec<String>, Vec<&str>) {
        let (mut all, mut said, mut unseen) = (String::new(), Vec::new(), Vec::new());
        for (number, action) in actions.iter().enumerate() {
            match action {
                Action::Said { text, pieces, end } => {
                    let text = format!("Take{number} {text}.{end}");
                    for piece in text.split_inclusive(' ').filter(|_| *pieces) {
                        all += &model(&json!([{ "text": piece }]), true);
                    }
                    all += &texts(&[&text]);
                    said.push(text.trim().to_owned());
                }
                Action::Other { stream, hidden } => {
                    all += stream;
                    unseen.extend(hidden.as_deref());
                }
            }
        }
        (all, said, unseen)
    }

    proptest! {
        #[test]
        fn every_turn_has_text_each_once_and_no_directions_for_a_screen(
            actions in prop::collection::vec(action(), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let (stream, said, unseen) = stream_of(&actions);
            let (events, report) = present(&stream);
            prop_assert!(!report.summary().trim().is_empty());
            let text = text_of(&events);
            for said in &said {
                prop_assert_eq!(text.matches(said.as_str()).count(), 1, "{:?} in {:?}", said, text);
            }
            for hidden in unseen {
                prop_assert!(!text.contains(hidden), "{:?} in {:?}", hidden, text);
            }

            // A stream that breaks anywhere still has text, and none of it twice.
            let mut at = cut.index(stream.len() + 1);
            while !stream.is_char_boundary(at) {
                at -= 1;
            }
            let (events, report) = present(&stream[..at]);
            prop_assert!(!report.summary().trim().is_empty());
            let text = text_of(&events);
            for said in &said {
                prop_assert!(text.matches(said.as_str()).count() <= 1);
            }
        }
    }

    #[test]
    fn new_content_and_no_other_edit_makes_the_two_stages() {
        const BOTH: &[TurnEvent] = &[TurnEvent::RawClipReady, TurnEvent::PostProductionDone];
        let video = |script: &str, volume: u32, captions: bool| {
            let spoken = format!(r#"{{"d":900,"m":{{"text":"{script}","volume":{volume}}}}}"#);
            let captions = match captions {
                true => format!(r#",{{"tt":7,"m":{{"role":"captions"}},"sg":[{spoken}]}}"#),
                false => String::new(),
            };
            format!(
                r#"{{"t":[{{"tt":0,"sg":[{{"d":900,"m":{{"name":"Dusk"}}}}]}},
                    {{"tt":1,"m":{{"role":"voiceover"}},"sg":[{spoken}]}}{captions}]}}"#
            )
        };
        let first = video("One", 1, true);
        let (raw, done) = (video("Two", 1, false), video("Two", 1, true));
        // Music is known by more than its role.
        let silent = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#;
        let music = r#"{"t":[{"tt":0,"sg":[{"d":1000}]},
            {"tt":1,"sg":[{"name":"Lo-fi","vol":"35%"}]}]}"#;
        for (drafts, expected) in [
            (["{}", &raw, &done], BOTH),
            ([&first, &raw, &done], BOTH),
            (["{}", silent, music], BOTH),
            ([&first, &video("One", 0, true), &first.replace("900", "500")], &[]),
            ([&first, &video("One", 1, false), &first], &[]),
        ] {
            // The first draft is the baseline.
            let [baseline, rest @ ..] = drafts.map(|draft| draft.parse::<Draft>().unwrap());
            let mut stages = StageTracker::new(Some(&baseline));
            let found: Vec<_> = rest.iter().filter_map(|draft| stages.push(draft)).collect();
            assert_eq!(found, expected, "{drafts:?}");
        }
    }
}
