//! Greetings as videos, and the tests of a program that makes them.

use std::path::Path;

use futures::TryStreamExt as _;
use nemovideo::{Error, NemoClient, SessionId};

/// Makes a video that greets somebody, and returns its timeline in one line.
pub async fn greet(client: &NemoClient, name: &str, path: &Path) -> Result<String, Error> {
    let script = format!("Good morning, {name}.");
    Ok(client.voiceover(script).save_to(path).await?.draft.summary())
}

/// Sends an edit unless it could not be paid for, and returns what the agent said.
pub async fn edit(
    client: &NemoClient,
    session: &SessionId,
    text: &str,
) -> Result<Option<String>, Error> {
    if client.credits().await?.available.get() < 2.0 {
        return Ok(None);
    }
    let stream = client.send_message(session, text).await?;
    Ok(Some(stream.text().try_collect().await?))
}

#[cfg(test)]
mod tests {
    use nemovideo::local::{Cut, Ending, Fault, LocalBackend};
    use nemovideo::mock::{NemoMock, event};
    use nemovideo::protocol::Endpoint;
    use nemovideo::{Attribution, ErrorCode};

    use super::*;

    #[tokio::test]
    async fn an_edit_is_sent_once() {
        let mock = NemoMock::start().await;
        mock.credits(100, 0).fails_once(ErrorCode::RateLimited);
        mock.stream([event::heartbeat(), event::text("Warmer now.")]);

        let text = edit(&mock.client(), &"session".into(), "make it warmer").await.unwrap();
        assert_eq!(text.as_deref(), Some("Warmer now."));
        mock.verify_messages_sent(1);
        mock.received_attribution(&Attribution::default());
    }

    #[tokio::test]
    async fn an_edit_that_cannot_be_paid_for_is_not_sent() {
        let mock = NemoMock::start().await;
        mock.credits(1, 0);
        assert_eq!(edit(&mock.client(), &"session".into(), "make it warmer").await.unwrap(), None);
        mock.verify_messages_sent(0);
    }

    #[tokio::test]
    async fn an_empty_account_is_an_error_with_a_way_out() {
        let mock = NemoMock::start().await;
        mock.credits(100, 0);
        mock.fails(Endpoint::Message, ErrorCode::OutOfCredits);
        let error = edit(&mock.client(), &"session".into(), "make it warmer").await.unwrap_err();
        assert!(matches!(error, Error::OutOfCredits(_)), "{error}");
        assert!(!error.may_have_taken_effect());
    }

    #[tokio::test]
    async fn a_greeting_is_a_file() {
        let mock = NemoMock::start().await;
        mock.given_voiceover("the video");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ada.mp4");
        greet(&mock.client(), "Ada", &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"the video");
        assert!(mock.messages()[0].1.contains("Good morning, Ada."));
    }

    #[tokio::test]
    async fn a_greeting_goes_through_the_embedded_backend() {
        let backend = LocalBackend::start().await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ada.mp4");
        let summary = greet(&backend.client(), "Ada", &path).await.unwrap();
        assert!(summary.contains("Good morning"), "{summary}");
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_greeting_whose_connection_breaks_is_paid_once() {
        let backend = LocalBackend::start().await.unwrap();
        let broken = Fault::Cut(Cut::Events(1), Ending::Reset);
        let fault = backend.faults().inject(broken).on(Endpoint::Message).once();
        let dir = tempfile::tempdir().unwrap();
        greet(&backend.client(), "Ada", &dir.path().join("ada.mp4")).await.unwrap();
        assert_eq!((fault.hits(), backend.counters().messages_run), (1, 1));
    }
}
