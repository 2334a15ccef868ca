//! Written-out statements that stay prepared on their connection.
//!
//! `diesel::sql_query` prepares its text anew each time: a second round trip, parsing and planning, which hot statements
//! cannot afford. The text of a [`Sql`] is a constant, so its prepared form is kept.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};
use std::marker::PhantomData;

/// A statement with its binds: `$1`, `$2`, … in the text, in any order and as often as needed.
pub struct Sql<'a> {
    text: &'static str,
    binds: Vec<Box<dyn Bind + Send + 'a>>,
}

/// Begins a statement.
pub fn sql<'a>(text: &'static str) -> Sql<'a> {
    Sql { text, binds: Vec::new() }
}

impl<'a> Sql<'a> {
    /// Binds the next parameter.
    #[must_use]
    pub fn bind<ST, V>(mut self, value: V) -> Self
    where
        V: ToSql<ST, Pg> + Send + 'a,
        Pg: HasSqlType<ST>,
        ST: Send + 'a,
    {
        self.binds.push(Box::new(Value { value, sql_type: PhantomData::<ST> }));
        self
    }
}

trait Bind {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

struct Value<ST, V> {
    value: V,
    sql_type: PhantomData<ST>,
}

impl<ST, V> Bind for Value<ST, V>
where
    V: ToSql<ST, Pg>,
    Pg: HasSqlType<ST>,
{
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<ST, V>(&self.value)
    }
}

impl QueryFragment<Pg> for Sql<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // diesel numbers parameters as they come; here is which number each of ours was given
        let mut given: Vec<Option<usize>> = vec![None; self.binds.len()];
        let mut count = 0;
        for piece in Pieces(self.text) {
            let index = match piece {
                Piece::Text(text) => {
                    out.push_sql(text);
                    continue;
                }
                Piece::Parameter(number) => number.wrapping_sub(1),
            };
            match given.get(index).copied() {
                None => return Err(self.fault("has more parameters than binds")),
                Some(Some(number)) => out.push_sql(&format!("${number}")),
                Some(None) => {
                    count += 1;
                    given[index] = Some(count);
                    self.binds[index].push(&mut out)?;
                }
            }
        }
        match count == self.binds.len() {
            true => Ok(()),
            false => Err(self.fault("does not use all its binds")),
        }
    }
}

impl Sql<'_> {
    fn fault(&self, what: &str) -> diesel::result::Error {
        diesel::result::Error::QueryBuilderError(format!("a statement {what}: {}", self.text).into())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Parameter(usize),
}

/// The text cut at its parameters.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(rest) = self.0.strip_prefix('$')
            && let Ok(number) = rest[..digits(rest)].parse()
        {
            self.0 = &rest[digits(rest)..];
            return Some(Piece::Parameter(number));
        }
        let end = self.0.char_indices().skip(1).find(|(_, c)| *c == '$').map_or(self.0.len(), |(at, _)| at);
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        (!text.is_empty()).then_some(Piece::Text(text))
    }
}

impl QueryId for Sql<'_> {
    type QueryId = ();
    // told apart by its text
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql<'_> {
    type SqlType = Untyped;
}

impl<Connection> diesel::RunQueryDsl<Connection> for Sql<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::sql_types::{Integer, Text};

    fn walk(sql: &Sql<'_>) -> Result<String, std::fmt::Error> {
        use std::fmt::Write;
        let mut text = String::new();
        write!(text, "{}", diesel::debug_query::<Pg, _>(sql))?;
        Ok(text)
    }

    #[test]
    fn parameters_are_renumbered_as_they_appear() {
        let statement = sql("SELECT $2, $1, $2 || $10").bind::<Text, _>("a").bind::<Integer, _>(2);
        assert!(walk(&statement).is_err(), "too few binds");
        let statement = sql("SELECT $2, $1, $2").bind::<Text, _>("a").bind::<Integer, _>(2);
        assert_eq!(walk(&statement).unwrap(), "SELECT $1, $2, $1 -- binds: [2, \"a\"]");
        let statement = sql("SELECT $1").bind::<Text, _>("a").bind::<Integer, _>(2);
        assert!(walk(&statement).is_err(), "too many binds");
    }

    #[test]
    fn a_parameter_is_not_mistaken_for_a_longer_one() {
        let pieces: Vec<Piece<'_>> = Pieces("a $12,$1$ b").collect();
        let text = Piece::Text;
        assert_eq!(pieces, [text("a "), Piece::Parameter(12), text(","), Piece::Parameter(1), text("$ b")]);
    }
}
