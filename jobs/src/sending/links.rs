//! Links of ours in mails: who stops further messages, and what is watched.

use super::letter::SafeLinks;
use domain::messaging::Correlation;

/// No links: what a process has that mails nobody.
#[derive(Debug, Clone, Copy)]
pub struct NoLinks;

impl SafeLinks for NoLinks {
    fn unsubscribe(&self, _message: Correlation) -> Option<String> {
        None
    }

    fn tracked(&self, _message: Correlation, html: String) -> String {
        html
    }
}
