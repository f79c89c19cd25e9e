//! Module trees of every crate in a [`SourceTree`].

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Item};

use super::paths::Named;
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
    /// Paths and imports that it uses.
    pub named: Named,
    /// Its modules, by name.
    pub children: BTreeMap<String, Id>,
    /// Names of its other items.
    pub own: BTreeSet<String>,
}

/// Modules of all crates.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// Each after its parent.
    pub all: Vec<Module>,
    /// Roots of libraries, by name.
    pub libraries: BTreeMap<String, Id>,
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
            // A file elsewhere is an example, which is read as a crate of its own.
            let is_elsewhere = |attribute: &Attribute| attribute.path().is_ident("path");
            if module.attrs.iter().any(|attribute| is_test_only(attribute) || is_elsewhere(attribute)) {
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

    /// Returns the module and its ancestors, from the root of the crate down.
    pub(super) fn lineage(&self, id: Id) -> Vec<Id> {
        let mut lineage = vec![id];
        while let Some(parent) = self.all[lineage[lineage.len() - 1]].parent {
            lineage.push(parent);
        }
        lineage.reverse();
        lineage
    }

    /// Root of the crate of a module.
    pub(super) fn root(&self, id: Id) -> Id {
        self.lineage(id)[0]
    }

    /// Returns the path of a module, its crate first.
    pub(super) fn path(&self, id: Id) -> String {
        let names: Vec<_> = self.lineage(id).into_iter().map(|id| self.all[id].name.as_str()).collect();
        names.join("::")
    }
}

fn parse(tree: &SourceTree, file: &str) -> Vec<Item> {
    let parsed = syn::parse_file(&tree.files[file]);
    parsed.unwrap_or_else(|error| panic!("{file} is not Rust: {error}")).items
}

fn is_test_only(attribute: &Attribute) -> bool {
    let is_test = |path: syn::Path| path.is_ident("test");
    attribute.path().is_ident("cfg") && attribute.parse_args().is_ok_and(is_test)
}

/// Returns the name that an item defines.
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
