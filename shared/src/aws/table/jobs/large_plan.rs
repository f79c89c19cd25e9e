//! Plans that the item of their job cannot hold: stored before the job, in items of their own beside it.
//!
//! Their keys hold the hash of the plan, so of two workers with different plans neither writes over the other's.

use crate::aws::table::item::{encoded, missing, number, string, text};
use crate::aws::table::schema::TTL;
use crate::aws::table::versioned::RecordKey;
use crate::aws::table::{StoreError, Table};
use crate::hash::sha256;
use crate::jobs::{Job, Plan, StoredPlan};

/// Most bytes of a job in its item, and of a part of a plan in its own. DynamoDB allows 400 KB an item, names included.
const MAX_BYTES: usize = 350_000;

/// Attribute of a part.
const PLAN: &str = "plan";

/// Returns `job` and its JSON. A plan that the item cannot hold is written in parts, unless it says that it is.
pub(super) async fn spill(
    table: &Table,
    key: &RecordKey,
    mut job: Job,
    ttl: i64,
) -> Result<(Job, String), StoreError> {
    let stored = job.plan.as_mut().and_then(|plan| plan.stored.take());
    let whole = encoded(&job, "job")?;
    let Some(plan) = job.plan.take_if(|_| whole.len() > MAX_BYTES) else { return Ok((job, whole)) };
    let json = encoded(&plan, PLAN)?;
    let parts = parts_of(&json);
    let needed = StoredPlan { hash: sha256(&[&json]), parts: parts.len() };
    if stored.as_ref() != Some(&needed) {
        for (place, part) in parts.into_iter().enumerate() {
            let request = table.put(key.pk.clone(), &part_key(key, &needed, place));
            let request = request.item(PLAN, text(part)).item(TTL, number(ttl));
            Box::pin(request.send()).await.map_err(|error| StoreError::unavailable("put plan", error))?;
        }
    }
    let in_item = Plan { stored: Some(needed.clone()), ..Plan::default() };
    let written = Job { plan: Some(in_item), ..job };
    let item = encoded(&written, "job")?;
    Ok((Job { plan: Some(Plan { stored: Some(needed), ..plan }), ..written }, item))
}

/// Returns `job` with the plan that is stored beside it, if one is.
pub(super) async fn complete(table: &Table, key: &RecordKey, job: Job) -> Result<Job, StoreError> {
    let Some(stored) = job.plan.as_ref().and_then(|plan| plan.stored.clone()) else { return Ok(job) };
    let mut json = String::new();
    for place in 0..stored.parts {
        let item = table.get(key.pk.clone(), &part_key(key, &stored, place), "get plan").await?;
        json.push_str(&item.and_then(|item| string(&item, PLAN)).ok_or_else(|| missing(PLAN))?);
    }
    let plan: Plan = serde_json::from_str(&json)
        .map_err(|error| StoreError::Unreadable { attribute: PLAN, cause: Some(error.into()) })?;
    Ok(Job { plan: Some(Plan { stored: Some(stored), ..plan }), ..job })
}

/// Returns `text` in parts of at most [`MAX_BYTES`].
fn parts_of(text: &str) -> Vec<&str> {
    let (mut parts, mut left) = (Vec::new(), text);
    while !left.is_empty() {
        let (part, rest) = left.split_at(left.floor_char_boundary(MAX_BYTES));
        parts.push(part);
        left = rest;
    }
    parts
}

fn part_key(key: &RecordKey, stored: &StoredPlan, place: usize) -> String {
    format!("{}#plan#{}#{place}", key.sk, stored.hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_text_and_split_no_character() {
        for text in
            ["", "a", &"é".repeat(MAX_BYTES), &"a".repeat(MAX_BYTES), &format!("a{}", "é".repeat(MAX_BYTES))]
        {
            let parts = parts_of(text);

            assert_eq!(parts.concat(), text);
            assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= MAX_BYTES));
        }
    }
}
