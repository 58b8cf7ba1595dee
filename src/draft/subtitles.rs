//! Subtitles as files: which track they are taken from, when each cue is shown, and how its text is
//! written so that no player takes a part of it for markup.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::json::ParseError;
use super::keys::{self, DURATION};
use super::model::{Draft, Segment, Track, TrackKind, TrackRole};
use super::style::CaptionMode;

/// The time of a cue for which a draft states no end, where none follows.
const DEFAULT_TIME: Duration = Duration::from_secs(2);
/// Follows a character that would begin markup; it is not seen.
const WORD_JOINER: char = '\u{2060}';

/// A format of subtitles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubtitleFormat {
    /// SubRip, `.srt`.
    Srt,
    /// WebVTT, `.vtt`.
    Vtt,
}

impl SubtitleFormat {
    /// Returns the format that the extension of a path stands for.
    #[must_use]
    pub fn of(path: impl AsRef<Path>) -> Option<Self> {
        path.as_ref().extension()?.to_str()?.parse().ok()
    }

    /// Returns the extension of its files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Srt => "srt",
            Self::Vtt => "vtt",
        }
    }
}

/// Reads an extension without its dot, in any case.
impl FromStr for SubtitleFormat {
    type Err = ParseError;

    fn from_str(extension: &str) -> Result<Self, ParseError> {
        match extension.to_ascii_lowercase().as_str() {
            "srt" => Ok(Self::Srt),
            "vtt" => Ok(Self::Vtt),
            _ => Err(ParseError::UnknownWord { word: extension.to_owned(), expected: "srt, vtt" }),
        }
    }
}

/// Subtitles.
///
/// They are those of the first of these text tracks that has any text:
///
/// 1. one whose [role](Track::role), or whose name, is that of captions;
/// 2. one that is neither a title nor a list of chapters, by its role or its name; of several, the
///    one with the most segments.
///
/// Where there is none, they are what the [voiceover](TrackRole::Voiceover) says, sentence by
/// sentence, and in parts of at most two lines where the draft states when the words are spoken.
///
/// A cue lasts as long as its segment, within the video. One that overlaps the next ends where that
/// one begins, unless it outlasts it. A segment that states no duration lasts until its stated end,
/// the next segment or the end of the video; one with a duration of zero is never shown, and has no
/// cue.
impl Draft {
    /// Returns the subtitles in the format SubRip (SRT), with the line ends (CRLF) that players of
    /// all ages read; `None` when the draft has no text for them.
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let draft: Draft =
    ///     r#"{"t":[{"tt":7,"m":{"role":"captions"},"sg":[{"d":1500,"m":{"text":"Hi."}}]}]}"#.parse()?;
    /// let srt = draft.to_srt().ok_or("no captions")?;
    /// assert_eq!(srt, "1\r\n00:00:00,000 --> 00:00:01,500\r\nHi.\r\n\r\n");
    /// assert_eq!(Draft::new().to_srt(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_srt(&self) -> Option<String> {
        let mut out = String::new();
        for (number, cue) in (1..).zip(self.cues()?) {
            let (start, end) = (timestamp(cue.start, ','), timestamp(cue.end, ','));
            let mut text = String::new();
            srt_text(&cue.text, &mut text);
            // Writing to a `String` never fails.
            let _ = write!(out, "{number}\r\n{start} --> {end}\r\n{text}\r\n\r\n");
        }
        Some(out)
    }

    /// Returns the subtitles in the format WebVTT, for browsers; `None` when the draft has no text
    /// for them.
    #[must_use]
    pub fn to_vtt(&self) -> Option<String> {
        self.vtt(false)
    }

    /// Returns the subtitles in the format WebVTT, with the time of each word in its text, as far
    /// as the draft states it ([`Segment::words`]).
    ///
    /// ```
    /// use nemovideo::draft::Draft;
    ///
    /// let draft: Draft = r#"{"t":[{"tt":7,"m":{"role":"captions"},"sg":[
    ///     {"d":1500,"m":{"text":"Tea & milk","words":[[0,0],[4,300],[6,700]]}}]}]}"#.parse()?;
    /// let vtt = draft.to_vtt_with_words().ok_or("no captions")?;
    /// assert!(vtt.ends_with("\nTea <00:00:00.300>&amp; <00:00:00.700>milk\n\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_vtt_with_words(&self) -> Option<String> {
        self.vtt(true)
    }

    /// Returns the subtitles in a format; `None` when the draft has no text for them. WebVTT has the
    /// time of each word where captions are shown word by word.
    #[must_use]
    pub fn to_subtitles(&self, format: SubtitleFormat) -> Option<String> {
        match format {
            SubtitleFormat::Srt => self.to_srt(),
            SubtitleFormat::Vtt => self.vtt(self.tracks().any(|track| {
                track.is_captions() && track.caption_style().mode == CaptionMode::Words
            })),
        }
    }

    fn vtt(&self, with_words: bool) -> Option<String> {
        let mut out = "WEBVTT\n\n".to_owned();
        for cue in self.cues()? {
            let (start, end) = (timestamp(cue.start, '.'), timestamp(cue.end, '.'));
            let _ = writeln!(out, "{start} --> {end}");
            let mut at = 0;
            let words = if with_words { cue.words.as_slice() } else { &[] };
            for (offset, time) in words {
                vtt_text(&cue.text[at..*offset], &mut out);
                let _ = write!(out, "<{}>", timestamp(*time, '.'));
                at = *offset;
            }
            vtt_text(&cue.text[at..], &mut out);
            out.push_str("\n\n");
        }
        Some(out)
    }

    /// Returns the subtitles as cues; `None` when there are none.
    fn cues(&self) -> Option<Vec<Cue>> {
        let role = |track: &Track<'_>| track.role().or_else(|| track.name().map(TrackRole::from));
        let mut tracks: Vec<_> = self
            .tracks()
            .filter(|track| track.kind() == Some(TrackKind::Text))
            .filter(|track| !matches!(role(track), Some(TrackRole::Title | TrackRole::Chapters)))
            .collect();
        tracks.sort_by_key(|track| {
            let is_captions = role(track) == Some(TrackRole::Captions);
            (!is_captions, if is_captions { 0 } else { usize::MAX - track.segments().len() })
        });
        let length = self.duration();
        let found = tracks.into_iter().map(|track| cues(track, length)).find(|it| !it.is_empty());
        found.or_else(|| {
            let is_voice = |track: &Track<'_>| track.role() == Some(TrackRole::Voiceover);
            let voices = self.tracks().filter(is_voice).flat_map(|track| spoken(track, length));
            let mut cues: Vec<Cue> = voices.collect();
            cues.sort_by_key(|cue| cue.start);
            (!cues.is_empty()).then_some(cues)
        })
    }
}

