//! The engine of the `media` feature: real speech and real videos.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    AudioKind, Background, Caption, CaptionedSpeech, Delivery, Engine, EngineError, EngineOutput,
    Gender, ScriptScenes, SpeechMark, SpokenLine, VideoPlan,
};
use crate::fs::write_whole;
use crate::local::library::{MediaInfo, StoredFile};
use crate::media::{
    self, AudioBuffer, AudioClip, Cancel, Chapter, Font, FrameSize, Gradient, Image, MediaError,
    Pico, Quality, RenderOptions, Scene, SpeechOptions, StoredAudio, TextClip, Timeline,
    VideoBackground, Voice, VoiceGender,
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
            MediaError::Io { .. } => "IO",
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

fn read(path: &Path) -> Result<Vec<u8>, EngineError> {
    std::fs::read(path).map_err(|error| EngineError::io(&error))
}

/// The most text that is spoken. Six hours of speech, the longest video, have about 350 KB.
const MAX_SCRIPT_BYTES: usize = 512 * 1024;
/// The most memory for the decoded audio of a video, which two hours of music and six of speech from
/// uploaded files need.
const MAX_AUDIO_BYTES: usize = 1536 << 20;

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

    fn scenes(&self, script: &str, language: &str) -> ScriptScenes {
        let script = media::script_sentences(script, language);
        ScriptScenes { images: script.images, paragraphs: script.paragraphs }
    }

    fn captions(&self, spoken: &CaptionedSpeech<'_>, aspect: Aspect) -> Vec<Caption> {
        let (width, height) = aspect.size();
        let marks: Vec<(usize, Duration)> =
            spoken.marks.iter().map(|mark| (mark.offset, mark.time)).collect();
        let CaptionedSpeech { text, start, duration, .. } = *spoken;
        media::captions_at_marks(text, start, duration, &marks, FrameSize { width, height })
            .into_iter()
            .map(|clip| {
                let TextClip { start, duration, text, words, .. } = clip;
                Caption { start, duration, text, words }
            })
            .collect()
    }

    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
        new_path: &mut dyn FnMut() -> PathBuf,
        cancel: &CancellationToken,
    ) -> Result<Vec<SpokenLine>, EngineError> {
        if script.len() > MAX_SCRIPT_BYTES {
            let message = "This script takes longer than six hours to speak; make several videos.";
            return Err(EngineError::new("SCRIPT_TOO_LONG", message));
        }
        let cancel = Cancel::of(cancel.clone());
        let gender = match delivery.gender {
            Gender::Female => VoiceGender::Female,
            Gender::Male => VoiceGender::Male,
        };
        let how = SpeechOptions::new(delivery.language.as_str())
            .with_gender(gender)
            .with_rate(delivery.pace);
        let mut lines: Vec<SpokenLine> = Vec::new();
        // Each sentence is written as soon as it is spoken: an hour of speech is not in memory.
        let spoken = media::narrate_each(script, &*self.voice, &how, &cancel, |spoken| {
            cancel.check()?;
            let path = new_path();
            write_whole(&path, &spoken.audio.to_wav())
                .map_err(MediaError::io("write the speech"))?;
            let marks = spoken.marks().map(|(offset, time)| SpeechMark { offset, time }).collect();
            let duration = spoken.audio.duration();
            let (paragraph, heading) = (spoken.paragraph, spoken.heading);
            let line = SpokenLine::new(spoken.text, spoken.start, duration, paragraph, heading);
            lines.push(SpokenLine { audio: Some(path), marks, ..line });
            Ok(())
        });
        let (warnings, _) = spoken?;
        // Emoji that the font lacks are neither spoken nor drawn.
        let font = self.font.clone().unwrap_or_default();
        let undrawn: Vec<String> = lines.iter().flat_map(|line| font.undrawn(&line.text)).collect();
        if let Some(first) = lines.first_mut() {
            let unspoken = warnings.iter().flat_map(|warning| warning.unspoken());
            first.unspoken = unspoken.map(str::to_owned).chain(undrawn).collect();
        }
        Ok(lines)
    }

    fn align(
        &self,
        script: &str,
        language: &str,
        recording: &StoredFile,
        cancel: &CancellationToken,
    ) -> Result<Option<SpokenLine>, EngineError> {
        let cancel = Cancel::of(cancel.clone());
        let audio = AudioBuffer::decode_until(&read(&recording.path)?, &recording.name, &cancel)?;
        let sentences = media::align_recording(script, language, &audio, &cancel)?;
        let Some(sentences) = sentences else { return Ok(None) };
        let lines = sentences
            .into_iter()
            .map(|it| SpokenLine::new(it.text, it.start, it.duration, it.paragraph, it.heading));
        Ok(Some(SpokenLine::joined(lines, audio.duration())))
    }

    fn probe(
        &self,
        file: &StoredFile,
        cancel: &CancellationToken,
    ) -> Result<MediaInfo, EngineError> {
        match file.format.file_type {
            FileType::Image => {
                let image = Image::decode(&read(&file.path)?, &file.name)?;
                Ok(MediaInfo { size: Some((image.width(), image.height())), duration: None })
            }
            FileType::Audio => {
                let cancel = Cancel::of(cancel.clone());
                let bytes = read(&file.path)?;
                let audio = AudioBuffer::decode_until(&bytes, &file.name, &cancel)?;
                Ok(MediaInfo { size: None, duration: Some(audio.duration()) })
            }
            _ => Ok(MediaInfo::default()),
        }
    }

    fn render(
        &self,
        video: &VideoPlan,
        to: &Path,
        progress: &(dyn Fn(f32) + Sync),
        cancel: &CancellationToken,
    ) -> Result<EngineOutput, EngineError> {
        let cancel = Cancel::of(cancel.clone());
        let timeline = self.timeline(video, &cancel)?;
        timeline.check()?;
        if matches!(video.format, RenderFormat::Jpg | RenderFormat::Png) {
            media::poster(&timeline, video.poster, to, &cancel)?;
            return Ok(EngineOutput { duration: video.duration, name: "nemovideo" });
        }
        let options = match video.format {
            RenderFormat::M4a => RenderOptions::m4a(),
            RenderFormat::Wav => RenderOptions::wav(),
            _ => RenderOptions::mp4(),
        };
        let quality = match video.quality {
            RenderQuality::Low => Quality::Low,
            RenderQuality::Medium => Quality::Medium,
            _ => Quality::High,
        };
        let options = options.with_quality(quality);
        let duration = media::render(&timeline, options, to, progress, &cancel)?;
        Ok(EngineOutput { duration, name: "nemovideo" })
    }
}

