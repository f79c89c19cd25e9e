//! Microsoft clouds: login host, issuer, keys, scope and connector hosts, selected together.
//! Sends no request; [`crate::channel::auth`] and [`crate::channel::connector`] do.

use serde::Deserialize;

use crate::protocol::channel_error::RejectionReason;
use crate::protocol::ids::{ChannelId, TenantId};
use crate::protocol::service_url::ServiceUrl;

/// The trusted hosts and the token endpoint of one cloud (docs/protocol.md §3.1, §4.1, §7.4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cloud {
    /// The login host that issues tokens, e.g. `https://login.microsoftonline.com`.
    pub login: String,
    /// The tenant of token requests; `None` for the agent's own.
    #[serde(default)]
    pub token_tenant: Option<String>,
    /// The tenant that issues tokens to multi-tenant registrations, where the cloud supports them.
    #[serde(default)]
    pub multi_tenant: Option<String>,
    /// The scope of connector tokens.
    pub scope: String,
    /// The issuer of the channel's tokens.
    pub issuer: String,
    /// URL of the OpenID metadata with the channel's signing keys.
    pub openid_metadata: String,
    /// The hosts a bearer token may be sent to, `host[:port]`; `:*` is any port of a loopback name.
    pub connector_hosts: Vec<String>,
    /// The channels that are served: those whose connector hosts are above (docs/protocol.md §5.4).
    #[serde(default = "all_channels")]
    pub channels: Vec<ChannelId>,
    /// The service URL for users from whom no activity has arrived yet.
    pub global_service_url: ServiceUrl,
    /// The service URL of the cloud's other host, for conversations that are not on the first.
    #[serde(default)]
    pub alternate_service_url: Option<ServiceUrl>,
    /// URL of the OpenID metadata of Entra; `None` for the tenant-independent one of `login`.
    #[serde(default)]
    pub entra_metadata: Option<String>,
    /// The issuer of Entra tokens of version 1.0, without the tenant.
    #[serde(default = "public_sts")]
    pub entra_sts: String,
    /// The channel's own tenants, which may issue its tokens in addition to the agent's tenant (docs/protocol.md §4.1).
    #[serde(default)]
    pub channel_tenants: Vec<TenantId>,
    /// The audience of identity tokens that are exchanged for tokens of the agent (docs/protocol.md §3.3).
    #[serde(default = "public_token_exchange")]
    pub token_exchange: String,
}

/// Why the setting `CLOUD` is invalid.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCloud {
    /// The value is neither a known name nor a JSON object.
    #[error("CLOUD is `{0}`: use public, gcc, gcchigh, dod, china, or a JSON object")]
    Unknown(String),
    /// The JSON object has a missing, unknown or mistyped member.
    #[error("CLOUD is not a usable JSON object")]
    Malformed(#[source] serde_json::Error),
    /// A URL uses plain http on a host other than loopback.
    #[error("CLOUD names `{0}`: only loopback addresses may be plain http")]
    NotHttps(String),
    /// The global or the alternate service URL is not on a connector host.
    #[error("CLOUD names a service URL whose host is not among connector_hosts")]
    ForeignServiceUrl,
}

