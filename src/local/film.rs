//! A draft, as it was posted, to a film that a engine can make. The client may have changed the
//! draft or written it by hand, so anything may be missing from it.

use std::sync::Arc;
use std::time::Duration;

use super::engine::{Background, Film, FilmSound, FilmText};
use super::library::StoredFile;
use crate::draft::{Draft, Json, Segment, Track, TrackKind, TrackRole};
use crate::protocol::{Aspect, FileType, RenderOutput};

/// Longer than any film that is meant; a wrong unit in a draft must not fill the disk.
const MAX_DURATION: Duration = Duration::from_secs(6 * 60 * 60);

/// Reads a film out of a draft; `find` knows the session's files by their id. The error is a
/// sentence for people.
pub(super) fn film(
    draft: &Draft,
    output: &RenderOutput,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Film, String> {
    let duration = draft.duration();
    if duration.is_zero() {
        return Err("the draft has no length: give its segments a duration `d`".to_owned());
    }
    if duration > MAX_DURATION {
        return Err(format!(
            "the draft is {} s long, more than six hours; durations are in milliseconds",
            duration.as_secs()
        ));
    }
    let mut film = Film {
        format: output.format.clone(),
        quality: output.quality.clone(),
        aspect: output.aspect.or_else(|| aspect_of(draft)).unwrap_or_default(),
        duration,
        background: Background::default(),
        sounds: Vec::new(),
        texts: Vec::new(),
    };
    for (index, track) in draft.tracks().enumerate() {
        let failed = |error: String| format!("track {}: {error}", index + 1);
        match track.kind() {
            Some(TrackKind::Video) if film.background == Background::Plain => {
                film.background = background(&track, &find).map_err(failed)?;
            }
            Some(TrackKind::Audio) => {
                for segment in track.segments() {
                    film.sounds.extend(sound(&track, &segment, &find).map_err(failed)?);
                }
            }
            Some(TrackKind::Text) => {
                let is_title = track.role() != Some(TrackRole::Captions);
                film.texts.extend(track.segments().filter_map(|segment| {
                    let text = segment.text()?.to_owned();
                    let (start, duration) = (segment.start(), segment.duration());
                    Some(FilmText { text, start, duration, is_title })
                }));
            }
            _ => {}
        }
    }
    Ok(film)
}

/// The shape that a draft says, in its metadata.
pub(super) fn aspect_of(draft: &Draft) -> Option<Aspect> {
    let word = draft.metadata()?.get("aspect")?.as_str()?;
    serde_json::from_value(word.into()).ok()
}

/// The film has one background: that of the track's first segment.
fn background(
    track: &Track<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Background, String> {
    let Some(segment) = track.segments().next() else { return Ok(Background::Plain) };
    if let Some(file) = media(&segment, find)? {
        return match file.format.file_type {
            FileType::Image => Ok(Background::Picture(file.path.clone())),
            _ => Err(format!(
                "`{}` cannot be the background; the embedded backend shows pictures, not videos",
                file.name
            )),
        };
    }
    let named = value(&segment, "gradient").or_else(|| track.metadata()?.get("gradient"));
    Ok(named
        .and_then(Json::as_str)
        .map_or(Background::Plain, |name| Background::Named(name.to_owned())))
}

/// A segment without media is silence.
fn sound(
    track: &Track<'_>,
    segment: &Segment<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Option<FilmSound>, String> {
    let Some(file) = media(segment, find)? else { return Ok(None) };
    if file.format.file_type != FileType::Audio {
        return Err(format!("`{}` is no sound", file.name));
    }
    let told = value(segment, "repeat").and_then(Json::as_bool);
    let skip = value(segment, "skip").and_then(Json::as_f64).map_or(0, |ms| ms as u64);
    Ok(Some(FilmSound {
        path: file.path.clone(),
        start: segment.start(),
        skip: Duration::from_millis(skip),
        duration: segment.duration(),
        volume: segment.volume().unwrap_or(1.0) as f32,
        repeat: told.unwrap_or(track.role() == Some(TrackRole::Music)),
    }))
}

fn media(
    segment: &Segment<'_>,
    find: impl Fn(&str) -> Option<Arc<StoredFile>>,
) -> Result<Option<Arc<StoredFile>>, String> {
    let Some(id) = value(segment, "media").and_then(Json::as_str) else { return Ok(None) };
    find(id).map(Some).ok_or_else(|| format!("there is no media `{id}` in this session"))
}

fn value<'d>(segment: &Segment<'d>, key: &str) -> Option<&'d Json> {
    segment.metadata()?.get(key)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    use super::film;
    use crate::draft::Draft;
    use crate::local::engine::{Background, Film};
    use crate::local::library::{Place, StoredFile};
    use crate::protocol::{Aspect, FileFormat, RenderOutput};

    fn find(id: &str) -> Option<Arc<StoredFile>> {
        let format = FileFormat::of(id)?;
        let place = Place { id: id.to_owned(), path: PathBuf::from(id), format };
        Some(Arc::new(place.stored("s".into(), id)))
    }

    fn read(draft: &str) -> Result<Film, String> {
        film(&draft.parse::<Draft>().unwrap(), &RenderOutput::mp4(), find)
    }

    #[test]
    fn a_draft_written_by_hand_is_a_film() {
        let film = read(r#"{"t":[{"tt":7,"sg":[{"d":3000,"m":{"text":"Hi"}}]}]}"#).unwrap();
        assert_eq!(film.duration, Duration::from_secs(3));
        assert_eq!(film.aspect, Aspect::Landscape);
        assert_eq!(film.background, Background::Plain);
        assert_eq!(film.texts[0].text, "Hi");
        assert!(film.texts[0].is_title);
    }

    #[test]
    fn every_track_finds_its_place() {
        let film = read(
            r#"{"t":[
            {"tt":0,"sg":[{"d":9000,"m":{"media":"a.png"}}]},
            {"tt":0,"sg":[{"d":9000,"m":{"gradient":"ocean"}}]},
            {"tt":1,"m":{"role":"voiceover"},"sg":[{"d":2000,"m":{"start":500,"media":"v.wav","skip":250}},{"d":5}]},
            {"tt":1,"m":{"role":"music","volume":35},"sg":[{"d":9000,"m":{"media":"m.mp3"}}]},
            {"tt":7,"m":{"role":"captions"},"sg":[{"d":1000,"m":{"text":"Hi"}},{"d":1000}]},
            {"tt":42,"sg":[{"d":1}]}],"m":{"aspect":"9:16"}}"#,
        )
        .unwrap();
        assert_eq!(film.aspect, Aspect::Portrait);
        assert_eq!(film.background, Background::Picture("a.png".into()));
        let [voice, music] = film.sounds.as_slice() else { panic!("{:?}", film.sounds) };
        assert_eq!(
            (voice.start, voice.skip),
            (Duration::from_millis(500), Duration::from_millis(250))
        );
        assert!(!voice.repeat && music.repeat);
        assert_eq!(music.volume, 0.35);
        assert_eq!(film.texts.len(), 1);
        assert!(!film.texts[0].is_title);
    }

    #[test]
    fn what_cannot_be_made_is_said() {
        for (draft, words) in [
            (
                r#"{"t":[{"tt":1,"sg":[{"d":9,"m":{"media":"gone"}}]}]}"#,
                "track 1: there is no media `gone`",
            ),
            (r#"{"t":[{"tt":0,"sg":[{"d":9,"m":{"media":"a.mp4"}}]}]}"#, "not videos"),
            (r#"{"t":[{"tt":1,"sg":[{"d":9,"m":{"media":"a.png"}}]}]}"#, "is no sound"),
            (r#"{"t":[{"sg":[{}]}]}"#, "no length"),
            (r#"{"t":[],"d":1e15}"#, "six hours"),
        ] {
            let error = read(draft).unwrap_err();
            assert!(error.contains(words), "{draft}: {error}");
        }
    }
}
