//! Prompt of the model: its role, the latest exchanges that fit, and the question.
//! The exchanges come from the memory that the runtime stores.

use herald::agent::Exchange;
use serde::Serialize;

/// Maximum number of earlier exchanges in a prompt.
const MAX_EXCHANGES: usize = 8;

/// Maximum length of the earlier exchanges in characters: the context of a small model is short.
const MAX_CONTEXT: usize = 6_000;

/// Maximum length of a question in characters.
const MAX_QUESTION: usize = 4_000;

/// One message of a prompt.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// Returns the messages that ask the model, in its `role`, to answer `question`.
pub(super) fn prompt<'a>(role: &'a str, exchanges: &'a [Exchange], question: &'a str) -> Vec<Message<'a>> {
    let mut room = MAX_CONTEXT;
    let fits = |exchange: &&Exchange| {
        let length = exchange.asked.chars().count() + exchange.answered.chars().count();
        let left = room.checked_sub(length);
        room = left.unwrap_or_default();
        left.is_some()
    };
    let mut latest: Vec<_> = exchanges.iter().rev().take(MAX_EXCHANGES).take_while(fits).collect();
    latest.reverse();
    let message = |role, content| Message { role, content };
    let earlier = latest
        .into_iter()
        .flat_map(|one| [message("user", &one.asked[..]), message("assistant", &one.answered[..])]);
    std::iter::once(message("system", role))
        .chain(earlier)
        .chain([message("user", truncated(question))])
        .collect()
}

/// Returns the beginning of `question`, up to its maximum length.
fn truncated(question: &str) -> &str {
    let end = question.char_indices().nth(MAX_QUESTION).map_or(question.len(), |(at, _)| at);
    question.get(..end).unwrap_or(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(asked: &str, answered: &str) -> Exchange {
        Exchange::new(asked, answered, "2026-11-22T09:00:00Z".parse().unwrap())
    }

    fn contents(messages: &[Message<'_>]) -> Vec<(&'static str, String)> {
        messages.iter().map(|message| (message.role, message.content.to_owned())).collect()
    }

    #[test]
    fn latest_exchanges_are_included_in_order() {
        let exchanges: Vec<_> = (0..10).map(|n| exchange(&format!("q{n}"), &format!("a{n}"))).collect();

        let messages = contents(&prompt("You are a desk.", &exchanges, "and now?"));

        assert_eq!(messages.len(), 1 + 2 * MAX_EXCHANGES + 1);
        assert_eq!(messages[0].0, "system");
        assert_eq!(messages[1], ("user", "q2".to_owned()));
        assert_eq!(messages[16], ("assistant", "a9".to_owned()));
        assert_eq!(messages[17], ("user", "and now?".to_owned()));
    }

    #[test]
    fn exchanges_that_do_not_fit_are_dropped_from_the_oldest_on() {
        let exchanges =
            [exchange("short", "short"), exchange("long", &"x".repeat(MAX_CONTEXT)), exchange("q", "a")];
        let question = "é".repeat(MAX_QUESTION + 1);

        let messages = contents(&prompt("You are a desk.", &exchanges, &question));

        assert_eq!(messages.len(), 4);
        assert_eq!(messages[1].1, "q");
        assert_eq!(messages[3].1.chars().count(), MAX_QUESTION);
    }
}
