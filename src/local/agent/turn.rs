//! One message from beginning to end. It blocks, and it finishes whether anybody listens or not:
//! what it does is in the session's state and in the ledger before it is told.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::answers::{Refusal, Said, Tongue};
use super::apply::{apply, captions};
use super::compose::{self, Sentence};
use super::document;
use super::edits::{Edit, Pace, Speech};
use super::events::Emitter;
use super::gui::{Gui, Hint, Moment, hint};
use super::languages;
use super::settings::Settings;
use super::understand::{Asked, Script, Wish};
use crate::draft::{Draft, Object, TrackRole};
use crate::local::engine::{Delivery, Failure, PALETTES};
use crate::local::ledger::Hold;
use crate::local::service::Shared;
use crate::local::sessions::{Session, Spoken, Work};
use crate::local::settings::Prices;
use crate::protocol::{Credits, FileFormat, FileType};

/// A film goes on a little after the last word.
const TAIL: Duration = Duration::from_millis(500);
const TITLE_TIME: Duration = Duration::from_secs(3);

/// What a message will cost if it succeeds.
pub(in crate::local) fn price(asked: &Asked, prices: &Prices) -> Credits {
    match &asked.wish {
        Wish::Voiceover { .. } => prices.voiceover,
        Wish::Edits { edits, .. } if edits.iter().any(|edit| matches!(edit, Edit::Speak(_))) => {
            prices.voiceover
        }
        Wish::Edits { .. } | Wish::Undo(_) => prices.edit,
        Wish::Help | Wish::Unknown => Credits::ZERO,
    }
}

#[derive(Debug)]
pub(in crate::local) struct Turn {
    pub(in crate::local) service: Shared,
    pub(in crate::local) session: Arc<Session>,
    pub(in crate::local) emitter: Emitter,
    /// The price of the message, held until it is known whether the work succeeds.
    pub(in crate::local) hold: Hold,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Answered,
    Silent,
    /// Nothing was done, and nothing is charged.
    Refused,
}

/// How this turn talks.
#[derive(Clone, Copy, Debug)]
struct Talk {
    tongue: Tongue,
    /// Which message of the session this is, from 1.
    nth: u64,
}

impl Turn {
    pub(in crate::local) fn run(self, asked: Asked) {
        let talk = Talk { tongue: asked.tongue, nth: self.session.count_turn() };
        let noisy = self.service.settings.trailing_noise.includes(talk.nth);
        let emitter = self.emitter.clone();
        let end = match asked.wish {
            Wish::Voiceover { script, settings } => self.voiceover(talk, script, settings),
            Wish::Edits { edits, not_understood } => self.edits(talk, &edits, &not_understood),
            Wish::Undo(steps) => self.undo(talk, steps),
            Wish::Help => {
                self.emitter.text(&Said::Help.words(talk.tongue));
                End::Answered
            }
            Wish::Unknown => {
                let words = [Said::NotUnderstood, Said::Help].map(|said| said.words(talk.tongue));
                self.emitter.text(&words.join("\n\n"));
                End::Refused
            }
        };
        if noisy && end == End::Answered {
            emitter.text(&Said::Noise.words(talk.tongue));
        }
    }

