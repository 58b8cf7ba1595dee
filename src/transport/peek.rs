//! The first bytes of a response whose content type does not say what it is: proxies drop and
//! replace content types, and what is behind them may be paid for.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::protocol::event::AgentEvent;
use crate::sse::{DEFAULT_LIMIT, ObjectScanner};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The start of a body, up to where it shows what the body is. White space before everything else
/// is not kept, since a server may send it without end.
#[derive(Debug, Default)]
pub(super) struct BodyStart {
    bytes: BytesMut,
    object: ObjectScanner,
    /// How many bytes the scanner has read.
    scanned: usize,
    /// The length of the first object, once it is complete.
    object_len: Option<usize>,
}

/// What a body is by its start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// Too short to tell. If it ends here, it may be an error response: see
    /// [`BodyStart::object`].
    Undecided,
    /// A page.
    Markup,
    /// Anything else, which may hold events.
    Stream,
}

impl BodyStart {
    pub(super) fn push(&mut self, chunk: &[u8]) -> BodyKind {
        self.bytes.extend_from_slice(chunk);
        if self.scanned == 0 {
            if self.bytes.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.bytes)
            {
                return BodyKind::Undecided;
            }
            if self.bytes.starts_with(BYTE_ORDER_MARK) {
                self.bytes.advance(BYTE_ORDER_MARK.len());
            }
            let blank = self.bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.bytes.advance(blank);
        }
        match self.bytes.first() {
            None => BodyKind::Undecided,
            Some(b'<') => BodyKind::Markup,
            Some(b'{') => self.scan(),
            Some(_) => BodyKind::Stream,
        }
    }

    /// Reads an object, each byte once.
    fn scan(&mut self) -> BodyKind {
        while self.object_len.is_none() && self.scanned < self.bytes.len() {
            let is_end = self.object.push(self.bytes[self.scanned]);
            self.scanned += 1;
            if is_end {
                self.object_len = Some(self.scanned);
                if is_event(&self.bytes[..self.scanned]) {
                    return BodyKind::Stream;
                }
            }
        }
        let rest = &self.bytes[self.scanned..];
        let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        // The rest is read once, too.
        self.scanned += blank;
        match self.scanned < self.bytes.len() || self.bytes.len() > DEFAULT_LIMIT {
            true => BodyKind::Stream,
            false => BodyKind::Undecided,
        }
    }

    /// Whether nothing but white space was read.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the object that is no event, if it is complete and all that was read.
    pub(super) fn object(&self) -> Option<&[u8]> {
        self.object_len.map(|len| &self.bytes[..len])
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }
}

/// Whether an object is an event of the agent, rather than an error or something else.
fn is_event(object: &[u8]) -> bool {
    let events = AgentEvent::decode("message", &String::from_utf8_lossy(object));
    events.iter().any(|event| !matches!(event, AgentEvent::Error(_) | AgentEvent::Unknown(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_body_shows_what_it_is_however_it_is_split() {
        let whole = "{\"code\":0,\"message\":\"{\"}";
        let detail = "{\"detail\":\"Session not found: s\"}";
        for (body, kind, object) in [
            ("", BodyKind::Undecided, None),
            (" \r\n", BodyKind::Undecided, None),
            ("{\"code\":0,\"data\":{", BodyKind::Undecided, None),
            ("{\"code\":\"}\\\"", BodyKind::Undecided, None),
            ("<!doctype html><html>", BodyKind::Markup, None),
            ("\u{feff}\n<html>", BodyKind::Markup, None),
            ("data: {}\n\n", BodyKind::Stream, None),
            (": comment\n\n", BodyKind::Stream, None),
            ("[{\"type\":\"text\",\"content\":\"a\"}]", BodyKind::Stream, None),
            ("{\"type\":\"text\",\n \"content\":\"}\\\"\"}\n", BodyKind::Stream, None),
            (
                "\u{feff}{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"x\":NaN}",
                BodyKind::Stream,
                None,
            ),
            ("{\"code\":1002}\n", BodyKind::Undecided, Some("{\"code\":1002}")),
            ("\u{feff} \n{\"code\":1002} \n\n", BodyKind::Undecided, Some("{\"code\":1002}")),
            (whole, BodyKind::Undecided, Some(whole)),
            (detail, BodyKind::Undecided, Some(detail)),
            // An error in a stream.
            ("{\"code\":429,\"message\":\"busy\"}\n\n{", BodyKind::Stream, None),
            ("{\"code\":1001}{\"type\":\"text\"", BodyKind::Stream, None),
            ("{\"code\":1001}\ndata: {}\n\n", BodyKind::Stream, None),
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
                if kind == BodyKind::Undecided {
                    let found = start.object().map(|object| str::from_utf8(object).unwrap());
                    assert_eq!(found, object, "{body:?} in chunks of {size}");
                }
            }
        }
    }

    #[test]
    fn a_body_that_never_shows_what_it_is_does_not_fill_the_memory() {
        let mut start = BodyStart::default();
        for _ in 0..100_000 {
            assert_eq!(start.push(b"\n"), BodyKind::Undecided);
        }
        assert!(start.is_empty() && start.into_bytes().is_empty());
        for open in ["{\"code\":0,\"data\":[", "{\"code\":1001}"] {
            let mut start = BodyStart::default();
            assert_eq!(start.push(open.as_bytes()), BodyKind::Undecided);
            let blank = [b' '; 4096];
            let chunks = (1..).take_while(|_| start.push(&blank) == BodyKind::Undecided).count();
            assert!(chunks * blank.len() <= DEFAULT_LIMIT, "{open}");
            assert!(start.into_bytes().starts_with(open.as_bytes()));
        }
    }
}
