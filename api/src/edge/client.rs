//! Who is at the other end of the connection: the peer, or, behind proxies that are trusted, the address they tell.
//!
//! Only what trusted proxies added to `X-Forwarded-For` counts: the list is read from its end, and the first address
//! that is no trusted proxy is the client's. What stands before it, the client may have made up.

use ipnetwork::IpNetwork;
use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderName, Method, uri::Scheme},
};
use std::{net::IpAddr, sync::Arc};

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// More hops are made up.
const MOST_HOPS: usize = 32;

/// The client's address, if the connection has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

/// Whether the client came under TLS, ours or a trusted proxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsSecure(pub bool);

/// Whether only the head of the answer was asked for: routes answer it as they do a GET, and are told it was one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsHead(pub bool);

/// Finds the client's address, for everything behind.
pub async fn located<E>(next: Arc<E>, mut request: Request, proxies: Arc<[IpNetwork]>) -> Result<Response>
where
    E: Endpoint<Output = Response>,
{
    let peer = request.remote_addr().as_socket_addr().map(|address| address.ip().to_canonical());
    let forwarded = request.headers().get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let client = peer.map(|peer| behind(peer, &forwarded.collect::<Vec<_>>().join(","), &proxies));
    let told = request.header(FORWARDED_PROTO).is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
    let is_proxy = peer.is_some_and(|peer| proxies.iter().any(|network| network.contains(peer)));
    let is_secure = *request.scheme() == Scheme::HTTPS || (told && is_proxy);
    request.set_data(IsHead(request.method() == Method::HEAD));
    request.set_data(IsSecure(is_secure));
    request.set_data(ClientAddress(client));
    next.call(request).await
}

fn behind(peer: IpAddr, forwarded: &str, proxies: &[IpNetwork]) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut client = peer;
    for hop in forwarded.rsplit(',').take(MOST_HOPS).map(str::trim) {
        if !is_proxy(client) {
            break;
        }
        // a proxy that tells nothing readable is as far as can be known
        let Some(address) = parsed(hop) else { break };
        client = address;
    }
    client
}

/// `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn parsed(hop: &str) -> Option<IpAddr> {
    let address = hop.parse().ok().or_else(|| hop.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &str) -> String {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()];
        behind(peer.parse().unwrap(), forwarded, &proxies).to_string()
    }

    #[test]
    fn what_a_stranger_tells_does_not_count() {
        assert_eq!(client("203.0.113.7", "198.51.100.1"), "203.0.113.7");
        assert_eq!(client("203.0.113.7", ""), "203.0.113.7");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        assert_eq!(client("10.0.0.1", "203.0.113.7"), "203.0.113.7");
        assert_eq!(client("10.0.0.1", "1.2.3.4, 203.0.113.7, 10.9.9.9"), "203.0.113.7");
        assert_eq!(client("10.0.0.1", "203.0.113.7:4711"), "203.0.113.7");
        assert_eq!(client("2001:db8:1::1", "[2001:db8:2::1]:4711"), "2001:db8:2::1");
        assert_eq!(client("10.0.0.1", "nonsense"), "10.0.0.1");
        assert_eq!(client("10.0.0.1", "203.0.113.7, unknown"), "10.0.0.1");
        assert_eq!(client("10.0.0.1", ""), "10.0.0.1");
    }
}
