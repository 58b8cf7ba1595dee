//! Arbitrary JSON texts, for the tests of what must hold for any draft.

use proptest::prelude::*;

/// JSON as tokens, so that it can be written with different white space.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// The text of a literal, a number or a quoted string.
    Scalar(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Node {
    /// Writes the tokens with `space` on both sides of each.
    fn write(&self, space: &str, out: &mut String) {
        let token = |token: &str, out: &mut String| {
            out.push_str(space);
            out.push_str(token);
            out.push_str(space);
        };
        match self {
            Self::Scalar(scalar) => token(scalar, out),
            Self::Array(items) => {
                token("[", out);
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        token(",", out);
                    }
                    item.write(space, out);
                }
                token("]", out);
            }
            Self::Object(entries) => {
                token("{", out);
                for (at, (key, value)) in entries.iter().enumerate() {
                    if at > 0 {
                        token(",", out);
                    }
                    token(key, out);
                    token(":", out);
                    value.write(space, out);
                }
                token("}", out);
            }
        }
    }

    pub(crate) fn to_json(&self, space: &str) -> String {
        let mut out = String::new();
        self.write(space, &mut out);
        out
    }
}

/// A number in any valid notation, however large.
fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,6})?"
}

/// A string in any valid notation: any character, every escape, unpaired surrogates included.
fn string() -> impl Strategy<Value = String> {
    let plain = any::<char>().prop_filter_map("must be escaped", |c| {
        (c >= ' ' && c != '"' && c != '\\').then(|| c.to_string())
    });
    let escape = "\\\\([\"\\\\/bfnrt]|u[0-9a-fA-F]{4}|ud83[c-e]\\\\ud[c-f][0-9a-f]{2})";
    prop::collection::vec(prop_oneof![3 => plain, 1 => escape], 0..12)
        .prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// A key: usually one that drafts have, so that the JSON is read as a draft, and often a duplicate.
fn key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "t", "tt", "sg", "d", "m", "name", "text", "start", "volume", "role",
    ]);
    prop_oneof![3 => known.prop_map(|key| format!("\"{key}\"")), 1 => string()]
}

pub(crate) fn node() -> impl Strategy<Value = Node> {
    let scalar = prop_oneof![
        "null|true|false|0|1|7".prop_map(Node::Scalar),
        number().prop_map(Node::Scalar),
        string().prop_map(Node::Scalar),
    ];
    scalar.prop_recursive(8, 128, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Node::Array),
            prop::collection::vec((key(), inner), 0..6).prop_map(Node::Object),
        ]
    })
}
