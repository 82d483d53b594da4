//! Who asked: the address at the other end of the connection, or, where that is a proxy that is believed, what it says
//! (`X-Forwarded-For`, `-Proto` and `-Host`, or `Forwarded` of RFC 7239).

use axum::http::header::{self, HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Who asked, as far as it is known: an extension of every request that a handler sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its address; that of a proxy, where the proxy does not say for whom it asks.
    pub address: IpAddr,
    /// Whether it asked by `https`, as a proxy that is believed says: this server speaks plain `http`.
    pub is_https: bool,
    /// The host, and port, that it asked for, as a proxy that is believed says; None: the field `Host` tells.
    pub host: Option<String>,
    /// Whether it runs on this machine and asked without any proxy between.
    pub is_local: bool,
}

/// The proxies whose word counts.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Those of these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn believes(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who asked, by the address at the other end of the connection and the fields of the request.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        let marks = [FOR, PROTO, HOST, REAL_IP, header::FORWARDED, header::VIA];
        let is_forwarded = marks.iter().any(|name| headers.contains_key(name));
        let mut client =
            Client { address: peer, is_https: false, host: None, is_local: peer.is_loopback() && !is_forwarded };
        if !self.believes(peer) {
            return client;
        }
        let by_list = headers.contains_key(FOR).then(|| {
            let hops: Vec<_> = members(headers, &FOR).map(address).collect();
            let last = |name| members(headers, name).last();
            (self.first_unbelieved(peer, &hops), last(&PROTO), last(&HOST))
        });
        let elements: Vec<&str> = members(headers, &header::FORWARDED).collect();
        let by_standard = elements.last().map(|last| {
            let hops: Vec<_> = elements.iter().map(|element| address(parameter(element, "for")?)).collect();
            (self.first_unbelieved(peer, &hops), parameter(last, "proto"), parameter(last, "host"))
        });
        let (address, proto, host) = match (by_list, by_standard) {
            // One of the two came through a proxy that does not write it: nobody knows which.
            (Some((one, ..)), Some((other, ..))) if one != other => return client,
            (Some(told), _) | (None, Some(told)) => told,
            // Some proxies say only how it was asked.
            (None, None) => (peer, members(headers, &PROTO).last(), members(headers, &HOST).last()),
        };
        client.address = address;
        client.is_https = proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        client.host = host.filter(|host| is_host(host)).map(str::to_owned);
        client
    }

    /// The address nearest to this server that is no proxy's; None among the hops is an address that was not given. Each
    /// proxy adds who asked it at the end, so only what stands after its word is sure.
    fn first_unbelieved(&self, peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
        let mut known = peer;
        for hop in hops.iter().rev() {
            if !self.believes(known) {
                break;
            }
            match hop {
                Some(hop) => known = *hop,
                None => break,
            }
        }
        known
    }
}

/// The members of a list, over all its lines. A comma may stand in quotation marks.
fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| {
        let mut is_quoted = false;
        line.split(move |c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        })
        .map(str::trim)
    })
}

