//! What real traffic looks like: the fixtures of `tests/fixtures`, one file of stories for each kind.

mod addressed;
mod conversations_of_others;
mod copilot;
mod left_out;
mod optional_members;
mod refusals;
mod retry_after;
mod team_events;
mod two_personal_conversations;
mod written;
