//! The agent: plain code that understands a number of sentences, without any model or AI, as it
//! says itself. It speaks English and Chinese with one grammar and replies in the language of the
//! message.
//!
//! | file | holds |
//! |---|---|
//! | `parse` | a message → an instruction: a voiceover and its script, edits, an undo, help |
//! | `phrase` | a phrase: its numbers and times, and the edit or the options that it means |
//! | `words` | the vocabulary, as data |
//! | `ask` | the questions of the agent, and the answers to them |
//! | `edit` | the effect of an edit on a draft |
//! | `looks` | captions' style, music under speech, chapters, recordings |
//! | `scenes` | images for paragraphs |
//! | `speak` | every message of the agent in both languages, as data |
//! | `document` | an uploaded TXT or DOCX → a script |
//! | `turn` | a message from beginning to end: work, state, events, credits |

mod ask;
mod document;
mod edit;
mod looks;
mod parse;
mod phrase;
mod scenes;
mod speak;
mod turn;
mod words;

pub(super) use ask::{AskedBy, OpenQuestions};
#[cfg(fuzzing)]
pub use document::document_text;
pub(super) use parse::{Instruction, parse};
pub(super) use turn::{AgentTurn, Emitter};
