//! Checks the chains of the audit log: reads them page by page and computes every hash anew.
//!
//! What is found is told as [`Fault`]s; a row that was changed is told once, since the chain goes on from the hash that is
//! kept. Whoever can write to the database freely can make all hashes anew as well: note the heads elsewhere, and hold a
//! later check against them. Fails only as the database does.

use crate::{DbError, sql::sql};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Binary, Bool, Nullable, SmallInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::AuditId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;

/// Rows read at once.
const PAGE: i64 = 2_000;
/// Faults that are told; the rest is not looked for.
pub const MOST_FAULTS: usize = 100;
/// What the first link of a chain is made with.
const GENESIS: [u8; 32] = [0; 32];

/// Something was done past the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Fault {
    /// A row is not what it was when it was linked, or its link was changed.
    ChangedRow {
        /// The chain.
        chain: i16,
        /// The place in it.
        seq: i64,
        /// The row.
        entry: AuditId,
    },
    /// A link's row is gone.
    MissingRow {
        /// The chain.
        chain: i16,
        /// The place in it.
        seq: i64,
        /// The row.
        entry: AuditId,
    },
    /// Links are gone, the rows they led to with them.
    MissingLinks {
        /// The chain.
        chain: i16,
        /// The first place.
        from: i64,
        /// The last place.
        to: i64,
    },
    /// A row that no link leads to: written past the chain, or its link is gone.
    RowWithoutLink {
        /// The row.
        entry: AuditId,
    },
    /// A chain's head does not match its last link.
    WrongHead {
        /// The chain.
        chain: i16,
        /// Where the head says the chain ends.
        head: i64,
        /// Where it ends.
        last: i64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChangedRow { chain, seq, entry } => {
                write!(f, "{entry} or its link was changed (chain {chain}, place {seq})")
            }
            Self::MissingRow { chain, seq, entry } => write!(f, "{entry} is gone (chain {chain}, place {seq})"),
            Self::MissingLinks { chain, from, to } => write!(f, "places {from} to {to} of chain {chain} are gone"),
            Self::RowWithoutLink { entry } => write!(f, "{entry} is in no chain"),
            Self::WrongHead { chain, head, last } => {
                write!(f, "the head of chain {chain} stands at {head} and does not match its last link, at {last}")
            }
        }
    }
}

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The chain.
    pub chain: i16,
    /// Links in it.
    pub seq: i64,
    /// Its last hash, in hexadecimal.
    pub hash: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Links that were looked at.
    pub links: u64,
    /// What was found, at most [`MOST_FAULTS`].
    pub faults: Vec<Fault>,
    /// Whether there may be more.
    pub more: bool,
    /// The chains as they stand.
    pub heads: Vec<Head>,
}

#[derive(QueryableByName)]
struct Chain {
    #[diesel(sql_type = SmallInt)]
    chain: i16,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    last: i64,
}

