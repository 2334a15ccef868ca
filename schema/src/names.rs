//! Names of closed sets, as columns hold them, read into the enums of `domain`.
//!
//! A name this program does not know fails the query: a newer program wrote it.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::Text;
use domain::campaigns::CampaignStatus;
use domain::messaging::{Channel, MessageStatus};
use domain::permissions::Scope;
use domain::text_enum::UnknownName;

/// Text that is expected to be a known name.
#[derive(Debug, Clone, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Name(String);

impl FromSql<Text, Pg> for Name {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Pg>>::from_sql(value).map(Self)
    }
}

macro_rules! readable {
    ($($name:ty),+) => {$(
        impl TryFrom<Name> for $name {
            type Error = UnknownName;
            fn try_from(name: Name) -> Result<Self, UnknownName> { name.0.parse() }
        }
    )+};
}
readable!(CampaignStatus, Channel, MessageStatus, Scope);
