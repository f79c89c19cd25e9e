//! Team helpers: a team whose members are the recipients of the broadcast of `news`.

use local::channel_emulator::{Effect, Person, TeamChannel, TranscriptEntry};
use serde_json::{Value, json};

use crate::broadcasts::{news, save_reference, tick};
use crate::{ScriptedEngine, TestBundle};

/// Starts a bundle with a team of `count` people, every other one with a conversation, in pages of two.
pub async fn office(count: usize) -> (TestBundle, TeamChannel, Vec<Person>) {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let team = bundle.channel().add_channel("Office", "General");
    let mut people = Vec::new();
    for number in 0..count {
        let person = bundle.channel().add_person(&format!("Member {number}"));
        if number % 2 == 0 {
            save_reference(&bundle, &person, None).await;
        }
        people.push(person);
    }
    bundle.channel().set_members(&team, &people.iter().collect::<Vec<_>>());
    bundle.channel().set_largest_page(2);
    (bundle, team, people)
}

/// Returns the members of `team` as an audience.
pub fn members_of(team: &TeamChannel) -> Value {
    json!({ "kind": "team", "tenant": team.tenant, "id": team.team_id })
}

/// Returns the content of every broadcast to a team.
pub fn hello() -> Value {
    json!({ "text": "Hello." })
}

/// Starts the broadcast of `news` to `audience`.
pub async fn start_broadcast(bundle: &TestBundle, audience: Value) {
    bundle.local().fire(news(audience, hello())).await.unwrap();
}

/// Reads the rosters, plans with the tick, sends to all recipients, and completes with the tick.
pub async fn finish_broadcast(bundle: &TestBundle) {
    for _ in 0..2 {
        bundle.drain().await;
        tick(bundle).await;
    }
}

/// Returns the names of the recipients, sorted.
pub fn recipient_names(bundle: &TestBundle) -> Vec<String> {
    let people = bundle.channel().people();
    let sent = bundle.channel().entries().into_iter().filter(|entry| entry.effect == Effect::Sent);
    let name = |entry: TranscriptEntry| {
        let of = |person: &&Person| {
            entry.conversation.as_deref() == Some(&bundle.channel().personal_conversation(person))
        };
        people.iter().find(of).map_or_else(|| "unknown".to_owned(), |person| person.name.clone())
    };
    let mut names: Vec<String> = sent.map(name).collect();
    names.sort();
    names
}

/// Returns the number of roster pages that were read.
pub fn pages_read(bundle: &TestBundle) -> usize {
    bundle.channel().entries().iter().filter(|entry| entry.effect == Effect::Read).count()
}
