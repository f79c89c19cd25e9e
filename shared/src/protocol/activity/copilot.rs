//! Copilot: how an activity of Microsoft 365 Copilot differs from one of Teams, whose channel it shares (docs/protocol.md §5.4).

use serde_json::Value;

use super::{Activity, ChannelData};

/// Name of Copilot in every form, compared ignoring case.
const COPILOT: &str = "copilot";

impl Activity {
    /// Whether the activity comes from Microsoft 365 Copilot: by the compound channel id `msteams:COPILOT`, by an
    /// entity `ProductInfo` or with a `subChannelInfo`, or by `channelData.productContext`, in any case.
    ///
    /// Other channels than Teams have no Copilot: there the sender controls these members.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::activity::Activity;
    ///
    /// let activity: Activity = serde_json::from_value(serde_json::json!({
    ///     "type": "message", "channelId": "msteams", "channelData": { "productContext": "COPILOT" },
    /// }))?;
    /// assert!(activity.is_copilot());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_copilot(&self) -> bool {
        let Some(channel) = self.channel_id.as_ref().filter(|channel| channel.is_teams()) else {
            return false;
        };
        let of_entity = |entity: &super::Entity| {
            let is_product = entity.kind.eq_ignore_ascii_case("ProductInfo");
            let product = entity.extra.get("id").filter(|_| is_product);
            is_named(product) || is_named(entity.extra.get("subChannelInfo").map(|info| &info["channelId"]))
        };
        let product_context = match &self.channel_data {
            Some(ChannelData::Known(data)) => data.extra.get("productContext"),
            Some(ChannelData::Other(_)) | None => None,
        };
        channel.sub_channel().is_some_and(|name| name.eq_ignore_ascii_case(COPILOT))
            || self.entities.iter().any(of_entity)
            || is_named(product_context)
    }
}

fn is_named(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(COPILOT))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_copilot(channel: &str, member: &str, value: Value) -> bool {
        let mut activity = json!({ "type": "message", "channelId": channel });
        activity[member] = value;
        serde_json::from_value::<Activity>(activity).unwrap().is_copilot()
    }

    #[test]
    fn copilot_is_recognized_in_every_form_and_case() {
        for id in ["msteams:COPILOT", "msteams:copilot", "msteams:Copilot", "MSTEAMS:Copilot"] {
            assert!(is_copilot(id, "text", json!("hi")), "{id}");
        }
        for (member, value) in [
            ("entities", json!([{ "type": "ProductInfo", "id": "COPILOT" }])),
            ("entities", json!([{}, { "type": "productInfo", "id": "copilot" }])),
            ("entities", json!([{ "type": "x" }, { "type": "ProductInfo", "id": "Copilot", "more": 1 }])),
            ("entities", json!([{ "subChannelInfo": { "channelId": "COPILOT" } }])),
            ("channelData", json!({ "productContext": "COPILOT" })),
            ("channelData", json!({ "tenant": {}, "productContext": "Copilot" })),
        ] {
            assert!(is_copilot("msteams", member, value.clone()), "{value}");
        }
    }

    #[test]
    fn other_activities_are_not_of_copilot() {
        for id in ["msteams", "msteams:", "msteams:COPILOTS", "webchat:COPILOT", "copilot", ":copilot"] {
            assert!(!is_copilot(id, "text", json!("copilot")), "{id}");
        }
        for (member, value) in [
            ("entities", json!([{ "type": "ProductInfo", "id": "Outlook" }])),
            ("entities", json!([{ "type": "ProductInfo", "id": ["COPILOT"] }])),
            ("entities", json!([{ "type": "mention", "id": "COPILOT" }])),
            ("entities", json!([{ "subChannelInfo": "COPILOT" }])),
            ("channelData", json!({ "productContext": { "id": "COPILOT" } })),
            ("channelData", json!("COPILOT")),
        ] {
            assert!(!is_copilot("msteams", member, value.clone()), "{value}");
        }
        assert!(!is_copilot("webchat", "channelData", json!({ "productContext": "COPILOT" })));
    }
}
