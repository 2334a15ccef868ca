//! The states of a job, as the ledger writes them.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use std::io::Write;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub enum JobState {
    /// To run at a later time: not due yet, waiting for another attempt, or for its parent.
    Scheduled,
    /// To run as soon as a worker takes it.
    Available,
    /// Leased by a worker.
    Running,
    /// Done.
    Succeeded,
    /// Given up: it ran out of attempts or said that none can succeed.
    Discarded,
    /// Stopped on request, or because what it waited for failed.
    Cancelled,
}

impl JobState {
    /// All states.
    pub const ALL: [JobState; 6] =
        [Self::Scheduled, Self::Available, Self::Running, Self::Succeeded, Self::Discarded, Self::Cancelled];

    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Available => "available",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Discarded => "discarded",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more will happen to the job by itself.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Discarded | Self::Cancelled => true,
            Self::Scheduled | Self::Available | Self::Running => false,
        }
    }
}

impl ToSql<Text, Pg> for JobState {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.name().as_bytes())?;
        Ok(serialize::IsNull::No)
    }
}

impl FromSql<Text, Pg> for JobState {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let name = std::str::from_utf8(value.as_bytes())?;
        Self::from_name(name).ok_or_else(|| format!("jobs.state holds {name:?}").into())
    }
}
