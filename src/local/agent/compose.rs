//! The tracks of a draft: put, replaced, removed. Only what is named is touched; what else a track
//! holds stays.

use std::sync::Arc;
use std::time::Duration;

use crate::draft::{Draft, TrackKind, TrackMut, TrackRole};
use crate::local::engine::Caption;
use crate::local::library::StoredFile;
use crate::protocol::Aspect;

/// Music plays under a voice.
const MUSIC_VOLUME: f64 = 0.2;

/// A spoken sentence whose sound has its id.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) start: Duration,
    pub(super) duration: Duration,
    pub(super) media: Option<String>,
}

pub(super) fn has(draft: &Draft, role: &TrackRole) -> bool {
    draft.tracks().any(|track| track.role().as_ref() == Some(role))
}

/// The first track of a role, emptied; a new one behind the others when there is none.
fn emptied<'d>(draft: &'d mut Draft, kind: TrackKind, role: &TrackRole) -> TrackMut<'d> {
    let known = draft.tracks().position(|track| track.role().as_ref() == Some(role));
    let index = known.unwrap_or_else(|| {
        let index = draft.tracks().len();
        draft.push_track(kind).set_metadata("role", role.as_str());
        index
    });
    let Some(mut track) = draft.track_mut(index) else {
        unreachable!("it was found or made above");
    };
    track.retain_segments(|_| false);
    track
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn set_aspect(draft: &mut Draft, aspect: Aspect) {
    draft.set_metadata("aspect", aspect.ratio());
}

pub(super) fn set_voiceover(draft: &mut Draft, sentences: &[Sentence]) {
    // Louder or quieter before, so still.
    let volume = draft
        .tracks()
        .find(|track| track.role() == Some(TrackRole::Voiceover))
        .and_then(|track| track.segments().next()?.volume())
        .unwrap_or(1.0);
    let mut track = emptied(draft, TrackKind::Audio, &TrackRole::Voiceover);
    track.set_metadata("name", "Voiceover");
    for sentence in sentences {
        let mut segment = track.push_segment(sentence.duration);
        segment.set_metadata("start", millis(sentence.start));
        segment.set_metadata("text", sentence.text.as_str());
        if let Some(media) = &sentence.media {
            segment.set_metadata("media", media.as_str());
        }
        segment.set_metadata("volume", volume);
    }
}

pub(super) fn set_captions(draft: &mut Draft, captions: &[Caption]) {
    let mut track = emptied(draft, TrackKind::Text, &TrackRole::Captions);
    for caption in captions {
        let mut segment = track.push_segment(caption.duration);
        segment.set_metadata("start", millis(caption.start));
        segment.set_metadata("text", caption.text.as_str());
    }
}

pub(super) fn add_title(draft: &mut Draft, text: &str, from: Duration, to: Duration) {
    let mut track = draft.push_track(TrackKind::Text);
    track.set_metadata("role", TrackRole::Title.as_str());
    let mut segment = track.push_segment(to.saturating_sub(from));
    segment.set_metadata("start", millis(from)).set_metadata("text", text);
}

/// Gives the first title another text; `false` when there is none.
pub(super) fn change_title(draft: &mut Draft, text: &str) -> bool {
    let titles = draft.tracks_mut().filter(|t| t.as_track().role() == Some(TrackRole::Title));
    for mut title in titles {
        if let Some(mut segment) = title.segment_mut(0) {
            segment.set_metadata("text", text);
            return true;
        }
    }
    false
}

pub(super) fn set_music(draft: &mut Draft, file: &Arc<StoredFile>) {
    let length = draft.duration();
    let mut track = emptied(draft, TrackKind::Audio, &TrackRole::Music);
    let mut segment = track.push_segment(length);
    segment.set_metadata("start", 0).set_metadata("name", file.name.as_str());
    segment.set_metadata("media", file.id.as_str()).set_metadata("volume", MUSIC_VOLUME);
    segment.set_metadata("repeat", true);
}

pub(super) fn set_picture(draft: &mut Draft, file: &Arc<StoredFile>) {
    let length = draft.duration();
    let mut track = emptied(draft, TrackKind::Video, &TrackRole::Background);
    track.set_metadata("name", file.name.as_str());
    let mut segment = track.push_segment(length);
    segment.set_metadata("start", 0).set_metadata("name", file.name.as_str());
    segment.set_metadata("media", file.id.as_str());
}

pub(super) fn set_palette(draft: &mut Draft, palette: &str) {
    let length = draft.duration();
    let mut name = palette.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name.push_str(" gradient");
    let mut track = emptied(draft, TrackKind::Video, &TrackRole::Background);
    track.set_metadata("name", name.as_str());
    let mut segment = track.push_segment(length);
    segment.set_metadata("start", 0).set_metadata("name", name.as_str());
    segment.set_metadata("gradient", palette);
}

/// Sets the length of the film and of what fills all of it.
pub(super) fn set_length(draft: &mut Draft, length: Duration) {
    draft.set_duration(length);
    for mut track in draft.tracks_mut() {
        let fills =
            matches!(track.as_track().role(), Some(TrackRole::Background | TrackRole::Music));
        if fills && let Some(mut segment) = track.segment_mut(0) {
            segment.set_duration(length);
        }
    }
}

/// Sets the volume of every sound that `of` says yes to; `false` when there is none.
pub(super) fn set_volume(
    draft: &mut Draft,
    of: impl Fn(Option<TrackRole>) -> bool,
    volume: impl Fn(f64) -> f64,
) -> bool {
    let mut found = false;
    for mut track in draft.tracks_mut() {
        let view = track.as_track();
        if view.kind() != Some(TrackKind::Audio) || !of(view.role()) {
            continue;
        }
        let volumes: Vec<f64> =
            view.segments().map(|segment| volume(segment.volume().unwrap_or(1.0))).collect();
        for (mut segment, volume) in track.segments_mut().zip(volumes) {
            // Two places are what the ear and the summary can tell.
            segment.set_metadata("volume", (volume.clamp(0.0, 1.0) * 100.0).round() / 100.0);
            found = true;
        }
    }
    found
}
