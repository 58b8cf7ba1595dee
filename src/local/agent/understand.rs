//! A message → what is asked for. The order of the questions matters: a script may hold any
//! sentence, so it is looked for first.

use super::edits::{Edit, edit};
use super::phrase::{Clause, clauses};
use super::script;
use super::settings::{Settings, settings};

#[derive(Clone, Debug, PartialEq)]
pub(in crate::local) enum Asked {
    /// Speak a script; without one, the uploaded one or the one spoken before.
    Voiceover { script: Option<String>, settings: Settings },
    /// Change the draft. Clauses that were not understood are named to the user.
    Edits { edits: Vec<Edit>, not_understood: Vec<String> },
    /// Take back the last turns.
    Undo(usize),
    /// Say what can be done.
    Help,
    /// None of these.
    Unknown,
}

pub(in crate::local) fn understand(message: &str) -> Asked {
    if let Some((order, script)) = script::split(message) {
        return Asked::Voiceover { script: Some(script), settings: settings(&order) };
    }
    let whole = Clause::new(message);
    if whole.has(&["undo", "revert"]) || whole.contains(&["撤销", "take that back"]) {
        let times = if whole.has(&["twice"]) { 2 } else { whole.count().unwrap_or(1) };
        return Asked::Undo(times.max(1));
    }
    if whole.contains(&["what can you", "what do you understand", "你能做什么", "帮助"])
        || matches!(whole.words.as_slice(), [word] if word == "help")
    {
        return Asked::Help;
    }
    if is_voiceover(&whole) {
        return Asked::Voiceover { script: None, settings: settings(message) };
    }
    let mut edits = Vec::new();
    let mut not_understood = Vec::new();
    let mut verb = String::new();
    for clause in clauses(message) {
        // "Remove the title and the captions": the second half has the verb of the first.
        let own = clause.words.first().filter(|word| VERBS.contains(&word.as_str()));
        let understood = match own {
            Some(_) => edit(&clause),
            None => edit(&Clause::new(&format!("{verb} {}", clause.raw))).or_else(|| edit(&clause)),
        };
        if let Some(own) = own {
            verb.clone_from(own);
        }
        match understood {
            Some(Edit::Speak(speech)) => merge_speech(&mut edits, speech),
            Some(edit) => edits.push(edit),
            None => not_understood.push(clause.raw),
        }
    }
    if edits.is_empty() { Asked::Unknown } else { Asked::Edits { edits, not_understood } }
}

const VERBS: &[&str] = &[
    "add", "remove", "delete", "drop", "mute", "make", "set", "change", "turn", "use", "put",
    "trim", "cut", "show", "hide",
];

/// "In German and slower" is spoken once.
fn merge_speech(edits: &mut Vec<Edit>, speech: super::edits::Speech) {
    let known = edits.iter_mut().find_map(|edit| match edit {
        Edit::Speak(speech) => Some(speech),
        _ => None,
    });
    match known {
        Some(known) => {
            known.gender = speech.gender.or(known.gender);
            known.pace = speech.pace.or(known.pace);
            known.language = speech.language.or_else(|| known.language.take());
        }
        None => edits.push(Edit::Speak(speech)),
    }
}

