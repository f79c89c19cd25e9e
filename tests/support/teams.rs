//! Teams in stories: a team whose members are sent the broadcast of `news`.

use local::channel_emulator::{Effect, Person, TeamChannel, TranscriptEntry};
use serde_json::{Value, json};

use crate::broadcasts::{news, save_reference, tick};
use crate::{ScriptedEngine, TestBundle};

/// A team of `count` people, every other one of whom has a conversation, in pages of two.
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

/// The members of `team` as an audience.
pub fn members_of(team: &TeamChannel) -> Value {
    json!({ "kind": "team", "tenant": team.tenant, "id": team.team_id })
}

/// The content of every broadcast to a team.
pub fn hello() -> Value {
    json!({ "text": "Hello." })
}

/// Begins the broadcast of `news` to `audience`.
pub async fn start_broadcast(bundle: &TestBundle, audience: Value) {
    bundle.local().fire(news(audience, hello())).await.unwrap();
}

/// Reads the rosters, plans with the tick, tells everybody, and ends with the tick.
pub async fn finish_broadcast(bundle: &TestBundle) {
    for _ in 0..2 {
        bundle.drain().await;
        tick(bundle).await;
    }
}

/// Who was told, by the name of the conversation's person.
pub fn recipient_names(bundle: &TestBundle) -> Vec<String> {
    let people = bundle.channel().people();
    let sent = bundle.channel().entries().into_iter().filter(|entry| entry.effect == Effect::Sent);
    let name = |entry: TranscriptEntry| {
        let of = |person: &&Person| {
            entry.conversation.as_deref() == Some(&bundle.channel().personal_conversation(person))
        };
        people.iter().find(of).map_or_else(|| "nobody".to_owned(), |person| person.name.clone())
    };
    let mut names: Vec<String> = sent.map(name).collect();
    names.sort();
    names
}

/// How many pages of members were read.
pub fn pages_read(bundle: &TestBundle) -> usize {
    bundle.channel().entries().iter().filter(|entry| entry.effect == Effect::Read).count()
}
