//! The timeline of any draft can be drawn as an image of limited size.

use std::fmt::Write as _;

use nemovideo::draft::{Aspect, Draft, Language, PictureStyle, PictureTheme};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

const DRAFT: &str = r#"{"t":[
    {"tt":0,"m":{"role":"background","name":"Dusk gradient"},"sg":[{"d":60000}]},
    {"tt":1,"m":{"role":"music"},"sg":[{"d":60000,"name":"calm <piano> & rain.mp3","volume":0.2}]},
    {"tt":7,"m":{"role":"captions"},"sg":[{"d":20000,"text":"天空为什么是蓝色的？"},{"d":10000,"text":"Now you know 👩‍👩‍👧‍👦!"},{"d":1000,"text":"End"}]},
    {"tt":9,"sg":[]}
],"d":60000,"m":{"aspect":"9:16"}}"#;

fn sample() -> Draft {
    DRAFT.parse().unwrap()
}

fn captions(count: usize) -> Draft {
    let mut json = r#"{"t":[{"tt":7,"m":{"role":"captions"},"sg":["#.to_owned();
    for at in 0..count {
        let comma = if at == 0 { "" } else { "," };
        write!(json, r#"{comma}{{"d":2400,"m":{{"start":{},"text":"S{at}"}}}}"#, at * 2500)
            .unwrap();
    }
    (json + "]}]}").parse().unwrap()
}

/// Asserts that all tags are closed in order and all text is escaped.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    let mut rest = xml.trim_end();
    while let Some(tag) = rest.strip_prefix('<') {
        let (tag, after) = tag.split_once('>').unwrap();
        assert!(!tag.contains('<'), "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        let text = after.find('<').unwrap_or(after.len());
        for entity in after[..text].split('&').skip(1) {
            assert!(
                ["amp;", "lt;", "gt;", "quot;"].iter().any(|e| entity.starts_with(e)),
                "{entity}"
            );
        }
        assert!(!after[..text].contains(|c: char| c.is_control() || c == '>'), "{after}");
        rest = &after[text..];
    }
    assert!(rest.is_empty() && open.is_empty(), "{rest} {open:?}");
}

#[test]
fn the_text_form_is_aligned_in_columns() {
    assert_eq!(
        sample().to_text(60),
        "              0:00        0:15       0:30        0:45   1:00\n\
         Video         ┣ Dusk gradient ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫\n\
         Music 20 %    ┣ calm <piano> & rain.mp3 ━━━━━━━━━━━━━━━━━━━┫\n\
         Captions      ┣ 天空为什么… ┫┣Now y…┫■\n\
         Track type 9  (empty)\n"
    );
}

#[test]
fn an_svg_has_a_title_a_description_and_the_colours_of_its_style() {
    let svg = sample().to_svg(&PictureStyle::default());
    assert_well_formed(&svg);
    assert!(svg.contains("calm &lt;piano&gt; &amp; rain.mp3"));
    assert!(
        svg.contains("<title>Timeline: 60 s · 9:16</title><desc>Video: Dusk gradient (0–60 s); ")
    );
    assert!(svg.contains("prefers-color-scheme:dark") && svg.contains(r#"role="img""#));
    assert_eq!(sample().aspect(), Some(Aspect::Portrait));

    let style = PictureStyle::default()
        .with_theme(PictureTheme::Dark)
        .with_language(Language::Chinese)
        .with_width(1);
    let svg = sample().to_svg(&style);
    assert_well_formed(&svg);
    assert!(svg.contains(r#"width="320""#) && !svg.contains("prefers-color-scheme"));
    assert!(svg.contains("<title>时间线：60 秒 · 9:16</title>"));
}

#[test]
fn segments_are_drawn_to_scale() {
    let svg = sample().to_svg(&PictureStyle::default().with_width(24 + 132 + 600 + 24));
    for rect in [
        r#"<rect class="nv-captions" x="156" y="180" width="199""#,
        r#"<rect class="nv-captions" x="356" y="180" width="99""#,
        r#"<rect class="nv-captions" x="456" y="180" width="9""#,
    ] {
        assert!(svg.contains(rect), "{rect} {svg}");
    }
}

#[test]
fn segments_too_small_to_see_are_drawn_as_one() {
    for count in [10_000, 100_000] {
        let svg = captions(count).to_svg(&PictureStyle::default());
        assert!(svg.len() < 4_000, "{}", svg.len());
        assert!(svg.contains(&format!("{count} segments")));
        let text = captions(count).to_text(100);
        assert!(text.contains(&format!("▐ {count} segments ▒")), "{text}");
    }
    let tracks = vec![r#"{"tt":0,"sg":[{"d":1}]}"#; 10_000].join(",");
    let draft: Draft = format!(r#"{{"t":[{tracks}]}}"#).parse().unwrap();
    assert!(draft.to_svg(&PictureStyle::default()).contains("… and 9952 more tracks"));
    assert_eq!(draft.to_text(80).lines().count(), 50);
}

#[test]
fn a_short_segment_never_hides_a_long_one() {
    let draft: Draft =
        r#"{"t":[{"tt":0,"sg":[{"d":10,"name":"flash"},{"d":60000,"name":"city timelapse"},
        {"d":9,"name":"blink"},{"d":60000,"name":"harbour"},{"d":8,"name":"end"}]}]}"#
            .parse()
            .unwrap();
    assert_eq!(
        draft.to_text(60).lines().nth(1),
        Some("Video  ■┣ city timelapse ━━━━━━━┫■┣ harbour ━━━━━━━━━━━━━━┫■")
    );
    let svg = draft.to_svg(&PictureStyle::default());
    for name in ["city timelapse", "harbour"] {
        assert!(svg.contains(&format!(r#"y="23">{name}</text>"#)), "{svg}");
    }
    for name in ["flash", "blink", "end"] {
        assert!(svg.contains(&format!("<title>{name} (")), "{svg}");
    }
    // A segment that overlaps a longer one is counted with it.
    let draft: Draft = r#"{"t":[{"tt":0,"sg":[{"d":60000,"name":"city"},{"d":10,"start":30000}]}]}"#
        .parse()
        .unwrap();
    assert!(draft.to_text(60).contains("┣ city +1 ━"));
}

#[test]
fn labels_never_overlap_or_leave_their_area() {
    // The start and the end of each label of the axis, at seven pixels per character.
    for (length, width) in [("1e18", 960), ("1e18", 400), ("9e11", 960), ("90000000", 640)] {
        let draft: Draft = format!(r#"{{"d":{length},"t":[{{"tt":0,"sg":[]}}]}}"#).parse().unwrap();
        let svg = draft.to_svg(&PictureStyle::default().with_width(width));
        let mut end = 0;
        for label in svg
            .split(r#"<text class="nv-small" x=""#)
            .skip(2)
            .take_while(|s| s.contains("y=\"69\""))
        {
            let x: i64 = label.split('"').next().unwrap().parse().unwrap();
            let text = label.split(['>', '<']).nth(1).unwrap();
            let wide = text.len() as i64 * 7;
            let from = if label.contains("middle") { x - wide / 2 } else { x };
            assert!(from >= end && from + wide <= i64::from(width), "{label} {end}");
            end = from + wide;
        }
        assert!(end > 0, "{svg}");
        let text = draft.to_text(80);
        let axis: Vec<_> = text.lines().next().unwrap().split_whitespace().collect();
        assert!(
            axis.len() > 1 && axis.iter().all(|label| label.matches(':').count() == 2),
            "{text}"
        );
    }
    // The names of tracks are clipped before the lane starts.
    let draft: Draft =
        r#"{"t":[{"tt":0,"name":"BACKGROUND_MUSIC_V2.MP3 MORNING","sg":[{"d":1},{"d":1}]}]}"#
            .parse()
            .unwrap();
    let svg = draft.to_svg(&PictureStyle::default());
    assert!(
        svg.contains(r#"<svg x="24" y="84" width="124" height="38"><text class="nv-name""#),
        "{svg}"
    );
}

#[test]
fn the_text_form_is_in_the_requested_language() {
    assert_eq!(
        sample().to_text_in(60, Language::Chinese),
        "             0:00        0:15        0:30       0:45    1:00\n\
         视频         ┣ Dusk gradient ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫\n\
         音乐 20%     ┣ calm <piano> & rain.mp3 ━━━━━━━━━━━━━━━━━━━━┫\n\
         字幕         ┣ 天空为什么… ━┫┣Now y…┫■\n\
         类型 9 轨道  （空）\n"
    );
    assert!(captions(10_000).to_text_in(60, Language::Chinese).contains("▐ 10000 段 ▒"));
    let tracks = vec![r#"{"tt":0,"sg":[{"d":1}]}"#; 49].join(",");
    let draft: Draft = format!(r#"{{"t":[{tracks}]}}"#).parse().unwrap();
    assert!(draft.to_text_in(60, Language::Chinese).ends_with("……另有 1 条轨道\n"));
    assert!(draft.to_text(60).ends_with("… and 1 more track\n"));
}

proptest! {
    #[test]
    fn any_draft_can_be_drawn(
        names in prop::collection::vec((any::<String>(), any::<u64>(), 0..90_000_u64, 0..9_u8), 0..9),
        width in 0..200_usize,
    ) {
        let mut draft = Draft::new();
        for (name, start, duration, kind) in names {
            let mut track = draft.push_track(i64::from(kind).into());
            track.set_metadata("name", name.as_str());
            let mut segment = track.push_segment(std::time::Duration::from_millis(duration));
            segment.set_metadata("text", name.as_str());
            if kind > 3 {
                segment.set_metadata("start", if kind > 7 { start } else { start % 100_000 });
            }
        }
        assert_well_formed(&draft.to_svg(&PictureStyle::default().with_width(width as u32 * 10)));
        for text in [draft.to_text(width), draft.to_text_in(width, Language::Chinese)] {
            for line in text.lines() {
                prop_assert!(line.width() <= width.max(40), "{line}");
                prop_assert!(!line.contains(char::is_control));
            }
        }
    }
}
