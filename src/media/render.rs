//! A timeline to a file: stills are drawn and encoded on all cores, the sound is mixed and
//! encoded beside them, and everything is put together in order.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::aac::{self, Framing};
use super::canvas::{Canvas, background, text};
use super::h264::{Still, StillEncoder};
use super::mix::{Mix, SAMPLE_RATE};
use super::mp4::{Film, IsKey};
use super::output::{Container, Draft, Output};
use super::plan::{Plan, frame_at, time_of};
use super::{Cancel, Font, MediaError, Timeline};

/// A finished film, or its sound.
///
/// ```
/// use nemovideo::media::{Cancel, FrameSize, Output, Timeline, render};
/// use std::time::Duration;
///
/// let film = Timeline::new(FrameSize { width: 320, height: 180 }, Duration::from_millis(990));
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("film.mp4");
/// let done = render(&film, Output::default(), &path, &|_| {}, &Cancel::new())?;
/// assert_eq!((done.width, done.height), (Some(320), Some(180)));
/// assert_eq!(done.duration, Duration::from_secs(1)); // whole frames, 30 a second
/// assert_eq!(done.bytes, std::fs::metadata(&path)?.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// How long it lasts.
    pub duration: Duration,
    /// The size of the file.
    pub bytes: u64,
    /// The width of the picture, when there is one.
    pub width: Option<u32>,
    /// The height of the picture, when there is one.
    pub height: Option<u32>,
    /// Where the time went.
    pub timings: Timings,
}

/// Where the time went. Pictures and sound are made at the same time, so the parts may add up
/// to more than the whole.
///
/// ```
/// use nemovideo::media::{Cancel, FrameSize, Output, Timeline, render};
/// use std::time::Duration;
///
/// let film = Timeline::new(FrameSize { width: 320, height: 180 }, Duration::from_secs(2));
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("film.mp4");
/// let done = render(&film, Output::default(), &path, &|_| {}, &Cancel::new())?;
/// let timings = done.timings;
/// println!("{:.0} times as fast as it plays", done.duration.div_duration_f64(timings.total));
/// let slower = if timings.pictures > timings.sound { "pictures" } else { "sound" };
/// println!("the {slower} took longest");
/// assert!(timings.pictures.max(timings.sound) + timings.mux <= timings.total);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Timings {
    /// Until the background was painted.
    pub background: Duration,
    /// Until the last picture was drawn and encoded.
    pub pictures: Duration,
    /// Until the sound was mixed and encoded.
    pub sound: Duration,
    /// Putting them together and writing the file.
    pub mux: Duration,
    /// All of it.
    pub total: Duration,
}

/// Makes the file. It appears under its name only when it is whole.
///
/// `progress` is called, from several threads but never at the same time, with the part that is
/// done: from 0.0 to 1.0, never less than before.
///
/// ```
/// use nemovideo::media::{Cancel, Container, FrameSize, Output, Timeline, render};
/// use nemovideo::media::{Sound, SoundClip};
/// use std::time::Duration;
///
/// let second = Sound::new(16_000, vec![0; 16_000]);
/// let mut film = Timeline::new(FrameSize::SQUARE, Duration::from_secs(1));
/// film.sounds.push(SoundClip::new(second, Duration::ZERO));
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("silence.wav");
/// let done = render(&film, Output::new(Container::Wav), &path, &|_| {}, &Cancel::new())?;
/// assert_eq!((done.duration, done.width), (Duration::from_secs(1), None));
/// assert_eq!(std::fs::metadata(&path)?.len(), done.bytes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`Timeline::check`], before any work; [`MediaError::Encode`], [`MediaError::Io`],
/// [`MediaError::Cancelled`].
pub fn render(
    timeline: &Timeline,
    output: Output,
    path: &Path,
    progress: &(dyn Fn(f32) + Sync),
    cancel: &Cancel,
) -> Result<Rendered, MediaError> {
    timeline.check()?;
    cancel.check()?;
    let begun = Instant::now();
    let draft = Draft::beside(path)?;
    let mut rendered = match output.container {
        Container::Mp4 => film(timeline, output, &draft, progress, cancel)?,
        Container::M4a | Container::Wav => sound_alone(timeline, output, &draft, progress, cancel)?,
    };
    rendered.bytes = draft.finish()?;
    rendered.timings.total = begun.elapsed();
    progress(1.0);
    Ok(rendered)
}

