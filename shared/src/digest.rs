//! Hashes that stand for ids: as keys of records and in log lines.
//! It does not protect anything; secrets are kept by `secrecy`.

use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256 over `parts`, each preceded by its length, as 64 hexadecimal digits.
///
/// The lengths keep `["ab", "c"]` and `["a", "bc"]` apart.
#[must_use]
pub fn of(parts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    hex(context.finish().as_ref())
}

/// Twelve hexadecimal digits that stand for `id` in a log line.
#[must_use]
pub fn short(id: &str) -> String {
    let mut digits = of(&[id]);
    digits.truncate(12);
    digits
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing into a `String` cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(super::of(&["ab", "c"]), super::of(&["a", "bc"]));
        assert_eq!(super::of(&["ab", "c"]).len(), 64);
        assert_eq!(super::short("x").len(), 12);
    }
}
