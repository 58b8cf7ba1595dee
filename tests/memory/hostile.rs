//! Files and bodies of up to 2 MB that are made to exhaust what reads them: by what they claim, by
//! what they unpack to, or by how often something is in them. Documents are in the unit tests of
//! their reader.

use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use image::{DynamicImage, ImageFormat};
use nemovideo::draft::{Draft, Json, Language};
use nemovideo::media::{AudioBuffer, Image};
use nemovideo::project::Script;
use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
use nemovideo::sse::Decoder;
use nemovideo::{Attribution, NemoClient};

use super::measured::{self, HostileFile, MAX_FILE};

/// Repeats a unit between a start and an end, up to the size of the largest file.
fn fill(start: &[u8], unit: &[u8], end: &[u8]) -> Vec<u8> {
    let count = (MAX_FILE - start.len() - end.len()) / unit.len();
    [start, &unit.repeat(count), end].concat()
}

fn named<const N: usize>(files: [(&str, Vec<u8>); N]) -> Vec<HostileFile> {
    files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// A WAV file of 16 bits that claims 4 GB of samples.
fn wav(channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x01\0".to_vec();
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend([0; 4]);
    file.extend((channels.wrapping_mul(bits / 8)).to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data\xFF\xFF\xFF\xFF");
    fill(&file, &[1, 2, 3, 4, 5, 6, 7, 8], b"")
}

/// An M4A file whose table says that it has a number of entries.
fn m4a(table: &[u8; 4], at: usize, count: u32) -> Vec<u8> {
    let options = syom::EncodeOptions::m4a();
    let mut file = syom::encode_with(&[vec![0.0; 48_000]], 48_000, &options).unwrap();
    let found = file.windows(4).position(|kind| kind == table).unwrap();
    file[found + at..][..4].copy_from_slice(&count.to_be_bytes());
    file
}

#[test]
fn hostile_audio() {
    let files = || {
        let tag = b"ID3\x04\0\0\0\0\0\0";
        let adts = syom::encode_with(&[vec![0.0; 48_000]], 48_000, &syom::EncodeOptions::adts());
        let (box_start, empty) = (b"\0\0\0\x10ftypM4A \0\0\0\0", b"\0\0\0\x08free");
        named([
            ("wav-4-ghz", wav(1, u32::MAX, 16)),
            ("wav-1-hz", wav(1, 1, 8)),
            ("wav-768-khz", wav(1, 768_000, 8)),
            ("wav-65535-channels", wav(65_535, 44_100, 8)),
            ("wav-64-bits", wav(1, 8000, 64)),
            ("wav-no-format", fill(b"RIFF\xFF\xFF\xFF\xFFWAVE", b"data\0\0\0\0", b"")),
            ("mp3-tags", fill(b"", tag, b"")),
            ("mp3-all-sync", fill(b"", b"\xFF", b"")),
            ("mp3-headers", fill(b"", b"\xFF\xFB\x10\xC4", b"")),
            ("mp3-free-format", fill(b"", &[b"\xFF\xFB\x00\x64", &[0; 413][..]].concat(), b"")),
            // 24 bytes become 576 samples.
            ("mp3-slow", fill(b"", &[b"\xFF\xF3\x14\xC4", &[0; 20][..]].concat(), b"")),
            ("mp3-between-junk", fill(b"", b"\0\0\0\0\0\0\0\xFF\xFB\x90\x64", b"")),
            ("aac-silence", fill(b"", &adts.unwrap(), b"")),
            ("aac-empty-frames", fill(b"", b"\xFF\xF1\x50\x80\x01\x1F\xFC\0", b"")),
            ("aac-latm", fill(b"", b"\x56\xE0\x01\0", b"")),
            ("m4a-boxes", fill(box_start, empty, b"")),
            ("m4a-samples", m4a(b"stsz", 12, u32::MAX)),
            ("m4a-sizes", m4a(b"stsz", 8, u32::MAX)),
            ("m4a-chunks", m4a(b"stco", 8, u32::MAX)),
            ("m4a-times", m4a(b"stts", 12, u32::MAX)),
            ("m4a-time", m4a(b"stts", 16, u32::MAX)),
            ("m4a-chunk", m4a(b"stsc", 16, u32::MAX)),
            ("m4a-edits", fill(box_start, b"\0\0\0\x10edts\0\0\0\x08elst", b"")),
        ])
    };
    measured::each("hostile::hostile_audio", files, |name, bytes| {
        if let Ok(audio) = AudioBuffer::decode(bytes, name) {
            assert!(audio.samples().len() <= (2 << 20) + 12 * bytes.len(), "{name}");
        }
    });
}

/// An image of one color, whose file is small.
fn plain(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A chunk of a PNG file. Decoders do not check the sums of most.
fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
    let sum = |bytes: &[u8]| {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 * (sum & 1)))
        })
    };
    let named = [name, content].concat();
    [&(content.len() as u32).to_be_bytes(), &named[..], &sum(&named).to_be_bytes()].concat()
}

