//! The module that defines what a path names, through imports and re-exports.
//! Paths that lead out of the workspace are not resolved.

use std::collections::BTreeSet;

use super::modules::{Id, Modules};
use super::paths::Segments;

/// Target of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Module that defines the item.
    pub module: Id,
    /// The item; `None` for the module itself.
    pub item: Option<String>,
}

/// A path that leads into this workspace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference<'a> {
    /// Module that names it.
    pub from: Id,
    /// The path, what its first segment imports written in full.
    pub path: &'a Segments,
    /// Module that defines what it names.
    pub to: Id,
}

/// Returns the references of every module to this workspace, each item once.
pub(super) fn references(modules: &Modules) -> Vec<Reference<'_>> {
    let mut references = Vec::new();
    for (from, module) in modules.all.iter().enumerate() {
        let mut known = BTreeSet::new();
        for path in &module.named.paths {
            if let Some(target) = resolve(modules, from, path)
                && known.insert((target.module, target.item))
            {
                references.push(Reference { from, path, to: target.module });
            }
        }
    }
    references
}

/// Follows `path` as written in module `from`, through imports and re-exports.
pub(super) fn resolve(modules: &Modules, from: Id, path: &[String]) -> Option<Target> {
    follow(modules, from, path, false, &mut Vec::new())
}

/// Follows `path`; with `goes_on` further segments follow, so that it names a module.
fn follow(
    modules: &Modules,
    from: Id,
    path: &[String],
    goes_on: bool,
    seen: &mut Vec<(Id, String)>,
) -> Option<Target> {
    let (first, rest) = path.split_first()?;
    let is_path = goes_on || !rest.is_empty();
    let library = || modules.libraries.get(first).filter(|_| is_path).copied().map(module);
    let start = match first.as_str() {
        "crate" => Some(module(modules.lineage(from)[0])),
        "self" => Some(module(from)),
        "super" => modules.all[from].parent.map(module),
        name => find(modules, from, name, is_path, seen).or_else(library),
    };
    let mut target = start?;
    for (index, segment) in rest.iter().enumerate() {
        if target.item.is_some() {
            break;
        }
        target = match segment.as_str() {
            "super" => module(modules.all[target.module].parent?),
            name => find(modules, target.module, name, goes_on || index + 1 < rest.len(), seen)
                .unwrap_or(Target { module: target.module, item: Some(name.to_owned()) }),
        };
    }
    Some(target)
}

/// Finds a name in the scope of a module; `seen` holds the names being looked for, so that imports end.
fn find(
    modules: &Modules,
    id: Id,
    name: &str,
    goes_on: bool,
    seen: &mut Vec<(Id, String)>,
) -> Option<Target> {
    let scope = &modules.all[id];
    let child = scope.children.get(name).copied().map(module);
    let own = scope.own.contains(name).then(|| Target { module: id, item: Some(name.to_owned()) });
    let defined = if goes_on { child.or(own) } else { own.or(child) };
    let key = (id, name.to_owned());
    if defined.is_some() || seen.contains(&key) {
        return defined;
    }
    seen.push(key);
    let mut imports = scope.named.imports.iter().filter(|(import, _)| import == name);
    let mut found = imports.find_map(|(_, path)| follow(modules, id, path, goes_on, seen));
    for path in &scope.named.globs {
        if found.is_some() {
            break;
        }
        let of = follow(modules, id, path, true, seen).filter(|of| of.item.is_none() && of.module != id);
        found = of.and_then(|of| find(modules, of.module, name, goes_on, seen));
    }
    seen.pop();
    found
}

fn module(module: Id) -> Target {
    Target { module, item: None }
}
