//! Planning: turns an audience into deliveries, page by page.

mod amend_targets;
mod backlog;
mod error;
mod page;
mod plan;
mod preview;
mod recipients;
mod resolve;
mod rosters;
mod subscribers;

pub use self::error::PlanError;
pub(crate) use self::plan::Planner;
pub use self::preview::Preview;
pub(crate) use self::preview::preview;
pub(crate) use self::recipients::Recipients;
pub(crate) use self::rosters::RosterReader;
