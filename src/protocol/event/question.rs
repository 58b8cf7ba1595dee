//! The agent's questions: a call of the tool `ask_question`, which waits for the user.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AgentEvent, ToolCall};
use crate::draft::{Json, Object};
use crate::protocol::tolerant::{Fields, flag, is_spelling, text};

/// What the agent asks the user. The agent waits for a message in response.
///
/// `Display` writes it for people: the title, and each question with its options on lines of their
/// own.
///
/// ```
/// use nemovideo::protocol::event::AgentEvent;
///
/// let data = r#"{"type":"tool_call","name":"ask_question","args":{"questions":[
///     {"prompt":"Which format?","options":[{"label":"Portrait"},{"label":"Landscape"}]}]}}"#;
/// let [AgentEvent::Question(question)] = &AgentEvent::decode("message", data)[..] else {
///     panic!("a question");
/// };
/// assert_eq!(question.items[0].options[1].label, "Landscape");
/// assert_eq!(question.to_string(), "1. Which format?\n   1) Portrait\n   2) Landscape");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Question {
    /// The title above the questions.
    #[serde(default)]
    pub title: Option<String>,
    /// The questions, in their order.
    pub items: Vec<QuestionItem>,
    /// The id of the tool call.
    #[serde(default)]
    pub call_id: Option<String>,
}

/// One of the questions that the agent asks together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuestionItem {
    /// The id of the question.
    #[serde(default)]
    pub id: Option<String>,
    /// The question itself.
    pub prompt: String,
    /// The options to choose from. Without any, the response is free text.
    #[serde(default)]
    pub options: Vec<QuestionOption>,
    /// Whether several options may be chosen.
    #[serde(default)]
    pub allow_multiple: bool,
}

/// An option of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuestionOption {
    /// The id of the option.
    #[serde(default)]
    pub id: Option<String>,
    /// The text of the option.
    pub label: String,
}

impl AgentEvent {
    /// Turns the calls of the tool that asks the user into the questions that they are.
    pub(super) fn with_questions(mut events: Vec<Self>) -> Vec<Self> {
        for event in &mut events {
            if let Self::ToolCall(call) = event
                && Question::is_asked_by(&call.name)
            {
                *event = Self::Question(Question::read(call));
            }
        }
        events
    }
}

impl Question {
    /// The tool by which the agent asks the user.
    pub(crate) const TOOL: &str = "ask_question";

    /// Whether a tool of this name asks the user.
    pub(crate) fn is_asked_by(tool: &str) -> bool {
        is_spelling(tool, Self::TOOL)
    }

    /// Reads the arguments of a call of the tool. What is missing stays empty: the agent waits for
    /// a response even if nothing of its question can be read.
    fn read(call: &ToolCall) -> Self {
        // Some models write the arguments as text.
        let parsed = call.args.as_str().and_then(|args| args.parse::<Json>().ok());
        let args = parsed.as_ref().unwrap_or(&call.args);
        let none = Object::new();
        let fields = args.as_object().unwrap_or(&none);
        let mut fields = Fields::of(fields);
        let items = |json: &Json| {
            Some(json.as_array()?.iter().filter_map(QuestionItem::read).collect::<Vec<_>>())
        };
        let items = fields.read("questions", items).unwrap_or_else(|| {
            // A single question in place of the list.
            QuestionItem::read(fields.get("questions").unwrap_or(args)).into_iter().collect()
        });
        Self { title: fields.read("title", non_empty), items, call_id: call.id.clone() }
    }

    /// Adds another question that was asked in the same turn.
    pub(crate) fn append(&mut self, other: Self) {
        let mut items = other.items;
        items.retain(|item| !self.items.contains(item));
        self.items.extend(items);
        self.title = self.title.take().or(other.title);
        self.call_id = self.call_id.take().or(other.call_id);
    }
}

/// What the agent has asked and waits for. It works on without the user where it calls another tool
/// in a later event; one that it calls in the same event runs beside the question.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuestionTracker(Option<Question>);

impl QuestionTracker {
    /// Reads an event, and returns what it asks that was not asked before.
    pub(crate) fn push<'e>(&mut self, event: &'e AgentEvent) -> Option<&'e Question> {
        match event {
            AgentEvent::Question(question) => {
                let mut all = self.0.clone().unwrap_or_default();
                all.append(question.clone());
                // Both forms of events may ask the same.
                let is_new = self.0.as_ref() != Some(&all);
                self.0 = Some(all);
                is_new.then_some(question)
            }
            // A preview without its call comes late, whenever it was made.
            AgentEvent::ToolCall(call) if !call.is_beside_question && !call.is_preview => {
                self.0 = None;
                None
            }
            _ => None,
        }
    }

    pub(crate) fn question(&self) -> Option<&Question> {
        self.0.as_ref()
    }
}

