//! Reads a file's rows on a thread that may block, a few chunks ahead of whoever writes them and no more.

use super::chunks::Chunks;
use super::error::UploadError;
use crate::sheets::{Book, SheetError, Table};
use domain::upload::RowRules;
use schema::uploads::import::Chunk;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

/// Chunks that wait to be written; besides, one is being read and one written.
const AHEAD: usize = 1;

/// A file being read; the thread ends when this is dropped.
pub(super) struct Reader {
    chunks: Receiver<Chunk>,
    thread: JoinHandle<Result<(), SheetError>>,
}

impl Reader {
    /// Reads what follows the checkpoint.
    pub(super) fn start(book: Book, table: Arc<Table>, rules: RowRules, checkpoint: i32) -> Self {
        let (sender, chunks) = mpsc::channel(AHEAD);
        let thread = tokio::task::spawn_blocking(move || read(book, &table, &rules, checkpoint, &sender));
        Self { chunks, thread }
    }

    /// The next chunk; `None` when there are no more, and then [`Reader::end`] tells why.
    pub(super) async fn next(&mut self) -> Option<Chunk> {
        self.chunks.recv().await
    }

    /// Whether the end of the file was reached.
    pub(super) async fn end(self) -> Result<(), UploadError> {
        Ok(self.thread.await??)
    }
}

fn read(
    mut book: Book,
    table: &Table,
    rules: &RowRules,
    checkpoint: i32,
    sender: &Sender<Chunk>,
) -> Result<(), SheetError> {
    let after = u32::try_from(checkpoint).unwrap_or(0).max(table.header_row);
    let mut chunks = Chunks::after(checkpoint, &table.layout, rules);
    book.for_each_row(&table.sheet, after, |row, cells| {
        let Some(chunk) = chunks.take(row, cells) else { return ControlFlow::Continue(()) };
        // an error means that nobody listens any more: this attempt is over
        if sender.blocking_send(chunk).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if let Some(rest) = chunks.rest() {
        // as above
        let _unheard = sender.blocking_send(rest);
    }
    Ok(())
}
