//! The data of a frame → what the agent said. Infallible: see [`AgentEvent::Unknown`].

use super::adk::{AdkEvent, Part, Soundness, field, word};
use super::plain::PlainEvent;
use super::{AgentEvent, AgentFailure, Origin, TextEvent, TextKind, ToolCall, ToolResult};
use crate::draft::{Json, Object};

const HEARTBEAT: &str = "heartbeat";

pub(super) fn decode(event: &str, data: &str) -> Vec<AgentEvent> {
    let trimmed = data.trim();
    if event == HEARTBEAT || trimmed.is_empty() || trimmed == HEARTBEAT {
        return vec![AgentEvent::Heartbeat];
    }
    let json = trimmed.parse::<Json>().ok();
    let object = json.as_ref().and_then(Json::as_object);
    if let Some(event) = object.and_then(PlainEvent::read) {
        return plain(event);
    }
    let known = object.filter(|object| AdkEvent::is_likely(object)).and_then(|object| {
        let events = adk(object, data);
        // The server's own events have no `type`: with one, nothing found is nothing understood.
        (!events.is_empty() || field(object, "type").is_none()).then_some(events)
    });
    let failed = object.and_then(failure);
    match (known, failed) {
        (None, None) if event == "error" => vec![AgentEvent::Error(AgentFailure {
            code: None,
            message: trimmed.to_owned(),
            details: None,
        })],
        (None, None) => vec![AgentEvent::Unknown(data.to_owned())],
        (known, failed) => {
            let mut events = known.unwrap_or_default();
            events.extend(failed.map(AgentEvent::Error));
            events
        }
    }
}

fn plain(event: PlainEvent) -> Vec<AgentEvent> {
    let origin = Origin::default();
    match event {
        PlainEvent::Text { content } => {
            text(content, TextKind::Final, &origin).map(AgentEvent::Text).into_iter().collect()
        }
        PlainEvent::ToolCall { id, name, args } => vec![AgentEvent::ToolCall(ToolCall {
            id,
            name,
            args: args.to_value(),
            long_running: false,
            origin,
        })],
        PlainEvent::ToolResult { id, name, result } => vec![AgentEvent::ToolResult(ToolResult {
            id,
            name,
            response: result.to_value(),
            origin,
        })],
        PlainEvent::Heartbeat => vec![AgentEvent::Heartbeat],
    }
}

fn adk(object: &Object, data: &str) -> Vec<AgentEvent> {
    let (event, soundness) = AdkEvent::read(object);
    let some = |id: String| (!id.is_empty()).then_some(id);
    let origin = Origin {
        event_id: some(event.id),
        invocation_id: some(event.invocation_id),
        author: some(event.author),
    };
    let kind = if event.partial { TextKind::Partial } else { TextKind::Final };

    let mut events = Vec::new();
    let mut parts = event.content.unwrap_or_default().parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let more = parts.peek().is_some_and(is_text);
        match part {
            Part::Text { text: words, thought } => {
                let event = if thought { AgentEvent::Thought } else { AgentEvent::Text };
                let text = text(words, kind, &origin);
                events.extend(text.map(|text| TextEvent { more, ..text }).map(event));
            }
            Part::FunctionCall(call) => events.push(AgentEvent::ToolCall(ToolCall {
                long_running: call
                    .id
                    .as_ref()
                    .is_some_and(|id| event.long_running_tool_ids.contains(id)),
                id: call.id,
                name: call.name,
                args: call.args.to_value(),
                origin: origin.clone(),
            })),
            Part::FunctionResponse(result) => events.push(AgentEvent::ToolResult(ToolResult {
                id: result.id,
                name: result.name,
                response: result.response.to_value(),
                origin: origin.clone(),
            })),
            Part::Unknown(json) => events.push(AgentEvent::Unknown(json.to_string())),
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
    if soundness == Soundness::Broken {
        events.push(AgentEvent::Unknown(data.to_owned()));
    }
    events
}

fn text(text: String, kind: TextKind, origin: &Origin) -> Option<TextEvent> {
    (!text.is_empty()).then(|| TextEvent { text, kind, origin: origin.clone(), more: false })
}

/// Whether a part is text for the user.
fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text { text, thought: false } if !text.is_empty())
}

