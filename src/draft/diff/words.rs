//! Changes in words, for people. Many changes of one kind on one track become one line.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use super::change::{Change, SegmentAt, Span, TrackAt};
use crate::draft::language::Language;
use crate::draft::summary::{Label, shorten};

/// So many changes of one kind on one track are told one by one.
const TOLD: usize = 3;
/// So many lines a summary has; what is beyond is counted.
const LINES: usize = 20;

impl Change {
    /// The change in one line: `Title added: “Morning Brew” (0–3 s)`.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, Language};
    ///
    /// let text = r#"{"t":[{"tt":1,"m":{"role":"music","volume":0.8},"sg":[{"d":9000}]}]}"#;
    /// let older: Draft = text.parse()?;
    /// let mut newer = older.clone();
    /// newer.edit().set_track_volume(0, 0.35)?;
    /// let diff = older.diff(&newer);
    /// let change = &diff.changes()[0];
    /// assert_eq!(change.describe(Language::English), "Music volume: 80 % → 35 %");
    /// assert_eq!(change.describe(Language::Chinese), "音乐音量：80% → 35%");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn describe(&self, language: Language) -> String {
        let say = Say(language);
        match self {
            Self::TrackAdded { track, segments } => {
                say.whole(track, segments, language.pick(" added", "已添加"))
            }
            Self::TrackRemoved { track, segments } => {
                say.whole(track, segments, language.pick(" removed", "已移除"))
            }
            Self::TrackMoved { track, from } => {
                let (name, verb) = (language.track(track.label), language.pick(" moved", "已移动"));
                let place = |at: usize| (at + 1).to_string();
                let (colon, track) = (language.colon(), track.index);
                let word = language.pick("track", "轨道");
                format!("{name}{verb}{colon}{word} {} → {}", place(*from), place(track))
            }
            Self::TrackRetyped { track, from, to } => {
                let kind = |kind: Option<_>| match kind.map(Label::from) {
                    Some(label) => language.track(label).to_lowercase(),
                    None => say.unset(),
                };
                let head = language.pick("Track", "轨道");
                let verb = language.pick(" retyped", " 类型已更改");
                let (number, colon) = (track.index + 1, language.colon());
                format!("{head} {number}{verb}{colon}{} → {}", kind(*from), kind(*to))
            }
            Self::SegmentAdded { track, segment } => {
                say.one(track, segment, language.pick(" added", "已添加"), None)
            }
            Self::SegmentRemoved { track, segment } => {
                say.one(track, segment, language.pick(" removed", "已移除"), None)
            }
            Self::SegmentMoved { track, segment, from } => {
                say.one(track, segment, language.pick(" moved", "已移动"), Some(*from))
            }
            Self::SegmentRetimed { track, segment, from } => {
                say.one(track, segment, language.pick(" retimed", "时间已调整"), Some(*from))
            }
            Self::SegmentsShifted { track, first, last, by_ms } => {
                let time = language.time(Duration::from_millis(by_ms.unsigned_abs()));
                let by = match (language, *by_ms < 0) {
                    (Language::English, true) => format!("{time} earlier"),
                    (Language::English, false) => format!("{time} later"),
                    (Language::Chinese, true) => format!("提前 {time}"),
                    (Language::Chinese, false) => format!("推后 {time}"),
                };
                let (name, colon) = (language.track(track.label), language.colon());
                format!("{name} {}–{}{colon}{by}", first + 1, last + 1)
            }
            Self::SegmentRetexted { track, segment, from, to }
            | Self::TitleChanged { track, segment, from, to } => {
                let (from, to) = (say.quoted(from.as_deref()), say.quoted(to.as_deref()));
                format!("{}{}{from} → {to}", say.subject(track, segment), language.colon())
            }
            Self::Renamed { track, segment, from, to } => {
                let (from, to) = (say.plain(from.as_deref()), say.plain(to.as_deref()));
                let verb = language.pick(" renamed", "已更名");
                let (subject, colon) = (say.subject(track, segment), language.colon());
                format!("{subject}{verb}{colon}{from} → {to}")
            }
            Self::VolumeChanged { track, segment, from, to } => {
                let percent = |volume: Option<f64>| match volume {
                    Some(volume) => language.percent(volume),
                    None => say.unset(),
                };
                let mut subject = say.subject(track, segment);
                if let Some(segment) = segment {
                    subject += &language.aside(&say.span(segment.span));
                }
                let (volume, colon) = (language.pick(" volume", "音量"), language.colon());
                format!("{subject}{volume}{colon}{} → {}", percent(*from), percent(*to))
            }
            Self::CanvasChanged { from, to } => {
                let (from, to) = (say.plain(from.as_deref()), say.plain(to.as_deref()));
                let (head, colon) = (language.pick("Canvas", "画幅"), language.colon());
                format!("{head}{colon}{from} → {to}")
            }
            Self::LengthChanged { from, to } => {
                let (head, colon) = (language.pick("Length", "时长"), language.colon());
                format!("{head}{colon}{} → {}", language.time(*from), language.time(*to))
            }
            Self::OtherChanged { track, segment, keys } => {
                let subject = match track {
                    Some(track) => say.subject(track, segment),
                    None => language.pick("Film", "影片").to_owned(),
                };
                let settings = language.pick("other settings changed", "其他设置已更改");
                let keys = match &keys[..] {
                    [] => String::new(),
                    keys => language.aside(&shorten(&language.list(keys))),
                };
                format!("{subject}{}{settings}{keys}", language.colon())
            }
        }
    }

    /// The segment that this is about alone, with its track.
    fn of_one_segment(&self) -> Option<(&TrackAt, &SegmentAt)> {
        match self {
            Self::SegmentAdded { track, segment }
            | Self::SegmentRemoved { track, segment }
            | Self::SegmentMoved { track, segment, .. }
            | Self::SegmentRetimed { track, segment, .. }
            | Self::SegmentRetexted { track, segment: Some(segment), .. }
            | Self::TitleChanged { track, segment: Some(segment), .. }
            | Self::Renamed { track, segment: Some(segment), .. }
            | Self::VolumeChanged { track, segment: Some(segment), .. }
            | Self::OtherChanged { track: Some(track), segment: Some(segment), .. } => {
                Some((track, segment))
            }
            _ => None,
        }
    }

    /// What happened to so many segments of a track.
    fn describe_many(&self, count: usize, language: Language) -> String {
        let segments = language.segments(count);
        match language {
            Language::English => {
                let what = match self {
                    Self::SegmentAdded { .. } => "added",
                    Self::SegmentRemoved { .. } => "removed",
                    Self::SegmentMoved { .. } => "moved",
                    Self::SegmentRetimed { .. } => "retimed",
                    Self::SegmentRetexted { .. } | Self::TitleChanged { .. } => "reworded",
                    Self::Renamed { .. } => "renamed",
                    Self::VolumeChanged { .. } => "with another volume",
                    _ => "with other settings",
                };
                format!("{segments} {what}")
            }
            Language::Chinese => {
                let what = match self {
                    Self::SegmentAdded { .. } => "已添加",
                    Self::SegmentRemoved { .. } => "已移除",
                    Self::SegmentMoved { .. } => "已移动",
                    Self::SegmentRetimed { .. } => "时间已调整",
                    Self::SegmentRetexted { .. } | Self::TitleChanged { .. } => "文字已修改",
                    Self::Renamed { .. } => "已更名",
                    Self::VolumeChanged { .. } => "音量已更改",
                    _ => "设置已更改",
                };
                format!("{segments}{what}")
            }
        }
    }
}

