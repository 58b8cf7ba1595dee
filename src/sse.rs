//! Server-sent events: bytes in, frames out.
//!
//! The [`Decoder`] follows the [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)
//! and does no I/O: pass it the bytes as they arrive, cut anywhere, and it returns the frames as
//! they become complete. Nothing in the bytes ends a stream: invalid UTF-8 is replaced, unknown
//! lines are skipped, and an event that is too large is reported and left out.
//!
//! ```
//! use nemovideo::sse::Decoder;
//!
//! let mut decoder = Decoder::new();
//! let mut data = Vec::new();
//! for chunk in [b"data: {\"type\":\"te".as_slice(), b"xt\"}\r\n\r\ndata: heart", b"beat\n\n: bye"] {
//!     let mut input = chunk;
//!     while let Some(frame) = decoder.next_frame(&mut input) {
//!         data.push(frame?.data.into_owned());
//!     }
//! }
//! assert_eq!(data, [r#"{"type":"text"}"#, "heartbeat"]);
//! # Ok::<(), nemovideo::sse::EventTooLarge>(())
//! ```
//!
//! A server that fails may write its error without `data:`, or send JSON in place of a stream. The
//! standard ignores both; a decoder [with bare text](Decoder::with_bare_text) returns them.

mod bare;

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use memchr::memchr2;

use bare::BareText;
pub(crate) use bare::ObjectScanner;

/// The default limit of bytes in one event: 1 MiB. That is hundreds of times the size of a usual
/// event, and small enough for a client that follows many streams at once.
pub const DEFAULT_LIMIT: usize = 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A complete event of a stream.
///
/// The data is borrowed from the bytes that were passed to the decoder, unless it has several lines,
/// came in several pieces, or is not UTF-8. [`into_owned`](Self::into_owned) copies it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The name of the event; `message` when it has none.
    pub event: Cow<'static, str>,
    /// The data: its lines, joined by line feeds.
    pub data: Cow<'a, str>,
    /// The last id of the stream: this event's own, else the one before it, else empty.
    ///
    /// Frames share it: a stream may set a long id once and then send short events without end.
    pub id: Arc<str>,
    /// The id of this event.
    pub own_id: Option<Arc<str>>,
    /// The reconnection delay that this event sets.
    pub retry: Option<Duration>,
    /// Whether this is text outside of events rather than an event: see
    /// [`Decoder::with_bare_text`].
    pub is_bare: bool,
}

impl Frame<'_> {
    /// Returns the frame with data of its own.
    #[must_use]
    pub fn into_owned(self) -> Frame<'static> {
        Frame { data: Cow::Owned(self.data.into_owned()), ..self }
    }
}

/// An event was larger than the limit of the decoder and was left out. Decoding continues with the
/// next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {limit} bytes and was left out")]
#[non_exhaustive]
pub struct EventTooLarge {
    /// The limit in bytes.
    pub limit: usize,
}

/// An incremental decoder of server-sent events.
///
/// A frame is complete with its blank line, even if that is a bare carriage return after which a
/// line feed may follow. An event in which the stream ends is never complete.
///
/// The decoder looks at each byte once. It keeps nothing of a comment or an unknown field, however
/// long the line is.
///
/// # Events that are too large
/// An event whose data, name and id together exceed the limit is left out, its id included. The
/// decoder returns [`EventTooLarge`] in its place, at the first byte over the limit, and skips to
/// the blank line. So one oversized event costs neither memory nor the rest of the stream. The
/// limit counts bytes as received; each byte that is not UTF-8 becomes three.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    line: Line,
    /// Whether a carriage return has just ended a line: a line feed after it belongs to it.
    after_cr: bool,
    block: Block,
    /// The value of the current line, except data, which is appended to the block directly.
    value: Vec<u8>,
    last_id: Arc<str>,
    /// The length of the data of the last event that came in several pieces: the next one probably
    /// needs as much.
    last_len: usize,
    /// The text outside of events; `None` when it is ignored.
    bare: Option<BareText>,
}

/// The position of the decoder in a line.
#[derive(Debug)]
enum Line {
    /// At the start of the stream, after this many bytes of a byte order mark.
    ByteOrderMark(usize),
    /// In the name of a field. A name longer than the array is not a known one.
    Name { bytes: [u8; 5], len: usize },
    /// After the colon, where one space is not part of the value.
    Colon(Field),
    /// In the value.
    Value(Field),
    /// In a comment, or in an unknown field that is ignored.
    Ignored,
    /// In a line without a known field, which is kept.
    Bare,
}

impl Line {
    const START: Self = Self::Name { bytes: [0; 5], len: 0 };
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Data,
    Event,
    Id,
    Retry,
}

