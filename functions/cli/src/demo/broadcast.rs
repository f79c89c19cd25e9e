//! The broadcast of the demo: a throttled recipient, one that blocked the agent, one that muted the topic, and the report.
//! The faults are injected here; the production code handles them.

use herald::aws::table::SLICES;
use herald::broadcast::{BroadcastId, Outcome, ReportEntry, Status};
use serde_json::{Value, json};

use super::story::{Expected, Story};
use super::{DemoError, deliver};
use local::Local;
use local::channel_emulator::{Fault, Operation, Person, Refusal};

/// The key of the broadcast.
const KEY: &str = "demo-news";

/// Sends a broadcast to four people with different outcomes, and prints its report.
pub(super) async fn play(
    local: &Local,
    story: &mut Story,
    alex: &Person,
    dana: &Person,
) -> Result<(), DemoError> {
    let channel = &local.channel;
    let (billie, chris) = (channel.add_person("Billie"), channel.add_person("Chris"));
    story.scene("Billie and Chris install the agent, and Chris: “mute news”")?;
    for person in [&billie, &chris] {
        deliver(channel, channel.install(person), "the installation").await?;
        story.expect(&[Expected::message(person, "I am the order desk")]).await?;
    }
    deliver(channel, channel.message(&chris, "mute news"), "Chris's message").await?;
    story.expect(&[Expected::message(&chris, "I will say nothing about news")]).await?;

    story.scene("A broadcast of news to all four. The channel throttles the first send to Alex, and Billie has blocked the agent.")?;
    let throttled = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("1");
    let blocked = Refusal::new(403, "ConversationBlockedByUser", "The user blocked the bot");
    channel.fail_on(Operation::Send, Fault::Status(throttled));
    channel.fail_on(Operation::Send, Fault::Status(blocked));
    let people = [alex, &billie, &chris, dana];
    let failed = |error| DemoError::Rejected("the broadcast", Some(error));
    local.fire(event(&people)).await.map_err(failed)?;
    let text = "we deliver on Saturdays";
    story
        .expect(&[
            Expected::rejection(alex, 429),
            Expected::rejection(&billie, 403),
            Expected::message(dana, text),
            Expected::message(alex, text),
        ])
        .await?;

    story.scene("Its report:")?;
    let lines = settled(local, story, people.len()).await?;
    let outcomes = [Outcome::Delivered, Outcome::Blocked, Outcome::OptedOut, Outcome::Delivered];
    for (person, outcome) in people.into_iter().zip(outcomes) {
        let line = lines.iter().find(|line| is_of(line, person));
        let actual = line.map_or("not reported", |line| line.outcome.name());
        let reason = line.and_then(ReportEntry::reason).unwrap_or_default();
        let is_right = line.is_some_and(|line| line.outcome == outcome);
        let text = format!("{:<7} {actual:<10} {reason}", person.name);
        story.check(&text, if is_right { Ok(()) } else { Err("unexpected") })?;
    }
    local.fire(json!({ "version": 1, "tick": true })).await.map_err(failed)?;
    summary(local, story).await
}

async fn summary(local: &Local, story: &mut Story) -> Result<(), DemoError> {
    let (broadcasts, id) = (&local.bundle.proactive.broadcasts, BroadcastId::of_key(KEY));
    let counts = broadcasts.counts(&id).await?.total();
    let is_done = broadcasts.state(&id).await?.is_some_and(|broadcast| broadcast.status == Status::Done);
    let counted = Outcome::ALL.into_iter().filter(|outcome| counts.of(*outcome) > 0);
    let counted: Vec<_> =
        counted.map(|outcome| format!("{} {}", counts.of(outcome), outcome.name())).collect();
    let line = format!("total: {}", counted.join(", "));
    Ok(story.check(&line, if is_done { Ok(()) } else { Err("not done") })?)
}

fn event(people: &[&Person]) -> Value {
    let users = people.iter().map(|person| json!({ "tenant": person.tenant, "id": person.entra_id }));
    json!({
        "version": 1, "notification": "saturdays", "topic": "news", "key": KEY,
        "audience": { "kind": "users", "users": users.collect::<Vec<_>>() },
        "content": {
            "text": "Hello ${user.name}, we deliver on Saturdays now.", "values": { "user.name": "there" },
        },
    })
}

/// Returns the report once `count` recipients have a final outcome, or as it is at the time limit.
async fn settled(local: &Local, story: &Story, count: usize) -> Result<Vec<ReportEntry>, DemoError> {
    let (broadcasts, id) = (&local.bundle.proactive.broadcasts, BroadcastId::of_key(KEY));
    loop {
        let mut lines = Vec::new();
        for slice in 0..SLICES {
            let page = broadcasts.entries(&id, slice, None, None);
            lines.extend(page.await?.entries);
        }
        let is_settled = lines.len() == count && lines.iter().all(|line| line.outcome.is_settled());
        if is_settled || !story.wait_to_poll().await {
            return Ok(lines);
        }
    }
}

fn is_of(line: &ReportEntry, person: &Person) -> bool {
    line.recipient.user.as_ref().is_some_and(|user| user.as_str().eq_ignore_ascii_case(&person.entra_id))
}
