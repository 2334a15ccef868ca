//! The workbook people fill in: headers, drop-downs, formats, one example row, and a sheet of instructions.
//!
//! Made in memory; fails only if the writer does.

use domain::upload::{Column, Currency, EXAMPLE_POLICY_NUMBER, PolicyType};
use rust_xlsxwriter::{Color, DataValidation, Format, FormatAlign, Workbook, Worksheet, XlsxError};

/// The name a browser saves it under.
pub const TEMPLATE_FILE_NAME: &str = "policy_upload_template.xlsx";

/// Rows that drop-downs cover: as many as a sheet has.
const LAST_ROW: u32 = 1_048_575;

/// The template's columns: a full name instead of its parts.
fn columns() -> impl Iterator<Item = Column> {
    Column::ALL.into_iter().filter(|column| !matches!(column, Column::FirstName | Column::LastName))
}

/// Whether the template asks for the column.
fn is_required(column: Column) -> bool {
    column == Column::FullName || Column::REQUIRED.contains(&column)
}

/// The whole workbook as bytes.
pub fn template() -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    policies(workbook.add_worksheet().set_name("Policies")?)?;
    instructions(workbook.add_worksheet().set_name("Instructions")?)?;
    workbook.save_to_buffer()
}

fn policies(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    const WIDTH: f64 = 20.0;
    let header = Format::new().set_bold().set_background_color(Color::RGB(0xDD_E6_F0));
    let required = header.clone().set_font_color(Color::RGB(0x9C_00_06));
    let example = Format::new().set_italic().set_font_color(Color::Gray);
    sheet.set_freeze_panes(1, 0)?;
    for (place, column) in (0u16..).zip(columns()) {
        let format = number_format(column).map_or(Format::new(), |format| Format::new().set_num_format(format));
        sheet.set_column_width(place, WIDTH)?;
        sheet.set_column_format(place, &format)?;
        let head = if is_required(column) { &required } else { &header };
        sheet.write_string_with_format(0, place, column.title(), head)?;
        let shown = format.merge(&example);
        match column {
            Column::Premium => sheet.write_number_with_format(1, place, 12_500.0, &shown)?,
            Column::GracePeriodDays => sheet.write_number_with_format(1, place, 30, &shown)?,
            _ => sheet.write_string_with_format(1, place, example_of(column), &shown)?,
        };
        if let Some(choices) = choices(column) {
            let validation = DataValidation::new()
                .allow_list_strings(&choices)?
                .set_error_title("Not in the list")?
                .set_error_message("Choose one of the values in the list.")?;
            sheet.add_data_validation(1, place, LAST_ROW, place, &validation)?;
        }
    }
    Ok(())
}

/// Text columns are formatted as text, so that no leading zero and no long number is lost.
fn number_format(column: Column) -> Option<&'static str> {
    match column {
        Column::Premium => Some("#,##0.00"),
        Column::GracePeriodDays => Some("0"),
        Column::DateOfBirth | Column::StartDate | Column::EndDate | Column::RenewalDate => Some("dd/mm/yyyy"),
        Column::PolicyNumber | Column::CustomerCode | Column::Phone | Column::PostalCode => Some("@"),
        _ => None,
    }
}

fn choices(column: Column) -> Option<Vec<String>> {
    match column {
        Column::PolicyType => Some(PolicyType::ALL.iter().map(|kind| kind.as_str().replace('_', " ")).collect()),
        Column::Currency => Some(Currency::COMMON.iter().map(|currency| currency.as_str().to_owned()).collect()),
        _ => None,
    }
}

fn example_of(column: Column) -> &'static str {
    match column {
        Column::PolicyNumber => EXAMPLE_POLICY_NUMBER,
        Column::CustomerCode => "CUST-0001",
        Column::FirstName => "Asha",
        Column::LastName => "Rao",
        Column::FullName => "Asha Rao",
        Column::Email => "asha.rao@example.com",
        Column::Phone => "9876543210",
        Column::DateOfBirth => "15/08/1985",
        Column::AddressLine => "12 MG Road",
        Column::City => "Pune",
        Column::State => "Maharashtra",
        Column::PostalCode => "411001",
        Column::Country => "India",
        Column::PolicyType => "motor",
        Column::Premium => "12500.00",
        Column::Currency => "INR",
        Column::StartDate => "01/04/2025",
        Column::EndDate => "31/03/2026",
        Column::RenewalDate => "01/04/2026",
        Column::GracePeriodDays => "30",
        Column::Branch => "PUNE-01",
        Column::Agent => "agent@example.com",
        Column::Notes => "Prefers WhatsApp",
    }
}

