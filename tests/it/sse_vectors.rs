//! The decoder follows the HTML standard, however a stream is split into chunks.

use std::time::Duration;

use nemovideo::sse::{Decoder, Frame};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    chunks: Vec<Chunk>,
    expect: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Chunk {
    Text(String),
    Bytes { b64: String },
}

#[derive(Debug, Deserialize, PartialEq)]
struct Expected {
    event: String,
    data: String,
    id: String,
    own_id: Option<String>,
    retry: Option<u64>,
}

impl From<Frame> for Expected {
    fn from(frame: Frame) -> Self {
        Self {
            event: frame.event,
            data: frame.data,
            id: frame.id.to_string(),
            own_id: frame.own_id.map(|id| id.to_string()),
            retry: frame
                .retry
                .map(|wait| u64::try_from(wait.as_millis()).expect("few milliseconds")),
        }
    }
}

impl Chunk {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Bytes { b64 } => from_base64(b64),
        }
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=').bytes();
    let bits: Vec<u8> = digits
        .flat_map(|digit| {
            let value = DIGITS.iter().position(|known| *known == digit).expect("a digit");
            (0..6).rev().map(move |bit| (value >> bit & 1) as u8)
        })
        .collect();
    let bytes = bits.chunks_exact(8);
    bytes.map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Expected> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    for mut chunk in chunks {
        while let Some(frame) = decoder.next_frame(&mut chunk) {
            frames.push(frame.expect("no event is too large").into());
        }
    }
    frames
}

#[test]
fn every_vector_is_decoded_however_it_is_split() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../fixtures/sse/vectors.json")).unwrap();
    assert_eq!(vectors.len(), 45);
    for Vector { name, chunks, expect } in vectors {
        let chunks: Vec<Vec<u8>> = chunks.iter().map(Chunk::bytes).collect();
        assert_eq!(decode(chunks.iter().map(Vec::as_slice)), expect, "{name}, in its own chunks");
        let stream = chunks.concat();
        for size in [1, 2, 3, 7, 64] {
            assert_eq!(decode(stream.chunks(size)), expect, "{name}, in chunks of {size}");
        }
    }
}

/// Decodes a complete stream by the algorithm of the standard, step by step.
fn decode_by_standard(stream: &[u8]) -> Vec<Expected> {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What follows the last line end is an incomplete line.
    lines.pop();

    let mut frames = Vec::new();
    let (mut data, mut event, mut last_id) = (String::new(), String::new(), String::new());
    let (mut own_id, mut retry) = (None, None);
    for line in lines {
        if line.is_empty() {
            if let Some(data) = data.strip_suffix('\n') {
                frames.push(Expected {
                    event: if event.is_empty() { "message".to_owned() } else { event.clone() },
                    data: data.to_owned(),
                    id: last_id.clone(),
                    own_id: own_id.clone(),
                    retry,
                });
            }
            (data, event, own_id, retry) = Default::default();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => data = data + value + "\n",
            "event" => event = value.to_owned(),
            "id" if !value.contains('\0') => {
                last_id = value.to_owned();
                own_id = Some(last_id.clone());
            }
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                retry = Some(value.parse().expect("few digits"));
            }
            _ => {}
        }
    }
    frames
}

/// Bytes that resemble a stream.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"])
            .prop_map(|end| end.as_bytes().to_vec()),
        6 => prop::sample::select(vec!["data: ", "data:", "data", "event:", "id: ", "retry: ", ":"])
            .prop_map(|name| name.as_bytes().to_vec()),
        4 => "[a-z :0-9é🎬]{0,9}".prop_map(String::into_bytes),
        1 => prop::sample::select(vec!["\u{feff}", "\0", "DATA:", "dat", "retry: 15", " "])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..5),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_stream_is_decoded_as_the_standard_does(stream in stream()) {
        prop_assert_eq!(decode([stream.as_slice()]), decode_by_standard(&stream));
    }

    #[test]
    fn any_split_yields_the_same_frames(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
        prop_assert_eq!(decode(chunks), decode([stream.as_slice()]));
    }

    #[test]
    fn a_limit_rejects_larger_events_and_no_others(
        blocks in prop::collection::vec(prop::collection::vec(0_usize..9, 1..9), 0..20),
        limit in 0_usize..40,
        chunk_size in 1_usize..50,
    ) {
        let mut stream = String::new();
        for lines in &blocks {
            for size in lines {
                stream += "data";
                stream += if *size == 0 { "" } else { ":" };
                stream += &"x".repeat(*size);
                stream.push('\n');
            }
            stream.push('\n');
        }
        let mut decoder = Decoder::with_limit(limit);
        let mut results = Vec::new();
        for mut chunk in stream.as_bytes().chunks(chunk_size) {
            while let Some(frame) = decoder.next_frame(&mut chunk) {
                results.push(frame.map(|frame| frame.data.len()).map_err(|error| error.limit));
            }
        }
        let sizes = blocks.iter().map(|lines| lines.iter().sum::<usize>() + lines.len() - 1);
        let expected = sizes.map(|size| if size <= limit { Ok(size) } else { Err(limit) });
        prop_assert_eq!(results, expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_retry_delay_is_in_milliseconds() {
    let mut input = b"retry: 1500\ndata\n\n".as_slice();
    let frame = Decoder::new().next_frame(&mut input).unwrap().unwrap();
    assert_eq!(frame.retry, Some(Duration::from_millis(1500)));
}