    fn voiceover(self, talk: Talk, script: Script, settings: Settings) -> End {
        let (script, delivery) = match self.order(script, &settings) {
            Ok(order) => order,
            Err(refusal) => return self.refuse(talk, &refusal),
        };
        let args = json!({
            "script": script,
            "language": delivery.language,
            "voice": delivery.gender.word(),
            "pace": delivery.pace,
        });
        let speaking = Said::Speaking.words(talk.tongue);
        let call = self.emitter.call(&speaking, "generate_voiceover", &args);
        let sentences = match self.speak(&script, &delivery) {
            Ok(sentences) => sentences,
            Err(failure) => {
                let refusal = Refusal::from(failure);
                let error = refusal.why.words(talk.tongue);
                let response = json!({ "status": "error", "error": error });
                self.emitter.result(call, &response, Object::new());
                return self.refuse(talk, &refusal);
            }
        };

        // The raw clip.
        let mut draft = Draft::new();
        let length = length(&sentences);
        draft.set_duration(length);
        compose::set_aspect(&mut draft, settings.aspect.unwrap_or_default());
        draft.set_metadata("language", delivery.language.as_str());
        match (&settings.background, self.session.last_upload(FileType::Image)) {
            (None, Some(picture)) => compose::set_picture(&mut draft, &picture),
            (palette, _) => {
                compose::set_palette(&mut draft, palette.as_deref().unwrap_or(PALETTES[0]));
            }
        }
        compose::set_voiceover(&mut draft, &sentences);
        let spoken = Some(Spoken { script, delivery });
        self.session.begin(Work { draft: Some(draft.clone()), spoken: spoken.clone() });
        let response = json!({ "status": "ok", "sentences": sentences.len(), "duration": length.as_secs_f64() });
        self.emitter.result(call, &response, delta(&draft));

        // What goes on top of it.
        let finishing = Said::RawClip(length).words(talk.tongue);
        let captioned = settings.captions.unwrap_or(true);
        let args = json!({ "captions": captioned, "title": settings.title });
        let call = self.emitter.call(&finishing, "finish_video", &args);
        if let Some(music) = self.session.last_upload(FileType::Audio) {
            compose::set_music(&mut draft, &music);
        }
        if captioned {
            let captions = captions(&draft, &*self.service.engine);
            compose::set_captions(&mut draft, &captions);
        }
        if let Some(title) = &settings.title {
            compose::add_title(&mut draft, title, Duration::ZERO, TITLE_TIME.min(length));
        }
        let sentences = sentences.len();
        let hint = hint(Moment::Film, talk.nth, |gui| self.shows(gui, &draft));
        let said = match hint {
            Hint::Sentence(_) => Said::Ready { sentences, length },
            Hint::Joined(_) => Said::ClipReady { sentences, length },
        };
        let text = hint.close(&said.words(talk.tongue), talk.tongue);
        self.session.go_on(Work { draft: Some(draft.clone()), spoken });
        self.hold.take();
        self.emitter.result(call, &json!({ "status": "ok" }), delta(&draft));
        self.emitter.text(&text);
        End::Answered
    }

    /// Whether there is anything to the words about this part of the screen.
    fn shows(&self, gui: Gui, draft: &Draft) -> bool {
        match gui {
            Gui::DragTitle => compose::has(draft, &TrackRole::Title),
            Gui::MediaPanel => self.session.has_uploads(),
            Gui::Export | Gui::Preview => draft.duration() > Duration::ZERO,
            Gui::Billing => true,
        }
    }

    /// The script and the delivery, found to be possible before any work.
    fn order(&self, script: Script, settings: &Settings) -> Result<(String, Delivery), Refusal> {
        let script = match script {
            Script::Told(script) => script,
            Script::Uploaded => self
                .uploaded_script()?
                .ok_or(Refusal { code: "NO_SCRIPT", why: Said::NoUploadedScript })?,
            Script::Known => self.known_script()?,
        };
        if !script.contains(char::is_alphanumeric) {
            return Err(Failure::empty_script().into());
        }
        let engine = &self.service.engine;
        let language = settings.language.clone().unwrap_or_else(|| self.language_of(&script));
        self.can_speak(&language)?;
        if settings.captions != Some(false) {
            engine.can_write(&script)?;
        }
        engine.can_write(settings.title.as_deref().unwrap_or_default())?;
        let gender = settings.gender.unwrap_or_default();
        let pace = settings.pace.unwrap_or(1.0).clamp(0.5, 2.0);
        Ok((script, Delivery { language, gender, pace }))
    }

    fn can_speak(&self, language: &str) -> Result<(), Refusal> {
        let engine = &self.service.engine;
        engine.can_speak(language).map_err(|failure| Refusal {
            code: failure.code,
            why: Said::NoVoice {
                failure,
                language: language.to_owned(),
                languages: engine.languages(),
            },
        })
    }

    fn uploaded_script(&self) -> Result<Option<String>, Refusal> {
        let file = self.session.last_upload(FileType::Document);
        file.map(|file| document::read(&file.path, &file.name)).transpose()
    }

