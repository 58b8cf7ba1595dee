//! The changes as text for people. Many changes of one kind on one track share a line.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::ops::Range;
use std::time::Duration;

use super::{Change, ChangedItem};
use crate::draft::style::CaptionColor;
use crate::draft::summary::{Language, Phrase, TrackLabel, shorten};

/// Number of changes of one kind on one track that have a line each.
const MAX_SINGLE: usize = 3;
/// Number of lines of a summary.
const MAX_LINES: usize = 20;

/// The settings, each in English and Chinese.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("style.mode", "style", "样式"),
    ("style.size", "size", "大小"),
    ("style.color", "color", "颜色"),
    ("style.outline", "outline", "描边颜色"),
    ("style.position", "position", "位置"),
    ("fit", "fit", "填充方式"),
    ("motion", "motion", "动态"),
    ("fade", "cross-fade", "转场"),
    ("duck", "ducking under speech", "随人声降低"),
    ("fade_in", "fade-in", "淡入"),
    ("fade_out", "fade-out", "淡出"),
    ("poster", "poster", "封面"),
];

/// The words that are values of settings, in English and Chinese.
const VALUES: &[(&str, &str, &str)] = &[
    ("plain", "plain", "普通"),
    ("boxed", "boxed", "方框"),
    ("words", "word by word", "逐字"),
    ("small", "small", "小"),
    ("medium", "medium", "中"),
    ("large", "large", "大"),
    ("top", "top", "顶部"),
    ("middle", "middle", "中间"),
    ("bottom", "bottom", "底部"),
    ("cover", "cover", "铺满"),
    ("contain", "contain", "完整"),
    ("zoom", "zoom", "缓慢放大"),
    ("none", "none", "无"),
    ("true", "on", "开"),
    ("false", "off", "关"),
    ("white", "white", "白色"),
    ("black", "black", "黑色"),
    ("yellow", "yellow", "黄色"),
    ("red", "red", "红色"),
    ("green", "green", "绿色"),
    ("blue", "blue", "蓝色"),
    ("orange", "orange", "橙色"),
    ("pink", "pink", "粉色"),
    ("purple", "purple", "紫色"),
];

/// Describes two values. Those that have the same words, such as two spellings of a color or two times
/// that are rounded alike, are given exactly.
fn told_apart<T>(
    values: [&T; 2],
    words: impl Fn(&T) -> String,
    exact: impl Fn(&T) -> String,
) -> [String; 2] {
    let described = values.map(words);
    if described[0] == described[1] { values.map(exact) } else { described }
}

fn named<'t>(table: &[(&str, &'t str, &'t str)], name: &str) -> Option<(&'t str, &'t str)> {
    table.iter().find(|(key, ..)| *key == name).map(|(_, english, chinese)| (*english, *chinese))
}

