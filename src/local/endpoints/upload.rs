//! Uploads: files in the body, or named by address.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use futures::{Stream, StreamExt as _};
use url::{Host, Url};

use crate::local::answer::{Body, Caller, Named, Refused, Success};
use crate::local::library::Kept;
use crate::local::service::Shared;
use crate::local::sessions::Session;
use crate::local::settings::FetchFrom;
use crate::protocol::{
    ErrorCode, FileFormat, MAX_UPLOAD_BYTES, SessionId, UploadResponse, UploadUrls,
};

/// As long as a file named by address may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) async fn take(
    State(service): State<Shared>,
    Caller(account): Caller,
    Named(session): Named<SessionId>,
    request: Request,
) -> Result<Success<UploadResponse>, Refused> {
    let session = service.sessions.find(&account.user, &session);
    let session = session.ok_or_else(Refused::unknown_session)?;
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_form = content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/form-data"));
    let files = if is_form {
        from_form(&service, &session, request).await?
    } else {
        let Body(addresses) = Body::<UploadUrls>::from_request(request, &service).await?;
        from_addresses(&service, &session, addresses).await?
    };
    let mut answer =
        UploadResponse { session_state_applied: Some(true), ..UploadResponse::default() };
    // None was refused, so all are taken.
    for file in files {
        let file = service.library.add(file.take());
        service.tally.uploads_taken.raise();
        answer.files.push(file.uploaded(&service.url));
        session.add_upload(file);
    }
    Ok(Success(answer))
}

/// All of the files or, when one is refused, none.
async fn from_form(
    service: &Shared,
    session: &Session,
    request: Request,
) -> Result<Vec<Kept>, Refused> {
    let broken = |error: MultipartError| {
        Refused::invalid(&["body", "files"], error.body_text(), "value_error")
    };
    let mut form = Multipart::from_request(request, service)
        .await
        .map_err(|rejection| Refused::invalid(&["body"], rejection.body_text(), "value_error"))?;
    let mut files = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some("files") {
            let name = field_name(&field);
            let pieces = field.map(|piece| piece.map_err(broken));
            files.push(store(service, session, &name, pieces).await?);
        }
    }
    if files.is_empty() {
        return Err(Refused::invalid(&["body", "files"], "Field required", "missing"));
    }
    Ok(files)
}

fn field_name(field: &Field<'_>) -> String {
    field.file_name().unwrap_or_default().to_owned()
}

async fn from_addresses(
    service: &Shared,
    session: &Session,
    addresses: UploadUrls,
) -> Result<Vec<Kept>, Refused> {
    if addresses.urls.is_empty() {
        return Err(Refused::invalid(&["body", "urls"], "Field required", "missing"));
    }
    // A redirect would lead past the check of the host.
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(FETCH_TIMEOUT)
        .build()
        .map_err(Refused::internal)?;
    let mut files = Vec::new();
    for address in &addresses.urls {
        let bad = |message: &str| {
            Refused::invalid(&["body", "urls"], format!("{message}: {address}"), "value_error")
        };
        let url = Url::parse(address).map_err(|_| bad("this is no address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("only http and https addresses are fetched"));
        }
        if service.settings.fetch_from == FetchFrom::Loopback && !is_loopback(&url) {
            return Err(Refused::detail(
                StatusCode::FORBIDDEN,
                format!("the embedded backend fetches files from this machine only, not {address}"),
            ));
        }
        let name = url.path_segments().and_then(|mut segments| segments.next_back());
        let name = percent_decoded(name.unwrap_or_default());
        // Before anything is fetched.
        accepted(&name)?;
        let answer = client.get(url).send().await.map_err(|_| bad("the file was not fetched"))?;
        if !answer.status().is_success() {
            return Err(bad(&format!("the file was not fetched, HTTP {}", answer.status())));
        }
        if answer.content_length().is_some_and(|length| length > MAX_UPLOAD_BYTES) {
            return Err(too_large(&name));
        }
        let pieces = answer.bytes_stream();
        let pieces = pieces.map(|piece| piece.map_err(|_| bad("the file broke off")));
        files.push(store(service, session, &name, pieces).await?);
    }
    Ok(files)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

fn percent_decoded(name: &str) -> String {
    // As a form's value, the one decoder at hand; what means something only there is escaped.
    let value = name.replace('+', "%2B").replace('&', "%26");
    let form = format!("={value}");
    url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map_or_else(String::new, |(_, name)| name.into_owned())
}

fn accepted(name: &str) -> Result<FileFormat, Refused> {
    FileFormat::of(name).ok_or_else(|| {
        let message = format!(
            "`{name}` is of a type that is not supported; supported are {}",
            FileFormat::accepted()
        );
        Refused::Code(ErrorCode::UnsupportedFileType, message)
    })
}

fn too_large(name: &str) -> Refused {
    let message = format!("`{name}` is larger than 200 MB; compress or trim it");
    Refused::Code(ErrorCode::FileTooLarge, message)
}

/// Writes a file to disk as it comes in, and looks into it.
async fn store(
    service: &Shared,
    session: &Session,
    name: &str,
    pieces: impl Stream<Item = Result<Bytes, Refused>>,
) -> Result<Kept, Refused> {
    // Some browsers send a path.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let format = accepted(name)?;
    let mut incoming = service.library.receive(format)?;
    let mut pieces = std::pin::pin!(pieces);
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if incoming.size() + piece.len() as u64 > MAX_UPLOAD_BYTES {
            return Err(too_large(name));
        }
        incoming.write(&piece).await?;
    }
    let mut file = incoming.keep(session.id.clone(), name.to_owned()).await?;
    let engine = Arc::clone(&service.engine);
    let looked = tokio::task::spawn_blocking(move || {
        file.look(&*engine);
        file
    });
    looked.await.map_err(Refused::internal)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{is_loopback, percent_decoded};

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, here) in [
            ("http://127.0.0.1:9/a.png", true),
            ("http://127.9.9.9/a.png", true),
            ("http://[::1]/a.png", true),
            ("http://LOCALHOST/a.png", true),
            ("http://2130706433/a.png", true),
            ("http://169.254.169.254/a.png", false),
            ("http://localhost.example.com/a.png", false),
            ("http://10.0.0.1/a.png", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), here, "{url}");
        }
    }

    #[test]
    fn names_in_addresses_are_decoded() {
        assert_eq!(percent_decoded("a%20b+c=d&e.mp3"), "a b+c=d&e.mp3");
    }
}