impl QuestionItem {
    fn read(json: &Json) -> Option<Self> {
        if let Some(prompt) = non_empty(json) {
            return Some(Self { prompt, ..Self::default() });
        }
        let mut fields = Fields::of(json.as_object()?);
        let options = |json: &Json| {
            Some(json.as_array()?.iter().filter_map(QuestionOption::read).collect::<Vec<_>>())
        };
        let options = fields.read_any(&["options", "choices"], options).unwrap_or_default();
        let prompt = fields.read_any(&["prompt", "question", "text", "label", "title"], non_empty);
        // A question without a prompt still offers its options.
        (prompt.is_some() || !options.is_empty()).then(|| Self {
            id: fields.read("id", text),
            prompt: prompt.unwrap_or_default(),
            options,
            allow_multiple: fields.read_any(&["allow_multiple", "multiple"], flag) == Some(true),
        })
    }
}

impl QuestionOption {
    fn read(json: &Json) -> Option<Self> {
        if let Some(label) = non_empty(json) {
            return Some(Self { id: None, label });
        }
        let mut fields = Fields::of(json.as_object()?);
        let id = fields.read("id", text);
        let label = fields.read_any(&["label", "text", "title", "name", "value"], non_empty);
        Some(Self { label: label.or_else(|| id.clone())?, id })
    }
}

/// Returns a text that holds something, on one line.
fn non_empty(json: &Json) -> Option<String> {
    let line = text(json)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.title.iter().cloned().collect();
        for (number, item) in (1..).zip(&self.items) {
            lines.push(format!("{number}. {}", item.prompt).trim_end().to_owned());
            let options = (1..).zip(&item.options);
            lines.extend(options.map(|(at, option)| format!("   {at}) {}", option.label)));
        }
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &str) -> Question {
        let data =
            format!(r#"{{"type":"tool_call","id":"q1","name":"ask_question","args":{args}}}"#);
        match AgentEvent::decode("message", &data).remove(0) {
            AgentEvent::Question(question) => question,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_is_read_in_every_form() {
        let args = r#"{"title":"Format","questions":[{"id":"f","prompt":"Which  format?",
            "options":[{"id":"p","label":"Portrait"},{"id":"l","label":"Landscape"}],
            "allow_multiple":false}]}"#;
        let whole = asked(args);
        assert_eq!(whole.title.as_deref(), Some("Format"));
        assert_eq!(whole.call_id.as_deref(), Some("q1"));
        let item = &whole.items[0];
        assert_eq!((item.id.as_deref(), item.prompt.as_str()), (Some("f"), "Which format?"));
        assert_eq!(item.options[1].id.as_deref(), Some("l"));
        assert!(!item.allow_multiple);
        let as_text = serde_json::to_string(args).unwrap();
        assert_eq!(asked(&as_text), whole);

        for (args, shown, multiple) in [
            (r#"{"questions":[{"prompt":"Go on?"}]}"#, "1. Go on?", false),
            (r#"{"questions":["Go on?",{"question":"And?"}]}"#, "1. Go on?\n2. And?", false),
            (r#"{"question":"Which?","options":["a",2]}"#, "1. Which?\n   1) a\n   2) 2", false),
            (
                r#"{"questions":{"text":"Which?","choices":[{"id":"x"}],"allowMultiple":"true"}}"#,
                "1. Which?\n   1) x",
                true,
            ),
            (r#"{"title":"Hi","questions":[7,null,{},{"options":[{}]}]}"#, "Hi\n1. 7", false),
            (r#"{"questions":[{"options":["a"]}]}"#, "1.\n   1) a", false),
            ("{}", "", false),
            ("[]", "", false),
            ("null", "", false),
            (r#""Go on?""#, "1. Go on?", false),
        ] {
            let question = asked(args);
            assert_eq!(question.to_string(), shown, "{args}");
            let is_multiple = question.items.first().is_some_and(|item| item.allow_multiple);
            assert_eq!(is_multiple, multiple, "{args}");
        }
    }

    #[test]
    fn a_question_can_be_persisted() {
        let question = asked(r#"{"questions":[{"prompt":"Go on?","options":["a"]}]}"#);
        let json = serde_json::to_string(&question).unwrap();
        assert_eq!(serde_json::from_str::<Question>(&json).unwrap(), question);
    }
}
