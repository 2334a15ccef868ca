//! Choosing a password: whether it will do, and its hash.
//!
//! Estimating how many guesses it takes (zxcvbn), and comparing it with earlier ones, takes as long as hashing: all of it
//! runs off the async threads. A password that will not do is [`ChoiceError::Weak`], for whoever chose it.

use super::password::{Hashing, PasswordError};
use domain::password::{Person, Weakness, check_length};
use secrecy::{ExposeSecret, SecretString};
use zxcvbn::{Score, zxcvbn};

/// A password was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// It will not do.
    #[error("the password {0}")]
    Weak(#[from] Weakness),
    /// It could not be checked or hashed.
    #[error(transparent)]
    Failed(#[from] PasswordError),
}

/// Whether somebody may choose that password. Takes milliseconds.
pub fn check(password: &str, person: &Person<'_>) -> Result<(), Weakness> {
    check_length(password)?;
    let mut guesses = person.guesses();
    let estimate = zxcvbn(password, &guesses.iter().map(String::as_str).collect::<Vec<_>>());
    if estimate.score() >= Score::Three {
        // what is known of a person adds nothing: the rest has to do without it
        guesses.sort_unstable_by_key(|guess| std::cmp::Reverse(guess.len()));
        let whole = password.to_lowercase();
        let rest = guesses.iter().fold(whole.clone(), |rest, guess| rest.replace(guess.as_str(), ""));
        if rest == whole || zxcvbn(&rest, &[]).score() >= Score::Three {
            return Ok(());
        }
        return Err(Weakness::Guessable(Some("it is made of names and words that others know".to_owned())));
    }
    let warning = estimate.feedback().and_then(|feedback| feedback.warning());
    Err(Weakness::Guessable(warning.map(|warning| warning.to_string())))
}

impl Hashing {
    /// The hash of a password that somebody chooses; `earlier` are the hashes of those that they may not choose again.
    pub async fn choose(
        &self,
        password: &SecretString,
        person: &Person<'_>,
        earlier: Vec<String>,
    ) -> Result<String, ChoiceError> {
        // before anything is estimated: that takes longer, the longer it is
        check_length(password.expose_secret())?;
        let (email, first, last) = (person.email.to_owned(), person.first_name.to_owned(), person.last_name.to_owned());
        let chosen = password.clone();
        let verdict = self
            .off_thread(move |_| {
                let person = Person { email: &email, first_name: &first, last_name: &last };
                if let Err(weakness) = check(chosen.expose_secret(), &person) {
                    return Ok(Err(weakness));
                }
                for hash in &earlier {
                    if super::password::matches(chosen.expose_secret(), hash)? {
                        return Ok(Err(Weakness::UsedBefore));
                    }
                }
                Ok(Ok(()))
            })
            .await?;
        verdict?;
        Ok(self.hash(password).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASHA: Person<'_> = Person { email: "asha.rao@example.com", first_name: "Asha", last_name: "Rao" };

    #[test]
    fn what_everybody_or_an_acquaintance_would_try_is_refused() {
        for weak in [
            "password1234",
            "aaaaaaaaaaaaaaaa",
            "123456789012",
            "qwertyuiop12",
            "asharao12345",
            "Asha.Rao@example.com",
            "Intelipro2026",
            "renewals1234",
        ] {
            assert!(matches!(check(weak, &ASHA), Err(Weakness::Guessable(_))), "{weak}");
        }
        for strong in ["correct horse battery staple", "q9#vLm2!xZr7", "lamp otter violin 48 gravel"] {
            assert_eq!(check(strong, &ASHA), Ok(()), "{strong}");
        }
    }

    #[tokio::test]
    async fn an_earlier_password_is_refused() {
        let hashing = Hashing::default();
        let chosen = SecretString::from("lamp otter violin 48 gravel");
        let hash = hashing.choose(&chosen, &ASHA, Vec::new()).await.unwrap();
        let again = hashing.choose(&chosen, &ASHA, vec![hash]).await.unwrap_err();
        assert!(matches!(again, ChoiceError::Weak(Weakness::UsedBefore)), "{again}");
    }
}
