//! The loudness and the true peak of what is rendered, measured after it was decoded.

use std::time::Duration;

use ebur128::{EbuR128, Mode};
use nemovideo::media::{
    AudioBuffer, AudioClip, Cancel, FrameSize, Narration, Pico, RenderOptions, SpeechOptions,
    Timeline, VoiceGender, narrate, render,
};

const SCRIPTS: [(&str, &str); 6] = [
    ("en-US", "Coffee came to Venice by ship. Within a century, all of Europe drank it!"),
    ("en-GB", "The tide came in at seven. By then, nobody was on the quay but an old man."),
    ("de-DE", "Der Wald ist still am Morgen. Nur ein Specht klopft oben im trockenen Holz."),
    ("es-ES", "El mercado abre a las seis. A esa hora los camiones ya han descargado la fruta."),
    ("fr-FR", "Le train part à midi. Sur le quai, une femme agite un mouchoir blanc."),
    ("it-IT", "La barca lascia il porto all'alba. Il pescatore conosce ogni scoglio."),
];

const RATE: u32 = 48_000;

fn spoken(number: usize) -> Narration {
    let (language, script) = SCRIPTS[number % SCRIPTS.len()];
    let gender = if number.is_multiple_of(2) { VoiceGender::Female } else { VoiceGender::Male };
    let options = SpeechOptions::new(language).with_gender(gender);
    narrate(script, &Pico::new(), &options, &Cancel::new()).unwrap()
}

fn timeline(duration: Duration, audio: Vec<AudioClip>) -> Timeline {
    let mut timeline = Timeline::new(FrameSize { width: 64, height: 64 }, duration);
    timeline.audio = audio;
    timeline
}

/// Renders a timeline and decodes the file.
fn heard(timeline: &Timeline, options: RenderOptions) -> Vec<f32> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audio");
    render(timeline, options, &path, &|_| {}, &Cancel::new()).unwrap();
    let audio = AudioBuffer::decode(&std::fs::read(&path).unwrap(), "audio").unwrap();
    assert_eq!(audio.sample_rate(), RATE);
    audio.samples().iter().map(|sample| f32::from(*sample) / 32_768.0).collect()
}

/// Returns the integrated loudness in LUFS, and the true peak in dBTP.
fn measured(samples: &[f32]) -> (f64, f64) {
    let mut meter = EbuR128::new(1, RATE, Mode::I | Mode::TRUE_PEAK).unwrap();
    meter.add_frames_f32(samples).unwrap();
    (meter.loudness_global().unwrap(), 20.0 * meter.true_peak(0).unwrap().log10())
}

/// Returns music of some seconds: notes that begin loud, over a bass.
fn song(seconds: usize, level: f64) -> AudioBuffer {
    let sample = |n: usize| {
        let time = n as f64 / 22_050.0;
        let wave = |hertz: f64| (std::f64::consts::TAU * hertz * time).sin();
        let note = [220.0, 277.2, 329.6, 440.0][(time * 3.0) as usize % 4];
        let strength = (-4.0 * (time * 3.0).fract()).exp();
        (32_767.0 * level * (0.7 * strength * wave(note) + 0.3 * wave(55.0))) as i16
    };
    AudioBuffer::new(22_050, (0..22_050 * seconds).map(sample).collect::<Vec<_>>())
}

#[test]
fn every_voice_has_the_loudness_of_speech_in_every_format() {
    for number in 0..2 * SCRIPTS.len() {
        let narration = spoken(number + number / SCRIPTS.len());
        let timeline = timeline(narration.duration(), narration.audio());
        let options =
            [RenderOptions::mp4(), RenderOptions::m4a(), RenderOptions::wav()][number % 3];
        let (loudness, peak) = measured(&heard(&timeline, options));
        assert!((loudness + 16.0).abs() < 0.7, "{number}: {loudness} LUFS");
        assert!(peak <= -1.0, "{number}: {peak} dBTP");
    }
}

