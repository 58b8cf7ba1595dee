//! Objects: entries in their order, the same key twice included.

use std::fmt::{self, Write as _};

use super::{Json, Text};

/// An object: its entries in their order. A key may stand there twice, then the last one counts,
/// as it does for JavaScript and Python.
///
/// ```
/// use nemovideo::draft::{Json, Object};
///
/// let mut object = Object::from([("d", Json::from(1000)), ("x", Json::from("y"))]);
/// object.insert("d", 2000); // where it stands
/// assert_eq!(object.to_string(), r#"{"d":2000,"x":"y"}"#);
/// assert_eq!(object.keys().collect::<Vec<_>>(), ["d", "x"]);
/// assert_eq!(object.remove("x"), Some(Json::from("y")));
/// assert_eq!((object.len(), object.is_empty()), (1, false));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Object {
    entries: Vec<(Text, Json)>,
}

impl Object {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries there are, duplicates counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value under `key`.
    ///
    /// ```
    /// use nemovideo::draft::{Json, Object};
    ///
    /// let object = Object::from([("takes", Json::from(1)), ("takes", Json::from(2))]);
    /// assert_eq!(object.get("takes"), Some(&Json::from(2))); // the last one counts
    /// assert_eq!(object.get("mood"), None);
    /// ```
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        let mut entries = self.entries.iter().rev();
        entries.find(|(k, _)| k.as_str() == key).map(|(_, v)| v)
    }

    /// The value under `key`, to change.
    ///
    /// ```
    /// use nemovideo::draft::{Json, Object};
    ///
    /// let mut object = Object::from([("tags", Json::from(vec!["calm"]))]);
    /// if let Some(tags) = object.get_mut("tags").and_then(Json::as_array_mut) {
    ///     tags.push("warm".into());
    /// }
    /// assert_eq!(object.to_string(), r#"{"tags":["calm","warm"]}"#);
    /// ```
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        let mut entries = self.entries.iter_mut().rev();
        entries.find(|(k, _)| k.as_str() == key).map(|(_, v)| v)
    }

    /// The value under `key`, put at the end as `null` when it is not there yet.
    pub(in crate::draft) fn entry(&mut self, key: &str) -> &mut Json {
        let found = self.entries.iter().rposition(|(k, _)| k.as_str() == key);
        let at = found.unwrap_or_else(|| {
            self.entries.push((key.into(), Json::Null));
            self.entries.len() - 1
        });
        &mut self.entries[at].1
    }

    /// Sets `key` where it stands, or at the end; gives back what was there.
    pub fn insert(&mut self, key: &str, value: impl Into<Json>) -> Option<Json> {
        let existed = self.get(key).is_some();
        let old = std::mem::replace(self.entry(key), value.into());
        existed.then_some(old)
    }

    /// Takes `key` out, however often it is there; gives back the value that counted.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let mut last = None;
        self.entries.retain_mut(|(k, value)| {
            let remove = k.as_str() == key;
            if remove {
                last = Some(std::mem::take(value));
            }
            !remove
        });
        last
    }

    /// The entries in their order.
    ///
    /// ```
    /// use nemovideo::draft::{Json, Object};
    ///
    /// let object = Object::from([("d", Json::from(9000)), ("z", Json::Null), ("a", Json::Null)]);
    /// let unset: Vec<_> = object.iter().filter(|(_, value)| value.is_null()).collect();
    /// assert_eq!(unset, [("z", &Json::Null), ("a", &Json::Null)]); // as they stand, not by name
    /// ```
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Json)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// The entries as they stand, keys with their escapes.
    pub(in crate::draft) fn entries(&self) -> &[(Text, Json)] {
        &self.entries
    }

    /// Puts an entry at the end, whether or not the key is there already.
    pub(in crate::draft) fn push(&mut self, key: Text, value: Json) {
        self.entries.push((key, value));
    }
}

impl<K: Into<Text>, V: Into<Json>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), v.into()));
        Self { entries: entries.collect() }
    }
}

impl<K: Into<Text>, V: Into<Json>, const N: usize> From<[(K, V); N]> for Object {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (at, (key, value)) in self.entries.iter().enumerate() {
            if at > 0 {
                f.write_char(',')?;
            }
            key.write_json(f)?;
            write!(f, ":{value}")?;
        }
        f.write_char('}')
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
