//! Sessions: the work in each, its undo history, and its files.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use uuid::Uuid;

use super::agent::{Instruction, OpenQuestions, parse};
use super::engine::Delivery;
use super::library::StoredFile;
use super::response::Rejected;
use crate::draft::{Draft, Json};
use crate::language::tokens::is_han;
use crate::protocol::{
    Aspect, CreateSession, FileType, Session, SessionId, SessionState, StateResponse, TaskId,
    UserId,
};
use crate::sync::lock;

/// The maximum number of turns that can be undone.
const MAX_UNDO: usize = 50;

#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<SessionId, Arc<LocalSession>>>);

impl Sessions {
    pub(crate) fn all(&self) -> Vec<Arc<LocalSession>> {
        lock(&self.0).values().cloned().collect()
    }

    pub(crate) fn create(&self, user: UserId, new: CreateSession) -> Arc<LocalSession> {
        let session = Arc::new(LocalSession {
            id: SessionId::new(Uuid::new_v4().to_string()),
            task: TaskId::new(Uuid::new_v4().to_string()),
            user,
            name: new.task_name,
            language: new.language,
            message_lock: Arc::default(),
            render_lock: Arc::default(),
            content: Mutex::default(),
        });
        lock(&self.0).insert(session.id.clone(), Arc::clone(&session));
        session
    }

    /// Returns a session of this user; those of others are not found.
    pub(crate) fn find(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Arc<LocalSession>, Rejected> {
        let session = lock(&self.0).get(id).filter(|session| session.user == *user).cloned();
        session.ok_or_else(Rejected::unknown_session)
    }
}

#[derive(Debug)]
pub(crate) struct LocalSession {
    pub(crate) id: SessionId,
    pub(crate) task: TaskId,
    pub(crate) user: UserId,
    pub(crate) name: String,
    /// The language with which the session was created.
    pub(crate) language: Option<String>,
    /// Locked while a message is processed, so that the next one waits.
    pub(crate) message_lock: Arc<tokio::sync::Mutex<()>>,
    /// Locked while a video is rendered, so that the next one waits.
    pub(crate) render_lock: Arc<tokio::sync::Mutex<()>>,
    content: Mutex<SessionContent>,
}

#[derive(Debug, Default)]
struct SessionContent {
    work: Work,
    history: Vec<Work>,
    /// Edits so far, some of which are silent.
    edits: u64,
    /// Messages so far; the phrases of replies rotate with them.
    turns: u64,
    uploads: Vec<Arc<StoredFile>>,
    generated: Vec<Value>,
    /// What the agent asked last, until the next message.
    questions: Option<OpenQuestions>,
}

/// What a turn changes and an undo restores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub(crate) draft: Option<Draft>,
    /// What is spoken in the draft, so that it can be spoken again in another way.
    pub(crate) spoken: Option<Spoken>,
}

#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    pub(crate) script: String,
    pub(crate) delivery: Delivery,
}

impl LocalSession {
    pub(crate) fn response(&self) -> Session {
        let mut response = Session::new(self.task.clone(), self.id.clone());
        response.user_id = Some(self.user.clone());
        response
    }

    pub(crate) fn work(&self) -> Work {
        lock(&self.content).work.clone()
    }

    /// Replaces the work. An undo restores the previous work.
    pub(crate) fn push_work(&self, work: Work) {
        let mut content = lock(&self.content);
        let old = std::mem::replace(&mut content.work, work);
        content.history.push(old);
        if content.history.len() > MAX_UNDO {
            content.history.remove(0);
        }
    }

    /// Replaces the work within the turn that has pushed it.
    pub(crate) fn update_work(&self, work: Work) {
        lock(&self.content).work = work;
    }

    /// Restores the work before the last `steps` turns, or before as many as there are. Returns how
    /// many turns were undone and the restored work; `None` if there is nothing to undo.
    pub(crate) fn undo(&self, steps: usize) -> Option<(usize, Work)> {
        let mut content = lock(&self.content);
        let turns = content.history.len();
        let left = turns.saturating_sub(steps);
        let work = content.history.drain(left..).next()?;
        content.work = work.clone();
        Some((turns - left, work))
    }

