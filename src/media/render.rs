//! Renders a timeline to a file: stills are drawn and encoded on all cores, the audio is mixed and
//! encoded in parallel, and both are muxed in order.

use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::audio::encode;
use super::audio::mix::{AudioMix, SAMPLE_RATE};
use super::output::{Container, Mp4Writer, RenderOptions, TempOutput};
use super::stills::{StillPlan, StillRenderer, duration_of, frame_at};
use super::{Cancel, MediaError, Timeline, lock};

/// Progress of a still, in audio samples: encoding one takes about as long as two seconds of audio.
const STILL_WORK: u64 = 2 * SAMPLE_RATE as u64;

/// Renders a timeline to a file, which appears at `path` only when it is complete. Returns the
/// duration of the file, which for a video is a whole number of frames.
///
/// `progress` receives the completed share, from 0.0 to 1.0 and never decreasing. It is called
/// from several threads, but never concurrently.
///
/// # Errors
/// - The errors of [`Timeline::check`], before any work.
/// - [`MediaError::Encode`] and [`MediaError::Io`].
/// - [`MediaError::Cancelled`] once `cancel` is set.
pub fn render(
    timeline: &Timeline,
    options: RenderOptions,
    path: &Path,
    progress: &(dyn Fn(f32) + Sync),
    cancel: &Cancel,
) -> Result<Duration, MediaError> {
    timeline.check()?;
    cancel.check()?;
    let output = TempOutput::beside(path)?;
    let duration = match options.container {
        Container::Mp4 => video(timeline, options, &output, progress, cancel)?,
        Container::M4a | Container::Wav => audio(timeline, options, &output, progress, cancel)?,
    };
    output.finish()?;
    progress(1.0);
    Ok(duration)
}

fn video(
    timeline: &Timeline,
    options: RenderOptions,
    output: &TempOutput,
    progress: &(dyn Fn(f32) + Sync),
    cancel: &Cancel,
) -> Result<Duration, MediaError> {
    let frames = frame_at(timeline.duration);
    let duration = duration_of(frames);
    let plan = StillPlan::new(&timeline.texts, frames);
    let mix = AudioMix::new(&timeline.audio, duration);
    let total = plan.still_count() as u64 * STILL_WORK + mix.length();
    let progress = ProgressCounter::new(progress, total);

    let mut file = output.writer();
    let mut mp4 = Mp4Writer::new(&mut file, timeline.frame)?;
    let bitrate = options.quality.audio_bitrate();
    let audio = thread::scope(|scope| {
        let audio =
            scope.spawn(|| encode::aac(&mix, bitrate, |samples| progress.add(samples), cancel));
        let quantizer = options.quality.quantizer(&timeline.background);
        StillRenderer::new(timeline, &plan, quantizer).render(
            &|| progress.add(STILL_WORK),
            cancel,
            |data, is_key| mp4.video(data, is_key),
        )?;
        audio.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    mp4.audio(audio)?;
    mp4.finish()?;
    file.flush().map_err(MediaError::io("write the video"))?;
    Ok(duration)
}

fn audio(
    timeline: &Timeline,
    options: RenderOptions,
    output: &TempOutput,
    progress: &(dyn Fn(f32) + Sync),
    cancel: &Cancel,
) -> Result<Duration, MediaError> {
    let mix = AudioMix::new(&timeline.audio, timeline.duration);
    let progress = ProgressCounter::new(progress, mix.length());
    let (file, done) = (output.writer(), |samples| progress.add(samples));
    if options.container == Container::Wav {
        encode::write_wav(&mix, file, done, cancel)?;
    } else {
        encode::write_m4a(&mix, file, options.quality.audio_bitrate(), done, cancel)?;
    }
    let nanos = mix.length() as u128 * 1_000_000_000 / u128::from(SAMPLE_RATE);
    Ok(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}

/// Sums up the work of several threads and reports it in order.
struct ProgressCounter<'a> {
    report: &'a (dyn Fn(f32) + Sync),
    done: Mutex<u64>,
    total: u64,
}

impl<'a> ProgressCounter<'a> {
    fn new(report: &'a (dyn Fn(f32) + Sync), total: u64) -> Self {
        report(0.0);
        Self { report, done: Mutex::new(0), total: total.max(1) }
    }

    fn add(&self, work: u64) {
        /// The file is written after all work that is counted.
        const BEFORE_WRITING: f32 = 0.98;
        let mut done = lock(&self.done);
        *done += work;
        (self.report)((*done as f32 / self.total as f32).min(1.0) * BEFORE_WRITING);
    }
}
