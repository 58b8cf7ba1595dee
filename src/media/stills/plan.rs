//! Which texts and which scenes are visible in which frames of a video: the distinct stills, and the
//! shots that show them. Drawing and encoding them is left to [`stills`](super).

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::time::Duration;

use crate::media::h264::{FRAME_RATE, MAX_SHOT, Motion, Place};
use crate::media::scenes::Zoom;
use crate::media::timeline::TextKind;
use crate::media::{CaptionMode, FrameSize, Scene, TextClip, Timeline};

/// The stills of a video and when each is shown.
#[derive(Debug, PartialEq)]
pub(crate) struct StillPlan {
    /// The stills in the order of their first appearance.
    pub(crate) stills: Vec<Still>,
    /// What is shown, in order.
    pub(crate) shots: Vec<Shot>,
    /// When each scene is shown.
    scenes: Vec<SceneSpan>,
}

/// When a scene is shown, in frames of the video.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SceneSpan {
    pub(crate) start: u32,
    /// What is seen before it: the number of a scene, or 0 for the background before the first.
    pub(crate) before: usize,
    /// The number of frames in which it appears over what is seen before.
    pub(crate) fade: u32,
    pub(crate) zoom: Option<Zoom>,
}

/// What is behind the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Backdrop {
    /// The number of scenes that have begun.
    pub(crate) scene: usize,
    /// Whether the last of them appears over what was seen before: of a still, at its start.
    pub(crate) is_fade: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Still {
    pub(crate) backdrop: Backdrop,
    /// The texts in drawing order: at its start, if the backdrop moves.
    pub(crate) texts: Vec<Shown>,
    /// If the backdrop moves, the texts that replace those before from a frame of the still on.
    pub(crate) steps: Vec<(u32, Vec<Shown>)>,
    /// If the backdrop moves, the frame of the video at which the still begins.
    pub(crate) first: u32,
    /// The still that is always shown before it and has the same texts, with other words marked.
    pub(crate) after: Option<usize>,
}

/// A text in a still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shown {
    /// The index of the text.
    pub(crate) text: usize,
    /// The word that is marked as the spoken one.
    pub(crate) word: Option<usize>,
}

/// A still shown for a number of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shot {
    pub(crate) still: usize,
    pub(crate) frames: u32,
    /// Its place after the last key frame. A shot that begins with one has none before it.
    pub(crate) before: Place,
    /// The number of frames, at its start, in which a scene fades in. In the file, the first frame that
    /// shows nothing else precedes them.
    pub(crate) fade: u32,
}

impl Shot {
    /// Returns whether it begins with a key frame.
    pub(crate) fn has_key(&self) -> bool {
        self.before.shown == 0
    }

    /// Returns the place of what follows it.
    const fn end(&self) -> Place {
        let Place { shown, number } = self.before;
        Place { shown: shown + self.frames, number: number + self.frames - self.fade }
    }

    /// Returns the number of the frame, in the order in which they are shown, of each of its pictures, in
    /// that of the file.
    pub(crate) const fn shown_at(&self, picture: u32) -> u32 {
        match picture {
            0 => self.fade,
            _ if picture <= self.fade => picture - 1,
            _ => picture,
        }
    }
}

impl Still {
    /// Returns the texts at its end.
    pub(super) fn last_texts(&self) -> &[Shown] {
        self.steps.last().map_or(&self.texts, |(_, texts)| texts)
    }
}

