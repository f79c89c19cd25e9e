//! Hashes that stand for ids: as keys of records and in log lines.
//! It does not protect anything; secrets are kept by `secrecy`.

use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256 over `parts`, each preceded by its length, as 64 hexadecimal digits.
///
/// The lengths keep `["ab", "c"]` and `["a", "bc"]` apart.
#[must_use]
pub fn sha256(parts: &[&str]) -> String {
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
    let mut digits = sha256(&[id]);
    digits.truncate(12);
    digits
}

/// Defines an id that is a hash: 64 hexadecimal digits, of which `Debug` shows twelve so that a log line stays readable.
macro_rules! hash_ids {
    ($($(#[$doc:meta])* $name:ident, $invalid:ident = $message:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the id as 64 hexadecimal digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the id for a `hash` of 64 hexadecimal digits.
            #[must_use]
            pub(crate) fn from_hash(hash: String) -> Self {
                Self(hash)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.get(..12).unwrap_or(&self.0))
            }
        }

        #[doc = concat!("Why a text is not a [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ::thiserror::Error)]
        #[error($message)]
        pub struct $invalid;

        impl ::std::str::FromStr for $name {
            type Err = $invalid;

            /// Reads an id as `as_str` writes it, in either case.
            fn from_str(text: &str) -> Result<Self, $invalid> {
                let is_id = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                if is_id { Ok(Self(text.to_ascii_lowercase())) } else { Err($invalid) }
            }
        }
    )+};
}
pub(crate) use hash_ids;

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
        assert_ne!(super::sha256(&["ab", "c"]), super::sha256(&["a", "bc"]));
        assert_eq!(super::sha256(&["ab", "c"]).len(), 64);
        assert_eq!(super::short("x").len(), 12);
    }
}
