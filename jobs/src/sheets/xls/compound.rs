//! The container of .xls files (MS-CFB): a small file system of sectors chained by an allocation table.
//!
//! Reads only what is needed, and trusts no length or chain: the table has at most one entry a sector of the file,
//! and a chain at most as many links. Fails on containers that are cut short or contradict themselves.

use crate::sheets::error::SheetError;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Sector numbers from here on have a meaning of their own (MS-CFB 2.1).
const FIRST_SPECIAL: u32 = 0xFFFF_FFFA;
const NO_ENTRY: u32 = 0xFFFF_FFFF;
const DIRECTORY_ENTRY: usize = 128;
/// The directory of a workbook has some dozen entries; this many are read.
const MOST_ENTRIES: usize = 16 * 1024;
/// Streams shorter than this lie in the mini stream (MS-CFB 2.2).
const MINI_CUTOFF: u64 = 4096;
const MINI_SECTOR: u64 = 64;

/// An open container.
pub(super) struct Compound {
    file: File,
    sector_size: u64,
    table: Vec<u32>,
    entries: Vec<Entry>,
    mini_start: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    is_stream: bool,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    size: u64,
}

fn damaged(what: &str) -> SheetError {
    SheetError::Damaged(what.to_owned())
}

fn read_error(error: io::Error) -> SheetError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        damaged("it ends too early")
    } else {
        SheetError::from_read(error)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

impl Compound {
    /// Reads header, allocation table and directory.
    pub(super) fn open(mut file: File) -> Result<Self, SheetError> {
        let length = file.seek(SeekFrom::End(0)).map_err(SheetError::Io)?;
        file.rewind().map_err(SheetError::Io)?;
        let mut header = [0; 512];
        file.read_exact(&mut header).map_err(read_error)?;
        let sector_size = match u16_at(&header, 30) {
            9 => 512,
            12 => 4096,
            _ => return Err(damaged("its sector size is unknown")),
        };
        let sectors = usize::try_from((length / sector_size).saturating_sub(1)).unwrap_or(usize::MAX);
        let mut compound =
            Self { file, sector_size, table: Vec::new(), entries: Vec::new(), mini_start: u32_at(&header, 60) };
        compound.read_table(&header, sectors)?;
        compound.read_directory(u32_at(&header, 48))?;
        Ok(compound)
    }

    /// Follows the list of table sectors: 109 in the header, the rest in sectors of their own.
    fn read_table(&mut self, header: &[u8], sectors: usize) -> Result<(), SheetError> {
        let mut list: Vec<u32> = (0..109).map(|place| u32_at(header, 76 + 4 * place)).collect();
        let mut next = u32_at(header, 68);
        let mut lists = 0;
        loop {
            for sector in list.into_iter().filter(|sector| *sector < FIRST_SPECIAL) {
                if self.table.len() >= sectors {
                    return Ok(());
                }
                let bytes = self.sector(sector)?;
                self.table.extend(bytes.chunks_exact(4).map(|entry| u32_at(entry, 0)));
            }
            if next >= FIRST_SPECIAL {
                return Ok(());
            }
            lists += 1;
            if lists > sectors {
                return Err(damaged("its allocation list runs in a circle"));
            }
            let bytes = self.sector(next)?;
            let (entries, last) = bytes.split_at(bytes.len() - 4);
            list = entries.chunks_exact(4).map(|entry| u32_at(entry, 0)).collect();
            next = u32_at(last, 0);
        }
    }

    fn read_directory(&mut self, start: u32) -> Result<(), SheetError> {
        for sector in self.chain(start)? {
            let bytes = self.sector(sector)?;
            self.entries.extend(bytes.chunks_exact(DIRECTORY_ENTRY).map(|entry| entry_of(entry, self.sector_size)));
            if self.entries.len() > MOST_ENTRIES {
                return Err(damaged("its directory is too long"));
            }
        }
        if self.entries.is_empty() { Err(damaged("it has no directory")) } else { Ok(()) }
    }

    fn sector(&mut self, sector: u32) -> Result<Vec<u8>, SheetError> {
        let mut bytes = vec![0; usize::try_from(self.sector_size).unwrap_or(512)];
        self.file.seek(SeekFrom::Start((u64::from(sector) + 1) * self.sector_size)).map_err(SheetError::Io)?;
        self.file.read_exact(&mut bytes).map_err(read_error)?;
        Ok(bytes)
    }

    fn chain(&self, start: u32) -> Result<Vec<u32>, SheetError> {
        chain(&self.table, start)
    }

    /// The names of what lies at the top of the container.
    pub(super) fn names(&self) -> Vec<&str> {
        self.top().into_iter().map(|entry| entry.name.as_str()).collect()
    }

    /// The children of the root: a tree of siblings, walked with a bound since it may run in circles.
    fn top(&self) -> Vec<&Entry> {
        let entry = |place: u32| usize::try_from(place).ok().and_then(|place| self.entries.get(place));
        let mut found = Vec::new();
        let mut open = vec![self.entries.first().map_or(NO_ENTRY, |root| root.child)];
        while let Some(place) = open.pop() {
            if let Some(entry) = entry(place).filter(|_| found.len() < self.entries.len()) {
                found.push(entry);
                open.extend([entry.left, entry.right]);
            }
        }
        found
    }

    /// Opens a stream at the top by name, in any case.
    pub(super) fn stream(&mut self, name: &str) -> Result<Option<CompoundStream>, SheetError> {
        let wanted = |entry: &&Entry| entry.is_stream && entry.name.eq_ignore_ascii_case(name);
        let Some((start, size)) = self.top().into_iter().find(wanted).map(|entry| (entry.start, entry.size)) else {
            return Ok(None);
        };
        if size < MINI_CUTOFF {
            let bytes = self.mini_stream(start, size)?;
            return Ok(Some(CompoundStream { body: Body::Mini(bytes), length: size, at: 0 }));
        }
        let chain = self.chain(start)?;
        let length = size.min(chain.len() as u64 * self.sector_size);
        let file = self.file.try_clone().map_err(SheetError::Io)?;
        let body = Body::Sectors { file, chain, sector_size: self.sector_size };
        Ok(Some(CompoundStream { body, length, at: 0 }))
    }

    /// Short streams are made of 64-byte pieces of the root's own stream.
    fn mini_stream(&mut self, start: u32, size: u64) -> Result<Vec<u8>, SheetError> {
        let mut mini_table = Vec::new();
        for sector in self.chain(self.mini_start)? {
            let bytes = self.sector(sector)?;
            mini_table.extend(bytes.chunks_exact(4).map(|entry| u32_at(entry, 0)));
        }
        let root_start = self.entries.first().map_or(NO_ENTRY, |root| root.start);
        let host = self.chain(root_start)?;
        let mut bytes = Vec::new();
        for piece in chain(&mini_table, start)? {
            if bytes.len() as u64 >= size {
                break;
            }
            let at = u64::from(piece) * MINI_SECTOR;
            let sector = usize::try_from(at / self.sector_size).ok().and_then(|place| host.get(place));
            let sector = self.sector(*sector.ok_or_else(|| damaged("a short stream lies outside"))?)?;
            let from = usize::try_from(at % self.sector_size).unwrap_or(0);
            bytes.extend_from_slice(sector.get(from..from + 64).unwrap_or_default());
        }
        bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(bytes)
    }
}

fn entry_of(bytes: &[u8], sector_size: u64) -> Entry {
    let length = usize::from(u16_at(bytes, 64)).saturating_sub(2).min(62);
    let units: Vec<u16> = bytes[..length].chunks_exact(2).map(|unit| u16_at(unit, 0)).collect();
    let high = if sector_size == 512 { 0 } else { u64::from(u32_at(bytes, 124)) << 32 };
    Entry {
        name: String::from_utf16_lossy(&units),
        is_stream: bytes[66] == 2,
        left: u32_at(bytes, 68),
        right: u32_at(bytes, 72),
        child: u32_at(bytes, 76),
        start: u32_at(bytes, 116),
        size: u64::from(u32_at(bytes, 120)) | high,
    }
}

fn chain(table: &[u32], start: u32) -> Result<Vec<u32>, SheetError> {
    let mut chain = Vec::new();
    let mut sector = start;
    while sector < FIRST_SPECIAL {
        if chain.len() >= table.len() {
            return Err(damaged("a chain of sectors runs in a circle"));
        }
        chain.push(sector);
        let next = usize::try_from(sector).ok().and_then(|place| table.get(place));
        sector = *next.ok_or_else(|| damaged("a chain of sectors leads outside"))?;
    }
    Ok(chain)
}

enum Body {
    Sectors { file: File, chain: Vec<u32>, sector_size: u64 },
    Mini(Vec<u8>),
}

/// One stream of the container.
pub(super) struct CompoundStream {
    body: Body,
    length: u64,
    at: u64,
}

impl Read for CompoundStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let read = match &mut self.body {
            Body::Mini(bytes) => {
                let at = usize::try_from(self.at).unwrap_or(usize::MAX);
                let piece = bytes.get(at..at.saturating_add(wanted)).unwrap_or_default();
                buffer[..piece.len()].copy_from_slice(piece);
                piece.len()
            }
            Body::Sectors { file, chain, sector_size } => {
                let place = usize::try_from(self.at / *sector_size).unwrap_or(usize::MAX);
                let Some(&sector) = chain.get(place) else { return Ok(0) };
                let inside = self.at % *sector_size;
                // neighbours on disk are read in one go
                let run =
                    (1u32..).zip(&chain[place + 1..]).take_while(|(step, next)| **next == sector.wrapping_add(*step));
                let in_run = (run.count() as u64 + 1) * *sector_size - inside;
                let wanted = wanted.min(usize::try_from(in_run).unwrap_or(usize::MAX));
                file.seek(SeekFrom::Start((u64::from(sector) + 1) * *sector_size + inside))?;
                file.read(&mut buffer[..wanted])?
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for CompoundStream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
