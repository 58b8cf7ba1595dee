//! The agent: plain code that understands a few sentences. No model is asked; there is no AI in
//! it, and it says so when it is asked what it can do. It speaks English and Chinese: one grammar,
//! whose tables hold the words of both, and an answer in the language of the message.
//!
//! | file | holds |
//! |---|---|
//! | `understand` | a message → what is asked for: a voiceover, edits, an undo, help, or nothing known |
//! | `script` | where in a message the script begins |
//! | `phrase` | quotes, clauses, words, times: what the readers of sentences share |
//! | `order` | whether a clause asks for something, or merely says something |
//! | `settings` | voice, language, pace, shape, captions, title: what a voiceover is ordered with |
//! | `languages` | languages by their names and by the characters of a script |
//! | `edits` | one clause → one edit |
//! | `document` | an uploaded TXT or DOCX → a script |
//! | `compose` | tracks of a draft: put, replaced, removed |
//! | `cut` | a stretch of time taken out of a draft |
//! | `apply` | one edit on a draft, and what to say about it |
//! | `answers` | everything that is said, in English and Chinese |
//! | `gui` | talk of buttons and panels, as the service's agent does |
//! | `turn` | one message from beginning to end: work, state, events, credits |
//! | `events` | what a turn says, in the shape of the agent server |

mod answers;
mod apply;
mod compose;
mod cut;
mod document;
mod edits;
mod events;
mod gui;
mod languages;
mod order;
mod phrase;
mod script;
mod settings;
mod turn;
mod understand;

pub(super) use events::Emitter;
pub(super) use turn::{Turn, price};
pub(super) use understand::understand;
