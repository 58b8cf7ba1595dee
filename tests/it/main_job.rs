//! The main job, from the script to the video file: `NemoClient` against the embedded backend over
//! a real socket.

use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::draft::{Draft, TrackKind};
use nemovideo::local::LocalBackend;
use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
use nemovideo::{
    CreateSession, Error, NemoClient, RenderJob, RenderOutput, RenderPolling, RenderProgress,
    SessionId,
};

const SCRIPT: &str = "Tea came first. Coffee came later, and with it the coffee house.";

fn client_of(backend: &LocalBackend) -> NemoClient {
    backend.client()
}

/// Sends a message and returns the text of its stream.
async fn say(client: &NemoClient, session: &SessionId, message: &str) -> String {
    let mut events = client.send_message(session, message).streaming().await.expect("a stream");
    let mut accumulator = TextAccumulator::new();
    let mut text = String::new();
    while let Some(event) = events.next().await {
        let event = event.expect("an event");
        assert!(!matches!(event, AgentEvent::Unknown(_)), "{event:?}");
        text.extend(accumulator.push(&event).and_then(|delta| delta.text()));
    }
    text
}

async fn draft_of(client: &NemoClient, session: &SessionId) -> Draft {
    client.session_state(session).await.expect("a state").draft.expect("a draft")
}

#[tokio::test]
async fn a_script_becomes_a_video_through_the_client() {
    let backend = LocalBackend::start().await.unwrap();
    let client = client_of(&backend);
    let session = client.create_session(CreateSession::named("tea")).await.unwrap().session_id;
    let before = client.credits().await.unwrap();
    let text =
        say(&client, &session, &format!("Make a voiceover of this script.\n\nScript:\n{SCRIPT}"))
            .await;
    assert_eq!(text.matches("Your voiceover is ready").count(), 1, "{text}");

    let draft = draft_of(&client, &session).await;
    assert!(draft.is_ready_to_export());
    let kinds: Vec<TrackKind> = draft.tracks().filter_map(|track| track.kind()).collect();
    assert_eq!(kinds, [TrackKind::Video, TrackKind::Audio, TrackKind::Text]);
    assert!(client.credits().await.unwrap().available < before.available);

    let job = client.submit_render(&session, &draft, RenderOutput::mp4()).await.unwrap();
    let steps: Vec<RenderProgress> =
        client.wait_for_render(&job).map(Result::unwrap).collect().await;
    let Some(RenderProgress::Completed(video)) = steps.last() else { panic!("{steps:?}") };

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tea.mp4");
    let size = client.download(video, &path).await.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len() as u64, size);
    assert_eq!(video.size, Some(size));
    assert_eq!(&bytes[4..8], b"ftyp");
    let length = video.duration.unwrap();
    assert!(length >= draft.duration() && length < draft.duration() + Duration::from_millis(50));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

    let counters = backend.counters();
    assert_eq!(
        (counters.tokens_issued, counters.messages_run, counters.renders_started),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_serialized_render_is_finished_by_another_client_of_the_account() {
    let backend = LocalBackend::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let process = || {
        let builder = NemoClient::builder().base_url(backend.url()).credentials_dir(dir.path());
        builder.polling(RenderPolling::new(Duration::from_millis(20), 3_000)).build().unwrap()
    };
    let first = process();
    let session = first.create_session(CreateSession::default()).await.unwrap().session_id;
    say(&first, &session, &format!("narrate: {SCRIPT}")).await;
    let draft = draft_of(&first, &session).await;
    let job = first.submit_render(&session, &draft, RenderOutput::m4a()).await.unwrap();
    let serialized = serde_json::to_string(&job).unwrap();
    drop(first);

    let job: RenderJob = serde_json::from_str(&serialized).unwrap();
    assert_eq!(job.draft, draft);
    let second = process();
    let video = second.wait_for_render(&job).await.unwrap();
    second.download(&video, dir.path().join("tea.m4a")).await.unwrap();
    assert_eq!(backend.counters().tokens_issued, 1, "the second process used the stored token");
    assert_eq!(backend.counters().renders_started, 1);
}

#[tokio::test]
async fn an_uploaded_script_becomes_the_voiceover() {
    let backend = LocalBackend::start().await.unwrap();
    let client = client_of(&backend);
    let session = client.create_session(CreateSession::default()).await.unwrap().session_id;
    client.upload_bytes(&session, "script.txt", SCRIPT).await.unwrap();
    say(&client, &session, "Turn the uploaded script into a video. Aspect ratio: 9:16.").await;
    let draft = draft_of(&client, &session).await;
    let spoken: Vec<String> = draft
        .tracks()
        .filter(|track| track.kind() == Some(TrackKind::Audio))
        .flat_map(|track| track.segments())
        .filter_map(|segment| segment.text().map(str::to_owned))
        .collect();
    assert_eq!(spoken.join(" "), SCRIPT);
}

#[tokio::test]
async fn an_account_out_of_credits_gets_an_error_with_the_registration_link() {
    let backend = LocalBackend::builder().credits(100).start().await.unwrap();
    let client = client_of(&backend);
    let session = client.create_session(CreateSession::default()).await.unwrap().session_id;
    let error = loop {
        match client.send_message(&session, format!("narrate: {SCRIPT}")).await {
            Ok(events) => assert!(events.count().await > 0),
            Err(error) => break error,
        }
    };
    let Error::OutOfCredits(api) = &error else { panic!("{error}") };
    let link = api.link.as_ref().unwrap().as_str();
    assert!(link.starts_with("https://nemovideo.com/register?bind=anon_"), "{link}");
    assert_eq!(client.credits().await.unwrap().available.get(), 0.0);
    assert_eq!(backend.counters().messages_run, 5);
}

#[tokio::test]
async fn sixteen_processes_that_start_at_once_share_one_account() {
    let backend = LocalBackend::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let processes = (0..16).map(|_| {
        let builder = NemoClient::builder().base_url(backend.url()).credentials_dir(dir.path());
        let client = builder.build().unwrap();
        tokio::spawn(async move { client.authenticate().await.unwrap().user_id })
    });
    let mut accounts = Vec::new();
    for process in processes {
        accounts.push(process.await.unwrap().unwrap());
    }
    accounts.dedup();
    assert_eq!(accounts.len(), 1);
    assert_eq!(backend.counters().tokens_issued, 1);
}
