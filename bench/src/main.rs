//! How fast it is, as ratios against a limit or a peer measured in the same run.
//!
//! `bench` runs everything; `bench jobs latency` runs the parts named. Every part starts servers of its own, durable as
//! in production, and prints one line a figure. Nothing here is a test: a slow machine makes no failure.

mod accounts;
mod analytics;
mod audience;
mod book;
mod copy;
mod ground;
mod jobs_per_second;
mod latency;
mod mails;
mod noop;
mod peers;
mod report;
mod segments;
mod send;
mod smtp;
mod upload;
mod webhooks;

use clap::{Parser, ValueEnum};
use report::Report;

/// Measures the platform against bare Redis, apalis-redis, raw COPY and a bare HTTP client.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Arguments {
    /// The parts to run; all of them if none is named.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// How much of everything: 100 is what the README's table shows.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    size: u32,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Jobs per second through the whole ledger path.
    Jobs,
    /// From enqueue to start, on an idle system.
    Latency,
    /// A book of policies, from HTTP to the last case.
    Upload,
    /// The audience of a campaign over a whole book.
    Audience,
    /// A campaign's figures while it is being sent.
    Analytics,
    /// Counts and samples of segments, and audiences by every grouping.
    Segments,
    /// Messages per second on each channel.
    Send,
    /// Two campaigns at once.
    Share,
    /// Sign-ins and authorised requests per second.
    Accounts,
    /// E-mails per second over SMTP.
    Smtp,
    /// Pages of mails per second and core, filled in and built.
    Mails,
    /// Statuses per second that webhooks bring, kept and applied.
    Webhooks,
}

impl Part {
    const ALL: [Part; 12] = [
        Self::Jobs,
        Self::Latency,
        Self::Upload,
        Self::Audience,
        Self::Analytics,
        Self::Segments,
        Self::Send,
        Self::Share,
        Self::Accounts,
        Self::Smtp,
        Self::Mails,
        Self::Webhooks,
    ];
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tests::base::install_crypto();
    let parts = if arguments.parts.is_empty() { Part::ALL.to_vec() } else { arguments.parts };
    let of = |whole: usize| (whole * arguments.size as usize / 100).max(100);
    let mut report = Report::default();
    for part in parts {
        match part {
            Part::Jobs => jobs_per_second::run(of(60_000), &mut report).await?,
            Part::Latency => latency::run(of(500), &mut report).await?,
            Part::Upload => upload::run(of(1_000_000), of(200_000), &mut report).await?,
            Part::Audience => audience::run(of(1_000_000), &mut report).await?,
            Part::Analytics => analytics::run(of(1_000_000), &mut report).await?,
            Part::Segments => segments::run(of(1_000_000), &mut report).await?,
            Part::Send => send::run(of(100_000), &mut report).await?,
            Part::Share => send::share(of(50_000), &mut report).await?,
            Part::Accounts => accounts::run(of(3_000), &mut report).await?,
            Part::Smtp => smtp::run(of(30_000), &mut report).await?,
            Part::Mails => mails::run(of(30_000), &mut report).await?,
            Part::Webhooks => webhooks::run(of(1_000_000), &mut report).await?,
        }
    }
    print!("{report}");
    Ok(())
}
