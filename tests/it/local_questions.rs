//! The agent of the embedded backend asks before it makes a video: the questions are a tool call, the
//! turn ends with them and is free, and the next message answers them.

use crate::support::caller::{Caller, SCRIPT, Stream, message};
use nemovideo::local::{LocalBackend, LocalBackendBuilder};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

fn quick() -> LocalBackendBuilder {
    LocalBackend::builder().placeholder_videos().credits(100)
}

/// Returns the arguments of the only tool call, which must be a question without a result.
fn questions(stream: &Stream) -> Value {
    assert_eq!(stream.calls(), ["ask_question"], "{}", stream.raw);
    let event = stream.events.last().unwrap();
    let parts = event["content"]["parts"].as_array().unwrap();
    let call = &parts.last().unwrap()["functionCall"];
    assert_eq!(event["longRunningToolIds"], json!([call["id"]]), "its result comes later");
    assert!(!stream.raw.contains("functionResponse"), "{}", stream.raw);
    call["args"].clone()
}

/// Returns the answer to each question by the index of an option.
fn answer(args: &Value, options: &[usize]) -> String {
    let questions = args["questions"].as_array().unwrap();
    assert_eq!(questions.len(), options.len(), "{args}");
    let line = |(at, (question, option)): (usize, (&Value, &usize))| {
        let prompt = question["prompt"].as_str().unwrap();
        let label = question["options"][option]["label"].as_str().unwrap();
        format!("{}. {prompt}: {label}", at + 1)
    };
    let lines: Vec<String> = questions.iter().zip(options).enumerate().map(line).collect();
    lines.join("\n")
}

#[tokio::test]
async fn a_request_without_a_script_is_answered_by_questions() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    for (request, title) in [
        ("make a video", "Before I make the video"),
        ("Please make me a short video.", "Before I make the video"),
        ("I want a video", "Before I make the video"),
        ("Ask me first", "Before I make the video"),
        ("做个视频", "在开始做视频之前"),
        ("帮我做一个短片，先问我", "在开始做视频之前"),
    ] {
        let session = caller.session().await;
        let args = questions(&caller.say(&session, request).await);
        assert_eq!(args["title"], title, "{request}");
        let ids: Vec<&str> = args["questions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|question| question["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["script", "voice", "aspect", "captions"], "{request}");
        for question in args["questions"].as_array().unwrap() {
            assert_eq!(question["allow_multiple"], false);
            assert!(question["options"].as_array().unwrap().len() >= 2);
        }
        assert_eq!(caller.draft(&session).await, Value::Null, "nothing was made");
    }
    assert_eq!(caller.credits().await, (100.0, 0.0), "a question is free");
}

#[tokio::test]
async fn the_next_message_answers_and_is_charged_once() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    for (request, options) in [("make a video", [1, 1, 1, 1]), ("先问我", [0, 1, 1, 1])] {
        let session = caller.session().await;
        let before = caller.credits().await.0;
        let args = questions(&caller.say(&session, request).await);
        let stream = caller.say(&session, &answer(&args, &options)).await;
        assert_eq!(stream.calls(), ["generate_voiceover", "finish_video"], "{}", stream.raw);
        let draft = caller.draft(&session).await;
        assert_eq!(draft["m"]["aspect"], "9:16", "{draft}");
        assert_eq!(draft["t"].as_array().unwrap().len(), 2, "without captions");
        assert!(stream.raw.contains("\"voice\":\"male\""), "{}", stream.raw);
        assert_eq!(before - caller.credits().await.0, 20.0);
    }
}

#[tokio::test]
async fn what_was_said_is_not_asked() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let request =
        format!("Make a voiceover in a male voice, but ask me first.\n\nScript:\n{SCRIPT}");
    let args = questions(&caller.say(&session, &request).await);
    let stream = caller.say(&session, &answer(&args, &[2, 0])).await;
    assert!(stream.texts().last().unwrap().contains("2 sentences"), "{:?}", stream.texts());
    assert!(stream.raw.contains("\"voice\":\"male\""), "{}", stream.raw);
    assert_eq!(caller.draft(&session).await["m"]["aspect"], "1:1");

    let other = caller.session().await;
    let script = Part::bytes(&b"One. Two. Three."[..]).file_name("a.txt");
    caller.upload(&other, Form::new().part("files", script)).await;
    let args = questions(&caller.say(&other, "make a video").await);
    assert_eq!(args["questions"][0]["id"], "voice", "the script was uploaded");
    let stream = caller.say(&other, "Skipped").await;
    assert!(stream.texts().last().unwrap().contains("3 sentences"), "{:?}", stream.texts());
}

#[tokio::test]
async fn a_script_may_be_the_answer_and_skipped_takes_the_defaults() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, "make a video").await;
    let stream = caller.say(&session, "1. Which script shall I speak?: One. Two. Three.").await;
    assert!(stream.texts().last().unwrap().contains("3 sentences"), "{:?}", stream.texts());

    let session = caller.session().await;
    caller.say(&session, "make a video").await;
    let stream = caller.say(&session, "Skipped").await;
    assert!(stream.raw.contains("Good morning"), "{}", stream.raw);
    assert_eq!(caller.draft(&session).await["m"]["aspect"], "16:9");
}

#[tokio::test]
async fn another_message_abandons_the_questions() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let args = questions(&caller.say(&session, "make a video").await);
    caller.say(&session, "what can you do?").await;
    let late = caller.say(&session, &answer(&args, &[0, 0, 0, 0])).await;
    assert!(late.calls().is_empty(), "{}", late.raw);
    let edit = caller.say(&session, "make it portrait").await;
    assert!(edit.calls().is_empty(), "an edit is no request for a new video");
    assert_eq!(caller.credits().await, (100.0, 0.0));
}

#[tokio::test]
async fn an_answer_that_cannot_be_paid_keeps_the_questions_open() {
    let credits = nemovideo::Credits::new(10.0);
    let backend = quick().credits(credits).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, "make a video").await;
    for _ in 0..2 {
        let broke = caller.post("/run_sse", &message(&session, "Skipped")).await;
        assert_eq!(broke.code(), 2001);
    }
}
