//! Reading a field of an object, whatever stands in it.

use serde::{Deserialize as _, Deserializer};

use crate::draft::{Json, Object};

/// Reads an object; anything else, or one that `read` makes nothing of, is an error.
pub(super) fn read_object<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &str,
    read: impl FnOnce(&Object) -> Option<T>,
) -> Result<T, D::Error> {
    let json = Json::deserialize(deserializer)?;
    let value = json.as_object().and_then(read);
    value.ok_or_else(|| serde::de::Error::custom(expected))
}

/// Whether everything that was there could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol::event) enum Soundness {
    Sound,
    Broken,
}

impl Soundness {
    pub(super) fn and(self, other: Self) -> Self {
        if self == Self::Sound { other } else { self }
    }
}

/// Reads the fields of an object and remembers when one was not what it should be.
pub(super) struct Fields<'j> {
    object: &'j Object,
    pub(super) soundness: Soundness,
}

impl<'j> Fields<'j> {
    pub(super) fn of(object: &'j Object) -> Self {
        Self { object, soundness: Soundness::Sound }
    }

    pub(super) fn take<T>(
        &mut self,
        camel: &str,
        read: impl Fn(&'j Json) -> Option<T>,
    ) -> Option<T> {
        let value = read(field(self.object, camel)?);
        if value.is_none() {
            self.soundness = Soundness::Broken;
        }
        value
    }
}

/// The value under a camelCase key or its snake_case form; `null` is as good as missing.
pub(in crate::protocol::event) fn field<'j>(object: &'j Object, camel: &str) -> Option<&'j Json> {
    let value = object.get(camel).or_else(|| {
        let snake = |key: &str| {
            let letters = key.bytes().filter(|byte| *byte != b'_');
            letters.eq(camel.bytes().map(|byte| byte.to_ascii_lowercase()))
        };
        object.iter().rev().find(|(key, _)| snake(key)).map(|(_, value)| value)
    });
    value.filter(|value| !value.is_null())
}

pub(super) fn string(object: &Object, camel: &str) -> String {
    field(object, camel).and_then(word).unwrap_or_default()
}

/// A string, or a number in the place of one: codes and ids come as either.
pub(in crate::protocol::event) fn word(json: &Json) -> Option<String> {
    json.as_str().or_else(|| json.as_number_str()).map(str::to_owned)
}

pub(super) fn strings(json: &Json) -> Option<Vec<String>> {
    json.as_array()?.iter().map(word).collect()
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}
