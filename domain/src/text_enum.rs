//! Closed sets of names: an enum whose variants are stored, sent and read as fixed text.
//!
//! Reading fails with [`UnknownName`], which lists what would have been right; the caller names the field.

/// What was given is not one of a closed set of names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {}", allowed.join(", "))]
pub struct UnknownName {
    /// Every name that would have been right.
    pub allowed: &'static [&'static str],
}

/// An enum of unit variants with one wire name each: `as_str`, `FromStr`, `Display`, serde, `ALL` and `NAMES`.
macro_rules! text_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every wire name, in order of declaration.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The name on the wire and in the tables.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::text_enum::UnknownName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::text_enum::UnknownName { allowed: Self::NAMES }),
                }
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.as_str()) }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_enum;

#[cfg(test)]
mod tests {
    text_enum! {
        /// For the test.
        pub enum Fruit { Apple = "apple", Plum = "red_plum" }
    }

    #[test]
    fn a_name_survives_the_wire_and_another_is_refused() {
        assert_eq!(serde_json::to_string(&Fruit::Plum).unwrap(), "\"red_plum\"");
        assert_eq!(serde_json::from_str::<Fruit>("\"red_plum\"").unwrap(), Fruit::Plum);
        assert_eq!("Apple".parse::<Fruit>().unwrap_err().to_string(), "expected one of apple, red_plum");
        assert_eq!(Fruit::ALL.len(), Fruit::NAMES.len());
    }
}
