//! A turn of the agent: one message from its price to its last event. A turn blocks, and it ends
//! whether anybody listens or not: its work is in the session and in the ledger before it is
//! reported.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

use super::ask::{AskedBy, OpenQuestions};
use super::document::{self, ScriptFile};
use super::edit::{self, Adjustment, Edit, NarratedSentence, VoiceChange};
use super::looks::{self, StyleChange};
use super::parse::{Action, Instruction, RequestedScript, is_export};
use super::phrase::{MessagePhrase, TITLE_TIME, VoiceoverOptions};
use super::scenes;
use super::speak::{self, MessageValue, Remark, Reply, Template};
use crate::draft::{CaptionStyle, Draft, Json, Language, Object, TrackRole, as_millis};
use crate::language::tokens::is_han;
use crate::local::accounts::Hold;
use crate::local::builder::Prices;
use crate::local::engine::{Delivery, EngineError, PALETTES, without_images};
use crate::local::library::StoredFile;
use crate::local::server::{Service, SharedService};
use crate::local::sessions::{GeneratedSpeech, LocalSession, Spoken, Work, WorkChange};
use crate::local::watch::TurnLog;
use crate::protocol::event::{
    AdkContent, AdkEvent, AdkPart, FunctionCall, FunctionResponse, Question,
};
use crate::protocol::{AGENT_NAME, Credits, FileFormat, FileType};

/// A video continues a little after the last word.
pub(crate) const TAIL: Duration = Duration::from_millis(500);

impl Instruction {
    /// The price of the turn if it succeeds.
    pub(crate) fn price(&self, prices: &Prices) -> Credits {
        let speaks = |edit: &Edit| matches!(edit, Edit::ChangeVoice(_));
        match &self.action {
            Action::Voiceover { .. } => prices.voiceover(),
            Action::Edits { edits, .. } if edits.iter().any(speaks) => prices.voiceover(),
            Action::Edits { .. } => prices.edit(),
            // Whoever takes a change back has paid for it.
            Action::Undo(_) | Action::Ask { .. } => Credits::ZERO,
            Action::Export | Action::Help | Action::Unknown => Credits::ZERO,
        }
    }
}

#[derive(Debug)]
pub(crate) struct AgentTurn {
    pub(crate) service: SharedService,
    pub(crate) session: Arc<LocalSession>,
    pub(crate) emitter: Emitter,
    /// The price of the turn, which is taken only when the work succeeds.
    pub(crate) hold: Hold,
    pub(crate) message: String,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TurnEnd {
    Replied,
    Silent,
    /// Nothing was done, and nothing is charged.
    Declined,
    /// The agent waits for answers. Nothing is charged.
    Asked,
}

/// How a turn replies.
#[derive(Clone, Copy, Debug)]
struct Manner {
    language: Language,
    /// The number of the message in its session, from 1.
    nth: u64,
}

/// The uploads that a voiceover is made with.
struct UsedFiles {
    narration: Option<Arc<StoredFile>>,
    music: Option<Arc<StoredFile>>,
    image: Option<Arc<StoredFile>>,
}

/// Why no voiceover can be made: a code for programs, and a reply for people.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VoiceoverError {
    pub(crate) code: &'static str,
    pub(crate) reply: Reply,
}

impl VoiceoverError {
    pub(crate) fn new(code: &'static str, reply: impl Into<Reply>) -> Self {
        Self { code, reply: reply.into() }
    }
}

impl From<EngineError> for VoiceoverError {
    fn from(failure: EngineError) -> Self {
        Self::new(failure.code, Reply::failed(&failure))
    }
}

