//! The event stream of `content.xml`: its tables, and the rows and cells of one of them.
//!
//! Fails on XML that cannot be read. Texts are bounded while they are put together.

use super::cell::{CellAttributes, OdsCell};
use super::{check_text, damaged};
use crate::sheets::error::SheetError;
use crate::sheets::limits::Limits;
use crate::sheets::source::SheetInfo;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use zip::ZipArchive;
use zip::read::ZipFile;

type Input<'z> = BufReader<ZipFile<'z, BufReader<File>>>;

/// `content.xml`, being read.
pub(super) struct Content<'z> {
    xml: Reader<Input<'z>>,
    buffer: Vec<u8>,
}

/// What comes next inside a table.
pub(super) enum Step {
    Row { repeated: u32 },
    Cell { cell: OdsCell, repeated: u32 },
    RowEnd,
    TableEnd,
    Skipped,
}

/// Tables that are no sheets stand inside these.
const FOREIGN: [&str; 3] = ["dde-links", "tracked-changes", "shapes"];

impl<'z> Content<'z> {
    pub(super) fn open(zip: &'z mut ZipArchive<BufReader<File>>) -> Result<Self, SheetError> {
        let member = zip.by_name("content.xml").map_err(|error| damaged(&error))?;
        let mut xml = Reader::from_reader(BufReader::new(member));
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        Ok(Self { xml, buffer: Vec::new() })
    }

