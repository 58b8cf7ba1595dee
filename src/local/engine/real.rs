//! The engine of the `media` feature: real speech, real films.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Background, Caption, Delivery, Engine, Failure, Film, Gender, Line, Made};
use crate::local::library::{Facts, StoredFile};
use crate::media::{
    self, AudioBuffer, AudioClip, Cancel, Container, Font, FrameSize, Gradient, Image, MediaError,
    Pico, Quality, RenderOptions, SpeechOptions, TextClip, Timeline, VideoBackground, Voice,
    VoiceGender,
};
use crate::protocol::{FileType, RenderFormat, RenderQuality};

#[derive(Debug)]
pub(in crate::local) struct Real {
    voice: Arc<dyn Voice>,
    font: Option<Font>,
}

impl Real {
    pub(in crate::local) fn new(
        voice: Option<Arc<dyn Voice>>,
        font: Option<&Path>,
    ) -> Result<Self, MediaError> {
        let voice = voice.unwrap_or_else(|| Arc::new(Pico::new()));
        Ok(Self { voice, font: font.map(Font::from_file).transpose()? })
    }
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        let code = match &error {
            MediaError::EmptyScript => return Self::empty_script(),
            MediaError::NoVoice { .. } => "UNSUPPORTED_LANGUAGE",
            MediaError::NoGlyphs { .. } => "UNSUPPORTED_CHARACTERS",
            MediaError::Cancelled => "CANCELLED",
            _ => "MEDIA",
        };
        let mut message = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            message = format!("{message}: {source}");
        }
        if let Some(first) = message.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        message.push('.');
        Self::new(code, message)
    }
}

fn io(error: std::io::Error) -> Failure {
    Failure::new("IO", error.to_string())
}

impl Engine for Real {
    fn languages(&self) -> Vec<String> {
        self.voice.languages()
    }

    fn can_write(&self, text: &str) -> Result<(), Failure> {
        let mut timeline = Timeline::new(FrameSize::LANDSCAPE, Duration::from_secs(1));
        timeline.font = self.font.clone();
        timeline.texts.push(TextClip::caption(text, Duration::ZERO, Duration::from_secs(1)));
        Ok(timeline.check()?)
    }

    fn captions(&self, text: &str, start: Duration, duration: Duration) -> Vec<Caption> {
        let clips = media::captions(text, start, duration).into_iter();
        clips
            .map(|clip| Caption { start: clip.start, duration: clip.duration, text: clip.text })
            .collect()
    }

    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
        place: &mut dyn FnMut() -> PathBuf,
    ) -> Result<Vec<Line>, Failure> {
        let gender = match delivery.gender {
            Gender::Female => VoiceGender::Female,
            Gender::Male => VoiceGender::Male,
        };
        let how = SpeechOptions::new(delivery.language.as_str())
            .with_gender(gender)
            .with_rate(delivery.pace);
        let narration = media::narrate(script, &*self.voice, &how, &Cancel::new())?;
        let mut lines = Vec::new();
        for spoken in narration.sentences {
            let path = place();
            save(&spoken.audio, &path)?;
            lines.push(Line {
                text: spoken.text,
                start: spoken.start,
                duration: spoken.audio.duration(),
                sound: Some(path),
            });
        }
        Ok(lines)
    }

    fn look(&self, file: &StoredFile) -> Facts {
        let Ok(bytes) = std::fs::read(&file.path) else { return Facts::default() };
        match file.format.file_type {
            FileType::Image => {
                let size = Image::decode(&bytes).map(|p| (p.width(), p.height())).ok();
                Facts { size, duration: None }
            }
            FileType::Audio => {
                let sound = AudioBuffer::decode(&bytes, &file.name);
                Facts { size: None, duration: sound.map(|sound| sound.duration()).ok() }
            }
            _ => Facts::default(),
        }
    }

    fn render(
        &self,
        film: &Film,
        to: &Path,
        progress: &(dyn Fn(f32) -> ControlFlow<()> + Sync),
    ) -> Result<Made, Failure> {
        let timeline = self.timeline(film)?;
        timeline.check()?;
        let container = match film.format {
            RenderFormat::M4a => Container::M4a,
            RenderFormat::Wav => Container::Wav,
            _ => Container::Mp4,
        };
        let cancel = Cancel::new();
        let report = |share: f32| {
            if progress(share).is_break() {
                cancel.cancel();
            }
        };
        let quality = match film.quality {
            RenderQuality::Low => Quality::Low,
            RenderQuality::Medium => Quality::Medium,
            _ => Quality::High,
        };
        let options = RenderOptions::new(container).with_quality(quality);
        let rendered = media::render(&timeline, options, to, &report, &cancel)?;
        Ok(Made { duration: rendered.duration, name: "nemovideo" })
    }
}

impl Real {
    fn timeline(&self, film: &Film) -> Result<Timeline, Failure> {
        let (width, height) = film.aspect.size();
        let mut timeline = Timeline::new(FrameSize { width, height }, film.duration);
        timeline.font = self.font.clone();
        timeline.background = match &film.background {
            Background::Plain => VideoBackground::default(),
            Background::Named(name) => {
                VideoBackground::Gradient(Gradient::named(name).unwrap_or_default())
            }
            Background::Picture(path) => {
                VideoBackground::Image(Image::decode(&std::fs::read(path).map_err(io)?)?)
            }
        };
        for sound in &film.sounds {
            let name = sound.path.to_string_lossy();
            let decoded = AudioBuffer::decode(&std::fs::read(&sound.path).map_err(io)?, &name)?;
            let mut clip = AudioClip::new(decoded, sound.start);
            clip.trim = sound.skip;
            clip.take = Some(sound.duration).filter(|duration| !duration.is_zero());
            clip.volume = sound.volume;
            clip.repeat = sound.repeat;
            timeline.audio.push(clip);
        }
        timeline.texts = film
            .texts
            .iter()
            .map(|text| {
                let make = if text.is_title { TextClip::title } else { TextClip::caption };
                make(text.text.clone(), text.start, text.duration)
            })
            .collect();
        Ok(timeline)
    }
}

/// As a WAV, which anything can read.
fn save(sound: &AudioBuffer, path: &Path) -> Result<(), Failure> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: sound.sample_rate(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let failed = |error: hound::Error| Failure::new("IO", error.to_string());
    let mut writer = hound::WavWriter::create(path, spec).map_err(failed)?;
    let mut samples =
        writer.get_i16_writer(u32::try_from(sound.samples().len()).unwrap_or(u32::MAX));
    for sample in sound.samples() {
        samples.write_sample(*sample);
    }
    samples.flush().map_err(failed)?;
    writer.finalize().map_err(failed)
}