impl Cloud {
    /// Parses the setting `CLOUD`: the name of a Microsoft cloud, or a JSON object with this type's fields.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::cloud::Cloud;
    ///
    /// assert_eq!(Cloud::parse("public")?.issuer, "https://api.botframework.com");
    /// assert!(Cloud::parse("atlantis").is_err());
    /// # Ok::<(), herald::protocol::cloud::InvalidCloud>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidCloud`] when the name is unknown or the object is invalid.
    pub fn parse(text: &str) -> Result<Self, InvalidCloud> {
        let preset = match text {
            "public" => PUBLIC,
            "gcc" => GCC,
            "gcchigh" => GCC_HIGH,
            "dod" => DOD,
            "china" => CHINA,
            json if json.trim_start().starts_with('{') => json,
            other => return Err(InvalidCloud::Unknown(other.to_owned())),
        };
        let cloud: Self = serde_json::from_str(preset).map_err(InvalidCloud::Malformed)?;
        for url in [&cloud.login, &cloud.openid_metadata, &cloud.entra_metadata()] {
            // These URLs follow the rules of a service URL.
            ServiceUrl::new(url).map_err(|_| InvalidCloud::NotHttps(url.clone()))?;
        }
        let mut known = std::iter::once(&cloud.global_service_url).chain(&cloud.alternate_service_url);
        if !known.all(|url| cloud.allows_host(url)) {
            return Err(InvalidCloud::ForeignServiceUrl);
        }
        Ok(cloud)
    }

    /// Returns the URL of the OpenID metadata with Entra's signing keys.
    #[must_use]
    pub fn entra_metadata(&self) -> String {
        let common = || format!("{}/common/v2.0/.well-known/openid-configuration", self.login_host());
        self.entra_metadata.clone().unwrap_or_else(common)
    }

    /// Returns `login` without trailing slashes.
    #[must_use]
    pub fn login_host(&self) -> &str {
        self.login.trim_end_matches('/')
    }

    /// Returns the service URL of the cloud's other host, for a conversation that is not on the host of `refused`.
    #[must_use]
    pub fn other_service_url(&self, refused: &ServiceUrl) -> Option<&ServiceUrl> {
        let mut known = std::iter::once(&self.global_service_url).chain(&self.alternate_service_url);
        known.find(|url| url.authority() != refused.authority())
    }

    /// Returns the service URLs to try, each once, for a conversation that is not at `refused`: the one it had before, the
    /// global one, that of the cloud's other host. Where the host is wrong, only those on others.
    #[must_use]
    pub fn service_urls_after(
        &self,
        rejection: RejectionReason,
        refused: &ServiceUrl,
        former: Option<&ServiceUrl>,
    ) -> Vec<ServiceUrl> {
        let known = former.into_iter().chain([&self.global_service_url]).chain(&self.alternate_service_url);
        let is_other = |url: &&ServiceUrl| {
            if rejection == RejectionReason::WrongHost {
                url.authority() != refused.authority()
            } else {
                !url.is(refused)
            }
        };
        let mut urls: Vec<ServiceUrl> = Vec::new();
        for url in known.filter(is_other).filter(|url| self.allows_host(url)) {
            if !urls.iter().any(|listed| listed.is(url)) {
                urls.push(url.clone());
            }
        }
        urls
    }

    /// Whether `channel`, or the channel of a compound id, is served.
    #[must_use]
    pub fn serves(&self, channel: &ChannelId) -> bool {
        self.channels.contains(&channel.base())
    }

    /// Whether `url` is on a connector host of this cloud.
    #[must_use]
    pub fn allows_host(&self, url: &ServiceUrl) -> bool {
        let authority = url.authority();
        self.connector_hosts.iter().any(|host| match host.strip_suffix(":*") {
            Some(name @ ("localhost" | "127.0.0.1")) => {
                authority.split_once(':').is_some_and(|(named, _)| named == name)
            }
            _ => authority == host,
        })
    }
}

fn all_channels() -> Vec<ChannelId> {
    ["msteams", "webchat", "directline"].into_iter().filter_map(|name| ChannelId::new(name).ok()).collect()
}

fn public_sts() -> String {
    "https://sts.windows.net".to_owned()
}

fn public_token_exchange() -> String {
    "api://AzureADTokenExchange".to_owned()
}

