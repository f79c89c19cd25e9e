//! The signing keys, from where they are published: without them no inbound token can be checked.
//! The copy in the table is not asked, for it would hide that the endpoint is out of reach.

use super::{Finding, root};
use crate::channel::auth::{KeysError, published_keys};

/// Fetches the metadata at `metadata_url` and the keys it names; `what` is how the finding is called.
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
            "let this address be reached by https: check DNS, firewall and, in a VPC, the NAT"
        }
        KeysError::Status(_) => {
            "check CLOUD; if it is right, the channel has an outage: check again in some minutes"
        }
        KeysError::Unreadable(_) | KeysError::ForeignKeys | KeysError::Empty => {
            "check CLOUD; if it is right, something on the way answers in the channel's place"
        }
    }
}
