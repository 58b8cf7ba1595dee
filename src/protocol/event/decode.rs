//! Decoding the data of a frame to [`AgentEvent`]s. Nothing here fails: see [`AgentEvent::Unknown`].

use super::adk::{AdkEvent, AdkPart};
use super::{AgentEvent, AgentFailure, Origin, TextEvent, TextKind, ToolCall, ToolResult};
use crate::draft::{Json, Object};
use crate::protocol::tolerant::{Fields, text};

const HEARTBEAT: &str = "heartbeat";

pub(super) fn decode(event: &str, data: &str) -> Vec<AgentEvent> {
    let trimmed = data.trim();
    if event == HEARTBEAT || trimmed.is_empty() || trimmed == HEARTBEAT {
        return vec![AgentEvent::Heartbeat];
    }
    let json = trimmed.parse::<Json>().ok();
    let object = json.as_ref().and_then(Json::as_object);
    if let Some(events) = object.and_then(simple) {
        return events;
    }
    let known = object.filter(|object| AdkEvent::is_likely(object)).and_then(|object| {
        let events = adk(object, data);
        // The server's own events have no `type`: one that has, and yields nothing, is unknown.
        (!events.is_empty() || Fields::of(object).get("type").is_none()).then_some(events)
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

/// Reads an event in the simple form: a `type` and its fields.
fn simple(object: &Object) -> Option<Vec<AgentEvent>> {
    let fields = Fields::of(object);
    let origin = Origin::default();
    let id = || fields.get("id").and_then(text);
    let name = || Some(fields.get("name")?.as_str()?.to_owned());
    let event = match fields.get("type")?.as_str()? {
        "text" => {
            let content = fields.get("content").or_else(|| fields.get("text"))?.as_str()?;
            let text = text_event(content.to_owned(), TextKind::Final, &origin);
            return Some(text.map(AgentEvent::Text).into_iter().collect());
        }
        "tool_call" => AgentEvent::ToolCall(ToolCall {
            id: id(),
            name: name()?,
            args: fields.get("args").cloned().unwrap_or_else(|| Object::new().into()),
            long_running: false,
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

fn adk(object: &Object, data: &str) -> Vec<AgentEvent> {
    let (event, is_sound) = AdkEvent::read(object);
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
        let continues = parts.peek().is_some_and(is_text);
        match part {
            AdkPart::Text { text, thought } => {
                let variant = if thought { AgentEvent::Thought } else { AgentEvent::Text };
                let text = text_event(text, kind, &origin);
                events.extend(text.map(|text| variant(TextEvent { continues, ..text })));
            }
            AdkPart::FunctionCall(call) => events.push(AgentEvent::ToolCall(ToolCall {
                long_running: call
                    .id
                    .as_ref()
                    .is_some_and(|id| event.long_running_tool_ids.contains(id)),
                id: call.id,
                name: call.name,
                args: call.args,
                origin: origin.clone(),
            })),
            AdkPart::FunctionResponse(result) => events.push(AgentEvent::ToolResult(ToolResult {
                id: result.id,
                name: result.name,
                response: result.response,
                origin: origin.clone(),
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
        events.push(AgentEvent::Unknown(data.to_owned()));
    }
    events
}

fn text_event(text: String, kind: TextKind, origin: &Origin) -> Option<TextEvent> {
    (!text.is_empty()).then(|| TextEvent { text, kind, origin: origin.clone(), continues: false })
}

/// Whether a part is text for the user.
fn is_text(part: &AdkPart) -> bool {
    matches!(part, AdkPart::Text { text, thought: false } if !text.is_empty())
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

    fn message(data: &str) -> Vec<AgentEvent> {
        decode("message", data)
    }

    fn json(text: &str) -> Json {
        text.parse().unwrap()
    }

    fn unknown(text: &str) -> AgentEvent {
        AgentEvent::Unknown(text.to_owned())
    }

    fn whole(text: &str) -> AgentEvent {
        AgentEvent::Text(TextEvent {
            text: text.to_owned(),
            kind: TextKind::Final,
            origin: Origin::default(),
            continues: false,
        })
    }

    fn error(code: Option<&str>, message: &str, details: Option<Json>) -> AgentEvent {
        let code = code.map(str::to_owned);
        AgentEvent::Error(AgentFailure { code, message: message.to_owned(), details })
    }

    #[test]
    fn every_keep_alive_is_a_heartbeat() {
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
    fn an_event_without_content_yields_nothing() {
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
        let partial = |text: &str, continues| TextEvent {
            text: text.to_owned(),
            kind: TextKind::Partial,
            origin: origin.clone(),
            continues,
        };
        let call = |id: &str, name: &str, args: &str, long_running| {
            AgentEvent::ToolCall(ToolCall {
                id: Some(id.to_owned()),
                name: name.to_owned(),
                args: json(args),
                long_running,
                origin: origin.clone(),
            })
        };
        let events = message(data);
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
    fn a_wrong_type_is_reported_and_costs_nothing_else() {
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
        // Fields that nothing depends on.
        let data = r#"{"content":{"parts":[{"text":"hi"}],"role":[]},"timestamp":"today","id":{}}"#;
        assert_eq!(message(data), [whole("hi")]);
    }

    #[test]
    fn what_is_not_understood_is_passed_on_raw() {
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
    fn the_simple_form_is_read_too() {
        assert_eq!(message(r#"{"type":"text","content":"Hello"}"#), [whole("Hello")]);
        let events = message(r#"{"type":"tool_call","name":"trim","args":{"to":1}}"#);
        assert!(
            matches!(&events[..], [AgentEvent::ToolCall(call)] if call.name == "trim" && call.args == json(r#"{"to":1}"#))
        );
        let events = message(r#"{"type":"tool_result","name":"trim","result":[1e999]}"#);
        assert!(
            matches!(&events[..], [AgentEvent::ToolResult(result)] if result.response == json("[1e999]"))
        );
    }

    #[test]
    fn every_form_of_failure_is_an_error() {
        for (data, code, expected) in [
            (r#"{"errorCode":"E","errorMessage":"busy","author":"a"}"#, Some("E"), "busy"),
            (r#"{"error_message":"busy","error_code":""}"#, None, "busy"),
            (r#"{"error":"boom"}"#, None, "boom"),
            (r#"{"error":{"code":503,"message":"busy"}}"#, Some("503"), "busy"),
            (r#"{"code":1001,"message":"token expired"}"#, Some("1001"), "token expired"),
            (r#"{"detail":"Not Found"}"#, None, "Not Found"),
            (r#"{"type":"error","message":"no"}"#, None, "no"),
        ] {
            assert_eq!(message(data), [error(code, expected, None)], "{data}");
        }
        assert_eq!(decode("error", r#"{"error":"boom"}"#), [error(None, "boom", None)]);
        assert_eq!(decode("error", "it broke"), [error(None, "it broke", None)]);
        let data = r#"{"error":"boom","error_details":{"type":"ValueError"}}"#;
        let details = Some(json(r#"{"type":"ValueError"}"#));
        assert_eq!(message(data), [error(None, "boom", details)]);
    }

    #[test]
    fn a_failure_is_displayed_as_its_code_and_message() {
        for (data, expected) in [
            (r#"{"errorCode":"E","errorMessage":"too busy"}"#, "E: too busy"),
            (r#"{"errorCode":"E"}"#, "E"),
            (r#"{"error":"boom"}"#, "boom"),
        ] {
            let events = message(data);
            let [AgentEvent::Error(failure)] = &events[..] else { panic!("{events:?}") };
            assert_eq!(failure.to_string(), expected);
        }
    }

    #[test]
    fn an_event_with_an_error_keeps_its_text() {
        let data = r#"{"content":{"parts":[{"text":"so far"}]},"error":"boom"}"#;
        assert_eq!(message(data), [whole("so far"), error(None, "boom", None)]);
    }
}
