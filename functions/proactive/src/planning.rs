//! Planning: an audience becomes deliveries, page by page.

mod amend_targets;
mod page;
mod plan;
mod preview;
mod resolve;
mod rosters;
mod subscribers;

pub use self::preview::Preview;
