//! Configuration: variables of the environment, read once, every gap named at once.
//! Each function's own `config.rs` says which of them it needs.

use std::fmt;

use crate::cloud::Cloud;
use crate::ids::{ClientId, TenantId};

/// Which conversations' tenants may speak to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedTenants {
    /// These.
    Listed(Vec<TenantId>),
    /// Any.
    Any,
}

impl AllowedTenants {
    /// Whether an activity of `tenant` is let in; `None`: the channel named no tenant.
    #[must_use]
    pub fn admit(&self, tenant: Option<&TenantId>) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tenants) => {
                tenant.is_some_and(|tenant| tenants.iter().any(|listed| listed.is(tenant)))
            }
        }
    }
}

/// What is wrong with the configuration, all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Gaps(Vec<String>);

// A `main` that returns an error prints it this way.
impl fmt::Debug for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration is incomplete: {}", self.0.join("; "))
    }
}

impl std::error::Error for Gaps {}

type Get<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// Reads variables and remembers what is wrong with them.
///
/// ```
/// use herald::config::Variables;
///
/// let mut vars = Variables::new(|name| (name == "TABLE_NAME").then(|| "herald".to_owned()));
/// let table = vars.required("TABLE_NAME");
/// let queue = vars.required("TURNS_QUEUE_URL");
/// assert_eq!(table.as_deref(), Some("herald"));
/// assert_eq!(queue, None);
/// assert_eq!(vars.gaps().unwrap_err().to_string(), "configuration is incomplete: TURNS_QUEUE_URL is not set");
/// ```
pub struct Variables<'a> {
    get: Get<'a>,
    gaps: Vec<String>,
}

/// The variables of the process.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    std::env::var(name).ok()
}

impl<'a> Variables<'a> {
    /// Variables as `get` gives them; an empty one counts as not set.
    pub fn new(get: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self { get: Box::new(get), gaps: Vec::new() }
    }

    /// The variable `name`, if it is set.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The variable `name`; a gap if it is not set.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name);
        if value.is_none() {
            self.gap(format!("{name} is not set"));
        }
        value
    }

    /// The variable `name`, read by `read`; a gap if it is not set or cannot be read.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.required(name)?;
        read(value).map_err(|error| self.gap(format!("{name}: {error}"))).ok()
    }

    /// `CLOUD`: `public` unless set.
    pub fn cloud(&mut self) -> Option<Cloud> {
        let name = self.optional("CLOUD").unwrap_or_else(|| "public".to_owned());
        Cloud::parse(&name).map_err(|error| self.gap(error.to_string())).ok()
    }

    /// `CLIENT_ID`: the agent's app registration.
    pub fn client_id(&mut self) -> Option<ClientId> {
        self.parsed("CLIENT_ID", ClientId::new)
    }

    /// `TENANT_ID`: the agent's own tenant.
    pub fn tenant_id(&mut self) -> Option<TenantId> {
        self.parsed("TENANT_ID", TenantId::new)
    }

    /// `ALLOWED_TENANTS`: a comma list, or `*` for any; the agent's own tenant unless set.
    pub fn allowed_tenants(&mut self, own: Option<&TenantId>) -> Option<AllowedTenants> {
        match self.optional("ALLOWED_TENANTS").as_deref() {
            None => own.map(|own| AllowedTenants::Listed(vec![own.clone()])),
            Some("*") => Some(AllowedTenants::Any),
            Some(list) => {
                let tenants = list.split(',').map(|tenant| TenantId::new(tenant.trim()));
                let tenants: Result<Vec<_>, _> = tenants.collect();
                let listed = tenants.map(AllowedTenants::Listed);
                listed.map_err(|error| self.gap(format!("ALLOWED_TENANTS: {error}"))).ok()
            }
        }
    }

    /// Notes something else that is wrong.
    pub fn gap(&mut self, what: String) {
        self.gaps.push(what);
    }

    /// Nothing, if nothing is wrong.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn gaps(self) -> Result<(), Gaps> {
        if self.gaps.is_empty() { Ok(()) } else { Err(Gaps(self.gaps)) }
    }
}
