//! Ground truth comes from a voice whose timing is known for each word, and from the pauses that
//! the built-in voice makes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::pieces::{LANGUAGES, Pieces, SIGNS};
use super::*;
use crate::media::layout::caption_lines;
use crate::media::{Dice, Font, Pico};

mod pieces;

/// The promise: a caption appears at most this much before or after its words.
const MAX_ERROR: Duration = Duration::from_millis(150);

/// Speaks each word as a tone whose pitch and length depend on its letters, with silence behind it.
#[derive(Debug)]
struct ToneVoice {
    /// Whether words differ in pitch, as they do in speech.
    is_melodic: bool,
    /// The slowdown of the last word, in percent.
    drawl: u64,
}

const RATE: u64 = 4000;

impl ToneVoice {
    fn hash(word: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        word.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric()).hash(&mut hasher);
        hasher.finish()
    }

    /// Returns the number of samples of a word and of the silence behind it.
    fn length(&self, word: &str, is_last: bool) -> (u64, u64) {
        let letters = word.chars().filter(|c| c.is_alphanumeric()).count() as u64;
        let tone = if letters == 0 { 0 } else { 80 + 40 * letters + Self::hash(word) % 60 };
        let tone = if is_last { tone * (100 + self.drawl) / 100 } else { tone };
        let silence = if word.ends_with([',', ';', ':', '—']) { 220 } else { 30 };
        (tone * RATE / 1000, silence * RATE / 1000)
    }

    /// Returns when the word at an offset of a spoken text begins.
    fn time_of(&self, text: &str, offset: usize) -> Duration {
        // A dash before the first word is silent.
        let words = &text[offset..];
        let offset = offset + words.find(char::is_alphanumeric).unwrap_or(words.len());
        let before = text[..offset].rsplit_once(' ').map_or("", |(before, _)| before);
        let before = before.split_whitespace();
        let samples: u64 = before.map(|word| self.length(word, false)).map(|(t, s)| t + s).sum();
        Duration::from_millis(samples * 1000 / RATE)
    }
}

impl Voice for ToneVoice {
    fn languages(&self) -> Vec<String> {
        ["en", "de", "es", "fr", "it", "th"].map(str::to_owned).to_vec()
    }

    fn speak(&self, text: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut samples = vec![0_i16; 700];
        for (index, word) in words.iter().enumerate() {
            let pitch = if self.is_melodic { 200 + Self::hash(word) / 7 % 1500 } else { 500 };
            let (tone, silence) = self.length(word, index + 1 == words.len());
            samples.extend((0..tone).map(|n| {
                let phase = std::f32::consts::TAU * (pitch * n) as f32 / RATE as f32;
                (9000.0 * phase.sin()) as i16 + 1000
            }));
            samples.extend(vec![0; silence as usize]);
        }
        samples.extend(vec![0; 900]);
        Ok(AudioBuffer::new(RATE as u32, samples))
    }
}

/// A voice that speaks as a function does.
struct FnVoice<F>(F);

impl<F> fmt::Debug for FnVoice<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnVoice")
    }
}

impl<F> Voice for FnVoice<F>
where
    F: Fn(&str) -> Result<AudioBuffer, MediaError> + Send + Sync,
{
    fn languages(&self) -> Vec<String> {
        vec!["en".to_owned()]
    }

    fn speak(&self, text: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        (self.0)(text)
    }
}

const FRAMES: [FrameSize; 3] = [FrameSize::LANDSCAPE, FrameSize::PORTRAIT, FrameSize::SQUARE];

/// A script, the words in it, and the clauses of its sentences.
struct RandomScript {
    text: String,
    words: Vec<String>,
    clauses: Vec<&'static str>,
}

fn random_script(dice: &mut Dice, pieces: &Pieces) -> RandomScript {
    let (mut text, mut words, mut used) = (String::new(), String::new(), Vec::new());
    for _ in 0..1 + dice.roll(4) {
        if dice.roll(3) == 0 {
            let (markup, shown) = pieces.markup[dice.roll(pieces.markup.len())];
            text.push_str(&format!("\n{markup}\n"));
            words.push_str(&format!(" {shown}"));
            continue;
        }
        let clauses: Vec<&str> = (0..1 + dice.roll(4))
            .map(|_| match dice.roll(5) {
                0 => SIGNS[dice.roll(SIGNS.len())],
                _ => pieces.clauses[dice.roll(pieces.clauses.len())],
            })
            .collect();
        let and = pieces.and;
        let joint = [format!(", {and} "), ", ".to_owned(), format!(" {and} "), "; ".to_owned()];
        let sentence = format!("{} {}. ", pieces.first, clauses.join(&joint[dice.roll(4)]));
        text.push_str(&sentence);
        words.push_str(&format!(" {sentence}"));
        used.extend(clauses);
    }
    RandomScript { text, words: bare_words(&words), clauses: used }
}