fn help_of(column: Column) -> &'static str {
    match column {
        Column::PolicyNumber => {
            "Text, at most 100 characters, once in the file. A known number updates or renews its policy."
        }
        Column::CustomerCode => {
            "Your code of the customer, at most 50 characters. Left blank, one is made of name and contact."
        }
        Column::FirstName | Column::LastName => "Text, at most 100 characters.",
        Column::FullName => {
            "First and last name, or a firm's name. Columns \"First Name\" and \"Last Name\" will do as well."
        }
        Column::Email => {
            "One address. Without phone and email the customer is kept but cannot be reached by campaigns."
        }
        Column::Phone => {
            "Ten digits, or + and the country code before a number from abroad. The first valid number counts."
        }
        Column::DateOfBirth => "A date as described below.",
        Column::AddressLine => "House, street, area; at most 500 characters.",
        Column::City | Column::State | Column::Country => "Text, at most 100 characters.",
        Column::PostalCode => "Text, at most 20 characters.",
        Column::PolicyType => "One of the list. Usual names are understood: Two Wheeler, Mediclaim, Term Life …",
        Column::Premium => {
            "More than zero, at most two decimals. 12500, 12,500.00 and 1,25,000.50 are understood; 12.345,67 is not."
        }
        Column::Currency => "Three letters such as INR. Left blank, the sign in the amount or INR counts.",
        Column::StartDate => "First day of the term; a date as described below.",
        Column::EndDate => "Last day of the term, after the start date.",
        Column::RenewalDate => "Day the renewal is due, not before the start date.",
        Column::GracePeriodDays => "Whole days from 0 to 366.",
        Column::Branch => "Code or name of a branch that is set up.",
        Column::Agent => "Address the agent signs in with.",
        Column::Notes => "Text, at most 2,000 characters.",
    }
}

fn instructions(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    let title = Format::new().set_bold().set_font_size(14);
    let header = Format::new().set_bold().set_background_color(Color::RGB(0xDD_E6_F0));
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    let example = Format::new().set_num_format("@").set_align(FormatAlign::Top);
    for (place, width) in [(0, 22.0), (1, 12.0), (2, 90.0), (3, 26.0)] {
        sheet.set_column_width(place, width)?;
    }
    sheet.write_string_with_format(0, 0, "How to fill in the sheet \"Policies\"", &title)?;
    let lines = [
        "One row is one policy. Columns may stand in any order, and others may stand beside them; they are ignored.",
        "The example row (policy number EXAMPLE-0001) is not imported; write over it or leave it.",
        "Dates: cells formatted as dates, or 31/12/2025, 31-12-2025, 31.12.2025, 31-Dec-2025, 2025-12-31. Day before month.",
        "A cell that has nothing to say may be blank, or hold N/A or a dash. A blank cell changes nothing of a known policy.",
        "Rows with faults are left out; the error file shows each with what is wrong. Correct it there and upload that file.",
        "Files: .xlsx, .xlsb, .xls, .ods or .csv; no password, no macros; at most 512 columns and 2,000,000 rows.",
    ];
    let mut row = 1;
    for line in lines {
        sheet.write_string(row, 0, line)?;
        row += 1;
    }
    row += 1;
    for (place, text) in (0u16..).zip(["Column", "Required?", "Format", "Example"]) {
        sheet.write_string_with_format(row, place, text, &header)?;
    }
    for column in columns() {
        row += 1;
        sheet.write_string_with_format(row, 0, column.title(), &wrapped)?;
        sheet.write_string_with_format(row, 1, if is_required(column) { "yes" } else { "no" }, &wrapped)?;
        sheet.write_string_with_format(row, 2, help_of(column), &wrapped)?;
        sheet.write_string_with_format(row, 3, example_of(column), &example)?;
    }
    Ok(())
}
