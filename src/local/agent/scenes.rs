//! The images of a video: those of a script, each shown from its paragraph until the next one, and
//! those that a message sets for a paragraph; how they fill the frame, move and follow each other.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::edit::{paragraphs, position};
use super::phrase::{MessagePhrase, is_in};
use super::speak::{self, MessageValue, Reply};
use super::words::*;
use crate::draft::{
    Draft, ImageFit, ImageMotion, Json, Object, PARAGRAPH, THROUGH, TrackRole, as_millis,
    metadata_mut,
};
use crate::local::engine::ScriptScenes;
use crate::local::library::StoredFile;
use crate::local::sessions::LocalSession;
use crate::protocol::{FileType, percent_decoded};

/// The cross-fade to an image.
const CROSS_FADE: Duration = Duration::from_millis(500);

/// How images are shown, as far as it is stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SceneStyle {
    pub(crate) fit: Option<ImageFit>,
    pub(crate) motion: Option<ImageMotion>,
    pub(crate) fade: Option<Duration>,
}

fn is_image(word: &str) -> bool {
    is_in(IMAGES, word)
}

/// The meaning of a phrase about images.
impl MessagePhrase {
    pub(crate) fn image_fit(&self) -> Option<ImageFit> {
        // "The whole image", and not "the image for the whole video".
        let is_whole = |next: &str| next.is_empty() || is_image(next);
        if self.has(FIT_WHOLE) || self.after("whole entire").is_some_and(is_whole) {
            return Some(ImageFit::Contain);
        }
        self.has(FIT_COVER).then_some(ImageFit::Cover)
    }

    /// The English word after the first of some terms, which is empty at the end.
    fn after(&self, terms: &str) -> Option<&str> {
        let words = self.words();
        let at = words.iter().position(|word| is_in(terms, word))?;
        Some(words.get(at + 1).copied().unwrap_or_default())
    }

    pub(crate) fn image_motion(&self) -> Option<ImageMotion> {
        let is_still = self.has(STILL) || self.has(DO_NOT) || self.has(OFF);
        let motion = if is_still { ImageMotion::Still } else { ImageMotion::Zoom };
        (is_still || self.has(ZOOM)).then_some(motion)
    }

    /// The time of a cross-fade, zero for none.
    pub(crate) fn cross_fade(&self) -> Option<Duration> {
        let is_off = self.has(DO_NOT) || self.has(OFF);
        self.times().first().copied().or_else(|| is_off.then_some(Duration::ZERO))
    }

    /// How images are to be shown.
    pub(crate) fn scene_style(&self) -> Option<SceneStyle> {
        // The text of a title may say anything, and music fades as well.
        if [TITLES, MUSIC, POSTER].into_iter().any(|terms| self.has(terms)) {
            return None;
        }
        let is_about_images = self.has(IMAGES);
        // "Use the still image" is about which one.
        let is_kind = self.has(SHOW_IMAGE) && self.after("still static").is_some_and(is_image);
        let moves = self.has(ZOOM) || (is_about_images && self.has(STILL) && !is_kind);
        let style = SceneStyle {
            fit: self.image_fit().filter(|_| is_about_images),
            motion: self.image_motion().filter(|_| moves),
            fade: self.has(CROSS_FADES).then(|| self.cross_fade().unwrap_or(CROSS_FADE)),
        };
        (style != SceneStyle::default()).then_some(style)
    }
}

/// An image for a number of paragraphs.
#[derive(Debug)]
pub(crate) struct Scene {
    paragraphs: RangeInclusive<usize>,
    /// Its segment, whose times are not known yet.
    image: Json,
}

impl Scene {
    fn new(file: &StoredFile, paragraphs: RangeInclusive<usize>, style: SceneStyle) -> Self {
        let mut image = Json::from(Object::new());
        for (key, value) in [
            ("media", Json::from(file.id.as_str())),
            ("name", file.name.as_str().into()),
            ("fit", style.fit.unwrap_or_default().as_str().into()),
            ("motion", style.motion.unwrap_or(ImageMotion::Zoom).as_str().into()),
            ("fade", as_millis(style.fade.unwrap_or(CROSS_FADE)).into()),
        ] {
            metadata_mut(&mut image).insert(key, value);
        }
        Self { paragraphs, image }
    }

    /// Reads a segment; `None` for one that is not of a paragraph.
    fn read(segment: &Json) -> Option<Self> {
        let number = |key: &str| segment.get("m")?.get(key)?.as_f64().map(|it| it as usize);
        let first = number(PARAGRAPH)?;
        let paragraphs = first..=number(THROUGH).unwrap_or(first);
        Some(Self { paragraphs, image: segment.clone() })
    }

