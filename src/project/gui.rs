//! What the agent says, without the screen it believes in. Acting on a suggestion is left to the
//! caller.
//!
//! | file | holds |
//! |---|---|
//! | `split` | pieces of a stream → whole sentences, and where they stand |
//! | `script` | the lines that are content whatever they say: scripts, quotations, code |
//! | `clause` | one sentence → what stays of it, and what it suggests |
//! | `divide` | one sentence → its clauses |
//! | `english`, `chinese` | one clause → whether it tells the user to use the screen |
//! | `trouble` | the "temporary issue" that trails behind normal answers |

mod chinese;
mod clause;
mod divide;
mod english;
mod script;
mod split;
mod trouble;

use script::Script;
use split::{Sentence, Splitter};

/// Something that the agent told the user to do on a screen, and that the API does instead.
///
/// ```
/// use nemovideo::project::{Suggestion, translate};
///
/// let said = translate("Check your account for the balance. Drag the title to the start.");
/// assert_eq!(said.suggestions[0], Suggestion::ShowCredits);
/// assert!(matches!(said.suggestions[1], Suggestion::SendEdit(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suggestion {
    /// "click Export": make the file.
    Export,
    /// "open the panel", "preview it in the timeline": tell what is on the timeline.
    ShowState,
    /// "drag the title to the start", "click Apply": send it as a message, here in the agent's
    /// own words.
    SendEdit(String),
    /// "check your account": tell how many credits there are.
    ShowCredits,
    /// "drop your file here": upload a file.
    Upload,
}

/// A piece of what the agent says, in its order.
///
/// ```
/// use nemovideo::project::{GuiTranslator, Piece};
///
/// let (mut translator, mut shown) = (GuiTranslator::new(), String::new());
/// let mut pieces = translator.push("I cut the intro. Click Export to sa");
/// pieces.extend(translator.push("ve it. The music is softer now."));
/// pieces.extend(translator.finish());
/// for piece in pieces {
///     match piece {
///         Piece::Text(text) => shown += &text,
///         Piece::Suggestion(offer) => shown += &format!(" [{offer:?}]"),
///         _ => {}
///     }
/// }
/// assert_eq!(shown, "I cut the intro. [Export] The music is softer now.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// To show as it is, spaces and line ends included.
    Text(String),
    /// To offer. Each one comes once.
    Suggestion(Suggestion),
}

/// A whole answer, translated.
///
/// ```
/// use nemovideo::project::{Suggestion, translate};
///
/// let said = translate("Click Export to save it. It is 9:16 now. Click the Export button!");
/// assert_eq!(said.text, "It is 9:16 now.");
/// assert_eq!(said.suggestions, [Suggestion::Export]); // said twice, and once is enough
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Translated {
    /// What is left to show.
    pub text: String,
    /// What the rest said, each once, in its order.
    pub suggestions: Vec<Suggestion>,
}

/// Translates a whole answer at once.
///
/// ```
/// use nemovideo::project::{Suggestion, translate};
///
/// let said = translate("片头剪到3.5秒了。您可以在时间轴中预览效果，然后点击“导出”。");
/// assert_eq!(said.text, "片头剪到3.5秒了。");
/// assert_eq!(said.suggestions, [Suggestion::ShowState, Suggestion::Export]);
///
/// let content = "The intro opens with a click sound.";
/// assert_eq!(translate(content).text, content);
/// ```
#[must_use]
pub fn translate(text: &str) -> Translated {
    let mut translator = GuiTranslator::new();
    let mut translated = Translated::default();
    for piece in translator.push(text).into_iter().chain(translator.finish()) {
        match piece {
            Piece::Text(text) => translated.text.push_str(&text),
            Piece::Suggestion(suggestion) => translated.suggestions.push(suggestion),
        }
    }
    translated
}

/// Takes the words of a screen out of a text that comes in pieces.
///
/// A clause that tells the user to click, open, drag, preview, export or look at their account
/// becomes a [`Suggestion`]; what else the sentence says stays, and every other sentence stays
/// byte for byte. Quotations, quoted lines, code and what follows a label such as `Narration:`
/// are content and are not looked into.
///
/// A sentence comes out as soon as it ends, so no more is held back than the sentence under way,
/// with the space before it. A quotation belongs to its sentence. A sentence of more than 1000
/// bytes instructs nobody: it is passed on as it comes. The one exception is "I encountered a
/// temporary issue", which waits for what follows: at the end of an answer it is noise and
/// dropped; where it is all there is to read, it is kept.
///
/// How the text is cut into pieces does not matter, and a translated text translates to itself.
///
/// ```
/// use nemovideo::project::{GuiTranslator, Piece, Suggestion};
///
/// let mut translator = GuiTranslator::new();
/// assert_eq!(translator.push("I made it warmer. Now cl"), [Piece::Text("I made it warmer.".into())]);
/// assert_eq!(translator.push("ick Export."), []);
/// assert_eq!(translator.finish(), [Piece::Suggestion(Suggestion::Export)]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct GuiTranslator {
    splitter: Splitter,
    script: Script,
    /// The space before sentences that were dropped, until the next one that is not.
    gap: Option<String>,
    /// A temporary issue, until it is known whether it is the end.
    held: String,
    shown: bool,
    last: Fate,
    suggested: Vec<Suggestion>,
}

/// What became of a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Shown,
    Dropped,
}

