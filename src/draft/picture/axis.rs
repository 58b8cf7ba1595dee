//! Which times are worth a mark on the axis.

use std::time::Duration;

/// Steps between marks, in milliseconds: those that people count in.
const STEPS: &[u64] = &[
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
];

/// The most letters that a label has.
pub(super) fn widest(length: Duration) -> u32 {
    u32::try_from(label(length, length).len()).unwrap_or(u32::MAX)
}

/// Times from 0 to `length`, evenly apart; at most `most` of them behind the first.
pub(super) fn marks(length: Duration, most: u32) -> Vec<Duration> {
    let (length, most) = (length.as_millis(), u128::from(most.max(1)));
    let fits = |step: &&u64| length / u128::from(**step) <= most;
    // Beyond days any even division will do.
    let step = STEPS.iter().find(fits).map_or(length / most, |step| u128::from(*step)).max(1);
    (0..=length / step)
        .map(|at| Duration::from_millis(u64::try_from(at * step).unwrap_or(u64::MAX)))
        .collect()
}

/// `2.5s` while the film is short, `1:30` or `1:00:00` when it is not.
pub(super) fn label(time: Duration, length: Duration) -> String {
    let seconds = time.as_secs();
    if length < Duration::from_secs(60) {
        return format!("{}s", (time.as_secs_f64() * 10.0).round() / 10.0);
    }
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if length < Duration::from_secs(3600) {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let told = |ms, most| {
            let length = Duration::from_millis(ms);
            let marks = marks(length, most);
            marks.into_iter().map(|time| label(time, length)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told(67_700, 8), "0:00 0:10 0:20 0:30 0:40 0:50 1:00");
        assert_eq!(told(3_000, 6), "0s 0.5s 1s 1.5s 2s 2.5s 3s");
        assert_eq!(told(7_000_000, 4), "0:00:00 0:30:00 1:00:00 1:30:00");
        assert_eq!(told(0, 4), "0s");
        assert_eq!(marks(Duration::from_millis(u64::MAX), 8).len(), 9);
    }
}
