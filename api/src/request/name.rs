//! Closed sets of names in JSON and parameters: `Name<Channel>`, or `Names<Channel>` for several in one parameter,
//! separated by commas.
//!
//! What is not one of the names is a fault of its field, which lists those that are. A set is made usable here by one
//! line: `named_set!(Channel)`.

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde_json::Value;
use std::borrow::Cow;

/// An enum whose variants have one name each.
pub trait NamedSet: Copy + Send + Sync + 'static {
    /// What the document calls it.
    const SET: &'static str;
    /// Every name.
    fn names() -> Vec<&'static str>;
    /// This one's name.
    fn name(self) -> &'static str;
    /// The one of that name.
    fn named(name: &str) -> Option<Self>;
}

/// For enums of `domain`, which are made of names; for others, with their list and what gives a name.
macro_rules! named_set {
    ($($set:ty),+ $(,)?) => {$(
        impl $crate::request::NamedSet for $set {
            const SET: &'static str = stringify!($set);
            fn names() -> Vec<&'static str> { <$set>::NAMES.to_vec() }
            fn name(self) -> &'static str { self.as_str() }
            fn named(name: &str) -> Option<Self> { name.parse().ok() }
        }
    )+};
    ($set:ty: $all:ident, $name:ident) => {
        impl $crate::request::NamedSet for $set {
            const SET: &'static str = stringify!($set);
            fn names() -> Vec<&'static str> { <$set>::$all.iter().map(|one| one.$name()).collect() }
            fn name(self) -> &'static str { <$set>::$name(self) }
            fn named(name: &str) -> Option<Self> { <$set>::$all.iter().copied().find(|one| one.$name() == name) }
        }
    };
}
pub(crate) use named_set;

fn read<T: NamedSet>(name: &str) -> Result<T, String> {
    T::named(name).ok_or_else(|| format!("expected one of {}", T::names().join(", ")))
}

/// One name of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<T>(pub T);

/// Some names of a set, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names<T>(pub Vec<T>);

impl<T: NamedSet> Type for Name<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("string_{}", T::SET).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let mut schema = MetaSchema::new("string");
        schema.enum_items = T::names().into_iter().map(Value::from).collect();
        MetaSchemaRef::Inline(Box::new(schema))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl<T: NamedSet> ParseFromParameter for Name<T> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        read(text).map(Self).map_err(ParseError::custom)
    }
}

impl<T: NamedSet> ParseFromJSON for Name<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => Self::parse_from_parameter(&text),
            other => Err(ParseError::expected_type(other)),
        }
    }
}

impl<T: NamedSet> ToJSON for Name<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::from(self.0.name()))
    }
}

impl<T: NamedSet> Type for Names<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("string_{}_list", T::SET).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let mut schema = MetaSchema::new("string");
        let any = T::names().join("|");
        schema.pattern = Some(format!("^({any})(,({any}))*$"));
        schema.example = T::names().first().map(|name| Value::from(*name));
        MetaSchemaRef::Inline(Box::new(schema))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl<T: NamedSet> ParseFromParameter for Names<T> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(read).collect::<Result<_, _>>().map(Self).map_err(ParseError::custom)
    }
}
