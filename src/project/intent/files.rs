//! The paths, addresses and names of files in a sentence, and the words around them. What those
//! words mean is left to the lexicon.

use std::path::{Path, PathBuf};

use url::Url;

use super::UploadHint;
use crate::protocol::FileFormat;

/// What may follow a name in the middle of a sentence.
const PUNCTUATION: &[char] =
    &[',', ';', ':', '.', '!', '?', ')', '>', '，', '。', '；', '：', '！', '？', '）', '、'];
/// What a terminal, a chat or a person puts around a name.
const QUOTES: &[(char, char)] = &[('"', '"'), ('\'', '\''), ('“', '”'), ('<', '>')];
/// A path has no more words and bytes than this; looking for its end takes bounded time.
const MAX_WORDS: usize = 16;
const MAX_PATH: usize = 4096;
/// What a name may follow without a space.
const BEFORE: [&str; 4] = ["上传", "上傳", "：", "，"];

/// What is named in the text, and the text without it.
pub(super) fn take_out(text: &str) -> (UploadHint, String) {
    let mut hint = UploadHint::default();
    let mut words = String::new();
    let mut rest = text;
    loop {
        let next = rest.trim_start();
        if next.is_empty() {
            return (hint, words);
        }
        if let Some((name, len)) = name_ahead(next) {
            match name {
                Name::Url(url) => hint.urls.push(url),
                Name::File(file) => hint.files.push(file),
            }
            rest = &next[len..];
        } else {
            let gap = &rest[..rest.len() - next.len()];
            let token = token(next);
            let before = BEFORE.iter().find_map(|word| Some(token.find(word)? + word.len()));
            let len = before.unwrap_or(token.len());
            words.push_str(gap);
            words.push_str(&next[..len]);
            rest = &next[len..];
        }
    }
}

enum Name {
    Url(String),
    File(PathBuf),
}

/// The name that the text begins with, and how much of the text it is.
fn name_ahead(text: &str) -> Option<(Name, usize)> {
    let first = text.chars().next()?;
    if let Some((_, close)) = QUOTES.iter().find(|(open, _)| *open == first) {
        let inner = &text[first.len_utf8()..];
        let inner = &inner[..inner.find(*close)?];
        let len = first.len_utf8() + inner.len() + close.len_utf8();
        let is_path = is_rooted(inner) || FileFormat::of(inner).is_some();
        let file = || is_path.then(|| Name::File(PathBuf::from(inner)));
        return Some((address(inner).or_else(file)?, len));
    }
    let token = token(text);
    let bare = token.trim_end_matches(PUNCTUATION);
    if let Some(name) = address(bare) {
        return Some((name, bare.len()));
    }
    if is_rooted(token) {
        let len = path_len(text);
        let path = text[..len].trim_end_matches(PUNCTUATION);
        return Some((Name::File(unescaped(path)), len));
    }
    let is_file = FileFormat::of(bare).is_some() && !BEFORE.iter().any(|word| bare.contains(word));
    is_file.then(|| (Name::File(PathBuf::from(bare)), bare.len()))
}

fn token(text: &str) -> &str {
    text.split(char::is_whitespace).next().unwrap_or_default()
}

/// A web address for the service, or a `file:` address, which is a path on this machine.
fn address(text: &str) -> Option<Name> {
    // Most words are no address, and parsing them is dear.
    let url = text.contains("://").then(|| Url::parse(text).ok())??;
    match url.scheme() {
        "http" | "https" => Some(Name::Url(text.to_owned())),
        "file" => url.to_file_path().ok().map(Name::File),
        _ => None,
    }
}

/// Whether the text begins as only a path does. A slash alone does not: chats have `/export`.
fn is_rooted(text: &str) -> bool {
    if ["~/", "./", "../", r"\\", r"~\", r".\"].iter().any(|root| text.starts_with(root)) {
        return true;
    }
    match text.as_bytes() {
        [b'/', ..] => {
            text.trim_matches('/').contains('/')
                || Path::new(text.trim_end_matches(PUNCTUATION)).extension().is_some()
        }
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

/// How long the path at the start of the text is. A path with bare spaces goes on up to the
/// first word that ends as a file does; where none does, it ends with its first word.
fn path_len(text: &str) -> usize {
    let bound = (0..=text.len().min(MAX_PATH)).rev().find(|&at| text.is_char_boundary(at));
    let line = text[..bound.unwrap_or(0)].split(['\r', '\n']).next().unwrap_or_default();
    let ends = || {
        let is_end = |&(at, c): &(usize, char)| c.is_whitespace() && !line[..at].ends_with('\\');
        line.char_indices().filter(is_end).map(|(at, _)| at).chain([line.len()])
    };
    let first = ends().next().unwrap_or(line.len());
    if Path::new(&line[..first]).extension().is_some() {
        return first;
    }
    let is_file =
        |&end: &usize| FileFormat::of(line[..end].trim_end_matches(PUNCTUATION)).is_some();
    let end = ends().take(MAX_WORDS).find(is_file).unwrap_or(first);
    let holds_another = line[first..end].split_whitespace().any(is_rooted);
    if holds_another { first } else { end }
}

/// A path as a shell's user writes it: `My\ Movie.mp4`. On Windows a backslash divides.
fn unescaped(path: &str) -> PathBuf {
    if path.contains(r"\ ") { path.replace(r"\ ", " ").into() } else { path.into() }
}

#[cfg(test)]
mod tests {
    use super::take_out;

    #[track_caller]
    fn expect(text: &str, files: &[&str], urls: &[&str], words: &str) {
        let (hint, left) = take_out(text);
        let found: Vec<_> = hint.files.iter().map(|file| file.to_string_lossy()).collect();
        assert_eq!(found, files, "{text}");
        assert_eq!(hint.urls, urls, "{text}");
        assert_eq!(left.trim(), words, "{text}");
    }

    #[test]
    fn a_name_is_found_however_it_is_written() {
        expect("clip.mp4", &["clip.mp4"], &[], "");
        expect("upload a.mp4, b.PNG.", &["a.mp4", "b.PNG"], &[], "upload,.");
        expect("/tmp/x ./y", &["/tmp/x", "./y"], &[], "");
        expect("~/My Holiday.mov please", &["~/My Holiday.mov"], &[], "please");
        expect(r"/me/My\ Movie.mp4", &["/me/My Movie.mp4"], &[], "");
        expect(r"C:\clips\one.mp4", &[r"C:\clips\one.mp4"], &[], "");
        expect(r#""C:\My Videos\a b.mp4""#, &[r"C:\My Videos\a b.mp4"], &[], "");
        expect("'/me/it is.mp4' ", &["/me/it is.mp4"], &[], "");
        expect("请上传logo.png", &["logo.png"], &[], "请上传");
        expect("我的文件：a.mp4", &["a.mp4"], &[], "我的文件：");
        expect("<https://a.io/?v=1>", &[], &["https://a.io/?v=1"], "");
        expect("see https://a.io/b.mp4, ok", &[], &["https://a.io/b.mp4"], "see, ok");
    }

    #[test]
    fn words_are_left_as_they_are() {
        for words in [
            "export",
            "/export",
            "/export/",
            "//",
            "and/or",
            "say \"hi\"",
            "3.5 s",
            "a\nb",
            "e.g. it's",
            "",
        ] {
            expect(words, &[], &[], words);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_address_is_a_path() {
        expect("file:///home/me/a%20b.mp4", &["/home/me/a b.mp4"], &[], "");
    }
}