/// A text and when it is shown.
struct Cue {
    start: Duration,
    end: Duration,
    /// Lines that are not blank.
    text: String,
    /// Where words begin in the text, and when they are spoken: within the cue, and in order.
    words: Vec<(usize, Duration)>,
}

/// Returns the cues of a track in the order of their starts.
fn cues(track: Track<'_>, length: Duration) -> Vec<Cue> {
    let mut segments: Vec<Segment<'_>> = track.segments().collect();
    segments.sort_by_key(|segment| segment.start());
    let starts: Vec<Duration> = segments.iter().map(|segment| segment.start()).collect();
    let mut cues = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        // Some drafts store the text under `name`.
        let Some(text) = segment.text().or_else(|| segment.name()) else { continue };
        let start = starts[at];
        let following = starts.partition_point(|other| *other <= start);
        let next = starts.get(following).copied();
        let stated = || keys::find(segment.as_json(), keys::END, keys::millis);
        let mut end = match segment.get(DURATION).and_then(keys::millis) {
            Some(duration) => start.saturating_add(duration),
            None => stated().or(next).unwrap_or_else(|| {
                if length > start { length } else { start.saturating_add(DEFAULT_TIME) }
            }),
        };
        if length > start {
            end = end.min(length);
        } else if segment.get(DURATION).is_some() {
            // It begins where the video is over.
            continue;
        }
        let next_end = segments.get(following).map(|segment| segment.end());
        if let (Some(next), Some(next_end)) = (next, next_end)
            && next < end
            && end < next_end
        {
            end = next;
        }
        let words = segment.words().into_iter().map(|(at, time)| (at, start.saturating_add(time)));
        cues.extend(Cue::new(start, end, text, words));
    }
    cues
}

