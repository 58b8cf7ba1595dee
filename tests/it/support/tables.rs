//! Tables of sentences, and the words in which they name what is found in one.

use nemovideo::project::{Intent, Suggestion};

/// Returns the cells of each row of a table, in which `\n` stands for a line end.
pub(crate) fn rows(table: &'static str) -> impl Iterator<Item = Vec<String>> {
    let cells = |line: &str| line.split('\t').map(|cell| cell.replace("\\n", "\n")).collect();
    table.lines().filter(|line| !line.starts_with('#')).map(cells)
}

pub(crate) fn label(intent: &Intent) -> &'static str {
    match intent {
        Intent::Export(_) => "export",
        Intent::Subtitles(_) => "subtitles",
        Intent::Credits => "credits",
        Intent::State => "state",
        Intent::Upload(_) => "upload",
        _ => "message",
    }
}

pub(crate) fn kind(suggestion: &Suggestion) -> &'static str {
    match suggestion {
        Suggestion::Export => "export",
        Suggestion::ShowState => "state",
        Suggestion::SendEdit(_) => "edit",
        Suggestion::ShowCredits => "credits",
        Suggestion::Upload => "upload",
        _ => "other",
    }
}
