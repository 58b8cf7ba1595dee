//! A video plays in Chromium: for its whole length, with its audio in time, and with the frames and
//! colors that [`poster`] shows; and its subtitles are read to the last cue. Without `chromium` the
//! tests are skipped with a note, except under CI, where they fail.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nemovideo::draft::Draft;
use nemovideo::media::{
    AudioBuffer, AudioClip, Cancel, CaptionMode, Chapter, FrameSize, Image, ImageMotion,
    RenderOptions, Scene, TextClip, Timeline, VideoBackground, poster, render,
};
use nemovideo::mock::wiremock::matchers::path;
use nemovideo::mock::wiremock::{Mock, MockServer, ResponseTemplate};
use serde_json::Value;

/// What Chromium is called by the systems that have it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Returns the name of the browser that is installed.
pub(crate) fn installed() -> Option<&'static str> {
    let runs = |name: &&str| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = NAMES.into_iter().find(runs);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI needs chromium");
        eprintln!("chromium is not installed: this test is skipped");
    }
    found
}

/// Opens a page, and returns the object that its script writes to the console behind `RESULT `.
fn result_of(browser: &str, page: &str) -> Value {
    let profile = tempfile::tempdir().unwrap();
    let mut child = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--autoplay-policy=no-user-gesture-required", "--no-first-run"])
        // The console goes to the standard error.
        .args(["--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in stderr.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut seen = String::new();
    let result = loop {
        // The first start of a browser on a busy machine takes long.
        let Ok(line) = lines.recv_timeout(Duration::from_secs(120)) else { break None };
        let message =
            line.split_once("RESULT ").and_then(|(_, rest)| rest.rsplit_once("\", source"));
        if let Some((json, _)) = message {
            break Some(serde_json::from_str(json).unwrap());
        }
        seen.push_str(&line);
        seen.push('\n');
    };
    child.kill().unwrap();
    child.wait().unwrap();
    result.unwrap_or_else(|| panic!("the page has no result: {seen}"))
}

/// Compares frames with posters, then plays the video to its end.
const SCRIPT: &str = r#"
const video = document.querySelector('video');
const event = (target, name) => new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    target.addEventListener('error', () => reject(new Error(name + ': ' + (target.error || {}).message)), { once: true });
});
const pixels = (source, width, height) => {
    const canvas = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    canvas.drawImage(source, 0, 0);
    return canvas.getImageData(0, 0, width, height).data;
};
(async () => {
    const result = { differences: [] };
    // The server knows no ranges, without which a browser does not seek.
    const file = await (await fetch('video.mp4')).blob();
    video.src = URL.createObjectURL(file);
    await event(video, 'loadedmetadata');
    Object.assign(result, { duration: video.duration, width: video.videoWidth, height: video.videoHeight });
    for (const [index, time] of TIMES.entries()) {
        const shown = new Promise(resolve => video.requestVideoFrameCallback(resolve));
        video.currentTime = time;
        await event(video, 'seeked');
        await shown;
        const poster = new Image();
        poster.src = `poster${index}.png`;
        await poster.decode();
        const [a, b] = [video, poster].map(it => pixels(it, video.videoWidth, video.videoHeight));
        let sum = 0;
        for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
        result.differences.push(sum / a.length);
    }
    video.currentTime = 0;
    await event(video, 'seeked');
    const ended = event(video, 'ended');
    await video.play();
    await ended;
    result.ended = video.currentTime;
    const audio = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(await file.arrayBuffer());
    const samples = audio.getChannelData(0);
    result.loud = samples.findIndex(sample => Math.abs(sample) > 0.1) / 48000;
    return result;
})().catch(error => ({ error: String(error) })).then(it => console.log('RESULT ' + JSON.stringify(it)));
"#;

