//! The process of the command: its output, its error and its exit code.

use std::io::Read;
use std::process::{Command, Output, Stdio};

const HERALD: &str = env!("CARGO_BIN_EXE_herald");

fn herald(arguments: &[&str]) -> Output {
    Command::new(HERALD).args(arguments).env_remove("LOG_LEVEL").output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn output_that_is_closed_is_no_error() {
    let arguments =
        ["schedule", "next", "--expression", "cron(* * * * ? *)", "--zone", "UTC", "--count", "255"];
    let mut process =
        Command::new(HERALD).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();

    // As `head` does.
    drop(process.stdout.take());
    let mut error = String::new();
    process.stderr.take().unwrap().read_to_string(&mut error).unwrap();

    assert_eq!((error.as_str(), process.wait().unwrap().code()), ("", Some(0)));
}

#[test]
fn error_is_one_line_and_names_the_expression_before_the_zone() {
    for (expression, error) in [
        ("every day at 9", "herald: `EXPRESSION`: `every day at 9` is not cron(…), rate(…) or at(…)\n"),
        (
            "cron(0 25 ? * MON-FRI *)",
            "herald: `EXPRESSION`: cron(0 25 ? * MON-FRI *): hours `25` is not within 0-23\n",
        ),
        (
            "cron(0 9 ? * MON-FRI *)",
            "herald: `--zone`: is missing: set the time zone, e.g. --zone Europe/Zurich\n",
        ),
    ] {
        let output = herald(&["schedule", "next", "--expression", expression]);

        assert_eq!((text(&output.stderr), output.status.code()), (error, Some(1)));
    }
}

#[test]
fn help_is_a_command() {
    let (help, job) = (herald(&["help"]), herald(&["help", "job", "show"]));

    assert!(text(&help.stdout).starts_with("Run and operate a Microsoft 365 custom engine agent"));
    assert!(text(&job.stdout).starts_with("Print every state of a job"), "{}", text(&job.stdout));
    assert!(help.status.success() && job.status.success());
    assert!(!text(&help.stdout).contains('\u{1b}'), "no colours outside of a terminal");
}

#[test]
fn send_names_every_way_to_choose_recipients() {
    let output = herald(&["send", "hello"]);

    let error = text(&output.stderr);
    assert!(error.contains("<--to <TENANT/ID>|--team <TENANT/ID>|--conversation <REFERENCE>>"), "{error}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn story_of_the_demo_has_no_log_lines_and_no_colours() {
    let output = herald(&["demo"]);

    assert_eq!(text(&output.stderr), "");
    let story = text(&output.stdout);
    assert!(output.status.success() && story.contains("Its report:"), "{story}");
    assert!(!story.contains("{\"") && !story.contains('\u{1b}'), "{story}");
}