fn bare_words(text: &str) -> Vec<String> {
    let letters = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    text.split_whitespace().map(letters).filter(|word| !word.is_empty()).collect()
}

fn narrated(script: &str, voice: &dyn Voice, language: &str) -> Narration {
    narrate(script, voice, &SpeechOptions::new(language), &Cancel::new()).unwrap()
}

/// Returns the error of each caption that begins within a sentence.
fn caption_errors(
    narration: &Narration,
    voice: &ToneVoice,
    language: &str,
) -> Vec<(String, Duration)> {
    let mut errors = Vec::new();
    for frame in FRAMES {
        let clips = narration.captions_for(frame);
        let mut clips = clips.iter();
        for sentence in &narration.sentences {
            let text = spoken(&sentence.text, language);
            let mut at = 0;
            while at < sentence.text.trim_end().len() {
                let clip = clips.next().expect("each word is in a caption");
                let offset =
                    at + sentence.text[at..].find(&clip.text).expect("captions are in order");
                at = offset + clip.text.len();
                let point = SplitPoint::of(&sentence.text, &text, offset);
                assert!(point.is_exact, "{:?} begins inside a word", clip.text);
                let truth = sentence.start + voice.time_of(&text.text, point.place);
                errors.push((clip.text.clone(), clip.start.abs_diff(truth)));
            }
        }
        assert!(clips.next().is_none());
    }
    errors
}

#[test]
fn no_word_of_a_random_script_is_lost_and_every_caption_is_in_time() {
    let mut dice = Dice(20_261_126);
    let mut checked = [0; LANGUAGES.len()];
    let font = Font::default();
    for round in 0..200 {
        let pieces = &LANGUAGES[round % LANGUAGES.len()];
        let language = pieces.language;
        let turn = round / LANGUAGES.len();
        let voice = ToneVoice { is_melodic: !turn.is_multiple_of(4), drawl: [0, 25, 40][turn % 3] };
        let script = random_script(&mut dice, pieces);
        let narration = narrated(&script.text, &voice, language);
        let script_text = &script.text;
        for frame in FRAMES {
            let captions = narration.captions_for(frame);
            let shown: Vec<&str> = captions.iter().map(|clip| clip.text.as_str()).collect();
            // A long URL may be in two captions.
            let shown = bare_words(&shown.join(" ")).concat();
            assert_eq!(shown, script.words.concat(), "{script_text:?}");
            for clip in &captions {
                assert!(clip.duration >= MIN_CAPTION, "{clip:?} in {script_text:?}");
                let most = if frame == FrameSize::PORTRAIT { 3 } else { 2 };
                assert!(caption_lines(clip, frame, &font) <= most, "{clip:?} for {frame:?}");
            }
        }
        assert_all_is_spoken(&narration, &script, language);
        // Words of one sound have no ends that could be heard, so these are in time without drawl.
        if voice.is_melodic || voice.drawl == 0 {
            for (text, error) in caption_errors(&narration, &voice, language) {
                assert!(error <= MAX_ERROR, "{error:?} around {text:?} in {script_text:?}");
                checked[round % LANGUAGES.len()] += 1;
            }
        }
    }
    assert!(checked.iter().all(|count| *count > 150), "{checked:?}");
}

