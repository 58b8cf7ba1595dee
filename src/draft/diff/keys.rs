//! Which keys of an object changed, so that a change nobody has a word for is still told. A number
//! that is written in another way has not changed.

use std::collections::{HashMap, HashSet};

use crate::draft::json::{Json, Object, Text};
use crate::draft::lookup::METADATA;

/// The keys that differ between two versions of the same thing.
#[derive(Debug)]
pub(super) struct Keys {
    /// Whether a key stands in the metadata, and the key.
    changed: Vec<(bool, String)>,
    differs: bool,
}

impl Keys {
    /// Looks at everything but the list under `list`, of which the caller tells itself.
    pub(super) fn between(older: &Json, newer: &Json, list: Option<&str>) -> Self {
        let mut keys = Self { changed: Vec::new(), differs: false };
        if older == newer {
            return keys;
        }
        let (was, is) = (entries(older, list), entries(newer, list));
        let changed_keys = changed(&was, &is);
        let are_objects = older.as_object().is_some() && newer.as_object().is_some();
        keys.differs = if are_objects { !changed_keys.is_empty() } else { !older.means(newer) };
        for key in changed_keys {
            if key != METADATA {
                keys.changed.push((false, key.to_owned()));
                continue;
            }
            let nothing = Json::Null;
            let (was, is) = (older.get(METADATA), newer.get(METADATA));
            let (was, is) = (was.unwrap_or(&nothing), is.unwrap_or(&nothing));
            let inside: Vec<_> = changed(&entries(was, None), &entries(is, None))
                .into_iter()
                .map(|key| (true, key.to_owned()))
                .collect();
            if inside.is_empty() {
                keys.changed.push((false, key.to_owned()));
            }
            keys.changed.extend(inside);
        }
        keys
    }

    /// Takes out keys that a typed change has told of, wherever they stand.
    pub(super) fn told(&mut self, told: bool, names: &[&str]) {
        self.take_out(told, |_, key| names.contains(&key));
    }

    /// Takes out a key that a typed change has told of, not the one in the metadata.
    pub(super) fn told_outside_metadata(&mut self, told: bool, name: &str) {
        self.take_out(told, |inside, key| !inside && key == name);
    }

    fn take_out(&mut self, told: bool, out: impl Fn(bool, &str) -> bool) {
        if told && !self.changed.is_empty() {
            self.changed.retain(|(inside, key)| !out(*inside, key));
            self.differs = !self.changed.is_empty();
        }
    }

    /// Takes out the keys that `told` says yes to.
    pub(super) fn told_where(&mut self, told: bool, out: impl Fn(Key<'_>) -> bool) {
        self.take_out(told, |inside, name| out(Key { inside, name }));
    }

    /// Whether nothing is left to tell.
    pub(super) fn is_empty(&self) -> bool {
        !self.differs
    }

    /// What is left to tell.
    pub(super) fn rest(self) -> Option<Vec<String>> {
        let written = |(inside, key)| if inside { format!("{METADATA}.{key}") } else { key };
        self.differs.then(|| self.changed.into_iter().map(written).collect())
    }
}

/// A key that changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'k> {
    inside: bool,
    pub(super) name: &'k str,
}

impl Key<'_> {
    /// What stands under it.
    pub(super) fn of<'j>(&self, json: &'j Json) -> Option<&'j Json> {
        let home = if self.inside { json.get(METADATA)? } else { json };
        home.get(self.name)
    }
}

/// Entries with their keys as they are: halves of surrogate pairs read alike and are not.
type Entries<'j> = Vec<(&'j Text, &'j Json)>;

/// All entries; the value of `list` counts as empty where it is a list.
fn entries<'j>(json: &'j Json, list: Option<&str>) -> Entries<'j> {
    static EMPTY: Json = Json::Array(Vec::new());
    let entries = json.as_object().map(Object::entries).unwrap_or_default();
    let mut entries: Entries<'j> = entries.iter().map(|(key, value)| (key, value)).collect();
    let last = list.and_then(|list| entries.iter_mut().rfind(|(key, _)| key.as_str() == list));
    if let Some((_, value)) = last
        && value.as_array().is_some()
    {
        *value = &EMPTY;
    }
    entries
}

/// The keys that have other values; else, where only the order is another, the first out of it.
fn changed<'j>(older: &Entries<'j>, newer: &Entries<'j>) -> Vec<&'j str> {
    // As good as always the keys are the same ones, and grouping them is what costs.
    if older.len() == newer.len() && older.iter().zip(newer).all(|(a, b)| a.0 == b.0) {
        let differing = older.iter().zip(newer).filter(|(a, b)| !a.1.means(b.1));
        let mut keys: Vec<&str> = differing.map(|((key, _), _)| key.as_str()).collect();
        keys.dedup();
        return keys;
    }
    let group = |entries: &Entries<'j>| {
        let mut values: HashMap<&'j Text, Vec<&'j Json>> = HashMap::new();
        entries.iter().for_each(|(key, value)| values.entry(key).or_default().push(value));
        values
    };
    let (was, is) = (group(older), group(newer));
    let alike = |was: Option<&Vec<&Json>>, is: Option<&Vec<&Json>>| match (was, is) {
        (Some(was), Some(is)) => {
            was.len() == is.len() && was.iter().zip(is).all(|(was, is)| was.means(is))
        }
        _ => false,
    };
    let mut seen = HashSet::new();
    let mut keys: Vec<&str> = (newer.iter().chain(older))
        .filter(|(key, _)| seen.insert(*key) && !alike(was.get(key), is.get(key)))
        .map(|(key, _)| key.as_str())
        .collect();
    if keys.is_empty() {
        let mut both = newer.iter().zip(older);
        keys.extend(
            both.find(|(new, old)| new.0 != old.0 || !new.1.means(old.1))
                .map(|((key, _), _)| key.as_str()),
        );
    }
    keys
}
