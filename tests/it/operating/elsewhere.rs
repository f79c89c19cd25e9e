//! The same from another process: beside a `herald run` that is up, after it has ended, and where there was none.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use cli::args::Where;
use cli::operator::{Deployment, OperatorError, Verb};
use herald::chance::Chance;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// A directory of its own, removed with the story.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is the temporary directory's to remove.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn directory() -> Directory {
    Directory(std::env::temp_dir().join(format!("herald-operating-{}", Chance::system().token())))
}
