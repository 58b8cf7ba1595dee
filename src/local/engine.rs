//! Where speech and films are made. The backend asks a [`Engine`] and does not know which: the
//! real one, of the `media` feature, or one that hands out a placeholder. Everything here blocks.

mod placeholder;
#[cfg(feature = "media")]
mod real;

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) use placeholder::Placeholder;
#[cfg(feature = "media")]
pub(super) use real::Real;

use super::library::{Facts, StoredFile};
use crate::protocol::{Aspect, RenderFormat, RenderQuality};

pub(super) trait Engine: Send + Sync + fmt::Debug {
    /// The languages there are voices for, as BCP-47 tags.
    fn languages(&self) -> Vec<String>;

    /// Whether there is a voice for a language. This and [`can_write`](Self::can_write) are asked
    /// before any work, so that none is lost.
    fn can_speak(&self, language: &str) -> Result<(), Failure> {
        let languages = self.languages();
        let primary = |tag: &str| {
            tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
        };
        if languages.iter().any(|have| primary(have) == primary(language)) {
            return Ok(());
        }
        let message = format!(
            "There is no voice for the language `{language}`. There are voices for {}.",
            languages.join(", ")
        );
        Err(Failure::new("UNSUPPORTED_LANGUAGE", message))
    }

    /// Whether a text can be drawn.
    fn can_write(&self, text: &str) -> Result<(), Failure>;

    /// A sentence as captions, for the time in which it is spoken.
    fn captions(&self, text: &str, start: Duration, duration: Duration) -> Vec<Caption>;

    /// Speaks a script sentence by sentence. `place` names a new file for each one's sound.
    fn speak(
        &self,
        script: &str,
        delivery: &Delivery,
        place: &mut dyn FnMut() -> PathBuf,
    ) -> Result<Vec<Line>, Failure>;

    /// What can be told of a picture or a sound by looking into it; nothing of what is broken.
    fn look(&self, file: &StoredFile) -> Facts;

    /// Makes the file of a film. `progress` is told shares from 0 to 1 and may call it off.
    fn render(
        &self,
        film: &Film,
        to: &Path,
        progress: &(dyn Fn(f32) -> ControlFlow<()> + Sync),
    ) -> Result<Made, Failure>;
}

/// Why something cannot be made: a word for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn empty_script() -> Self {
        Self::new("EMPTY_SCRIPT", "There is nothing to say: the script has no words in it.")
    }
}

/// How a script is to be spoken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Delivery {
    /// A BCP-47 tag.
    pub(super) language: String,
    pub(super) gender: Gender,
    /// 1.0 is normal.
    pub(super) pace: f32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Gender {
    #[default]
    Female,
    Male,
}

impl Gender {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

/// One spoken sentence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) start: Duration,
    pub(super) duration: Duration,
    /// Its sound, unless the engine makes none.
    pub(super) sound: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caption {
    pub(super) start: Duration,
    pub(super) duration: Duration,
    pub(super) text: String,
}

/// What a film is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Film {
    pub(super) format: RenderFormat,
    pub(super) quality: RenderQuality,
    pub(super) aspect: Aspect,
    pub(super) duration: Duration,
    pub(super) background: Background,
    pub(super) sounds: Vec<FilmSound>,
    pub(super) texts: Vec<FilmText>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Background {
    /// The engine's choice.
    #[default]
    Plain,
    /// A palette by name; an unknown one is the engine's choice.
    Named(String),
    Picture(PathBuf),
}

/// The palettes that the agent offers, as `media` names them.
pub(super) const PALETTES: [&str; 5] = ["dusk", "ocean", "forest", "ember", "slate"];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct FilmSound {
    pub(super) path: PathBuf,
    pub(super) start: Duration,
    /// How much of the sound's beginning is left out.
    pub(super) skip: Duration,
    pub(super) duration: Duration,
    pub(super) volume: f32,
    /// Played again until its time is over.
    pub(super) repeat: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilmText {
    pub(super) text: String,
    pub(super) start: Duration,
    pub(super) duration: Duration,
    pub(super) is_title: bool,
}

/// A film that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) duration: Duration,
    /// What the file should be called, without its ending.
    pub(super) name: &'static str,
}
