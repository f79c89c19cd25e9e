//! Checks of an inbound request, by name, each with its rejection reason.
//!
//! A request that cannot be parsed (no token, no JSON, no URL) is rejected before any of them.

/// Check of an inbound request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// The token is at most 8 KiB long.
    TokenSize,
    /// The token's algorithm is RS256.
    Algorithm,
    /// The token header has no critical extensions.
    CriticalExtensions,
    /// The token is not compressed and not nested, and its claims are base64url.
    Encoding,
    /// The token type is that of an access token, or absent.
    TokenType,
    /// The issuer is the channel, or Entra if callers are configured.
    Issuer,
    /// The audience is this agent.
    Audience,
    /// The token expires after it becomes valid, within 24 hours.
    Lifetime,
    /// The token is not expired.
    Expiry,
    /// The token is valid already.
    NotBefore,
    /// The token was not issued in the future.
    IssuedAt,
    /// The token has at most one service URL.
    OneServiceUrl,
    /// A token of the channel has a service URL.
    ServiceUrlClaim,
    /// The tenant of an Entra token is that of its issuer.
    IssuerTenant,
    /// The version of an Entra token matches its issuer and its caller claim.
    Version,
    /// An Entra token is app-only.
    AppOnly,
    /// The caller of an Entra token is one of `CHANNEL_CALLERS`.
    Caller,
    /// The signing key of an Entra token is valid for its issuer.
    KeyIssuer,
    /// The signature is valid.
    Signature,
    /// The token was issued for the activity's service URL.
    ServiceUrl,
    /// The service URL is on a connector host of the cloud.
    ConnectorHost,
    /// The cloud serves the channel.
    Channel,
    /// The signing key is endorsed for the channel.
    Endorsement,
    /// The recipient of a Teams activity is this agent.
    Recipient,
    /// A Teams activity has at most one tenant.
    OneTenant,
    /// A Teams activity has a tenant.
    TeamsTenant,
    /// The tenant is allowed.
    AllowedTenant,
    /// The path is `/api/messages`, with or without a base path.
    Path,
    /// The method is POST.
    Method,
    /// The content type is JSON in UTF-8.
    ContentType,
    /// The body is not compressed.
    ContentEncoding,
    /// The body is at most 256 KiB long.
    BodySize,
    /// The activity has a type.
    ActivityType,
    /// A message or an invoke has a sender.
    Sender,
    /// An `invoke` activity has a name.
    InvokeName,
}

impl Check {
    /// All checks.
    pub const ALL: &[Self] = &[
        Self::TokenSize,
        Self::Algorithm,
        Self::CriticalExtensions,
        Self::Encoding,
        Self::TokenType,
        Self::Issuer,
        Self::Audience,
        Self::Lifetime,
        Self::Expiry,
        Self::NotBefore,
        Self::IssuedAt,
        Self::OneServiceUrl,
        Self::ServiceUrlClaim,
        Self::IssuerTenant,
        Self::Version,
        Self::AppOnly,
        Self::Caller,
        Self::KeyIssuer,
        Self::Signature,
        Self::ServiceUrl,
        Self::ConnectorHost,
        Self::Channel,
        Self::Endorsement,
        Self::Recipient,
        Self::OneTenant,
        Self::TeamsTenant,
        Self::AllowedTenant,
        Self::Path,
        Self::Method,
        Self::ContentType,
        Self::ContentEncoding,
        Self::BodySize,
        Self::ActivityType,
        Self::Sender,
        Self::InvokeName,
    ];

    /// Returns the rejection reason, for the log and for the response to an authenticated channel.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::TokenSize => "token is too long",
            Self::Algorithm => "algorithm is not RS256",
            Self::CriticalExtensions => "token has critical extensions",
            Self::Encoding => "token is compressed, nested or unencoded",
            Self::TokenType => "token is not an access token",
            Self::Issuer => "unexpected issuer",
            Self::Audience => "unexpected audience",
            Self::Lifetime => "lifetime is out of range",
            Self::Expiry => "token is expired",
            Self::NotBefore => "token is not valid yet",
            Self::IssuedAt => "token was issued in the future",
            Self::OneServiceUrl => "token names two service URLs",
            Self::ServiceUrlClaim => "token names no service URL",
            Self::IssuerTenant => "tenant of the token does not match its issuer",
            Self::Version => "version of the token does not match its claims",
            Self::AppOnly => "token is not app-only",
            Self::Caller => "caller is not in CHANNEL_CALLERS",
            Self::KeyIssuer => "signing key is not valid for the issuer",
            Self::Signature => "invalid signature",
            Self::ServiceUrl => "token was issued for another service URL",
            Self::ConnectorHost => "serviceUrl is not on a connector host of this cloud",
            Self::Channel => "unsupported channelId",
            Self::Endorsement => "signing key is not endorsed for this channelId",
            Self::Recipient => "recipient is another agent",
            Self::OneTenant => "activity names two tenants",
            Self::TeamsTenant => "activity names no tenant",
            Self::AllowedTenant => "tenant is not in ALLOWED_TENANTS",
            Self::Path => "path not found",
            Self::Method => "method not allowed: use POST",
            Self::ContentType => "content type is not JSON in UTF-8",
            Self::ContentEncoding => "body is compressed",
            Self::BodySize => "body is longer than 256 KiB",
            Self::ActivityType => "activity has no `type`, or one that is too long",
            Self::Sender => "activity has no `from`",
            Self::InvokeName => "activity has no `name`",
        }
    }
}

/// Set of checks that are made: always all of them in a release build.
///
/// Only debug builds can disable one, so that a test can prove that some request depends on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checks {
    #[cfg(debug_assertions)]
    disabled: Option<Check>,
}

impl Checks {
    /// Returns all checks.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns all checks but `check`, for the test that proves that each is needed.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn without(check: Check) -> Self {
        Self { disabled: Some(check) }
    }

    /// Succeeds if `check` holds, or is disabled.
    ///
    /// # Errors
    ///
    /// The check, if it does not hold.
    pub fn require(&self, check: Check, holds: bool) -> Result<(), Check> {
        if holds || self.is_disabled(check) { Ok(()) } else { Err(check) }
    }

    #[cfg(debug_assertions)]
    fn is_disabled(&self, check: Check) -> bool {
        self.disabled == Some(check)
    }

    #[cfg(not(debug_assertions))]
    #[expect(clippy::unused_self, reason = "the same call as in debug builds")]
    fn is_disabled(&self, _check: Check) -> bool {
        false
    }
}
