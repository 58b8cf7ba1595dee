//! The page of `local_server` in Chromium: a video is made, watched to its end, and kept from other
//! sites. Without `chromium` the test is skipped with a note, except under CI, where it fails.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nemovideo::mock::wiremock::MockServer;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::{installed, serve};
use crate::examples::example;

/// Longer than anything takes that does not hang, also on a busy machine.
const HANG_MS: u32 = 120_000;

/// A browser that is driven by the DevTools protocol.
struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    calls: u64,
    page: Option<String>,
    /// The errors on the console of the page.
    errors: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    fn start(name: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // The protocol is spoken on the descriptors 3 and 4.
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null", name])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--autoplay-policy=no-user-gesture-required", "--no-first-run"])
            .args(["--host-resolver-rules=MAP evil.example 127.0.0.1", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (from, page, errors) = (BufReader::new(from), None, Vec::new());
        let mut browser = Self { process, to, from, calls: 0, page, errors, _profile: profile };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &target);
        browser.page = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(page) = &self.page {
            call["sessionId"] = page.as_str().into();
        }
        self.to.write_all(format!("{call}\0").as_bytes()).unwrap();
        loop {
            let mut message = Vec::new();
            self.from.read_until(0, &mut message).unwrap();
            message.pop();
            let mut message: Value = serde_json::from_slice(&message).expect("the browser runs");
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            let is_error = match message["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Log.entryAdded") => message["params"]["entry"]["level"] == "error",
                _ => false,
            };
            if is_error {
                self.errors.push(message);
            }
        }
    }

    fn open(&mut self, url: &str) {
        self.call("Page.navigate", &json!({ "url": url }));
    }

    /// Returns the value of an expression, once that is resolved.
    fn value(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let mut result = self.call("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{script}: {result}");
        result["result"]["value"].take()
    }

    /// Waits until an expression is true, and returns its value.
    fn wait(&mut self, script: &str) -> Value {
        self.value(&format!(
            "new Promise((resolve, reject) => {{
                const began = performance.now();
                const look = () => {{
                    let it;
                    try {{ it = {script}; }} catch {{ /* not there yet */ }}
                    if (it) resolve(it);
                    else if (performance.now() - began < {HANG_MS}) setTimeout(look, 20);
                    else reject(new Error(document.body.innerText));
                }};
                look();
            }})"
        ))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// A `local_server`, which ends with this.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(temporary: &TempDir) -> Self {
        let mut command = example("local_server");
        command.env("TMPDIR", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Plays the video to its end, and returns how many cues there are and how many were shown.
const PLAY: &str = "
new Promise((resolve, reject) => {
    const video = document.querySelector('#player video'), track = video.textTracks[0], seen = new Set();
    // A cue that a busy browser comes too late for is entered all the same.
    for (const cue of track.cues) cue.addEventListener('enter', () => seen.add(cue));
    for (const cue of track.activeCues) seen.add(cue);
    video.addEventListener('ended', () => resolve({ cues: track.cues.length, seen: seen.size,
        at: video.currentTime, duration: video.duration, width: video.videoWidth }));
    video.addEventListener('error', () => reject(new Error(video.error.message)));
    video.muted = true;
    video.playbackRate = 16;
    video.play().catch(reject);
})";

/// Tries to read what the page shows from a page of another site.
const ATTACK: &str = "
const load = (name, url) => new Promise(resolve => {
    const element = document.createElement(name);
    for (const event of ['load', 'loadedmetadata']) element.addEventListener(event, () => resolve('read'));
    element.addEventListener('error', () => resolve('kept'));
    element.src = url;
    document.body.append(element);
});
const read = (url, mode) => fetch(url, { mode }).then(() => 'read', () => 'kept');
Promise.all([
    load('img', URL_ + '/watch/icon.svg'), load('img', URL_ + TIMELINE), load('video', URL_ + VIDEO),
    load('script', URL_ + '/watch/page.js'), load('script', URL_ + '/watch/data'),
    read(URL_ + '/watch/data', 'cors'), read(URL_ + '/watch/data', 'no-cors'), read(URL_ + '/', 'no-cors'),
]).then(it => { window.result = it; });
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_video_is_made_and_watched_to_its_end() {
    let Some(name) = installed() else { return };
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&directory);
    let url = server.url.as_str();
    let mut browser = Browser::start(name);
    browser.open(url);

    // The command that the page gives is run as it is, but for a script that is shorter, and hostile.
    let command = browser.wait("!$('empty').hidden && $('command').innerText");
    let command = command.as_str().unwrap().to_owned();
    let args = command.strip_prefix("cargo run --release --example voiceover -- ").unwrap();
    browser.value(
        "window.seen = new Set(); new MutationObserver(() => {
            const progress = document.querySelector('#renders progress');
            if (progress && !progress.hidden) seen.add('progress');
            if (!$('working').hidden) seen.add('working');
        }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })",
    );
    // So long that the page looks while the video is rendered.
    let rest = " A sentence like this one takes a while to be spoken and drawn.".repeat(60);
    let script = "The sky is blue. <img src=x onerror=alert(1)> The sea is green.\n\nTea is warm.";
    let script = &format!("{script}{rest}");
    let made = example("voiceover")
        .current_dir(directory.path())
        .env("HOME", directory.path())
        .args(args.split(' '))
        .args(["--text", script, "--title", "<b>Colours</b>"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    browser.wait("!$('board').hidden && document.querySelector('#player video').readyState >= 1");
    let shown = browser.value(
        "({ said: document.querySelector('#entries .user .text').innerText,
            tools: [...document.querySelectorAll('#entries .tool')].map(it => it.innerText.split('\\n')[0]),
            elements: document.querySelectorAll('#entries img, #entries b, #sessions img').length,
            credits: [...$('accounts').rows[0].cells].map(it => it.innerText).slice(1),
            sessions: $('sessions').children.length, state: $('state').innerText,
            seen: [...seen], text: document.body.innerText })",
    );
    assert!(shown["said"].as_str().unwrap().contains("<img src=x onerror=alert(1)>"), "{shown}");
    assert_eq!(shown["elements"], 0, "{shown}");
    assert_eq!(shown["tools"], json!(["generate_voiceover ✓", "finish_video ✓"]));
    assert_eq!(shown["credits"], json!(["9,980", "0", "20"]));
    assert_eq!((&shown["sessions"], &shown["state"]), (&json!(1), &json!("Live")));
    assert!(shown["seen"].as_array().unwrap().contains(&json!("progress")), "{shown}");
    assert!(!shown["text"].as_str().unwrap().contains("nmv_usr_"), "{shown}");
    let timeline = browser.wait(
        "document.querySelector('#timeline img').naturalWidth
            && document.querySelector('#timeline img').getAttribute('src')",
    );
    let seeked = browser.value(
        "new Promise(resolve => {
            const video = document.querySelector('#player video');
            video.addEventListener('seeked', () => resolve(video.currentTime), { once: true });
            video.currentTime = 1.5;
        })",
    );
    assert_eq!(seeked, 1.5, "ranges are served");
    browser.value("document.querySelector('#player video').currentTime = 0");
    browser.wait("document.querySelector('#player video').textTracks[0].cues.length");
    let played = browser.value(PLAY);
    let number = |name: &str| played[name].as_f64().unwrap();
    assert!(number("duration") > 3.0 && number("at") >= number("duration") - 0.1, "{played}");
    assert!(number("cues") >= 3.0 && number("seen") == number("cues"), "{played}");

    // A session is chosen by keys alone.
    browser.value("document.querySelector('#sessions a').focus()");
    for kind in ["keyDown", "keyUp"] {
        let key = json!({ "type": kind, "key": "Enter", "code": "Enter", "text": "\r",
            "windowsVirtualKeyCode": 13 });
        browser.call("Input.dispatchKeyEvent", &key);
    }
    browser.wait("location.hash && !$('follow').hidden");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);

    // The name of another site that has been given the address of this machine.
    let port = url.rsplit(':').next().unwrap();
    browser.open(&format!("http://evil.example:{port}/"));
    let refused = browser.wait("location.host.startsWith('evil') && document.body.innerText");
    assert!(refused.as_str().unwrap().contains("this machine only"), "{refused}");

    // A page of another site, which knows every URL.
    let site = MockServer::start().await;
    let video = timeline.as_str().unwrap().split("timeline").next().unwrap().to_owned() + "0/file";
    let attack = ATTACK
        .replace("URL_", &format!("'{url}'"))
        .replace("TIMELINE", &timeline.to_string())
        .replace("VIDEO", &format!("'{video}'"));
    let page = format!("<!doctype html><body><script>{attack}</script>");
    serve(&site, "attack.html", page.into_bytes(), "text/html").await;
    let site = site.uri();
    let other = format!("http://evil.example:{}/attack.html", site.rsplit(':').next().unwrap());
    for site in [format!("{site}/attack.html"), other] {
        browser.open(&site);
        let result = browser.wait("location.pathname === '/attack.html' && window.result");
        assert_eq!(result, json!(vec!["kept"; 8]), "{site}");
    }
}
