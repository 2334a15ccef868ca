//! A writer of compound files with a few streams at the top, for tests.

const SECTOR: usize = 512;
const END: u32 = 0xFFFF_FFFE;
const FREE: u32 = 0xFFFF_FFFF;
const TABLE: u32 = 0xFFFF_FFFD;

/// A compound file of these streams; short ones are padded so that none needs the mini stream.
pub(super) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut sectors: Vec<[u8; SECTOR]> = Vec::new();
    let mut table: Vec<u32> = Vec::new();
    let mut add = |bytes: &[u8]| {
        let start = u32::try_from(sectors.len()).unwrap();
        for chunk in bytes.chunks(SECTOR) {
            let mut sector = [0; SECTOR];
            sector[..chunk.len()].copy_from_slice(chunk);
            sectors.push(sector);
            table.push(u32::try_from(sectors.len()).unwrap());
        }
        *table.last_mut().unwrap() = END;
        start
    };
    let mut directory = vec![entry("Root Entry", 5, FREE, if streams.is_empty() { FREE } else { 1 }, END, 0)];
    for (place, (name, bytes)) in (1u32..).zip(streams) {
        let mut padded = bytes.to_vec();
        padded.resize(padded.len().max(4096), 0);
        let start = add(&padded);
        let next = if usize::try_from(place).unwrap() == streams.len() { FREE } else { place + 1 };
        directory.push(entry(name, 2, next, FREE, start, padded.len()));
    }
    let directory_start = add(&directory.concat());
    // the table describes its own sectors too
    let per_sector = SECTOR / 4;
    let mut table_sectors = 1;
    while table_sectors * per_sector < table.len() + table_sectors {
        table_sectors += 1;
    }
    let first_table = u32::try_from(sectors.len()).unwrap();
    table.extend(std::iter::repeat_n(TABLE, table_sectors));
    table.resize(table_sectors * per_sector, FREE);
    assert!(table_sectors <= 109);

    let mut file = vec![0; SECTOR];
    file[..8].copy_from_slice(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]);
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(24, &0x3Eu16.to_le_bytes());
    put(26, &3u16.to_le_bytes());
    put(28, &0xFFFEu16.to_le_bytes());
    put(30, &9u16.to_le_bytes());
    put(32, &6u16.to_le_bytes());
    put(44, &u32::try_from(table_sectors).unwrap().to_le_bytes());
    put(48, &directory_start.to_le_bytes());
    put(56, &4096u32.to_le_bytes());
    put(60, &END.to_le_bytes());
    put(68, &END.to_le_bytes());
    for place in 0..109 {
        let sector = if place < table_sectors { first_table + u32::try_from(place).unwrap() } else { FREE };
        put(76 + 4 * place, &sector.to_le_bytes());
    }
    file.extend(sectors.concat());
    file.extend(table.iter().flat_map(|entry| entry.to_le_bytes()));
    file
}

fn entry(name: &str, kind: u8, right: u32, child: u32, start: u32, size: usize) -> Vec<u8> {
    let mut entry = vec![0; 128];
    let units: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    entry[..units.len()].copy_from_slice(&units);
    entry[64..66].copy_from_slice(&u16::try_from(units.len()).unwrap().to_le_bytes());
    entry[66] = kind;
    entry[68..72].copy_from_slice(&FREE.to_le_bytes());
    entry[72..76].copy_from_slice(&right.to_le_bytes());
    entry[76..80].copy_from_slice(&child.to_le_bytes());
    entry[116..120].copy_from_slice(&start.to_le_bytes());
    entry[120..124].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
    entry
}
