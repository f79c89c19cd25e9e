//! Validates an authenticated activity: its required fields, its conversation reference and the policy.
//! It calls no store and no queue.

use herald::aws::config::AllowedTenants;
use herald::channel::auth::{Authenticated, Check, Checks};
use herald::protocol::activity::Activity;
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::{ConversationReference, InvalidReference};
use herald::protocol::ids::{ClientId, TenantId};
use herald::protocol::service_url::InvalidServiceUrl;

use crate::rejection::Rejection;

/// Validates activities against the agent's registration.
#[derive(Debug)]
pub struct Validator {
    /// The cloud of the channel, which defines its service URLs.
    pub cloud: Cloud,
    /// The client id of the agent.
    pub client_id: ClientId,
    /// The tenants whose conversations are accepted.
    pub allowed_tenants: AllowedTenants,
    /// The checks to apply; all of them in production.
    pub checks: Checks,
}

impl Validator {
    /// Returns the reference of `activity` once its fields and the policy are validated.
    pub(crate) fn validate(
        &self,
        caller: &Authenticated,
        activity: &Activity,
    ) -> Result<ConversationReference, Rejection> {
        self.validate_fields(activity).map_err(Rejection::malformed)?;
        let reference = self.reference(caller, activity)?;
        self.validate_policy(caller, activity, &reference).map_err(Rejection::forbidden)?;
        Ok(reference)
    }

    /// Validates the fields of the activity's type.
    fn validate_fields(&self, activity: &Activity) -> Result<(), Check> {
        let has_name = activity.name.as_ref().is_some_and(|name| !name.is_empty());
        let is_named = !activity.is("invoke") || has_name;
        self.checks.require(Check::ActivityType, activity.kind.is_plausible())?;
        // Other types need no one to answer; some channels send reactions and member events without `from`.
        let needs_sender = activity.is("message") || activity.is("invoke");
        self.checks.require(Check::Sender, !needs_sender || activity.from.is_some())?;
        self.checks.require(Check::InvokeName, is_named)
    }

    /// Returns the reference of `activity`. Its service URL is compared with the token as spelled, before it is parsed.
    fn reference(
        &self,
        caller: &Authenticated,
        activity: &Activity,
    ) -> Result<ConversationReference, Rejection> {
        let reference = ConversationReference::of(activity);
        if let Err(error) = &reference
            && matches!(
                error,
                InvalidReference::Missing(_) | InvalidReference::ServiceUrl(InvalidServiceUrl::TooLong)
            )
        {
            return Err(Rejection::Malformed(error.to_string()));
        }
        let is_for = activity.service_url.as_deref().is_some_and(|url| caller.is_for(url));
        self.checks.require(Check::ServiceUrl, is_for).map_err(|_| Rejection::TokenMismatch)?;
        reference.map_err(|error| Rejection::Forbidden(error.to_string()))
    }

    /// Validates tenant, recipient and sender.
    fn validate_policy(
        &self,
        caller: &Authenticated,
        activity: &Activity,
        reference: &ConversationReference,
    ) -> Result<(), Check> {
        let checks = self.checks;
        let channel = reference.channel_id.as_str();
        let tenant = reference.tenant_id.as_ref();
        let is_teams = channel == "msteams";
        checks.require(Check::ConnectorHost, self.cloud.allows_host(&reference.service_url))?;
        checks.require(Check::Channel, self.cloud.serves(&reference.channel_id))?;
        checks.require(Check::Endorsement, caller.is_endorsed_for(channel))?;
        checks.require(Check::Recipient, !is_teams || self.is_own_account(reference.agent.id.as_str()))?;
        let differs = |named: &str| tenant.is_none_or(|tenant| !tenant.as_str().eq_ignore_ascii_case(named));
        checks.require(Check::OneTenant, !is_teams || !activity.named_tenants().any(differs))?;
        // Web Chat and Direct Line have no tenant; Teams always has one.
        checks.require(Check::TeamsTenant, !is_teams || tenant.is_some())?;
        // A tenant that another channel names is not believed, and still must be allowed.
        let is_allowed = |named| TenantId::new(named).is_ok_and(|named| self.allowed_tenants.allows(&named));
        let claimed = activity.named_tenants().filter(|_| !is_teams);
        let mut named = tenant.map(TenantId::as_str).into_iter().chain(claimed);
        checks.require(Check::AllowedTenant, named.all(is_allowed))
    }

    /// Whether an account id may be that of the agent: `28:` with its client id, or a form that does not show it.
    fn is_own_account(&self, account: &str) -> bool {
        let own = self.client_id.as_str();
        account.strip_prefix("28:").is_none_or(|id| id.eq_ignore_ascii_case(own))
    }
}
