//! Local times as the database reads them, against the rules and the zones of the product.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::campaigns::plan::local_instant;
use tests::base::Base;

/// Days around which clocks do something, and where.
const DAYS: [(&str, &str); 16] = [
    ("Asia/Kolkata", "2026-03-08"),
    ("Asia/Kolkata", "2026-12-31"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Europe/London", "2026-03-29"),
    ("Europe/London", "2026-10-25"),
    // by half an hour
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    // a day that was left out, and one that came twice
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("Pacific/Kiritimati", "1994-12-31"),
    // at midnight
    ("America/Santiago", "2026-09-06"),
    ("America/Sao_Paulo", "2018-11-04"),
    // by two hours
    ("Antarctica/Troll", "2026-10-25"),
    ("Antarctica/Troll", "2026-03-29"),
    ("UTC", "2028-02-29"),
];

#[tokio::test]
async fn the_database_reads_local_times_as_the_product_does() {
    let base = Base::new().await;
    let (client, connection) = tokio_postgres::connect(base.database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for (name, day) in DAYS {
        let zone: Tz = name.parse().unwrap();
        let midnight = format!("{day}T00:00:00").parse::<NaiveDateTime>().unwrap();
        // every ten minutes of three days
        let times: Vec<_> = (-144..288).map(|step| midnight + TimeDelta::minutes(step * 10)).collect();
        let read = "SELECT local_instant(t, $2) FROM unnest($1::TIMESTAMP[]) WITH ORDINALITY AS u (t, n) ORDER BY n";
        let rows = client.query(read, &[&times, &name]).await.unwrap();
        assert_eq!(rows.len(), times.len());
        for (time, row) in times.iter().zip(&rows) {
            assert_eq!(row.get::<_, DateTime<Utc>>(0), local_instant(*time, zone), "{time} in {name}");
        }
    }
}
