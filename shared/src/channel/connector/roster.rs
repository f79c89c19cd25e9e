//! Roster of a team: reads one page of members (docs/protocol.md §1.1: paged members).
//!
//! The worker iterates over the pages and stores them.

use serde::Deserialize;
use serde_json::Value;

use super::Connector;
use crate::protocol::channel_error::ConnectorError;
use crate::protocol::ids::EntraId;
use crate::protocol::roster::{Member, PAGE, RosterPage};
use crate::protocol::service_url::ServiceUrl;
use crate::protocol::team::Team;

/// Page in the format of the channel.
#[derive(Deserialize)]
struct Paged {
    members: Vec<Value>,
    #[serde(default, rename = "continuationToken")]
    continuation_token: Option<String>,
}

impl Connector {
    /// Returns the page of the roster of `team` at the continuation token `after`; without it the first. Idempotent.
    ///
    /// # Errors
    ///
    /// As [`Connector::send`].
    pub async fn roster(
        &self,
        url: &ServiceUrl,
        team: &Team,
        after: Option<&str>,
    ) -> Result<RosterPage, ConnectorError> {
        let page = self.roster_at(url, team, after).await;
        match (page, self.cloud.other_service_url(url)) {
            (Err(error), Some(other)) if error.is_wrong_host() => self.roster_at(other, team, after).await,
            (page, _) => page,
        }
    }

    async fn roster_at(
        &self,
        url: &ServiceUrl,
        team: &Team,
        after: Option<&str>,
    ) -> Result<RosterPage, ConnectorError> {
        let path = url.join(&["v3", "conversations", team.id.as_str(), "pagedmembers"]);
        let page_url = format!("{path}?{}", query(after));
        let paged: Option<Paged> = self.call_at(reqwest::Method::GET, url, &page_url, None).await?;
        let paged = paged.ok_or_else(|| ConnectorError::ambiguous("response is not a page of members"))?;
        Ok(paged.read())
    }
}

fn query(after: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("pageSize", &PAGE.to_string());
    if let Some(after) = after {
        query.append_pair("continuationToken", after);
    }
    query.finish()
}

impl Paged {
    /// Decodes the members; unreadable ones are counted, and agents are left out.
    fn read(self) -> RosterPage {
        let mut page = RosterPage { next: self.continuation_token, ..RosterPage::default() };
        page.next = page.next.filter(|next| !next.is_empty());
        for account in &self.members {
            let text = |name: &str| account[name].as_str().and_then(|text| EntraId::new(text).ok());
            match text("id") {
                Some(id) if id.as_str().starts_with("28:") => {}
                Some(id) => {
                    let entra = text("aadObjectId").or_else(|| text("objectId"));
                    page.members.push(Member { id, entra });
                }
                None => page.unreadable += 1,
            }
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unreadable_members_are_counted_and_agents_left_out() {
        let paged: Paged = serde_json::from_value(json!({
            "members": [
                { "id": "29:1", "aadObjectId": "a", "name": "Ada" }, { "id": "29:2", "objectId": "b" }, { "id": "29:3" },
                { "id": "28:agent" }, { "id": "" }, "malformed",
            ],
            "continuationToken": "next",
        }))
        .unwrap();

        let page = paged.read();

        let ids: Vec<_> =
            page.members.iter().map(|member| member.entra.as_ref().map(EntraId::as_str)).collect();
        assert_eq!(ids, [Some("a"), Some("b"), None]);
        assert_eq!((page.unreadable, page.next.as_deref()), (2, Some("next")));
    }

    #[test]
    fn a_page_without_a_token_or_with_an_empty_one_is_the_last() {
        for token in [json!(null), json!("")] {
            let paged: Paged =
                serde_json::from_value(json!({ "members": [], "continuationToken": token })).unwrap();

            assert_eq!(paged.read(), RosterPage::default());
        }
    }
}
