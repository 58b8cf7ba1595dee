//! What a turn says, in the shape of the agent server: events with ids and times, partial text
//! when it is asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

use crate::draft::{Json, Object};
use crate::protocol::AGENT_NAME;
use crate::protocol::event::{AdkContent, AdkEvent, AdkPart, FunctionCall, FunctionResponse};

/// Sends the events of one turn. Whether anybody still listens makes no difference to it.
#[derive(Clone, Debug)]
pub(in crate::local) struct Emitter {
    invocation: String,
    streaming: bool,
    to: UnboundedSender<AdkEvent>,
}

/// A call of a tool that waits for its result.
#[derive(Debug)]
pub(super) struct Call {
    id: String,
    name: &'static str,
}

impl Emitter {
    pub(in crate::local) fn new(streaming: bool, to: UnboundedSender<AdkEvent>) -> Self {
        Self { invocation: format!("e-{}", Uuid::new_v4()), streaming, to }
    }

    pub(super) fn text(&self, text: &str) {
        self.say(text, Vec::new());
    }

    /// A call of a tool, with a word on it before when there is one.
    pub(super) fn call(&self, text: &str, name: &'static str, args: &Value) -> Call {
        let call = Call { id: format!("adk-{}", Uuid::new_v4()), name };
        let part = FunctionCall {
            id: Some(call.id.clone()),
            name: name.to_owned(),
            args: Json::from_value(args),
        };
        self.say(text, vec![AdkPart::FunctionCall(part)]);
        call
    }

    /// What the tool gave back, and what it changed in the state.
    pub(super) fn result(&self, call: Call, response: &Value, delta: Object) {
        let part = FunctionResponse {
            id: Some(call.id),
            name: call.name.to_owned(),
            response: Json::from_value(response),
        };
        let mut event = self.event();
        event.content = Some(AdkContent::user(vec![AdkPart::FunctionResponse(part)]));
        event.actions.state_delta = delta;
        self.send(event);
    }

    pub(in crate::local) fn error(&self, code: &str, message: &str) {
        let mut event = self.event();
        event.error_code = Some(code.to_owned());
        event.error_message = Some(message.to_owned());
        self.send(event);
    }

    /// Text and what comes with it; in pieces first, then whole under the same id.
    fn say(&self, text: &str, others: Vec<AdkPart>) {
        let whole = self.event();
        let said = |text: &str, others: Vec<AdkPart>| {
            let text = (!text.is_empty()).then(|| AdkPart::text(text));
            let mut event = whole.clone();
            event.timestamp = now();
            event.content = Some(AdkContent::model(text.into_iter().chain(others).collect()));
            event
        };
        if self.streaming {
            for piece in text.split_inclusive(' ') {
                let mut partial = said(piece, Vec::new());
                partial.partial = true;
                self.send(partial);
            }
        }
        self.send(said(text, others));
    }

    fn event(&self) -> AdkEvent {
        AdkEvent {
            invocation_id: self.invocation.clone(),
            author: AGENT_NAME.to_owned(),
            id: Uuid::new_v4().to_string(),
            timestamp: now(),
            ..AdkEvent::default()
        }
    }

    fn send(&self, event: AdkEvent) {
        // The caller may have hung up. The work was paid for and goes on.
        let _ = self.to.send(event);
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
