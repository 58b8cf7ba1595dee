//! When the words of a sentence are spoken, from the items that the units of the engine pass to each
//! other: words in letters, words in syllables of phones, and phones with their durations. Anything
//! unexpected in them yields no times, and the sentence is timed by its sound.

/// Number of samples of a frame, the unit of durations.
const FRAME: usize = 64;

/// A word in letters: `PICODATA_ITEM_WORDGRAPH` of `picodata.h`.
const WORD: u8 = b'g';
/// A syllable in phones: `PICODATA_ITEM_SYLLPHON`. Its first field is the part of speech of its
/// word, or [`CONTINUED`].
const SYLLABLE: u8 = b'y';
/// `PICODATA_ITEMINFO1_NA`: the syllable continues the word of the one before it.
const CONTINUED: u8 = 1;
/// A phone with the durations of its states: `PICODATA_ITEM_PHONE`. Its first field is the phone,
/// its second one the number of states.
const PHONE: u8 = b'h';
/// Size of a state: its duration in frames, and two indices.
const STATE: usize = 6;

/// What the observed units of the engine wrote, in the order of the units.
#[derive(Debug, Default)]
pub(super) struct ItemStreams {
    words: Vec<u8>,
    syllables: Vec<u8>,
    phones: Vec<u8>,
}

impl ItemStreams {
    pub(super) fn all(&mut self) -> [&mut Vec<u8>; 3] {
        [&mut self.words, &mut self.syllables, &mut self.phones]
    }
}

/// An item: `picodata_itemhead_t` and its content.
struct Item<'s> {
    kind: u8,
    fields: [u8; 2],
    content: &'s [u8],
}

fn items(mut stream: &[u8]) -> impl Iterator<Item = Item<'_>> {
    std::iter::from_fn(move || {
        let (&[kind, first, second, length], rest) = stream.split_first_chunk()?;
        let content = rest.get(..usize::from(length))?;
        stream = &rest[content.len()..];
        Some(Item { kind, fields: [first, second], content })
    })
}

/// Returns the samples at which the words at or behind the offsets of a text begin.
pub(super) fn word_starts(
    text: &str,
    offsets: &[usize],
    streams: &ItemStreams,
    samples: usize,
) -> Option<Vec<usize>> {
    let places = word_places(text, &streams.words)?;
    let times = word_times(streams, samples)?;
    if places.len() != times.len() {
        return None;
    }
    let start = |offset: &usize| {
        let word = places.partition_point(|place| place < offset);
        times.get(word).copied().unwrap_or(samples)
    };
    Some(offsets.iter().map(start).collect())
}

/// Returns the offset of each word of the engine in the text. The engine writes words in lower case,
/// `ss` for `ß`, and marks such as the one in `i\/`; it drops signs.
fn word_places(text: &str, words: &[u8]) -> Option<Vec<usize>> {
    let mut letters = text
        .char_indices()
        .filter(|(_, c)| c.is_alphanumeric())
        .flat_map(|(at, c)| folded(c).map(move |c| (at, c)));
    let mut places = Vec::new();
    for item in items(words).filter(|item| item.kind == WORD) {
        let word = std::str::from_utf8(item.content).ok()?;
        let mut start = None;
        for letter in word.chars().filter(|c| c.is_alphanumeric()).flat_map(folded) {
            let (at, _) = letters.next().filter(|(_, c)| *c == letter)?;
            start.get_or_insert(at);
        }
        places.push(start?);
    }
    letters.next().is_none().then_some(places)
}

/// Returns a letter without its case.
fn folded(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

/// Returns the sample at which each word begins.
fn word_times(streams: &ItemStreams, samples: usize) -> Option<Vec<usize>> {
    let syllables = items(&streams.syllables).filter(|item| item.kind == SYLLABLE);
    let mut phones = syllables.flat_map(|item| {
        let begins_word = item.fields[0] != CONTINUED;
        item.content.iter().enumerate().map(move |(n, phone)| (*phone, begins_word && n == 0))
    });
    let mut expected = phones.next();
    let mut times = Vec::new();
    let mut frames = 0;
    for item in items(&streams.phones).filter(|item| item.kind == PHONE) {
        // A phone that is in no word is a pause.
        if let Some((phone, begins_word)) = expected
            && phone == item.fields[0]
        {
            if begins_word {
                times.push(frames * FRAME);
            }
            expected = phones.next();
        }
        let states = item.content.get(..usize::from(item.fields[1]) * STATE)?;
        let durations = states.chunks_exact(STATE).map(|s| u16::from_le_bytes([s[0], s[1]]));
        frames += durations.map(usize::from).sum::<usize>();
    }
    (expected.is_none() && frames * FRAME == samples).then_some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: u8, fields: [u8; 2], content: &[u8]) -> Vec<u8> {
        [&[kind, fields[0], fields[1], content.len() as u8], content].concat()
    }

    fn phone(phone: u8, frames: [u16; 2]) -> Vec<u8> {
        let states = frames.map(|frames| [frames as u8, (frames >> 8) as u8, 1, 2, 3, 4]);
        item(PHONE, [phone, 2], &states.concat())
    }

    fn streams() -> ItemStreams {
        ItemStreams {
            words: [
                item(WORD, [1, 1], b"it's"),
                item(b'p', [0, 0], b""),
                item(WORD, [1, 1], b"i\\/"),
            ]
            .concat(),
            syllables: [
                item(SYLLABLE, [41, 0], &[7, 8]),
                item(SYLLABLE, [CONTINUED, 0], &[9]),
                item(b'b', [48, 1], b""),
                item(SYLLABLE, [40, 0], &[7]),
            ]
            .concat(),
            phones: [
                phone(87, [0, 2]),
                phone(7, [1, 2]),
                phone(8, [300, 0]),
                phone(9, [1, 1]),
                phone(87, [5, 0]),
                phone(7, [1, 0]),
                phone(87, [1, 0]),
            ]
            .concat(),
        }
    }

    #[test]
    fn each_word_has_the_time_of_its_first_phone() {
        let samples = 314 * FRAME;
        let found = word_starts("“It's”, I", &[0, 9, 13], &streams(), samples);
        assert_eq!(found, Some(vec![2 * FRAME, 312 * FRAME, samples]));
    }

    #[test]
    fn anything_unexpected_yields_no_times() {
        let samples = 314 * FRAME;
        for text in ["Its a", "Its", "Its I see"] {
            assert_eq!(word_starts(text, &[0], &streams(), samples), None, "{text}");
        }
        assert_eq!(word_starts("It's I", &[0], &streams(), samples - FRAME), None);
        for cut in 1..40 {
            let mut broken = streams();
            let stream = &mut broken.all()[cut % 3];
            stream.truncate(stream.len().saturating_sub(cut));
            assert_eq!(word_starts("It's I", &[0], &broken, samples), None, "{cut}");
        }
    }
}
