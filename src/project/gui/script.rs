//! The lines that are content whatever they say: what follows a label such as `Narration:`,
//! quoted lines and code.

use super::clause;
use super::split::Sentence;

/// The last word of a label whose line, or the block of lines behind it, is to be spoken or shown.
const LABELS: &[&str] = &[
    "narration",
    "narrator",
    "voiceover",
    "voice-over",
    "vo",
    "script",
    "caption",
    "captions",
    "subtitle",
    "subtitles",
    "title",
    "text",
    "line",
    "lines",
    "dialogue",
    "hook",
    "cta",
    "action",
    "intro",
    "outro",
    "headline",
    "tagline",
    "slogan",
    "quote",
    "message",
    "copy",
    "旁白",
    "解说",
    "字幕",
    "标题",
    "文案",
    "台词",
    "脚本",
    "口播",
    "配音",
    "画面",
    "解说词",
    "广告语",
    "内容",
];

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Script {
    fenced: bool,
    open: Open,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    /// Up to the end of the line.
    Line,
    /// Up to an empty line, not counting those between the label and the first words.
    Block { begun: bool },
}

impl Script {
    /// Whether the sentence, the next one of the text, is content for sure.
    pub(super) fn holds(&mut self, sentence: &Sentence) -> bool {
        if !sentence.starts_line {
            return self.fenced || self.open != Open::Nothing;
        }
        let text = sentence.text.as_str();
        if text.starts_with("```") || text.starts_with("~~~") {
            self.fenced = !self.fenced;
            return true;
        }
        if self.fenced {
            return true;
        }
        let empty_line = sentence.gap.matches('\n').count() > 1;
        self.open = match self.open {
            Open::Block { begun } if !(begun && empty_line) => Open::Block { begun: true },
            _ if text.starts_with('>') => Open::Line,
            _ => labelled(text),
        };
        self.open != Open::Nothing
    }

    /// The text is over. Only a label that still waits for its words is about the next one.
    pub(super) fn end_text(&mut self) {
        if self.open != (Open::Block { begun: false }) {
            *self = Self::default();
        }
    }
}

/// What a label at the start of the line opens.
fn labelled(line: &str) -> Open {
    let Some((label, rest)) = line.split_once([':', '：']) else { return Open::Nothing };
    let plain = label.to_lowercase();
    let words: Vec<&str> = plain
        .split(|c: char| !c.is_alphanumeric() && c != '-' && c != '\'')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let first = words.first().copied().unwrap_or_default();
    let last = words.last().copied().unwrap_or_default();
    let is_named = LABELS.iter().any(|label| {
        last == *label || (!label.is_ascii() && last.ends_with(label) && last.chars().count() <= 6)
    });
    let is_short = words.len() <= 3 || ["here", "here's", "this"].contains(&first);
    let is_scene = ["scene", "shot", "slide"].contains(&first) && words.len() <= 3;
    // "Next action: click Export" is no line of a script.
    let is_cover = clause::is_cover(last, rest);
    let is_label = is_scene || (is_named && is_short && !is_cover);
    match rest.chars().any(char::is_alphanumeric) {
        _ if !is_label => Open::Nothing,
        true => Open::Line,
        false => Open::Block { begun: false },
    }
}
