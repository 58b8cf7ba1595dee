//! The engine without `media`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    Delivery, Engine, EngineError, EngineOutput, Gender, ScriptScenes, SpokenLine, VideoPlan,
};
use crate::fs::write_whole;
use crate::local::library::StoredFile;
use crate::protocol::RenderFormat;

/// One second each, made with FFmpeg.
const MP4: &[u8] = include_bytes!("placeholder.mp4");
const M4A: &[u8] = include_bytes!("placeholder.m4a");
const WAV: &[u8] = include_bytes!("placeholder.wav");
/// One frame each.
const JPG: &[u8] = include_bytes!("placeholder.jpg");
const PNG: &[u8] = include_bytes!("placeholder.png");
pub(super) const PLACEHOLDER_DURATION: Duration = Duration::from_secs(1);

/// A usual speaking rate.
const WORDS_PER_SECOND: f64 = 2.6;
const PAUSE: Duration = Duration::from_millis(300);

/// The engine without `media`: the duration of speech is estimated from its words, it has no audio,
/// and every video is the same second.
#[derive(Debug)]
pub(crate) struct PlaceholderEngine;

impl Engine for PlaceholderEngine {
    /// It speaks none of them, so it can claim those of the built-in voices.
    fn languages(&self) -> Vec<String> {
        ["en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT"].map(str::to_owned).into()
    }

    fn scenes(&self, script: &str, _language: &str) -> ScriptScenes {
        let (sentences, images) = sentences(script);
        let begun = sentences.iter().filter_map(|sentence| sentence.paragraph);
        ScriptScenes { images, paragraphs: begun.max().unwrap_or_default() }
    }

    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
        _: &mut dyn FnMut() -> PathBuf,
        _: &CancellationToken,
    ) -> Result<Vec<SpokenLine>, EngineError> {
        let mut start = Duration::ZERO;
        let mut lines = Vec::new();
        for sentence in sentences(script).0 {
            let words = sentence.text.split_whitespace().count() as f64;
            let seconds = words / WORDS_PER_SECOND / f64::from(delivery.pace.clamp(0.5, 2.0));
            let duration = Duration::from_secs_f64(seconds);
            let (paragraph, heading) = (sentence.paragraph, sentence.heading);
            lines.push(SpokenLine::new(sentence.text, start, duration, paragraph, heading));
            start += duration + PAUSE;
        }
        if lines.is_empty() { Err(EngineError::empty_script()) } else { Ok(lines) }
    }

    /// As long as the script would take; its sentences share the time by their lengths.
    fn align(
        &self,
        script: &str,
        language: &str,
        recording: &StoredFile,
        cancel: &CancellationToken,
    ) -> Result<Option<SpokenLine>, EngineError> {
        let delivery =
            Delivery { language: language.to_owned(), gender: Gender::default(), pace: 1.0 };
        let lines = self.speak(script, &delivery, &mut PathBuf::new, cancel)?;
        let estimated = lines.last().map(|line| line.start + line.duration).unwrap_or_default();
        let duration = recording.info.duration.unwrap_or(estimated);
        let factor = duration.as_secs_f64() / estimated.as_secs_f64().max(0.001);
        let lines = lines.into_iter();
        let lines = lines.map(|line| SpokenLine { start: line.start.mul_f64(factor), ..line });
        Ok(Some(SpokenLine::joined(lines, duration)))
    }

    fn render(
        &self,
        video: &VideoPlan,
        to: &Path,
        progress: &(dyn Fn(f32) + Sync),
        _: &CancellationToken,
    ) -> Result<EngineOutput, EngineError> {
        progress(0.5);
        let bytes = match video.format {
            RenderFormat::M4a => M4A,
            RenderFormat::Wav => WAV,
            RenderFormat::Jpg => JPG,
            RenderFormat::Png => PNG,
            _ => MP4,
        };
        write_whole(to, bytes).map_err(|error| EngineError::io(&error))?;
        Ok(EngineOutput { duration: PLACEHOLDER_DURATION, name: "placeholder" })
    }
}

struct PlainSentence {
    text: String,
    /// The number of the paragraph that begins here, from 1. A heading belongs to the next one.
    paragraph: Option<usize>,
    /// The heading that this is.
    heading: Option<String>,
}