    fn known_script(&self) -> Result<String, Refusal> {
        if let Some(script) = self.uploaded_script()? {
            return Ok(script);
        }
        let spoken = self.session.work().spoken.map(|spoken| spoken.script);
        spoken.ok_or(Refusal { code: "NO_SCRIPT", why: Said::NoScript })
    }

    /// The language of a script when nobody says: its characters tell some, the session's may do,
    /// and most scripts are English.
    fn language_of(&self, script: &str) -> String {
        if let Some(tag) = languages::of_characters(script) {
            return tag.to_owned();
        }
        let own = self.session.language.clone();
        own.filter(|language| self.service.engine.can_speak(language).is_ok())
            .unwrap_or_else(|| "en-US".to_owned())
    }

    /// Speaks a script and puts its sounds into the library.
    fn speak(&self, script: &str, delivery: &Delivery) -> Result<Vec<Sentence>, Failure> {
        let library = &self.service.library;
        let format = FileFormat::of("speech.wav")
            .ok_or_else(|| Failure::new("FORMAT", "there is no format for speech"))?;
        let mut places = Vec::new();
        let mut place = || {
            let place = library.place(format);
            let path = place.path.clone();
            places.push(place);
            path
        };
        let lines = self.service.engine.speak(script, delivery, &mut place)?;
        let mut places = places.into_iter();
        let sentences = lines.into_iter().enumerate().map(|(index, line)| {
            let media = line.sound.and_then(|_| places.next()).map(|place| {
                let name = format!("sentence-{}.wav", index + 1);
                let mut file = place.stored(self.session.id.clone(), name);
                file.facts.duration = Some(line.duration);
                let file = library.add(file);
                self.session.add_generated(json!({
                    "id": file.id,
                    "type": "voiceover",
                    "text": line.text,
                    "duration": line.duration.as_secs_f64(),
                    "url": file.url(&self.service.url),
                }));
                file.id.clone()
            });
            Sentence { text: line.text, start: line.start, duration: line.duration, media }
        });
        Ok(sentences.collect())
    }

    fn edits(self, talk: Talk, edits: &[Edit], not_understood: &[String]) -> End {
        let work = self.session.work();
        let Some(mut draft) = work.draft else {
            return self.decline(talk, &[Said::NothingToEdit, Said::NothingCharged]);
        };
        let mut spoken = work.spoken;
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for edit in edits {
            let result = match edit {
                Edit::Speak(speech) => self.speak_again(speech, &mut draft, &mut spoken),
                edit => apply(edit, &mut draft, &self.session, &*self.service.engine),
            };
            match (result, edit) {
                (Ok(said), _) => done.push(said),
                // It is what the turn is priced for: without it, nothing is done.
                (Err(said), Edit::Speak(_)) => {
                    return self.decline(talk, &[said, Said::NothingChangedOrCharged]);
                }
                (Err(said), _) => left.push(said),
            }
        }
        left.extend(not_understood.iter().cloned().map(Said::ClauseNotUnderstood));
        if done.is_empty() {
            left.push(Said::NothingChangedOrCharged);
            return self.decline(talk, &left);
        }
        let silent = self.goes_silent();
        let text = if silent { String::new() } else { Said::OnIt.words(talk.tongue) };
        let args = json!({ "edits": done.len() });
        done.extend(left);
        let told = self.closed(talk, &done, &draft);
        let call = self.emitter.call(&text, "edit_draft", &args);
        self.session.begin(Work { draft: Some(draft.clone()), spoken });
        self.hold.take();
        self.emitter.result(call, &json!({ "status": "ok" }), delta(&draft));
        if silent {
            return End::Silent;
        }
        self.emitter.text(&told);
        End::Answered
    }

    /// What was done to a draft, and what there is to see of it on the screen.
    fn closed(&self, talk: Talk, said: &[Said], draft: &Draft) -> String {
        let hint = hint(Moment::Edit, talk.nth, |gui| self.shows(gui, draft));
        hint.close(&in_words(talk, said), talk.tongue)
    }

