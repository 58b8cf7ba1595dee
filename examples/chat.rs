//! One message to an existing session.
//!
//! ```sh
//! cargo run --example chat -- --session s_1 --api http://127.0.0.1:8787 "add a title 'Morning Brew'"
//! ```
//!
//! Where the agent asks a question, a line of the standard input is the reply to it.
//!
//! With `--json` each decoded event is a line, except thoughts and changes of the state; the last
//! line has the whole text once, the number of thoughts, and the names of what changed.

mod support;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::SessionId;
use nemovideo::client::MessageStream;
use nemovideo::project::QuestionResponse;
use nemovideo::protocol::event::{AgentEvent, Question, TextAccumulator, TextDelta, TextKind};
use serde_json::json;

use support::output::{print_json, print_line, print_text};
use support::{Connection, Result};

/// Sends a message to an existing session and prints the agent's text.
#[derive(Debug, Parser)]
struct Args {
    /// The id of the session.
    #[arg(long, value_name = "ID")]
    session: String,
    /// Connect to the service at this URL, in place of NEMO_API_URL or the cloud.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// Print the text while the agent writes it.
    #[arg(long)]
    streaming: bool,
    /// Print each event as JSON, one object in each line.
    #[arg(long)]
    json: bool,
    /// The text of the message.
    message: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    support::run(args.json, chat(args)).await
}

async fn chat(args: Args) -> Result<()> {
    let client = Connection::remote(args.api.as_deref())?.client;
    let session = SessionId::new(args.session);
    let mut text = args.message;
    loop {
        let mut message = client.send_message(&session, text);
        if args.streaming {
            message = message.streaming();
        }
        let started = Instant::now();
        let events = message.await?;
        if args.json {
            return print_events(events, started).await;
        }
        let (has_text, question) = print_text_of(events).await?;
        if let Some(reply) = question.as_ref().and_then(reply_to) {
            text = reply;
            continue;
        }
        if !has_text {
            // Normal after an edit: the session's state shows what it did.
            let draft = client.session_state(&session).await?.draft.unwrap_or_default();
            print_line(&format!("(no text) {}", draft.summary()));
        }
        return Ok(());
    }
}

/// Prints the agent's text as it is received. Returns whether there was any, and the question that
/// it ended with.
async fn print_text_of(events: MessageStream) -> Result<(bool, Option<Question>)> {
    let mut text = events.text();
    let (mut has_text, mut failure) = (false, None);
    while let Some(delta) = text.next().await {
        match delta {
            Ok(delta) => {
                has_text = true;
                print_text(&delta);
            }
            // More text may follow. The first failure is the cause of the others.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if has_text {
        print_line("");
    }
    let question = text.question().cloned();
    failure.map_or(Ok((has_text, question)), |error| Err(error.into()))
}

/// Reads the user's reply to a question: an option by its number or name, or any text.
fn reply_to(question: &Question) -> Option<String> {
    print_text("> ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).ok()?;
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let response = QuestionResponse::parse(question, line);
    Some(response.and_then(|r| r.message(question).ok()).unwrap_or_else(|| line.to_owned()))
}

/// Prints each event as a JSON line, then a summary.
async fn print_events(mut events: MessageStream, started: Instant) -> Result<()> {
    let mut accumulator = TextAccumulator::new();
    let (mut text, mut thoughts, mut failure) = (String::new(), 0, None);
    let mut state_changed = BTreeSet::new();
    while let Some(event) = events.next().await {
        let event = event?;
        text += accumulator.push(&event).and_then(TextDelta::text).unwrap_or_default();
        let fields = match &event {
            AgentEvent::Text(text) => {
                json!({ "text": text.text, "partial": text.kind == TextKind::Partial })
            }
            AgentEvent::ToolCall(call) => {
                json!({ "id": call.id, "name": call.name, "args": call.args })
            }
            AgentEvent::Question(question) => json!({ "question": question }),
            AgentEvent::ToolResult(result) => {
                json!({ "id": result.id, "name": result.name, "result": result.response })
            }
            AgentEvent::Heartbeat => json!({}),
            AgentEvent::Error(error) => {
                failure = failure.or(Some(format!("the agent failed: {}", error.message)));
                json!({ "code": error.code, "message": error.message })
            }
            AgentEvent::Unknown(raw) => json!({ "raw": raw }),
            // Thoughts are not for the user. The summary names the changes of the state.
            AgentEvent::Thought(_) => {
                thoughts += 1;
                continue;
            }
            AgentEvent::StateDelta(delta) => {
                state_changed.extend(delta.as_object().keys().map(str::to_owned));
                continue;
            }
            _ => continue,
        };
        print_json(event.kind(), fields);
    }
    let end = json!({
        "text": text,
        "thoughts": thoughts,
        "state_changed": state_changed,
        "elapsed_ms": started.elapsed().as_millis(),
    });
    print_json("end", end);
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}
