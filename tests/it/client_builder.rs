//! A builder accepts no URL and no HTTP client to which a secret must not be sent, shows no secret,
//! and uses the settings of the network that it is given.

use std::sync::{Arc, Mutex};

use nemovideo::error::ConnectionFailure;
use nemovideo::protocol::ClientId;
use nemovideo::{Error, NemoClient};
use reqwest::redirect::Policy;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::LazyConfigAcceptor;

use crate::support::caller::client_builder;
use crate::support::raw::{RawResponse, RawServer};

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
    let http = client_builder().redirect(Policy::none());
    let secret = reqwest::header::HeaderValue::from_static("key-hunter2");
    let headers = reqwest::header::HeaderMap::from_iter([(reqwest::header::COOKIE, secret)]);
    let builder = NemoClient::builder()
        .token("nmv_usr_hunter2")
        .client_id(id)
        .proxy("http://me:hunter2@proxy.test:3128")
        .http_client(http.default_headers(headers).build().unwrap());
    assert!(!format!("{builder:#?}").contains("hunter2"));
}

#[test]
fn a_url_without_a_scheme_is_named_with_its_correct_form() {
    for (url, correct) in [
        ("api.example.com", "write https://api.example.com"),
        ("api.example.com:8443/nemo", "write https://api.example.com:8443/nemo"),
        ("//api.example.com", "write https://api.example.com"),
        ("localhost:8080", "write http://localhost:8080"),
        ("127.0.0.1:8080", "write http://127.0.0.1:8080"),
        ("me:hunter2@api.test", "has no scheme"),
        ("api.test?key=hunter2", "has no scheme"),
        ("", "is empty"),
    ] {
        let error = built(url).unwrap_err();
        assert!(matches!(error, Error::Configuration(_)), "{url}");
        assert!(error.to_string().contains(correct), "{url}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn an_unusable_setting_of_the_network_is_rejected() {
    for (builder, what) in [
        (NemoClient::builder().proxy("socks5://me:hunter2@proxy.test"), "proxy"),
        (NemoClient::builder().proxy("http://"), "proxy"),
        (NemoClient::builder().root_certificate("no certificate"), "PEM"),
        (NemoClient::builder().user_agent("a\nb"), "user agent"),
        (NemoClient::builder().http_client(client_builder().build().unwrap()), "Policy::none"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Configuration(_)), "{what}");
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert!(NemoClient::builder().proxy("proxy.test:3128").build().is_ok());
}

/// The requests of a server: the request line, and some headers.
type Heads = Arc<Mutex<Vec<[Option<String>; 5]>>>;

async fn server() -> (RawServer, Heads) {
    let heads = Heads::default();
    let log = Arc::clone(&heads);
    let server = RawServer::start(move |request| {
        let names = ["user-agent", "x-skill-source", "accept-encoding", "proxy-authorization"];
        let [agent, source, encoding, proxy] =
            names.map(|name| request.header(name).map(str::to_owned));
        log.lock().unwrap().push([Some(request.path().to_owned()), agent, source, encoding, proxy]);
        match request.path() {
            "/moved/api/credits/balance/simple" => RawResponse::bytes(
                "HTTP/1.1 307 Moved\r\nlocation: /credits\r\ncontent-length: 0\r\n\r\n",
            ),
            _ => RawResponse::json(r#"{"code":0,"data":{"available":60,"frozen":0,"total":60}}"#),
        }
    })
    .await;
    (server, heads)
}

#[tokio::test]
async fn an_own_http_client_sends_the_headers_of_the_protocol_and_follows_no_redirect() {
    let (server, heads) = server().await;
    let http = client_builder().redirect(Policy::none());
    let builder =
        NemoClient::builder().token("t").http_client(http.user_agent("their own").build().unwrap());
    let client = builder.clone().base_url(server.url()).build().unwrap();
    client.credits().await.unwrap();
    let client = builder.clone().base_url(server.url()).user_agent("mine/1").build().unwrap();
    client.credits().await.unwrap();
    let moved = builder.base_url(format!("{}/moved", server.url())).build().unwrap();
    assert_eq!(moved.credits().await.unwrap_err().api().unwrap().status, Some(307));

    let own = |text: &str| Some(text.to_owned());
    let heads = heads.lock().unwrap();
    assert_eq!(heads.len(), 3, "the redirect was not followed");
    let (source, identity) = (own("nemovideo"), own("identity"));
    assert_eq!(heads[0][1..4], [own("their own"), source.clone(), identity.clone()]);
    assert_eq!(heads[1][1..4], [own("mine/1"), source, identity]);
}

#[tokio::test]
async fn a_proxy_gets_every_request_and_its_own_password() {
    let (proxy, heads) = server().await;
    let address = proxy.url().replace("http://", "http://me:pw@");
    let client = NemoClient::builder()
        .base_url("http://127.0.0.1:9/")
        .token("t")
        .proxy(address)
        .user_agent("mine/1")
        .build()
        .unwrap();
    client.credits().await.unwrap();
    let heads = heads.lock().unwrap();
    assert_eq!(heads[0][0].as_deref(), Some("http://127.0.0.1:9/api/credits/balance/simple"));
    assert_eq!(heads[0][1].as_deref(), Some("mine/1"));
    assert_eq!(heads[0][4].as_deref(), Some("Basic bWU6cHc="));
}

/// Starts a server whose certificate only the root of the tests vouches for, with an API of credits
/// over HTTP/1.1. Returns its URL, and the protocols that the client of each connection offers.
async fn tls_server() -> (String, tokio::sync::mpsc::UnboundedReceiver<Option<Vec<u8>>>) {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../data/tls/server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../data/tls/server.key"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.unwrap()], key.unwrap())
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (offered, protocols) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let handshake = LazyConfigAcceptor::new(Acceptor::default(), socket);
            let Ok(handshake) = handshake.await else { continue };
            let hello = handshake.client_hello();
            let first = hello.alpn().and_then(|mut offers| offers.next().map(<[u8]>::to_vec));
            let _test_ended = offered.send(first);
            let Ok(mut stream) = handshake.into_stream(Arc::new(config.clone())).await else {
                continue;
            };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let body = r#"{"code":0,"data":{"available":60,"frozen":0,"total":60}}"#;
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", body.len());
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
            let _closed = stream.shutdown().await;
        }
    });
    (url, protocols)
}

#[tokio::test]
async fn a_certificate_is_trusted_only_with_its_root_and_http_2_is_offered() {
    let (url, mut protocols) = tls_server().await;
    let builder =
        NemoClient::builder().base_url(&url).token("t").retry(nemovideo::ExponentialRetry::never());
    let error = builder.clone().build().unwrap().credits().await.unwrap_err();
    let Error::Unreachable(failure) = &error else { panic!("{error:?}") };
    assert_eq!(failure.reason, ConnectionFailure::Tls, "{error}");
    assert_eq!(protocols.recv().await.unwrap().as_deref(), Some(&b"h2"[..]));

    let root = include_bytes!("../data/tls/root.pem");
    let client = builder.root_certificate(root).build().unwrap();
    assert_eq!(client.credits().await.unwrap().available.get(), 60.0);
}