/// Returns what a track says, each text in parts that fit two lines, if their times are stated.
fn spoken(track: Track<'_>, length: Duration) -> impl Iterator<Item = Cue> {
    /// Two lines of 42 columns, a common limit for subtitles.
    const COLUMNS: usize = 84;
    track.segments().flat_map(move |segment| {
        let text = segment.text().unwrap_or_default();
        let words = segment.words();
        // Captions may begin at the marks; a list of words has more places, at which they may not.
        let marks = segment.all_timed_offsets(keys::MARKS);
        let is_marked = !marks.is_empty();
        let mut places = if is_marked { marks } else { segment.all_timed_offsets(keys::WORDS) };
        // A cut leaves the whole text on each side of it. What is spoken lasts from the last place
        // that is at its start to the first one behind its end.
        let (begin, end) = (segment.start(), segment.end().min(length));
        let duration = end.saturating_sub(begin);
        let first = places.iter().rposition(|(_, time)| time.is_zero()).unwrap_or_default();
        let cut = places.iter().position(|(_, time)| !duration.is_zero() && *time >= duration);
        let text = &text[..cut.map_or(text.len(), |cut| places[cut].0)];
        places.truncate(cut.unwrap_or(places.len()));
        places.drain(..first.min(places.len()));
        let at_start = places.first().filter(|(_, time)| first > 0 && time.is_zero());
        let mut starts = vec![(at_start.map_or(0, |(at, _)| *at), Duration::ZERO)];
        let ends = places.iter().map(|(at, _)| *at).skip(1).chain([text.len()]);
        for ((at, time), end) in places.iter().zip(ends) {
            let (from, _) = starts[starts.len() - 1];
            if *at > from && text[from..end].width() > COLUMNS {
                starts.push((*at, *time));
            }
        }
        let next = starts.iter().skip(1).copied().chain([(text.len(), segment.duration())]);
        let parts = starts.iter().zip(next).filter_map(|((from, start), (to, until))| {
            let until = begin.saturating_add(until).min(end);
            let words = words.iter().filter(|(at, _)| (*from..to).contains(at));
            let words = words.map(|(at, time)| (at - from, begin.saturating_add(*time)));
            Cue::new(begin.saturating_add(*start), until, &text[*from..to], words)
        });
        parts.collect::<Vec<_>>()
    })
}

impl Cue {
    /// `None` where nothing is shown.
    fn new(
        start: Duration,
        end: Duration,
        text: &str,
        times: impl Iterator<Item = (usize, Duration)>,
    ) -> Option<Self> {
        let mut times = times.peekable();
        let (mut lines, mut words) = (String::new(), Vec::new());
        let mut last = start;
        let mut is_line_blank = true;
        for (offset, c) in text.char_indices() {
            while times.next_if(|(at, _)| *at < offset).is_some() {}
            if let Some((_, time)) = times.next_if(|(at, _)| *at == offset)
                // Milliseconds are what is written.
                && time.as_millis() > last.as_millis()
                && time.as_millis() < end.as_millis()
            {
                words.push((lines.len(), time));
                last = time;
            }
            match c {
                '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    if !is_line_blank {
                        lines.truncate(lines.trim_end().len());
                        // A word that began in the white space would be behind the next one.
                        while words.last().is_some_and(|(at, _)| *at > lines.len()) {
                            words.pop();
                        }
                        lines.push('\n');
                    }
                    is_line_blank = true;
                }
                c if c.is_whitespace() && is_line_blank => {}
                '\t' => lines.push(' '),
                c if c.is_control() => {}
                c => {
                    is_line_blank = false;
                    lines.push(c);
                }
            }
        }
        lines.truncate(lines.trim_end().len());
        words.retain(|(at, _)| *at < lines.len());
        let is_shown = end.as_millis() > start.as_millis() && !lines.is_empty();
        is_shown.then_some(Self { start, end, text: lines, words })
    }
}

/// `00:01:02,500`; the hours have as many digits as they need.
fn timestamp(time: Duration, point: char) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{millis:03}")
}

/// The format has no escapes, but players read tags (`<i>`), styles (`{\an8}`) and arrows.
fn srt_text(text: &str, out: &mut String) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            '\n' => out.push_str("\r\n"),
            c => out.push(c),
        }
        let begins_markup = match c {
            '<' => next.is_some_and(|next| next.is_ascii_alphabetic() || next == '/'),
            '{' => matches!(next, Some('\\' | 'y' | 'Y')),
            '-' => next == Some('>'),
            _ => false,
        };
        if begins_markup {
            out.push(WORD_JOINER);
        }
    }
}

