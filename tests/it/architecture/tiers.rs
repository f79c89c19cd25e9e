//! Tiers of the crate `herald`: a module uses those left of its own.

use super::modules::{Id, Modules};
use super::resolve::references;

/// Modules that all tiers use and that use no tier. Among them only circles are forbidden.
const FOUNDATION: [&str; 5] = ["clock", "random", "rate_limit", "hash", "error"];

/// From left to right; an arrow points left.
const TIERS: [&str; 7] = ["protocol", "agent", "streaming", "jobs", "broadcast", "channel", "aws"];

/// Returns one line for each arrow to the right, and for each module that is in no tier.
pub(super) fn arrows_to_the_right(modules: &Modules) -> Vec<String> {
    let mut lines: Vec<String> = (0..modules.all.len())
        .filter(|id| {
            modules.lineage(*id).len() == 2
                && top_level(modules, *id).is_some_and(|name| rank(name).is_none())
        })
        .map(|id| format!("{}: module {} is in no tier", modules.all[id].file, modules.all[id].name))
        .collect();
    lines.extend(references(modules).iter().filter_map(|reference| {
        let (from, to) = (top_level(modules, reference.from)?, top_level(modules, reference.to)?);
        let is_allowed = from == to || rank(to)? < rank(from)? || (rank(from)?, rank(to)?) == (0, 0);
        let file = &modules.all[reference.from].file;
        let path = reference.path.join("::");
        (!is_allowed).then(|| format!("{file}: {from} -> {to} ({path}) points to the right"))
    }));
    lines
}

/// Returns the name of the top-level module of `herald` that holds a module.
fn top_level(modules: &Modules, id: Id) -> Option<&str> {
    let lineage = modules.lineage(id);
    let is_herald = modules.all[lineage[0]].name == "herald";
    lineage.get(1).filter(|_| is_herald).map(|top| modules.all[*top].name.as_str())
}

/// Returns the position from left to right, the foundation first.
fn rank(name: &str) -> Option<usize> {
    if FOUNDATION.contains(&name) {
        return Some(0);
    }
    TIERS.iter().position(|tier| *tier == name).map(|place| place + 1)
}