/// The compressed data of a PNG image of one color with this number of bytes.
fn compressed(bytes: u32) -> Vec<u8> {
    let file = plain(&DynamicImage::new_luma8(1 << 14, bytes >> 14), ImageFormat::Png);
    let data = file.windows(4).position(|name| name == b"IDAT").unwrap();
    let length = u32::from_be_bytes(file[data - 4..data].try_into().unwrap()) as usize;
    file[data + 4..][..length].to_vec()
}

/// A PNG file with chunks before its data.
fn png_with(chunks: &[u8]) -> Vec<u8> {
    let file = plain(&DynamicImage::new_rgb8(8, 8), ImageFormat::Png);
    [&file[..33], chunks, &file[33..]].concat()
}

/// A JPEG file whose header has other sides, sampling factors of the first component, and kind.
fn jpeg(sides: (u16, u16), sampling: u8, kind: u8) -> Vec<u8> {
    let mut file = plain(&DynamicImage::new_rgb8(16, 16), ImageFormat::Jpeg);
    let frame = file.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    file[frame + 1] = kind;
    file[frame + 5..][..2].copy_from_slice(&sides.1.to_be_bytes());
    file[frame + 7..][..2].copy_from_slice(&sides.0.to_be_bytes());
    file[frame + 11] = sampling;
    file
}

/// A progressive JPEG file that repeats its last scan.
fn jpeg_scans(sides: (u16, u16)) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cases/pic/progressive.jpg");
    let mut file = std::fs::read(path).unwrap();
    let frame = file.windows(2).position(|marker| marker == [0xFF, 0xC2]).unwrap();
    file[frame + 5..][..2].copy_from_slice(&sides.1.to_be_bytes());
    file[frame + 7..][..2].copy_from_slice(&sides.0.to_be_bytes());
    let last = file.windows(2).rposition(|marker| marker == [0xFF, 0xDA]).unwrap();
    fill(&file[..last], &file[last..file.len() - 2], b"\xFF\xD9")
}

fn gif(screen: (u16, u16), frame: (u16, u16), count: usize) -> Vec<u8> {
    let sides = |(width, height): (u16, u16)| [width.to_le_bytes(), height.to_le_bytes()].concat();
    let start = [b"GIF89a", &sides(screen)[..], b"\x80\0\0\0\0\0\xFF\xFF\xFF"].concat();
    let one = [b"\x2C\0\0\0\0", &sides(frame)[..], b"\0\x02\x02\x4C\x01\0"].concat();
    [&start[..], &one.repeat(count), b"\x3B"].concat()
}

fn riff(name: &[u8], content: &[u8]) -> Vec<u8> {
    [name, &(content.len() as u32).to_le_bytes(), content, &[0][(content.len() % 2) ^ 1..]].concat()
}

/// A lossy WebP file with other chunks in front, which claims sides.
fn webp(extended: &[u8], sides: (u16, u16)) -> Vec<u8> {
    let (width, height) = (sides.0.to_le_bytes(), sides.1.to_le_bytes());
    let frame = [b"\x10\0\0\x9D\x01\x2A", &width[..], &height, &[0; 1000]].concat();
    [b"RIFF\xFF\xFF\xFF\x7FWEBP", extended, &riff(b"VP8 ", &frame)].concat()
}

