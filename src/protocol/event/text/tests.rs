//! What is shown of streams of every form.

use super::*;
use crate::protocol::event::ToolResult;

fn event(kind: TextKind, text: &str) -> TextEvent {
    TextEvent { text: text.to_owned(), kind, origin: Origin::default(), more: false }
}

fn piece(text: &str) -> AgentEvent {
    AgentEvent::Text(event(TextKind::Partial, text))
}

fn whole(text: &str) -> AgentEvent {
    AgentEvent::Text(event(TextKind::Final, text))
}

fn by(author: &str, id: &str, event: AgentEvent) -> AgentEvent {
    let (AgentEvent::Text(mut text) | AgentEvent::Thought(mut text)) = event else {
        panic!("{event:?}");
    };
    text.origin.author = Some(author.to_owned());
    text.origin.event_id = Some(id.to_owned());
    AgentEvent::Text(text)
}

fn result() -> AgentEvent {
    AgentEvent::ToolResult(ToolResult {
        id: None,
        name: "f".to_owned(),
        response: "ok".into(),
        origin: Origin::default(),
    })
}

/// The texts that are shown, one for each event that has something new.
fn shown(events: &[AgentEvent]) -> Vec<String> {
    let mut once = TextAccumulator::new();
    events.iter().filter_map(|event| once.push(event)?.text().map(str::to_owned)).collect()
}

#[test]
fn pieces_and_their_repetition_are_shown_once() {
    assert_eq!(shown(&[piece("a "), piece("b"), whole("a b")]), ["a", " b"]);
}

#[test]
fn a_whole_text_without_pieces_is_shown() {
    assert_eq!(shown(&[whole("a"), whole("a")]), ["a", "a"]);
}

#[test]
fn one_text_after_another_is_shown_each_once() {
    let events =
        [piece("a"), whole("a"), result(), piece("a"), piece("b"), whole("ab"), whole("c")];
    assert_eq!(shown(&events), ["a", "a", "b", "c"]);
}

#[test]
fn a_repetition_that_goes_on_yields_the_rest() {
    assert_eq!(shown(&[piece("a "), whole("a b")]), ["a", " b"]);
}

#[test]
fn a_repetition_in_several_parts_is_no_news() {
    let events = [piece("a "), piece("b"), whole("a "), whole("b"), whole("b")];
    assert_eq!(shown(&events), ["a", " b", "b"]);
}

#[test]
fn a_repetition_cut_short_does_not_swallow_the_next_text() {
    let events = [by("x", "1", piece("a b")), by("x", "1", whole("a ")), by("x", "2", whole("b"))];
    assert_eq!(shown(&events), ["a b", "b"]);
    let events = [piece("a b"), whole("a "), piece("b"), whole("b")];
    assert_eq!(shown(&events), ["a b", "b"]);
}

#[test]
fn white_space_around_a_repetition_is_no_news() {
    assert_eq!(shown(&[piece("\na b \n"), whole("a b")]), ["\na b"]);
    assert_eq!(shown(&[piece("a "), whole("a \n")]), ["a", " \n"]);
    assert_eq!(shown(&[piece("a"), piece("\n"), piece(" b"), whole("a\n b")]), ["a", "\n b"]);
    assert_eq!(shown(&[piece("\n"), whole("a")]), ["a"]);
}

#[test]
fn another_text_than_the_pieces_is_new() {
    assert_eq!(shown(&[piece("a x"), whole("a b"), whole("c")]), ["a x", "a b", "c"]);
}

#[test]
fn pieces_that_are_never_repeated_spoil_nothing() {
    assert_eq!(shown(&[piece("lost"), result(), whole("found")]), ["lost", "found"]);
    assert_eq!(shown(&[piece("lost "), piece("a"), whole("a")]), ["lost", " a"]);
    assert_eq!(shown(&[piece("lost")]), ["lost"]);
}

#[test]
fn pieces_wait_over_a_tools_result_for_their_whole_and_take_no_more() {
    assert_eq!(shown(&[piece("a "), piece("b"), result(), whole("a b")]), ["a", " b"]);
    assert_eq!(shown(&[piece("a"), result(), piece("b"), whole("b")]), ["a", "b"]);
    // What only begins like them is another text.
    assert_eq!(shown(&[piece("a"), result(), whole("a b")]), ["a", "a b"]);
    // One repetition, not more.
    assert_eq!(shown(&[piece("a"), result(), whole("a"), whole("a")]), ["a", "a"]);
}