    /// Returns what is left of it beside other paragraphs: some before, some after.
    fn without(self, others: &RangeInclusive<usize>) -> impl Iterator<Item = Self> {
        let (first, last) = self.paragraphs.into_inner();
        let before = first..=last.min(others.start().saturating_sub(1));
        let after = first.max(others.end().saturating_add(1))..=last;
        let left = [before, after].into_iter().filter(|paragraphs| !paragraphs.is_empty());
        let image = self.image;
        left.map(move |paragraphs| Self { paragraphs, image: image.clone() })
    }
}

/// Returns an uploaded image by its name or the URL from which it was uploaded, also if that is
/// written with escapes.
pub(crate) fn image_of(session: &LocalSession, target: &str) -> Option<Arc<StoredFile>> {
    let named = |name: &str| session.upload_named(name, FileType::Image);
    let of_url = || {
        let url = target.replace("%28", "(").replace("%29", ")");
        session.image_from(target).or_else(|| session.image_from(&url))
    };
    let last = target.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
    named(target).or_else(of_url).or_else(|| named(&percent_decoded(last.unwrap_or_default())))
}

/// Shows the images of a script. Returns the names of those that were not uploaded.
pub(crate) fn show_scenes(
    draft: &mut Draft,
    session: &LocalSession,
    script: &ScriptScenes,
    style: SceneStyle,
) -> Vec<String> {
    let mut missing = BTreeSet::new();
    let mut scenes: Vec<Scene> = Vec::new();
    // From the end, so that each knows where the next one begins.
    let (mut last, mut begun) = (script.paragraphs, None);
    for (first, target) in script.images.iter().rev() {
        let Some(file) = image_of(session, target) else {
            missing.insert(target.clone());
            continue;
        };
        if let Some(next) = begun.filter(|next| next > first) {
            last = next - 1;
        }
        begun = Some(*first);
        scenes.push(Scene::new(&file, *first..=last, style));
    }
    scenes.reverse();
    // A script that describes images which nobody meant to upload is one without scenes.
    if scenes.is_empty() {
        return Vec::new();
    }
    lay_out_scenes(draft, scenes);
    missing.into_iter().collect()
}

/// Shows an image while a paragraph is spoken.
pub(crate) fn set_scene(
    draft: &mut Draft,
    session: &LocalSession,
    name: Option<&str>,
    paragraph: usize,
) -> Result<Reply, Reply> {
    let file = match name {
        Some(name) => session
            .upload_named(name, FileType::Image)
            .ok_or_else(|| speak::NO_SUCH_FILE.with([name.into()]))?,
        None => session.last_upload(FileType::Image).ok_or(speak::NO_IMAGE)?,
    };
    let starts = paragraphs(draft);
    if !starts.iter().any(|(number, _)| *number == paragraph) {
        return Err(speak::NO_PARAGRAPH.with([paragraph.into(), starts.len().into()]));
    }
    // As the other images are shown.
    let style = draft
        .tracks()
        .filter(|track| track.role() == Some(TrackRole::Background))
        .flat_map(|track| track.segments())
        .find(|segment| Scene::read(segment.as_json()).is_some())
        .map(|segment| SceneStyle {
            fit: segment.fit(),
            motion: segment.motion(),
            fade: Some(segment.fade()),
        });
    let scene = Scene::new(&file, paragraph..=paragraph, style.unwrap_or_default());
    lay_out_scenes(draft, vec![scene]);
    Ok(speak::SCENE_SET.with([file.name.as_str().into(), paragraph.into()]))
}

