//! What is meant for one person is only shown in a conversation that the channel calls that person's own: answers,
//! follow-ups, reminders, notifications and notices, after arbitrary histories of activities and rejections.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use herald::agent::{
    Effect as EngineEffect, Engine, EngineError, Notification, Progress, Recipient, Reminder, Response, Task,
    TaskResponse, TaskRun, Turn,
};
use herald::clock::Clock;
use herald::protocol::activity::Activity;
use jiff::SignedDuration;
use local::channel_emulator::{CopilotForm, Effect, Fault, Operation, Person, Refusal};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::TestBundle;
use tokio::runtime::Builder;

/// An engine whose every message names whom or which conversation it is for.
struct Labelling;

/// Returns the label of what is meant for the sender of a personal conversation, or else for the conversation.
fn label(reference: &herald::protocol::conversation::ConversationReference) -> String {
    match reference.person() {
        Some(person) => format!("for {}", person.id),
        None => format!("in {}", reference.conversation.id),
    }
}

#[async_trait]
impl Engine for Labelling {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        let label = label(&turn.reference);
        Ok(match turn.activity.text.as_deref().unwrap_or_default() {
            text if text.contains("task") => Response::defer(Activity::message(&label), Task::new("work")),
            text if text.contains("remind") => {
                let due =
                    turn.activity.timestamp.as_ref().and_then(Value::as_str).and_then(|at| at.parse().ok());
                let due = due.unwrap_or(jiff::Timestamp::UNIX_EPOCH) + SignedDuration::from_mins(5);
                let reminder = Reminder::new("soon", Activity::message(&label), due);
                Response::ignore().with_effect(EngineEffect::Remind(Box::new(reminder)))
            }
            text if text.contains("fail") => return Err("no answer".into()),
            "" => Response::ignore(),
            _ => Response::reply(label),
        })
    }

    async fn run_task(&self, run: &TaskRun, _: &Progress) -> Result<TaskResponse, EngineError> {
        Ok(TaskResponse::done([Activity::message(label(&run.reference))]))
    }

    async fn on_notification(
        &self,
        _: &Notification,
        to: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        Ok(to.person().map(|person| Activity::message(format!("for {}", person.id))))
    }
}

/// One event of a history. Numbers choose among people, conversations and shapes.
#[derive(Debug, Clone)]
enum Event {
    /// A person writes somewhere, in one of several shapes.
    Write { person: usize, place: usize, shape: usize, text: &'static str },
    /// An invoke, a reaction or a member event from somewhere.
    Other { person: usize, place: usize, kind: usize },
    /// The channel rejects the next send.
    Reject { refusal: usize },
    /// A conversation is not found any more.
    Close { place: usize },
    /// A person installs or removes the agent.
    Install { person: usize, installs: bool },
    /// A notification to one person or to everyone.
    Notify { person: Option<usize>, dedicated: bool },
    /// Time passes, and ticks.
    Pass,
}

fn event() -> impl Strategy<Value = Event> {
    let text = prop::sample::select(vec!["hello", "task", "remind", "fail"]);
    prop_oneof![
        5 => (0..2usize, 0..8usize, 0..7usize, text)
            .prop_map(|(person, place, shape, text)| Event::Write { person, place, shape, text }),
        3 => (0..2usize, 0..8usize, 0..6usize).prop_map(|(person, place, kind)| Event::Other { person, place, kind }),
        3 => (0..5usize).prop_map(|refusal| Event::Reject { refusal }),
        1 => (0..8usize).prop_map(|place| Event::Close { place }),
        1 => (0..2usize, any::<bool>()).prop_map(|(person, installs)| Event::Install { person, installs }),
        4 => (prop::option::of(0..2usize), prop::bool::weighted(0.2))
            .prop_map(|(person, dedicated)| Event::Notify { person, dedicated }),
        1 => Just(Event::Pass),
    ]
}

/// A bundle with two people and eight conversations: two of each of them, a group chat, a meeting, a channel and a thread
/// of Copilot.
struct World {
    bundle: TestBundle,
    people: [Person; 2],
    places: Vec<String>,
    copilot: BTreeSet<String>,
    /// Whose every conversation is, as the channel knew it at any time.
    owners: BTreeMap<String, String>,
    notifications: usize,
}

impl World {
    async fn begin() -> Self {
        let bundle = TestBundle::with(Labelling).await;
        let channel = bundle.channel();
        let people = [channel.add_person("Pat"), channel.add_person("Kim")];
        let [pat, kim] = &people;
        let thread = channel.mention(pat, &channel.add_channel("Office", "General"), "");
        let copilot = channel.open_conversation(kim);
        let places = vec![
            channel.personal_conversation(pat),
            channel.open_conversation(pat),
            channel.personal_conversation(kim),
            channel.open_conversation(kim),
            channel.add_group_chat("Lunch", &[pat, kim]),
            channel.add_meeting("Review", &[pat, kim]),
            thread["conversation"]["id"].as_str().unwrap().to_owned(),
            copilot.clone(),
        ];
        let mut world = Self {
            bundle,
            people,
            places,
            copilot: [copilot].into(),
            owners: BTreeMap::new(),
            notifications: 0,
        };
        world.note_owners();
        world
    }

    /// Notes whose conversations the channel says the personal ones are.
    fn note_owners(&mut self) {
        let snapshot = self.bundle.channel().snapshot();
        for (id, conversation) in snapshot["conversations"].as_object().unwrap() {
            if let Some(owner) = conversation["place"]["personal"].as_str() {
                let owner = self.people.iter().find(|person| person.id == owner).unwrap();
                self.owners.insert(id.clone(), owner.entra_id.clone());
            }
        }
    }

