//! Tokens of Entra, which the Azure Bot Service is moving to: accepted issuers and callers (docs/protocol.md §4.1).
//!
//! Without configured callers none is accepted, and no key of Entra is fetched.

use super::check::Check;
use super::check::Checks;
use super::signing_keys::{SigningKey, SigningKeys};
use super::token::Claims;
use crate::protocol::cloud::Cloud;
use crate::protocol::ids::{ClientId, TenantId};

/// Issuers and callers whose Entra tokens are accepted.
#[derive(Debug)]
pub struct Entra {
    /// Signing keys of Entra.
    pub keys: SigningKeys,
    issuers: Vec<Issuer>,
    callers: Vec<ClientId>,
}

/// Issuer of a tenant's tokens in one token version.
#[derive(Debug)]
pub(super) struct Issuer {
    name: String,
    tenant: TenantId,
    version: Version,
    /// Issuer of the tenant in the key set, which contains only the v2 name.
    key_issuer: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Entra {
    /// Accepts `callers` with tokens of the agent's `own` tenant and of the channel's tenants.
    #[must_use]
    pub fn new(cloud: &Cloud, own: &TenantId, callers: Vec<ClientId>, keys: SigningKeys) -> Self {
        let tenants = std::iter::once(own).chain(&cloud.channel_tenants);
        let issuers = tenants.flat_map(|tenant| {
            let id = tenant.as_str().to_ascii_lowercase();
            let v1 = format!("{}/{id}/", cloud.entra_sts);
            let v2 = format!("{}/{id}/v2.0", cloud.login_host());
            [(v1, Version::V1), (v2.clone(), Version::V2)].map(|(name, version)| Issuer {
                name,
                tenant: tenant.clone(),
                version,
                key_issuer: v2.clone(),
            })
        });
        Self { keys, issuers: issuers.collect(), callers }
    }

    /// Whether any caller is configured.
    #[must_use]
    pub fn has_callers(&self) -> bool {
        !self.callers.is_empty()
    }

    /// Returns the issuer called `name`; `None` if no caller is configured.
    pub(super) fn issuer(&self, name: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|issuer| issuer.name == name).filter(|_| self.has_callers())
    }

    /// Checks the claims that only tokens of Entra have.
    pub(super) fn check(&self, checks: Checks, issuer: &Issuer, claims: &Claims) -> Result<(), Check> {
        let names_tenant = |id: &String| issuer.tenant.as_str().eq_ignore_ascii_case(id);
        checks.require(Check::IssuerTenant, claims.tid.as_ref().is_some_and(names_tenant))?;
        let (version, caller, other) = match issuer.version {
            Version::V1 => ("1.0", &claims.appid, &claims.azp),
            Version::V2 => ("2.0", &claims.azp, &claims.appid),
        };
        checks.require(Check::Version, claims.ver.as_deref() == Some(version) && other.is_none())?;
        checks.require(Check::AppOnly, !claims.scp)?;
        let is_caller =
            |id: &String| self.callers.iter().any(|caller| caller.as_str().eq_ignore_ascii_case(id));
        checks.require(Check::Caller, caller.as_ref().is_some_and(is_caller))
    }
}

impl Issuer {
    /// Whether `key` may sign for this issuer, which Entra's common key set states for each key.
    pub(super) fn is_of(&self, key: &SigningKey) -> bool {
        let tenant = self.tenant.as_str().to_ascii_lowercase();
        key.issuer.as_ref().is_some_and(|name| name.replace("{tenantid}", &tenant) == self.key_issuer)
    }
}
