//! The workbook part of a BIFF stream: sheets, shared strings, number formats, date system.
//!
//! Fails on passwords, on workbooks older than Excel 5, and on damaged records.

use super::number_format::{is_builtin_date, is_date};
use super::records::{Fields, Records};
use super::texts::{Biff, LengthOf, code_page, shared_strings, text};
use crate::sheets::error::SheetError;
use crate::sheets::limits::Limits;
use crate::sheets::source::SheetInfo;
use domain::upload::DateSystem;
use std::collections::HashMap;
use std::io::{Read, Seek};

/// Records of the workbook part (MS-XLS 2.3).
mod kinds {
    pub(super) const EOF: u16 = 0x000A;
    pub(super) const DATE_1904: u16 = 0x0022;
    pub(super) const FILE_PASS: u16 = 0x002F;
    pub(super) const CODE_PAGE: u16 = 0x0042;
    pub(super) const BOUND_SHEET: u16 = 0x0085;
    pub(super) const XF: u16 = 0x00E0;
    pub(super) const SST: u16 = 0x00FC;
    pub(super) const FORMAT: u16 = 0x041E;
    pub(super) const BOF: u16 = 0x0809;
}

/// What the sheets need to know of their workbook.
pub(super) struct Globals {
    pub(super) biff: Biff,
    pub(super) system: DateSystem,
    pub(super) sheets: Vec<SheetInfo>,
    /// Where each of `sheets` begins in the stream.
    pub(super) starts: Vec<u32>,
    pub(super) strings: Vec<String>,
    /// For each cell format whether it shows a date.
    dates: Vec<bool>,
}

impl Globals {
    /// Reads up to the end of the workbook part.
    pub(super) fn read<R: Read + Seek>(records: &mut Records<R>, limits: &Limits) -> Result<Self, SheetError> {
        let mut globals = Self {
            biff: Biff::Eight,
            system: DateSystem::From1900,
            sheets: Vec::new(),
            starts: Vec::new(),
            strings: Vec::new(),
            dates: Vec::new(),
        };
        let mut formats = HashMap::new();
        let mut started = false;
        while records.next()? {
            let mut fields = Fields::new(records.body());
            match records.kind() {
                kinds::BOF if !started => {
                    started = true;
                    globals.biff = biff(fields.u16()?)?;
                }
                _ if !started => return Err(SheetError::Damaged("it does not begin as a workbook".to_owned())),
                kinds::FILE_PASS => return Err(SheetError::Password),
                kinds::CODE_PAGE => {
                    if let Biff::Five(encoding) = &mut globals.biff {
                        *encoding = code_page(fields.u16()?);
                    }
                }
                kinds::DATE_1904 if fields.u16()? == 1 => globals.system = DateSystem::From1904,
                kinds::FORMAT => {
                    let id = fields.u16()?;
                    let length = if globals.biff == Biff::Eight { LengthOf::TwoBytes } else { LengthOf::OneByte };
                    formats.insert(id, is_date(&text(&mut fields, globals.biff, length)?));
                }
                kinds::XF => {
                    fields.take(2)?;
                    let format = fields.u16()?;
                    globals.dates.push(formats.get(&format).copied().unwrap_or_else(|| is_builtin_date(format)));
                }
                kinds::BOUND_SHEET => globals.bound_sheet(&mut fields, limits)?,
                kinds::SST => globals.strings = shared_strings(records, limits)?,
                kinds::EOF => return Ok(globals),
                _ => {}
            }
        }
        Err(SheetError::Damaged("its workbook part has no end".to_owned()))
    }

    /// Worksheets alone; charts, macro sheets and modules are passed over (MS-XLS 2.4.28).
    fn bound_sheet(&mut self, fields: &mut Fields<'_>, limits: &Limits) -> Result<(), SheetError> {
        let start = fields.u32()?;
        let visible = fields.u8()? & 3 == 0;
        match fields.u8()? {
            0 => {}
            1 => return Err(SheetError::Macros),
            _ => return Ok(()),
        }
        let name = text(fields, self.biff, LengthOf::OneByte)?;
        self.sheets.push(SheetInfo { name, visible });
        self.starts.push(start);
        if self.sheets.len() > limits.sheets {
            return Err(SheetError::TooManySheets(limits.sheets));
        }
        Ok(())
    }

    /// Whether cells of this format show dates.
    pub(super) fn is_date(&self, format: u16) -> bool {
        self.dates.get(usize::from(format)).copied().unwrap_or(false)
    }
}

fn biff(version: u16) -> Result<Biff, SheetError> {
    match version {
        0x0600 => Ok(Biff::Eight),
        0x0500 => Ok(Biff::Five(encoding_rs::WINDOWS_1252)),
        _ => Err(SheetError::NotAWorkbook("a workbook of a version before Excel 5")),
    }
}
