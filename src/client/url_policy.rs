//! The URLs that a finished file may be downloaded from.
//!
//! The service names the URL of a video, so an attacker who responds in its place could have this
//! client request anything (server-side request forgery). A URL is allowed if
//!
//! - its scheme is `https`, or `http` if the API's is;
//! - its host is the API's host, or one outside of this machine and its private networks:
//!   neither by name (`localhost`, an IP address) nor by the address that it resolves to;
//! - the same holds for every redirect, of which five are followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::{Host, Url};

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
    let inside = match url.host() {
        Some(Host::Ipv4(address)) => is_inside(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_inside(IpAddr::V6(address)),
        Some(Host::Domain(name)) => is_local_name(name),
        None => return Err("has no host"),
    };
    if inside { Err("is inside of this machine or its private network") } else { Ok(()) }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// IPv4 networks that are not on the public internet, each with the length of its prefix, from the
/// [IANA registry](https://www.iana.org/assignments/iana-ipv4-special-registry) of special-purpose
/// addresses and the multicast range.
const INSIDE_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10), // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local, such as the metadata of cloud providers
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),   // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),   // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];

/// IPv6 networks that are not on the public internet, as [`INSIDE_V4`], from the
/// [registry](https://www.iana.org/assignments/iana-ipv6-special-registry). Those that embed an IPv4
/// address are in [`embedded_v4`].
const INSIDE_V6: [(Ipv6Addr, u32); 13] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96), // unspecified, loopback, IPv4-compatible
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96), // IPv4-translated
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48), // local NAT64
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 32), // discard only, dummy
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16), // segment routing
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7), // unique local
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), // link-local
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10), // site-local, deprecated
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), // multicast
];

/// Returns whether an address is not on the public internet.
fn is_inside(address: IpAddr) -> bool {
    let v6 = match address {
        IpAddr::V4(v4) => return is_inside_v4(v4),
        IpAddr::V6(v6) => v6,
    };
    match embedded_v4(v6) {
        Some(v4) => is_inside_v4(v4),
        None => INSIDE_V6.iter().any(|(network, prefix)| {
            (v6.to_bits() ^ network.to_bits()) >> (u128::BITS - prefix) == 0
        }),
    }
}

fn is_inside_v4(address: Ipv4Addr) -> bool {
    INSIDE_V4.iter().any(|(network, prefix)| {
        (address.to_bits() ^ network.to_bits()) >> (u32::BITS - prefix) == 0
    })
}

/// Returns the IPv4 address that a connection to this address leads to: of an IPv4-mapped address,
/// and of one that NAT64 translates (RFC 6052).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => address.to_ipv4_mapped(),
    }
}

/// Resolves host names for file downloads, without the addresses inside of this machine and its
/// private networks, unless the host is the API's.
#[derive(Debug)]
pub(super) struct PublicOnly {
    api_host: String,
}

impl PublicOnly {
    pub(super) fn new(base: &Url) -> Self {
        Self { api_host: base.host_str().unwrap_or_default().to_ascii_lowercase() }
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let own = name.as_str().eq_ignore_ascii_case(&self.api_host);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| own || !is_inside(address.ip())).collect();
            if allowed.is_empty() {
                return Err("the file's host has no public address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
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
