//! An id on its way: which job, on which level, under which name the transport knows it.

use crate::queue::job::Priority;
use uuid::Uuid;

/// One id, taken and not yet acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The job.
    pub job: Uuid,
    /// The level that carries it.
    pub level: Priority,
    /// As the transport names it.
    pub id: String,
}

impl Entry {
    /// Level and id as one text, which apalis carries as the task's id.
    pub fn handle(&self) -> String {
        format!("{}:{}", self.level.level(), self.id)
    }

    /// The entry a handle names.
    pub fn of_handle(handle: &str, job: Uuid) -> Option<Self> {
        let (level, id) = handle.split_once(':')?;
        Some(Self { job, level: Priority::from_level(level.parse().ok()?), id: id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_its_entry() {
        for level in Priority::ALL {
            let entry = Entry { job: Uuid::nil(), level, id: "1700000000000-3".to_owned() };
            assert_eq!(Entry::of_handle(&entry.handle(), Uuid::nil()), Some(entry));
        }
        assert_eq!(Entry::of_handle("rubbish", Uuid::nil()), None);
    }
}
