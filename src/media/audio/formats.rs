//! Names of the formats and codings that are not decoded, so that an error says what a file is.

/// Files by the bytes at an offset.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"fLaC", "FLAC audio"),
    (0, b"OggS", "an Ogg file"),
    (0, b"FORM", "an AIFF file"),
    (0, b"caff", "a CAF file"),
    (0, b"RIFX", "a big-endian WAV file (RIFX)"),
    (0, b"riff\x2E\x91\xCF\x11", "a Wave64 file"),
    (0, b".snd", "an AU file"),
    (0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "Windows Media audio (WMA)"),
    (0, b"#!AMR", "AMR audio"),
    (0, b"MThd", "a MIDI file"),
    (0, b"ADIF", "AAC audio in ADIF framing"),
    (0, b"wvpk", "WavPack audio"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"\x0B\x77", "Dolby Digital audio (AC-3)"),
    (0, b"\x7F\xFE\x80\x01", "DTS audio"),
    (0, b"\x1A\x45\xDF\xA3", "a Matroska or WebM file"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"%PDF", "a PDF"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xFF\xD8\xFF", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"<", "a web page or XML"),
    (8, b"AVI ", "an AVI video"),
    (8, b"WEBP", "a WebP image"),
];

/// Codings by `wFormatTag`, as registered in `mmreg.h` and RFC 2361.
const WAVE_CODINGS: &[(u16, &str)] = &[
    (0x0002, "Microsoft ADPCM"),
    (0x0010, "OKI ADPCM"),
    (0x0011, "IMA ADPCM"),
    (0x0020, "Yamaha ADPCM"),
    (0x0022, "TrueSpeech"),
    (0x0031, "GSM 6.10"),
    (0x0040, "G.721 ADPCM"),
    (0x0042, "G.723.1"),
    (0x0045, "G.726 ADPCM"),
    (0x0061, "Duck DK4 ADPCM"),
    (0x0062, "Duck DK3 ADPCM"),
    (0x0064, "G.726 ADPCM"),
    (0x0069, "Xbox IMA ADPCM"),
    (0x0083, "G.729"),
    (0x00FF, "raw AAC"),
    (0x0160, "Windows Media Audio 1"),
    (0x0161, "Windows Media Audio 2"),
    (0x0162, "Windows Media Audio Professional"),
    (0x0163, "Windows Media Audio Lossless"),
    (0x0270, "ATRAC3"),
    (0x1600, "AAC (ADTS)"),
    (0x1610, "HE-AAC"),
    (0x2000, "Dolby Digital (AC-3)"),
    (0x2001, "DTS"),
    (0x566F, "Vorbis"),
    (0x674F, "Vorbis"),
    (0x704F, "Opus"),
    (0xF1AC, "FLAC"),
];

/// Codings by the type of a sample entry, as registered with the MP4 Registration Authority or
/// defined by QuickTime.
const MP4_CODINGS: &[(&[u8; 4], &str)] = &[
    (b"alac", "Apple Lossless (ALAC)"),
    (b"drms", "copy-protected"),
    (b"enca", "encrypted"),
    (b"fLaC", "FLAC"),
    (b"Opus", "Opus"),
    (b"ac-3", "Dolby Digital (AC-3)"),
    (b"ec-3", "Dolby Digital Plus (E-AC-3)"),
    (b"ac-4", "Dolby AC-4"),
    (b"mlpa", "Dolby TrueHD"),
    (b"dtsc", "DTS"),
    (b"dtsh", "DTS"),
    (b"samr", "AMR"),
    (b"sawb", "AMR-WB"),
    (b".mp3", "MP3"),
    (b"twos", "uncompressed"),
    (b"sowt", "uncompressed"),
    (b"lpcm", "uncompressed"),
    (b"ipcm", "uncompressed"),
    (b"ima4", "IMA ADPCM"),
    (b"ulaw", "µ-law"),
    (b"alaw", "A-law"),
];

/// Returns the error for a file in none of the formats that are decoded.
pub(crate) fn unknown(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let named = SIGNATURES.iter().find(|(at, signature, _)| {
        bytes.get(*at..).is_some_and(|bytes| bytes.starts_with(signature))
    });
    match named {
        _ if bytes.is_empty() => "it is empty".to_owned(),
        Some((.., name)) => format!("it is {name}, which is not supported"),
        None => "it is not a known audio format".to_owned(),
    }
}

