//! The architecture, read from the sources of every crate: which module may use which.
//!
//! Tiers: the top-level modules of `herald` are in an order, and each uses those left of it.
//!
//! Circles: at each level of a module tree the siblings of a folder are the nodes, each together with all its
//! descendants. An arrow is a path from within one of them to an item that is defined within another; these arrows
//! have no circle. A parent and its descendants are one unit: it re-exports and uses them, and they use what its own
//! file defines. A re-exported item counts where it is defined, so `super::Thing` is an arrow to the sibling that
//! defines `Thing`.
//!
//! Modules under `#[cfg(test)]` are left out: a unit test uses anything of its crate. Names from glob imports count
//! where they resolve; paths inside macro calls are read from their tokens.

mod circles;
mod crates;
mod examples;
mod modules;
mod paths;
mod resolve;
mod source_tree;
mod tiers;
mod use_cases;

use std::path::Path;
use std::sync::LazyLock;

use self::modules::Modules;
use self::source_tree::SourceTree;

/// Modules of the whole workspace.
static WORKSPACE: LazyLock<Modules> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Modules::of(&SourceTree::read(&root))
});

#[test]
fn tiers_point_left() {
    assert_none(
        "violations of the order of tiers",
        &tiers::arrows_to_the_right(&WORKSPACE),
        "Move what is used to the left, or what uses it to the right; a new module gets its place in `tiers.rs`.",
    );
}

#[test]
fn modules_have_no_circles() {
    assert_none(
        "circles of modules",
        &circles::circles(&WORKSPACE),
        "Move what both sides use to a module of its own, or to the file of their parent.",
    );
}

#[test]
fn use_cases_have_one_impl() {
    assert_none(
        "inherent impls of use cases outside their `lib.rs`",
        &use_cases::impls_elsewhere(&WORKSPACE),
        "Give the handler the collaborators it uses as arguments or fields, not the whole use case as `self`.",
    );
}

#[test]
fn functions_do_not_use_each_other() {
    assert_none(
        "files of a function that use another function",
        &crates::functions_using_functions(&WORKSPACE),
        "Move what both functions use to `shared`.",
    );
}

#[test]
fn tests_do_not_use_the_command() {
    assert_none(
        "files of `tests` that use `cli`",
        &crates::tests_using_the_command(&WORKSPACE),
        "Use the bundle on one machine; a test of the command itself belongs in its crate.",
    );
}

#[test]
fn engine_is_named_only_in_main() {
    assert_none(
        "files outside a `main.rs` that name the crate `engine`",
        &crates::engine_outside_main(&WORKSPACE),
        "Take the engine as a value; a story about the sample belongs in `functions/engine/tests`.",
    );
}

/// Fails with every violation, and with what to do about them.
fn assert_none(of: &str, violations: &[String], advice: &str) {
    let list = violations.iter().map(|violation| format!("  {violation}\n")).collect::<String>();
    assert!(violations.is_empty(), "{} {of}:\n{list}{advice}", violations.len());
}