/// Asserts that each clause is spoken in full, and that what is not spoken is reported.
fn assert_all_is_spoken(narration: &Narration, script: &RandomScript, language: &str) {
    let mut said = Vec::new();
    let mut warnings = narration.warnings.iter();
    for sentence in &narration.sentences {
        let text = spoken(&sentence.text, language);
        for piece in &text.pieces {
            let source = &sentence.text[piece.source.clone()];
            let is_word = source.contains(char::is_alphanumeric);
            let is_spoken = !text.text[piece.spoken.clone()].trim().is_empty();
            let is_lost = text.unspoken.iter().any(|part| source.contains(part.as_str()));
            assert!(!is_word || is_spoken || is_lost, "{source:?} in {:?}", script.text);
        }
        let lost = text.unspoken.iter().map(String::as_str).filter(|part| !is_decoration(part));
        let lost: Vec<&str> = lost.collect();
        if !lost.is_empty() {
            let reported = warnings.find_map(|warning| match warning {
                NarrationWarning::NotSpoken { sentence: of, parts } if *of == sentence.text => {
                    Some(parts)
                }
                _ => None,
            });
            let reported = reported.map(|parts| parts.iter().map(String::as_str).collect());
            assert_eq!(reported, Some(lost), "{:?}", script.text);
        }
        said.extend(bare_words(&text.text.to_lowercase()));
    }
    for clause in &script.clauses {
        let words = bare_words(&spoken(clause, language).text.to_lowercase());
        let is_said = words.is_empty() || said.windows(words.len()).any(|said| said == words);
        assert!(is_said, "{clause:?} of {:?}: {said:?}", script.text);
    }
}

#[test]
fn captions_of_the_built_in_voice_appear_where_its_pauses_end() {
    for (language, sentence) in [
        (
            "en-US",
            "The bill over $1,250,000.50 came on 24 December 2023, but nobody could pay it, because the bank at https://www.example.com/login was closed, as it is every year.",
        ),
        (
            "en-GB",
            "If you want to order one of them, please call +44 20 7946 0958 in the morning, or write to sales@example.com, and we will send it to you within 24 hours.",
        ),
        (
            "de-DE",
            "Die Rechnung über 1.250.000,50 € kam am 24. Dezember 2023 an, aber niemand konnte sie bezahlen, weil die Bank geschlossen war, wie in jedem Jahr.",
        ),
        (
            "fr-FR",
            "La facture de 1 250 000 euros est arrivée le 24 décembre 2023, mais personne ne pouvait la payer, parce que la banque était fermée.",
        ),
    ] {
        let narration = narrated(sentence, &Pico::new(), language);
        let [spoken] = &narration.sentences[..] else { panic!("{language}: one sentence") };
        let pauses = pause_ends(&spoken.audio);
        let mut checked = 0;
        for frame in FRAMES {
            let clips = narration.captions_for(frame);
            for pair in clips.windows(2).filter(|pair| pair[0].text.ends_with(',')) {
                let error = pauses.iter().map(|pause| pause.abs_diff(pair[1].start)).min();
                assert!(error < Some(MAX_ERROR), "{language}: {pair:?}, {pauses:?}");
                checked += 1;
            }
        }
        assert!(checked > 0, "{language}");
    }
}

