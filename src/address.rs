//! Addresses of this machine, of private networks and of the public internet; knows no other module.
//!
//! A URL that somebody else names could otherwise make this process request anything inside of its
//! network (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

#[cfg(not(target_arch = "wasm32"))]
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// Returns whether the host of a URL is on the public internet, as far as its name shows. The
/// addresses that a name resolves to are checked by [`PublicOnly`].
pub(crate) fn is_public<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Ipv4(address) => !is_inside(IpAddr::V4(*address)),
        Host::Ipv6(address) => !is_inside(IpAddr::V6(*address)),
        Host::Domain(name) => !is_local_name(name.as_ref()),
    }
}

/// Returns whether the host of a URL is this machine.
pub(crate) fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => is_local_name(name.as_ref()),
    }
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

/// Resolves host names, without the addresses of this machine and of private networks, unless the
/// host is one of those that are allowed by name.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug)]
pub(crate) struct PublicOnly {
    allowed: Vec<String>,
}

#[cfg(not(target_arch = "wasm32"))]
impl PublicOnly {
    pub(crate) fn except(allowed: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { allowed: allowed.into_iter().map(|n| n.as_ref().to_ascii_lowercase()).collect() }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let is_allowed = self.allowed.iter().any(|own| name.as_str().eq_ignore_ascii_case(own));
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> =
                found.filter(|address| is_allowed || !is_inside(address.ip())).collect();
            if public.is_empty() {
                return Err("the host has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
