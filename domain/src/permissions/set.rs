//! A set of permissions, small enough to copy.

use super::Permission;
use serde::{Serialize, Serializer};
use std::str::FromStr;

/// Permissions held together: of a role, or of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

const _: () = assert!(Permission::ALL.len() <= 64, "a set keeps one bit a permission");

impl PermissionSet {
    /// Nothing.
    pub const EMPTY: Self = Self(0);

    /// Everything.
    pub const fn all() -> Self {
        Self::of(Permission::ALL)
    }

    /// These and no others.
    pub const fn of(permissions: &[Permission]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < permissions.len() {
            bits |= bit(permissions[index]);
            index += 1;
        }
        Self(bits)
    }

    /// Those with these names; a name that is not known grants nothing.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(|name| Permission::from_str(name).ok()).collect()
    }

    /// Whether that one is held.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// Whether all of those are held.
    pub const fn includes(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those that are held in both.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that the other does not hold.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is held.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In order of declaration.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

const fn bit(permission: Permission) -> u64 {
    1 << (permission as u64)
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | bit(permission)))
    }
}

impl Serialize for PermissionSet {
    /// As a list of names.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_given_and_nothing_else() {
        let set = PermissionSet::from_names(["uploads.view", "no.such", "settings.manage"]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Permission::UploadsView, Permission::SettingsManage]);
        assert!(!set.has(Permission::UploadsCreate));
        assert!(PermissionSet::all().includes(set) && !set.includes(PermissionSet::all()));
        assert_eq!(PermissionSet::all().iter().count(), Permission::ALL.len());
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["uploads.view","settings.manage"]"#);
    }
}
