//! The journal of the queues: one line per change, written before the response, rewritten when most of it is
//! obsolete. It survives a crash of the process, not of the machine, and does not interpret entries.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::StackError;
use super::replay::{Backlog, Entry, Message};

/// Smallest number of lines at which the file is rewritten.
const WORTHWHILE: usize = 1_000;

/// The open file, with the messages its entries result in.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
    backlog: Backlog,
}

impl Journal {
    /// Returns the messages in the file of an earlier process. An incomplete last line is ignored, because that process
    /// crashed before it responded.
    pub(super) fn read(path: &Path) -> Result<Vec<Message>, StackError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(StackError::State { path: path.to_owned(), source }),
        };
        let mut backlog = Backlog::default();
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if !line.ends_with(b"\n") {
                break;
            }
            let entry = serde_json::from_slice(line);
            let damaged = |source| StackError::Journal { path: path.to_owned(), line: index + 1, source };
            backlog.apply(entry.map_err(damaged)?);
        }
        Ok(backlog.messages().into_iter().cloned().collect())
    }

    /// Creates a new journal; the old one is replaced by [`Journal::commit`].
    pub(super) fn create(path: PathBuf) -> Result<Self, StackError> {
        let file = File::create(beside(&path));
        let file = file.map_err(|source| StackError::State { path: path.clone(), source })?;
        Ok(Self { path, file, lines: 0, backlog: Backlog::default() })
    }

    /// Returns the messages in receive order.
    pub(super) fn messages(&self) -> Vec<&Message> {
        self.backlog.messages()
    }

    /// Appends one entry.
    pub(super) fn append(&mut self, entry: Entry) -> Result<(), StackError> {
        let mut line = serde_json::to_vec(&entry).map_err(|error| self.unusable(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|source| self.unusable(source))?;
        self.lines += 1;
        self.backlog.apply(entry);
        Ok(())
    }

    /// Replaces the old file by the new one.
    pub(super) fn commit(&mut self) -> Result<(), StackError> {
        let renamed = self.file.sync_all().and_then(|()| fs::rename(beside(&self.path), &self.path));
        renamed.map_err(|source| self.unusable(source))
    }

    /// Rewrites the file if most of its lines are obsolete.
    pub(super) fn shorten(&mut self) -> Result<(), StackError> {
        if self.lines < WORTHWHILE || self.lines < 4 * self.backlog.len() {
            return Ok(());
        }
        self.rewrite()
    }

    /// Rewrites the file with the current messages only.
    pub(super) fn rewrite(&mut self) -> Result<(), StackError> {
        let mut next = Self::create(self.path.clone())?;
        for message in self.backlog.messages() {
            next.append(Entry::Sent(message.clone()))?;
        }
        next.commit()?;
        (self.file, self.lines) = (next.file, next.lines);
        Ok(())
    }

    fn unusable(&self, source: io::Error) -> StackError {
        StackError::State { path: self.path.clone(), source }
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("jsonl.new")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn mostly_obsolete_file_is_rewritten_without_loss() {
        let path = std::env::temp_dir().join(format!("herald-journal-{}.jsonl", std::process::id()));
        let mut journal = Journal::create(path.clone()).unwrap();
        journal.commit().unwrap();
        let (sent, due) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        for number in 0..600 {
            let (id, queue, content) = (number.to_string(), "tasks".to_owned(), serde_json::Map::new());
            let message = Message { id, queue, sequence: 0, sent, due, receives: 0, content };
            journal.append(Entry::Sent(message)).unwrap();
        }
        for number in 2..600 {
            journal.append(Entry::Deleted { id: number.to_string() }).unwrap();
        }
        let ids = || Journal::read(&path).unwrap().into_iter().map(|message| message.id).collect::<Vec<_>>();
        let before = ids();

        journal.shorten().unwrap();
        journal.append(Entry::Deleted { id: "0".to_owned() }).unwrap();

        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let after = ids();
        fs::remove_file(&path).unwrap();
        assert_eq!((before, lines, after), (vec!["0".to_owned(), "1".to_owned()], 3, vec!["1".to_owned()]));
    }
}
