//! Who may change what about whom: nobody gives what they do not hold, touches somebody who holds more, or does to
//! themself what takes a second person.
//!
//! Fails with [`Refusal`]. Whether somebody is the last administrator is for the database to say, which alone sees all
//! changes made at the same moment.

use crate::{
    ids::UserId,
    permissions::{PermissionSet, Scope},
};

/// What somebody holds, or a role gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// What may be done.
    pub permissions: PermissionSet,
    /// Over whose rows.
    pub scope: Scope,
}

impl Holding {
    /// Of somebody without a role.
    pub const NOTHING: Self = Self { permissions: PermissionSet::EMPTY, scope: Scope::Own };

    /// Whether all of that is held.
    pub fn includes(self, other: Self) -> bool {
        self.permissions.includes(other.permissions) && self.scope >= other.scope
    }
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// These permissions would be given by somebody who does not hold them.
    #[error("nobody gives what they do not hold: {}", names(.0))]
    NotHeld(PermissionSet),
    /// More of the book would be shown than the giver sees.
    #[error("nobody lets others see more of the book than they see themselves")]
    WiderScope,
    /// They hold more than who would change them.
    #[error("they hold more than you do; this takes somebody who holds as much")]
    HoldsMore,
    /// It takes somebody else.
    #[error("nobody does this to their own account; ask somebody else")]
    OwnAccount,
    /// Nobody would be left to manage users, roles and settings.
    #[error("this is the last active administrator; make somebody else one first")]
    LastAdministrator,
}

fn names(permissions: &PermissionSet) -> String {
    permissions.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(", ")
}

/// Whether `giver` may give that.
pub fn give(giver: Holding, given: Holding) -> Result<(), Refusal> {
    let missing = given.permissions.without(giver.permissions);
    if !missing.is_empty() {
        return Err(Refusal::NotHeld(missing));
    }
    if given.scope > giver.scope { Err(Refusal::WiderScope) } else { Ok(()) }
}

/// Whether the first may change the second's account.
pub fn change((actor, holding): (UserId, Holding), (target, held): (UserId, Holding)) -> Result<(), Refusal> {
    if actor == target || holding.includes(held) { Ok(()) } else { Err(Refusal::HoldsMore) }
}

/// Whether these are two people.
pub fn other_than(actor: UserId, target: UserId) -> Result<(), Refusal> {
    if actor == target { Err(Refusal::OwnAccount) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permissions::{Permission as P, SystemRole};
    use proptest::prelude::*;

    fn of(role: SystemRole) -> Holding {
        Holding { permissions: role.permissions(), scope: role.scope() }
    }

    #[test]
    fn an_administrator_gives_every_role_and_nobody_else_gives_theirs() {
        for role in SystemRole::ALL {
            assert_eq!(give(of(SystemRole::Administrator), of(*role)), Ok(()));
            let allowed = *role == SystemRole::Administrator;
            assert_eq!(give(of(*role), of(SystemRole::Administrator)).is_ok(), allowed, "{role}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let giver = Holding { permissions: PermissionSet::of(&[P::UsersManage, P::CasesView]), scope: Scope::Branch };
        let refused = give(giver, Holding { permissions: PermissionSet::of(&[P::CasesEdit]), ..giver }).unwrap_err();
        assert_eq!(refused, Refusal::NotHeld(PermissionSet::of(&[P::CasesEdit])));
        assert!(refused.to_string().ends_with("cases.edit"), "{refused}");
        assert_eq!(give(giver, Holding { scope: Scope::All, ..giver }), Err(Refusal::WiderScope));
        assert_eq!(give(giver, Holding::NOTHING), Ok(()));
    }

    #[test]
    fn people_change_equals_and_lessers_and_themselves() {
        let (manager, agent) = (of(SystemRole::OperationsManager), of(SystemRole::Agent));
        let (one, two) = (UserId(1), UserId(2));
        assert_eq!(change((one, manager), (two, manager)), Ok(()));
        assert_eq!(change((one, agent), (two, manager)), Err(Refusal::HoldsMore));
        assert_eq!(change((one, agent), (one, manager)), Ok(()), "as with a key that may do less");
        assert_eq!(other_than(one, one), Err(Refusal::OwnAccount));
    }

    fn holding() -> impl Strategy<Value = Holding> {
        let permissions = proptest::collection::vec(proptest::sample::select(P::ALL), 0..8);
        (permissions, proptest::sample::select(Scope::ALL))
            .prop_map(|(held, scope)| Holding { permissions: held.into_iter().collect(), scope })
    }

    proptest! {
        #[test]
        fn what_may_be_given_is_what_is_held(giver in holding(), given in holding(), third in holding()) {
            prop_assert_eq!(give(giver, given).is_ok(), giver.includes(given));
            // giving on adds nothing
            if give(giver, given).is_ok() && give(given, third).is_ok() {
                prop_assert!(give(giver, third).is_ok());
            }
        }
    }
}
