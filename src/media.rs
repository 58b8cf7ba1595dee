//! Real speech and real films, made on this machine: a script is spoken ([`narrate`]), a
//! [`Timeline`] puts pictures and captions to it, and [`render`] makes an MP4, M4A or WAV of it.
//!
//! ```
//! use std::time::Duration;
//! use nemovideo::media::{
//!     Cancel, Delivery, FrameSize, Output, Pico, Timeline, narrate, render,
//! };
//!
//! let cancel = Cancel::new();
//! let script = "Coffee came to Venice by ship. Within a century, all of Europe drank it.";
//! let narration = narrate(script, &Pico::new(), &Delivery::new("en-US"), &cancel)?;
//!
//! let mut film = Timeline::new(FrameSize::PORTRAIT, narration.duration());
//! film.sounds = narration.sounds();
//! film.texts = narration.captions();
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("coffee.mp4");
//! let done = render(&film, Output::default(), &path, &|_| {}, &cancel)?;
//! assert!(done.duration > Duration::from_secs(3));
//! assert_eq!(std::fs::metadata(&path)?.len(), done.bytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything here is synchronous, uses all cores, and stops soon after [`Cancel::cancel`]; call
//! it from a thread that may block. It knows nothing of the rest of the crate.
//!
//! How a film is made small and fast: captions stand still, so each is drawn and encoded once,
//! and the frames that repeat it are a dozen bytes each. Sounds are kept at the rate they were
//! made at, and brought to the film's rate, mixed and encoded a second at a time.

mod aac;
mod cancel;
mod canvas;
mod captions;
mod characters;
mod error;
mod font;
mod h264;
mod mix;
mod mp4;
mod narration;
mod output;
mod picture;
mod plan;
mod render;
mod script;
mod sound;
mod timeline;
mod voice;

pub use cancel::Cancel;
pub use canvas::background::Gradient;
pub use captions::{Cue, cues};
pub use error::MediaError;
pub use font::Font;
pub use narration::{Narration, Spoken, narrate};
pub use output::{Container, Output, Quality};
pub use picture::Picture;
pub use render::{Rendered, Timings, render};
pub use script::{Sentence, sentences};
pub use sound::Sound;
pub use timeline::{Background, FrameSize, SoundClip, TextClip, TextStyle, Timeline};
pub use voice::{CommandVoice, Delivery, Gender, Pace, Pico, Voice};

/// How many threads the work is spread over. An encoder takes 20 MB for each, and beyond eight
/// the sound, which is encoded in one piece, is what takes longest.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}
