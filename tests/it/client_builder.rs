//! A builder accepts no URL to which a secret must not be sent, and shows no secret.

use nemovideo::protocol::ClientId;
use nemovideo::{Error, NemoClient};

fn built(url: &str) -> Result<NemoClient, Error> {
    NemoClient::builder().base_url(url).build()
}

#[test]
fn a_token_is_never_sent_unencrypted_unless_allowed_by_name() {
    for url in ["https://api.test", "http://127.0.0.1:80", "http://[::1]:1", "http://localhost:1"] {
        assert!(built(url).is_ok(), "{url}");
    }
    for url in ["http://api.test", "http://10.0.0.1", "http://localhost.evil.test"] {
        assert!(matches!(built(url), Err(Error::Configuration(_))), "{url}");
    }
    let allowed = NemoClient::builder().base_url("http://nas.home").allow_plain_http("nas.home");
    assert!(allowed.build().is_ok());
}

#[test]
fn an_invalid_url_is_rejected() {
    for url in ["", "api.test", "ftp://api.test", "https://me:pw@api.test", "https://a.test/?k=v"] {
        let error = built(url).unwrap_err();
        assert!(matches!(error, Error::Configuration(_)), "{url}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
}

#[test]
fn a_clients_debug_holds_no_secret() {
    let client = NemoClient::builder().token("nmv_usr_hunter2").build().unwrap();
    assert!(!format!("{client:#?}").contains("hunter2"));
    let id = ClientId::new("id-hunter2");
    let builder = NemoClient::builder().token("nmv_usr_hunter2").client_id(id);
    assert!(!format!("{builder:#?}").contains("hunter2"));
}