impl Change {
    /// Describes the change in one line: `Title added: “Morning Brew” (0–3 s)`.
    #[must_use]
    pub fn describe(&self, language: Language) -> String {
        let (colon, verb) = (language.colon(), self.verb(language));
        let pick = |english, chinese| language.pick(english, chinese);
        match self {
            Self::TrackAdded { track, segments } | Self::TrackRemoved { track, segments } => {
                language.changed_track(track, segments, verb)
            }
            Self::TrackMoved { track, from } => {
                let (name, noun) = (language.track_name(track.label), pick("track", "轨道"));
                let (from, to) = (from + 1, track.index + 1);
                format!("{name}{verb}{colon}{noun} {from} → {to}")
            }
            Self::TrackRetyped { track, from, to } => {
                let kind = |kind: &Option<_>| match kind.map(TrackLabel::from) {
                    Some(label) => language.track_name(label).to_lowercase(),
                    None => language.unset(),
                };
                let noun = pick("Track", "轨道");
                format!("{noun} {}{verb}{colon}{} → {}", track.index + 1, kind(from), kind(to))
            }
            Self::SegmentAdded { track, segment } | Self::SegmentRemoved { track, segment } => {
                language.changed_segment(track, segment, verb, None)
            }
            Self::SegmentMoved { track, segment, from }
            | Self::SegmentRetimed { track, segment, from } => {
                language.changed_segment(track, segment, verb, Some(from))
            }
            Self::SegmentsShifted { track, first, last, by_ms } => {
                let time = language.time(Duration::from_millis(by_ms.unsigned_abs()));
                let by = if *by_ms < 0 {
                    language.pick(format!("{time} earlier"), format!("提前 {time}"))
                } else {
                    language.pick(format!("{time} later"), format!("推后 {time}"))
                };
                format!(
                    "{} {}–{}{colon}{by}",
                    language.track_name(track.label),
                    first + 1,
                    last + 1
                )
            }
            Self::TextChanged { track, segment, from, to } => {
                let (from, to) = (language.quoted(from), language.quoted(to));
                format!("{}{colon}{from} → {to}", language.subject(track, segment))
            }
            Self::Renamed { track, segment, from, to } => {
                let (from, to) = (language.plain(from), language.plain(to));
                format!("{}{verb}{colon}{from} → {to}", language.subject(track, segment))
            }
            Self::VolumeChanged { track, segment, from, to } => {
                let percent =
                    |volume: &Option<f64>| volume.map_or(language.unset(), |v| language.percent(v));
                let mut subject = language.subject(track, segment);
                if let Some(segment) = segment {
                    let span = language.time_range(segment.start, segment.end);
                    subject += &language.parenthesized(&span);
                }
                let noun = pick(" volume", "音量");
                let exact =
                    |volume: &Option<f64>| volume.map_or(language.unset(), |v| v.to_string());
                let [from, to] = told_apart([from, to], percent, exact);
                format!("{subject}{noun}{colon}{from} → {to}")
            }
            Self::SettingChanged { track, segment, setting, from, to } => {
                let subject = match track {
                    Some(track) => language.subject(track, segment),
                    None => pick("Timeline", "影片").to_owned(),
                };
                let (english, chinese) = named(SETTINGS, setting).unwrap_or((setting, setting));
                let noun = pick(english, chinese);
                let words = |value: &Option<String>| language.setting(setting, value.as_deref());
                let [from, to] = told_apart([from, to], words, |value| language.plain(value));
                let gap = pick(" ", "");
                format!("{subject}{gap}{noun}{colon}{from} → {to}")
            }
            Self::CanvasChanged { from, to } => {
                let (from, to) = (language.plain(from), language.plain(to));
                format!("{}{colon}{from} → {to}", pick("Canvas", "画幅"))
            }
            Self::LengthChanged { from, to } => {
                let exact = |time: &Duration| format!("{} {}", time.as_secs_f64(), pick("s", "秒"));
                let [from, to] = told_apart([from, to], |time| language.time(*time), exact);
                format!("{}{colon}{from} → {to}", pick("Length", "时长"))
            }
            Self::OtherChanged { track, segment, keys } => {
                let subject = match track {
                    Some(track) => language.subject(track, segment),
                    None => pick("Timeline", "影片").to_owned(),
                };
                let settings = pick("other settings changed", "其他设置已更改");
                let keys = match &keys[..] {
                    [] => String::new(),
                    keys => language.parenthesized(&shorten(&language.list(keys))),
                };
                format!("{subject}{colon}{settings}{keys}")
            }
        }
    }

    /// Returns the track and the segment of a change of a single segment.
    fn single_segment(&self) -> Option<(&ChangedItem, &ChangedItem)> {
        match self {
            Self::SegmentAdded { track, segment }
            | Self::SegmentRemoved { track, segment }
            | Self::SegmentMoved { track, segment, .. }
            | Self::SegmentRetimed { track, segment, .. }
            | Self::TextChanged { track, segment: Some(segment), .. }
            | Self::Renamed { track, segment: Some(segment), .. }
            | Self::VolumeChanged { track, segment: Some(segment), .. }
            | Self::SettingChanged { track: Some(track), segment: Some(segment), .. }
            | Self::OtherChanged { track: Some(track), segment: Some(segment), .. } => {
                Some((track, segment))
            }
            _ => None,
        }
    }

    /// Returns what happened to one or more segments, or to a track.
    fn verb(&self, language: Language) -> &'static str {
        let (english, chinese) = match self {
            Self::TrackAdded { .. } | Self::SegmentAdded { .. } => (" added", "已添加"),
            Self::TrackRemoved { .. } | Self::SegmentRemoved { .. } => (" removed", "已移除"),
            Self::TrackMoved { .. } | Self::SegmentMoved { .. } => (" moved", "已移动"),
            Self::TrackRetyped { .. } => (" retyped", " 类型已更改"),
            Self::SegmentRetimed { .. } => (" retimed", "时间已调整"),
            Self::TextChanged { .. } => (" reworded", "文字已修改"),
            Self::Renamed { .. } => (" renamed", "已更名"),
            Self::VolumeChanged { .. } => (" with another volume", "音量已更改"),
            _ => (" with other settings", "设置已更改"),
        };
        language.pick(english, chinese)
    }
}

