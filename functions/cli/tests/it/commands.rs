//! The operator verbs: runs command lines on the bundle, and tests `job` and `dead-letter`.

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

/// A JSON file for a verb to read, removed at the end of the test.
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
        // A failure leaves a file in the temporary directory.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The output of a verb, and whether it had an effect.
pub(crate) struct Output {
    pub(crate) text: String,
    pub(crate) is_done: bool,
}

/// Executes a command line on the bundle, which the environment names as it does a stack on AWS.
pub(crate) async fn execute(bundle: &TestBundle, line: &str) -> Output {
    try_execute(bundle, line).await.unwrap()
}

/// Executes a command line, and returns its error.
pub(crate) async fn try_execute(bundle: &TestBundle, line: &str) -> Result<Output, CommandError> {
    try_execute_args(bundle, &line.split(' ').collect::<Vec<_>>()).await
}

/// Executes a command line whose arguments may contain spaces, and returns its error.
pub(crate) async fn try_execute_args(
    bundle: &TestBundle,
    arguments: &[&str],
) -> Result<Output, CommandError> {
    let parsed = Arguments::try_parse_from(["herald"].iter().chain(arguments)).unwrap();
    let resources = &bundle.local().resources;
    let vars = |name: &str| {
        if name == "CLIENT_ID" {
            return bundle.channel().agent_id().strip_prefix("28:").map(str::to_owned);
        }
        if name == "TENANT_ID" {
            return Some(local::EMULATED_TENANT.to_owned());
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
    let engine = bundle.local().functions.worker.parts().engine.clone();
    let deployment = Deployment::open(None, vars, aws).await?.with_engine(move || Ok(engine.clone()));
    let Some(Command::Operator(command)) = &parsed.command else { panic!("{arguments:?} is no verb") };
    let mut out = Vec::new();
    let is_done = commands::execute(&deployment, command, bundle.clock().as_ref(), &mut out).await?;
    deployment.close().await?;
    Ok(Output { text: String::from_utf8(out).unwrap(), is_done })
}

/// Returns the id of the first claimed job: a turn, before its parts.
async fn first_job(bundle: &TestBundle) -> String {
    let jobs = bundle.jobs().await;
    let ids: Vec<herald::jobs::JobId> = jobs.into_iter().map(|job| job.id).collect();
    let is_part = |id: &&herald::jobs::JobId| {
        ids.iter().any(|parent| herald::jobs::Part::ALL.iter().any(|part| parent.part(*part, 0) == **id))
    };
    ids.iter().find(|id| !is_part(id)).unwrap().to_string()
}