/// Splits a script at the ends of sentences and lines, well enough to count and time them. Returns
/// its images as well, each with the number of its paragraph.
fn sentences(script: &str) -> (Vec<PlainSentence>, Vec<(usize, String)>) {
    let mut found = Vec::new();
    let (mut images, mut pending) = (Vec::new(), Vec::new());
    let (mut paragraphs, mut is_open, mut is_first) = (0, false, true);
    for line in script.lines().map(str::trim) {
        if line.is_empty() {
            is_first = true;
            continue;
        }
        let line = taken_images(line, &mut pending);
        let line = line.trim();
        let heading = line.strip_prefix('#').map(|text| text.trim_start_matches('#').trim());
        let text = heading.unwrap_or(line);
        let mut title = heading.map(str::to_owned);
        is_first |= heading.is_some();
        let parts = text.split_inclusive(['.', '!', '?', '。', '！', '？']).map(str::trim);
        let mut has_words = false;
        for text in parts.filter(|sentence| sentence.contains(char::is_alphanumeric)) {
            let begins = std::mem::take(&mut is_first) && !is_open;
            paragraphs += usize::from(begins);
            has_words = true;
            found.push(PlainSentence {
                text: text.to_owned(),
                paragraph: begins.then_some(paragraphs),
                heading: title.take(),
            });
        }
        if has_words || !is_first {
            images.extend(pending.drain(..).map(|image| (paragraphs, image)));
        }
        if has_words {
            is_open = heading.is_some();
            is_first = heading.is_some();
        }
    }
    images.extend(pending.drain(..).map(|image| (paragraphs, image)).filter(|_| paragraphs > 0));
    (found, images)
}

/// Returns a script without its images, whose names are not said or shown.
pub(crate) fn without_images(script: &str) -> String {
    taken_images(script, &mut Vec::new())
}

/// Takes the images out of a text.
fn taken_images(text: &str, images: &mut Vec<String>) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        // Where one has no end, those after it in the line have none.
        while let Some((before, image)) = rest.split_once("![")
            && let Some((_, image)) = image.split_once("](")
            && let Some((target, after)) = image.split_once(')')
        {
            plain.push_str(before);
            images.push(target.split_whitespace().next().unwrap_or_default().to_owned());
            rest = after;
        }
        plain.push_str(rest);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_takes_the_time_of_its_words() {
        let delivery = |pace| Delivery { language: "en".to_owned(), gender: Gender::Male, pace };
        let mut no_audio = || unreachable!("no audio is made");
        let cancel = CancellationToken::new();
        let mut lines = |pace| {
            let script = "One two three four. Five! …\r\nSix";
            PlaceholderEngine.speak(script, &delivery(pace), &mut no_audio, &cancel).unwrap()
        };
        let slow = lines(1.0);
        assert_eq!(
            slow.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(),
            ["One two three four.", "Five!", "Six"]
        );
        assert_eq!(slow[1].start, slow[0].duration + PAUSE);
        assert!(lines(2.0)[0].duration < slow[0].duration);
        assert!(PlaceholderEngine.speak("… !", &delivery(1.0), &mut no_audio, &cancel).is_err());
    }

    #[test]
    fn the_images_of_a_script_are_those_of_its_paragraphs() {
        let script = "Hi!\n![a](a.png)\n\n# Sky\n![](b.png)\nIt ![](c.png \"x\") is blue.\n\n![x\n\nEnd\n\n![](d.png)";
        let scenes = PlaceholderEngine.scenes(script, "en");
        let images: Vec<String> =
            scenes.images.iter().map(|(number, name)| format!("{number} {name}")).collect();
        assert_eq!(images, ["1 a.png", "2 b.png", "2 c.png", "4 d.png"]);
        assert_eq!(scenes.paragraphs, 4);
        assert_eq!(without_images("Hi ![a](b) ![c\n](d)"), "Hi  ![c\n](d)");
        assert_eq!(without_images("![a](b\n![c](d)"), "![a](b\n");
        assert_eq!(without_images("![a ![b](c) ![d](e"), " ![d](e");
        let lines = sentences(script).0;
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["Hi!", "Sky", "It  is blue.", "[x", "End"]);
    }
}
