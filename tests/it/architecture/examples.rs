//! The checks on small trees, each with one violation or with none.

use super::circles::circles;
use super::crates::{engine_outside_main, functions_using_functions, tests_using_the_command};
use super::modules::Modules;
use super::source_tree::SourceTree;
use super::tiers::arrows_to_the_right;
use super::use_cases::impls_elsewhere;

/// Returns the modules of `herald` with the given files below `shared/src`.
fn herald(files: &[(&str, &str)]) -> Modules {
    let files = files.iter().map(|(path, text)| (format!("shared/src/{path}"), *text));
    modules(files.collect::<Vec<_>>().as_slice())
}

fn modules<P: AsRef<str>>(files: &[(P, &str)]) -> Modules {
    let files = files.iter().map(|(path, text)| (path.as_ref().to_owned(), (*text).to_owned()));
    Modules::of(&SourceTree { files: files.collect() })
}

/// Returns the arrows to the right when `jobs` holds `text`, and `aws` a `Table` and a module `queue` with a `Queue`.
fn arrows_of_jobs(text: &str) -> Vec<String> {
    arrows_to_the_right(&herald(&[
        ("lib.rs", "pub mod aws; pub mod jobs;"),
        ("aws.rs", "pub mod queue; pub struct Table; pub fn table() {}"),
        ("aws/queue.rs", "pub struct Queue;"),
        ("jobs.rs", text),
    ]))
}

/// Returns the first lines of the circles of `herald` with the given files.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let first = |circle: &String| circle.lines().next().unwrap_or_default().to_owned();
    circles(&herald(files)).iter().map(first).collect()
}

#[test]
fn tree_without_violations_passes() {
    let tree = herald(&[
        ("lib.rs", "pub mod clock; pub mod jobs; pub mod protocol; pub mod aws; pub struct Failure;"),
        ("clock.rs", "use std::time::Duration; use crate::Failure; pub trait Clock {}"),
        ("protocol.rs", "mod account; pub use self::account::Account; pub type Id = String;"),
        ("protocol/account.rs", "use super::Id; pub struct Account(Id);"),
        ("jobs.rs", "use crate::clock::Clock; use crate::protocol::{Account, Id}; #[cfg(test)] mod tests;"),
        ("jobs/tests.rs", "use crate::aws::Table;"),
        ("aws.rs", "use crate::jobs; pub struct Table; fn f() { jobs::claim::<u8>(); }"),
    ]);

    assert!(arrows_to_the_right(&tree).is_empty());
    assert!(circles(&tree).is_empty());
    assert!(impls_elsewhere(&tree).is_empty());
}

#[test]
fn arrow_to_the_right_is_one_readable_line() {
    assert_eq!(
        arrows_of_jobs("use crate::aws::Table; fn f() -> Table { Table::new() }"),
        ["shared/src/jobs.rs: jobs -> aws (crate::aws::Table) points to the right"],
    );
}

#[test]
fn arrow_to_the_right_is_noticed_however_it_is_written() {
    for text in [
        "use crate::{aws::{queue::{self, Queue}}};",
        "use crate::aws as tables;",
        "use crate::aws::*;",
        "fn f(table: &crate::aws::Table) {}",
        "fn f() { crate::aws::table(); }",
        "fn f(x: u8) { match x { crate::aws::LIMIT => {} _ => {} } }",
        "fn f<T: crate::aws::Stored>() {}",
        "fn f() { json!({ \"a\": [crate::aws::table()] }); }",
        "#[derive(crate::aws::Stored)] struct Job;",
        "#[serde(with = \"crate::aws::stored\")] struct Job;",
        "mod inside { use super::super::aws::Table; }",
        "mod inside { use crate::jobs::outside::Table; } mod outside { pub use crate::aws::Table; }",
    ] {
        let arrows = arrows_of_jobs(text);
        assert!(arrows.iter().any(|line| line.contains("jobs -> aws (")), "{text}: {arrows:?}");
    }
}

#[test]
fn path_of_another_crate_is_no_arrow() {
    for text in ["use aws::Table;", "fn f(aws: u8) { format!(\"{}\", aws) }", "use std::{aws, fs};"] {
        assert_eq!(arrows_of_jobs(text), [""; 0], "{text}");
    }
}

#[test]
fn re_export_counts_where_its_item_is_defined() {
    let tree = |user: &'static str| {
        herald(&[
            ("lib.rs", "pub mod jobs; pub mod protocol; pub mod streaming;"),
            ("protocol.rs", "pub struct Activity;"),
            ("streaming.rs", user),
            ("jobs.rs", "pub use crate::protocol::Activity as Sent; pub struct Job;"),
        ])
    };

    assert!(arrows_to_the_right(&tree("use crate::jobs::Sent;")).is_empty());
    assert_eq!(arrows_to_the_right(&tree("use crate::jobs::Job;")).len(), 1);
}

