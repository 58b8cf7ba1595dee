//! Sessions: the work in each, its undo history, and its files.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::agent::{AskedBy, Instruction, OpenQuestions, parse};
use super::engine::Delivery;
use super::library::StoredFile;
use super::response::Rejected;
use super::store::{Change, FileRole, Store, StoreError};
use crate::draft::{Draft, Json};
use crate::language::tokens::is_han;
use crate::protocol::{
    Aspect, CreateSession, Credits, FileType, Session, SessionId, SessionState, StateResponse,
    TaskId, UserId,
};
use crate::sync::lock;

/// The maximum number of turns that can be undone.
const MAX_UNDO: usize = 50;

pub(crate) type SessionMap = HashMap<SessionId, Arc<LocalSession>>;

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    map: Mutex<SessionMap>,
    store: Arc<Store>,
}

impl Sessions {
    pub(crate) fn new(map: SessionMap, store: Arc<Store>) -> Self {
        Self { map: Mutex::new(map), store }
    }

    pub(crate) fn all(&self) -> Vec<Arc<LocalSession>> {
        lock(&self.map).values().cloned().collect()
    }

    pub(crate) fn create(
        &self,
        user: UserId,
        new: CreateSession,
    ) -> Result<Arc<LocalSession>, StoreError> {
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
        self.store.write(&[Change::Session(&session), Change::Count("sessions_created")])?;
        lock(&self.map).insert(session.id.clone(), Arc::clone(&session));
        Ok(session)
    }

    /// Returns a session of this user; those of others are not found.
    pub(crate) fn find(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Arc<LocalSession>, Rejected> {
        let session = lock(&self.map).get(id).filter(|session| session.user == *user).cloned();
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
    pub(crate) content: Mutex<SessionContent>,
}

#[derive(Debug, Default)]
pub(crate) struct SessionContent {
    pub(crate) work: Work,
    pub(crate) history: Vec<Work>,
    /// Edits so far, some of which are silent.
    pub(crate) edits: u64,
    /// Messages so far; the phrases of replies rotate with them.
    pub(crate) turns: u64,
    pub(crate) uploads: Vec<Arc<StoredFile>>,
    pub(crate) generated: Vec<GeneratedSpeech>,
    /// How many of them are in the store.
    pub(crate) kept: usize,
    /// What the agent asked last, until the next message.
    pub(crate) questions: Option<OpenQuestions>,
}

/// The audio of a sentence.
#[derive(Clone, Debug)]
pub(crate) struct GeneratedSpeech {
    pub(crate) file: Arc<StoredFile>,
    pub(crate) text: String,
}

/// What a turn changes and an undo restores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub(crate) draft: Option<Draft>,
    /// What is spoken in the draft, so that it can be spoken again in another way.
    pub(crate) spoken: Option<Spoken>,
}

/// What a turn does to the work of its session.
#[derive(Debug)]
pub(crate) enum WorkChange {
    /// Replaces the work. An undo restores the previous work.
    Push(Work),
    /// Replaces the work that the turn itself has pushed in memory.
    Finish(Work),
    /// Restores the work before so many turns, which there are.
    Undo(usize),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
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

    pub(crate) fn change_work(&self, change: WorkChange) {
        let content = &mut *lock(&self.content);
        match change {
            WorkChange::Push(work) => {
                content.history.push(std::mem::replace(&mut content.work, work));
                if content.history.len() > MAX_UNDO {
                    content.history.remove(0);
                }
            }
            WorkChange::Finish(work) => content.work = work,
            WorkChange::Undo(turns) => {
                let left = content.history.len().saturating_sub(turns);
                if let Some(work) = content.history.drain(left..).next() {
                    content.work = work;
                }
            }
        }
    }

    /// Returns the work before the last `steps` turns, or before as many as there are, and how many
    /// turns that are; `None` if there is nothing to undo.
    pub(crate) fn work_before(&self, steps: usize) -> Option<(usize, Work)> {
        let history = &lock(&self.content).history;
        let left = history.len().saturating_sub(steps);
        Some((history.len() - left, history.get(left)?.clone()))
    }