/// Shows frames of a video beside their posters, and then plays it. Returns what the page found.
async fn play(browser: &'static str, video: &Timeline, times: &[f64]) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let server = MockServer::start().await;
    let cancel = Cancel::new();
    let file = directory.path().join("video.mp4");
    render(video, RenderOptions::mp4(), &file, &|_| {}, &cancel).unwrap();
    serve(&server, "video.mp4", std::fs::read(&file).unwrap(), "video/mp4").await;
    for (index, time) in times.iter().enumerate() {
        let name = format!("poster{index}.png");
        let file = directory.path().join(&name);
        poster(video, Duration::from_secs_f64(*time), &file, &cancel).unwrap();
        serve(&server, &name, std::fs::read(&file).unwrap(), "image/png").await;
    }
    let script = SCRIPT.replace("TIMES", &format!("{times:?}"));
    let page = format!("<!doctype html><video></video><script>{script}</script>");
    open(browser, &server, page).await
}

pub(crate) async fn serve(server: &MockServer, name: &str, bytes: Vec<u8>, kind: &str) {
    let response = ResponseTemplate::new(200).set_body_raw(bytes, kind);
    Mock::given(path(format!("/{name}"))).respond_with(response).mount(server).await;
}

/// Opens a page beside what a server has, and returns its result.
async fn open(browser: &'static str, server: &MockServer, page: String) -> Value {
    serve(server, "page.html", page.into_bytes(), "text/html").await;
    let page = format!("{}/page.html", server.uri());
    let result = tokio::task::spawn_blocking(move || result_of(browser, &page)).await.unwrap();
    let _ = writeln!(std::io::stderr(), "{result}");
    result
}

fn assert_plays(result: &Value, seconds: f64, frames: usize) {
    let number = |name: &str| result[name].as_f64().unwrap_or_else(|| panic!("{name} in {result}"));
    assert_eq!((number("width"), number("height")), (640.0, 360.0));
    assert!((number("duration") - seconds).abs() < 0.001, "{result}");
    assert!((number("ended") - seconds).abs() < 0.05, "{result}");
    let differences = result["differences"].as_array().unwrap();
    assert_eq!(differences.len(), frames, "{result}");
    assert!(differences.iter().all(|it| it.as_f64().unwrap() < 1.5), "{result}");
}