#[test]
fn hostile_images() {
    let files = || {
        let bomb = [b"a\0\0", &compressed(80 << 20)[..]].concat();
        let interlaced = {
            let mut file = plain(&DynamicImage::new_rgb8(4300, 4300), ImageFormat::Png);
            let header = [&file[12..28], b"\x01"].concat();
            let changed = chunk(b"IHDR", &header[4..]);
            file.splice(8..33, changed);
            file
        };
        let animated = {
            let one = [&[0; 6][..], b"\x07\0\0\x07\0\0\0\0\0\0", &webp(b"", (8, 8))[12..]].concat();
            let start = riff(b"VP8X", b"\x02\0\0\0\xFF\x06\0\xFF\x06\0");
            let start = [b"RIFF\xFF\xFF\xFF\x7FWEBP", &start[..], &riff(b"ANIM", &[0; 6])].concat();
            fill(&start, &riff(b"ANMF", &one), b"")
        };
        let extended = |flags| riff(b"VP8X", &[&[flags][..], b"\0\0\0\x07\0\0\x07\0\0"].concat());
        let profile = [b"\xFF\xE2\xFF\xFFICC_PROFILE\0\x01\x1C", &[7; 65_519][..]].concat();
        let small = plain(&DynamicImage::new_rgb8(16, 16), ImageFormat::Jpeg);
        named([
            ("png-large", plain(&DynamicImage::new_luma8(4400, 4400), ImageFormat::Png)),
            ("png-16-bits", plain(&DynamicImage::new_rgb16(3100, 3100), ImageFormat::Png)),
            ("png-wide", plain(&DynamicImage::new_rgba8(16_384, 900), ImageFormat::Png)),
            ("png-interlaced", interlaced),
            ("png-profile-bomb", png_with(&chunk(b"iCCP", &bomb))),
            ("png-text-bomb", png_with(&chunk(b"zTXt", &bomb).repeat(4))),
            ("png-chunks", fill(&png_with(b"")[..33], &chunk(b"tEXt", b"a\0b"), b"")),
            ("png-empty-data", fill(&png_with(b"")[..33], &chunk(b"IDAT", b""), b"")),
            ("gif-65535", gif((65_535, 65_535), (65_535, 65_535), 1)),
            ("gif-large-frame", gif((8, 8), (65_535, 65_535), 1)),
            ("gif-frames", gif((3500, 3500), (1, 1), 130_000)),
            ("gif-comments", fill(b"GIF89a\x08\0\x08\0\0\0\0", b"\x21\xFE\x01A\0", b"\x3B")),
            ("gif-data", plain(&DynamicImage::new_rgba8(3700, 3700), ImageFormat::Gif)),
            ("jpeg-65535", jpeg((65_535, 65_535), 0x11, 0xC0)),
            ("jpeg-4400", jpeg((4400, 4400), 0x22, 0xC0)),
            ("jpeg-progressive", jpeg((4400, 4400), 0x22, 0xC2)),
            ("jpeg-sampling", jpeg((4400, 4400), 0x44, 0xC0)),
            ("jpeg-scans", jpeg_scans((2000, 2000))),
            ("jpeg-profile", [&small[..2], &profile.repeat(28), &small[2..]].concat()),
            ("jpeg-fill-bytes", fill(&small[..2], b"\xFF", &small[2..])),
            ("webp-16383", webp(b"", (16_383, 16_383))),
            ("webp-3300", webp(b"", (3300, 3300))),
            ("webp-lossless", plain(&DynamicImage::new_rgba8(2100, 2100), ImageFormat::WebP)),
            ("webp-frames", animated),
            (
                "webp-profile",
                webp(&[extended(0x20), riff(b"ICCP", &[1; 1 << 20])].concat(), (8, 8)),
            ),
            (
                "webp-chunks",
                webp(&[extended(0), riff(b"XXXX", b"").repeat(200_000)].concat(), (8, 8)),
            ),
        ])
    };
    measured::each("hostile::hostile_images", files, |name, bytes| {
        if let Ok(image) = Image::decode(bytes, name) {
            assert!(u64::from(image.width()) * u64::from(image.height()) <= 20_000_000, "{name}");
        }
    });
}

