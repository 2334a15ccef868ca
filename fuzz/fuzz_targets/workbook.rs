//! Any bytes as the parts of a workbook (.xlsx, .ods, .xlsb, .xls), or as the whole file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: fuzz::keep_quiet_about_caught_panics(), |bytes: &[u8]| fuzz::checks::workbook(bytes));
