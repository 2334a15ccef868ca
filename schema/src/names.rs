//! Names of closed sets, as columns hold them, read into the enums of `domain`.
//!
//! A name this program does not know fails the query: a newer program wrote it.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::Text;
use domain::campaigns::{CampaignMode, CampaignStatus, sequence::EnrolmentState};
use domain::messaging::{Channel, MessageStatus, Purpose, SuppressionReason, SuppressionScope, SuppressionSource};
use domain::permissions::Scope;
use domain::text_enum::UnknownName;
use std::str::FromStr;

/// Text that is expected to be a known name.
#[derive(Debug, Clone, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Name(String);

impl FromSql<Text, Pg> for Name {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Pg>>::from_sql(value).map(Self)
    }
}

/// A known name, read while the row is: for rows of written-out statements.
#[derive(Debug, Clone, FromSqlRow)]
pub struct Known<T>(T);

impl<T: FromStr<Err = UnknownName>> FromSql<Text, Pg> for Known<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(<String as FromSql<Text, Pg>>::from_sql(value)?.parse()?))
    }
}

macro_rules! readable {
    ($($name:ty),+) => {$(
        impl TryFrom<Name> for $name {
            type Error = UnknownName;
            fn try_from(name: Name) -> Result<Self, UnknownName> { name.0.parse() }
        }
        impl From<Known<$name>> for $name {
            fn from(known: Known<$name>) -> Self { known.0 }
        }
    )+};
}
readable!(
    CampaignMode,
    CampaignStatus,
    Channel,
    EnrolmentState,
    MessageStatus,
    Purpose,
    Scope,
    SuppressionReason,
    SuppressionScope,
    SuppressionSource
);
