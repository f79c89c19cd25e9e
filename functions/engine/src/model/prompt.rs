//! What the model is told: who it is, what was said last, and the question, all within bounds.
//! What is kept of a conversation is the runtime's memory; here only what of it fits is chosen.

use herald::agent::Exchange;
use serde::Serialize;

/// Most exchanges that go along.
const MAX_EXCHANGES: usize = 8;

/// Most characters of earlier exchanges that go along: a small model has room for little more.
const MAX_CONTEXT: usize = 6_000;

/// Most characters of a question.
const MAX_QUESTION: usize = 4_000;

const ROLE: &str = "You are the order desk of a small office supplies shop and talk to people in a chat. Answer in a \
    few short, plain sentences and in the language of the question. You cannot place, change or cancel orders in your \
    answers: people write “order a laptop” to order and “cancel my order” to cancel, and you never claim to have done \
    either. Orders take two days. When you do not know something about the shop, say so.";

/// One message to the model.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// All that the model is told for it to answer `question`.
pub(crate) fn prompt<'a>(exchanges: &'a [Exchange], question: &'a str) -> Vec<Message<'a>> {
    let mut room = MAX_CONTEXT;
    let fits = |exchange: &&Exchange| {
        let length = exchange.asked.chars().count() + exchange.answered.chars().count();
        let left = room.checked_sub(length);
        room = left.unwrap_or_default();
        left.is_some()
    };
    let mut latest: Vec<_> = exchanges.iter().rev().take(MAX_EXCHANGES).take_while(fits).collect();
    latest.reverse();
    let said = |role, content| Message { role, content };
    let earlier = latest
        .into_iter()
        .flat_map(|one| [said("user", &one.asked[..]), said("assistant", &one.answered[..])]);
    std::iter::once(said("system", ROLE)).chain(earlier).chain([said("user", beginning(question))]).collect()
}

fn beginning(question: &str) -> &str {
    let end = question.char_indices().nth(MAX_QUESTION).map_or(question.len(), |(at, _)| at);
    question.get(..end).unwrap_or(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(asked: &str, answered: &str) -> Exchange {
        Exchange::new(asked, answered, "2026-11-22T09:00:00Z".parse().unwrap())
    }

    fn told(messages: &[Message<'_>]) -> Vec<(&'static str, String)> {
        messages.iter().map(|message| (message.role, message.content.to_owned())).collect()
    }

    #[test]
    fn the_latest_exchanges_go_along_in_their_order() {
        let exchanges: Vec<_> = (0..10).map(|n| exchange(&format!("q{n}"), &format!("a{n}"))).collect();

        let told = told(&prompt(&exchanges, "and now?"));

        assert_eq!(told.len(), 1 + 2 * MAX_EXCHANGES + 1);
        assert_eq!(told[0].0, "system");
        assert_eq!(told[1], ("user", "q2".to_owned()));
        assert_eq!(told[16], ("assistant", "a9".to_owned()));
        assert_eq!(told[17], ("user", "and now?".to_owned()));
    }

    #[test]
    fn what_does_not_fit_stays_behind_from_the_oldest_on() {
        let exchanges =
            [exchange("short", "short"), exchange("long", &"x".repeat(MAX_CONTEXT)), exchange("q", "a")];
        let question = "é".repeat(MAX_QUESTION + 1);

        let told = told(&prompt(&exchanges, &question));

        assert_eq!(told.len(), 4);
        assert_eq!(told[1].1, "q");
        assert_eq!(told[3].1.chars().count(), MAX_QUESTION);
    }
}
