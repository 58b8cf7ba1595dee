//! The decoder follows the HTML standard, however a stream is split into chunks.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use nemovideo::sse::{Decoder, EventTooLarge, Frame};
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

impl From<Frame<'_>> for Expected {
    fn from(frame: Frame<'_>) -> Self {
        Self {
            event: frame.event.into_owned(),
            data: frame.data.into_owned(),
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

/// Bytes that resemble JSON and other text in place of a stream.
fn bare_stream() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        "{\"a\":1}",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"",
        "\\",
        ":",
        "\n",
        "\r\n",
        "\n\n",
        " ",
        "Error: x",
        "data: {}",
        "data: ",
        "id: 1",
        ": ping",
        "<html>",
        "\u{feff}",
        "é",
    ];
    let piece = prop::sample::select(pieces);
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat().into_bytes())
}

fn decode_with_bare_text(
    stream: &[u8],
    size: usize,
    limit: usize,
) -> Vec<Result<Frame<'_>, EventTooLarge>> {
    let mut decoder = Decoder::with_limit(limit).with_bare_text();
    let mut frames = Vec::new();
    for mut chunk in stream.chunks(size) {
        while let Some(frame) = decoder.next_frame(&mut chunk) {
            frames.push(frame);
        }
    }
    frames
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
    fn bare_text_changes_no_event_and_does_not_depend_on_the_split(
        stream in prop_oneof![stream(), bare_stream()],
        size in 1_usize..9,
        limit in 4_usize..40,
    ) {
        let all = decode_with_bare_text(&stream, stream.len().max(1), limit);
        prop_assert_eq!(&decode_with_bare_text(&stream, size, limit), &all);
        let events = decode_with_bare_text(&stream, stream.len().max(1), 4096);
        let events = events.into_iter().flatten().filter(|frame| !frame.is_bare);
        prop_assert_eq!(events.map(Expected::from).collect::<Vec<_>>(), decode([&stream[..]]));
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

/// Returns the data of the frames that a chunk completes, or the limit that an event exceeds.
fn frames(decoder: &mut Decoder, mut chunk: &[u8]) -> Vec<Result<String, usize>> {
    std::iter::from_fn(|| decoder.next_frame(&mut chunk))
        .map(|frame| frame.map(|frame| frame.data.into_owned()).map_err(|error| error.limit))
        .collect()
}

fn data(text: &str) -> Result<String, usize> {
    Ok(text.to_owned())
}

#[test]
fn a_frame_is_complete_with_its_blank_line_even_a_bare_carriage_return() {
    let mut decoder = Decoder::new();
    assert_eq!(frames(&mut decoder, b"data: a\r\n"), []);
    assert_eq!(frames(&mut decoder, b"\r"), [data("a")]);
    // The line feed of that very line end must not end another event.
    assert_eq!(frames(&mut decoder, b"\ndata: b"), []);
    assert_eq!(frames(&mut decoder, b"\r"), []);
    assert_eq!(frames(&mut decoder, b"\r"), [data("b")]);
}

#[test]
fn only_data_of_one_piece_is_borrowed() {
    let mut decoder = Decoder::new();
    let mut chunk = b"id: 1\r\ndata:a\r\n\r\ndata: b\ndata: c\n\ndata: \xff\n\ndata: d".as_slice();
    let mut frames = Vec::new();
    while let Some(frame) = decoder.next_frame(&mut chunk) {
        frames.push(frame.unwrap());
    }
    frames.push(decoder.next_frame(&mut b"\n\n".as_slice()).unwrap().unwrap());
    let is_borrowed = |frame: &Frame<'_>| matches!(frame.data, Cow::Borrowed(_));
    let data: Vec<_> = frames.iter().map(|frame| (&*frame.data, is_borrowed(frame))).collect();
    assert_eq!(data, [("a", true), ("b\nc", false), ("\u{fffd}", false), ("d", false)]);
    assert!(!is_borrowed(&frames.remove(0).into_owned()));
}

#[test]
fn reading_stops_after_a_frame() {
    let mut decoder = Decoder::new();
    let mut input = b"data: a\n\ndata: b\n\n".as_slice();
    assert!(decoder.next_frame(&mut input).is_some());
    assert_eq!(input, b"data: b\n\n");
}

#[test]
fn an_event_of_the_limit_passes_and_one_byte_more_is_left_out() {
    let mut decoder = Decoder::with_limit(8);
    let input = b"data: 12345678\n\ndata: 123456789\nid: 1\ndata: more\n\ndata: next\n\n";
    assert_eq!(frames(&mut decoder, input), [data("12345678"), Err(8), data("next")]);
    assert_eq!(frames(&mut decoder, b"data: 1234\ndata: 567\n\n"), [data("1234\n567")]);
    assert_eq!(frames(&mut decoder, b"data: 1234\ndata: 5678\n\n"), [Err(8)]);
    assert_eq!(frames(&mut decoder, b"event: 1234\ndata: 5678\n\n"), [data("5678")]);
    assert_eq!(frames(&mut decoder, b"event: 1234\nid: 5\ndata: 678\n\n"), [data("678")]);
    assert_eq!(frames(&mut decoder, b"event: 1234\nid: 5\ndata: 6789\n\n"), [Err(8)]);
}

#[test]
fn an_event_too_large_is_reported_once_at_the_byte_too_many() {
    let mut decoder = Decoder::with_limit(4);
    assert_eq!(frames(&mut decoder, b"id: 9\ndata: 123"), []);
    assert_eq!(frames(&mut decoder, b"4"), [Err(4)]);
    assert!(decoder.is_inside_event());
    assert_eq!(frames(&mut decoder, b"5678\ndata: 12345\nevent\nid: 77777\n"), []);
    assert!(decoder.is_inside_event());
    let mut input = b"\ndata\n\n".as_slice();
    let next = decoder.next_frame(&mut input).unwrap().unwrap();
    assert_eq!((&*next.id, &*next.event, &*next.data), ("", "message", ""));
}

#[test]
fn empty_lines_of_data_count_as_well() {
    let mut decoder = Decoder::with_limit(4);
    assert_eq!(frames(&mut decoder, &b"data\n".repeat(5)), []);
    assert_eq!(frames(&mut decoder, b"\n"), [data("\n\n\n\n")]);
    assert_eq!(frames(&mut decoder, &b"data\n".repeat(1000)), [Err(4)]);
    assert_eq!(frames(&mut decoder, &b"data:\n".repeat(1000)), []);
    assert_eq!(frames(&mut decoder, b"\ndata:1\n\n"), [data("1")]);
    // The line too many is the last one.
    let input = [&b"data\n".repeat(6), b"\ndata:1\n\n".as_slice()].concat();
    assert_eq!(frames(&mut decoder, &input), [Err(4), data("1")]);
}

#[test]
fn a_long_id_is_kept_once_for_all_frames() {
    let mut decoder = Decoder::new();
    let input = [b"id: ".as_slice(), &[b'x'; 100_000], b"\ndata\n\ndata\n\n"].concat();
    let mut input = input.as_slice();
    let first = decoder.next_frame(&mut input).unwrap().unwrap();
    let second = decoder.next_frame(&mut input).unwrap().unwrap();
    assert!(Arc::ptr_eq(&first.id, &second.id));
    assert_eq!((first.own_id.is_some(), second.own_id), (true, None));
}

#[test]
fn a_delay_that_does_not_fit_is_forever() {
    let mut decoder = Decoder::new();
    let mut input = b"retry: 99999999999999999999\ndata\n\nretry:\ndata\n\n".as_slice();
    let retry = |frame: Option<Result<Frame<'_>, EventTooLarge>>| frame.unwrap().unwrap().retry;
    let forever = Some(Duration::from_millis(u64::MAX));
    assert_eq!(retry(decoder.next_frame(&mut input)), forever);
    assert_eq!(retry(decoder.next_frame(&mut input)), None);
}

#[test]
fn a_stream_cut_off_in_an_event_is_noticed() {
    for (input, expected) in [
        ("", false),
        ("data: a\n\n", false),
        ("data: a\n\n: bye", false),
        ("data: a\n\nda", true),
        ("data: a\n\ndata:", true),
        ("data: a\n", true),
        ("data: a\r\r", false),
    ] {
        let mut decoder = Decoder::new();
        frames(&mut decoder, input.as_bytes());
        assert_eq!(decoder.is_inside_event(), expected, "{input:?}");
    }
}
