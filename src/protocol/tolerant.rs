//! Values from the service: read in whatever form they come, and made safe to show.
//!
//! By the time a response is read, the work behind it is done and may be charged. A detail in an
//! unexpected form must not cost the rest: a key is read in snake_case and in camelCase, or both
//! at once; a number also as text; and an optional value of another type counts as absent.

mod repair;

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

use super::is_id;
use crate::draft::{Json, Object};

pub(crate) use repair::{LoneSurrogates, repair_json};

/// The fields of an object, read by their snake_case names. `null` counts as absent.
#[derive(Debug)]
pub(crate) struct Fields<'j> {
    object: Cow<'j, Object>,
    /// Whether every field read so far had an expected type.
    is_sound: bool,
}

/// A required field is missing or of another type. The error names the field and never shows its
/// value, which may be a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FieldError(String);

impl<'j> Fields<'j> {
    pub(crate) fn of(object: &'j Object) -> Self {
        Self { object: Cow::Borrowed(object), is_sound: true }
    }

    /// Deserializes an object exactly, for types that keep parts of it as they are. Works for JSON
    /// only, unlike the `Deserialize` implementation.
    pub(crate) fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let object = json.as_object().cloned();
        let object = object.ok_or_else(|| serde::de::Error::custom("expected an object"))?;
        Ok(Self { object: Cow::Owned(object), is_sound: true })
    }

    /// Returns the first value under `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        self.values(name).next()
    }

    /// Returns the first value under `name` that `reader` accepts.
    pub(crate) fn read<T>(&mut self, name: &str, reader: impl Fn(&Json) -> Option<T>) -> Option<T> {
        self.read_any(&[name], reader)
    }

    /// Returns the first value under any of `names` that `reader` accepts.
    pub(crate) fn read_any<T>(
        &mut self,
        names: &[&str],
        reader: impl Fn(&Json) -> Option<T>,
    ) -> Option<T> {
        let value = names.iter().flat_map(|name| self.values(name)).find_map(reader);
        if value.is_none() && names.iter().any(|name| self.get(name).is_some()) {
            self.is_sound = false;
        }
        value
    }

    /// Returns the first value under `name` that `reader` accepts, or an error.
    pub(crate) fn require<T>(
        &mut self,
        name: &str,
        reader: impl Fn(&Json) -> Option<T>,
    ) -> Result<T, FieldError> {
        self.read(name, reader).ok_or_else(|| {
            FieldError(match self.get(name) {
                Some(_) => format!("`{name}` has an unexpected type"),
                None => format!("missing field `{name}`"),
            })
        })
    }

    /// As [`require`](Self::require), but `null` stands for the default.
    pub(crate) fn require_nullable<T: Default>(
        &mut self,
        name: &str,
        reader: impl Fn(&Json) -> Option<T>,
    ) -> Result<T, FieldError> {
        let is_present = self.object.keys().any(|key| is_spelling(key, name));
        match self.get(name) {
            None if is_present => Ok(T::default()),
            _ => self.require(name, reader),
        }
    }

    /// Whether every field that was read and present had an expected type.
    pub(crate) fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// Returns the entries under other names than these.
    pub(crate) fn except(&self, names: &[&str]) -> Object {
        let others =
            self.object.iter().filter(|(key, _)| !names.iter().any(|name| is_spelling(key, name)));
        others.map(|(key, value)| (key, value.clone())).collect()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &Json> {
        let is_value =
            move |(key, value): &(&str, &Json)| !value.is_null() && is_spelling(key, name);
        self.object.iter().filter(is_value).map(|(_, value)| value)
    }
}

/// Whether `key` is the snake_case `name` or its camelCase form.
pub(crate) fn is_spelling(key: &str, name: &str) -> bool {
    let mut is_capital = false;
    let camel_case = name.bytes().filter_map(|byte| match (byte, is_capital) {
        (b'_', _) => {
            is_capital = true;
            None
        }
        (byte, true) => {
            is_capital = false;
            Some(byte.to_ascii_uppercase())
        }
        (byte, false) => Some(byte),
    });
    // Both forms begin alike, and most keys begin with another letter.
    key.bytes().next() == name.bytes().next() && (key == name || key.bytes().eq(camel_case))
}

