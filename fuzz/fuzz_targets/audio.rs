//! Any bytes are audio or an error, and audio is no larger than its duration says.
//!
//! `cargo fuzz run audio`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::media::AudioBuffer;

fuzz_target!(|bytes: &[u8]| {
    for name in ["audio.mp3", "audio.wav"] {
        if let Ok(audio) = AudioBuffer::decode(bytes, name) {
            let seconds = audio.duration().as_secs_f64();
            let samples = seconds * f64::from(audio.sample_rate());
            assert!((samples - audio.samples().len() as f64).abs() < 2.0);
        }
    }
});
