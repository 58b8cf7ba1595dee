//! Points in time on the wire: RFC 3339 text, or seconds or milliseconds since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serializer;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Numbers below are seconds, which they stay until the year 5138; as milliseconds they would lie
/// before March 1973.
const FIRST_MILLIS: u64 = 100_000_000_000;

/// Reads any of the forms. What is none of them, or no date that could be written again, is taken
/// for absent rather than as a broken answer.
pub(super) fn read(value: &Value) -> Option<SystemTime> {
    let parsed = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    if let Some(moment) = parsed {
        return Some(moment.into());
    }
    let since = match super::tolerant::whole(value) {
        Some(seconds) if seconds < FIRST_MILLIS => Duration::from_secs(seconds),
        Some(millis) => Duration::from_millis(millis),
        None => {
            let number = super::tolerant::number(value)?;
            let is_seconds = number < FIRST_MILLIS as f64;
            Duration::try_from_secs_f64(if is_seconds { number } else { number / 1e3 }).ok()?
        }
    };
    let moment = UNIX_EPOCH.checked_add(since)?;
    date_of(moment).map(|_| moment)
}

/// The date, if it is one before the year 10000.
fn date_of(moment: SystemTime) -> Option<OffsetDateTime> {
    let nanos = match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).ok()?,
        Err(before) => -i128::try_from(before.duration().as_nanos()).ok()?,
    };
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()
}

/// Writes RFC 3339 in UTC; `null` for what is no date.
pub(super) fn serialize<S: Serializer>(
    moment: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match moment.and_then(date_of).and_then(|date| date.format(&Rfc3339).ok()) {
        None => serializer.serialize_none(),
        Some(text) => serializer.serialize_str(&text),
    }
}

/// Writes milliseconds since 1970.
pub(super) fn serialize_millis<S: Serializer>(
    moment: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let millis = moment
        .and_then(|moment| moment.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok());
    match millis {
        None => serializer.serialize_none(),
        Some(millis) => serializer.serialize_u64(millis),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use serde_json::json;

    use super::{read, serialize};

    #[test]
    fn a_moment_is_read_in_every_form_and_an_impossible_one_is_none() {
        let moment = Some(UNIX_EPOCH + Duration::from_secs(1_795_351_293));
        for value in [
            json!(1_795_351_293),
            json!(1_795_351_293_000_u64),
            json!("1795351293"),
            json!(1_795_351_293.0),
            json!("2026-11-22T13:08:13+01:00"),
        ] {
            let found = read(&value);
            let far = |moment: SystemTime| moment.duration_since(UNIX_EPOCH).unwrap().as_secs();
            assert_eq!(found.map(far).map(|s| s / 86_400), moment.map(far).map(|s| s / 86_400));
        }
        for value in [
            json!(1_795_351_293_000_000_u64),
            json!(1_795_351_293_000_000_000_u64),
            json!(u64::MAX),
            json!(1e300),
            json!(-1),
            json!("soon"),
            json!(true),
        ] {
            assert_eq!(read(&value), None, "{value}");
        }
    }

    #[test]
    fn a_moment_without_a_date_is_written_as_none() {
        let far = UNIX_EPOCH.checked_add(Duration::from_secs(1 << 45));
        let mut json = Vec::new();
        serialize(&far, &mut serde_json::Serializer::new(&mut json)).unwrap();
        assert_eq!(json, b"null");
    }
}
