//! The operator's verbs: what became of a job, an end to one that waits, and a second chance for what was given up.

mod dead_letters;
mod jobs;
mod state_directory;

use std::path::PathBuf;

use clap::Parser;
use cli::args::{Arguments, Command};
use cli::commands::{self, CommandError, Deployment};
use herald::random::Random;
use serde_json::Value;
use support::TestBundle;

/// A file for a verb to read, gone with the story.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn with(json: &Value) -> Self {
        let path = std::env::temp_dir().join(format!("herald-file-{}.json", Random::system().random_id()));
        std::fs::write(&path, json.to_string()).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // What cannot be removed is the temporary directory's to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a verb printed, and whether it could be done.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) did: bool,
}

/// Has the command line `line` be carried out on the bundle, named by the environment as a stack on AWS is.
pub(crate) async fn say(bundle: &TestBundle, line: &str) -> Said {
    try_say(bundle, line).await.unwrap()
}

pub(crate) async fn try_say(bundle: &TestBundle, line: &str) -> Result<Said, CommandError> {
    try_say_words(bundle, &line.split(' ').collect::<Vec<_>>()).await
}

/// The same with words that may hold blanks.
pub(crate) async fn try_say_words(bundle: &TestBundle, words: &[&str]) -> Result<Said, CommandError> {
    let arguments = Arguments::try_parse_from(["herald"].iter().chain(words)).unwrap();
    let resources = &bundle.local().resources;
    let vars = |name: &str| {
        if name == "CLIENT_ID" {
            return bundle.channel().agent_id().strip_prefix("28:").map(str::to_owned);
        }
        let value = match name {
            "TABLE_NAME" => &resources.table_name,
            "TURNS_QUEUE_URL" => &resources.turns,
            "TASKS_QUEUE_URL" => &resources.tasks,
            "DELIVERIES_QUEUE_URL" => &resources.deliveries,
            "SCHEDULE_GROUP" => &bundle.local().template.schedules[0].group,
            _ => return None,
        };
        Some(value.clone())
    };
    let aws = async || resources.aws.clone();
    let deployment = Deployment::open(None, vars, aws).await?;
    let Some(Command::Operator(command)) = &arguments.command else { panic!("{words:?} is no verb") };
    let mut out = Vec::new();
    let did = commands::execute(&deployment, command, bundle.clock().as_ref(), &mut out).await?;
    deployment.close().await?;
    Ok(Said { text: String::from_utf8(out).unwrap(), did })
}

/// The id of the job that was taken up first: a turn, before its parts.
async fn first_job(bundle: &TestBundle) -> String {
    let jobs = bundle.jobs().await;
    let ids: Vec<herald::jobs::JobId> = jobs.into_iter().map(|job| job.id).collect();
    let is_part = |id: &&herald::jobs::JobId| {
        ids.iter().any(|whole| ["send", "task", "no_deadline"].iter().any(|name| whole.step(name, 0) == **id))
    };
    ids.iter().find(|id| !is_part(id)).unwrap().to_string()
}
