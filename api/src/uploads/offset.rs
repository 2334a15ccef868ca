//! Where in a file a piece belongs: `Upload-Offset: 1048576`, or `Content-Range: bytes 1048576-2097151/5000000`.

use crate::error::{ApiError, ApiResult};

/// Where a piece begins, and its length if that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In bytes, from 0.
    pub offset: i64,
    /// In bytes.
    pub length: Option<i64>,
}

/// Reads either header; both, if they agree. `size`: of the whole file.
pub fn read(upload_offset: Option<i64>, content_range: Option<&str>, size: i64) -> ApiResult<Place> {
    let range = content_range.map(|text| parse(text, size)).transpose()?;
    match (upload_offset, range) {
        (Some(offset), _) if offset < 0 => Err(ApiError::invalid("Upload-Offset", "expected a whole number from 0")),
        (Some(offset), Some(range)) if offset != range.offset => {
            Err(ApiError::invalid("Content-Range", "begins elsewhere than Upload-Offset says"))
        }
        (_, Some(range)) => Ok(range),
        (Some(offset), None) => Ok(Place { offset, length: None }),
        (None, None) => {
            Err(ApiError::invalid("Upload-Offset", "is required: where in the file the piece begins, in bytes"))
        }
    }
}

fn parse(text: &str, size: i64) -> ApiResult<Place> {
    let expected = || ApiError::invalid("Content-Range", format!("expected such as bytes 0-1048575/{size}"));
    let (range, total) =
        text.trim().strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(expected)?;
    let (first, last) = range.split_once('-').ok_or_else(expected)?;
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0).ok_or_else(expected);
    let (first, last) = (number(first)?, number(last)?);
    if last < first || last >= size || (total != "*" && number(total)? != size) {
        return Err(expected());
    }
    Ok(Place { offset: first, length: Some(last - first + 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_header_tells_the_place() {
        let place = |offset, length| Place { offset, length };
        assert_eq!(read(Some(7), None, 10).unwrap(), place(7, None));
        assert_eq!(read(None, Some("bytes 2-4/10"), 10).unwrap(), place(2, Some(3)));
        assert_eq!(read(Some(2), Some("bytes 2-4/*"), 10).unwrap(), place(2, Some(3)));
    }

    #[test]
    fn a_place_that_cannot_be_is_refused() {
        for range in ["", "bytes 4-2/10", "bytes 0-10/10", "bytes 0-4/11", "bytes -4/10", "0-4/10", "bytes 0-4"] {
            assert!(read(None, Some(range), 10).is_err(), "{range}");
        }
        assert!(read(None, None, 10).is_err());
        assert!(read(Some(-1), None, 10).is_err());
        assert!(read(Some(1), Some("bytes 2-4/10"), 10).is_err());
    }
}
