//! What real traffic looks like: the fixtures of `tests/fixtures`, one file of stories for each kind.

mod refusals;
mod retry_after;
mod team_events;
