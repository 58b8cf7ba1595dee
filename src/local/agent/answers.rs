//! Everything the agent says, once as what is meant and once in each language: a sentence that
//! lacks a language does not compile. Talk of buttons and panels is added by `gui`.

mod chinese;
mod english;

use std::time::Duration;

use super::edits::{Heard, Level};
use super::phrase::{Clause, is_han};
use crate::draft::TrackRole;
use crate::local::engine::{Delivery, Failure};
use crate::protocol::Aspect;

/// The language of a message, in which it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::local) enum Tongue {
    English,
    Chinese,
}

impl Tongue {
    /// Chinese begins with a Chinese word, or has some for each foreign one: "change the title to
    /// 早晨" is English, "BGM 大声一点" is not. What is in quotes does not count.
    pub(super) fn of(message: &Clause) -> Self {
        let han = message.plain.chars().filter(|c| is_han(*c)).count();
        let foreign = |word: &&String| word.starts_with(|c: char| c.is_alphabetic() && !is_han(c));
        let words = message.words.iter().filter(foreign).count();
        let first = message.plain.chars().find(|c| c.is_alphabetic());
        if first.is_some_and(is_han) || (han > 0 && han >= 2 * words) {
            Self::Chinese
        } else {
            Self::English
        }
    }

    /// Sentences one after the other.
    pub(super) fn join(self, sentences: &[String]) -> String {
        sentences.join(match self {
            Self::English => " ",
            Self::Chinese => "",
        })
    }
}

/// One thing to say.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    // On the way.
    Speaking,
    OnIt,
    GoingBack,
    /// The first of the two stages is over.
    RawClip(Duration),

    // What is done.
    Ready {
        sentences: usize,
        length: Duration,
    },
    /// The same in one breath, for something to follow after a comma.
    ClipReady {
        sentences: usize,
        length: Duration,
    },
    SpokenAgain {
        delivery: Delivery,
        length: Duration,
    },
    TitleAdded {
        text: String,
        from: Duration,
        to: Duration,
    },
    TitleChanged(String),
    TitleMissed(String),
    Captions(bool),
    MusicPlays(String),
    Volume {
        of: Heard,
        level: Level,
    },
    /// More was asked for than there is.
    FullVolume {
        of: Heard,
        asked: f64,
    },
    EndsAfter(Duration),
    EndCut {
        cut: Duration,
        left: Duration,
    },
    StartCut {
        cut: Duration,
        left: Duration,
    },
    TrackRemoved(usize),
    Removed(TrackRole),
    Shape(Aspect),
    PictureShown(String),
    Palette(String),
    /// So many turns were taken back; `all` when there were no more.
    Undone {
        steps: usize,
        all: bool,
    },

    // What is not, and why.
    FilmOver(Duration),
    FilmShort(Duration),
    /// A time or a volume below nothing.
    Negative(String),
    NothingLeft,
    NothingForCaptions,
    NoMusic,
    NoPicture,
    NoTrack {
        number: usize,
        tracks: usize,
    },
    NoneOf(TrackRole),
    NoSound(Heard),
    AsLoudAsItGets(Heard),
    /// It has the volume that is asked for.
    SameVolume {
        of: Heard,
        volume: f64,
    },
    Silent(Heard),
    SpeakAgainFirst,
    NothingSpoken,
    NothingToEdit,
    NothingToUndo,
    NoScript,
    NoUploadedScript,
    Unreadable {
        name: String,
        why: Unreadable,
    },
    NoVoice {
        failure: Failure,
        language: String,
        languages: Vec<String>,
    },
    Failed(Failure),
    ClauseNotUnderstood(String),
    NothingCharged,
    NothingChangedOrCharged,

    NotUnderstood,
    Help,
    /// The meaningless sentence at the end of an answer.
    Noise,
}

/// Why an uploaded script cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    TooLong,
    NotUtf8,
    NotDocx,
    NoText,
    Other(String),
}

impl Said {
    pub(super) fn words(&self, tongue: Tongue) -> String {
        match tongue {
            Tongue::English => english::words(self),
            Tongue::Chinese => chinese::words(self),
        }
    }
}

/// Why nothing can be made: a word for programs, and what to say to people.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) why: Said,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, why: Said::Failed(failure) }
    }
}

/// `67.7`, `3`: tenths are what people can tell.
fn tenths(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

fn hundredths(pace: f32) -> f32 {
    (pace * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::{Clause, Tongue};

    #[test]
    fn the_language_of_a_message_is_that_of_what_is_not_quoted() {
        for (message, chinese) in [
            ("add a title “早晨”", false),
            ("change the title to 早晨", false),
            ("加标题 'Morning Brew'", true),
            ("加标题 Morning Brew", true),
            ("BGM 大声一点", true),
            ("", false),
            ("?!", false),
        ] {
            let tongue = Tongue::of(&Clause::new(message));
            assert_eq!(tongue == Tongue::Chinese, chinese, "{message}");
        }
    }
}