/// Returns the number of the frame at a time.
pub(crate) fn frame_at(time: Duration) -> u32 {
    let frames = (time.as_nanos() * u128::from(FRAME_RATE) + 500_000_000) / 1_000_000_000;
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// Returns the number of the frame that is visible at a time.
pub(crate) fn frame_shown_at(time: Duration) -> u32 {
    // A duration of frames is a part of a nanosecond too short.
    let frames = (time.as_nanos() + 1) * u128::from(FRAME_RATE) / 1_000_000_000;
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// Returns the duration of a number of frames.
pub(crate) fn duration_of(frames: u32) -> Duration {
    Duration::from_nanos(u64::from(frames) * 1_000_000_000 / u64::from(FRAME_RATE))
}

impl StillPlan {
    pub(crate) fn new(timeline: &Timeline, frames: u32) -> Self {
        let scenes = scene_spans(&timeline.scenes, timeline.frame, frames);
        let mut plan = Self { stills: Vec::new(), shots: Vec::new(), scenes };
        let mut known: HashMap<(Backdrop, Vec<Shown>), usize> = HashMap::new();
        let mut at = 0;
        for ((backdrop, texts), left) in spans(&timeline.texts, &plan.backdrops(), frames) {
            let first = at;
            at += left;
            let (mut first, mut left) = (first, left);
            if let Some(interval) = plan.key_interval(backdrop) {
                plan.add_moving(backdrop, &texts, first, left, interval);
                continue;
            }
            // What follows a fade is in the same still.
            let more = plan.extend(backdrop, &texts, left);
            (first, left) = (first + more, left - more);
            if left == 0 {
                continue;
            }
            if let Some(last) = plan.shots.last()
                && plan.stills[last.still].backdrop.scene == backdrop.scene
                && let before = last.end()
                && before.shown + left <= MAX_SHOT
                && is_same_text(&texts, plan.stills[last.still].last_texts())
            {
                let after = Some(last.still);
                plan.shots.push(Shot { still: plan.stills.len(), frames: left, before, fade: 0 });
                plan.stills.push(Still { backdrop, texts, steps: Vec::new(), first, after });
                continue;
            }
            let still = *known.entry((backdrop, texts)).or_insert_with_key(|(_, texts)| {
                let (texts, steps) = (texts.clone(), Vec::new());
                plan.stills.push(Still { backdrop, texts, steps, first, after: None });
                plan.stills.len() - 1
            });
            while left > 0 {
                let frames = next_shot(left, MAX_SHOT);
                plan.shots.push(Shot { still, frames, ..Shot::default() });
                left -= frames;
            }
        }
        plan
    }

    /// Adds texts over a backdrop that moves. Other texts need no key frame.
    fn add_moving(
        &mut self,
        backdrop: Backdrop,
        texts: &[Shown],
        mut first: u32,
        mut left: u32,
        interval: u32,
    ) {
        while left > 0 {
            let mut frames = self.extend(backdrop, texts, left);
            if frames == 0 {
                frames = next_shot(left, interval);
                // A text may hide the first frame of a fade.
                let fade = self.scene(backdrop.scene).filter(|_| backdrop.is_fade);
                let fade = fade.map_or(0, |span| (span.start + span.fade).saturating_sub(first));
                let before = self.shots.last().filter(|_| fade > 0).map(Shot::end);
                let before = before.unwrap_or_default();
                let (texts, steps) = (texts.to_vec(), Vec::new());
                self.shots.push(Shot { still: self.stills.len(), frames, before, fade });
                self.stills.push(Still { backdrop, texts, steps, first, after: None });
            }
            first += frames;
            left -= frames;
        }
    }

    /// Adds texts to the last shot, as far as it may go on, and returns for how many frames.
    fn extend(&mut self, backdrop: Backdrop, texts: &[Shown], left: u32) -> u32 {
        let zoom = self.scene(backdrop.scene).and_then(|span| span.zoom);
        let Some(shot) = self.shots.last_mut() else { return 0 };
        let still = &mut self.stills[shot.still];
        // The scene goes on after its fade, to the next key frame if that is not far.
        let limit = match zoom {
            _ if backdrop.is_fade => u32::MAX,
            Some(zoom) => shot.fade + zoom.key_interval(),
            None if shot.fade > 0 && shot.frames < shot.fade + SHORTEST => shot.fade + MAX_SHOT,
            None => 0,
        };
        let near = (MAX_SHOT.saturating_sub(shot.before.shown)).max(shot.fade + SHORTEST);
        let limit = if shot.fade > 0 && !backdrop.is_fade { limit.min(near) } else { limit };
        let room = limit.saturating_sub(shot.frames);
        if still.backdrop.scene != backdrop.scene || backdrop.scene == 0 || room == 0 {
            return 0;
        }
        if still.last_texts() != texts {
            still.steps.push((shot.frames, texts.to_vec()));
        }
        let frames = next_shot(left, room);
        shot.frames += frames;
        frames
    }

    /// Returns when a scene is shown, by the number of those that have begun; `None` before the first.
    pub(crate) fn scene(&self, number: usize) -> Option<&SceneSpan> {
        self.scenes.get(number.checked_sub(1)?)
    }

    /// Returns how images move in the video.
    pub(crate) fn motion(&self) -> Motion {
        match self.shots.iter().any(|shot| shot.fade > 0) {
            true => Motion::Fade,
            false if self.scenes.iter().any(|scene| scene.zoom.is_some()) => Motion::Zoom,
            false => Motion::None,
        }
    }

    /// Returns the number of cross-fades.
    pub(crate) fn fade_count(&self) -> usize {
        self.shots.iter().filter(|shot| shot.fade > 0).count()
    }

    /// Returns the frames from which on there is another backdrop, in order.
    fn backdrops(&self) -> Vec<(u32, Backdrop)> {
        let mut backdrops = Vec::new();
        for (scene, SceneSpan { start, fade, .. }) in (1..).zip(&self.scenes) {
            if *fade > 0 {
                backdrops.push((*start, Backdrop { scene, is_fade: true }));
            }
            backdrops.push((start + fade, Backdrop { scene, is_fade: false }));
        }
        backdrops
    }

    /// Returns the greatest number of frames of a shot of a backdrop that moves.
    fn key_interval(&self, backdrop: Backdrop) -> Option<u32> {
        let zoom = self.scene(backdrop.scene)?.zoom;
        if backdrop.is_fade { Some(u32::MAX) } else { zoom.map(|zoom| zoom.key_interval()) }
    }

    /// Returns the frame at which each distinct still is first shown, in order.
    pub(crate) fn first_frames(&self) -> Vec<u32> {
        let (mut at, mut first) = (0, Vec::new());
        for shot in &self.shots {
            if shot.still == first.len() {
                first.push(at);
            }
            at += shot.frames;
        }
        first
    }

    /// Returns the number of shots that begin with a key frame.
    pub(crate) fn shot_count(&self) -> usize {
        self.shots.iter().filter(|shot| shot.has_key()).count()
    }
}

/// Returns when scenes are shown, which are in order.
fn scene_spans(scenes: &[Scene], size: FrameSize, frames: u32) -> Vec<SceneSpan> {
    let starts: Vec<u32> = scenes.iter().map(|scene| frame_at(scene.start).min(frames)).collect();
    let ends = starts.iter().skip(1).copied().chain([frames]);
    let spans = scenes.iter().zip(0..).zip(starts.iter().zip(ends));
    let mut before = 0;
    let spans = spans.map(|((scene, index), (&start, end))| {
        let length = end.saturating_sub(start);
        // It is also seen on its own. Of a single frame, nothing is seen.
        let fade = frame_at(scene.fade).min(length / 2);
        let fade = if start < SHORTEST || fade < SHORTEST { 0 } else { fade };
        let zoom = scene.is_moving().then(|| Zoom::new(scene, index, size, length));
        let span = SceneSpan { start, before, fade, zoom };
        // A shorter one is a flash, which is not shown.
        if length >= SHORTEST {
            before = index + 1;
        }
        span
    });
    spans.collect()
}

/// Returns the number of frames of the next of the shots that some frames are divided into: never
/// such that a single one is left, see [`SHORTEST`].
const fn next_shot(left: u32, limit: u32) -> u32 {
    match left {
        _ if left <= limit => left,
        _ if left > limit + 1 => limit,
        // Of three, the limit is exceeded.
        _ if limit > SHORTEST => left - SHORTEST,
        _ => left,
    }
}

/// Returns whether two stills have the same texts.
fn is_same_text(one: &[Shown], other: &[Shown]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.text == other.text)
}

/// Returns the frames in which a text is visible, by the word that is marked.
fn visible(index: usize, clip: &TextClip, frames: u32) -> Vec<(Shown, Range<u32>)> {
    let at = |time: Duration| frame_at(clip.start.saturating_add(time)).min(frames);
    let end = at(clip.duration);
    let mut visible = vec![(Shown { text: index, word: None }, at(Duration::ZERO)..end)];
    if clip.style.mode == CaptionMode::Words && clip.kind == TextKind::Caption {
        for (word, (_, time)) in clip.words.iter().enumerate() {
            let start = at(*time).min(end);
            if let Some((_, before)) = visible.last_mut() {
                before.end = start.max(before.start);
                let range = before.end..end;
                visible.push((Shown { text: index, word: Some(word) }, range));
            }
        }
    }
    visible.retain(|(_, range)| !range.is_empty());
    visible
}

/// Two consecutive key frames would need different IDs, and a flash of a single frame is unwanted
/// anyway: it is added to the span before it.
const SHORTEST: u32 = 2;

/// Texts that are visible together, and what is behind them.
type Look = (Backdrop, Vec<Shown>);

/// Returns what is visible together and for how many frames, in order and covering all frames.
/// `backdrops` come with the frames at which they begin.
fn spans(texts: &[TextClip], backdrops: &[(u32, Backdrop)], frames: u32) -> Vec<(Look, u32)> {
    let clips = texts.iter().enumerate();
    let mut clips: Vec<_> = clips.flat_map(|(index, clip)| visible(index, clip, frames)).collect();
    clips.sort_by_key(|(_, visible)| visible.start);
    let cuts: BTreeSet<u32> = clips
        .iter()
        .flat_map(|(_, visible)| [visible.start, visible.end])
        .chain(backdrops.iter().map(|(start, _)| *start))
        .chain([0, frames])
        .collect();
    let mut clips = clips.into_iter().peekable();
    let mut active: Vec<(Shown, Range<u32>)> = Vec::new();
    let mut spans: Vec<(Look, u32)> = Vec::new();
    for (&start, &end) in cuts.iter().zip(cuts.iter().skip(1)) {
        active.retain(|(_, visible)| visible.end > start);
        while let Some(clip) = clips.next_if(|(_, visible)| visible.start <= start) {
            active.push(clip);
        }
        let mut now: Vec<Shown> = active.iter().map(|(shown, _)| *shown).collect();
        now.sort_unstable();
        let behind = backdrops.partition_point(|(begun, _)| *begun <= start).checked_sub(1);
        let now = (behind.map_or_else(Backdrop::default, |behind| backdrops[behind].1), now);
        let length = end - start;
        match spans.last_mut() {
            // The same texts again, or a flash; below, a flash at the very start.
            Some((last, frames)) if *last == now || length < SHORTEST => *frames += length,
            Some((last, frames)) if *frames < SHORTEST => {
                *last = now;
                *frames += length;
            }
            _ => spans.push((now, length)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Image, ImageMotion, VideoBackground};

    fn clip(start: u64, end: u64) -> TextClip {
        let millis = Duration::from_millis;
        TextClip::caption("text", millis(start), millis(end - start))
    }

    fn plan_of(texts: &[TextClip], frames: u32) -> StillPlan {
        let mut timeline = Timeline::new(FrameSize::SQUARE, duration_of(frames));
        timeline.texts = texts.to_vec();
        StillPlan::new(&timeline, frames)
    }

    fn shots(texts: &[TextClip], frames: u32) -> Vec<(Vec<usize>, u32)> {
        let plan = plan_of(texts, frames);
        let texts = |still: &Still| still.texts.iter().map(|shown| shown.text).collect();
        plan.shots.iter().map(|shot| (texts(&plan.stills[shot.still]), shot.frames)).collect()
    }

    #[test]
    fn texts_are_visible_in_their_frames_alone_and_together() {
        let texts = [clip(1000, 2000), clip(1500, 3000), clip(4000, 99_000)];
        assert_eq!(
            shots(&texts, 150),
            [
                (vec![], 30),
                (vec![0], 15),
                (vec![0, 1], 15),
                (vec![1], 30),
                (vec![], 30),
                (vec![2], 30)
            ]
        );
        assert_eq!(plan_of(&texts, 150).stills.len(), 5, "the still without text is drawn once");
    }

    #[test]
    fn every_frame_is_planned_and_no_shot_is_a_flash() {
        for texts in [
            vec![],
            vec![clip(0, 20)],
            vec![clip(0, 33), clip(33, 1000)],
            vec![clip(500, 533), clip(533, 566), clip(599, 700)],
            vec![clip(0, 10_033), clip(10_066, 30_000)],
            vec![clip(700, 700), clip(60_000, 70_000)],
        ] {
            for frames in [3, 31, 301, 302, 601, 903] {
                let shots = shots(&texts, frames);
                assert_eq!(
                    shots.iter().map(|(_, frames)| frames).sum::<u32>(),
                    frames,
                    "{texts:?}"
                );
                assert!(
                    shots.iter().all(|(_, frames)| (2..=MAX_SHOT).contains(frames)),
                    "{shots:?}"
                );
            }
        }
    }

    #[test]
    fn a_spoken_word_changes_a_still_without_a_key_frame() {
        let mut caption = clip(0, 8000);
        caption.style.mode = CaptionMode::Words;
        let millis = Duration::from_millis;
        caption.words =
            vec![(0, millis(100)), (3, millis(1000)), (5, millis(1001)), (9, millis(9000))];
        let plan = plan_of(&[caption.clone(), clip(500, 600)], 300);
        let shots: Vec<(Option<usize>, u32, u32)> = plan
            .shots
            .iter()
            .map(|shot| {
                (
                    plan.stills[shot.still].texts.first().and_then(|t| t.word),
                    shot.frames,
                    shot.before.shown,
                )
            })
            .collect();
        // The other text is a new scene, as is its end; no time is left for the third word.
        let expected = [
            (None, 3, 0),
            (Some(0), 12, 3),
            (Some(0), 3, 0),
            (Some(0), 12, 0),
            (Some(2), 210, 12),
            (None, 60, 0),
        ];
        assert_eq!(shots, expected);
        assert_eq!(plan.shot_count(), 4);
        // A word on which the speaker rests needs key frames, so that players can seek.
        caption.duration = Duration::from_secs(30);
        let plan = plan_of(&[caption], 900);
        assert!(
            plan.shots.iter().all(|shot| shot.before.shown + shot.frames <= MAX_SHOT),
            "{plan:?}"
        );
    }

    #[test]
    fn scenes_and_fades_divide_shots() {
        let millis = Duration::from_millis;
        let mut timeline = Timeline::new(FrameSize::SQUARE, millis(10_000));
        let mut caption = clip(2900, 3400);
        caption.style.mode = CaptionMode::Words;
        caption.words = vec![(0, millis(200))];
        timeline.texts.push(caption);
        for (start, fade) in [(0, 500), (3000, 500), (3400, 2000), (9990, 500), (20_000, 500)] {
            let mut scene = Scene::new(VideoBackground::default(), millis(start));
            scene.fade = millis(fade);
            timeline.scenes.push(scene);
        }
        let plan = StillPlan::new(&timeline, 300);
        let shots = plan.shots.iter().map(|shot| {
            let still = &plan.stills[shot.still];
            (still.backdrop.scene, still.backdrop.is_fade, still.texts.len(), shot.frames)
        });
        let expected = [
            (1, false, 0, 87),
            (1, false, 1, 3),
            // As long as half of the scene, and with the rest of it.
            (2, true, 1, 12),
            (3, true, 0, 198),
        ];
        assert_eq!(shots.collect::<Vec<_>>(), expected);
        // A key frame, a change, and two fades without a key frame.
        let places =
            plan.shots.iter().map(|shot| (shot.before.shown, shot.before.number, shot.fade));
        let expected = [(0, 0, 0), (0, 0, 0), (3, 3, 6), (15, 9, 60)];
        assert_eq!(places.collect::<Vec<_>>(), expected);
        let pictures = (0..12).map(|picture| plan.shots[2].shown_at(picture));
        assert_eq!(pictures.collect::<Vec<_>>(), [6, 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]);
        let fades: Vec<u32> = plan.scenes.iter().map(|scene| scene.fade).collect();
        assert_eq!(fades, [0, 6, 60, 0, 0]);
    }

    #[test]
    fn a_scene_appears_over_the_last_one_that_is_seen() {
        let mut timeline = Timeline::new(FrameSize::SQUARE, duration_of(300));
        // Some have no frame, or a single one, for themselves.
        for start in [0, 1, 90, 90, 120, 121, 200] {
            let mut scene = Scene::new(VideoBackground::default(), duration_of(start));
            scene.fade = Duration::from_millis(500);
            timeline.scenes.push(scene);
        }
        let plan = StillPlan::new(&timeline, 300);
        let spans: Vec<(usize, u32)> =
            plan.scenes.iter().map(|span| (span.before, span.fade)).collect();
        assert_eq!(spans, [(0, 0), (0, 0), (2, 0), (2, 15), (4, 0), (4, 15), (6, 15)]);
    }

    #[test]
    fn moving_scenes_are_planned_frame_by_frame() {
        let image = image::RgbImage::new(64, 64);
        let mut png = std::io::Cursor::new(Vec::new());
        image.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let image = Image::decode(png.get_ref(), "image.png").unwrap();
        for (length, starts) in [(90, vec![0]), (91, vec![0, 10, 11]), (400, vec![5, 200, 399])] {
            let mut timeline = Timeline::new(FrameSize::SQUARE, duration_of(length));
            timeline.texts = vec![clip(0, 20), clip(500, 533), clip(533, 2000), clip(2033, 9000)];
            for start in &starts {
                let shown = VideoBackground::Image(image.clone());
                let mut scene = Scene::new(shown, duration_of(*start));
                scene.motion = ImageMotion::Zoom;
                scene.fade = Duration::from_millis(300);
                timeline.scenes.push(scene);
            }
            let plan = StillPlan::new(&timeline, length);
            let frames: u32 = plan.shots.iter().map(|shot| shot.frames).sum();
            assert_eq!(frames, length);
            let mut at = 0;
            for shot in &plan.shots {
                assert!((2..=MAX_SHOT).contains(&shot.frames), "{:?}", plan.shots);
                assert!(shot.fade == 0 || shot.fade + 2 <= shot.frames, "{:?}", plan.shots);
                assert!(shot.end().shown <= MAX_SHOT, "{:?}", plan.shots);
                let still = &plan.stills[shot.still];
                if still.backdrop.scene > 0 {
                    assert_eq!(still.first, at);
                }
                at += shot.frames;
            }
        }
    }

    #[test]
    fn frames_and_durations_agree() {
        for frames in [0, 1, 2, 29, 30, 1234, 194_400] {
            assert_eq!(frame_at(duration_of(frames)), frames);
            assert_eq!(frame_shown_at(duration_of(frames)), frames);
        }
    }
}
