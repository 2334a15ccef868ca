//! The model: where a campaign may stand, what people may ask of it there, and what happens to it by itself.
//!
//! Written from the description of the API alone; it shares no code with the product.

use State::{Active, Cancelled, Completed, Draft, Failed, Missed, Paused, Preparing, Scheduled};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Draft,
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
    const NAMES: [(&'static str, Self); 9] = [
        ("draft", Draft),
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

/// Where a campaign stands after it was asked; `None`: it is refused. `in_time`: its time is still ahead.
pub const fn asked(state: State, ask: Ask, in_time: bool) -> Option<State> {
    match (ask, state) {
        (Ask::Pause, Preparing | Active | Paused) => Some(Paused),
        (Ask::Go, Draft) => Some(if in_time { Scheduled } else { Preparing }),
        (Ask::Go, Missed | Preparing) => Some(Preparing),
        (Ask::Go, Paused | Active) => Some(Active),
        (Ask::Stop, Completed | Failed) => None,
        (Ask::Stop, _) => Some(Cancelled),
        (Ask::Withdraw, Draft | Scheduled | Missed) => Some(Draft),
        _ => None,
    }
}

/// Where a campaign may go by itself.
pub const fn own(state: State) -> &'static [State] {
    match state {
        Scheduled => &[Preparing, Missed],
        Preparing => &[Active],
        // drained, or held since too much fails
        Active => &[Completed, Paused],
        Draft | Missed | Paused | Completed | Cancelled | Failed => &[],
    }
}
