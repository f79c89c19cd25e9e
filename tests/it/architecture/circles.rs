//! Circles of sibling modules, at each level of each crate.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::{Id, Modules};
use super::resolve::{Reference, references};

/// Arrows between siblings, each with a path that makes it.
type Arrows<'a> = BTreeMap<Id, BTreeMap<Id, Reference<'a>>>;

/// Returns one entry for each circle, shortest first: the modules, and a path for each arrow.
///
/// A circle is the shortest one through any of its arrows, so that every arrow of a tangle is in one that is listed.
pub(super) fn circles(modules: &Modules) -> Vec<String> {
    let mut described = Vec::new();
    for (parent, arrows) in siblings(modules) {
        let mut circles = BTreeSet::new();
        for (from, reached) in &arrows {
            circles.extend(reached.keys().filter_map(|to| way(&arrows, *to, *from)).map(rotated));
        }
        described
            .extend(circles.iter().map(|circle| (circle.len(), describe(modules, parent, &arrows, circle))));
    }
    described.sort();
    described.into_iter().map(|(_, text)| text).collect()
}

/// Returns the arrows of each folder, by the parent of its modules.
fn siblings(modules: &Modules) -> BTreeMap<Id, Arrows<'_>> {
    let mut folders: BTreeMap<Id, Arrows<'_>> = BTreeMap::new();
    for reference in references(modules) {
        let (from, to) = (modules.lineage(reference.from), modules.lineage(reference.to));
        let Some(level) = from.iter().zip(&to).position(|(from, to)| from != to) else { continue };
        if level > 0 {
            let arrows = folders.entry(from[level - 1]).or_default();
            arrows.entry(from[level]).or_default().insert(to[level], reference);
        }
    }
    folders
}

/// Returns the shortest path along arrows.
fn way(arrows: &Arrows<'_>, from: Id, to: Id) -> Option<Vec<Id>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(at) = waiting.pop_front() {
        if at == to {
            let mut way = vec![to];
            while way[way.len() - 1] != from {
                way.push(before[&way[way.len() - 1]]);
            }
            way.reverse();
            return Some(way);
        }
        for next in arrows.get(&at).into_iter().flat_map(BTreeMap::keys) {
            if !before.contains_key(next) {
                before.insert(*next, at);
                waiting.push_back(*next);
            }
        }
    }
    None
}

/// Returns the circle in a canonical rotation.
fn rotated(mut circle: Vec<Id>) -> Vec<Id> {
    let first = (0..circle.len()).min_by_key(|index| circle[*index]).unwrap_or_default();
    circle.rotate_left(first);
    circle
}

fn describe(modules: &Modules, parent: Id, arrows: &Arrows<'_>, circle: &[Id]) -> String {
    let closed: Vec<Id> = circle.iter().chain(&circle[..1]).copied().collect();
    let names: Vec<_> = closed.iter().map(|id| modules.all[*id].name.as_str()).collect();
    let mut text = format!("{}: {}", modules.path(parent), names.join(" -> "));
    for arrow in closed.windows(2) {
        let reference = arrows[&arrow[0]][&arrow[1]];
        let file = &modules.all[reference.from].file;
        text += &format!("\n      {file}: {}", reference.path.join("::"));
    }
    text
}
