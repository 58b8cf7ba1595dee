//! Every phrase that is understood, what it can be a part of, and reading a sentence by them.
//!
//! The lists are closed on purpose: what is not on them is for the agent. To teach the routing a
//! new phrase, put it on the list whose orders it can be a part of, and a sentence with it into
//! the labelled table of the tests.

mod phrases;
mod spelling;

use super::{ExportRequest, Intent, UploadHint};
use crate::protocol::{Aspect, RenderFormat, RenderQuality};
use phrases::PHRASES;
use spelling::plain;

/// A set of orders.
pub(super) type Orders = u8;
pub(super) const EXPORT: Orders = 1;
pub(super) const CREDITS: Orders = 2;
pub(super) const STATE: Orders = 4;
pub(super) const UPLOAD: Orders = 8;
pub(super) const NONE: Orders = 0;
pub(super) const ALL: Orders = EXPORT | CREDITS | STATE | UPLOAD;

/// What a phrase does in a sentence.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// Nothing: courtesy and grammar.
    Filler,
    /// "a", "一个": something that is not there yet.
    New,
    /// Gives these orders.
    Order(Orders),
    /// Gives an export, once it is said of what: "send me", "保存".
    Ask,
    /// The same, but with a shape it is a wish for the film itself: "I want the video vertical".
    Wish,
    /// The film: "the video", "影片".
    Film,
    /// The film that is done: "the final cut", "成片". To name it is to ask for it.
    Finished,
    /// What is worked on: "the project", "项目".
    Project,
    /// The sound of it.
    Sound,
    Format(&'static str),
    Quality(&'static str),
    Shape(Aspect),
    Lines(u32),
}

/// A sentence of which every phrase is known.
#[derive(Debug)]
pub(super) struct Reading {
    /// The orders that all phrases can be a part of.
    shared: Orders,
    given: Orders,
    asked: bool,
    wished: bool,
    film: bool,
    project: bool,
    new: bool,
    sound: bool,
    request: ExportRequest,
}

impl Reading {
    /// Reads the sentence; `None` when a word is not known, or when it says two things of which
    /// one would be lost.
    pub(super) fn of(sentence: &str) -> Option<Self> {
        let sentence = plain(sentence)?;
        let mut reading = Self {
            shared: ALL,
            given: 0,
            asked: false,
            wished: false,
            film: false,
            project: false,
            new: false,
            sound: false,
            request: ExportRequest::default(),
        };
        let mut rest = sentence.as_str();
        while let Some(c) = rest.chars().next() {
            if !c.is_alphanumeric() {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let len = match measure(rest) {
                Some((lines, aspect, len)) => {
                    reading.shared &= EXPORT;
                    reading.take(Part::Lines(lines))?;
                    if let Some(aspect) = aspect {
                        reading.take(Part::Shape(aspect))?;
                    }
                    len
                }
                None => {
                    let (orders, part, phrase) = longest(rest)?;
                    reading.shared &= orders;
                    reading.take(part)?;
                    phrase.len()
                }
            };
            if reading.shared == 0 {
                return None;
            }
            rest = &rest[len..];
        }
        Some(reading)
    }

    fn take(&mut self, part: Part) -> Option<()> {
        let request = &mut self.request;
        match part {
            Part::Filler => {}
            Part::New => self.new = true,
            Part::Order(orders) => self.given |= orders,
            Part::Ask => self.asked = true,
            Part::Wish => self.wished = true,
            Part::Film => self.film = true,
            Part::Finished => (self.film, self.asked) = (true, true),
            Part::Project => (self.film, self.project) = (true, true),
            Part::Sound => self.sound = true,
            Part::Format(word) => said(&mut request.format, RenderFormat::from(word))?,
            Part::Quality(word) => said(&mut request.quality, RenderQuality::from(word))?,
            Part::Shape(aspect) => said(&mut request.aspect, aspect)?,
            Part::Lines(lines) => said(&mut request.resolution, lines)?,
        }
        Some(())
    }

    /// Whether the words may stand around the names of files to upload.
    pub(super) const fn may_upload(&self) -> bool {
        self.shared & UPLOAD != 0
    }

    pub(super) fn order(self) -> Intent {
        match self.given & self.shared {
            // "that's a good state"
            CREDITS | STATE if self.new => Intent::Message,
            EXPORT => Intent::Export(self.request()),
            CREDITS => Intent::Credits,
            STATE => Intent::State,
            UPLOAD => Intent::Upload(UploadHint::default()),
            // "show me the project": a word that only looks, and what it looks at.
            0 if self.shared == STATE && self.project => Intent::State,
            _ if self.shared & EXPORT != 0 && self.asks_for_the_film() => {
                Intent::Export(self.request())
            }
            _ => Intent::Message,
        }
    }

    /// "send me the video", "as wav please"; but "send me a video" asks for a new one.
    const fn asks_for_the_film(&self) -> bool {
        let wished = self.wished && self.film && self.request.aspect.is_none();
        self.request.format.is_some()
            || ((wished || (self.asked && (self.film || self.sound))) && !self.new)
    }

    fn request(self) -> ExportRequest {
        let mut request = self.request;
        if self.sound && request.format.is_none() {
            request.format = Some(RenderFormat::M4a);
        }
        request
    }
}

/// Writes down what was said; `None` when something else was said before.
fn said<T: PartialEq>(slot: &mut Option<T>, value: T) -> Option<()> {
    match slot {
        Some(before) => (*before == value).then_some(()),
        None => {
            *slot = Some(value);
            Some(())
        }
    }
}

/// The longest phrase that the text begins with.
fn longest(text: &str) -> Option<(Orders, Part, &'static str)> {
    let fits = |phrase: &str| text.strip_prefix(phrase).is_some_and(|rest| ends_word(phrase, rest));
    let found = PHRASES.iter().filter(|(_, _, phrase)| fits(phrase));
    found.max_by_key(|(_, _, phrase)| phrase.len()).copied()
}

/// Whether a word ends between the two. Chinese has no spaces to tell, so there any place will do.
fn ends_word(before: &str, after: &str) -> bool {
    let spelled = |c: char| c.is_alphanumeric() && c < '\u{2E80}';
    let mut after = after.chars();
    let next = match after.next() {
        Some('\'') => after.next(),
        next => next,
    };
    !(before.ends_with(spelled) && next.is_some_and(spelled))
}

/// `1080p`, `1920x1080`: the short side, the shape where it is told, and the length of the text.
/// A size of another shape than the known ones is not understood.
fn measure(text: &str) -> Option<(u32, Option<Aspect>, usize)> {
    let (first, rest) = number(text)?;
    let (lines, aspect, rest) = if let Some(rest) = rest.strip_prefix('p') {
        (first, None, rest)
    } else {
        let rest = rest.trim_start().strip_prefix(['x', '×', '*'])?;
        let (second, rest) = number(rest.trim_start())?;
        let shapes = [Aspect::Landscape, Aspect::Portrait, Aspect::Square];
        let aspect = shapes.into_iter().find(|shape| {
            let (width, height) = shape.size();
            u64::from(first) * u64::from(height) == u64::from(second) * u64::from(width)
        })?;
        (first.min(second), Some(aspect), rest)
    };
    let known = lines >= 100 && ends_word("p", rest);
    known.then_some((lines, aspect, text.len() - rest.len()))
}

fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{PHRASES, measure, plain};
    use crate::protocol::Aspect;

    #[test]
    fn each_phrase_is_listed_once_as_it_is_compared() {
        let mut seen = HashSet::new();
        for (_, _, phrase) in PHRASES.iter() {
            assert!(seen.insert(phrase), "{phrase:?} twice");
            assert_eq!(plain(phrase).as_deref(), Some(*phrase));
        }
    }

    #[test]
    fn a_size_of_a_known_shape_is_understood() {
        assert_eq!(measure("1080p mp4"), Some((1080, None, 5)));
        assert_eq!(measure("1080x1920"), Some((1080, Some(Aspect::Portrait), 9)));
        assert_eq!(measure("1280 × 720,"), Some((720, Some(Aspect::Landscape), 11)));
        for not in ["800x600", "30fps", "1080pixels", "9p", "1x", "99999999999p", "p"] {
            assert_eq!(measure(not), None, "{not}");
        }
    }
}