#[test]
fn captions_of_the_built_in_voice_can_be_read() {
    let url = "https://www.example.com/path/to/a/longer/page-of-the-site.html?x=1&y=22#top";
    let mut checked = 0;
    for (language, sentences) in [
        (
            "en-US",
            &[
                format!("Today see {url} for more."),
                format!("Please call +1 (555) 010-0199 or see {url}, which costs $1,250.50."),
                format!("No. It costs $5–10m, so go to {url}, or write to first.last@example.org."),
            ][..],
        ),
        ("en-GB", &[format!("You can call +44 20 7946 0958, or see {url} today.")]),
        ("de-DE", &[format!("Mehr unter {url} oder unter 030 1234567 für 1.250,50 € im Jahr.")]),
        ("fr-FR", &[format!("Voir {url} ou le 01 23 45 67 89, pour 1 250,50 € par an.")]),
        ("es-ES", &[format!("Vea {url} o llame al +34 912 345 678, por 1.250,50 € al año.")]),
        ("it-IT", &[format!("Vedi {url} o chiama il +39 06 6982 1234, per 1.250,50 €.")]),
    ] {
        for sentence in sentences {
            let narration = narrated(sentence, &Pico::new(), language);
            for frame in FRAMES {
                for clip in narration.captions_for(frame) {
                    assert!(clip.duration >= MIN_CAPTION, "{language} {frame:?}: {clip:?}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 40, "{checked}");
}

/// Returns the ends of the pauses that are longer than those within a word.
fn pause_ends(audio: &AudioBuffer) -> Vec<Duration> {
    let rate = audio.sample_rate() as usize;
    let mut ends = Vec::new();
    let mut quiet = 0;
    for (at, sample) in audio.samples().iter().enumerate() {
        if sample.unsigned_abs() <= AudioBuffer::SILENCE {
            quiet += 1;
        } else {
            if quiet > rate * 12 / 100 {
                ends.push(Duration::from_secs_f64(at as f64 / rate as f64));
            }
            quiet = 0;
        }
    }
    ends
}

/// The built-in voice without the times of its words.
#[derive(Debug)]
struct UntimedPico(Pico);

impl Voice for UntimedPico {
    fn languages(&self) -> Vec<String> {
        self.0.languages()
    }

    fn speak(&self, text: &str, options: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        self.0.speak(text, options)
    }
}

#[test]
fn the_times_of_the_built_in_voice_are_those_of_its_sound() {
    for pieces in &LANGUAGES {
        let clauses = pieces.clauses.iter().take(6).copied().collect::<Vec<_>>();
        let script = format!("{} {}.", pieces.first, clauses.join(", "));
        let timed = narrated(&script, &Pico::new(), pieces.language);
        let untimed = narrated(&script, &UntimedPico(Pico::new()), pieces.language);
        let mut checked = 0;
        for (timed, untimed) in timed.sentences.iter().zip(&untimed.sentences) {
            assert_eq!(timed.audio, untimed.audio, "{script}");
            for heard in &untimed.marks {
                let mark = timed.marks.iter().find(|mark| mark.offset == heard.offset).unwrap();
                let error = mark.time.abs_diff(heard.time);
                assert!(error <= MAX_ERROR, "{}: {mark:?} {heard:?}", pieces.language);
                checked += usize::from(mark.time != heard.time);
            }
        }
        assert!(checked > 0, "{script}");
    }
}

/// A voice that knows when its words begin, and speaks no sentence without telling it.
#[derive(Debug)]
struct TimedVoice(ToneVoice);

impl Voice for TimedVoice {
    fn languages(&self) -> Vec<String> {
        self.0.languages()
    }

    fn speak(&self, text: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        panic!("spoken without times: {text}")
    }

    fn speak_timed(
        &self,
        text: &str,
        offsets: &[usize],
        options: &SpeechOptions,
        _: &Cancel,
    ) -> Result<(AudioBuffer, Option<Vec<Duration>>), MediaError> {
        assert!(offsets.is_sorted(), "{text}: {offsets:?}");
        let silence = Duration::from_millis(700 * 1000 / RATE);
        let times = offsets.iter().map(|&offset| silence + self.0.time_of(text, offset)).collect();
        Ok((self.0.speak(text, options)?, Some(times)))
    }
}

#[test]
fn a_voice_that_times_its_words_speaks_each_sentence_once() {
    let tones = || ToneVoice { is_melodic: true, drawl: 0 };
    for pieces in &LANGUAGES {
        let clauses = pieces.clauses.iter().take(6).chain(&SIGNS[..5]).copied().collect::<Vec<_>>();
        let script = format!("{} {} {}.", pieces.first, clauses.join(", "), "🎉 ".repeat(60));
        let timed = narrated(&script, &TimedVoice(tones()), pieces.language);
        let searched = narrated(&script, &tones(), pieces.language);
        for (timed, searched) in timed.sentences.iter().zip(&searched.sentences) {
            assert_eq!(timed.audio, searched.audio, "{script}");
            let has = |offset| timed.marks().any(|(known, _)| known == offset);
            assert!(searched.marks().all(|(offset, _)| has(offset)), "{script}");
            assert!(timed.marks().is_sorted_by_key(|(_, time)| time), "{:?}", timed.marks);
        }
        let last = timed.sentences.iter().flat_map(SpokenSentence::marks).last();
        assert!(last.is_some_and(|(_, time)| time > Duration::ZERO), "{last:?}");
    }
}

#[test]
fn each_word_of_a_voice_that_times_its_words_has_its_time() {
    let voice = ToneVoice { is_melodic: true, drawl: 0 };
    for pieces in &LANGUAGES {
        let clauses = pieces.clauses.iter().chain(&SIGNS[..5]).copied().collect::<Vec<_>>();
        let script = format!("{} {}. 🎉 Go.", pieces.first, clauses.join(" — "));
        let timed = TimedVoice(ToneVoice { is_melodic: true, drawl: 0 });
        let narration = narrated(&script, &timed, pieces.language);
        let words = narration.words();
        assert!(words.is_sorted_by_key(|word| word.start), "{words:?}");
        let mut exact = 0;
        for (index, sentence) in narration.sentences.iter().enumerate() {
            let text = spoken(&sentence.text, pieces.language);
            let shown = words.iter().filter(|word| word.sentence == index);
            let joined: Vec<&str> =
                shown.clone().map(|word| &sentence.text[word.range.clone()]).collect();
            assert_eq!(bare_words(&joined.join(" ")), bare_words(&sentence.text));
            for word in shown {
                let point = SplitPoint::of(&sentence.text, &text, word.range.start);
                if word.range.start > 0 && point.is_word() {
                    let truth = sentence.start + voice.time_of(&text.text, point.place);
                    let error = word.start.abs_diff(truth);
                    assert!(error < Duration::from_millis(100), "{word:?}: {error:?} in {script}");
                    exact += 1;
                }
            }
            // The words of the captions are the same, at the same times.
            for frame in FRAMES {
                let clips = narration.captions_for(frame);
                let starts: Vec<Duration> = clips
                    .iter()
                    .flat_map(|clip| clip.words.iter().map(|(_, time)| clip.start + *time))
                    .collect();
                let is_shown = |word: &SpokenWord| starts.contains(&word.start);
                assert!(words.iter().all(is_shown), "{words:?} {starts:?}");
            }
        }
        assert!(exact > words.len() / 2, "{exact} of {}", words.len());
    }
}

#[test]
fn a_sentence_of_one_caption_is_spoken_once() {
    let words_for = |script: &str| {
        let count = AtomicUsize::new(0);
        let voice = FnVoice(|text: &str| {
            count.fetch_add(text.split_whitespace().count(), Ordering::Relaxed);
            ToneVoice { is_melodic: true, drawl: 0 }.speak(text, &SpeechOptions::new("en"))
        });
        narrated(script, &voice, "en");
        count.load(Ordering::Relaxed)
    };
    assert_eq!(words_for("One two three. Four five."), 5);
    let long = "word ".repeat(40);
    assert_eq!(words_for(&long), 80);
}

/// Returns a text with a space between its full-width characters.
fn spaced(text: &str) -> String {
    let mut spaced = String::new();
    for c in text.chars() {
        if spaced.chars().next_back().is_some_and(|before| breaks_between(before, c)) {
            spaced.push(' ');
        }
        spaced.push(c);
    }
    spaced
}

#[test]
fn a_caption_of_a_sentence_without_spaces_is_in_time() {
    let sentence = "咖啡最早出现在埃塞俄比亚，后来经过也门传到了威尼斯，不到一百年的时间，整个欧洲都开始喝咖啡了。";
    let spoken = Mutex::new(String::new());
    let tones = ToneVoice { is_melodic: true, drawl: 0 };
    let voice = FnVoice(|text: &str| {
        let mut longest = spoken.lock().unwrap();
        if text.len() > longest.len() {
            *longest = text.to_owned();
        }
        tones.speak(&spaced(text), &SpeechOptions::new("en"))
    });
    let captions = narrated(sentence, &voice, "zh-CN").captions();
    let [first, second] = &captions[..] else { panic!("{captions:?}") };
    let spoken = spoken.lock().unwrap();
    let said: String = spoken.chars().take(first.text.chars().count()).collect();
    let expected = tones.time_of(&spaced(&spoken), spaced(&said).len() + 1);
    assert!(second.start.abs_diff(expected) <= MAX_ERROR, "{second:?} {expected:?}");
}

#[test]
fn a_part_that_cannot_be_spoken_alone_does_not_fail_the_narration() {
    let picky = FnVoice(|text: &str| {
        if text.split_whitespace().count() < 30 {
            return Err(MediaError::Voice("too short".to_owned()));
        }
        ToneVoice { is_melodic: true, drawl: 0 }.speak(text, &SpeechOptions::new("en"))
    });
    let narration = narrated(&"word and word again ".repeat(10), &picky, "en");
    assert!(narration.captions().len() > 1);
}

#[test]
fn what_is_not_spoken_is_reported() {
    let voice = ToneVoice { is_melodic: true, drawl: 0 };
    let narration = narrated("We ~~sold~~ bought it. 🎉\n\n≥ ♪\n\nGreat 🎉 day.", &voice, "en");
    let warnings: Vec<String> = narration.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["left out: “sold”", "left out: “≥ ♪”"]);
    let narration = narrated("A ☃ and ☎️ 🎉. Press ⎋ now.", &voice, "en");
    let warnings: Vec<String> = narration.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["not spoken in “A ☃ and ☎️ 🎉.”: ☃", "not spoken in “Press ⎋ now.”: ⎋"]);
}

#[test]
fn a_sentence_in_another_script_is_shown_in_silence_and_reported() {
    let voice = ToneVoice { is_melodic: true, drawl: 0 };
    let foreign = "Привет, как дела? ".repeat(12);
    let narration = narrated(&format!("Hello there. {foreign}\n\nBye now."), &voice, "en");
    let reported = |warning: &NarrationWarning| warning.unspoken().concat().contains("Привет");
    assert!(narration.warnings.iter().any(reported), "{:?}", narration.warnings);
    for frame in FRAMES {
        let clips = narration.captions_for(frame);
        assert!(clips.iter().any(|clip| clip.text.contains("Привет")), "{clips:?}");
        assert!(clips.iter().all(|clip| clip.duration >= MIN_CAPTION), "{clips:?}");
    }
    let options = SpeechOptions::new("en");
    let error = narrate("Привет!", &voice, &options, &Cancel::new()).unwrap_err();
    assert!(matches!(error, MediaError::Voice(_)), "{error}");
}

#[test]
fn the_last_caption_of_a_sentence_can_be_read() {
    let voice = ToneVoice { is_melodic: true, drawl: 0 };
    let url = "https://www.example.com/path/to?x=1";
    for script in [
        format!("Today see {url} for more, and please call +1 (555) 010-0199. Go."),
        format!("Today see {url} for more, {url} and {url} now. No. Yes."),
        format!("{} It is. Go on.", "word and word again ".repeat(9).trim_end()),
    ] {
        let narration = narrated(&script, &voice, "en");
        for clip in FRAMES.into_iter().flat_map(|frame| narration.captions_for(frame)) {
            assert!(clip.duration >= MIN_CAPTION, "{clip:?} in {script:?}");
        }
    }
}

/// A word that fills several captions: letters alone, or a sentence in a script without spaces.
#[test]
fn captions_of_a_long_word_share_its_time() {
    let letters = "abcdefghij".repeat(20);
    let compound = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz".repeat(2);
    let latin = [
        ("en", format!("The {letters} ends here.")),
        ("en", letters),
        ("de", format!("Das {compound} gilt.")),
    ];
    let thai = "กาแฟมาถึงเวนิสทางเรือและผู้คนดื่มมันทุกเช้าก่อนไปทำงานที่ตลาด".repeat(3);
    let thai = [("th", thai.clone()), ("th", format!("{thai} {thai}"))];
    let (pico, untimed) = (Pico::new(), UntimedPico(Pico::new()));
    let tone = ToneVoice { is_melodic: true, drawl: 0 };
    let voices: [&dyn Voice; 3] = [&pico, &untimed, &tone];
    for (index, voice) in voices.into_iter().enumerate() {
        // Pico does not speak Thai.
        for (language, script) in latin.iter().chain(&thai[..if index == 2 { 2 } else { 0 }]) {
            let narration = narrated(script, voice, language);
            for frame in FRAMES {
                let captions = narration.captions_for(frame);
                let shown: String = captions.iter().map(|caption| &*caption.text).collect();
                let bare = |text: &str| text.replace([' ', '\u{ad}', '-'], "");
                assert_eq!(bare(&shown), bare(script), "{voice:?}");
                for caption in &captions {
                    assert!(caption.duration >= MIN_CAPTION, "{voice:?}: {caption:?}");
                }
            }
        }
    }
}

#[test]
fn a_voice_with_an_impossible_sample_rate_is_an_error() {
    let shrill =
        FnVoice(|_: &str| Ok::<_, MediaError>(AudioBuffer::new(u32::MAX, vec![9000; 100])));
    let options = SpeechOptions::new("en");
    let error = narrate("One. Two.", &shrill, &options, &Cancel::new()).unwrap_err();
    assert!(error.to_string().contains("4294967295 Hz"), "{error}");
}
