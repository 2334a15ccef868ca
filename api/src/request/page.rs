//! Pages of a list: `page` and `limit` in, `pagination` out.
//!
//! A table may hold 10^8 rows, so nothing is counted to its end: `total` stops at [`COUNT_CAP`] and `atLeast` says so.
//! For the same reason a page cannot start further in than [`Page::DEEPEST`].

use crate::error::ApiError;
use poem_openapi::Object;
use schema::Part;

/// Counting stops here.
pub const COUNT_CAP: i64 = 10_000;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    number: u32,
    /// Entries a page.
    limit: u32,
}

impl Page {
    /// Entries a page when nothing is said.
    pub const DEFAULT_LIMIT: u32 = 20;
    /// Entries a page at most.
    pub const MAX_LIMIT: u32 = 200;
    /// Entries that may be skipped at most; further in, narrow the filters.
    pub const DEEPEST: i64 = 100_000;

    /// Reads the parameters `page` and `limit`.
    pub fn read(page: Option<u32>, limit: Option<u32>) -> Result<Self, ApiError> {
        let read = Self { number: page.unwrap_or(1), limit: limit.unwrap_or(Self::DEFAULT_LIMIT) };
        if read.number == 0 {
            return Err(ApiError::invalid("page", "pages are counted from 1"));
        }
        if !(1..=Self::MAX_LIMIT).contains(&read.limit) {
            return Err(ApiError::invalid("limit", format!("expected 1 to {}", Self::MAX_LIMIT)));
        }
        if read.offset() > Self::DEEPEST {
            let message = format!("no more than {} entries can be skipped; narrow the filters", Self::DEEPEST);
            return Err(ApiError::invalid("page", message));
        }
        Ok(read)
    }

    /// Entries to skip.
    pub fn offset(self) -> i64 {
        i64::from(self.number - 1) * i64::from(self.limit)
    }

    /// Entries to fetch.
    pub fn limit(self) -> i64 {
        i64::from(self.limit)
    }

    /// As queries take it.
    pub fn part(self) -> Part {
        Part { offset: self.offset(), limit: self.limit(), count_cap: COUNT_CAP }
    }

    /// Its number, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Entries a page.
    pub fn size(self) -> u32 {
        self.limit
    }

    /// What to tell of a list with `counted` entries, counted to [`COUNT_CAP`] + 1 at most.
    pub fn of(self, counted: i64) -> Pagination {
        self.counted(counted.min(COUNT_CAP), counted > COUNT_CAP)
    }

    /// What to tell of a list with `total` entries, or more.
    pub fn counted(self, total: i64, at_least: bool) -> Pagination {
        let total_pages = u32::try_from(total).unwrap_or(u32::MAX).div_ceil(self.limit);
        Pagination { page: self.number, limit: self.limit, total, total_pages, at_least }
    }
}

/// Where in the list a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Object)]
#[oai(rename_all = "camelCase")]
pub struct Pagination {
    /// From 1.
    pub page: u32,
    /// Entries a page.
    pub limit: u32,
    /// Entries in the list, counted up to 10,000.
    pub total: i64,
    /// Pages of `limit` entries in `total`.
    pub total_pages: u32,
    /// Whether counting stopped at 10,000, so that `total` and `totalPages` are a lower bound.
    pub at_least: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_add_up() {
        let page = Page::read(Some(3), Some(20)).unwrap();
        assert_eq!((page.offset(), page.limit()), (40, 20));
        assert_eq!(page.of(45), Pagination { page: 3, limit: 20, total: 45, total_pages: 3, at_least: false });
        assert_eq!(page.of(0).total_pages, 0);
    }

    #[test]
    fn counting_stops_at_the_cap_and_says_so() {
        let told = Page::read(None, None).unwrap().of(COUNT_CAP + 1);
        assert!(told.at_least && told.total == COUNT_CAP);
        assert!(!Page::read(None, None).unwrap().of(COUNT_CAP).at_least);
    }

    #[test]
    fn a_page_out_of_reach_is_refused() {
        for (page, limit) in [(Some(0), None), (None, Some(0)), (None, Some(201)), (Some(u32::MAX), Some(200))] {
            assert_eq!(Page::read(page, limit).unwrap_err().code(), "validation_failed");
        }
        assert!(Page::read(Some(501), Some(200)).is_ok());
    }
}
