//! The page to watch the backend: its data, and the routes that serve it. What is said in a session is
//! in its [`log`]. The page shows what the backend has, and changes nothing: it meets no fault, and no
//! counter but that of connections counts it.
//!
//! The page polls. An open stream for each tab would take a connection, of which a browser opens six
//! to a server, and a shutdown would wait for it.

mod log;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::endpoints::send_file;
use super::renders::Render;
use super::response::{PathParams, Rejected};
use super::server::SharedService;
use super::sessions::LocalSession;
use crate::draft::{Draft, PictureStyle, PictureTheme, TrackRole};
use crate::protocol::{Credits, RenderFormat, SessionId};
use log::{LogEntry, bounded, millis};
pub(crate) use log::{MAX_SESSIONS, SessionLog, TurnLog, Watch};

/// The accounts that are listed, and the renders of a session: the newest.
const MAX_ACCOUNTS: usize = 50;
const MAX_RENDERS: usize = 50;
/// The bytes of the subtitles that are kept for a video. Six hours, the longest, have half of it.
const MAX_SUBTITLE_BYTES: usize = 1024 * 1024;

/// Nothing but the files of the page itself runs, and no other page shows it.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// An image has its styles in itself. Opened as a page, it runs no script all the same.
const IMAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0f766e"/><path d="M12 9.5v13l11-6.5z" fill="#fff"/></svg>"##;

/// The subtitles of a video, taken from the draft that it shows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WatchedSubtitles {
    vtt: String,
    /// Whether the video itself shows them.
    is_captioned: bool,
}

impl WatchedSubtitles {
    /// Returns those of a draft; `None` if it has no text for them.
    pub(crate) fn of(draft: &Draft) -> Option<Self> {
        let vtt = draft.to_vtt().filter(|vtt| vtt.len() <= MAX_SUBTITLE_BYTES)?;
        let is_captioned = draft.tracks().any(|track| {
            track.role() == Some(TrackRole::Captions) && track.segments().next().is_some()
        });
        Some(Self { vtt, is_captioned })
    }
}

/// What the page shows. No token is in it, and of an id only what tells it from others.
#[derive(Debug, Serialize)]
struct PageData {
    url: String,
    accounts: Vec<AccountData>,
    /// The number of accounts and of sessions that are not listed.
    more_accounts: usize,
    more_sessions: usize,
    sessions: Vec<SessionData>,
    shown: Option<ShownSession>,
}

#[derive(Debug, Serialize)]
struct AccountData {
    name: String,
    available: Credits,
    frozen: Credits,
    taken: Credits,
}

#[derive(Debug, Serialize)]
struct SessionData {
    id: String,
    name: String,
    account: String,
    is_busy: bool,
    renders: usize,
    /// Milliseconds since 1970; 0 if nothing has happened since the backend was started.
    at: u64,
}

#[derive(Debug, Serialize)]
struct ShownSession {
    id: String,
    /// The number of entries that are not kept.
    omitted: u64,
    is_open: bool,
    entries: Vec<LogEntry>,
    timeline: Option<TimelineData>,
    renders: Vec<RenderData>,
}

#[derive(Debug, Serialize)]
struct TimelineData {
    version: u64,
    summary: String,
}

#[derive(Debug, Serialize)]
struct RenderData {
    n: usize,
    format: RenderFormat,
    status: String,
    progress: f32,
    error: Option<String>,
    seconds: Option<f64>,
    size: Option<u64>,
    at: u64,
    name: Option<String>,
    has_subtitles: bool,
    is_captioned: bool,
}

/// Returns what tells an id from others.
fn short(id: &str) -> String {
    let start = id.find('_').map_or(0, |at| at + 1);
    id.chars().take(start + 8).collect()
}

fn find_session(service: &SharedService, id: &str) -> Option<Arc<LocalSession>> {
    service.sessions.all().into_iter().find(|session| short(session.id.as_str()) == id)
}

/// Returns those renders that are of a session, the oldest first.
fn renders_of(session: &SessionId, mut renders: Vec<Arc<Render>>) -> Vec<Arc<Render>> {
    renders.retain(|render| render.session == *session);
    renders.sort_by_cached_key(|render| {
        let state = render.state();
        (state.created_at, state.id)
    });
    renders
}

