//! Holdout groups: customers who get nothing, so that what messages bring about can be told from what happens anyway.
//!
//! Who is in one follows from their id and the group's salt alone: it is the same for every campaign and every day, and
//! a larger group holds everybody of a smaller one. The database computes the same (see `schema`).

use crate::{campaigns::split, ids::CustomerId};

/// A holdout group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdout {
    /// Tells groups apart: two with different salts are drawn independently.
    pub salt: String,
    /// How many of 10,000 are in it.
    pub basis_points: u16,
}

impl Holdout {
    /// Everybody, in basis points.
    pub const ALL: u16 = 10_000;

    /// Whether the customer is in it.
    pub fn holds(&self, customer: CustomerId) -> bool {
        split::bucket(&self.salt, customer.0) < u32::from(self.basis_points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_its_share_and_a_larger_one_holds_it() {
        let group = |basis_points| Holdout { salt: "segment-1".to_owned(), basis_points };
        let of =
            |basis_points| (1..=20_000).map(CustomerId).filter(|id| group(basis_points).holds(*id)).collect::<Vec<_>>();
        let (small, large) = (of(500), of(1_000));
        assert!((900..1_100).contains(&small.len()), "{}", small.len());
        assert!(small.iter().all(|id| large.contains(id)));
        assert!(of(0).is_empty() && of(Holdout::ALL).len() == 20_000);
        let other = Holdout { salt: "segment-2".to_owned(), basis_points: 500 };
        let both = small.iter().filter(|id| other.holds(**id)).count();
        assert!(both < 100, "independent groups share few: {both}");
    }
}