// GCC tenants are in the public cloud, except for the host of their connector (docs/protocol.md §1.8, `InvalidBotApiHost`).
const PUBLIC: &str = r#"{
    "login": "https://login.microsoftonline.com",
    "multi_tenant": "botframework.com",
    "scope": "https://api.botframework.com/.default",
    "issuer": "https://api.botframework.com",
    "openid_metadata": "https://login.botframework.com/v1/.well-known/openidconfiguration",
    "channel_tenants": ["d6d49420-f39b-4df7-a1dc-d59a935871db", "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
        "69e9b82d-4842-4902-8d1e-abc5b98a55e8"],
    "connector_hosts": ["smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com", "webchat.botframework.com",
        "directline.botframework.com", "europe.webchat.botframework.com", "europe.directline.botframework.com",
        "india.webchat.botframework.com", "india.directline.botframework.com"],
    "channels": ["msteams", "webchat", "directline"],
    "global_service_url": "https://smba.trafficmanager.net/teams/",
    "alternate_service_url": "https://smba.infra.gcc.teams.microsoft.com/teams"
}"#;

const GCC: &str = r#"{
    "login": "https://login.microsoftonline.com",
    "multi_tenant": "botframework.com",
    "scope": "https://api.botframework.com/.default",
    "issuer": "https://api.botframework.com",
    "openid_metadata": "https://login.botframework.com/v1/.well-known/openidconfiguration",
    "channel_tenants": ["d6d49420-f39b-4df7-a1dc-d59a935871db", "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
        "69e9b82d-4842-4902-8d1e-abc5b98a55e8"],
    "connector_hosts": ["smba.infra.gcc.teams.microsoft.com", "smba.trafficmanager.net"],
    "channels": ["msteams"],
    "global_service_url": "https://smba.infra.gcc.teams.microsoft.com/teams",
    "alternate_service_url": "https://smba.trafficmanager.net/teams/"
}"#;

const GCC_HIGH: &str = r#"{
    "login": "https://login.microsoftonline.us",
    "multi_tenant": "MicrosoftServices.onmicrosoft.us",
    "scope": "https://api.botframework.us/.default",
    "issuer": "https://api.botframework.us",
    "openid_metadata": "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
    "entra_metadata": "https://login.microsoftonline.us/cab8a31a-1906-4287-a0d8-4eef66b95f6e/v2.0/.well-known/openid-configuration",
    "channel_tenants": ["cab8a31a-1906-4287-a0d8-4eef66b95f6e", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"],
    "token_exchange": "api://AzureADTokenExchangeUSGov",
    "connector_hosts": ["smba.infra.gov.teams.microsoft.us"],
    "channels": ["msteams"],
    "global_service_url": "https://smba.infra.gov.teams.microsoft.us/teams"
}"#;

const DOD: &str = r#"{
    "login": "https://login.microsoftonline.us",
    "multi_tenant": "MicrosoftServices.onmicrosoft.us",
    "scope": "https://api.botframework.us/.default",
    "issuer": "https://api.botframework.us",
    "openid_metadata": "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
    "entra_metadata": "https://login.microsoftonline.us/cab8a31a-1906-4287-a0d8-4eef66b95f6e/v2.0/.well-known/openid-configuration",
    "channel_tenants": ["cab8a31a-1906-4287-a0d8-4eef66b95f6e", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"],
    "token_exchange": "api://AzureADTokenExchangeUSGov",
    "connector_hosts": ["smba.infra.dod.teams.microsoft.us"],
    "channels": ["msteams"],
    "global_service_url": "https://smba.infra.dod.teams.microsoft.us/teams"
}"#;