/// A parameter of an element of `Forwarded`, without quotation marks.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(given, _)| given.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    let value = values.next()?;
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address, with or without a port; version 6 may stand in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// Whether this can be a host, with or without a port.
pub(super) fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+,;=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(proxies: &[&str], peer: &str, fields: &[(&str, &str)]) -> Client {
        let networks = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        Proxies::new(networks).client(peer.parse().unwrap(), &headers)
    }

    #[test]
    fn the_client_is_who_the_believed_proxies_say() {
        const XFF: &str = "x-forwarded-for";
        let near = &["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"][..];
        for (proxies, peer, fields, expected) in [
            // Nobody is believed unless it is said.
            (&[][..], "127.0.0.1", &[(XFF, "192.0.2.1")][..], "127.0.0.1"),
            (&[], "192.0.2.9", &[("forwarded", "for=192.0.2.1")], "192.0.2.9"),
            (near, "192.0.2.9", &[(XFF, "127.0.0.1")], "192.0.2.9"),
            (near, "127.0.0.1", &[], "127.0.0.1"),
            (near, "127.0.0.1", &[(XFF, "192.0.2.1")], "192.0.2.1"),
            (near, "::ffff:127.0.0.1", &[(XFF, "::ffff:192.0.2.1")], "192.0.2.1"),
            // What a client wrote itself stands before what the proxy adds.
            (near, "127.0.0.1", &[(XFF, "198.51.100.7, 192.0.2.1")], "192.0.2.1"),
            (near, "127.0.0.1", &[(XFF, "127.0.0.1, 192.0.2.1")], "192.0.2.1"),
            (near, "127.0.0.1", &[(XFF, "198.51.100.7"), (XFF, "192.0.2.1")], "192.0.2.1"),
            (near, "127.0.0.1", &[(XFF, "198.51.100.7, 192.0.2.1, 10.1.2.3")], "192.0.2.1"),
            (near, "127.0.0.1", &[(XFF, "10.9.9.9, 10.1.2.3")], "10.9.9.9"),
            // What cannot be read ends what is known.
            (near, "127.0.0.1", &[(XFF, "192.0.2.1, unknown")], "127.0.0.1"),
            (near, "127.0.0.1", &[(XFF, "192.0.2.1, garbage, 10.1.2.3")], "10.1.2.3"),
            (near, "127.0.0.1", &[(XFF, "")], "127.0.0.1"),
            (near, "127.0.0.1", &[(XFF, "192.0.2.1:4711")], "192.0.2.1"),
            (near, "127.0.0.1", &[(XFF, "[2001:db8::1]:4711")], "2001:db8::1"),
            (near, "fd00::5", &[(XFF, "2001:db8::1")], "2001:db8::1"),
            (near, "127.0.0.1", &[("forwarded", "for=192.0.2.1;proto=https;by=10.0.0.1")], "192.0.2.1"),
            (near, "127.0.0.1", &[("forwarded", "For=\"[2001:db8::1]:4711\"")], "2001:db8::1"),
            (
                near,
                "127.0.0.1",
                &[("forwarded", "for=198.51.100.7, for=192.0.2.1"), ("forwarded", "for=10.1.2.3")],
                "192.0.2.1",
            ),
            (near, "127.0.0.1", &[("forwarded", "for=192.0.2.1, for=_hidden")], "127.0.0.1"),
            (near, "127.0.0.1", &[("forwarded", "proto=https")], "127.0.0.1"),
            // Two that say the same are believed, two that do not are not.
            (near, "127.0.0.1", &[(XFF, "192.0.2.1"), ("forwarded", "for=192.0.2.1")], "192.0.2.1"),
            (near, "127.0.0.1", &[(XFF, "192.0.2.1"), ("forwarded", "for=198.51.100.7")], "127.0.0.1"),
        ] {
            assert_eq!(client(proxies, peer, fields).address, expected.parse::<IpAddr>().unwrap(), "{peer} {fields:?}");
        }
    }

    #[test]
    fn the_scheme_and_the_host_come_from_the_nearest_proxy_and_local_is_without_one() {
        let (proto, host) = ("x-forwarded-proto", "x-forwarded-host");
        let told =
            client(&["127.0.0.1/32"], "127.0.0.1", &[(proto, "http, https"), (host, "evil.example, flux.example.fr")]);
        assert_eq!((told.is_https, told.host.as_deref(), told.is_local), (true, Some("flux.example.fr"), false));
        let told = client(
            &["127.0.0.1/32"],
            "127.0.0.1",
            &[("forwarded", "for=192.0.2.1;proto=https;host=\"flux.example.fr:8443\"")],
        );
        assert_eq!((told.is_https, told.host.as_deref(), told.is_local), (true, Some("flux.example.fr:8443"), false));
        let told = client(&[], "127.0.0.1", &[(proto, "https"), (host, "evil.example")]);
        assert_eq!((told.is_https, told.host), (false, None));
        let told = client(&["127.0.0.1/32"], "127.0.0.1", &[(host, "a b<script>")]);
        assert_eq!(told.host, None);
        // A proxy that is not believed makes nobody local, and neither does one that hides for whom it asks.
        for fields in [
            &[("x-forwarded-for", "192.0.2.1")][..],
            &[("via", "1.1 cache")],
            &[("x-real-ip", "127.0.0.1")],
            &[("forwarded", "for=_x")],
        ] {
            for proxies in [&[][..], &["127.0.0.1/32"]] {
                assert!(!client(proxies, "127.0.0.1", fields).is_local, "{fields:?}");
            }
        }
        assert!(client(&[], "::1", &[]).is_local && !client(&[], "192.0.2.1", &[]).is_local);
    }
}