#[test]
fn hostile_texts() {
    let files = || {
        named([
            ("latin.txt", fill(b"", b"caf\xE9 ", b"")),
            ("noise.txt", fill(b"", b"\x82\xA0\xC4\xE3\x1B\xFF", b"")),
            ("nul.txt", fill(b"", b"\0", b"")),
            ("markup.txt", fill(b"", b"<", b"")),
            ("utf16.txt", fill(b"\xFF\xFE", b"a\0", b"a")),
            ("keys.skill", fill(b"---\n", b"a: b\n", b"---\n")),
            ("unclosed.skill", fill(b"---\n", b"name: a\n", b"")),
            ("name.skill", fill(b"---\nname: ", b"a", b"\nversion: 1\n---\n")),
            ("quoted.skill", fill(b"---\nname: \"", b"\\u00e9", b"\"\nversion: 1\n---\n")),
            ("comments.skill", fill(b"---\nname: a ", b"# ", b"\n---\n")),
            ("lines.skill", fill(b"", b"\n", b"")),
        ])
    };
    measured::each("hostile::hostile_texts", files, |name, bytes| {
        if name.ends_with("skill") {
            if let Ok(attribution) = Attribution::from_front_matter(&String::from_utf8_lossy(bytes))
            {
                assert!(bytes.len() > attribution.source().len(), "{name}");
            }
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = Script::from_path(&path).unwrap_err().to_string();
        assert!(error.contains(name) && error.len() < 500, "{error}");
    });
}

/// JSON in many small or a few large pieces, by a name, its start, the piece and its end.
const JSON: &[(&str, &str, &str, &str)] = &[
    ("zeros", r#"{"x":["#, "0,", "0]}"),
    ("arrays", r#"{"x":["#, "[],", "0]}"),
    ("nested", r#"{"x":["#, "[0],", "0]}"),
    ("objects", r#"{"x":["#, r#"{"":0},"#, "0]}"),
    ("keys", "{", r#""":0,"#, r#""x":0}"#),
    ("number", r#"{"x":"#, "1", "}"),
    ("string", r#"{"x":""#, "a", r#""}"#),
    ("escapes", r#"{"x":""#, r"\ud800", r#""}"#),
    ("unclosed", r#"{"x":""#, "a", ""),
    ("deep", "", "[", ""),
    ("deep-objects", "", r#"{"data":"#, ""),
    ("not-json", r#"{"x":["#, "NaN,", "0]}"),
    ("tracks", r#"{"state":{"draft":{"t":["#, "{},", "{}]}}}"),
    ("segments", r#"{"state":{"draft":{"t":[{"sg":["#, r#"{"d":1},"#, "{}]}]}}}"),
];

#[test]
fn hostile_streams() {
    let files = || {
        let mut files = named([
            ("one-byte-events", fill(b"", b"data:a\n\n", b"")),
            ("one-line", fill(b"data: ", b"a", b"")),
            ("line-ends", fill(b"", b"\r", b"")),
            ("ids", fill(b"", b"id: a\ndata: b\n\n", b"")),
            ("bare-lines", fill(b"", b"error a\n", b"")),
            ("bare-objects", fill(b"", b"{\"a\":1}", b"")),
            ("open-objects", fill(b"", b"{\"a\":\n", b"")),
            (
                "texts",
                fill(b"", br#"data: {"content":{"parts":[{"text":"a"}]},"partial":true}"#, b"\n\n"),
            ),
        ]);
        files.extend(JSON.iter().map(|(name, start, piece, end)| {
            // Below the limit of an event.
            let count = 1_000_000 / piece.len();
            ((*name).to_owned(), format!("data: {start}{}{end}\n\n", piece.repeat(count)).into())
        }));
        let parts = |start: &str, part: &str, count| {
            format!("data: {{{start}\"content\":{{\"parts\":[{}{{}}]}}}}\n\n", part.repeat(count))
        };
        let long = "x".repeat(500_000);
        let nested = |name| {
            let open = format!("{{\"{name}\":").repeat(120);
            format!("data: {open}{{\"x\":\"{long}\"}}{}\n\n", "}".repeat(120))
        };
        let calls: String = (0..14_000)
            .map(|id| format!(r#"{{"functionCall":{{"id":"q{id}","name":"a"}}}},"#))
            .collect();
        let ids: String = (0..30_000).map(|id| format!(r#""{id}","#)).collect();
        let authors = (0..20_000).map(|name| {
            parts(&format!(r#""author":"a{name}","partial":true,"#), r#"{"text":"a"},"#, 1)
        });
        for (name, text) in [
            ("parts", parts("", r#"{"text":"a"},"#, 70_000)),
            // Each part is returned with the id.
            ("long-id", parts(&format!(r#""id":"{long}","#), r#"{"text":"a"},"#, 30_000)),
            ("long-author", parts(&format!(r#""author":"{long}","#), r#"{"text":"a"},"#, 30_000)),
            ("long-running", parts(&format!(r#""longRunningToolIds":[{ids}""],"#), &calls, 1)),
            ("nested-data", nested("data")),
            ("nested-events", nested("events")),
            ("authors", authors.collect()),
        ] {
            files.push((name.to_owned(), text.into_bytes()));
        }
        files
    };
    measured::each("hostile::hostile_streams", files, |_, bytes| {
        for size in [1, 8192] {
            let mut decoder = Decoder::new().with_bare_text();
            let mut texts = TextAccumulator::new();
            for mut chunk in bytes.chunks(size) {
                while let Some(frame) = decoder.next_frame(&mut chunk) {
                    let Ok(frame) = frame else { continue };
                    for event in AgentEvent::decode(&frame.event, &frame.data) {
                        let _ = texts.push(&event);
                    }
                }
            }
        }
    });
}

/// Serves a body to each request, whatever it asks for.
fn serve(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut buffer = [0; 1024];
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                let count = stream.read(&mut buffer).unwrap_or(0);
                if count == 0 {
                    break;
                }
                head.extend_from_slice(&buffer[..count]);
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    url
}

#[test]
fn hostile_bodies() {
    let files = || {
        let bodies = JSON.iter().map(|(name, start, piece, end)| {
            ((*name).to_owned(), fill(start.as_bytes(), piece.as_bytes(), end.as_bytes()))
        });
        bodies.collect()
    };
    measured::each("hostile::hostile_bodies", files, |name, bytes| {
        let url = serve(bytes.to_vec());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = NemoClient::builder().base_url(&url).token("token").build().unwrap();
        runtime.block_on(async {
            let call = async {
                let state = client.session_state(&"s".into()).await;
                assert_eq!(state.is_ok(), ["tracks", "segments"].contains(&name), "{state:?}");
                let balance = client.credits().await;
                assert!(balance.is_err(), "{balance:?}");
            };
            tokio::time::timeout(Duration::from_secs(60), call).await.unwrap();
        });
    });
}

#[test]
fn hostile_drafts() {
    let files = || {
        let text = |start: &str, piece: &str, end: &str| {
            fill(start.as_bytes(), piece.as_bytes(), end.as_bytes())
        };
        let long = "x".repeat(900_000);
        let keys: String = (0..70_000).map(|key| format!(r#""k{key}":0,"#)).collect();
        let track = |start: &str| format!(r#"{{"t":[{{{start}"tt":1,"sg":["#);
        named([
            ("tracks", text(r#"{"t":["#, "{},", "{}]}")),
            ("tracks-of-one", text(r#"{"t":["#, r#"{"sg":[{}]},"#, "{}]}")),
            ("segments", text(&track(""), "{},", "{}]}]}")),
            ("texts", text(&track(""), r#"{"d":9,"text":"a"},"#, "{}]}]}")),
            ("ids", text(&track(""), r#"{"id":7,"d":9},"#, "{}]}]}")),
            // Each change on a track is reported with its name and its role.
            ("long-name", text(&track(&format!(r#""name":"{long}","#)), r#"{"d":9},"#, "{}]}]}")),
            ("long-role", text(&track(&format!(r#""role":"{long}","#)), r#"{"d":9},"#, "{}]}]}")),
            ("keys-of-track", text(&track(&keys), r#"{"d":9},"#, "{}]}]}")),
            ("keys-of-segment", format!(r#"{{"t":[{{"sg":[{{{keys}"d":9}}]}}]}}"#).into_bytes()),
            ("same-keys", text(r#"{"t":[{"sg":[{"#, r#""id":9,"#, r#""x":1}]}]}"#)),
            ("keys", text("{", r#""a":9,"#, r#""b":1}"#)),
        ])
    };
    measured::each("hostile::hostile_drafts", files, |name, bytes| {
        let draft: Draft = str::from_utf8(bytes).unwrap().parse().unwrap();
        assert!(draft.summary().len() < 20_000, "{name}");
        assert!(draft.to_text(100).len() < 100_000, "{name}");
        let added = Draft::new().diff(&draft);
        assert!(added.summary(Language::English).len() < 20_000, "{name}");
        assert!(added.changes().len() <= nemovideo::draft::Diff::MAX_LISTED + 3, "{name}");
    });
}

/// Returns the number of values that hold no others, having looked at each.
fn scalars(json: &Json) -> usize {
    match (json.as_array(), json.as_object()) {
        (Some(items), _) => items.iter().map(scalars).sum(),
        (_, Some(object)) => object.iter().map(|(_, value)| scalars(value)).sum(),
        (None, None) => 1,
    }
}

/// The most memory that parsing takes, as a multiple of the text, and what a draft of segments takes
/// once all of it was looked at.
#[test]
fn a_draft_takes_at_most_eight_times_its_text() {
    /// The text, its tree, and the lists that are open while the tree is read.
    const LOOKED_AT: u64 = 10;
    const THIS: &str = "hostile::a_draft_takes_at_most_eight_times_its_text";
    const SIZE: usize = 2_000_000;
    if !measured::is_alone(THIS) {
        return;
    }
    let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let deep_and_long = deep.replace("[]", &format!("[{}0]", "0,".repeat(500)));
    for unit in [
        r#"{"d":1000}"#,
        r#"{"d":1000,"m":{"text":"This is a sentence."}}"#,
        r#"{"tt":1,"sg":[{"d":1000}]}"#,
        r#"{"id":"caption-17","start":12000,"d":1000,"m":{"text":"Yes.","volume":0.35}}"#,
        "0",
        "-1",
        "true",
        r#""""#,
        r#""\ud800""#,
        r#""\b\b\b\b\b\b\b\b""#,
        "[]",
        "{}",
        "[0]",
        "[0,0]",
        "[[],[]]",
        r#"{"":0}"#,
        r#"{"a":0,"a":0}"#,
        &deep,
        &deep_and_long,
    ] {
        for (start, end) in [(r#"{"t":[{"sg":["#, "]}]}"), ("[", "]")] {
            let mut text = String::with_capacity(SIZE + 2 * unit.len());
            text.push_str(start);
            text.push_str(unit);
            while text.len() < SIZE {
                text.push(',');
                text.push_str(unit);
            }
            text.push_str(end);
            let before = measured::status("VmRSS");
            let draft: Draft = text.parse().unwrap();
            let taken = measured::status("VmHWM").saturating_sub(before);
            println!("{unit}: {:.1} times its text", taken as f64 / text.len() as f64);
            // Memory that one draft gave back would serve the next, so that each lives until the
            // end.
            assert!(taken <= 8 * text.len() as u64, "{unit}: {taken} bytes for {}", text.len());
            if unit.contains(r#""d""#) {
                assert!(scalars(draft.as_json()) > 0);
                let taken = measured::status("VmHWM").saturating_sub(before);
                println!("looked at: {:.1} times", taken as f64 / text.len() as f64);
                let most = LOOKED_AT * text.len() as u64;
                assert!(taken <= most, "{unit}: {taken} bytes for {}", text.len());
            }
            std::mem::forget((draft, text));
        }
    }
}