    /// Returns who speaks in a place: in a personal conversation only its person.
    fn speaker(&self, person: usize, place: &str) -> Person {
        let owner = self.owners.get(place);
        let speaker = self.people.iter().find(|person| Some(&person.entra_id) == owner);
        speaker.unwrap_or(&self.people[person]).clone()
    }

    async fn play(&mut self, event: &Event) {
        let channel = self.bundle.channel().clone();
        match *event {
            Event::Write { person, place, shape, text } => {
                let place = self.places[place].clone();
                let speaker = self.speaker(person, &place);
                let mut activity = match self.copilot.contains(&place) {
                    true => channel.copilot_message(&speaker, &place, text, CopilotForm::ALL[shape % 3]),
                    false if self.owners.contains_key(&place) => channel.message_in(&speaker, &place, text),
                    false => channel.mention_in(&speaker, &place, text),
                };
                reshape(&mut activity, shape);
                self.deliver(activity).await;
            }
            Event::Other { person, place, kind } => {
                let place = self.places[place].clone();
                let speaker = self.speaker(person, &place);
                let activity = match kind {
                    0 => channel.compose_fetch(&speaker, &place, "c"),
                    1 => channel.compose_query(&speaker, &place, "c", "x"),
                    2 => channel.reaction_in(&speaker, &place, "1", "like"),
                    3 => channel.members_added(&speaker, &place, &[&speaker.id]),
                    4 => channel.activity(&speaker, &place, "typing"),
                    _ => channel.activity(&speaker, &place, "event"),
                };
                self.deliver(activity).await;
            }
            Event::Reject { refusal } => {
                let refusal = match refusal {
                    0 => Refusal::new(403, "BotNotInConversationRoster", "No"),
                    1 => Refusal::new(404, "ConversationNotFound", "No"),
                    2 => Refusal::new(403, "ConversationBlockedByUser", "No"),
                    3 => Refusal::new(403, "BadArgument", "User is from different region"),
                    _ => Refusal::new(403, "SomethingNew", "No"),
                };
                channel.fail_on(Operation::Send, Fault::Status(refusal));
            }
            Event::Close { place } => channel.close_conversation(&self.places[place]),
            Event::Install { person, installs } => {
                let person = &self.people[person];
                let activity = if installs { channel.install(person) } else { channel.uninstall(person) };
                self.deliver(activity).await;
            }
            Event::Notify { person, dedicated } => {
                self.notifications += 1;
                let audience = match person.map(|person| &self.people[person]) {
                    Some(person) => json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id }),
                    None => json!({ "kind": "everyone" }),
                };
                let event = json!({
                    "version": 1, "notification": "news", "key": self.notifications.to_string(),
                    "audience": audience, "dedicated_thread": dedicated,
                });
                self.bundle.local().fire(event).await.unwrap();
            }
            Event::Pass => {
                self.bundle.clock().advance(Duration::from_secs(600));
                self.bundle.tick().await;
            }
        }
        self.bundle.clock().advance(Duration::from_secs(2));
        self.note_owners();
        self.bundle.drain_with_time(Duration::from_secs(3600)).await;
        self.note_owners();
        self.check();
    }

    async fn deliver(&self, mut activity: Value) {
        activity["timestamp"] = json!(self.bundle.clock().now().to_string());
        let answer = self.bundle.deliver(activity).await;
        assert!([200, 202, 501].contains(&answer.status), "{} {}", answer.status, answer.body);
    }

    /// Checks where everything that was shown was meant to be.
    fn check(&self) {
        for entry in self.bundle.channel().entries().iter().filter(|entry| entry.effect != Effect::Refused) {
            let (Some(place), true) = (&entry.conversation, entry.shows_message()) else { continue };
            let text = entry.activity["text"].as_str().unwrap_or_default();
            if let Some(person) = text.strip_prefix("for ") {
                assert_eq!(self.owners.get(place).map(String::as_str), Some(person), "`{text}` in {place}");
            } else if let Some(conversation) = text.strip_prefix("in ") {
                assert_eq!(conversation, place, "`{text}` in {place}");
            }
        }
    }

    async fn end(self) {
        self.bundle.channel().forget_faults();
        for queue in ["turns", "tasks", "deliveries"] {
            self.bundle.purge(queue).await;
        }
        // Work that a rejection left waiting does not matter here.
        drop(self.bundle.close().await);
    }
}

/// Changes a message to one of the shapes that clients send.
fn reshape(activity: &mut Value, shape: usize) {
    let conversation = activity["conversation"].as_object_mut().unwrap();
    match shape {
        1 => drop(conversation.remove("conversationType")),
        2 => {
            conversation.remove("conversationType");
            conversation.remove("isGroup");
        }
        3 => drop(activity["from"].as_object_mut().unwrap().remove("aadObjectId")),
        4 => {
            for member in ["locale", "localTimezone", "entities"] {
                activity.as_object_mut().unwrap().remove(member);
            }
        }
        5 => activity["channelData"] = json!({ "tenant": {} }),
        _ => {}
    }
}

#[test]
fn what_is_meant_for_one_person_is_only_shown_in_their_own_conversations() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let result = runner.run(&vec(event(), 1..16), |events| {
        runtime.block_on(async {
            let mut world = World::begin().await;
            for event in &events {
                world.play(event).await;
            }
            world.end().await;
        });
        Ok(())
    });
    result.unwrap();
}
