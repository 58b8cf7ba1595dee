//! Text outside of events, which the standard ignores: an error that a server writes without
//! `data:`, and JSON that is no event stream at all.

use std::collections::VecDeque;
use std::mem;

use super::EventTooLarge;

/// Collects bare text. An object is complete with its closing brace, wherever its lines end, so the
/// elements of an array are returned one by one; other text is complete where something else
/// follows.
#[derive(Debug)]
pub(super) struct BareText {
    limit: usize,
    /// The text since the last one that was returned.
    bytes: Vec<u8>,
    state: State,
    is_line_start: bool,
    /// The current text exceeded the limit, was reported and is not kept.
    is_too_large: bool,
    ready: VecDeque<Result<Vec<u8>, EventTooLarge>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Only white space, commas and brackets so far: what is between the objects of an array.
    Between,
    Object(ObjectScanner),
    Text,
}

/// Finds the end of a JSON object, byte by byte from its opening brace on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ObjectScanner {
    depth: usize,
    string: InString,
}

/// The position in an object relative to its strings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum InString {
    #[default]
    Outside,
    Inside,
    AfterBackslash,
}

impl BareText {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            bytes: Vec::new(),
            state: State::Between,
            is_line_start: true,
            is_too_large: false,
            ready: VecDeque::new(),
        }
    }

    /// Returns the next complete text.
    pub(super) fn pop(&mut self) -> Option<Result<Vec<u8>, EventTooLarge>> {
        self.ready.pop_front()
    }

    /// Whether a complete text waits to be returned.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether a text began that is not complete yet.
    pub(super) fn is_open(&self) -> bool {
        self.state != State::Between
    }

    /// Reads a part of a line, without its end.
    pub(super) fn push(&mut self, part: &[u8]) {
        if part.is_empty() {
            return;
        }
        if mem::take(&mut self.is_line_start) && part.starts_with(b"{") && self.is_broken() {
            self.flush();
        }
        for &byte in part {
            if self.state == State::Between && !is_between(byte) {
                self.state = match byte {
                    b'{' => {
                        self.bytes.clear();
                        State::Object(ObjectScanner::default())
                    }
                    _ => State::Text,
                };
            }
            let is_end = match &mut self.state {
                State::Object(object) => object.push(byte),
                State::Between | State::Text => false,
            };
            self.keep(byte);
            if is_end {
                self.complete();
            }
        }
    }

    /// Ends a line of bare text.
    pub(super) fn end_line(&mut self) {
        self.is_line_start = true;
        match self.state {
            State::Between => self.bytes.clear(),
            State::Object(_) | State::Text => self.keep(b'\n'),
        }
    }

    /// Ends the text, because something else follows it.
    pub(super) fn flush(&mut self) {
        match self.state {
            State::Between => self.bytes.clear(),
            State::Text => self.complete(),
            State::Object(_) => self.give_up(),
        }
    }

    /// Whether an object at the start of a line does not continue what is there.
    fn is_broken(&self) -> bool {
        match self.state {
            State::Between => false,
            State::Text => true,
            State::Object(_) => {
                let end = self.bytes.trim_ascii_end().last();
                !matches!(end, Some(b'{' | b'[' | b',' | b':'))
            }
        }
    }

    /// Returns an object that is never closed line by line, since each line may be an object.
    fn give_up(&mut self) {
        let bytes = mem::take(&mut self.bytes);
        let mut rest = Vec::new();
        for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
            if line.starts_with(b"{") && line.ends_with(b"}") {
                self.ready.push_back(Ok(line.to_vec()));
            } else if !line.is_empty() {
                if !rest.is_empty() {
                    rest.push(b'\n');
                }
                rest.extend_from_slice(line);
            }
        }
        if !rest.is_empty() {
            self.ready.push_back(Ok(rest));
        }
        (self.state, self.is_too_large) = (State::Between, false);
    }

    fn keep(&mut self, byte: u8) {
        if self.is_too_large {
            return;
        }
        if self.bytes.len() < self.limit {
            self.bytes.push(byte);
            return;
        }
        self.bytes = Vec::new();
        if self.state != State::Between {
            self.is_too_large = true;
            self.ready.push_back(Err(EventTooLarge { limit: self.limit }));
        }
    }

    fn complete(&mut self) {
        let bytes = mem::take(&mut self.bytes);
        if !mem::take(&mut self.is_too_large) {
            self.ready.push_back(Ok(bytes.trim_ascii().to_vec()));
        }
        self.state = State::Between;
    }
}

/// Whether a byte may stand between the objects of an array.
pub(super) fn is_between(byte: u8) -> bool {
    matches!(byte, b'[' | b']' | b',') || byte.is_ascii_whitespace()
}

impl ObjectScanner {
    /// Reads the next byte, and returns whether it ends the object.
    pub(crate) fn push(&mut self, byte: u8) -> bool {
        match (self.string, byte) {
            (InString::Outside, b'"') => self.string = InString::Inside,
            (InString::Outside, b'{' | b'[') => self.depth += 1,
            (InString::Outside, b'}' | b']') => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            (InString::Outside, _) => {}
            (InString::Inside, b'"') => self.string = InString::Outside,
            (InString::Inside, b'\\') => self.string = InString::AfterBackslash,
            (InString::Inside | InString::AfterBackslash, _) => self.string = InString::Inside,
        }
        false
    }
}
