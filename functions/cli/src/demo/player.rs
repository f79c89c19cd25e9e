//! Plays the scenes of a demo: does what their steps name, and has the story check what the channel receives.

use std::collections::HashMap;
use std::sync::Arc;

use herald::app::demo_script::{Expected, Name, Scene, Step};
use herald::clock::Clock;
use jiff::Timestamp;
use local::Local;
use local::aws_emulator::template::fire;
use local::channel_emulator::{Fault, Operation, Person, Refusal};
use serde_json::{Value, json};

use super::verifier::Story;
use super::{DemoError, report_check};

/// A demo in progress.
pub(super) struct Player<'a> {
    local: &'a Local,
    clock: Arc<dyn Clock>,
    story: Story,
    people: HashMap<Name, Person>,
    /// Last due times of schedules that fired, by name.
    fired: HashMap<&'static str, Timestamp>,
}

impl<'a> Player<'a> {
    /// Returns a player on this bundle.
    pub(super) fn new(local: &'a Local, clock: Arc<dyn Clock>) -> Self {
        let story = Story::new(local.channel.clone(), clock.clone());
        Self { local, clock, story, people: HashMap::new(), fired: HashMap::new() }
    }

    /// Plays all scenes and returns how much was not as expected.
    pub(super) async fn play(mut self, scenes: &[Scene]) -> Result<usize, DemoError> {
        self.story.title("Everything below is real but the channel, and happens on this machine.")?;
        for Scene { title, steps } in scenes {
            self.story.scene(title)?;
            for step in steps {
                self.step(step).await?;
            }
        }
        self.story.end()
    }

    async fn step(&mut self, step: &Step) -> Result<(), DemoError> {
        match step {
            Step::Install(name) => {
                let install = self.local.channel.install(&self.person(name));
                self.deliver(install, format!("the installation by {name}")).await
            }
            Step::Write(name, text) => {
                let message = self.local.channel.message(&self.person(name), text);
                self.deliver(message, format!("{name}'s message")).await
            }
            Step::Speak(name, locale) => {
                let person = Person { locale: (*locale).to_owned(), ..self.person(name) };
                self.people.insert(name, person);
                Ok(())
            }
            Step::Refuse { status, code, message, retry_after } => {
                let refusal = Refusal::new(*status, code, message);
                let refusal = match retry_after {
                    Some(seconds) => refusal.retry_after(*seconds),
                    None => refusal,
                };
                self.local.channel.fail_on(Operation::Send, Fault::Status(refusal));
                Ok(())
            }
            Step::Fire { schedule, only_for } => self.fire(schedule, *only_for).await,
            Step::Broadcast { event, recipients } => {
                let users = recipients.iter().map(|name| user(&self.person(name))).collect::<Vec<_>>();
                let mut event = event.clone();
                event["audience"] = json!({ "kind": "users", "users": users });
                self.start(event, "the broadcast").await
            }
            Step::Expect(all) => {
                for expected in all {
                    let person = self.person(expected.person());
                    self.story.expect(expected, &person).await?;
                }
                Ok(())
            }
            Step::ExpectGrowing(name, text) => {
                let person = self.person(name);
                self.story.expect_growing(&Expected::Message(name, text), &person).await
            }
            Step::ExpectReport { key, outcomes } => {
                let expected: Vec<_> =
                    outcomes.iter().map(|(name, outcome)| (self.person(name), *outcome)).collect();
                report_check::expect(self.local, &mut self.story, key, &expected).await?;
                self.start(json!({ "version": 1, "tick": true }), "the tick").await?;
                report_check::expect_done(self.local, &mut self.story, key).await
            }
        }
    }

    /// The person of this name, who is added to the channel the first time.
    fn person(&mut self, name: Name) -> Person {
        self.people.entry(name).or_insert_with(|| self.local.channel.add_person(name)).clone()
    }

    async fn fire(&mut self, name: &'static str, only_for: Option<Name>) -> Result<(), DemoError> {
        let what = format!("the schedule {name}");
        let schedule = self.local.template.schedules.iter().find(|schedule| schedule.name == name);
        let after = self.fired.get(name).copied().unwrap_or_else(|| self.clock.now());
        let next = schedule.and_then(|schedule| Some((schedule, schedule.next_after(after)?)));
        let Some((schedule, due)) = next else { return Err(DemoError::NotTaken(what, None)) };
        self.fired.insert(name, due);
        let mut event = fire(schedule, due);
        if let Some(person) = only_for.map(|name| self.person(name)) {
            event["audience"] = user(&person);
            event["audience"]["kind"] = json!("user");
        }
        self.start(event, &what).await
    }

    async fn start(&self, event: Value, what: &str) -> Result<(), DemoError> {
        let started = self.local.fire(event).await;
        started.map(drop).map_err(|error| DemoError::NotTaken(what.to_owned(), Some(error)))
    }

    async fn deliver(&self, activity: Value, what: String) -> Result<(), DemoError> {
        match self.local.channel.deliver(activity).await {
            Ok(answer) if answer.status == 202 => Ok(()),
            Ok(answer) => {
                Err(DemoError::NotTaken(what, Some(format!("inbound answered {}", answer.status).into())))
            }
            Err(error) => Err(DemoError::NotTaken(what, Some(error.into()))),
        }
    }
}

fn user(person: &Person) -> Value {
    json!({ "tenant": person.tenant, "id": person.entra_id })
}
