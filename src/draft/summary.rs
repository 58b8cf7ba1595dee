//! The timeline in one line, for people. The draft rarely says outright what a track is, so some
//! of it is a guess, and this is the place that guesses; [`Track::role`] does not.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::time::Duration;

use super::model::{Draft, Track, TrackKind, TrackRole};

/// So many segments of a track are named, the others counted.
const NAMED: usize = 3;
/// So many characters of a name or sentence are shown.
const SHOWN: usize = 60;

pub(super) fn of(draft: &Draft) -> String {
    let count = draft.tracks().len();
    let plural = if count == 1 { "" } else { "s" };
    let colon = if count == 0 { "" } else { ":" };
    let mut line = format!("Timeline ({count} track{plural}){colon}");
    for (at, track) in draft.tracks().enumerate() {
        // Writing to a `String` does not fail.
        let _ = write!(line, " {}. {}", at + 1, describe(track));
    }
    line
}

fn describe(track: Track<'_>) -> String {
    let label = Label::of(track);
    let mut out = label.to_string();
    let content = content(track, label);
    if !content.is_empty() {
        let _ = write!(out, ": {content}");
    }
    let Some(start) = track.segments().map(|s| s.start()).min() else {
        return out + " (empty)";
    };
    let _ = write!(out, " ({}-{}s", seconds(start), seconds(track.end()));
    if let Some(volume) = volume(track, label) {
        let _ = write!(out, ", {volume}");
    }
    out + ")"
}

/// What a track is called here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    Video,
    Voiceover,
    Music,
    Audio,
    Captions,
    Title,
    Text,
    Type(i64),
    Untold,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Video => "Video",
            Self::Voiceover => "Voiceover",
            Self::Music => "BGM",
            Self::Audio => "Audio",
            Self::Captions => "Captions",
            Self::Title => "Title",
            Self::Text => "Text",
            Self::Type(number) => return write!(f, "Track type {number}"),
            Self::Untold => "Track of unknown type",
        })
    }
}

impl From<TrackKind> for Label {
    fn from(kind: TrackKind) -> Self {
        match kind {
            TrackKind::Video => Self::Video,
            TrackKind::Audio => Self::Audio,
            TrackKind::Text => Self::Text,
            TrackKind::Unknown(number) => Self::Type(number),
        }
    }
}

impl Label {
    pub(crate) fn of(track: Track<'_>) -> Self {
        match track.kind() {
            Some(TrackKind::Video) => Self::Video,
            Some(TrackKind::Audio) => match track.role() {
                Some(TrackRole::Voiceover) => Self::Voiceover,
                Some(TrackRole::Music | TrackRole::Background) => Self::Music,
                Some(_) => Self::Audio,
                None => Self::guess_audio(track),
            },
            Some(TrackKind::Text) => match track.role() {
                Some(TrackRole::Captions) => Self::Captions,
                Some(TrackRole::Title) => Self::Title,
                Some(_) => Self::Text,
                None if track.segments().len() > NAMED => Self::Captions,
                None => Self::Title,
            },
            Some(TrackKind::Unknown(number)) => Self::Type(number),
            None => Self::Untold,
        }
    }

    /// Sound that says words is a voice, other sound that says anything of itself is music.
    fn guess_audio(track: Track<'_>) -> Self {
        let first = track.segments().next();
        let name = track.name().or_else(|| first?.name());
        let named_voice = name.is_some_and(|name| {
            let name = name.to_lowercase();
            name.contains("voice") || name.contains("narrat")
        });
        if named_voice || first.is_some_and(|segment| segment.text().is_some()) {
            Self::Voiceover
        } else if name.is_some() || first.is_some_and(|segment| segment.volume().is_some()) {
            Self::Music
        } else {
            Self::Audio
        }
    }

    /// Whether its segments are words rather than things with a name.
    pub(super) fn is_words(self) -> bool {
        matches!(self, Self::Voiceover | Self::Captions | Self::Title | Self::Text)
    }
}