impl AgentTurn {
    pub(crate) fn run(self, instruction: Instruction) {
        let manner = Manner { language: instruction.language, nth: self.session.count_turn() };
        // Whatever the message is, it answers or abandons the questions before it.
        self.session.set_questions(None);
        let is_noisy = self.service.settings.trailing_noise.includes(manner.nth);
        let emitter = self.emitter.clone();
        let text = |template: Template| Reply::from(template).text(manner.language);
        let end = match instruction.action {
            Action::Voiceover { script, options } => self.voiceover(manner, script, &options),
            Action::Edits { edits, unknown } => self.edits(manner, &edits, &unknown),
            Action::Ask { script, options } => self.ask(manner, script, options),
            Action::Undo(steps) => self.undo(manner, steps),
            Action::Export => {
                let replies = [speak::EXPORT_APART, speak::NOTHING_CHARGED].map(Reply::from);
                self.decline(manner, &replies)
            }
            Action::Help => {
                self.keep_message();
                emitter.text(&text(speak::HELP));
                TurnEnd::Replied
            }
            Action::Unknown => {
                self.keep_message();
                emitter.text(&[text(speak::UNKNOWN), text(speak::HELP)].join("\n\n"));
                TurnEnd::Declined
            }
        };
        if is_noisy && end == TurnEnd::Replied {
            emitter.text(&text(speak::NOISE));
        }
    }

    fn voiceover(
        self,
        manner: Manner,
        script: RequestedScript,
        options: &VoiceoverOptions,
    ) -> TurnEnd {
        let text = |reply: Reply| reply.text(manner.language);
        let prepared = self.prepare(script, options);
        let prepared = prepared.and_then(|(file, delivery)| {
            let scenes = self.service.engine.scenes(&file.text, &delivery.language);
            let mut images = scenes.images.iter();
            let has_scenes =
                images.any(|(_, name)| scenes::image_of(&self.session, name).is_some());
            Ok((file, delivery, scenes, self.files(options, has_scenes)?))
        });
        let (ScriptFile { text: script, note }, delivery, scenes, files) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.fail(manner, &error),
        };
        let args = json!({
            "script": script,
            "language": delivery.language,
            "voice": delivery.gender.word(),
            "pace": delivery.pace,
        });
        let call = self.emitter.call(&text(speak::SPEAKING.into()), "generate_voiceover", &args);
        let spoken = match options.narration {
            Some(_) => Ok((Vec::new(), Vec::new())),
            None => self.speak(&script, &delivery).map_err(VoiceoverError::from),
        };
        // The first stage: a clip with a background and a voice.
        let drafted = spoken.and_then(|(sentences, chapters)| {
            let mut draft = Draft::new();
            let length = length(&sentences);
            draft.set_duration(length);
            draft.set_metadata("aspect", options.aspect.unwrap_or_default().ratio());
            draft.set_metadata("language", delivery.language.as_str());
            match (&options.background, files.image) {
                (None, Some(image)) => edit::set_image(&mut draft, &image),
                (palette, _) => {
                    edit::set_palette(&mut draft, palette.as_deref().unwrap_or(PALETTES[0]));
                }
            }
            let Some(recording) = &files.narration else {
                edit::set_voiceover(&mut draft, &sentences);
                looks::write_chapters(&mut draft, &chapters);
                let unspoken = speak::not_spoken(sentences.iter().flat_map(|s| &s.unspoken));
                return Ok((draft, length, sentences.len(), true, unspoken));
            };
            let script = Some((script.as_str(), delivery.language.as_str()));
            let engine = (&*self.service.engine, &self.service.stopping);
            let aligned = edit::narrated_with(&mut draft, engine, recording, script);
            let aligned =
                aligned.map_err(|reply| VoiceoverError { code: "BAD_RECORDING", reply })?;
            let note = aligned
                .is_none()
                .then(|| speak::NARRATED_ONLY.with([recording.name.as_str().into()]));
            let length = draft.duration();
            Ok((draft, length, aligned.unwrap_or(1), aligned.is_some(), note))
        });
        let (mut draft, length, sentences, is_timed, unspoken) = match drafted {
            Ok(drafted) => drafted,
            Err(error) => {
                let response = json!({ "status": "error", "error": text(error.reply.clone()) });
                self.emitter.result(call, &response, Object::new());
                return self.fail(manner, &error);
            }
        };
        let missing = scenes::show_scenes(&mut draft, &self.session, &scenes, options.scenes);
        let missing = (!missing.is_empty())
            .then(|| speak::NO_SUCH_FILE.with([missing.join(", ").as_str().into()]));
        let spoken = Some(Spoken { script, delivery });
        let raw = Work { draft: Some(draft.clone()), spoken: spoken.clone() };
        self.session.change_work(WorkChange::Push(raw));
        let response =
            json!({ "status": "ok", "sentences": sentences, "duration": length.as_secs_f64() });
        self.emitter.result(call, &response, delta(&draft));

