//! What others wrote, made fit to be shown.

use std::fmt;

/// How many characters of a message are kept: more than any person reads, and an end for one that
/// has none.
pub(crate) const MAX_MESSAGE_CHARS: usize = 500;

/// A message as one line of bounded length. Control characters become spaces: a service must not
/// move the cursor of whoever reads its refusals, nor write lines of its own into a log.
pub(crate) fn one_line(message: &str) -> String {
    let mut line = String::new();
    let mut count = 0;
    for c in message.trim().chars() {
        if count == MAX_MESSAGE_CHARS {
            line.push('…');
            break;
        }
        let c = if is_unfit(c) { ' ' } else { c };
        // A run of them is one space.
        if c != ' ' || !line.ends_with(' ') {
            line.push(c);
            count += 1;
        }
    }
    line
}

/// Control characters, what breaks lines, and what turns the direction of writing.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The address of a file, shown without what may open it: a user and a password before the host,
/// a signature in the query.
pub(crate) struct Unsigned<'a>(pub(crate) &'a str);

impl fmt::Debug for Unsigned<'_> {
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
        // A URL that is its own content has no place to name.
        if open.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:")) {
            return f.write_str("\"data:…\"");
        }
        write!(f, "\"{}{}{hidden}\"", scheme.escape_debug(), rest[from..].escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_MESSAGE_CHARS, Unsigned, one_line};

    #[test]
    fn a_message_is_one_line_that_ends() {
        assert_eq!(one_line(" no\r\n\tcredits\u{1b}[2J \u{202e}left\0"), "no credits [2J left ");
        let long = one_line(&"ä".repeat(100_000));
        assert_eq!(long.chars().count(), MAX_MESSAGE_CHARS + 1);
        assert!(long.ends_with('…'));
        assert_eq!(one_line(&long).len(), long.len(), "once more changes nothing");
    }

    #[test]
    fn an_address_is_shown_without_what_opens_it() {
        let cases = [
            ("https://cdn.test/a.mp4?sig=hunter2", r#""https://cdn.test/a.mp4?…""#),
            ("https://cdn.test/a.mp4#hunter2", r#""https://cdn.test/a.mp4?…""#),
            ("https://me:hunter2@cdn.test/a@b.mp4", r#""https://cdn.test/a@b.mp4""#),
            ("/files/a.mp4?sig=hunter2", r#""/files/a.mp4?…""#),
            ("data:video/mp4;base64,hunter2", r#""data:…""#),
            ("a\nb", r#""a\nb""#),
        ];
        for (url, shown) in cases {
            assert_eq!(format!("{:?}", Unsigned(url)), shown);
        }
    }
}