impl<'de> Deserialize<'de> for Fields<'static> {
    /// Goes through `serde_json::Value`, so that types read from fields can be flattened into
    /// other types and stored in other formats than JSON.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, serde_json::Value>()? {
                    entries.push((key, Json::from_value(&value)));
                }
                Ok(entries.into_iter().collect())
            }
        }

        let object = deserializer.deserialize_map(FieldsVisitor)?;
        Ok(Self { object: Cow::Owned(object), is_sound: true })
    }
}

/// Returns a string, or a number as text: codes and ids come as either.
pub(crate) fn text(json: &Json) -> Option<String> {
    text_of(json).map(str::to_owned)
}

fn text_of(json: &Json) -> Option<&str> {
    json.as_str().or_else(|| json.as_number_str())
}

/// Returns an id, which may also be a number. One with a character that was lost is another id.
pub(crate) fn id<T: From<String>>(json: &Json) -> Option<T> {
    let is_whole = |id: &String| is_id(id) && !id.contains(char::REPLACEMENT_CHARACTER);
    text(json).filter(is_whole).map(T::from)
}

/// Returns a finite number, also from text.
pub(crate) fn number(json: &Json) -> Option<f64> {
    text_of(json)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Returns a number, also from the ratio that video tools write, such as `30000/1001`.
pub(crate) fn rate(json: &Json) -> Option<f64> {
    number(json).or_else(|| {
        let (over, under) = json.as_str()?.split_once('/')?;
        let (over, under): (f64, f64) = (over.trim().parse().ok()?, under.trim().parse().ok()?);
        Some(over / under).filter(|rate| rate.is_finite())
    })
}

/// Returns a non-negative integer, also from text or with a fraction of zero.
pub(crate) fn integer(json: &Json) -> Option<u64> {
    // Beyond 2⁵³ an `f64` cannot hold a fraction.
    let is_exact =
        |number: &f64| number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(number);
    let exact = text_of(json)?.trim().parse().ok();
    exact.or_else(|| number(json).filter(is_exact).map(|number| number as u64))
}

/// Returns a boolean, also from text or from 0 or 1.
pub(crate) fn flag(json: &Json) -> Option<bool> {
    json.as_bool().or_else(|| match text_of(json)?.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => match number(json)? {
            1.0 => Some(true),
            0.0 => Some(false),
            _ => None,
        },
    })
}

/// Numbers below this are seconds since 1970, until the year 5138. Read as milliseconds they would
/// all lie before March 1973.
const FIRST_MILLIS: u64 = 100_000_000_000;

/// Returns a point in time, from RFC 3339 text or from seconds or milliseconds since 1970. One
/// that RFC 3339 could not write again counts as absent.
pub(crate) fn timestamp(json: &Json) -> Option<SystemTime> {
    let time = match json.as_str().and_then(parse_rfc3339) {
        Some(time) => time,
        None => UNIX_EPOCH.checked_add(since_epoch(json)?)?,
    };
    format_rfc3339(time).map(|_| time)
}

/// Returns the time since 1970 that a number of seconds or milliseconds stands for.
fn since_epoch(json: &Json) -> Option<Duration> {
    match integer(json) {
        Some(seconds) if seconds < FIRST_MILLIS => Some(Duration::from_secs(seconds)),
        Some(millis) => Some(Duration::from_millis(millis)),
        None => {
            let number = number(json)?;
            let is_seconds = number < FIRST_MILLIS as f64;
            Duration::try_from_secs_f64(if is_seconds { number } else { number / 1e3 }).ok()
        }
    }
}

/// Parses a time since 1970. `humantime` knows no offsets from UTC, which are read here.
fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let text = text.to_ascii_uppercase();
    if text.ends_with('Z') {
        return humantime::parse_rfc3339(&text).ok();
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub("+00:00".len())?)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let seconds = hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60;
    let local = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    match &offset[..1] {
        "+" => local.checked_sub(Duration::from_secs(seconds)),
        "-" => local.checked_add(Duration::from_secs(seconds)),
        _ => None,
    }
}

/// Formats a time in UTC, if it is after 1970 and before the year 10000.
fn format_rfc3339(time: SystemTime) -> Option<String> {
    let mut text = String::new();
    time.duration_since(UNIX_EPOCH).ok()?;
    write!(text, "{}", humantime::format_rfc3339(time)).ok()?;
    Some(text)
}

