//! Service URLs: validated URLs of a conversation's connector (`serviceUrl` of an activity).
//! Does not check that the host is trusted; [`crate::protocol::cloud::Cloud::allows_host`] does.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Maximum length of a service URL, in bytes.
pub const MAX_SERVICE_URL_BYTES: usize = 1024;

/// A service URL that is safe for a bearer token, if its host is trusted.
///
/// It is `https` (or `http` on the loopback interface), has a host without user, query or fragment, and is in normal
/// form: `https://a\@b/` and full-width dots are rejected.
///
/// # Examples
///
/// ```
/// use herald::protocol::service_url::ServiceUrl;
///
/// let url = ServiceUrl::new("https://smba.trafficmanager.net/emea/")?;
/// assert_eq!(url.authority(), "smba.trafficmanager.net");
/// assert!(ServiceUrl::new("http://smba.trafficmanager.net/emea/").is_err());
/// # Ok::<(), herald::protocol::service_url::InvalidServiceUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceUrl(Url);

/// Why a string is not a valid service URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServiceUrl {
    /// The string is longer than [`MAX_SERVICE_URL_BYTES`].
    #[error("service URL is longer than {MAX_SERVICE_URL_BYTES} bytes")]
    TooLong,
    /// The string is not a URL.
    #[error("service URL is not a URL")]
    NotAUrl,
    /// The scheme is neither `https` nor `http` on the loopback interface.
    #[error("service URL must be https")]
    NotHttps,
    /// The URL has a user, a password, a query or a fragment.
    #[error("service URL must be a host and a path only")]
    NotPlain,
    /// The host is an IP address other than loopback.
    #[error("service URL must name a host, not an address")]
    Address,
    /// The URL is not in normal form, or its path has other than unreserved characters.
    #[error("service URL is not in its normal spelling")]
    Spelling,
}

impl ServiceUrl {
    /// Validates `url`.
    ///
    /// # Errors
    ///
    /// [`InvalidServiceUrl`] when the URL breaks one of its rules.
    pub fn new(url: &str) -> Result<Self, InvalidServiceUrl> {
        if url.len() > MAX_SERVICE_URL_BYTES {
            return Err(InvalidServiceUrl::TooLong);
        }
        let parsed = Url::parse(url).map_err(|_| InvalidServiceUrl::NotAUrl)?;
        let is_loopback = match parsed.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(InvalidServiceUrl::NotAUrl),
        };
        match parsed.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            _ => return Err(InvalidServiceUrl::NotHttps),
        }
        if !is_loopback && !matches!(parsed.host(), Some(Host::Domain(_))) {
            return Err(InvalidServiceUrl::Address);
        }
        let has_extras = !parsed.username().is_empty()
            || parsed.password().is_some()
            || parsed.query().is_some()
            || parsed.fragment().is_some();
        if has_extras {
            return Err(InvalidServiceUrl::NotPlain);
        }
        let normal_form = parsed.as_str().trim_end_matches('/');
        let is_normal = url.trim_end_matches('/').eq_ignore_ascii_case(normal_form);
        let is_plain =
            parsed.path().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte));
        // An explicit port 443 is accepted.
        let has_explicit_port = || has_default_port(url, &parsed);
        if !is_plain || !(is_normal || has_explicit_port()) {
            return Err(InvalidServiceUrl::Spelling);
        }
        Ok(Self(parsed))
    }

    /// Whether both name one connector; a slash at the end makes no difference.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.as_str().trim_end_matches('/') == other.as_str().trim_end_matches('/')
    }

    /// Returns the host, and the port unless it is the scheme's default: `smba.trafficmanager.net`, `127.0.0.1:4000`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.authority()
    }

    /// Returns the URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns this URL with `segments` appended, percent-encoded except for the unreserved characters of RFC 3986.
    #[must_use]
    pub fn join(&self, segments: &[&str]) -> String {
        let mut url = self.as_str().trim_end_matches('/').to_owned();
        for segment in segments {
            url.push('/');
            url.extend(percent_encoding::utf8_percent_encode(segment, RESERVED));
        }
        url
    }
}

/// Whether `url` is the normal form `parsed` with the explicit port 443.
fn has_default_port(url: &str, parsed: &Url) -> bool {
    let host = parsed.host_str().unwrap_or_default();
    let with_port = format!("https://{host}:443{}", parsed.path());
    url.trim_end_matches('/').eq_ignore_ascii_case(with_port.trim_end_matches('/'))
}

const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl TryFrom<String> for ServiceUrl {
    type Error = InvalidServiceUrl;

    fn try_from(url: String) -> Result<Self, InvalidServiceUrl> {
        Self::new(&url)
    }
}

impl From<ServiceUrl> for String {
    fn from(url: ServiceUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// The path may contain a tenant id: only the host is safe to log.
impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceUrl({})", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_urls_are_rejected() {
        let hostile = [
            "http://smba.trafficmanager.net/",
            "https://smba.trafficmanager.net@evil.com/",
            "https://evil.com#smba.trafficmanager.net",
            "https://evil.com\\@smba.trafficmanager.net/",
            "https://smba。trafficmanager。net/",
            "https://smba.traffic\tmanager.net/",
            "https:smba.trafficmanager.net/",
            "https://smba.trafficmanager.net/emea/../../x",
            "https://smba.trafficmanager.net/?x=",
            "https://smba.trafficmanager.net/emea/..;/x",
            "https://smba.trafficmanager.net/emea/%2f..",
            "https://169.254.169.254/",
            "https://2852039166/",
            "https://[::ffff:169.254.169.254]/",
            "http://10.0.0.1/",
            "file:///etc/passwd",
            "",
        ];

        for url in hostile {
            assert!(ServiceUrl::new(url).is_err(), "{url} was accepted");
        }
    }

    #[test]
    fn explicit_default_port_is_accepted() {
        let url = ServiceUrl::new("https://smba.trafficmanager.net:443/emea/").unwrap();

        assert_eq!(url.as_str(), "https://smba.trafficmanager.net/emea/");
        assert!(ServiceUrl::new("https://smba.trafficmanager.net:0443/emea/").is_err());
    }

    #[test]
    fn path_segments_are_percent_encoded() {
        let url = ServiceUrl::new("https://smba.trafficmanager.net/emea").unwrap();

        let joined = url.join(&["v3", "conversations", "19:abc@thread.tacv2;messageid=1/../x"]);

        assert_eq!(
            joined,
            "https://smba.trafficmanager.net/emea/v3/conversations/\
             19%3Aabc%40thread.tacv2%3Bmessageid%3D1%2F..%2Fx"
        );
    }
}
