//! Members of any shape: an optional member that cannot be read is preserved and reads as absent (docs/protocol.md §5.2).
//! Applies to every type of an activity that has an `extra`; required members are still required.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Extra;

/// An optional member: what it reads from any JSON value.
pub(crate) trait Member: Default + PartialEq {
    /// Reads `value`; also whether writing the result gives `value` again, so that it need not be preserved.
    fn read(value: &Value) -> (Self, bool);

    /// Whether nothing is written.
    fn is_absent(&self) -> bool;
}

impl<T: DeserializeOwned + PartialEq> Member for Option<T> {
    fn read(value: &Value) -> (Self, bool) {
        // `T` may itself be any value, null included.
        let read = if value.is_null() { None } else { T::deserialize(value).ok() };
        let is_exact = read.is_some();
        (read, is_exact)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: DeserializeOwned + PartialEq> Member for Vec<T> {
    fn read(value: &Value) -> (Self, bool) {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let read: Self = items.iter().filter_map(|item| T::deserialize(item).ok()).collect();
        let is_exact = !read.is_empty() && read.len() == items.len();
        (read, is_exact)
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Member for String {
    fn read(value: &Value) -> (Self, bool) {
        let read = value.as_str().unwrap_or_default();
        (read.to_owned(), !read.is_empty())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Takes the member `name` out of `extra`. A value that cannot be written again as it was stays there.
pub(super) fn take<M: Member>(extra: &mut Extra, name: &str) -> M {
    let Some(value) = extra.get(name) else { return M::default() };
    let (member, is_exact) = M::read(value);
    if is_exact {
        extra.remove(name);
    }
    member
}

/// Takes the required member `name` out of `extra`.
pub(super) fn take_required<T: DeserializeOwned, E: Error>(
    extra: &mut Extra,
    name: &'static str,
) -> Result<T, E> {
    let value = extra.remove(name).ok_or_else(|| E::missing_field(name))?;
    // The cause may quote the value, which must not reach a log.
    T::deserialize(value).map_err(|_| E::custom(format_args!("invalid `{name}`")))
}

/// Whether `preserved`, as it arrived, is still what `member` reads; otherwise the member was set later.
pub(super) fn is_current<M: Member>(member: &M, preserved: &Value) -> bool {
    M::read(preserved).0 == *member
}

/// Implements `Serialize` and `Deserialize` of a struct with an `extra`: in brackets its required members, then the
/// optional ones, by name on the wire.
macro_rules! lenient_members {
    ($type:ident $([$needed:ident = $needed_name:literal])* { $($field:ident = $name:literal,)+ }) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;

                use $crate::protocol::activity::lenient::{Member as _, is_current};

                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry($needed_name, &self.$needed)?;)*
                $(match self.extra.get($name) {
                    Some(preserved) if is_current(&self.$field, preserved) => {
                        map.serialize_entry($name, preserved)?;
                    }
                    Some(_) | None if self.$field.is_absent() => {}
                    Some(_) | None => map.serialize_entry($name, &self.$field)?,
                })+
                let is_read = |name: &str| matches!(name, $($needed_name |)* $($name)|+);
                for (name, value) in self.extra.iter().filter(|(name, _)| !is_read(name)) {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use $crate::protocol::activity::lenient::{Members, take};

                let read = &[$($needed_name,)* $($name,)+];
                let mut extra = Members { read }.deserialize(deserializer)?;
                Ok(Self {
                    $($needed: $crate::protocol::activity::lenient::take_required(&mut extra, $needed_name)?,)*
                    $($field: take(&mut extra, $name),)+
                    extra,
                })
            }
        }
    };
}
pub(super) use lenient_members;

/// Reads an object. Members that are read must not occur twice, nor may those within them that decide who is meant.
pub(super) struct Members {
    pub(super) read: &'static [&'static str],
}

/// Members with the identity of an activity: neither they nor anything in them occurs twice.
const IDENTITY: [&str; 4] = ["conversation", "from", "recipient", "channelData"];

impl Members {
    /// Reads the object of `deserializer`.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<Extra, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Extra;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extra, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if self.read.contains(&name.as_str()) && members.contains_key(&name) {
                return Err(A::Error::custom("duplicate member"));
            }
            let value = match IDENTITY.contains(&name.as_str()) {
                true => map.next_value_seed(Unique)?,
                false => map.next_value()?,
            };
            members.insert(name, value);
        }
        Ok(members)
    }
}

/// Reads a value in which no member occurs twice.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Self)?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(members.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}