/// A failure outside of the events' own form: after an exception in the agent
/// (`{"error":…,"error_details":…}`), in the form of the other calls (`{"code":…,"message":…}`),
/// or of the web framework below (`{"detail":…}`).
fn failure(object: &Object) -> Option<AgentFailure> {
    let is_error = field(object, "type").and_then(Json::as_str) == Some("error");
    let details = field(object, "errorDetails").or_else(|| field(object, "details"));
    let details = details.map(Json::to_value);
    // `"error":false` and `"error":""` state that there is none.
    let is_error_value = |json: &&Json| json.as_bool() != Some(false) && json.as_str() != Some("");
    if let Some(error) = field(object, "error").filter(is_error_value) {
        let (code, message) = match error.as_object() {
            Some(error) => (
                field(error, "code").or_else(|| field(error, "status")),
                field(error, "message").and_then(word),
            ),
            None => (field(object, "code"), word(error)),
        };
        let message = message.unwrap_or_else(|| error.to_string());
        return Some(AgentFailure { code: code.and_then(word), message, details });
    }
    let code = field(object, "code").and_then(word).filter(|code| code != "0");
    let message = field(object, "message").and_then(word);
    if let Some(message) = message.filter(|_| is_error || code.is_some()) {
        return Some(AgentFailure { code, message, details });
    }
    if is_error {
        let message = field(object, "content").and_then(word);
        let message = message.unwrap_or_else(|| object.to_string());
        return Some(AgentFailure { code, message, details });
    }
    let detail = field(object, "detail").filter(|_| object.len() == 1)?;
    let message = word(detail).unwrap_or_else(|| detail.to_string());
    Some(AgentFailure { code, message, details })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::draft::Draft;

    fn message(data: &str) -> Vec<AgentEvent> {
        decode("message", data)
    }

    fn unknown(text: &str) -> AgentEvent {
        AgentEvent::Unknown(text.to_owned())
    }

    fn whole(text: &str) -> AgentEvent {
        AgentEvent::Text(TextEvent {
            text: text.to_owned(),
            kind: TextKind::Final,
            origin: Origin::default(),
            more: false,
        })
    }

    fn error(code: Option<&str>, message: &str, details: Option<Value>) -> AgentEvent {
        let code = code.map(str::to_owned);
        AgentEvent::Error(AgentFailure { code, message: message.to_owned(), details })
    }

    #[test]
    fn every_sign_of_life_is_a_heartbeat() {
        for (event, data) in [
            ("message", ""),
            ("message", " "),
            ("message", "heartbeat"),
            ("message", r#"{"type":"heartbeat"}"#),
            ("heartbeat", ""),
            ("heartbeat", r#"{"ts":1}"#),
            ("heartbeat", "{"),
        ] {
            assert_eq!(decode(event, data), [AgentEvent::Heartbeat], "{event}: {data}");
        }
    }

    #[test]
    fn an_event_that_carries_nothing_is_nothing() {
        for data in [
            r#"{"content":{"parts":[],"role":"model"},"author":"a"}"#,
            r#"{"content":{"role":"model"}}"#,
            r#"{"content":{"parts":null}}"#,
            r#"{"content":{"parts":[{"text":""},{"text":null},{}]}}"#,
            r#"{"author":"a","actions":{"stateDelta":{}}}"#,
            r#"{"content":null,"author":"a","errorCode":null,"error":null}"#,
            r#"{"usageMetadata":{"totalTokenCount":7}}"#,
            r#"{"turn_complete":true}"#,
            r#"{"type":"text","content":""}"#,
        ] {
            assert_eq!(message(data), [], "{data}");
        }
    }

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
        let piece = |text: &str, more| TextEvent {
            text: text.to_owned(),
            kind: TextKind::Partial,
            origin: origin.clone(),
            more,
        };
        let call = |id: &str, name: &str, args: Value, long_running| {
            AgentEvent::ToolCall(ToolCall {
                id: Some(id.to_owned()),
                name: name.to_owned(),
                args,
                long_running,
                origin: origin.clone(),
            })
        };
        let events = message(data);
        let [thought, b, f, g, c, result, AgentEvent::StateDelta(delta), failure] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!(*thought, AgentEvent::Thought(piece("a", true)));
        assert_eq!(*b, AgentEvent::Text(piece("b", false)));
        assert_eq!(*f, call("1", "f", serde_json::json!({"x":1}), false));
        assert_eq!(*g, call("2", "g", serde_json::json!({}), true));
        assert_eq!(*c, AgentEvent::Text(piece("c", false)));
        assert!(matches!(result, AgentEvent::ToolResult(result) if result.response == "ok"));
        assert_eq!(delta.keys().collect::<Vec<_>>(), ["draft", "other"]);
        let draft = delta.draft().as_ref().map(Draft::to_json);
        assert_eq!(draft.as_deref(), Some(r#"{"t":[{"tt":1,"sg":[{"d":1.50}]}]}"#));
        assert_eq!(*failure, error(Some("MAX_TOKENS"), "MAX_TOKENS", None));
    }

    #[test]
    fn one_unknown_part_costs_none_of_the_others() {
        let data = r#"{"content":{"parts":[{"text":"a"},{"inlineData":{"data":"AA==","n":1.0}},
            {"fileData":{"fileUri":"x"}},{"hologram":[]},7,null,{"text":5},{"functionCall":"f"},
            {"functionCall":{"args":{}}},{"text":"b","functionResponse":[]},{"text":"c"}]}}"#;
        assert_eq!(
            message(data),
            [
                whole("a"),
                unknown(r#"{"inlineData":{"data":"AA==","n":1.0}}"#),
                unknown(r#"{"fileData":{"fileUri":"x"}}"#),
                unknown(r#"{"hologram":[]}"#),
                unknown("7"),
                unknown("null"),
                unknown(r#"{"text":5}"#),
                unknown(r#"{"functionCall":"f"}"#),
                unknown(r#"{"functionCall":{"args":{}}}"#),
                whole("b"),
                unknown(r#"{"text":"b","functionResponse":[]}"#),
                whole("c"),
            ]
        );
    }

    #[test]
    fn a_wrong_type_is_told_and_costs_nothing_else() {
        for data in [
            r#"{"content":5,"actions":{"stateDelta":{"a":1}}}"#,
            r#"{"content":{"parts":"x"},"actions":{"stateDelta":{"a":1}}}"#,
            r#"{"partial":"yes","actions":{"stateDelta":{"a":1}}}"#,
            r#"{"errorCode":[],"actions":{"stateDelta":{"a":1}}}"#,
            r#"{"longRunningToolIds":"x","actions":{"stateDelta":{"a":1}}}"#,
        ] {
            let delta = AgentEvent::StateDelta(Object::from([("a", 1)]).into());
            assert_eq!(message(data), [delta, unknown(data)]);
        }
        for data in [
            r#"{"content":{"parts":[{"text":"hi"}]},"actions":[]}"#,
            r#"{"content":{"parts":[{"text":"hi"}]},"actions":{"stateDelta":7}}"#,
        ] {
            assert_eq!(message(data), [whole("hi"), unknown(data)]);
        }
        // What nobody reads cannot be wrong.
        let data = r#"{"content":{"parts":[{"text":"hi"}],"role":[]},"timestamp":"today","id":{}}"#;
        assert_eq!(message(data), [whole("hi")]);
    }

    #[test]
    fn what_is_not_understood_is_handed_on_raw() {
        let deep = format!("{{\"content\":{}1{}}}", "[".repeat(500), "]".repeat(500));
        for data in [
            "{\"content\":{\"parts\":[",
            "[DONE]",
            "null",
            "7",
            "[]",
            "{}",
            " {\"foo\" : 1.0} ",
            r#"{"type":"poem","verse":1}"#,
            r#"{"type":"tool_call","args":{}}"#,
            r#"{"type":"text","content":{"html":"<p>"}}"#,
            r#"{"code":0,"message":"ok","data":{}}"#,
            "plain words",
            "\u{fffd}",
            &deep,
        ] {
            assert_eq!(message(data), [unknown(data)]);
        }
    }

    #[test]
    fn the_simple_form_says_the_same() {
        assert_eq!(message(r#"{"type":"text","content":"Hello"}"#), [whole("Hello")]);
        let events = message(r#"{"type":"tool_call","name":"trim","args":{"to":1}}"#);
        assert!(
            matches!(&events[..], [AgentEvent::ToolCall(call)] if call.name == "trim" && call.args["to"] == 1)
        );
        let events = message(r#"{"type":"tool_result","name":"trim","result":[1e999]}"#);
        assert!(
            matches!(&events[..], [AgentEvent::ToolResult(result)] if result.response[0] == "1e999")
        );
    }

    #[test]
    fn every_form_of_failure_is_an_error() {
        let details = || Some(serde_json::json!({"type":"ValueError"}));
        for (event, data, expected) in [
            (
                "message",
                r#"{"errorCode":"RESOURCE_EXHAUSTED","errorMessage":"model overloaded","author":"a"}"#,
                error(Some("RESOURCE_EXHAUSTED"), "model overloaded", None),
            ),
            (
                "message",
                r#"{"error_message":"model overloaded","error_code":""}"#,
                error(None, "model overloaded", None),
            ),
            (
                "message",
                r#"{"error":"boom","error_details":{"type":"ValueError"}}"#,
                error(None, "boom", details()),
            ),
            (
                "message",
                r#"{"error":{"code":503,"message":"busy"}}"#,
                error(Some("503"), "busy", None),
            ),
            (
                "message",
                r#"{"code":1001,"message":"token expired"}"#,
                error(Some("1001"), "token expired", None),
            ),
            ("message", r#"{"detail":"Not Found"}"#, error(None, "Not Found", None)),
            ("message", r#"{"type":"error","message":"no"}"#, error(None, "no", None)),
            ("error", "it broke", error(None, "it broke", None)),
            ("error", r#"{"error":"boom"}"#, error(None, "boom", None)),
        ] {
            assert_eq!(decode(event, data), [expected], "{data}");
        }
    }

    #[test]
    fn a_failure_reads_as_its_code_and_message() {
        let read = |data| match &message(data)[..] {
            [AgentEvent::Error(failure)] => failure.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(read(r#"{"errorCode":"E","errorMessage":"too busy"}"#), "E: too busy");
        assert_eq!(read(r#"{"errorCode":"E"}"#), "E");
        assert_eq!(read(r#"{"error":"boom"}"#), "boom");
    }

    #[test]
    fn an_event_with_an_error_keeps_what_it_says() {
        let data = r#"{"content":{"parts":[{"text":"so far"}]},"error":"boom"}"#;
        assert_eq!(message(data), [whole("so far"), error(None, "boom", None)]);
    }
}
