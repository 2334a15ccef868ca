//! A world: a book, campaigns, and what the model remembers of them.

use crate::{
    book::{self, Book},
    chance::Chance,
    ground::Ground,
    machine::State,
    peers::Mood,
    terms::Terms,
};
use chrono::{DateTime, NaiveTime, Utc};
use serde_json::json;
use std::{collections::BTreeMap, fmt::Display, time::Instant};

/// When nobody is disturbed, where that is the rule.
pub const QUIET: (&str, &str) = ("22:00", "07:00");

/// What was done so far: told when the world fails.
#[derive(Default)]
pub struct Story {
    seed: u64,
    lines: Vec<String>,
    /// Told in any case.
    is_loud: bool,
}

impl Story {
    pub fn tell(&mut self, line: impl Display) {
        self.lines.push(line.to_string());
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if self.is_loud || std::thread::panicking() {
            eprintln!("seed {}:\n  {}", self.seed, self.lines.join("\n  "));
        }
    }
}

/// A campaign as the model knows it.
pub struct Campaign {
    pub number: i64,
    pub terms: Terms,
    pub state: State,
    /// When its audience was asked for, by the moved clock.
    pub begun: Option<DateTime<Utc>>,
    /// A second person agreed to it as it is.
    pub is_approved: bool,
    /// When its messages were first handed over.
    pub handed: Vec<DateTime<Utc>>,
}

impl Campaign {
    /// One whose audience is being written.
    pub fn begun(number: i64, terms: Terms, at: DateTime<Utc>) -> Self {
        Self { number, terms, state: State::Preparing, begun: Some(at), is_approved: false, handed: Vec::new() }
    }

    pub fn path(&self) -> String {
        format!("/api/campaigns/campaign-{}", self.number)
    }
}

/// Whom something was said about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Campaign(i64),
    /// On this channel.
    Customer(i64, &'static str),
    Policy(i64),
}

/// From an answer on nothing is handed over any more.
#[derive(Debug)]
pub struct Closed {
    pub about: About,
    pub why: &'static str,
    /// By the database's clock, which is the machine's.
    pub from: DateTime<Utc>,
    /// Until somebody asked for the contrary.
    pub until: Option<DateTime<Utc>>,
}

/// How far the model has read.
#[derive(Default)]
pub struct Read {
    pub moves: i64,
    pub marks: i64,
    pub accepted: [usize; 3],
}

/// A message that was about to be handed over.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    pub at: Instant,
}

pub struct World {
    pub story: Story,
    pub ground: Ground,
    pub chance: Chance,
    pub book: Book,
    pub quiet: Option<(NaiveTime, NaiveTime)>,
    /// More messages than this need a second person's word.
    pub threshold: Option<usize>,
    pub campaigns: Vec<Campaign>,
    pub closed: Vec<Closed>,
    pub read: Read,
    /// By message.
    pub marks: BTreeMap<i64, Vec<Mark>>,
    /// When providers took each message.
    pub accepted: BTreeMap<i64, Vec<Instant>>,
    /// The machine's clock, and the database's, at the same time.
    pub together: (Instant, DateTime<Utc>),
    pub is_awake: bool,
    pub mood: Mood,
    /// Messages that were taken and in hand when workers were killed.
    pub cut: usize,
}

/// Keeps every change of a campaign's status, every time of one that repeats, and every message that is marked.
const WATCH: &str = "\
    CREATE TABLE model_moves (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, campaign BIGINT, old TEXT, new TEXT, \
        clock TIMESTAMPTZ, scheduled_at TIMESTAMPTZ, latest_start TIMESTAMPTZ); \
    CREATE FUNCTION model_move() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN \
        INSERT INTO model_moves (campaign, old, new, clock, scheduled_at, latest_start) \
        VALUES (NEW.id, OLD.status, NEW.status, NEW.updated_at, NEW.scheduled_at, NEW.latest_start); RETURN NULL; END $$; \
    CREATE TRIGGER model_move AFTER UPDATE ON campaigns FOR EACH ROW \
        WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION model_move(); \
    CREATE TABLE model_times (campaign BIGINT, at TIMESTAMPTZ); \
    CREATE FUNCTION model_time() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN \
        INSERT INTO model_times (campaign, at) VALUES (NEW.id, clock_timestamp()); RETURN NULL; END $$; \
    CREATE TRIGGER model_time AFTER INSERT ON campaigns FOR EACH ROW \
        WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION model_time(); \
    CREATE TABLE model_marks (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message BIGINT, clock TIMESTAMPTZ, \
        at TIMESTAMPTZ, begun TIMESTAMPTZ); \
    CREATE FUNCTION model_mark() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN \
        INSERT INTO model_marks (message, clock, at, begun) VALUES (NEW.id, NEW.updated_at, clock_timestamp(), now()); \
        RETURN NULL; END $$; \
    CREATE TRIGGER model_mark AFTER UPDATE ON messages FOR EACH ROW \
        WHEN (NEW.status = 'sending' AND OLD.status <> 'sending') EXECUTE FUNCTION model_mark();";

impl World {
    pub async fn new(seed: u64, is_loud: bool) -> Self {
        let mut chance = Chance::new(seed);
        let threshold = chance.one_in(3).then(|| chance.of(&[0, 5, 15, 30]));
        let ground = Ground::new(seed, &mut chance, threshold).await;
        let book = book::write(&ground, &mut chance).await;
        ground.execute(WATCH).await;
        let clock = |text| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        let quiet = (!chance.one_in(3)).then(|| (clock(QUIET.0), clock(QUIET.1)));
        if quiet.is_some() {
            let rules = json!({"quietHours": {"start": QUIET.0, "end": QUIET.1}});
            ground.put("/api/communication/rules", &rules).await.data(200);
        }
        let db = ground.rows("SELECT clock_timestamp()").await[0].get(0);
        Self {
            story: Story {
                seed,
                lines: vec![format!(
                    "begins at {}, quiet hours: {}, a second word above: {threshold:?}",
                    ground.now(),
                    quiet.is_some()
                )],
                is_loud,
            },
            ground,
            chance,
            book,
            quiet,
            threshold,
            campaigns: Vec::new(),
            closed: Vec::new(),
            read: Read::default(),
            marks: BTreeMap::new(),
            accepted: BTreeMap::new(),
            together: (Instant::now(), db),
            is_awake: true,
            mood: Mood::Good,
            cut: 0,
        }
    }

    /// By the database's clock, after everything that was answered.
    pub async fn just_now(&self) -> DateTime<Utc> {
        self.ground.rows("SELECT clock_timestamp()").await[0].get(0)
    }

    /// The machine's instant of a time of the database's.
    pub fn instant(&self, at: DateTime<Utc>) -> Instant {
        let (instant, known) = self.together;
        match (at - known).to_std() {
            Ok(after) => instant + after,
            Err(_) => instant - (known - at).to_std().unwrap(),
        }
    }
}
