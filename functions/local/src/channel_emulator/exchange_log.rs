//! The log of every activity in both directions, in order, as the chat page shows it: bounded, and kept in a file.
//! `transcript` and `delivery_log` are for tests; this log holds text and knows no types of the channel.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::error;

use super::delivery_log::Answer;
use super::lock::lock;
use super::transcript::{Effect, TranscriptEntry};

/// Largest number of entries; the file is shortened when it has twice as many.
const KEPT: usize = 10_000;

/// The latest entries. Without [`ExchangeLog::start`] nothing is kept.
#[derive(Debug, Default)]
pub(super) struct ExchangeLog {
    kept: Mutex<Option<Kept>>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Exchange>,
    last: u64,
    file: Option<(PathBuf, File)>,
    lines: usize,
}

/// One entry.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its conversation.
    conversation: Option<String>,
    /// The whole entry as JSON.
    pub(crate) json: Arc<str>,
}

/// What is read of a line of the file.
#[derive(Deserialize)]
struct Head {
    n: u64,
    conversation: Option<String>,
}

impl ExchangeLog {
    /// Keeps entries from now on, in `file` if one is given, after those that it has.
    pub(super) fn start(&self, file: Option<PathBuf>) -> io::Result<()> {
        let mut kept = Kept::default();
        if let Some(path) = file {
            kept.read(&path)?;
            kept.rewrite(path)?;
        }
        self.last.send_replace(kept.last);
        *lock(&self.kept) = Some(kept);
        Ok(())
    }

    /// Adds an activity that is about to be delivered; returns its number, 0 if nothing is kept.
    pub(super) fn delivering(&self, at: &jiff::Timestamp, activity: &Value) -> u64 {
        let conversation = activity["conversation"]["id"].as_str();
        self.add(conversation, || json!({ "way": "in", "at": at, "activity": activity }))
    }

    /// Adds the response to the delivery `number`.
    pub(super) fn delivered(
        &self,
        number: u64,
        at: &jiff::Timestamp,
        activity: &Value,
        answer: Option<&Answer>,
    ) {
        let conversation = activity["conversation"]["id"].as_str();
        let (status, body) = (answer.map(|answer| answer.status), answer.map(Answer::json));
        self.add(
            conversation,
            || json!({ "way": "answer", "of": number, "at": at, "status": status, "answer": body }),
        );
    }

    /// Adds a request of the agent, with the description of the fault that was injected into it.
    pub(super) fn requested(&self, entry: &TranscriptEntry, fault: Option<&str>) {
        self.add(entry.conversation.as_deref(), || {
            json!({
                "way": "out", "at": entry.at, "method": entry.method, "path": entry.path,
                "effect": effect(entry.effect), "status": entry.status, "activityId": entry.activity_id,
                "activity": entry.activity, "parameters": entry.parameters, "fault": fault,
            })
        });
    }

    /// Adds a line about what was done on the page.
    pub(super) fn note(&self, at: &jiff::Timestamp, text: &str) {
        self.add(None, || json!({ "way": "note", "at": at, "text": text }));
    }

    /// Returns the entries after `number` of all conversations, oldest first: the latest `limit` of them.
    pub(super) fn after(&self, number: u64, limit: usize) -> Vec<Exchange> {
        self.select(limit, |entry| entry.number > number)
    }

