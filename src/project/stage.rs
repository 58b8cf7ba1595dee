//! The two stages of a film, told from its drafts: first pictures and voices, later what goes on
//! top of them.

use std::collections::HashSet;

use super::turn::TurnEvent;
use crate::draft::{Draft, Object, Segment, TrackLabel};

/// How the content is set, not what it is: louder, shorter and elsewhere it is still the same.
const SETTINGS: &[&str] = &[
    "d",
    "duration",
    "start",
    "start_ms",
    "startMs",
    "start_time",
    "startTime",
    "st",
    "end",
    "skip",
    "volume",
    "vol",
    "muted",
    "mute",
    "id",
    "uuid",
    "uid",
];

/// Which stage was told last. Contents are compared, not counted: a second script has as many
/// tracks as the first one.
pub(super) struct Stages {
    raw: HashSet<String>,
    added: HashSet<String>,
    told: Told,
}

#[derive(Clone, Copy, PartialEq)]
enum Told {
    Nothing,
    RawClip,
    Done,
}

impl Stages {
    pub(super) fn new(baseline: Option<&Draft>) -> Self {
        let [raw, added] = baseline.map(contents).unwrap_or_default();
        Self { raw, added, told: Told::Nothing }
    }

    /// The stage that is done with a newer draft.
    pub(super) fn of(&mut self, draft: &Draft) -> Option<TurnEvent> {
        let [raw, added] = contents(draft);
        let event = match self.told {
            Told::Nothing if !raw.is_subset(&self.raw) => {
                self.told = Told::RawClip;
                Some(TurnEvent::RawClipReady)
            }
            Told::RawClip if !added.is_subset(&self.added) => {
                self.told = Told::Done;
                Some(TurnEvent::PostProductionDone)
            }
            _ => None,
        };
        (self.raw, self.added) = (raw, added);
        event
    }
}

/// What there is of pictures and voices, and of text and music.
fn contents(draft: &Draft) -> [HashSet<String>; 2] {
    let mut contents = [HashSet::new(), HashSet::new()];
    for track in draft.tracks() {
        let label = TrackLabel::of(track);
        let on_top = label == TrackLabel::Music || label.is_written();
        let about = format!("{label:?} {:?} {:?} ", track.name(), track.text());
        for segment in track.segments() {
            contents[usize::from(on_top)].insert(about.clone() + &content(segment));
        }
    }
    contents
}

/// What a segment shows or plays; its length where it does not say.
fn content(segment: Segment<'_>) -> String {
    let json = segment.as_json();
    let told = json.as_object().map(content_of).unwrap_or_default();
    if told.is_empty() { json.to_string() } else { told }
}

fn content_of(object: &Object) -> String {
    let mut told = String::new();
    for (key, value) in object.iter().filter(|(key, _)| !SETTINGS.contains(key)) {
        let value = value.as_object().map_or_else(|| value.to_string(), content_of);
        if !value.is_empty() {
            told += &format!("{key}={value};");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stages that are told of these drafts, the first of which is there before.
    fn stages(drafts: &[&str]) -> Vec<TurnEvent> {
        let mut drafts = drafts.iter().map(|draft| draft.parse::<Draft>().unwrap());
        let mut stages = Stages::new(drafts.next().as_ref());
        drafts.filter_map(|draft| stages.of(&draft)).collect()
    }

    fn film(script: &str, volume: u32, captions: bool) -> String {
        let spoken = format!(r#"{{"d":900,"m":{{"text":"{script}","volume":{volume}}}}}"#);
        let captions = match captions {
            true => format!(r#",{{"tt":7,"m":{{"role":"captions"}},"sg":[{spoken}]}}"#),
            false => String::new(),
        };
        format!(
            r#"{{"t":[{{"tt":0,"sg":[{{"d":900,"m":{{"name":"Dusk"}}}}]}},
                {{"tt":1,"m":{{"role":"voiceover"}},"sg":[{spoken}]}}{captions}]}}"#
        )
    }

    const BOTH: [TurnEvent; 2] = [TurnEvent::RawClipReady, TurnEvent::PostProductionDone];

    #[test]
    fn a_second_film_in_place_of_the_first_has_both_stages() {
        let (first, raw, done) =
            (film("One", 1, true), film("Two", 1, false), film("Two", 1, true));
        assert_eq!(stages(&["{}", &raw, &done]), BOTH);
        assert_eq!(stages(&[&first, &raw, &done]), BOTH);
    }

    #[test]
    fn an_edit_of_what_is_there_is_no_stage() {
        let first = film("One", 1, true);
        assert_eq!(stages(&[&first, &film("One", 0, true), &first.replace("900", "500")]), []);
        assert_eq!(stages(&[&first, &film("One", 1, false), &first]), []);
    }

    #[test]
    fn music_is_known_by_more_than_its_role() {
        let raw = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#;
        let done = r#"{"t":[{"tt":0,"sg":[{"d":1000}]},
            {"tt":1,"sg":[{"name":"Lo-fi","vol":"35%"}]}]}"#;
        assert_eq!(stages(&["{}", raw, done]), BOTH);
    }
}