/// A voiceover is asked for, and the script is elsewhere.
fn is_voiceover(message: &Clause) -> bool {
    const MAKE: &[&str] = &[
        "make", "create", "generate", "produce", "turn", "convert", "narrate", "read", "record",
        "speak", "redo", "voice", "please", "can", "could",
    ];
    const UPLOADED: &[&str] =
        &["script", "document", "docx", "txt", "file", "upload", "uploaded", "text"];
    let text = message.words.join(" ");
    let new = ["a", "an", "another", "new"].iter().any(|article| {
        text.contains(&format!("{article} voiceover"))
            || text.contains(&format!("{article} narrat"))
    });
    let starts = message.words.first().is_some_and(|word| MAKE.contains(&word.as_str()));
    let picture = message.has(&["picture", "image", "photo", "music", "background", "title"]);
    let narrate = matches!(message.words.as_slice(), [verb, ..] if verb == "narrate")
        || text.starts_with("read it aloud");
    narrate
        || (starts && new)
        || (starts && message.has(UPLOADED) && !picture)
        || ["voiceover", "voice-over", "voice over"].contains(&text.as_str())
        || (message.contains(&["配音", "朗读", "解说"])
            && message.contains(&["生成", "上传", "文档", "脚本", "做"]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::edits::{Heard, Level, Pace, Speech};
    use super::*;
    use crate::draft::TrackRole;
    use crate::local::studio::Gender;
    use crate::wire::Aspect;

    fn script_of(message: &str) -> Option<String> {
        match understand(message) {
            Asked::Voiceover { script, .. } => script,
            other => panic!("{message}: {other:?}"),
        }
    }

    #[test]
    fn a_script_comes_through_whole() {
        let script =
            "He said: \"Export it.\"\n\nScript: a word with a past.\nUndo? Mute the music!";
        for order in [
            "Make a voiceover of this script. Voice: male. Language: en-US. Title: \"Why\".\n\nScript:\n",
            "Create a narrated video from this script: ",
            "Please create a narrated 9:16 video in German from this script, slowly: ",
            "narrate: ",
            "Narrate this in a male voice: ",
            "voiceover: ",
            "Voice over:\n",
            "Read this aloud, portrait: ",
            "Make a voiceover of this script\n\n",
            "Make a voiceover.\nVoice: male\nCaptions: off\n\n",
            "给这段文字配音：",
            "Script:\n",
            "Turn this text into a video: ",
        ] {
            assert_eq!(script_of(&format!("{order}{script}")).as_deref(), Some(script), "{order}");
        }
        assert_eq!(script_of("narrate: download our app").as_deref(), Some("download our app"));
        assert_eq!(
            script_of(r#"Read "Good morning." in a male voice"#).as_deref(),
            Some("Good morning.")
        );
        assert_eq!(script_of("Make a voiceover of this script.\n\nScript:\n").as_deref(), Some(""));
    }

    #[test]
    fn the_order_around_a_script_is_read() {
        let Asked::Voiceover { settings, .. } =
            understand("Narrate this in a male voice, portrait, at 1.2x: In German, slowly.")
        else {
            panic!("no voiceover");
        };
        assert_eq!(settings.gender, Some(Gender::Male));
        assert_eq!(settings.aspect, Some(Aspect::Portrait));
        assert_eq!(settings.pace, Some(1.2));
        assert_eq!(settings.language, None);
    }

    #[test]
    fn the_script_may_be_elsewhere() {
        for message in [
            "Turn the uploaded script into a video",
            "Make a portrait voiceover of the uploaded document. Voice: male.",
            "create a voiceover",
            "narrate it slowly",
            "Read the script again in German",
        ] {
            assert_eq!(script_of(message), None, "{message}");
        }
    }

    #[test]
    fn edits_are_understood() {
        let seconds = Duration::from_secs;
        let title = |text: &str, from, to| Edit::AddTitle {
            text: text.to_owned(),
            from: seconds(from),
            to: seconds(to),
        };
        let speak = |gender, pace| Edit::Speak(Speech { gender, pace, language: None });
        let level = |of, level| Edit::Volume { of, level };
        for (message, edits) in [
            ("add a title 'Morning Brew'", vec![title("Morning Brew", 0, 3)]),
            (
                "Add the title \"Cut: the end\" from 2 to 5 seconds.",
                vec![title("Cut: the end", 2, 5)],
            ),
            ("add a title Morning Brew", vec![title("Morning Brew", 0, 3)]),
            ("change the title to 'New'", vec![Edit::ChangeTitle("New".to_owned())]),
            (
                "remove the title and the captions",
                vec![Edit::Remove(TrackRole::Title), Edit::Captions(false)],
            ),
            ("turn captions off", vec![Edit::Captions(false)]),
            ("show the subtitles", vec![Edit::Captions(true)]),
            ("add background music", vec![Edit::AddMusic]),
            ("use the uploaded song as music", vec![Edit::AddMusic]),
            ("set the music to 20%", vec![level(Heard::Music, Level::To(0.2))]),
            ("mute the music", vec![level(Heard::Music, Level::To(0.0))]),
            (
                "set the voiceover volume to 80 percent",
                vec![level(Heard::Voiceover, Level::To(0.8))],
            ),
            ("trim to 30 seconds", vec![Edit::TrimTo(seconds(30))]),
            ("make it 1:30 long", vec![Edit::TrimTo(seconds(90))]),
            ("cut the last 5 seconds", vec![Edit::CutEnd(seconds(5))]),
            ("cut the first 2s", vec![Edit::CutStart(seconds(2))]),
            ("remove the music", vec![Edit::Remove(TrackRole::Music)]),
            ("remove track 3", vec![Edit::RemoveTrack(3)]),
            ("make it portrait", vec![Edit::Aspect(Aspect::Portrait)]),
            ("Change the aspect ratio to 1:1", vec![Edit::Aspect(Aspect::Square)]),
            ("use the uploaded picture as the background", vec![Edit::Picture]),
            ("make the background ocean", vec![Edit::Palette("ocean".to_owned())]),
            (
                "make it warmer, add a title 'Morning Brew'",
                vec![Edit::Palette("ember".to_owned()), title("Morning Brew", 0, 3)],
            ),
            ("use a male voice", vec![speak(Some(Gender::Male), None)]),
            ("make the voiceover slower", vec![speak(None, Some(Pace::By(1.0 / 1.2)))]),
            ("set the pace to 1.5", vec![speak(None, Some(Pace::To(1.5)))]),
            ("a male voice and pace 1.5", vec![speak(Some(Gender::Male), Some(Pace::To(1.5)))]),
            ("不要字幕", vec![Edit::Captions(false)]),
            ("加标题「早晨」", vec![title("早晨", 0, 3)]),
        ] {
            let asked = Asked::Edits { edits, not_understood: Vec::new() };
            assert_eq!(understand(message), asked, "{message}");
        }
    }

    #[test]
    fn an_undo_says_how_far() {
        for (message, steps) in
            [("undo", 1), ("Undo that", 1), ("undo the last 3 changes", 3), ("撤销", 1)]
        {
            assert_eq!(understand(message), Asked::Undo(steps), "{message}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        assert_eq!(understand("what can you do?"), Asked::Help);
        for message in [
            "",
            "…",
            "What is the weather like?",
            "make me a video about cats",
            "add a status bar graphic",
            "I love it",
            "make it pop",
        ] {
            assert_eq!(understand(message), Asked::Unknown, "{message}");
        }
        let Asked::Edits { edits, not_understood } = understand("mute the music, add fireworks")
        else {
            panic!("nothing understood");
        };
        assert_eq!(edits.len(), 1);
        assert_eq!(not_understood, ["add fireworks"]);
    }
}
