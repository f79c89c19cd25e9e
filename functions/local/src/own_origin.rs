//! Tells requests of this machine's own programs and pages from those of foreign pages, also after DNS rebinding.
//! Every server of the bundle uses it; it authenticates nobody.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// The names of a server on loopback.
#[derive(Debug, Clone)]
pub(crate) struct OwnOrigin {
    authorities: [String; 3],
}

impl OwnOrigin {
    /// Returns the names of the server on this port.
    pub(crate) fn at(port: u16) -> Self {
        Self { authorities: ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}")) }
    }

    /// Whether a request was made by a program, by a page of this server or from the address bar: its `Host` is a name of
    /// the server, it was not relayed, and no other origin is named.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else {
            return false;
        };
        let is_own = self.authorities.iter().any(|own| own.eq_ignore_ascii_case(host));
        let is_relayed = headers.keys().any(|name| name.as_str().contains("forwarded"));
        let origins = headers.get_all(ORIGIN).iter().map(|value| value.to_str().unwrap_or_default());
        let is_from_here = origins.into_iter().all(|origin| origin == format!("http://{host}"));
        let sites = headers.get_all("sec-fetch-site").iter();
        let is_asked_here = sites.into_iter().all(|site| site == "same-origin" || site == "none");
        is_own && !is_relayed && is_from_here && is_asked_here
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::OwnOrigin;

    #[test]
    fn only_own_names_and_origins_are_admitted() {
        let rows: [(&[(&str, &str)], bool); 19] = [
            (&[("host", "127.0.0.1:80")], true),
            (&[("host", "localhost:80")], true),
            (&[("host", "LOCALHOST:80")], true),
            (&[("host", "[::1]:80")], true),
            (&[], false),
            (&[("host", "127.0.0.1")], false),
            (&[("host", "127.0.0.1:81")], false),
            (&[("host", "127.0.0.1:80.evil.example")], false),
            (&[("host", "evil.example:80")], false),
            (&[("host", "127.0.0.1:80"), ("host", "evil.example")], false),
            (&[("host", "localhost:80"), ("origin", "http://localhost:80")], true),
            (&[("host", "localhost:80"), ("origin", "http://127.0.0.1:80")], false),
            (&[("host", "localhost:80"), ("origin", "https://localhost:80")], false),
            (&[("host", "localhost:80"), ("origin", "null")], false),
            (&[("host", "localhost:80"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "localhost:80"), ("sec-fetch-site", "none")], true),
            (&[("host", "localhost:80"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "localhost:80"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "localhost:80"), ("x-forwarded-for", "192.0.2.1")], false),
        ];

        for (named, is_admitted) in rows {
            let mut headers = HeaderMap::new();
            for (name, value) in named {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(OwnOrigin::at(80).admits(&headers), is_admitted, "{named:?}");
        }
    }
}
