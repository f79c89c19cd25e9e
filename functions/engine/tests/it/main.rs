//! Tests of the order desk and of its model, on the bundle of the other stories.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a story may end where it fails")]

mod cards;
mod examples;
mod groups;
mod log;
mod model;
mod model_failures;
mod preferences;
mod release;
mod reminders;
mod sample;
mod scripted_model;
mod times_in_words;
