//! Who is calling: the three headers that go with every call.

use std::path::{Component, Path};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use saphyr_parser::{Event, Parser};

use crate::error::{Error, Result};
use crate::protocol::headers;

/// The attribution headers: `X-Skill-Source`, `X-Skill-Version` and `X-Skill-Platform`.
///
/// They go with every call; the service refuses exports without them (402).
///
/// ```
/// use nemovideo::Attribution;
///
/// let skill = "---\nname: my-skill\nversion: 1.10\n---\n# My skill\n";
/// let attribution = Attribution::from_front_matter(skill)?.with_platform("cursor")?;
/// assert_eq!(attribution.source(), "my-skill");
/// assert_eq!(attribution.version(), "1.10");
/// assert_eq!(attribution.platform(), "cursor");
/// assert!(Attribution::new("two\nlines", "1").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribution {
    source: String,
    version: String,
    platform: String,
}

impl Attribution {
    /// Names a program and its version; the platform is `unknown`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when one of them cannot stand in a header (a line break, an empty
    /// text, or characters outside of ASCII).
    pub fn new(source: impl Into<String>, version: impl Into<String>) -> Result<Self> {
        Self { source: source.into(), version: version.into(), platform: "unknown".to_owned() }
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

    /// Reads `name` and `version` from the YAML front matter of a skill file, and the platform
    /// from where it is installed: `clawhub` under `~/.clawhub/`, `cursor` under
    /// `~/.cursor/skills/`, else `unknown`. The environment's `SKILL_SOURCE`, when set, wins over
    /// the place.
    ///
    /// ```
    /// use nemovideo::Attribution;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("SKILL.md");
    /// std::fs::write(&path, "---\nname: my-skill\nversion: 2.0.1\n---\n")?;
    /// let attribution = Attribution::from_skill_file(&path)?;
    /// assert_eq!((attribution.source(), attribution.version()), ("my-skill", "2.0.1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::InvalidInput`] when it has no front
    /// matter with both keys.
    pub fn from_skill_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::io("read the skill file", path, source))?;
        let absolute = std::path::absolute(path)
            .map_err(|source| Error::io("find the skill file", path, source))?;
        let named = std::env::var("SKILL_SOURCE").ok().filter(|name| !name.is_empty());
        let platform = named
            .unwrap_or_else(|| platform_of(&absolute, std::env::home_dir().as_deref()).to_owned());
        Self::from_front_matter(&text)?.with_platform(platform)
    }

    /// Reads `name` and `version` from YAML front matter; the platform is `unknown`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when there is no front matter with both keys.
    pub fn from_front_matter(text: &str) -> Result<Self> {
        let yaml = front_matter(text)
            .ok_or_else(|| Error::InvalidInput("the skill file has no front matter".to_owned()))?;
        let [source, version] = top_level_scalars(yaml, ["name", "version"]).map_err(|error| {
            Error::InvalidInput(format!("the skill file's front matter: {error}"))
        })?;
        let missing =
            |key| Error::InvalidInput(format!("the skill file's front matter has no `{key}`"));
        Self::new(
            source.ok_or_else(|| missing("name"))?,
            version.ok_or_else(|| missing("version"))?,
        )
    }

    /// The attribution of a program that names none: this crate's own name and version, on the
    /// platform that `SKILL_SOURCE` names.
    ///
    /// ```
    /// assert_eq!(nemovideo::Attribution::of_this_crate().source(), "nemovideo");
    /// ```
    #[must_use]
    pub fn of_this_crate() -> Self {
        let own = Self {
            source: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: "unknown".to_owned(),
        };
        match std::env::var("SKILL_SOURCE") {
            Ok(platform) => own.clone().with_platform(platform).unwrap_or(own),
            Err(_) => own,
        }
    }

    /// `X-Skill-Source`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// `X-Skill-Version`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// `X-Skill-Platform`.
    #[must_use]
    pub fn platform(&self) -> &str {
        &self.platform
    }

    fn checked(self) -> Result<Self> {
        for value in [&self.source, &self.version, &self.platform] {
            let printable = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if value.trim().is_empty() || !printable {
                return Err(Error::InvalidInput(format!(
                    "the attribution {value:?} cannot stand in a header"
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
                // Both are known good: the names are constants, the values were checked.
                Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
            })
            .collect()
    }
}

/// The text between the first line `---` and the next.
fn front_matter(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next()?;
    if first.trim_end() != "---" {
        return None;
    }
    let body = &text[text.find('\n')? + 1..];
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some(&body[..at]);
        }
        at += line.len();
    }
    None
}

/// The plain values of some keys of the outermost mapping, as they are written (`1.10` stays so).
fn top_level_scalars<const N: usize>(
    yaml: &str,
    keys: [&str; N],
) -> Result<[Option<String>; N], saphyr_parser::ScanError> {
    let mut found = [const { None }; N];
    let mut depth = 0_usize;
    // At depth 1 a mapping's children take turns: key, value, key, value.
    let mut key: Option<String> = None;
    let mut at_key = true;
    for event in Parser::new_from_str(yaml) {
        match event?.0 {
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                depth = depth.saturating_sub(1);
                if depth == 1 {
                    at_key = !at_key;
                }
            }
            Event::Scalar(value, ..) if depth == 1 => {
                if at_key {
                    key = Some(value.into_owned());
                } else if let Some(index) = keys.iter().position(|&k| Some(k) == key.as_deref()) {
                    found[index] = Some(value.into_owned());
                }
                at_key = !at_key;
            }
            Event::Alias(_) if depth == 1 => at_key = !at_key,
            _ => {}
        }
    }
    Ok(found)
}

fn platform_of(file: &Path, home: Option<&Path>) -> &'static str {
    let Some(inside) = home.and_then(|home| file.strip_prefix(home).ok()) else {
        return "unknown";
    };
    let mut parts = inside.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    match (parts.next(), parts.next()) {
        (Some(".clawhub"), _) => "clawhub",
        (Some(".cursor"), Some("skills")) => "cursor",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Attribution, platform_of};

    const SKILL: &str = "---\r\nname: \"nemo video: maker\"\r\nmetadata:\r\n  name: inner\r\n  tags: [a, b]\r\nversion: 1.10\r\ndescription: |\r\n  version: 9\r\n---\r\n# Skill\r\nname: no\r\n";

    #[test]
    fn name_and_version_come_from_the_outermost_front_matter() {
        let attribution = Attribution::from_front_matter(SKILL).unwrap();
        assert_eq!(attribution.source(), "nemo video: maker");
        assert_eq!(attribution.version(), "1.10");
        assert_eq!(attribution.platform(), "unknown");
    }

    #[test]
    fn a_file_without_both_keys_is_refused() {
        for text in [
            "",
            "# no front matter",
            "---\nname: x\n---\n",
            "---\nname: x\nversion: 1\n",
            "---\n[: {\n---\n",
        ] {
            assert!(Attribution::from_front_matter(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_platform_is_told_from_the_place() {
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
