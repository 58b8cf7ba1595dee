//! The three headers that identify the calling program.

use std::path::{Component, Path};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, Result};
use crate::protocol::headers;

/// The attribution headers: `X-Skill-Source`, `X-Skill-Version` and `X-Skill-Platform`.
///
/// They are sent with every call; the service rejects exports without them (code 402). The default
/// is this crate's own name and version, on the platform that `SKILL_SOURCE` names.
///
/// ```
/// use nemovideo::Attribution;
///
/// let skill = "---\nname: my-skill\nversion: 1.10\n---\n# My skill\n";
/// let attribution = Attribution::from_front_matter(skill)?.with_platform("cursor")?;
/// assert_eq!(attribution.source(), "my-skill");
/// assert_eq!(attribution.version(), "1.10");
/// # Ok::<(), nemovideo::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribution {
    source: String,
    version: String,
    platform: String,
}

impl Default for Attribution {
    fn default() -> Self {
        let own = Self {
            source: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: UNKNOWN.to_owned(),
        };
        match std::env::var("SKILL_SOURCE") {
            Ok(platform) => own.clone().with_platform(platform).unwrap_or(own),
            Err(_) => own,
        }
    }
}

const UNKNOWN: &str = "unknown";

impl Attribution {
    /// Creates the attribution of a program; the platform is `unknown`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when one of them cannot be sent in a header: a line break, an empty
    /// text, or characters outside of ASCII.
    pub fn new(source: impl Into<String>, version: impl Into<String>) -> Result<Self> {
        Self { source: source.into(), version: version.into(), platform: UNKNOWN.to_owned() }
            .checked()
    }

    /// Sets the platform.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] as for [`new`](Self::new).
    pub fn with_platform(mut self, platform: impl Into<String>) -> Result<Self> {
        self.platform = platform.into();
        self.checked()
    }

    /// Reads `name` and `version` from the front matter of a skill file, and derives the platform
    /// from its path: `clawhub` under `~/.clawhub/`, `cursor` under `~/.cursor/skills/`, else
    /// `unknown`. The environment's `SKILL_SOURCE`, if set, takes precedence over the path.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::InvalidInput`] as for
    /// [`from_front_matter`](Self::from_front_matter).
    pub fn from_skill_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |source| Error::io("read the skill file", path, source);
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let absolute = std::path::absolute(path).map_err(unreadable)?;
        let named = std::env::var("SKILL_SOURCE").ok().filter(|name| !name.is_empty());
        let platform = named
            .unwrap_or_else(|| platform_of(&absolute, std::env::home_dir().as_deref()).to_owned());
        Self::from_front_matter(&text)?.with_platform(platform)
    }

    /// Reads `name` and `version` from YAML front matter; the platform is `unknown`.
    ///
    /// Without a `version` of its own, the one under `metadata` counts. All other keys may be any
    /// YAML, valid or not.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when there is no front matter with both keys.
    pub fn from_front_matter(text: &str) -> Result<Self> {
        let yaml = front_matter(text)
            .ok_or_else(|| Error::InvalidInput("the skill file has no front matter".to_owned()))?;
        let missing =
            |key| Error::InvalidInput(format!("the skill file's front matter has no `{key}`"));
        let name = scalar(&yaml, "name").ok_or_else(|| missing("name"))?;
        let version = scalar(&yaml, "version")
            .or_else(|| scalar(&entry(&yaml, "metadata")?.join("\n"), "version"))
            .ok_or_else(|| missing("version"))?;
        Self::new(name, version)
    }

    /// Returns the value of `X-Skill-Source`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the value of `X-Skill-Version`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the value of `X-Skill-Platform`.
    #[must_use]
    pub fn platform(&self) -> &str {
        &self.platform
    }

    fn checked(self) -> Result<Self> {
        for value in [&self.source, &self.version, &self.platform] {
            let printable = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if value.trim().is_empty() || !printable {
                return Err(Error::InvalidInput(format!(
                    "the attribution {value:?} cannot be sent in a header"
                )));
            }
        }
        Ok(self)
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        let values = [&self.source, &self.version, &self.platform];
        headers::ATTRIBUTION
            .into_iter()
            .zip(values)
            .filter_map(|(name, value)| {
                // Neither fails: the names are constants, the values were checked.
                Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
            })
            .collect()
    }
}

/// Returns the text between the first line, `---`, and the next line `---`.
fn front_matter(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The empty line between a CR and an LF changes nothing.
    let mut lines = text.split(['\r', '\n']);
    lines.next().filter(|first| first.trim_end() == "---")?;
    let mut inside = Vec::new();
    for line in lines {
        if line.trim_end() == "---" {
            return Some(inside.join("\n"));
        }
        inside.push(line);
    }
    None
}

