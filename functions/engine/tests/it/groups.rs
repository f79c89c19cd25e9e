//! Groups: members list and cancel their own reminders and orders, and see who changed what applies to all.

use std::sync::Arc;
use std::time::Duration;

use engine::order_desk::OrderDesk;
use local::channel_emulator::{Person, TeamChannel};
use serde_json::{Value, json};
use support::TestBundle;

/// Members of a group chat or of a channel's thread, and the order desk in it.
struct Group {
    bundle: TestBundle,
    dana: Person,
    robin: Person,
    kind: &'static str,
    thread: String,
}

impl Group {
    async fn new(kind: &'static str) -> Self {
        let clock = TestBundle::clock_at_start();
        let desk = OrderDesk::new(clock.clone());
        let bundle = TestBundle::with_shared(Arc::new(desk), clock).await;
        let channel: TeamChannel = bundle.channel().add_channel("Office", "Orders");
        let (dana, mut robin) = (bundle.channel().add_person("Dana"), bundle.channel().add_person("Robin"));
        robin.time_zone = "Europe/Zurich".to_owned();
        let first = bundle.channel().mention(&dana, &channel, "hello");
        let thread = first["conversation"]["id"].as_str().unwrap().to_owned();
        Self { bundle, dana, robin, kind, thread }
    }

    /// Returns an activity as the channel sends it in this kind of group.
    fn of_kind(&self, mut activity: Value) -> Value {
        activity["conversation"]["conversationType"] = json!(self.kind);
        activity["conversation"]["isGroup"] = json!(true);
        activity
    }

    /// Has a member write to the agent, and returns the last answer.
    async fn ask(&self, person: &Person, text: &str) -> String {
        let activity = self.bundle.channel().mention_in(person, &self.thread, text);
        self.bundle.receive(self.of_kind(activity)).await;
        self.bundle.drain_with_time(Duration::from_secs(2)).await;
        self.bundle.clock().advance(Duration::from_secs(5));
        self.bundle.channel().texts().pop().unwrap()
    }
}

/// Returns the number of the first reminder or order in a text.
fn number(text: &str) -> String {
    text.split('#').nth(1).unwrap().chars().take(6).collect()
}

#[tokio::test]
async fn members_list_and_cancel_their_own_reminders() {
    for kind in ["groupChat", "channel"] {
        let group = Group::new(kind).await;
        let of_dana = group.ask(&group.dana, "remind me tomorrow at 9 to call Sam").await;
        let of_robin = group.ask(&group.robin, "remind me tomorrow at 9 to pay the rent").await;

        let listed = group.ask(&group.dana, "my reminders").await;
        let number = number(&listed);
        let refused = group.ask(&group.robin, &format!("cancel reminder #{number}")).await;
        let cancelled = group.ask(&group.robin, "cancel all reminders").await;
        let kept = group.ask(&group.dana, "my reminders").await;

        assert!(
            of_dana.starts_with("Dana: I will remind you") && of_dana.contains("(Europe/London)"),
            "{of_dana}"
        );
        assert!(of_robin.starts_with("Robin: I will remind you"), "{of_robin}");
        assert!(of_robin.contains("(Europe/Zurich)"), "the zone of the member who asks: {of_robin}");
        assert!(listed.contains("call Sam") && !listed.contains("rent"), "{listed}");
        assert!(refused.starts_with("Robin: You have no reminder with that number here"), "{refused}");
        assert_eq!(cancelled, "Robin: Your reminder is cancelled.");
        assert!(kept.contains("call Sam"), "{kept}");
        group.bundle.end().await;
    }
}

#[tokio::test]
async fn reminder_in_a_group_names_its_member() {
    let group = Group::new("groupChat").await;
    group.bundle.tick().await;
    group.ask(&group.robin, "remind me in 10 minutes to call *Sam*").await;

    group.bundle.clock().advance(Duration::from_secs(11 * 60));
    group.bundle.tick().await;
    group.bundle.drain().await;

    assert_eq!(group.bundle.channel().texts().last().unwrap(), r"Reminder for Robin: call \*Sam\*");
    group.bundle.end().await;
}

#[tokio::test]
async fn members_cancel_their_own_orders() {
    for kind in ["groupChat", "channel"] {
        let group = Group::new(kind).await;
        let placed = group.ask(&group.dana, "order a laptop").await;
        let number = number(&placed);
        let card =
            group.bundle.channel().entries().pop().unwrap().activity["attachments"][0]["content"].take();
        let press = |person: &Person, index: usize| {
            let mut activity = group.bundle.channel().activity(person, &group.thread, "invoke");
            activity["name"] = json!("adaptiveCard/action");
            activity["value"] = json!({ "action": card["actions"][index], "trigger": "manual" });
            group.bundle.deliver(group.of_kind(activity))
        };

        let named = group.ask(&group.robin, &format!("cancel order #{number}")).await;
        let only = group.ask(&group.robin, "cancel my order").await;
        let pressed = [press(&group.robin, 0).await, press(&group.robin, 1).await];
        let cancelled = group.ask(&group.dana, "cancel my order").await;

        assert!(placed.starts_with("Dana: Order #"), "{placed}");
        assert!(named.starts_with("Robin: You have no order with that number"), "{named}");
        assert!(only.starts_with("Robin: You have no orders to cancel"), "{only}");
        for answer in pressed {
            assert!(answer.json()["value"].as_str().unwrap().starts_with("This is not your order"));
        }
        assert!(
            cancelled.starts_with("Dana: Order #") && cancelled.contains("is cancelled: a laptop"),
            "{cancelled}"
        );
        group.bundle.end().await;
    }
}

#[tokio::test]
async fn any_member_mutes_a_group_and_is_named() {
    let group = Group::new("groupChat").await;

    let muted = group.ask(&group.dana, "mute news").await;
    let unmuted = group.ask(&group.robin, "unmute news").await;

    assert!(muted.starts_with("Notifications about news are muted in this conversation."), "{muted}");
    assert!(muted.ends_with("Dana asked for this."), "{muted}");
    assert!(unmuted.ends_with("in this conversation. Robin asked for this."), "{unmuted}");
    group.bundle.end().await;
}