    /// Returns the latest `limit` entries before `number` of a conversation or of the threads of a channel.
    pub(super) fn before(&self, number: u64, conversation: &str, limit: usize) -> Vec<Exchange> {
        self.select(limit, |entry| {
            let id = entry.conversation.as_deref().unwrap_or_default();
            let rest = id.strip_prefix(conversation);
            entry.number < number && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(';'))
        })
    }

    /// Returns the entry with this number.
    pub(super) fn get(&self, number: u64) -> Option<Exchange> {
        self.select(1, |entry| entry.number == number).pop()
    }

    /// Returns the number of the latest entry, and changes with it.
    pub(super) fn last(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    fn select(&self, limit: usize, is_wanted: impl Fn(&Exchange) -> bool) -> Vec<Exchange> {
        let kept = lock(&self.kept);
        let entries = kept.iter().flat_map(|kept| kept.entries.iter().rev());
        let mut found: Vec<_> = entries.filter(|entry| is_wanted(entry)).take(limit).cloned().collect();
        found.reverse();
        found
    }

    fn add(&self, conversation: Option<&str>, entry: impl FnOnce() -> Value) -> u64 {
        let mut kept = lock(&self.kept);
        let Some(kept) = kept.as_mut() else { return 0 };
        let number = kept.last + 1;
        let mut entry = entry();
        entry["n"] = json!(number);
        entry["conversation"] = json!(conversation);
        kept.append(&entry.to_string());
        kept.push(number, conversation.map(str::to_owned), entry.to_string().into());
        self.last.send_replace(number);
        number
    }
}

impl Kept {
    fn push(&mut self, number: u64, conversation: Option<String>, json: Arc<str>) {
        self.last = number;
        self.entries.push_back(Exchange { number, conversation, json });
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    /// Reads the entries of `path`; a line that a crash cut off is left out.
    fn read(&mut self, path: &Path) -> io::Result<()> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for line in BufReader::new(file).split(b'\n') {
            let Ok(line) = String::from_utf8(line?) else { continue };
            let Ok(Head { n, conversation }) = serde_json::from_str(&line) else { continue };
            if n > self.last {
                self.push(n, conversation, line.into());
            }
        }
        Ok(())
    }

    /// Replaces the file by the kept entries, and appends to it from now on.
    fn rewrite(&mut self, path: PathBuf) -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = io::BufWriter::new(File::create(&beside)?);
        for entry in &self.entries {
            writeln!(file, "{}", entry.json)?;
        }
        file.into_inner().map_err(io::IntoInnerError::into_error)?;
        fs::rename(&beside, &path)?;
        let file = File::options().append(true).open(&path)?;
        (self.lines, self.file) = (self.entries.len(), Some((path, file)));
        Ok(())
    }

    /// Appends a line to the file. After a failure the log continues in memory.
    fn append(&mut self, line: &str) {
        let Some((path, mut file)) = self.file.take() else { return };
        let written = file.write_all(format!("{line}\n").as_bytes());
        self.lines += 1;
        let written = written.and_then(|()| {
            if self.lines > KEPT.saturating_mul(2) {
                return self.rewrite(path);
            }
            self.file = Some((path, file));
            Ok(())
        });
        if let Err(error) = written {
            error!(%error, "could not save the log of the chat page; it continues in memory");
        }
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Created => "created",
        Effect::Sent => "sent",
        Effect::Updated => "updated",
        Effect::Deleted => "deleted",
        Effect::Read => "read",
        Effect::Refused => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_is_bounded_in_memory_and_on_file_and_survives_a_cut_line() {
        let path = std::env::temp_dir().join(format!("herald-exchanges-{}.jsonl", std::process::id()));
        let log = ExchangeLog::default();
        log.start(Some(path.clone())).unwrap();
        for number in 0..KEPT * 2 + 5 {
            log.note(&jiff::Timestamp::UNIX_EPOCH, &format!("line {number}"));
        }
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(br#"{"n":99999,"way":"no"#).unwrap();

        let again = ExchangeLog::default();
        again.start(Some(path.clone())).unwrap();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        fs::remove_file(&path).unwrap();

        assert_eq!(lines, KEPT);
        assert_eq!(again.after(0, usize::MAX).len(), KEPT);
        assert_eq!(*again.last().borrow(), u64::try_from(KEPT * 2 + 5).unwrap());
        assert!(again.after(0, 1)[0].json.contains(&format!("line {}", KEPT * 2 + 4)));
    }
}
