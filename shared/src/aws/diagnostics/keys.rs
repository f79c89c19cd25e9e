//! Check of the signing keys: fetches them, because no inbound token can be validated without.
//!
//! It does not read the key cache, which would hide that the endpoint is unreachable.

use super::{Finding, root};
use crate::channel::auth::{KeysError, published_keys};

/// Fetches the metadata at `metadata_url` and its keys; `what` names the finding.
pub async fn keys(http: &reqwest::Client, what: &str, metadata_url: &str) -> Finding {
    match published_keys(http, metadata_url).await {
        Ok(count) => Finding::passed(what, format!("{count} usable at {metadata_url}")),
        Err(error) => {
            let cause = match &error {
                KeysError::Unreachable(source) => format!("{error}: {}", root(source)),
                KeysError::Unreadable(source) => format!("{error}: {source}"),
                KeysError::Status(_) | KeysError::ForeignKeys | KeysError::Empty => error.to_string(),
            };
            Finding::failed(what, format!("{metadata_url}: {cause}"), fix(&error))
        }
    }
}

fn fix(error: &KeysError) -> &'static str {
    match error {
        KeysError::Unreachable(_) => {
            "allow HTTPS to this address: check DNS, firewall and, in a VPC, the NAT"
        }
        KeysError::Status(_) => {
            "check CLOUD; if it is correct, the channel has an outage: check again in some minutes"
        }
        KeysError::Unreadable(_) | KeysError::ForeignKeys | KeysError::Empty => {
            "check CLOUD; if it is correct, a proxy responds instead of the channel"
        }
    }
}
