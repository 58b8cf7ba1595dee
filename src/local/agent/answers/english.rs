//! What the agent says, in English.

use std::time::Duration;

use super::{Said, Unreadable, hundredths, percent, tenths};
use crate::local::agent::edits::{Heard, Level};

pub(super) fn words(said: &Said) -> String {
    match said {
        Said::Speaking => "Working on your voiceover…".to_owned(),
        Said::OnIt => "On it…".to_owned(),
        Said::GoingBack => "Going back…".to_owned(),
        Said::RawClip(length) => {
            format!("The raw clip is ready ({}). Now the finishing touches…", seconds(*length))
        }

        Said::Ready { sentences, length } => {
            format!("Your voiceover is ready: {}, {}.", count(*sentences), seconds(*length))
        }
        Said::ClipReady { sentences, length } => {
            format!("Your {} clip of {} is ready.", seconds(*length), count(*sentences))
        }
        Said::SpokenAgain { delivery, length } => format!(
            "I spoke it again: {}, a {} voice, pace {}, {}.",
            delivery.language,
            delivery.gender.word(),
            hundredths(delivery.pace),
            seconds(*length)
        ),
        Said::TitleAdded { text, from, to } => {
            format!("I added the title “{text}” ({}-{}).", seconds(*from), seconds(*to))
        }
        Said::TitleChanged(text) => format!("The title is now “{text}”."),
        Said::TitleMissed(text) => format!("There was no title, so I added “{text}”."),
        Said::Captions(true) => "The captions are on.".to_owned(),
        Said::Captions(false) => "The captions are off.".to_owned(),
        Said::MusicPlays(name) => format!("“{name}” plays in the background now."),
        Said::Volume { of, level } => {
            let name = heard(*of);
            match level {
                Level::To(0.0) => format!("The {name} is muted."),
                Level::To(volume) => format!("The {name} is at {} now.", percent(*volume)),
                Level::By(factor) if *factor > 1.0 => format!("The {name} is louder now."),
                Level::By(_) => format!("The {name} is quieter now."),
            }
        }
        Said::FullVolume { of, asked } => format!(
            "The {} is at 100% now: {} would be louder than it can get.",
            heard(*of),
            percent(*asked)
        ),
        Said::EndsAfter(time) => format!("The film ends after {} now.", seconds(*time)),
        Said::EndCut { cut, left } => {
            format!("I cut the last {}; {} are left.", seconds(*cut), seconds(*left))
        }
        Said::StartCut { cut, left } => {
            format!("I cut the first {}; {} are left.", seconds(*cut), seconds(*left))
        }
        Said::TrackRemoved(number) => format!("I removed track {number}."),
        Said::Removed(role) => format!("I removed the {}.", role.as_str()),
        Said::Shape(aspect) => format!("The film is {aspect} now."),
        Said::PictureShown(name) => format!("“{name}” is the background now."),
        Said::Palette(name) => format!("The background is the {name} gradient now."),
        Said::Undone { steps: 1, all: false } => "That is undone.".to_owned(),
        Said::Undone { steps: 1, all: true } => {
            "That is undone; there was one change to take back.".to_owned()
        }
        Said::Undone { steps, all: false } => format!("The last {steps} changes are undone."),
        Said::Undone { steps, all: true } => {
            format!("All {steps} changes are undone; there were no more.")
        }

        Said::FilmOver(length) => format!("The film is over after {}.", seconds(*length)),
        Said::FilmShort(length) => format!("The film is only {} long.", seconds(*length)),
        Said::Negative(number) => {
            format!("“{number}” is less than nothing; say it without the minus.")
        }
        Said::NothingLeft => "Nothing of the film would be left.".to_owned(),
        Said::NothingForCaptions => {
            "There is nothing spoken yet that captions could show.".to_owned()
        }
        Said::NoMusic => "I have no music of my own: drag and drop a sound file (MP3, WAV, M4A or \
                          AAC) into the media panel first."
            .to_owned(),
        Said::NoPicture => "There is no picture yet: drag and drop one (JPG, PNG, GIF or WebP) \
                            into the media panel first."
            .to_owned(),
        Said::NoTrack { number, tracks } => {
            format!("There is no track {number}; the timeline has {tracks}.")
        }
        Said::NoneOf(role) => {
            format!("There is no track with {} in the timeline.", role.as_str())
        }
        Said::NoSound(of) => format!("There is no {} in the timeline.", heard(*of)),
        Said::AsLoudAsItGets(of) => format!("The {} is as loud as it gets.", heard(*of)),
        Said::SameVolume { of, volume: 0.0 } => format!("The {} is muted already.", heard(*of)),
        Said::SameVolume { of, volume } => {
            format!("The {} is at {} already.", heard(*of), percent(*volume))
        }
        Said::Silent(of) => format!("The {} is silent already.", heard(*of)),
        Said::SpeakAgainFirst => "The script has to be spoken again for that.".to_owned(),
        Said::NothingSpoken => "There is nothing spoken yet.".to_owned(),
        Said::NothingToEdit => {
            "There is nothing to edit yet: give me a script first, after “Script:”.".to_owned()
        }
        Said::NothingToUndo => "There is nothing to undo.".to_owned(),
        Said::NoScript => "There is no script yet: put it after “Script:”, or drag and drop a TXT \
                           or DOCX into the media panel."
            .to_owned(),
        Said::NoUploadedScript => "There is no uploaded script: drag and drop a TXT or DOCX into \
                                   the media panel first, or put the script after “Script:”."
            .to_owned(),
        Said::Unreadable { name, why } => {
            let why = match why {
                Unreadable::TooLong => "it is longer than 4 MB of text",
                Unreadable::NotUtf8 => "it is not UTF-8 text; save it as UTF-8",
                Unreadable::NotDocx => "it is no DOCX",
                Unreadable::NoText => "there is no text in it; is it a DOCX?",
                Unreadable::Other(reason) => reason,
            };
            format!("The script `{name}` cannot be read: {why}.")
        }
        Said::NoVoice { failure, .. } | Said::Failed(failure) => failure.message.clone(),
        Said::ClauseNotUnderstood(clause) => format!("I did not understand “{clause}”."),
        Said::NothingCharged => "Nothing was charged.".to_owned(),
        Said::NothingChangedOrCharged => "Nothing was changed and nothing was charged.".to_owned(),

        Said::NotUnderstood => "I did not understand that: I am plain code that knows a few \
                                sentences, not a model. Nothing was changed and nothing was \
                                charged."
            .to_owned(),
        Said::Help => HELP.join("\n"),
        Said::Noise => "I encountered a temporary issue.".to_owned(),
    }
}

const HELP: [&str; 9] = [
    "What I understand:",
    "- Make a voiceover of this script. Voice: male. Language: en-US. Aspect ratio: 9:16. \
     Captions: off. Pace: 1.2. Title: \"…\". Then “Script:” and the script; or upload a TXT or \
     DOCX and say: Turn the uploaded script into a video.",
    "- add a title \"Morning Brew\" from 2 to 5 seconds, change it, remove it",
    "- captions on, captions off",
    "- add music (the sound you uploaded), set the music to 20%, mute the voiceover",
    "- trim to 30 seconds, cut the last 5 seconds, remove track 3",
    "- make it portrait, landscape or square",
    "- use my picture as the background, or one of these: dusk, ocean, forest, ember, slate",
    "- a male voice, in German, slower; undo",
];

fn heard(of: Heard) -> &'static str {
    match of {
        Heard::Music => "music",
        Heard::Voiceover => "voiceover",
        Heard::Everything => "sound",
    }
}

fn count(sentences: usize) -> String {
    format!("{sentences} {}", if sentences == 1 { "sentence" } else { "sentences" })
}

fn seconds(time: Duration) -> String {
    format!("{} s", tenths(time))
}
