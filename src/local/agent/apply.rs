//! One edit on a draft, and what to say about what was done, or why it was not. Speaking is left
//! to the turn: it takes a engine and another price.

use std::time::Duration;

use super::answers::Said;
use super::compose;
use super::cut::cut;
use super::edits::{Edit, Heard, Level};
use crate::draft::{Draft, TrackKind, TrackRole};
use crate::local::engine::{Caption, Engine};
use crate::local::sessions::Session;
use crate::protocol::FileType;

/// Changes the draft and says so; an error is an honest answer, and the draft is as before.
pub(super) fn apply(
    edit: &Edit,
    draft: &mut Draft,
    session: &Session,
    engine: &dyn Engine,
) -> Result<Said, Said> {
    let length = draft.duration();
    let can_write = |text: &str| engine.can_write(text).map_err(Said::Failed);
    match edit {
        Edit::AddTitle { text, from, to } => {
            let to = if length.is_zero() { *to } else { (*to).min(length) };
            if *from >= to {
                return Err(Said::FilmOver(length));
            }
            can_write(text)?;
            compose::add_title(draft, text, *from, to);
            Ok(Said::TitleAdded { text: text.clone(), from: *from, to })
        }
        Edit::ChangeTitle(text) => {
            can_write(text)?;
            if compose::change_title(draft, text) {
                return Ok(Said::TitleChanged(text.clone()));
            }
            let to = Duration::from_secs(3).min(length);
            compose::add_title(draft, text, Duration::ZERO, to);
            Ok(Said::TitleMissed(text.clone()))
        }
        Edit::Captions(true) => {
            let captions = captions(draft, engine);
            if captions.is_empty() {
                return Err(Said::NothingForCaptions);
            }
            can_write(&captions.iter().map(|caption| caption.text.as_str()).collect::<String>())?;
            compose::set_captions(draft, &captions);
            Ok(Said::Captions(true))
        }
        Edit::Captions(false) => {
            remove(draft, &TrackRole::Captions).map(|()| Said::Captions(false))
        }
        Edit::AddMusic => {
            let file = session.last_upload(FileType::Audio).ok_or(Said::NoMusic)?;
            compose::set_music(draft, &file);
            Ok(Said::MusicPlays(file.name.clone()))
        }
        Edit::Volume { of, level } => set_volume(draft, *of, *level),
        Edit::Negative(number) => Err(Said::Negative(number.clone())),
        Edit::TrimTo(Duration::ZERO) => Err(Said::NothingLeft),
        Edit::TrimTo(to) if *to < length => {
            cut(draft, *to, length);
            Ok(Said::EndsAfter(*to))
        }
        Edit::CutEnd(time) if *time < length => {
            let left = length - *time;
            cut(draft, left, length);
            Ok(Said::EndCut { cut: *time, left })
        }
        Edit::CutStart(time) if *time < length => {
            cut(draft, Duration::ZERO, *time);
            Ok(Said::StartCut { cut: *time, left: length - *time })
        }
        Edit::TrimTo(_) | Edit::CutEnd(_) | Edit::CutStart(_) => Err(Said::FilmShort(length)),
        Edit::RemoveTrack(number) => {
            let removed = number.checked_sub(1).and_then(|index| draft.remove_track(index));
            match removed {
                Some(_) => Ok(Said::TrackRemoved(*number)),
                None => Err(Said::NoTrack { number: *number, tracks: draft.tracks().len() }),
            }
        }
        Edit::Remove(role) => remove(draft, role).map(|()| Said::Removed(role.clone())),
        Edit::Aspect(aspect) => {
            compose::set_aspect(draft, *aspect);
            Ok(Said::Shape(*aspect))
        }
        Edit::Picture => {
            let file = session.last_upload(FileType::Image).ok_or(Said::NoPicture)?;
            compose::set_picture(draft, &file);
            Ok(Said::PictureShown(file.name.clone()))
        }
        Edit::Palette(name) => {
            compose::set_palette(draft, name);
            Ok(Said::Palette(name.clone()))
        }
        Edit::Speak(_) => Err(Said::SpeakAgainFirst),
    }
}

/// The captions of what is spoken in a draft.
pub(super) fn captions(draft: &Draft, engine: &dyn Engine) -> Vec<Caption> {
    /// A caption that goes just before the next one comes flickers.
    const LINGER: Duration = Duration::from_millis(750);
    let voices = draft.tracks().filter(|track| track.role() == Some(TrackRole::Voiceover));
    let mut captions: Vec<Caption> = voices
        .flat_map(|track| track.segments())
        .filter_map(|segment| {
            Some(engine.captions(segment.text()?, segment.start(), segment.duration()))
        })
        .flatten()
        .collect();
    let starts: Vec<Duration> = captions.iter().skip(1).map(|caption| caption.start).collect();
    for (caption, next) in captions.iter_mut().zip(starts) {
        let until_next = next.saturating_sub(caption.start);
        // Where two voices overlap, a caption keeps its own time.
        if until_next > caption.duration {
            caption.duration = until_next.min(caption.duration + LINGER);
        }
    }
    captions
}

fn remove(draft: &mut Draft, role: &TrackRole) -> Result<(), Said> {
    if !compose::has(draft, role) {
        return Err(Said::NoneOf(role.clone()));
    }
    draft.retain_tracks(|track| track.role().as_ref() != Some(role));
    Ok(())
}

fn set_volume(draft: &mut Draft, of: Heard, level: Level) -> Result<Said, Said> {
    let role = match of {
        Heard::Music => Some(TrackRole::Music),
        Heard::Voiceover => Some(TrackRole::Voiceover),
        Heard::Everything => None,
    };
    let meant = |track: Option<TrackRole>| role.is_none() || track == role;
    let before = draft.to_json();
    let found = compose::set_volume(draft, meant, |volume| match level {
        Level::To(volume) => volume,
        Level::By(factor) => volume * factor,
    });
    match level {
        _ if !found => Err(Said::NoSound(of)),
        Level::To(asked) if draft.to_json() == before => Err(if asked > 1.0 {
            Said::AsLoudAsItGets(of)
        } else {
            Said::SameVolume { of, volume: asked }
        }),
        Level::To(asked) if asked > 1.0 => Ok(Said::FullVolume { of, asked }),
        // Full volume cannot be raised, and silence neither raised nor lowered.
        Level::By(_) if draft.to_json() == before => {
            let sounds = draft.tracks().filter(|track| track.kind() == Some(TrackKind::Audio));
            let mut heard = sounds.filter(|track| meant(track.role())).flat_map(|t| t.segments());
            let loud = heard.any(|segment| segment.volume() != Some(0.0));
            Err(if loud { Said::AsLoudAsItGets(of) } else { Said::Silent(of) })
        }
        level => Ok(Said::Volume { of, level }),
    }
}