/// Serializes a point in time as RFC 3339 in UTC, and as `null` when it has no such form.
pub(crate) fn serialize_rfc3339<S: Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time.and_then(format_rfc3339) {
        None => serializer.serialize_none(),
        Some(text) => serializer.serialize_str(&text),
    }
}

/// Returns milliseconds since 1970; `None` for an earlier time.
pub(crate) fn unix_millis(time: SystemTime) -> Option<u64> {
    let since_epoch = time.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since_epoch.as_millis()).ok()
}

/// The maximum number of characters kept of a message; a service may send one of any length.
pub(crate) const MAX_MESSAGE_CHARS: usize = 500;

/// Returns a message as one line of bounded length.
///
/// Control characters become spaces: an error message must neither move a terminal's cursor nor
/// add lines to a log. The URLs in it are [redacted](redact_urls).
pub(crate) fn one_line(message: &str) -> String {
    let mut line = String::new();
    let mut count = 0;
    for c in redact_urls(message.trim()).chars() {
        if count == MAX_MESSAGE_CHARS {
            line.push('…');
            break;
        }
        let c = if is_unsafe(c) { ' ' } else { c };
        // A run of spaces becomes one.
        if c != ' ' || !line.ends_with(' ') {
            line.push(c);
            count += 1;
        }
    }
    line
}

/// Whether a character controls a terminal, breaks a line or changes the writing direction.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns a text in which URLs are shown without what grants access: a message of the service may
/// quote the signed URL of a file. Only the start of a query or fragment is left of it.
///
/// A URL is a run of its characters, and of letters of any script, that holds `//`, also as JSON
/// escapes it; or it is a path with a query. The same counts where they are percent-encoded. Rather
/// too much is taken for a part of it than too little.
pub(crate) fn redact_urls(text: &str) -> Cow<'_, str> {
    if !text.contains(['?', '#', '@', '%']) {
        return Cow::Borrowed(text);
    }
    let ends_url = |c: char| match c {
        '"' | '<' | '>' | '`' => true,
        c if c.is_ascii() => !c.is_ascii_graphic(),
        c => !c.is_alphanumeric(),
    };
    let has = |part: &str, marks: [&str; 3]| marks.into_iter().any(|mark| part.contains(mark));
    let mut redacted = String::with_capacity(text.len());
    for run in text.split_inclusive(ends_url) {
        let (url, end) = run.split_at(run.trim_end_matches(ends_url).len());
        // Of the same length as the URL.
        let folded = url.to_ascii_lowercase();
        // After the scheme of an encoded URL all of it is hidden, its user, too.
        let marks = ["?", "#", "%3f", "%2f%2f"].into_iter();
        let shown = marks.filter_map(|mark| Some(folded.find(mark)? + mark.len())).min();
        let shown = shown.unwrap_or(url.len());
        let (path, query) = folded.split_at(shown);
        if has(&folded, ["//", "\\/\\/", "%2f%2f"])
            || (has(path, ["/", ".", "%2f"]) && has(query, ["=", "%3d", "\\u003d"]))
        {
            push_without_users(&mut redacted, &url[..shown]);
            // One that was redacted before ends here.
            redacted.push_str(if query.is_empty() { "" } else { "…" });
            redacted.push_str(end);
        } else {
            redacted.push_str(run);
        }
    }
    Cow::Owned(redacted)
}

/// Appends URLs, without the credentials before each host. Reads each byte a fixed number of times.
fn push_without_users(text: &mut String, mut urls: &str) {
    while let Some(slash) = urls.find('/') {
        let (open, rest) = urls.split_at(slash + 1);
        text.push_str(open);
        urls = rest;
        let Some(host) = rest.strip_prefix('/').or_else(|| rest.strip_prefix("\\/")) else {
            continue;
        };
        text.push_str(&rest[..rest.len() - host.len()]);
        let host_end = host.find(['/', '\\']).unwrap_or(host.len());
        urls = &host[host[..host_end].rfind('@').map_or(0, |at| at + 1)..];
    }
    text.push_str(urls);
}

/// A URL whose `Debug` omits what grants access: credentials before the host, and a signature in
/// the query.
pub(crate) struct RedactedUrl<'a>(pub(crate) &'a str);

