//! Emulates `GetWebIdentityToken` of STS, and its issuer with discovery document and keys (docs/protocol.md §3.3).
//! It checks no policy: every caller has the same role.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aws_lc_rs::error::Unspecified;
use bytes::Bytes;
use herald::clock::Clock;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::aws_emulator::template::{ACCOUNT, REGION};
use crate::signing_key::SigningKey;

const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";
const KEYS_PATH: &str = "/.well-known/jwks.json";

/// Largest and default lifetime of a token, in seconds.
const LIFE: std::ops::RangeInclusive<i64> = 60..=3600;
const USUAL_LIFE: i64 = 300;

/// An error response: status, code and message.
type StsError = (u16, &'static str, &'static str);

/// The issuer of identity tokens of the account.
#[derive(Debug)]
pub struct IdentityIssuer {
    issuer: String,
    clock: Arc<dyn Clock>,
    role: Mutex<Option<String>>,
    issued: AtomicU64,
    // Generated on first use: most runs do not need it.
    key: OnceLock<Result<SigningKey, Unspecified>>,
}

impl IdentityIssuer {
    pub(super) fn new(issuer: String, clock: Arc<dyn Clock>) -> Self {
        let role = Some(format!("arn:aws:iam::{ACCOUNT}:role/herald-worker"));
        let (issued, key) = (AtomicU64::new(0), OnceLock::new());
        Self { issuer, clock, role: Mutex::new(role), issued, key }
    }

    /// Returns the `iss` claim of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the role ARN of every caller, which is the `sub` claim; `None` if federation is disabled.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        self.role().clone()
    }

    /// Sets the role of every caller.
    pub fn assume(&self, role: &str) {
        *self.role() = Some(role.to_owned());
    }

    /// Disables outbound federation for the account.
    pub fn switch_off(&self) {
        *self.role() = None;
    }

    /// Returns a token for `audience` as `GetWebIdentityToken` does, with this lifetime in seconds; `None` if federation
    /// is disabled.
    #[must_use]
    pub fn token(&self, audience: &str, life: i64) -> Option<String> {
        self.issue(&json!(audience), life).ok().map(|(token, _)| token)
    }

    /// Handles a request of the query protocol.
    pub(super) fn answer(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let (status, xml) = match self.get_web_identity_token(body) {
            Ok((token, expiration)) => (200, granted(&token, expiration)),
            Err((status, code, message)) => (status, refused(code, message)),
        };
        respond(status, "text/xml", xml)
    }

    /// Handles a request for the discovery document or the keys.
    pub(super) fn publish(&self, path: &str) -> Response<Full<Bytes>> {
        let document = match path {
            DISCOVERY_PATH => json!({
                "issuer": self.issuer,
                "jwks_uri": format!("{}{KEYS_PATH}", self.issuer),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES384"],
                "claims_supported": ["iss", "sub", "aud", "iat", "exp", "jti"],
            }),
            KEYS_PATH => {
                json!({ "keys": self.key().ok().map(SigningKey::public).into_iter().collect::<Vec<_>>() })
            }
            _ => return respond(404, "text/plain", String::new()),
        };
        respond(200, "application/json", document.to_string())
    }

    fn get_web_identity_token(&self, body: &[u8]) -> Result<(String, Timestamp), StsError> {
        let form: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
        if form.get("Action").is_none_or(|action| action != "GetWebIdentityToken") {
            return Err((400, "InvalidAction", "Could not find operation for version 2011-06-15."));
        }
        let invalid = |message| (400, "ValidationError", message);
        let mut audiences: Vec<_> =
            (1..=10).filter_map(|number| form.get(&format!("Audience.member.{number}"))).collect();
        // AWS signs with ES384, too, which Entra does not accept.
        if form.get("SigningAlgorithm").is_none_or(|algorithm| algorithm != "RS256") {
            return Err(invalid(
                "Value at 'signingAlgorithm' failed to satisfy constraint: Member must be RS256",
            ));
        }
        let life = form.get("DurationSeconds").map_or(Ok(USUAL_LIFE), |seconds| seconds.parse());
        let Some(life) = life.ok().filter(|life| LIFE.contains(life)) else {
            return Err(invalid(
                "Value at 'durationSeconds' failed to satisfy constraint: Member must be 60 to 3600",
            ));
        };
        match (audiences.pop(), audiences.is_empty()) {
            (None, _) => {
                Err(invalid("Value at 'audience' failed to satisfy constraint: Member must not be empty"))
            }
            (Some(only), true) => self.issue(&json!(only), life),
            (Some(last), false) => {
                audiences.push(last);
                self.issue(&json!(audiences), life)
            }
        }
    }

    fn issue(&self, audience: &Value, life: i64) -> Result<(String, Timestamp), StsError> {
        let disabled = "Outbound web identity federation is not enabled for this account.";
        let role = self.subject().ok_or((403, "OutboundWebIdentityFederationDisabledException", disabled))?;
        let now = self.clock.now();
        let claims = json!({
            "iss": self.issuer,
            "aud": audience,
            "sub": role,
            "iat": now.as_second(),
            "exp": now.as_second().saturating_add(life),
            "jti": format!("{:032x}", self.issued.fetch_add(1, Ordering::Relaxed)),
            "https://sts.amazonaws.com/": { "aws_account": ACCOUNT, "source_region": REGION },
        });
        let signed = self
            .key()
            .and_then(|key| key.sign(&json!({ "alg": "RS256", "kid": key.id(), "typ": "JWT" }), &claims));
        let token = signed.map_err(|_| (500, "InternalFailure", "No key could be made."))?;
        Ok((token, now.saturating_add(SignedDuration::from_secs(life)).unwrap_or(now)))
    }

    fn key(&self) -> Result<&SigningKey, Unspecified> {
        self.key.get_or_init(SigningKey::generate).as_ref().map_err(|error| *error)
    }

    fn role(&self) -> MutexGuard<'_, Option<String>> {
        self.role.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn granted(token: &str, expiration: Timestamp) -> String {
    format!(
        "<GetWebIdentityTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetWebIdentityTokenResult><WebIdentityToken>{token}</WebIdentityToken>\
         <Expiration>{}</Expiration></GetWebIdentityTokenResult>\
         <ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></GetWebIdentityTokenResponse>",
        expiration.strftime("%Y-%m-%dT%H:%M:%SZ")
    )
}

fn refused(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>local</RequestId></ErrorResponse>"
    )
}

fn respond(status: u16, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