#[test]
fn a_recording_has_the_loudness_of_speech_at_any_level_and_its_volume_applies_on_top() {
    let narration = spoken(0);
    for (level, volume, expected) in [(0.05, 1.0, -16.0), (1.0, 1.0, -16.0), (0.3, 0.2, -30.0)] {
        let mut clips = narration.audio();
        for clip in &mut clips {
            let quieter = clip.audio.samples().iter().map(|s| (f32::from(*s) * level) as i16);
            let audio = AudioBuffer::new(clip.audio.sample_rate(), quieter.collect::<Vec<_>>());
            *clip = AudioClip::speech(audio, clip.start);
            clip.volume = volume;
        }
        let (loudness, _) =
            measured(&heard(&timeline(narration.duration(), clips), RenderOptions::wav()));
        assert!((loudness - expected).abs() < 0.7, "{level} × {volume}: {loudness} LUFS");
    }
}

#[test]
fn music_is_ten_units_below_speech_while_it_speaks_and_back_in_a_pause() {
    let narration = spoken(0);
    let at = |seconds: f64| (seconds * f64::from(RATE)) as usize;
    let second_start = Duration::from_secs(3) + narration.duration() + Duration::from_secs(6);
    let starts = [Duration::from_secs(3), second_start];
    let speech: Vec<AudioClip> = starts
        .iter()
        .flat_map(|start| {
            narration.audio().into_iter().map(move |mut clip| {
                clip.start += *start;
                clip
            })
        })
        .collect();
    let duration = second_start + narration.duration() + Duration::from_secs(5);
    let mut with_music = speech.clone();
    with_music.push(AudioClip::music(song(7, 0.9), 0.4));
    let alone = heard(&timeline(duration, speech), RenderOptions::wav());
    let both = heard(&timeline(duration, with_music), RenderOptions::wav());
    let music: Vec<f32> = both.iter().zip(&alone).map(|(both, speech)| both - speech).collect();
    let plain = vec![AudioClip::music(song(7, 0.9), 0.4)];
    let plain = heard(&timeline(duration, plain), RenderOptions::wav());
    for start in starts {
        let from = at(start.as_secs_f64());
        let speaks = from..from + at(narration.sentences.last().unwrap().end().as_secs_f64());
        let (speech, music) =
            (measured(&alone[speaks.clone()]).0, measured(&music[speaks.clone()]).0);
        assert!(speech - music >= 10.0, "speech {speech} LUFS, music {music} LUFS");
        assert!(speech - music < 18.0, "speech {speech} LUFS, music {music} LUFS");
        // It is down before the first word.
        let first =
            measured(&both[from - at(0.05)..from]).1 - measured(&plain[from - at(0.05)..from]).1;
        assert!(first < -6.0, "{first} dB");
    }
    // Between the two, and between the fades at both ends, it plays as if there were no speech.
    let end = 3.0 + narration.duration().as_secs_f64();
    let last = duration.as_secs_f64();
    for range in [at(1.0)..at(2.0), at(end + 2.0)..at(end + 5.0), at(last - 3.0)..at(last)] {
        let (own, expected) = (measured(&music[range.clone()]).1, measured(&plain[range]).1);
        assert!((own - expected).abs() < 0.5, "{own} {expected}");
    }
    assert!(both[0].abs() < 0.001 && both[both.len() - 1].abs() < 0.001);
    assert!(measured(&both).1 <= -1.0);
}

#[test]
fn music_alone_keeps_its_level_but_never_clips() {
    for (level, volume) in [(0.9, 0.1), (0.2, 1.0)] {
        let mut clip = AudioClip::new(song(5, level), Duration::ZERO);
        clip.volume = volume;
        let (loudness, _) =
            measured(&heard(&timeline(Duration::from_secs(5), vec![clip]), RenderOptions::m4a()));
        let original = song(5, level);
        let mut meter = EbuR128::new(1, original.sample_rate(), Mode::I).unwrap();
        meter.add_frames_i16(original.samples()).unwrap();
        let expected = meter.loudness_global().unwrap() + 20.0 * f64::from(volume).log10();
        assert!((loudness - expected).abs() < 0.3, "{loudness} {expected}");
    }
    let square: Vec<i16> =
        (0..88_200).map(|n| if n / 37 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    let clips: Vec<AudioClip> =
        (0..3).map(|_| AudioClip::music(AudioBuffer::new(44_100, square.clone()), 1.0)).collect();
    for options in [RenderOptions::m4a(), RenderOptions::wav()] {
        let (_, peak) = measured(&heard(&timeline(Duration::from_secs(4), clips.clone()), options));
        assert!(peak <= -1.0, "{peak} dBTP");
    }
}