/// Changes how all images are shown.
pub(crate) fn style_scenes(draft: &mut Draft, style: SceneStyle) -> Result<Reply, Reply> {
    let track = position(draft, &TrackRole::Background).ok_or(speak::NO_SCENES)?;
    let segments = draft.tracks().nth(track).into_iter().flat_map(|track| track.segments());
    let is_image = |segment: &Json| segment.get("m").is_some_and(|m| m.get("media").is_some());
    let images: Vec<(usize, Duration)> = segments
        .enumerate()
        .filter(|(_, segment)| is_image(segment.as_json()))
        .map(|(index, segment)| (index, segment.duration()))
        .collect();
    if images.is_empty() {
        return Err(speak::NO_SCENES.into());
    }
    // Not with the editor, which copies the draft for each change: there may be thousands.
    let mut images = images.into_iter().peekable();
    let mut track = draft.track_mut(track).ok_or(speak::NO_SCENES)?;
    for (index, mut segment) in track.segments_mut().enumerate() {
        let Some((_, length)) = images.next_if(|(image, _)| *image == index) else { continue };
        if let Some(fit) = style.fit {
            segment.set_metadata("fit", fit.as_str());
        }
        if let Some(motion) = style.motion {
            segment.set_metadata("motion", motion.as_str());
        }
        if let Some(fade) = style.fade {
            segment.set_metadata("fade", as_millis(fade.min(length)));
        }
    }
    let fit = style.fit.map(|fit| match fit {
        ImageFit::Contain => "whole, with a blurred copy behind",
        _ => "filling the frame",
    });
    let motion = style.motion.map(|motion| match motion {
        ImageMotion::Zoom => "zooming",
        _ => "standing still",
    });
    let mut parts: Vec<MessageValue> =
        fit.into_iter().chain(motion).map(MessageValue::term).collect();
    if let Some(fade) = style.fade {
        parts.push(MessageValue::Clause(speak::CROSS_FADE.with([fade.into()])));
    }
    Ok(speak::SCENES_STYLED.with([MessageValue::Series(parts)]))
}

/// Shows each image while its paragraphs are spoken, and the background in between. Those in `new`
/// take the place of what their paragraphs had.
pub(crate) fn lay_out_scenes(draft: &mut Draft, new: Vec<Scene>) {
    let Some(track) = position(draft, &TrackRole::Background) else {
        // A video that the agent has made has one.
        return;
    };
    let segments = draft.tracks().nth(track).into_iter().flat_map(|track| track.segments());
    let segments: Vec<Json> = segments.map(|segment| segment.as_json().clone()).collect();
    let base = segments.iter().find(|segment| Scene::read(segment).is_none()).cloned();
    let mut scenes: Vec<Scene> = segments.iter().filter_map(Scene::read).collect();
    for new in &new {
        scenes = scenes.into_iter().flat_map(|scene| scene.without(&new.paragraphs)).collect();
    }
    scenes.extend(new);
    scenes.sort_by_key(|scene| *scene.paragraphs.start());
    if scenes.is_empty() {
        return;
    }
    let mut laid_out = Vec::new();
    let mut at = Duration::ZERO;
    let length = draft.duration();
    // Images may fill the video: then the first of them is what is left.
    let base = base.or_else(|| {
        let mut image = scenes.first()?.image.clone();
        for key in [PARAGRAPH, THROUGH] {
            metadata_mut(&mut image).remove(key);
        }
        Some(image)
    });
    for (start, end, scene) in timed(scenes, &paragraphs(draft), length) {
        if let Some(base) = base.as_ref().filter(|_| at < start) {
            laid_out.push((at, start, base.clone()));
        }
        at = end;
        let Scene { paragraphs, mut image } = scene;
        let metadata = metadata_mut(&mut image);
        metadata.insert(PARAGRAPH, *paragraphs.start() as u64);
        metadata.remove(THROUGH);
        if paragraphs.end() > paragraphs.start() {
            metadata.insert(THROUGH, *paragraphs.end() as u64);
        }
        laid_out.push((start, end, image));
    }
    if let Some(base) = base.filter(|_| at < length) {
        laid_out.push((at, length, base));
    }
    let segments: Vec<Json> = laid_out
        .into_iter()
        .map(|(start, end, mut segment)| {
            segment.make_object().insert("d", as_millis(end) - as_millis(start));
            metadata_mut(&mut segment).insert("start", as_millis(start));
            segment
        })
        .collect();
    if let Some(mut track) = draft.track_mut(track) {
        track.set("sg", segments);
    }
}

/// Returns when each scene is shown, given in order. Those of the same paragraphs share their time,
/// and all share that of the video where it is not known when paragraphs begin.
fn timed(
    scenes: Vec<Scene>,
    starts: &[(usize, Duration)],
    length: Duration,
) -> Vec<(Duration, Duration, Scene)> {
    let span = |paragraphs: &RangeInclusive<usize>| {
        if starts.is_empty() {
            return Some((Duration::ZERO, length));
        }
        let at = starts.iter().position(|(number, _)| paragraphs.contains(number))?;
        let after = starts[at..].iter().find(|(number, _)| number > paragraphs.end());
        let end = after.map_or(length, |(_, start)| *start);
        // What is before the first word belongs to it.
        Some((if at == 0 { Duration::ZERO } else { starts[at].1 }, end.min(length)))
    };
    let spans: Vec<_> = scenes.iter().map(|scene| span(&scene.paragraphs)).collect();
    let mut scenes = scenes.into_iter();
    let mut timed = Vec::new();
    for group in spans.chunk_by(|span, next| span == next) {
        let members = scenes.by_ref().take(group.len()).enumerate();
        let span = group.first().copied().flatten().filter(|(start, end)| start < end);
        let Some((start, end)) = span else {
            members.for_each(drop);
            continue;
        };
        let share =
            |number: usize| start + (end - start).mul_f64(number as f64 / group.len() as f64);
        timed.extend(members.map(|(at, scene)| (share(at), share(at + 1), scene)));
    }
    timed
}

