//! Edits of looks and sounds: the style of captions, chapters, music under speech, images, the
//! poster.

use std::time::Duration;

use super::{
    EditError, Editor, check_text, checked_span, rounded, segment_mut, times, track_at, track_mut,
};
use crate::draft::json::{Json, Object};
use crate::draft::keys::{self, DURATION, KeyPath, SEGMENTS, array_mut, as_millis};
use crate::draft::model::{Draft, TrackKind, TrackRole};
use crate::draft::style::{CaptionStyle, ImageFit, ImageMotion};

impl Editor<'_> {
    /// Sets how the captions of a track look.
    ///
    /// ```
    /// use nemovideo::draft::{CaptionMode, CaptionStyle, Draft};
    ///
    /// let mut draft: Draft =
    ///     r#"{"t":[{"tt":7,"m":{"role":"captions"},"sg":[{"d":9,"m":{"text":"Hi"}}]}]}"#.parse()?;
    /// let before = draft.clone();
    /// draft.edit().set_caption_style(0, CaptionStyle::boxed())?;
    /// let track = draft.tracks().next().ok_or("no track")?;
    /// assert_eq!(track.caption_style().mode, CaptionMode::Boxed);
    /// assert_eq!(before.diff(&draft).summary(Default::default()), "Captions style: plain → boxed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`WrongTrack`](EditError::WrongTrack) for a track that has
    /// no captions.
    pub fn set_caption_style(
        &mut self,
        track: usize,
        style: CaptionStyle,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            if !track_at(draft, track)?.is_captions() {
                return Err(EditError::WrongTrack { track, expected: "captions" });
            }
            let json = track_mut(draft, track)?;
            let path = KeyPath::of(json, keys::STYLE, |json| json.as_object().is_some());
            let path = path.unwrap_or(KeyPath::default_of(keys::STYLE));
            let mut object = path.get(json).and_then(Json::as_object).cloned().unwrap_or_default();
            style.write(&mut object);
            path.set(json, object);
            Ok(())
        })
    }

    /// Begins a chapter. It lasts until the next one begins, or until the end of the video, and the
    /// one before ends with its start. One that begins at the same time gets the new title.
    ///
    /// # Errors
    /// [`NoText`](EditError::NoText), [`PastEnd`](EditError::PastEnd),
    /// [`NoLength`](EditError::NoLength) at the end of the video.
    pub fn add_chapter(&mut self, title: &str, start: Duration) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            check_text(title)?;
            let length = draft.duration();
            let start = rounded(start);
            checked_span(draft, start, length.saturating_sub(start))?;
            let track = draft.tracks().find(|track| track.role() == Some(TrackRole::Chapters));
            let segments = track.into_iter().flat_map(|track| track.segments());
            let mut chapters: Vec<(Duration, Json)> =
                segments.map(|chapter| (chapter.start(), chapter.as_json().clone())).collect();
            match chapters.iter_mut().find(|(at, _)| *at == start) {
                Some((_, chapter)) => set(chapter, keys::TEXT, title),
                None => chapters.push((start, chapter(start, title, times::start_path(draft)))),
            }
            chapters.sort_by_key(|(start, _)| *start);
            write_chapters(draft, chapters);
            Ok(())
        })
    }

    /// Sets whether music gets quieter while somebody speaks.
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`WrongTrack`](EditError::WrongTrack) for a track that is
    /// not audio.
    pub fn set_ducking(&mut self, track: usize, duck: bool) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            for segment in audio_segments(draft, track)? {
                set(segment, keys::DUCK, duck);
            }
            Ok(())
        })
    }

    /// Sets the times in which audio gets loud at the start of its segments, and silent at their
    /// ends.
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`WrongTrack`](EditError::WrongTrack) for a track that is
    /// not audio, [`PastEnd`](EditError::PastEnd) when both together are longer than a segment.
    pub fn set_fades(
        &mut self,
        track: usize,
        fade_in: Duration,
        fade_out: Duration,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            audio_segments(draft, track)?;
            let shortest = track_at(draft, track)?.segments().map(|s| s.duration()).min();
            let (end, length) = (fade_in.saturating_add(fade_out), shortest.unwrap_or_default());
            if end > length {
                return Err(EditError::PastEnd { end, length });
            }
            for segment in audio_segments(draft, track)? {
                set(segment, keys::FADE_IN, as_millis(rounded(fade_in)));
                set(segment, keys::FADE_OUT, as_millis(rounded(fade_out)));
            }
            Ok(())
        })
    }

    /// Shows another image in a segment: the id of an uploaded file, and its name.
    ///
    /// # Errors
    /// [`NoText`](EditError::NoText) for a blank id, [`NoTrack`](EditError::NoTrack),
    /// [`NoSegment`](EditError::NoSegment), [`WrongTrack`](EditError::WrongTrack) for a track that
    /// shows no images.
    pub fn set_image(
        &mut self,
        track: usize,
        segment: usize,
        media: &str,
        name: &str,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            check_text(media)?;
            let json = image_mut(draft, track, segment)?;
            set(json, keys::MEDIA, media);
            set(json, keys::NAME, name);
            Ok(())
        })
    }

    /// Sets how the image of a segment fills a frame of another shape.
    ///
    /// ```
    /// use std::time::Duration;
    /// use nemovideo::draft::{Draft, ImageFit, ImageMotion};
    ///
    /// let mut draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":9000,"m":{"media":"a"}}]}]}"#.parse()?;
    /// draft
    ///     .edit()
    ///     .set_image_fit(0, 0, ImageFit::Contain)?
    ///     .set_image_motion(0, 0, ImageMotion::Zoom)?
    ///     .set_cross_fade(0, 0, Duration::from_millis(500))?;
    /// let track = draft.tracks().next().ok_or("no track")?;
    /// assert_eq!(track.segments().next().and_then(|it| it.fit()), Some(ImageFit::Contain));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoTrack`](EditError::NoTrack), [`NoSegment`](EditError::NoSegment),
    /// [`WrongTrack`](EditError::WrongTrack) for a track that shows no images.
    pub fn set_image_fit(
        &mut self,
        track: usize,
        segment: usize,
        fit: ImageFit,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            set(image_mut(draft, track, segment)?, keys::FIT, fit.as_str());
            Ok(())
        })
    }

    /// Sets how the image of a segment moves.
    ///
    /// # Errors
    /// As for [`set_image_fit`](Self::set_image_fit).
    pub fn set_image_motion(
        &mut self,
        track: usize,
        segment: usize,
        motion: ImageMotion,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            set(image_mut(draft, track, segment)?, keys::MOTION, motion.as_str());
            Ok(())
        })
    }

    /// Sets the duration of the cross-fade from the segment before; zero for none.
    ///
    /// # Errors
    /// As for [`set_image_fit`](Self::set_image_fit); [`PastEnd`](EditError::PastEnd) when it is
    /// longer than the segment.
    pub fn set_cross_fade(
        &mut self,
        track: usize,
        segment: usize,
        fade: Duration,
    ) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let json = image_mut(draft, track, segment)?;
            set(json, keys::FADE, as_millis(rounded(fade)));
            let length = track_at(draft, track)?.segments().nth(segment).map(|it| it.duration());
            match length.filter(|length| fade > *length) {
                Some(length) => Err(EditError::PastEnd { end: fade, length }),
                None => Ok(()),
            }
        })
    }

    /// Sets the moment of the video that its poster shows.
    ///
    /// # Errors
    /// [`PastEnd`](EditError::PastEnd).
    pub fn set_poster(&mut self, time: Duration) -> Result<&mut Self, EditError> {
        self.change(|draft| {
            let (end, length) = (rounded(time), draft.duration());
            if end > length {
                return Err(EditError::PastEnd { end, length });
            }
            set(&mut draft.0, keys::POSTER, as_millis(end));
            Ok(())
        })
    }
}

