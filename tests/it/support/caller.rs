//! A caller of the embedded backend with nothing but HTTP: no part of the crate's own client.

use nemovideo::local::LocalBackend;
use reqwest::multipart::Form;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) const SCRIPT: &str = "The sky is blue, and there is a reason. Short waves scatter more.";

pub(crate) fn client() -> Client {
    client_builder().build().unwrap()
}

pub(crate) fn client_builder() -> ClientBuilder {
    // Of no use for plain HTTP, but reqwest requires some. Another test may have been here before.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy()
}

pub(crate) fn message(session: &str, text: &str) -> Value {
    json!({"app_name": "nemo_agent", "user_id": "me", "session_id": session,
        "new_message": {"parts": [{"text": text}]}})
}

#[derive(Clone)]
pub(crate) struct Caller {
    http: Client,
    url: String,
    pub(crate) token: String,
    pub(crate) user: String,
    attributed: bool,
}

pub(crate) struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl ApiResponse {
    pub(crate) async fn of(response: Response) -> Self {
        let content_type = response.headers().get("content-type");
        Self {
            status: response.status().as_u16(),
            content_type: content_type.map_or("", |value| value.to_str().unwrap()).to_owned(),
            body: serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
        }
    }

    pub(crate) fn code(&self) -> i64 {
        self.body["code"].as_i64().unwrap_or_else(|| panic!("no code in {}", self.body))
    }

    pub(crate) fn data(&self, key: &str) -> String {
        let value = self.body["data"][key].as_str();
        value.unwrap_or_else(|| panic!("no {key} in {}", self.body)).to_owned()
    }
}

pub(crate) struct Stream {
    pub(crate) raw: String,
    pub(crate) events: Vec<Value>,
}

impl Stream {
    fn of(raw: String) -> Self {
        let data = raw.lines().filter_map(|line| line.strip_prefix("data: "));
        let events = data.map(|data| serde_json::from_str(data).unwrap()).collect();
        Self { raw, events }
    }

    fn parts(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().flat_map(|event| event["content"]["parts"].as_array()).flatten()
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        self.parts().filter_map(|part| part["text"].as_str()).collect()
    }

    pub(crate) fn calls(&self) -> Vec<&str> {
        self.parts().filter_map(|part| part["functionCall"]["name"].as_str()).collect()
    }

    pub(crate) fn drafts(&self) -> Vec<Value> {
        let drafts = self.events.iter().map(|event| &event["actions"]["stateDelta"]["draft"]);
        drafts.filter(|draft| draft.is_object()).cloned().collect()
    }
}

impl Caller {
    pub(crate) async fn new(backend: &LocalBackend, client_id: &str) -> Self {
        let mut caller = Self::with_token(backend, "");
        let url = format!("{}/api/auth/anonymous-token", caller.url);
        let response = caller.http.post(url).header("X-Client-Id", client_id).send().await.unwrap();
        let response = ApiResponse::of(response).await;
        caller.token = response.data("token");
        caller.user = response.data("user_id");
        caller
    }

    pub(crate) fn with_token(backend: &LocalBackend, token: &str) -> Self {
        Self {
            http: client(),
            url: backend.url().to_owned(),
            token: token.to_owned(),
            user: String::new(),
            attributed: true,
        }
    }

    pub(crate) fn without_attribution(&self) -> Self {
        Self { attributed: false, ..self.clone() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token).header("X-Skill-Source", "tests");
        if !self.attributed {
            return request;
        }
        request.header("X-Skill-Version", "1.0").header("X-Skill-Platform", "unknown")
    }

    pub(crate) async fn get(&self, path: &str) -> ApiResponse {
        ApiResponse::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> ApiResponse {
        self.post_text(path, &body.to_string()).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: &str) -> ApiResponse {
        let request = self.request(Method::POST, path);
        let request = request.header("Content-Type", "application/json").body(body.to_owned());
        ApiResponse::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn upload(&self, session: &str, form: Form) -> ApiResponse {
        let path = format!("/api/upload-video/nemo_agent/me/{session}");
        ApiResponse::of(self.request(Method::POST, &path).multipart(form).send().await.unwrap())
            .await
    }

    pub(crate) async fn session(&self) -> String {
        let path = "/api/tasks/me/with-session/nemo_agent";
        self.post(path, &json!({"task_name": "project"})).await.data("session_id")
    }

    /// The response to a message, its body unread.
    pub(crate) async fn open(&self, request: &Value) -> Response {
        let response =
            self.request(Method::POST, "/run_sse").body(request.to_string()).send().await.unwrap();
        assert!(
            response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream")
        );
        response
    }

    pub(crate) async fn stream(&self, request: &Value) -> Stream {
        Stream::of(self.open(request).await.text().await.unwrap())
    }

    pub(crate) async fn say(&self, session: &str, text: &str) -> Stream {
        self.stream(&message(session, text)).await
    }

    pub(crate) async fn credits(&self) -> (f64, f64) {
        let response = self.get("/api/credits/balance/simple").await;
        let amount = |key: &str| response.body["data"][key].as_f64().unwrap();
        assert_eq!(amount("total"), amount("available") + amount("frozen"));
        (amount("available"), amount("frozen"))
    }

    pub(crate) async fn draft(&self, session: &str) -> Value {
        let path = format!("/api/state/nemo_agent/me/{session}/latest");
        self.get(&path).await.body["data"]["state"]["draft"].clone()
    }

    /// The last state of a render. Asking again and again is the waiting.
    pub(crate) async fn rendered(&self, id: &str) -> Value {
        loop {
            let state = self.get(&format!("/api/render/proxy/lambda/{id}")).await.body;
            if !matches!(state["status"].as_str(), Some("pending" | "processing")) {
                return state;
            }
            tokio::task::yield_now().await;
        }
    }
}
