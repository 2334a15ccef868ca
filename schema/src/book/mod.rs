//! The book as people look at it: customers, policies and renewal cases, a page at a time, newest first.
//!
//! Every filter has an index. Nothing is counted further than the caller asks.

pub mod cases;
pub mod customers;
pub mod policies;

use diesel::sql_types::BigInt;

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Entries to skip.
    pub offset: i64,
    /// Entries to read.
    pub limit: i64,
    /// Counting goes up to one more than this.
    pub count_cap: i64,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A text that a name begins with, as LIKE takes it: in lower case, with nothing that stands for anything else.
fn beginning(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 1);
    for c in text.to_lowercase().chars() {
        if matches!(c, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn nothing_in_a_name_is_a_wildcard() {
        assert_eq!(beginning("Asha"), "asha%");
        assert_eq!(beginning(r"50%_\"), r"50\%\_\\%");
    }
}
