//! The outline of an answer: which envelope it came in, and whether it is a refusal.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::envelope::Refusal;
use super::shown::one_line;
use super::tolerant::flag;

/// Keys of the documented answers. An object with one of them is such an answer, whatever else it
/// says; without any, an `error` or a `message` is all that it has to say.
const KNOWN: &[&str] = &[
    "available",
    "claimToken",
    "claim_token",
    "files",
    "id",
    "output",
    "outputUrl",
    "output_url",
    "sessionId",
    "session_id",
    "state",
    "status",
    "taskId",
    "task_id",
    "token",
];

/// The keys that tell one envelope from another, unread: what is odd about one of them must not
/// hide the others.
#[derive(Default)]
pub(super) struct Outline<'a> {
    code: Option<&'a RawValue>,
    success: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    detail: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    pub(super) data: Option<&'a RawValue>,
    /// Whether a key of a documented answer stands beside them.
    known: bool,
}

/// What a `code` says.
enum Code {
    Success,
    Number(i64),
    /// A word in place of a number: a refusal unless it says that all is well.
    Word(String),
}

impl Outline<'_> {
    /// The refusal that the envelope itself tells.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let code = self.code.and_then(code);
        let success = self.success.and_then(value).as_ref().and_then(flag);
        let refused = match (&code, success) {
            (Some(Code::Number(_) | Code::Word(_)), _) | (_, Some(false)) => true,
            (Some(Code::Success), _) | (_, Some(true)) => false,
            // The agent server's own form.
            (None, None) => self.detail.is_some() && self.data.is_none() && !self.known,
        };
        if !refused {
            return None;
        }
        let said = self.words().unwrap_or_default();
        Some(match code {
            Some(Code::Number(number)) => Refusal { code: Some(number), message: said },
            Some(Code::Word(word)) if said.is_empty() => Refusal { code: None, message: word },
            Some(Code::Word(word)) => {
                Refusal { code: None, message: one_line(&format!("{word}: {said}")) }
            }
            _ => Refusal { code: None, message: said },
        })
    }

    /// The refusal that an `error` or a `message` is where there is no envelope and nothing else
    /// of what was asked for. A call that asks for nothing may be answered by a `message`, so
    /// this counts only once the answer could not be read.
    pub(super) fn lone_words(&self) -> Option<Refusal> {
        let alone =
            self.code.is_none() && self.success.is_none() && self.data.is_none() && !self.known;
        let message = self.words().filter(|_| alone)?;
        Some(Refusal { code: None, message })
    }

    /// What the service said, for people.
    fn words(&self) -> Option<String> {
        let said = [self.message, self.detail, self.error].into_iter().flatten().find_map(words)?;
        Some(one_line(&said))
    }
}

impl<'de> Deserialize<'de> for Outline<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Outline<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut outline = Outline::default();
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    let place = match &*key {
                        "code" => &mut outline.code,
                        "success" => &mut outline.success,
                        "message" => &mut outline.message,
                        "detail" => &mut outline.detail,
                        "error" => &mut outline.error,
                        "data" => &mut outline.data,
                        key => {
                            outline.known |= KNOWN.contains(&key);
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    let value: &RawValue = map.next_value()?;
                    if place.is_none() && value.get() != "null" {
                        *place = Some(value);
                    }
                }
                Ok(outline)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

fn value(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

fn code(raw: &RawValue) -> Option<Code> {
    let number = |number: f64| match number as i64 {
        0 => Code::Success,
        number => Code::Number(number),
    };
    match value(raw)? {
        Value::Number(exact) => match exact.as_i64() {
            Some(0) => Some(Code::Success),
            Some(exact) => Some(Code::Number(exact)),
            None => exact.as_f64().map(number),
        },
        Value::String(text) => {
            let word = text.trim();
            match word.parse() {
                Ok(parsed) => Some(number(parsed)),
                Err(_) if word.is_empty() => None,
                Err(_) if is_well(word) => Some(Code::Success),
                Err(_) => Some(Code::Word(one_line(word))),
            }
        }
        _ => None,
    }
}

fn is_well(word: &str) -> bool {
    ["ok", "success", "succeeded"].iter().any(|well| word.eq_ignore_ascii_case(well))
}

/// The words of a message: a string as it is; an object's own `message`; the agent server's list
/// of complaints (`[{"loc":…,"msg":…}]`) as one line; anything else as its JSON.
fn words(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Complaint {
        #[serde(default)]
        loc: Vec<Value>,
        msg: String,
    }
    #[derive(Deserialize)]
    struct Named {
        message: String,
    }
    let json = raw.get();
    if let Ok(text) = serde_json::from_str::<String>(json) {
        return Some(text).filter(|text| !text.trim().is_empty());
    }
    if let Ok(Named { message }) = serde_json::from_str(json) {
        return Some(message);
    }
    let Ok(complaints) = serde_json::from_str::<Vec<Complaint>>(json) else {
        return Some(json.to_owned());
    };
    let lines = complaints.into_iter().map(|Complaint { loc, msg }| {
        let place: Vec<String> = loc
            .iter()
            .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
            .collect();
        if place.is_empty() { msg } else { format!("{}: {msg}", place.join(".")) }
    });
    Some(lines.collect::<Vec<_>>().join("; "))
}