impl Field {
    fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"data" => Some(Self::Data),
            b"event" => Some(Self::Event),
            b"id" => Some(Self::Id),
            b"retry" => Some(Self::Retry),
            _ => None,
        }
    }
}

/// The fields set since the last blank line.
#[derive(Debug, Default)]
struct Block {
    /// `None` until there is a data line; even an empty one makes an event.
    data: Option<Vec<u8>>,
    event: Vec<u8>,
    id: Option<Vec<u8>>,
    retry: Option<Duration>,
    too_large: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Creates a decoder for one stream, with the [`DEFAULT_LIMIT`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// Creates a decoder whose events hold at most `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Line::ByteOrderMark(0),
            after_cr: false,
            block: Block::default(),
            value: Vec::new(),
            last_id: Arc::default(),
            last_len: 0,
            bare: None,
        }
    }

    /// Makes the decoder return text outside of events, too, as frames that
    /// [are bare](Frame::is_bare), instead of ignoring it.
    ///
    /// Each JSON object is a frame, whether it takes one line or several and whether it stands
    /// alone or in an array. Lines of other text are one frame up to whatever else follows them.
    /// Comments are ignored all the same. An object or a text that exceeds the limit is left out
    /// like an event.
    ///
    /// ```
    /// use nemovideo::sse::Decoder;
    ///
    /// let mut input = b"data: 1\n\nError: overloaded\n\n[{\"a\":1},\n{\"a\":2}]".as_slice();
    /// let mut decoder = Decoder::new().with_bare_text();
    /// let mut frames = Vec::new();
    /// while let Some(frame) = decoder.next_frame(&mut input) {
    ///     let frame = frame?;
    ///     frames.push((frame.is_bare, frame.data));
    /// }
    /// let frames: Vec<_> = frames.iter().map(|(bare, data)| (*bare, &**data)).collect();
    /// let error = (true, "Error: overloaded");
    /// assert_eq!(frames, [(false, "1"), error, (true, r#"{"a":1}"#), (true, r#"{"a":2}"#)]);
    /// # Ok::<(), nemovideo::sse::EventTooLarge>(())
    /// ```
    #[must_use]
    pub fn with_bare_text(self) -> Self {
        Self { bare: Some(BareText::with_limit(self.limit)), ..self }
    }

    /// Returns the next frame and advances `input` past it. `None` means that all of `input` was
    /// read and no frame is complete; call again with more bytes.
    ///
    /// # Errors
    /// [`EventTooLarge`] in place of an event that exceeds the limit. Decoding may continue.
    pub fn next_frame<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Option<Result<Frame<'a>, EventTooLarge>> {
        loop {
            if let Some(text) = self.bare.as_mut().and_then(BareText::pop) {
                return Some(text.map(|bytes| self.bare_frame(bytes)));
            }
            let [byte, rest @ ..] = *input else { return None };
            match byte {
                b'\n' if mem::take(&mut self.after_cr) => *input = rest,
                b'\r' | b'\n' => {
                    self.after_cr = *byte == b'\r';
                    *input = rest;
                    match self.end_line() {
                        Ok(None) => {}
                        Ok(Some(frame)) => return Some(Ok(frame)),
                        Err(too_large) => return Some(Err(too_large)),
                    }
                }
                _ => {
                    self.after_cr = false;
                    let end = memchr2(b'\r', b'\n', input);
                    let (part, rest) = input.split_at(end.unwrap_or(input.len()));
                    match (&self.line, part, rest) {
                        // Where most bytes of a large event are read.
                        (Line::Value(field), ..) => {
                            *input = rest;
                            match self.append(*field, part) {
                                Ok(()) => continue,
                                Err(too_large) => return Some(Err(too_large)),
                            }
                        }
                        // A whole comment.
                        (Line::Name { len: 0, .. }, [b':', ..], [end, rest @ ..]) => {
                            self.after_cr = *end == b'\r';
                            *input = rest;
                            continue;
                        }
                        (Line::Name { len: 0, .. }, ..) => {
                            if let Some((data, rest)) = self.only_data(part, rest) {
                                *input = rest;
                                return Some(Ok(self.frame(text(data))));
                            }
                        }
                        _ => {}
                    }
                    match self.read_part(part) {
                        Ok(unread) => *input = &input[part.len() - unread..],
                        Err(too_large) => {
                            *input = rest;
                            return Some(Err(too_large));
                        }
                    }
                }
            }
        }
    }

    /// Returns whether the bytes so far end inside an event. If the stream ends there, it was cut off.
    #[must_use]
    pub fn is_inside_event(&self) -> bool {
        let inside_line = match self.line {
            // Brackets between bare objects are no part of any.
            Line::Name { bytes, len } if self.bare.is_some() => {
                !bytes[..len].iter().all(|byte| bare::is_between(*byte))
            }
            Line::Name { len, .. } => len > 0,
            Line::Colon(_) | Line::Value(_) => true,
            Line::ByteOrderMark(_) | Line::Ignored | Line::Bare => false,
        };
        let is_bare_open = self.bare.as_ref().is_some_and(BareText::is_open);
        inside_line || is_bare_open || self.block.data.is_some() || self.block.too_large
    }

    /// Reads a part of a line, without its end. Returns how many bytes are left, for after the bare
    /// text that ended at a field is returned.
    fn read_part(&mut self, mut part: &[u8]) -> Result<usize, EventTooLarge> {
        while let [byte, rest @ ..] = part {
            match &mut self.line {
                Line::Ignored => return Ok(0),
                Line::Bare => {
                    self.bare.iter_mut().for_each(|bare| bare.push(part));
                    return Ok(0);
                }
                Line::Value(field) => {
                    let field = *field;
                    return self.append(field, part).map(|()| 0);
                }
                Line::Colon(field) => {
                    if *byte == b' ' {
                        part = rest;
                    }
                    self.line = Line::Value(*field);
                }
                Line::Name { bytes, len } => {
                    let room = bytes.len() - *len;
                    let colon = part.iter().take(room + 1).position(|byte| *byte == b':');
                    let more = &part[..colon.unwrap_or(part.len()).min(room)];
                    let name_len = *len + more.len();
                    bytes[*len..name_len].copy_from_slice(more);
                    match (colon, Field::named(&bytes[..name_len])) {
                        // An empty name makes a comment.
                        (Some(_), _) if name_len == 0 => self.line = Line::Ignored,
                        (Some(colon), Some(field)) => {
                            self.begin(field)?;
                            part = &part[colon + 1..];
                            if self.bare.as_ref().is_some_and(BareText::is_ready) {
                                return Ok(part.len());
                            }
                        }
                        (None, _) if part.len() <= room => {
                            *len = name_len;
                            part = &[];
                        }
                        _ => {
                            let (name, len) = (*bytes, *len);
                            self.begin_unknown(&name[..len]);
                        }
                    }
                }
                Line::ByteOrderMark(matched) if BYTE_ORDER_MARK[*matched] == *byte => {
                    *matched += 1;
                    if *matched == BYTE_ORDER_MARK.len() {
                        self.line = Line::START;
                    }
                    part = rest;
                }
                Line::ByteOrderMark(0) => self.line = Line::START,
                // An incomplete mark begins an unknown name.
                Line::ByteOrderMark(matched) => {
                    let matched = *matched;
                    self.begin_unknown(&BYTE_ORDER_MARK[..matched]);
                }
            }
        }
        Ok(0)
    }

    /// Begins a line without a known field, of which this was read so far.
    fn begin_unknown(&mut self, start: &[u8]) {
        self.line = match &mut self.bare {
            Some(bare) => {
                bare.push(start);
                Line::Bare
            }
            None => Line::Ignored,
        };
    }

    fn bare_frame(&self, bytes: Vec<u8>) -> Frame<'static> {
        Frame {
            event: Cow::Borrowed("message"),
            data: Cow::Owned(owned_text(bytes)),
            id: Arc::clone(&self.last_id),
            own_id: None,
            retry: None,
            is_bare: true,
        }
    }

    /// Begins a known field.
    fn begin(&mut self, field: Field) -> Result<(), EventTooLarge> {
        self.bare.iter_mut().for_each(BareText::flush);
        if self.block.too_large {
            self.line = Line::Ignored;
            return Ok(());
        }
        self.line = Line::Colon(field);
        self.value.clear();
        match field {
            Field::Data if self.block.data.is_some() => self.append(field, b"\n"),
            Field::Data => {
                self.block.data = Some(Vec::with_capacity(self.last_len));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn append(&mut self, field: Field, bytes: &[u8]) -> Result<(), EventTooLarge> {
        let held = self.block.held() + self.value.len();
        if bytes.len() > self.limit.saturating_sub(held) {
            self.block = Block { too_large: true, ..Block::default() };
            self.value = Vec::new();
            self.line = Line::Ignored;
            return Err(EventTooLarge { limit: self.limit });
        }
        match (field, &mut self.block.data) {
            (Field::Data, Some(data)) => data.extend_from_slice(bytes),
            _ => self.value.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// Ends the line.
    fn end_line(&mut self) -> Result<Option<Frame<'static>>, EventTooLarge> {
        match mem::replace(&mut self.line, Line::START) {
            Line::ByteOrderMark(0) | Line::Name { len: 0, .. } => {
                self.bare.iter_mut().for_each(BareText::flush);
                return Ok(self.dispatch());
            }
            Line::Name { bytes, len } => {
                // A name without a colon is a field with an empty value.
                if let Some(field) = Field::named(&bytes[..len]) {
                    let begun = self.begin(field);
                    self.line = Line::START;
                    begun?;
                    self.set(field);
                } else {
                    self.end_unknown(&bytes[..len]);
                }
            }
            Line::Colon(field) | Line::Value(field) => self.set(field),
            Line::ByteOrderMark(matched) => self.end_unknown(&BYTE_ORDER_MARK[..matched]),
            Line::Bare => self.end_unknown(b""),
            Line::Ignored => {}
        }
        Ok(None)
    }

    /// Ends a line without a known field, of which this was not read yet.
    fn end_unknown(&mut self, end: &[u8]) {
        if let Some(bare) = &mut self.bare {
            bare.push(end);
            bare.end_line();
        }
    }

    /// Sets a complete value in the block.
    fn set(&mut self, field: Field) {
        if self.block.too_large {
            return;
        }
        match field {
            Field::Data => {}
            Field::Event => self.block.event = mem::take(&mut self.value),
            Field::Id if self.value.contains(&0) => {}
            Field::Id => self.block.id = Some(mem::take(&mut self.value)),
            Field::Retry => {
                if !self.value.is_empty() && self.value.iter().all(u8::is_ascii_digit) {
                    let millis = str::from_utf8(&self.value).ok().and_then(|s| s.parse().ok());
                    // More than fits is as good as forever.
                    self.block.retry = Some(Duration::from_millis(millis.unwrap_or(u64::MAX)));
                }
            }
        }
        self.value.clear();
    }

    /// Returns the data of an event whose only data is this whole line, and what follows the blank
    /// line after it: such data needs no copy. `None` for everything else, of which nothing is read.
    fn only_data<'a>(&mut self, line: &'a [u8], rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let data = line.strip_prefix(b"data:")?;
        let ([b'\n', b'\n', rest @ ..] | [b'\r', b'\n', b'\r', b'\n', rest @ ..]) = rest else {
            return None;
        };
        let data = data.strip_prefix(b" ").unwrap_or(data);
        let is_only = self.block.data.is_none() && !self.block.too_large;
        if !is_only || data.len() > self.limit.saturating_sub(self.block.held()) {
            return None;
        }
        if let Some(bare) = &mut self.bare {
            bare.flush();
            if bare.is_ready() {
                return None;
            }
        }
        Some((data, rest))
    }

    /// Ends the event, if there is one, at a blank line.
    fn dispatch(&mut self) -> Option<Frame<'static>> {
        if self.block.is_empty() {
            return None;
        }
        self.block.too_large = false;
        let Some(mut data) = self.block.data.take() else {
            // Only its id remains.
            self.frame(Cow::Borrowed(""));
            return None;
        };
        self.last_len = data.len();
        if data.capacity() > 2 * data.len() {
            data.shrink_to_fit();
        }
        Some(self.frame(Cow::Owned(owned_text(data))))
    }

    /// Returns the frame of an event with this data, and begins the next one.
    fn frame<'a>(&mut self, data: Cow<'a, str>) -> Frame<'a> {
        let Block { event, id, retry, .. } = &mut self.block;
        let own_id = id.take().map(|id| Arc::<str>::from(owned_text(id)));
        if let Some(id) = &own_id {
            self.last_id = Arc::clone(id);
        }
        Frame {
            event: match event.is_empty() {
                true => Cow::Borrowed("message"),
                false => Cow::Owned(owned_text(mem::take(event))),
            },
            data,
            id: Arc::clone(&self.last_id),
            own_id,
            retry: retry.take(),
            is_bare: false,
        }
    }
}

