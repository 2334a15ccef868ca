//! The readers on files of every format, well-formed and hostile; all files are made here.

mod compound_writer;
mod csv_files;
mod formats;
mod hostile;
mod support;
mod written;
mod xls_writer;
mod xlsb_writer;
