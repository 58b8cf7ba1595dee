//! Reading what may come in more than one form.
//!
//! What the service tells beside the point must not cost the point: the work is done by the time
//! its answer is read. So a key may have any of its spellings, or all of them at once; a number
//! may come as text; and an optional detail of another type is taken for absent.

use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The keys of an object, each to be taken under any of its spellings.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

/// A key that an answer cannot do without is missing, or of another type. It says which, and not
/// what stood there: it may be a secret.
#[derive(Debug)]
pub(super) struct Unreadable(String);

impl Fields {
    /// The first spelling that can be read. Each name is tried as it is, then in camelCase.
    pub(super) fn read<T>(
        &mut self,
        names: &[&str],
        reader: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let mut found = None;
        for name in names {
            for spelling in [(*name).to_owned(), camel_case(name)] {
                let value = self.0.remove(&spelling);
                found = found.or_else(|| value.and_then(|value| reader(&value)));
            }
        }
        found
    }

    /// As [`read`](Self::read), for a key that must be there.
    pub(super) fn need<T>(
        &mut self,
        name: &str,
        reader: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, Unreadable> {
        let told = self.0.contains_key(name) || self.0.contains_key(&camel_case(name));
        self.read(&[name], reader).ok_or_else(|| match told {
            true => Unreadable::of_another_type(name),
            false => Unreadable::missing(name),
        })
    }

    /// A value as it came; `None` for `null`.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        self.read(&[name], |value| (!value.is_null()).then(|| value.clone()))
    }

    /// The keys that nobody took.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.0
    }

    /// The keys of a value that is an object.
    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self(fields)),
            _ => None,
        }
    }
}

impl Unreadable {
    pub(super) fn missing(name: &str) -> Self {
        Self(format!("missing field `{name}`"))
    }

    pub(super) fn of_another_type(name: &str) -> Self {
        Self(format!("`{name}` is of another type"))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    // Of one key told twice, the first that says something counts.
                    if fields.get(&key).is_none_or(Value::is_null) {
                        fields.insert(key, value);
                    }
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// `render_id` → `renderId`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        camel.push_str(&first.to_ascii_uppercase());
        camel.push_str(rest);
    }
    camel
}

/// Text, or a number as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The id that a text or a number is.
pub(super) fn id<T: From<String>>(value: &Value) -> Option<T> {
    text(value).map(T::from)
}

/// A number, also as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A number, also as the ratio that tools for films write: `30000/1001`.
pub(super) fn rate(value: &Value) -> Option<f64> {
    number(value).or_else(|| {
        let (over, under) = value.as_str()?.split_once('/')?;
        let (over, under): (f64, f64) = (over.trim().parse().ok()?, under.trim().parse().ok()?);
        Some(over / under).filter(|rate| rate.is_finite())
    })
}

/// A whole number that is not negative, also as text or with a fraction of zero.
pub(super) fn whole(value: &Value) -> Option<u64> {
    let exact = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // Beyond 2⁵³ a fraction could not be seen.
    let near =
        |number: &f64| number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(number);
    exact.or_else(|| number(value).filter(near).map(|number| number as u64))
}

/// A truth value, also as text or as 0 or 1.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// For a field: what is of another type is taken for absent.
pub(super) fn or_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(T::deserialize(Value::deserialize(deserializer)?).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Fields, flag, number, rate, text, whole};

    #[test]
    fn of_all_spellings_the_first_that_can_be_read_counts() {
        let read = |json: &str| {
            let mut fields: Fields = serde_json::from_str(json).unwrap();
            let id = fields.read(&["id", "render_id"], text);
            assert!(fields.rest().is_empty(), "{json}");
            id
        };
        for json in [
            r#"{"id":"a","renderId":"b","render_id":"c"}"#,
            r#"{"renderId":"b","id":"a"}"#,
            r#"{"id":null,"renderId":"a"}"#,
            r#"{"id":null,"id":"a"}"#,
            r#"{"id":[],"render_id":"a"}"#,
        ] {
            assert_eq!(read(json).as_deref(), Some("a"), "{json}");
        }
        assert_eq!(read(r#"{"id":{},"renderId":null}"#), None);
    }

    #[test]
    fn a_number_is_read_as_whatever_it_is_written() {
        let all = |reader: fn(&Value) -> Option<f64>, values: &[Value]| -> Vec<Option<f64>> {
            values.iter().map(reader).collect()
        };
        let values =
            [json!(1.5), json!(" 1.5 "), json!("NaN"), json!("inf"), json!([1]), json!("")];
        let one = Some(1.5);
        assert_eq!(all(number, &values), [one, one, None, None, None, None]);
        assert_eq!(
            all(rate, &[json!("3/2"), json!("1/0"), json!("0/0"), json!("/")]),
            [one, None, None, None]
        );
        let whole = |value| whole(&value);
        assert_eq!(whole(json!(1920.0)), Some(1920));
        assert_eq!(whole(json!("1920")), Some(1920));
        assert_eq!(whole(json!(u64::MAX)), Some(u64::MAX));
        for odd in [json!(-1), json!(0.5), json!(1e300), json!("wide"), json!(null)] {
            assert_eq!(whole(odd.clone()), None, "{odd}");
        }
        assert_eq!(flag(&json!("false")), Some(false));
        assert_eq!(flag(&json!(1)), Some(true));
        assert_eq!(flag(&json!("perhaps")), None);
    }
}
