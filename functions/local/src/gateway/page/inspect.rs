//! The jobs, timers, queues and broadcasts behind the chat, read from the table and the journal of the queues.
//! It reads records as they are stored, and changes none.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use herald::error::error_chain;
use herald::jobs::{Job, JobId, Part};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Page;

type Item = HashMap<String, AttributeValue>;

/// Jobs and exchanges in one answer: the latest.
const MOST: usize = 300;

/// Parts of a job that are looked up: those of which there may be several, and those of which there is one.
const SEVERAL: [Part; 3] = [Part::Send, Part::Reminder, Part::Signal];
const LOOKED_UP: usize = 8;

/// Returns what the table holds.
pub(super) async fn jobs(State(page): State<Page>) -> Response {
    let items = match scan(&page).await {
        Ok(items) => items,
        Err(error) => return (StatusCode::BAD_GATEWAY, error_chain(&error).to_string()).into_response(),
    };
    let mut jobs: Vec<Job> = items.iter().filter_map(|item| record(item, "job")).collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(job.history.last().map(|entry| entry.at)));
    jobs.truncate(MOST);
    let turns = turns(&page);
    let parents = parents(&jobs, turns.values());
    let list: Vec<Value> = jobs.iter().map(|job| shown(job, &parents)).collect();
    Json(json!({
        "now": page.parts.clock.now(),
        "jobs": list,
        "turns": turns,
        "timers": timers(&items),
        "broadcasts": broadcasts(&items),
        "queues": page.parts.stack.waiting(),
    }))
    .into_response()
}

async fn scan(page: &Page) -> Result<Vec<Item>, aws_sdk_dynamodb::Error> {
    let resources = &page.parts.resources;
    let table = aws_sdk_dynamodb::Client::new(&resources.aws);
    let mut pages = table.scan().table_name(&resources.table_name).into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = pages.next().await {
        items.push(item?);
    }
    Ok(items)
}

/// Returns when the next durable timer is due.
pub(super) async fn next_timer(page: &Page) -> Option<Timestamp> {
    let items = scan(page).await.ok()?;
    let timers = items.iter().filter(|item| key(item, "pk").starts_with("timer#"));
    timers.filter_map(due).min()
}

/// Returns the jobs of the turns that the latest deliveries start, by the number of the exchange.
fn turns(page: &Page) -> BTreeMap<u64, JobId> {
    let exchanges = page.channel().exchanges_after(0, MOST);
    let turn = |number| {
        let activity = page.channel().delivered_activity(number)?;
        Some((number, inbound::job_of_body(activity.to_string().as_bytes())?))
    };
    exchanges.iter().filter_map(|exchange| turn(exchange.number)).collect()
}

/// Returns the job that each job is a part of, and as what.
fn parents<'a>(jobs: &'a [Job], turns: impl Iterator<Item = &'a JobId>) -> HashMap<JobId, (JobId, String)> {
    let mut parents = HashMap::new();
    let mut add = |child: JobId, parent: &JobId, part: String| {
        if child != *parent {
            parents.entry(child).or_insert_with(|| (parent.clone(), part));
        }
    };
    for id in jobs.iter().map(|job| &job.id).chain(turns) {
        for part in Part::ALL {
            match SEVERAL.contains(&part) {
                true => {
                    for index in 0..LOOKED_UP {
                        add(id.part(part, index), id, format!("{} {}", part.name(), index + 1));
                    }
                }
                false => add(id.part(part, 0), id, part.name().to_owned()),
            }
        }
    }
    for job in jobs {
        add(job.next_step(), &job.id, "then".to_owned());
    }
    parents
}

fn shown(job: &Job, parents: &HashMap<JobId, (JobId, String)>) -> Value {
    let mut root = &job.id;
    // Bounded: a record that names itself must not hang the page.
    for _ in 0..MOST {
        match parents.get(root) {
            Some((parent, _)) => root = parent,
            None => break,
        }
    }
    let part = parents.get(&job.id).map(|(_, part)| part);
    let history = job
        .history
        .iter()
        .map(|entry| json!({ "at": entry.at, "state": entry.state, "reason": entry.reason() }));
    json!({
        "id": job.id, "root": root, "part": part, "state": job.state, "attempts": job.attempts,
        "resends": job.resends, "activity": job.shown_activity(), "notBefore": job.not_before,
        "leaseUntil": job.lease_until, "expiresAt": job.expires_at,
        "sends": job.plan.as_ref().map(|plan| plan.sends.len()),
        "history": history.collect::<Vec<_>>(),
    })
}

/// Returns the durable timers, the next first.
fn timers(items: &[Item]) -> Value {
    let timers = items.iter().filter(|item| key(item, "pk").starts_with("timer#"));
    let mut timers: Vec<Value> = timers
        .map(|item| {
            let body: Value = serde_json::from_str(key(item, "body")).unwrap_or_default();
            json!({ "due": due(item), "queue": key(item, "queue"), "body": body })
        })
        .collect();
    timers.sort_by_key(|timer| timer["due"].to_string());
    timers.truncate(MOST);
    json!(timers)
}

/// Returns the broadcasts: spec, progress, and the counts of their outcomes.
fn broadcasts(items: &[Item]) -> Value {
    let mut all: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for item in items {
        let Some(id) = key(item, "pk").strip_prefix("broadcast#").filter(|id| !id.contains('#')) else {
            continue;
        };
        let broadcast = all.entry(id).or_default();
        match key(item, "sk") {
            "spec" => drop(broadcast.insert("spec".to_owned(), value(item, "spec"))),
            "state" => drop(broadcast.insert("progress".to_owned(), value(item, "broadcast"))),
            counts if counts.starts_with("count#") => {
                let total = broadcast.entry("counts").or_insert_with(|| json!({}));
                for (name, count) in item.iter().filter(|(name, _)| *name != "ttl") {
                    let count = count.as_n().ok().and_then(|count| count.parse::<i64>().ok());
                    if let Some(count) = count {
                        total[name] = json!(total[name].as_i64().unwrap_or_default() + count);
                    }
                }
            }
            _ => {}
        }
    }
    let known = all.into_iter().filter(|(_, broadcast)| broadcast.contains_key("spec"));
    known
        .map(|(id, mut broadcast)| {
            broadcast.insert("id".to_owned(), json!(id));
            Value::Object(broadcast)
        })
        .collect()
}

fn due(timer: &Item) -> Option<Timestamp> {
    Timestamp::from_millisecond(key(timer, "due").parse().ok()?).ok()
}

fn key<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name)
        .and_then(|value| value.as_s().or_else(|value| value.as_n()).ok())
        .map(String::as_str)
        .unwrap_or_default()
}

fn value(item: &Item, name: &str) -> Value {
    serde_json::from_str(key(item, name)).unwrap_or_default()
}

fn record<T: serde::de::DeserializeOwned>(item: &Item, name: &str) -> Option<T> {
    serde_json::from_str(item.get(name)?.as_s().ok()?).ok()
}