fn film(
    timeline: &Timeline,
    output: Output,
    draft: &Draft<'_>,
    progress: &(dyn Fn(f32) + Sync),
    cancel: &Cancel,
) -> Result<Rendered, MediaError> {
    let begun = Instant::now();
    let frames = frame_at(timeline.duration);
    let duration = time_of(frames);
    let plan = Plan::new(&timeline.texts, frames);
    let mix = Mix::new(&timeline.sounds, duration);
    // A still takes about as long as two seconds of sound.
    let progress = Progress::new(
        progress,
        plan.stills.len() as u64 * 2 * u64::from(SAMPLE_RATE) + mix.length(),
    );
    let mut timings = Timings::default();

    let mut file = draft.writer();
    let mut film = Film::new(&mut file, timeline.frame)?;
    let sound = thread::scope(|scope| {
        let sound = scope.spawn(|| {
            let encoded = aac::encode(
                &mix,
                output.quality.sound_bitrate(),
                Framing::Adts,
                |done| progress.add(done),
                cancel,
            );
            (encoded, begun.elapsed())
        });
        let ground =
            background::paint(&timeline.background, timeline.frame, !timeline.texts.is_empty());
        timings.background = begun.elapsed();
        let studio = Studio {
            timeline,
            plan: &plan,
            ground: &ground,
            font: timeline.font.clone().unwrap_or_default(),
            encoder: StillEncoder::new(output.quality.quantizer(&timeline.background)),
        };
        studio.shoot(&mut film, &progress, cancel)?;
        timings.pictures = begun.elapsed();
        let (encoded, sound_took) = joined(sound.join())?;
        timings.sound = sound_took;
        encoded
    })?;

    let muxing = Instant::now();
    film.sound(sound)?;
    film.finish()?;
    file.flush().map_err(MediaError::io("write the film"))?;
    timings.mux = muxing.elapsed();
    Ok(Rendered {
        duration,
        bytes: 0,
        width: Some(timeline.frame.width),
        height: Some(timeline.frame.height),
        timings,
    })
}

/// Draws and encodes the stills of a film.
struct Studio<'a> {
    timeline: &'a Timeline,
    plan: &'a Plan,
    ground: &'a Canvas,
    font: Font,
    encoder: StillEncoder,
}

impl Studio<'_> {
    /// Makes the stills on all cores and hands the frames to the film in order.
    fn shoot<W: Write>(
        &self,
        film: &mut Film<W>,
        progress: &Progress<'_>,
        cancel: &Cancel,
    ) -> Result<(), MediaError> {
        let workers = super::cores().min(self.plan.stills.len());
        let next = AtomicUsize::new(0);
        // A short channel: the encoders wait for the film rather than filling the memory.
        let (done, encoded) = mpsc::sync_channel(workers);
        thread::scope(|scope| {
            for _ in 0..workers {
                let done = done.clone();
                let next = &next;
                scope.spawn(move || {
                    let mut canvas = Canvas::new(self.ground.size);
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= self.plan.stills.len() {
                            return;
                        }
                        let still = cancel.check().and_then(|()| self.still(index, &mut canvas));
                        progress.add(2 * u64::from(SAMPLE_RATE));
                        let failed = still.is_err();
                        // The other end is gone when the film has failed.
                        if done.send((index, still)).is_err() || failed {
                            return;
                        }
                    }
                });
            }
            drop(done);
            self.in_order(film, encoded)
        })
    }

    fn still(&self, index: usize, canvas: &mut Canvas) -> Result<Still, MediaError> {
        canvas.copy_from(self.ground);
        for &text in &self.plan.stills[index] {
            let clip = &self.timeline.texts[text];
            text::write(canvas, &clip.text, clip.style, &self.font);
        }
        let shots = self.plan.shots.iter().filter(|shot| shot.still == index);
        self.encoder.encode(canvas, shots.map(|shot| shot.frames).max().unwrap_or(1))
    }

    fn in_order<W: Write>(
        &self,
        film: &mut Film<W>,
        encoded: mpsc::Receiver<(usize, Result<Still, MediaError>)>,
    ) -> Result<(), MediaError> {
        let mut uses = vec![0_u32; self.plan.stills.len()];
        for shot in &self.plan.shots {
            uses[shot.still] += 1;
        }
        let mut waiting: HashMap<usize, Still> = HashMap::new();
        for shot in &self.plan.shots {
            while !waiting.contains_key(&shot.still) {
                let lost = |_| MediaError::Encode("a picture was lost".to_owned());
                let (index, still) = encoded.recv().map_err(lost)?;
                waiting.insert(index, still?);
            }
            if let Some(still) = waiting.get(&shot.still) {
                film.picture(&still.frame(0), IsKey::Yes)?;
                for index in 1..shot.frames {
                    film.picture(&still.frame(index), IsKey::No)?;
                }
            }
            uses[shot.still] -= 1;
            if uses[shot.still] == 0 {
                waiting.remove(&shot.still);
            }
        }
        Ok(())
    }
}