    fn decline(&self, talk: Talk, said: &[Said]) -> End {
        self.emitter.text(&in_words(talk, said));
        End::Refused
    }

    fn goes_silent(&self) -> bool {
        self.service.settings.silent_edits.includes(self.session.count_edit())
    }

    /// The same script in another voice, language or pace; what else the draft holds stays.
    fn speak_again(
        &self,
        speech: &Speech,
        draft: &mut Draft,
        spoken: &mut Option<Spoken>,
    ) -> Result<Said, Said> {
        let Some(before) = spoken else {
            return Err(Said::NothingSpoken);
        };
        let mut delivery = before.delivery.clone();
        delivery.gender = speech.gender.unwrap_or(delivery.gender);
        delivery.language = speech.language.clone().unwrap_or(delivery.language);
        delivery.pace = match speech.pace {
            Some(Pace::To(pace)) => pace,
            Some(Pace::By(factor)) => delivery.pace * factor,
            None => delivery.pace,
        }
        .clamp(0.5, 2.0);
        self.can_speak(&delivery.language).map_err(|refusal| refusal.why)?;
        let sentences = self.speak(&before.script, &delivery).map_err(Said::Failed)?;
        compose::set_voiceover(draft, &sentences);
        compose::set_length(draft, length(&sentences));
        draft.set_metadata("language", delivery.language.as_str());
        if compose::has(draft, &TrackRole::Captions) {
            let captions = captions(draft, &*self.service.engine);
            compose::set_captions(draft, &captions);
        }
        before.delivery = delivery.clone();
        Ok(Said::SpokenAgain { delivery, length: length(&sentences) })
    }

    fn undo(self, talk: Talk, steps: usize) -> End {
        let Some((undone, work)) = self.session.undo(steps) else {
            return self.decline(talk, &[Said::NothingToUndo, Said::NothingCharged]);
        };
        let silent = self.goes_silent();
        let text = if silent { String::new() } else { Said::GoingBack.words(talk.tongue) };
        let call = self.emitter.call(&text, "undo", &json!({ "steps": undone }));
        let draft = work.draft.unwrap_or_default();
        let said = Said::Undone { steps: undone, all: undone < steps };
        let told = self.closed(talk, &[said], &draft);
        self.hold.take();
        self.emitter.result(call, &json!({ "status": "ok" }), delta(&draft));
        if silent {
            return End::Silent;
        }
        self.emitter.text(&told);
        End::Answered
    }

    /// Nothing was done, so nothing is charged: the hold goes back with the turn.
    fn refuse(self, talk: Talk, refusal: &Refusal) -> End {
        drop(self.hold);
        self.emitter.error(refusal.code, &refusal.why.words(talk.tongue));
        let words = [&refusal.why, &Said::NothingCharged].map(|said| said.words(talk.tongue));
        self.emitter.text(&talk.tongue.join(&words));
        End::Refused
    }
}

fn in_words(talk: Talk, said: &[Said]) -> String {
    let words: Vec<String> = said.iter().map(|said| said.words(talk.tongue)).collect();
    talk.tongue.join(&words)
}

fn length(sentences: &[Sentence]) -> Duration {
    let end = sentences.last().map(|sentence| sentence.start + sentence.duration);
    end.unwrap_or_default() + TAIL
}

fn delta(draft: &Draft) -> Object {
    Object::from([("draft", draft.as_json().clone())])
}

#[cfg(test)]
mod tests {
    use super::super::understand::understand;
    use super::price;
    use crate::local::Prices;
    use crate::protocol::Credits;

    #[test]
    fn questions_are_free_and_speaking_is_dear() {
        let prices = Prices::default();
        for (message, credits) in [
            ("narrate: hello", 20.0),
            ("use a male voice and add a title 'x'", 20.0),
            ("add a title 'x'", 2.0),
            ("undo", 2.0),
            ("what can you do?", 0.0),
            ("is this real?", 0.0),
        ] {
            assert_eq!(price(&understand(message), &prices), Credits::new(credits), "{message}");
        }
    }
}
