//! What is said in the sessions, as the page shows it: the newest of it, in memory, and in the store
//! of a backend that is persistent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::local::store::{Change, Store};
use crate::protocol::SessionId;
use crate::protocol::event::{AdkEvent, AdkPart, FunctionCall, Question};
use crate::sync::lock;

/// The sessions with a log. An idle one loses its log first.
pub(crate) const MAX_SESSIONS: usize = 100;
/// The messages and replies of a session that are kept: the newest.
const MAX_ENTRIES: usize = 200;
/// The bytes of all their texts, and of a single one. A message may have megabytes.
const MAX_LOG_BYTES: usize = 256 * 1024;
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The logs of the sessions.
#[derive(Debug)]
pub(crate) struct Watch {
    logs: Mutex<HashMap<SessionId, SessionLog>>,
    store: Arc<Store>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SessionLog {
    pub(super) entries: VecDeque<LogEntry>,
    bytes: usize,
    /// The number of entries so far.
    count: u64,
    /// The number of messages that are in progress.
    pub(super) open: usize,
    /// How often the draft has changed.
    pub(super) changes: u64,
    /// The draft in one line, after so many changes.
    #[serde(skip)]
    pub(super) summary: Option<(u64, String)>,
    /// When the session was created, or its first message was logged. It orders the sessions.
    pub(super) began: SystemTime,
    pub(super) touched: SystemTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogEntry {
    pub(super) n: u64,
    kind: EntryKind,
    text: String,
    /// Milliseconds since 1970.
    at: u64,
    /// Whether a tool succeeded, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EntryKind {
    User,
    Agent,
    Tool,
    Error,
}

impl Watch {
    /// Creates the logs, from those that an earlier process has kept.
    pub(crate) fn new(mut logs: HashMap<SessionId, SessionLog>, store: Arc<Store>) -> Self {
        for log in logs.values_mut().filter(|log| log.open > 0) {
            log.open = 0;
            let tools = log.entries.iter_mut().filter(|entry| entry.kind == EntryKind::Tool);
            tools.for_each(|tool| _ = tool.ok.get_or_insert(false));
            log.add(EntryKind::Error, "the backend has stopped before this ended");
        }
        Self { logs: Mutex::new(logs), store }
    }

    pub(super) fn logs(&self) -> MutexGuard<'_, HashMap<SessionId, SessionLog>> {
        lock(&self.logs)
    }

    /// Begins the log of a new session.
    pub(crate) fn begin(&self, session: &SessionId) {
        self.change(session, |_| ());
        self.keep(session);
    }

    /// Logs a message. Its turn is in progress until the value is dropped.
    pub(crate) fn message(self: &Arc<Self>, session: &SessionId, text: &str) -> TurnLog {
        self.change(session, |log| {
            log.open += 1;
            log.add(EntryKind::User, text);
        });
        self.keep(session);
        TurnLog { watch: Arc::clone(self), session: session.clone() }
    }

    /// Stores the log of a session: at the start and at the end of a message, not with each event.
    fn keep(&self, session: &SessionId) {
        if !self.store.is_persistent() {
            return;
        }
        // Locked until it is written, so that no older one is written after it.
        let logs = self.logs();
        let Some(log) = logs.get(session) else { return };
        match serde_json::to_string(log).map(|log| self.store.write(&[Change::Log(session, &log)]))
        {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the log of a session is not stored"),
            Err(error) => tracing::error!(%error, "the log of a session cannot be written"),
        }
    }

    fn change(&self, session: &SessionId, change: impl FnOnce(&mut SessionLog)) {
        let mut logs = self.logs();
        let log = logs.entry(session.clone()).or_default();
        log.touched = SystemTime::now();
        if log.began == UNIX_EPOCH {
            log.began = log.touched;
        }
        change(log);
        while logs.len() > MAX_SESSIONS {
            let idle = logs.iter().filter(|(_, log)| log.open == 0);
            let oldest = idle.min_by_key(|(_, log)| log.touched).map(|(id, _)| id.clone());
            let Some(oldest) = oldest else { break };
            logs.remove(&oldest);
        }
    }
}

impl Default for SessionLog {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            count: 0,
            open: 0,
            changes: 0,
            summary: None,
            began: UNIX_EPOCH,
            touched: UNIX_EPOCH,
        }
    }
}

