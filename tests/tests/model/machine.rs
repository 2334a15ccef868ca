//! The model: where a campaign may stand, what people may ask of it there, and what happens to it by itself.
//!
//! Written from the description of the API alone; it shares no code with the product.

use State::{Active, Awaiting, Cancelled, Completed, Draft, Failed, Missed, Paused, Preparing, Scheduled};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Draft,
    /// For a second person's word.
    Awaiting,
    Scheduled,
    Missed,
    Preparing,
    Active,
    Paused,
    Completed,
    Cancelled,
    Failed,
}

impl State {
    const NAMES: [(&'static str, Self); 10] = [
        ("draft", Draft),
        ("awaiting_approval", Awaiting),
        ("scheduled", Scheduled),
        ("missed", Missed),
        ("preparing", Preparing),
        ("active", Active),
        ("paused", Paused),
        ("completed", Completed),
        ("cancelled", Cancelled),
        ("failed", Failed),
    ];

    pub fn named(name: &str) -> Self {
        let known = Self::NAMES.iter().find(|(known, _)| *known == name);
        known.unwrap_or_else(|| panic!("the model knows no {name} campaign")).1
    }

    /// Nothing is to come from it any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Completed | Cancelled | Failed)
    }
}

/// What people ask of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Pause,
    Go,
    Stop,
    Withdraw,
}

impl Ask {
    pub const ALL: [Self; 4] = [Self::Pause, Self::Go, Self::Stop, Self::Withdraw];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Go => "active",
            Self::Stop => "cancelled",
            Self::Withdraw => "draft",
        }
    }
}

/// What is known of a campaign beside its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its time is still ahead.
    pub in_time: bool,
    /// Its audience is written.
    pub written: bool,
    /// It begins again and again.
    pub repeats: bool,
    /// Its latest start has passed.
    pub late: bool,
}

/// Where a campaign may stand after it was asked; nowhere: it is refused. What is launched may need a second word.
pub const fn asked(state: State, ask: Ask, known: Known) -> &'static [State] {
    match (ask, state) {
        (Ask::Pause, Preparing | Active | Paused) => &[Paused],
        (Ask::Go, Draft) if known.repeats => &[Active, Awaiting],
        (Ask::Go, Draft) if known.late => &[Missed, Awaiting],
        (Ask::Go, Draft) if known.in_time => &[Scheduled, Awaiting],
        (Ask::Go, Draft) => &[Preparing, Awaiting],
        (Ask::Go, Missed | Preparing) => &[Preparing],
        (Ask::Go, Paused | Active) => &[Active],
        (Ask::Stop, Completed | Failed) => &[],
        (Ask::Stop, _) => &[Cancelled],
        (Ask::Withdraw, Awaiting) if known.written => &[],
        (Ask::Withdraw, Draft | Awaiting | Scheduled | Missed) => &[Draft],
        _ => &[],
    }
}

/// Where a campaign may stand after a second person's word.
pub const fn judged(approved: bool, known: Known) -> State {
    match (approved, known) {
        (true, Known { written: true, .. }) => Active,
        (true, Known { repeats: true, .. }) => Active,
        (true, Known { late: true, .. }) => Missed,
        (true, Known { in_time: true, .. }) => Scheduled,
        (true, _) => Preparing,
        (false, Known { written: true, .. }) => Cancelled,
        (false, _) => Draft,
    }
}

/// Where a campaign may go by itself.
pub const fn own(state: State) -> &'static [State] {
    match state {
        Scheduled => &[Preparing, Missed],
        // its audience may be more than one person may send
        Preparing => &[Active, Awaiting],
        // drained, or no time is left; held since too much fails; or let go on before its audience was written
        Active => &[Completed, Paused, Awaiting],
        Paused => &[Awaiting],
        Draft | Awaiting | Missed | Completed | Cancelled | Failed => &[],
    }
}