    /// Counts a message and returns its number, from 1.
    pub(crate) fn count_turn(&self) -> u64 {
        let mut content = lock(&self.content);
        content.turns += 1;
        content.turns
    }

    /// Counts an edit and returns its number, from 1.
    pub(crate) fn count_edit(&self) -> u64 {
        let mut content = lock(&self.content);
        content.edits += 1;
        content.edits
    }

    pub(crate) fn set_questions(&self, questions: Option<OpenQuestions>) {
        lock(&self.content).questions = questions;
    }

    /// Returns what a message means to the agent: the answer to its questions, or an instruction.
    pub(crate) fn instruction(&self, message: &str) -> Instruction {
        let open = lock(&self.content).questions.clone();
        open.and_then(|open| open.answer(message)).unwrap_or_else(|| parse(message))
    }

    pub(crate) fn add_upload(&self, file: Arc<StoredFile>) {
        lock(&self.content).uploads.push(file);
    }

    pub(crate) fn has_uploads(&self) -> bool {
        !lock(&self.content).uploads.is_empty()
    }

    pub(crate) fn add_generated(&self, media: Value) {
        lock(&self.content).generated.push(media);
    }

    /// Returns the newest upload of a type.
    pub(crate) fn last_upload(&self, file_type: FileType) -> Option<Arc<StoredFile>> {
        let content = lock(&self.content);
        content.uploads.iter().rev().find(|file| file.format.file_type == file_type).cloned()
    }

    /// Returns the newest upload of a type by its name, in any case. In Chinese, no space shows where
    /// a name begins: it is then the one that `name` ends with.
    pub(crate) fn upload_named(&self, name: &str, file_type: FileType) -> Option<Arc<StoredFile>> {
        let name = name.to_lowercase();
        let content = lock(&self.content);
        let find = |is_named: &dyn Fn(&str) -> bool| {
            let is_it = |file: &&Arc<StoredFile>| {
                file.format.file_type == file_type && is_named(&file.name.to_lowercase())
            };
            content.uploads.iter().rev().find(is_it).cloned()
        };
        find(&|file| file == name)
            .or_else(|| find(&|file| file.starts_with(is_han) && name.ends_with(file)))
    }

    /// Returns the newest image that was uploaded from a URL.
    pub(crate) fn image_from(&self, url: &str) -> Option<Arc<StoredFile>> {
        let is_from = |file: &&Arc<StoredFile>| {
            file.format.file_type == FileType::Image && file.source.as_deref() == Some(url)
        };
        lock(&self.content).uploads.iter().rev().find(is_from).cloned()
    }

    pub(crate) fn state(&self, base: &str) -> StateResponse {
        let content = lock(&self.content);
        let files = |videos_only: bool| -> Json {
            let selected = content
                .uploads
                .iter()
                .filter(|file| !videos_only || file.format.file_type == FileType::Video);
            Json::from_value(&selected.map(|file| json!(file.uploaded(base))).collect())
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
    fn several_turns_can_be_undone() {
        let session = Sessions::default().create("a".into(), CreateSession::default());
        assert!(session.undo(1).is_none());
        for title in ["one", "two", "three", "four"] {
            session.push_work(work(title));
        }
        session.update_work(work("four, finished"));
        let title = |steps| session.undo(steps).map(|(undone, work)| (undone, work.draft));
        assert_eq!(title(1), Some((1, work("three").draft)));
        assert_eq!(title(2), Some((2, work("one").draft)));
        assert_eq!(title(9), Some((1, None)));
        assert_eq!(title(1), None);
    }

    #[test]
    fn only_its_own_account_finds_a_session() {
        let sessions = Sessions::default();
        let id = sessions.create("a".into(), CreateSession::default()).id.clone();
        assert!(sessions.find(&"a".into(), &id).is_ok());
        assert!(sessions.find(&"b".into(), &id).is_err());
    }
}
