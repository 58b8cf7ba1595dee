//! The URLs that a finished file may be downloaded from.
//!
//! The service names the URL of a video, so an attacker who responds in its place could have this
//! client request anything (server-side request forgery). A URL is allowed if
//!
//! - its scheme is `https`, or `http` if the API's is;
//! - its host is the API's host, or one outside of this machine and its private networks:
//!   neither by name (`localhost`, an IP address) nor by the address that it resolves to;
//! - the same holds for every redirect, of which five are followed.

use reqwest::redirect::Policy;
use url::Url;

use crate::address::is_public;
use crate::error::{Error, Result};

/// The number of redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Returns the URL of a file, which may be relative to the API's.
///
/// # Errors
/// [`Error::InvalidInput`] for a URL that is not allowed.
pub(super) fn file_url(base: &Url, url: &str) -> Result<Url> {
    let invalid = |why: &str| Error::InvalidInput(format!("the file's URL {why}"));
    let url = base.join(url).map_err(|error| invalid(&format!("cannot be parsed: {error}")))?;
    check(base, &url).map_err(invalid)?;
    Ok(url)
}

/// Returns a policy that follows redirects to allowed URLs only.
pub(super) fn redirects(base: Url) -> Policy {
    Policy::custom(move |attempt| {
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error("too many redirects");
        }
        match check(&base, attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(why) => attempt.error(format!("the redirect's URL {why}")),
        }
    })
}

fn check(base: &Url, url: &Url) -> Result<(), &'static str> {
    match url.scheme() {
        "https" => {}
        "http" if base.scheme() == "http" => {}
        "http" => return Err("is plain http, which the API's is not"),
        _ => return Err("is neither http nor https"),
    }
    if url.host() == base.host() {
        return Ok(());
    }
    match url.host() {
        None => Err("has no host"),
        Some(host) if is_public(&host) => Ok(()),
        Some(_) => Err("is inside of this machine or its private network"),
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::file_url;

    fn allowed(base: &str, url: &str) -> bool {
        file_url(&Url::parse(base).unwrap(), url).is_ok()
    }

    #[test]
    fn a_file_is_at_the_apis_host_or_on_the_public_internet() {
        let cloud = "https://api.test";
        for url in [
            "https://cdn.test/x.mp4?sig=1",
            "/files/x.mp4",
            "https://8.8.8.8/x",
            "https://api.test:8443/x",
            "https://[2606:4700::1111]/x",
            "https://[64:ff9b::8.8.8.8]/x",
            "https://[::ffff:8.8.8.8]/x",
            "https://192.0.1.1/x",
            "https://198.20.0.1/x",
        ] {
            assert!(allowed(cloud, url), "{url}");
        }
        for url in [
            "http://cdn.test/x.mp4",
            "file:///etc/passwd",
            "ftp://cdn.test/x",
            "data:video/mp4;base64,AA",
            "javascript:alert(1)",
            "https://127.0.0.1/x",
            "https://localhost/x",
            "https://a.localhost./x",
            "https://10.1.2.3/x",
            "https://192.168.1.1/x",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/x",
            "https://0.0.0.0/x",
            "https://[::1]/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://[fd00::1]/x",
            "https://172.31.255.255/x",
            "https://192.0.0.8/x",
            "https://192.0.2.1/x",
            "https://198.19.255.255/x",
            "https://224.0.0.251/x",
            "https://240.0.0.1/x",
            "https://255.255.255.255/x",
            "https://[64:ff9b::10.0.0.1]/x",
            "https://[64:ff9b::a9fe:a9fe]/x",
            "https://[64:ff9b:1::1]/x",
            "https://[::127.0.0.1]/x",
            "https://[::ffff:0:7f00:1]/x",
            "https://[2002:7f00:1::]/x",
            "https://[2001::1]/x",
            "https://[2001:db8::1]/x",
            "https://[fe80::1]/x",
            "https://[fec0::1]/x",
            "https://[ff02::1]/x",
            "https://[100::1]/x",
            "https://2130706433/x",
            "https://",
        ] {
            assert!(!allowed(cloud, url), "{url}");
        }
    }

    #[test]
    fn an_embedded_backend_serves_its_own_files_and_no_other_machines() {
        let local = "http://127.0.0.1:8787";
        assert!(allowed(local, "http://127.0.0.1:9000/x.mp4"));
        assert!(allowed(local, "https://cdn.test/x.mp4"));
        assert!(!allowed(local, "http://192.168.1.1/x.mp4"));
    }
}