#[cfg(test)]
mod tests {
    use super::super::edit::{NarratedSentence, set_palette, set_voiceover};
    use super::*;
    use crate::local::engine::PALETTES;

    /// What a draft shows, and from when to when, in milliseconds.
    fn shown(draft: &Draft) -> Vec<String> {
        let track = position(draft, &TrackRole::Background).and_then(|at| draft.tracks().nth(at));
        let segments = track.into_iter().flat_map(|track| track.segments());
        let shown = segments.map(|segment| {
            let name = segment.name().unwrap_or("-").split(' ').next().unwrap_or_default();
            format!("{name} {}-{}", segment.start().as_millis(), segment.end().as_millis())
        });
        shown.collect()
    }

    /// A draft of a second for each paragraph.
    fn spoken(paragraphs: &[usize]) -> Draft {
        let second = Duration::from_secs(1);
        let sentence = |(at, number): (usize, &usize)| NarratedSentence {
            text: "Hello.".to_owned(),
            start: second * at as u32,
            duration: second,
            media: None,
            marks: Vec::new(),
            paragraphs: vec![(*number, Duration::ZERO)],
            unspoken: Vec::new(),
        };
        let sentences: Vec<_> = paragraphs.iter().enumerate().map(sentence).collect();
        let mut draft = Draft::new();
        draft.set_duration(second * paragraphs.len() as u32);
        set_palette(&mut draft, PALETTES[0]);
        set_voiceover(&mut draft, &sentences);
        draft
    }

    fn scene(name: &str, paragraphs: RangeInclusive<usize>) -> Scene {
        let mut image = Json::from(Object::new());
        metadata_mut(&mut image).insert("name", name);
        Scene { paragraphs, image }
    }

    #[test]
    fn a_scene_lasts_until_the_next_one_and_may_be_divided() {
        let mut draft = spoken(&[1, 2, 3, 4, 5]);
        lay_out_scenes(&mut draft, vec![scene("a", 2..=3), scene("b", 4..=5)]);
        assert_eq!(shown(&draft), ["Dusk 0-1000", "a 1000-3000", "b 3000-5000"]);
        lay_out_scenes(&mut draft, vec![scene("c", 4..=4)]);
        lay_out_scenes(&mut draft, vec![scene("d", 3..=3)]);
        let divided = ["Dusk 0-1000", "a 1000-2000", "d 2000-3000", "c 3000-4000", "b 4000-5000"];
        assert_eq!(shown(&draft), divided);
        // Images of the same paragraphs share their time.
        lay_out_scenes(&mut draft, vec![scene("e", 1..=4), scene("f", 1..=4)]);
        assert_eq!(shown(&draft), ["e 0-2000", "f 2000-4000", "b 4000-5000"]);
        // What of the speech is cut off takes its scenes along.
        let mut cut = spoken(&[3, 4, 5]);
        lay_out_scenes(&mut cut, vec![scene("a", 1..=3), scene("b", 4..=9), scene("c", 10..=11)]);
        assert_eq!(shown(&cut), ["a 0-1000", "b 1000-3000"]);
    }

    #[test]
    fn images_share_a_video_whose_paragraphs_are_not_known() {
        let mut draft = spoken(&[1, 2, 3, 4]);
        let scenes = || vec![scene("a", 1..=2), scene("b", 3..=4)];
        lay_out_scenes(&mut draft, scenes());
        set_voiceover(&mut draft, &[]);
        lay_out_scenes(&mut draft, Vec::new());
        assert_eq!(shown(&draft), ["a 0-2000", "b 2000-4000"]);
    }

    #[test]
    fn an_image_stays_when_its_paragraph_is_not_known_any_more() {
        let mut draft = spoken(&[1]);
        lay_out_scenes(&mut draft, vec![scene("photo.png", 1..=1)]);
        assert_eq!(shown(&draft), ["photo.png 0-1000"]);
        // As with a recording that cannot be aligned.
        set_voiceover(&mut draft, &[]);
        lay_out_scenes(&mut draft, Vec::new());
        assert_eq!(shown(&draft), ["photo.png 0-1000"]);
    }
}