impl Block {
    /// Whether nothing was set.
    fn is_empty(&self) -> bool {
        let Self { data, event, id, retry, too_large } = self;
        data.is_none() && event.is_empty() && id.is_none() && retry.is_none() && !too_large
    }

    /// The number of bytes that count towards the limit.
    fn held(&self) -> usize {
        let len = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        len(&self.data) + self.event.len() + len(&self.id)
    }
}

/// Converts to text, with U+FFFD for what is not UTF-8.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    // The check of the lossy conversion is many times slower.
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Converts to text like [`text`], and without a copy if all of it is UTF-8.
fn owned_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::Decoder;

    #[test]
    fn ignored_lines_cost_no_memory() {
        let mut decoder = Decoder::with_limit(16);
        for start in [b": comment ".as_slice(), b"unknown: ", b"\ndatabase", b"\xef\xbb"] {
            decoder.next_frame(&mut &*start);
            for _ in 0..1000 {
                assert!(decoder.next_frame(&mut [b'x'; 1000].as_slice()).is_none());
            }
            assert_eq!(decoder.value.capacity(), 0);
            assert!(decoder.block.data.is_none());
        }
        let frame = decoder.next_frame(&mut b"\ndata: v\n\n".as_slice()).unwrap().unwrap();
        assert_eq!(frame.data, "v");
    }
}
