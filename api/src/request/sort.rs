//! The order of a list: `sort=name`, or `sort=-name` for the reverse.

use super::NamedSet;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, Type},
};
use serde_json::Value;
use std::borrow::Cow;

/// What to sort by, of a closed set of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<T> {
    /// By this.
    pub by: T,
    /// Greatest or newest first.
    pub descending: bool,
}

impl<T: NamedSet> Sort<T> {
    fn choices() -> Vec<String> {
        T::names().into_iter().flat_map(|name| [name.to_owned(), format!("-{name}")]).collect()
    }
}

impl<T: NamedSet> Type for Sort<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("string_{}_order", T::SET).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let mut schema = MetaSchema::new("string");
        schema.enum_items = Self::choices().into_iter().map(Value::from).collect();
        MetaSchemaRef::Inline(Box::new(schema))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl<T: NamedSet> ParseFromParameter for Sort<T> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let expected = || ParseError::custom(format!("expected one of {}", Self::choices().join(", ")));
        T::named(name).map(|by| Self { by, descending }).ok_or_else(expected)
    }
}
