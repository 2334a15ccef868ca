//! What a file is, by its first bytes: its type for the table, its media type for downloads, or why it is refused.

use crate::error::{ApiError, ApiResult};
use bytes::Bytes;
use domain::upload::kind::{FileKind, SNIFF_LENGTH, SniffError, sniff};
use futures_util::{Stream, StreamExt};
use poem::http::StatusCode;

/// The type of a file whose bytes have not come yet.
pub const UNKNOWN: &str = "unknown";

/// The type as the table keeps it. 400 for an empty file, 415 for what is no workbook and no CSV.
pub fn file_type(first_bytes: &[u8]) -> ApiResult<&'static str> {
    match sniff(first_bytes) {
        Ok(FileKind::Zip) => of_zip(first_bytes),
        Ok(FileKind::CompoundFile) => Ok("xls"),
        Ok(FileKind::Text(_)) => Ok("csv"),
        Err(SniffError::Empty) => Err(ApiError::new(StatusCode::BAD_REQUEST, "empty_file", "the file is empty")),
        Err(error @ (SniffError::Other(_) | SniffError::Resave(_) | SniffError::Binary)) => {
            Err(unsupported(error.to_string()))
        }
    }
}

fn unsupported(message: String) -> ApiError {
    ApiError::unsupported("unsupported_file_type", message)
}

/// Workbooks are zips, as are other things; the names of a zip's files stand between them.
fn of_zip(bytes: &[u8]) -> ApiResult<&'static str> {
    let holds = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    if holds("application/vnd.oasis.opendocument.spreadsheet") {
        Ok("ods")
    } else if holds("xl/workbook.bin") {
        Ok("xlsb")
    } else if let Some((_, what)) = OTHER_ZIPS.iter().find(|(name, _)| holds(name)) {
        Err(unsupported(format!("this is {what}, not a workbook; upload .xlsx, .xlsb, .xls, .ods or .csv")))
    } else {
        Ok("xlsx")
    }
}

const OTHER_ZIPS: &[(&str, &str)] = &[
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("META-INF/MANIFEST.MF", "a Java program"),
    ("AndroidManifest.xml", "an Android program"),
    ("application/vnd.oasis.opendocument.text", "a text document"),
    ("application/epub+zip", "a book"),
];

/// The media type of a stored file.
pub fn media_type(file_type: &str) -> &'static str {
    match file_type {
        "xlsx" => XLSX,
        "xlsb" => "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
        "xls" => "application/vnd.ms-excel",
        "ods" => "application/vnd.oasis.opendocument.spreadsheet",
        "csv" => CSV,
        _ => "application/octet-stream",
    }
}

/// All of these.
pub const MEDIA_TYPES: [&str; 6] = [
    XLSX,
    "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
    CSV,
    "application/octet-stream",
];

/// The media type of an .xlsx workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The media type of comma-separated values.
pub const CSV: &str = "text/csv";

/// The first pieces of a stream, as many as tell what it is, and the type. The stream goes on after them.
pub async fn peek<S, E>(content: &mut S) -> Result<(Vec<Bytes>, ApiResult<&'static str>), E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let (mut pieces, mut length) = (Vec::new(), 0);
    while length < SNIFF_LENGTH {
        let Some(piece) = content.next().await.transpose()? else { break };
        length += piece.len();
        pieces.push(piece);
    }
    let mut first = pieces.concat();
    first.truncate(SNIFF_LENGTH);
    Ok((pieces, file_type(&first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zips_are_told_apart() {
        let zip = |name: &str| [b"PK\x03\x04..........", name.as_bytes()].concat();
        for (name, expected) in [
            ("[Content_Types].xml", "xlsx"),
            ("xl/workbook.bin", "xlsb"),
            ("mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK", "ods"),
        ] {
            assert_eq!(file_type(&zip(name)).unwrap(), expected);
        }
        let refused = file_type(&zip("word/document.xml")).unwrap_err();
        assert_eq!((refused.code(), refused.http_status().as_u16()), ("unsupported_file_type", 415));
    }

    #[test]
    fn what_is_no_book_is_refused() {
        assert_eq!(file_type(b"").unwrap_err().code(), "empty_file");
        assert_eq!(file_type(b"MZ\x90\0").unwrap_err().code(), "unsupported_file_type");
        assert_eq!(file_type(b"Policy No,Name\r\n").unwrap(), "csv");
    }
}
