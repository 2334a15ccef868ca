//! Texts as QR codes, for phones to read from the screen. Fails on texts that are too long for one, which an address of
//! 255 letters is not.

use qrcode::{QrCode, render::svg, types::QrError};

/// Pixels across, at least.
const SIZE: u32 = 240;

/// The text as an SVG document.
pub fn svg(text: &str) -> Result<String, QrError> {
    let code = QrCode::new(text)?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(SIZE, SIZE).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_address_fits() {
        let uri = format!("otpauth://totp/x:{}?secret={}&issuer=x", "%40".repeat(255), "A".repeat(32));
        let svg = svg(&uri).unwrap();
        assert!(svg.contains("<svg") && svg.ends_with("</svg>"), "{svg}");
    }
}