impl SessionLog {
    fn add(&mut self, kind: EntryKind, text: &str) {
        let text = bounded(text);
        self.bytes += text.len();
        let at = millis(SystemTime::now());
        self.entries.push_back(LogEntry { n: self.count, kind, text, at, ok: None });
        self.count += 1;
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_LOG_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.text.len();
        }
    }

    fn add_event(&mut self, event: &AdkEvent) {
        for part in event.content.iter().flat_map(|content| &content.parts) {
            match part {
                AdkPart::Text { text, .. } => self.add(EntryKind::Agent, text),
                AdkPart::FunctionCall(call) if call.name == Question::TOOL => {
                    self.add(EntryKind::Agent, &prompts(call));
                }
                AdkPart::FunctionCall(call) => self.add(EntryKind::Tool, &call.name),
                AdkPart::FunctionResponse(result) => {
                    let is_it = |entry: &&mut LogEntry| {
                        entry.kind == EntryKind::Tool
                            && entry.ok.is_none()
                            && entry.text == result.name
                    };
                    if let Some(call) = self.entries.iter_mut().rev().find(is_it) {
                        let status = result.response.get("status").and_then(|it| it.as_str());
                        call.ok = Some(status != Some("error"));
                    }
                }
                _ => {}
            }
        }
        if let Some(message) = &event.error_message {
            self.add(EntryKind::Error, message);
        }
        self.changes += u64::from(!event.actions.state_delta.is_empty());
    }
}

/// Returns the agent's questions, a line for each.
fn prompts(call: &FunctionCall) -> String {
    let questions = call.args.get("questions").and_then(|it| it.as_array()).unwrap_or_default();
    let prompt = questions.iter().filter_map(|question| question.get("prompt")?.as_str());
    prompt.map(|prompt| format!("• {prompt}")).collect::<Vec<_>>().join("\n")
}

pub(super) fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    match text.len() - end {
        0 => text.to_owned(),
        more => format!("{}… ({more} bytes more)", &text[..end]),
    }
}

pub(super) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The log of one message, which is in progress until this is dropped.
#[derive(Debug)]
pub(crate) struct TurnLog {
    watch: Arc<Watch>,
    session: SessionId,
}

impl TurnLog {
    /// Logs an event, unless it is a part of one that comes whole later.
    pub(crate) fn event(&self, event: &AdkEvent) {
        if !event.partial {
            self.watch.change(&self.session, |log| log.add_event(event));
        }
    }

    pub(crate) fn error(&self, message: &str) {
        self.watch.change(&self.session, |log| log.add(EntryKind::Error, message));
    }
}

impl Drop for TurnLog {
    fn drop(&mut self) {
        self.watch.change(&self.session, |log| log.open = log.open.saturating_sub(1));
        self.watch.keep(&self.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_a_process_left_is_no_longer_in_progress() {
        let session = SessionId::from("s");
        let watch = Arc::new(Watch::new(HashMap::new(), Arc::default()));
        drop(watch.message(&session, "one"));
        let _turn = watch.message(&session, "two");
        watch.change(&session, |log| log.add(EntryKind::Tool, "finish_video"));
        let stored = serde_json::to_string(&watch.logs()[&session]).unwrap();
        let log = serde_json::from_str(&stored).unwrap();
        let again = Watch::new(HashMap::from([(session.clone(), log)]), Arc::default());
        let logs = again.logs();
        let log = &logs[&session];
        let kinds: Vec<EntryKind> = log.entries.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [EntryKind::User, EntryKind::User, EntryKind::Tool, EntryKind::Error]);
        assert_eq!((log.open, log.entries[2].ok, log.entries[3].n), (0, Some(false), 3));
    }
}
