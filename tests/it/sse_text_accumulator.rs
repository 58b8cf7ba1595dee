//! The accumulated text is complete and contains no part twice, however it is split into partial
//! texts and whichever agents write in between.

use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
use proptest::prelude::*;
use serde_json::json;

/// Short texts of few letters, so that one is often a prefix of another.
fn text() -> impl Strategy<Value = String> {
    "[ab \n🎬]{0,12}"
}

/// A response of an agent: its partial texts, and the parts of the final event that repeats them.
#[derive(Clone, Debug)]
struct AgentResponse {
    parts: Vec<String>,
    partial_texts: Vec<String>,
}

fn response() -> impl Strategy<Value = AgentResponse> {
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..5);
    (prop::collection::vec(text(), 1..4), cuts).prop_map(|(parts, cuts)| {
        let chars: Vec<char> = parts.concat().chars().collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(chars.len() + 1)).collect();
        cuts.extend([0, chars.len()]);
        cuts.sort_unstable();
        let partial_texts =
            cuts.windows(2).map(|cut| chars[cut[0]..cut[1]].iter().collect()).collect();
        AgentResponse { parts, partial_texts }
    })
}

fn event(author: &str, id: usize, parts: &[String], partial: bool) -> String {
    let parts: Vec<_> = parts.iter().map(|text| json!({ "text": text })).collect();
    json!({"content": {"parts": parts, "role": "model"}, "author": author, "id": id, "partial": partial}).to_string()
}

/// Returns the events of an agent's responses: the partial texts of each, then its final event.
fn events_of(author: &str, responses: &[AgentResponse]) -> Vec<String> {
    let mut events = Vec::new();
    for (id, response) in responses.iter().enumerate() {
        for text in &response.partial_texts {
            events.push(event(author, id, std::slice::from_ref(text), true));
        }
        events.push(event(author, id, &response.parts, false));
    }
    events
}

/// Returns the accumulated text of an agent.
fn accumulated(events: &[String], author: &str) -> String {
    let mut accumulator = TextAccumulator::new();
    let mut accumulated = String::new();
    for event in events.iter().flat_map(|data| AgentEvent::decode("message", data)) {
        let AgentEvent::Text(text) = &event else { panic!("{event:?}") };
        let is_own = text.origin.author.as_deref() == Some(author);
        let delta = accumulator.push(&event).and_then(|delta| delta.text());
        accumulated.extend(delta.filter(|_| is_own));
    }
    accumulated
}

fn text_of(responses: &[AgentResponse]) -> String {
    responses.iter().flat_map(|response| &response.parts).map(String::as_str).collect()
}

proptest! {
    #[test]
    fn the_text_is_the_same_with_and_without_partial_texts(
        responses in prop::collection::vec(response(), 0..4),
    ) {
        let with_partial_texts = events_of("a", &responses);
        prop_assert_eq!(accumulated(&with_partial_texts, "a"), text_of(&responses));
        let final_only: Vec<AgentResponse> = responses
            .iter()
            .map(|response| AgentResponse { partial_texts: Vec::new(), ..response.clone() })
            .collect();
        prop_assert_eq!(accumulated(&events_of("a", &final_only), "a"), text_of(&responses));
    }

    #[test]
    fn the_texts_of_two_interleaved_agents_stay_separate(
        a in prop::collection::vec(response(), 0..4),
        b in prop::collection::vec(response(), 0..4),
        order in prop::collection::vec(any::<bool>(), 0..60),
    ) {
        let mut of_a = events_of("a", &a).into_iter();
        let mut of_b = events_of("b", &b).into_iter();
        let mut events: Vec<String> = order
            .iter()
            .filter_map(|is_a| if *is_a { of_a.next() } else { of_b.next() })
            .collect();
        events.extend(of_a.chain(of_b));
        prop_assert_eq!(accumulated(&events, "a"), text_of(&a));
        prop_assert_eq!(accumulated(&events, "b"), text_of(&b));
    }

    #[test]
    fn trailing_white_space_that_the_final_text_lacks_is_omitted(response in response()) {
        let mut events = events_of("a", std::slice::from_ref(&response));
        events.pop();
        let text = response.parts.concat();
        events.push(event("a", 0, &[text.trim_end().to_owned()], false));
        prop_assert_eq!(accumulated(&events, "a"), text.trim_end());
    }
}
