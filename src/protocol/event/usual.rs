//! The events that make up most of a stream, texts of the model and keep-alives, read in one pass.
//!
//! An event is read here only if everything in it that matters has its usual form. Any other is
//! left to the tolerant reader, which is the reference: of an event that is read here, both return
//! the same.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::adk::is_detail;
use super::decode::{HEARTBEAT, simple_text, text_event};
use super::{AgentEvent, Origin, SurrogateHalves, TextKind};

/// More brackets than a usual event has, and fewer than the levels that the tolerant reader accepts:
/// what is ignored here cannot be nested too deeply for it.
const MAX_BRACKETS: usize = 100;

/// Reads an event in its usual form.
pub(super) fn decode_usual(data: &str) -> Option<Vec<AgentEvent>> {
    if !data.starts_with('{') || brackets(data) > MAX_BRACKETS {
        return None;
    }
    if data.starts_with(r#"{"type""#) {
        let SimpleEvent { kind, content } = serde_json::from_str(data).ok()?;
        return match (kind, content) {
            ("text", Some(text)) => Some(simple_text(text, SurrogateHalves::default())),
            (HEARTBEAT, _) => Some(vec![AgentEvent::Heartbeat]),
            _ => None,
        };
    }
    serde_json::from_str(data).ok().map(UsualEvent::into_events)
}

/// Returns the number of opening brackets, also in strings.
fn brackets(data: &str) -> usize {
    // Eight bits are as wide as the bytes, so that the compiler adds many at a time; `{` and `[`
    // differ in one bit.
    let count =
        |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum + u8::from(byte & !0x20 == b'['));
    data.as_bytes().chunks(255).map(|bytes| usize::from(count(bytes))).sum()
}

/// An event in the simple form.
#[derive(Deserialize)]
struct SimpleEvent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    content: Option<String>,
}

/// An event of the agent server that holds texts and nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "what is not read has to have its usual form")]
struct UsualEvent {
    content: Braced<Content>,
    partial: Option<bool>,
    #[serde(alias = "invocation_id")]
    invocation_id: Option<String>,
    author: Option<String>,
    actions: Option<Braced<Actions>>,
    #[serde(alias = "long_running_tool_ids")]
    long_running_tool_ids: Option<[(); 0]>,
    id: Option<String>,
    // What makes the event a failure too, or one in another form.
    #[serde(alias = "error_code")]
    error_code: Null,
    #[serde(alias = "error_message")]
    error_message: Null,
    error: Null,
    code: Null,
    message: Null,
    detail: Null,
    r#type: Null,
}

/// A field that is `null` or absent.
type Null = Option<()>;

#[derive(Deserialize)]
struct Content {
    parts: Texts,
}

/// The parts of a content as events, whose origin and kind are not known yet.
struct Texts(Vec<AgentEvent>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "what is not read has to have its usual form")]
struct Part {
    text: String,
    thought: Option<bool>,
    #[serde(alias = "function_call")]
    function_call: Null,
    #[serde(alias = "function_response")]
    function_response: Null,
}

/// The changes beside the content, all of them empty.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "what is not read has to have its usual form")]
struct Actions {
    #[serde(alias = "state_delta")]
    state_delta: Option<Braced<Empty>>,
    #[serde(alias = "artifact_delta")]
    artifact_delta: Option<Braced<Empty>>,
    #[serde(alias = "requested_auth_configs")]
    requested_auth_configs: Option<Braced<Empty>>,
    #[serde(alias = "requested_tool_confirmations")]
    requested_tool_confirmations: Option<Braced<Empty>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

/// A struct that is written as an object: serde reads one from an array too.
struct Braced<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Braced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Vec<AgentEvent>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                // Most events hold one part.
                let mut events = Vec::with_capacity(1);
                let mut is_after_text = false;
                while let Some(Braced(part)) = seq.next_element::<Braced<Part>>()? {
                    let is_thought = part.thought.unwrap_or_default();
                    let is_empty = part.text.is_empty();
                    if let Some(AgentEvent::Text(before) | AgentEvent::Thought(before)) =
                        events.last_mut()
                    {
                        before.continues = is_after_text && !is_thought && !is_empty;
                    }
                    is_after_text = !is_empty;
                    let (halves, origin) = (SurrogateHalves::default(), Origin::default());
                    if let Some(text) = text_event(part.text, halves, TextKind::Final, origin) {
                        events.push(match is_thought {
                            true => AgentEvent::Thought(text),
                            false => AgentEvent::Text(text),
                        });
                    }
                }
                Ok(events)
            }
        }

        deserializer.deserialize_seq(Parts).map(Self)
    }
}

