//! Looks over a zip before any parser does: what workbook it is, and that nothing in it is larger or stranger than a
//! workbook's parts are.
//!
//! Every member is inflated once into a counting sink; the sizes the zip declares are not believed. Memory is one
//! buffer and one guard. Fails on bombs, macros, passwords, document types, and on zips that are no workbook.

use super::error::{SheetError, one_line};
use super::limits::Limits;
use super::record_guard::RecordGuard;
use super::xml_guard::XmlGuard;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;
use zip::ZipArchive;
use zip::result::ZipError;

/// Which workbook the zip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PackageKind {
    Xlsx,
    Xlsb,
    Ods,
}

/// What was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Package {
    pub(super) kind: PackageKind,
    /// Rows of the sheet that has the most.
    pub(super) most_rows: u64,
}

/// As many bytes the list of members may take: it is read into memory.
const DIRECTORY_BYTES: u64 = 16 * 1024 * 1024;

type Zip = ZipArchive<Metered>;

/// A file of which only so many bytes may be read.
struct Metered {
    file: BufReader<File>,
    left: Rc<Cell<u64>>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        match self.left.get().checked_sub(length as u64) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::other("its list of parts is too long")),
        }
        Ok(length)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Inflates and judges every member.
pub(super) fn inspect(file: File, limits: &Limits) -> Result<Package, SheetError> {
    let length = file.metadata().map_err(SheetError::Io)?.len();
    let left = Rc::new(Cell::new(DIRECTORY_BYTES));
    let mut zip = ZipArchive::new(Metered { file: BufReader::new(file), left: Rc::clone(&left) }).map_err(zip_error)?;
    left.set(u64::MAX);
    if zip.len() > limits.members {
        return Err(SheetError::TooManyMembers(limits.members));
    }
    let names = member_names(&mut zip)?;
    refuse_macros(&names)?;
    let kind = package_kind(&mut zip, &names)?;
    let mut total = Total { bytes: 0, compressed: 0, file: length };
    let mut most_rows = 0;
    for (index, name) in names.iter().enumerate() {
        most_rows = most_rows.max(inspect_member(&mut zip, index, name, kind, limits, &mut total)?);
    }
    Ok(Package { kind, most_rows })
}

struct Total {
    bytes: u64,
    compressed: u64,
    file: u64,
}

fn member_names(zip: &mut Zip) -> Result<Vec<String>, SheetError> {
    (0..zip.len())
        .map(|index| {
            let member = zip.by_index_raw(index).map_err(zip_error)?;
            if member.encrypted() {
                return Err(SheetError::Password);
            }
            let name = member.name().map_err(zip_error)?;
            Ok(name.replace('\\', "/").to_ascii_lowercase())
        })
        .collect()
}

fn refuse_macros(names: &[String]) -> Result<(), SheetError> {
    let is_macro = |name: &String| {
        name.rsplit('/').next() == Some("vbaproject.bin")
            || name.contains("/macrosheets/")
            || name.starts_with("basic/")
    };
    if names.iter().any(is_macro) { Err(SheetError::Macros) } else { Ok(()) }
}

fn package_kind(zip: &mut Zip, names: &[String]) -> Result<PackageKind, SheetError> {
    let place = |wanted: &str| names.iter().position(|name| name == wanted);
    if let Some(index) = place("[content_types].xml") {
        let types = leading_text(zip, index)?;
        return if types.contains("sheet.macroenabled.main+xml") || types.contains("template.macroenabled") {
            Err(SheetError::Macros)
        } else if types.contains("ms-excel.sheet.binary") {
            Ok(PackageKind::Xlsb)
        } else if types.contains("spreadsheetml.sheet.main") || types.contains("spreadsheetml.template.main") {
            Ok(PackageKind::Xlsx)
        } else if types.contains("wordprocessingml") {
            Err(SheetError::NotAWorkbook("a Word document"))
        } else if types.contains("presentationml") {
            Err(SheetError::NotAWorkbook("a PowerPoint presentation"))
        } else {
            Err(SheetError::NotAWorkbook("an Office package of another kind"))
        };
    }
    if let Some(index) = place("mimetype") {
        let kind = leading_text(zip, index)?;
        return match kind.trim() {
            "application/vnd.oasis.opendocument.spreadsheet"
            | "application/vnd.oasis.opendocument.spreadsheet-template" => {
                let manifest = place("meta-inf/manifest.xml").map(|index| leading_text(zip, index)).transpose()?;
                let encrypted = manifest.is_some_and(|manifest| manifest.contains("encryption-data"));
                if encrypted { Err(SheetError::Password) } else { Ok(PackageKind::Ods) }
            }
            _ => Err(SheetError::NotAWorkbook("an OpenDocument or e-book file of another kind")),
        };
    }
    if names.iter().any(|name| name.starts_with("index/") && name.ends_with(".iwa")) || place("index.zip").is_some() {
        return Err(SheetError::NotAWorkbook("an Apple Numbers or iWork document"));
    }
    Err(SheetError::NotAWorkbook("a zip archive"))
}

