//! Entra's tokens, which the Azure Bot Service is moving to (protocol §4.1): who may issue them and call with them.
//! Without callers nobody is let in this way, and no key of Entra's is ever fetched.

use super::check::Check;
use super::check::Checks;
use super::signing_keys::{SigningKey, SigningKeys};
use super::token::Claims;
use crate::protocol::cloud::Cloud;
use crate::protocol::ids::{ClientId, TenantId};

/// Who may call with a token of Entra's.
#[derive(Debug)]
pub struct Entra {
    /// Entra's keys.
    pub keys: SigningKeys,
    issuers: Vec<Issuer>,
    callers: Vec<ClientId>,
}

/// One way in which one tenant issues tokens.
#[derive(Debug)]
pub(super) struct Issuer {
    name: String,
    tenant: TenantId,
    version: Version,
    /// Who the tenant's issuer is in the key set, which knows the newer name alone.
    of_keys: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Entra {
    /// Lets in `callers` with tokens of the agent's `own` tenant and of the channel's tenants.
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
                of_keys: v2.clone(),
            })
        });
        Self { keys, issuers: issuers.collect(), callers }
    }

    /// Whether anybody may call this way.
    #[must_use]
    pub fn has_callers(&self) -> bool {
        !self.callers.is_empty()
    }

    /// The issuer that calls itself `name`; none where nobody may call.
    pub(super) fn issuer(&self, name: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|issuer| issuer.name == name).filter(|_| self.has_callers())
    }

    /// Checks what is particular to Entra's claims.
    pub(super) fn check(&self, checks: Checks, issuer: &Issuer, claims: &Claims) -> Result<(), Check> {
        let names_tenant = |id: &String| issuer.tenant.as_str().eq_ignore_ascii_case(id);
        checks.require(Check::IssuerTenant, claims.tid.as_ref().is_some_and(names_tenant))?;
        let (version, caller, other) = match issuer.version {
            Version::V1 => ("1.0", &claims.appid, &claims.azp),
            Version::V2 => ("2.0", &claims.azp, &claims.appid),
        };
        checks.require(Check::Version, claims.ver.as_deref() == Some(version) && other.is_none())?;
        checks.require(Check::AppOnly, !claims.scp)?;
        let is = |id: &String| self.callers.iter().any(|caller| caller.as_str().eq_ignore_ascii_case(id));
        checks.require(Check::Caller, caller.as_ref().is_some_and(is))
    }
}

impl Issuer {
    /// Whether `key` may sign for this issuer: Entra's common key set says for whom each of its keys is.
    pub(super) fn is_of(&self, key: &SigningKey) -> bool {
        let tenant = self.tenant.as_str().to_ascii_lowercase();
        key.issuer.as_ref().is_some_and(|name| name.replace("{tenantid}", &tenant) == self.of_keys)
    }
}