/// The changes, a line each, or each group of them.
pub(super) fn summary(changes: &[Change], language: Language) -> String {
    if changes.is_empty() {
        return language.pick("Nothing changed.", "没有任何变化。").to_owned();
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: HashMap<(Discriminant<Change>, usize), usize> = HashMap::new();
    for change in changes {
        let Some((track, segment)) = change.of_one_segment() else {
            groups.push(Group { changes: vec![change], of: None });
            continue;
        };
        let key = (discriminant(change), track.index);
        let at = *known.entry(key).or_insert_with(|| {
            groups.push(Group { changes: Vec::new(), of: Some((track, segment.span)) });
            groups.len() - 1
        });
        groups[at].add(change, segment.span);
    }
    let mut lines: Vec<String> = Vec::new();
    let mut told = 0;
    for group in &groups {
        let room = LINES - lines.len();
        if group.is_told_at_once() {
            lines.extend((room > 0).then(|| group.describe(language)));
            told += if room > 0 { group.changes.len() } else { 0 };
        } else {
            let these = group.changes.iter().take(room);
            told += these.len();
            lines.extend(these.map(|change| change.describe(language)));
        }
    }
    let more = changes.len() - told;
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
    /// The track, and from when to when.
    of: Option<(&'c TrackAt, Span)>,
}

impl<'c> Group<'c> {
    fn add(&mut self, change: &'c Change, span: Span) {
        self.changes.push(change);
        if let Some((_, all)) = &mut self.of {
            all.start = all.start.min(span.start);
            all.end = all.end.max(span.end);
        }
    }

    fn is_told_at_once(&self) -> bool {
        self.changes.len() > TOLD
    }

    fn describe(&self, language: Language) -> String {
        let Some((track, span)) = self.of else { return String::new() };
        let what = self.changes[0].describe_many(self.changes.len(), language);
        let span = language.aside(&language.times(span.start, span.end));
        format!("{}{}{what}{span}", language.track(track.label), language.colon())
    }
}

/// The pieces of a sentence.
#[derive(Clone, Copy)]
struct Say(Language);

impl Say {
    fn unset(self) -> String {
        self.0.pick("not set", "未设置").to_owned()
    }

    fn quoted(self, text: Option<&str>) -> String {
        text.map_or_else(|| self.unset(), |text| self.0.quote(text))
    }

    fn plain(self, text: Option<&str>) -> String {
        text.map_or_else(|| self.unset(), shorten)
    }

    fn span(self, span: Span) -> String {
        self.0.times(span.start, span.end)
    }

    fn subject(self, track: &TrackAt, segment: &Option<SegmentAt>) -> String {
        match segment {
            Some(_) => self.0.segment(track.label),
            None => self.0.track(track.label),
        }
    }

    /// `: “Hello”`, `: city timelapse`, or nothing where a thing has neither words nor a name.
    fn content(self, label: Label, text: Option<&str>, name: Option<&str>) -> String {
        let words = if label.is_words() { text } else { None };
        let written = label.is_words() && label != Label::Voiceover;
        let content = match (words, name, text) {
            (Some(words), _, _) => self.0.quote(words),
            (None, Some(name), _) if written => self.0.quote(name),
            (None, Some(name), _) => shorten(name),
            (None, None, Some(text)) => self.0.quote(text),
            (None, None, None) => return String::new(),
        };
        format!("{}{content}", self.0.colon())
    }

    fn whole(self, track: &TrackAt, segments: &[SegmentAt], verb: &str) -> String {
        let head = format!("{}{verb}", self.0.track(track.label));
        let start = segments.iter().map(|segment| segment.span.start).min();
        let end = segments.iter().map(|segment| segment.span.end).max();
        let span = match start.zip(end) {
            Some((start, end)) => self.0.times(start, end),
            None => self.0.empty().to_owned(),
        };
        let name = track.name.as_deref();
        let content = match segments {
            [one] => self.content(track.label, one.text.as_deref(), one.name.as_deref().or(name)),
            [] => self.content(track.label, None, name),
            many => format!("{}{}", self.0.colon(), self.0.segments(many.len())),
        };
        format!("{head}{content}{}", self.0.aside(&span))
    }

    fn one(self, track: &TrackAt, segment: &SegmentAt, verb: &str, from: Option<Span>) -> String {
        let (text, name) = (segment.text.as_deref(), segment.name.as_deref());
        let content = self.content(track.label, text, name);
        let now = self.span(segment.span);
        let span = match from {
            Some(from) if from != segment.span => format!("{} → {now}", self.span(from)),
            _ => now,
        };
        format!("{}{verb}{content}{}", self.0.segment(track.label), self.0.aside(&span))
    }
}
