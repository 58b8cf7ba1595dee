//! Tool calls that come as a preview and then as a whole, passed on once.

use super::{AgentEvent, Origin, ToolCall};

/// The number of previews that are held at a time. A model calls few tools at once; more than that
/// must not fill the memory.
const MAX_HELD: usize = 64;

/// Holds the previews of tool calls back until the call itself comes.
///
/// The server sends a call in an event with `"partial":true` first, with a preview of its
/// arguments, and repeats it with the final ones; the two may have different ids. A preview whose
/// call never comes is passed on before the result of the call, or at the end of the stream.
#[derive(Debug, Default)]
pub(crate) struct PreviewFilter {
    held: Vec<Held>,
    /// The number of frames so far.
    frames: u64,
}

#[derive(Debug)]
struct Held {
    call: ToolCall,
    /// The frame that the preview came in.
    frame: u64,
}

impl PreviewFilter {
    /// Returns what to pass on of the events of one frame.
    pub(crate) fn push(&mut self, events: Vec<AgentEvent>) -> Vec<AgentEvent> {
        self.frames += 1;
        let is_of_tool = |event: &AgentEvent| {
            matches!(event, AgentEvent::ToolCall(_) | AgentEvent::ToolResult(_))
        };
        if !events.iter().any(is_of_tool) {
            return events;
        }
        let mut passed = Vec::with_capacity(events.len());
        for event in events {
            match &event {
                AgentEvent::ToolCall(call) if call.is_preview => {
                    self.hold(call.clone());
                    if self.held.len() > MAX_HELD {
                        passed.push(AgentEvent::ToolCall(self.held.remove(0).call));
                    }
                    continue;
                }
                AgentEvent::ToolCall(call) => {
                    self.held.retain(|held| !is_same(&held.call, call));
                }
                AgentEvent::ToolResult(result) => {
                    let is_of_result = |held: &Held| match (&held.call.id, &result.id) {
                        (Some(held), Some(id)) => held == id,
                        _ => held.call.name == result.name,
                    };
                    if let Some(at) = self.held.iter().position(is_of_result) {
                        passed.push(AgentEvent::ToolCall(self.held.remove(at).call));
                    }
                }
                _ => {}
            }
            passed.push(event);
        }
        AgentEvent::with_questions(passed)
    }

    /// Returns the previews whose calls never came.
    pub(crate) fn finish(self) -> Vec<AgentEvent> {
        let calls = self.held.into_iter().map(|held| AgentEvent::ToolCall(held.call));
        AgentEvent::with_questions(calls.collect())
    }

    fn hold(&mut self, call: ToolCall) {
        let frame = self.frames;
        // Without ids, two calls of one frame look the same.
        let is_earlier = |held: &&mut Held| {
            held.frame != frame || (call.id.is_some() && held.call.id == call.id)
        };
        let is_same = |held: &&mut Held| held.call.id == call.id && held.call.name == call.name;
        match self.held.iter_mut().filter(is_same).find(is_earlier) {
            // A later preview of the same call.
            Some(held) => *held = Held { call, frame },
            None => self.held.push(Held { call, frame }),
        }
    }
}

/// Whether a preview is of this call: by its id, or by its tool in the same turn, since the final
/// event repeats all calls of its previews.
fn is_same(preview: &ToolCall, call: &ToolCall) -> bool {
    let source = |origin: &Origin| (origin.invocation_id.clone(), origin.author.clone());
    (preview.id.is_some() && preview.id == call.id)
        || (preview.name == call.name && source(&preview.origin) == source(&call.origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call in an event, as `functionCall` or as `functionResponse`.
    fn event(kind: &str, id: &str, partial: bool, args: &str) -> String {
        let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
        format!(
            r#"{{"content":{{"parts":[{{"{kind}":{{{id}"name":"cut","args":{args}}}}}]}},
                "partial":{partial},"author":"a"}}"#
        )
    }

    /// Returns what is passed on, each call with its arguments.
    fn passed(stream: &[String]) -> Vec<String> {
        let mut filter = PreviewFilter::default();
        let mut passed: Vec<_> = stream
            .iter()
            .flat_map(|data| filter.push(AgentEvent::decode_calls("message", data)))
            .collect();
        passed.extend(filter.finish());
        let line = |event: &AgentEvent| match event {
            AgentEvent::ToolCall(call) => format!("call {}", call.args),
            other => other.kind().to_owned(),
        };
        passed.iter().map(line).collect()
    }

    #[test]
    fn a_call_with_previews_is_one_call() {
        let preview = |id, args| event("functionCall", id, true, args);
        let two = |a: &str, b: &str| {
            let call = |args| format!(r#"{{"functionCall":{{"name":"cut","args":{args}}}}}"#);
            format!(r#"{{"content":{{"parts":[{},{}]}},"partial":true}}"#, call(a), call(b))
        };
        let call = |id, args| event("functionCall", id, false, args);
        let result = |id| event("functionResponse", id, false, "{}");
        for (stream, expected) in [
            (vec![preview("1", "{}"), call("1", "[1]"), result("1")], "call [1]|tool_result"),
            (vec![preview("1", "{}"), preview("1", "[0]"), call("1", "[1]")], "call [1]"),
            (vec![preview("", "{}"), call("", "[1]"), result("")], "call [1]|tool_result"),
            // The server may give the preview an id of its own.
            (vec![preview("1", "{}"), call("2", "[1]"), result("2")], "call [1]|tool_result"),
            (vec![preview("1", "[0]"), result("1")], "call [0]|tool_result"),
            (vec![preview("1", "[0]")], "call [0]"),
            // Two calls of one event without ids, previewed twice.
            (vec![two("[0]", "[1]"), two("[2]", "[3]")], "call [2]|call [3]"),
            (vec![call("1", "[1]"), call("2", "[1]")], "call [1]|call [1]"),
            (
                vec![preview("1", "{}"), preview("2", "{}"), call("1", "[1]"), call("2", "[2]")],
                "call [1]|call [2]",
            ),
        ] {
            assert_eq!(passed(&stream).join("|"), expected, "{stream:?}");
        }
    }

    #[test]
    fn a_question_with_a_preview_is_asked_once() {
        let ask = |partial| {
            event("functionCall", "1", partial, r#"{"question":"Which?"}"#)
                .replace("cut", "ask_question")
        };
        assert_eq!(passed(&[ask(true), ask(false)]), ["question"]);
        assert_eq!(passed(&[ask(true)]), ["question"]);
    }
}
