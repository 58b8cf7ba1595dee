//! One message to an existing session.
//!
//! ```sh
//! cargo run --example chat -- --session s_1 --api http://127.0.0.1:8787 "add a title 'Morning Brew'"
//! ```
//!
//! With `--json` each decoded event is a line, and the last line holds all text once.

mod support;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::SessionId;
use nemovideo::protocol::event::{AgentEvent, TextAccumulator, TextKind};
use serde_json::{Value, json};

use support::{Connection, Failure, Result, Service};

/// Says something to a session.
#[derive(Debug, Parser)]
struct Args {
    /// The session.
    #[arg(long, value_name = "ID")]
    session: String,
    /// Talk to the service at this address instead of the cloud.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// Ask for partial text while it is made.
    #[arg(long)]
    streaming: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// What to say.
    message: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    support::run(args.json, chat(args)).await
}

async fn chat(args: Args) -> Result<()> {
    let service = args.api.map_or(Service::Cloud, Service::At);
    let Connection { client, .. } = support::connect(service).await?;
    let session = SessionId::new(args.session);
    let mut message = client.send_message(&session, args.message);
    if args.streaming {
        message = message.streaming();
    }
    let began = Instant::now();
    let mut events = message.await?;
    let mut seen = Seen::default();
    while let Some(event) = events.next().await {
        let event = event?;
        seen.note(&event, args.json);
    }
    if args.json {
        support::line(
            "end",
            json!({
                "text": seen.text,
                "thoughts": seen.thoughts,
                "state_changed": seen.state_changed,
                "elapsed_ms": began.elapsed().as_millis(),
            }),
        );
    } else if !seen.text.is_empty() {
        support::say("");
    } else if seen.failure.is_none() {
        let changed = match seen.state_changed.is_empty() {
            true => "nothing".to_owned(),
            false => seen.state_changed.join(", "),
        };
        support::say(&format!("(no words; changed: {changed})"));
    }
    match seen.failure {
        Some(failure) => Err(Failure::new(format!("the agent failed: {failure}"))),
        None => Ok(()),
    }
}

/// What the stream has told so far.
#[derive(Default)]
struct Seen {
    once: TextAccumulator,
    text: String,
    thoughts: usize,
    state_changed: Vec<String>,
    failure: Option<String>,
    /// The last words were whole, or a tool was used since: what follows is another message.
    between: bool,
}

impl Seen {
    fn note(&mut self, event: &AgentEvent, json: bool) {
        if let Some(fresh) = self.once.push(event).and_then(|fresh| fresh.text()) {
            if !json {
                let is_apart = self.text.ends_with(char::is_whitespace)
                    || fresh.starts_with(char::is_whitespace);
                if std::mem::take(&mut self.between) && !is_apart {
                    support::say("");
                }
                support::say_on(fresh);
            }
            self.text.push_str(fresh);
        }
        match event {
            AgentEvent::Thought(_) => self.thoughts += 1,
            AgentEvent::StateDelta(delta) => {
                for key in delta.as_object().keys() {
                    if !self.state_changed.iter().any(|known| known == key) {
                        self.state_changed.push(key.to_owned());
                    }
                }
            }
            // The first says what happened; what follows says that the stream ends.
            AgentEvent::Error(failure) => {
                self.failure.get_or_insert_with(|| failure.message.clone());
            }
            AgentEvent::Text(text) if text.kind == TextKind::Partial => {}
            AgentEvent::Text(_) | AgentEvent::ToolResult(_) => self.between = !self.text.is_empty(),
            _ => {}
        }
        if let Some((kind, fields)) = json.then(|| as_json(event)).flatten() {
            support::line(kind, fields);
        }
    }
}

/// The line of an event. Thoughts are not for the user, and what changed in the state is summed
/// up at the end.
fn as_json(event: &AgentEvent) -> Option<(&'static str, Value)> {
    let fields = match event {
        AgentEvent::Text(text) => {
            json!({ "text": text.text, "partial": text.kind == TextKind::Partial })
        }
        AgentEvent::ToolCall(call) => {
            json!({ "id": call.id, "name": call.name, "args": call.args })
        }
        AgentEvent::ToolResult(result) => {
            json!({ "id": result.id, "name": result.name, "result": result.response })
        }
        AgentEvent::Heartbeat => json!({}),
        AgentEvent::Error(failure) => json!({ "code": failure.code, "message": failure.message }),
        AgentEvent::Unknown(raw) => json!({ "raw": raw }),
        _ => return None,
    };
    Some((event.kind(), fields))
}
