//! What is being made: sessions, the work in each, and what can be undone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use uuid::Uuid;

use super::engine::Delivery;
use super::library::StoredFile;
use crate::draft::{Draft, Json};
use crate::protocol::{Aspect, CreateSession, Session as SessionAnswer, SessionId, TaskId, UserId};
use crate::protocol::{FileType, SessionState, StateResponse};

/// As many turns as can be taken back.
const MAX_UNDO: usize = 50;

#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<SessionId, Arc<Session>>>);

impl Sessions {
    pub(super) fn open(&self, user: UserId, new: CreateSession) -> Arc<Session> {
        let session = Arc::new(Session {
            id: SessionId::new(Uuid::new_v4().to_string()),
            task: TaskId::new(Uuid::new_v4().to_string()),
            user,
            name: new.task_name,
            language: new.language,
            turn: Arc::default(),
            render_turn: Arc::default(),
            content: Mutex::default(),
        });
        self.map().insert(session.id.clone(), Arc::clone(&session));
        session
    }

    /// A user's session; another's is as good as none.
    pub(super) fn find(&self, user: &UserId, id: &SessionId) -> Option<Arc<Session>> {
        self.map().get(id).filter(|session| session.user == *user).cloned()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) task: TaskId,
    user: UserId,
    name: String,
    /// The language to talk in, as the session was opened with.
    pub(super) language: Option<String>,
    /// Held while a message is worked on: the next one waits.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    /// Held while a film is rendered: the next one waits.
    pub(super) render_turn: Arc<tokio::sync::Mutex<()>>,
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    work: Work,
    before: Vec<Work>,
    /// Edits made so far: every third may be a silent one.
    edits: u64,
    /// Messages answered so far: the words of an answer go round with them.
    turns: u64,
    uploads: Vec<Arc<StoredFile>>,
    generated: Vec<Value>,
}

/// What a turn changes, and an undo brings back.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// The film so far.
    pub(super) draft: Option<Draft>,
    /// What is spoken in it, to speak it again in another way.
    pub(super) spoken: Option<Spoken>,
}

#[derive(Clone, Debug)]
pub(super) struct Spoken {
    pub(super) script: String,
    pub(super) delivery: Delivery,
}

impl Session {
    pub(super) fn answer(&self) -> SessionAnswer {
        let mut answer = SessionAnswer::new(self.task.clone(), self.id.clone());
        answer.user_id = Some(self.user.clone());
        answer
    }

    pub(super) fn work(&self) -> Work {
        self.content().work.clone()
    }

    /// Puts new work in the place of the old, which an undo brings back.
    pub(super) fn begin(&self, work: Work) {
        let mut content = self.content();
        let old = std::mem::replace(&mut content.work, work);
        content.before.push(old);
        if content.before.len() > MAX_UNDO {
            content.before.remove(0);
        }
    }

    /// Replaces the work within a turn that has already begun.
    pub(super) fn go_on(&self, work: Work) {
        self.content().work = work;
    }

    /// Brings back the work before the last `steps` turns, or before as many as there are, and says
    /// how many that was; `None` when there is nothing to bring back.
    pub(super) fn undo(&self, steps: usize) -> Option<(usize, Work)> {
        let mut content = self.content();
        let before = content.before.len();
        let left = before.saturating_sub(steps);
        let work = content.before.drain(left..).next()?;
        content.work = work.clone();
        Some((before - left, work))
    }

    /// Counts a message and says which one it was, from 1.
    pub(super) fn count_turn(&self) -> u64 {
        let mut content = self.content();
        content.turns += 1;
        content.turns
    }

    /// Counts an edit and says which one it was, from 1.
    pub(super) fn count_edit(&self) -> u64 {
        let mut content = self.content();
        content.edits += 1;
        content.edits
    }

    pub(super) fn add_upload(&self, file: Arc<StoredFile>) {
        self.content().uploads.push(file);
    }

    pub(super) fn has_uploads(&self) -> bool {
        !self.content().uploads.is_empty()
    }

    pub(super) fn add_generated(&self, media: Value) {
        self.content().generated.push(media);
    }

    /// The newest upload of a type.
    pub(super) fn last_upload(&self, file_type: FileType) -> Option<Arc<StoredFile>> {
        let content = self.content();
        content.uploads.iter().rev().find(|file| file.format.file_type == file_type).cloned()
    }

    pub(super) fn state(&self, base: &str) -> StateResponse {
        let content = self.content();
        let files = |videos_only: bool| -> Json {
            let kept = content
                .uploads
                .iter()
                .filter(|file| !videos_only || file.format.file_type == FileType::Video);
            Json::from_value(&kept.map(|file| json!(file.uploaded(base))).collect())
        };
        let mut state = SessionState {
            video_infos: files(true),
            generated_media: Json::from_value(&content.generated.clone().into()),
            ..SessionState::default()
        };
        state.extra.insert("uploaded_files", files(false));
        if let Some(draft) = &content.work.draft {
            state.canvas_config = canvas(draft.aspect().unwrap_or_default());
            state.draft = Some(draft.clone());
        }
        StateResponse {
            state,
            session_id: Some(self.id.clone()),
            task_id: Some(self.task.clone()),
            task_name: Some(self.name.clone()),
            user_id: Some(self.user.clone()),
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn canvas(aspect: Aspect) -> Json {
    let (width, height) = aspect.size();
    Json::from_value(&json!({ "ratio": aspect.ratio(), "width": width, "height": height }))
}

#[cfg(test)]
mod tests {
    use super::{Sessions, Work};
    use crate::draft::Draft;
    use crate::protocol::CreateSession;

    fn work(title: &str) -> Work {
        let mut draft = Draft::new();
        draft.set_metadata("title", title);
        Work { draft: Some(draft), spoken: None }
    }

    #[test]
    fn several_turns_can_be_taken_back() {
        let session = Sessions::default().open("a".into(), CreateSession::default());
        assert!(session.undo(1).is_none());
        for title in ["one", "two", "three", "four"] {
            session.begin(work(title));
        }
        session.go_on(work("four, finished"));
        let title = |steps| session.undo(steps).map(|(undone, work)| (undone, work.draft));
        assert_eq!(title(1), Some((1, work("three").draft)));
        assert_eq!(title(2), Some((2, work("one").draft)));
        assert_eq!(title(9), Some((1, None)));
        assert_eq!(title(1), None);
    }

    #[test]
    fn a_session_is_its_owners_alone() {
        let sessions = Sessions::default();
        let id = sessions.open("a".into(), CreateSession::default()).id.clone();
        assert!(sessions.find(&"a".into(), &id).is_some());
        assert!(sessions.find(&"b".into(), &id).is_none());
    }
}
