//! Decoding the data of a frame to [`AgentEvent`]s. Nothing here fails: see [`AgentEvent::Unknown`].

use std::collections::HashSet;
use std::mem;

use super::adk::{AdkEvent, AdkPart};
use super::usual::decode_usual;
use super::{
    AgentEvent, AgentFailure, Origin, Question, SurrogateHalves, TextEvent, TextKind, ToolCall,
    ToolResult,
};
use crate::draft::{Json, Object};
use crate::protocol::tolerant::{Fields, LoneSurrogates, flag, repair_json, text};

pub(super) const HEARTBEAT: &str = "heartbeat";

impl AgentEvent {
    /// Decodes a frame for a [`PreviewFilter`](super::PreviewFilter): a question is still a call.
    pub(crate) fn decode_calls(event: &str, data: &str) -> Vec<Self> {
        let trimmed = data.trim();
        if event == HEARTBEAT || trimmed.is_empty() || trimmed == HEARTBEAT {
            return vec![Self::Heartbeat];
        }
        decode_usual(trimmed).unwrap_or_else(|| Self::decode_tolerantly(event, data))
    }

    /// Decodes the data of a frame in whatever form it is.
    pub(super) fn decode_tolerantly(event: &str, data: &str) -> Vec<Self> {
        let trimmed = data.trim();
        match parse(trimmed) {
            (Some(json), is_draft_exact) => {
                decode_json(event, &json, Some(data), is_draft_exact, 0)
            }
            (None, _) if event == "error" => vec![error_text(trimmed)],
            (None, _) => vec![Self::Unknown(data.to_owned())],
        }
    }

    /// As [`decode_calls`](Self::decode_calls), for text that is outside of any event of the
    /// stream.
    ///
    /// JSON is decoded like an event. Other text is the error of a server, unless it looks like a
    /// field of another protocol (`name: value`) or like a keep-alive (`ping`) and says nothing of
    /// an error.
    pub(crate) fn decode_bare(text: &str) -> Vec<Self> {
        let text = text.trim();
        if text.is_empty() || text == HEARTBEAT || parse(text).0.is_some() {
            return Self::decode_calls("message", text);
        }
        vec![if is_error(text) { error_text(text) } else { Self::Unknown(text.to_owned()) }]
    }

    /// Whether text says by a word that something failed.
    pub(crate) fn names_an_error(text: &str) -> bool {
        let lower = text.trim().to_lowercase();
        if is_keep_alive(&lower) {
            return false;
        }
        let has_error_word = |text: &str| ERROR_WORDS.split(' ').any(|word| text.contains(word));
        match field(&lower) {
            Some((name, value)) => {
                ERROR_FIELDS.iter().any(|end| name.ends_with(end)) || has_error_word(value)
            }
            None => has_error_word(&lower),
        }
    }

    /// Whether the data of a frame is JSON, apart from details.
    pub(crate) fn is_json(data: &str) -> bool {
        parse(data).0.is_some()
    }
}

/// Words by which servers report errors.
const ERROR_WORDS: &str = "error exception traceback fail fatal timeout unavailable overloaded \
                           denied forbidden unauthorized invalid refused exceeded aborted crash \
                           错误 失败 异常 超时";

/// The ends of the names of fields that report an error, as in `ValueError: boom`.
const ERROR_FIELDS: [&str; 6] = ["error", "exception", "failure", "fatal", "panic", "traceback"];

/// How a keep-alive begins.
const KEEP_ALIVES: [&str; 6] =
    ["ping", "pong", "heartbeat", "keep-alive", "keepalive", "keep alive"];

/// Words that say that nothing is wrong.
const WORKING_WORDS: &str = "working processing waiting wait loading queued alive ping pong \
                             heartbeat keepalive";

fn is_error(text: &str) -> bool {
    if AgentEvent::names_an_error(text) {
        return true;
    }
    let lower = text.to_lowercase();
    let is_known = |word: &str| WORKING_WORDS.split(' ').any(|known| known == word);
    let is_working = lower.split(|c: char| !c.is_alphanumeric()).any(is_known);
    let is_sentence = text.contains(char::is_whitespace) || !text.is_ascii();
    is_sentence && field(text).is_none() && !is_keep_alive(&lower) && !is_working
}

