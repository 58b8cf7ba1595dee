//! A video plays in Chromium: for its whole length, with its audio in time, and with the frames and
//! colors that [`poster`] shows. Without `chromium` the test is skipped with a note, except under CI,
//! where it fails.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nemovideo::media::{
    AudioBuffer, AudioClip, Cancel, Chapter, FrameSize, Image, RenderOptions, TextClip, Timeline,
    VideoBackground, poster, render,
};
use nemovideo::mock::wiremock::matchers::path;
use nemovideo::mock::wiremock::{Mock, MockServer, ResponseTemplate};
use serde_json::Value;

/// What Chromium is called by the systems that have it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Returns the name of the browser that is installed.
fn installed() -> Option<&'static str> {
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

#[tokio::test]
async fn a_video_plays_to_its_end_and_shows_its_frames() {
    let Some(browser) = installed() else { return };
    let directory = tempfile::tempdir().unwrap();
    let millis = Duration::from_millis;
    let size = FrameSize { width: 640, height: 360 };
    let mut png = std::io::Cursor::new(Vec::new());
    let color =
        |x: u32, _| image::Rgb([[200, 30, 40], [20, 140, 60], [30, 60, 210]][x as usize / 214]);
    let image = image::RgbImage::from_fn(640, 360, color);
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let mut video = Timeline::new(size, millis(3000));
    video.background = VideoBackground::Image(Image::decode(png.get_ref(), "image.png").unwrap());
    video.texts.push(TextClip::title("Morning\ncoffee\nis fresh", millis(1000), millis(1000)));
    let beep: Vec<i16> = (0..16_000).map(|n| (12_000.0 * (n as f32 * 0.4).sin()) as i16).collect();
    video.audio.push(AudioClip::new(AudioBuffer::new(16_000, beep), millis(1000)));
    video.chapters = vec![Chapter::new("早晨", millis(0)), Chapter::new("Coffee", millis(2000))];
    video.language = Some("en-GB".to_owned());

    let server = MockServer::start().await;
    let serve = async |name: String, bytes: Vec<u8>, kind: &str| {
        let response = ResponseTemplate::new(200).set_body_raw(bytes, kind);
        Mock::given(path(format!("/{name}"))).respond_with(response).mount(&server).await;
    };
    let cancel = Cancel::new();
    let file = directory.path().join("video.mp4");
    render(&video, RenderOptions::mp4(), &file, &|_| {}, &cancel).unwrap();
    serve("video.mp4".to_owned(), std::fs::read(&file).unwrap(), "video/mp4").await;
    // In the middle of a frame: without, with and after the title.
    let times = [0.05, 0.985, 1.015, 1.5, 1.985, 2.015, 2.95];
    let mut posters = Vec::new();
    for (index, time) in times.into_iter().enumerate() {
        let name = format!("poster{index}.png");
        let file = directory.path().join(&name);
        poster(&video, Duration::from_secs_f64(time), &file, &cancel).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        posters.push(image::load_from_memory(&bytes).unwrap().into_rgb8());
        serve(name, bytes, "image/png").await;
    }
    let pairs = posters[1].iter().zip(posters[2].iter());
    let change = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / (640.0 * 360.0 * 3.0);
    assert!(change > 3.0, "the title changes the frame by {change}");

    let script = SCRIPT.replace("TIMES", &format!("{times:?}"));
    let page = format!("<!doctype html><video></video><script>{script}</script>");
    serve("page.html".to_owned(), page.into_bytes(), "text/html").await;
    let page = format!("{}/page.html", server.uri());
    let result = tokio::task::spawn_blocking(move || result_of(browser, &page)).await.unwrap();

    let _ = writeln!(std::io::stderr(), "{result}");
    let number = |name: &str| result[name].as_f64().unwrap_or_else(|| panic!("{name} in {result}"));
    assert_eq!((number("width"), number("height")), (640.0, 360.0));
    assert!((number("duration") - 3.0).abs() < 0.001, "{result}");
    assert!((number("ended") - 3.0).abs() < 0.05, "{result}");
    assert!((number("loud") - 1.0).abs() < 0.002, "{result}");
    let differences = result["differences"].as_array().unwrap();
    assert_eq!(differences.len(), times.len(), "{result}");
    assert!(differences.iter().all(|it| it.as_f64().unwrap() < 1.5), "{result}");
}