/// Returns the error for a WAV file in a coding that is not decoded.
pub(crate) fn unsupported_wave(tag: u16) -> String {
    let named = WAVE_CODINGS.iter().find(|(known, _)| *known == tag);
    named.map_or_else(
        || format!("the WAV file holds audio in the coding 0x{tag:04X}, which is not supported"),
        |(_, name)| format!("the WAV file holds {name} audio, which is not supported"),
    )
}

/// Returns why an MP4 file cannot be decoded, where its boxes say so.
pub(crate) fn unsupported_mp4(bytes: &[u8]) -> Option<String> {
    let Some(movie) = boxes(bytes).find(|(kind, _)| *kind == b"moov") else {
        return Some("the MP4 file is incomplete: it has no index (`moov`)".to_owned());
    };
    let mut other = None;
    for (kind, track) in boxes(movie.1) {
        if kind != b"trak" {
            continue;
        }
        let tables = [b"mdia", b"minf", b"stbl", b"stsd"].iter().try_fold(track, |inside, path| {
            boxes(inside).find(|(kind, _)| *kind == *path).map(|(_, inside)| inside)
        });
        // Version, flags and number of entries come first.
        let entry = tables.and_then(|table| boxes(table.get(8..)?).next());
        match entry {
            Some((b"mp4a", _)) => return None,
            Some((kind, _)) => {
                let named = MP4_CODINGS.iter().find(|(known, _)| *known == kind);
                other = other.or(named.map(|(_, name)| *name));
            }
            None => {}
        }
    }
    Some(match other {
        Some(name) => format!("the MP4 file holds {name} audio, which is not supported"),
        None => "the MP4 file has no audio track".to_owned(),
    })
}

/// Iterates over the boxes of an MP4 file, up to the first that is broken.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, rest) = bytes.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (size, header) = match u32::from_be_bytes(*size) {
            0 => (bytes.len() as u64, 8),
            1 => (u64::from_be_bytes(*rest.first_chunk::<8>()?), 16),
            size => (u64::from(size), 8),
        };
        let size = usize::try_from(size).ok()?.min(bytes.len());
        let content = bytes.get(header..size)?;
        bytes = &bytes[size..];
        Some((kind, content))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mp4(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), kind, content].concat()
    }

    #[test]
    fn what_is_not_decoded_is_named() {
        for (bytes, expected) in [
            (&b""[..], "it is empty"),
            (b" \n", "it is empty"),
            (b"fLaC\0\0\0\x22", "it is FLAC audio, which is not supported"),
            (b"\xEF\xBB\xBF \n<!DOCTYPE html>", "it is a web page or XML, which is not supported"),
            (b"RIFF\0\0\0\0AVI LIST", "it is an AVI video, which is not supported"),
            (b"hello, world", "it is not a known audio format"),
        ] {
            assert_eq!(unknown(bytes), expected, "{bytes:?}");
        }
        assert!(unsupported_wave(0x11).contains("IMA ADPCM"));
        assert!(unsupported_wave(0xABC).contains("0x0ABC"));
    }

    #[test]
    fn the_coding_of_an_mp4_file_is_found_in_any_track() {
        let track = |coding: &[u8; 4]| {
            let table = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &mp4(coding, &[0; 28])].concat();
            let table = mp4(b"stbl", &mp4(b"stsd", &table));
            mp4(b"trak", &mp4(b"mdia", &mp4(b"minf", &table)))
        };
        let file = |codings: &[&[u8; 4]]| {
            let tracks: Vec<u8> = codings.iter().flat_map(|coding| track(coding)).collect();
            [mp4(b"ftyp", b"M4A \0\0\0\0"), mp4(b"moov", &tracks)].concat()
        };
        let why = |codings: &[&[u8; 4]]| unsupported_mp4(&file(codings)).unwrap();
        assert!(why(&[b"avc1", b"alac"]).contains("Apple Lossless"));
        assert!(why(&[b"Opus", b"avc1"]).contains("Opus"));
        assert!(why(&[b"avc1"]).contains("no audio track"));
        assert!(why(&[]).contains("no audio track"));
        assert_eq!(unsupported_mp4(&file(&[b"avc1", b"mp4a"])), None);
        let whole = file(&[b"alac"]);
        assert!(unsupported_mp4(&whole[..20]).unwrap().contains("incomplete"));
        for cut in 0..whole.len() {
            unsupported_mp4(&whole[..cut]).unwrap();
        }
    }
}