/// Returns the value of a key as it is written, so that `1.10` stays so. `None` without the key,
/// for null, and for a value that is no scalar.
///
/// A YAML parser would reject a file for a key that is of no interest here.
fn scalar(mapping: &str, key: &str) -> Option<String> {
    let lines: Vec<_> = entry(mapping, key)?.into_iter().map(str::trim).collect();
    let value = lines[0];
    match value.chars().next() {
        Some('|') => Some(lines[1..].join("\n")),
        Some('>') => Some(lines[1..].join(" ")),
        // A tolerant reading of the escapes: those of JSON are the usual ones of YAML, too.
        Some('"') => {
            let text = lines.join(" ");
            serde_json::Deserializer::from_str(&text).into_iter().next()?.ok()
        }
        Some('\'') => {
            let text = lines.join(" ").replace("\'\'", "\0");
            let (text, _comment) = text[1..].split_once('\'')?;
            Some(text.replace('\0', "'"))
        }
        Some('[' | '{' | '*') => None,
        None if lines[1..].iter().any(|line| line.starts_with("- ") || pair(line).is_some()) => {
            None
        }
        _ => {
            let lines = lines.iter().map(|line| without_comment(line));
            let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
            (!matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")).then_some(text)
        }
    }
}

/// Returns the text after a key, without its tag or anchor, and the indented lines below it. Of a
/// repeated key the last counts, as with most parsers.
fn entry<'a>(mapping: &'a str, key: &str) -> Option<Vec<&'a str>> {
    let lines: Vec<_> = match mapping.trim_start() {
        flow if flow.starts_with('{') => flow_items(flow),
        _ => mapping.lines().filter(|line| !without_comment(line).is_empty()).collect(),
    };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let outermost = indent(lines.first()?);
    let is_outermost = |line: &str| indent(line) <= outermost;
    let is_key =
        |line: &&str| is_outermost(line) && pair(line).is_some_and(|(name, _)| name == key);
    let index = lines.iter().rposition(is_key)?;
    let (_, mut value) = pair(lines[index])?;
    while value.starts_with(['!', '&']) {
        value = value.split_once(' ').map_or("", |(_, value)| value.trim_start());
    }
    let below = lines[index + 1..].iter().take_while(|line| !is_outermost(line));
    Some(std::iter::once(value).chain(below.copied()).collect())
}

/// Splits `key: value`; the key may be quoted.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (key, value) = match line.chars().next()? {
        quote @ ('"' | '\'') => {
            let (key, rest) = line[1..].split_once(quote)?;
            (key, rest.trim_start().strip_prefix(':')?)
        }
        _ => {
            let is_end = |(at, _): &(usize, &str)| {
                line[at + 1..].chars().next().is_none_or(char::is_whitespace)
            };
            let (at, _) = line.match_indices(':').find(is_end)?;
            (line[..at].trim_end(), &line[at + 1..])
        }
    };
    Some((key, value.trim()))
}

/// Returns the items of a mapping in flow style: `{a: 1, b: [2, 3]}`.
fn flow_items(text: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        match c {
            _ if quote.is_some() => quote = quote.filter(|open| *open != c || previous == '\\'),
            // Within a word it is an apostrophe.
            '"' | '\'' if matches!(previous, '{' | '[' | ',' | ':') => quote = Some(c),
            '{' | '[' => {
                depth += 1;
                start = if depth == 1 { at + 1 } else { start };
            }
            ',' | '}' | ']' => {
                if depth == 1 {
                    items.push(text[start..at].trim());
                    start = at + 1;
                }
                depth = depth.saturating_sub(usize::from(c != ','));
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
        previous = if c.is_whitespace() { previous } else { c };
    }
    items
}

/// Returns a trimmed line without the comment at its end.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    match line.find(" #") {
        _ if line.starts_with('#') => "",
        Some(comment) => line[..comment].trim_end(),
        None => line,
    }
}

/// Returns the platform whose directory holds a skill file.
fn platform_of(file: &Path, home: Option<&Path>) -> &'static str {
    let Some(inside) = home.and_then(|home| file.strip_prefix(home).ok()) else {
        return UNKNOWN;
    };
    let mut parts = inside.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    match (parts.next(), parts.next()) {
        (Some(".clawhub"), _) => "clawhub",
        (Some(".cursor"), Some("skills")) => "cursor",
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Attribution, platform_of};

    #[test]
    fn the_platform_is_derived_from_the_path() {
        let home = Some(Path::new("/home/ada"));
        let cases = [
            ("/home/ada/.clawhub/nemo/SKILL.md", "clawhub"),
            ("/home/ada/.cursor/skills/nemo/SKILL.md", "cursor"),
            ("/home/ada/.cursor/rules/SKILL.md", "unknown"),
            ("/srv/home/ada/.clawhub/SKILL.md", "unknown"),
        ];
        for (path, platform) in cases {
            assert_eq!(platform_of(Path::new(path), home), platform, "{path}");
        }
        assert_eq!(platform_of(Path::new("/x/.clawhub/S.md"), None), "unknown");
    }

    #[test]
    fn a_line_break_never_reaches_a_header() {
        assert!(Attribution::new("a\r\nx-evil: 1", "1").is_err());
        assert!(Attribution::new("a", "").is_err());
        assert!(Attribution::new("a", "1").unwrap().with_platform("\n").is_err());
        assert_eq!(Attribution::new("a", "1").unwrap().headers().len(), 3);
    }
}
