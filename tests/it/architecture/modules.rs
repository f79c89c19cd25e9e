//! Module trees of every crate in a [`SourceTree`], and the module that defines what a path names.
//! Names that only a macro or another workspace defines are not resolved.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Item};

use super::paths::{Named, Segments};
use super::source_tree::{SourceTree, library};

/// Index of a module in [`Modules::all`].
pub(super) type Id = usize;

/// One module: a file, or an inline `mod` of one.
#[derive(Debug)]
pub(super) struct Module {
    /// Name in its parent; of the root of a library, that of the crate; of any other root, its file.
    pub name: String,
    /// `None` for the root of a crate.
    pub parent: Option<Id>,
    /// File that holds it.
    pub file: String,
    /// What it names.
    pub named: Named,
    children: BTreeMap<String, Id>,
    own: BTreeSet<String>,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Module that defines the item.
    pub module: Id,
    /// The item; `None` for the module itself.
    pub item: Option<String>,
}

/// Modules of all crates.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// Each after its parent.
    pub all: Vec<Module>,
    libraries: BTreeMap<String, Id>,
}

impl Modules {
    /// Parses `tree`. Modules under `#[cfg(test)]` are left out.
    pub(super) fn of(tree: &SourceTree) -> Self {
        let mut modules = Self::default();
        for file in tree.crate_roots() {
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let name = library(file).unwrap_or(file);
            let root = modules.add(tree, None, name, file, folder, &parse(tree, file));
            if library(file).is_some() {
                modules.libraries.insert(name.to_owned(), root);
            }
        }
        modules
    }

    fn add(
        &mut self,
        tree: &SourceTree,
        parent: Option<Id>,
        name: &str,
        file: &str,
        folder: &str,
        items: &[Item],
    ) -> Id {
        let id = self.all.len();
        let named = Named::of(items);
        let own = items.iter().filter_map(defined).collect();
        let children = BTreeMap::new();
        self.all.push(Module { name: name.to_owned(), parent, file: file.to_owned(), named, children, own });
        for item in items {
            let Item::Mod(module) = item else { continue };
            if module.attrs.iter().any(is_test_only) {
                continue;
            }
            let name = module.ident.to_string();
            let below = format!("{folder}/{name}");
            let child = match &module.content {
                Some((_, items)) => self.add(tree, Some(id), &name, file, &below, items),
                None => {
                    let file = [format!("{below}.rs"), format!("{below}/mod.rs")]
                        .into_iter()
                        .find(|file| tree.files.contains_key(file))
                        .unwrap_or_else(|| panic!("{file} declares `{name}`, which has no file"));
                    self.add(tree, Some(id), &name, &file, &below, &parse(tree, &file))
                }
            };
            self.all[id].children.insert(name, child);
        }
        id
    }

    /// The module and its ancestors, from the root of the crate down.
    pub(super) fn lineage(&self, id: Id) -> Vec<Id> {
        let mut lineage = vec![id];
        while let Some(parent) = self.all[lineage[lineage.len() - 1]].parent {
            lineage.push(parent);
        }
        lineage.reverse();
        lineage
    }

    /// Path of a module, its crate first.
    pub(super) fn path(&self, id: Id) -> String {
        let names: Vec<_> = self.lineage(id).into_iter().map(|id| self.all[id].name.as_str()).collect();
        names.join("::")
    }

    /// What every module names of this workspace, each item once.
    pub(super) fn references(&self) -> Vec<Reference<'_>> {
        let mut references = Vec::new();
        for (from, module) in self.all.iter().enumerate() {
            let mut known = BTreeSet::new();
            for path in &module.named.paths {
                if let Some(target) = self.resolve(from, path)
                    && known.insert((target.module, target.item))
                {
                    references.push(Reference { from, path, to: target.module });
                }
            }
        }
        references
    }

    /// Follows `path` as written in module `from`, through imports and re-exports.
    pub(super) fn resolve(&self, from: Id, path: &[String]) -> Option<Target> {
        self.follow(from, path, false, &mut Vec::new())
    }

    /// Follows `path`; with `goes_on` further segments follow, so that it names a module.
    fn follow(
        &self,
        from: Id,
        path: &[String],
        goes_on: bool,
        seen: &mut Vec<(Id, String)>,
    ) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let is_path = goes_on || !rest.is_empty();
        let library = || self.libraries.get(first).filter(|_| is_path).copied().map(module);
        let start = match first.as_str() {
            "crate" => Some(module(self.lineage(from)[0])),
            "self" => Some(module(from)),
            "super" => self.all[from].parent.map(module),
            name => self.find(from, name, is_path, seen).or_else(library),
        };
        let mut target = start?;
        for (index, segment) in rest.iter().enumerate() {
            if target.item.is_some() {
                break;
            }
            target = match segment.as_str() {
                "super" => module(self.all[target.module].parent?),
                name => self
                    .find(target.module, name, goes_on || index + 1 < rest.len(), seen)
                    .unwrap_or(Target { module: target.module, item: Some(name.to_owned()) }),
            };
        }
        Some(target)
    }

    /// Finds a name in the scope of a module; `seen` holds the names being looked for, so that imports end.
    fn find(&self, id: Id, name: &str, goes_on: bool, seen: &mut Vec<(Id, String)>) -> Option<Target> {
        let scope = &self.all[id];
        let child = scope.children.get(name).copied().map(module);
        let own = scope.own.contains(name).then(|| Target { module: id, item: Some(name.to_owned()) });
        let defined = if goes_on { child.or(own) } else { own.or(child) };
        let key = (id, name.to_owned());
        if defined.is_some() || seen.contains(&key) {
            return defined;
        }
        seen.push(key);
        let mut imports = scope.named.imports.iter().filter(|(import, _)| import == name);
        let mut found = imports.find_map(|(_, path)| self.follow(id, path, goes_on, seen));
        for path in &scope.named.globs {
            if found.is_some() {
                break;
            }
            let of = self.follow(id, path, true, seen).filter(|of| of.item.is_none() && of.module != id);
            found = of.and_then(|of| self.find(of.module, name, goes_on, seen));
        }
        seen.pop();
        found
    }
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

fn module(module: Id) -> Target {
    Target { module, item: None }
}

fn parse(tree: &SourceTree, file: &str) -> Vec<Item> {
    let parsed = syn::parse_file(&tree.files[file]);
    parsed.unwrap_or_else(|error| panic!("{file} is not Rust: {error}")).items
}

fn is_test_only(attribute: &Attribute) -> bool {
    let is_test = |path: syn::Path| path.is_ident("test");
    attribute.path().is_ident("cfg") && attribute.parse_args().is_ok_and(is_test)
}

/// Name of what an item defines.
fn defined(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::ExternCrate(_) | Item::ForeignMod(_) | Item::Impl(_) | Item::Mod(_) | Item::Use(_) | _ => {
            return None;
        }
    };
    Some(ident.to_string())
}