    /// Moves to the start of the table at this place among the sheets.
    pub(super) fn seek_table(&mut self, place: usize) -> Result<(), SheetError> {
        let mut before = 0;
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(|error| damaged(&error))? {
                Event::Start(start) if FOREIGN.contains(&start.local_name().as_ref()) => {
                    let name = start.local_name().as_ref().to_owned();
                    self.skip(&name)?;
                }
                Event::Start(start) if start.local_name().as_ref() == "table" => {
                    if before == place {
                        return Ok(());
                    }
                    before += 1;
                }
                Event::Eof => return Err(SheetError::Damaged("a sheet is not there".to_owned())),
                _ => {}
            }
        }
    }

    /// The next row, cell or end inside the table.
    pub(super) fn step(&mut self, limits: &Limits) -> Result<Step, SheetError> {
        self.buffer.clear();
        match self.xml.read_event_into(&mut self.buffer).map_err(|error| damaged(&error))? {
            Event::Start(start) => match start.local_name().as_ref() {
                "table-row" => Ok(Step::Row { repeated: repeated(&start, "number-rows-repeated")? }),
                "table-cell" | "covered-table-cell" => {
                    let attributes = attributes(&start)?;
                    let repeated = attributes.repeated;
                    let text = self.text(limits)?;
                    Ok(Step::Cell { cell: OdsCell::new(attributes, text), repeated })
                }
                name if FOREIGN.contains(&name) => {
                    let name = name.to_owned();
                    self.skip(&name)?;
                    Ok(Step::Skipped)
                }
                _ => Ok(Step::Skipped),
            },
            Event::End(end) => match end.local_name().as_ref() {
                "table-row" => Ok(Step::RowEnd),
                "table" => Ok(Step::TableEnd),
                _ => Ok(Step::Skipped),
            },
            Event::Eof => Err(SheetError::Damaged("a sheet has no end".to_owned())),
            _ => Ok(Step::Skipped),
        }
    }

    /// The paragraphs of the cell that has just been opened, up to its end.
    fn text(&mut self, limits: &Limits) -> Result<String, SheetError> {
        let mut text = String::new();
        let mut paragraphs = 0;
        let mut in_paragraph = 0usize;
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(|error| damaged(&error))? {
                Event::Start(start) => match start.local_name().as_ref() {
                    "p" | "h" => {
                        if paragraphs > 0 {
                            text.push('\n');
                        }
                        paragraphs += 1;
                        in_paragraph += 1;
                    }
                    "annotation" => self.skip("annotation")?,
                    "s" if in_paragraph > 0 => {
                        let most = u32::try_from(limits.cell_characters).unwrap_or(u32::MAX);
                        text.extend((0..repeated(&start, "c")?.min(most)).map(|_| ' '));
                    }
                    "tab" if in_paragraph > 0 => text.push('\t'),
                    "line-break" if in_paragraph > 0 => text.push('\n'),
                    _ => {}
                },
                Event::End(end) => match end.local_name().as_ref() {
                    "p" | "h" => in_paragraph = in_paragraph.saturating_sub(1),
                    "table-cell" | "covered-table-cell" => return Ok(text),
                    _ => {}
                },
                Event::Text(piece) if in_paragraph > 0 => text.push_str(&piece.xml10_content()),
                Event::CData(piece) if in_paragraph > 0 => text.push_str(&piece.xml10_content()),
                Event::GeneralRef(reference) if in_paragraph > 0 => text.push(character(&reference)?),
                Event::Eof => return Err(SheetError::Damaged("a cell has no end".to_owned())),
                _ => {}
            }
            check_text(&text, limits)?;
        }
    }

    /// Passes over everything up to the end of the element that has just been opened.
    fn skip(&mut self, name: &str) -> Result<(), SheetError> {
        let mut depth = 1usize;
        while depth > 0 {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(|error| damaged(&error))? {
                Event::Start(start) if start.local_name().as_ref() == name => depth += 1,
                Event::End(end) if end.local_name().as_ref() == name => depth -= 1,
                Event::Eof => return Err(SheetError::Damaged(format!("{name} has no end"))),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The names of the tables, and which of them are shown.
pub(super) fn sheets(content: &mut Content<'_>, limits: &Limits) -> Result<Vec<SheetInfo>, SheetError> {
    let mut hidden_styles = HashSet::new();
    let mut style = String::new();
    let mut sheets = Vec::new();
    loop {
        content.buffer.clear();
        match content.xml.read_event_into(&mut content.buffer).map_err(|error| damaged(&error))? {
            Event::Start(start) => match start.local_name().as_ref() {
                "style" => style = attribute(&start, "name")?.unwrap_or_default(),
                "table-properties" if attribute(&start, "display")?.as_deref() == Some("false") => {
                    hidden_styles.insert(style.clone());
                }
                "table" => {
                    let name = attribute(&start, "name")?.unwrap_or_default();
                    let visible = attribute(&start, "style-name")?.is_none_or(|style| !hidden_styles.contains(&style));
                    sheets.push(SheetInfo { name, visible });
                    if sheets.len() > limits.sheets {
                        return Err(SheetError::TooManySheets(limits.sheets));
                    }
                }
                name if FOREIGN.contains(&name) => {
                    let name = name.to_owned();
                    content.skip(&name)?;
                }
                _ => {}
            },
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

fn attributes(start: &BytesStart<'_>) -> Result<CellAttributes, SheetError> {
    let mut found = CellAttributes { repeated: 1, ..CellAttributes::default() };
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| damaged(&error))?;
        let local = attribute.key.local_name();
        let value = || attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).map_err(|error| damaged(&error));
        match local.as_ref() {
            // LibreOffice repeats the type in its own namespace; "error" only stands there
            "value-type" => {
                let kind = value()?;
                if kind == "error" {
                    found.is_error = true;
                } else if found.kind.is_empty() {
                    found.kind = kind.into_owned();
                }
            }
            "value" | "date-value" | "time-value" | "boolean-value" | "string-value" => {
                found.value = Some(value()?.into_owned());
            }
            "formula" => found.is_formula = true,
            "number-columns-repeated" => found.repeated = number(&value()?)?,
            _ => {}
        }
    }
    Ok(found)
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, SheetError> {
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| damaged(&error))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
            return Ok(Some(value.map_err(|error| damaged(&error))?.into_owned()));
        }
    }
    Ok(None)
}

fn repeated(start: &BytesStart<'_>, name: &str) -> Result<u32, SheetError> {
    attribute(start, name)?.map_or(Ok(1), |text| number(&text))
}

/// A count of at least one.
fn number(text: &str) -> Result<u32, SheetError> {
    let count: u32 = text.trim().parse().map_err(|error| damaged(&error))?;
    Ok(count.max(1))
}

/// One of XML's five entities, or a character by its number; there are no others without a document type.
fn character(reference: &BytesRef<'_>) -> Result<char, SheetError> {
    match reference.as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => match reference.resolve_char_ref() {
            Ok(Some(character)) => Ok(character),
            Ok(None) => Err(SheetError::Doctype),
            Err(error) => Err(damaged(&error)),
        },
    }
}