fn sound_alone(
    timeline: &Timeline,
    output: Output,
    draft: &Draft<'_>,
    progress: &(dyn Fn(f32) + Sync),
    cancel: &Cancel,
) -> Result<Rendered, MediaError> {
    let begun = Instant::now();
    let mix = Mix::new(&timeline.sounds, timeline.duration);
    let progress = Progress::new(progress, mix.length());
    let mut timings = Timings::default();
    if output.container == Container::Wav {
        write_wav(&mix, draft, &progress, cancel)?;
        timings.sound = begun.elapsed();
    } else {
        let bitrate = output.quality.sound_bitrate();
        let frames = aac::encode(&mix, bitrate, Framing::Raw, |done| progress.add(done), cancel)?;
        timings.sound = begun.elapsed();
        let payloads: Vec<&[u8]> = frames.iter().collect();
        // This muxer's edit list takes the priming frame off again.
        let file = syom::mux_raw_lc_m4a(&payloads, SAMPLE_RATE, 1, mix.length())
            .map_err(|error| MediaError::Encode(format!("M4A: {error}")))?;
        let mut writer = draft.writer();
        writer
            .write_all(&file)
            .and_then(|()| writer.flush())
            .map_err(MediaError::io("write the sound"))?;
        timings.mux = begun.elapsed() - timings.sound;
    }
    let nanos = mix.length() as u128 * 1_000_000_000 / u128::from(SAMPLE_RATE);
    Ok(Rendered {
        duration: Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)),
        bytes: 0,
        width: None,
        height: None,
        timings,
    })
}

fn write_wav(
    mix: &Mix<'_>,
    draft: &Draft<'_>,
    progress: &Progress<'_>,
    cancel: &Cancel,
) -> Result<(), MediaError> {
    let failed = |error| match error {
        hound::Error::IoError(error) => MediaError::io("write the sound")(error),
        error => MediaError::Encode(format!("WAV: {error}")),
    };
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(draft.writer(), spec).map_err(failed)?;
    aac::for_each_piece(mix, cancel, |piece| {
        for sample in piece {
            writer.write_sample((sample * 32_767.0).round() as i16).map_err(failed)?;
        }
        progress.add(piece.len() as u64);
        Ok(())
    })?;
    writer.finalize().map_err(failed)
}

/// Adds up what several threads have done, and tells it in order.
struct Progress<'a> {
    tell: &'a (dyn Fn(f32) + Sync),
    done: Mutex<u64>,
    total: u64,
}

impl<'a> Progress<'a> {
    fn new(tell: &'a (dyn Fn(f32) + Sync), total: u64) -> Self {
        tell(0.0);
        Self { tell, done: Mutex::new(0), total: total.max(1) }
    }

    fn add(&self, work: u64) {
        /// Writing the file comes after everything that is counted.
        const BEFORE_WRITING: f32 = 0.98;
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += work;
        (self.tell)((*done as f32 / self.total as f32).min(1.0) * BEFORE_WRITING);
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("done", &self.done)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

/// A panic in another thread goes on in this one.
fn joined<T>(result: thread::Result<T>) -> Result<T, MediaError> {
    result.map_err(|panic| std::panic::resume_unwind(panic))
}
