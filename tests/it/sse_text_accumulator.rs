//! The accumulated text is complete and contains no part twice, however it is split into partial
//! texts and whichever agents write in between.

use nemovideo::protocol::event::{AgentEvent, TextAccumulator, TextDelta};
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

/// Reads an event from a notation: `+a` is a partial text, `=a` a whole one, and `!` a tool's
/// result; `x1+a` names the author and the id of the event too.
fn noted(notation: &str) -> AgentEvent {
    let data = if let Some(at) = notation.find(['+', '=']) {
        let mut names = notation[..at].chars().map(String::from);
        let (author, id) = (names.next(), names.next());
        let partial = notation[at..].starts_with('+');
        let parts = json!([{ "text": &notation[at + 1..] }]);
        json!({ "content": { "parts": parts }, "author": author, "id": id, "partial": partial })
    } else {
        json!({ "type": "tool_result", "name": "f", "result": "ok" })
    };
    let mut events = AgentEvent::decode("message", &data.to_string());
    events.pop().expect("an event")
}

#[test]
fn each_text_is_shown_once() {
    for (case, events, expected) in [
        ("parts and their repetition", "+a |+b|=a b", "a| b"),
        ("whole texts without parts", "=a|=a", "a|a"),
        ("one text after another", "+a|=a|!|+a|+b|=ab|=c", "a|a|b|c"),
        ("a repetition that continues", "+a |=a b", "a| b"),
        ("a repetition in several parts", "+a |+b|=a |=b|=b", "a| b|b"),
        ("a repetition cut short, then the next event", "x1+a b|x1=a |x2=b", "a b|b"),
        ("a repetition cut short, then the next part", "+a b|=a |+b|=b", "a b|b"),
        ("white space around a repetition", "+\na b \n|=a b", "\na b"),
        ("white space after a repetition", "+a |=a \n", "a| \n"),
        ("white space as a part", "+a|+\n|+ b|=a\n b", "a|\n b"),
        ("white space instead of a text", "+\n|=a", "a"),
        ("another text than the parts", "+a x|=a b|=c", "a x|a b|c"),
        ("parts that are never repeated", "+lost", "lost"),
        ("parts that are never repeated, before a tool", "+lost|!|=found", "lost|found"),
        ("parts that are never repeated, before others", "+lost |+a|=a", "lost| a"),
        ("a tool's result before the whole", "+a |+b|!|=a b", "a| b"),
        ("a tool's result before new parts", "+a|!|+b|=b", "a|b"),
        ("after a tool's result, a text that begins like the parts", "+a|!|=a b", "a|a b"),
        ("after a tool's result, one repetition and not more", "+a|!|=a|=a", "a|a"),
        ("parts that name the author, the whole does not", "x1+a |x1+b|=a b", "a| b"),
        ("a whole that names the author, the parts do not", "+a |+b|x1=a b", "a| b"),
        ("parts and both forms", "x1+a |x1+b|x1=a b|=a b", "a| b"),
        ("parts and both forms, the other first", "x1+a |x1+b|=a b|x1=a b", "a| b"),
        ("both forms", "x1=a|=a", "a"),
        ("both forms, the other first", "=a|x1=a", "a"),
        ("both forms, one in several parts", "x1=a |x1=b|=a b", "a |b"),
        ("the same text twice", "x1=a|x2=a", "a|a"),
        ("the same text of two authors", "x1=a|y2=a", "a|a"),
        ("the same text twice in both forms", "x1=a|=a|x2=a|=a", "a|a"),
        ("one form before a tool, the other one after it", "x1=a|!|=a", "a|a"),
        ("one author's parts as another's text", "x1+a|y2=a|x1=a", "a|a"),
        ("agents that talk at once", "x1+a |y2+c |x1+b|y2+d|x1=a b|y2=c d", "a|c| b| d"),
        ("ids that change with each part", "x1+a |x2+b|x3=a b", "a| b"),
    ] {
        let mut texts = TextAccumulator::new();
        let mut shown = Vec::new();
        for event in events.split('|').map(noted) {
            shown.extend(texts.push(&event).and_then(TextDelta::text).map(str::to_owned));
        }
        assert_eq!(shown.join("|"), expected, "{case}: {events:?}");
    }
}

#[test]
fn thoughts_are_kept_apart() {
    let thought = |notation| match noted(notation) {
        AgentEvent::Text(text) => AgentEvent::Thought(text),
        other => other,
    };
    let mut texts = TextAccumulator::new();
    assert_eq!(texts.push(&thought("+hm")), Some(TextDelta::Thought("hm")));
    assert_eq!(texts.push(&noted("=hm")), Some(TextDelta::Text("hm")));
    assert_eq!(texts.push(&thought("=hm")), None);
    assert_eq!(texts.push(&AgentEvent::Heartbeat), None);
}