/// Returns the gradient of a background without an image.
fn gradient(background: &Background) -> VideoBackground {
    match background {
        Background::Named(name) => {
            VideoBackground::Gradient(Gradient::named(name).unwrap_or_default())
        }
        Background::Plain | Background::Image(_) => VideoBackground::default(),
    }
}

impl MediaEngine {
    fn timeline(&self, video: &VideoPlan, cancel: &Cancel) -> Result<Timeline, EngineError> {
        let (width, height) = video.size;
        let mut timeline = Timeline::new(FrameSize { width, height }, video.duration);
        timeline.font = self.font.clone();
        timeline.language = video.language.clone();
        let chapters = video.chapters.iter();
        timeline.chapters =
            chapters.map(|(start, title)| Chapter::new(title.clone(), *start)).collect();
        if video.scenes.is_empty() {
            timeline.background = match &video.background {
                Background::Image(path) => {
                    VideoBackground::Image(Image::decode(&read(path)?, "the image")?)
                }
                background => gradient(background),
            };
        }
        for planned in &video.scenes {
            let mut scene = match &planned.background {
                Background::Image(path) => Scene::of_file(path.clone(), planned.start),
                background => Scene::new(gradient(background), planned.start),
            };
            scene.fit = planned.fit;
            scene.motion = planned.motion;
            scene.fade = planned.fade;
            timeline.scenes.push(scene);
        }
        timeline.scenes.sort_by_key(|scene| scene.start);
        // A draft may use a file any number of times.
        let mut decoded: HashMap<&Path, AudioBuffer> = HashMap::new();
        let mut bytes = 0;
        // A single frame has none.
        let is_image = matches!(video.format, RenderFormat::Jpg | RenderFormat::Png);
        for audio in video.audio.iter().filter(|_| !is_image) {
            // Speech is read as it is mixed; other files, and what is repeated, are decoded first.
            let stored = match audio.repeat {
                true => None,
                false => StoredAudio::open(&audio.path).map_err(|error| EngineError::io(&error))?,
            };
            let mut clip = match (stored, decoded.get(&*audio.path)) {
                (Some(stored), _) => AudioClip::stored(stored, audio.start),
                (None, Some(decoded)) => AudioClip::new(decoded.clone(), audio.start),
                (None, None) => {
                    let file = read(&audio.path)?;
                    let new = AudioBuffer::decode_until(&file, &audio.name, cancel)?;
                    bytes += size_of_val(new.samples());
                    decoded.insert(&audio.path, new.clone());
                    AudioClip::new(new, audio.start)
                }
            };
            if bytes > MAX_AUDIO_BYTES {
                let message = "The audio files of this draft are longer than a video can be.";
                return Err(EngineError::new("TOO_MUCH_AUDIO", message));
            }
            clip.trim = audio.skip;
            clip.take = Some(audio.duration).filter(|duration| !duration.is_zero());
            clip.volume = audio.volume;
            clip.repeat = audio.repeat;
            clip.kind = match audio.kind {
                AudioKind::Speech => media::AudioKind::Speech,
                AudioKind::Music => media::AudioKind::Music,
                AudioKind::Other => media::AudioKind::Other,
            };
            clip.duck = audio.duck;
            clip.fade_in = audio.fade_in;
            clip.fade_out = audio.fade_out;
            timeline.audio.push(clip);
        }
        timeline.texts = video
            .texts
            .iter()
            .flat_map(|text| {
                let make = if text.is_title { TextClip::title } else { TextClip::caption };
                let mut clip = make(text.text.clone(), text.start, text.duration);
                clip.style = text.style;
                clip.words = text.words.clone();
                media::fitted(clip, timeline.frame)
            })
            .collect();
        Ok(timeline)
    }
}
