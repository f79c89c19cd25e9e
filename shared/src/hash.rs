//! SHA-256 hashes of ids, for record keys and log lines.
//! Does not protect secrets; `secrecy` does.

use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};

/// Returns the SHA-256 of `parts`, each prefixed with its length, as 64 hexadecimal digits.
///
/// The length prefix makes `["ab", "c"]` and `["a", "bc"]` hash differently.
#[must_use]
pub fn sha256(parts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    hex(context.finish().as_ref())
}

/// Returns the first 12 hexadecimal digits of the hash of `id`, for log lines.
#[must_use]
pub fn short(id: &str) -> String {
    let mut digits = sha256(&[id]);
    digits.truncate(12);
    digits
}

/// Defines id types that hold a hash of 64 hexadecimal digits; `Debug` prints only 12 of them.
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

        #[doc = concat!("The error of parsing an invalid [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ::thiserror::Error)]
        #[error($message)]
        pub struct $invalid;

        impl ::std::str::FromStr for $name {
            type Err = $invalid;

            /// Parses 64 hexadecimal digits, ignoring case.
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
    fn equal_concatenations_of_different_parts_hash_differently() {
        assert_ne!(super::sha256(&["ab", "c"]), super::sha256(&["a", "bc"]));
        assert_eq!(super::sha256(&["ab", "c"]).len(), 64);
        assert_eq!(super::short("x").len(), 12);
    }
}
