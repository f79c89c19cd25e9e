//! Regional service URLs (docs/protocol.md §7.4): the connector answers under a path for each region, and a
//! conversation that has a region only there and under the global path.

use super::persistent_state::Directory;
use super::refusal::Refusal;

/// First path segment of the global service URL.
pub(super) const GLOBAL: &str = "teams";

/// First path segments of service URLs.
const REGIONS: [&str; 8] = [GLOBAL, "amer", "apac", "de", "emea", "in", "jp", "uk"];

/// Returns the region of a call, and its path below `v3/conversations`; `None` for another path.
pub(super) fn split<'s, 'a>(segments: &'s [&'a str]) -> Option<(&'a str, &'s [&'a str])> {
    match segments {
        // The newer form has the tenant as its second segment.
        [region, "v3", "conversations", rest @ ..] | [region, _, "v3", "conversations", rest @ ..]
            if REGIONS.contains(region) =>
        {
            Some((*region, rest))
        }
        _ => None,
    }
}

/// Rejects a call under `region` if the conversation belongs to another one.
pub(super) fn check(directory: &Directory, conversation: &str, region: &str) -> Result<(), Refusal> {
    let home = directory.conversations.get(conversation).and_then(|known| known.region.as_deref());
    match home.and_then(|home| home.split('/').next()) {
        Some(home) if region != GLOBAL && home != region => {
            Err(Refusal::new(403, "BadArgument", "User is from different region"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether `path` is that of a service URL, e.g. `/emea/`, or `/emea/` and a tenant id.
pub(super) fn is_service_path(path: &str) -> bool {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    matches!(segments.as_slice(), [region] | [region, _] if REGIONS.contains(region))
}
