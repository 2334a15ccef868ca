//! The fields of customers, policies and renewal cases that a condition may ask about, and what kind of value each has.
//!
//! Nothing fails here; an unknown name is told by the reader.

use crate::text_enum::text_enum;

text_enum! {
    /// A field, by its name in a filter.
    pub enum Field {
        /// First and last name, with a space between.
        CustomerName = "customer.name",
        /// The insurer's own code for the customer.
        CustomerCode = "customer.code",
        /// The e-mail address; only whether there is one can be asked, since what it is, is not for everybody to know.
        CustomerEmail = "customer.email",
        /// The phone number; only whether there is one can be asked.
        CustomerPhone = "customer.phone",
        /// Of the postal address.
        CustomerCity = "customer.city",
        /// Of the postal address.
        CustomerState = "customer.state",
        /// Of the postal address.
        CustomerPostalCode = "customer.postalCode",
        /// Where they live: the two letters, such as `IN`.
        CustomerCountry = "customer.country",
        /// Their IANA time zone.
        CustomerTimeZone = "customer.timeZone",
        /// The language they read, such as `hi`.
        CustomerLanguage = "customer.language",
        /// When they were born.
        CustomerDateOfBirth = "customer.dateOfBirth",
        /// Full years on the campaign's day.
        CustomerAge = "customer.age",
        /// How far it is known who they are.
        CustomerKyc = "customer.kycStatus",
        /// When they came into the book.
        CustomerCreated = "customer.createdAt",
        /// The policy's number.
        PolicyNumber = "policy.number",
        /// The kind of policy, such as `motor`.
        PolicyType = "policy.type",
        /// The premium, in the policy's currency.
        PolicyPremium = "policy.premium",
        /// The premium's currency.
        PolicyCurrency = "policy.currency",
        /// Where the policy stands.
        PolicyStatus = "policy.status",
        /// The first day of the term.
        PolicyStart = "policy.startDate",
        /// The last day of the term.
        PolicyEnd = "policy.endDate",
        /// When it is to be renewed.
        PolicyRenewal = "policy.renewalDate",
        /// Days from the campaign's day to the last day of the term; negative once expired.
        PolicyDaysToExpiry = "policy.daysToExpiry",
        /// The branch that has it.
        PolicyBranch = "policy.branch",
        /// The agent who looks after it.
        PolicyAgent = "policy.agent",
        /// How long after its last day it can still be renewed.
        PolicyGraceDays = "policy.graceDays",
        /// Expired, and can still be renewed.
        PolicyInGrace = "policy.inGrace",
        /// When it came into the book.
        PolicyCreated = "policy.createdAt",
        /// Where the renewal of this term stands.
        CaseStatus = "case.status",
        /// How urgent it is.
        CasePriority = "case.priority",
        /// Who works on it.
        CaseAssigned = "case.assignedTo",
        /// Where its payment stands.
        CasePayment = "case.paymentStatus",
        /// What the next term costs.
        CaseAmount = "case.renewalAmount",
        /// How often the customer was tried to be reached about it.
        CaseAttempts = "case.attempts",
        /// When they were last reached about it.
        CaseLastContact = "case.lastContact",
    }
}

/// What kind of value a field has, and so which operators it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Compared without regard to case.
    Text,
    /// One of a closed set.
    Choice(&'static [&'static str]),
    /// A whole number.
    Whole,
    /// An amount of money.
    Amount,
    /// A calendar day.
    Date,
    /// An instant; conditions are about its day in the campaign's zone.
    Moment,
    /// A typed id, with this prefix.
    Id(&'static str),
    /// Yes or no.
    Flag,
    /// Known or not.
    Presence,
}

/// Whose field it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The customer's: the same for all their policies.
    Customer,
    /// The policy's.
    Policy,
    /// The policy's renewal case.
    Case,
}

const KYC: &[&str] = &["pending", "verified", "rejected", "expired"];
const POLICY: &[&str] = &["active", "expired", "lapsed", "renewed", "cancelled"];
const CASE: &[&str] = &[
    "new",
    "assigned",
    "in_progress",
    "contacted",
    "payment_pending",
    "renewed",
    "lapsed",
    "lost",
    "closed",
    "escalated",
];
const PRIORITY: &[&str] = &["low", "medium", "high", "urgent"];
const PAYMENT: &[&str] = &["pending", "processing", "paid", "failed", "refunded"];

impl Field {
    /// What kind of value it has.
    pub const fn kind(self) -> Kind {
        match self {
            Self::CustomerName
            | Self::CustomerCode
            | Self::CustomerCity
            | Self::CustomerState
            | Self::CustomerPostalCode
            | Self::CustomerCountry
            | Self::CustomerTimeZone
            | Self::CustomerLanguage
            | Self::PolicyNumber
            | Self::PolicyType
            | Self::PolicyCurrency => Kind::Text,
            Self::CustomerEmail | Self::CustomerPhone => Kind::Presence,
            Self::CustomerKyc => Kind::Choice(KYC),
            Self::PolicyStatus => Kind::Choice(POLICY),
            Self::CaseStatus => Kind::Choice(CASE),
            Self::CasePriority => Kind::Choice(PRIORITY),
            Self::CasePayment => Kind::Choice(PAYMENT),
            Self::CustomerAge | Self::PolicyDaysToExpiry | Self::PolicyGraceDays | Self::CaseAttempts => Kind::Whole,
            Self::PolicyPremium | Self::CaseAmount => Kind::Amount,
            Self::CustomerDateOfBirth | Self::PolicyStart | Self::PolicyEnd | Self::PolicyRenewal => Kind::Date,
            Self::CustomerCreated | Self::PolicyCreated | Self::CaseLastContact => Kind::Moment,
            Self::PolicyBranch => Kind::Id("branch"),
            Self::PolicyAgent | Self::CaseAssigned => Kind::Id("user"),
            Self::PolicyInGrace => Kind::Flag,
        }
    }

    /// Whose field it is.
    pub fn subject(self) -> Subject {
        match self.as_str().split('.').next() {
            Some("policy") => Subject::Policy,
            Some("case") => Subject::Case,
            _ => Subject::Customer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fields_name_says_whose_it_is() {
        assert_eq!(Field::CustomerCity.subject(), Subject::Customer);
        assert_eq!(Field::PolicyInGrace.subject(), Subject::Policy);
        assert_eq!(Field::CaseAmount.subject(), Subject::Case);
        assert_eq!("customer.kycStatus".parse(), Ok(Field::CustomerKyc));
    }
}
