//! Points in time on the wire: RFC 3339 text, or milliseconds since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serializer, ser::Error};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Reads either form; what is neither is taken for absent rather than as a broken answer.
pub(in crate::wire) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(match value {
        Some(serde_json::Value::String(text)) => {
            OffsetDateTime::parse(&text, &Rfc3339).ok().map(SystemTime::from)
        }
        Some(serde_json::Value::Number(millis)) => {
            millis.as_u64().and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis)))
        }
        _ => None,
    })
}

/// Writes RFC 3339 in UTC.
pub(in crate::wire) fn serialize<S: Serializer>(
    moment: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match moment {
        None => serializer.serialize_none(),
        Some(moment) => {
            let text = OffsetDateTime::from(*moment).format(&Rfc3339).map_err(Error::custom)?;
            serializer.serialize_str(&text)
        }
    }
}

/// Writes milliseconds since 1970.
pub(super) mod millis {
    use std::time::{SystemTime, UNIX_EPOCH};

    use serde::Serializer;

    pub(in crate::wire) use super::deserialize;

    pub(in crate::wire) fn serialize<S: Serializer>(
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
}
