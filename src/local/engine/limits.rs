//! Limits for drafts that were written to keep a worker busy, or to fill the memory.

use std::time::Duration;

use super::PlannedText;
use crate::draft::CaptionMode;

/// The most texts, or audio segments, that play at the same time. Each is drawn or mixed with all
/// others, so a draft with very many would keep a worker for hours.
const MAX_AT_ONCE: usize = 64;
/// The most texts, or audio segments. Six hours have about 10,000 captions.
pub(super) const MAX_SEGMENTS: usize = 50_000;
/// The most words of texts, and texts in all the images of a video: a text is counted in each image
/// that it is part of, of which there is another one when a text begins or ends, and where words are
/// marked, with each of them. Each takes about a hundred bytes. Six hours have about 300,000, with a
/// title that is always there.
const MAX_DRAWN: usize = 1_000_000;

/// Checks how many segments there are, by their starts and durations, and how many at a time.
pub(super) fn check_overlap(what: &str, segments: Vec<(Duration, Duration)>) -> Result<(), String> {
    if segments.len() > MAX_SEGMENTS {
        return Err(format!("the draft has more than {MAX_SEGMENTS} {what}"));
    }
    // One without a duration never plays, and would end no later than it begins.
    let playing = segments.into_iter().filter(|(_, duration)| !duration.is_zero());
    let (mut starts, mut ends): (Vec<Duration>, Vec<Duration>) =
        playing.map(|(start, duration)| (start, start.saturating_add(duration))).unzip();
    starts.sort_unstable();
    ends.sort_unstable();
    // At the start of a segment, those play that began and have not ended.
    let mut ended = 0;
    for (begun, start) in (1..).zip(starts) {
        while ends.get(ended).is_some_and(|end| *end <= start) {
            ended += 1;
        }
        if begun - ended > MAX_AT_ONCE {
            let at = start.as_secs();
            return Err(format!("more than {MAX_AT_ONCE} {what} play at once, at {at} s"));
        }
    }
    Ok(())
}

/// Checks how many words there are, and texts in all the images of a video.
pub(super) fn check_drawn(texts: &[PlannedText]) -> Result<(), String> {
    let span = |text: &PlannedText| (text.start, text.start.saturating_add(text.duration));
    let mut changes: Vec<Duration> = Vec::new();
    let mut words = 0;
    for text in texts {
        let (start, end) = span(text);
        changes.extend([start, end]);
        words += text.words.len();
        if text.style.mode == CaptionMode::Words && !text.is_title && words <= MAX_DRAWN {
            let marked = text.words.iter().map(|(_, time)| start.saturating_add(*time));
            changes.extend(marked.filter(|time| *time < end));
        }
    }
    changes.sort_unstable();
    changes.dedup();
    let at = |time: Duration| changes.partition_point(|change| *change < time);
    let drawn = texts.iter().map(|text| {
        let (start, end) = span(text);
        at(end) - at(start)
    });
    if words + drawn.sum::<usize>() > MAX_DRAWN {
        return Err(format!(
            "the draft has more than {MAX_DRAWN} words and texts, with each text counted in every \
             image that it is part of"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::engine::VideoPlan;
    use crate::protocol::RenderOutput;

    fn read(draft: &str) -> Result<VideoPlan, String> {
        VideoPlan::from_draft(&draft.parse().unwrap(), &RenderOutput::mp4(), |_| None)
    }

    #[test]
    fn a_draft_has_a_bounded_number_of_segments_at_once() {
        let texts = |count: usize, step: u64| {
            let text =
                |n| format!(r#"{{"d":1000,"m":{{"text":"Hi","start":{}}}}}"#, n as u64 * step);
            let texts: Vec<_> = (0..count).map(text).collect();
            read(&format!(r#"{{"t":[{{"tt":7,"sg":[{}]}}]}}"#, texts.join(",")))
        };
        assert_eq!(texts(MAX_AT_ONCE, 0).unwrap().texts.len(), MAX_AT_ONCE);
        assert_eq!(texts(10_000, 1000).unwrap().texts.len(), 10_000);
        let error = texts(MAX_AT_ONCE + 1, 1).unwrap_err();
        assert!(error.contains("more than 64 texts play at once, at 0 s"), "{error}");
        assert!(texts(MAX_SEGMENTS + 1, 0).unwrap_err().contains("more than 50000 texts"));
        let text = r#"{"m":{"text":"Hi"}}"#;
        let without_duration = [text; MAX_AT_ONCE + 1].join(",");
        let draft = format!(
            r#"{{"t":[{{"tt":0,"sg":[{{"d":9}}]}},{{"tt":7,"sg":[{without_duration}]}}]}}"#
        );
        assert_eq!(read(&draft).unwrap().texts.len(), MAX_AT_ONCE + 1);
    }

    #[test]
    fn a_draft_has_a_bounded_number_of_words_and_images() {
        // A text with so many words, `step` ms apart, and others at the same time.
        let planned = |others: usize, words: usize, step: usize, mode: &str| {
            let word = |at: usize| format!("[{at},{}]", at * step);
            let marked = (0..words).map(word).collect::<Vec<_>>().join(",");
            let (text, length) = ("a".repeat(words), words * step);
            let other = format!(r#",{{"d":{length},"m":{{"start":0,"text":"a"}}}}"#).repeat(others);
            read(&format!(
                r#"{{"t":[{{"tt":7,"m":{{"role":"captions","style":{{"mode":"{mode}"}}}},"sg":[
                {{"d":{length},"m":{{"start":0,"text":"{text}","words":[{marked}]}}}}{other}]}}]}}"#
            ))
        };
        let limit = MAX_DRAWN.to_string();
        // Each word is another image of all texts, where words are marked.
        assert!(planned(63, 20_000, 100, "words").unwrap_err().contains(&limit));
        assert_eq!(planned(63, 20_000, 100, "plain").unwrap().texts.len(), 64);
        assert!(planned(0, MAX_DRAWN + 1, 1, "plain").unwrap_err().contains(&limit));
        assert_eq!(planned(0, 100_000, 100, "words").unwrap().texts[0].words.len(), 100_000);
        // Texts without words that begin and end one after the other.
        let text = |n: usize| format!(r#"{{"d":6000,"m":{{"text":"a","start":{}}}}}"#, n * 100);
        let texts: Vec<_> = (0..MAX_SEGMENTS).map(text).collect();
        let draft = format!(r#"{{"t":[{{"tt":7,"sg":[{}]}}]}}"#, texts.join(","));
        assert!(read(&draft).unwrap_err().contains(&limit));
    }
}