#[test]
fn a_text_in_both_forms_is_shown_once() {
    let named = |event| by("x", "1", event);
    for events in [
        vec![named(piece("a ")), named(piece("b")), whole("a b")],
        vec![piece("a "), piece("b"), named(whole("a b"))],
        vec![named(piece("a ")), named(piece("b")), named(whole("a b")), whole("a b")],
        vec![named(piece("a ")), named(piece("b")), whole("a b"), named(whole("a b"))],
    ] {
        assert_eq!(shown(&events), ["a", " b"], "{events:?}");
    }
    assert_eq!(shown(&[named(whole("a")), whole("a")]), ["a"]);
    assert_eq!(shown(&[whole("a"), named(whole("a"))]), ["a"]);
    let parts = [named(whole("a ")), named(whole("b")), whole("a b")];
    assert_eq!(shown(&parts), ["a ", "b"]);
}

#[test]
fn a_text_that_is_said_twice_is_shown_twice() {
    assert_eq!(shown(&[by("x", "1", whole("a")), by("x", "2", whole("a"))]), ["a", "a"]);
    assert_eq!(shown(&[by("x", "1", whole("a")), by("y", "2", whole("a"))]), ["a", "a"]);
    // Twice in both forms.
    let events = [by("x", "1", whole("a")), whole("a"), by("x", "2", whole("a")), whole("a")];
    assert_eq!(shown(&events), ["a", "a"]);
    // In one form before a tool, in the other one after it.
    assert_eq!(shown(&[by("x", "1", whole("a")), result(), whole("a")]), ["a", "a"]);
    let events = [by("x", "1", piece("a")), by("y", "2", whole("a")), by("x", "1", whole("a"))];
    assert_eq!(shown(&events), ["a", "a"]);
}

#[test]
fn it_is_known_where_another_text_begins() {
    let events = [
        (piece("a"), true, ""),
        (piece(" b"), false, ""),
        (whole("a b c"), false, ""),
        (whole("d"), true, "\n"),
        (by("x", "1", whole("e ")), true, "\n"),
        (by("x", "1", whole("f")), true, ""),
        (by("x", "2", whole(" g")), true, ""),
        (result(), true, ""),
        (piece("h "), true, "\n"),
    ];
    let mut once = TextAccumulator::new();
    for (event, begins, gap) in &events {
        once.push(event);
        assert_eq!((once.begins(), once.gap()), (*begins, *gap), "{event:?}");
    }
}

#[test]
fn parts_of_one_event_are_one_text_also_without_an_id() {
    let data =
        r#"{"content":{"parts":[{"text":"a"},{"text":", b"},{"inlineData":{}},{"text":"c"}]}}"#;
    let mut once = TextAccumulator::new();
    let mut begun = Vec::new();
    for event in AgentEvent::decode("message", data) {
        once.push(&event);
        begun.push(once.begins());
    }
    assert_eq!(begun, [true, false, false, true]);
}

#[test]
fn agents_that_talk_at_once_are_told_apart() {
    let events = [
        by("x", "1", piece("a ")),
        by("y", "2", piece("c ")),
        by("x", "1", piece("b")),
        by("y", "2", piece("d")),
        by("x", "1", whole("a b")),
        by("y", "2", whole("c d")),
    ];
    assert_eq!(shown(&events), ["a", "c", " b", " d"]);
}

#[test]
fn ids_that_change_with_each_piece_do_not_matter() {
    let events = [by("x", "1", piece("a ")), by("x", "2", piece("b")), by("x", "3", whole("a b"))];
    assert_eq!(shown(&events), ["a", " b"]);
}

#[test]
fn thoughts_are_kept_apart() {
    let mut once = TextAccumulator::new();
    let thought = |kind, text| AgentEvent::Thought(event(kind, text));
    assert_eq!(once.push(&thought(TextKind::Partial, "hm")), Some(TextDelta::Thought("hm")));
    assert_eq!(once.push(&whole("hm")), Some(TextDelta::Text("hm")));
    assert_eq!(once.push(&thought(TextKind::Final, "hm")), None);
    assert_eq!(once.push(&AgentEvent::Heartbeat), None);
}
