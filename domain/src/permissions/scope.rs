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
}