fn page_data(service: &SharedService, watch: &Watch, wanted: Option<&str>) -> PageData {
    let renders = service.renders.all();
    let mut counts: HashMap<&SessionId, (usize, usize)> = HashMap::new();
    for render in &renders {
        let (count, active) = counts.entry(&render.session).or_default();
        *count += 1;
        *active += usize::from(!render.state().status.is_final());
    }
    let mut sessions = service.sessions.all();
    let sessions_count = sessions.len();
    let listed: Vec<SessionData> = {
        let logs = watch.logs();
        let began = |session: &LocalSession| logs.get(&session.id).map(|log| log.began);
        sessions.sort_by_cached_key(|session| Reverse((began(session), session.id.clone())));
        sessions.truncate(MAX_SESSIONS);
        let data = |session: &Arc<LocalSession>| {
            let log = logs.get(&session.id);
            let (count, active) = counts.get(&session.id).copied().unwrap_or_default();
            SessionData {
                id: short(session.id.as_str()),
                name: bounded(&session.name),
                account: short(session.user.as_str()),
                is_busy: active > 0 || log.is_some_and(|log| log.open > 0),
                renders: count,
                at: log.map_or(0, |log| millis(log.touched)),
            }
        };
        sessions.iter().map(data).collect()
    };

    let mut accounts = service.accounts.all();
    let accounts_count = accounts.len();
    // Those of the newest sessions first.
    let mut place = HashMap::new();
    for session in &sessions {
        let next = place.len();
        place.entry(&session.user).or_insert(next);
    }
    accounts.sort_by_cached_key(|account| {
        (place.get(&account.user).copied().unwrap_or(usize::MAX), account.user.clone())
    });
    accounts.truncate(MAX_ACCOUNTS);
    let accounts = accounts.iter().map(|account| {
        let balance = account.ledger.balance();
        AccountData {
            name: short(account.user.as_str()),
            available: balance.available,
            frozen: balance.frozen,
            taken: account.ledger.taken(),
        }
    });
    let shown = wanted.and_then(|id| sessions.iter().find(|it| short(it.id.as_str()) == id));
    let shown = shown.or(sessions.first()).map(|session| {
        let renders = renders_of(&session.id, renders);
        shown_session(session, &renders, watch)
    });
    PageData {
        url: service.url.clone(),
        accounts: accounts.collect(),
        more_accounts: accounts_count.saturating_sub(MAX_ACCOUNTS),
        more_sessions: sessions_count.saturating_sub(MAX_SESSIONS),
        sessions: listed,
        shown,
    }
}

fn shown_session(session: &LocalSession, renders: &[Arc<Render>], watch: &Watch) -> ShownSession {
    let first = renders.len().saturating_sub(MAX_RENDERS);
    let renders = renders.iter().enumerate().skip(first).map(|(n, render)| render_data(n, render));
    let renders = renders.collect();

    let logs = watch.logs();
    let log = logs.get(&session.id);
    let entries: Vec<LogEntry> =
        log.map(|log| log.entries.iter().cloned().collect()).unwrap_or_default();
    let (is_open, version) = log.map_or((false, 0), |log| (log.open > 0, log.changes));
    let known = log.and_then(|log| log.summary.clone()).filter(|(of, _)| *of == version);
    drop(logs);
    let summary = known.map(|(_, summary)| summary).or_else(|| {
        let summary = session.work().draft?.summary();
        let mut logs = watch.logs();
        logs.entry(session.id.clone()).or_default().summary = Some((version, summary.clone()));
        Some(summary)
    });
    ShownSession {
        id: short(session.id.as_str()),
        omitted: entries.first().map_or(0, |entry| entry.n),
        is_open,
        entries,
        timeline: summary.map(|summary| TimelineData { version, summary }),
        renders,
    }
}

fn render_data(n: usize, render: &Render) -> RenderData {
    let state = render.state();
    let file = render.file();
    let subtitles = file.as_ref().and(render.subtitles.get());
    RenderData {
        n,
        format: render.format.clone(),
        status: state.status.to_string(),
        progress: state.progress.unwrap_or_default(),
        error: state.error,
        seconds: state.duration.map(|duration| duration.as_secs_f64()),
        size: state.size,
        at: state.created_at.map_or(0, millis),
        name: file.map(|file| file.name.clone()),
        has_subtitles: subtitles.is_some(),
        is_captioned: render.format == RenderFormat::Mp4
            && subtitles.is_some_and(|subtitles| subtitles.is_captioned),
    }
}