/// Returns the mean difference of two frames.
fn difference(one: &image::RgbImage, other: &image::RgbImage) -> f64 {
    let sum: f64 = one.iter().zip(other.iter()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / one.len() as f64
}

fn image_of(pixel: impl Fn(u32, u32) -> [u8; 3]) -> VideoBackground {
    let mut png = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_fn(640, 360, |x, y| image::Rgb(pixel(x, y)));
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    VideoBackground::Image(Image::decode(png.get_ref(), "image.png").unwrap())
}

fn poster_of(video: &Timeline, time: f64) -> image::RgbImage {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("poster.png");
    poster(video, Duration::from_secs_f64(time), &file, &Cancel::new()).unwrap();
    image::load_from_memory(&std::fs::read(file).unwrap()).unwrap().into_rgb8()
}

#[tokio::test]
async fn a_video_plays_to_its_end_and_shows_its_frames() {
    let Some(browser) = installed() else { return };
    let millis = Duration::from_millis;
    let mut video = Timeline::new(FrameSize { width: 640, height: 360 }, millis(3000));
    video.background =
        image_of(|x, _| [[200, 30, 40], [20, 140, 60], [30, 60, 210]][x as usize / 214]);
    video.texts.push(TextClip::title("Morning\ncoffee\nis fresh", millis(1000), millis(1000)));
    let beep: Vec<i16> = (0..16_000).map(|n| (12_000.0 * (n as f32 * 0.4).sin()) as i16).collect();
    video.audio.push(AudioClip::new(AudioBuffer::new(16_000, beep), millis(1000)));
    video.chapters = vec![Chapter::new("早晨", millis(0)), Chapter::new("Coffee", millis(2000))];
    video.language = Some("en-GB".to_owned());
    let change = difference(&poster_of(&video, 0.985), &poster_of(&video, 1.015));
    assert!(change > 3.0, "the title changes the frame by {change}");

    // In the middle of a frame: without, with and after the title.
    let times = [0.05, 0.985, 1.015, 1.5, 1.985, 2.015, 2.95];
    let result = play(browser, &video, &times).await;
    assert_plays(&result, 3.0, times.len());
    let loud = result["loud"].as_f64().unwrap();
    assert!((loud - 1.0).abs() < 0.002, "{result}");
}

#[tokio::test]
async fn scenes_that_move_and_fade_play_as_they_are_meant_to() {
    let Some(browser) = installed() else { return };
    let millis = Duration::from_millis;
    let mut video = Timeline::new(FrameSize { width: 640, height: 360 }, millis(6000));
    let wave = |at: u32, length: f32| ((at as f32 / length).sin() * 90.0 + 128.0) as u8;
    let images = [
        image_of(|x, y| [wave(x, 11.0), wave(y, 13.0), 90]),
        image_of(|x, y| [60, wave(x + y, 17.0), wave(x, 9.0)]),
    ];
    for (image, start) in images.into_iter().zip([0, 3000]) {
        let mut scene = Scene::new(image, millis(start));
        scene.motion = ImageMotion::Zoom;
        scene.fade = millis(600);
        video.scenes.push(scene);
    }
    let mut caption = TextClip::caption("One two three", millis(500), millis(5000));
    caption.style.mode = CaptionMode::Words;
    caption.words = vec![(0, millis(100)), (4, millis(1100)), (8, millis(2600))];
    video.texts.push(caption);
    let change = difference(&poster_of(&video, 0.05), &poster_of(&video, 2.95));
    assert!(change > 5.0, "the zoom changes the frame by {change}");

    // Key frames, those between, marked words, the fade, and the second scene.
    let times = [0.05, 0.485, 1.215, 1.685, 2.95, 3.05, 3.285, 3.315, 3.585, 3.65, 5.95];
    let result = play(browser, &video, &times).await;
    assert_plays(&result, 6.0, times.len());
}

/// Loads subtitles, and returns their cues.
const TRACK_SCRIPT: &str = r#"
const track = document.querySelector('track');
new Promise((resolve, reject) => {
    track.addEventListener('load', resolve);
    track.addEventListener('error', () => reject(new Error('track')));
    track.track.mode = 'showing';
}).then(() => ({ cues: [...track.track.cues].map(cue =>
    [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent]) }))
.catch(error => ({ error: String(error) })).then(it => console.log('RESULT ' + JSON.stringify(it)));
"#;

#[tokio::test]
async fn a_browser_reads_all_cues_of_the_subtitles() {
    let Some(browser) = installed() else { return };
    let texts = ["Tea & <b>coffee</b> --> both", "Two\nlines", "咖啡", "NOTE this is said", "1"];
    let segments: Vec<Value> = (0_u32..)
        .zip(texts)
        .map(|(index, text)| {
            let words = [[0, 0], [2, 700]];
            serde_json::json!({
                "d": 1500,
                "m": { "text": text, "start": index * 2000, "words": words },
            })
        })
        .collect();
    let draft = serde_json::json!({
        "d": 10_000,
        "t": [{ "tt": 7, "m": { "role": "captions" }, "sg": segments }],
    });
    let draft = Draft::from_json(&draft.to_string()).unwrap();
    for vtt in [draft.to_vtt(), draft.to_vtt_with_words()] {
        let server = MockServer::start().await;
        serve(&server, "subtitles.vtt", vtt.unwrap().into_bytes(), "text/vtt").await;
        let page = format!(
            "<!doctype html><video><track src=subtitles.vtt default></video>\
             <script>{TRACK_SCRIPT}</script>"
        );
        let result = open(browser, &server, page).await;
        let cues = result["cues"].as_array().unwrap_or_else(|| panic!("{result}"));
        assert_eq!(cues.len(), texts.len(), "{result}");
        for ((cue, text), index) in cues.iter().zip(texts).zip(0_u32..) {
            let start = f64::from(index) * 2.0;
            assert_eq!(cue[0].as_f64(), Some(start), "{result}");
            assert_eq!(cue[1].as_f64(), Some(start + 1.5), "{result}");
            let shown = cue[2].as_str().unwrap().replace('\u{2060}', "");
            assert_eq!(shown, text, "{result}");
        }
    }
}
