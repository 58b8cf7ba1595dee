//! The HTTP client of the platform: reqwest's own, and in WebAssembly, where reqwest is a shell
//! around `fetch`, what the calls need of it beyond that.

pub(crate) use platform::{Response, execute, is_connect};

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    pub(crate) use reqwest::Response;
    use reqwest::{Client, Error, Request};

    pub(crate) fn execute(
        client: &Client,
        request: Request,
    ) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        client.execute(request)
    }

    /// Returns whether the service was surely not reached.
    pub(crate) fn is_connect(error: &Error) -> bool {
        error.is_connect()
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use std::fmt;

    use bytes::Bytes;
    use futures::StreamExt as _;
    use futures::stream::LocalBoxStream;
    use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
    use reqwest::{Client, Error, Request, StatusCode};
    use send_wrapper::SendWrapper;

    /// A response of `fetch`. What belongs to JavaScript is in a wrapper that is [`Send`] and panics
    /// in another thread, of which there are none: so each type is as it is elsewhere.
    pub(crate) struct Response {
        status: StatusCode,
        headers: HeaderMap,
        body: Chunks,
    }

    pub(crate) type Chunks = SendWrapper<LocalBoxStream<'static, Result<Bytes, Error>>>;

    /// Sends a request. The future aborts it when it is dropped.
    pub(crate) fn execute(
        client: &Client,
        request: Request,
    ) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        let sent = client.execute(request);
        SendWrapper::new(async move {
            let mut response = sent.await?;
            let (status, mut headers) = (response.status(), std::mem::take(response.headers_mut()));
            // `fetch` decodes the body and keeps the headers of the encoded one.
            if headers.remove(CONTENT_ENCODING).is_some() {
                headers.remove(CONTENT_LENGTH);
            }
            let body = SendWrapper::new(response.bytes_stream().boxed_local());
            Ok(Response { status, headers, body })
        })
    }

    /// Returns whether the service was surely not reached, which `fetch` does not tell.
    pub(crate) fn is_connect(_: &Error) -> bool {
        false
    }

    impl fmt::Debug for Response {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
        }
    }

    impl Response {
        pub(crate) fn status(&self) -> StatusCode {
            self.status
        }

        pub(crate) fn headers(&self) -> &HeaderMap {
            &self.headers
        }

        pub(crate) fn content_length(&self) -> Option<u64> {
            self.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
        }

        pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
            self.body.next().await.transpose()
        }

        pub(crate) fn bytes_stream(self) -> Chunks {
            self.body
        }
    }
}
