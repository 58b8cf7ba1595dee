//! A mocked service that takes one message.

use nemovideo::ErrorCode;
use nemovideo::draft::Draft;
use nemovideo::mock::NemoMock;
use nemovideo::mock::event::Event;
use nemovideo::protocol::Endpoint;

pub(crate) fn new_draft() -> Draft {
    r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#.parse().unwrap()
}

/// A service that makes a draft in one message, whose events these are, and renders none.
pub(crate) async fn until_the_render(
    events: impl IntoIterator<Item = Event>,
    draft: &Draft,
) -> NemoMock {
    let nemo = NemoMock::start().await;
    nemo.session("t", "s");
    nemo.credits(9.0, 0);
    nemo.state(None).times(2);
    nemo.state(draft.clone());
    nemo.stream(events);
    nemo.fails(Endpoint::RenderSubmit, ErrorCode::ExportBlocked);
    nemo
}