impl GuiTranslator {
    /// A translator at the beginning of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the text and gives what is ready to be shown.
    pub fn push(&mut self, text: &str) -> Vec<Piece> {
        self.splitter.push(text);
        let mut out = Vec::new();
        while let Some(sentence) = self.splitter.next_sentence() {
            self.take(&sentence, &mut out);
        }
        out
    }

    /// Gives what was held back, at the end of the answer, and begins anew.
    ///
    /// ```
    /// use nemovideo::project::{GuiTranslator, Piece};
    ///
    /// let mut translator = GuiTranslator::new();
    /// assert!(translator.push("I encountered a temp").is_empty()); // held back
    /// let shown = translator.push("orary issue.");
    /// assert!(shown.is_empty());
    /// // All there is, so it is shown.
    /// let said = "I encountered a temporary issue.";
    /// assert_eq!(translator.finish(), [Piece::Text(said.to_owned())]);
    /// ```
    pub fn finish(&mut self) -> Vec<Piece> {
        let mut out = Vec::new();
        let end = self.splitter.finish();
        if !end.text.is_empty() {
            self.take(&end, &mut out);
        }
        // All there is to read: a suggestion is no answer.
        if !self.shown {
            self.release(&mut out);
        }
        // The space behind the last sentence.
        if end.text.is_empty() && (self.shown || self.suggested.is_empty()) {
            show(&end.gap, &mut out);
        }
        *self = Self::default();
        out
    }

    fn take(&mut self, sentence: &Sentence, out: &mut Vec<Piece>) {
        if self.script.holds(sentence) || sentence.is_part {
            return self.say(&sentence.gap, &sentence.text, out);
        }
        let own = sentence.own();
        if self.last == Fate::Dropped && sentence.gap.is_empty() && own.len() < sentence.text.len()
        {
            // The end marks of the sentence that was dropped.
            let rest = Sentence { text: own.to_owned(), ..sentence.clone() };
            if !own.is_empty() {
                self.take(&rest, out);
            }
            return;
        }
        let goes_on = self.last == Fate::Dropped && sentence.is_item();
        let reading = clause::read(&sentence.text, goes_on);
        match &reading.text {
            Some(text) if self.is_trouble(text) => {
                let gap = self.gap_before(text, &sentence.gap);
                self.held.push_str(&gap);
                self.held.push_str(text);
                self.last = Fate::Shown;
            }
            Some(text) => self.say(&sentence.gap, text, out),
            None => {
                self.gap = Some(self.gap(&sentence.gap));
                self.last = Fate::Dropped;
            }
        }
        for suggestion in reading.suggestions {
            if !self.suggested.contains(&suggestion) {
                self.suggested.push(suggestion.clone());
                out.push(Piece::Suggestion(suggestion));
            }
        }
    }

    /// Gives the sentence under way if it seems whole, rather than wait for the space behind it:
    /// something else happens meanwhile.
    pub(super) fn pause(&mut self) -> Vec<Piece> {
        let sentence = self.splitter.ended_sentence();
        self.taken(sentence)
    }

    /// Gives the sentence under way at the end of a text; the answer may go on with another one.
    pub(super) fn end_text(&mut self) -> Vec<Piece> {
        let sentence = self.splitter.rest();
        let out = self.taken(sentence);
        self.script.end_text();
        out
    }

    fn taken(&mut self, sentence: Option<Sentence>) -> Vec<Piece> {
        let mut out = Vec::new();
        if let Some(sentence) = sentence {
            self.take(&sentence, &mut out);
        }
        out
    }

    fn is_trouble(&self, text: &str) -> bool {
        trouble::is_trouble(text) || (!self.held.is_empty() && trouble::is_try_again(text))
    }

    fn say(&mut self, gap: &str, text: &str, out: &mut Vec<Piece>) {
        self.release(out);
        let gap = self.gap_before(text, gap);
        show(&gap, out);
        show(text, out);
        self.shown = true;
        self.last = Fate::Shown;
    }

    /// The issue was not the end, so it was no noise.
    fn release(&mut self, out: &mut Vec<Piece>) {
        let held = std::mem::take(&mut self.held);
        self.shown |= !held.is_empty();
        show(&held, out);
    }

    /// The space before a sentence that is kept. Of the spaces around what was dropped before it,
    /// the wider one stays; at the beginning there is nothing to be apart from.
    fn gap_before(&mut self, text: &str, own: &str) -> String {
        let is_after_drop = self.gap.is_some();
        let is_first = !self.shown && self.held.is_empty();
        let gap = self.gap(own);
        // A Chinese sentence between two others needs no space, but they need one without it.
        let needs_space = is_after_drop && !is_first && text.starts_with(|c| c < '\u{2E80}');
        if needs_space && gap.is_empty() { " ".to_owned() } else { gap }
    }

    fn gap(&mut self, own: &str) -> String {
        let lines = |gap: &str| gap.matches('\n').count();
        match self.gap.take() {
            Some(before) if !self.shown && self.held.is_empty() => before,
            Some(before) if lines(&before) >= lines(own) && !before.is_empty() => before,
            _ => own.to_owned(),
        }
    }
}

/// Adds to the text at the end of what is out.
fn show(text: &str, out: &mut Vec<Piece>) {
    if text.is_empty() {
        return;
    }
    if let Some(Piece::Text(last)) = out.last_mut() {
        last.push_str(text);
    } else {
        out.push(Piece::Text(text.to_owned()));
    }
}