/// What is in the track: names, or words in quotes; a few, and how many more.
fn content(track: Track<'_>, label: Label) -> String {
    let count = track.segments().len();
    let counted = || format!("{count} segments");
    if count > NAMED && matches!(label, Label::Voiceover | Label::Captions) {
        return counted();
    }
    let mut seen = HashSet::new();
    let mut parts = Vec::new();
    let phrases = track.segments().filter_map(|s| Phrase::of(s.text(), s.name(), label));
    for phrase in phrases {
        if seen.insert(phrase) && parts.len() < NAMED {
            parts.push(phrase.shown());
        }
    }
    // "Voiceover: Voiceover" says nothing.
    let name = track.name().filter(|name| !name.eq_ignore_ascii_case(&label.to_string()));
    match (seen.len(), Phrase::of(track.text(), name, label)) {
        (0, Some(phrase)) => phrase.shown(),
        (0, None) if count > 1 => counted(),
        (more, _) if more > NAMED => format!("{} +{} more", parts.join(", "), more - NAMED),
        _ => parts.join(", "),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Phrase<'d> {
    Name(&'d str),
    Words(&'d str),
}

impl<'d> Phrase<'d> {
    fn of(text: Option<&'d str>, name: Option<&'d str>, label: Label) -> Option<Self> {
        let words = text.map(Self::Words);
        if label.is_words() {
            // A title may stand under `name` or `title`; a file that speaks is just named.
            let written = label != Label::Voiceover;
            words.or(name.map(if written { Self::Words } else { Self::Name }))
        } else {
            name.map(Self::Name).or(words)
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Name(name) => shorten(name),
            Self::Words(words) => format!("\"{}\"", shorten(words)),
        }
    }
}

/// On one line, and not too long.
pub(super) fn shorten(text: &str) -> String {
    // Cut before joining: the text may be a whole script.
    let cut = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
    let words: Vec<&str> = text[..cut].split_whitespace().collect();
    let more = if cut < text.len() { "…" } else { "" };
    words.join(" ") + more
}

/// `35%`, or `20-35%`. Full volume goes without saying, except for music, which is rarely meant
/// to be as loud as that.
fn volume(track: Track<'_>, label: Label) -> Option<String> {
    let volumes = track.segments().filter_map(|segment| segment.volume());
    let (low, high) = volumes.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), volume| {
        (low.min(volume), high.max(volume))
    });
    let percent = |volume: f64| (volume * 100.0).round();
    if low > high || (low >= 1.0 && label != Label::Music) {
        None
    } else if percent(low) < percent(high) {
        Some(format!("{}-{}%", percent(low), percent(high)))
    } else {
        Some(format!("{}%", percent(high)))
    }
}

/// `10`, `2.5`, `67.7`: tenths will do, except below a second.
pub(super) fn seconds(time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { seconds } else { (seconds * 10.0).round() / 10.0 }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::time::Instant;

    use super::*;

    fn summary(json: &str) -> String {
        Draft::from_json(json).unwrap().summary()
    }

    #[test]
    fn the_line_is_the_one_of_the_protocol() {
        let expected = r#"Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) 3. Title: "Urban Dreams" (0-3s)"#;
        let by_metadata_of_segments = r#"{"t":[
            {"tt":0,"sg":[{"d":10000,"m":{"name":"city timelapse"}}]},
            {"tt":1,"sg":[{"d":10000,"m":{"name":"Lo-fi","volume":0.35}}]},
            {"tt":7,"sg":[{"d":3000,"m":{"text":"Urban Dreams"}}]}]}"#;
        let by_metadata_of_tracks = r#"{"t":[
            {"tt":0,"m":{"title":"city timelapse"},"sg":[{"d":10000}]},
            {"tt":1,"m":{"role":"music","name":"Lo-fi","volume":35},"sg":[{"d":10000}]},
            {"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"content":"Urban Dreams"}]}]}"#;
        let by_names_of_tracks = r#"{"t":[
            {"tt":0,"name":"city timelapse","sg":[{"d":10000}]},
            {"tt":1,"type":"audio","name":"Lo-fi","sg":[{"d":10000,"m":{"volume":0.35}}]},
            {"tt":7,"name":"Urban Dreams","sg":[{"d":3000}]}]}"#;
        let by_own_keys = r#"{"t":[
            {"tt":0,"sg":[{"d":10000,"name":"city timelapse"}]},
            {"tt":1,"sg":[{"d":10000,"name":"Lo-fi","vol":"35%"}]},
            {"tt":7,"sg":[{"d":3000,"title":"Urban Dreams"}]}]}"#;
        assert_eq!(summary(by_metadata_of_segments), expected);
        assert_eq!(summary(by_metadata_of_tracks), expected);
        assert_eq!(summary(by_names_of_tracks), expected);
        assert_eq!(summary(by_own_keys), expected);
    }

    #[test]
    fn a_narrated_film_is_told_by_its_roles() {
        let sentences = |n: usize| {
            (0..n).fold(String::new(), |mut out, at| {
                let comma = if at == 0 { "" } else { "," };
                let start = at * 2_500;
                write!(out, r#"{comma}{{"d":2500,"m":{{"start":{start},"text":"Sentence {at}.","volume":1.0}}}}"#).unwrap();
                out
            })
        };
        let film = |n| {
            format!(
                r#"{{"t":[{{"tt":0,"m":{{"role":"background","name":"Dusk gradient"}},"sg":[{{"d":57500,"m":{{"start":0}}}}]}},
                    {{"tt":1,"m":{{"role":"voiceover","name":"Voiceover"}},"sg":[{0}]}},
                    {{"tt":1,"m":{{"role":"music"}},"sg":[{{"d":57500,"m":{{"start":0,"name":"calm.mp3","volume":0.2}}}}]}},
                    {{"tt":7,"m":{{"role":"captions"}},"sg":[{0}]}}]}}"#,
                sentences(n)
            )
        };
        assert_eq!(
            summary(&film(23)),
            "Timeline (4 tracks): 1. Video: Dusk gradient (0-57.5s) 2. Voiceover: 23 segments (0-57.5s) \
             3. BGM: calm.mp3 (0-57.5s, 20%) 4. Captions: 23 segments (0-57.5s)"
        );
        assert_eq!(
            summary(&film(2)),
            "Timeline (4 tracks): 1. Video: Dusk gradient (0-57.5s) 2. Voiceover: \"Sentence 0.\", \"Sentence 1.\" (0-5s) \
             3. BGM: calm.mp3 (0-57.5s, 20%) 4. Captions: \"Sentence 0.\", \"Sentence 1.\" (0-5s)"
        );
    }

    #[test]
    fn several_segments_are_named_once_each_then_counted() {
        let json = r#"{"t":[{"tt":0,"sg":[{"d":1000,"name":"a"},{"d":1000,"name":"b"},{"d":1000,"name":"a"},
            {"d":1000,"name":"c"},{"d":1000,"name":"d"},{"d":1500,"name":"e"}]}]}"#;
        assert_eq!(summary(json), "Timeline (1 track): 1. Video: a, b, c +2 more (0-6.5s)");
    }

    #[test]
    fn an_unknown_track_type_keeps_its_number() {
        let json = r#"{"t":[{"tt":42,"sg":[{"d":250,"name":"sparkles","start":1000}]},{"tt":-1,"sg":[]}]}"#;
        assert_eq!(
            summary(json),
            "Timeline (2 tracks): 1. Track type 42: sparkles (1-1.3s) 2. Track type -1 (empty)"
        );
    }

    #[test]
    fn what_is_missing_or_ill_typed_is_left_out() {
        assert_eq!(summary("{}"), "Timeline (0 tracks)");
        assert_eq!(summary("null"), "Timeline (0 tracks)");
        assert_eq!(summary(r#"{"t":{"tt":0}}"#), "Timeline (0 tracks)");
        assert_eq!(
            summary(
                r#"{"t":[7,{},{"tt":"0","sg":[{"d":"x"}]},{"tt":1,"sg":[{"d":-5,"m":[1]},{"d":1e4}]},
                    {"tt":1,"sg":[{"d":1000}]},{"tt":7.5,"sg":3},{"tt":7,"sg":[{"d":400,"text":"  "}]}]}"#
            ),
            "Timeline (7 tracks): 1. Track of unknown type (empty) 2. Track of unknown type (empty) \
             3. Video (0-0s) 4. Audio: 2 segments (0-10s) 5. Audio (0-1s) \
             6. Track of unknown type (empty) 7. Title (0-0.4s)"
        );
    }

    #[test]
    fn a_volume_that_changes_is_a_range() {
        let json = r#"{"t":[{"tt":1,"sg":[{"d":1000,"name":"x","volume":0.2},{"d":1000,"volume":60},{"d":1,"volume":"no"}]}]}"#;
        assert_eq!(summary(json), "Timeline (1 track): 1. BGM: x (0-2s, 20-60%)");
    }

    #[test]
    fn long_and_broken_lines_are_shortened() {
        let json = format!(
            r#"{{"t":[{{"tt":7,"sg":[{{"d":1000,"text":"one\n two{}"}}]}}]}}"#,
            "é".repeat(99)
        );
        let line = summary(&json);
        assert!(line.starts_with("Timeline (1 track): 1. Title: \"one twoé"), "{line}");
        assert!(line.ends_with("é…\" (0-1s)"), "{line}");
        assert!(line.chars().count() < 110, "{line}");
    }

    #[test]
    fn ten_thousand_segments_take_no_time() {
        let mut json = r#"{"t":[{"tt":0,"sg":["#.to_owned();
        for at in 0..10_000 {
            let comma = if at == 0 { "" } else { "," };
            write!(json, r#"{comma}{{"d":1000,"m":{{"name":"clip {at}"}}}}"#).unwrap();
        }
        json.push_str("]}]}");
        let draft = Draft::from_json(&json).unwrap();
        let started = Instant::now();
        assert_eq!(
            draft.summary(),
            "Timeline (1 track): 1. Video: clip 0, clip 1, clip 2 +9997 more (0-10000s)"
        );
        // Some ten times what it takes, and far below what quadratic work would.
        assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    }
}
