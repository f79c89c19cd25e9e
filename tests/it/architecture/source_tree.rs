//! Sources as pairs of path and text, so that the checks run on the workspace and on examples alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Folders of crates whose library has another name than the folder.
const NAMES: [(&str, &str); 2] = [("shared", "herald"), ("tests/support", "support")];

/// Every source file, by its path from the root of the workspace.
#[derive(Debug, Default)]
pub(super) struct SourceTree {
    /// Texts by path.
    pub files: BTreeMap<String, String>,
}

impl SourceTree {
    /// Reads every Rust source below `root`.
    pub(super) fn read(root: &Path) -> Self {
        let mut tree = Self::default();
        tree.read_folder(root, "");
        tree
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{prefix}{name}");
            if entry.file_type().unwrap().is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    self.read_folder(&entry.path(), &format!("{path}/"));
                }
            } else if name.ends_with(".rs") {
                self.files.insert(path, fs::read_to_string(entry.path()).unwrap());
            }
        }
    }

    /// Returns the root files of crates: libraries, binaries, tests, benches and examples.
    pub(super) fn crate_roots(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str).filter(|path| is_crate_root(path))
    }
}

/// Returns the name by which other crates use the library at `path`; `None` for a binary, test, bench or example.
pub(super) fn library(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/lib.rs")?;
    let folder = folder.strip_suffix("/src").unwrap_or(folder);
    let named = NAMES.iter().find(|(own, _)| *own == folder).map(|(_, name)| *name);
    named.or_else(|| folder.rsplit('/').next())
}

fn is_crate_root(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (file, folder) = (parts.next(), parts.next());
    match folder {
        _ if matches!(file, Some("lib.rs" | "main.rs")) => true,
        Some("bin") => true,
        Some("benches" | "examples" | "tests") => !path.contains("/src/"),
        Some(_) | None => false,
    }
}