#[derive(QueryableByName)]
struct Link {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    audit_id: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

/// Checks all chains as they stand now; what is written meanwhile is left to the next check.
pub async fn verify(connection: &mut AsyncPgConnection) -> Result<Verified, DbError> {
    // one statement: heads and last links of the same moment
    const CHAINS: &str = "\
        SELECT chain, seq, hash, COALESCE((SELECT max(l.seq) FROM audit_links l WHERE l.chain = c.chain), 0) AS last \
        FROM audit_chains c ORDER BY chain";
    let newest = newest_row(connection).await?;
    let chains: Vec<Chain> = sql(CHAINS).get_results(connection).await?;
    let mut found = Verified { links: 0, faults: Vec::new(), more: false, heads: Vec::new() };
    for chain in &chains {
        found.heads.push(Head { chain: chain.chain, seq: chain.seq, hash: hexadecimal(&chain.hash) });
        if !found.more {
            walk(connection, chain, &mut found).await?;
        }
    }
    if !found.more {
        unlinked(connection, newest, &mut found).await?;
    }
    Ok(found)
}

/// One chain from its first link to its head.
async fn walk(connection: &mut AsyncPgConnection, chain: &Chain, found: &mut Verified) -> Result<(), DbError> {
    const LINKS: &str = "\
        SELECT l.seq, l.audit_id, l.hash, CASE WHEN a.id IS NOT NULL THEN audit_text(a) END AS text \
        FROM audit_links l LEFT JOIN audit_log a ON a.id = l.audit_id \
        WHERE l.chain = $1 AND l.seq > $2 AND l.seq <= $3 ORDER BY l.seq LIMIT $4";
    let (mut seq, mut hash) = (0, GENESIS.to_vec());
    loop {
        let page: Vec<Link> = sql(LINKS)
            .bind::<SmallInt, _>(chain.chain)
            .bind::<BigInt, _>(seq)
            .bind::<BigInt, _>(chain.last)
            .bind::<BigInt, _>(PAGE)
            .get_results(connection)
            .await?;
        let is_last = i64::try_from(page.len()).unwrap_or(i64::MAX) < PAGE;
        for link in page {
            found.links += 1;
            let follows = link.seq == seq + 1;
            if !follows {
                found.add(Fault::MissingLinks { chain: chain.chain, from: seq + 1, to: link.seq - 1 });
            }
            let entry = AuditId(link.audit_id);
            match &link.text {
                None => found.add(Fault::MissingRow { chain: chain.chain, seq: link.seq, entry }),
                // behind a gap there is nothing to check this one by
                Some(text) if follows && next(&hash, text) != link.hash => {
                    found.add(Fault::ChangedRow { chain: chain.chain, seq: link.seq, entry });
                }
                Some(_) => {}
            }
            (seq, hash) = (link.seq, link.hash);
        }
        if is_last || found.more {
            break;
        }
    }
    if !found.more {
        end(chain, seq, &hash, found);
    }
    Ok(())
}

/// Holds a chain's end against its head.
fn end(chain: &Chain, seq: i64, hash: &[u8], found: &mut Verified) {
    if seq < chain.seq {
        found.add(Fault::MissingLinks { chain: chain.chain, from: seq + 1, to: chain.seq });
    } else if seq > chain.seq || hash != chain.hash {
        found.add(Fault::WrongHead { chain: chain.chain, head: chain.seq, last: seq });
    }
}

async fn newest_row(connection: &mut AsyncPgConnection) -> Result<i64, DbError> {
    #[derive(QueryableByName)]
    struct Newest {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let newest: Newest = sql("SELECT COALESCE(max(id), 0) AS id FROM audit_log").get_result(connection).await?;
    Ok(newest.id)
}

/// Rows that no link leads to.
async fn unlinked(connection: &mut AsyncPgConnection, newest: i64, found: &mut Verified) -> Result<(), DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: i64,
        #[diesel(sql_type = Bool)]
        linked: bool,
    }
    const ROWS: &str = "\
        SELECT a.id, EXISTS (SELECT 1 FROM audit_links l WHERE l.audit_id = a.id) AS linked \
        FROM audit_log a WHERE a.id > $1 AND a.id <= $2 ORDER BY a.id LIMIT $3";
    let mut after = 0;
    loop {
        let page: Vec<Row> = sql(ROWS)
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(newest)
            .bind::<BigInt, _>(PAGE)
            .get_results(connection)
            .await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for row in page.iter().filter(|row| !row.linked) {
            found.add(Fault::RowWithoutLink { entry: AuditId(row.id) });
        }
        if found.more {
            return Ok(());
        }
    }
}

impl Verified {
    fn add(&mut self, fault: Fault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        } else {
            self.more = true;
        }
    }
}

fn next(hash: &[u8], text: &str) -> Vec<u8> {
    Sha256::new().chain_update(hash).chain_update(text).finalize().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