#[test]
fn foundation_uses_no_tier() {
    let tree = herald(&[
        ("lib.rs", "mod clock; mod hash; mod protocol;"),
        ("clock.rs", "use crate::hash::Hash; use crate::protocol::Id;"),
        ("hash.rs", "pub struct Hash;"),
        ("protocol.rs", "pub struct Id;"),
    ]);

    let arrows = arrows_to_the_right(&tree);

    assert_eq!(arrows, ["shared/src/clock.rs: clock -> protocol (crate::protocol::Id) points to the right"]);
}

#[test]
fn module_without_a_tier_is_noticed() {
    let tree = herald(&[("lib.rs", "mod util;"), ("util.rs", "")]);

    assert_eq!(arrows_to_the_right(&tree), ["shared/src/util.rs: module util is in no tier"]);
}

#[test]
fn circle_of_siblings_is_noticed_with_a_path_for_each_arrow() {
    let tree = herald(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use super::{c::C as D}; pub struct B(D);"),
        ("c.rs", "mod deep; pub struct C;"),
        ("c/deep.rs", "fn f() { crate::a::start() }"),
    ]);

    assert_eq!(
        circles(&tree),
        [
            "herald: a -> b -> c -> a\n      shared/src/a.rs: crate::b::B\n      shared/src/b.rs: super::c::C\n      \
          shared/src/c/deep.rs: crate::a::start"
        ],
    );
}

#[test]
fn circle_by_re_export_is_noticed() {
    let files = [
        ("lib.rs", "mod jobs;"),
        ("jobs.rs", "mod claim; mod plan; pub use self::plan::Plan; pub use claim::Claim;"),
        ("jobs/claim.rs", "use super::Plan; pub struct Claim;"),
        ("jobs/plan.rs", "use crate::jobs::Claim; pub struct Plan;"),
    ];

    assert_eq!(circles_of(&files), ["herald::jobs: claim -> plan -> claim"]);
}

#[test]
fn circle_by_names_of_a_glob_import_is_noticed() {
    let files = [
        ("lib.rs", "mod jobs;"),
        ("jobs.rs", "mod claim; mod plan; use self::plan::Plan; use claim::*;"),
        ("jobs/claim.rs", "use super::*; pub struct Claim(Plan);"),
        ("jobs/plan.rs", "use super::*; pub struct Plan { of: Box<Claim> }"),
    ];

    assert_eq!(circles_of(&files), ["herald::jobs: claim -> plan -> claim"]);
}

#[test]
fn items_of_the_parent_file_make_no_circle() {
    let files = [
        ("lib.rs", "mod jobs;"),
        ("jobs.rs", "mod claim; mod plan; pub use self::claim::Claim; use plan::Plan; pub struct Job;"),
        ("jobs/claim.rs", "use super::Job; use super::plan::Plan; pub struct Claim;"),
        ("jobs/plan.rs", "use super::*; pub struct Plan(Job);"),
    ];

    assert_eq!(circles_of(&files), [""; 0]);
}

#[test]
fn impl_of_a_use_case_elsewhere_is_noticed() {
    let tree = modules(&[
        (
            "functions/worker/src/lib.rs",
            "mod turns; pub struct Worker; impl Worker {} impl Drop for Worker {}",
        ),
        ("functions/worker/src/turns.rs", "use crate::Worker as Parts; impl Parts {} impl Drop for Parts {}"),
        ("tests/support/lib.rs", "pub struct Worker; mod more { impl super::Worker {} }"),
    ]);

    assert_eq!(
        impls_elsewhere(&tree),
        ["functions/worker/src/turns.rs: `impl Worker` belongs in functions/worker/src/lib.rs"],
    );
}

#[test]
fn crate_is_noticed_where_it_is_not_to_be_named() {
    let tree = modules(&[
        ("functions/engine/src/lib.rs", "pub fn build() {}"),
        ("functions/engine/tests/sample.rs", "use engine::build;"),
        ("functions/worker/src/lib.rs", "mod engine; use engine::Engine; pub struct Worker;"),
        ("functions/worker/src/engine.rs", "pub use herald::Engine; fn f() { inbound::receive() }"),
        ("functions/worker/src/main.rs", "fn main() { worker::run(engine::build) }"),
        ("functions/inbound/src/lib.rs", "pub fn receive() {}"),
        ("functions/cli/src/lib.rs", "pub use herald::Engine; fn f() { engine::build() }"),
        ("shared/src/lib.rs", "pub struct Engine;"),
        ("functions/local/src/lib.rs", "use engine as sample;"),
        ("tests/it/main.rs", "mod runs; use inbound::receive;"),
        ("tests/it/runs.rs", "use cli::Engine as Sample; fn f(engine: Sample) {}"),
    ]);

    assert_eq!(
        functions_using_functions(&tree),
        ["functions/worker/src/engine.rs: names inbound (inbound::receive)"],
    );
    assert_eq!(tests_using_the_command(&tree), ["tests/it/runs.rs: names cli (cli::Engine)"]);
    assert_eq!(
        engine_outside_main(&tree),
        [
            "functions/cli/src/lib.rs: names engine (engine::build)",
            "functions/local/src/lib.rs: names engine",
        ],
    );
}
