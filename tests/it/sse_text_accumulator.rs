//! Text is shown once and whole, however it is cut into pieces and whoever talks in between.

use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
use proptest::prelude::*;
use serde_json::json;

/// Short texts of few letters, so that one often looks like a part of another.
fn text() -> impl Strategy<Value = String> {
    "[ab \n🎬]{0,12}"
}

/// One answer: its parts as repeated whole at the end, and the pieces before.
#[derive(Clone, Debug)]
struct Answer {
    parts: Vec<String>,
    pieces: Vec<String>,
}

fn answer() -> impl Strategy<Value = Answer> {
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..5);
    (prop::collection::vec(text(), 1..4), cuts).prop_map(|(parts, cuts)| {
        let chars: Vec<char> = parts.concat().chars().collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(chars.len() + 1)).collect();
        cuts.extend([0, chars.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| chars[cut[0]..cut[1]].iter().collect()).collect();
        Answer { parts, pieces }
    })
}

fn event(author: &str, id: usize, parts: &[String], partial: bool) -> String {
    let parts: Vec<_> = parts.iter().map(|text| json!({ "text": text })).collect();
    json!({"content": {"parts": parts, "role": "model"}, "author": author, "id": id, "partial": partial}).to_string()
}

/// The events of one agent's answers: pieces first, then whole.
fn said_by(author: &str, answers: &[Answer]) -> Vec<String> {
    let mut events = Vec::new();
    for (id, answer) in answers.iter().enumerate() {
        for piece in &answer.pieces {
            events.push(event(author, id, std::slice::from_ref(piece), true));
        }
        events.push(event(author, id, &answer.parts, false));
    }
    events
}

/// What is shown of an agent.
fn shown(events: &[String], author: &str) -> String {
    let mut once = TextAccumulator::new();
    let mut shown = String::new();
    for event in events.iter().flat_map(|data| AgentEvent::decode("message", data)) {
        let AgentEvent::Text(text) = &event else { panic!("{event:?}") };
        let ours = text.origin.author.as_deref() == Some(author);
        let fresh = once.push(&event).and_then(|fresh| fresh.text());
        shown.extend(fresh.filter(|_| ours));
    }
    shown
}

fn whole(answers: &[Answer]) -> String {
    answers.iter().flat_map(|answer| &answer.parts).map(String::as_str).collect()
}

proptest! {
    #[test]
    fn pieces_and_whole_show_what_the_whole_alone_shows(
        answers in prop::collection::vec(answer(), 0..4),
    ) {
        let with_pieces = said_by("a", &answers);
        prop_assert_eq!(shown(&with_pieces, "a"), whole(&answers));
        let alone: Vec<Answer> =
            answers.iter().map(|answer| Answer { pieces: Vec::new(), ..answer.clone() }).collect();
        prop_assert_eq!(shown(&said_by("a", &alone), "a"), whole(&answers));
    }

    #[test]
    fn two_agents_at_once_do_not_disturb_each_other(
        a in prop::collection::vec(answer(), 0..4),
        b in prop::collection::vec(answer(), 0..4),
        turns in prop::collection::vec(any::<bool>(), 0..60),
    ) {
        let (mut ours, mut theirs) = (said_by("a", &a).into_iter(), said_by("b", &b).into_iter());
        let mut events: Vec<String> = turns
            .iter()
            .filter_map(|turn| if *turn { ours.next() } else { theirs.next() })
            .collect();
        events.extend(ours.chain(theirs));
        prop_assert_eq!(shown(&events, "a"), whole(&a));
        prop_assert_eq!(shown(&events, "b"), whole(&b));
    }

    #[test]
    fn white_space_that_the_whole_leaves_out_is_left_out(answer in answer()) {
        let mut events = said_by("a", std::slice::from_ref(&answer));
        events.pop();
        let text = answer.parts.concat();
        events.push(event("a", 0, &[text.trim_end().to_owned()], false));
        prop_assert_eq!(shown(&events, "a"), text.trim_end());
    }
}
