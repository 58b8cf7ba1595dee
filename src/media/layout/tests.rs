use std::time::Duration;

use super::*;
use crate::media::CaptionMode;
use crate::media::captions::{CaptionLayout, timed_captions};

const CAPTION: &str =
    "When the siege of Vienna ended, the story goes, the fleeing army left behind";
const SHAPES: [FrameSize; 3] = [FrameSize::LANDSCAPE, FrameSize::PORTRAIT, FrameSize::SQUARE];
const SECOND: Duration = Duration::from_secs(1);

fn caption(text: &str) -> TextClip {
    TextClip::caption(text, Duration::ZERO, SECOND)
}

fn placed(clips: &[&TextClip], frame: FrameSize, language: &str) -> Vec<(usize, TextBlock)> {
    let hyphenator = Hyphenator::of(Some(language));
    blocks(clips, &Font::default(), hyphenator, frame, &Cancel::new()).unwrap()
}

fn block(clip: &TextClip, frame: FrameSize, language: &str) -> TextBlock {
    placed(&[clip], frame, language).remove(0).1
}

fn texts(lines: &[TextLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// Breaks a text in lines of ten ems.
fn split(text: &str, language: &str) -> Vec<String> {
    let font = &Font::default();
    let hyphenator = Hyphenator::of(Some(language));
    let setter = LineSetter { font, hyphenator, max_width: 500.0 };
    let lines = setter.lines(&setter.broken(&units(text, &[], font), 50.0), 500.0, 50.0);
    assert!(lines.iter().all(|line| font.width(&line.text, 50.0) <= 500.0), "{lines:?}");
    lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn lines_have_similar_lengths() {
    let TextBlock { size, lines, .. } = block(&caption(CAPTION), FrameSize::LANDSCAPE, "en");
    assert_eq!(lines.len(), 2);
    let font = Font::default();
    let widths: Vec<f32> = lines.iter().map(|line| font.width(&line.text, size)).collect();
    assert!((widths[0] / widths[1]).ln().abs() < 0.25, "{lines:?}");
}

#[test]
fn captions_take_two_lines_or_three_in_portrait_at_their_own_size() {
    let texts = [
        "When the siege of Vienna ended, the story goes, the fleeing army left behind sacks of \
             strange beans, and a man who knew what they were for opened the first coffee house.",
        "WHEN THE SIEGE OF VIENNA ENDED, WWW WAS MADE BY MAMMOTHS, WHOM WE WILL MAKE MEMBERS \
             OF THE WORLDWIDE MOVEMENT OF MEN AND WOMEN WHO WERE MEANT TO BE MUMMIES.",
        "Rechtsschutzversicherungsgesellschaften und Donaudampfschifffahrtsgesellschaften \
             bieten Kraftfahrzeughaftpflichtversicherungen an, die Verkehrsteilnehmer brauchen.",
        "咖啡是在十七世纪由商人从奥斯曼帝国带到威尼斯的，从那里它传遍了整个欧洲，改变了人们见面。",
    ];
    for (size, most) in [
        (FrameSize::LANDSCAPE, 2),
        (FrameSize::SQUARE, 2),
        (FrameSize::PORTRAIT, 3),
        (FrameSize { width: 640, height: 480 }, 2),
    ] {
        let layout = TextLayout::of(TextKind::Caption, CaptionStyle::default(), size);
        for text in texts {
            let time = Duration::from_secs(20);
            for clip in timed_captions(text, Duration::ZERO, time, &[], CaptionLayout::of(size)) {
                let TextBlock { size: drawn, lines, .. } = block(&clip, size, "de");
                assert!(lines.len() <= most, "{size:?}: {lines:?}");
                let is_usual = drawn == layout.size;
                let has_long = clip.text.split(' ').any(|word| word.len() > 30);
                assert!(is_usual || has_long && drawn >= layout.smallest, "{lines:?}");
            }
        }
    }
}

#[test]
fn line_breaks_are_kept_and_endless_words_split() {
    assert_eq!(split("Morning\nBrew", "en"), ["Morning", "Brew"]);
    assert_eq!(split("a \n b", "en"), ["a", "b"]);
    for language in ["en", "nl"] {
        let cut = split(&"m".repeat(100), language);
        assert_eq!(cut.concat().replace('-', ""), "m".repeat(100));
        assert!(cut.iter().rev().skip(1).all(|line| line.ends_with('-')), "{cut:?}");
    }
    assert_eq!(split(&"█".repeat(40), "en").concat(), "█".repeat(40));
    assert_eq!(split("👍🏽 you", "en"), ["👍 you"]);
}

#[test]
fn a_long_word_breaks_after_its_hyphens() {
    assert_eq!(
        split("Extraordinarily-hyphenated-compounds", "en"),
        ["Extraordinarily-", "hyphenated-", "compounds"]
    );
    // A word with non-breaking hyphens is split like any other, never at one of these.
    let kept = split("Extraordinarily\u{2011}hyphenated\u{2011}compounds", "en");
    assert_eq!(kept.concat().replace('-', ""), "Extraordinarilyhyphenatedcompounds");
    assert_eq!(kept[0], "Extraordinarily-hy-");
    assert_eq!(units("in 2020-2021 by e-mail at -5 °C", &[], &Font::default()).len(), 7);
}

#[test]
fn a_long_word_is_drawn_smaller_and_a_longer_one_broken_at_a_syllable() {
    let long = block(&caption("Verkehrsinfrastrukturmaßnahmen"), FrameSize::PORTRAIT, "de");
    assert_eq!(texts(&long.lines), ["Verkehrsinfrastrukturmaßnahmen"]);
    let usual = block(&caption("Hallo"), FrameSize::PORTRAIT, "de").size;
    assert!(long.size < usual && long.size > 0.75 * usual, "{} {usual}", long.size);
    let word = "Rechtsschutzversicherungsgesellschaften";
    let longer = block(&caption(word), FrameSize::PORTRAIT, "de");
    assert_eq!(texts(&longer.lines), ["Rechtsschutzversiche-", "rungsgesellschaften"]);
    assert_eq!(longer.size, usual);
    let clip = TextClip::title(word, Duration::ZERO, SECOND);
    for frame in SHAPES {
        let title = block(&clip, frame, "de");
        let smallest = TextLayout::of(TextKind::Title, clip.style, frame).smallest;
        assert!(title.size >= smallest, "{title:?}");
    }
    let url = "https://www.example.com/path/to/page.html?first=1&second=2";
    let address = block(&caption(&format!("See {url} now")), FrameSize::PORTRAIT, "en");
    assert!(address.size >= 0.75 * usual && address.lines.len() <= 3, "{address:?}");
    assert_eq!(texts(&address.lines).concat().replace(' ', ""), format!("See{url}now"));
    for line in &address.lines[..address.lines.len() - 1] {
        assert!(line.text.ends_with(['/', '.', '?', '&', '=']), "{address:?}");
    }
}

#[test]
fn nothing_runs_out_of_the_frame() {
    let font = Font::default();
    let long =
        ["Donaudampfschifffahrtsgesellschaftskapitän", "👨👩👧🎉", "咖啡，", "█████████████"];
    let url = "https://example.com/a-very-long-path/of-many_parts?and=parameters&more=1";
    let mut words = vec![url, "so", "it", "goes,", "m"];
    words.extend(long);
    let tiny = FrameSize { width: 64, height: 64 };
    let mut dice = crate::media::Dice(7);
    for round in 0..120 {
        let frame = [SHAPES[0], SHAPES[1], SHAPES[2], tiny][round % 4];
        let clips: Vec<TextClip> = (0..1 + dice.roll(4))
            .map(|_| {
                let text = (0..1 + dice.roll(24)).map(|_| words[dice.roll(words.len())]);
                let text = text.collect::<Vec<_>>().join(["", " ", " ", "\n"][dice.roll(4)]);
                let mut clip = match dice.roll(3) {
                    0 => TextClip::title(text, Duration::ZERO, SECOND),
                    _ => caption(&text),
                };
                use CaptionPosition::{Bottom, Middle, Top};
                clip.style.position = [Top, Middle, Bottom][dice.roll(3)];
                clip.style.size = [CaptionSize::Small, CaptionSize::Large][dice.roll(2)];
                clip.style.mode = [CaptionMode::Boxed, CaptionMode::Words][dice.roll(2)];
                clip
            })
            .collect();
        let visible: Vec<&TextClip> = clips.iter().collect();
        let placed = placed(&visible, frame, "de");
        assert_eq!(placed.len(), clips.len());
        for (at, (_, block)) in placed.iter().enumerate() {
            let bottom = block.top + block.height();
            let height = frame.height as f32;
            assert!(block.top >= 0.04 * height && bottom <= 0.96 * height, "{block:?}");
            for line in &block.lines {
                let width = font.width(&line.text, block.size);
                assert!(width <= 0.9 * frame.width as f32, "{line:?}");
            }
            for (_, other) in &placed[..at] {
                let is_beside = bottom <= other.top || block.top >= other.top + other.height();
                assert!(is_beside, "{block:?} covers {other:?}");
            }
        }
    }
}

#[test]
fn laying_out_stops_when_it_is_cancelled() {
    let (clip, cancel) = (caption(CAPTION), Cancel::new());
    cancel.cancel();
    let hyphenator = Hyphenator::of(None);
    let stopped = blocks(&[&clip], &Font::default(), hyphenator, SHAPES[0], &cancel);
    assert!(matches!(stopped, Err(MediaError::Cancelled)), "{stopped:?}");
}

#[test]
fn captions_stand_beside_each_other_and_beside_a_title() {
    let title = TextClip::title("The story\nof\ncoffee", Duration::ZERO, SECOND);
    for frame in SHAPES {
        for position in [CaptionPosition::Top, CaptionPosition::Middle, CaptionPosition::Bottom] {
            let mut first = caption(&CAPTION[..30]);
            first.style.position = position;
            let alone = block(&first, frame, "en").top;
            let placed = placed(&[&first, &title, &first], frame, "en");
            let tops: Vec<f32> = placed.iter().map(|(_, block)| block.top).collect();
            assert_eq!(tops[1], block(&title, frame, "en").top, "a title stays");
            if position != CaptionPosition::Middle {
                assert_eq!(tops[0], alone, "a caption stays where nothing is");
            }
            assert!((tops[0] - tops[2]).abs() >= placed[0].1.height(), "{tops:?}");
        }
    }
}

#[test]
fn the_parts_of_a_word_are_known_by_its_offset() {
    let mut clip = caption("See Donaudampfschifffahrtsgesellschaftskapitän — 咖啡 now");
    let offsets: Vec<usize> =
        crate::media::characters::words(&clip.text).iter().map(|word| word.start).collect();
    clip.words = offsets.iter().map(|offset| (*offset, Duration::ZERO)).collect();
    let block = block(&clip, FrameSize::PORTRAIT, "de");
    let word = |word| {
        let parts = block.word(word).map(|(line, part)| &block.lines[line].text[part]);
        parts.collect::<Vec<_>>()
    };
    assert_eq!(word(0), ["See"]);
    assert_eq!(word(1).concat().replace('-', ""), "Donaudampfschifffahrtsgesellschaftskapitän");
    assert!(word(1).len() > 1 && word(1)[0].ends_with('-'), "{:?}", word(1));
    assert_eq!([word(2), word(3), word(4)].concat(), ["咖", "啡", "now"]);
    assert!(word(5).is_empty());
}