fn is_keep_alive(lower: &str) -> bool {
    let is_followed = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    KEEP_ALIVES.iter().any(|word| lower.strip_prefix(word).is_some_and(is_followed))
}

/// Splits a line that looks like a field of a protocol, `name: value`.
fn field(text: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    text.split_once(':').filter(|(name, _)| is_name(name))
}

/// Returns an error of which only the text is known.
fn error_text(text: &str) -> AgentEvent {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    // Python writes the error itself last.
    let is_traceback = text.starts_with("Traceback");
    let line = if is_traceback { lines.next_back() } else { lines.next() };
    let line = line.unwrap_or(text).trim();
    AgentEvent::failure(line.to_owned(), (line != text).then(|| text.into()))
}

/// The most envelopes around an event. Each is looked into, and then taken for what it is itself.
const MAX_ENVELOPES: usize = 4;

/// Decodes JSON within a number of envelopes. Of JSON within other JSON there is no `data`: its text
/// is made only where it is needed.
fn decode_json(
    event: &str,
    json: &Json,
    data: Option<&str>,
    is_draft_exact: bool,
    depth: usize,
) -> Vec<AgentEvent> {
    if let Some(items) = json.as_array().filter(|items| items.iter().any(is_object)) {
        let decode = |item: &Json| decode_json(event, item, None, is_draft_exact, depth);
        return items.iter().flat_map(decode).collect();
    }
    let object = json.as_object();
    if let Some(events) = object.and_then(simple) {
        return events;
    }
    let data = || data.map_or_else(|| json.to_string(), str::to_owned);
    let known = object.filter(|object| AdkEvent::is_likely(object)).and_then(|object| {
        let events = adk(object, data, is_draft_exact);
        // The server's own events have no `type`: one that has, and yields nothing, is unknown.
        (!events.is_empty() || Fields::of(object).get("type").is_none()).then_some(events)
    });
    let failed = object.and_then(failure);
    match (known, failed) {
        (None, None) => enclosed(event, object, is_draft_exact, depth).unwrap_or_else(|| {
            vec![match event {
                "error" => error_text(data().trim()),
                _ => AgentEvent::Unknown(data()),
            }]
        }),
        (known, failed) => {
            let mut events = known.unwrap_or_default();
            events.extend(failed.map(AgentEvent::Error));
            events
        }
    }
}

/// Decodes the events in the envelope of the other endpoints, if there are any.
fn enclosed(
    event: &str,
    object: Option<&Object>,
    is_draft_exact: bool,
    depth: usize,
) -> Option<Vec<AgentEvent>> {
    let fields = Fields::of(object.filter(|_| depth < MAX_ENVELOPES)?);
    let json = ["events", "data"].iter().find_map(|name| {
        fields.get(name).filter(|json| is_object(json) || json.as_array().is_some())
    })?;
    let events = decode_json(event, json, None, is_draft_exact, depth + 1);
    let is_known = events.iter().any(|event| !matches!(event, AgentEvent::Unknown(_)));
    is_known.then_some(events)
}

fn is_object(json: &Json) -> bool {
    json.as_object().is_some()
}

/// Parses the data of a frame, after replacing what JSON does not have. The second value is whether
/// a draft in it is exact.
fn parse(data: &str) -> (Option<Json>, bool) {
    if let Ok(json) = data.parse() {
        return (Some(json), true);
    }
    match repair_json(data.as_bytes(), LoneSurrogates::Keep) {
        Some(repaired) => (repaired.text.parse().ok(), repaired.is_draft_exact),
        None => (None, true),
    }
}

/// Reads an event in the simple form: a `type` and its fields.
fn simple(object: &Object) -> Option<Vec<AgentEvent>> {
    let fields = Fields::of(object);
    let origin = Origin::default();
    let id = || fields.get("id").and_then(text);
    let name = || Some(fields.get("name")?.as_str()?.to_owned());
    let event = match fields.get("type")?.as_str()? {
        "text" => {
            let content = fields.get("content").or_else(|| fields.get("text"))?;
            let (low, high) = content.surrogate_halves();
            let halves = SurrogateHalves { low, high };
            return Some(simple_text(content.as_str()?.to_owned(), halves));
        }
        "tool_call" => AgentEvent::ToolCall(ToolCall {
            id: id(),
            name: name()?,
            args: fields.get("args").cloned().unwrap_or_else(|| Object::new().into()),
            long_running: false,
            is_preview: fields.get("partial").and_then(flag).unwrap_or_default(),
            is_beside_question: false,
            origin,
        }),
        "tool_result" => AgentEvent::ToolResult(ToolResult {
            id: id(),
            name: name()?,
            response: fields.get("result").cloned().unwrap_or_default(),
            origin,
        }),
        HEARTBEAT => AgentEvent::Heartbeat,
        _ => return None,
    };
    Some(vec![event])
}

