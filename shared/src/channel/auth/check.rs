//! Everything that is checked of a request once it can be read, by name.
//! What cannot be read at all (no token, no JSON, no URL) is refused before any of these is asked.

/// One thing that is checked of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// Of the token: it is at most 8 KiB long.
    TokenSize,
    /// Of its header: the algorithm is RS256.
    Algorithm,
    /// Of its header: it has no critical extensions.
    CriticalExtensions,
    /// Of its header: it is neither compressed nor nested, and its claims are base64url.
    Encoding,
    /// Of its header: it is an access token, if it says what it is.
    TokenType,
    /// Its issuer is the channel, or Entra where callers are allowed.
    Issuer,
    /// It is meant for this agent.
    Audience,
    /// It ends after it begins, within 24 hours.
    Lifetime,
    /// It has not ended.
    Expiry,
    /// It has begun.
    NotBefore,
    /// It was not issued in the future.
    IssuedAt,
    /// It does not name two service URLs.
    OneServiceUrl,
    /// The channel's own: it names a service URL.
    ServiceUrlClaim,
    /// Entra's: the tenant it names is the issuer's.
    IssuerTenant,
    /// Entra's: its version is the issuer's, and so is the member that names the caller.
    Version,
    /// Entra's: no user stands behind it.
    AppOnly,
    /// Entra's: the caller is one of the channel's.
    Caller,
    /// Entra's: the key may sign for the issuer.
    KeyIssuer,
    /// The key signed it.
    Signature,
    /// It was issued for the activity's service URL.
    ServiceUrl,
    /// The service URL is on a connector host of the cloud.
    ConnectorHost,
    /// The channel is one that speaks to agents.
    Channel,
    /// The key may sign for the channel.
    Endorsement,
    /// On Teams the recipient is this agent.
    Recipient,
    /// The activity names one tenant.
    OneTenant,
    /// On Teams there is a tenant.
    TeamsTenant,
    /// The tenant is let in.
    AllowedTenant,
    /// Of the request: the path is `/api/messages`.
    Path,
    /// Of the request: the method is POST.
    Method,
    /// Of the request: the body is said to be JSON in UTF-8.
    ContentType,
    /// Of the request: the body is not compressed.
    ContentEncoding,
    /// Of the request: the body is at most 256 KiB long.
    BodySize,
    /// Of the activity: it has a type.
    ActivityType,
    /// Of the activity: it has a sender.
    Sender,
    /// Of the activity: an `invoke` has a name.
    InvokeName,
}

impl Check {
    /// All of them.
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

    /// Why a request is refused that does not hold, for the log and for whoever proved to be the channel.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::TokenSize => "token is too long",
            Self::Algorithm => "algorithm is not RS256",
            Self::CriticalExtensions => "token has critical extensions",
            Self::Encoding => "token is compressed, nested or unencoded",
            Self::TokenType => "token is not an access token",
            Self::Issuer => "issuer is another",
            Self::Audience => "audience is another",
            Self::Lifetime => "lifetime is out of range",
            Self::Expiry => "token is expired",
            Self::NotBefore => "token is not valid yet",
            Self::IssuedAt => "token was issued in the future",
            Self::OneServiceUrl => "token names two service URLs",
            Self::ServiceUrlClaim => "token names no service URL",
            Self::IssuerTenant => "token names a tenant that is not its issuer's",
            Self::Version => "version of the token and its claims disagree",
            Self::AppOnly => "token is a user's",
            Self::Caller => "caller is not in CHANNEL_CALLERS",
            Self::KeyIssuer => "key may not sign for the issuer",
            Self::Signature => "signature is wrong",
            Self::ServiceUrl => "the token is for another service URL",
            Self::ConnectorHost => "serviceUrl is not on a connector host of this cloud",
            Self::Channel => "channelId is not one that is served",
            Self::Endorsement => "the signing key may not sign for this channelId",
            Self::Recipient => "the recipient is another agent",
            Self::OneTenant => "the activity names two tenants",
            Self::TeamsTenant => "the activity names no tenant",
            Self::AllowedTenant => "the conversation's tenant is not in ALLOWED_TENANTS",
            Self::Path => "there is nothing at this path",
            Self::Method => "activities are posted",
            Self::ContentType => "body is not said to be JSON in UTF-8",
            Self::ContentEncoding => "body is compressed",
            Self::BodySize => "body is longer than 256 KiB",
            Self::ActivityType => "activity has no `type`, or a very long one",
            Self::Sender => "activity has no `from`",
            Self::InvokeName => "activity has no `name`",
        }
    }
}

/// The checks that are made: all of them, always.
///
/// Debug builds alone can leave one out, so that a test can show that some request depends on it; what
/// runs on AWS has no way to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checks {
    #[cfg(debug_assertions)]
    off: Option<Check>,
}

impl Checks {
    /// All checks.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// All checks but one: for the test that shows what each of them is for.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn without(check: Check) -> Self {
        Self { off: Some(check) }
    }

    /// Nothing, if what is checked `holds`.
    ///
    /// # Errors
    ///
    /// The check, if it does not.
    pub fn require(&self, check: Check, holds: bool) -> Result<(), Check> {
        if holds || self.is_off(check) { Ok(()) } else { Err(check) }
    }

    #[cfg(debug_assertions)]
    fn is_off(&self, check: Check) -> bool {
        self.off == Some(check)
    }

    #[cfg(not(debug_assertions))]
    #[expect(clippy::unused_self, reason = "the same call as in debug builds")]
    fn is_off(&self, _check: Check) -> bool {
        false
    }
}
