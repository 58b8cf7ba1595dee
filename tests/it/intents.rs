//! Regression tests of the routing over a labelled table. The table was used to tune the phrases, so
//! its figures say nothing about sentences that were not seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nemovideo::Aspect;
use nemovideo::project::{ExportRequest, Intent};
use proptest::prelude::*;

use crate::support::tables::{label, rows};

const TABLE: &str = include_str!("../data/intents.tsv");
const LABELS: [&str; 6] = ["export", "subtitles", "credits", "state", "upload", "message"];

/// What the table says of the details, written from what was found.
fn details(intent: &Intent) -> String {
    let mut details = Vec::new();
    match intent {
        Intent::Export(ExportRequest { format, quality, aspect, resolution, file, .. }) => {
            details.extend(file.as_ref().map(|file| format!("file={}", file.display())));
            details.extend(format.as_ref().map(|format| format!("format={format}")));
            details.extend(quality.as_ref().map(|quality| format!("quality={quality}")));
            details.extend(aspect.map(|aspect| format!("aspect={aspect}")));
            details.extend(resolution.map(|lines| format!("size={lines}")));
        }
        Intent::Subtitles(format) => details.push(format!("format={}", format.as_str())),
        Intent::Upload(hint) => {
            let counts = [("files", hint.files.len()), ("urls", hint.urls.len())];
            let named = counts.iter().filter(|(_, count)| *count > 0);
            details.extend(named.map(|(name, count)| format!("{name}={count}")));
        }
        _ => {}
    }
    details.sort();
    details.join(" ")
}

/// How often a label was right, wrongly given, and missed.
#[derive(Clone, Copy, Default)]
struct Score {
    right: u32,
    wrong: u32,
    missed: u32,
}

impl Score {
    fn precision(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.wrong).max(1))
    }

    fn recall(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.missed).max(1))
    }
}

#[test]
fn precision_and_recall_over_the_tuned_table_are_at_least_95_percent_for_each_intent() {
    let rows: Vec<_> = rows(TABLE).collect();
    assert!(rows.len() >= 150, "{} rows", rows.len());
    let is_third = |at: usize| at % 3 == 2;
    let mut report = String::new();
    let mut low = Vec::new();
    for (part, belongs) in
        [("all", Box::new(|_| true) as Box<dyn Fn(usize) -> bool>), ("thirds", Box::new(is_third))]
    {
        let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
        for (_, row) in rows.iter().enumerate().filter(|(at, _)| belongs(*at)) {
            let (expected, sentence) = (row[0].as_str(), &row[1]);
            let found = label(&Intent::of(sentence));
            if found == expected {
                scores.entry(found).or_default().right += 1;
                continue;
            }
            scores.entry(found).or_default().wrong += 1;
            scores.entry(expected).or_default().missed += 1;
            if part == "all" {
                writeln!(report, "{sentence:?} is {found}, not {expected}").unwrap();
            }
        }
        let mut total = Score::default();
        for name in LABELS {
            let score = scores.get(name).copied().unwrap_or_default();
            total.right += score.right;
            total.wrong += score.wrong;
            total.missed += score.missed;
            let (precision, recall) = (score.precision(), score.recall());
            let count = score.right + score.missed;
            writeln!(report, "{part:8} {name:8} {count:3} sentences, precision {precision:.3}, recall {recall:.3}")
                .unwrap();
            if precision.min(recall) < 0.95 {
                low.push((part, name));
            }
        }
        writeln!(
            report,
            "{part:8} overall  precision {:.3}, recall {:.3}",
            total.precision(),
            total.recall()
        )
        .unwrap();
    }
    println!("{report}");
    assert!(low.is_empty(), "below 0.95: {low:?}\n{report}");
}

#[test]
fn an_order_carries_what_was_said_of_it() {
    for row in rows(TABLE) {
        let intent = Intent::of(&row[1]);
        if label(&intent) != row[0] {
            continue;
        }
        let mut expected: Vec<&str> = row[2..].iter().flat_map(|d| d.split_whitespace()).collect();
        expected.sort_unstable();
        assert_eq!(details(&intent), expected.join(" "), "{:?}", row[1]);
    }
}

#[test]
fn what_is_asked_of_the_service_is_what_was_said() {
    let Intent::Export(export) = Intent::of("export it as a wav, in square, 480p") else {
        panic!("an export")
    };
    let output = serde_json::to_value(export.output()).unwrap();
    assert_eq!(output, serde_json::json!({"format": "wav", "quality": "low", "aspect": "1:1"}));
    assert_eq!(export.aspect, Some(Aspect::Square));
    let plain = serde_json::to_value(ExportRequest::default().output()).unwrap();
    assert_eq!(plain, serde_json::json!({"format": "mp4", "quality": "high"}));
}

/// Sentences that are orders, of which something more makes a message.
fn order() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["export it", "show credits", "status?", "upload", "导出视频", "余额"])
}

proptest! {
    #[test]
    fn an_order_in_quotation_marks_is_a_message(order in order()) {
        for (open, close) in [("\"", "\""), ("“", "”"), ("「", "」"), ("'", "'"), ("`", "`")] {
            prop_assert_eq!(Intent::of(&format!("{open}{order}{close}")), Intent::Message);
        }
    }

    #[test]
    fn one_word_that_is_not_understood_makes_it_a_message(order in order(), word in "q[a-z]{2,8}z") {
        prop_assert_eq!(Intent::of(&format!("{order} {word}")), Intent::Message);
        prop_assert_eq!(Intent::of(&format!("{word} {order}")), Intent::Message);
    }

    #[test]
    fn letter_case_and_full_stops_change_nothing(order in order(), end in "[.!?。！？ ]{0,3}") {
        let loud = format!(" {}{end}", order.to_uppercase());
        prop_assert_eq!(Intent::of(&loud), Intent::of(order));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,60}", order in order()) {
        let _ = Intent::of(&text);
        let _ = Intent::of(&format!("{order}{text}"));
    }
}
