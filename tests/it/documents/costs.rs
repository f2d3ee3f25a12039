//! The README's table of costs agrees with its formula.

use super::files::read;

/// Yen for a dollar, as the README assumes.
const YEN: f64 = 150.0;
/// Tokens of a prompt and of an answer, as the README assumes.
const TOKENS: [f64; 2] = [2_800.0, 500.0];
/// Dollars for a million tokens of prompts and of answers.
const DEFAULT_MODEL: [f64; 2] = [0.75, 4.5];
const CHEAP_MODEL: [f64; 2] = [0.1, 0.5];

#[test]
fn the_readmes_costs_follow_from_its_formula() {
    let readme = read("README.md");
    for answers in [1_000.0, 10_000.0, 100_000.0] {
        for (prices, yen_of_line) in [(DEFAULT_MODEL, plan(answers)), (CHEAP_MODEL, 0.0)] {
            let row = row(answers, prices, yen_of_line);
            assert!(readme.contains(&row), "the README has no row: {row}");
        }
    }
}

/// Returns the price in yen of LINE's plan in Japan for this number of pushes.
fn plan(pushes: f64) -> f64 {
    match pushes {
        ..=200.0 => 0.0,
        ..=5_000.0 => 5_000.0,
        _ => 15_000.0 + 3.0 * (pushes - 30_000.0).max(0.0),
    }
}

/// Returns a row of the table: its sum adds the rounded amounts beside it.
fn row(answers: f64, prices: [f64; 2], yen_of_line: f64) -> String {
    let model = answers * (TOKENS[0] * prices[0] + TOKENS[1] * prices[1]) / 1e6;
    let aws = 1.6 + answers * 0.000_113;
    let dollars = [model, yen_of_line / YEN, aws].map(|amount| (amount * 100.0).round() / 100.0);
    let yen = [model * YEN, yen_of_line, aws * YEN].map(|amount| (amount + 1e-6).round());
    let cells = (yen.into_iter().zip(dollars)).chain([(yen.iter().sum(), dollars.iter().sum())]);
    let cells: Vec<_> =
        cells.map(|(yen, dollars)| format!("¥{} (${})", grouped(yen, 0), grouped(dollars, 2))).collect();
    format!("| {} | {} |", grouped(answers, 0), cells.join(" | "))
}

/// Formats a number with commas between its thousands.
fn grouped(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}
