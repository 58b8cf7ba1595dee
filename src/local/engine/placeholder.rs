//! The engine without `media`: speech is timed by its words and makes no sound, and every film is
//! the same second of nothing, called `placeholder`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Caption, Delivery, Engine, Failure, Film, Line, Made};
use crate::local::library::{Facts, StoredFile};
use crate::protocol::RenderFormat;

/// A second each, made once with ffmpeg.
const MP4: &[u8] = include_bytes!("placeholder.mp4");
const M4A: &[u8] = include_bytes!("placeholder.m4a");
const WAV: &[u8] = include_bytes!("placeholder.wav");
const LENGTH: Duration = Duration::from_secs(1);

/// A usual pace of reading aloud.
const WORDS_PER_SECOND: f64 = 2.6;
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(in crate::local) struct Placeholder;

impl Engine for Placeholder {
    /// It speaks none of them, so it may claim the ones the real engine has.
    fn languages(&self) -> Vec<String> {
        ["en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT"].map(str::to_owned).into()
    }

    fn can_write(&self, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn captions(&self, text: &str, start: Duration, duration: Duration) -> Vec<Caption> {
        vec![Caption { start, duration, text: text.to_owned() }]
    }

    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
        _: &mut dyn FnMut() -> PathBuf,
    ) -> Result<Vec<Line>, Failure> {
        let mut start = Duration::ZERO;
        let mut lines = Vec::new();
        for text in sentences(script) {
            let words = text.split_whitespace().count() as f64;
            let seconds = words / WORDS_PER_SECOND / f64::from(delivery.pace.clamp(0.5, 2.0));
            let duration = Duration::from_secs_f64(seconds);
            lines.push(Line { text: text.to_owned(), start, duration, sound: None });
            start += duration + PAUSE;
        }
        if lines.is_empty() { Err(Failure::empty_script()) } else { Ok(lines) }
    }

    fn look(&self, _: &StoredFile) -> Facts {
        Facts::default()
    }

    fn render(
        &self,
        film: &Film,
        to: &Path,
        progress: &(dyn Fn(f32) -> ControlFlow<()> + Sync),
    ) -> Result<Made, Failure> {
        if progress(0.5).is_break() {
            return Err(Failure::new("CANCELLED", "the render was cancelled"));
        }
        let bytes = match film.format {
            RenderFormat::M4a => M4A,
            RenderFormat::Wav => WAV,
            _ => MP4,
        };
        std::fs::write(to, bytes).map_err(|error| Failure::new("IO", error.to_string()))?;
        Ok(Made { duration: LENGTH, name: "placeholder" })
    }
}

/// Good enough to count and time: cut after what ends a sentence, and at line ends.
fn sentences(script: &str) -> impl Iterator<Item = &str> {
    script
        .lines()
        .flat_map(|line| line.split_inclusive(['.', '!', '?', '。', '！', '？']))
        .map(str::trim)
        .filter(|sentence| sentence.contains(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::engine::Gender;

    #[test]
    fn speech_takes_the_time_of_its_words() {
        let delivery = |pace| Delivery { language: "en".to_owned(), gender: Gender::Male, pace };
        let mut place = || unreachable!("no sound is made");
        let mut lines = |pace| {
            let script = "One two three four. Five! …\r\nSix";
            Placeholder.speak(script, &delivery(pace), &mut place).unwrap()
        };
        let slow = lines(1.0);
        assert_eq!(
            slow.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(),
            ["One two three four.", "Five!", "Six"]
        );
        assert_eq!(slow[1].start, slow[0].duration + PAUSE);
        assert!(lines(2.0)[0].duration < slow[0].duration);
        assert!(Placeholder.speak("… !", &delivery(1.0), &mut place).is_err());
    }
}