/// Returns the text of an event in the simple form.
pub(super) fn simple_text(text: String, halves: SurrogateHalves) -> Vec<AgentEvent> {
    let text = text_event(text, halves, TextKind::Final, Origin::default());
    text.map(AgentEvent::Text).into_iter().collect()
}

fn adk(object: &Object, data: impl Fn() -> String, is_draft_exact: bool) -> Vec<AgentEvent> {
    let (mut event, mut is_sound) = AdkEvent::read(object);
    let delta = &mut event.actions.state_delta;
    // The frame's decoder has replaced what is not UTF-8.
    let is_broken = |draft: &Json| draft.to_string().contains(char::REPLACEMENT_CHARACTER);
    if !is_draft_exact || delta.get("draft").is_some_and(is_broken) {
        // A draft must be returned exactly as it came: the session's state has it whole.
        is_sound &= delta.remove("draft").is_none();
    }
    let some = |id: String| (!id.is_empty()).then_some(id);
    let mut origin = Origin {
        event_id: some(event.id),
        invocation_id: some(event.invocation_id),
        author: some(event.author),
    };
    let kind = if event.partial { TextKind::Partial } else { TextKind::Final };
    let long_running: HashSet<String> = event.long_running_tool_ids.into_iter().collect();

    let parts = event.content.unwrap_or_default().parts;
    let mut events = Vec::with_capacity(parts.len());
    let is_beside_question = parts.iter().any(
        |part| matches!(part, AdkPart::FunctionCall(call) if Question::is_asked_by(&call.name)),
    );
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let next = parts.peek();
        let continues = next.is_some_and(is_text);
        let origin = if next.is_some() { origin.clone() } else { mem::take(&mut origin) };
        match part {
            AdkPart::Text { text, thought, halves } => {
                let variant = if thought { AgentEvent::Thought } else { AgentEvent::Text };
                let text = text_event(text, halves, kind, origin);
                events.extend(text.map(|text| variant(TextEvent { continues, ..text })));
            }
            AdkPart::FunctionCall(call) => events.push(AgentEvent::ToolCall(ToolCall {
                long_running: call.id.as_ref().is_some_and(|id| long_running.contains(id)),
                id: call.id,
                name: call.name,
                args: call.args,
                is_preview: event.partial,
                is_beside_question,
                origin,
            })),
            AdkPart::FunctionResponse(result) => events.push(AgentEvent::ToolResult(ToolResult {
                id: result.id,
                name: result.name,
                response: result.response,
                origin,
            })),
            AdkPart::Unknown(json) => events.push(AgentEvent::Unknown(json.to_string())),
        }
    }
    if !event.actions.state_delta.is_empty() {
        events.push(AgentEvent::StateDelta(event.actions.state_delta.into()));
    }
    let code = event.error_code.and_then(some);
    let message = event.error_message.and_then(some);
    if let Some(message) = message.or_else(|| code.clone()) {
        events.push(AgentEvent::Error(AgentFailure { code, message, details: None }));
    }
    if !is_sound {
        events.push(AgentEvent::Unknown(data()));
    }
    events
}

#[inline]
pub(super) fn text_event(
    text: String,
    halves: SurrogateHalves,
    kind: TextKind,
    origin: Origin,
) -> Option<TextEvent> {
    (!text.is_empty()).then_some(TextEvent { text, kind, origin, continues: false, halves })
}

/// Whether a part is text for the user.
fn is_text(part: &AdkPart) -> bool {
    matches!(part, AdkPart::Text { text, thought: false, .. } if !text.is_empty())
}