        // The second stage: music, captions and a title.
        let is_captioned = options.captions.unwrap_or(true) && is_timed;
        let args = json!({ "captions": is_captioned, "title": options.title });
        let call =
            self.emitter.call(&text(speak::RAW_CLIP.with([length.into()])), "finish_video", &args);
        if let Some(music) = files.music {
            edit::set_music(&mut draft, &music);
        }
        if is_captioned {
            let captions = edit::captions(&draft, &*self.service.engine);
            edit::set_captions(&mut draft, &captions);
            if let Some(track) = edit::position(&draft, &TrackRole::Captions)
                && options.style != StyleChange::default()
            {
                let style = options.style.of(CaptionStyle::default());
                let styled = draft.edit().set_caption_style(track, style).map(drop);
                styled.expect("a track of captions takes a style");
            }
        }
        if let Some(time) = options.poster {
            draft.set_metadata("poster", as_millis(time.min(draft.duration())));
        }
        if let Some(title) = &options.title {
            // The draft's duration, which is rounded to milliseconds.
            let time = TITLE_TIME.min(draft.duration());
            let mut editor = draft.edit();
            let added = editor.add_title(title, Duration::ZERO, time);
            added.expect("a parsed title is not blank, and it ends before the video");
        }
        let remark = self.remark(speak::AFTER_A_VIDEO, manner, &draft);
        let count = MessageValue::Sentences(sentences);
        let ready = if matches!(remark, Remark::Joined(_)) {
            speak::CLIP_READY.with([length.into(), count])
        } else {
            speak::READY.with([count, length.into()])
        };
        let work = WorkChange::Finish(Work { draft: Some(draft.clone()), spoken });
        if let Err(error) = self.keep(&work) {
            self.session.change_work(WorkChange::Undo(1));
            self.emitter.result(call, &json!({ "status": "error" }), Object::new());
            return self.fail(manner, &error.into());
        }
        self.session.change_work(work);
        self.hold.take();
        self.emitter.result(call, &json!({ "status": "ok" }), delta(&draft));
        let replies: Vec<Reply> = note.into_iter().chain(missing).chain([ready]).collect();
        let ready = remark.append_to(&speak::join(&replies, manner.language), manner.language);
        let unspoken = unspoken.map(text);
        self.emitter.text(&speak::joined(&ready, unspoken.as_deref(), manner.language));
        TurnEnd::Replied
    }

    /// The uploads that a voiceover is made with: those that are named, or else the last ones. The
    /// images of scenes are not the background as well.
    fn files(
        &self,
        options: &VoiceoverOptions,
        has_scenes: bool,
    ) -> Result<UsedFiles, VoiceoverError> {
        let named = |name: &Option<String>, file_type| match name.as_deref() {
            None => Ok(None),
            Some("") => Ok(self.session.last_upload(file_type)),
            Some(name) => match self.session.upload_named(name, file_type) {
                Some(file) => Ok(Some(file)),
                None => {
                    Err(VoiceoverError::new("NO_FILE", speak::NO_SUCH_FILE.with([name.into()])))
                }
            },
        };
        let narration = named(&options.narration, FileType::Audio)?;
        if options.narration.is_some() && narration.is_none() {
            return Err(VoiceoverError::new("NO_FILE", speak::NO_RECORDING));
        }
        let image = named(&options.image, FileType::Image)?;
        let music = match (named(&options.music, FileType::Audio)?, &narration) {
            (Some(music), _) => Some(music),
            // The only recording is not the music as well.
            (None, Some(_)) => None,
            (None, None) => self.session.last_upload(FileType::Audio),
        };
        let last = || self.session.last_upload(FileType::Image).filter(|_| !has_scenes);
        let image = image.or_else(last);
        Ok(UsedFiles { narration, music, image })
    }

    /// Writes the effect of the turn to the store.
    fn keep(&self, work: &WorkChange) -> Result<(), EngineError> {
        let price = self.hold.amount();
        let kept = self.session.keep_turn(&self.service.store, None, Some((work, price)));
        kept.map_err(|error| EngineError::new("IO", error.to_string()))
    }

    /// Writes to the store that there was a message, which does nothing else.
    fn keep_message(&self) {
        if let Err(error) = self.session.keep_turn(&self.service.store, None, None) {
            tracing::warn!(%error, "a message is not counted");
        }
    }

    /// Asks for what is open about a video.
    fn ask(&self, manner: Manner, script: Option<String>, options: VoiceoverOptions) -> TurnEnd {
        let has_source = self.session.last_upload(FileType::Document).is_some()
            || self.session.work().spoken.is_some();
        let asked = AskedBy { message: &self.message, has_source };
        if let Err(error) = self.session.keep_turn(&self.service.store, Some(asked), None) {
            self.emitter.error("IO", &error.to_string());
            return TurnEnd::Declined;
        }
        let open = OpenQuestions::new(manner.language, asked.source(script), options);
        let intro = Reply::from(speak::ASKING).text(manner.language);
        let args = open.args();
        self.session.set_questions(Some(open));
        // The result of the call is the user's next message.
        self.emitter.call(&intro, Question::TOOL, &args);
        TurnEnd::Asked
    }

    /// The next remark about a part of the screen that shows something.
    fn remark(&self, remarks: &[Remark], manner: Manner, draft: &Draft) -> Remark {
        speak::remark(remarks, manner.nth, |about| match about {
            speak::DRAG_TITLE => edit::has(draft, &TrackRole::Title),
            speak::MEDIA_PANEL => self.session.has_uploads(),
            speak::BILLING => true,
            _ => draft.duration() > Duration::ZERO,
        })
    }

    /// The script and its delivery, checked to be possible before any work.
    fn prepare(
        &self,
        script: RequestedScript,
        options: &VoiceoverOptions,
    ) -> Result<(ScriptFile, Delivery), VoiceoverError> {
        let upload = || self.session.last_upload(FileType::Document);
        let missing = |reply: Template| VoiceoverError::new("NO_SCRIPT", reply);
        let file = match script {
            RequestedScript::Message(script) => script.into(),
            RequestedScript::Upload => {
                let file = upload().ok_or_else(|| missing(speak::NO_UPLOADED_SCRIPT))?;
                document::read(&file.path, &file.name)?
            }
            RequestedScript::File(name) => {
                let named = self.session.upload_named(&name, FileType::Document);
                let missing = || speak::NO_SUCH_FILE.with([name.as_str().into()]);
                let file = named.ok_or_else(|| VoiceoverError::new("NO_FILE", missing()))?;
                document::read(&file.path, &file.name)?
            }
            RequestedScript::Latest => match (upload(), self.session.work().spoken) {
                (Some(file), _) => document::read(&file.path, &file.name)?,
                (None, Some(spoken)) => spoken.script.into(),
                (None, None) => return Err(missing(speak::NO_SCRIPT)),
            },
        };
        // The names of images are neither spoken nor drawn.
        let script = &without_images(&file.text);
        if !script.contains(char::is_alphanumeric) {
            return Err(EngineError::empty_script().into());
        }
        let engine = &self.service.engine;
        let language = options.language.clone().unwrap_or_else(|| self.language_of(script));
        self.check_voice(&language)?;
        if options.captions != Some(false) {
            engine.can_draw(script)?;
        }
        engine.can_draw(options.title.as_deref().unwrap_or_default())?;
        let gender = options.gender.unwrap_or_default();
        let pace = options.pace.unwrap_or(1.0).clamp(0.5, 2.0);
        Ok((file, Delivery { language, gender, pace }))
    }

    fn check_voice(&self, language: &str) -> Result<(), VoiceoverError> {
        let engine = &self.service.engine;
        engine.can_speak(language).map_err(|failure| {
            let languages = MessageValue::List(engine.languages());
            VoiceoverError::new(failure.code, speak::NO_VOICE.with([language.into(), languages]))
        })
    }

    /// The language of a script when the message names none: that of its characters, or that of
    /// the session if there is a voice for it, or English.
    fn language_of(&self, script: &str) -> String {
        let has_voice = |language: &String| self.service.engine.can_speak(language).is_ok();
        let of_session = || self.session.language.clone().filter(has_voice);
        let known = language_of_characters(script).map(str::to_owned).or_else(of_session);
        known.unwrap_or_else(|| "en-US".to_owned())
    }

    /// Speaks a script and adds its audio to the library.
    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
    ) -> Result<(Vec<NarratedSentence>, Chapters), EngineError> {
        let library = &self.service.library;
        let format = FileFormat::of("speech.wav")
            .ok_or_else(|| EngineError::new("FORMAT", "there is no format for speech"))?;
        let mut paths = Vec::new();
        let mut new_path = || {
            let new = library.new_path(format);
            let path = new.path.clone();
            paths.push(new);
            path
        };
        let stopping = &self.service.stopping;
        let spoken = self.service.engine.speak(script, delivery, &mut new_path, stopping);
        let lines = spoken.map_err(|error| {
            library.not_written(paths.iter().map(|new| new.path.as_path()), error)
        })?;
        let begun = lines.iter().flat_map(|line| {
            line.chapters.iter().map(|(title, time)| (line.start + *time, title.clone()))
        });
        let chapters = begun.collect();
        let mut paths = paths.into_iter();
        let sentences = lines.into_iter().enumerate().map(|(index, line)| {
            let media = line.audio.and_then(|_| paths.next()).map(|path| {
                let name = format!("sentence-{}.wav", index + 1);
                let mut file = path.stored(self.session.id.clone(), name);
                file.info.duration = Some(line.duration);
                let file = library.add(file);
                let id = file.id.clone();
                self.session.add_generated(GeneratedSpeech { file, text: line.text.clone() });
                id
            });
            NarratedSentence {
                text: line.text,
                start: line.start,
                duration: line.duration,
                media,
                marks: line.marks,
                paragraphs: line.paragraphs,
                unspoken: line.unspoken,
            }
        });
        Ok((sentences.collect(), chapters))
    }

    fn edits(self, manner: Manner, edits: &[Edit], unknown: &[String]) -> TurnEnd {
        let work = self.session.work();
        let Some(mut draft) = work.draft else {
            let replies = [speak::NOTHING_TO_EDIT, speak::NOTHING_CHARGED].map(Reply::from);
            return self.decline(manner, &replies);
        };
        let mut spoken = work.spoken;
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for edit in edits {
            let result = match edit {
                Edit::ChangeVoice(change) => self.speak_again(change, &mut draft, &mut spoken),
                edit => {
                    let Service { engine, stopping, .. } = &*self.service;
                    edit.apply(&mut draft, &self.session, &**engine, stopping)
                }
            };
            match (result, edit) {
                (Ok(reply), _) => done.push(reply),
                // New speech is what the turn is priced for: without it, nothing is done.
                (Err(reply), Edit::ChangeVoice(_)) => {
                    return self.decline(manner, &[reply, speak::NOTHING_CHANGED.into()]);
                }
                (Err(reply), _) => left.push(reply),
            }
        }
        left.extend(unknown.iter().map(|phrase| match is_export(&MessagePhrase::new(phrase)) {
            true => speak::EXPORT_APART.into(),
            false => speak::PHRASE_UNKNOWN.with([phrase.as_str().into()]),
        }));
        if done.is_empty() {
            left.push(speak::NOTHING_CHANGED.into());
            return self.decline(manner, &left);
        }
        let args = json!({ "edits": done.len() });
        done.extend(left);
        let work = WorkChange::Push(Work { draft: Some(draft.clone()), spoken });
        self.finish(manner, speak::ON_IT, ("edit_draft", &args), &done, &draft, work)
    }

    /// Ends a turn that has changed the draft, silently now and then.
    fn finish(
        self,
        manner: Manner,
        progress: Template,
        (tool, args): (&'static str, &Value),
        replies: &[Reply],
        draft: &Draft,
        work: WorkChange,
    ) -> TurnEnd {
        let is_silent = self.service.settings.silent_edits.includes(self.session.count_edit());
        let progress = Reply::from(progress).text(manner.language);
        let call = self.emitter.call(if is_silent { "" } else { &progress }, tool, args);
        if let Err(error) = self.keep(&work) {
            self.emitter.result(call, &json!({ "status": "error" }), Object::new());
            return self.fail(manner, &error.into());
        }
        self.session.change_work(work);
        let remark = self.remark(speak::AFTER_AN_EDIT, manner, draft);
        self.hold.take();
        self.emitter.result(call, &json!({ "status": "ok" }), delta(draft));
        if is_silent {
            return TurnEnd::Silent;
        }
        let text = speak::join(replies, manner.language);
        self.emitter.text(&remark.append_to(&text, manner.language));
        TurnEnd::Replied
    }

    fn decline(&self, manner: Manner, replies: &[Reply]) -> TurnEnd {
        self.keep_message();
        self.emitter.text(&speak::join(replies, manner.language));
        TurnEnd::Declined
    }

    /// Speaks the same script with another voice, language or pace. The rest of the draft stays.
    fn speak_again(
        &self,
        change: &VoiceChange,
        draft: &mut Draft,
        spoken: &mut Option<Spoken>,
    ) -> Result<Reply, Reply> {
        let before = spoken.as_mut().ok_or(speak::NOTHING_SPOKEN)?;
        let mut delivery = before.delivery.clone();
        delivery.gender = change.gender.unwrap_or(delivery.gender);
        delivery.language = change.language.clone().unwrap_or(delivery.language);
        delivery.pace = match change.pace {
            Some(Adjustment::To(pace)) => pace,
            Some(Adjustment::By(factor)) => delivery.pace * factor,
            None => delivery.pace,
        }
        .clamp(0.5, 2.0);
        self.check_voice(&delivery.language).map_err(|error| error.reply)?;
        let (sentences, chapters) =
            self.speak(&before.script, &delivery).map_err(|failure| Reply::failed(&failure))?;
        let length = length(&sentences);
        let unspoken = speak::not_spoken(sentences.iter().flat_map(|s| &s.unspoken));
        edit::set_voiceover(draft, &sentences);
        edit::set_length(draft, length);
        looks::write_chapters(draft, &chapters);
        scenes::lay_out_scenes(draft, Vec::new());
        draft.set_metadata("language", delivery.language.as_str());
        if edit::has(draft, &TrackRole::Captions) {
            let captions = edit::captions(draft, &*self.service.engine);
            edit::set_captions(draft, &captions);
        }
        before.delivery = delivery.clone();
        let pace = ((delivery.pace * 100.0).round() / 100.0).to_string();
        let gender = MessageValue::term(&format!("a {} voice", delivery.gender.word()));
        let values = [delivery.language.into(), gender, pace.into(), length.into()];
        Ok(speak::SPOKEN_AGAIN.with(values).followed_by(unspoken))
    }

    fn undo(self, manner: Manner, steps: usize) -> TurnEnd {
        let Some((undone, work)) = self.session.work_before(steps) else {
            let replies = [speak::NOTHING_TO_UNDO, speak::NOTHING_CHARGED].map(Reply::from);
            return self.decline(manner, &replies);
        };
        let reply = match (undone, undone < steps) {
            (1, false) => speak::UNDONE.into(),
            (1, true) => speak::UNDONE_ONLY.into(),
            (_, false) => speak::UNDONE_SOME.with([undone.into()]),
            (_, true) => speak::UNDONE_ALL.with([undone.into()]),
        };
        let draft = work.draft.unwrap_or_default();
        let tool = ("undo", &json!({ "steps": undone }));
        let work = WorkChange::Undo(undone);
        self.finish(manner, speak::GOING_BACK, tool, &[reply], &draft, work)
    }

    /// Reports an error. Nothing was done, so nothing is charged: the hold is released first.
    fn fail(self, manner: Manner, error: &VoiceoverError) -> TurnEnd {
        self.keep_message();
        drop(self.hold);
        self.emitter.error(error.code, &error.reply.text(manner.language));
        let replies = [&error.reply, &speak::NOTHING_CHARGED.into()];
        self.emitter.text(&speak::join(replies, manner.language));
        TurnEnd::Declined
    }
}

