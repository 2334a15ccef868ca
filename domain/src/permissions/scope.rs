//! Whose rows a person sees: their own, their branch's, or all of them.
//!
//! Nothing fails.

use crate::{
    ids::{BranchId, UserId},
    text_enum::text_enum,
};

text_enum! {
    /// What a role's holder sees of the book.
    pub enum Scope {
        /// What they made, and what is assigned to them.
        Own = "own",
        /// That, and what belongs to their branch.
        Branch = "branch",
        /// Everything.
        All = "all",
    }
}

/// A scope, together with who it is held by: what list queries start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What this person made, and what is assigned to them.
    Own(UserId),
    /// That, and what belongs to this branch.
    Branch(UserId, BranchId),
    /// Everything.
    All,
}

impl Reach {
    /// What somebody reaches. Whoever has no branch, reaches their own where a branch's would be meant.
    pub fn of(scope: Scope, user: UserId, branch: Option<BranchId>) -> Self {
        match (scope, branch) {
            (Scope::All, _) => Self::All,
            (Scope::Branch, Some(branch)) => Self::Branch(user, branch),
            (Scope::Branch, None) | (Scope::Own, _) => Self::Own(user),
        }
    }

    /// How far it goes.
    pub fn scope(self) -> Scope {
        match self {
            Self::Own(_) => Scope::Own,
            Self::Branch(..) => Scope::Branch,
            Self::All => Scope::All,
        }
    }

    /// Whether what belongs to that branch, and to that agent, is within it.
    pub fn holds(self, branch: Option<BranchId>, agent: Option<UserId>) -> bool {
        match self {
            Self::Own(user) => agent == Some(user),
            Self::Branch(user, own) => branch == Some(own) || agent == Some(user),
            Self::All => true,
        }
    }

    /// The person, as queries bind it: `None` does not narrow.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Own(user) | Self::Branch(user, _) => Some(user),
            Self::All => None,
        }
    }

    /// The branch, as queries bind it.
    pub fn branch(self) -> Option<BranchId> {
        match self {
            Self::Branch(_, branch) => Some(branch),
            Self::Own(_) | Self::All => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_branch_a_person_reaches_only_their_own() {
        let (user, branch) = (UserId(1), BranchId(2));
        assert_eq!(Reach::of(Scope::Branch, user, Some(branch)), Reach::Branch(user, branch));
        assert_eq!(Reach::of(Scope::Branch, user, None), Reach::Own(user));
        assert_eq!(Reach::of(Scope::Own, user, Some(branch)), Reach::Own(user));
        assert_eq!(Reach::of(Scope::All, user, None).user(), None);
    }

    #[test]
    fn what_belongs_to_nobody_is_seen_by_those_who_see_all() {
        let (user, branch) = (UserId(1), BranchId(2));
        for reach in [Reach::Own(user), Reach::Branch(user, branch)] {
            assert!(!reach.holds(None, None) && !reach.holds(Some(BranchId(3)), Some(UserId(3))));
            assert!(reach.holds(None, Some(user)));
        }
        assert!(Reach::Branch(user, branch).holds(Some(branch), None) && !Reach::Own(user).holds(Some(branch), None));
        assert!(Reach::All.holds(None, None));
    }
}
