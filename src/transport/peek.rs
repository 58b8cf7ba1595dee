//! The first bytes of a response whose content type does not say what it is: proxies drop and
//! replace content types, and what is behind them may be paid for.

use bytes::{Bytes, BytesMut};

use crate::protocol::event::AgentEvent;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The start of a body, up to where it shows what the body is.
#[derive(Debug, Default)]
pub(super) struct BodyStart {
    bytes: BytesMut,
    object: ObjectEnd,
}

/// What a body is by its start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// Too short to tell.
    Undecided,
    /// An object that is no event: an error response, if it is one.
    Object,
    /// A page.
    Markup,
    /// Anything else, which may hold events.
    Stream,
}

impl BodyStart {
    pub(super) fn push(&mut self, chunk: &[u8]) -> BodyKind {
        self.bytes.extend_from_slice(chunk);
        if BYTE_ORDER_MARK.starts_with(&self.bytes) {
            return BodyKind::Undecided;
        }
        let begin = self.begin();
        match self.bytes.get(begin) {
            None => BodyKind::Undecided,
            Some(b'<') => BodyKind::Markup,
            Some(b'{') => match self.object.find(&self.bytes, begin) {
                None => BodyKind::Undecided,
                Some(end) if is_event(&self.bytes[begin..end]) => BodyKind::Stream,
                Some(_) => BodyKind::Object,
            },
            Some(_) => BodyKind::Stream,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the first object, once it is complete.
    pub(super) fn object(&self) -> &[u8] {
        self.bytes.get(self.begin()..self.object.at).unwrap_or_default()
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }

    /// Returns the position after a byte order mark and white space.
    fn begin(&self) -> usize {
        let mark = usize::from(self.bytes.starts_with(BYTE_ORDER_MARK)) * BYTE_ORDER_MARK.len();
        let blank = self.bytes[mark..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        mark + blank
    }
}

/// The largest object that is tried as an event.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// Whether an object is an event of the agent, rather than an error or something else.
fn is_event(object: &[u8]) -> bool {
    if object.len() > MAX_EVENT_BYTES {
        return false;
    }
    let events = AgentEvent::decode("message", &String::from_utf8_lossy(object));
    events.iter().any(|event| !matches!(event, AgentEvent::Error(_) | AgentEvent::Unknown(_)))
}

/// Looks for the end of an object, at each byte once.
#[derive(Debug, Default)]
struct ObjectEnd {
    at: usize,
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl ObjectEnd {
    fn find(&mut self, bytes: &[u8], begin: usize) -> Option<usize> {
        self.at = self.at.max(begin);
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1;
            if self.is_escaped {
                self.is_escaped = false;
                continue;
            }
            match (self.is_in_string, byte) {
                (true, b'\\') => self.is_escaped = true,
                (_, b'"') => self.is_in_string = !self.is_in_string,
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(self.at);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_body_shows_what_it_is_however_it_is_split() {
        for (body, kind) in [
            ("", BodyKind::Undecided),
            (" \r\n", BodyKind::Undecided),
            ("{\"code\":0,\"data\":{", BodyKind::Undecided),
            ("{\"code\":\"}\\\"", BodyKind::Undecided),
            ("<!doctype html><html>", BodyKind::Markup),
            ("\u{feff}\n<html>", BodyKind::Markup),
            ("data: {}\n\n", BodyKind::Stream),
            (": comment\n\n", BodyKind::Stream),
            ("[{\"type\":\"text\",\"content\":\"a\"}]", BodyKind::Stream),
            ("{\"type\":\"text\",\n \"content\":\"}\\\"\"}\n", BodyKind::Stream),
            ("\u{feff}{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"x\":NaN}", BodyKind::Stream),
            ("{\"code\":1002}\n", BodyKind::Object),
            ("{\"code\":0,\"message\":\"{\"}", BodyKind::Object),
            ("{\"detail\":\"Session not found: s\"}", BodyKind::Object),
        ] {
            for size in [1, 2, 7, 100] {
                let mut start = BodyStart::default();
                let mut last = start.push(b"");
                for chunk in body.as_bytes().chunks(size) {
                    last = start.push(chunk);
                    if last != BodyKind::Undecided {
                        break;
                    }
                }
                assert_eq!(last, kind, "{body:?} in chunks of {size}");
                if last == BodyKind::Object {
                    assert!(body.trim().contains(str::from_utf8(start.object()).unwrap()));
                    assert!(start.object().ends_with(b"}"), "{body:?}");
                }
            }
        }
    }
}
