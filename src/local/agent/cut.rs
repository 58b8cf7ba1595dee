//! A stretch of time taken out of a draft, at its beginning or its end.

use std::time::Duration;

use crate::draft::{Draft, Json};

/// Takes out everything from `from` to `to`; what comes after moves up.
pub(super) fn cut(draft: &mut Draft, from: Duration, to: Duration) {
    let length = draft.duration();
    for mut track in draft.tracks_mut() {
        let times: Vec<Kept> = track
            .as_track()
            .segments()
            .map(|segment| Kept::of(segment.start(), segment.end(), from, to))
            .collect();
        for (mut segment, kept) in track.segments_mut().zip(&times) {
            segment.set_metadata("start", millis(kept.start)).set_duration(kept.duration);
            let plays = segment.as_json().get("m").and_then(|m| m.get("media")).is_some();
            if plays && !kept.skipped.is_zero() {
                let before = skip(segment.as_json());
                segment.set_metadata("skip", millis(before + kept.skipped));
            }
        }
        let mut kept = times.iter().map(|kept| !kept.duration.is_zero());
        track.retain_segments(|_| kept.next().unwrap_or(true));
    }
    // A track of which nothing is left would stand in the timeline for nothing.
    draft.retain_tracks(|track| track.segments().len() > 0);
    draft.set_duration(length.saturating_sub(to.min(length).saturating_sub(from)));
}

fn skip(segment: &Json) -> Duration {
    let told = segment.get("m").and_then(|m| m.get("skip")).and_then(Json::as_f64);
    told.map_or(Duration::ZERO, |ms| Duration::from_millis(ms as u64))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What is left of a segment.
struct Kept {
    start: Duration,
    duration: Duration,
    /// How much of its own beginning is gone.
    skipped: Duration,
}

impl Kept {
    fn of(start: Duration, end: Duration, from: Duration, to: Duration) -> Self {
        let moved = |time: Duration| {
            if time >= to { time - (to - from) } else { time.min(from) }
        };
        let (new_start, new_end) = (moved(start), moved(end));
        let begins_in_cut = start >= from && start < to;
        let skipped = if begins_in_cut { end.min(to) - start } else { Duration::ZERO };
        Self { start: new_start, duration: new_end - new_start, skipped }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::cut;
    use crate::draft::Draft;

    const DRAFT: &str = r#"{"t":[
        {"tt":0,"x":1,"sg":[{"d":9000,"m":{"start":0}}]},
        {"tt":1,"sg":[{"d":2000,"m":{"media":"a"}},{"d":3000,"y":[2],"m":{"start":3000,"media":"b"}},{"d":3000,"m":{"media":"c"}}]},
        {"tt":7,"sg":[{"d":1000}]}],"d":9000,"z":3}"#;

    fn after(from: u64, to: u64) -> Vec<String> {
        let mut draft: Draft = DRAFT.parse().unwrap();
        cut(&mut draft, Duration::from_secs(from), Duration::from_secs(to));
        let json = draft.to_json();
        assert!(json.contains(r#""x":1"#) && json.contains(r#""z":3"#), "{json}");
        let tracks = draft.tracks().map(|track| {
            let times = track
                .segments()
                .map(|s| format!("{}-{}", s.start().as_millis(), s.end().as_millis()));
            times.collect::<Vec<_>>().join(" ")
        });
        let mut tracks: Vec<_> = tracks.collect();
        tracks.push(draft.duration().as_secs().to_string());
        tracks.extend(json.contains("skip").then(|| "skip".to_owned()));
        tracks
    }

    #[test]
    fn the_end_is_cut_off_and_the_beginning_moves_up() {
        assert_eq!(after(4, 9), ["0-4000", "0-2000 3000-4000", "0-1000", "4"]);
        assert_eq!(after(0, 4), ["0-5000", "0-2000 2000-5000", "5", "skip"]);
    }
}
