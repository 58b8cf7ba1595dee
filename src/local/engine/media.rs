//! The engine of the `media` feature: real speech and real videos.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{
    Background, Caption, CaptionedSpeech, Delivery, Engine, EngineError, EngineOutput, Gender,
    SpeechMark, SpokenLine, VideoPlan,
};
use crate::local::library::{MediaInfo, StoredFile};
use crate::media::{
    self, AudioBuffer, AudioClip, Cancel, Font, FrameSize, Gradient, Image, MediaError, Pico,
    Quality, RenderOptions, SpeechOptions, TextClip, Timeline, VideoBackground, Voice, VoiceGender,
};
use crate::protocol::{Aspect, FileType, RenderFormat, RenderQuality};

#[derive(Debug)]
pub(crate) struct MediaEngine {
    voice: Arc<dyn Voice>,
    font: Option<Font>,
}

impl MediaEngine {
    pub(crate) fn new(
        voice: Option<Arc<dyn Voice>>,
        font: Option<&Path>,
    ) -> Result<Self, MediaError> {
        let voice = voice.unwrap_or_else(|| Arc::new(Pico::new()));
        Ok(Self { voice, font: font.map(Font::from_file).transpose()? })
    }
}

impl From<MediaError> for EngineError {
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

fn io(error: std::io::Error) -> EngineError {
    EngineError::new("IO", error.to_string())
}

impl Engine for MediaEngine {
    fn languages(&self) -> Vec<String> {
        self.voice.languages()
    }

    fn can_draw(&self, text: &str) -> Result<(), EngineError> {
        let mut timeline = Timeline::new(FrameSize::LANDSCAPE, Duration::from_secs(1));
        timeline.font = self.font.clone();
        timeline.texts.push(TextClip::caption(text, Duration::ZERO, Duration::from_secs(1)));
        Ok(timeline.check()?)
    }

    fn captions(&self, spoken: &CaptionedSpeech<'_>, aspect: Aspect) -> Vec<Caption> {
        let (width, height) = aspect.size();
        let marks: Vec<(usize, Duration)> =
            spoken.marks.iter().map(|mark| (mark.offset, mark.time)).collect();
        let CaptionedSpeech { text, start, duration, .. } = *spoken;
        media::captions_at_marks(text, start, duration, &marks, FrameSize { width, height })
            .into_iter()
            .map(|clip| Caption { start: clip.start, duration: clip.duration, text: clip.text })
            .collect()
    }

    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
        new_path: &mut dyn FnMut() -> PathBuf,
    ) -> Result<Vec<SpokenLine>, EngineError> {
        let gender = match delivery.gender {
            Gender::Female => VoiceGender::Female,
            Gender::Male => VoiceGender::Male,
        };
        let how = SpeechOptions::new(delivery.language.as_str())
            .with_gender(gender)
            .with_rate(delivery.pace);
        let narration = media::narrate(script, &*self.voice, &how, &Cancel::new())?;
        let mut lines = Vec::new();
        let mut unspoken: Vec<String> = narration
            .warnings
            .iter()
            .flat_map(|warning| warning.unspoken())
            .map(str::to_owned)
            .collect();
        for spoken in narration.sentences {
            let path = new_path();
            std::fs::write(&path, spoken.audio.to_wav()).map_err(io)?;
            let marks = spoken.marks();
            lines.push(SpokenLine {
                start: spoken.start,
                duration: spoken.audio.duration(),
                audio: Some(path),
                marks: marks.map(|(offset, time)| SpeechMark { offset, time }).collect(),
                unspoken: std::mem::take(&mut unspoken),
                text: spoken.text,
            });
        }
        Ok(lines)
    }

    fn probe(&self, file: &StoredFile) -> Result<MediaInfo, EngineError> {
        match file.format.file_type {
            FileType::Image => {
                let bytes = std::fs::read(&file.path).map_err(io)?;
                let image = Image::decode(&bytes, &file.name)?;
                Ok(MediaInfo { size: Some((image.width(), image.height())), duration: None })
            }
            FileType::Audio => {
                let bytes = std::fs::read(&file.path).map_err(io)?;
                let audio = AudioBuffer::decode(&bytes, &file.name)?;
                Ok(MediaInfo { size: None, duration: Some(audio.duration()) })
            }
            _ => Ok(MediaInfo::default()),
        }
    }

    fn render(
        &self,
        video: &VideoPlan,
        to: &Path,
        progress: &(dyn Fn(f32) -> ControlFlow<()> + Sync),
    ) -> Result<EngineOutput, EngineError> {
        let timeline = self.timeline(video)?;
        timeline.check()?;
        let options = match video.format {
            RenderFormat::M4a => RenderOptions::m4a(),
            RenderFormat::Wav => RenderOptions::wav(),
            _ => RenderOptions::mp4(),
        };
        let cancel = Cancel::new();
        let report = |share: f32| {
            if progress(share).is_break() {
                cancel.cancel();
            }
        };
        let quality = match video.quality {
            RenderQuality::Low => Quality::Low,
            RenderQuality::Medium => Quality::Medium,
            _ => Quality::High,
        };
        let options = options.with_quality(quality);
        let duration = media::render(&timeline, options, to, &report, &cancel)?;
        Ok(EngineOutput { duration, name: "nemovideo" })
    }
}

impl MediaEngine {
    fn timeline(&self, video: &VideoPlan) -> Result<Timeline, EngineError> {
        let (width, height) = video.size;
        let mut timeline = Timeline::new(FrameSize { width, height }, video.duration);
        timeline.font = self.font.clone();
        timeline.background = match &video.background {
            Background::Plain => VideoBackground::default(),
            Background::Named(name) => {
                VideoBackground::Gradient(Gradient::named(name).unwrap_or_default())
            }
            Background::Image(path) => VideoBackground::Image(Image::decode(
                &std::fs::read(path).map_err(io)?,
                "the image",
            )?),
        };
        for audio in &video.audio {
            let bytes = std::fs::read(&audio.path).map_err(io)?;
            let decoded = AudioBuffer::decode(&bytes, &audio.name)?;
            let mut clip = AudioClip::new(decoded, audio.start);
            clip.trim = audio.skip;
            clip.take = Some(audio.duration).filter(|duration| !duration.is_zero());
            clip.volume = audio.volume;
            clip.repeat = audio.repeat;
            timeline.audio.push(clip);
        }
        timeline.texts = video
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