    /// Writes the whole effect of a turn to the store, before any of it is reported: the message
    /// itself, the questions that it asked or left, what was spoken, and the work and its price.
    pub(crate) fn keep_turn(
        &self,
        store: &Store,
        asked: Option<AskedBy<'_>>,
        work: Option<(&WorkChange, Credits)>,
    ) -> Result<(), StoreError> {
        if !store.is_persistent() {
            return Ok(());
        }
        let (turns, edits, generated) = {
            let content = lock(&self.content);
            let new = content.generated.get(content.kept..).unwrap_or_default();
            (content.turns, content.edits, new.to_vec())
        };
        store.sync(generated.iter().map(|speech| &*speech.file.path))?;
        let mut changes = vec![
            Change::Turn { session: &self.id, turns, edits, asked },
            Change::Count("messages_run"),
        ];
        changes.extend(generated.iter().map(|GeneratedSpeech { file, text }| Change::File {
            file,
            role: FileRole::Speech,
            text: Some(text),
        }));
        if let Some((change, price)) = work {
            changes.push(Change::Work(&self.id, change, MAX_UNDO));
            changes.push(Change::Charge(&self.user, price));
        }
        store.write(&changes)?;
        lock(&self.content).kept += generated.len();
        Ok(())
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

    /// Adds the files of one upload, all or none.
    pub(crate) fn add_uploads(
        &self,
        store: &Store,
        files: &[Arc<StoredFile>],
    ) -> Result<(), StoreError> {
        store.sync(files.iter().map(|file| &*file.path))?;
        let mut content = lock(&self.content);
        let rows =
            files.iter().map(|file| Change::File { file, role: FileRole::Upload, text: None });
        let counts = files.iter().map(|_| Change::Count("uploads_taken"));
        store.write(&rows.chain(counts).collect::<Vec<_>>())?;
        content.uploads.extend(files.iter().cloned());
        Ok(())
    }

    pub(crate) fn has_uploads(&self) -> bool {
        !lock(&self.content).uploads.is_empty()
    }

    pub(crate) fn add_generated(&self, speech: GeneratedSpeech) {
        lock(&self.content).generated.push(speech);
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
        let generated = content.generated.iter().map(|GeneratedSpeech { file, text }| {
            json!({
                "id": file.id,
                "type": "voiceover",
                "text": text,
                "duration": file.info.duration.map(|duration| duration.as_secs_f64()),
                "url": file.url(base),
            })
        });
        let mut state = SessionState {
            video_infos: files(true),
            generated_media: Json::from_value(&generated.collect()),
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
    use super::{Sessions, Work, WorkChange};
    use crate::draft::Draft;
    use crate::protocol::CreateSession;

    fn work(title: &str) -> Work {
        let mut draft = Draft::new();
        draft.set_metadata("title", title);
        Work { draft: Some(draft), spoken: None }
    }

    #[test]
    fn several_turns_can_be_undone() {
        let session = Sessions::default().create("a".into(), CreateSession::default()).unwrap();
        assert!(session.work_before(1).is_none());
        for title in ["one", "two", "three", "four"] {
            session.change_work(WorkChange::Push(work(title)));
        }
        session.change_work(WorkChange::Finish(work("four, finished")));
        let title = |steps| {
            let (turns, work) = session.work_before(steps)?;
            session.change_work(WorkChange::Undo(turns));
            assert_eq!(session.work().draft, work.draft);
            Some((turns, work.draft))
        };
        assert_eq!(title(1), Some((1, work("three").draft)));
        assert_eq!(title(2), Some((2, work("one").draft)));
        assert_eq!(title(9), Some((1, None)));
        assert_eq!(title(1), None);
    }

    #[test]
    fn only_its_own_account_finds_a_session() {
        let sessions = Sessions::default();
        let id = sessions.create("a".into(), CreateSession::default()).unwrap().id.clone();
        assert!(sessions.find(&"a".into(), &id).is_ok());
        assert!(sessions.find(&"b".into(), &id).is_err());
    }
}
