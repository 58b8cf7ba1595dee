//! One message from beginning to end. It blocks, and it finishes whether anybody listens or not:
//! what it does is in the session's state and in the ledger before it is told.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::apply::{apply, captions, seconds};
use super::compose::{self, Sentence};
use super::document;
use super::edits::{Edit, Pace, Speech};
use super::events::Emitter;
use super::settings::Settings;
use super::understand::Asked;
use crate::draft::{Draft, Object};
use crate::local::ledger::Hold;
use crate::local::service::Shared;
use crate::local::sessions::{Session, Spoken, Work};
use crate::local::settings::Prices;
use crate::local::studio::{Delivery, Failure, PALETTES};
use crate::wire::{Credits, FileFormat, FileType};

/// A film goes on a little after the last word.
const TAIL: Duration = Duration::from_millis(500);
const TITLE_TIME: Duration = Duration::from_secs(3);

/// What a message will cost if it succeeds.
pub(in crate::local) fn price(asked: &Asked, prices: &Prices) -> Credits {
    match asked {
        Asked::Voiceover { .. } => prices.voiceover,
        Asked::Edits { edits, .. } if edits.iter().any(|edit| matches!(edit, Edit::Speak(_))) => {
            prices.voiceover
        }
        Asked::Edits { .. } | Asked::Undo(_) => prices.edit,
        Asked::Help | Asked::Unknown => Credits::ZERO,
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

impl Turn {
    pub(in crate::local) fn run(self, asked: Asked) {
        match asked {
            Asked::Voiceover { script, settings } => self.voiceover(script, settings),
            Asked::Edits { edits, not_understood } => self.edits(&edits, &not_understood),
            Asked::Undo(steps) => self.undo(steps),
            Asked::Help => self.emitter.text(&help()),
            Asked::Unknown => self.emitter.text(&format!(
                "I did not understand that: I am plain code that knows a few sentences, not a \
                 model. Nothing was changed and nothing was charged.\n\n{}",
                help()
            )),
        }
    }

    fn voiceover(self, script: Option<String>, settings: Settings) {
        let (script, delivery) = match self.order(script, &settings) {
            Ok(order) => order,
            Err(failure) => return self.fail(&failure),
        };
        let args = json!({
            "script": script,
            "language": delivery.language,
            "voice": delivery.gender.word(),
            "pace": delivery.pace,
        });
        let call = self.emitter.call("Working on your voiceover…", "generate_voiceover", &args);
        let sentences = match self.speak(&script, &delivery) {
            Ok(sentences) => sentences,
            Err(failure) => {
                self.emitter.result(
                    call,
                    &json!({ "status": "error", "error": failure.message }),
                    Object::new(),
                );
                return self.fail(&failure);
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
        let finishing =
            format!("The raw clip is ready ({}). Now the finishing touches…", seconds(length));
        let captioned = settings.captions.unwrap_or(true);
        let args = json!({ "captions": captioned, "title": settings.title });
        let call = self.emitter.call(&finishing, "finish_video", &args);
        if let Some(music) = self.session.last_upload(FileType::Audio) {
            compose::set_music(&mut draft, &music);
        }
        if captioned {
            let captions = captions(&draft, &*self.service.studio);
            compose::set_captions(&mut draft, &captions);
        }
        if let Some(title) = &settings.title {
            compose::add_title(&mut draft, title, Duration::ZERO, TITLE_TIME.min(length));
        }
        self.session.go_on(Work { draft: Some(draft.clone()), spoken });
        self.hold.take();
        self.emitter.result(call, &json!({ "status": "ok" }), delta(&draft));
        let count = sentences.len();
        let plural = if count == 1 { "sentence" } else { "sentences" };
        self.emitter.text(&format!(
            "Your voiceover is ready: {count} {plural}, {}. Click the Export button to save it.",
            seconds(length)
        ));
    }

    /// The script and the delivery, found to be possible before any work.
    fn order(
        &self,
        script: Option<String>,
        settings: &Settings,
    ) -> Result<(String, Delivery), Failure> {
        let script = match script {
            Some(script) => script,
            None => self.script_elsewhere()?,
        };
        if !script.contains(char::is_alphanumeric) {
            return Err(Failure::empty_script());
        }
        let studio = &self.service.studio;
        let language = settings.language.clone().unwrap_or_else(|| self.language_of(&script));
        studio.can_speak(&language)?;
        if settings.captions != Some(false) {
            studio.can_write(&script)?;
        }
        studio.can_write(settings.title.as_deref().unwrap_or_default())?;
        let gender = settings.gender.unwrap_or_default();
        let pace = settings.pace.unwrap_or(1.0).clamp(0.5, 2.0);
        Ok((script, Delivery { language, gender, pace }))
    }

    fn script_elsewhere(&self) -> Result<String, Failure> {
        if let Some(file) = self.session.last_upload(FileType::Document) {
            return document::read(&file.path, &file.name);
        }
        let spoken = self.session.work().spoken;
        spoken.map(|spoken| spoken.script).ok_or_else(|| {
            Failure::new(
                "NO_SCRIPT",
                "There is no script yet: put it after “Script:”, or drag and drop a TXT or DOCX \
                 into the media panel.",
            )
        })
    }

    /// The language of a script when nobody says: its characters tell some, the session's may do,
    /// and most scripts are English.
    fn language_of(&self, script: &str) -> String {
        let count = |range: &[std::ops::RangeInclusive<char>]| {
            script.chars().filter(|c| range.iter().any(|range| range.contains(c))).count()
        };
        let letters = script.chars().filter(|c| c.is_alphabetic()).count().max(1);
        let kana = count(&['\u{3040}'..='\u{30ff}']);
        let han = count(&['\u{4e00}'..='\u{9fff}', '\u{3400}'..='\u{4dbf}']);
        let hangul = count(&['\u{ac00}'..='\u{d7a3}']);
        if (kana + han + hangul) * 3 > letters {
            let tag = match (kana, hangul) {
                (0, 0) => "zh-CN",
                (_, 0) => "ja-JP",
                _ => "ko-KR",
            };
            return tag.to_owned();
        }
        let own = self.session.language.clone();
        own.filter(|language| self.service.studio.can_speak(language).is_ok())
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
        let lines = self.service.studio.speak(script, delivery, &mut place)?;
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

    fn edits(self, edits: &[Edit], not_understood: &[String]) {
        let work = self.session.work();
        let Some(mut draft) = work.draft else {
            return self.emitter.text(
                "There is nothing to edit yet: give me a script first, after “Script:”. Nothing \
                 was charged.",
            );
        };
        let mut spoken = work.spoken;
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for edit in edits {
            let result = match edit {
                Edit::Speak(speech) => self.speak_again(speech, &mut draft, &mut spoken),
                edit => apply(edit, &mut draft, &self.session, &*self.service.studio),
            };
            match result {
                Ok(words) => done.push(words),
                Err(words) => left.push(words),
            }
        }
        left.extend(
            not_understood.iter().map(|clause| format!("I did not understand “{clause}”.")),
        );
        if done.is_empty() {
            left.push("Nothing was changed and nothing was charged.".to_owned());
            return self.emitter.text(&left.join(" "));
        }
        let silent = self.goes_silent();
        let text = if silent { "" } else { "On it…" };
        let args = json!({ "edits": done.len() });
        let call = self.emitter.call(text, "edit_draft", &args);
        self.session.begin(Work { draft: Some(draft.clone()), spoken });
        self.hold.take();
        self.emitter.result(call, &json!({ "status": "ok" }), delta(&draft));
        if !silent {
            let words: Vec<String> = done.into_iter().chain(left).collect();
            self.emitter.text(&format!("{} Preview it in the timeline.", words.join(" ")));
        }
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
    ) -> Result<String, String> {
        let Some(before) = spoken else {
            return Err("There is nothing spoken yet.".to_owned());
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
        let possible = self.service.studio.can_speak(&delivery.language);
        let sentences = possible.and_then(|()| self.speak(&before.script, &delivery));
        let sentences = sentences.map_err(|failure| failure.message)?;
        compose::set_voiceover(draft, &sentences);
        compose::set_length(draft, length(&sentences));
        draft.set_metadata("language", delivery.language.as_str());
        if compose::has(draft, &crate::draft::TrackRole::Captions) {
            let captions = captions(draft, &*self.service.studio);
            compose::set_captions(draft, &captions);
        }
        let words = format!(
            "I spoke it again: {}, a {} voice, pace {}, {}.",
            delivery.language,
            delivery.gender.word(),
            (delivery.pace * 100.0).round() / 100.0,
            seconds(length(&sentences))
        );
        before.delivery = delivery;
        Ok(words)
    }

    fn undo(self, steps: usize) {
        let Some(work) = self.session.undo(steps) else {
            return self.emitter.text("There is nothing to undo. Nothing was charged.");
        };
        let silent = self.goes_silent();
        let text = if silent { "" } else { "Going back…" };
        let call = self.emitter.call(text, "undo", &json!({ "steps": steps }));
        self.hold.take();
        let draft = work.draft.unwrap_or_default();
        self.emitter.result(call, &json!({ "status": "ok" }), delta(&draft));
        if !silent {
            self.emitter.text("That is undone. Preview it in the timeline.");
        }
    }

    /// Nothing was done, so nothing is charged: the hold goes back with the turn.
    fn fail(self, failure: &Failure) {
        drop(self.hold);
        self.emitter.error(failure.code, &failure.message);
        self.emitter.text(&format!("{} Nothing was charged.", failure.message));
    }
}

fn length(sentences: &[Sentence]) -> Duration {
    let end = sentences.last().map(|sentence| sentence.start + sentence.duration);
    end.unwrap_or_default() + TAIL
}

fn delta(draft: &Draft) -> Object {
    Object::from([("draft", draft.as_json().clone())])
}

fn help() -> String {
    let lines: [&str; 9] = [
        "What I understand:",
        "- Make a voiceover of this script. Voice: male. Language: en-US. Aspect ratio: 9:16. \
         Captions: off. Pace: 1.2. Title: \"…\". Then “Script:” and the script; or upload a TXT or \
         DOCX and say: Turn the uploaded script into a video.",
        "- add a title \"Morning Brew\" from 2 to 5 seconds, change it, remove it",
        "- captions on, captions off",
        "- add music (the sound you uploaded), set the music to 20%, mute the voiceover",
        "- trim to 30 seconds, cut the last 5 seconds, remove track 3",
        "- make it portrait, landscape or square",
        "- use my picture as the background, or one of these: dusk, ocean, forest, ember, slate",
        "- a male voice, in German, slower; undo",
    ];
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::understand::understand;
    use super::price;
    use crate::local::Prices;
    use crate::wire::Credits;

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