/// Sets a value where the item states it, or in its metadata.
fn set(json: &mut Json, keys: &[&'static str], value: impl Into<Json>) {
    let path = KeyPath::of(json, keys, |json| !json.is_null());
    path.unwrap_or(KeyPath::default_of(keys)).set(json, value);
}

fn image_mut(draft: &mut Draft, track: usize, segment: usize) -> Result<&mut Json, EditError> {
    if track_at(draft, track)?.kind() != Some(TrackKind::Video) {
        return Err(EditError::WrongTrack { track, expected: "images" });
    }
    segment_mut(draft, track, segment)
}

fn audio_segments(draft: &mut Draft, track: usize) -> Result<&mut Vec<Json>, EditError> {
    if track_at(draft, track)?.kind() != Some(TrackKind::Audio) {
        return Err(EditError::WrongTrack { track, expected: "audio" });
    }
    Ok(array_mut(track_mut(draft, track)?, SEGMENTS))
}

/// Replaces the chapters, given in order. Each lasts until the next.
#[cfg(feature = "local")]
pub(crate) fn set_chapters(draft: &mut Draft, chapters: &[(Duration, String)]) {
    let start_path = times::start_path(draft);
    let chapters = chapters.iter().map(|(at, title)| (*at, chapter(*at, title, start_path)));
    let chapters = chapters.collect();
    write_chapters(draft, chapters);
}

/// Returns a segment for a chapter, whose duration is not known yet.
fn chapter(start: Duration, title: &str, start_path: KeyPath<'_>) -> Json {
    let mut segment = Json::from(Object::from([(DURATION, 0_u64)]));
    start_path.set(&mut segment, as_millis(start));
    KeyPath::default_of(keys::TEXT).set(&mut segment, title);
    segment
}

/// Writes the segments of the chapters, given in order with their starts. Each lasts until the next.
fn write_chapters(draft: &mut Draft, mut chapters: Vec<(Duration, Json)>) {
    let length = draft.duration();
    let known = draft.tracks().position(|track| track.role() == Some(TrackRole::Chapters));
    if chapters.is_empty() {
        known.and_then(|track| draft.remove_track(track));
        return;
    }
    let ends = chapters.iter().skip(1).map(|(start, _)| *start).chain([length]);
    let ends: Vec<Duration> = ends.collect();
    for ((start, segment), end) in chapters.iter_mut().zip(ends) {
        let duration = as_millis(end.saturating_sub(*start));
        segment.make_object().insert(DURATION, duration);
    }
    let segments: Vec<Json> = chapters.into_iter().map(|(_, segment)| segment).collect();
    let track = known.unwrap_or_else(|| {
        let role = TrackRole::Chapters;
        draft.push_track(TrackKind::Text).set_metadata(keys::ROLE[0], role.as_str());
        draft.tracks().len() - 1
    });
    if let Some(mut track) = draft.track_mut(track) {
        track.set(SEGMENTS, segments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_chapter_leaves_what_the_others_state_besides() {
        let mut draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":9000}]},{"tt":7,"m":{"role":"chapters"},
            "sg":[{"d":6000,"x":1,"m":{"text":"One","id":"a"}},{"d":3000,"m":{"id":"b"}}]}]}"#
            .parse()
            .unwrap();
        draft.edit().add_chapter("Two", Duration::from_secs(4)).unwrap();
        draft.edit().add_chapter("First", Duration::ZERO).unwrap();
        let chapters: Vec<_> = draft.chapters().map(|it| it.as_json().to_string()).collect();
        assert_eq!(
            chapters,
            [
                r#"{"d":4000,"x":1,"m":{"text":"First","id":"a"}}"#,
                r#"{"d":2000,"m":{"start":4000,"text":"Two"}}"#,
                r#"{"d":3000,"m":{"id":"b"}}"#,
            ]
        );
    }

    #[test]
    fn only_an_image_has_a_fit_a_motion_and_a_cross_fade_within_its_time() {
        let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":900,"fit":"cover"},{"d":900}]},
            {"tt":1,"sg":[{"d":900}]}]}"#
            .parse()
            .unwrap();
        let mut changed = draft.clone();
        let ms = Duration::from_millis;
        let mut editor = changed.edit();
        editor.set_image_fit(0, 0, ImageFit::Contain).unwrap();
        editor.set_image_motion(0, 1, ImageMotion::Still).unwrap();
        editor.set_cross_fade(0, 1, ms(900)).unwrap();
        let error = editor.set_cross_fade(0, 1, ms(901)).map(drop).unwrap_err();
        assert_eq!(error, EditError::PastEnd { end: ms(901), length: ms(900) });
        let error = editor.set_image_fit(1, 0, ImageFit::Cover).map(drop).unwrap_err();
        assert_eq!(error, EditError::WrongTrack { track: 1, expected: "images" });
        assert!(editor.set_image_motion(0, 2, ImageMotion::Zoom).is_err());
        let segments: Vec<String> = changed
            .tracks()
            .flat_map(|track| track.segments())
            .map(|segment| segment.as_json().to_string())
            .collect();
        assert_eq!(
            segments,
            [
                r#"{"d":900,"fit":"contain"}"#,
                r#"{"d":900,"m":{"motion":"none","fade":900}}"#,
                r#"{"d":900}"#
            ]
        );
        let summary = draft.diff(&changed).summary(Default::default());
        for words in ["fit: cover → contain", "cross-fade"] {
            assert!(summary.contains(words), "{summary}");
        }
    }

    #[test]
    fn only_audio_has_fades() {
        let mut draft: Draft = r#"{"t":[{"tt":7,"sg":[{"d":10}]}]}"#.parse().unwrap();
        let second = Duration::from_secs(1);
        let error = draft.edit().set_fades(0, second, second).map(drop).unwrap_err();
        assert_eq!(error, EditError::WrongTrack { track: 0, expected: "audio" });
    }
}