/// The first bytes of a member in lower case: enough for the list of content types.
fn leading_text(zip: &mut Zip, index: usize) -> Result<String, SheetError> {
    const ENOUGH: u64 = 256 * 1024;
    let mut bytes = Vec::new();
    zip.by_index(index).map_err(zip_error)?.take(ENOUGH).read_to_end(&mut bytes).map_err(SheetError::from_read)?;
    Ok(String::from_utf8_lossy(&bytes).to_ascii_lowercase())
}

/// What is watched while a member is inflated.
enum Guard<'l> {
    Xml(XmlGuard<'l>),
    Records(RecordGuard<'l>),
    None,
}

impl Guard<'_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), SheetError> {
        match self {
            Self::Xml(guard) => guard.push(bytes),
            Self::Records(guard) => guard.push(bytes),
            Self::None => Ok(()),
        }
    }

    fn rows(&self) -> u64 {
        match self {
            Self::Xml(guard) => guard.counts().rows,
            Self::Records(guard) => guard.rows(),
            Self::None => 0,
        }
    }
}

/// Inflates one member; answers how many rows it has.
fn inspect_member(
    zip: &mut Zip,
    index: usize,
    name: &str,
    kind: PackageKind,
    limits: &Limits,
    total: &mut Total,
) -> Result<u64, SheetError> {
    const BUFFER: usize = 64 * 1024;
    let mut member = zip.by_index(index).map_err(zip_error)?;
    let compressed = member.compressed_size();
    // members that lie over each other inflate the same bytes again and again
    total.compressed = total.compressed.saturating_add(compressed);
    if total.compressed > total.file {
        return Err(SheetError::Bomb(limits.ratio));
    }
    let (what, limit) = size_limit(name, limits);
    let mut guard: Option<Guard<'_>> = None;
    let mut buffer = vec![0; BUFFER];
    let mut inflated = 0u64;
    loop {
        let length = match member.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(SheetError::from_read(error)),
        };
        let bytes = &buffer[..length];
        inflated += length as u64;
        total.bytes += length as u64;
        if inflated > limits.ratio_floor && inflated / limits.ratio > compressed {
            return Err(SheetError::Bomb(limits.ratio));
        }
        over(what, inflated, limit)?;
        over("the workbook", total.bytes, limits.total_bytes)?;
        guard.get_or_insert_with(|| guard_for(name, kind, bytes, limits)).push(bytes)?;
    }
    Ok(guard.map_or(0, |guard| if is_sheet(name) { guard.rows() } else { 0 }))
}

fn over(what: &'static str, bytes: u64, limit: u64) -> Result<(), SheetError> {
    if bytes > limit { Err(SheetError::TooLarge { what, limit: limit.div_ceil(1024 * 1024) }) } else { Ok(()) }
}

fn is_sheet(name: &str) -> bool {
    name.contains("worksheets/") || name == "content.xml"
}

fn size_limit(name: &str, limits: &Limits) -> (&'static str, u64) {
    if is_sheet(name) {
        ("a sheet", limits.sheet_bytes)
    } else if name.contains("sharedstrings.") {
        ("the table of texts", limits.strings_bytes)
    } else {
        ("a part of the workbook", limits.member_bytes)
    }
}

/// Pictures and other parts that no parser of ours reads are only counted; everything else is watched.
fn guard_for<'l>(name: &str, kind: PackageKind, start: &[u8], limits: &'l Limits) -> Guard<'l> {
    let is_record_part = kind == PackageKind::Xlsb
        && name.ends_with(".bin")
        && (is_sheet(name)
            || ["workbook.bin", "styles.bin", "sharedstrings.bin"].iter().any(|part| name.ends_with(part)));
    let is_opaque = ["/media/", "/printersettings/", "/embeddings/", "pictures/", "thumbnails/"]
        .iter()
        .any(|folder| name.contains(folder))
        || matches!(start, [0x89, b'P', b'N', b'G', ..] | [0xFF, 0xD8, 0xFF, ..] | [b'G', b'I', b'F', b'8', ..]);
    if is_record_part {
        Guard::Records(RecordGuard::new(limits))
    } else if name.ends_with(".bin") || (is_opaque && !is_sheet(name)) {
        Guard::None
    } else {
        Guard::Xml(XmlGuard::new(limits))
    }
}

fn zip_error(error: ZipError) -> SheetError {
    match error {
        ZipError::Io(error) => SheetError::from_read(error),
        ZipError::UnsupportedArchive(text) if text == ZipError::PASSWORD_REQUIRED => SheetError::Password,
        other => SheetError::Damaged(one_line(&other.to_string())),
    }
}
