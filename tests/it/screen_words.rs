//! Regression tests of the screen filter: no instruction for a screen reaches the user, and no
//! content is lost with it. The table was used to tune the patterns, so it measures nothing else.

use nemovideo::project::{FilteredMessage, FilteredText, GuiFilter, Suggestion, filter_gui};
use proptest::prelude::*;

use crate::support::tables::{kind, rows};

const TABLE: &str = include_str!("../data/gui.tsv");

fn words(suggestions: &[Suggestion]) -> String {
    let words: Vec<_> = suggestions.iter().map(kind).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(",") }
}

fn in_pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> FilteredMessage {
    let mut filter = GuiFilter::new();
    let mut out = FilteredMessage::default();
    let mut add = |pieces: Vec<FilteredText>| {
        for piece in pieces {
            match piece {
                FilteredText::Text(text) => out.text.push_str(&text),
                FilteredText::Suggestion(suggestion) => out.suggestions.push(suggestion),
                _ => unreachable!("a kind of piece that is not known here"),
            }
        }
    };
    for piece in pieces {
        add(filter.push(piece));
    }
    add(filter.finish());
    out
}

fn by_characters(text: &str) -> FilteredMessage {
    in_pieces(text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]))
}

#[test]
fn each_sentence_of_the_tuned_table_keeps_its_content_and_loses_the_screen() {
    let rows: Vec<_> = rows(TABLE).collect();
    assert!(rows.len() >= 80, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let [said, text, suggestions] = &row[..] else { panic!("{row:?}") };
        let found = filter_gui(said);
        if found.text != *text || words(&found.suggestions) != *suggestions {
            wrong.push(format!("{said:?}\n   gives {:?} {:?}", found.text, found.suggestions));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn what_is_to_be_sent_as_a_message_is_what_the_agent_said() {
    // Content behind the instruction: the sentence stays.
    let text = "I cut it to 3.5 s. Please drag the title to the end, it fits there.";
    let said = filter_gui(text);
    assert_eq!(said.text, text);
    assert_eq!(said.suggestions, [Suggestion::SendEdit("Please drag the title to the end".into())]);
}

#[test]
fn a_suggestion_comes_once() {
    let said = filter_gui("Click Export. Done? Press the Export button!");
    assert_eq!(said, filter_gui("Click Export. Done?"));
    assert_eq!(said.suggestions, [Suggestion::Export]);
}

#[test]
fn a_sentence_is_out_as_soon_as_it_ends() {
    let mut filter = GuiFilter::new();
    let mut shown = String::new();
    let text =
        "Dr. Lee's clip is 3.5 s long. It is warm! \nReady?\n片头换好了。音乐也加好了！- a list\n";
    let ends = ["long. ", "warm! ", "Ready?\n", "了。", "了！", "list\n"];
    let mut expected = ends.iter().map(|end| text.find(end).unwrap() + end.len());
    let mut next = expected.next();
    for (at, c) in text.char_indices() {
        for piece in filter.push(c.encode_utf8(&mut [0; 4])) {
            let FilteredText::Text(piece) = piece else { panic!("{piece:?}") };
            shown.push_str(&piece);
        }
        if next == Some(at + c.len_utf8()) {
            assert_eq!(shown, text[..at + c.len_utf8()].trim_end());
            next = expected.next();
        }
    }
    assert_eq!(next, None);
}

#[test]
fn a_sentence_without_end_is_not_held_back() {
    let mut filter = GuiFilter::new();
    let word = "and so on ";
    let mut shown = 0;
    for at in 1..=1000 {
        for piece in filter.push(word) {
            let FilteredText::Text(text) = piece else { panic!("{piece:?}") };
            shown += text.len();
        }
        assert!(at * word.len() - shown <= 1000 + word.len());
    }
}

#[test]
fn the_temporary_issue_is_dropped_behind_other_text_and_kept_before_it() {
    for issue in ["I encountered a temporary issue", "我遇到了一个临时问题，请稍后再试。"]
    {
        assert_eq!(filter_gui(&format!("Done.\n\n{issue}\n")).text, "Done.\n");
        // A suggestion is not part of the text.
        let offered = filter_gui(&format!("Click Export. {issue}"));
        assert_eq!(
            (offered.text.as_str(), &*offered.suggestions),
            (issue, &[Suggestion::Export][..])
        );
        let after = format!("{issue}\nPlease refresh the page.\n");
        assert_eq!(filter_gui(&after).text, format!("{issue}\n"));
        assert_eq!(by_characters(&after), filter_gui(&after));
        assert_eq!(filter_gui(issue).text, issue);
        let before = format!("{issue}\nI tried again: done.");
        assert_eq!(filter_gui(&before).text, before);
    }
}

#[test]
fn a_message_holds_the_steps_around_the_order() {
    for (said, message) in [
        ("Please select the clip and press Delete.", "Please select the clip and press Delete"),
        ("Right click the clip, then choose Split.", "Right click the clip, then choose Split"),
        (
            "Select the title on the timeline and press Delete.",
            "Select the title on the timeline and press Delete",
        ),
    ] {
        assert_eq!(filter_gui(said).suggestions, [Suggestion::SendEdit(message.into())]);
    }
}

#[test]
fn a_long_line_of_nothing_but_joints_is_read() {
    for unit in [
        "click a and ",
        "click it and ",
        "so you can watch it by ",
        "片头好了请",
        "点击导出请",
        "(\"",
    ] {
        for line in [95, 950, 9500] {
            let text = (unit.repeat(line / unit.len()) + "\n").repeat(100_000 / line);
            assert!(filter_gui(&text).text.len() <= text.len());
        }
    }
}

/// Sentences of the table and text that is hard to cut, in any order.
fn agent_text() -> impl Strategy<Value = String> {
    let said: Vec<String> = rows(TABLE).map(|mut row| row.swap_remove(0)).collect();
    let hard = [
        "…",
        "3.5",
        "e.g.",
        "“",
        "”",
        "\"",
        "。",
        "！",
        "click",
        "点击导出",
        "**",
        "```\n",
        "> ",
        "👍🏽",
        "سلام",
        "(",
        ")",
        "Narration:",
        ", ",
        "，",
        " and ",
        "Click Export",
        ".",
        "!",
        "\r\n",
        "1. ",
        "- ",
    ];
    let piece = prop_oneof![
        3 => prop::sample::select(said),
        2 => prop::sample::select(hard.map(str::to_owned).to_vec()),
        1 => "\\PC{0,8}",
    ];
    let gap = prop::sample::select(vec!["", " ", "\n", "\n\n", "  "]);
    prop::collection::vec((piece, gap), 0..8)
        .prop_map(|parts| parts.into_iter().map(|(piece, gap)| piece + gap).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn where_the_text_is_cut_changes_nothing(text in agent_text(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let whole = filter_gui(&text);
        prop_assert_eq!(&by_characters(&text), &whole);
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&ends)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        prop_assert_eq!(&in_pieces(cuts.windows(2).map(|cut| &text[cut[0]..cut[1]])), &whole);
    }

    #[test]
    fn a_filtered_text_is_not_filtered_again(text in agent_text()) {
        let once = filter_gui(&text);
        let twice = filter_gui(&once.text);
        prop_assert_eq!(&twice.text, &once.text, "from {:?}", text);
    }

    #[test]
    fn text_without_a_word_of_a_screen_stays_byte_for_byte(text in "[ a-z,.!?\n。，！的了好\"“”()*:👍🏽سلام0-9…-]{0,80}") {
        let found = filter_gui(&text);
        if found.suggestions.is_empty() {
            prop_assert_eq!(found.text, text);
        }
    }
}
