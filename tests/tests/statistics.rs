//! The statistics of `domain` against SciPy, over some hundred cases of every size.

use domain::statistics::{
    Arm, beta_distribution, erfc, ln_beta, newcombe, normal_distribution, normal_quantile, probability_best, wilson,
    z_test,
};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Cases, the same every time.
const CASES: u64 = 300;

struct Case {
    z: f64,
    p: f64,
    a: f64,
    b: f64,
    confidence: f64,
    arms: Vec<(u64, u64)>,
}

/// Numbers that look random (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of every order of magnitude up to that power of ten.
    fn size(&mut self, power: f64) -> u64 {
        format!("{:.0}", 10_f64.powf(self.share() * power)).parse().expect("a whole number")
    }

    fn case(&mut self) -> Case {
        let arms = (0..2 + self.next() % 3).map(|_| {
            let trials = self.size(5.0);
            (self.next() % (trials + 1), trials)
        });
        let arms = arms.collect();
        Case {
            z: self.share() * 16.0 - 8.0,
            p: self.share(),
            a: 10_f64.powf(self.share() * 6.0 - 1.0),
            b: 10_f64.powf(self.share() * 6.0 - 1.0),
            confidence: 0.5 + self.share() * 0.499,
            arms,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the peer is where setting up puts it, below the user's cache")]
fn scipy(cases: &[Case]) -> Vec<Value> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let version = std::fs::read_to_string(here.join("scipy.version")).expect("a version");
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).expect("a home");
    let python = cache.join(format!("renewals-scipy-{}", version.trim())).join("bin/python");
    assert!(python.exists(), "{} is not there: scripts/setup --for test installs it", python.display());
    let asked: Vec<Value> = (cases.iter())
        .map(|case| json!({"z": case.z, "p": case.p, "a": case.a, "b": case.b, "confidence": case.confidence, "arms": case.arms}))
        .collect();
    let mut process = Command::new(python)
        .arg(here.join("peers/scipy/statistics.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = process.stdin.take().expect("an input");
    let text = serde_json::to_vec(&asked).expect("cases");
    let writer = std::thread::spawn(move || input.write_all(&text).expect("Python reads"));
    let answer = process.wait_with_output().expect("an answer");
    writer.join().expect("all was read");
    assert!(answer.status.success());
    serde_json::from_slice(&answer.stdout).expect("answers")
}

#[test]
fn the_same_as_scipy() {
    let mut numbers = Numbers(2026);
    let cases: Vec<Case> = (0..CASES).map(|_| numbers.case()).collect();
    let answers = scipy(&cases);
    assert_eq!(answers.len(), cases.len());
    let mut worst: Vec<(&str, f64)> = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let arms: Vec<Arm> = case.arms.iter().map(|(successes, trials)| Arm::new("", *trials, *successes)).collect();
        let (alone, both) = (wilson(&arms[0], case.confidence), newcombe(&arms[0], &arms[1], case.confidence));
        let mut pairs = vec![
            ("normal", normal_distribution(case.z), &answer["normal"], 1e-12),
            ("tail", erfc(case.z.abs()), &answer["tail"], 1e-11),
            ("quantile", normal_quantile(case.p), &answer["quantile"], 1e-11),
            // SciPy's is the difference of larger numbers
            ("lnBeta", ln_beta(case.a, case.b), &answer["lnBeta"], 1e-9),
            ("beta", beta_distribution(case.a, case.b, case.p), &answer["beta"], 1e-8),
            ("wilson", alone.low, &answer["wilson"][0], 1e-11),
            ("wilson", alone.high, &answer["wilson"][1], 1e-11),
            ("newcombe", both.low, &answer["newcombe"][0], 1e-10),
            ("newcombe", both.high, &answer["newcombe"][1], 1e-10),
            ("pValue", z_test(&arms[0], &arms[1]).p_value, &answer["pValue"], 1e-9),
        ];
        let best = probability_best(&arms);
        pairs.extend(best.iter().enumerate().map(|(at, share)| ("best", *share, &answer["best"][at], 1e-8)));
        for (name, ours, theirs, allowed) in pairs {
            let theirs = theirs.as_f64().unwrap_or_else(|| panic!("{name}: {answer}"));
            // relative to large values, absolute for small ones: a p-value of 1e-300 is zero to both
            let error = (ours - theirs).abs() / theirs.abs().max(1.0);
            if error > allowed {
                worst.push((name, error));
                eprintln!(
                    "{name}: ours {ours}, SciPy's {theirs}: {:?} {:?} {} {}",
                    case.arms, case.confidence, case.a, case.b
                );
            }
        }
    }
    assert!(worst.is_empty(), "{worst:?}");
}
