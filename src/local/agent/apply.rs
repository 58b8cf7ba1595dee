//! One edit on a draft, and the sentence that tells what was done, or why it was not. Speaking is
//! left to the turn: it takes a studio and another price.

use std::time::Duration;

use super::compose;
use super::cut::cut;
use super::edits::{Edit, Heard, Level};
use crate::draft::{Draft, TrackRole};
use crate::local::sessions::Session;
use crate::local::studio::{Caption, Studio};
use crate::wire::FileType;

/// Changes the draft and says so; an error is an honest answer, and the draft is as before.
pub(super) fn apply(
    edit: &Edit,
    draft: &mut Draft,
    session: &Session,
    studio: &dyn Studio,
) -> Result<String, String> {
    let length = draft.duration();
    match edit {
        Edit::AddTitle { text, from, to } => {
            let to = if length.is_zero() { *to } else { (*to).min(length) };
            if *from >= to {
                return Err(format!("The film is over after {}.", seconds(length)));
            }
            studio.can_write(text).map_err(|failure| failure.message)?;
            compose::add_title(draft, text, *from, to);
            Ok(format!("I added the title “{text}” ({}-{}).", seconds(*from), seconds(to)))
        }
        Edit::ChangeTitle(text) => {
            studio.can_write(text).map_err(|failure| failure.message)?;
            if compose::change_title(draft, text) {
                return Ok(format!("The title is now “{text}”."));
            }
            let to = Duration::from_secs(3).min(length);
            compose::add_title(draft, text, Duration::ZERO, to);
            Ok(format!("There was no title, so I added “{text}”."))
        }
        Edit::Captions(true) => {
            let captions = captions(draft, studio);
            if captions.is_empty() {
                return Err("There is nothing spoken yet that captions could show.".to_owned());
            }
            let text: String = captions.iter().map(|caption| caption.text.as_str()).collect();
            studio.can_write(&text).map_err(|failure| failure.message)?;
            compose::set_captions(draft, &captions);
            Ok("The captions are on.".to_owned())
        }
        Edit::Captions(false) => remove(draft, &TrackRole::Captions, "captions")
            .map(|()| "The captions are off.".to_owned()),
        Edit::AddMusic => match session.last_upload(FileType::Audio) {
            None => Err("I have no music of my own: drag and drop a sound file (MP3, WAV, M4A or \
                         AAC) into the media panel first."
                .to_owned()),
            Some(file) => {
                compose::set_music(draft, &file);
                Ok(format!("“{}” plays in the background now.", file.name))
            }
        },
        Edit::Volume { of, level } => set_volume(draft, *of, *level),
        Edit::TrimTo(to) if *to < length => {
            cut(draft, *to, length);
            Ok(format!("The film ends after {} now.", seconds(*to)))
        }
        Edit::CutEnd(time) if *time < length => {
            cut(draft, length - *time, length);
            Ok(format!("I cut the last {}; {} are left.", seconds(*time), seconds(length - *time)))
        }
        Edit::CutStart(time) if *time < length => {
            cut(draft, Duration::ZERO, *time);
            Ok(format!("I cut the first {}; {} are left.", seconds(*time), seconds(length - *time)))
        }
        Edit::TrimTo(_) | Edit::CutEnd(_) | Edit::CutStart(_) => {
            Err(format!("The film is only {} long.", seconds(length)))
        }
        Edit::RemoveTrack(number) => {
            let index = number.checked_sub(1);
            match index.and_then(|index| draft.remove_track(index)) {
                Some(_) => Ok(format!("I removed track {number}.")),
                None => Err(format!(
                    "There is no track {number}; the timeline has {}.",
                    draft.tracks().len()
                )),
            }
        }
        Edit::Remove(role) => {
            let name = role.as_str();
            remove(draft, role, name).map(|()| format!("I removed the {name}."))
        }
        Edit::Aspect(aspect) => {
            compose::set_aspect(draft, *aspect);
            Ok(format!("The film is {aspect} now."))
        }
        Edit::Picture => match session.last_upload(FileType::Image) {
            None => Err("There is no picture yet: drag and drop one (JPG, PNG, GIF or WebP) into \
                         the media panel first."
                .to_owned()),
            Some(file) => {
                compose::set_picture(draft, &file);
                Ok(format!("“{}” is the background now.", file.name))
            }
        },
        Edit::Palette(name) => {
            compose::set_palette(draft, name);
            Ok(format!("The background is the {name} gradient now."))
        }
        Edit::Speak(_) => Err("The script has to be spoken again for that.".to_owned()),
    }
}

/// The captions of what is spoken in a draft.
pub(super) fn captions(draft: &Draft, studio: &dyn Studio) -> Vec<Caption> {
    /// A caption that goes just before the next one comes flickers.
    const LINGER: Duration = Duration::from_millis(750);
    let voices = draft.tracks().filter(|track| track.role() == Some(TrackRole::Voiceover));
    let mut captions: Vec<Caption> = voices
        .flat_map(|track| track.segments())
        .filter_map(|segment| {
            Some(studio.captions(segment.text()?, segment.start(), segment.duration()))
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

fn remove(draft: &mut Draft, role: &TrackRole, name: &str) -> Result<(), String> {
    if !compose::has(draft, role) {
        return Err(format!("There is no track with {name} in the timeline."));
    }
    draft.retain_tracks(|track| track.role().as_ref() != Some(role));
    Ok(())
}

fn set_volume(draft: &mut Draft, of: Heard, level: Level) -> Result<String, String> {
    let (role, name) = match of {
        Heard::Music => (Some(TrackRole::Music), "music"),
        Heard::Voiceover => (Some(TrackRole::Voiceover), "voiceover"),
        Heard::Everything => (None, "sound"),
    };
    let meant = |track: Option<TrackRole>| role.is_none() || track == role;
    let changed = compose::set_volume(draft, meant, |volume| match level {
        Level::To(volume) => volume,
        Level::By(factor) => volume * factor,
    });
    if !changed {
        return Err(format!("There is no {name} in the timeline."));
    }
    Ok(match level {
        Level::To(0.0) => format!("The {name} is muted."),
        Level::To(volume) => format!("The {name} is at {:.0}% now.", volume * 100.0),
        Level::By(factor) if factor > 1.0 => format!("The {name} is louder now."),
        Level::By(_) => format!("The {name} is quieter now."),
    })
}

/// `67.7 s`, `3 s`.
pub(super) fn seconds(time: Duration) -> String {
    let tenths = (time.as_secs_f64() * 10.0).round() / 10.0;
    format!("{tenths} s")
}
