//! The first program: a message in, a narrated video out.
//!
//! `cargo run --release --example quickstart`

use std::io::Write as _;
use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::local::LocalBackend;
use nemovideo::{CreateSession, NemoClient, RenderOutput, RenderPolling};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The embedded backend needs no account. For the cloud: `let client = NemoClient::from_env()?;`
    let backend = LocalBackend::start().await?;
    let client = NemoClient::builder()
        .base_url(backend.url())
        .in_memory_credentials()
        .polling(RenderPolling::new(Duration::from_millis(100), 6_000))
        .build()?;

    let session = client.create_session(CreateSession::named("quickstart").language("en")).await?;
    let id = &session.session_id;
    let message = "Make a voiceover of this script: Hello from Rust.";
    let mut text = client.send_message(id, message).streaming().await?.text();
    while let Some(delta) = text.next().await {
        print!("{}", delta?);
        std::io::stdout().flush()?;
    }

    let draft = client.session_state(id).await?.draft.ok_or("no video was made")?;
    println!("\n{}", draft.summary());

    let job = client.submit_render(id, &draft, RenderOutput::mp4()).await?;
    let video = client.wait_for_render(&job).await?;
    let bytes = client.download(&video, "quickstart.mp4").await?;
    println!("quickstart.mp4: {bytes} bytes");
    Ok(())
}
