//! The schema of events accepts what `proactive` accepts, except for rules that no schema can express.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../functions/proactive/event.schema.json");
const OPERATIONS: &str = include_str!("../../docs/operations.md");
const TEMPLATE: &str = include_str!("../../template.yaml");

/// Errors that no schema can express: unresolved references of texts and names.
const BEYOND: [&str; 5] =
    ["`content.values` has no", "stands within a text", "`${", "IANA time zone", "was not filled in"];

struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn read() -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let schema = serde_json::from_str(SCHEMA).unwrap();
        compiler.add_resource("event.schema.json", schema).unwrap();
        let mut schemas = Schemas::new();
        let index = compiler.compile("event.schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn takes(&self, event: &Value) -> Result<(), String> {
        self.schemas.validate(event, self.index).map_err(|error| error.to_string())
    }
}

fn proactive_takes(event: &Value) -> Result<(), String> {
    proactive::validate_event(event.clone()).map_err(|error| error.to_string())
}

/// Returns events that have every member.
fn events() -> Vec<Value> {
    let (team, reference) = ("19:1@thread.tacv2", "0a".repeat(32));
    let card =
        json!({ "type": "AdaptiveCard", "version": "1.5", "body": [{ "type": "TextBlock", "text": "Hi" }] });
    let parts = json!([
        { "kind": "everyone" },
        { "kind": "segment", "tenants": ["t"], "locales": ["de"], "conversations": "group-chat" },
        { "kind": "user", "channel": "msteams", "tenant": "t", "id": "i" },
        { "kind": "users", "users": [{ "channel": "msteams", "tenant": "t", "id": "i", "values": { "hour": 9 } }] },
        { "kind": "conversation", "reference": reference },
        { "kind": "channel", "tenant": "t", "id": team },
        { "kind": "team", "tenant": "t", "id": team },
        { "kind": "topic", "topic": "news" },
    ]);
    let mut events = vec![
        json!({
            "version": 1, "notification": "outage", "key": "outage-4711",
            "audience": { "kind": "any", "of": parts, "except": parts },
            "content": {
                "text": "Hello ${user.name}, at ${hour}", "summary": "Hello", "values": { "user.name": "there", "hour": 8 },
                "locales": { "de": { "text": "Hallo ${hour}", "summary": "Hallo", "values": { "hour": 7 } } },
            },
            "at_most_once": true, "topic": "news", "urgent": true, "local_time": "09:00", "local_zone": "UTC",
        }),
        json!({
            "version": 1, "notification": "outage", "schedule_arn": "arn", "scheduled_time": "2026-11-22T09:00:00Z",
            "audience": { "kind": "everyone" },
            "content": { "card": card, "locales": { "de": { "card": card } } },
        }),
        json!({ "version": 1, "signal": { "key": "order-4711", "data": { "parcel": [1] }, "tenant": "t" } }),
        json!({ "version": 1, "tick": true }),
    ];
    for part in parts.as_array().unwrap() {
        events.push(json!({ "version": 1, "notification": "outage", "key": "k", "audience": part }));
    }
    events
}

/// Collects every place in `value` as a JSON pointer.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                self::places(member, &format!("{at}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                self::places(item, &format!("{at}/{index}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns `event` with one change each: each place replaced, removed, or with an additional member.
fn changed(event: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let mut every = Vec::new();
    places(event, "", &mut every);
    let others = [
        json!(true),
        json!(false),
        json!(77),
        json!(""),
        json!("x"),
        json!("two words"),
        json!("x".repeat(2_000)),
        json!([]),
        json!({}),
        json!({ "kind": "everyone" }),
        json!({ "type": "AdaptiveCard" }),
        json!("25:61"),
        json!("yesterday"),
        json!("0a".repeat(32)),
        json!("19:1;messageid=2"),
        json!("."),
    ];
    for place in every {
        for other in &others {
            let mut odd = event.clone();
            *odd.pointer_mut(&place).unwrap() = other.clone();
            all.push(odd);
        }
        let mut more = event.clone();
        if let Some(members) = more.pointer_mut(&place).and_then(Value::as_object_mut) {
            members.insert("surprise".to_owned(), json!(1));
            all.push(more);
        }
        let mut less = event.clone();
        if let Some((parent, name)) = place.rsplit_once('/')
            && let Some(members) = less.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            members.remove(name);
            all.push(less);
        }
    }
    all
}

#[test]
fn schema_accepts_exactly_what_proactive_accepts() {
    let schema = Schema::read();
    let (mut taken, mut refused, mut beyond) = (0, 0, 0);
    for event in events() {
        assert_eq!((schema.takes(&event), proactive_takes(&event)), (Ok(()), Ok(())), "{event}");
        for odd in changed(&event) {
            match (schema.takes(&odd), proactive_takes(&odd)) {
                (Ok(()), Ok(())) => taken += 1,
                (Err(_), Err(_)) => refused += 1,
                (Ok(()), Err(error)) if BEYOND.iter().any(|problem| error.contains(problem)) => beyond += 1,
                (by_schema, by_proactive) => panic!("{odd}\n{by_schema:?}\n{by_proactive:?}"),
            }
        }
    }
    assert!(
        taken > 100 && refused > 1_000 && beyond > 3,
        "{taken} taken, {refused} refused, {beyond} beyond"
    );
}

#[test]
fn events_of_documentation_and_template_are_valid() {
    let schema = Schema::read();
    let example = OPERATIONS.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    // The placeholder of the scheduler is no time before it is filled in.
    let inputs = TEMPLATE.lines().filter_map(|line| line.trim().strip_prefix("Input: '")?.strip_suffix('\''));
    let mut events: Vec<Value> = inputs
        .map(|input| input.replace("<aws.scheduler.scheduled-time>", "2026-11-22T09:00:00Z"))
        .map(|input| serde_json::from_str(&input).unwrap())
        .collect();
    events.push(serde_json::from_str(&example.replace('…', "x")).unwrap());

    assert!(events.len() >= 2, "the tick, the example, and those of the agent: {events:?}");
    for event in events {
        assert_eq!(schema.takes(&event), Ok(()), "{event}");
    }
}