/// The headings of a script, and when they are spoken.
type Chapters = Vec<(Duration, String)>;

fn length(sentences: &[NarratedSentence]) -> Duration {
    let end = sentences.last().map(|sentence| sentence.start + sentence.duration);
    end.unwrap_or_default() + TAIL
}

fn delta(draft: &Draft) -> Object {
    Object::from([("draft", draft.as_json().clone())])
}

/// Sends the events of one turn in the form of the agent server. Whether anybody still listens makes
/// no difference to it.
#[derive(Clone, Debug)]
pub(crate) struct Emitter {
    invocation: String,
    streaming: bool,
    events: UnboundedSender<AdkEvent>,
    /// The log for the page, if there is one.
    log: Option<Arc<TurnLog>>,
}

/// A tool call without its result.
#[derive(Debug)]
struct PendingCall {
    id: String,
    name: &'static str,
}

impl Emitter {
    pub(crate) fn new(
        streaming: bool,
        events: UnboundedSender<AdkEvent>,
        log: Option<TurnLog>,
    ) -> Self {
        let invocation = format!("e-{}", Uuid::new_v4());
        Self { invocation, streaming, events, log: log.map(Arc::new) }
    }

    fn text(&self, text: &str) {
        self.content(text, Vec::new());
    }

    /// Reports a tool call, after a text unless that is empty.
    fn call(&self, text: &str, name: &'static str, args: &Value) -> PendingCall {
        let call = PendingCall { id: format!("adk-{}", Uuid::new_v4()), name };
        let (id, args) = (Some(call.id.clone()), Json::from_value(args));
        let part = FunctionCall { id, name: name.to_owned(), args };
        self.content(text, vec![AdkPart::FunctionCall(part)]);
        call
    }