/// Reads a failure that is not in the form of an event: after an exception in the agent
/// (`{"error":…,"error_details":…}`), in the envelope of the other endpoints
/// (`{"code":…,"message":…}`), or from the web framework (`{"detail":…}`).
fn failure(object: &Object) -> Option<AgentFailure> {
    let fields = Fields::of(object);
    let field = |name| fields.get(name).and_then(text);
    let details = fields.get("error_details").or_else(|| fields.get("details")).cloned();
    let error = fields.get("error");
    if let Some(object) = error.and_then(Json::as_object) {
        let error = Fields::of(object);
        return Some(AgentFailure {
            code: error.get("code").or_else(|| error.get("status")).and_then(text),
            message: error.get("message").and_then(text).unwrap_or_else(|| object.to_string()),
            details,
        });
    }
    // `"error":false` and `"error":""` report no error.
    let is_none = |error: &&Json| error.as_bool() == Some(false) || error.as_str() == Some("");
    if let Some(error) = error.filter(|error| !is_none(error)) {
        let message = text(error).unwrap_or_else(|| error.to_string());
        return Some(AgentFailure { code: field("code"), message, details });
    }
    let is_error = fields.get("type").and_then(Json::as_str) == Some("error");
    let code = field("code").filter(|code| code != "0");
    if let Some(message) = field("message").filter(|_| is_error || code.is_some()) {
        return Some(AgentFailure { code, message, details });
    }
    if is_error {
        let message = field("content").unwrap_or_else(|| object.to_string());
        return Some(AgentFailure { code, message, details });
    }
    let detail = fields.get("detail").filter(|_| object.len() == 1)?;
    let message = text(detail).unwrap_or_else(|| detail.to_string());
    Some(AgentFailure { code, message, details })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;

    #[test]
    fn the_parts_of_an_event_come_in_their_order() {
        let data = r#"{"content":{"parts":[{"text":"a","thought":true},{"text":"b"},
            {"functionCall":{"id":"1","name":"f","args":{"x":1}},"thoughtSignature":"AA"},
            {"functionCall":{"id":"2","name":"g"}},{"text":"c"},
            {"functionResponse":{"id":"1","name":"f","response":"ok"}}]},
            "partial":true,"id":"9","invocationId":"i","author":"n","longRunningToolIds":["2"],
            "actions":{"stateDelta":{"draft":{"t":[{"tt":1,"sg":[{"d":1.50}]}]},"other":null}},
            "errorCode":"MAX_TOKENS"}"#;
        let origin = Origin {
            event_id: Some("9".to_owned()),
            invocation_id: Some("i".to_owned()),
            author: Some("n".to_owned()),
        };
        let partial = |text: &str, continues| TextEvent {
            text: text.to_owned(),
            kind: TextKind::Partial,
            origin: origin.clone(),
            continues,
            halves: SurrogateHalves::default(),
        };
        let call = |id: &str, name: &str, args: &str, long_running| {
            AgentEvent::ToolCall(ToolCall {
                id: Some(id.to_owned()),
                name: name.to_owned(),
                args: args.parse().unwrap(),
                long_running,
                is_preview: true,
                is_beside_question: false,
                origin: origin.clone(),
            })
        };
        let events = AgentEvent::decode_calls("message", data);
        let [thought, b, f, g, c, result, AgentEvent::StateDelta(delta), failure] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!(*thought, AgentEvent::Thought(partial("a", true)));
        assert_eq!(*b, AgentEvent::Text(partial("b", false)));
        assert_eq!(*f, call("1", "f", r#"{"x":1}"#, false));
        assert_eq!(*g, call("2", "g", "{}", true));
        assert_eq!(*c, AgentEvent::Text(partial("c", false)));
        assert!(
            matches!(result, AgentEvent::ToolResult(result) if result.response.as_str() == Some("ok"))
        );
        assert_eq!(delta.as_object().keys().collect::<Vec<_>>(), ["draft", "other"]);
        let draft = delta.draft().as_ref().map(Draft::to_json);
        assert_eq!(draft.as_deref(), Some(r#"{"t":[{"tt":1,"sg":[{"d":1.50}]}]}"#));
        assert_eq!(
            *failure,
            AgentEvent::Error(AgentFailure {
                code: Some("MAX_TOKENS".to_owned()),
                message: "MAX_TOKENS".to_owned(),
                details: None,
            })
        );
    }
}