impl fmt::Debug for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        let open = url.split(['?', '#']).next().unwrap_or_default();
        let hidden = if open.len() < url.len() { "?…" } else { "" };
        let (scheme, rest) = match open.find("//") {
            Some(at) => open.split_at(at + 2),
            None => ("", open),
        };
        let host_end = rest.find(['/', '\\']).unwrap_or(rest.len());
        let from = rest[..host_end].rfind('@').map_or(0, |at| at + 1);
        // The whole content is inside a data URL.
        if open.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:")) {
            return f.write_str("\"data:…\"");
        }
        write!(f, "\"{}{}{hidden}\"", scheme.escape_debug(), rest[from..].escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_readable_spelling_counts() {
        let read = |json: &str| {
            let mut fields: Fields<'_> = serde_json::from_str(json).unwrap();
            let id = fields.read_any(&["id", "render_id"], text);
            assert!(fields.except(&["id", "render_id"]).is_empty(), "{json}");
            (id, fields.is_sound())
        };
        for json in [
            r#"{"id":"a","renderId":"b","render_id":"c"}"#,
            r#"{"renderId":"b","id":"a"}"#,
            r#"{"id":null,"renderId":"a"}"#,
            r#"{"id":null,"id":"a"}"#,
            r#"{"id":[],"render_id":"a"}"#,
        ] {
            assert_eq!(read(json), (Some("a".to_owned()), true), "{json}");
        }
        assert_eq!(read(r#"{"id":{},"renderId":null}"#), (None, false));
        assert_eq!(read(r#"{"id":null}"#), (None, true));
    }

    #[test]
    fn a_name_has_two_spellings() {
        for (key, expected) in [
            ("long_running_tool_ids", true),
            ("longRunningToolIds", true),
            ("longrunningtoolids", false),
            ("LongRunningToolIds", false),
            ("longRunningToolId", false),
        ] {
            assert_eq!(is_spelling(key, "long_running_tool_ids"), expected, "{key}");
        }
    }

    #[test]
    fn a_number_is_read_in_every_form() {
        let all = |reader: fn(&Json) -> Option<f64>, values: &[&str]| -> Vec<Option<f64>> {
            values.iter().map(|value| reader(&json(value))).collect()
        };
        let values = ["1.5", r#"" 1.5 ""#, r#""NaN""#, r#""inf""#, "[1]", r#""""#];
        let one = Some(1.5);
        assert_eq!(all(number, &values), [one, one, None, None, None, None]);
        let rates = [r#""3/2""#, r#""1/0""#, r#""0/0""#, r#""/""#];
        assert_eq!(all(rate, &rates), [one, None, None, None]);
        for (value, expected) in [
            ("1920.0", Some(1920)),
            (r#""1920""#, Some(1920)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", None),
            ("0.5", None),
            ("1e300", None),
            (r#""wide""#, None),
            ("null", None),
        ] {
            assert_eq!(integer(&json(value)), expected, "{value}");
        }
        assert_eq!(flag(&json(r#""false""#)), Some(false));
        assert_eq!(flag(&json("1")), Some(true));
        assert_eq!(flag(&json(r#""perhaps""#)), None);
    }

    #[test]
    fn a_timestamp_is_read_in_every_form_and_an_impossible_one_is_absent() {
        let days = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
        for value in [
            "1795351293",
            "1795351293000",
            r#""1795351293""#,
            "1795351293.0",
            r#""2026-11-22T13:08:13+01:00""#,
            r#""2026-11-21t20:08:13.5-05:30""#,
        ] {
            assert_eq!(timestamp(&json(value)).map(days), Some(1_795_351_293 / 86_400), "{value}");
        }
        for value in [
            "1795351293000000",
            "1795351293000000000",
            "18446744073709551615",
            "1e300",
            "-1",
            r#""soon""#,
            r#""2026-11-22T13:08:13+ä:00""#,
            r#""2026-11-22T13:08:13+99999999999999999999:0""#,
            r#""0001-01-01T00:00:00Z""#,
            r#""9999-12-31T23:59:59-01:00""#,
            "true",
        ] {
            assert_eq!(timestamp(&json(value)), None, "{value}");
        }
    }

    #[test]
    fn a_time_without_a_date_is_serialized_as_null() {
        let far = UNIX_EPOCH.checked_add(Duration::from_secs(1 << 45));
        let mut json = Vec::new();
        serialize_rfc3339(&far, &mut serde_json::Serializer::new(&mut json)).unwrap();
        assert_eq!(json, b"null");
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        assert_eq!(one_line(" no\r\n\tcredits\u{1b}[2J \u{202e}left\0"), "no credits [2J left ");
        let long = one_line(&"ä".repeat(100_000));
        assert_eq!(long.chars().count(), MAX_MESSAGE_CHARS + 1);
        assert!(long.ends_with('…'));
        assert_eq!(one_line(&long).len(), long.len(), "once more changes nothing");
    }

    #[test]
    fn the_urls_of_a_text_are_shown_without_what_grants_access() {
        let cases = [
            (
                "no file at https://cdn.test/a.mp4?sig=hunter2.",
                "no file at https://cdn.test/a.mp4?…",
            ),
            ("(HTTP://cdn.test?hunter2) 403", "(HTTP://cdn.test?… 403"),
            ("x https://me:hunter2@cdn.test/a#hunter2 y", "x https://cdn.test/a#… y"),
            (
                r#"{"u":"https:\/\/cdn.test\/a?a=1\u0026sig=hunter2"}"#,
                r#"{"u":"https:\/\/cdn.test\/a?…"}"#,
            ),
            (
                "请访问https://cdn.test/a?sig=hunter2，然后重试",
                "请访问https://cdn.test/a?…，然后重试",
            ),
            ("GET /files/a.mp4?X-Signature=hunter2 failed", "GET /files/a.mp4?… failed"),
            ("url=s3://b/a?hunter2&https://c.test/b?hunter2", "url=s3://b/a?…"),
            // A URL in a query, and in a list.
            ("GET /login?token=hunter2&next=https://c.test/", "GET /login?…"),
            (
                "https://a.test/x,https://me:hunter2@b.test/y,z?hunter2",
                "https://a.test/x,https://b.test/y,z?…",
            ),
            (
                "[a](https://a.test)(HTTPS://hunter2@b.test/y)",
                "[a](https://a.test)(HTTPS://b.test/y)",
            ),
            (r"https:\/\/me:hunter2@cdn.test\/a", r"https:\/\/cdn.test\/a"),
            ("'//me:hunter2@cdn.test/a?hunter2'", "'//cdn.test/a?…"),
            (
                "u=https%3A%2F%2Fme%3Ahunter2%40c.test%2Fa%3Fsig%3Dhunter2 gone",
                "u=https%3A%2F%2F… gone",
            ),
            ("%2ffiles%2fa%3fsig%3dhunter2", "%2ffiles%2fa%3f…"),
            (r"/files/a?sig\u003dhunter2", "/files/a?…"),
            ("https://cdn.test/a?name=早安&sig=hunter2 失败", "https://cdn.test/a?… 失败"),
            ("cdn.test/早安.mp4?sig=hunter2。", "cdn.test/早安.mp4?…。"),
            // None of these is a URL with a secret in it.
            ("50% of /a/b#12, 7%2 and 100%", "50% of /a/b#12, 7%2 and 100%"),
            ("why? a=b, me@nemo.test #1", "why? a=b, me@nemo.test #1"),
            ("see https://nemo.test/help", "see https://nemo.test/help"),
        ];
        for (text, shown) in cases {
            assert_eq!(redact_urls(text), shown);
            assert_eq!(redact_urls(shown), shown, "once more changes nothing");
        }
        // In linear time: in quadratic time these would take minutes.
        for part in ["://", ":\\/\\/", "//@", "?", "%2f%2", "a@"] {
            let text = format!("{}#", part.repeat(200_000));
            assert!(redact_urls(&text).len() <= text.len() + "…".len(), "{part}");
        }
    }

    #[test]
    fn a_url_is_shown_without_what_grants_access() {
        let cases = [
            ("https://cdn.test/a.mp4?sig=hunter2", r#""https://cdn.test/a.mp4?…""#),
            ("https://cdn.test/a.mp4#hunter2", r#""https://cdn.test/a.mp4?…""#),
            ("https://me:hunter2@cdn.test/a@b.mp4", r#""https://cdn.test/a@b.mp4""#),
            ("/files/a.mp4?sig=hunter2", r#""/files/a.mp4?…""#),
            ("data:video/mp4;base64,hunter2", r#""data:…""#),
            ("a\nb", r#""a\nb""#),
        ];
        for (url, shown) in cases {
            assert_eq!(format!("{:?}", RedactedUrl(url)), shown);
        }
    }
}
