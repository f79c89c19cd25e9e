//! Which crates of the workspace name which others, where Cargo would allow more.

use std::collections::BTreeMap;

use super::modules::Modules;
use super::resolve::{first_module, references};

/// Libraries of the Lambda functions.
const FUNCTIONS: [&str; 3] = ["inbound", "worker", "proactive"];

/// Functions that use another function.
pub(super) fn functions_using_functions(modules: &Modules) -> Vec<String> {
    arrows(modules, |file, to| {
        let is_of = |function: &&str| file.starts_with(&format!("functions/{function}/"));
        FUNCTIONS.contains(&to) && FUNCTIONS.iter().any(|from| *from != to && is_of(from))
    })
}

/// Files of the package `tests` that use the command.
pub(super) fn tests_using_the_command(modules: &Modules) -> Vec<String> {
    arrows(modules, |file, to| to == "cli" && file.starts_with("tests/"))
}

/// Files outside the engine's own package that name it and are no `main.rs`.
pub(super) fn engine_outside_main(modules: &Modules) -> Vec<String> {
    let is_main = |file: &str| file.starts_with("functions/") && file.ends_with("/src/main.rs");
    arrows(modules, |file, to| to == "engine" && !file.starts_with("functions/engine/") && !is_main(file))
}

/// One line for each file and each library that it names although `is_forbidden`.
fn arrows(modules: &Modules, is_forbidden: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut lines = BTreeMap::new();
    for reference in references(modules) {
        let file = modules.all[reference.from].file.as_str();
        let from = modules.root(reference.from);
        // By what the path is written with, and by what defines its item: the two differ after a re-export.
        let named = first_module(modules, &reference).map(|first| modules.root(first));
        for to in named.into_iter().chain([modules.root(reference.to)]).filter(|to| *to != from) {
            let to = modules.all[to].name.as_str();
            if is_forbidden(file, to) {
                let path = reference.path.join("::");
                lines.entry((file, to)).or_insert_with(|| format!("{file}: names {to} ({path})"));
            }
        }
    }
    // A library that is imported as a whole: `use engine;`, `use engine as sample;`.
    for module in &modules.all {
        for (_, path) in module.named.imports.iter().filter(|(_, path)| path.len() == 1) {
            let to = path[0].as_str();
            if modules.libraries.contains_key(to) && is_forbidden(&module.file, to) {
                lines.entry((&module.file, to)).or_insert_with(|| format!("{}: names {to}", module.file));
            }
        }
    }
    lines.into_values().collect()
}
