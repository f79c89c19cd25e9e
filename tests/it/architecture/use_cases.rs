//! Inherent `impl` blocks of the functions' use cases: one each, in the `lib.rs` that defines the type.

use super::modules::Modules;
use super::resolve::resolve;

/// Crate, its type, and the only file that may hold an inherent `impl` of it.
const USE_CASES: [(&str, &str, &str); 3] = [
    ("inbound", "Inbound", "functions/inbound/src/lib.rs"),
    ("worker", "Worker", "functions/worker/src/lib.rs"),
    ("proactive", "Proactive", "functions/proactive/src/lib.rs"),
];

/// Returns one line for each `impl` elsewhere.
pub(super) fn impls_elsewhere(modules: &Modules) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, module) in modules.all.iter().enumerate() {
        for target in module.named.impls.iter().filter_map(|path| resolve(modules, id, path)) {
            let root = &modules.all[modules.lineage(target.module)[0]].name;
            let of =
                |(name, item, _): &&(&str, &str, &str)| root == name && target.item.as_deref() == Some(*item);
            if let Some((_, item, file)) =
                USE_CASES.iter().find(of).filter(|(_, _, file)| module.file != *file)
            {
                lines.push(format!("{}: `impl {item}` belongs in {file}", module.file));
            }
        }
    }
    lines
}