/// Returns the routes of the page. They accept GET and HEAD alone.
pub(crate) fn routes() -> Router<SharedService> {
    const PAGE: &str = include_str!("watch/page.html");
    const STYLE: &str = include_str!("watch/page.css");
    const SCRIPT: &str = include_str!("watch/page.js");
    let text = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/", text("text/html; charset=utf-8", PAGE))
        .route("/watch/page.css", text("text/css; charset=utf-8", STYLE))
        .route("/watch/page.js", text("text/javascript; charset=utf-8", SCRIPT))
        .route("/watch/icon.svg", text("image/svg+xml", ICON))
        .route("/watch/data", get(send_data))
        .route("/watch/{session}/timeline.svg", get(send_timeline))
        .route("/watch/{session}/{render}/file", get(send_video))
        .route("/watch/{session}/{render}/subtitles.vtt", get(send_subtitles))
        .route_layer(middleware::from_fn(guard))
}

/// Keeps the page and its data from pages of other sites, which may send requests to it, embed it or
/// open it. That of another port is another site here; `Host` and `Origin` were checked before.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = if is_own(request.uri(), request.headers()) {
        next.run(request).await
    } else {
        let what = "the page to watch the backend is read by itself only";
        Rejected::detail(StatusCode::FORBIDDEN, what).into_response()
    };
    let is_image =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|it| it == "image/svg+xml");
    let policy = if is_image { IMAGE_POLICY } else { PAGE_POLICY };
    for (name, value) in [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

/// Returns whether a request is of the page itself, of a program, or a link to the page.
fn is_own(uri: &Uri, headers: &HeaderMap) -> bool {
    let is = |name: &str, values: &[&str]| {
        headers.get(name).is_none_or(|value| values.iter().any(|it| *value == **it))
    };
    let is_link = uri.path() == "/" && is("sec-fetch-dest", &["document"]);
    is_link || is("sec-fetch-site", &["same-origin", "none"])
}

#[derive(Debug, Deserialize)]
struct DataQuery {
    session: Option<String>,
}

/// Sends the data of the page, or a 304 if it has not changed.
async fn send_data(
    State(service): State<SharedService>,
    Query(query): Query<DataQuery>,
    headers: HeaderMap,
) -> Result<Response, Rejected> {
    let body = blocking(move || {
        let watch = service.watch.as_ref().ok_or_else(Rejected::not_found)?;
        let data = page_data(&service, watch, query.session.as_deref());
        serde_json::to_string(&data).map_err(Rejected::internal)
    });
    let body = body.await?;
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = (header::CONTENT_TYPE, "application/json".to_owned());
    Ok(([kind, (header::ETAG, tag)], body).into_response())
}

#[derive(Debug, Deserialize)]
struct TimelineQuery {
    width: Option<u32>,
    theme: Option<String>,
}

async fn send_timeline(
    State(service): State<SharedService>,
    PathParams(session): PathParams<String>,
    Query(query): Query<TimelineQuery>,
) -> Result<Response, Rejected> {
    let mut style = PictureStyle::default();
    if let Some(width) = query.width {
        style = style.with_width(width);
    }
    style = match query.theme.as_deref() {
        Some("light") => style.with_theme(PictureTheme::Light),
        Some("dark") => style.with_theme(PictureTheme::Dark),
        _ => style,
    };
    let image = blocking(move || {
        let draft = find_session(&service, &session).and_then(|session| session.work().draft);
        Ok(draft.ok_or_else(Rejected::not_found)?.to_svg(&style))
    });
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], image.await?).into_response())
}

fn find_render(service: &SharedService, session: &str, n: usize) -> Result<Arc<Render>, Rejected> {
    let session = find_session(service, session).ok_or_else(Rejected::not_found)?;
    let renders = renders_of(&session.id, service.renders.all());
    renders.into_iter().nth(n).ok_or_else(Rejected::not_found)
}

async fn send_video(
    State(service): State<SharedService>,
    PathParams((session, render)): PathParams<(String, usize)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Rejected> {
    let file = find_render(&service, &session, render)?.file().ok_or_else(Rejected::not_found)?;
    send_file(&file, &method, &headers, None).await
}

async fn send_subtitles(
    State(service): State<SharedService>,
    PathParams((session, render)): PathParams<(String, usize)>,
) -> Result<Response, Rejected> {
    let render = find_render(&service, &session, render)?;
    let subtitles = render.subtitles.get().ok_or_else(Rejected::not_found)?;
    Ok(([(header::CONTENT_TYPE, "text/vtt; charset=utf-8")], subtitles.vtt.clone()).into_response())
}

/// Runs what may take long with a large draft.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Rejected> + Send + 'static,
) -> Result<T, Rejected> {
    tokio::task::spawn_blocking(work).await.map_err(Rejected::internal)?
}
