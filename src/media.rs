//! Speech synthesis and video rendering on the local machine: [`narrate`] speaks a script, a
//! [`Timeline`] combines the speech with text and a background, and [`render`] writes an MP4, M4A
//! or WAV file. [`poster()`] writes one of its frames.
//!
//! ```
//! use nemovideo::media::{
//!     Cancel, FrameSize, Pico, RenderOptions, SpeechOptions, Timeline, narrate, render,
//! };
//! use std::time::Duration;
//!
//! let cancel = Cancel::new();
//! let script = "Coffee came to Venice by ship. Within a century, all of Europe drank it.";
//! let narration = narrate(script, &Pico::new(), &SpeechOptions::new("en-US"), &cancel)?;
//!
//! let mut timeline = Timeline::new(FrameSize::PORTRAIT, narration.duration());
//! timeline.audio = narration.audio();
//! timeline.texts = narration.captions_for(FrameSize::PORTRAIT);
//! # let directory = tempfile::tempdir()?;
//! let path = directory.path().join("coffee.mp4");
//! let duration = render(&timeline, RenderOptions::mp4(), &path, &|_| {}, &cancel)?;
//! assert!(duration > Duration::from_secs(3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This module is independent of the protocol; [`RenderOptions`] corresponds to
//! [`RenderOutput`](crate::RenderOutput), [`Quality`] to [`RenderQuality`](crate::RenderQuality), and
//! [`FrameSize`] to [`Aspect`](crate::Aspect).
//!
//! Everything here is synchronous and uses up to eight cores: call it from a thread that may block.
//! It stops soon after [`Cancel::cancel`].
//!
//! Videos are small and fast to make because captions do not move: each distinct image is drawn and
//! encoded once, and the frames that repeat it take a dozen bytes each. Of a [caption whose words are
//! marked](CaptionMode::Words) as they are spoken, only the words are encoded. Audio is kept at its own
//! sample rate; it is resampled, mixed and encoded one second at a time.

mod align;
mod audio;
mod background;
mod canvas;
mod captions;
mod characters;
mod error;
mod font;
mod h264;
mod layout;
mod mp4;
mod narration;
mod ordered;
mod output;
mod poster;
mod recording;
mod render;
mod scenes;
mod script;
mod spoken;
mod stills;
mod syllables;
mod timeline;
mod voice;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

pub use crate::draft::{
    CaptionColor, CaptionMode, CaptionPosition, CaptionSize, CaptionStyle, ImageFit, ImageMotion,
};

pub use audio::AudioBuffer;
pub(crate) use audio::stored::StoredAudio;
pub use background::{Gradient, Image, VideoBackground};
pub use captions::captions;
#[cfg_attr(not(feature = "local"), allow(unused_imports))]
pub(crate) use captions::{captions_at_marks, fitted};
pub use error::{Cancel, MediaError};
pub use font::Font;
pub(crate) use narration::narrate_each;
pub use narration::{Narration, NarrationWarning, SpokenSentence, SpokenWord, narrate};
pub use output::{Quality, RenderOptions};
pub use poster::poster;
pub use recording::{TimedSentence, align_recording};
pub use render::render;
pub use scenes::Scene;
pub(crate) use script::sentences as script_sentences;
pub use timeline::{AudioClip, AudioKind, Chapter, FrameSize, TextClip, Timeline};
pub use voice::{CommandVoice, Pico, SpeechOptions, Voice, VoiceGender, VoiceInfo, voices};

/// Returns the number of threads to use: all cores, but no more than eight, because each encoder of
/// images takes 20 MB.
fn thread_count() -> usize {
    // On Linux, it is read from several files.
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from).min(8))
}

/// Locks a mutex. The data of this module is valid after a panic in another thread, so poisoning is
/// ignored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the primary language subtag of a BCP 47 tag.
fn primary_language(tag: &str) -> &str {
    tag.trim().split(['-', '_']).next().unwrap_or_default()
}

/// Numbers that look random and are the same in every run.
#[cfg(test)]
struct Dice(u64);

#[cfg(test)]
impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}
