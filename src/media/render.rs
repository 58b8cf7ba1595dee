//! Renders a timeline to a file: its stills and the segments of its audio are encoded on all cores,
//! and written in their order as they are done.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::audio::encode::{self, AacSegment};
use super::audio::mix::{AudioMix, SAMPLE_RATE};
use super::h264::{EncodedStill, FRAME_RATE};
use super::mp4::{Mp4Content, Mp4Writer, VideoTrack};
use super::ordered::in_order;
use super::output::{Container, RenderOptions, TempOutput};
use super::stills::{FrameWriter, StillPlan, StillRenderer, duration_of, frame_at};
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

/// A part of the work for a video.
#[derive(Debug, Clone, Copy)]
enum Job {
    /// The background of a scene, which all of its stills would wait for.
    Backdrop(usize),
    Still(usize),
    Audio(u64),
}

enum Done {
    Backdrop,
    Still(usize, EncodedStill),
    Audio(AacSegment),
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
    let plan = StillPlan::new(timeline, frames);
    let mix = AudioMix::new(&timeline.audio, duration, cancel)?;
    let jobs = jobs(&plan, &mix);
    let segments = encode::segment_count(&mix);
    let total = (jobs.len() as u64 - segments) * STILL_WORK + mix.length();
    let progress = ProgressCounter::new(progress, total);

    let (size, fades) = (timeline.frame, plan.fade_count());
    let track = VideoTrack { size, frames, key_frames: plan.shot_count(), fades };
    let mut mp4 = Mp4Writer::new(output.writer(), content(timeline, Some(track), &mix))?;
    let quantizer = options.quality.quantizer(timeline);
    let stills = StillRenderer::new(timeline, &plan, quantizer);
    let mut writer = FrameWriter::new(&plan);
    let level = options.quality.audio_level();
    let work = |index: usize| match jobs[index].1 {
        Job::Backdrop(scene) => {
            stills.backdrop(scene)?;
            progress.add(STILL_WORK);
            Ok(Done::Backdrop)
        }
        Job::Still(still) => {
            let encoded = stills.encode(still, cancel)?;
            progress.add(STILL_WORK);
            Ok(Done::Still(still, encoded))
        }
        Job::Audio(index) => {
            let done = |samples| progress.add(samples);
            Ok(Done::Audio(encode::segment(&mix, level, index, done, cancel)?))
        }
    };
    in_order(jobs.len(), work, |index, done| {
        let segment = match done {
            Done::Backdrop => None,
            Done::Still(still, encoded) => {
                writer.take(still, encoded);
                None
            }
            Done::Audio(segment) => Some(segment),
        };
        // A still may be shown for hours: its later frames come after the audio before them.
        let (frame, _) = jobs[index];
        writer.write_until(frame, cancel, |data, is_key, late| mp4.video(data, is_key, late))?;
        segment.map_or(Ok(()), |segment| mp4.audio(&segment))
    })?;
    writer.write_until(frames, cancel, |data, is_key, late| mp4.video(data, is_key, late))?;
    cancel.check()?;
    mp4.finish()?;
    Ok(duration)
}

/// Returns what an MP4 or M4A file says about its content.
fn content<'a>(
    timeline: &'a Timeline,
    video: Option<VideoTrack>,
    mix: &AudioMix<'_>,
) -> Mp4Content<'a> {
    Mp4Content {
        video,
        audio_frames: encode::frame_count(mix),
        samples: mix.length(),
        chapters: &timeline.chapters,
        language: timeline.language.as_deref(),
    }
}

/// Returns the work for a video, each part with the frame at which it is needed first. Stills and
/// audio take turns, so that both are in the file where they are played. The background of a scene is
/// painted while the scene before it is encoded.
fn jobs(plan: &StillPlan, mix: &AudioMix<'_>) -> Vec<(u32, Job)> {
    let samples = encode::SEGMENT_FRAMES * encode::AAC_FRAME;
    let frame_of =
        |segment: u64| (segment * samples * u64::from(FRAME_RATE) / u64::from(SAMPLE_RATE)) as u32;
    let first = plan.first_frames();
    let scene = |still: usize| plan.stills[still].backdrop.scene;
    let begins = (0..first.len()).filter(|&still| still == 0 || scene(still) != scene(still - 1));
    let begins: Vec<usize> = begins.collect();
    let ahead = begins.windows(2).map(|next| (first[next[0]], Job::Backdrop(scene(next[1]))));
    let stills = first.iter().enumerate().map(|(still, frame)| (*frame, Job::Still(still)));
    let stills = stills.chain(ahead);
    let audio =
        (0..encode::segment_count(mix)).map(|segment| (frame_of(segment), Job::Audio(segment)));
    let mut jobs: Vec<(u32, Job)> = stills.chain(audio).collect();
    jobs.sort_by_key(|(frame, _)| *frame);
    jobs
}