/// Describes the changes, a line for each change or group of changes.
pub(super) fn summary(changes: &[Change], omitted: usize, language: Language) -> String {
    if changes.is_empty() {
        return language.pick("Nothing changed.", "没有任何变化。").to_owned();
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut by_kind: HashMap<(Discriminant<Change>, usize), usize> = HashMap::new();
    for change in changes {
        let Some((track, segment)) = change.single_segment() else {
            groups.push(Group { changes: vec![change], of: None });
            continue;
        };
        let at = *by_kind.entry((discriminant(change), track.index)).or_insert_with(|| {
            groups
                .push(Group { changes: Vec::new(), of: Some((track, segment.start..segment.end)) });
            groups.len() - 1
        });
        groups[at].add(change, segment);
    }
    let mut lines: Vec<String> = Vec::new();
    let mut described = 0;
    for group in &groups {
        let room = MAX_LINES - lines.len();
        if group.changes.len() > MAX_SINGLE {
            lines.extend((room > 0).then(|| group.describe(language)));
            described += if room > 0 { group.changes.len() } else { 0 };
        } else {
            let changes = group.changes.iter().take(room);
            described += changes.len();
            lines.extend(changes.map(|change| change.describe(language)));
        }
    }
    let more = changes.len() - described + omitted;
    if more > 0 {
        let plural = if more == 1 { "" } else { "s" };
        let english = format!("… and {more} more change{plural}");
        lines.push(language.pick(english, format!("……另有 {more} 处变化")));
    }
    lines.join("\n")
}

/// Changes of one kind on one track.
struct Group<'c> {
    changes: Vec<&'c Change>,
    /// The track and the time range of all its changes.
    of: Option<(&'c ChangedItem, Range<Duration>)>,
}

impl<'c> Group<'c> {
    fn add(&mut self, change: &'c Change, segment: &ChangedItem) {
        self.changes.push(change);
        if let Some((_, span)) = &mut self.of {
            *span = span.start.min(segment.start)..span.end.max(segment.end);
        }
    }

    fn describe(&self, language: Language) -> String {
        let Some((track, span)) = &self.of else { return String::new() };
        let first = self.changes[0];
        let many = language.segment_count(self.changes.len()) + first.verb(language);
        let span = language.parenthesized(&language.time_range(span.start, span.end));
        format!("{}{}{many}{span}", language.track_name(track.label), language.colon())
    }
}

/// The parts of a sentence.
impl Language {
    fn unset(self) -> String {
        self.pick("not set", "未设置").to_owned()
    }

    /// Returns the value of a setting: a time, a color, a word.
    fn setting(self, setting: &str, value: Option<&str>) -> String {
        let Some(value) = value else { return self.unset() };
        let is_time = ["fade", "fade_in", "fade_out", "poster"].contains(&setting);
        if let Some(ms) = value.parse().ok().filter(|_| is_time) {
            return self.time(Duration::from_millis(ms));
        }
        let color = value.parse().ok().and_then(CaptionColor::name);
        let words = named(VALUES, color.unwrap_or(value));
        words.map_or_else(
            || shorten(value),
            |(english, chinese)| self.pick(english, chinese).to_owned(),
        )
    }

    fn quoted(self, text: &Option<String>) -> String {
        text.as_deref().map_or_else(|| self.unset(), |text| self.quote(text))
    }

    fn plain(self, text: &Option<String>) -> String {
        text.as_deref().map_or_else(|| self.unset(), shorten)
    }

    fn subject(self, track: &ChangedItem, segment: &Option<ChangedItem>) -> String {
        match segment {
            Some(_) => self.segment_name(track.label),
            None => self.track_name(track.label),
        }
    }

    /// Returns `: “Hello”`, `: city timelapse`, or nothing where there is neither text nor name.
    fn content(self, label: TrackLabel, text: Option<&str>, name: Option<&str>) -> String {
        let phrase = Phrase::of(text, name, label);
        phrase.map_or_else(String::new, |it| self.colon().to_owned() + &self.phrase(it))
    }

    fn changed_track(self, track: &ChangedItem, segments: &[ChangedItem], verb: &str) -> String {
        let head = format!("{}{verb}", self.track_name(track.label));
        let span = match track.segments {
            0 => self.empty().to_owned(),
            _ => self.time_range(track.start, track.end),
        };
        let name = track.name.as_deref();
        let content = match (track.segments, segments) {
            (1, [one]) => {
                self.content(track.label, one.text.as_deref(), one.name.as_deref().or(name))
            }
            (0 | 1, _) => self.content(track.label, None, name),
            (many, _) => format!("{}{}", self.colon(), self.segment_count(many)),
        };
        format!("{head}{content}{}", self.parenthesized(&span))
    }

    fn changed_segment(
        self,
        track: &ChangedItem,
        segment: &ChangedItem,
        verb: &str,
        from: Option<&Range<Duration>>,
    ) -> String {
        let (text, name) = (segment.text.as_deref(), segment.name.as_deref());
        let content = self.content(track.label, text, name);
        let now = self.time_range(segment.start, segment.end);
        let span = match from {
            Some(from) if *from != (segment.start..segment.end) => {
                format!("{} → {now}", self.time_range(from.start, from.end))
            }
            _ => now,
        };
        let name = self.segment_name(track.label);
        format!("{name}{verb}{content}{}", self.parenthesized(&span))
    }
}
