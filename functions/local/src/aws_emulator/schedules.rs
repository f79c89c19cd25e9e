//! Emulates EventBridge Scheduler for one group: the schedules of the template, and the created ones.
//! It lists due schedules; `scheduler` runs them.

mod schedule;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use herald::clock::Clock;
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::Full;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::schedule::{Schedule, arn};
use super::error::StackError;
use crate::aws_emulator::template::{Occurrence, ScheduleDefinition, Template};

/// Prefix of the paths of the service.
const PATH: &str = "/schedules";

/// An error response of the service: status, code, message.
struct ServiceError(u16, &'static str, String);

/// The group.
#[derive(Debug)]
pub(super) struct Schedules {
    group: String,
    /// The schedules of the template.
    given: Vec<Schedule>,
    /// The created schedules, by name.
    created: Mutex<BTreeMap<String, Schedule>>,
    file: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

/// The content of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct SavedSchedules {
    schedules: Vec<Value>,
}

impl Schedules {
    /// Returns the group of `template`, with the schedules of `file`.
    pub(super) fn open(
        template: &Template,
        file: Option<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StackError> {
        let given: Vec<_> = template.schedules.iter().cloned().map(Schedule::given).collect();
        let group = given.first().map(|given| given.definition.group.clone()).unwrap_or_default();
        let created = match &file {
            Some(path) if path.exists() => {
                let unusable = |source| StackError::State { path: path.clone(), source };
                let unreadable = |reason: String| StackError::Schedules { path: path.clone(), reason };
                let saved: SavedSchedules =
                    serde_json::from_str(&fs::read_to_string(path).map_err(unusable)?)
                        .map_err(|error| unreadable(error.to_string()))?;
                let read = |shown| Schedule::read(shown).map_err(|refusal| unreadable(refusal.2));
                let named = |schedule: Schedule| (schedule.definition.name.clone(), schedule);
                saved.schedules.into_iter().map(|shown| read(shown).map(named)).collect::<Result<_, _>>()?
            }
            Some(_) | None => BTreeMap::new(),
        };
        Ok(Self { group, given, created: Mutex::new(created), file, clock })
    }

    /// Whether a request for `path` is for this service.
    pub(super) fn has(path: &str) -> bool {
        path == PATH || path.strip_prefix(PATH).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns all schedules.
    pub(super) fn all(&self) -> Vec<ScheduleDefinition> {
        let created = self.created();
        self.given.iter().chain(created.values()).map(|schedule| schedule.definition.clone()).collect()
    }

    /// Returns the schedules that are due after `after` and until `until`, in order, and removes those that are deleted
    /// after their last run.
    pub(super) fn due(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(ScheduleDefinition, Timestamp)>, StackError> {
        let mut created = self.created();
        let all = self.given.iter().chain(created.values()).filter(|schedule| schedule.definition.enabled);
        let mut due = Vec::new();
        for Schedule { definition, .. } in all {
            let times = definition.schedule_expression.occurrences(after).filter_map(Occurrence::moment);
            due.extend(times.take_while(|time| *time <= until).map(|time| (definition.clone(), time)));
        }
        due.sort_by_key(|(_, time)| *time);
        let count = created.len();
        created.retain(|name, schedule| {
            let has_fired = due.iter().any(|(fired, _)| fired.name == *name);
            let is_to_go = schedule.shown["ActionAfterCompletion"] == "DELETE";
            !(has_fired && is_to_go && schedule.definition.next_after(until).is_none())
        });
        if created.len() < count {
            self.save(&created)?;
        }
        Ok(due)
    }

    /// Handles one request.
    pub(super) fn answer(&self, method: &Method, uri: &Uri, body: &[u8]) -> Response<Full<Bytes>> {
        let name = uri.path().strip_prefix(PATH).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        let answered = match (method, name) {
            (&Method::GET, "") => self.list(uri),
            (&Method::GET, name) => self.get(uri, name),
            (&Method::POST, name) => self.create(name, body),
            (&Method::DELETE, name) => self.delete(uri, name),
            _ => Err(invalid("there is no such operation here")),
        };
        match answered {
            Ok(body) => respond(200, &body),
            Err(ServiceError(status, code, message)) => {
                let mut response = respond(status, &json!({ "Message": message }));
                let code = HeaderValue::from_static(code);
                response.headers_mut().insert("x-amzn-errortype", code);
                response
            }
        }
    }

    fn list(&self, uri: &Uri) -> Result<Value, ServiceError> {
        self.check_group(parameter(uri, "ScheduleGroup"))?;
        let created = self.created();
        let brief = |schedule: &Schedule| {
            let shown = &schedule.shown;
            json!({
                "Arn": shown["Arn"], "Name": shown["Name"], "GroupName": shown["GroupName"], "State": shown["State"],
                "Target": { "Arn": shown["Target"]["Arn"] },
            })
        };
        let all: Vec<Value> = self.given.iter().chain(created.values()).map(brief).collect();
        Ok(json!({ "Schedules": all }))
    }

    fn get(&self, uri: &Uri, name: &str) -> Result<Value, ServiceError> {
        self.check_group(parameter(uri, "groupName"))?;
        let created = self.created();
        let given = self.given.iter().find(|given| given.definition.name == name);
        given
            .or_else(|| created.get(name))
            .map(|schedule| schedule.shown.clone())
            .ok_or_else(|| missing(name))
    }

    fn create(&self, name: &str, body: &[u8]) -> Result<Value, ServiceError> {
        let mut shown: Value = serde_json::from_slice(body).map_err(|_| invalid("the body is not JSON"))?;
        self.check_group(shown["GroupName"].as_str())?;
        let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
        if !(1..=64).contains(&name.len()) || !name.chars().all(is_plain) {
            return Err(invalid("Name must match [0-9a-zA-Z-_.]{1,64}"));
        }
        shown["Name"] = json!(name);
        shown["GroupName"] = json!(self.group);
        shown["Arn"] = json!(arn(&self.group, name));
        if shown["State"].is_null() {
            shown["State"] = json!("ENABLED");
        }
        let schedule = Schedule::create(shown, self.clock.now())?;
        let mut created = self.created();
        if created.contains_key(name) || self.given.iter().any(|given| given.definition.name == name) {
            return Err(ServiceError(409, "ConflictException", format!("Schedule {name} already exists.")));
        }
        let arn = schedule.shown["Arn"].clone();
        created.insert(name.to_owned(), schedule);
        self.try_save(&created)?;
        Ok(json!({ "ScheduleArn": arn }))
    }

    fn delete(&self, uri: &Uri, name: &str) -> Result<Value, ServiceError> {
        self.check_group(parameter(uri, "groupName"))?;
        let mut created = self.created();
        created.remove(name).ok_or_else(|| missing(name))?;
        self.try_save(&created)?;
        Ok(json!({}))
    }

    fn check_group(&self, group: Option<&str>) -> Result<(), ServiceError> {
        match group {
            Some(group) if group == self.group => Ok(()),
            group => {
                let group = group.unwrap_or("default");
                let message = format!("Schedule group {group} does not exist.");
                Err(ServiceError(404, "ResourceNotFoundException", message))
            }
        }
    }

    fn try_save(&self, created: &BTreeMap<String, Schedule>) -> Result<(), ServiceError> {
        self.save(created).map_err(|error| ServiceError(500, "InternalServerException", error.to_string()))
    }

    /// Saves the created schedules; the file is replaced atomically.
    fn save(&self, created: &BTreeMap<String, Schedule>) -> Result<(), StackError> {
        let Some(path) = &self.file else { return Ok(()) };
        let saved =
            SavedSchedules { schedules: created.values().map(|schedule| schedule.shown.clone()).collect() };
        let beside = path.with_extension("new");
        let text = serde_json::to_string_pretty(&saved).map_err(std::io::Error::from);
        let written = text.and_then(|text| fs::write(&beside, text)).and_then(|()| fs::rename(&beside, path));
        written.map_err(|source| StackError::State { path: path.clone(), source })
    }

    fn created(&self) -> MutexGuard<'_, BTreeMap<String, Schedule>> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn invalid(message: &str) -> ServiceError {
    ServiceError(400, "ValidationException", message.to_owned())
}

fn missing(name: &str) -> ServiceError {
    ServiceError(404, "ResourceNotFoundException", format!("Schedule {name} does not exist."))
}

/// Returns a query parameter; names of schedules and groups are never escaped.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn respond(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}
