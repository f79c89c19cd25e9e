//! Decodes a JSON Web Token strictly: every claim has one type and occurs once (docs/protocol.md §4.1).
//!
//! It does not verify: no claim is trusted before the authenticator has checked the signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Decoded token, not verified.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) header: Header,
    pub(super) claims: Claims,
    /// Signed part: header and claims, encoded.
    pub(super) message: &'a str,
    pub(super) signature: &'a str,
}

/// Header fields that are checked; the rest (`jku`, `x5u`, `jwk`, …) is never used.
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
    /// Whether the content may be something else than plain claims: `cty` is present and not `JWT`. Some issuers write
    /// `JWT` of plain claims; a nested token is no JSON object and is not decoded.
    #[serde(default, rename = "cty", deserialize_with = "is_not_jwt")]
    pub(super) has_other_content: bool,
}

/// Claims that are checked.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) exp: u64,
    pub(super) nbf: u64,
    #[serde(default)]
    pub(super) iat: Option<u64>,
    // Tokens of the channel; documented with both spellings.
    #[serde(default)]
    pub(super) serviceurl: Option<String>,
    #[serde(default, rename = "serviceUrl")]
    pub(super) service_url: Option<String>,
    // Tokens of Entra.
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

/// Error of a token that names two service URLs.
#[derive(Debug)]
pub(super) struct TwoServiceUrls;

impl<'a> Token<'a> {
    /// Decodes a token in compact form; `None` when it is malformed.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        // A third dot would be in the claims, where base64url has none.
        Some(Self { header: part(header)?, claims: part(claims)?, message, signature })
    }
}

impl Claims {
    /// Returns the service URL of the token, if it has one.
    ///
    /// # Errors
    ///
    /// [`TwoServiceUrls`].
    pub(super) fn service_url(&self) -> Result<Option<String>, TwoServiceUrls> {
        match (&self.serviceurl, &self.service_url) {
            (Some(one), Some(other)) if one != other => Err(TwoServiceUrls),
            (one, other) => Ok(one.clone().or_else(|| other.clone()).filter(|url| !url.is_empty())),
        }
    }
}

/// Decodes one part: a JSON object in canonical base64url without padding.
fn part<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    // Parsed twice: only the first pass validates ignored fields, and only the second rejects duplicates. The second
    // alone would also accept an array in place of an object.
    let all: Value = serde_json::from_slice(&bytes).ok()?;
    if all.is_object() { serde_json::from_slice(&bytes).ok() } else { None }
}

/// Whether a field is present, even as null.
fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Whether a field is present and is not `JWT`, in any case.
fn is_not_jwt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(!value.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("JWT")))
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
    fn unknown_claims_are_ignored() {
        let text = token(HEADER, CLAIMS);

        let token = Token::read(&text).unwrap();

        assert_eq!((token.header.kid.as_str(), token.claims.exp), ("k", 2));
        assert_eq!(token.signature, "c2ln");
        assert!(!token.header.crit);
    }

    #[test]
    fn ambiguous_tokens_are_rejected() {
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
    fn a_critical_extension_of_null_is_present() {
        let text = token(r#"{"alg":"RS256","kid":"k","crit":null}"#, CLAIMS);

        assert!(Token::read(&text).unwrap().header.crit);
    }

    #[test]
    fn content_type_jwt_is_that_of_plain_claims_only() {
        let has_other_content = |cty: &str| {
            let text = token(&format!(r#"{{"alg":"RS256","kid":"k","cty":{cty}}}"#), CLAIMS);
            Token::read(&text).map(|token| token.header.has_other_content)
        };
        let nested = token(r#"{"alg":"RS256","kid":"k","cty":"JWT"}"#, &token(HEADER, CLAIMS));

        for plain in [r#""JWT""#, r#""jwt""#, r#""Jwt""#] {
            assert_eq!(has_other_content(plain), Some(false), "{plain}");
        }
        for other in ["null", "1", "true", r#""""#, r#""JWT ""#, r#""JWE""#, r#"["JWT"]"#, r#"{"JWT":1}"#] {
            assert_eq!(has_other_content(other), Some(true), "{other}");
        }
        assert_eq!(has_other_content(r#""JWT","cty":"JWT""#), None);
        assert!(Token::read(&nested).is_none());
    }
}
