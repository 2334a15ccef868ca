//! What the columns of a book of policies can hold.
//!
//! The wire names are camelCase and never change: saved mappings hold them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Column {
    PolicyNumber,
    CustomerCode,
    FirstName,
    LastName,
    /// Split into first and last name.
    FullName,
    Email,
    Phone,
    DateOfBirth,
    AddressLine,
    City,
    State,
    PostalCode,
    Country,
    PolicyType,
    Premium,
    Currency,
    StartDate,
    EndDate,
    RenewalDate,
    GracePeriodDays,
    /// The branch's code or name.
    Branch,
    /// The agent's email address.
    Agent,
    Notes,
}

impl Column {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Every column, in the order of the upload template.
    pub const ALL: [Self; 23] = [
        Self::PolicyNumber,
        Self::CustomerCode,
        Self::FirstName,
        Self::LastName,
        Self::FullName,
        Self::Email,
        Self::Phone,
        Self::DateOfBirth,
        Self::AddressLine,
        Self::City,
        Self::State,
        Self::PostalCode,
        Self::Country,
        Self::PolicyType,
        Self::Premium,
        Self::Currency,
        Self::StartDate,
        Self::EndDate,
        Self::RenewalDate,
        Self::GracePeriodDays,
        Self::Branch,
        Self::Agent,
        Self::Notes,
    ];

    /// Those a sheet cannot do without, a name apart (either a full name or a first name will do).
    pub const REQUIRED: [Self; 5] =
        [Self::PolicyNumber, Self::PolicyType, Self::Premium, Self::StartDate, Self::EndDate];

    /// The header the upload template gives it, and messages name it by.
    pub const fn title(self) -> &'static str {
        match self {
            Self::PolicyNumber => "Policy Number",
            Self::CustomerCode => "Customer Code",
            Self::FirstName => "First Name",
            Self::LastName => "Last Name",
            Self::FullName => "Customer Name",
            Self::Email => "Email",
            Self::Phone => "Phone",
            Self::DateOfBirth => "Date of Birth",
            Self::AddressLine => "Address",
            Self::City => "City",
            Self::State => "State",
            Self::PostalCode => "Postal Code",
            Self::Country => "Country",
            Self::PolicyType => "Policy Type",
            Self::Premium => "Premium Amount",
            Self::Currency => "Currency",
            Self::StartDate => "Start Date",
            Self::EndDate => "End Date",
            Self::RenewalDate => "Renewal Date",
            Self::GracePeriodDays => "Grace Period Days",
            Self::Branch => "Branch",
            Self::Agent => "Agent Email",
            Self::Notes => "Notes",
        }
    }

    /// The name in saved mappings and JSON.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::PolicyNumber => "policyNumber",
            Self::CustomerCode => "customerCode",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::FullName => "fullName",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::DateOfBirth => "dateOfBirth",
            Self::AddressLine => "addressLine",
            Self::City => "city",
            Self::State => "state",
            Self::PostalCode => "postalCode",
            Self::Country => "country",
            Self::PolicyType => "policyType",
            Self::Premium => "premium",
            Self::Currency => "currency",
            Self::StartDate => "startDate",
            Self::EndDate => "endDate",
            Self::RenewalDate => "renewalDate",
            Self::GracePeriodDays => "gracePeriodDays",
            Self::Branch => "branch",
            Self::Agent => "agent",
            Self::Notes => "notes",
        }
    }

    /// The longest text the tables take, in characters; `None` where the value is not kept as text.
    pub const fn max_length(self) -> Option<usize> {
        match self {
            Self::PolicyNumber | Self::FirstName | Self::LastName | Self::City | Self::State | Self::Country => {
                Some(100)
            }
            Self::CustomerCode => Some(50),
            Self::FullName => Some(200),
            Self::Email | Self::Agent | Self::Branch => Some(255),
            Self::AddressLine => Some(500),
            Self::PostalCode => Some(20),
            Self::Notes => Some(2_000),
            Self::Phone
            | Self::DateOfBirth
            | Self::PolicyType
            | Self::Premium
            | Self::Currency
            | Self::StartDate
            | Self::EndDate
            | Self::RenewalDate
            | Self::GracePeriodDays => None,
        }
    }

    /// Its place in arrays of [`Column::COUNT`].
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_enum() {
        for (place, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(column.index(), place);
        }
    }

    #[test]
    fn the_wire_name_is_what_serde_writes() {
        for column in Column::ALL {
            assert_eq!(serde_json::to_value(column).unwrap(), column.wire_name());
        }
    }
}