impl UsualEvent {
    fn into_events(self) -> Vec<AgentEvent> {
        let detail = |value: Option<String>| value.filter(|value| is_detail(value));
        let mut origin = Origin {
            event_id: detail(self.id),
            invocation_id: detail(self.invocation_id),
            author: detail(self.author),
        };
        let Texts(mut events) = self.content.0.parts;
        let last = events.len().saturating_sub(1);
        for (at, event) in events.iter_mut().enumerate() {
            if let AgentEvent::Text(text) | AgentEvent::Thought(text) = event {
                if self.partial == Some(true) {
                    text.kind = TextKind::Partial;
                }
                text.origin = if at < last { origin.clone() } else { std::mem::take(&mut origin) };
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Asserts that an event is read as the reference reads it, if it is read here. Returns whether
    /// it is.
    fn agrees(data: &str) -> bool {
        let data = data.trim();
        let Some(events) = decode_usual(data) else { return false };
        assert_eq!(events, AgentEvent::decode_tolerantly("message", data), "{data}");
        assert_eq!(events, AgentEvent::decode_tolerantly("error", data), "{data}");
        true
    }

    #[test]
    fn what_streams_hold_most_is_read_in_one_pass() {
        for data in [
            r#"{"content":{"parts":[{"text":"a"}],"role":"model"},"partial":true,"invocationId":"i",
                "author":"n","actions":{"stateDelta":{},"artifactDelta":{},"escalate":null},
                "longRunningToolIds":[],"id":"9","timestamp":1795351293.32,"errorCode":null}"#,
            r#"{"content":{"parts":[{"text":"a","thought":true,"thoughtSignature":"AA=="},
                {"text":"b\n\u00e9\ud83c\udfac"},{"text":""},{"text":"c"},{"text":"d"}]},
                "usageMetadata":{"totalTokenCount":7,"details":[{"modality":"TEXT"}]}}"#,
            r#"{"content":{"parts":[]},"invocation_id":"i","author":null,"turn_complete":true}"#,
            r#"{"type":"text","content":"a"}"#,
            r#"{"type":"text","content":""}"#,
            r#"{"type": "heartbeat", "at": 1795351293}"#,
        ] {
            assert!(agrees(data), "{data}");
        }
        let recorded = include_str!("../../../tests/fixtures/adk/text_streaming.sse");
        let mut data = recorded.lines().filter_map(|line| line.strip_prefix("data: "));
        assert!(data.by_ref().next().is_some_and(agrees) && data.all(agrees));
    }

    #[test]
    fn what_is_ignored_is_no_deeper_than_the_reference_reads() {
        for depth in [1, 90, 99, 128, 129, 200] {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            for (start, end) in [
                (r#"{"content":{"parts":[]},"x":{"draft":"#, "}}"),
                (r#"{"type":"text","content":"a","x":"#, "}"),
            ] {
                agrees(&format!("{start}{deep}{end}"));
            }
        }
    }

    /// Values in a usual form and in others.
    fn value() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "1",
            "-0.0",
            "1e999",
            "123456789012345678901234567890",
            r#""""#,
            r#""true""#,
            r#"" ""#,
            r#""\ud83d""#,
            r#""\ude00 x\ud83d""#,
            r#""\u0000\/\b""#,
            r#""heartbeat""#,
            "[]",
            "{}",
            "[null]",
            "[[]]",
            "[{}]",
            r#"["a",1]"#,
            r#"{"draft":{"t":[]}}"#,
            r#"{"draft":null}"#,
            r#"[{"text":"a"}]"#,
            r#"{"parts":[{"text":"a"}]}"#,
            "NaN",
            "nul",
            "01",
        ]);
        prop_oneof![
            3 => odd.prop_map(str::to_owned),
            1 => "[ -~é🎬]{0,8}".prop_map(|text| serde_json::to_string(&text).unwrap()),
            1 => (250_usize..260).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
        ]
    }

    /// An object of a first field and of others, most of them as given, few of them twice.
    fn object(
        first: (&'static str, BoxedStrategy<String>),
        others: Vec<(&'static str, BoxedStrategy<String>)>,
    ) -> BoxedStrategy<String> {
        let field = |(names, usual): (&'static str, BoxedStrategy<String>)| {
            let name = prop::sample::select(names.split('|').collect::<Vec<_>>());
            (name, prop_oneof![30 => usual, 1 => value()])
        };
        let others = prop::sample::select(others).prop_flat_map(field);
        let others = prop::collection::vec(others, 0..6);
        (field(first), others, prop::bool::weighted(0.1), any::<bool>())
            .prop_map(|(first, mut fields, has_twice, is_spaced)| {
                fields.insert(0, first);
                if !has_twice {
                    let mut seen = std::collections::HashSet::new();
                    fields.retain(|(name, _)| seen.insert(*name));
                }
                let space = if is_spaced { " " } else { "" };
                let field = |(name, value)| format!("\"{name}\":{space}{value}");
                let fields: Vec<_> = fields.into_iter().map(field).collect();
                format!("{{{}}}", fields.join(&format!(",{space}")))
            })
            .boxed()
    }

    fn event() -> impl Strategy<Value = String> {
        let json = |text: String| serde_json::to_string(&text).unwrap();
        let text = || "[a-z \"\\\\{é🎬]{0,6}".prop_map(json).boxed();
        let flag = || any::<bool>().prop_map(|flag| flag.to_string()).boxed();
        let just = |json: &'static str| Just(json.to_owned()).boxed();
        let part = object(
            ("text", text()),
            vec![
                ("thought", flag()),
                ("functionCall|function_call|functionResponse|function_response", just("null")),
                ("functionCall|function_response", just(r#"{"name":"cut","args":{"x":1.10}}"#)),
                ("thoughtSignature|inlineData|\\u0074ext|Text", text()),
            ],
        );
        let parts = prop::collection::vec(part, 0..4);
        let parts = parts.prop_map(|parts| format!("[{}]", parts.join(","))).boxed();
        let content = object(("parts", parts), vec![("role|x", text())]);
        let actions = object(
            ("stateDelta|state_delta", just("{}")),
            vec![
                ("artifactDelta|artifact_delta", just("{}")),
                ("requestedAuthConfigs|requested_auth_configs", just("{}")),
                ("requestedToolConfirmations|requested_tool_confirmations", just("{}")),
                ("transferToAgent|stateDelta", text()),
            ],
        );
        let others = vec![
            ("partial", flag()),
            ("invocationId|invocation_id", text()),
            ("author", text()),
            ("id", text()),
            ("actions", actions),
            ("longRunningToolIds|long_running_tool_ids", just("[]")),
            ("errorCode|error_code|errorMessage|error_message", just("null")),
            ("error|code|message|detail|details|error_details|type", just("null")),
            ("timestamp|usageMetadata|nodeInfo|events|data", value().boxed()),
        ];
        let kinds = vec![r#""text""#, r#""heartbeat""#, r#""error""#];
        let kind = prop::sample::select(kinds).prop_map(str::to_owned).boxed();
        let mut simple_others = others.clone();
        simple_others.extend(vec![("content", text()); 8]);
        prop_oneof![
            3 => object(("content", content), others),
            1 => object(("type", kind), simple_others),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn what_is_read_in_one_pass_is_what_the_reference_reads(
            data in event(),
            at in any::<prop::sample::Index>(),
            change in prop::sample::select(vec!["", "{", "[", "\"", ",", "\\", "0", "-", " ", "\u{1}"]),
        ) {
            agrees(&data);
            // One character is replaced.
            let (at, old) = data.char_indices().nth(at.index(data.chars().count())).unwrap();
            agrees(&[&data[..at], change, &data[at + old.len_utf8()..]].concat());
        }
    }
}