// The cloud operated by 21Vianet; its channels are not known to include Teams (docs/protocol.md §3.1).
const CHINA: &str = r#"{
    "login": "https://login.partner.microsoftonline.cn",
    "multi_tenant": "microsoftservices.partner.onmschina.cn",
    "scope": "https://api.botframework.azure.cn/.default",
    "issuer": "https://api.botframework.azure.cn",
    "openid_metadata": "https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
    "entra_sts": "https://sts.chinacloudapi.cn",
    "token_exchange": "api://AzureADTokenExchangeChina",
    "connector_hosts": ["webchat.botframework.azure.cn", "directline.botframework.azure.cn"],
    "channels": ["webchat", "directline"],
    "global_service_url": "https://webchat.botframework.azure.cn/"
}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_presets_are_valid() {
        for name in ["public", "gcc", "gcchigh", "dod", "china"] {
            Cloud::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn other_hosts_of_a_shared_domain_are_not_allowed() {
        let cloud = Cloud::parse("public").unwrap();

        for foreign in ["https://x.trafficmanager.net/", "https://smba.trafficmanager.net.evil.com/"] {
            assert!(!cloud.allows_host(&ServiceUrl::new(foreign).unwrap()), "{foreign}");
        }
        assert!(!cloud.allows_host(&ServiceUrl::new("https://smba.trafficmanager.net:8443/").unwrap()));
        assert!(!cloud.allows_host(&ServiceUrl::new("https://smba.trafficmanager.net./").unwrap()));
    }

    #[test]
    fn only_public_and_gcc_have_an_alternate_host() {
        let other = |name: &str| {
            let cloud = Cloud::parse(name).unwrap();
            cloud.other_service_url(&cloud.global_service_url).map(|url| url.authority().to_owned())
        };

        assert_eq!(other("public").as_deref(), Some("smba.infra.gcc.teams.microsoft.com"));
        assert_eq!(other("gcc").as_deref(), Some("smba.trafficmanager.net"));
        assert_eq!([other("gcchigh"), other("dod"), other("china")], [None, None, None]);
    }

    #[test]
    fn other_service_urls_are_tried_in_order_and_on_allowed_hosts_only() {
        let cloud = Cloud::parse("public").unwrap();
        let url = |url: &str| ServiceUrl::new(url).unwrap();
        let after = |rejection, refused: &str, former: Option<&str>| {
            let former = former.map(url);
            let urls = cloud.service_urls_after(rejection, &url(refused), former.as_ref());
            urls.iter().map(|url| url.as_str().to_owned()).collect::<Vec<_>>()
        };
        let (apac, jp) = ("https://smba.trafficmanager.net/apac/", "https://smba.trafficmanager.net/jp/");
        let (global, gcc) =
            ("https://smba.trafficmanager.net/teams/", "https://smba.infra.gcc.teams.microsoft.com/teams");
        let region = RejectionReason::WrongRegion;

        assert_eq!(after(region, jp, Some(apac)), [apac, global, gcc]);
        assert_eq!(after(region, jp, None), [global, gcc]);
        assert_eq!(after(region, jp, Some("https://smba.trafficmanager.net/jp")), [global, gcc]);
        assert_eq!(after(region, jp, Some("https://evil.example/apac/")), [global, gcc]);
        assert_eq!(after(region, global, Some(global)), [gcc]);
        assert_eq!(after(RejectionReason::WrongHost, jp, Some(apac)), [gcc]);
    }

    #[test]
    fn custom_cloud_allows_plain_http_on_loopback_only() {
        let object = |host: &str| {
            format!(
                r#"{{"login":"http://{host}","scope":"s","issuer":"i","openid_metadata":"http://{host}/m",
                "connector_hosts":["{host}"],"global_service_url":"http://{host}/teams/"}}"#
            )
        };

        assert!(Cloud::parse(&object("127.0.0.1:4000")).is_ok());
        assert!(Cloud::parse(&object("10.0.0.1:4000")).is_err());
    }

    #[test]
    fn port_wildcard_is_valid_for_loopback_only() {
        let mut cloud = Cloud::parse("public").unwrap();
        cloud.connector_hosts = vec!["localhost:*".into(), "smba.trafficmanager.net:*".into()];

        assert!(cloud.allows_host(&ServiceUrl::new("http://localhost:56150/_connector").unwrap()));
        assert!(!cloud.allows_host(&ServiceUrl::new("https://smba.trafficmanager.net:8443/").unwrap()));
    }
}
