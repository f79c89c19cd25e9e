//! Golden files: the whole expected output of a command, in `tests/golden/`.
//! `UPDATE_GOLDEN=1` rewrites them instead of comparing.

use std::collections::HashMap;
use std::path::Path;

use herald::aws::config::process_env;

/// End of a line about progress, which a fast machine does not print.
const PROGRESS: &str = " …";

/// Shortest run of hexadecimal digits that is an id.
const ID_DIGITS: usize = 16;

/// Whether the times of an output are those of the test clock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// They are, and are compared.
    Compared,
    /// They are those of the machine, and are masked.
    Masked,
}

/// Asserts that `output` equals the golden file `name`, with masked ids and ports and without progress.
#[track_caller]
pub(crate) fn assert_golden(name: &str, output: &str, times: Times) {
    let lines = output.split_inclusive('\n').filter(|line| !line.trim_end().ends_with(PROGRESS));
    let mut output = masked(&lines.collect::<String>(), times);
    if !output.ends_with('\n') {
        output.push('\n');
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if process_env("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &output).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == output,
        "output differs from tests/golden/{name}; `UPDATE_GOLDEN=1` rewrites it\n\n{output}\ninstead of\n\n{golden}"
    );
}

/// Replaces ids by numbers in the order of their appearance, ports, and times if they are to be masked.
fn masked(text: &str, times: Times) -> String {
    let mut numbers = HashMap::new();
    let mut masked = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hex = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == '-')).unwrap_or(rest.len());
        let (run, after) = rest.split_at(hex);
        let digits = run.chars().filter(char::is_ascii_hexdigit).count();
        if digits >= ID_DIGITS {
            let next = numbers.len() + 1;
            let number = *numbers.entry(run).or_insert(next);
            masked.push_str(&format!("<id {number}>"));
            rest = after;
        } else if let Some(after) = after_time(rest).filter(|_| times == Times::Masked) {
            masked.push_str("<time>");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("127.0.0.1:") {
            masked.push_str("127.0.0.1:<port>");
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        } else {
            let taken = if run.is_empty() { first.len_utf8() } else { run.len().min(1) };
            let (one, after) = rest.split_at(taken);
            masked.push_str(one);
            rest = after;
        }
    }
    masked
}

/// Returns the text after a timestamp in UTC that `text` begins with.
fn after_time(text: &str) -> Option<&str> {
    let (time, after) = text.split_once('Z')?;
    time.parse::<jiff::civil::DateTime>().ok().map(|_| after)
}

#[test]
fn ids_are_numbered_and_times_are_masked_on_request() {
    let text = "job 0123456789abcdef at 2026-11-22T09:00:00.000Z on 127.0.0.1:80: 0123456789abcdef, add";

    assert_eq!(
        masked(text, Times::Compared),
        "job <id 1> at 2026-11-22T09:00:00.000Z on 127.0.0.1:<port>: <id 1>, add"
    );
    assert_eq!(masked(text, Times::Masked), "job <id 1> at <time> on 127.0.0.1:<port>: <id 1>, add");
}
