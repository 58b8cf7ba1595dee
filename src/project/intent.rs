//! What the user means, decided before anything is sent. Carrying it out is left to the caller.
//!
//! | file | holds |
//! |---|---|
//! | `files` | the paths and addresses in a sentence, and the words around them |
//! | `lexicon` | every phrase that is understood, what it may be a part of, and reading by it |
//! | `request` | [`ExportRequest`] and [`UploadHint`]: what the sentence says of the order |

mod files;
mod lexicon;
mod request;

use lexicon::Reading;
pub use request::{ExportRequest, UploadHint};

/// What is longer, in bytes, is a message: it takes a longest path or two, and bounds the work.
const LONGEST_ORDER: usize = 8 * 1024;

/// What the user means by a sentence: an order that the API carries out, or a message.
///
/// ```
/// use nemovideo::project::Intent;
///
/// let does = |said| match Intent::of(said) {
///     Intent::Export(export) => format!("makes a file, {}", export.output().format),
///     Intent::Credits => "tells the credits".to_owned(),
///     Intent::State => "tells what is there".to_owned(),
///     Intent::Upload(hint) => format!("uploads {} files", hint.files.len()),
///     _ => "asks the agent".to_owned(),
/// };
/// assert_eq!(does("could you please export it as wav?"), "makes a file, wav");
/// assert_eq!(does("还剩多少积分？"), "tells the credits");
/// assert_eq!(does("upload beach.mp4 and logo.png"), "uploads 2 files");
/// assert_eq!(does("add music and then export"), "asks the agent");
/// ```
///
/// # The rule
///
/// *A sentence is an order only when all of it is understood.* It is read phrase by phrase
/// against a list of English and Chinese phrases: the orders themselves ("export", "余额"), what
/// they act on ("the final video"), details ("1080p", "竖屏"), and courtesies ("could you please",
/// "looks great", "吧"). Each phrase knows the orders that it can be a part of, and there must be
/// exactly one order that all of them share. A single word that is not known, or that belongs to
/// another order, makes the sentence a message, because routing it would throw that word away:
///
/// - "make an intro for our export business": `make` and `business` are for the agent;
/// - "don't export yet", "先不要导出": no negation is on the list;
/// - "add music and then export": an order with an edit in it goes to the agent whole, since the
///   export would come out without the music;
/// - "check my credits and then export": two orders, of which one would be lost, and so are two
///   formats ("as mp4 and wav");
/// - "how do I export?": asks for words, not for a file.
///
/// A sentence in quotation marks is someone else's, and one of several lines is a script: both
/// are messages. Where a word alone could be content it must be the whole order, so "mp4 please"
/// is an export and "portrait" is not; and "send me *the* video" asks for what is there, "send me
/// *a* video" for something new.
///
/// Paths, addresses and names of files are taken out of the sentence first. Alone, or with nothing
/// but the words of an upload around them, they are one; "use photo.jpg as the background" is a
/// message.
///
/// When in doubt it is a message: the agent can still be asked, while an order carried out by
/// mistake has eaten a sentence. A caller that knows better skips the routing and sends the
/// message itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intent {
    /// Make the file.
    Export(ExportRequest),
    /// Tell how many credits there are.
    Credits,
    /// Tell what is on the timeline.
    State,
    /// Take files of the user's.
    Upload(UploadHint),
    /// Anything else: for the agent.
    Message,
}

impl Intent {
    /// What `text` means; see [the rule](Self#the-rule).
    ///
    /// ```
    /// use nemovideo::project::Intent;
    /// use nemovideo::{Aspect, RenderFormat};
    ///
    /// let Intent::Export(export) = Intent::of("download it as a portrait mp4, please") else {
    ///     panic!("an order");
    /// };
    /// assert_eq!(export.format, Some(RenderFormat::Mp4));
    /// assert_eq!(export.aspect, Some(Aspect::Portrait));
    ///
    /// assert_eq!(Intent::of("还剩多少积分？"), Intent::Credits);
    /// assert_eq!(Intent::of("what's on the timeline?"), Intent::State);
    /// assert_eq!(Intent::of("add a status bar graphic"), Intent::Message);
    /// ```
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.len() > LONGEST_ORDER {
            return Self::Message;
        }
        let (upload, words) = files::take_out(text.trim());
        let Some(reading) = Reading::of(&words) else { return Self::Message };
        if !upload.is_empty() {
            return if reading.may_upload() { Self::Upload(upload) } else { Self::Message };
        }
        reading.order()
    }
}
