//! A token as it came, read strictly: every member of one type, none twice (docs/protocol.md §4.1).
//! Nothing in it is true before its signature is checked, which is the authenticator's part.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A token, read and not checked.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) header: Header,
    pub(super) claims: Claims,
    /// What is signed: header and claims as they came.
    pub(super) message: &'a str,
    pub(super) signature: &'a str,
}

/// The header's members that are looked at; the rest (`jku`, `x5u`, `jwk`, …) is never used.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: String,
    #[serde(default)]
    pub(super) typ: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    pub(super) crit: bool,
    #[serde(default, deserialize_with = "is_present")]
    pub(super) b64: bool,
    #[serde(default, deserialize_with = "is_present")]
    pub(super) zip: bool,
    #[serde(default, deserialize_with = "is_present")]
    pub(super) cty: bool,
}

/// The claims that are looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) exp: u64,
    pub(super) nbf: u64,
    #[serde(default)]
    pub(super) iat: Option<u64>,
    // The channel's own tokens; documented with both spellings.
    #[serde(default)]
    pub(super) serviceurl: Option<String>,
    #[serde(default, rename = "serviceUrl")]
    pub(super) service_url: Option<String>,
    // Entra's tokens.
    #[serde(default)]
    pub(super) tid: Option<String>,
    #[serde(default)]
    pub(super) ver: Option<String>,
    #[serde(default)]
    pub(super) appid: Option<String>,
    #[serde(default)]
    pub(super) azp: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    pub(super) scp: bool,
}

/// The token names two service URLs.
#[derive(Debug)]
pub(super) struct TwoServiceUrls;

impl<'a> Token<'a> {
    /// Reads a token in its compact form; `None` when it is not one.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        // A third dot would be in the claims, where base64url has none.
        Some(Self { header: part(header)?, claims: part(claims)?, message, signature })
    }
}

impl Claims {
    /// The service URL it is for, where it names one.
    ///
    /// # Errors
    ///
    /// When it names two.
    pub(super) fn service_url(&self) -> Result<Option<String>, TwoServiceUrls> {
        match (&self.serviceurl, &self.service_url) {
            (Some(one), Some(other)) if one != other => Err(TwoServiceUrls),
            (one, other) => Ok(one.clone().or_else(|| other.clone()).filter(|url| !url.is_empty())),
        }
    }
}

/// One part: a JSON object in base64url without padding, in its only spelling.
fn part<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    // Twice: members that are not looked at are checked by the first reading alone, and only the second one
    // tells when a member comes twice. It would take a list for an object, too.
    let all: Value = serde_json::from_slice(&bytes).ok()?;
    if all.is_object() { serde_json::from_slice(&bytes).ok() } else { None }
}

/// Whether a member is there at all, even as null.
fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    const HEADER: &str = r#"{"alg":"RS256","kid":"k"}"#;
    const CLAIMS: &str = r#"{"iss":"i","aud":"a","exp":2,"nbf":1,"future":{"a":[]}}"#;

    #[test]
    fn a_token_is_read_with_what_it_says_beyond_us() {
        let text = token(HEADER, CLAIMS);

        let token = Token::read(&text).unwrap();

        assert_eq!((token.header.kid.as_str(), token.claims.exp), ("k", 2));
        assert_eq!(token.signature, "c2ln");
        assert!(!token.header.crit);
    }

    #[test]
    fn what_reads_in_two_ways_is_not_read() {
        for (header, claims) in [
            (r#"{"alg":"none","alg":"RS256","kid":"k"}"#, CLAIMS),
            (HEADER, r#"{"iss":"i","aud":"a","exp":2,"nbf":1,"iss":"i"}"#),
            (HEADER, r#"{"iss":"i","aud":["a"],"exp":2,"nbf":1}"#),
            (HEADER, r#"{"iss":"i","aud":"a","exp":2.5,"nbf":1}"#),
            (HEADER, r#"{"iss":"i","aud":"a","exp":"2","nbf":1}"#),
            (HEADER, r#"{"iss":"i","aud":"a","exp":-2,"nbf":1}"#),
            (HEADER, r#"{"iss":"i","aud":"a","exp":2}"#),
            (HEADER, r#"{"iss":"i","aud":"a","exp":2,"nbf":1}x"#),
            (r#"["RS256"]"#, CLAIMS),
            (r#"["RS256","k"]"#, CLAIMS),
            (HEADER, r#"["i","a",2,1,null,"https://smba.trafficmanager.net/"]"#),
            (HEADER, r#"{"iss":"i","aud":"a","exp":2,"nbf":1,"future":"\ud800"}"#),
            (
                HEADER,
                &format!(
                    r#"{{"iss":"i","aud":"a","exp":2,"nbf":1,"future":{}{}}}"#,
                    "[".repeat(200),
                    "]".repeat(200)
                ),
            ),
        ] {
            assert!(Token::read(&token(header, claims)).is_none(), "{header} {claims}");
        }
        assert!(Token::read(&format!("{}=", token(HEADER, CLAIMS).replace(".c2ln", "=.c2ln"))).is_none());
        assert!(Token::read("a.b").is_none());
    }

    #[test]
    fn a_critical_extension_is_seen_even_as_null() {
        let text = token(r#"{"alg":"RS256","kid":"k","crit":null}"#, CLAIMS);

        assert!(Token::read(&text).unwrap().header.crit);
    }
}
