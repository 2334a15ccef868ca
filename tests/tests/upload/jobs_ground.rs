//! What the tests of upload jobs stand on: workers of the real engine, files in storage, and books to upload.

use bytes::Bytes;
use chrono::{Days, NaiveDate};
use domain::ids::UploadId;
use domain::local_day::local_day;
use domain::permissions::Reach;
use jobs::kinds::{parse_upload::ParseUpload, registry};
use jobs::queue::admin;
use jobs::queue::ledger;
use jobs::services::SharedServices;
use jobs::{Job, NewJob};
use schema::AsyncConnection;
use schema::DbError;
use schema::ledger::list::JobRow;
use schema::uploads::file::{self, NewUpload, Upload};
use serde_json::Value;
use std::time::Duration;
use tests::base::Base;
use tests::crew::{Feeder, Workers};
use tests::diesel_schema::connect;
use tests::wait::until;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;
use workers::WorkerConfig;

/// How long anything may take.
pub const SOON: Duration = Duration::from_secs(60);

/// Servers, services and workers of one test.
pub struct Ground {
    pub services: SharedServices,
    /// A connection of the test's own.
    pub sql: Client,
    workers: Option<Workers>,
    _feeder: Feeder,
    _storage: tempfile::TempDir,
    base: Base,
}

/// How a file is handed in.
#[derive(Default)]
pub struct Ask {
    pub dry_run: bool,
    pub options: Option<Value>,
}

impl Ground {
    /// With workers.
    pub async fn new() -> Self {
        let mut ground = Self::without_workers().await;
        ground.start_workers();
        ground
    }

    pub async fn without_workers() -> Self {
        let (base, storage) = (Base::new().await, tempfile::tempdir().unwrap());
        let services = base.services(storage.path(), &[]);
        let (sql, feeder) = (connect(base.database.url()).await, Feeder::start(&services));
        Self { services, sql, workers: None, _feeder: feeder, _storage: storage, base }
    }

    pub fn start_workers(&mut self) {
        self.start_workers_with(WorkerConfig::all_queues());
    }

    pub fn start_workers_with(&mut self, config: WorkerConfig) {
        self.workers = Some(Workers::start(&self.services, registry::all(), config));
    }

    pub async fn stop_workers(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }

    /// Another connection, to hold a lock on.
    pub async fn another_connection(&self) -> Client {
        connect(self.base.database.url()).await
    }

    /// The day of an upload made now.
    pub fn today(&self) -> NaiveDate {
        local_day(self.services.clock.now(), None)
    }

    /// So many days from today.
    pub fn in_days(&self, days: u64) -> NaiveDate {
        self.today() + Days::new(days)
    }

