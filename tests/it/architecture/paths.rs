//! Every path that a piece of source names: in `use` trees, types, expressions, patterns, attributes and macros.

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemImpl, ItemMod, ItemUse, Macro, Meta, Type, UseTree};

/// Segments of a path, `crate` and `super` included.
pub(super) type Segments = Vec<String>;

/// Names that the items of one module use and define.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Every path, imports included and written in full.
    pub paths: Vec<Segments>,
    /// Imports: the name here, and the path it stands for.
    pub imports: Vec<(String, Segments)>,
    /// Paths imported with `*`.
    pub globs: Vec<Segments>,
    /// Types that have an inherent `impl` here.
    pub impls: Vec<Segments>,
}

impl Named {
    /// Collects from `items`, modules in them excluded.
    pub(super) fn of(items: &[Item]) -> Self {
        let mut named = Self::default();
        for item in items {
            named.visit_item(item);
        }
        named.paths = named.paths.iter().flat_map(|path| named.in_full(path)).collect();
        named.paths.sort();
        named.paths.dedup();
        named
    }

    /// Replaces the first segment by each path that it is imported from.
    fn in_full(&self, path: &Segments) -> Vec<Segments> {
        let imports = self.imports.iter().filter(|(name, _)| path.first() == Some(name));
        let full: Vec<_> = imports.map(|(_, import)| [import, &path[1..]].concat()).collect();
        if full.is_empty() { vec![path.clone()] } else { full }
    }

    fn import(&mut self, tree: &UseTree, mut path: Segments) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.import(&tree.tree, path);
            }
            UseTree::Name(tree) if tree.ident == "self" => {
                self.bind(path.last().cloned().unwrap_or_default(), path);
            }
            UseTree::Name(tree) => {
                path.push(tree.ident.to_string());
                self.bind(tree.ident.to_string(), path);
            }
            UseTree::Rename(tree) => {
                if tree.ident != "self" {
                    path.push(tree.ident.to_string());
                }
                self.bind(tree.rename.to_string(), path);
            }
            UseTree::Glob(_) => {
                self.paths.push(path.clone());
                self.globs.push(path);
            }
            UseTree::Group(tree) => {
                for tree in &tree.items {
                    self.import(tree, path.clone());
                }
            }
        }
    }

    fn bind(&mut self, name: String, path: Segments) {
        self.paths.push(path.clone());
        self.imports.push((name, path));
    }

    /// Collects `a::b::c` from tokens whose grammar only their macro knows.
    fn scan(&mut self, mut cursor: Cursor<'_>) {
        while let Some((_, next)) = cursor.token_tree() {
            if let Some((inside, ..)) = cursor.any_group() {
                self.scan(inside);
            } else if let Some((literal, _)) = cursor.literal() {
                // As in `#[serde(with = "crate::…")]`.
                let text = literal.to_string();
                if text.contains("::")
                    && let Ok(path) = syn::parse_str(text.trim_matches('"'))
                {
                    self.visit_path(&path);
                }
            }
            cursor = self.scan_path(cursor).unwrap_or(next);
        }
    }

    /// Collects the path at `cursor`, and returns what comes after it.
    fn scan_path<'a>(&mut self, cursor: Cursor<'a>) -> Option<Cursor<'a>> {
        let (ident, mut end) = cursor.ident()?;
        let mut path = vec![ident.to_string()];
        while let Some((ident, next)) = separator(end).and_then(Cursor::ident) {
            path.push(ident.to_string());
            end = next;
        }
        self.paths.push(path);
        Some(end)
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(segments(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.scan(TokenBuffer::new2(called.tokens.clone()).begin());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.visit_path(&list.path);
            self.scan(TokenBuffer::new2(list.tokens.clone()).begin());
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, Segments::new());
    }

    /// Leaves out the items of inner modules.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if let (None, Type::Path(of)) = (&item.trait_, item.self_ty.as_ref()) {
            self.impls.push(segments(&of.path));
        }
        visit::visit_item_impl(self, item);
    }
}

fn segments(path: &syn::Path) -> Segments {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// Returns what comes after `::` at `cursor`.
fn separator(cursor: Cursor<'_>) -> Option<Cursor<'_>> {
    let (_, next) = cursor.punct().filter(|(punct, _)| punct.as_char() == ':')?;
    let (_, next) = next.punct().filter(|(punct, _)| punct.as_char() == ':')?;
    Some(next)
}
