//! Rows of `hostile.toml`, and the mutations that each of them stands for. `request_builder` builds the requests.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

/// One row: its requests and the expected result.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) row: String,
    pub(super) name: String,
    pub(super) effect: Option<String>,
    pub(super) mutations: Vec<Mutation>,
}

/// Differences of one request from a good one; `hostile.toml` documents the members.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mutation {
    pub(super) expect: u16,
    pub(super) from: Option<String>,
    pub(super) callers: Option<bool>,
    pub(super) sign: Option<String>,
    #[serde(default)]
    pub(super) jose: BTreeMap<String, String>,
    pub(super) jose_text: Option<String>,
    #[serde(default)]
    pub(super) claims: BTreeMap<String, String>,
    pub(super) claims_text: Option<String>,
    pub(super) token: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) query: Option<String>,
    #[serde(default)]
    pub(super) http: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: BTreeMap<String, String>,
    pub(super) raw: Option<String>,
    pub(super) base64: Option<String>,
    #[serde(default)]
    pub(super) event: BTreeMap<String, String>,
    pub(super) event_text: Option<String>,
    pub(super) service_url: Option<String>,
    pub(super) heard: Option<String>,
}

/// Returns all rows of the corpus.
pub(super) fn all() -> Vec<Row> {
    let corpus: Table = toml::from_str(include_str!("../../hostile.toml")).unwrap();
    let rows = corpus["row"].as_array().unwrap();
    rows.iter().map(|row| read(row.as_table().unwrap().clone())).collect()
}

fn read(mut table: Table) -> Row {
    let mut text = |name: &str| table.remove(name).map(|text| text.as_str().unwrap().to_owned());
    let (row, name, effect) = (text("row").unwrap(), text("name").unwrap(), text("effect"));
    let variants = match table.remove("variants") {
        Some(Value::Array(variants)) => variants,
        _ => vec![Value::Table(Table::new())],
    };
    let mutations = variants.iter().flat_map(|variant| {
        let mut merged = table.clone();
        merge(&mut merged, variant.as_table().unwrap());
        each(merged)
    });
    let mutations = mutations.map(|table| {
        let mutation: Result<Mutation, _> = table.try_into();
        mutation.unwrap_or_else(|error| panic!("{row}, {name}: {error}"))
    });
    Row { mutations: mutations.collect(), effect, row: row.clone(), name: name.clone() }
}

/// Merges the members of a variant over those of its row.
fn merge(base: &mut Table, variant: &Table) {
    for (name, value) in variant {
        match (base.get_mut(name), value) {
            (Some(Value::Table(base)), Value::Table(value)) => merge(base, value),
            _ => drop(base.insert(name.clone(), value.clone())),
        }
    }
}

/// Expands lists: one mutation per entry, and per combination with a second list.
fn each(table: Table) -> Vec<Table> {
    for (name, value) in &table {
        let inside = value.as_table().and_then(|members| members.iter().find(|(_, value)| value.is_array()));
        let (inner, value) = inside.map_or((None, value), |(inner, value)| (Some(inner), value));
        let Some(list) = value.as_array() else { continue };
        return list
            .iter()
            .flat_map(|entry| {
                let mut one = table.clone();
                match inner {
                    Some(inner) => one[name][inner] = entry.clone(),
                    None => one[name] = entry.clone(),
                }
                each(one)
            })
            .collect();
    }
    vec![table]
}

/// Returns the rows that cannot run here; the file gives the reasons.
pub(super) fn not_played() -> Vec<String> {
    let corpus: Table = toml::from_str(include_str!("../../hostile.toml")).unwrap();
    corpus["not_played"].as_table().unwrap().keys().cloned().collect()
}