    /// Puts a file into storage.
    pub async fn store(&self, key: &str, bytes: &[u8]) {
        let content = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::copy_from_slice(bytes))]);
        self.services.storage.put_stream(key, content, u64::MAX).await.unwrap();
    }

    /// A file out of storage.
    pub async fn fetch(&self, key: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        self.services.storage.download_to(key, &path).await.unwrap();
        std::fs::read(path).unwrap()
    }

    /// Hands a file in.
    pub async fn submit(&self, name: &str, bytes: &[u8], ask: Ask) -> UploadId {
        let key = format!("uploads/{}", Uuid::now_v7());
        self.store(&key, bytes).await;
        let now = self.services.clock.now();
        let mut connection = self.services.db.get().await.unwrap();
        let (upload, jobs) = connection
            .transaction::<_, DbError, _>(async |connection| {
                let job = Uuid::now_v7();
                let upload = NewUpload {
                    filename: name,
                    original_filename: name,
                    file_size: i64::try_from(bytes.len()).unwrap(),
                    file_type: "book",
                    sha256: None,
                    description: None,
                    upload_status: "processing",
                    dry_run: ask.dry_run,
                    options: ask.options.as_ref(),
                    uploaded_by: None,
                    branch_id: None,
                    scope: "all",
                    upload_path: Some(&key),
                    job_id: Some(job),
                };
                let upload = file::insert(connection, &upload).await?;
                let job = NewJob { id: job, ..NewJob::of(&ParseUpload { upload: upload.0 }).unwrap() };
                Ok((upload, ledger::enqueue(connection, now, &[job]).await?))
            })
            .await
            .unwrap();
        self.services.dispatcher.push(&jobs).await;
        upload
    }

    /// Runs a job to its end and answers with its row.
    pub async fn run(&self, job: &impl Job) -> JobRow {
        let job = NewJob::of(job).unwrap();
        self.services.enqueue_now(std::slice::from_ref(&job)).await.unwrap();
        self.settle().await;
        self.job(job.id).await
    }

    /// Hands a file in and waits for everything that follows from it.
    pub async fn process(&self, name: &str, bytes: &[u8], ask: Ask) -> Upload {
        let upload = self.submit(name, bytes, ask).await;
        self.settle().await;
        self.upload(upload).await
    }

    /// Waits until no job is left.
    pub async fn settle(&self) {
        const LEFT: &str = "SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded', 'discarded', 'cancelled')";
        until("no job is left", SOON, || async { self.count(LEFT, &[]).await == 0 }).await;
    }

    pub async fn upload(&self, id: UploadId) -> Upload {
        file::find(&mut self.services.db.get().await.unwrap(), Reach::All, id).await.unwrap().unwrap()
    }

    pub async fn job(&self, id: Uuid) -> JobRow {
        admin::get(&self.services, id).await.unwrap().unwrap()
    }

    /// A number.
    pub async fn count(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> i64 {
        self.sql.query_one(query, values).await.unwrap().get(0)
    }

    /// Customers, policies and cases.
    pub async fn book(&self) -> (i64, i64, i64) {
        let row = "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM policies), \
            (SELECT count(*) FROM renewal_cases)";
        let row = self.sql.query_one(row, &[]).await.unwrap();
        (row.get(0), row.get(1), row.get(2))
    }

    /// Rows as JSON, so that they can be compared.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let query = format!("SELECT to_jsonb(found)::text FROM ({query}) found");
        let rows = self.sql.query(&query, &[]).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    /// An upload's faults: row, column, value, code.
    pub async fn faults(&self, upload: UploadId) -> Vec<(i32, String, String, String)> {
        let query = "SELECT row_number, coalesce(column_name, ''), coalesce(value, ''), code FROM upload_row_errors \
            WHERE upload_id = $1 ORDER BY row_number, id";
        let rows = self.sql.query(query, &[&upload.0]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    }
}

pub const HEADERS: [&str; 7] =
    ["Policy No.", "Insured Name", "Mobile No", "Product", "Premium (₹)", "Start Date", "Expiry Date"];

/// A row of a book under [`HEADERS`].
#[derive(Clone)]
pub struct Line {
    pub number: String,
    pub name: String,
    pub phone: String,
    pub product: String,
    pub premium: String,
    pub start: NaiveDate,
    pub end: NaiveDate,
}

impl Line {
    /// A good one, of a customer of its own; the term ends that day.
    pub fn new(number: u32, end: NaiveDate) -> Self {
        Self {
            number: format!("POL-{number:06}"),
            name: format!("Asha Rao {number}"),
            phone: format!("98{number:08}"),
            product: "Motor".to_owned(),
            premium: "12500".to_owned(),
            start: end - Days::new(364),
            end,
        }
    }

    pub fn premium(self, premium: &str) -> Self {
        Self { premium: premium.to_owned(), ..self }
    }

    /// The term after.
    pub fn renewed(self) -> Self {
        Self { start: self.end + Days::new(1), end: self.end + Days::new(365), ..self }
    }

    fn cells(&self) -> [String; 7] {
        let day = |date: NaiveDate| date.format("%d/%m/%Y").to_string();
        let text = [&self.number, &self.name, &self.phone, &self.product, &self.premium].map(String::clone);
        let [number, name, phone, product, premium] = text;
        [number, name, phone, product, premium, day(self.start), day(self.end)]
    }
}

/// A CSV file.
pub fn csv(lines: &[Line]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADERS).unwrap();
    for line in lines {
        writer.write_record(line.cells()).unwrap();
    }
    writer.into_inner().unwrap()
}

/// A workbook with real dates and amounts.
pub fn xlsx(lines: &[Line]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let date = rust_xlsxwriter::Format::new().set_num_format("dd-mmm-yyyy");
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, HEADERS).unwrap();
    for (at, line) in (1u32..).zip(lines) {
        sheet.write_row(at, 0, [&line.number, &line.name, &line.phone, &line.product]).unwrap();
        match line.premium.parse::<f64>() {
            Ok(premium) => sheet.write(at, 4, premium).unwrap(),
            Err(_) => sheet.write(at, 4, &line.premium).unwrap(),
        };
        sheet.write_datetime_with_format(at, 5, line.start, &date).unwrap();
        sheet.write_datetime_with_format(at, 6, line.end, &date).unwrap();
    }
    workbook.save_to_buffer().unwrap()
}