    /// Reports the response of a tool and the changes that it made to the state.
    fn result(&self, call: PendingCall, response: &Value, delta: Object) {
        let (id, response) = (Some(call.id), Json::from_value(response));
        let part = FunctionResponse { id, name: call.name.to_owned(), response };
        let mut event = self.event();
        event.content = Some(AdkContent::user(vec![AdkPart::FunctionResponse(part)]));
        event.actions.state_delta = delta;
        self.send(event);
    }

    pub(crate) fn error(&self, code: &str, message: &str) {
        let mut event = self.event();
        event.error_code = Some(code.to_owned());
        event.error_message = Some(message.to_owned());
        self.send(event);
    }

    /// Sends a text and the parts after it; when streaming, the text word by word first, and then
    /// whole under the same id.
    fn content(&self, text: &str, parts: Vec<AdkPart>) {
        let whole = self.event();
        let event = |text: &str, parts: Vec<AdkPart>| {
            let text = (!text.is_empty()).then(|| AdkPart::text(text));
            let mut event = whole.clone();
            event.timestamp = now();
            event.content = Some(AdkContent::model(text.into_iter().chain(parts).collect()));
            event
        };
        if self.streaming {
            for word in text.split_inclusive(' ') {
                let mut partial = event(word, Vec::new());
                partial.partial = true;
                self.send(partial);
            }
        }
        let asked = parts.iter().filter_map(|part| match part {
            AdkPart::FunctionCall(call) if call.name == Question::TOOL => call.id.clone(),
            _ => None,
        });
        let long_running_tool_ids = asked.collect();
        self.send(AdkEvent { long_running_tool_ids, ..event(text, parts) });
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
        if let Some(log) = &self.log {
            log.event(&event);
        }
        // The caller may have disconnected. The work was paid for and continues.
        let _ = self.events.send(event);
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Returns the language of a script by its characters, which identify those of East Asia.
fn language_of_characters(script: &str) -> Option<&'static str> {
    let count = |is: fn(char) -> bool| script.chars().filter(|c| is(*c)).count();
    let kana = count(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    let hangul = count(|c| matches!(c, '\u{ac00}'..='\u{d7a3}'));
    let letters = count(char::is_alphabetic);
    let is_eastern = letters > 0 && (kana + hangul + count(is_han)) * 3 > letters;
    is_eastern.then_some(match (kana, hangul) {
        (0, 0) => "zh-CN",
        (_, 0) => "ja-JP",
        _ => "ko-KR",
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use crate::local::Prices;
    use crate::protocol::Credits;

    #[test]
    fn questions_are_free_and_speech_costs_most() {
        let prices = Prices::default();
        for (message, credits) in [
            ("narrate: hello", 20.0),
            ("use a male voice and add a title 'x'", 20.0),
            ("add a title 'x'", 2.0),
            ("undo", 0.0),
            ("撤销", 0.0),
            ("export film.mp4", 0.0),
            ("what can you do?", 0.0),
            ("make a video", 0.0),
            ("narrate this and ask me first: hello", 0.0),
            ("is this real?", 0.0),
        ] {
            assert_eq!(parse(message).price(&prices), Credits::new(credits), "{message}");
        }
    }
}