fn audio(
    timeline: &Timeline,
    options: RenderOptions,
    output: &TempOutput,
    progress: &(dyn Fn(f32) + Sync),
    cancel: &Cancel,
) -> Result<Duration, MediaError> {
    let mix = AudioMix::new(&timeline.audio, timeline.duration, cancel)?;
    let progress = ProgressCounter::new(progress, mix.length());
    if options.container == Container::Wav {
        encode::write_wav(&mix, output.writer(), |samples| progress.add(samples), cancel)?;
    } else {
        let mut m4a = Mp4Writer::new(output.writer(), content(timeline, None, &mix))?;
        let segments = encode::segment_count(&mix);
        let work = |index: usize| {
            let level = options.quality.audio_level();
            encode::segment(&mix, level, index as u64, |samples| progress.add(samples), cancel)
        };
        in_order(segments as usize, work, |_, segment| m4a.audio(&segment))?;
        cancel.check()?;
        m4a.finish()?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FrameSize;
    use crate::media::h264::MAX_SHOT;

    #[test]
    fn what_is_played_together_is_close_together_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("video.mp4");
        // One still for all of the time.
        let timeline = Timeline::new(FrameSize { width: 64, height: 64 }, Duration::from_secs(40));
        render(&timeline, RenderOptions::mp4(), &path, &|_| {}, &Cancel::new()).unwrap();
        let file = std::fs::read(&path).unwrap();
        let number =
            |at: usize| u32::from_be_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]);
        // The tables of both tracks, each as its numbers, of which some come before the entries.
        let tables = |kind: &[u8; 4], entry: usize, before: usize| -> [Vec<u32>; 2] {
            let at = file.windows(4).enumerate().filter(|(_, found)| *found == kind);
            let table = at.map(|(at, _)| {
                let start = at + 8 + 4 * before;
                let count = number(start - 4) as usize * entry;
                (0..count).map(|n| number(start + 4 * n)).collect()
            });
            table.take(2).collect::<Vec<_>>().try_into().unwrap()
        };
        let (chunks, sizes) = (tables(b"stco", 1, 1), tables(b"stsz", 1, 2));
        let [video, audio] = tables(b"stsc", 3, 1)
            .map(|groups| groups.chunks(3).map(|group| (group[0], group[1])).collect::<Vec<_>>());
        let of_chunk = |groups: &[(u32, u32)], chunk: u32| {
            groups.iter().rfind(|(first, _)| *first <= chunk).unwrap().1
        };
        // Where each sample of a track begins.
        let starts = |track: usize, groups: &[(u32, u32)]| {
            let mut starts: Vec<u32> = Vec::new();
            for (chunk, number) in chunks[track].iter().zip(1..) {
                let mut position = *chunk;
                for _ in 0..of_chunk(groups, number) {
                    let size = sizes[track][starts.len()];
                    starts.push(position);
                    position += size;
                }
            }
            starts
        };
        let (video, audio) = (starts(0, &video), starts(1, &audio));
        let audio: Vec<u32> = audio.into_iter().step_by(encode::SEGMENT_FRAMES as usize).collect();
        assert_eq!((video.len(), audio.len()), (1200, 8));
        for (segment, &position) in audio.iter().enumerate() {
            // A segment has 5.12 seconds, so 153.6 frames are shown meanwhile.
            let frame = segment * 1536 / 10;
            assert!(video[frame] < position, "segment {segment} precedes its first frame");
            let later = video.get(frame + MAX_SHOT as usize);
            assert!(later.is_none_or(|later| *later > position), "segment {segment} comes late");
        }
    }
}
