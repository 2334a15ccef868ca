//! `renewals user list`.

use crate::{
    ground::Ground,
    output::{self, Form},
};
use domain::{people::UserStatus, permissions::Reach};
use schema::{
    book::Part,
    people::accounts::{self, AccountFilter, AccountKey, AccountRow},
};
use serde_json::{Value, json};

/// Which ones.
pub struct Which {
    pub role: Option<String>,
    pub status: Option<UserStatus>,
    pub limit: u32,
}

/// Users, newest first.
pub async fn rows(ground: &Ground, which: &Which) -> anyhow::Result<Vec<AccountRow>> {
    let db = ground.database().await?;
    let filter = AccountFilter {
        reach: Reach::All,
        search: None,
        role: which.role.as_deref(),
        status: which.status,
        department: None,
        branch: None,
    };
    let part = Part { offset: 0, limit: i64::from(which.limit), count_cap: 0 };
    let (rows, _) = accounts::list(&mut *db.get().await?, &filter, (AccountKey::CreatedAt, true), part).await?;
    Ok(rows)
}

/// Prints them.
pub fn print(form: Form, rows: &[AccountRow]) -> anyhow::Result<()> {
    let listed = rows.iter().map(shown).collect::<anyhow::Result<Vec<Value>>>()?;
    form.print(&listed, |listed| {
        let cell = |row: &Value, field: &str| row[field].as_str().unwrap_or("-").to_owned();
        let cells = |row: &Value| {
            let mfa = if row["mfaEnabled"] == true { "yes" } else { "no" };
            let [email, name, role, status, last] =
                ["email", "name", "role", "status", "lastLogin"].map(|field| cell(row, field));
            [email, name, role, status, mfa.to_owned(), last]
        };
        let rows: Vec<_> = listed.iter().map(cells).collect();
        output::table(["EMAIL", "NAME", "ROLE", "STATUS", "MFA", "LAST LOGIN"], &rows)
    })
}

fn shown(row: &AccountRow) -> anyhow::Result<Value> {
    Ok(json!({
        "email": row.email,
        "name": format!("{} {}", row.first_name, row.last_name),
        "role": row.role,
        "status": row.status()?,
        "mfaEnabled": row.mfa_enabled,
        "lastLogin": row.last_login.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
    }))
}
