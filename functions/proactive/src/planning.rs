//! Planning: turns an audience into deliveries, page by page.

mod amend_targets;
mod backlog;
mod error;
mod page;
mod plan;
mod preview;
mod recipient_pages;
mod resolve;
mod rosters;
mod subscribers;

pub use self::error::PlanError;
pub(crate) use self::plan::Planner;
pub use self::preview::Preview;
pub(crate) use self::preview::preview;
pub(crate) use self::recipient_pages::Recipients;
pub(crate) use self::rosters::RosterReader;