/// With `>` escaped, there is no arrow either.
fn vtt_text(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(tracks: &str) -> Draft {
        format!(r#"{{"t":[{tracks}]}}"#).parse().unwrap()
    }

    fn captions(segments: &str) -> Draft {
        draft(&format!(r#"{{"tt":7,"m":{{"role":"captions"}},"sg":[{segments}]}}"#))
    }

    /// The cues in one line each.
    fn lines(draft: &Draft) -> Vec<String> {
        let vtt = draft.to_vtt_with_words().unwrap_or_default();
        let cues = vtt.split("\n\n").skip(1).filter(|cue| !cue.is_empty());
        cues.map(|cue| cue.replace(":00:", ":").replace('\n', "|")).collect()
    }

    #[test]
    fn text_is_escaped_and_has_no_blank_lines() {
        let draft = captions(
            r#"{"d":1000,"m":{"text":"a & <b>\r\n \r\n c --> {\\an8} \u0000d\u2028e < f"}}"#,
        );
        assert_eq!(
            draft.to_vtt().unwrap(),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na &amp; &lt;b&gt;\nc --&gt; {\\an8} d\ne &lt; f\n\n"
        );
        assert_eq!(
            draft.to_srt().unwrap(),
            "1\r\n00:00:00,000 --> 00:00:01,000\r\na & <\u{2060}b>\r\nc --\u{2060}> {\u{2060}\\an8} d\r\ne < f\r\n\r\n"
        );
    }

    #[test]
    fn a_video_may_be_longer_than_ninety_nine_hours() {
        let draft = captions(r#"{"d":1001,"m":{"start":363599999,"text":"late"}}"#);
        assert!(draft.to_srt().unwrap().contains("100:59:59,999 --> 101:00:01,000"));
    }

    #[test]
    fn overlaps_gaps_and_missing_durations_become_cues() {
        let draft = captions(
            r#"{"d":3000,"m":{"text":"b","start":1000}},{"d":2000,"m":{"text":"a","start":0}},
            {"d":1000,"m":{"text":"inside","start":2000}},{"d":0,"m":{"text":"never","start":5000}},
            {"m":{"text":"open","start":6000}},{"m":{"text":"stated","start":7000,"end":7500}},
            {"m":{"text":"last","start":9000}},{"d":1,"m":{"start":9500,"text":"  "}}"#,
        );
        assert_eq!(
            lines(&draft),
            [
                "00:00.000 --> 00:01.000|a",
                // It outlasts the next one, so both are shown.
                "00:01.000 --> 00:04.000|b",
                "00:02.000 --> 00:03.000|inside",
                "00:06.000 --> 00:07.000|open",
                "00:07.000 --> 00:07.500|stated",
                "00:09.000 --> 00:09.500|last",
            ]
        );
    }

    #[test]
    fn of_two_that_begin_together_each_ends_where_the_next_begins() {
        let draft = captions(
            r#"{"d":4000,"m":{"text":"a","start":0}},{"d":2000,"m":{"text":"b","start":0}},
            {"d":3000,"m":{"text":"c","start":3000}}"#,
        );
        assert_eq!(
            lines(&draft),
            ["00:00.000 --> 00:03.000|a", "00:00.000 --> 00:02.000|b", "00:03.000 --> 00:06.000|c",]
        );
    }

    #[test]
    fn words_in_white_space_are_none() {
        // One of them begins in the white space before the line end, one in that after the text.
        let caption = captions(
            r#"{"d":1000,"m":{"text":"a    \n\tbcdefgh  ","words":[[0,0],[4,100],[7,200],[15,300]]}}"#,
        );
        assert_eq!(lines(&caption), ["00:00.000 --> 00:01.000|a|<00:00.200>bcdefgh"]);
        let voice = |words: &str| {
            draft(&format!(
                r#"{{"tt":1,"m":{{"role":"voiceover"}},"sg":[{{"d":1000,"m":{{"text":"ab  ","marks":{words}}}}}]}}"#
            ))
        };
        assert_eq!(lines(&voice("[[0,0],[1,100],[3,500]]")), ["00:00.000 --> 00:01.000|ab"]);
    }

    #[test]
    fn captions_word_by_word_have_the_times_of_words_in_webvtt() {
        for (mode, is_by_words) in [("words", true), ("boxed", false)] {
            let video = draft(&format!(
                r#"{{"tt":7,"m":{{"role":"captions","style":{{"mode":"{mode}"}}}},"sg":[
                {{"d":1000,"m":{{"text":"a b","words":[[0,0],[2,500]]}}}}]}}"#
            ));
            let vtt = video.to_subtitles(SubtitleFormat::Vtt).unwrap();
            assert_eq!(vtt.contains("a <00:00:00.500>b"), is_by_words, "{vtt}");
            assert_eq!(video.to_subtitles(SubtitleFormat::Srt), video.to_srt());
        }
    }

    #[test]
    fn words_are_timed_within_their_cue_and_in_order() {
        let draft = captions(
            r#"{"d":1000,"m":{"start":500,"text":"one <two>\nthree four",
            "words":[[0,0],[4,200],[10,200],[16,1000]]}}"#,
        );
        assert_eq!(
            lines(&draft),
            ["00:00.500 --> 00:01.500|one <00:00.700>&lt;two&gt;|three four"]
        );
        assert!(!draft.to_vtt().unwrap().contains("00.700"));
    }

    #[test]
    fn captions_come_first_and_titles_never() {
        let text = |role: &str, texts: &str| format!(r#"{{"tt":7,"m":{{{role}}},"sg":[{texts}]}}"#);
        let one = |word: &str| format!(r#"{{"d":9,"m":{{"text":"{word}"}}}}"#);
        let title = text(r#""role":"title""#, &one("title"));
        let chapters = text(r#""role":"chapters""#, &one("chapter"));
        let named = text(r#""name":"Title""#, &one("named"));
        let short = text("", &one("short"));
        let long = text(r#""role":"overlay""#, &[one("long"), one("er")].join(","));
        let empty = text(r#""role":"captions""#, "");
        let real = text(r#""usage":"subtitle""#, &one("real"));
        let read = |tracks: &[&String]| {
            let tracks: Vec<&str> = tracks.iter().map(|track| track.as_str()).collect();
            lines(&draft(&tracks.join(",")))
                .first()
                .map(|line| line.rsplit('|').next().unwrap_or_default().to_owned())
        };
        assert_eq!(read(&[&title, &chapters, &named]), None);
        assert_eq!(read(&[&title, &short, &long, &real]).as_deref(), Some("real"));
        assert_eq!(read(&[&short, &long, &empty]).as_deref(), Some("long"));
        assert_eq!(read(&[&title, &short]).as_deref(), Some("short"));
    }

    #[test]
    fn a_video_without_captions_has_its_speech_as_subtitles() {
        let (one, two) = ("one ".repeat(15), "two ".repeat(15));
        let text = format!("{one}{two}").trim_end().to_owned();
        let voice = format!(
            r#"{{"tt":1,"m":{{"role":"voiceover"}},"sg":[{{"d":500,"m":{{"text":"Hi."}}}},
            {{"d":4000,"m":{{"text":"{text}","start":1000,"marks":[[20,700],[60,2000],[100,3000]]}}}}]}}"#
        );
        let lines = lines(&draft(&voice));
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[0], "00:00.000 --> 00:00.500|Hi.");
        assert!(lines[1].starts_with("00:01.000 --> 00:03.000|one one"), "{lines:?}");
        assert!(lines[2].starts_with("00:03.000 --> 00:05.000|two two"), "{lines:?}");
    }

    #[test]
    fn subtitles_of_a_cut_voice_have_what_is_left_of_it() {
        let voice = |duration: u64, skip: u64| {
            lines(&draft(&format!(
                r#"{{"tt":1,"m":{{"role":"voiceover"}},"sg":[{{"d":{duration},"m":{{"skip":{skip},
                "text":"One. Two. Three.","marks":[[0,0],[5,1000],[10,2000]]}}}}]}}"#
            )))
        };
        assert_eq!(voice(3000, 0), ["00:00.000 --> 00:03.000|One. Two. Three."]);
        assert_eq!(voice(1500, 0), ["00:00.000 --> 00:01.500|One. Two."]);
        assert_eq!(voice(1000, 0), ["00:00.000 --> 00:01.000|One."]);
        assert_eq!(voice(1800, 1200), ["00:00.000 --> 00:01.800|Two. Three."]);
        assert_eq!(voice(500, 1200), ["00:00.000 --> 00:00.500|Two."]);
    }

    #[test]
    fn a_draft_without_text_has_no_subtitles() {
        for json in ["{}", "[]", r#"{"t":[{"tt":1,"sg":[{"d":9,"m":{"text":"spoken"}}]}]}"#] {
            let draft: Draft = json.parse().unwrap();
            assert_eq!((draft.to_srt(), draft.to_vtt()), (None, None), "{json}");
        }
    }
}
